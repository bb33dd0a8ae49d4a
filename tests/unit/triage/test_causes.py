"""Root causes: the right one from clear evidence, what speaks against it, what would decide."""

import pytest

from voltherd.triage.cause_checks import CHECKS
from voltherd.triage.cause_counts import COUNTS, HEALTHY
from voltherd.triage.cause_network import CAUSES, ROWS, network
from voltherd.triage.cause_table import PRIOR, TOLD
from voltherd.triage.causes import weighed
from voltherd.triage.frequent import most_frequent
from voltherd.types.asset import Vehicle
from voltherd.types.event import (
    Cause,
    Causes,
    Finding,
    Location,
    LocationKind,
    Phenomenon,
    PossibleCause,
    Severity,
)

CELL, PROBE, PACK = LocationKind.CELL, LocationKind.PROBE, LocationKind.PACK
CHANNEL, MODULE = LocationKind.CHANNEL, LocationKind.MODULE

CLEAR = [
    ({"follows": True, "apart": False}, CELL, Cause.CONTACT),
    ({"apart": True, "swings": True, "constant": False, "leaks": False}, CELL, Cause.WEAK_CELL),
    ({"frozen": True, "leaks": None}, CELL, Cause.SENSOR),
    ({"exchanged": True}, CELL, Cause.SENSOR),
    ({"strays": True, "alone": True, "cold": True}, PROBE, Cause.SENSOR),
    ({"strays": True, "alone": False, "cold": False}, PROBE, Cause.COOLING),
    ({"leaky": True, "damp": True}, PACK, Cause.INGRESS),
    ({"wide": True, "constant": False, "climbs": False}, PACK, Cause.IMBALANCE),
    ({"astray": True, "company": False}, CHANNEL, Cause.SENSOR),
    ({"leaks": True, "low": True, "constant": False}, CELL, Cause.INTERNAL_SHORT),
    ({"glows": True, "smoulders": False, "zone": False}, PROBE, Cause.CONTACT),
    ({"zone": True, "warm": True}, MODULE, Cause.COOLING),
    ({"strays": True, "stepped": True, "smoulders": False, "glows": False}, PROBE, Cause.SENSOR),
    ({"biased": True, "forged": False}, CHANNEL, Cause.SENSOR),
    ({"dosed": True, "shoulder": True}, PACK, Cause.PLATING),
    ({"forged": True}, PACK, Cause.TAMPERING),
    ({"jumped": True, "constant": True, "forged": True}, CELL, Cause.TAMPERING),
    ({"stepped": True, "strays": True, "forged": True}, PROBE, Cause.TAMPERING),
]


@pytest.mark.parametrize(("seen", "kind", "cause"), CLEAR, ids=lambda v: str(v)[:30])
def test_clear_evidence_names_its_cause(seen, kind, cause):
    found = weighed(seen, kind)
    assert found.told
    assert found.ranked[0].cause is cause
    assert found.ranked[0].supporting


def test_at_most_three_are_told_the_most_probable_first():
    for seen, kind, _ in CLEAR:
        shares = [each.probability for each in weighed(seen, kind).ranked]
        assert 0 < len(shares) <= 3
        assert shares == sorted(shares, reverse=True)
        assert all(0.0 <= share <= 1.0 for share in shares)


def test_a_dose_of_plating_without_its_shoulder_cannot_be_told_yet():
    for shoulder in (None, False):
        found = weighed({"dosed": True, "shoulder": shoulder}, PACK)
        assert not found.told
        assert found.ranked[0].cause is Cause.PLATING


def test_nothing_seen_names_nothing():
    found = weighed({"apart": None, "leaks": False}, CELL)
    assert found == Causes(ranked=(), told=False, unexplained=1.0)


def test_a_fleet_that_knows_better_is_heard():
    seen = {"leaks": True, "low": True}
    plain = weighed(seen, CELL)
    known = weighed(seen, CELL, {Cause.SWITCH: 0.2})
    assert plain.ranked[0].cause is Cause.INTERNAL_SHORT
    assert known.ranked[0].cause is Cause.SWITCH


