"""CAN logs written by python-can, decoded with a small database of our own."""

from pathlib import Path

import can
import cantools.database
import numpy as np
import pytest

from voltherd.adapters.files.reader import read_file
from voltherd.errors import InputError, UnreadableError, UsageError

DBC = """VERSION ""
NS_ :
BS_:
BU_: BMS

BO_ 256 PackStatus: 8 BMS
 SG_ PackVoltage : 0|16@1+ (0.1,0) [0|1000] "V" Vector__XXX
 SG_ PackCurrent : 16|16@1- (0.1,0) [-3000|3000] "A" Vector__XXX
 SG_ Soc : 39|8@0+ (0.5,0) [0|100] "%" Vector__XXX

BO_ 512 CellVoltages: 8 BMS
 SG_ Page M : 0|8@1+ (1,0) [0|3] "" Vector__XXX
 SG_ Cell1 m0 : 8|16@1+ (0.001,0) [0|5] "V" Vector__XXX
 SG_ Cell2 m0 : 24|16@1+ (0.001,0) [0|5] "V" Vector__XXX
 SG_ Cell3 m1 : 8|16@1+ (0.001,0) [0|5] "V" Vector__XXX
 SG_ Cell4 m1 : 24|16@1+ (0.001,0) [0|5] "V" Vector__XXX

BO_ 2566844928 Temperatures: 8 BMS
 SG_ Probe1 : 0|8@1+ (1,-40) [-40|210] "degC" Vector__XXX
 SG_ Probe2 : 8|8@1+ (1,-40) [-40|210] "degC" Vector__XXX

VAL_ 512 Cell4 65535 "Signal not available" ;
BA_DEF_ BO_ "VFrameFormat" ENUM "StandardCAN","ExtendedCAN","reserved","J1939PG";
BA_DEF_DEF_ "VFrameFormat" "";
BA_ "VFrameFormat" BO_ 2566844928 3;
"""
START = 1_700_000_000.0


def frame(second, identifier, data, extended=False, channel=0):
    return can.Message(
        timestamp=second,
        arbitration_id=identifier,
        is_extended_id=extended,
        data=data,
        channel=channel,
    )


def traffic(seconds=20, start=START, source=0x21):
    """Pack status every 0.1 s, two pages of cells every second, temperatures every five."""
    for tick in range(10 * seconds):
        second = start + tick / 10
        status = int(3605 + tick).to_bytes(2, "little") + (-12).to_bytes(2, "little", signed=True)
        yield frame(second, 0x100, status + bytes([150, 0, 0, 0]))
        if tick % 10 == 0:
            for page in (0, 1):
                cells = (3650 + 10 * page).to_bytes(2, "little") + (3651 + 10 * page).to_bytes(
                    2, "little"
                )
                yield frame(second + 0.02 * (page + 1), 0x200, bytes([page]) + cells + bytes(3))
        if tick % 50 == 0:
            yield frame(second + 0.03, 0x18FEF200 | source, bytes([65, 0xFF] + [0] * 6), True)


@pytest.fixture
def dbc(tmp_path):
    path = tmp_path / "pack.dbc"
    path.write_text(DBC)
    return path


def write(path: Path, messages) -> Path:
    writer = can.Logger(str(path))
    for message in messages:
        writer(message)
    writer.stop()
    return path


def notes(table):
    return {note.reason: note for note in table.notes}


@pytest.mark.parametrize("suffix", [".asc", ".blf", ".log"])
def test_every_log_format_decodes_to_the_same_signals(tmp_path, dbc, suffix):
    table = read_file(write(tmp_path / f"drive{suffix}", traffic()), dbc=dbc)
    assert table.units["PackVoltage"] == "V" and table.units["Probe1"] == "degC"
    assert 19 <= table.rows <= 21
    for name, value in (("Cell1", 3.650), ("Cell2", 3.651), ("Cell3", 3.660), ("Cell4", 3.661)):
        np.testing.assert_allclose(table.columns[name], value, atol=1e-9)
    np.testing.assert_allclose(table.columns["PackCurrent"], -1.2, atol=1e-9)
    np.testing.assert_allclose(table.columns["Soc"], 75.0, atol=1e-9)
    stamps = table.columns["timestamp"]
    assert stamps.dtype == np.dtype("datetime64[us]")
    assert abs((stamps[0] - np.datetime64("2023-11-14T22:13:20")) / np.timedelta64(1, "s")) < 1.0
    assert ("timestamp" in table.utc) == (suffix == ".log")


def test_a_fast_signal_shows_its_last_value_and_the_rest_is_counted(tmp_path, dbc):
    table = read_file(write(tmp_path / "a.log", traffic()), dbc=dbc)
    seconds = (table.columns["timestamp"] - table.columns["timestamp"][0]) / np.timedelta64(1, "s")
    np.testing.assert_allclose(np.diff(seconds), 1.0, atol=0.1)
    np.testing.assert_allclose(np.diff(table.columns["PackVoltage"]), 1.0, atol=0.11)
    assert notes(table)["between_rows"].count == (200 - table.rows) * 3


def test_codes_for_not_available_are_no_value_and_counted(tmp_path, dbc):
    messages = list(traffic(4))
    messages.append(frame(START + 3.99, 0x200, bytes([1]) + b"\x4c\x0e\xff\xff" + bytes(3)))
    table = read_file(write(tmp_path / "a.log", messages), dbc=dbc)
    assert np.isnan(table.columns["Probe2"]).all()
    np.testing.assert_allclose(table.columns["Probe1"], 25.0)
    assert np.isnan(table.columns["Cell4"][-1]) and table.columns["Cell3"][-1] == 3.66
    assert notes(table)["not_available"].count == 2


