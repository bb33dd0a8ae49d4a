"""``voltherd import`` and ``voltherd inspect``."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from voltherd.cli.compose import (
    Progress,
    Reading,
    Refusal,
    export_bdf,
    open_store,
    pieces,
    recognised,
    write_profile,
)
from voltherd.errors import InputError, UsageError
from voltherd.report.terminal_import import render_data_quality, render_import
from voltherd.types.report import ImportReport


def import_paths(
    paths: Iterable[Path],
    reading: Reading,
    out: Path | None,
    bdf: Path | None,
    width: int,
    colour: bool,
    progress: Progress,
) -> Iterator[str]:
    """Import everything at some paths; yields what became of each source, as text.

    Interrupted, it may simply be run again: rows that are there already are not written twice.

    Raises:
        InputError: Nothing usable is there.
    """
    usable = 0
    store = open_store(out) if out else None
    for path in paths:
        for piece in pieces(path, reading, progress):
            progress("")
            if isinstance(piece, Refusal):
                yield f"refused: {piece.error}"
                continue
            if piece.report:
                yield render_import(piece.report, width, colour)
            usable += piece.batch.rows
            if store and out:
                new = store.append(piece.batch)
                yield f"{new} new rows of {piece.batch.vehicle_id} written to {out}\n"
            if bdf:
                written = export_bdf(piece.batch, bdf)
                yield f"{len(written)} BDF files of {piece.batch.vehicle_id} written to {bdf}\n"
    if not usable:
        raise InputError("no usable row in any source", mend="see the reasons above")


def inspect_paths(
    paths: Iterable[Path], reading: Reading, width: int, colour: bool, progress: Progress
) -> str:
    """Report the quality of everything at some paths.

    Raises:
        InputError: Nothing readable is there.
    """
    reports: list[ImportReport] = []
    refused: list[str] = []
    for path in paths:
        for piece in pieces(path, reading, progress):
            if isinstance(piece, Refusal):
                refused.append(f"refused: {piece.error}")
            elif piece.report is None:
                raise UsageError(
                    "a store holds data that was inspected on import",
                    where=str(path),
                    mend="give the source files, or run voltherd triage on the store",
                )
            else:
                reports.append(piece.report)
    progress("")
    if not reports:
        raise InputError("; ".join(refused) or "nothing to inspect")
    return "\n".join([render_data_quality(reports, width, colour), *refused])


def save_recognised(paths: Iterable[Path], reading: Reading, target: Path) -> None:
    """Write what was recognised in the first source as a profile to edit and give."""
    first = next(iter(paths))
    if first.is_dir():
        raise UsageError("one file is needed to save a profile from", where=str(first))
    write_profile(recognised(first, reading).profile, target)