def test_what_speaks_against_the_first_is_said():
    found = weighed({"apart": True, "constant": True, "leaks": True, "low": True}, CELL)
    assert any(each.opposing for each in found.ranked)


def test_a_short_and_a_bleeding_switch_are_decided_with_the_harness_unplugged():
    found = weighed({"leaks": True, "low": True, "constant": False}, CELL)
    assert {each.cause for each in found.ranked[:2]} == {Cause.INTERNAL_SHORT, Cause.SWITCH}
    assert "harness" in found.decide or "contactors" in found.decide


def test_a_settled_case_needs_no_test():
    seen = {"frozen": True, "spikes": True, "apart": True, "jumped": True, "constant": True}
    assert weighed({**seen, "company": False}, CELL).decide == ""


def test_what_is_missing_can_be_had_in_the_data():
    found = weighed({"apart": True}, CELL)
    assert not found.told or found.ranked[0].probability < 0.99
    assert set(found.missing) <= {row.find for row in TOLD}
    assert found.missing


def test_the_table_is_whole():
    names = [row.name for row in ROWS]
    assert len(set(names)) == len(names)
    assert set(PRIOR) == set(Cause)
    links = network().link
    assert ((links >= 0.0) & (links < 1.0)).all()
    assert all(row.find for row in CHECKS)
    for cause in CAUSES:  # every cause can be seen, and decided by some check
        assert any(row.links.get(cause, 0.0) > 0.1 for row in TOLD)
        assert any(row.links.get(cause, 0.0) > 0.5 for row in CHECKS)


def test_what_was_counted_belongs_to_the_table():
    assert set(COUNTS) <= {cause.value for cause in Cause}
    for counted in (*COUNTS.values(), HEALTHY):
        assert set(counted) <= {row.name for row in TOLD}
        assert all(0 <= seen <= looked for seen, looked in counted.values())


def told(vehicle, cause, probability=0.9, sure=True):
    causes = Causes(
        ranked=(PossibleCause(cause=cause, probability=probability),), told=sure, unexplained=0.0
    )
    return Finding(
        vehicle_id=vehicle,
        location=Location(kind=CELL, index=1, cells=(1,)),
        phenomenon=Phenomenon.CELL_OUTLIER,
        severity=Severity.OPERATING,
        raised_second=0.0,
        onset_second=0.0,
        last_seen_second=0.0,
        confidence=0.9,
        trend="",
        summary="s",
        action="a",
        confirm="c",
        causes=causes,
    )


def test_frequent_causes_are_counted_by_fleet_model_and_site():
    findings = [
        told("a", Cause.SENSOR),
        told("a", Cause.SENSOR),
        told("b", Cause.CONTACT, 0.8),
        told("c", Cause.CONTACT, 0.4, sure=False),
    ]
    assets = {name: Vehicle(vehicle_id=name, model="bus") for name in "ab"}
    counts = most_frequent(findings, assets, {"b": "north"})
    fleet = [(c.cause, c.findings, c.vehicles) for c in counts if c.by == "fleet"]
    assert fleet == [(Cause.SENSOR, 2, 1), (Cause.CONTACT, 1, 1), (None, 1, 1)]
    assert {c.vehicles_with_findings for c in counts if c.by == "fleet"} == {3}
    contact = next(c for c in counts if c.by == "fleet" and c.cause is Cause.CONTACT)
    assert contact.expected == pytest.approx(1.2)  # the doubtful one enters by its share
    assert [(c.group, c.cause) for c in counts if c.by == "model"] == [
        ("bus", Cause.SENSOR),
        ("bus", Cause.CONTACT),
    ]
    assert [(c.group, c.cause, c.findings) for c in counts if c.by == "site"] == [
        ("north", Cause.CONTACT, 1)
    ]


def test_no_findings_have_no_causes():
    assert most_frequent([]) == ()
