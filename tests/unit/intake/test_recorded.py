"""Recorded vehicles and laboratory files, as they are and disguised."""

import time

import duckdb
import numpy as np
import pytest

from voltherd.intake.build import build
from voltherd.intake.recognise import recognise
from voltherd.types.quality import INVALID, Quality
from voltherd.types.table import RawTable

pytestmark = pytest.mark.recorded


def load(folder, path):
    source = folder / path
    found = {}
    for name, values in duckdb.sql(f"select * from '{source}'").fetchnumpy().items():
        if np.ma.isMaskedArray(values):
            values = (
                values.filled(None)
                if values.dtype.kind == "O"
                else (
                    values.astype(np.float64).filled(np.nan)
                    if values.dtype.kind in "iuf"
                    else values.filled()
                )
            )
        found[name] = values
    return RawTable(source=str(source), columns=found)


@pytest.fixture(scope="module")
def car1(recorded):
    return load(recorded, "baticm_ev_faults/car1.parquet")


@pytest.fixture(scope="module")
def car3(recorded):
    return load(recorded, "baticm_ev_faults/car3.parquet")


def one(table):
    [(batch, report)] = build(table, recognise(table))
    return batch, report


def reasons(report):
    return {(remark.reason, remark.channel) for remark in report.remarks}


def test_car1_codes_of_66_volt_are_sentinels_and_no_other_value_is_touched(car1):
    batch, report = one(car1)
    assert (batch.vehicle_id, batch.cells, batch.probes, batch.rows) == ("car1", 96, 24, 66_666)
    source = np.column_stack([car1.columns[f"V_{k}"] for k in range(1, 97)])
    coded = source > 60.0
    np.testing.assert_array_equal((batch.cell_quality & int(INVALID)) != 0, coded)
    assert ((batch.cell_quality & int(Quality.SENTINEL)) != 0).sum() == coded.sum() > 1000
    np.testing.assert_array_equal(batch.cell_voltage_volt[~coded], source[~coded])
    assert ("duplicate_stamp", "unix_time_second") in reasons(report)


@pytest.mark.parametrize("car", ["car1", "car3"])
def test_charging_comes_out_positive(car, request):
    table = request.getfixturevalue(car)
    batch, _ = one(table)
    now = batch.scalar["current_ampere"]
    assert np.nanmean(now[batch.scalar["speed_kilometre_per_hour"] > 10.0]) < 0.0
    np.testing.assert_allclose(
        np.sort(now), np.sort(-table.columns["BMSBatteryCurrent"][-len(now) :]), atol=60.0
    )


def test_car3_temperatures_lose_their_40_and_eight_probes_are_dead(car3):
    batch, report = one(car3)
    dead = (batch.probe_quality & int(Quality.SENTINEL)) != 0
    assert np.flatnonzero(dead.all(axis=0)).tolist() == list(range(7, 15))
    live = batch.probe_temperature_celsius[:, ~dead.all(axis=0)]
    assert np.nanmin(live) > 10.0 and np.nanmax(live) < 40.0
    assert {
        ("frozen", "insulation_resistance_ohm"), ("counter_reset", "odometer_kilometre"),
        ("missing", "charge_state"), ("duplicate_row", ""), ("gap", "unix_time_second"),
    } <= reasons(report)  # fmt: skip
    insulation = next(answer for answer in report.answers if answer.name == "insulation")
    assert not insulation.possible


def fahrenheit(values):
    return values.astype(np.float64) * 1.8 + 32.0


def disguised(table, kind):
    columns = {}
    for number, (name, values) in enumerate(table.columns.items()):
        if kind == "mv" and name.startswith("V_"):
            values = values * 1000.0
        elif kind == "flipped" and name == "BMSBatteryCurrent":
            values = -values
        elif kind == "fahrenheit" and (name.startswith("T_") or "Temp" in name):
            values = fahrenheit(values)
        elif kind == "epoch_ms" and name == "tboxTime":
            values = values.astype("M8[ms]").astype(np.int64)
        elif kind == "renamed":
            digits = "".join(c for c in name if c.isdigit())
            name = {"V_": "foo_", "T_": "bar_"}.get(name[:2], f"x{chr(97 + number)}_") + digits
        elif kind == "from_zero" and name[:2] in ("V_", "T_"):
            name = f"{name[:2]}{int(name[2:]) - 1}"
        columns[name] = values
    if kind == "reversed_columns":
        columns = dict(reversed(columns.items()))
    return RawTable(source=table.source, columns=columns)


