"""Bits taken by arrays against cantools, frame by frame."""

import numpy as np
from cantools.database import conversion
from cantools.database.can import Message, Signal
from hypothesis import assume, given
from hypothesis import strategies as st

from voltherd.adapters.files.can_bits import Field, long_enough, pack, physical, raw


@given(
    start=st.integers(0, 63),
    length=st.integers(1, 64),
    big_endian=st.booleans(),
    signed=st.booleans(),
    scale=st.sampled_from([1.0, 0.1, -0.5, 0.001]),
    offset=st.sampled_from([0.0, -40.0, 12.5]),
    payloads=st.lists(st.binary(min_size=8, max_size=8), min_size=1, max_size=20),
)
def test_every_field_reads_as_cantools_reads_it(
    start, length, big_endian, signed, scale, offset, payloads
):
    field = Field(start, length, big_endian, signed, False, scale, offset)
    assume(field.bytes_needed <= 8)
    signal = Signal(
        "S",
        start,
        length,
        byte_order="big_endian" if big_endian else "little_endian",
        is_signed=signed,
        conversion=conversion.BaseConversion.factory(scale=scale, offset=offset),
    )
    message = Message(1, "M", 8, [signal])
    frames = pack(payloads)
    ours = physical(raw(frames, field), field)
    theirs = [float(message.decode(payload)["S"]) for payload in payloads]
    np.testing.assert_allclose(ours, theirs, rtol=1e-15, atol=1e-12)
    assert long_enough(frames, field).all()


@given(value=st.floats(width=32, allow_nan=False), big_endian=st.booleans())
def test_a_float_signal_keeps_its_bits(value, big_endian):
    start = 7 if big_endian else 0
    field = Field(start, 32, big_endian, is_float=True)
    payload = np.array([value], ">f4" if big_endian else "<f4").tobytes()
    assert raw(pack([payload]), field)[0] == np.float32(value)


def test_a_short_payload_does_not_hold_the_field():
    frames = pack([b"\x01", b"\x01\x02"])
    assert long_enough(frames, Field(8, 8)).tolist() == [False, True]
