"""Bits out of images against cantools, whatever the layout of the message."""

import cantools.database
import numpy as np
import pytest
from cantools.database import conversion
from cantools.database.can import Message, Signal
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.unit.edge.simulated_bus import START, batch, heard, layouts, wired
from voltherd.adapters.can.layout import read_layout
from voltherd.edge import image
from voltherd.edge.decode import Image, decode
from voltherd.edge.wiring import parameter_group, wire_up
from voltherd.errors import InputError, UnreadableError, UsageError
from voltherd.intake.profile import ChannelRule, GroupRule, Profile
from voltherd.types.frame import CanFrame, MessageLayout, SignalLayout
from voltherd.types.quality import Quality


def one(signal: SignalLayout, data: bytes, rule: ChannelRule | None = None, age: float = 0.0):
    """Decode one frame of a message with one signal; gives value and flag of the current."""
    message = MessageLayout("M", 1, False, (signal,))
    rule = rule or ChannelRule(column="S")
    wiring = wire_up((message,), Profile(scalar={"current_ampere": rule}))
    width = wiring.slots[0].width
    content = data[:width].ljust(width, b"\0")
    row = Image(0.0, content, (age,), (len(data),), 0, 0, 0.0)
    batch = decode(wiring, "v", [row]).batch
    return float(batch.scalar["current_ampere"][0]), int(batch.scalar_quality["current_ampere"][0])


