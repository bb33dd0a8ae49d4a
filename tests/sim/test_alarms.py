"""False alarms and power, small enough for every run; ``voltherd bench alarms`` is the full one."""

import pytest

from voltherd.bench.alarms import poisson_upper, triaged
from voltherd.sim.fleet import fleet_spec
from voltherd.types.asset import Chemistry
from voltherd.types.event import Severity


def quiet(_):
    """Nobody watches."""


def test_a_healthy_fleet_raises_nothing_recommended(record_property):
    spec = fleet_spec(vehicles=20, days=10, seed=21)
    grave = [
        finding.summary
        for _, found in triaged(spec, quiet)
        for finding in found
        if finding.severity >= Severity.RECOMMENDED
    ]
    bound = 1000.0 * poisson_upper(0, 0.95) / (spec.vehicles * spec.days)
    record_property("false_per_1000_vehicle_days_at_most", round(bound, 1))
    assert grave == []
    assert bound == pytest.approx(15.0, abs=0.1)  # what 200 vehicle-days can bound at 95 %


@pytest.mark.parametrize(
    "fault", ["weak_cell:20%", "contact_resistance:1mohm", "sensor_stuck", "insulation_low"]
)
def test_faults_of_a_stated_size_are_all_found_at_their_place(fault):
    spec = fleet_spec(
        vehicles=4,
        days=14,
        seed=31,
        faults=f"{fault}@count=4,day=3",
        chemistry=((Chemistry.NMC, 1.0),),
    )
    by_vehicle = dict(triaged(spec, quiet))
    for planted in spec.faults:
        places = {
            (f.location.kind, f.location.index): f.raised_second
            for f in by_vehicle[f"sim-{planted.vehicle:04d}"]
        }
        where = planted.location.kind, planted.location.index
        assert where in places, (planted, places)
        assert places[where] >= planted.start_second


@pytest.mark.parametrize(("count", "bound"), [(0, 2.996), (1, 4.744), (5, 10.513)])
def test_the_bound_of_a_rate_is_the_poisson_one(count, bound):
    assert poisson_upper(count, 0.95) == pytest.approx(bound, rel=1e-3)
