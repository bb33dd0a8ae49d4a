"""A vehicle that lies about its charge, as triage tells of it."""

from dataclasses import replace
from functools import lru_cache

import pytest

from voltherd.detection.engine import init, step
from voltherd.detection.verdict import Alarm, Verdict
from voltherd.sim.fleet import fleet_spec, simulate
from voltherd.triage.findings import findings
from voltherd.triage.words import summary
from voltherd.types.asset import Chemistry
from voltherd.types.event import LocationKind, Phenomenon, Severity
from voltherd.units import SECOND_PER_DAY

pytestmark = pytest.mark.long


@lru_cache
def followed(faults, days=8, known=True, chemistry=Chemistry.NMC):
    spec = fleet_spec(vehicles=1, days=days, seed=4, faults=faults, chemistry=((chemistry, 1.0),))
    state = None
    for day in simulate(spec):
        batch, asset = day.batch, day.vehicle if known else None
        state = state or init(batch.vehicle_id, batch.cells, batch.probes, asset=asset)
        state = step(state, batch)
    return spec, state


def of_gauge(state):
    """Give what is said of anything but how the vehicle is charged."""
    return [f for f in findings(state) if f.phenomenon is not Phenomenon.LITHIUM_PLATING]


def test_a_gauge_off_by_twelve_points_is_one_finding_with_interval_plot_and_what_to_do():
    spec, state = followed("soc_misreported:12%@day=4")
    [finding] = of_gauge(state)
    assert finding.phenomenon is Phenomenon.SOC_MISREPORTED
    assert finding.severity is Severity.RECOMMENDED
    assert (finding.location.kind, finding.location.channel) == (
        LocationKind.CHANNEL,
        "soc_fraction",
    )
    assert "The reported state of charge shows 1" in finding.summary
    assert "points more than it used to at the same resting voltage" in finding.summary
    shown = finding.evidence[0]
    assert shown.unit == "points"
    assert shown.low < 12.0 < shown.high
    assert [name for name, _ in shown.plot.series] == ["reported", "by voltage"]
    assert {len(values) for _, values in shown.plot.series} == {len(shown.plot.x)}
    assert "NMC curve" in shown.basis
    day = (finding.onset_second - spec.start_second) / SECOND_PER_DAY
    assert day == pytest.approx(3.0, abs=0.6)
    assert finding.onset_second <= finding.raised_second
    assert "current sensor" in finding.action
    context = {each.name: each for each in finding.evidence}
    assert abs(context["current at rest"].value) < 1.0
    assert "rated 150 Ah" in context["capacity as current and reading tell it"].basis


def test_a_frozen_gauge_is_told_by_the_charge_that_moved_under_it():
    _, state = followed("soc_misreported:frozen@day=3", days=5)
    [finding] = of_gauge(state)
    assert "has stood at" in finding.summary
    assert finding.severity is Severity.RECOMMENDED
    assert finding.evidence[0].value > 12.0


def test_a_drifting_gauge_says_how_fast():
    _, state = followed("soc_misreported:1.5%/day@day=2", days=12)
    [finding] = of_gauge(state)
    assert "points further each day" in finding.summary
    assert "growing by" in finding.trend
    per_day = next(e for e in finding.evidence if e.unit == "points per day")
    assert per_day.value == pytest.approx(1.5, abs=0.5)


def test_an_honest_gauge_is_no_finding_whether_the_chemistry_is_known_or_not():
    for known in (True, False):
        assert findings(followed("none", known=known)[1]) == ()


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ({"offset": -0.18, "offset_half": 0.08}, "lies 18 points below what the resting cells'"),
        ({"jump": -0.12, "since_second": 0.0}, "jumped by −12 points while next to nothing"),
        ({"pinned": 0.13, "pinned_soc": 1.0, "pinned_ah": 13.0}, "it says full too early"),
        ({"pinned": 0.13, "pinned_soc": 0.0, "pinned_ah": 13.0}, "it says empty too early"),
    ],
)
def test_every_witness_speaks_plainly(numbers, words):
    _, state = followed("soc_misreported:12%@day=4")
    [finding] = of_gauge(state)
    [alarm] = [a for a in state.book.values() if a.verdict.cause == "soc_report"]
    verdict: Verdict = replace(alarm.verdict, numbers=numbers)
    told: Alarm = replace(alarm, verdict=verdict)
    assert words in summary(finding, told, singled=False)
