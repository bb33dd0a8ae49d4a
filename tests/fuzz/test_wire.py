"""Whatever comes over the wire, decoding gives a value or one message, soon, in little memory.

The budget is small by default; ``VOLTHERD_FUZZ=nightly`` runs a hundred times as long.
"""

import os
import struct
import tracemalloc
from dataclasses import fields
from datetime import timedelta
from importlib.util import find_spec

import numpy as np
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.wire.samples import batch_of, driven
from tests.unit.wire.test_envelope import EVENT, GAP, MESSAGES
from voltherd.errors import UnreadableError
from voltherd.types.sample import SampleBatch
from voltherd.wire import envelope_pb2 as pb
from voltherd.wire.chunk import decode_chunk, decode_summary, encode_chunk
from voltherd.wire.chunk_bulk import NUMPY, decode_cells
from voltherd.wire.envelope import (
    Live,
    decode,
    decode_event,
    decode_gap,
    encode,
    encode_event,
    encode_gap,
)
from voltherd.wire.frame import framed

EXAMPLES = {"": 60, "nightly": 6000}[os.environ.get("VOLTHERD_FUZZ", "")]
fuzz = settings(
    max_examples=EXAMPLES,
    deadline=timedelta(seconds=20),
    suppress_health_check=[HealthCheck.too_slow],
)
MEMORY_BYTES = 8 << 20
"""No payload of a few kilobytes may take more, whatever it claims."""


def hard_batch() -> SampleBatch:
    """One with everything a chunk can hold: jumps, holes, signs, odd channels, names, flags."""
    batch = driven(rows=40, cells=11, noise=0.01, probes=3)
    volts = batch.cell_voltage_volt.copy()
    volts[3, 4], volts[5, 6], volts[7, 8] = np.nan, 4.9, 3.60001
    flags = np.where(np.isnan(volts), 1, 0).astype(np.uint8)
    scalar = {
        "current_ampere": -(np.arange(29_990.0, 30_030.0) * 0.1 - 3000.0),
        "coolant_flow": np.where(np.arange(40) % 7 == 0, np.nan, np.arange(40.0) / 3.0),
        "soc_fraction": np.full(40, np.float32(0.3)),
    }
    return batch_of(
        volts,
        probes=np.where(batch.probe_temperature_celsius > 21.0, np.float32(-0.0), 20.5),
        scalar=scalar,
        cell_quality=flags,
        cell_names=[f"V_{k + 1}" for k in range(11)],
        probe_names=["inlet", "outlet", "Öl"],
    )


CHUNKS = [encode_chunk(b) for b in (hard_batch(), driven(), driven(rows=1), driven(noise=9.9))]
PAYLOADS = [encode(message) for message in MESSAGES] + [encode(Live("a", hard_batch(), 7))]


@st.composite
def damage(draw):
    """A function that damages bytes: cuts, changes, insertions, repeats, removals."""
    kinds = st.sampled_from(["cut", "set", "insert", "repeat", "remove"])
    edit = st.tuples(kinds, st.floats(0, 1), st.integers(0, 255), st.binary(max_size=12))
    edits = draw(st.lists(edit, min_size=1, max_size=5))

    def apply(data: bytes) -> bytes:
        for kind, place, byte, more in edits:
            at = int(place * len(data))
            if kind == "cut":
                data = data[:at]
            elif kind == "set":
                data = data[:at] + bytes([byte]) + data[at + 1 :]
            elif kind == "insert":
                data = data[:at] + more + data[at:]
            elif kind == "repeat":
                data = data[: at + byte] + data[at:]
            else:
                data = data[:at] + data[at + byte :]
        return data

    return apply


def read(reader, payload, *more):
    """Decode; anything but a value or one clear sentence fails the test."""
    value = refusal = None
    tracemalloc.start()
    try:
        value = reader(payload, *more)
    except UnreadableError as error:
        refusal = error
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < MEMORY_BYTES
    if refusal is not None:
        assert refusal.what and "\n" not in refusal.what and len(refusal.what) < 300
    return value


