"""``voltherd identify``: a cell from its records, with what the records cannot tell of it."""

from pathlib import Path
from typing import Annotated

import typer

from voltherd.cli.screen import Json, output, progress


def identify(
    data: Annotated[
        list[Path],
        typer.Argument(
            help="Parquet or CSV files of one cell, or folders of them: time, current, voltage, "
            "temperature, and state of charge where it is known.",
            show_default=False,
        ),
    ],
    cell: Annotated[str, typer.Option("--cell", help="What the cell is called.")],
    out: Annotated[Path, typer.Option("--out", help="Where to write it, as cell.json.")],
    chemistry: Annotated[str, typer.Option("--chemistry", help="NMC, NCA or LFP.")],
    capacity: Annotated[
        float | None,
        typer.Option(
            "--capacity",
            help="Of the cell [Ah]. Needed where no column tells the state of charge: it is then "
            "counted from the start of each record, which must be full.",
        ),
    ] = None,
    base: Annotated[
        Path | None,
        typer.Option("--base", help="BPX document whose open-circuit voltage is begun with."),
    ] = None,
    ocv: Annotated[
        Path | None,
        typer.Option("--ocv", help="Measured curve: columns soc, ocv_charge, ocv_discharge."),
    ] = None,
    bpx: Annotated[
        Path | None, typer.Option("--bpx", help="Also write the document of --base with the cell.")
    ] = None,
    discharge_positive: Annotated[
        bool, typer.Option("--discharge-positive", help="The records count discharging positive.")
    ] = False,
    intervals: Annotated[
        bool,
        typer.Option(
            "--intervals/--no-intervals",
            help="Try the filter's intervals on every drive, which takes most of the time.",
        ),
    ] = True,
    json: Json = None,
) -> None:
    """Identify a cell from recorded drives: tables for the filter, and what they are worth."""
    from voltherd.cli.identification import Question, dumped, identify_cell, no_document, write

    question = Question(
        data=tuple(data),
        cell=cell,
        chemistry=chemistry,
        capacity_ah=capacity,
        base=base,
        ocv=ocv,
        discharge_positive=discharge_positive,
        intervals=intervals,
    )
    if bpx is not None and base is None:
        raise no_document()
    answer = identify_cell(question, progress)
    progress("")
    write(answer, out, bpx, base)
    if json:
        output(json, dumped(answer.report))
    if str(json) != "-":
        typer.echo(answer.text)
        typer.echo(f"written to {out}")
