"""A vendor's table is what the batch was, written otherwise, and every damage is counted."""

import numpy as np
import pytest

from voltherd.sim.fleet import fleet_spec, simulate
from voltherd.sim.mess import ARRAYS, CLOUD, LOGGER, Damage, make_messy
from voltherd.types.sample import SampleBatch


@pytest.fixture(scope="module")
def batch() -> SampleBatch:
    return next(simulate(fleet_spec(vehicles=1, days=1))).batch


def test_the_cloud_table_turns_units_sign_and_clock(batch: SampleBatch) -> None:
    columns = make_messy(batch, CLOUD).table.columns
    np.testing.assert_allclose(columns["PackCurrent"], -batch.scalar["current_ampere"], atol=1e-6)
    np.testing.assert_allclose(columns["T_24"], batch.probe_temperature_celsius[:, 23] + 40.0)
    np.testing.assert_allclose(columns["PackSOC"], 100.0 * batch.scalar["soc_fraction"], atol=1e-6)
    utc = np.datetime64(columns["tboxTime"][0]) - np.timedelta64(8, "h")
    assert utc.astype("datetime64[s]").astype(np.int64) == batch.unix_time_second[0]


def test_the_logger_writes_millivolts_and_fahrenheit(batch: SampleBatch) -> None:
    columns = make_messy(batch, LOGGER).table.columns
    np.testing.assert_allclose(
        columns["cell_voltage_mv_07"], 1e3 * batch.cell_voltage_volt[:, 6], atol=1e-3
    )
    np.testing.assert_allclose(
        columns["temp_degF_01"], 1.8 * batch.probe_temperature_celsius[:, 0] + 32.0
    )
    np.testing.assert_array_equal(columns["timestamp_ms"], 1000 * batch.unix_time_second)


def test_arrays_hold_all_cells_in_one_column(batch: SampleBatch) -> None:
    table = make_messy(batch, ARRAYS).table
    assert table.columns["cell_voltages"].shape == (batch.rows, 96)
    assert table.utc == {"time"}


def test_every_damage_is_counted(batch: SampleBatch) -> None:
    damage = Damage(lost=0.05, repeated=0.03, displaced=0.02, missing=0.01, coded=0.01)
    rng = np.random.default_rng(5)
    messy = make_messy(batch, CLOUD, damage, rng)
    row = messy.source_row
    assert messy.table.rows == len(row) == batch.rows - messy.lost + messy.repeated
    assert 0.02 < messy.lost / batch.rows < 0.09
    assert 0.01 < messy.repeated / batch.rows < 0.06
    assert messy.displaced > 0
    for index in range(1, 97):
        written = messy.table.columns[f"V_{index}"]
        assert int(np.isnan(written).sum()) == messy.missing[f"V_{index}"]
        assert int((written == 65.535).sum()) <= messy.coded[f"V_{index}"]
        fine = ~np.isnan(written) & (written != 65.535)
        np.testing.assert_allclose(
            written[fine], batch.cell_voltage_volt[row[fine], index - 1], atol=1e-6
        )


def test_the_same_stream_makes_the_same_mess(batch: SampleBatch) -> None:
    damage = Damage(lost=0.1, missing=0.1)
    first, second = (make_messy(batch, LOGGER, damage, np.random.default_rng(1)) for _ in range(2))
    for name, values in first.table.columns.items():
        np.testing.assert_array_equal(values, second.table.columns[name])
