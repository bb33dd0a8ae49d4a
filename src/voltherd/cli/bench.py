"""``voltherd bench``: measure, beside named peers, in one run."""

from pathlib import Path
from typing import Annotated

import typer

from voltherd.cli.screen import Json, output, progress

bench_app = typer.Typer(help="Measure, beside named peers, in one run.", no_args_is_help=True)

TrainCells = Annotated[
    Path | None,
    typer.Option("--train", help="Recorded cells to identify from; VOLTHERD_DATA otherwise."),
]
TestCells = Annotated[
    Path | None,
    typer.Option("--test", help="Cells to test on; else every other of --train is held back."),
]
Further = Annotated[
    bool, typer.Option("--further", help="Also slow sampling, gain, voltage offset, lost samples.")
]
Only = Annotated[
    str,
    typer.Option(
        "--only", help="Estimators beside the primary one, commas between; all: every one, hours."
    ),
]
LeaveOneOut = Annotated[
    bool,
    typer.Option(
        "--leave-one-out", help="Test on every cycle, each time identifying from all the others."
    ),
]
Each = Annotated[
    int,
    typer.Option("--each", min=0, help="Only so many cycles of each temperature; 0: all."),
]


@bench_app.command(name="triage")
def triage(
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder with car1.parquet and car3.parquet.")
    ] = None,
    json: Json = None,
) -> None:
    """CPU time of triage against that of reading the same columns, stage by stage."""
    from voltherd.bench.triage import measure, render

    table = measure(data)
    if json:
        output(json, table.to_json())
    if str(json) != "-":
        typer.echo(render(table))


@bench_app.command(name="alarms")
def alarms(
    vehicles: Annotated[int, typer.Option("--vehicles", min=1, help="Healthy vehicles.")] = 100,
    days: Annotated[int, typer.Option("--days", min=1, help="Days of each record.")] = 30,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another fleet.")] = 11,
    each: Annotated[
        int, typer.Option("--each", min=1, help="Vehicles per kind and size of fault.")
    ] = 8,
    json: Json = None,
) -> None:
    """False alarms on healthy simulated vehicles, and what is found of planted faults."""
    from voltherd.bench.alarms import measure, render

    table = measure(vehicles=vehicles, days=days, seed=seed, each=each, progress=progress)
    progress("")
    if json:
        output(json, table.to_json())
    if str(json) != "-":
        typer.echo(render(table))


@bench_app.command(name="detect")
def detect(  # long: an option a line
    test: Annotated[
        Path | None,
        typer.Option("--test", help="Folder of recorded vehicles; VOLTHERD_DATA otherwise."),
    ] = None,
    parts: Annotated[
        str,
        typer.Option(
            "--parts",
            help="Which, commas between: recorded, simulated, causes, records, current, heat, "
            "stations, fleet (needs the extra learn), healthy (needs --folder; hours).",
        ),
    ] = "recorded,simulated,causes,records,current,heat",
    only: Annotated[
        str, typer.Option("--only", help="Kinds of fault, commas between; all otherwise.")
    ] = "",
    each: Annotated[
        int, typer.Option("--each", min=1, help="Faults of each kind and size in each source.")
    ] = 4,
    vehicles: Annotated[
        int, typer.Option("--vehicles", min=1, help="Healthy vehicles of each kind.")
    ] = 20,
    days: Annotated[int, typer.Option("--days", min=1, help="Days of each of these.")] = 28,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Another draw.")] = 5,
    folder: Annotated[
        Path | None,
        typer.Option("--folder", help="Where healthy vehicle-days are kept, to go on with later."),
    ] = None,
    vehicle_days: Annotated[
        int, typer.Option("--vehicle-days", min=1, help="Healthy ones wanted there in all.")
    ] = 100_000,
    svg: Annotated[
        Path | None, typer.Option("--svg", help="Folder to draw the times to the first alarm in.")
    ] = None,
    json: Json = None,
) -> None:
    """What diagnosis finds of injected faults, how soon, beside peers, and its false alarms."""
    from voltherd.bench.detect import PARTS, measure, render
    from voltherd.cli.options import listed

    table = measure(
        test,
        parts=listed(parts, PARTS, "--parts"),
        only=listed(only, None, "--only"),
        each=each,
        vehicles=vehicles,
        days=days,
        seed=seed,
        vehicle_days=vehicle_days,
        folder=folder,
        progress=progress,
    )
    progress("")
    if svg:
        from voltherd.bench.detect_plot import drawn

        svg.mkdir(parents=True, exist_ok=True)
        for kind, picture in drawn(table.rows).items():
            output(svg / f"detect-{kind}.svg", picture)
    if json:
        output(json, table.to_json())
    if str(json) != "-":
        typer.echo(render(table))


