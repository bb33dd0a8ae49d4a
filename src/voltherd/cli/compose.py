"""The only file of the command line that knows adapters: paths in, batches and stores out."""

import json
import os
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

from voltherd.errors import InputError, StoreError, UsageError, VoltherdError
from voltherd.intake.build import build
from voltherd.intake.lists import unpacked
from voltherd.intake.profile import Profile, from_plain, to_plain
from voltherd.intake.recognise import Recognition, recognise
from voltherd.intake.siblings import Known, doubted, helped, known
from voltherd.ports import Store
from voltherd.triage.calibration import Calibration
from voltherd.triage.calibration import from_plain as calibration_from_plain
from voltherd.types.asset import Vehicle
from voltherd.types.frame import MessageFrames, WrittenLog
from voltherd.types.report import ImportReport
from voltherd.types.sample import SampleBatch
from voltherd.types.table import RawTable

if TYPE_CHECKING:
    from voltherd.adapters.sqlite.accounts import AccountBook

if TYPE_CHECKING:
    from voltherd.adapters.records.store import RecordStore

STORE_CHUNK_DAYS: Final = 28
SIBLINGS_ASKED: Final = 4
"""Files read ahead of their turn where one leaves doubts that no file before has settled."""
TRUTH_FILE: Final = "truth.json"
CAN_FORMATS: Final = ("blf", "asc", "log")
Progress = Callable[[str], None]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How sources are to be read.

    Attributes:
        dbc: DBC, KCD or ARXML for CAN logs.
        profile: What is known of the columns; the rest is guessed.
        timezone: Zone of stamps that name none.
        vehicle_id: Whose the rows are where no column says; None for the file's stem.
        paths: All that the command was given; files may help each other to be understood.
        told: What files told for sure, by their columns; grows while files are read.
    """

    dbc: Path | None = None
    profile: Profile | None = None
    timezone: str = "UTC"
    vehicle_id: str | None = None
    paths: tuple[Path, ...] = ()
    told: dict[tuple[str, ...], dict[str, Known]] = field(default_factory=dict)


class Piece(NamedTuple):
    """Some rows of one vehicle.

    Attributes:
        batch: The rows.
        report: What became of the source; None for rows that were canonical already.
        source: Where they come from.
        asset: What the store's asset book says of the vehicle, where it does.
    """

    batch: SampleBatch
    report: ImportReport | None
    source: Path
    asset: Vehicle | None


class Refusal(NamedTuple):
    """A source that could not be used, and why."""

    source: Path
    error: VoltherdError


def pieces(path: Path, reading: Reading, progress: Progress) -> Iterator[Piece | Refusal]:
    """Read a path piece by piece; one bad file of a folder is refused, not the folder.

    Raises:
        InputError: Nothing is there, or nothing of it is supported.
    """
    from voltherd.adapters.parquet.store import is_store

    # os.path says no where Path raises: what cannot be looked at is refused in words below.
    if os.path.isdir(path) and is_store(path):
        yield from _stored(path, progress)
        return
    from voltherd.adapters.files.reader import list_files

    files, passed_over = list_files(path)
    if passed_over:
        yield Refusal(path, _passed_over(path, passed_over))
    for number, file in enumerate(files, start=1):
        progress(f"reading {number}/{len(files)} {file.name}")
        try:
            found = list(read_file(file, reading))
        except VoltherdError as error:
            if len(files) == 1:
                raise
            yield Refusal(file, error)
            continue
        for batch, report in found:
            yield Piece(batch, report, file, None)


def _passed_over(folder: Path, files: tuple[Path, ...]) -> InputError:
    shown = ", ".join(str(file.relative_to(folder)) for file in files[:3])
    more = f" and {len(files) - 3} more" if len(files) > 3 else ""
    noun = "file is" if len(files) == 1 else "files are"
    return InputError(f"{len(files)} {noun} of no supported kind: {shown}{more}", where=str(folder))


def read_file(file: Path, reading: Reading) -> list[tuple[SampleBatch, ImportReport]]:
    """Read and recognise one file: a batch for every vehicle in it."""
    table = read_table(file, reading)
    return build(table, _understood(table, file, reading))


def _understood(table: RawTable, file: Path, reading: Reading) -> Recognition:
    """Recognise a file; where it leaves doubts, ask files with the same columns."""
    found = recognise(table, reading.profile, reading.timezone)
    columns = tuple(table.columns)
    told = reading.told.setdefault(columns, {})
    told |= {role: rule for role, rule in known(found, file.name).items() if role not in told}
    missing = [role for role in doubted(found) if role not in told]
    if missing and reading.paths:
        for other in _largest(reading.paths, file):
            with suppress(VoltherdError):
                beside = read_table(other, reading)
                if tuple(beside.columns) == columns:
                    sure = known(recognise(beside, reading.profile, reading.timezone), other.name)
                    told |= {role: rule for role, rule in sure.items() if role not in told}
            if all(role in told for role in missing):
                break
    return helped(found, told)


def _largest(paths: tuple[Path, ...], file: Path) -> list[Path]:
    """Find the files that most likely know what one of the same kind does not."""
    from voltherd.adapters.files.reader import list_files
    from voltherd.adapters.parquet.store import is_store

    found: dict[Path, int] = {}
    for path in paths:
        if os.path.isdir(path) and is_store(path):
            continue
        with suppress(VoltherdError, OSError):
            found |= {p: p.stat().st_size for p in list_files(path).files}
    alike = [p for p in found if p.suffix == file.suffix and p != file]
    return sorted(alike, key=lambda p: (-found[p], str(p)))[:SIBLINGS_ASKED]


def files_at(path: Path) -> tuple[Path, ...]:
    """List what can be read at a path, sorted.

    Raises:
        InputError: Nothing is there, or nothing of it is supported.
    """
    from voltherd.adapters.files.reader import list_files

    return list_files(path).files


def read_table(file: Path, reading: Reading) -> RawTable:
    """Read one file as it is."""
    from voltherd.adapters.files.reader import read_file as read

    table = unpacked(read(file, dbc=reading.dbc))
    return replace(table, vehicle_id=reading.vehicle_id) if reading.vehicle_id else table


def recognised(file: Path, reading: Reading) -> Recognition:
    """Say what the columns of one file are."""
    return recognise(read_table(file, reading), reading.profile, reading.timezone)


def _stored(root: Path, progress: Progress) -> Iterator[Piece]:
    store = _store_at(root)
    names = store.vehicles()
    if not names:
        raise InputError("an empty store", where=str(root), mend="import or simulate into it first")
    for number, vehicle_id in enumerate(names, start=1):
        progress(f"reading {number}/{len(names)} {vehicle_id}")
        known = asset(root, vehicle_id)
        for batch in _in_chunks(root, store, vehicle_id):
            yield Piece(batch, None, root, known)


def _store_at(root: Path) -> Store:
    """Give what a store's marker says it is."""
    from voltherd.adapters.parquet.store import ParquetStore
    from voltherd.adapters.records.marker import is_record_store

    if not is_record_store(root):
        return ParquetStore(root)
    from voltherd.adapters.records.store import RecordStore

    return RecordStore(root)


