"""Bits set by arrays against cantools, frame by frame."""

import cantools.database
import numpy as np
import pytest
from cantools.database import conversion
from cantools.database.can import Message, Signal
from hypothesis import assume, given
from hypothesis import strategies as st

from voltherd.adapters.can.encode import encode
from voltherd.errors import UsageError
from voltherd.types.frame import MessageFrames


def message(*signals):
    return Message(1, "M", 8, list(signals), strict=True)


def sent(values, name="S"):
    values = np.asarray(values, float)
    return MessageFrames("M", np.arange(len(values), dtype=float), {name: values})


@given(
    start=st.integers(0, 63),
    length=st.integers(2, 48),
    big_endian=st.booleans(),
    signed=st.booleans(),
    scale=st.sampled_from([1.0, 0.1, -0.5, 0.001]),
    offset=st.sampled_from([0.0, -40.0, 12.5]),
    shares=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=20),
)
def test_every_field_is_written_as_cantools_writes_it(
    start, length, big_endian, signed, scale, offset, shares
):
    first = 8 * (start // 8) + 7 - start % 8 if big_endian else start
    assume(first + length <= 64)
    signal = Signal(
        "S",
        start,
        length,
        byte_order="big_endian" if big_endian else "little_endian",
        is_signed=signed,
        conversion=conversion.BaseConversion.factory(scale=scale, offset=offset),
    )
    lowest = -(2 ** (length - 1)) if signed else 0
    counts = [lowest + int(share * (2**length - 1)) for share in shares]
    values = [count * scale + offset for count in counts]
    ours = encode(sent(values), message(signal))
    theirs = [message(signal).encode({"S": count}, scaling=False) for count in counts]
    assert [row.tobytes() for row in ours.payload] == theirs
    assert ours.beyond == 0


DATABASE = """VERSION ""
BS_:
BU_: A
BO_ 1 M: 8 A
 SG_ S : 0|16@1+ (0.1,-100) [-100|500] "A" A
 SG_ Bare : 16|8@1+ (1,0) [0|200] "" A
VAL_ 1 S 65535 "Not available" ;
"""


def declared():
    return cantools.database.load_string(DATABASE, "dbc").get_message_by_name("M")


def test_what_is_no_value_or_beyond_the_range_is_sent_as_not_available_and_counted():
    done = encode(sent([np.nan, 500.0, 500.1, -100.1, np.inf, -100.0]), declared())
    assert done.payload[:, :2].copy().view("<u2").ravel().tolist() == [
        65535,
        6000,
        65535,
        65535,
        65535,
        0,
    ]
    assert done.beyond == 2


def test_a_value_between_two_steps_goes_to_the_nearer_one():
    done = encode(sent([0.04, 0.06, -0.04]), declared())
    assert done.payload[:, :2].copy().view("<u2").ravel().tolist() == [1000, 1001, 1000]


def test_a_missing_value_without_a_code_for_it_is_refused():
    with pytest.raises(UsageError, match=r"M\.Bare has no value, and no code"):
        encode(sent([np.nan], "Bare"), declared())


def test_the_values_given_are_not_changed():
    values = np.array([np.nan, 1.0])
    values.flags.writeable = False
    encode(MessageFrames("M", np.zeros(2), {"S": values}), declared())
