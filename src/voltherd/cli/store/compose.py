"""Where ``voltherd store`` meets the record store, the asset book and the formats it exports to."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from voltherd.adapters.parquet.query import Answer, ask
from voltherd.adapters.parquet.store import ParquetStore
from voltherd.adapters.records.backup import Backup
from voltherd.adapters.records.backup import restore as put_back
from voltherd.adapters.records.checking import Problem
from voltherd.adapters.records.compaction import Compaction
from voltherd.adapters.records.erasing import Erased, TimeSpan
from voltherd.adapters.records.marker import is_record_store
from voltherd.adapters.records.retention import Retention
from voltherd.adapters.records.search import Place
from voltherd.adapters.records.store import ALWAYS, Info, RecordStore
from voltherd.adapters.sqlite.assets import AssetBook
from voltherd.cli.compose import Progress, write_text
from voltherd.errors import InputError, StoreError, UsageError, VoltherdError
from voltherd.types.record import Record, RecordKind
from voltherd.wire.envelope import decode_event, decode_gap

EXPORT_FILE: Final = "export.json"


class Erasure(NamedTuple):
    """What was erased, and what a search of every byte found before and after.

    Attributes:
        erased: What went.
        documents: Documents that named a driver.
        before: Where the identifier stood.
        after: Where it still stands; empty if all is well.
        fingerprints: Pieces of erased records that were looked for as well.
    """

    erased: Erased
    documents: int
    before: tuple[Place, ...]
    after: tuple[Place, ...]
    fingerprints: int


def query(root: Path, question: str) -> Answer:
    """Put one question to a store of either kind, with its asset records and documents.

    Raises:
        StoreError: No store with telemetry.
        UsageError: The question was not understood.
    """
    return ask(root, question, AssetBook(root).tables())


def record_store(root: Path) -> RecordStore:
    """Open a record store that is there.

    Raises:
        InputError: None is.
    """
    if not is_record_store(root):
        raise InputError(
            "no record store", where=str(root), mend="name the folder that voltherd cloud writes"
        )
    return RecordStore(root)


def info(root: Path) -> Info:
    """Say what a store holds."""
    return record_store(root).info()


def render_info(held: Info) -> str:
    """Put what a store holds into words."""
    lines = [
        f"vehicles         {held.vehicles}",
        f"time             {_when(held.first_second)} to {_when(held.last_second)}",
        f"chunks in files  {held.chunks} in {held.files} files, {held.file_bytes / 1e6:.1f} MB",
        f"landed chunks    {held.landed_chunks}",
        f"samples          {held.samples} in files; of {held.thinned_chunks} chunks only a summary",
        f"events, gaps     {held.events}, {held.gaps}",
        f"database         {held.database_bytes / 1e6:.1f} MB, schema {held.schema}",
    ]
    if held.cell_values:
        lines.append(f"at rest          {held.bytes_per_cell_value:.3f} bytes per cell voltage")
    removed = [f"{count} ({reason})" for reason, count in sorted(held.removed.items())]
    return "\n".join([*lines, *(["removed          " + ", ".join(removed)] if removed else [])])


def _when(second: float) -> str:
    if second != second:
        return "-"
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def check(root: Path, progress: Progress) -> tuple[Problem, ...]:
    """Say what is wrong with a store."""
    return record_store(root).check(progress)


def compact(root: Path, progress: Progress) -> Compaction:
    """Bring a store to its smallest form."""
    return record_store(root).compact(progress=progress, shrink=True)


def retain(
    root: Path,
    sample_day: float | None,
    summary_day: float | None,
    event_day: float | None,
    now_second: float,
    progress: Progress,
) -> int:
    """Remove what is too old; say how many records lost something."""
    policy = Retention(sample_day=sample_day, summary_day=summary_day, event_day=event_day)
    return record_store(root).retain(policy, now_second, progress)


def backup(root: Path, out: Path, now_second: float, progress: Progress) -> Backup:
    """Write a backup."""
    return record_store(root).backup(out, now_second, progress)


def restore(source: Path, root: Path, progress: Progress) -> Backup:
    """Put a backup in a store's place."""
    return put_back(source, root, progress)


def _spans(root: Path, vehicle: str | None, driver: str | None) -> dict[str, list[TimeSpan]]:
    """Give the times meant, by vehicle.

    Raises:
        UsageError: Neither or both were named.
    """
    if (vehicle is None) == (driver is None):
        raise UsageError("one of --vehicle and --driver", mend="name whose data is meant")
    if vehicle is not None:
        return {vehicle: [ALWAYS]}
    assert driver is not None
    spans = defaultdict(list)
    for drive in AssetBook(root).drives(driver):
        spans[drive.vehicle_id].append(TimeSpan(drive.start_second, drive.stop_second))
    return dict(spans)