def _in_chunks(root: Path, store: Store, vehicle_id: str) -> Iterator[SampleBatch]:
    """Read a vehicle month by month, so that years fit into memory."""
    from voltherd.adapters.parquet.layout import day_bounds, vehicle_folder
    from voltherd.adapters.parquet.store import ParquetStore

    if not isinstance(store, ParquetStore):
        yield from _in_spans(store, vehicle_id)
        return
    days = sorted(p.name for p in (root / vehicle_folder(vehicle_id)).glob("day=*"))
    for first in range(0, len(days), STORE_CHUNK_DAYS):
        chunk = days[first : first + STORE_CHUNK_DAYS]
        batch = store.read(vehicle_id, day_bounds(chunk[0])[0], day_bounds(chunk[-1])[1])
        if batch.rows:
            yield batch


def _in_spans(store: Store, vehicle_id: str) -> Iterator[SampleBatch]:
    """Read a vehicle of a record store piece by piece."""
    from voltherd.adapters.records.store import RecordStore

    assert isinstance(store, RecordStore)
    pieces = (store.read(vehicle_id, *span) for span in store.spans(vehicle_id))
    yield from (batch for batch in pieces if batch.rows)


def asset(root: Path, vehicle_id: str) -> Vehicle | None:
    """Give what a store's asset book knows of a vehicle."""
    from voltherd.adapters.sqlite.assets import AssetBook

    return AssetBook(root).vehicle(vehicle_id)


def account_book(path: Path) -> "AccountBook":
    """Open the book of users and tokens."""
    from voltherd.adapters.sqlite.accounts import AccountBook

    return AccountBook(path)