@given(
    start=st.integers(0, 63),
    length=st.integers(1, 64),
    big_endian=st.booleans(),
    signed=st.booleans(),
    scale=st.sampled_from([1.0, 0.1, -0.5, 0.001]),
    offset=st.sampled_from([0.0, -40.0, 12.5]),
    data=st.binary(min_size=9, max_size=9),
)
def test_every_field_is_read_as_cantools_reads_it(
    start, length, big_endian, signed, scale, offset, data
):
    first = 8 * (start // 8) + 7 - start % 8 if big_endian else start
    assume(first + length <= 72)
    signal = Signal(
        "S",
        start,
        length,
        byte_order="big_endian" if big_endian else "little_endian",
        is_signed=signed,
        conversion=conversion.BaseConversion.factory(scale=scale, offset=offset),
    )
    theirs = Message(1, "M", 9, [signal], strict=True).decode(data)["S"]
    layout = SignalLayout("S", start, length, big_endian, signed, False, scale, offset)
    value, flag = one(layout, data)
    if abs(theirs) > 3000.0 * (1 + 1e-6):
        assert flag == Quality.OUT_OF_RANGE and np.isnan(value)
    else:
        assert flag == Quality.OK
        assert value == pytest.approx(theirs, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("bits", [16, 32, 64])
def test_floating_point_fields_are_read(bits):
    data = np.array([-12.5], f"<f{bits // 8}").tobytes()
    layout = SignalLayout("S", 0, bits, is_float=True, scale=2.0, offset=1.0)
    assert one(layout, data) == (-24.0, Quality.OK)
    nothing = np.array([np.nan], f"<f{bits // 8}").tobytes()
    assert one(layout, nothing)[1] == Quality.NOT_FINITE


def test_what_is_no_value_is_missing_and_says_why():
    layout = SignalLayout("S", 0, 16, scale=0.1, not_available=(0xFFFF, 0xFFFE))
    assert one(layout, b"\xff\xff")[1] == Quality.SENTINEL
    assert one(layout, b"\xfe\xff")[1] == Quality.SENTINEL
    assert one(layout, b"\xfd\xff")[1] == Quality.OUT_OF_RANGE
    assert one(layout, b"\x10")[1] == Quality.MISSING, "too short"
    assert one(layout, b"\x10\x00", age=6.0)[1] == Quality.MISSING, "too old"
    assert one(layout, b"\x10\x00", age=4.0) == (pytest.approx(1.6), Quality.OK)


def test_signed_codes_and_j1939_ranges_and_a_profile_s_sentinels_are_no_values():
    signed = SignalLayout("S", 0, 8, signed=True, not_available=(-128,))
    assert one(signed, b"\x80")[1] == Quality.SENTINEL
    assert one(signed, b"\x81") == (-127.0, Quality.OK)
    j1939 = SignalLayout("S", 0, 16, not_available_from=0xFE00, scale=0.01)
    assert one(j1939, b"\x00\xfe")[1] == Quality.SENTINEL
    assert one(j1939, b"\xff\xfd") == (pytest.approx(650.23), Quality.OK)
    told = ChannelRule(column="S", scale=-2.0, offset=1.0, sentinels=(7.0,))
    plain = SignalLayout("S", 0, 8)
    assert one(plain, b"\x07", told)[1] == Quality.SENTINEL
    assert one(plain, b"\x08", told) == (-15.0, Quality.OK)


def test_a_simulated_pack_comes_out_as_it_went_in():
    sent = batch(20, cells=96, probes=24)
    wiring = wired(96, 24)
    _, found = image.step(wiring, image.init(wiring), heard(sent), now_second=START + 100.0)
    got = decode(wiring, "bus-7", found.images).batch
    kept = np.isin(got.unix_time_second, sent.unix_time_second)
    assert kept.sum() == sent.rows
    np.testing.assert_array_equal(got.cell_voltage_volt[kept], sent.cell_voltage_volt)
    np.testing.assert_array_equal(
        got.probe_temperature_celsius[kept], sent.probe_temperature_celsius
    )
    for name, values in sent.scalar.items():
        np.testing.assert_array_equal(got.scalar[name][kept], values)
    assert (got.scalar_quality["odometer_kilometre"] == Quality.SENTINEL).all()


def test_cells_without_a_signal_keep_their_place():
    message = MessageLayout("M", 1, False, (SignalLayout("A", 0, 16, scale=1e-3),))
    rule = GroupRule(columns=("A",), indices=(3,))
    wiring = wire_up((message,), Profile(cells=rule))
    row = Image(0.0, (3700).to_bytes(2, "little"), (0.0,), (2,), 0, 0, 0.0)
    got = decode(wiring, "v", [row]).batch
    assert got.cells == 3 and got.cell_voltage_volt[0, 2] == np.float32(3.7)
    assert got.cell_quality[0].tolist() == [Quality.MISSING, Quality.MISSING, Quality.OK]


MULTIPLEXED = """VERSION ""
BS_:
BU_: A
BO_ 100 Group: 8 A
 SG_ Page M : 0|8@1+ (1,0) [0|3] "" A
 SG_ Cell1 m0 : 8|16@1+ (0.001,0) [0|5] "V" A
 SG_ Cell2 m0 : 24|16@1+ (0.001,0) [0|5] "V" A
 SG_ Cell3 m1 : 8|16@1+ (0.001,0) [0|5] "V" A
BA_DEF_ BO_ "GenMsgCycleTime" INT 0 3600000;
BA_DEF_DEF_ "GenMsgCycleTime" 0;
BA_ "GenMsgCycleTime" BO_ 100 4000;
"""


def test_multiplexed_messages_fill_a_slot_for_each_part(tmp_path):
    path = tmp_path / "m.dbc"
    path.write_text(MULTIPLEXED)
    known = read_layout(path)
    wiring = wire_up(
        known, Profile(cells=GroupRule(columns=("Cell1", "Cell2", "Cell3"), indices=(1, 2, 3)))
    )
    assert len(wiring.slots) == 2
    assert wiring.slots[0].timeout_second == 12.0, "three of its declared periods"
    message = cantools.database.load_file(str(path)).messages[0]
    frames = [
        CanFrame(100, message.encode({"Page": 0, "Cell1": 3.601, "Cell2": 3.602}), 0.0, 0),
        CanFrame(100, message.encode({"Page": 1, "Cell3": 3.603}), 0.1, 0),
        CanFrame(100, b"\x02" + bytes(7), 0.2, 0),  # a page that nothing is known of
        CanFrame(100, b"", 0.3, 0),
    ]
    state, _ = image.step(wiring, image.init(wiring), frames)
    _, found = image.step(wiring, state, [], now_second=10.0)
    got = decode(wiring, "v", found.images).batch
    np.testing.assert_allclose(got.cell_voltage_volt, [[3.601, 3.602, 3.603]], rtol=1e-7)


def test_selectors_within_what_a_selector_chose_are_followed():
    signals = (
        SignalLayout("Outer", 0, 4),
        SignalLayout("Inner", 4, 4, selector="Outer", selected=(1,)),
        SignalLayout("Deep", 8, 8, selector="Inner", selected=(2, 3)),
    )
    message = MessageLayout("M", 9, False, signals)
    wiring = wire_up((message,), Profile(scalar={"current_ampere": ChannelRule(column="Deep")}))
    start = image.init(wiring)
    for first, filled in ((0x21, True), (0x31, True), (0x22, False), (0x41, False)):
        after, _ = image.step(wiring, start, [CanFrame(9, bytes([first, 5]), 0.0, 0)])
        assert (after.fresh == 1) is filled, hex(first)


def test_names_are_those_of_an_imported_log():
    signal = SignalLayout("I", 0, 16)
    messages = (
        MessageLayout("A", 0x11, False, (signal,)),
        MessageLayout("B", 0x12, False, (signal,)),
    )

    def route_of(column):
        profile = Profile(scalar={"current_ampere": ChannelRule(column=column)})
        return next(iter(wire_up(messages, profile).routes))

    assert route_of("B.I") == (0x12, False)
    assert route_of("I@can0/12") == (0x12, False)
    assert route_of("A@can0/11.I") == (0x11, False)
    with pytest.raises(UsageError, match=r"in 2 messages; name it as A\.I"):
        route_of("I")
    with pytest.raises(UsageError, match="no signal 'J'"):
        route_of("J")


def test_a_parameter_group_is_heard_from_one_sender_only():
    signal = SignalLayout("I", 0, 16)
    wiring = wire_up(
        (MessageLayout("A", 0x18F004FE, True, (signal,)),),
        Profile(scalar={"current_ampere": ChannelRule(column="I")}),
    )
    frames = [CanFrame(0x18F00410 + k % 2, bytes([k, 0]), 0.1 * k, 0, True) for k in range(6)]
    state, _ = image.step(wiring, image.init(wiring), frames)
    assert state.sender == (0x18F00410,) and state.counts.other_sender == 3
    assert parameter_group(0x18F00410) == 0xF004
    late, _ = image.step(wiring, state, [CanFrame(0x18F00411, b"\1\0", 60.0, 0, True)])
    assert late.sender == (0x18F00411,), "the first one has gone silent"
    plain, _ = image.step(wiring, image.init(wiring), [CanFrame(0x1F0, b"\1\0", 0.0, 0)])
    assert plain.counts.unknown == 1


def test_a_profile_that_maps_nothing_to_watch_is_refused():
    with pytest.raises(UsageError, match="no cell voltage, current or pack voltage"):
        wire_up(layouts(), Profile())


def test_databases_that_are_none_are_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_layout(tmp_path / "no.dbc")
    bad = tmp_path / "bad.dbc"
    bad.write_text("BO_ what\n SG_ is this")
    with pytest.raises(UnreadableError, match="not readable as DBC"):
        read_layout(bad)
    empty = tmp_path / "empty.dbc"
    empty.write_text('VERSION ""\n')
    with pytest.raises(InputError, match="no CAN messages"):
        read_layout(empty)
