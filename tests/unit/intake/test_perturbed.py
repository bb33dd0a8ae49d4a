"""Whatever a vendor does to the columns, the same canonical batch comes out."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from voltherd.intake.build import build
from voltherd.intake.recognise import recognise
from voltherd.types.table import RawTable

CELL_UNITS = {"V": 1.0, "mV": 1e3}
PACK_UNITS = {"V": 1.0, "tenths": 10.0, "quarters": 4.0}
CURRENTS = {
    "A": lambda a: a,
    "tenths": lambda a: np.round(a * 10),
    "mA": lambda a: a * 1e3,
    "raised": lambda a: np.round((a + 1000.0) * 10),
}
TEMPERATURES = {
    "C": lambda c: c,
    "F": lambda c: c * 1.8 + 32.0,
    "K": lambda c: c + 273.15,
    "byte": lambda c: c + 40.0,
}
SPEEDS = {"km/h": 1.0, "m/s": 1 / 3.6, "mph": 1 / 1.609344}
NAMES = {
    "vendor": {},
    "english": {
        "tboxTime": "timestamp", "vehSpeed": "vehicle_speed", "BMSBatteryVoltage": "pack_voltage",
        "BMSBatteryCurrent": "pack_current", "vehBMSPackSOC": "soc", "vehOdo": "odometer",
        "V_": "cell_voltage_", "T_": "cell_temp_",
    },
    "german": {
        "tboxTime": "Zeitstempel", "vehSpeed": "Geschwindigkeit", "BMSBatteryVoltage": "Spannung",
        "BMSBatteryCurrent": "Strom", "vehBMSPackSOC": "Ladezustand", "vehOdo": "Kilometerstand",
        "V_": "Zellspannung", "T_": "Temperatur",
    },
    "signals": {
        "tboxTime": "ts", "vehSpeed": "Vehicle.Speed",
        "BMSBatteryVoltage": "Vehicle.Powertrain.TractionBattery.CurrentVoltage",
        "BMSBatteryCurrent": "Vehicle.Powertrain.TractionBattery.CurrentCurrent",
        "vehBMSPackSOC": "Vehicle.Powertrain.TractionBattery.StateOfCharge.Current",
        "vehOdo": "Vehicle.TraveledDistance", "V_": "CellV", "T_": "ModuleTemp",
    },
    "nonsense": {
        "tboxTime": "qa", "vehSpeed": "qb", "BMSBatteryVoltage": "qc", "BMSBatteryCurrent": "qd",
        "vehBMSPackSOC": "qe", "vehOdo": "qf", "V_": "foo_", "T_": "bar_",
    },
}  # fmt: skip


def written(second, kind):
    """Time as vendors write it."""
    stamps = (second * 1e3).astype("M8[ms]")
    iso = np.datetime_as_string(stamps, "s")
    if kind == "epoch_s":
        return second.astype(np.int64)
    if kind == "epoch_ms":
        return (second * 1e3).astype(np.int64)
    if kind == "iso":
        return iso.astype(object)
    if kind == "offset":  # the same instants, told in India
        local = np.datetime_as_string((second * 1e3 + 19_800_000).astype("M8[ms]"), "s")
        return np.strings.add(local, "+05:30").astype(object)
    if kind == "german":
        parts = [f"{s[8:10]}.{s[5:7]}.{s[:4]} {s[11:]}" for s in iso.tolist()]
        return np.array(parts, dtype=object)
    if kind == "excel":
        return second / 86_400.0 + 25_569.0
    return stamps


def decimal_comma(values):
    return np.array([f"{v:.8g}".replace(".", ",") for v in values.tolist()], dtype=object)


CHOICES = {
    "thin": [1, 2, 6],
    "sign": [1.0, -1.0],
    "cell": list(CELL_UNITS),
    "pack": list(PACK_UNITS),
    "temp": list(TEMPERATURES),
    "speed": list(SPEEDS),
    "amps": list(CURRENTS),
    "names": list(NAMES),
    "clock": ["datetime", "epoch_s", "epoch_ms", "iso", "offset", "german", "excel"],
    "comma": [False, True],
    "zero_based": [False, True],
    "shuffled": [False, True],
    "repeats": [False, True],
}


def disguise(truth, columns, how):
    """What a vendor makes of the columns."""
    names, changed = NAMES[how["names"]], {}
    for name, values in columns.items():
        if name == "tboxTime":
            values = written(truth.second, how["clock"])
        elif name.startswith("V_"):
            values = np.round(values.astype(float), 3) * CELL_UNITS[how["cell"]]
        elif name.startswith("T_"):
            values = TEMPERATURES[how["temp"]](values.astype(float))
        elif name == "BMSBatteryVoltage":
            values = values * PACK_UNITS[how["pack"]]
        elif name == "BMSBatteryCurrent":
            values = CURRENTS[how["amps"]](how["sign"] * values)
        elif name == "vehSpeed":
            values = values * SPEEDS[how["speed"]]
        values = values[:: how["thin"]]
        if how["repeats"]:  # the logger sent a stretch of rows twice
            values = np.concatenate([values[:200], values[150:]])
        if how["comma"] and values.dtype.kind == "f" and name[:2] in ("V_", "BM"):
            values = decimal_comma(values)
        if name[:2] in ("V_", "T_"):
            number = int(name[2:]) - int(how["zero_based"])
            name = names.get(name[:2], name[:2]) + str(number)
        changed[names.get(name, name)] = values
    order = list(changed)
    if how["shuffled"]:
        np.random.default_rng(7).shuffle(order)
    return RawTable(source="bus7.csv", columns={name: changed[name] for name in order})


def check(truth, columns, how):
    table = disguise(truth, columns, how)
    [(batch, report)] = build(table, recognise(table))
    rows = slice(None, None, how["thin"])
    assert batch.cells == truth.cells.shape[1]
    assert batch.probes == truth.probes.shape[1]
    np.testing.assert_allclose(batch.unix_time_second, truth.second[rows], atol=2e-3)
    np.testing.assert_allclose(batch.cell_voltage_volt, truth.cells[rows], atol=2e-4)
    np.testing.assert_allclose(batch.probe_temperature_celsius, truth.probes[rows], atol=1e-2)
    for name, wanted, near in (
        ("current_ampere", truth.current, 0.051),
        ("voltage_volt", truth.pack, 0.01),
        ("soc_fraction", truth.soc, 1e-3),
        ("speed_kilometre_per_hour", truth.speed, 0.01),
        ("odometer_kilometre", truth.odometer, 0.01),
    ):
        np.testing.assert_allclose(batch.scalar[name], wanted[rows], atol=near, err_msg=name)
    assert report.rows_read == table.rows
    repeated = sum(r.count for r in report.remarks if r.reason == "duplicate_row")
    assert repeated == 50 * how["repeats"]
    assert any(r.reason == "zero_based" for r in report.remarks) == how["zero_based"]


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in CHOICES.items() for value in values]
)
def test_one_change_alone_comes_back_to_the_same_batch(truth, columns, name, value):
    check(truth, columns, {key: values[0] for key, values in CHOICES.items()} | {name: value})


@settings(
    max_examples=30, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(how=st.fixed_dictionaries({key: st.sampled_from(v) for key, v in CHOICES.items()}))
def test_any_changes_together_come_back_to_the_same_batch(truth, columns, how):
    check(truth, columns, how)