def open_store(root: Path) -> Store:
    """Open a store for writing.

    Raises:
        StoreError: Something else is there; a store among other files would hide them.
    """
    from voltherd.adapters.parquet.store import is_store

    if root.exists() and not root.is_dir():
        raise StoreError("a file, not a folder", where=str(root), mend="name a folder with --out")
    if root.is_dir() and not is_store(root):
        there = next((p.name for p in root.iterdir() if not p.name.startswith(".")), None)
        if there is not None:
            raise StoreError(
                f"no store, but a folder that holds other files ({there})",
                where=str(root),
                mend="name an empty or new folder with --out",
            )
    return _store_at(root)


def record_store(root: Path) -> "RecordStore":
    """Open a store of records for writing."""
    from voltherd.adapters.records.store import RecordStore

    return RecordStore(root)


def put_vehicles(root: Path, vehicles: tuple[Vehicle, ...]) -> None:
    """Enter asset facts beside a store's telemetry."""
    from voltherd.adapters.sqlite.assets import AssetBook

    book = AssetBook(root)
    for vehicle in vehicles:
        book.put_vehicle(vehicle)


def joined(batches: list[SampleBatch]) -> SampleBatch:
    """Join all batches of one vehicle, whatever their order and channels."""
    from voltherd.adapters.memory.store import MemoryStore

    store = MemoryStore()
    for batch in batches:
        store.append(batch)
    return store.read(batches[0].vehicle_id)


def calibration() -> Calibration:
    """Give the calibration that voltherd ships."""
    from voltherd.adapters.files.calibration import calibration_document

    return calibration_from_plain(calibration_document())


def export_bdf(batch: SampleBatch, folder: Path) -> tuple[Path, ...]:
    """Write one plain BDF file per cell, and one for the pack."""
    from voltherd.adapters.files.bdf import export_bdf as write

    return write(batch, folder)


def write_can_log(
    path: Path, log_format: str, dbc: Path, parts: Iterable[Sequence[MessageFrames]]
) -> WrittenLog:
    """Write frames as a CAN log, whole or not at all."""
    from voltherd.adapters.can.writer import write_log

    return write_log(path, log_format, dbc, parts)


def truth_path(path: Path) -> Path | None:
    """Give the planted truth of a simulated fleet, where there is one."""
    truth = path / TRUTH_FILE
    return truth if os.path.isfile(truth) else None


def read_profile(path: Path) -> Profile:
    """Read a profile from TOML.

    Raises:
        UsageError: The file cannot be read, is no TOML, or says what no profile says.
    """
    try:
        plain = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        told = error.strerror if isinstance(error, OSError) else error
        raise UsageError(
            f"not a readable profile ({told})",
            where=str(path),
            mend="voltherd import FILE --dry-run --save-profile PROFILE writes one to begin with",
        ) from error
    try:
        return from_plain(plain)
    except UsageError as error:
        raise UsageError(error.what, where=f"{path}, {error.where}", mend=error.mend) from error


def write_profile(profile: Profile, path: Path) -> None:
    """Write a profile as TOML, to be edited and given with ``--profile``."""
    write_text(path, _PROFILE_HEAD + profile_toml(to_plain(profile)))


_PROFILE_HEAD: Final = """\
# What voltherd recognised. Edit it and give it back with --profile; what is missing is guessed.
#   value = column * scale + offset, in volts, amperes (charging positive), degrees C, fractions
#   sentinels: codes that mean "no value"; zone: the zone of stamps that name none
#   ignore = ["column"] at the top leaves columns out

"""


def profile_toml(plain: Mapping[str, Any], prefix: str = "") -> str:
    """Give plain tables as TOML; JSON's strings, numbers and lists are TOML's.

    >>> print(profile_toml({"vehicle": "vin", "scalar": {"soc_fraction": {"scale": 0.01}}}))
    vehicle = "vin"
    <BLANKLINE>
    [scalar.soc_fraction]
    scale = 0.01
    """
    lines, tables = [], []
    for key, value in plain.items():
        if isinstance(value, Mapping):
            inner = profile_toml(value, f"{prefix}{key}.")
            nested = all(isinstance(v, Mapping) for v in value.values())
            tables.append(inner if nested else f"[{prefix}{key}]\n{inner}")
        elif value is not None:
            lines.append(f"{key} = {json.dumps(value, ensure_ascii=False)}")
    return "\n\n".join(["\n".join(lines), *tables] if lines else tables)


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all.

    Raises:
        StoreError: It cannot be written; what was there before stays.
    """
    if not path.name:
        raise StoreError("a folder, not a file", where=str(path), mend="name a file in it")
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise StoreError(
            f"cannot be written ({error.strerror})", where=str(path), mend="choose another place"
        ) from error
