"""Sensor, attack or event: what signs say together."""

from itertools import combinations

import pytest

from voltherd.detection import parity, replay
from voltherd.triage.origin import ALONE, FOLLOWS, PRIOR, TABLE, weighed
from voltherd.types.event import Phenomenon


def test_no_sign_leaves_what_was_thought_before():
    assert weighed([]) == pytest.approx(PRIOR)


@pytest.mark.parametrize(
    ("signs", "word"),
    [
        ([Phenomenon.SENSOR_STUCK], "sensor"),
        ([Phenomenon.SENSOR_BIAS, ALONE], "sensor"),
        ([Phenomenon.SENSOR_BIAS, FOLLOWS], "event"),
        ([Phenomenon.THERMAL_RUNAWAY, Phenomenon.INSULATION_LOW], "event"),
        ([replay.REPLAY], "attack"),
        ([parity.CAUSE, Phenomenon.PACK_VOLTAGE_MISMATCH], "attack"),
    ],
)
def test_signs_name_their_origin(signs, word):
    assert weighed(signs).word == word


def test_probabilities_are_such_whatever_is_seen():
    for pair in combinations(TABLE, 2):
        told = weighed(pair)
        assert sum(told) == pytest.approx(1.0)
        assert min(told) >= 0.0
        assert told == weighed(pair[::-1])