def engines():
    """Every way to run the loops over counts that is installed."""
    yield NUMPY
    if find_spec("numba"):
        from voltherd.wire.chunk_numba import NUMBA

        decode_cells(CHUNKS[1:2], (), np.float64, NUMBA)  # compiled before memory is watched
        yield NUMBA


def read_chunk(body: bytes) -> SampleBatch | None:
    """Decode in every way there is; all agree to the bit, or none gives anything."""
    batch = read(decode_chunk, body, "bus-7")
    for engine in engines():
        rows = read(decode_cells, [body], (), np.float64, engine)
        if batch is not None and rows is not None:
            with np.errstate(all="ignore"):
                volts = batch.cell_voltage_volt.astype(np.float64)
            np.testing.assert_array_equal(rows.cell_voltage_volt, volts)
        assert batch is None or rows is not None
    if batch is not None:
        sound(batch, body)
    return batch


def sound(batch: SampleBatch, body: bytes) -> None:
    """What was read is what the chunk says of itself, and can be sent again."""
    told = decode_summary(body)
    assert (told.rows, told.cells, told.probes) == (batch.rows, batch.cells, batch.probes)
    assert tuple(batch.scalar) == told.scalars
    time = batch.unix_time_second
    assert np.isfinite(time).all() and (np.diff(time) >= 0).all()
    encode_chunk(batch)


@fuzz
@given(st.sampled_from(PAYLOADS), damage(), st.booleans())
def test_a_damaged_payload_gives_a_message_or_a_refusal(payload, harm, reseal):
    damaged = framed(payload[:2], harm(payload[6:])) if reseal else harm(payload)
    read(decode, damaged)


@fuzz
@given(st.sampled_from([encode_event(EVENT), encode_gap(GAP)]), damage())
def test_a_damaged_body_gives_a_value_or_a_refusal(body, harm):
    damaged = framed(body[:2], harm(body[6:]))
    read(decode_event, damaged)
    read(decode_gap, damaged)


@fuzz
@given(st.binary(max_size=300), st.sampled_from([b"V1", b"E1", b"G1", b"C1"]))
def test_anything_behind_a_sound_frame_gives_a_value_or_a_refusal(content, mark):
    for payload in (content, framed(mark, content)):
        read(decode, payload)
        read(decode_event, payload)
        read(decode_gap, payload)
        read(decode_summary, payload)
        read(decode_chunk, payload, "bus-7")


@fuzz
@given(st.sampled_from(CHUNKS), damage())
def test_a_damaged_chunk_is_noticed_by_its_checksum(body, harm):
    damaged = harm(body)
    if damaged != body:
        assert read(decode_chunk, damaged, "bus-7") is None
        assert read(decode_summary, damaged) is None


def apart(body: bytes) -> tuple[pb.ChunkHeader, list[bytes]]:
    """Header and unpacked parts of a chunk."""
    [length] = struct.unpack_from("<H", body, 6)
    header = pb.ChunkHeader.FromString(body[8 : 8 + length])
    rest, cut = body[8 + length :], header.columns_bytes
    unpacker = zstandard.ZstdDecompressor()
    return header, [unpacker.decompress(part) for part in (rest[:cut], rest[cut:])]


def together(header: pb.ChunkHeader, parts: list[bytes]) -> bytes:
    """The same with everything around them sound."""
    packed = [zstandard.ZstdCompressor().compress(part) for part in parts]
    header.columns_bytes = len(packed[0])
    head = header.SerializeToString()
    return framed(b"C1", b"".join((struct.pack("<H", len(head)), head, *packed)))


@fuzz
@given(st.sampled_from(CHUNKS), st.integers(0, 1), damage())
def test_damaged_parts_behind_sound_checksums_give_samples_or_a_refusal(body, which, harm):
    header, parts = apart(body)
    parts[which] = harm(parts[which])
    damaged = together(header, parts)
    read_chunk(damaged)


NUMBERS = st.sampled_from([0, 1, 2, 3, 59, 61, 4096, 86_400, 2**31, 2**32 - 1])


