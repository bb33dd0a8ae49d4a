"""What a finding says must be true in every branch: of the present, the past, and the unknown."""

import re
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from voltherd.detection import channels
from voltherd.detection.engine import concatenate, init, step
from voltherd.detection.verdict import Verdict, note
from voltherd.sim.fleet import fleet_spec, simulate
from voltherd.triage.findings import findings
from voltherd.triage.hindsight import Trend, ramp_onset, step_onset, swing_onset
from voltherd.triage.words import trend_words
from voltherd.types.asset import Chemistry
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity


@lru_cache
def driven(days=3):
    spec = fleet_spec(vehicles=1, days=days, seed=2, chemistry=((Chemistry.NMC, 1.0),))
    whole = None
    for day in simulate(spec):
        whole = day.batch if whole is None else concatenate(whole, day.batch)
    return whole


def state_of(batch):
    return step(init(batch.vehicle_id, batch.cells, batch.probes), batch)


def told_with(*verdicts, silent=0):
    """Findings of a healthy vehicle after three judgements that said so, and some that did not."""
    state = state_of(driven())
    book, end = {}, state.last_second - 86_400.0
    for k in range(3):
        book = note(book, verdicts, end + k, [])
    for k in range(silent):
        book = note(book, [], end + 10 + k, [v.cause for v in verdicts])
    return findings(state._replace(book=book))


def imbalance_verdict(**numbers):
    usual = {
        "width": 0.07,
        "width_volt": 0.05,
        "low": -0.03,
        "high": 0.04,
        "spearman": 0.1,
        "left_charge": 0.1,
        "left_offset": 0.5,
        "is_charge": 1.0,
    }
    return Verdict(
        cause="imbalance",
        phenomenon=Phenomenon.SOC_IMBALANCE,
        location=Location(kind=LocationKind.PACK, cells=(1, 2)),
        severity=Severity.RECOMMENDED,
        score=14.0,
        numbers=usual | numbers,
    )


def resisting(severity=Severity.RECOMMENDED, score=12.0):
    return Verdict(
        cause="contact",
        phenomenon=Phenomenon.CONTACT_RESISTANCE,
        location=Location(kind=LocationKind.CELL, index=7, cells=(7,)),
        severity=severity,
        score=score,
        numbers={"added_ohm": 6e-4, "own_ohm": 1e-3, "sigma_ohm": 2e-5},
    )


def test_no_cell_is_absolved_while_one_is_named():
    [alone] = told_with(imbalance_verdict())
    assert "no single cell is to blame" in alone.summary
    both = told_with(imbalance_verdict(), resisting())
    pack = next(f for f in both if f.phenomenon is Phenomenon.SOC_IMBALANCE)
    assert "no single cell" not in pack.summary
    assert "named singly" in pack.summary


def test_what_the_data_cannot_tell_is_neither_claimed_nor_certain():
    [untold] = told_with(imbalance_verdict(is_charge=np.nan, left_charge=0.4))
    assert "cannot be told yet" in untold.summary
    assert untold.confidence <= 0.66
    [sensors] = told_with(imbalance_verdict(is_charge=0.0, left_charge=0.9))
    assert "charge, not sensors" not in sensors.summary
    assert "sensors more than charge" in sensors.summary


def test_a_past_alarm_is_told_as_past_and_a_milder_one_as_milder():
    [standing] = told_with(resisting())
    assert "confirm" not in standing.summary
    [past] = told_with(resisting(), silent=2)
    assert past.summary.endswith("The latest data do not confirm it.")
    state = state_of(driven())
    book = note({}, [resisting()], 1.0, [])
    for k in range(3):
        book = note(book, [resisting()], 2.0 + k, [])
    book = note(book, [resisting(Severity.OPERATING, 7.0)], 9.0, [])
    [milder] = findings(state._replace(book=book))
    assert milder.severity is Severity.RECOMMENDED
    assert milder.summary.endswith("by its present size it is operating.")


def module_verdict(first, last):
    return Verdict(
        cause="module",
        phenomenon=Phenomenon.MODULE_OFFSET,
        location=Location(
            kind=LocationKind.MODULE, index=first, cells=tuple(range(first, last + 1))
        ),
        severity=Severity.RECOMMENDED,
        score=9.0,
        numbers={"volt": 0.03, "charge": 0.03},
    )


def test_divisions_of_one_module_are_one_finding():
    told = told_with(module_verdict(61, 72), module_verdict(65, 72), module_verdict(1, 8))
    assert sorted(f.location.cells[0] for f in told) == [1, 61]


def test_an_event_is_not_contradicted_by_silence_after_it():
    swapped = Verdict(
        cause="swap",
        phenomenon=Phenomenon.CHANNEL_SWAP,
        location=Location(kind=LocationKind.CELL, index=3, cells=(3, 9)),
        severity=Severity.RECOMMENDED,
        score=20.0,
        event=True,
        numbers={"apart_volt": 0.02},
    )
    [finding] = told_with(swapped, silent=50)
    assert "confirm" not in finding.summary
    assert "not seen" not in finding.trend


def test_a_wide_interval_is_no_steadiness():
    alarm = next(iter(note({}, [resisting()], 1.0, []).values()))
    assert trend_words(alarm, Trend(1e-4, 1e-4), 2.0).startswith("steady (")
    assert trend_words(alarm, Trend(1e-2, 8e-3), 2.0).startswith("no clear trend (")
    assert trend_words(alarm, Trend(1e-2, 1e-3), 2.0).startswith("growing by 7.0 ± 1.2 %")


