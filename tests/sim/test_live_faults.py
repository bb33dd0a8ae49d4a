"""What the living fleet hides is told from its history: each fault by its name, at its place."""

import pytest

from voltherd.detection.engine import init, step
from voltherd.sim.fleet import fleet_spec, simulate
from voltherd.triage.findings import findings
from voltherd.types.event import Finding, Severity

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def spec():
    """The demo's fleet, sampled as its history is."""
    return fleet_spec(
        vehicles=20, days=14, seed=1, faults="live", period_second=30.0, charge_period_second=60.0
    )


@pytest.fixture(scope="module")
def found(spec) -> dict[int, tuple[Finding, ...]]:
    states = {}
    for day in simulate(spec, only=sorted({fault.vehicle for fault in spec.faults})):
        name = day.vehicle.vehicle_id
        state = states.get(day.number) or init(name, day.batch.cells, day.batch.probes)
        states[day.number] = step(state, day.batch)
    return {number: findings(state) for number, state in states.items()}


def test_six_faults_hide_in_six_vehicles(spec):
    assert len({fault.vehicle for fault in spec.faults}) == len(spec.faults) == 6


def test_each_is_found_under_its_name_at_its_place(spec, found):
    for fault in spec.faults:
        told = {(f.phenomenon, f.location.index) for f in found[fault.vehicle]}
        assert (fault.phenomenon, fault.location.index) in told, fault.phenomenon


def test_none_is_told_before_it_began(spec, found):
    for fault in spec.faults:
        for finding in found[fault.vehicle]:
            if finding.severity >= Severity.RECOMMENDED:
                assert finding.raised_second > fault.start_second


def test_the_vehicle_that_lies_has_a_sound_battery(spec, found):
    [lie] = [fault for fault in spec.faults if fault.phenomenon == "soc_misreported"]
    told = {f.phenomenon for f in found[lie.vehicle] if f.severity >= Severity.RECOMMENDED}
    assert told == {lie.phenomenon}
