"""The energy of a record beside what was predicted: closed form on a plain cell, then recorded."""

import duckdb
import numpy as np
import pytest

from tests.unit.estimation.test_soe import cell_of
from voltherd.bench.sop_energy import (
    DRIVES,
    ONE_C,
    discharges_in,
    energy_lines,
    energy_row,
    energy_summary,
    recorded_energies,
)
from voltherd.bench.sop_pulses import FILE
from voltherd.errors import InputError
from voltherd.estimation.identify import Drive

pytestmark = pytest.mark.long
OHM = 0.03


def drive(ampere=-3.0, capacity=3.0):
    """Discharge a cell of one resistance from full until its voltage reaches 3.2 V."""
    second = np.arange(0.0, 3600.0, 2.0)
    soc = 1.0 + ampere * second / 3600.0 / capacity
    curve = cell_of(OHM).base.ocv_volt
    volt = np.interp(soc, np.linspace(0.0, 1.0, len(curve)), curve) + OHM * ampere
    kept = volt >= 3.2
    flat = np.full(len(second), 1.0)
    whole = Drive(second, ampere * flat, volt, 25.0 * flat, soc)
    return Drive(*(part[kept] for part in whole))


@pytest.mark.parametrize("to_voltage", [False, True])
def test_the_energy_of_a_plain_cell_is_met(to_voltage):
    row = energy_row(cell_of(OHM), "a", 25.0, drive(), to_voltage=to_voltage)
    assert row.condition == (ONE_C if to_voltage else DRIVES)
    # It counts as empty when the voltage has been at its limit for 20 s of some 2,800 s.
    assert -0.5 < row.error < (1.0 if to_voltage else 0.5)
    assert row.coverage90 == 1.0
    assert row.microsecond > 0.0


def test_charge_that_comes_back_above_80_percent_is_part_of_the_record():
    """Twice across 80 %: what flowed up there is neither left out nor counted otherwise."""
    second = np.arange(0.0, 1600.0)
    ampere = np.where((second > 740.0) & (second < 800.0), 3.0, -3.0)
    soc = 1.0 + np.cumsum(ampere) / 3600.0 / 3.0
    curve = cell_of(OHM).base.ocv_volt
    volt = np.interp(soc, np.linspace(0.0, 1.0, len(curve)), curve) + OHM * ampere
    up = Drive(second, ampere, volt, np.full(1600, 25.0), soc)
    assert (np.diff((up.soc <= 0.8).astype(int)) != 0).sum() == 3
    assert abs(energy_row(cell_of(OHM), "a", 25.0, up, to_voltage=False).error) < 0.5


def test_a_cell_that_is_smaller_than_thought_gives_less_than_was_told():
    row = energy_row(cell_of(OHM), "a", 25.0, drive(capacity=2.7), to_voltage=False)
    assert row.error == pytest.approx(100.0 * (3.0 / 2.7 - 1.0), abs=0.5)
    assert row.max == row.mae == row.error
    assert row.coverage90 == 0.0
    told = energy_summary([row, row._replace(error=0.0, rmse=0.0, mae=0.0, max=0.0)])["soe"]
    assert told["mae"] == pytest.approx(row.error / 2.0)
    assert told["max"] == row.max
    assert told["conditions"][DRIVES]["records"] == 2
    assert "2 records" in energy_lines([row, row])[-1]


def test_discharges_at_1c_are_read_and_a_missing_column_is_named(tmp_path):
    file = tmp_path / FILE
    file.parent.mkdir(parents=True)
    assert recorded_energies(tmp_path, None, lambda _: None) == []
    part = "SELECT i * 2.0 AS t_s, -2.8 AS current_a, 3.6 AS voltage_v, 24.0 AS temp_c"
    part += ", i * -0.0015 AS ah, 'Cap_1C' AS test, 25 AS set_temp_c"
    duckdb.sql(f"COPY ({part}, 7 AS test_no FROM range(9) t(i)) TO '{file}' (FORMAT parquet)")
    ((name, celsius, found),) = discharges_in(tmp_path)
    assert (name, celsius) == ("25 1C 7", 25.0)
    assert found.soc[-1] == pytest.approx(1.0 - 0.012 / 2.778)
    duckdb.sql(f"COPY ({part} FROM range(9) t(i)) TO '{file}' (FORMAT parquet)")
    with pytest.raises(InputError, match="has no column test_no"):
        list(discharges_in(tmp_path))


@pytest.mark.recorded
def test_recorded_energies_are_met(recorded):
    rows = recorded_energies(recorded, None, lambda _: None)
    assert rows, "the recorded data has no LG drives"
    told = energy_summary(rows)["soe"]["conditions"]
    assert told[DRIVES]["max"] < 2.0
    assert told[ONE_C]["max"] < 4.0
