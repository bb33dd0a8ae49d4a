"""Two real faulty vehicles, as they are and disguised: what is said of them, where and when.

BatICM/unsupervised-battery-faults (MIT); Nie, Deng et al., Energy 323:135754.
"""

import duckdb
import numpy as np
import pytest

from voltherd.detection.engine import init, step
from voltherd.intake.build import build
from voltherd.intake.recognise import recognise
from voltherd.triage.findings import findings
from voltherd.types.event import LocationKind, Phenomenon, Severity
from voltherd.types.table import RawTable

pytestmark = [pytest.mark.recorded, pytest.mark.long]

HOUR = 3600.0
FAR = (2, 81)
"""Cells of car3 twelve standard deviations below their siblings."""
THIRD_AS_FAR = (49, 50, 68, 71)


def load(folder, vehicle):
    source = folder / "baticm_ev_faults" / f"{vehicle}.parquet"
    columns = {}
    for name, values in duckdb.sql(f"select * from '{source}'").fetchnumpy().items():
        if np.ma.isMaskedArray(values):
            values = (
                values.astype(float).filled(np.nan) if values.dtype.kind == "f" else values.data
            )
        columns[name] = values
    return columns


@pytest.fixture(scope="module")
def car1(recorded):
    return load(recorded, "car1")


@pytest.fixture(scope="module")
def car3(recorded):
    return load(recorded, "car3")


def imported(columns, vehicle):
    table = RawTable(source=f"{vehicle}.parquet", columns=columns)
    [(batch, _)] = build(table, recognise(table))
    return batch


def followed(batch):
    return step(init(batch.vehicle_id, batch.cells, batch.probes), batch)


def triaged(columns, vehicle):
    batch = imported(columns, vehicle)
    return batch, findings(followed(batch), batch.cell_names)


def number(name):
    return int(name.split("_")[-1])


def is_cell(name):
    return name.startswith("V_")


def numbered(name):
    return name.startswith(("V_", "T_"))


def changed(columns, change, *names):
    return {
        n: change(v.astype(float)) if n in names or (n[:2] in names and numbered(n)) else v
        for n, v in columns.items()
    }


def as_it_is(columns):
    return columns


def other_units_and_sign(columns):
    """Millivolts, tenths of an ampere while discharging, °F, SOC as a fraction, epoch ms."""
    cells = ("V_", "BMSCellVoltageMax", "BMSCellVoltageMin", "BMSCellVoltageM")
    told = changed(columns, lambda v: np.round(v * 1e3), *cells)
    told = changed(told, lambda v: -10.0 * v, "BMSBatteryCurrent")
    told = changed(told, lambda v: v / 100.0, "vehBMSPackSOC")
    told = changed(told, lambda v: np.where(v == 255.0, v, v * 1.8 + 32.0), "T_")
    return told | {"tboxTime": columns["tboxTime"].astype("M8[ms]").astype(np.int64)}


def sloppy_sensors(columns):
    """Current 0.3 A off and 1 % too high, cells 5 mV off, SOC 10 points wrong."""
    told = changed(columns, lambda v: v * 1.01 + 0.3, "BMSBatteryCurrent")
    told = changed(told, lambda v: v + 0.005, "V_")
    return changed(told, lambda v: np.clip(v + 10.0, 0.0, 100.0), "vehBMSPackSOC")


