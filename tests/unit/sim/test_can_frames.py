"""When frames are sent, and what they carry."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from voltherd.sim.can_dbc import pack_messages
from voltherd.sim.can_frames import SLOT_SECOND, frames
from voltherd.types.asset import PackLayout
from voltherd.types.sample import SampleBatch, empty_batch

MESSAGES = pack_messages(PackLayout(series=96, probe_module=(1,) * 24))


def batch(second, **scalar):
    rows = len(second)
    cells = 3.6 + 0.001 * np.arange(96) + 0.1 * np.arange(rows)[:, None]
    probes = np.tile(np.arange(24.0), (rows, 1))
    return SampleBatch(
        vehicle_id="bus",
        unix_time_second=np.asarray(second, float),
        cell_voltage_volt=cells,
        cell_quality=np.zeros(cells.shape, np.uint8),
        probe_temperature_celsius=probes,
        probe_quality=np.zeros(probes.shape, np.uint8),
        scalar={name: np.asarray(values, float) for name, values in scalar.items()},
        scalar_quality={name: np.zeros(rows, np.uint8) for name in scalar},
    )


def test_groups_of_cells_follow_one_another_and_the_pack_ends_the_cycle_at_the_rows_time():
    sent = frames(batch([100.0, 101.0]), MESSAGES)
    assert [f.message for f in sent[:2]] == ["BMS_Cells_001_004", "BMS_Cells_005_008"]
    assert sent[-1].message == "BMS_Pack"
    np.testing.assert_array_equal(sent[-1].second, [100.0, 101.0])
    apart = np.diff([f.second for f in sent], axis=0)
    np.testing.assert_allclose(apart, SLOT_SECOND, atol=1e-9)


@given(st.lists(st.floats(0.01, 3000.0), min_size=1, max_size=20))
def test_a_cycle_is_over_long_before_the_next_begins(steps):
    """Else a reader would mix the values of two rows."""
    second = 1e6 + np.cumsum([0.0, *steps])
    sent = np.array([f.second for f in frames(batch(second), MESSAGES)])
    assert (np.diff(sent, axis=0) > 0.0).all()
    assert (sent[0, 1:] - sent[-1, :-1] >= 0.59 * np.diff(second)).all()


def test_the_bus_counts_discharge_as_positive_and_charge_in_percent():
    row = batch([0.0], current_ampere=[-50.0], soc_fraction=[0.5], insulation_resistance_ohm=[2e6])
    sent = {name: v for f in frames(row, MESSAGES) for name, v in f.signal.items()}
    assert sent["PackCurrent"].tolist() == [50.0]
    assert sent["StateOfCharge"].tolist() == [50.0]
    assert sent["InsulationResistance"].tolist() == [2000.0]
    assert sent["CellVoltage096"].tolist() == [3.6 + 0.001 * 95]


def test_what_was_not_measured_is_no_value():
    cells = batch([0.0]).cell_voltage_volt.copy()
    cells[0, 6] = np.nan
    sent = {
        name: v
        for f in frames(replace(batch([0.0]), cell_voltage_volt=cells), MESSAGES)
        for name, v in f.signal.items()
    }
    assert np.isnan(sent["CellVoltage007"]).all()
    assert np.isnan(sent["PackCurrent"]).all()
    assert np.isfinite(sent["CellVoltage008"]).all()


def test_a_batch_without_rows_sends_nothing():
    assert all(len(f.second) == 0 for f in frames(empty_batch("bus", 96, 24), MESSAGES))
