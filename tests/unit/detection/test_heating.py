"""Heat that current, coolant and siblings do not explain, told from joints, cooling and sensors."""

import numpy as np
import pytest
from vehicles import run, vehicle

from voltherd.sim.fleet import fleet_spec
from voltherd.sim.spec import DEFAULT_LAYOUT, START_SECOND
from voltherd.triage.findings import findings
from voltherd.types.asset import Chemistry
from voltherd.types.event import LocationKind, Phenomenon, Severity
from voltherd.units import SECOND_PER_DAY

BUSY = 12  # seed whose one vehicle drives for hours every day
BEGUN = START_SECOND + 3.0 * SECOND_PER_DAY


def found(faults, layout=DEFAULT_LAYOUT, **options):
    batch = vehicle(faults, **{"days": 7, "seed": BUSY, **options})
    return batch, findings(run(batch, layout=layout))


def of(phenomenon, findings):
    return [f for f in findings if f.phenomenon is phenomenon]


def test_a_place_that_heats_by_itself_is_named_long_before_it_is_hot():
    batch, told = found("self_heating:12W@vehicle=1,day=4,growth=6,probe=5")
    [finding] = of(Phenomenon.SELF_HEATING, told)
    assert (finding.location.kind, finding.location.index) == (LocationKind.PROBE, 5)
    assert finding.severity is Severity.RECOMMENDED
    assert finding.raised_second > BEGUN
    before = batch.unix_time_second <= finding.raised_second
    assert batch.probe_temperature_celsius[before].max() < 45.0
    shown = finding.evidence[0]
    assert shown.low < shown.value < shown.high
    assert "heats by itself" in finding.summary


def test_heat_that_goes_with_the_square_of_the_current_is_a_joint():
    _, told = found("joint_heating:3mohm@vehicle=1,day=4,probe=5")
    [finding] = [f for f in told if f.location.index == 5]
    assert finding.phenomenon is Phenomenon.JOINT_HEATING
    assert finding.raised_second > BEGUN


@pytest.mark.parametrize("layout", [DEFAULT_LAYOUT, None], ids=["layout", "no layout"])
def test_a_module_whose_cooling_fails_is_one_finding(layout):
    _, told = found("cooling_blocked:85%@vehicle=1,day=4,module=3", layout=layout)
    [finding] = of(Phenomenon.COOLING_BLOCKED, told)
    assert not of(Phenomenon.SELF_HEATING, told)
    if layout is None:
        assert set(finding.location.indices) >= {7, 8, 9}
    else:
        assert (finding.location.kind, finding.location.index) == (LocationKind.MODULE, 3)
        assert finding.location.cells == tuple(range(25, 37))
    assert finding.raised_second > BEGUN


def test_a_probe_that_jumps_is_no_heat():
    _, told = found("temperature_outlier:9K@vehicle=1,day=4.4,probe=5")
    heat = (Phenomenon.SELF_HEATING, Phenomenon.JOINT_HEATING, Phenomenon.COOLING_BLOCKED)
    assert not [f for f in told if f.phenomenon in heat]


@pytest.mark.parametrize("chemistry", [Chemistry.NCA, Chemistry.LFP])
def test_other_chemistries_are_followed_as_well(chemistry):
    _, told = found("self_heating:25W@vehicle=1,day=4,probe=20", chemistry=chemistry)
    [finding] = of(Phenomenon.SELF_HEATING, told)
    assert finding.location.index == 20


@pytest.mark.long
@pytest.mark.parametrize("vehicles", [4, pytest.param(12, marks=pytest.mark.nightly)])
@pytest.mark.parametrize(
    ("start_second", "period_second"),
    [(START_SECOND, 10.0), (START_SECOND + 120 * SECOND_PER_DAY, 30.0), (1_767_600_000.0, 30.0)],
    ids=["spring at 10 s", "summer at 30 s", "winter at 30 s"],
)
def test_the_healthy_stay_unnamed(start_second, period_second, vehicles):
    from voltherd.bench.alarms import triaged

    spec = fleet_spec(
        vehicles=vehicles,
        days=10,
        seed=8,
        start_second=start_second,
        period_second=period_second,
    )
    heat = (Phenomenon.SELF_HEATING, Phenomenon.JOINT_HEATING, Phenomenon.COOLING_BLOCKED)
    told = [f for _, found in triaged(spec, lambda _: None) for f in found]
    assert not [f.summary for f in told if f.phenomenon in heat]


def test_probes_in_whole_degrees_of_which_some_are_dead_are_enough():
    batch = vehicle("self_heating:30W@vehicle=1,day=4,probe=5", days=7, seed=BUSY)
    celsius = np.round(batch.probe_temperature_celsius)
    celsius[:, 9:17] = np.nan
    from dataclasses import replace

    told = findings(run(replace(batch, probe_temperature_celsius=celsius), layout=DEFAULT_LAYOUT))
    [finding] = of(Phenomenon.SELF_HEATING, told)
    assert finding.location.index == 5