def test_a_j1939_message_is_known_whoever_sends_it(tmp_path, dbc):
    table = read_file(write(tmp_path / "a.log", traffic(source=0xF4)), dbc=dbc)
    assert "Probe1" in table.columns


def test_two_senders_of_a_message_get_columns_of_their_own(tmp_path, dbc):
    both = sorted([*traffic(source=0x21), *traffic(source=0x22)], key=lambda m: m.timestamp)
    table = read_file(write(tmp_path / "a.log", both), dbc=dbc)
    assert [n for n in table.columns if n.startswith("Probe1")] == [
        "Probe1@can0/18FEF221",
        "Probe1@can0/18FEF222",
    ]


def test_a_value_is_not_held_when_its_message_falls_silent(tmp_path, dbc):
    messages = [m for m in traffic(40) if m.arbitration_id != 0x200 or m.timestamp < START + 10]
    table = read_file(write(tmp_path / "a.log", messages), dbc=dbc)
    seconds = (table.columns["timestamp"] - np.datetime64("2023-11-14T22:13:20")) / np.timedelta64(
        1, "s"
    )
    late = seconds > 14
    assert late.sum() >= 20, "other frames stand in for the silent one"
    assert np.isnan(table.columns["Cell1"][late]).all()
    assert np.isfinite(table.columns["PackVoltage"][late]).all()


def test_a_database_that_matches_nothing_names_both_sides(tmp_path, dbc):
    log = write(tmp_path / "a.log", [frame(START + k, 0x7AB, bytes(8)) for k in range(3)])
    with pytest.raises(InputError, match=r"0x7AB.*0x100 PackStatus"):
        read_file(log, dbc=dbc)


def test_a_log_without_a_database_asks_for_one(tmp_path):
    log = write(tmp_path / "a.asc", traffic(1))
    with pytest.raises(UsageError, match="--dbc"):
        read_file(log)


def test_a_database_that_is_none_is_refused_by_name(tmp_path):
    log = write(tmp_path / "a.asc", traffic(1))
    fake = tmp_path / "fake.dbc"
    fake.write_text("this is no database")
    with pytest.raises(UnreadableError, match=r"fake\.dbc"):
        read_file(log, dbc=fake)


def test_unknown_and_short_frames_are_counted(tmp_path, dbc):
    messages = [
        *traffic(3),
        frame(START + 3, 0x333, bytes(8)),
        frame(START + 3, 0x100, b"\x10\x0e"),
    ]
    table = read_file(write(tmp_path / "a.log", messages), dbc=dbc)
    assert (
        notes(table)["unknown_id"].count == 1 and "0x333" in notes(table)["unknown_id"].examples[0]
    )
    assert notes(table)["short_frame"].count == 2


@pytest.mark.parametrize("suffix", [".asc", ".log"])
def test_a_broken_line_costs_only_itself(tmp_path, dbc, suffix):
    path = write(tmp_path / f"a{suffix}", traffic(5))
    lines = path.read_text().splitlines()
    lines[20] = lines[20].replace("0", "zz", 4) if suffix == ".log" else " 2.0 1  100 Rx d 8 QQ 11"
    path.write_text("\n".join(lines))
    table = read_file(path, dbc=dbc)
    assert notes(table)["bad_line"].count == 1 and "line 21" in notes(table)["bad_line"].examples[0]
    assert table.rows >= 4


def test_a_blf_cut_short_gives_what_is_whole_and_says_so(tmp_path, dbc):
    path = write(tmp_path / "a.blf", traffic(2000))
    path.write_bytes(path.read_bytes()[:-3000])
    table = read_file(path, dbc=dbc)
    assert table.rows > 100 and "log_cut_short" in notes(table)


def test_a_log_of_events_alone_holds_no_frames(tmp_path, dbc):
    path = tmp_path / "a.asc"
    path.write_text(
        "date Tue Nov 14 10:13:20.000 pm 2023\nbase hex  timestamps absolute\n// nothing\n"
    )
    with pytest.raises(InputError, match="no CAN frames"):
        read_file(path, dbc=dbc)


def test_relative_stamps_of_an_asc_are_summed(tmp_path, dbc):
    path = tmp_path / "a.asc"
    rows = [" 1.000000 1  100 Rx d 8 15 0E F4 FF 96 00 00 00"] * 5
    path.write_text(
        "\n".join(["base hex  timestamps relative", "no internal events logged", *rows])
    )
    table = read_file(path, dbc=dbc)
    np.testing.assert_allclose(table.columns["timestamp"], [1, 2, 3, 4, 5])
    assert table.units["timestamp"] == "s"


def test_a_kcd_database_gives_the_same_signals(tmp_path, dbc):
    kcd = tmp_path / "pack.kcd"
    kcd.write_text(cantools.database.load_file(dbc).as_kcd_string())
    log = write(tmp_path / "a.log", traffic(5))
    by_dbc, by_kcd = read_file(log, dbc=dbc), read_file(log, dbc=kcd)
    for name in ("PackCurrent", "Cell4", "Probe1"):
        np.testing.assert_array_equal(by_kcd.columns[name], by_dbc.columns[name])


ARXML = """<?xml version="1.0" encoding="UTF-8"?>
<AUTOSAR xmlns="http://autosar.org/schema/r4.0"><AR-PACKAGES></AR-PACKAGES></AUTOSAR>"""


def test_an_arxml_without_messages_is_refused_as_such(tmp_path):
    arxml = tmp_path / "pack.arxml"
    arxml.write_text(ARXML)
    with pytest.raises(InputError, match=r"pack\.arxml.*(no CAN messages|not readable)"):
        read_file(write(tmp_path / "a.log", traffic(1)), dbc=arxml)
