"""A chunk taken apart: its header checked, its two parts unpacked within bounds.

Nothing is allocated that the header does not account for: the size a part claims is compared with
what rows and columns can need before a byte of it is unpacked.
"""

import struct
from typing import Final, NamedTuple

import zstandard

from voltherd.errors import UnreadableError
from voltherd.wire import envelope_pb2 as pb
from voltherd.wire.checks import CELLS_MAX, SECOND_MAX
from voltherd.wire.chunk_names import NAME_BYTES_MAX, channel_names
from voltherd.wire.frame import parsed, unframed

CHUNK_MARK: Final = b"C1"
ROWS_MAX: Final = 86_400
SCALARS_MAX: Final = 256
VALUES_MAX: Final = 1 << 24
"""Values of a chunk at most: rows times columns."""
PART_BYTES_MAX: Final = 1 << 26
"""Bytes of each part at most, unpacked."""
HEADER_LENGTH: Final = struct.Struct("<H")
_SLACK_BYTES: Final = 1 << 14


class Parts(NamedTuple):
    """A chunk with its header read and its parts still packed."""

    header: pb.ChunkHeader
    scalars: tuple[str, ...]
    """Names of the scalar channels."""
    columns: bytes
    cells: bytes
    """Nothing where there are none."""


def size_problem(rows: int, cells: int, probes: int, scalars: int) -> str:
    """Say what is wrong with a chunk's size, nothing where it can be one."""
    if not 1 <= rows <= ROWS_MAX:
        return f"a chunk has 1 to {ROWS_MAX} rows, not {rows}"
    if max(cells, probes) > CELLS_MAX or scalars > SCALARS_MAX:
        return f"a chunk of {cells} cells, {probes} probes and {scalars} more has too many columns"
    if rows * (1 + cells + probes + scalars) > VALUES_MAX:
        return f"a chunk of {rows} rows and {cells + probes + scalars} columns is too large"
    return ""


def parts(body: bytes) -> Parts:
    """Read a chunk's header and cut its parts out.

    Raises:
        UnreadableError: With what is wrong.
    """
    content = unframed(CHUNK_MARK, body, "chunk")
    if len(content) < HEADER_LENGTH.size:
        raise UnreadableError("chunk cut short")
    start = HEADER_LENGTH.size + HEADER_LENGTH.unpack_from(content)[0]
    header = parsed(pb.ChunkHeader, content[HEADER_LENGTH.size : start], "chunk's header")
    channel = header.channel
    if problem := size_problem(header.rows, header.cells, header.probes, len(channel)):
        raise UnreadableError(problem)
    first, last = header.first_second, header.last_second
    if not -SECOND_MAX < first <= last < SECOND_MAX:
        raise UnreadableError(f"a chunk from {first} s to {last} s")
    end = start + header.columns_bytes
    if not start < end <= len(content) or (end < len(content)) != (header.cells > 0):
        raise UnreadableError("chunk damaged: parts of another size")
    names = channel_names(channel, tuple(header.other))
    return Parts(header, names, content[start:end], content[end:])


def unpacked_columns(found: Parts, unpacker: zstandard.ZstdDecompressor) -> pb.ChunkColumns:
    """Unpack the columns.

    Raises:
        UnreadableError: They are damaged or larger than the header says.
    """
    header, scalars = found.header, len(found.scalars)
    sequences = header.rows * 8 * (2 * (1 + scalars) + 2)
    flags = header.rows * (header.cells + header.probes + scalars)
    names = (header.cells + header.probes) * (NAME_BYTES_MAX + 8)
    most = sequences + flags + names + _matrix_bytes(header.rows, header.probes) + _SLACK_BYTES
    return parsed(pb.ChunkColumns, _unpacked(found.columns, unpacker, most), "chunk's columns")


def unpacked_cells(found: Parts, unpacker: zstandard.ZstdDecompressor) -> pb.ChunkMatrix:
    """Unpack the cells.

    Raises:
        UnreadableError: They are damaged or larger than the header says.
    """
    most = _matrix_bytes(found.header.rows, found.header.cells) + _SLACK_BYTES
    return parsed(pb.ChunkMatrix, _unpacked(found.cells, unpacker, most), "chunk's cells")


def _matrix_bytes(rows: int, sensors: int) -> int:
    """Give the most that a matrix can need: two streams, the bits, a sign, three numbers each."""
    return rows * sensors * 11 + 12 * sensors


def _unpacked(packed: bytes, unpacker: zstandard.ZstdDecompressor, most: int) -> bytes:
    try:
        size = zstandard.frame_content_size(packed)
        if not 0 <= size <= min(most, PART_BYTES_MAX):
            raise UnreadableError(f"chunk damaged: a part of {size} bytes where {most} are most")
        return unpacker.decompress(packed, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise UnreadableError("chunk damaged: a part cannot be unpacked") from error