def erase(
    root: Path, vehicle: str | None, driver: str | None, now_second: float, progress: Progress
) -> Erasure:
    """Erase a vehicle's or a driver's data, and look whether anything is left.

    Raises:
        UsageError: Neither or both were named.
        StoreError: Another process holds on to an earlier state.
    """
    store, spans = record_store(root), _spans(root, vehicle, driver)
    identifier = vehicle or driver or ""
    prints = tuple(piece for v, times in spans.items() for piece in store.fingerprints(v, times))
    progress("searching every byte")
    before = store.search(identifier, prints)
    progress("erasing")
    erased, documents = Erased(), 0
    if vehicle is not None:
        erased = store.erase_vehicle(vehicle, now_second)
    else:
        for vehicle_id, times in spans.items():
            done = store.erase_spans(vehicle_id, times, now_second)
            erased = Erased(
                erased.records + done.records, erased.files + done.files, erased.rows + done.rows
            )
        documents = AssetBook(root).forget_driver(identifier)
        store.scrub()
    progress("searching every byte again")
    return Erasure(erased, documents, before, store.search(identifier, prints), len(prints))


def known(root: Path, vehicle: str | None, driver: str | None) -> tuple[str, int]:
    """Say whose data is meant, and of how many records it is.

    Raises:
        UsageError: Neither or both were named.
    """
    store, count = record_store(root), 0
    spans = _spans(root, vehicle, driver)
    for vehicle_id, times in spans.items():
        for span in times:
            chunks = store.summaries(vehicle_id, *span)["seq"]
            kinds = (RecordKind.EVENT, RecordKind.GAP)
            count += len(chunks) + len(store.records(vehicle_id, *span, kinds))
    whose = f"vehicle {vehicle}" if vehicle else f"driver {driver} in {len(spans)} vehicles"
    return whose, count


def export(
    root: Path, vehicle: str | None, driver: str | None, out: Path, *, bdf: bool, progress: Progress
) -> tuple[int, int]:
    """Write all there is of a vehicle or a driver, in open formats.

    Args:
        root: The record store.
        vehicle: Whose data, or
        driver: whose.
        out: A new or empty folder: a canonical store, and what is no telemetry as JSON.
        bdf: Whether to write plain Battery Data Format too.
        progress: Is told where it stands.

    Returns:
        How many rows and how many other items.

    Raises:
        UsageError: Neither or both were named.
        StoreError: The folder holds something already.
        InputError: Nothing is known of it.
    """
    from voltherd.adapters.files.bdf import export_bdf

    store, book = record_store(root), AssetBook(root)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise StoreError("there is something already", where=str(out), mend="name a new folder")
    target, rows, told = ParquetStore(out), 0, []
    for vehicle_id, times in _spans(root, vehicle, driver).items():
        for at, span in enumerate(times):
            for start, stop in store.spans(vehicle_id):
                progress(f"exporting {vehicle_id}, {rows} rows")
                cut = TimeSpan(max(start, span.start_second), min(stop, span.stop_second))
                batch = store.read(vehicle_id, *cut)
                if batch.rows:
                    rows += target.append(batch)
                    if bdf:
                        export_bdf(batch, out / "bdf" / f"{at}-{batch.unix_time_second[0]:.0f}")
            told += _told(store, book, vehicle_id, span)
        facts = book.vehicle(vehicle_id) if vehicle else None
        if facts is not None:
            AssetBook(out).put_vehicle(facts)
            told.append({"vehicle_id": vehicle_id, "kind": "facts", "body": asdict(facts)})
    if not rows and not told:
        raise InputError(
            f"nothing is known of {vehicle or driver}",
            where=str(root),
            mend="voltherd store info --vehicles names the vehicles that are known",
        )
    write_text(out / EXPORT_FILE, json.dumps(told, indent=1) + "\n")
    return rows, len(told)


def _told(
    store: RecordStore, book: AssetBook, vehicle_id: str, span: TimeSpan
) -> list[dict[str, Any]]:
    """Give everything of a span that is no sample."""
    found = [
        {
            "vehicle_id": vehicle_id,
            "kind": record.kind.name.lower(),
            "epoch": record.key.epoch,
            "seq": record.key.seq,
            "unix_time_second": record.first_second,
            "body": _body(record),
        }
        for record in store.records(vehicle_id, *span, (RecordKind.EVENT, RecordKind.GAP))
    ]
    found += [document._asdict() for document in book.documents(vehicle_id, *span)]
    left = store.summaries(vehicle_id, *span, thinned_only=True)
    for row in zip(*(column.tolist() for column in left.values()), strict=True):
        body = {name: v if v == v else None for name, v in zip(left, row, strict=True)}
        found.append({"vehicle_id": vehicle_id, "kind": "summary", "body": body})
    return found


def _body(record: Record) -> dict[str, Any]:
    try:
        decode = decode_event if record.kind is RecordKind.EVENT else decode_gap
        return asdict(decode(record.body))
    except VoltherdError:
        return {"hex": record.body.hex()}


def vehicles(root: Path) -> Sequence[str]:
    """Name the vehicles of which a store knows anything."""
    return record_store(root).known_vehicles()
