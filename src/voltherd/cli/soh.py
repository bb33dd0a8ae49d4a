"""``voltherd soh``: capacity, resistance and usable energy of every vehicle, a page each."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voltherd.cli.options import Dbc, Html, Paths, ProfileFile, Timezone, VehicleName, reading_of
from voltherd.cli.screen import Json, colour, output, progress, width

if TYPE_CHECKING:
    from voltherd.cli.compose import Reading
    from voltherd.cli.health import Told
    from voltherd.estimation.pack_trace import PackTrace
    from voltherd.estimation.soh_sheet import PackFacts
    from voltherd.types.health import HealthSheet

Capacity = Annotated[
    float | None,
    typer.Option("--capacity", metavar="AH", help="Nameplate capacity of the pack [Ah]."),
]
PresentCapacity = Annotated[
    float | None,
    typer.Option("--capacity", metavar="AH", help="Capacity that the pack has now [Ah]."),
]
ChemistryName = Annotated[
    str | None,
    typer.Option(
        "--chemistry", metavar="NAME", help="NMC, NCA, LFP, LMO or LTO; else by the voltages."
    ),
]
Series = Annotated[
    int | None,
    typer.Option("--series", metavar="N", help="Cells in series, where none is measured."),
]


def soh(
    paths: Paths,
    capacity: Capacity = None,
    chemistry: ChemistryName = None,
    series: Series = None,
    html: Html = None,
    json: Json = None,
    dbc: Dbc = None,
    profile: ProfileFile = None,
    timezone: Timezone = "UTC",
    vehicle: VehicleName = None,
) -> None:
    """Tell capacity, resistance and usable energy, each with interval, evidence and trend."""
    from voltherd.cli.health import told_of
    from voltherd.estimation.soh_sheet import health_sheet

    told = told_of(capacity, chemistry, series)
    reading = reading_of(paths, dbc, profile, timezone, vehicle)
    write(paths, reading, told, "soh", health_sheet, html, json)


def audit_soc(
    paths: Paths,
    capacity: PresentCapacity = None,
    chemistry: ChemistryName = None,
    series: Series = None,
    html: Html = None,
    json: Json = None,
    dbc: Dbc = None,
    profile: ProfileFile = None,
    timezone: Timezone = "UTC",
    vehicle: VehicleName = None,
) -> None:
    """Hold the vehicle's own state of charge against an independent estimate; say when to act."""
    from voltherd.cli.health import told_of
    from voltherd.estimation.soc_audit_sheet import audit_sheet

    told = told_of(capacity, chemistry, series, present=True)
    reading = reading_of(paths, dbc, profile, timezone, vehicle)
    write(paths, reading, told, "soc_audit", audit_sheet, html, json)


def write(
    paths: list[Path],
    reading: "Reading",
    told: "Told",
    kind: str,
    sheet: "Callable[[PackTrace, PackFacts], HealthSheet]",
    html: Path | None,
    json: Path | None,
) -> None:
    """Make a report and write it in every form asked for."""
    from voltherd.cli.health import health_report
    from voltherd.report.health import render_health
    from voltherd.report.health_document import health_dumps
    from voltherd.report.health_html import render_health_html

    report = health_report(paths, reading, told, kind, sheet, time.time(), progress)
    progress("")
    if html:
        output(html, render_health_html(report))
    if json:
        output(json, health_dumps(report))
    if "-" not in (str(html), str(json)):
        typer.echo(render_health(report, width(), colour()), nl=False)
