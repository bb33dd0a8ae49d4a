"""Resistance from current steps whose truth is known."""

import math

import numpy as np
import pytest

from tests.unit.estimation.traces import empty_trace
from voltherd.estimation.soh_energy import energy_estimate, usable_energy_wh
from voltherd.estimation.soh_resistance import (
    BLOCKS_MIN,
    Block,
    resistance_blocks,
    resistance_estimate,
    usual_interval,
)
from voltherd.numerics.presets import LFP, NMC
from voltherd.units import GAS_CONSTANT_JOULE_PER_MOLE_KELVIN

ENERGY = 30_000.0


def driven(ohm=1e-3, rows=7200, second=1.0, lag=0, celsius=25.0, seed=1):
    random = np.random.default_rng(seed)
    ampere = np.repeat(random.normal(-20.0, 40.0, rows // 5 + 1), 5)[:rows]
    volt = 3.7 + ohm * np.roll(ampere, lag) + random.normal(0.0, 0.001, rows)
    return empty_trace(
        rows,
        unix_time_second=1.7e9 + second * np.arange(rows),
        current_ampere=ampere,
        cell_volt=volt,
        temperature_celsius=np.full(rows, celsius),
        soc_reported=np.full(rows, 0.6),
    )


def told(trace):
    return resistance_estimate(resistance_blocks(trace), ENERGY, usual_interval(trace))


@pytest.mark.parametrize("second", [1.0, 10.0])
def test_the_resistance_is_found_within_its_interval(second):
    found = told(driven(second=second))
    assert found.resistance_ohm == pytest.approx(1e-3, rel=0.03)
    assert abs(found.resistance_ohm - 1e-3) <= 1.645 * found.sigma_ohm + 1e-5
    assert "1.0" in found.told and found.horizon_second == (4.0 if second == 1.0 else 10.0)


def test_a_voltage_two_samples_late_is_still_read_in_full():
    found = told(driven(lag=2))
    assert found.lagging and "lags" in found.told
    blocks = resistance_blocks(driven(lag=2))
    assert np.median([block.ohm for block in blocks]) == pytest.approx(1e-3, rel=0.05)


def test_cold_is_taken_out():
    cold = math.exp(ENERGY / GAS_CONSTANT_JOULE_PER_MOLE_KELVIN * (1.0 / 273.15 - 1.0 / 298.15))
    found = told(driven(ohm=1e-3 * cold, celsius=0.0))
    assert found.resistance_ohm == pytest.approx(1e-3, rel=0.03)
    assert found.sigma_ohm > 0.2e-3  # the activation energy may be another


def test_the_pack_voltage_is_taken_where_cell_voltages_lag():
    late, prompt = driven(lag=20), driven()
    both = late._replace(string_volt=prompt.cell_volt)
    assert told(both).resistance_ohm == pytest.approx(1e-3, rel=0.03)


def test_the_charge_is_taken_out_by_the_vehicles_own_map():
    soc = np.linspace(0.1, 0.9, 60)
    blocks = [
        Block(1.7e9 + 900.0 * n, 1e-3 * math.exp(2.0 * (z - 0.5) ** 2), 1.0, 25.0, z)
        for n, z in enumerate(soc.tolist())
    ]
    found = resistance_estimate(blocks, ENERGY, 1.0)
    assert found.mapped and found.resistance_ohm == pytest.approx(1e-3, rel=0.02)


def test_a_trend_is_told_from_ninety_days_on_only():
    def grown(days):
        random = np.random.default_rng(3)
        return [
            Block(
                1.7e9 + 8640.0 * n,
                1e-3 * (1.0 + 0.2 * n * 8640.0 / 3.156e7) * math.exp(random.normal(0.0, 0.02)),
                1.0,
                25.0,
                0.5,
            )
            for n in range(int(10 * days))
        ]

    assert math.isnan(resistance_estimate(grown(60), ENERGY, 1.0).per_year)
    found = resistance_estimate(grown(200), ENERGY, 1.0)
    assert found.per_year == pytest.approx(0.19, abs=0.06)


def test_too_little_driving_says_how_much_is_missing():
    found = told(driven(rows=2000))
    assert not found.known and f"of {BLOCKS_MIN} quarters" in found.told


def test_rows_too_far_apart_show_no_step():
    assert resistance_blocks(driven(second=60.0)) == ()


def test_a_light_load_takes_out_what_the_curve_holds():
    light = usable_energy_wh(NMC, 5.0, 1e-4, 1e-3, float(NMC.ocv_volt[0]))
    assert light == pytest.approx(5.0 * float(NMC.ocv_volt.mean()), rel=0.01)


@pytest.mark.parametrize("cell", [NMC, LFP], ids=["NMC", "LFP"])
def test_energy_falls_with_capacity_and_with_resistance(cell):
    def energy(capacity, ohm):
        return usable_energy_wh(cell, capacity, ohm, 100.0, float(cell.ocv_volt[0]))

    assert energy(90.0, 1e-3) < energy(100.0, 1e-3)
    assert energy(100.0, 4e-3) < energy(100.0, 1e-3)
    assert energy(100.0, 10.0) == 0.0


def test_the_energys_interval_holds_both_others():
    found = energy_estimate(NMC, (100.0, 90.0, 110.0), (1e-3, 5e-4, 2e-3), 100.0)
    assert found.low_wh < 0.91 * found.energy_wh and found.high_wh > 1.09 * found.energy_wh
