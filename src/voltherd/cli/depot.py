"""``voltherd depot``: who charges when, at what cost, and how near the best that is."""

import time
from pathlib import Path
from typing import Annotated

import typer

from voltherd.cli.screen import Json, colour, output, progress, width

depot_app = typer.Typer(
    help="Charging of a depot: plan tonight, with proof of how good the plan is.",
    no_args_is_help=True,
)


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


@depot_app.command(name="replay")
def replay(
    sessions: Annotated[
        Path, typer.Argument(help="Recorded sessions: start, end, energy_kwh, station.")
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
    from voltherd.cloud.depot_replay import recorded_days
    from voltherd.report.depot_replay import render_replay, replay_dumps

    recorded = recorded_days(read_table(sessions, Reading()), read_site(site), power, days)
    every = []
    for place, (problem, like) in enumerate(recorded.days, start=1):
        progress(f"day {place} of {len(recorded.days)}")
        every.append(tuple(ways(problem, like)))
    progress("")
    summed = together(every)
    if json:
        output(json, replay_dumps(summed, recorded.left_out, len(every)))
    if str(json) != "-":
        typer.echo(render_replay(summed, recorded.left_out, len(every)), nl=False)


@depot_app.command(name="example")
def example() -> None:
    """Print a site file to begin with."""
    from voltherd.cloud.depot_file import EXAMPLE

    typer.echo(EXAMPLE, nl=False)