@bench_app.command(name="charging")
def charging(
    parts: Annotated[
        str,
        typer.Option(
            "--parts",
            help="Which, commas between: plans, recorded and forecast (need "
            "VOLTHERD_DATA), ocpp, learned, cases, link, compare.",
        ),
    ] = "plans,recorded,forecast,ocpp,learned,cases,link,compare",
    full: Annotated[
        bool,
        typer.Option(
            "--full",
            help="HiGHS and acnportal at full size, every window, 1,000 stations; an hour.",
        ),
    ] = False,
    json: Json = None,
) -> None:
    """Plans, recorded days, OCPP and learned ways of charging, beside peers and goals; minutes."""
    from voltherd.bench.charging_parts import PARTS, Asked, measure, render
    from voltherd.bench.detect_parts import recorded_folder
    from voltherd.cli.options import listed

    asked = Asked(recorded_folder(), full)
    table = measure(listed(parts, tuple(PARTS), "--parts"), asked, progress)
    progress("")
    if json:
        output(json, table.to_json())
    if str(json) != "-":
        typer.echo(render(table))


@bench_app.command(name="kernel")
def kernel(json: Json = None) -> None:
    """Cell updates per core-second by engine, beside peers and the machine's roofs."""
    from voltherd.bench import kernel_pack
    from voltherd.bench.kernel import bench_kernel as measure
    from voltherd.bench.kernel import render

    table = measure()
    cost = kernel_pack.measure()
    if json:
        output(json, kernel_pack.beside(table.to_json(), cost))
    if str(json) != "-":
        typer.echo(render(table))
        typer.echo(kernel_pack.render(cost))


@bench_app.command(name="chunk")
def chunk(
    vehicles: Annotated[int, typer.Option("--vehicles", min=1, help="Simulated, a day each.")] = 4,
    json: Json = None,
) -> None:
    """Size and speed of telemetry chunks beside JSON and Parquet, and of the filter behind them."""
    from voltherd.bench.chunk import bench_chunk as measure
    from voltherd.bench.chunk import render

    table = measure(vehicles)
    if json:
        output(json, table.to_json())
    if str(json) != "-":
        typer.echo(render(table))


@bench_app.command(name="ingest")
def ingest(
    vehicles: Annotated[int, typer.Option("--vehicles", min=1, help="That send.")] = 64,
    chunks: Annotated[int, typer.Option("--chunks", min=1, help="Of each.")] = 300,
    window: Annotated[
        int, typer.Option("--window", min=1, help="Records under way unacknowledged, in all.")
    ] = 2000,
    json: Json = None,
) -> None:
    """Telemetry from a real broker into durable commits, beside a bare consumer and DuckDB."""
    from voltherd.bench.ingest import measure, render

    table = measure(vehicles, chunks, window)
    if json:
        output(json, table.to_json())
    if str(json) != "-":
        typer.echo(render(table))


@bench_app.command(name="edge")
def edge(
    cycles: Annotated[int, typer.Option("--cycles", min=100, help="How many.")] = 12_000,
    json: Json = None,
) -> None:
    """Computing time of one cycle of an edge, from CAN frames to limits and records."""
    from voltherd.bench.edge import measure, render

    table = measure(cycles)
    if json:
        output(json, table.to_json())
    if str(json) != "-":
        typer.echo(render(table))