@pytest.mark.parametrize("car", ["car1", "car3"])
@pytest.mark.parametrize(
    "kind",
    ["mv", "flipped", "fahrenheit", "epoch_ms", "renamed", "from_zero", "reversed_columns"],
)
def test_a_disguised_car_comes_back_the_same(car, kind, request):
    table = request.getfixturevalue(car)
    plain, _ = one(table)
    batch, _ = one(disguised(table, kind))
    np.testing.assert_array_equal(batch.unix_time_second, plain.unix_time_second)
    np.testing.assert_allclose(batch.cell_voltage_volt, plain.cell_voltage_volt, atol=1e-4)
    near = 0.01
    np.testing.assert_allclose(
        batch.probe_temperature_celsius, plain.probe_temperature_celsius, atol=near
    )
    for name in ("current_ampere", "voltage_volt", "soc_fraction", "odometer_kilometre"):
        np.testing.assert_allclose(batch.scalar[name], plain.scalar[name], atol=1e-3)


@pytest.mark.parametrize("every", [3, 30])
def test_thinned_rows_are_recognised_alike(car1, every):
    table = RawTable(source="car1", columns={n: v[::every] for n, v in car1.columns.items()})
    profile, plain = recognise(table).profile, recognise(car1).profile
    assert profile.cells == plain.cells and profile.probes == plain.probes
    assert profile.scalar["current_ampere"] == plain.scalar["current_ampere"]


@pytest.mark.parametrize(
    ("path", "cells", "reason"),
    [
        ("DLR__LiGrHydra0b__20230131__POCV__25degC__Basytec", 0, "time_unit_doubtful"),
        ("DLR__LiLNMOHydra0b__20221125__POCV__25degC__Basytec", None, "time_unit_doubtful"),
        ("SINTEF__G20M7-202512-Gru6mV__20251228__C30__25degC__Neware", 1, "not_whole"),
        ("SINTEF__LiGrR2032__2024-04-30__25degC__Landt", 0, "frozen"),
        ("SINTEF__SLPBA842124HV__2024-10-23__Rate_25degC__Neware__Time_Bug", 1, "clock_fault"),
    ],
)
def test_laboratory_files_import_and_their_bugs_are_told(recorded, path, cells, reason):
    table = load(recorded, f"bdf_samples/{path}.bdf.parquet")
    batch, report = one(table)
    assert reason in {remark.reason for remark in report.remarks}
    assert cells is None or batch.cells == cells
    good = np.isfinite(batch.scalar["current_ampere"])
    assert good.mean() > 0.99
    assert recognise(table).profile.scalar["current_ampere"].scale == 1.0


@pytest.mark.parametrize(
    "path",
    ["lg_hg2/drive_cycles_1hz", "panasonic_18650pf/drive_cycles_1hz", "bmw_i3_trips/trips_1hz",
     "uw_lipo_cc/uw_lipo_5450mah_1hz", "dmegc_electrothermal/dmegc_18650",
     "lfp_flat_tao/lfp_1p2ah_1hz", "nasa_pcoe/timeseries"],
)  # fmt: skip
def test_the_sign_of_laboratory_current_is_found_whichever_way_it_is_written(recorded, path):
    table = load(recorded, f"{path}.parquet")
    assert recognise(table).profile.scalar["current_ampere"].scale == 1.0
    turned = {**table.columns, "current_a": -table.columns["current_a"]}
    flipped = RawTable(source=table.source, columns=turned)
    assert recognise(flipped).profile.scalar["current_ampere"].scale == -1.0


def test_a_car_is_recognised_and_built_within_its_share_of_a_second(car1):
    one(car1)
    spent = []
    for _ in range(3):
        start = time.process_time()
        one(car1)
        spent.append(time.process_time() - start)
    assert min(spent) < 0.6, f"{min(spent):.3f} s CPU; about 0.12 s without shape checks"
