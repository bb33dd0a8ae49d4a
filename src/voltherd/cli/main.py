"""The commands.  Each does its imports when called: ``voltherd --help`` stays quick."""

import os
import sys
import time
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from voltherd.cli.bench import bench_app
from voltherd.cli.cloud import cloud_app
from voltherd.cli.depot import depot_app
from voltherd.cli.edge import edge
from voltherd.cli.identify import identify
from voltherd.cli.options import (
    Budget,
    CostMiss,
    CostRecall,
    CostVisit,
    Dbc,
    Html,
    Paths,
    ProfileFile,
    Timezone,
    VehicleName,
    reading_of,
)
from voltherd.cli.screen import Json, colour, output, progress, width
from voltherd.cli.soh import audit_soc, soh
from voltherd.cli.store.commands import store_app
from voltherd.errors import UsageError, VoltherdError

INTERRUPTED: Final = 130


class Commands(TyperGroup):
    """Commands that tell a user's mistake in one message, never by a traceback."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 (the framework's own signature)
        """Run a command and turn our errors into messages and exit codes."""
        try:
            return super().invoke(ctx)
        except VoltherdError as error:
            progress("")
            typer.echo(f"voltherd: {error}", err=True)
            raise typer.Exit(error.exit_code) from None
        except KeyboardInterrupt:
            progress("")
            typer.echo("voltherd: interrupted; what was written is whole, run again", err=True)
            raise typer.Exit(INTERRUPTED) from None
        except BrokenPipeError:
            _drop_output()  # the reader has gone, and has what it wanted
            raise typer.Exit from None
        except OSError as error:
            progress("")
            _drop_output()
            typer.echo(
                f"voltherd: the output cannot be written ({error.strerror or error}); "
                "choose another place",
                err=True,
            )
            raise typer.Exit(UsageError.exit_code) from None


def _drop_output() -> None:
    """Let what is still to be written vanish: Python would complain again while it shuts down."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


app = typer.Typer(
    name="voltherd",
    cls=Commands,
    help="Open, AI-powered battery management for electric fleets.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
simulate_app = typer.Typer(help="Make data whose truth is known.", no_args_is_help=True)
app.add_typer(simulate_app, name="simulate")
app.add_typer(bench_app, name="bench")
app.add_typer(store_app, name="store")
app.add_typer(cloud_app, name="cloud")
app.add_typer(depot_app, name="depot")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"voltherd {version('voltherd')}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    pass


@app.command()
def triage(
    paths: Paths,
    html: Html = None,
    json: Json = None,
    dbc: Dbc = None,
    profile: ProfileFile = None,
    timezone: Timezone = "UTC",
    vehicle: VehicleName = None,
    budget: Budget = None,
    cost_miss: CostMiss = None,
    cost_visit: CostVisit = None,
    cost_recall: CostRecall = None,
    fail_on: Annotated[
        str | None,
        typer.Option(
            "--fail-on",
            metavar="SEVERITY",
            help="Exit with 1 when a finding is this severe: operating, recommended or safety.",
        ),
    ] = None,
) -> None:
    """Say which vehicles need attention: which cell, why, how sure, and what to do."""
    from voltherd.cli.triage import triage as run
    from voltherd.report.document import dumps
    from voltherd.report.html import render_html
    from voltherd.report.terminal import render_triage
    from voltherd.triage.findings import worst
    from voltherd.types.decision import Policy

    limit = _severity(fail_on)
    policy = Policy(
        budget_per_thousand=budget,
        miss_cost=cost_miss,
        visit_cost=cost_visit,
        recall_cost=cost_recall,
    )
    reading = reading_of(paths, dbc, profile, timezone, vehicle)
    report = run(paths, reading, time.time(), progress, None if policy.empty else policy)
    progress("")
    if html:
        output(html, render_html(report))
    if json:
        output(json, dumps(report))
    if "-" not in (str(html), str(json)):
        typer.echo(render_triage(report, width(), colour()))
    top = worst(report.findings)
    if limit is not None and top is not None and top >= limit:
        raise typer.Exit(1)


def _severity(word: str | None) -> int | None:
    from voltherd.types.event import Severity

    if word is None:
        return None
    known = {severity.word: severity for severity in Severity}
    if word.lower() not in known:
        raise UsageError(
            f"no severity {word!r}", where="--fail-on", mend=f"choose from {', '.join(known)}"
        )
    return known[word.lower()]


@app.command(name="import")
def import_(
    paths: Paths,
    out: Annotated[
        Path | None, typer.Option("--out", help="Store to write; made where it is not there.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done; write nothing.")
    ] = False,
    save_profile: Annotated[
        Path | None,
        typer.Option("--save-profile", help="Write what was recognised as TOML, to edit and give."),
    ] = None,
    bdf: Annotated[
        Path | None,
        typer.Option("--bdf", help="Also write plain Battery Data Format, a file per cell."),
    ] = None,
    dbc: Dbc = None,
    profile: ProfileFile = None,
    timezone: Timezone = "UTC",
    vehicle: VehicleName = None,
) -> None:
    """Bring messy data into canonical form, or say with --dry-run what would come of it."""
    from voltherd.cli.importing import import_paths, save_recognised

    if out is None and not dry_run and bdf is None:
        raise UsageError("nowhere to write to", mend="give --out STORE, or --dry-run to look only")
    reading = reading_of(paths, dbc, profile, timezone, vehicle)
    if save_profile:
        save_recognised(paths, reading, save_profile)
    for text in import_paths(
        paths,
        reading,
        None if dry_run else out,
        None if dry_run else bdf,
        width(),
        colour(),
        progress,
    ):
        typer.echo(text)


@app.command()
def inspect(
    paths: Paths,
    dbc: Dbc = None,
    profile: ProfileFile = None,
    timezone: Timezone = "UTC",
    vehicle: VehicleName = None,
) -> None:
    """Report the quality of data alone: what is there, what is wrong, what it can answer."""
    from voltherd.cli.importing import inspect_paths

    typer.echo(
        inspect_paths(
            paths, reading_of(paths, dbc, profile, timezone, vehicle), width(), colour(), progress
        )
    )


@app.command()
def doctor() -> None:
    """Look at this machine: versions, ports, disk, clock, optional parts."""
    from voltherd.cli.doctor import examine, exit_code, render

    checks = examine()
    typer.echo(render(checks))
    raise typer.Exit(exit_code(checks))


app.command()(edge)
app.command()(soh)
app.command(name="audit-soc")(audit_soc)
app.command()(identify)


@app.command()
def demo(
    vehicles: Annotated[int, typer.Option("--vehicles", help="How many.")] = 20,
    speed: Annotated[
        float, typer.Option("--speed", help="Simulated seconds per second; 1 is real time.")
    ] = 60.0,
    data: Annotated[
        Path | None, typer.Option("--data", help="Show your own file, folder or store instead.")
    ] = None,
    headless: Annotated[
        bool, typer.Option("--headless", help="Run for --duration, report, and end.")
    ] = False,
    duration: Annotated[
        float, typer.Option("--duration", min=1.0, help="Seconds to run when headless.")
    ] = 40.0,
    json: Json = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Keep everything here and go on from it; else it vanishes."),
    ] = None,
    port: Annotated[int, typer.Option("--port", help="Of the page; 0 takes a free one.")] = 0,
    seed: Annotated[int, typer.Option("--seed", help="Another fleet, other hiding places.")] = 1,
) -> None:
    """Run the whole chain on one machine: vehicles, edges, broker, cloud, page."""
    from voltherd.cli import demo as demonstration
    from voltherd.demo.spec import DemoSpec

    if data is not None:
        demonstration.watch_data(data, out, port, progress)
        return
    spec = DemoSpec(vehicles=vehicles, speed=speed, seed=seed)
    if headless:
        raise typer.Exit(demonstration.headless(spec, out, duration, json))
    demonstration.watch(spec, out, port)


