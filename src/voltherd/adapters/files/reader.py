"""One way in: what lies at a path becomes raw tables, chosen by content, then by suffix."""

import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from voltherd.adapters.files.bdf import with_machine_names
from voltherd.adapters.files.can_frames import is_candump
from voltherd.adapters.files.can_log import read_can
from voltherd.adapters.files.csv_reader import read_csv
from voltherd.adapters.files.parquet_reader import read_parquet
from voltherd.errors import InputError, UnreadableError
from voltherd.types.report import Remark
from voltherd.types.table import RawTable

SUFFIXES: Final = (".csv", ".tsv", ".txt", ".parquet", ".pq", ".asc", ".blf", ".log")
"""What is read; ``.bdf.csv`` and ``.bdf.parquet`` are among them."""
_DATABASES: Final = (".dbc", ".kcd", ".arxml", ".sym", ".cdd")
_FOREIGN: Final = (
    (b"PK\x03\x04", "an Excel workbook or ZIP archive", "save it as CSV, or unpack it"),
    (b"\x1f\x8b", "compressed with gzip", "unpack it first"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "unpack it first"),
    (b"\x89HDF", "HDF5 or MATLAB 7.3", "export it as Parquet or CSV"),
    (b"MATLAB", "a MATLAB file", "export it as Parquet or CSV"),
    (b"MDF     ", "an MDF measurement", "convert it to BLF, ASC or Parquet"),
    (b"SQLite format 3", "an SQLite database", "export its table as CSV"),
    (b"%PDF", "a PDF", "export the data itself as CSV"),
)
_JSON: Final = (b'{"', b"[{", b"{\n", b"{\r\n", b"[\n")


class Listing(NamedTuple):
    """What lies at a path.

    Attributes:
        files: What will be read, sorted.
        passed_over: Files of a folder that no reader takes, sorted.
    """

    files: tuple[Path, ...]
    passed_over: tuple[Path, ...]


def list_files(path: Path) -> Listing:
    """Find what can be read at a path: the file itself, or every supported one below a folder.

    Raises:
        InputError: Nothing is there, nothing of it is supported, or it may not be listed.
    """
    try:
        if not path.is_dir():
            _check_file(path)
            return Listing((path,), ())
        found = sorted(p for p in path.rglob("*") if p.is_file() and not _is_hidden(p, path))
    except OSError as error:
        raise _no_entry(path, error) from error
    files = tuple(p for p in found if p.suffix.lower() in SUFFIXES)
    passed_over = tuple(
        p for p in found if p.suffix.lower() not in SUFFIXES and p.suffix.lower() not in _DATABASES
    )
    if not files:
        kinds = ", ".join(sorted({p.suffix or p.name for p in passed_over})[:6])
        raise InputError(
            f"no data in this folder (found {kinds})" if kinds else "an empty folder",
            where=str(path),
            mend=f"supported are {' '.join(SUFFIXES)}",
        )
    return Listing(files, passed_over)


def read(path: Path, *, dbc: Path | None = None) -> Iterator[RawTable]:
    """Read a file, or every supported file of a folder in order.

    Args:
        path: File or folder.
        dbc: DBC, KCD or ARXML, which CAN logs need.

    Yields:
        One table per file; the first also says which files of a folder were passed over.

    Raises:
        UnreadableError: A file is not readable as what it claims to be.
        InputError: A path without data.
        UsageError: A CAN log without its database.
    """
    listing = list_files(path)
    for i, file in enumerate(listing.files):
        table = read_file(file, dbc=dbc)
        if i == 0 and listing.passed_over:
            table = replace(table, notes=(*table.notes, _passed_over(listing, path)))
        yield table


def read_file(path: Path, *, dbc: Path | None = None) -> RawTable:
    """Read one file; see ``read``."""
    try:
        _check_file(path)
        with path.open("rb") as file:
            head = file.read(64)
        return _read_as(path, head, dbc)
    except OSError as error:
        raise _no_entry(path, error) from error


def _read_as(path: Path, head: bytes, dbc: Path | None) -> RawTable:
    """Choose the reader."""
    suffix, bdf = path.suffix.lower(), ".bdf" in [s.lower() for s in path.suffixes[-2:]]
    for mark, what, mend in _FOREIGN:
        if head.startswith(mark):
            raise UnreadableError(f"it is {what}", where=str(path), mend=mend)
    if suffix in _DATABASES:
        raise UnreadableError(
            "it is a CAN database, not data", where=str(path), mend="give it with --dbc, and a log"
        )
    if suffix in (".json", ".jsonl", ".ndjson", ".geojson") or head.lstrip().startswith(_JSON):
        raise UnreadableError("it is JSON", where=str(path), mend="export it as CSV or Parquet")
    if head.startswith(b"LOGG") or suffix == ".blf":
        return read_can(path, dbc)
    if head.startswith((b"PAR1", b"PARE")) or suffix in (".parquet", ".pq"):
        table = read_parquet(path)
    elif suffix == ".asc" or (suffix in (".log", ".txt") and is_candump(path)):
        return read_can(path, dbc)
    else:
        table = read_csv(path)
    return with_machine_names(table) if bdf else table


def _check_file(path: Path) -> None:
    """Refuse what is no file with content; a device or pipe would never end."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a device or pipe"
        raise InputError(f"{kind}, not a file", where=str(path), mend="give a file or a folder")
    if status.st_size == 0:
        raise InputError("an empty file", where=str(path), mend="export it again")


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith((".", "~")) for part in path.relative_to(folder).parts)


def _no_entry(path: Path, error: OSError) -> InputError:
    if isinstance(error, FileNotFoundError):
        return InputError("no such file or folder", where=str(path), mend="check the path")
    if isinstance(error, PermissionError):
        where = str(error.filename or path)
        return InputError("may not be read", where=where, mend="grant permission to read it")
    return InputError(
        f"cannot be read ({error.strerror or error})", where=str(path), mend="check the medium"
    )


def _passed_over(listing: Listing, path: Path) -> Remark:
    return Remark(
        reason="file_passed_over",
        channel="",
        count=len(listing.passed_over),
        total=len(listing.passed_over) + len(listing.files),
        detail="files in the folder that no reader takes",
        examples=tuple(str(p.relative_to(path)) for p in listing.passed_over[:5]),
    )
