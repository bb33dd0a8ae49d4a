"""Events that repeat: bounded, counted, and the last state told."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from voltherd.edge.chatter import AT_ONCE, REGAIN_SECOND, Chatter
from voltherd.types.event import Severity
from voltherd.types.record import EdgeEvent

EVENT = EdgeEvent(unix_time_second=1.0, code="bus.silent", severity=Severity.OPERATING)


def test_a_flood_is_told_some_times_then_once_in_a_while_and_counted():
    chatter, told = Chatter(), []
    for second in range(86_400):
        event = chatter.admit(EVENT, float(second))
        told += [event] if event else []
        told += chatter.due(float(second))
    assert len(told) <= AT_ONCE[Severity.OPERATING] + 86_400 / REGAIN_SECOND + 1
    assert len(told) >= 86_400 / REGAIN_SECOND
    left_out = sum(int(e.text.split("(")[1].split()[0]) for e in told if "(" in e.text)
    assert abs(len(told) + left_out - 86_400) <= REGAIN_SECOND


def test_a_safety_alarm_is_not_silenced_by_chatter_of_its_code():
    chatter = Chatter()
    for _ in range(1000):
        chatter.admit(EVENT, 0.0)
    alarm = replace(EVENT, severity=Severity.SAFETY)
    assert chatter.admit(alarm, 0.0) == alarm
    assert chatter.admit(replace(EVENT, code="other"), 0.0) is not None


def test_answers_to_commands_are_always_told():
    chatter = Chatter()
    answer = replace(EVENT, correlation_id="c1")
    assert all(chatter.admit(answer, 0.0) for _ in range(1000))


@given(st.lists(st.tuples(st.floats(0.0, 50.0), st.booleans()), min_size=1, max_size=300))
def test_the_last_state_is_told_in_the_end(steps):
    chatter, now, told = Chatter(), 0.0, []
    for wait, raised in steps:
        now += wait
        event = chatter.admit(replace(EVENT, raised=raised), now)
        told += [event] if event else []
        told += chatter.due(now)
    told += chatter.due(now + REGAIN_SECOND)
    assert told[-1].raised is steps[-1][1]
