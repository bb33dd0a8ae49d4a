"""Partial charges out of a record whose truth is known."""

import numpy as np
import pytest

from tests.unit.estimation.traces import HOUR, empty_trace, life
from voltherd.estimation.pack_trace import broken, counted_ah, joined, thinned
from voltherd.estimation.soh_charges import anchors, partial_charges, readings
from voltherd.numerics.presets import LFP, NMC


@pytest.fixture(scope="module")
def record():
    return life(days=6)[0]


def test_rests_bound_charges_that_give_the_capacity(record):
    at = anchors(record, NMC, 0.015, 1e-3, records_joined=False)
    charges = partial_charges(record, at, records_joined=False)
    assert at.rests >= 12 and len(charges) >= 11
    ratio = np.array([charge.charge_ah / charge.soc_change for charge in charges])
    assert ratio == pytest.approx(100.0, rel=0.08)
    assert {charge.soc_change > 0.0 for charge in charges} == {True, False}


def test_records_laid_end_to_end_have_no_rests_across_their_seams(record):
    gap = record._replace(
        unix_time_second=record.unix_time_second + 2.0 * HOUR * (np.arange(record.rows) > 800)
    )
    assert broken(gap, records_joined=True).sum() == 1
    assert broken(gap, records_joined=False).sum() == 0


def test_an_unseen_drive_lies_between_no_two_anchors(record):
    rest = int(np.flatnonzero(np.abs(record.current_ampere) < 1.0)[-1]) // 2
    odometer = np.where(np.arange(record.rows) > rest, 60.0, 0.0)
    shifted = record.unix_time_second + 2.0 * HOUR * (np.arange(record.rows) > rest)
    away = record._replace(unix_time_second=shifted, odometer_kilometre=odometer)
    cut = np.flatnonzero(broken(away, records_joined=False))
    assert cut.tolist() == [rest + 1]
    whole, halves = (
        partial_charges(one, anchors(one, NMC, 0.015, 1e-3, False), records_joined=False)
        for one in (record, away)
    )
    assert len(halves) <= len(whole)
    second = away.unix_time_second[rest + 1]
    begun = [charge.unix_time_second - HOUR * charge.counted_hour for charge in halves]
    ends = [charge.unix_time_second for charge in halves]
    assert not any(a < second - HOUR and b > second for a, b in zip(begun, ends, strict=True))


def test_iron_phosphate_on_its_plateau_gives_no_anchor():
    trace, _ = life(days=2, cell=LFP)
    volt = 3.31 + 0.0 * trace.cell_volt
    flat = trace._replace(cell_volt=volt, high_volt=volt)
    assert not len(anchors(flat, LFP, 0.015, 1e-3, records_joined=False).row)


def test_a_full_charge_is_an_anchor_and_regeneration_near_the_top_is_none():
    hours = np.linspace(0.0, 2.0, 720)
    top = float(NMC.ocv_volt[-1])
    ampere = np.where(hours < 1.5, 30.0, 30.0 * np.exp(-8.0 * (hours - 1.5)))
    ampere[-20:] = 0.0
    volt = np.minimum(top - 0.4 + 0.3 * hours, top)
    volt = np.where(hours >= 1.5, top, volt)
    trace = empty_trace(720, current_ampere=ampere, cell_volt=volt, high_volt=volt)
    at = anchors(trace, NMC, 0.015, 1e-3, records_joined=False)
    assert len(at.soc) == 1 and at.soc[0] > 0.97 and at.rests == 0
    short = trace._replace(current_ampere=np.where(np.arange(720) % 30 < 10, ampere, -20.0))
    assert not len(anchors(short, NMC, 0.015, 1e-3, records_joined=False).row)


def test_what_the_reading_implies_is_its_own_capacity_not_the_truth(record):
    wrong = record._replace(soc_reported=np.round(0.5 + (record.soc_reported - 0.5) * 0.8, 3))
    found = partial_charges(wrong, readings(wrong), records_joined=False)
    ratio = [charge.charge_ah / charge.soc_change for charge in found]
    assert np.median(ratio) == pytest.approx(125.0, rel=0.03)
    assert all(charge.soc_common > 0.0 for charge in found)


def test_a_missing_current_counts_with_the_last_one_and_in_doubt(record):
    part = record.between(0, 1200)
    lost = part.current_ampere.copy()
    lost[700:705] = np.nan
    charge, doubt, hour = counted_ah(part._replace(current_ampere=lost))
    assert np.isfinite(charge).all()
    assert doubt[-1] > counted_ah(part)[1][-1]
    assert hour[-1] == pytest.approx(1199 * 20.0 / HOUR)


def test_thinning_keeps_the_charge(record):
    coarse = thinned(record, 60.0)
    assert coarse.rows < record.rows / 2.5
    fine, thin = counted_ah(record)[0][-1], counted_ah(coarse)[0][-1]
    assert thin == pytest.approx(fine, abs=0.5)


def test_pieces_are_put_in_order(record):
    half = record.rows // 2
    again = joined([record.between(half, record.rows), record.between(0, half)])
    assert (again.unix_time_second == record.unix_time_second).all()
