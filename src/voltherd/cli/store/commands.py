"""``voltherd store``: look after what the cloud keeps."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voltherd.cli.screen import progress
from voltherd.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

store_app = typer.Typer(
    help="Look after what the cloud keeps: check, back up, compact, export, erase.",
    no_args_is_help=True,
)

Root = Annotated[Path, typer.Argument(help="Folder that the cloud writes.", show_default=False)]
Vehicle = Annotated[str | None, typer.Option("--vehicle", help="Whose data.")]
Driver = Annotated[
    str | None,
    typer.Option("--driver", help="Whose data: what was recorded while this driver drove."),
]


@store_app.command()
def info(
    root: Root,
    vehicles: Annotated[bool, typer.Option("--vehicles", help="Name the vehicles too.")] = False,
) -> None:
    """Say what a store holds and how large it is."""
    from voltherd.cli.store import compose

    typer.echo(compose.render_info(compose.info(root)))
    if vehicles:
        for name in compose.vehicles(root):
            typer.echo(f"  {name}")


@store_app.command()
def check(root: Root) -> None:
    """Read every record: unchanged, none lost, none twice; exit with 1 where something is wrong."""
    from voltherd.cli.store.compose import check as run

    problems = run(root, progress)
    progress("")
    for problem in problems:
        mark = "note" if problem.harmless else "wrong"
        typer.echo(f"{mark}: {problem.where}: {problem.what}; {problem.mend}")
    wrong = sum(not problem.harmless for problem in problems)
    typer.echo(f"{wrong} wrong" if wrong else "all records are there and as they were committed")
    raise typer.Exit(1 if wrong else 0)


@store_app.command()
def compact(root: Root) -> None:
    """Move landed telemetry into files, merge small files, give free space back."""
    from voltherd.cli.store.compose import compact as run

    done = run(root, progress)
    progress("")
    typer.echo(
        f"{done.chunks} chunks moved into {done.files} files, {done.merged} files merged"
        + (f", {done.swept} left-over files swept away" if done.swept else "")
    )


@store_app.command()
def retain(
    root: Root,
    samples: Annotated[
        float | None, typer.Option("--samples", metavar="DAYS", help="Keep samples so long.")
    ] = None,
    summaries: Annotated[
        float | None,
        typer.Option("--summaries", metavar="DAYS", help="Keep summaries of removed samples."),
    ] = None,
    events: Annotated[
        float | None, typer.Option("--events", metavar="DAYS", help="Keep events and gaps so long.")
    ] = None,
) -> None:
    """Remove what is older than so many days; what no option names is kept."""
    from voltherd.cli.store.compose import retain as run

    if samples is summaries is events is None:
        raise UsageError("nothing to remove", mend="give --samples, --summaries or --events DAYS")
    removed = run(root, samples, summaries, events, time.time(), progress)
    progress("")
    typer.echo(f"{removed} records were too old")


@store_app.command()
def export(
    root: Root,
    out: Annotated[Path, typer.Option("--out", help="New folder to write to.")],
    vehicle: Vehicle = None,
    driver: Driver = None,
    bdf: Annotated[
        bool, typer.Option("--bdf", help="Write plain Battery Data Format too.")
    ] = False,
) -> None:
    """Write all there is of one vehicle or driver: a canonical store, and export.json."""
    from voltherd.cli.store.compose import export as run

    rows, items = run(root, vehicle, driver, out, bdf=bdf, progress=progress)
    progress("")
    typer.echo(f"{rows} rows and {items} events, gaps, documents and summaries written to {out}")


@store_app.command()
def erase(
    root: Root,
    vehicle: Vehicle = None,
    driver: Driver = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; there is no way back.")] = False,
) -> None:
    """Erase one vehicle's or driver's data, and prove it by a search of every byte of the store."""
    from voltherd.cli.store import compose

    whose, records = compose.known(root, vehicle, driver)
    if not yes:
        raise UsageError(
            f"{records} records of {whose} would be erased for good",
            where=str(root),
            mend="voltherd store export first if they are needed, then give --yes",
        )
    done = compose.erase(root, vehicle, driver, time.time(), progress)
    progress("")
    typer.echo(f"erased {done.erased.records} records of {whose}, {done.erased.files} files")
    rows = [*done.erased.rows, *([("documents", done.documents)] if done.documents else [])]
    for name, count in rows:
        typer.echo(f"  {count} rows of {name}")
    sought = f"its name and {done.fingerprints} pieces of its records"
    typer.echo(f"searched every byte for {sought}: {_places(done.before)} before")
    if done.after:
        for where, times in done.after:
            typer.echo(f"still found: {where} ({times})")
        typer.echo("stop whatever writes there, or delete it by hand, and erase again")
        raise typer.Exit(1)
    typer.echo("and none now")


def _places(found: "Iterable[tuple[str, int]]") -> str:
    times = sum(count for _, count in found)
    return f"{times} place" if times == 1 else f"{times} places"


@store_app.command()
def backup(
    root: Root,
    out: Annotated[Path, typer.Option("--out", help="New folder, or new file named *.tar.")],
) -> None:
    """Copy a store as of now, while the cloud runs."""
    from voltherd.cli.store.compose import backup as run

    made = run(root, out, time.time(), progress)
    progress("")
    size = sum(member.bytes for member in made.members)
    typer.echo(f"{len(made.members)} files, {size / 1e6:.1f} MB, written to {out}")


@store_app.command()
def restore(
    source: Annotated[Path, typer.Argument(help="What backup wrote.", show_default=False)],
    root: Annotated[Path, typer.Option("--out", help="New folder for the store.")],
) -> None:
    """Put a backup in a store's place, every file compared with its digest."""
    from voltherd.cli.store.compose import restore as run

    made = run(source, root, progress)
    progress("")
    typer.echo(f"{len(made.members)} files restored to {root}")


@store_app.command()
def query(
    root: Root,
    question: Annotated[
        str,
        typer.Argument(
            help="One SELECT over telemetry, vehicle and document, in DuckDB's dialect.",
            show_default=False,
        ),
    ],
) -> None:
    """Ask one question over telemetry, asset records and event documents; answers as CSV."""
    import csv
    import sys

    from voltherd.cli.store.compose import query as run

    answer = run(root, question)
    table = csv.writer(sys.stdout)
    table.writerow(answer.names)
    table.writerows(answer.rows)
