"""Text of unknown encoding, line by line, within limits."""

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from voltherd.errors import UnreadableError

LINE_CHARACTERS_MAX: Final = 1 << 21
"""A longer line is no row of telemetry: 10,000 columns of 20 characters fit ten times."""
SAMPLE_BYTES: Final = 1 << 16
_CONTROL: Final = bytes(set(range(32)) - set(b"\t\n\r\f\x1b\x00"))
_BINARY_FRACTION: Final = 0.02


def encoding_of(path: Path) -> str:
    """Find the encoding: a byte-order mark, the pattern of UTF-16, valid UTF-8, else Western.

    Args:
        path: The file.

    Returns:
        The name of a codec under which every byte of the file decodes, UTF-16 without its
        mark excepted.

    Raises:
        UnreadableError: The content is binary.
    """
    with path.open("rb") as file:
        head = file.read(SAMPLE_BYTES)
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    sample = head[: len(head) // 2 * 2]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    half = max(len(sample) // 2, 1)
    if len(sample) >= 4 and max(even, odd) > 0.6 * half and min(even, odd) < 0.05 * half:
        return "utf-16-be" if even > odd else "utf-16-le"
    text = head.rstrip(b"\x00")
    odd_bytes = len(text) - len(text.translate(None, _CONTROL)) + text.count(0)
    if not text or odd_bytes > _BINARY_FRACTION * len(text):
        raise UnreadableError(
            "neither text nor any binary format that is known",
            where=str(path),
            mend="supported are CSV, TSV, Parquet, BDF and the CAN logs .asc, .blf and .log",
        )
    return _western_unless_utf8(path)


def _western_unless_utf8(path: Path) -> str:
    """Tell UTF-8 from the one-byte encodings by decoding all of it."""
    decoders = {name: codecs.getincrementaldecoder(name)() for name in ("utf-8-sig", "cp1252")}
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            for name in tuple(decoders):
                try:
                    decoders[name].decode(chunk)
                except UnicodeDecodeError:
                    del decoders[name]
            if not decoders:
                return "latin-1"
    for name, decoder in decoders.items():
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            continue
        return name
    return "latin-1"


def lines_of(path: Path, encoding: str) -> Iterator[tuple[int, str]]:
    """Give each line with its number from 1, its line end removed.

    Raises:
        UnreadableError: A line is longer than any row of telemetry, or bytes do not decode.
    """
    try:
        with path.open("r", encoding=encoding) as file:
            number = 0
            while line := file.readline(LINE_CHARACTERS_MAX):
                number += 1
                if len(line) == LINE_CHARACTERS_MAX:
                    raise UnreadableError(
                        f"line {number} is longer than {LINE_CHARACTERS_MAX:,} characters",
                        where=str(path),
                        mend="no row of telemetry is that long; check the line ends",
                    )
                yield number, line.rstrip("\n")
    except UnicodeError as error:
        raise UnreadableError(
            f"bytes after line {number} are not {encoding}",
            where=str(path),
            mend="export it again as UTF-8",
        ) from error
