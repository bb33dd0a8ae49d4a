"""Packs and electronics differ from cell to cell as much as real ones do."""

import numpy as np
import pytest

from voltherd.numerics.presets import PRESETS
from voltherd.sim.fleet import DEFAULT_LAYOUT
from voltherd.sim.pack import BLOCK_CAPACITY_AH, draw_pack
from voltherd.sim.sensors import draw_sensors, quantised, resistance_ohm
from voltherd.sim.streams import Purpose, stream
from voltherd.sim.weather import ambient_temperature_celsius, daily_anomaly
from voltherd.types.asset import Chemistry, PackLayout


@pytest.mark.parametrize("chemistry", BLOCK_CAPACITY_AH)
def test_cells_spread_by_about_a_percent(chemistry: Chemistry) -> None:
    packs = [
        draw_pack(stream(1, Purpose.PACK, vehicle), chemistry, DEFAULT_LAYOUT, age=0.2)
        for vehicle in range(40)
    ]
    capacity = np.concatenate([p.capacity_scale / p.capacity_scale.mean() for p in packs])
    resistance = np.concatenate([p.resistance_scale / p.resistance_scale.mean() for p in packs])
    charge = np.concatenate([p.soc_offset for p in packs])
    assert 0.007 < capacity.std() < 0.014
    assert 0.03 < resistance.std() < 0.05
    assert 0.001 < charge.std() < 0.007
    assert np.abs(charge).max() < 0.03


def test_wear_takes_capacity_and_adds_resistance() -> None:
    new, worn = (
        draw_pack(stream(1, Purpose.PACK, 1), Chemistry.NMC, DEFAULT_LAYOUT, age=age)
        for age in (0.0, 1.0)
    )
    assert worn.capacity_scale.mean() < 0.85 < new.capacity_scale.mean()
    assert worn.resistance_scale.mean() > 1.3 > new.resistance_scale.mean()


def test_every_probe_sits_in_its_module() -> None:
    pack = draw_pack(stream(1, Purpose.PACK, 1), Chemistry.NMC, DEFAULT_LAYOUT, age=0.0)
    modules = [DEFAULT_LAYOUT.module_of_cell(int(cell) + 1) for cell in pack.probe_cell]
    assert tuple(modules) == DEFAULT_LAYOUT.probe_module
    assert len(set(pack.probe_cell.tolist())) == 24


def test_an_unknown_layout_still_makes_a_pack() -> None:
    layout = PackLayout(series=13)
    pack = draw_pack(stream(1, Purpose.PACK, 1), Chemistry.LFP, layout, age=0.0)
    assert len(pack.capacity_scale) == 13
    assert len(pack.probe_cell) == 0
    assert (draw_sensors(stream(1, Purpose.SENSORS, 1), layout).board == 0).all()


def test_cells_are_read_one_after_another_within_half_a_second() -> None:
    for vehicle in range(20):
        delay = draw_sensors(stream(1, Purpose.SENSORS, vehicle), DEFAULT_LAYOUT).cell_delay_second
        assert (np.diff(delay) > 0.0).all()
        assert 0.08 < delay[-1] < 0.5


def test_resistance_follows_the_law_of_the_cell_model() -> None:
    block = PRESETS[Chemistry.NMC]
    ohm = resistance_ohm(block, np.array([25.0, 0.0]))
    assert ohm[0] == pytest.approx(block.r0_ohm)
    assert ohm[1] / ohm[0] == pytest.approx(3.03, rel=0.01)  # exp(30e3/8.314 (1/273.15-1/298.15))


def test_quantising_keeps_precision_and_steps() -> None:
    values = quantised(np.array([3.6444, -0.26], np.float32), 0.1)
    assert values.dtype == np.float32
    np.testing.assert_allclose(values, [3.6, -0.3], rtol=1e-6)
    assert quantised(np.array([1_234_567.0]), 1000.0).tolist() == [1_235_000.0]


def test_summer_is_warm_and_afternoons_too() -> None:
    july, january = 1_752_500_000.0, 1_736_900_000.0
    anomaly = daily_anomaly(1, 1, 2)

    def air(second: float) -> float:
        hours = second - second % 86400.0 + np.array([5.0, 15.0]) * 3600.0
        night, noon = ambient_temperature_celsius(
            hours, site_celsius=11.0, start_second=second, anomaly=0.0 * anomaly
        )
        assert noon > night + 5.0
        return float(night + noon) / 2.0

    assert air(july) > air(january) + 15.0
