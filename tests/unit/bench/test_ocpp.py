"""The throughput benchmark measures all it says it does, against a peer that really answers."""

import pytest

from voltherd.bench.ocpp import measure, measure_profiles

pytestmark = pytest.mark.long


def test_ours_and_the_peer_take_the_same_messages():
    table = measure(messages=200, rounds=1, stations=10)
    names = {name for _, name in table.per_cpu_second}
    assert len(table.per_cpu_second) == 8 and len(names) == 4
    assert all(speed > 0.0 for speed in table.per_cpu_second.values())
    assert all(ratio > 1.0 for ratio in table.ratios.values()), "the peer validates as we do"


def test_every_station_gets_its_profile_and_holds_it():
    table = measure_profiles(stations=10, heartbeats=20)
    assert table.verdicts == {"accepted": 10}
    assert 0.0 < table.answer_second_median <= table.answer_second_p99
