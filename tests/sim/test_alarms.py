"""False alarms and power, small enough for every run; ``voltherd bench alarms`` is the full one."""

import pytest

from voltherd.bench.alarms import triaged
from voltherd.numerics.counts import poisson_upper
from voltherd.sim.fleet import fleet_spec
from voltherd.types.asset import Chemistry
from voltherd.types.event import Phenomenon, Severity
from voltherd.units import SECOND_PER_DAY

pytestmark = pytest.mark.long


ABOUT_USE = (Phenomenon.LITHIUM_PLATING, Phenomenon.HOT_USE)
"""What a healthy vehicle is told of how it is charged and parked."""


def without_use(found):
    return [finding for finding in found if finding.phenomenon not in ABOUT_USE]


def quiet(_):
    """Nobody watches."""


@pytest.mark.parametrize(
    ("vehicles", "at_most"),
    [(6, 49.9), pytest.param(20, 15.0, marks=pytest.mark.nightly)],
)
def test_a_healthy_fleet_raises_nothing_recommended(vehicles, at_most, record_property):
    spec = fleet_spec(vehicles=vehicles, days=10, seed=21)
    grave = [
        finding.summary
        for _, found in triaged(spec, quiet)
        for finding in found
        if finding.severity >= Severity.RECOMMENDED
    ]
    bound = 1000.0 * poisson_upper(0, 0.95) / (spec.vehicles * spec.days)
    record_property("false_per_1000_vehicle_days_at_most", round(bound, 1))
    assert grave == []
    assert bound == pytest.approx(at_most, abs=0.1)  # what so few can bound at 95 %


@pytest.mark.parametrize(
    "fault",
    [
        "weak_cell:20%",
        pytest.param("contact_resistance:1mohm", marks=pytest.mark.nightly),
        pytest.param("sensor_stuck", marks=pytest.mark.nightly),
        pytest.param("insulation_low", marks=pytest.mark.nightly),
        "soc_misreported:-12%",
    ],
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
            if f.phenomenon not in ABOUT_USE
        }
        where = planted.location.kind, planted.location.index
        assert where in places, (planted, places)
        assert places[where] >= planted.start_second


def test_what_surrounds_the_cells_is_told_for_what_it_is_and_the_healthy_stay_quiet():
    planted = ("pack_pressure", "humidity_high", "vibration_high", "soc_misreported:12%")
    spec = fleet_spec(
        vehicles=6,
        days=8,
        seed=4,
        faults=",".join(f"{f}@vehicle={n},day=3" for n, f in enumerate(planted, start=1)),
        chemistry=((Chemistry.NMC, 1.0),),
        period_second=30.0,
    )
    found = dict(triaged(spec, quiet))
    for fault in spec.faults:
        [finding] = without_use(found[f"sim-{fault.vehicle:04d}"])
        assert finding.phenomenon is fault.phenomenon
        assert finding.location.kind is fault.location.kind
        assert 0.0 <= finding.raised_second - fault.start_second <= 4.0 * SECOND_PER_DAY
        shown = finding.evidence[0]
        assert shown.low < shown.value < shown.high
        assert finding.summary.endswith(".")
    gas, damp, shaken, _ = (without_use(found[f"sim-{n:04d}"])[0] for n in range(1, 5))
    assert gas.severity is Severity.SAFETY
    assert "kPa, as it does when a cell vents" in gas.summary
    assert "stays damp" in damp.summary
    assert "times as much as it was at the same speeds" in shaken.summary
    assert without_use(found["sim-0005"]) == without_use(found["sim-0006"]) == []


@pytest.mark.parametrize(("count", "bound"), [(0, 2.996), (1, 4.744), (5, 10.513)])
def test_the_bound_of_a_rate_is_the_poisson_one(count, bound):
    assert poisson_upper(count, 0.95) == pytest.approx(bound, rel=1e-3)