Environment = Annotated[
    bool, typer.Option("--environment", help="Measure pressure, humidity and vibration as well.")
]
Cycle = Annotated[
    Path | None,
    typer.Option("--cycle", help="Recorded drives that every trip replays; any readable file."),
]
CycleCapacity = Annotated[
    float | None,
    typer.Option(
        "--cycle-capacity", help="Capacity of what was recorded [Ah]: scale by it, not by power."
    ),
]


@simulate_app.command()
def fleet(
    out: Annotated[Path, typer.Option("--out", help="Store to write, with truth.json beside.")],
    vehicles: Annotated[int, typer.Option("--vehicles", min=1, help="How many.")] = 10,
    days: Annotated[int, typer.Option("--days", min=1, help="How many days each.")] = 14,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Same seed, same bits.")] = 1,
    faults: Annotated[
        str,
        typer.Option(
            "--faults",
            help="What to plant, as weak_cell:15%@vehicle=2,cell=7; also 'demo', 'live', 'none'.",
        ),
    ] = "none",
    period: Annotated[
        float, typer.Option("--period", help="Seconds between samples while on or charging.")
    ] = 10.0,
    environment: Environment = False,
    cycle: Cycle = None,
    cycle_capacity: CycleCapacity = None,
) -> None:
    """Write a seeded fleet's telemetry as a store, and the truth about it."""
    from voltherd.cli.simulate import simulate_fleet

    told = simulate_fleet(
        out,
        vehicles=vehicles,
        days=days,
        seed=seed,
        faults=faults,
        period_second=period,
        environment=environment,
        cycle=cycle,
        cycle_capacity_ah=cycle_capacity,
        progress=progress,
    )
    progress("")
    typer.echo(told)


@simulate_app.command()
def can(
    out: Annotated[
        Path, typer.Option("--out", help="Folder for the log, pack.dbc and truth.json.")
    ],
    vehicle: Annotated[
        int, typer.Option("--vehicle", min=1, help="Which vehicle of the seed's fleet.")
    ] = 1,
    days: Annotated[int, typer.Option("--days", min=1, help="How many days.")] = 1,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Same seed, same bytes.")] = 1,
    faults: Annotated[
        str,
        typer.Option("--faults", help="What to plant in it, as sensor_stuck@cell=7; or 'none'."),
    ] = "none",
    period: Annotated[
        float, typer.Option("--period", help="Seconds between cycles while on or charging.")
    ] = 1.0,
    log_format: Annotated[
        str, typer.Option("--format", metavar="FORMAT", help="blf, asc or log (candump -L).")
    ] = "blf",
    environment: Environment = False,
    cycle: Cycle = None,
    cycle_capacity: CycleCapacity = None,
) -> None:
    """Write a seeded vehicle's CAN frames as a log, with its DBC and the truth about it."""
    from voltherd.cli.simulate import simulate_can

    told = simulate_can(
        out,
        vehicle=vehicle,
        days=days,
        seed=seed,
        faults=faults,
        period_second=period,
        log_format=log_format,
        environment=environment,
        cycle=cycle,
        cycle_capacity_ah=cycle_capacity,
        progress=progress,
    )
    progress("")
    typer.echo(told)


def main() -> None:
    """Run the command line."""
    app()