@fuzz
@given(
    st.sampled_from(CHUNKS),
    st.dictionaries(st.sampled_from(["rows", "cells", "probes", "columns_bytes"]), NUMBERS),
    st.binary(max_size=5) | st.none(),
    st.dictionaries(st.sampled_from(["first_second", "last_second"]), st.floats()),
)
def test_headers_that_lie_give_samples_or_a_refusal(body, changes, channel, times):
    header, parts = apart(body)
    for name, value in {**changes, **times}.items():
        setattr(header, name, value)
    if channel is not None:
        header.channel = channel
    damaged = together(header, parts)
    read(decode_summary, damaged)
    read_chunk(damaged)


@fuzz
@given(st.sampled_from(CHUNKS), st.data())
def test_fields_that_lie_give_samples_or_a_refusal(body, data):
    """Every field of a part is set to something else of its kind, one or two at a time."""
    header, (columns, cells) = apart(body)
    messages = [pb.ChunkColumns.FromString(columns), pb.ChunkMatrix.FromString(cells)]
    messages.append(messages[0].counts)
    messages.append(messages[0].corrections)
    messages.append(messages[0].probes)
    for _ in range(data.draw(st.integers(1, 2))):
        message = data.draw(st.sampled_from(messages))
        field = data.draw(
            st.sampled_from([f for f in message.DESCRIPTOR.fields if not f.message_type])
        )
        if field.type == field.TYPE_BYTES:
            value = data.draw(damage())(getattr(message, field.name))
        else:
            value = data.draw(st.sampled_from([0, 1, 3, 7, 31, 127, 128, 255, 2**31 - 1]))
        setattr(message, field.name, value)
    damaged = together(header, [m.SerializeToString() for m in messages[:2]])
    read_chunk(damaged)


@pytest.mark.parametrize("size", [1 << 26, 1 << 30])
@pytest.mark.parametrize("which", [0, 1])
def test_a_part_that_unpacks_to_far_more_than_it_should_is_not_unpacked(which, size):
    header, parts = apart(CHUNKS[0])
    bomb = zstandard.ZstdCompressor(level=1).compressobj(size=size)
    packed = [zstandard.ZstdCompressor().compress(part) for part in parts]
    block = bytes(1 << 20)
    packed[which] = b"".join([bomb.compress(block) for _ in range(size >> 20)] + [bomb.flush()])
    header.columns_bytes = len(packed[0])
    head = header.SerializeToString()
    body = framed(b"C1", b"".join((struct.pack("<H", len(head)), head, *packed)))
    assert len(body) < 1 << 18
    assert read(decode_chunk, body, "bus-7") is None


def test_a_part_that_hides_its_size_is_not_unpacked():
    header, parts = apart(CHUNKS[0])
    hiding = zstandard.ZstdCompressor(write_content_size=False)
    packed = [hiding.compress(part) for part in parts]
    header.columns_bytes = len(packed[0])
    head = header.SerializeToString()
    body = framed(b"C1", b"".join((struct.pack("<H", len(head)), head, *packed)))
    assert read(decode_chunk, body, "bus-7") is None


def test_no_room_is_made_for_rows_that_are_not_there():
    header, parts = apart(CHUNKS[1])
    header.rows, header.cells = 86_400, 190
    assert read(decode_chunk, together(header, parts), "bus-7") is None


def test_the_batch_to_be_damaged_has_everything():
    """Else the fuzzers above would miss a branch."""
    header, (columns, cells) = apart(CHUNKS[0])
    found, matrix = pb.ChunkColumns.FromString(columns), pb.ChunkMatrix.FromString(cells)
    assert list(header.other) == ["coolant_flow"]
    assert found.offset and found.corrections.width and found.cell_names and found.probe_names
    assert found.cell_quality and found.scalar_quality and found.probes.minus
    assert matrix.raw and (matrix.lean or matrix.large or not matrix.scale & 0x80)
    scales = {pb.ChunkMatrix.FromString(apart(body)[1][1]).scale & 0x80 for body in CHUNKS}
    assert scales == {0, 0x80}
    assert any(pb.ChunkMatrix.FromString(apart(body)[1][1]).lean for body in CHUNKS)
    assert fields(SampleBatch)