@bench_app.command(name="api")
def api(
    vehicles: Annotated[
        int, typer.Option("--vehicles", min=1, help="Packs of the fleet.")
    ] = 10_000,
    days: Annotated[int, typer.Option("--days", min=1, help="Days of the long history.")] = 30,
    json: Json = None,
) -> None:
    """Times of the API for a large fleet and a long history, and what open pages cost; minutes."""
    from voltherd.bench.api import measure, render

    table = measure(vehicles, days, progress)
    progress("")
    if json:
        output(json, table.to_json())
    if str(json) != "-":
        typer.echo(render(table))


@bench_app.command(name="soc")
def soc(
    train: TrainCells = None,
    test: TestCells = None,
    estimator: Annotated[
        str, typer.Option("--estimator", help="An estimator of your own, FILE.py:CLASS.")
    ] = "",
    further: Further = False,
    learned: Annotated[
        bool,
        typer.Option("--learned", help="Also train those that learn; minutes more, extra learn."),
    ] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Only the records as they are, without a score.")
    ] = False,
    only: Only = "soc_ekf,soc_coulomb",
    leave_one_out: LeaveOneOut = False,
    each: Each = 0,
    svg: Annotated[
        Path | None, typer.Option("--svg", help="Where to draw the errors over temperature.")
    ] = None,
    json: Json = None,
) -> None:
    """Error of the state of charge on recorded cells, estimator beside estimator; minutes."""
    from voltherd.bench.soc import measure, render
    from voltherd.bench.soc_league import LEARNED

    names = () if only == "all" else tuple(filter(None, only.split(",")))
    if learned and names:
        names = (*names, *LEARNED)
    table = measure(
        train,
        test,
        progress,
        estimator,
        further=further,
        learn=learned,
        quick=quick,
        leave_out=leave_one_out,
        each=each,
        only=names,
    )
    progress("")
    if svg:
        from voltherd.bench.soc_plot import drawn

        output(svg, drawn(table.rows))
    if json:
        output(json, table.to_json())
    if str(json) != "-":
        typer.echo(render(table))


@bench_app.command(name="sop")
def sop(
    train: Annotated[
        Path | None,
        typer.Option("--train", help="Recorded pulses to learn from; VOLTHERD_DATA otherwise."),
    ] = None,
    test: Annotated[
        Path | None,
        typer.Option("--test", help="Recorded pulses to predict; else one charge from the others."),
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", help="PyBaMM parameter set: Chen2020, OKane2022; may be repeated."),
    ] = None,
    svg: Annotated[
        Path | None, typer.Option("--svg", help="Where to draw the charging power over 10 s.")
    ] = None,
    json: Json = None,
) -> None:
    """Error of the state of power against a full electrochemical simulation; minutes."""
    from voltherd.bench.sop import measure, render

    table = measure(train, test, progress, sets or ("Chen2020",))
    progress("")
    if svg:
        from voltherd.bench.sop_plot import drawn

        output(svg, drawn(table.rows))
    if json:
        output(json, table.to_json())
    if str(json) != "-":
        typer.echo(render(table))


@bench_app.command(name="soh")
def soh(
    train: Annotated[
        Path | None,
        typer.Option("--train", help="Recorded cells to learn from; VOLTHERD_DATA otherwise."),
    ] = None,
    test: Annotated[
        Path | None,
        typer.Option("--test", help="Cells to test on; else cells of --train take turns."),
    ] = None,
    paths: Annotated[
        bool,
        typer.Option("--paths", help="Also chosen features, lasso and modes of ageing; a minute."),
    ] = False,
    json: Json = None,
) -> None:
    """Error of learned health on recorded cells that were never seen; minutes."""
    from voltherd.bench.soh import measure, render

    table = measure(train, test, progress, paths=paths)
    progress("")
    if json:
        output(json, table.to_json())
    if str(json) != "-":
        typer.echo(render(table))