def test_dead_probes_are_listed_as_they_are_and_one_that_wakes_is_told_apart():
    batch = driven()
    celsius = batch.probe_temperature_celsius.copy()
    celsius[:, [1, 4]] = np.nan
    celsius[: batch.rows // 2, 5] = np.nan
    told = findings(state_of(replace(batch, probe_temperature_celsius=celsius)))
    dead = {f.location.indices or (f.location.index,): f for f in told}
    assert set(dead) == {(2, 5), (6,)}
    assert dead[2, 5].summary.startswith("Probes 2, 5 ")
    assert "do not confirm" not in dead[2, 5].summary
    assert dead[6,].summary.endswith("The latest data do not confirm it.")
    assert re.search(r"gave no valid value in [\d.]+ h observed", dead[6,].summary)


def test_a_parked_vehicle_has_no_frozen_channels():
    rows = 8000
    batch = driven().between(0, 1)
    rng = np.random.default_rng(1)
    parked = replace(
        batch,
        unix_time_second=1.7e9 + 10.0 * np.arange(rows),
        cell_voltage_volt=(3.7 + rng.normal(0, 0.0005, (rows, batch.cells))).astype(np.float32),
        cell_quality=np.zeros((rows, batch.cells), np.uint8),
        probe_temperature_celsius=np.full((rows, batch.probes), 20.0, np.float32),
        probe_quality=np.zeros((rows, batch.probes), np.uint8),
        scalar={name: np.full(rows, 0.5) for name in ("current_ampere", "soc_fraction")},
        scalar_quality={n: np.zeros(rows, np.uint8) for n in ("current_ampere", "soc_fraction")},
    )
    state = state_of(parked)
    assert state.watch.observed_second > channels.FROZEN_AFTER_SECOND
    assert findings(state) == ()


def test_a_hot_pack_is_not_called_colder_than_itself():
    batch = driven()
    celsius = np.full_like(batch.probe_temperature_celsius, 70.0)
    told = findings(state_of(replace(batch, probe_temperature_celsius=celsius)))
    assert {f.severity for f in told} == {Severity.SAFETY}
    assert all("70 °C" in f.summary and "colder" not in f.summary for f in told)


@pytest.mark.parametrize("ohm", [2e4, 1.2e5])
def test_insulation_is_as_sure_as_its_channel_is_accurate(ohm):
    batch = driven()
    rng = np.random.default_rng(1)
    name = "insulation_resistance_ohm"
    level = ohm + rng.normal(0.0, 500.0, batch.rows)
    told = findings(state_of(replace(batch, scalar={**batch.scalar, name: level})))
    [finding] = [f for f in told if f.phenomenon is Phenomenon.INSULATION_LOW]
    [shown] = [e for e in finding.evidence if e.name == "insulation"]
    assert shown.low < shown.value < shown.high
    assert not any("siblings" in e.name for e in finding.evidence)


def test_insulation_is_judged_by_the_cells_when_the_terminals_are_open():
    batch = driven()
    name = "insulation_resistance_ohm"
    level = 3e4 + np.random.default_rng(1).normal(0.0, 500.0, batch.rows)
    scalar = {**batch.scalar, name: level, "voltage_volt": np.zeros(batch.rows)}
    told = findings(state_of(replace(batch, scalar=scalar)))
    [finding] = [f for f in told if f.phenomenon is Phenomenon.INSULATION_LOW]
    assert finding.severity is Severity.SAFETY


def test_operating_states_are_not_named_where_no_current_tells_them():
    batch = driven()
    volt = batch.cell_voltage_volt.copy()
    volt[:, 11] -= 0.06
    apart = replace(batch, cell_voltage_volt=volt)
    blind = replace(
        apart,
        scalar={k: v for k, v in batch.scalar.items() if k != "current_ampere"},
        scalar_quality={k: v for k, v in batch.scalar_quality.items() if k != "current_ampere"},
    )
    states = {"at rest", "at drive", "at charge"}
    [seen], [unseen] = (
        [f for f in findings(state_of(b)) if f.location.index == 12] for b in (apart, blind)
    )
    assert states & {e.name for e in seen.evidence}
    assert not states & {e.name for e in unseen.evidence}


def test_every_number_is_finite_when_the_cell_falls_silent_after_its_alarm():
    batch = driven(days=6)
    volt = batch.cell_voltage_volt.copy()
    volt[:, 11] -= 0.06
    volt[batch.rows // 3 :, 11] = np.nan
    told = findings(state_of(replace(batch, cell_voltage_volt=volt)))
    [finding] = [f for f in told if f.location.index == 12]
    for shown in finding.evidence:
        assert np.isfinite([v for v in (shown.value, shown.low, shown.high) if v is not None]).all()


def test_a_beginning_is_found_between_periods_that_could_not_be_read():
    rng = np.random.default_rng(4)
    series = np.where(np.arange(80) < 50, 0.0, 0.05) + rng.normal(0.0, 0.003, 80)
    series[:30] = np.nan
    series[60:70] = np.nan
    assert step_onset(series) == 50
    always = 0.05 + rng.normal(0.0, 0.003, 80)
    always[:30] = np.nan
    assert step_onset(always) == 0
    time = np.arange(80.0)
    slide = -0.01 * np.maximum(time - 40.0, 0.0) + rng.normal(0.0, 0.003, 80)
    slide[::3] = np.nan
    assert ramp_onset(time, slide) == pytest.approx(40, abs=4)
    soc = rng.uniform(0.2, 0.9, 80)
    swing = np.where(time < 40, 0.0, 0.15 * (soc - 0.5)) + rng.normal(0.0, 0.003, 80)
    swing[10:20] = np.nan
    soc[5] = np.nan
    assert swing_onset(soc, swing) == pytest.approx(40, abs=5)
