"""Fast charges in the cold: found by the model's dose, believed with the voltage at rest only."""

from dataclasses import replace

import numpy as np
import pytest
from vehicles import run, same_state
from windows_of import batch_of

from voltherd.detection.plating import (
    LIMIT,
    SHOULDER_VOLT,
    Rested,
    limit_per_hour,
    shoulder_volt,
)
from voltherd.triage.findings import findings
from voltherd.types.asset import CellType, Chemistry, Vehicle
from voltherd.types.event import Phenomenon, Severity

CELLS, AH = 24, 100.0
CHARGE, REST = 180, 420
"""Rows at ten seconds of each."""


def charges(celsius, rate, lift_volt=0.0, times=4):
    """Charges of half an hour, each followed by seventy minutes of rest."""
    rng = np.random.default_rng(2)
    current = np.tile(np.r_[np.full(CHARGE, rate * AH), np.zeros(REST)], times)
    rows = len(current)
    since = np.tile(np.r_[np.full(CHARGE, np.nan), 10.0 * np.arange(REST)], times)
    relaxed = 0.02 * np.exp(-since / 60.0) + 0.03 * np.exp(-since / 900.0)
    stripping = lift_volt / (1.0 + np.exp((since - 1300.0) / 60.0))
    soc = np.tile(np.r_[0.3 + rate * np.arange(CHARGE) / 360.0, np.full(REST, 0.8)], times)
    mean = 3.8 + np.nan_to_num(relaxed + stripping, nan=0.06)
    volt = np.round(mean[:, None] + rng.normal(0.0, 0.003, CELLS), 3)
    volt += np.round(rng.normal(0.0, 0.001, volt.shape), 3)
    batch = batch_of(
        1.6e9 + 10.0 * np.arange(rows),
        volt,
        current_ampere=current,
        soc_fraction=np.clip(soc, 0.0, 0.8),
        speed_kilometre_per_hour=np.zeros(rows),
    )
    return replace(
        batch,
        probe_temperature_celsius=np.full((rows, 6), celsius, np.float32),
        probe_quality=np.zeros((rows, 6), np.uint8),
    )


def told(batch, chemistry=Chemistry.NMC):
    from voltherd.detection.engine import init, step

    cell = CellType(
        name="c", chemistry=chemistry, capacity_nominal_ah=AH, voltage_volt_min=2.8,
        voltage_volt_max=4.2,
    )  # fmt: skip
    asset = Vehicle(vehicle_id=batch.vehicle_id, cell_type=cell, capacity_nominal_ah=AH)
    state = init(batch.vehicle_id, batch.cells, batch.probes, asset=asset)
    for start in range(0, batch.rows, 500):
        state = step(state, batch.between(start, min(start + 500, batch.rows)))
    return [f for f in findings(state) if f.phenomenon is Phenomenon.LITHIUM_PLATING]


def test_fast_charges_in_the_cold_are_found_and_warm_ones_are_not():
    [cold] = told(charges(2.0, 1.0))
    assert cold.severity is Severity.OPERATING
    assert "shows no sign of it" in cold.summary
    shown = cold.evidence[0]
    assert shown.low < shown.value < shown.high
    assert not told(charges(28.0, 1.0))


def test_slow_charges_in_the_cold_are_quiet():
    assert not told(charges(2.0, 0.1))


def test_with_the_voltage_at_rest_it_calls_for_a_visit():
    [both] = told(charges(2.0, 1.0, lift_volt=0.012))
    assert both.severity is Severity.RECOMMENDED
    assert "held up and then dropped" in both.summary


def test_a_small_dose_needs_the_voltage_at_rest():
    assert not told(charges(2.0, 0.55, times=3))
    [both] = told(charges(2.0, 0.55, lift_volt=0.012, times=3))
    assert both.severity is Severity.RECOMMENDED


def test_the_voltage_alone_says_nothing():
    assert not told(charges(28.0, 1.0, lift_volt=0.012))


def test_titanate_does_not_plate():
    assert not told(charges(2.0, 1.0), Chemistry.LTO)


def test_a_relaxation_that_only_slows_down_has_no_shoulder():
    second = np.arange(0.0, 3600.0, 10.0)
    noise = np.random.default_rng(4).normal(0.0, 2e-4, len(second))
    healthy = 0.02 * np.exp(-second / 60.0) + 0.03 * np.exp(-second / 900.0) + noise
    assert shoulder_volt(tuple(map(Rested, second, healthy))) < 0.5 * SHOULDER_VOLT
    assert np.isnan(shoulder_volt(tuple(map(Rested, second[:60], healthy))))


def test_the_limit_falls_with_cold_and_with_charge_and_is_the_tables_at_its_nodes():
    assert (np.diff(LIMIT, axis=0) >= 0.0).all()
    assert (np.diff(LIMIT, axis=1) <= 0.0).all()
    at_node = limit_per_hour(np.array([10.0]), np.array([0.4]))
    assert at_node[0] == pytest.approx(LIMIT[2, 2])


def test_the_pieces_in_which_rows_arrive_change_nothing():
    batch = charges(2.0, 1.0, lift_volt=0.012, times=2)
    whole = run(batch)
    pieces = run(batch, list(range(7, batch.rows, 97)))
    same_state(whole.plating, pieces.plating)
