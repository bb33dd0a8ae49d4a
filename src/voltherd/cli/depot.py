"""``voltherd depot``: who charges when, at what cost, and how near the best that is."""

import time
from pathlib import Path
from typing import Annotated

import typer

from voltherd.cli.depot_command import book, command_app
from voltherd.cli.screen import Json, colour, output, progress, width

depot_app = typer.Typer(
    help="Charging of a depot: plan tonight, with proof of how good the plan is.",
    no_args_is_help=True,
)
depot_app.add_typer(command_app, name="command")
depot_app.command(name="book")(book)


@depot_app.command(name="plan")
def plan(
    site: Annotated[Path, typer.Argument(help="Site file; `voltherd depot example` shows one.")],
    html: Annotated[
        Path | None, typer.Option("--html", help="Write a page; - for standard output.")
    ] = None,
    json: Json = None,
) -> None:
    """Plan tonight: every vehicle ready, no limit passed, at least cost and wear."""
    from voltherd.charging.plan import planned
    from voltherd.charging.sheet import depot_sheet
    from voltherd.cloud.depot_file import read_site
    from voltherd.report.depot import render_depot
    from voltherd.report.depot_document import depot_dumps
    from voltherd.report.depot_html import render_depot_html

    night = read_site(site)
    progress("planning")
    sheet = depot_sheet(
        night.problem,
        planned(night.problem, minimum=True),
        site=night.name,
        zone=night.zone,
        start_second=night.start_second,
        chargers=night.chargers,
        batteries=night.batteries,
    )
    progress("")
    if html:
        output(html, render_depot_html(sheet, time.time()))
    if json:
        output(json, depot_dumps(sheet))
    if "-" not in (str(html), str(json)):
        typer.echo(render_depot(sheet, width(), colour()), nl=False)


@depot_app.command(name="run")
def run(
    config: Annotated[
        Path, typer.Option("--config", help="Site file; `voltherd depot example` shows one.")
    ],
    folder: Annotated[
        Path | None,
        typer.Option(
            "--folder",
            help="Where what stations tell is kept; beside the site file, nowhere if simulated.",
        ),
    ] = None,
    simulated: Annotated[
        float | None,
        typer.Option(
            "--simulated", min=1.0, help="With simulated stations, so many times as fast as real."
        ),
    ] = None,
    hours: Annotated[
        float | None, typer.Option("--hours", min=0.0001, help="End after so many hours.")
    ] = None,
) -> None:
    """Run a depot: stations connect by OCPP, plans are made, the guard keeps every limit."""
    from voltherd.cli.depot_run import run_depot, run_simulated
    from voltherd.cloud.depot_file import read_file

    file = read_file(config)
    if simulated is None:
        run_depot(file, str(config), folder or config.with_suffix(".depot"), hours)
    else:
        run_simulated(file, str(config), folder, hours or float(file.hours), simulated)


@depot_app.command(name="password")
def password() -> None:
    """Make of a station's password, read from standard input, what the site file holds."""
    import os
    import sys

    from voltherd.cli.stations.compose import hashed_password

    told = (
        typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        if sys.stdin.isatty()
        else sys.stdin.readline().rstrip("\r\n")
    )
    typer.echo(hashed_password(told, os.urandom(16)))


@depot_app.command(name="replay")
def replay(
    sessions: Annotated[
        Path,
        typer.Argument(
            help="Recorded sessions: start, end, energy_kwh, station; or ACN-Data's JSON."
        ),
    ],
    site: Annotated[Path, typer.Option("--site", help="Site file: its limits and prices count.")],
    power: Annotated[
        float,
        typer.Option("--power", min=0.1, help="Of a station, where sessions tell no more [kW]."),
    ] = 22.0,
    days: Annotated[int, typer.Option("--days", min=1, help="The last so many days.")] = 7,
    json: Json = None,
) -> None:
    """What plans would have made of recorded sessions, beside rules that plan nothing."""
    from voltherd.charging.replay import together, ways
    from voltherd.cli.compose import Reading, read_table
    from voltherd.cloud.depot_file import read_site
    from voltherd.cloud.depot_replay import acn_sessions, recorded_days
    from voltherd.report.depot_replay import render_replay, replay_dumps

    table = (
        acn_sessions(sessions) if sessions.suffix == ".json" else read_table(sessions, Reading())
    )
    recorded = recorded_days(table, read_site(site), power, days)
    every = []
    for place, (problem, past) in enumerate(recorded.days, start=1):
        progress(f"day {place} of {len(recorded.days)}")
        every.append(tuple(ways(problem, past)))
    progress("")
    summed = together(every)
    if json:
        output(json, replay_dumps(summed, recorded.left_out, len(every)))
    if str(json) != "-":
        typer.echo(render_replay(summed, recorded.left_out, len(every)), nl=False)


@depot_app.command(name="example")
def example() -> None:
    """Print a site file to begin with."""
    from voltherd.cloud.depot_example import EXAMPLE

    typer.echo(EXAMPLE, nl=False)


@depot_app.command(name="trace")
def trace(
    folder: Annotated[
        Path,
        typer.Argument(help="Folder of `voltherd depot run`: beside the site file, site.depot."),
    ],
    station: Annotated[
        str | None, typer.Option("--station", help="Only what this station says and is told.")
    ] = None,
    last: Annotated[
        int | None, typer.Option("--last", min=1, help="So many messages, the latest.")
    ] = None,
) -> None:
    """What vehicles, stations, the depot and the grid said to each other, a line a message."""
    from voltherd.cli.stations.compose import journal_before, now_before
    from voltherd.cloud.depot_trace import traced
    from voltherd.report.depot_trace import render_trace

    now = now_before(folder)
    messages = traced(journal_before(folder), now, station, last)
    typer.echo(render_trace(messages, "UTC" if now is None else now.zone), nl=False)
