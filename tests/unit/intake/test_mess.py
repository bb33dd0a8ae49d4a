"""Bad values and bad rows are flagged and counted, each by its reason; nothing goes silently."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from voltherd.errors import InputError, UnrecognisedError, UsageError, VoltherdError
from voltherd.intake.build import build
from voltherd.intake.profile import ChannelRule, Profile, TimeKind, TimeRule
from voltherd.intake.recognise import recognise
from voltherd.types.quality import INVALID, Quality
from voltherd.types.report import Remark
from voltherd.types.table import RawTable


def imported(columns, **given):
    table = RawTable(source="bus7.csv", columns=columns)
    return build(table, recognise(table, **given))


def one(columns):
    [(batch, report)] = imported(columns)
    return batch, report


def remark(report, reason, channel=None):
    found = [r for r in report.remarks if r.reason == reason and channel in (None, r.channel)]
    assert found, f"no remark {reason!r} among {[r.reason for r in report.remarks]}"
    return found[0]


def flagged(flags, quality):
    return (flags & int(quality)) != 0


@pytest.mark.parametrize("code", [65.535, 66.535, 255.0, 6.5535e4, -1.0, 0.0])
def test_a_code_among_cell_voltages_is_a_sentinel_not_a_voltage(columns, code):
    for name in ("V_3", "V_9"):
        columns[name] = columns[name].copy()
        columns[name][[50, 700, 4000]] = code
    batch, report = one(columns)
    assert flagged(batch.cell_quality, Quality.SENTINEL).sum() == 6
    assert np.isnan(batch.cell_voltage_volt[700, 8])
    found = remark(report, "sentinel", "voltage_volt_cell")
    assert found.count == 6 and "V_3" in found.detail and found.examples


def test_a_single_impossible_voltage_is_out_of_range_not_a_code(columns):
    columns["V_3"] = columns["V_3"].copy()
    columns["V_3"][50] = 17.123
    batch, report = one(columns)
    assert batch.cell_quality[50, 2] == Quality.OUT_OF_RANGE
    assert remark(report, "out_of_range").count == 1


def test_a_deep_but_possible_voltage_is_kept(columns):
    columns["V_3"] = columns["V_3"].copy()
    columns["V_3"][50:53] -= 0.2
    batch, _ = one(columns)
    assert not flagged(batch.cell_quality, INVALID).any()


def test_probes_that_say_255_throughout_are_dead_and_stay_in_place(columns):
    for name in ("T_2", "T_3"):
        columns[name] = np.full_like(columns[name], 255.0)
    batch, report = one(columns)
    assert batch.probes == 6
    assert flagged(batch.probe_quality[:, 1:3], Quality.SENTINEL).all()
    assert not flagged(batch.probe_quality[:, [0, 3, 4, 5]], INVALID).any()
    assert "T_2" in remark(report, "sentinel", "temperature_celsius_probe").detail


def test_a_raw_byte_of_40_is_found_by_the_reported_extremes(columns, truth):
    columns["BMSProbeTempMax"] = truth.probes.max(axis=1)
    columns["BMSProbeTempMin"] = truth.probes.min(axis=1)
    for k in range(1, 7):
        columns[f"T_{k}"] = columns[f"T_{k}"] + 40.0
    batch, report = one(columns)
    np.testing.assert_allclose(batch.probe_temperature_celsius, truth.probes, atol=1e-3)
    assert flagged(batch.probe_quality, Quality.CORRECTED).all()
    [words] = [how for _, name, how in report.mapping if "probe" in name]
    assert "+40" in words and "sure" in words


def test_what_is_missing_or_endless_is_flagged_by_its_reason(columns):
    columns["vehBMSPackSOC"] = columns["vehBMSPackSOC"].copy()
    columns["vehBMSPackSOC"][10:20] = np.nan
    columns["BMSBatteryVoltage"] = columns["BMSBatteryVoltage"].copy()
    columns["BMSBatteryVoltage"][5] = np.inf
    batch, report = one(columns)
    assert (batch.scalar_quality["soc_fraction"][10:20] == Quality.MISSING).all()
    assert batch.scalar_quality["voltage_volt"][5] == Quality.NOT_FINITE
    assert remark(report, "missing", "soc_fraction").count == 10
    assert remark(report, "not_finite", "voltage_volt").count == 1


def test_an_odometer_that_falls_to_zero_is_rejected_there_and_reported(columns):
    columns["vehOdo"] = columns["vehOdo"].copy()
    columns["vehOdo"][300:340] = 0.0
    batch, report = one(columns)
    assert (batch.scalar_quality["odometer_kilometre"][300:340] == Quality.REJECTED).all()
    assert np.isnan(batch.scalar["odometer_kilometre"][320])
    assert remark(report, "counter_reset").count == 40


def test_a_channel_that_never_moves_is_suspect_and_reported(columns):
    columns["insulationResistance"] = np.full(6000, 11_520.0)
    columns["V_5"] = np.full(6000, 3.9, np.float32)
    batch, report = one(columns)
    assert flagged(batch.scalar_quality["insulation_resistance_ohm"], Quality.SUSPECT).all()
    assert flagged(batch.cell_quality[:, 4], Quality.SUSPECT).all()
    assert not flagged(batch.cell_quality[:, 3], Quality.SUSPECT).any()
    assert remark(report, "frozen", "voltage_volt_cell").detail.endswith("V_5")
    insulation = next(a for a in report.answers if a.name == "insulation")
    assert not insulation.possible


def test_exchanged_extremes_are_exchanged_back(columns, truth):
    columns["BMSCellVoltageMax"] = truth.cells.min(axis=1)
    columns["BMSCellVoltageMin"] = truth.cells.max(axis=1)
    batch, report = one(columns)
    np.testing.assert_allclose(batch.scalar["cell_voltage_volt_max"], truth.cells.max(axis=1))
    assert remark(report, "swapped").count > 5900


def test_statistics_of_the_cells_are_not_taken_for_cells(columns, truth):
    columns["BMSCellVoltageMax"] = truth.cells.max(axis=1)
    columns["BMSCellVoltageM"] = truth.cells.mean(axis=1)
    batch, report = one(columns)
    assert batch.cells == 24
    assert "cell_voltage_volt_max" in batch.scalar
    assert "BMSCellVoltageM" in report.unused


def test_a_number_that_is_missing_leaves_a_hole_and_the_others_keep_theirs(columns, truth):
    del columns["V_7"]
    batch, report = one(columns)
    assert batch.cells == 24
    assert (batch.cell_quality[:, 6] == Quality.MISSING).all()
    np.testing.assert_allclose(batch.cell_voltage_volt[:, 7], truth.cells[:, 7], atol=1e-4)
    assert batch.cell_name(8) == "V_8"
    assert "7" in remark(report, "number_missing").detail


def test_rows_out_of_order_are_sorted_and_counted(columns, truth):
    order = np.arange(6000)
    order[100], order[103] = 103, 100
    batch, report = one({name: values[order] for name, values in columns.items()})
    np.testing.assert_allclose(batch.unix_time_second, truth.second)
    np.testing.assert_allclose(batch.cell_voltage_volt, truth.cells, atol=1e-4)
    assert remark(report, "out_of_order").count == 3


def test_rows_that_share_a_stamp_but_not_their_content_are_all_kept(columns):
    stamps = columns["tboxTime"].copy()
    stamps[501] = stamps[500]
    columns["tboxTime"] = stamps
    batch, report = one(columns)
    assert batch.rows == 6000
    assert remark(report, "duplicate_stamp").count == 1
    assert not any(r.reason == "duplicate_row" for r in report.remarks)


@pytest.mark.parametrize("stamp", ["1970-01-01", "2170-01-01", "2035-01-01", "NaT"])
def test_rows_with_an_impossible_stamp_are_rejected_and_counted(columns, stamp):
    stamps = columns["tboxTime"].copy()
    stamps[7] = np.datetime64(stamp)
    columns["tboxTime"] = stamps
    batch, report = one(columns)
    assert batch.rows == report.rows_kept == 5999
    assert remark(report, "time_invalid").count == 1
    assert "row 8" in remark(report, "time_invalid").examples[0]


def test_gaps_are_counted_with_the_longest(columns):
    keep = np.r_[0:2000, 2500:4000, 4100:6000]
    _, report = one({name: values[keep] for name, values in columns.items()})
    found = remark(report, "gap")
    assert found.count == 2 and "41.8 min" in found.detail


def test_a_clock_that_leaps_years_is_reported(columns):
    stamps = columns["tboxTime"].copy()
    stamps[4000:] += np.timedelta64(3 * 365, "D")
    _, report = one(columns | {"tboxTime": stamps})
    assert remark(report, "clock_jump").count == 1


def test_every_vehicle_of_a_file_gets_its_own_batch(columns, truth):
    twice = {name: np.concatenate([values, values]) for name, values in columns.items()}
    twice["vin"] = np.array(["BUS-B"] * 6000 + ["BUS-A"] * 6000, dtype=object)
    mixed = np.random.default_rng(3).permutation(12_000)
    table = {name: values[mixed] for name, values in twice.items()}
    found = imported(table)
    assert {batch.vehicle_id for batch, _ in found} == {"BUS-A", "BUS-B"}
    for batch, report in found:
        assert report.rows_read == 6000
        np.testing.assert_allclose(batch.cell_voltage_volt, truth.cells, atol=1e-4)


def test_without_a_vehicle_column_the_file_names_the_vehicle(table):
    [(batch, _)] = build(table, recognise(table))
    assert batch.vehicle_id == "bus7"


def test_naive_stamps_are_read_in_the_given_zone_and_the_report_says_so(columns, truth):
    [(batch, report)] = imported(columns, timezone="Europe/Berlin")
    np.testing.assert_allclose(batch.unix_time_second, truth.second - 7200.0)
    assert "Europe/Berlin" in report.timezone


def test_the_hour_that_does_not_exist_and_the_one_told_twice_are_read(columns):
    stamps = np.array(["2021-03-28T01:59:00", "2021-03-28T03:01:00"], dtype="M8[s]")
    table = RawTable(source="a", columns={"t": stamps, "I": np.ones(2), "V": np.ones(2)})
    rule = TimeRule(columns=("t",), kind=TimeKind.DATETIME, zone="Europe/Berlin")
    given = Profile(time=rule, scalar={"current_ampere": ChannelRule(column="I")})
    [(batch, _)] = build(table, recognise(table, given))
    assert np.diff(batch.unix_time_second) == 120.0


def test_elapsed_time_alone_is_counted_from_1970_and_said(columns, truth):
    columns["t_s"] = truth.second - truth.second[0]
    del columns["tboxTime"]
    batch, report = one(columns)
    assert batch.unix_time_second[0] == 0.0
    assert "date is unknown" in report.timezone and remark(report, "date_unknown")


def test_elapsed_time_that_dips_to_zero_for_one_row_is_a_clock_fault(columns, truth):
    elapsed = truth.second - truth.second[0]
    elapsed[[500, 900]] = 0.0
    columns["test_time_second"] = elapsed
    del columns["tboxTime"]
    batch, report = one(columns)
    assert remark(report, "clock_fault").count == 2
    assert batch.rows == 5998
    assert batch.unix_time_second[-1] == elapsed[-1]


def test_records_with_elapsed_time_laid_end_to_end_do_not_mix(columns, truth):
    elapsed = np.concatenate([np.arange(3000) * 5.0] * 2)
    columns["t_s"] = elapsed
    del columns["tboxTime"]
    batch, report = one(columns)
    np.testing.assert_allclose(batch.cell_voltage_volt, truth.cells, atol=1e-4)
    assert remark(report, "records_joined").count == 2


def test_when_nothing_tells_the_sign_the_report_says_so():
    second = 1.6e9 + np.arange(500.0)
    rng = np.random.default_rng(0)
    columns = {
        "timestamp": second,
        "pack_current": rng.normal(0, 5, 500),
        "pack_voltage": 350 + rng.normal(0, 1, 500),
    }
    batch, report = one(columns)
    found = remark(report, "uncertain", "current_ampere unit")
    assert "direction unknown" in found.detail and "cannot tell" in found.detail
    np.testing.assert_allclose(batch.scalar["current_ampere"], columns["pack_current"])


def test_a_declared_rate_is_held_against_the_actual_one(table):
    [(_, report)] = build(table, recognise(table), {"current_ampere": 1.0})
    assert "comes at 0.2 Hz, declared 1 Hz" in remark(report, "rate", "current_ampere").detail


def test_flags_that_a_canonical_file_holds_are_kept(truth):
    values = truth.cells[:, 0].astype(np.float32)
    values[5:9] = np.nan
    flags = np.zeros(6000, np.uint8)
    flags[5:9] = int(Quality.SENTINEL)
    flags[20] = int(Quality.SUSPECT)
    columns = {"unix_time_second": truth.second, "current_ampere": truth.current}
    columns |= {f"voltage_volt_cell_{k + 1:03d}": v for k, v in enumerate(truth.cells.T)}
    columns |= {"voltage_volt_cell_001": values, "voltage_volt_cell_001_quality": flags}
    batch, report = one(columns)
    assert batch.cells == 24
    np.testing.assert_array_equal(batch.cell_quality[:, 0], flags)
    assert np.isnan(batch.cell_voltage_volt[:, 0]).sum() == 4
    assert not any(r.reason == "missing" for r in report.remarks)


def test_what_the_reader_noticed_is_passed_on(columns):
    note = Remark(reason="skipped_line", channel="", count=2, total=9, detail="two short lines")
    table = RawTable(source="a.csv", columns=columns, notes=(note,))
    [(_, report)] = build(table, recognise(table))
    assert note in report.remarks


def test_counts_with_fractions_are_reported(columns):
    _, report = one(columns | {"cycle_count": np.full(6000, 6.283185307179586)})
    assert remark(report, "not_whole").count == 6000


def test_a_given_profile_wins_over_the_guess(columns):
    rule = ChannelRule(column="BMSBatteryCurrent", scale=1.0)
    table = RawTable(source="a.csv", columns=columns)
    given = Profile(scalar={"current_ampere": rule}, ignore=("vehOdo",))
    [(batch, _)] = build(table, recognise(table, given))
    np.testing.assert_allclose(batch.scalar["current_ampere"], columns["BMSBatteryCurrent"])
    assert "odometer_kilometre" not in batch.scalar
    assert batch.cells == 24


def test_giving_the_guessed_profile_back_changes_nothing(table):
    first = recognise(table)
    again = recognise(table, first.profile)
    assert again.profile == first.profile
    [(a, _)], [(b, _)] = build(table, first), build(table, again)
    np.testing.assert_array_equal(a.cell_voltage_volt, b.cell_voltage_volt)
    np.testing.assert_array_equal(a.scalar["current_ampere"], b.scalar["current_ampere"])


def test_a_profile_that_names_an_absent_column_is_told_the_nearest(columns):
    table = RawTable(source="a.csv", columns=columns)
    with pytest.raises(UsageError, match="did you mean 'vehOdo'"):
        recognise(table, Profile(scalar={"odometer_kilometre": ChannelRule(column="vehOdoo")}))


def test_an_unknown_zone_is_a_usage_error(table):
    with pytest.raises(UsageError, match="Mars/Base"):
        recognise(table, timezone="Mars/Base")


def test_no_column_that_tells_time_is_said_with_the_columns_names():
    columns = {"a": np.array(["x", "y"], dtype=object), "V_1": np.array([3.7, 3.6])}
    with pytest.raises(UnrecognisedError, match="no column tells time among a, V_1"):
        recognise(RawTable(source="a.csv", columns=columns))


def test_a_table_without_telemetry_is_unrecognised():
    stamps = np.array(["2021-01-01", "2021-01-02"], dtype="M8[s]")
    with pytest.raises(UnrecognisedError, match="no cell voltage"):
        recognise(RawTable(source="a.csv", columns={"date": stamps, "rain_mm": np.ones(2)}))


@pytest.mark.parametrize("columns", [{}, {"t": np.empty(0), "V_1": np.empty(0)}])
def test_an_empty_table_is_unrecognised(columns):
    with pytest.raises(UnrecognisedError, match="holds no rows"):
        recognise(RawTable(source="a.csv", columns=columns))


def test_when_no_row_has_a_usable_time_the_message_names_the_column(columns):
    rule = TimeRule(columns=("tboxTime",), kind=TimeKind.DATETIME)
    columns["tboxTime"] = np.full(6000, np.datetime64("1970-01-01", "ms"))
    table = RawTable(source="a.csv", columns=columns)
    told = r"no row has a usable time in tboxTime: it reads 1970-01-01T00:00:00Z to 1970-01-01"
    with pytest.raises(InputError, match=told):
        build(table, recognise(table, Profile(time=rule)))
    columns["tboxTime"] = np.full(6000, np.datetime64("NaT"))
    with pytest.raises(InputError, match="name the time column in a profile"):
        build(table, recognise(table, Profile(time=rule)))


def test_a_column_that_is_not_what_its_name_says_is_left_out_with_the_reason(columns):
    columns["vehBMSPackSOC"] = columns["vehBMSPackSOC"] - 500.0
    table = RawTable(source="a.csv", columns=columns)
    found = recognise(table)
    assert "vehBMSPackSOC" in found.unused
    [remark] = [r for r in found.remarks if r.reason == "not_used"]
    assert remark.channel == "vehBMSPackSOC"
    assert "named like soc_fraction, but it goes from -4" in remark.detail


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.dictionaries(
        st.one_of(st.sampled_from(["time", "V_1", "V_2", "I", "soc", "T_1", "vin"]), st.text()),
        st.one_of(
            hnp.arrays(np.float64, 9),
            hnp.arrays(np.int64, 9),
            hnp.arrays("M8[us]", 9),
            hnp.arrays(np.float32, (9, 4), elements=st.floats(width=32)),
            hnp.arrays(object, 9, elements=st.one_of(st.none(), st.text(max_size=8))),
        ),
        max_size=8,
    )
)
def test_whatever_a_table_holds_only_our_own_errors_come_out(columns):
    table = RawTable(source="fuzz.csv", columns=columns)
    found, refused = [], None
    try:
        found = build(table, recognise(table))
    except VoltherdError as error:
        refused = error
    assert refused is None or (refused.where == "fuzz.csv" and refused.mend)
    for batch, report in found:
        assert np.all(np.diff(batch.unix_time_second) >= 0.0)
        assert report.rows_kept == batch.rows <= report.rows_read
        invalid = flagged(batch.cell_quality, INVALID)
        np.testing.assert_array_equal(np.isnan(batch.cell_voltage_volt), invalid)
        for name, flags in batch.scalar_quality.items():
            np.testing.assert_array_equal(np.isnan(batch.scalar[name]), flagged(flags, INVALID))
