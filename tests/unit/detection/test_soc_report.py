"""A gauge that lies, and gauges that only look as if they did."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vehicles import same_state
from windows_of import batch_of

from voltherd.detection import soc_report
from voltherd.detection.anchors import ANCHORS_MAX, UNCHANGED, Anchors, change, kept, none
from voltherd.detection.gauge import Pack, init, look
from voltherd.numerics.presets import LFP, NMC
from voltherd.types.asset import Chemistry
from voltherd.types.event import LocationKind, Phenomenon, Severity
from voltherd.types.sample import SampleBatch
from voltherd.units import SECOND_PER_DAY, SECOND_PER_HOUR

CAPACITY_AH = 100.0
PACK = Pack(Chemistry.NMC, True, CAPACITY_AH, 1e-3)
FLAT = PACK._replace(chemistry=Chemistry.LFP)


@lru_cache
def life(days=12, lfp=False, seed=0):
    """A car that drives an hour at noon, charges at night, and rests between: rows a minute."""
    rng = np.random.default_rng(seed)
    second = np.arange(0.0, days * SECOND_PER_DAY, 60.0)
    hour = second / SECOND_PER_HOUR % 24.0
    depth = 0.2 + 0.3 * rng.random(days)[(second // SECOND_PER_DAY).astype(int)]
    ampere = np.where((hour >= 12.0) & (hour < 13.0), -CAPACITY_AH * depth, 0.0)
    ampere = np.where((hour >= 20.0) & (hour < 22.0), 0.5 * CAPACITY_AH * depth, ampere)
    soc = 0.9 + np.cumsum(ampere / 60.0) / CAPACITY_AH
    curve = (LFP if lfp else NMC).ocv_volt
    volt = np.interp(soc, np.linspace(0.0, 1.0, len(curve)), curve) + 1e-3 * ampere
    return second, soc, ampere, volt[:, None] + 1e-3 * rng.standard_normal((len(second), 8))


def rows(reported, days=12, lfp=False):
    second, soc, ampere, volt = life(days, lfp)
    shown = np.round(np.clip(reported(second / SECOND_PER_DAY, soc), 0.0, 1.0), 2)
    return batch_of(second, volt, soc_fraction=shown, current_ampere=ampere)


def seen(batch: SampleBatch, pack=PACK, cuts=()):
    gauge = init()
    for start, stop in zip([0, *cuts], [*cuts, batch.rows], strict=True):
        gauge = look(gauge, batch.between(start, stop), pack) if stop > start else gauge
    return gauge


def told(reported, pack=PACK, **how):
    found = soc_report.judge(seen(rows(reported, **how), pack), pack)
    assert len(found) <= 1
    return found[0] if found else None


def test_an_honest_gauge_with_its_usual_error_is_believed():
    assert told(lambda day, soc: soc + 0.015 * np.sin(day)) is None


@pytest.mark.parametrize("size", [0.12, -0.12, 0.06])
def test_a_gauge_that_steps_is_told_by_how_much_and_since_when(size):
    verdict = told(lambda day, soc: soc + size * (day >= 5.0))
    assert verdict.phenomenon is Phenomenon.SOC_MISREPORTED
    assert verdict.location.kind is LocationKind.CHANNEL
    assert verdict.location.channel == "soc_fraction"
    assert verdict.numbers["change"] == pytest.approx(size, abs=0.01)
    assert verdict.numbers["since_second"] / SECOND_PER_DAY == pytest.approx(5.0, abs=0.5)
    grave = abs(size) > 0.1
    assert verdict.severity is (Severity.RECOMMENDED if grave else Severity.OPERATING)


def test_a_gauge_that_drifts_is_told_how_fast():
    verdict = told(lambda day, soc: soc - 0.012 * np.maximum(day - 3.0, 0.0))
    assert next(iter(verdict.numbers)) == "change"
    assert verdict.numbers["per_day"] == pytest.approx(-0.012, abs=0.002)
    assert verdict.numbers["since_second"] / SECOND_PER_DAY == pytest.approx(3.0, abs=1.0)
    assert verdict.severity is Severity.RECOMMENDED


def test_a_gauge_that_stands_while_the_pack_empties_and_fills_is_told_by_the_charge():
    verdict = told(lambda day, soc: np.where(day >= 4.0, 0.77, soc))
    assert list(verdict.numbers)[:2] == ["stand", "stand_soc"]
    assert verdict.numbers["stand_soc"] == pytest.approx(0.77)
    assert 0.2 < verdict.numbers["stand"] < 0.55
    assert verdict.numbers["stand_ah"] == pytest.approx(verdict.numbers["stand"] * CAPACITY_AH)
    assert "change" not in verdict.numbers  # the same error, seen twice
    assert verdict.severity is Severity.RECOMMENDED


def test_a_gauge_that_is_full_too_early_is_told_but_makers_do_so_on_purpose():
    verdict = told(lambda day, soc: soc + 0.23, lfp=True, pack=FLAT)
    assert next(iter(verdict.numbers)) == "pinned"
    assert verdict.numbers["pinned"] == pytest.approx(0.13, abs=0.015)
    assert verdict.severity is Severity.OPERATING


def test_on_a_flat_chemistry_a_jump_is_told_and_a_drift_cannot_be():
    verdict = told(lambda day, soc: soc - 0.12 * (day >= 5.0), lfp=True, pack=FLAT)
    assert verdict.numbers == {
        "jump": pytest.approx(-0.12, abs=0.011),
        "since_second": pytest.approx(5.0 * SECOND_PER_DAY, abs=60.0),
    }
    assert verdict.severity is Severity.OPERATING
    drift = told(lambda day, soc: soc - 0.01 * day, lfp=True, pack=FLAT)
    assert drift is None


def test_a_curve_that_differs_from_the_preset_by_eight_points_accuses_nobody():
    assert told(lambda day, soc: soc + 0.08) is None
    assert told(lambda day, soc: 0.9 * soc + 0.1) is None


def test_a_gross_offset_from_the_first_row_is_told_more_surely_where_the_chemistry_is_known():
    known = told(lambda day, soc: soc - 0.18)
    assert known.numbers["offset"] == pytest.approx(-0.18, abs=0.01)
    assert known.severity is Severity.RECOMMENDED
    guessed = told(lambda day, soc: soc - 0.18, pack=PACK._replace(told=False))
    assert guessed.severity is Severity.OPERATING
    assert guessed.numbers["offset_half"] > known.numbers["offset_half"]


def test_a_gauge_that_corrects_itself_is_forgiven():
    """It was wrong for three days, and is right again."""
    assert told(lambda day, soc: soc + 0.07 * ((day >= 4.0) & (day < 6.0))) is None


def test_without_capacity_nothing_is_said_of_charge():
    unknown = PACK._replace(capacity_ah=None)
    assert told(lambda day, soc: np.full_like(soc, 0.77), pack=unknown, days=3) is None


def test_a_drive_in_silence_is_no_jump():
    batch = rows(lambda day, soc: soc, days=3)
    hour = batch.unix_time_second / SECOND_PER_HOUR % 24.0
    driven = np.flatnonzero((hour < 11.9) | (hour > 13.1))
    quiet = replace(
        batch,
        unix_time_second=batch.unix_time_second[driven],
        cell_voltage_volt=batch.cell_voltage_volt[driven],
        cell_quality=batch.cell_quality[driven],
        probe_temperature_celsius=batch.probe_temperature_celsius[driven],
        probe_quality=batch.probe_quality[driven],
        scalar={name: values[driven] for name, values in batch.scalar.items()},
        scalar_quality={name: flags[driven] for name, flags in batch.scalar_quality.items()},
    )
    assert np.isnan(seen(quiet).jump.second)


@given(st.lists(st.integers(0, 4320), max_size=12))
@settings(deadline=None, max_examples=25)
def test_what_is_seen_of_a_gauge_does_not_depend_on_the_pieces(cuts):
    batch = rows(lambda day, soc: soc + 0.12 * (day >= 1.5), days=3)
    same_state(seen(batch, cuts=sorted(cuts)), seen(batch))


def test_rows_without_a_reading_or_a_current_tell_nothing_and_break_nothing():
    batch = rows(lambda day, soc: soc + 0.12 * (day >= 5.0))
    holes = np.random.default_rng(1).random((2, batch.rows)) < 0.1
    scalar = {
        name: np.where(hole, np.nan, batch.scalar[name])
        for name, hole in zip(("soc_fraction", "current_ampere"), holes, strict=True)
    }
    found = soc_report.judge(seen(replace(batch, scalar=scalar)), PACK)
    assert found[0].numbers["change"] == pytest.approx(0.12, abs=0.015)
    nothing = {name: np.full(batch.rows, np.nan) for name in scalar}
    same_state(seen(replace(batch, scalar=nothing)), init())


def test_the_memory_of_rests_is_bounded_and_reaches_back_to_the_first():
    anchors = none()
    for n in range(500):
        anchors = kept(anchors, Anchors(*(np.array([float(n)]) for _ in range(4))))
    assert len(anchors.second) <= ANCHORS_MAX
    assert anchors.second[0] == 0.0
    assert anchors.second[-40:].tolist() == [float(n) for n in range(460, 500)]
    assert (np.diff(anchors.second) > 0.0).all()


def rests(beyond, charge=None):
    """Rests three a day whose gauge shows so much beyond their voltage."""
    beyond = np.asarray(beyond, float)
    charge = np.linspace(0.3, 0.8, len(beyond)) if charge is None else charge
    volt = np.interp(charge, np.linspace(0.0, 1.0, len(NMC.ocv_volt)), NMC.ocv_volt)
    second = np.arange(len(beyond)) * SECOND_PER_DAY / 3.0
    return Anchors(second, charge + beyond, volt, np.zeros(len(beyond)))


def test_a_bend_of_the_curve_is_no_change():
    charge = np.linspace(0.9, 0.2, 30)
    bent = 0.1 - 0.15 * (charge - 0.5) ** 2 + 0.05 * (charge - 0.5)
    assert change(rests(bent, charge), Chemistry.NMC, np.nan) is UNCHANGED


def test_two_rests_after_a_jump_suffice_and_without_it_do_not():
    rng = np.random.default_rng(3)
    beyond = 0.004 * rng.standard_normal(14)
    beyond[12:] += 0.1
    charge = 0.3 + 0.5 * rng.random(14)
    late = rests(beyond, charge)
    jump = late.second[12] - 600.0
    assert change(late, Chemistry.NMC, np.nan) is UNCHANGED
    found = change(late, Chemistry.NMC, jump)
    assert found.backed
    assert found.second == jump
    assert found.size == pytest.approx(0.1, abs=0.015)


def test_titanate_tells_nothing_by_its_voltage():
    beyond = np.where(np.arange(20) < 10, 0.0, 0.2)
    assert change(rests(beyond), Chemistry.LTO, np.nan) is UNCHANGED
