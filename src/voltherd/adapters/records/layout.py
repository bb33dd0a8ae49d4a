"""Where the record store keeps what, and the form of its index.

::

    store/
      voltherd.json                 marks the store
      records.sqlite                what has landed, events, gaps, ranges, and which files count
      assets.sqlite                 asset facts and documents (``adapters.sqlite``)
      vehicle=<id, percent-encoded>/
        day=2024-05-17/             by UTC, of the chunks' first time
          17.parquet                a chunk per row, by first time; written once, never changed

A chunk's ``ENTRY`` is all that is known of it without its body.  Entries stand in the database, so
that a month of summaries is read without opening a file, and again as columns of the Parquet files,
so that these can be read without the database.
"""

import hashlib
import os
import struct
from math import nan
from operator import attrgetter
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote, unquote

import numpy as np

from voltherd.errors import UnreadableError
from voltherd.types.record import Record
from voltherd.units import SECOND_PER_DAY
from voltherd.wire.chunk import decode_summary

DATABASE: Final = "records.sqlite"
LOCK: Final = ".lock"
PART_SUFFIX: Final = ".part"
SECOND_MAX: Final = 253_402_300_800.0
"""The end of the year 9999 [unix s]."""
NUMBER_MAX: Final = (1 << 63) - 1
IMPORT_EPOCH: Final = 0
"""Epoch of rows that no edge sent; an edge counts its starts from 1."""
_NAME_BYTES_MAX: Final = 240

SUMMARY: Final = (
    "cell_voltage_volt_min",
    "cell_voltage_volt_max",
    "cell_voltage_volt_mean",
    "temperature_celsius_min",
    "temperature_celsius_max",
    "current_ampere_min",
    "current_ampere_max",
    "current_ampere_mean",
    "charge_ah",
    "soc_fraction_last",
    "odometer_kilometre_last",
)
ENTRY: Final = np.dtype(
    [
        ("epoch", "<i8"),
        ("seq", "<i8"),
        ("first_second", "<f8"),
        ("last_second", "<f8"),
        ("heard_first_nanosecond", "<i8"),
        ("heard_last_nanosecond", "<i8"),
        ("digest", "V16"),
        ("rows", "<i4"),
        ("cells", "<i2"),
        ("probes", "<i2"),
        *((name, "<f8") for name in SUMMARY),
    ]
)
"""One chunk without its body: key, times, digest of the record, and summary (NaN where unknown)."""
_values: Final = attrgetter(*SUMMARY)
_ENTRY: Final = struct.Struct(f"<qqddqq16sihh{len(SUMMARY)}d")
assert _ENTRY.size == ENTRY.itemsize
_FIELDS: Final = struct.Struct("<bddqq")


def digest_of(record: Record) -> bytes:
    """Give the digest by which two records of one key are told apart: all but the key."""
    fields = _FIELDS.pack(
        record.kind,
        record.first_second,
        record.last_second,
        record.heard_first_nanosecond,
        record.heard_last_nanosecond,
    )
    return hashlib.blake2b(fields + record.body, digest_size=16).digest()


def entry_of(record: Record, digest: bytes) -> bytes:
    """Give a telemetry record's entry; a body that cannot be read has no rows and no summary."""
    try:
        summary = decode_summary(record.body)
    except UnreadableError:
        known = (0, 0, 0, *(nan for _ in SUMMARY))
    else:
        known = (summary.rows, summary.cells, summary.probes, *_values(summary))
    return _ENTRY.pack(
        record.key.epoch,
        record.key.seq,
        record.first_second,
        record.last_second,
        record.heard_first_nanosecond,
        record.heard_last_nanosecond,
        digest,
        *known,
    )


def entries_from(blobs: "list[bytes]") -> np.ndarray:
    """Read entries back.

    >>> entries_from([]).shape
    (0,)
    """
    return np.frombuffer(b"".join(blobs), ENTRY)


def in_order(entries: np.ndarray) -> np.ndarray:
    """Give the order in which chunks are kept: by first time, epoch and number."""
    return np.lexsort((entries["seq"], entries["epoch"], entries["first_second"]))


def is_storable(record: Record) -> bool:
    """Say whether a vehicle's record can be kept: numbers that fit, times that are times."""
    _, epoch, seq = record.key
    return (
        0 <= epoch <= NUMBER_MAX
        and 0 < seq <= NUMBER_MAX
        and abs(record.first_second) < SECOND_MAX
        and abs(record.last_second) < SECOND_MAX
        and record.first_second <= record.last_second
        and 0 <= record.heard_first_nanosecond <= NUMBER_MAX
        and 0 <= record.heard_last_nanosecond <= NUMBER_MAX
    )


def is_name(vehicle_id: str) -> bool:
    """Say whether a vehicle can have a folder and a row: not empty, not too long, text.

    >>> is_name("bus-7"), is_name(""), is_name("ü" * 200), is_name(chr(0xD800))
    (True, False, False, False)
    """
    try:
        return bool(vehicle_id) and len(vehicle_folder(vehicle_id)) <= _NAME_BYTES_MAX
    except UnicodeEncodeError:
        return False


def vehicle_folder(vehicle_id: str) -> str:
    """Give a vehicle's folder, safe whatever the identifier holds.

    >>> vehicle_folder("../bus 7")
    'vehicle=..%2Fbus%207'
    """
    return "vehicle=" + quote(vehicle_id, safe="")


def vehicle_of(folder: str) -> str:
    """Give the identifier back.

    >>> vehicle_of("vehicle=..%2Fbus%207")
    '../bus 7'
    """
    return unquote(folder.removeprefix("vehicle="))


def day_of(first_second: float) -> str:
    """Give the day, by UTC, to which a chunk belongs.

    >>> day_of(-0.5), day_of(86400.0)
    ('1969-12-31', '1970-01-02')
    """
    return str(np.datetime64(int(first_second // SECOND_PER_DAY), "D"))


def file_name(vehicle_id: str, day: str, number: int) -> str:
    """Give a file's place within the store.

    >>> file_name("bus 7", "2024-05-17", 17)
    'vehicle=bus%207/day=2024-05-17/17.parquet'
    """
    return f"{vehicle_folder(vehicle_id)}/day={day}/{number}.parquet"


class Written(NamedTuple):
    """What a file of chunks is recognised by: its size and its digest."""

    size: int
    digest: bytes


NOT_WRITTEN: Final = Written(0, b"")


def written(path: Path) -> Written:
    """Read what a file is recognised by."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).digest()
    return Written(path.stat().st_size, digest)


def sync(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the medium."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
