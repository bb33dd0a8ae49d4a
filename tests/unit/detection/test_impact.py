"""A crash and a failed self-check, as the vehicle reports them: at once, once, at safety."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from windows_of import batch_of

from voltherd.detection import impact
from voltherd.detection.engine import init, step
from voltherd.triage.findings import findings
from voltherd.types.event import Phenomenon, Severity

ROWS, ONSET = 60, 20
BOTH = [
    ("airbag_state", Phenomenon.IMPACT, "inspect the pack"),
    ("self_check_state", Phenomenon.SELF_CHECK_FAILED, "cannot be relied upon"),
]


def quiet(**scalar):
    volt = np.full((ROWS, 12), 3.7)
    return batch_of(1.6e9 + 10.0 * np.arange(ROWS), volt, **scalar)


def with_code(channel, rows, code=1.0):
    values = np.zeros(ROWS)
    values[rows] = code
    return quiet(**{channel: values})


@pytest.mark.parametrize(("channel", "phenomenon", "words"), BOTH)
def test_a_code_is_told_in_its_second_row_at_safety(channel, phenomenon, words):
    batch = with_code(channel, slice(ONSET, None), 3.0)
    [finding] = findings(step(init("v", 12, 0), batch))
    assert finding.phenomenon is phenomenon
    assert finding.severity is Severity.SAFETY
    assert finding.raised_second == batch.unix_time_second[ONSET + 1]
    assert finding.location.channel == channel
    assert words in finding.summary
    assert "code 3" in finding.summary


@pytest.mark.parametrize(("channel", "phenomenon", "words"), BOTH)
def test_a_code_in_one_row_alone_is_a_transmission_error(channel, phenomenon, words):
    assert findings(step(init("v", 12, 0), with_code(channel, [ONSET]))) == ()


def test_what_happened_stays_told_when_the_code_is_gone():
    batch = with_code("airbag_state", slice(ONSET, ONSET + 3))
    [finding] = findings(step(init("v", 12, 0), batch))
    assert finding.phenomenon is Phenomenon.IMPACT
    assert finding.action.startswith("Inspect the pack")


@given(st.lists(st.integers(0, ROWS), max_size=5).map(sorted))
def test_the_pieces_in_which_rows_arrive_change_nothing(cuts):
    airbag = np.zeros(ROWS)
    airbag[[3, 4, 5, 20, 30, 31, 59]] = 1.0
    batch = quiet(airbag_state=airbag, self_check_state=np.arange(ROWS) % 7 // 4 * 1.0)

    def told(cuts):
        signals, found = impact.CALM, []
        for start, stop in zip([0, *cuts], [*cuts, ROWS], strict=True):
            if stop > start:
                signals, part = impact.look(signals, batch.between(start, stop))
                found += part
        return signals, sorted(found, key=lambda entry: entry[0])

    assert told(cuts) == told([])
