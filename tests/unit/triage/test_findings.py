"""Findings on simulated vehicles: merged per cause, worded, complete."""

from functools import lru_cache

import numpy as np
import pytest

from voltherd.detection.engine import init, step
from voltherd.sim.fleet import fleet_spec, simulate
from voltherd.triage.advice import ACTION, CONFIRM
from voltherd.triage.findings import findings, urgency, worst
from voltherd.types.asset import Chemistry
from voltherd.types.event import Cause, LocationKind, Phenomenon, Severity

NAMES = tuple(f"CellV{i:02d}" for i in range(1, 97))


@lru_cache
def found(faults, days=5, silence=()):
    spec = fleet_spec(
        vehicles=1, days=days, seed=2, faults=faults, chemistry=((Chemistry.NMC, 1.0),)
    )
    state = None
    for day in simulate(spec):
        batch = day.batch
        probes = batch.probe_temperature_celsius.copy()
        probes[:, list(silence)] = np.nan
        batch = type(batch)(
            **{
                name: getattr(batch, name)
                for name in batch.__dataclass_fields__
                if name != "probe_temperature_celsius"
            },
            probe_temperature_celsius=probes,
        )
        state = state or init(batch.vehicle_id, batch.cells, batch.probes, spec.layout)
        state = step(state, batch)
    return findings(state, NAMES)


def test_every_phenomenon_has_something_to_do_and_to_confirm():
    assert set(ACTION) == set(CONFIRM) == set(Phenomenon)


def test_one_cell_gives_one_finding_in_plain_words():
    [finding] = found("weak_cell:25%@cell=17,day=1", days=7)
    assert finding.phenomenon is Phenomenon.WEAK_CELL
    assert finding.location.index == 17
    assert finding.location.channel == "CellV17"
    assert "Cell 17 (CellV17) has about 2" in finding.summary
    assert "% less capacity" in finding.summary
    assert finding.onset_second <= finding.raised_second <= finding.last_seen_second
    assert 0.9 < finding.confidence <= 0.99


def test_the_evidence_has_units_intervals_and_a_plot_of_the_cell_beside_its_siblings():
    [finding] = found("contact_resistance:1mohm@cell=50,day=1")
    added = finding.evidence[0]
    assert added.unit == "mΩ"
    assert added.low < added.value < added.high
    assert added.value == pytest.approx(1.0, rel=0.3)
    assert added.plot is not None
    assert added.plot.series[0][0] == "CellV50"
    assert {len(values) for _, values in added.plot.series} == {len(added.plot.x)}


def test_a_frozen_channel_is_one_finding_and_its_false_voltage_no_second_one():
    [finding] = found("sensor_stuck@cell=40,day=2")
    assert finding.phenomenon is Phenomenon.SENSOR_STUCK
    assert finding.severity is Severity.RECOMMENDED


def test_dead_probes_are_one_finding_that_lists_them():
    [finding] = found("none", days=2, silence=(7, 8, 9, 10))
    assert finding.phenomenon is Phenomenon.CHANNEL_INVALID
    assert finding.location.kind is LocationKind.PROBE
    assert finding.location.indices == (8, 9, 10, 11)
    assert finding.severity is Severity.OPERATING


def test_the_onset_of_a_leak_lies_near_its_beginning():
    [finding] = found("internal_short:4%/day@cell=9,day=2", days=6)
    spec = fleet_spec(vehicles=1, days=6, seed=2, faults="internal_short:4%/day@cell=9,day=2")
    assert finding.onset_second == pytest.approx(spec.faults[0].start_second, abs=86_400.0)


def test_findings_come_most_urgent_first():
    both = (*found("none", days=2, silence=(7, 8)), *found("weak_cell:25%@cell=17,day=1", days=7))
    ordered = sorted(both, key=urgency)
    assert [f.severity for f in ordered] == sorted((f.severity for f in both), reverse=True)
    assert worst(both) is ordered[0].severity
    assert worst(()) is None


def test_a_healthy_vehicle_has_no_finding():
    assert found("none", days=8) == ()


def test_a_joint_is_named_with_what_speaks_for_it():
    [finding] = found("contact_resistance:1mohm@cell=50,day=1")
    assert finding.causes.told
    assert finding.causes.ranked[0].cause is Cause.CONTACT
    assert finding.causes.ranked[0].probability > 0.8
    assert any("follows the current" in said for said in finding.causes.ranked[0].supporting)


def test_a_fleets_own_priors_are_heard():
    [finding] = found("contact_resistance:1mohm@cell=50,day=1")
    spec = fleet_spec(
        vehicles=1,
        days=5,
        seed=2,
        faults="contact_resistance:1mohm@cell=50,day=1",
        chemistry=((Chemistry.NMC, 1.0),),
    )
    state = None
    for day in simulate(spec):
        state = state or init(day.batch.vehicle_id, day.batch.cells, day.batch.probes, spec.layout)
        state = step(state, day.batch)
    [other] = findings(state, NAMES, {Cause.CONTACT: 1e-9, Cause.PLATING: 0.5})
    assert other.causes != finding.causes
    assert other.causes.ranked[0].cause is not Cause.CONTACT
