"""What detectors raised becomes evidence of the right kind, at the right place."""

import pytest

from voltherd.detection import (
    cell_step,
    contact,
    current_bias,
    freeze,
    glitch,
    heating,
    impact,
    insulation,
    jump,
    plating,
    probe_step,
    replay,
    swap,
)
from voltherd.detection.engine import init
from voltherd.detection.verdict import Verdict, note
from voltherd.triage.cause_evidence import observed
from voltherd.triage.cause_sight import Sight
from voltherd.triage.causes import causes_of
from voltherd.triage.findings import UNCAUSED, findings
from voltherd.types.event import Cause, Location, LocationKind, Phenomenon, Severity

CELL = Location(kind=LocationKind.CELL, index=5, cells=(5,))
PROBE = Location(kind=LocationKind.PROBE, index=2)
PACK = Location(kind=LocationKind.PACK)
MODULE = Location(kind=LocationKind.MODULE, index=1, cells=(1, 2, 3), indices=(1, 2))
CURRENT = Location(kind=LocationKind.CHANNEL, channel=current_bias.CHANNEL)
SECOND = 1.7e9


def raised(*spoken, state=None):
    """Give a detection whose book holds alarms: cause, phenomenon, place, numbers."""
    verdicts = [
        Verdict(
            cause=cause,
            phenomenon=phenomenon,
            location=place,
            severity=Severity.RECOMMENDED,
            score=9.0,
            persistence=1,
            numbers=numbers,
        )
        for cause, phenomenon, place, numbers in spoken
    ]
    state = state or init("v", 12, 6)
    return state._replace(book=note(state.book, verdicts, SECOND, ()))


P = Phenomenon
SHOWN = [
    ("jumped", cell_step.CAUSE, P.SENSOR_BIAS, CELL),
    ("frozen", freeze.CAUSE, P.SENSOR_STUCK, CELL),
    ("spikes", glitch.CAUSE, P.SENSOR_SPIKES, CELL),
    ("exchanged", swap.CAUSE_AT_ONCE, P.CHANNEL_SWAP, CELL),
    ("follows", contact.CAUSE, P.CONTACT_RESISTANCE, CELL),
    ("stepped", probe_step.CAUSE, P.SENSOR_BIAS, PROBE),
    ("smoulders", heating.CAUSE, P.SELF_HEATING, PROBE),
    ("glows", heating.CAUSE, P.JOINT_HEATING, PROBE),
    ("zone", heating.ZONE_CAUSE, P.COOLING_BLOCKED, MODULE),
    ("biased", current_bias.CAUSE, P.SENSOR_BIAS, CURRENT),
]


@pytest.mark.parametrize(("name", "cause", "phenomenon", "place"), SHOWN)
def test_an_alarm_is_seen_as_evidence_at_its_place_and_nowhere_else(name, cause, phenomenon, place):
    seen = observed(Sight(raised((cause, phenomenon, place, {"volt": 0.01})), place, SECOND))
    assert seen[name] is True
    calm = observed(Sight(init("v", 12, 6), place, SECOND))
    assert calm[name] is None  # nothing was looked at, so nothing is said to be absent


def test_a_step_while_the_record_is_replayed_is_an_attack():
    step = (jump.CAUSE, P.SENSOR_BIAS, CELL, {"volt": 0.02})
    alone = causes_of(Sight(raised(step), CELL, SECOND))
    assert alone.ranked[0].cause is Cause.SENSOR
    both = raised(step, (replay.REPLAY, P.DATA_TAMPERED, PACK, {}))
    for place, phenomenon in ((CELL, P.SENSOR_BIAS), (PACK, P.DATA_TAMPERED)):
        found = causes_of(Sight(both, place, SECOND, phenomenon))
        assert found.told and found.ranked[0].cause is Cause.TAMPERING


def test_findings_of_one_pack_do_not_lend_each_other_their_causes():
    state = raised(
        (insulation.CAUSE, P.INSULATION_LOW, PACK, {}),
        (plating.CAUSE, P.LITHIUM_PLATING, PACK, {"rests": 2.0}),
    )
    first = {
        phenomenon: causes_of(Sight(state, PACK, SECOND, phenomenon))
        for phenomenon in (P.INSULATION_LOW, P.LITHIUM_PLATING)
    }
    assert first[P.INSULATION_LOW].ranked[0].cause is Cause.INGRESS
    assert first[P.LITHIUM_PLATING].ranked[0].cause is Cause.PLATING
    named = {each.cause for each in first[P.LITHIUM_PLATING].ranked}
    assert Cause.INGRESS not in named


@pytest.mark.parametrize("channel", list(impact.PHENOMENA))
def test_what_the_vehicle_reports_of_itself_has_no_cause_behind_it(channel):
    place = Location(kind=LocationKind.CHANNEL, channel=channel)
    phenomenon = impact.PHENOMENA[channel]
    (found,) = findings(raised((impact.CAUSES[channel], phenomenon, place, {"code": 1.0})))
    assert found.phenomenon is phenomenon
    assert found.causes is None


def test_hot_use_borrows_no_cause_from_the_rest_of_the_pack():
    assert {P.HOT_USE, P.IMPACT, P.SELF_CHECK_FAILED} <= UNCAUSED