def every_thirty_seconds(columns):
    second = columns["tboxTime"].astype("M8[s]").astype(np.int64)
    keep = np.concatenate([[True], np.diff(second // 30) != 0])
    return {n: v[keep] for n, v in columns.items()}


def lost_and_repeated(columns):
    """A tenth of the packets lost, a tenth sent twice, all out of order."""
    rng = np.random.default_rng(5)
    rows = len(columns["tboxTime"])
    order = rng.permutation(np.flatnonzero(rng.random(rows) > 0.1))
    order = np.concatenate([order, order[: rows // 10]])
    return {n: v[order] for n, v in columns.items()}


def other_names(columns):
    """Nothing but numbers in the names of cells and probes, other columns first."""
    order = sorted(columns, key=lambda n: (is_cell(n), n.startswith("T_"), len(n)))
    names = {n: n.replace("V_", "foo_").replace("T_", "bar_") for n in order if numbered(n)}
    return {names.get(n, n): columns[n] for n in order}


def other_codes(columns):
    """65.535 V for no cell voltage, nothing at all for no temperature."""
    rng = np.random.default_rng(6)
    told = changed(columns, lambda v: np.where(v == 255.0, np.nan, v), "T_")
    return changed(
        told, lambda v: np.where((v > 10.0) | (rng.random(len(v)) < 0.01), 65.535, v), "V_"
    )


DISGUISES = [
    as_it_is, other_units_and_sign, sloppy_sensors, every_thirty_seconds, lost_and_repeated,
    other_names, other_codes,
]  # fmt: skip


@pytest.mark.parametrize("disguise", DISGUISES, ids=lambda d: d.__name__)
def test_car3_has_two_low_cells_dead_probes_and_a_frozen_channel(car3, disguise):
    batch, found = triaged(disguise(car3), "car3")
    single = {number(f.location.channel): f for f in found if f.location.kind is LocationKind.CELL}
    urgent = {cell for cell, f in single.items() if f.severity > Severity.OPERATING}
    assert urgent == set(FAR)
    assert all(single[cell].severity is Severity.RECOMMENDED for cell in FAR)
    start = batch.unix_time_second[0]
    assert max(single[cell].raised_second for cell in FAR) - start < 4.0 * HOUR
    assert not [f for f in found if f.severity > Severity.OPERATING and f not in single.values()]
    assert all(single[c].severity is Severity.OPERATING for c in THIRD_AS_FAR if c in single)
    # what the record lacks is said of its channels
    told = {f.phenomenon: f for f in found}
    assert told[Phenomenon.CHANNEL_INVALID].location.indices == tuple(range(8, 16))
    assert told[Phenomenon.CHANNEL_FROZEN].location.channel == "insulation_resistance_ohm"
    assert told[Phenomenon.COUNTER_RESET].location.channel == "odometer_kilometre"


@pytest.mark.parametrize("disguise", DISGUISES, ids=lambda d: d.__name__)
def test_car1_is_out_of_balance_as_a_pack_and_no_cell_is_to_blame(car1, disguise):
    _, found = triaged(disguise(car1), "car1")
    urgent = [f for f in found if f.severity > Severity.OPERATING]
    assert [f.phenomenon for f in urgent] == [Phenomenon.SOC_IMBALANCE]
    assert min(urgent[0].location.cells) > 70


@pytest.mark.parametrize("vehicle", ["car1", "car3"])
def test_the_current_counts_charging_however_the_source_counts(vehicle, request):
    columns = request.getfixturevalue(vehicle)
    plain = imported(columns, vehicle).scalar["current_ampere"]
    turned = imported(other_units_and_sign(columns), vehicle).scalar["current_ampere"]
    np.testing.assert_allclose(turned, plain, atol=1e-3)
    told = [n for n in columns if is_cell(n)] + ["tboxTime", "BMSBatteryCurrent"]
    alone = imported({n: columns[n] for n in told}, vehicle).scalar["current_ampere"]
    source = np.sign(columns["BMSBatteryCurrent"].sum())
    assert np.sign(alone.sum()) == np.sign(plain.sum()) == -source


@pytest.mark.parametrize("vehicle", ["car1", "car3"])
def test_the_past_raised_what_the_whole_record_says_it_raised(vehicle, request):
    batch = imported(request.getfixturevalue(vehicle), vehicle)

    def alarms(state, until):
        return {
            (key, level, time)
            for key, alarm in state.book.items()
            for level, time in enumerate(alarm.raised_second)
            if time is not None and time <= until
        }

    whole = followed(batch)
    state, begin = init(batch.vehicle_id, batch.cells, batch.probes), 0
    for end in np.linspace(0, batch.rows, 8).astype(int)[1:]:
        state = step(state, batch.between(begin, int(end)))
        begin = int(end)
        now = state.last_second
        assert alarms(state, np.inf) == alarms(whole, now)


def with_cell(columns, change):
    """The same vehicle with one healthy cell made faulty."""
    return columns | {"V_30": np.round(change(columns["V_30"].astype(float)), 3)}


def since(columns, share):
    second = columns["tboxTime"].astype("M8[s]").astype(np.int64)
    return second > second.min() + share * (second.max() - second.min())


FAULTS = {
    "added resistance": (
        lambda c, late: lambda v: v - np.where(late, c["BMSBatteryCurrent"] * 6e-4, 0.0),
        Phenomenon.CONTACT_RESISTANCE,
    ),
    "frozen channel": (
        lambda c, late: lambda v: np.where(late, v[np.argmax(late)], v),
        Phenomenon.SENSOR_STUCK,
    ),
    "less capacity": (
        lambda c, late: lambda v: v - 0.15 * (1.0 - c["vehBMSPackSOC"] / 100.0),
        Phenomenon.WEAK_CELL,
    ),
    "constant error": (
        lambda c, late: lambda v: v + np.where(late, 0.04, 0.0),
        Phenomenon.SENSOR_BIAS,
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_planted_in_a_healthy_cell_of_car3_is_named(car3, fault):
    plant, phenomenon = FAULTS[fault]
    late = since(car3, 0.3)
    _, found = triaged(with_cell(car3, plant(car3, late)), "car3")
    urgent = {
        number(f.location.channel): f.phenomenon for f in found if f.severity > Severity.OPERATING
    }
    assert urgent.keys() == {*FAR, 30}
    assert urgent[30] is phenomenon


def test_an_insulation_that_collapses_is_urgent_at_once(car3):
    late = since(car3, 0.5)
    ohm = np.where(late, 17.5, 2000.0) * (1.0 + 0.01 * np.sin(np.arange(len(late))))
    _, found = triaged(car3 | {"insulationResistance": ohm}, "car3")
    [low] = [f for f in found if f.phenomenon is Phenomenon.INSULATION_LOW]
    assert low.severity is Severity.SAFETY
    drove = car3["tboxTime"][late].astype("M8[s]").astype(np.int64).min()
    assert drove < low.raised_second < drove + 12.0 * HOUR


def test_telemetry_without_cells_is_no_accident(car3):
    pack = {n: v for n, v in car3.items() if not is_cell(n) and "CellVoltage" not in n}
    batch, found = triaged(pack, "car3")
    assert batch.cells == 0
    assert all(f.severity is Severity.OPERATING for f in found)
