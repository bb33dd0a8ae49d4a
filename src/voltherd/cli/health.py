"""What ``voltherd soh`` and ``voltherd audit-soc`` share: telemetry in, a sheet a vehicle out.

Vehicles are read piece by piece and reduced to a few columns at once, so that a year of one fits
into memory; what a vehicle's pieces hold is judged when all have been read.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, final

import numpy as np

from voltherd.cli.compose import Piece, Progress, Reading, Refusal, pieces
from voltherd.detection.charge_scale import flat_share
from voltherd.errors import InputError, UsageError, VoltherdError
from voltherd.estimation.pack_trace import PackTrace, joined, pack_trace
from voltherd.estimation.soh_sheet import PackFacts
from voltherd.types.asset import Chemistry, Vehicle
from voltherd.types.health import HealthReport, HealthSheet

JOINED: Final = "records_joined"
"""The import's remark on records of unknown distance in time."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the owner of the data tells of every vehicle.

    Attributes:
        capacity_ah: Nameplate or present capacity; None where not told [Ah].
        chemistry: None to go by the voltages.
        series: Cells in series where no cell is measured.
        present: Whether the capacity is the present one, not only the nameplate's.
    """

    capacity_ah: float | None = None
    chemistry: Chemistry | None = None
    series: int | None = None
    present: bool = False


@final
@dataclass(slots=True)
class Gathered:  # mutable: grows while a vehicle's sources are read, and dies with the call
    """One vehicle while its sources are read.

    Attributes:
        asset: What the store's asset book says.
        traces: Its pieces, reduced.
        cells: Cell channels; 0 where only the pack is measured.
        records_joined: Whether a source's records were laid end to end.
    """

    asset: Vehicle | None
    traces: list[PackTrace] = field(default_factory=list)
    cells: int = 0
    records_joined: bool = False


def told_of(
    capacity: float | None, chemistry: str | None, series: int | None, *, present: bool = False
) -> Told:
    """Check what a command line tells.

    Raises:
        UsageError: A value makes no sense.
    """
    if capacity is not None and not 0.1 <= capacity <= 1e5:
        raise UsageError(f"{capacity:g} Ah is no capacity", where="--capacity")
    if series is not None and not 1 <= series <= 1000:
        raise UsageError(f"{series} cells in series make no pack", where="--series")
    known = {str(one).lower(): one for one in Chemistry}
    if chemistry is not None and chemistry.lower() not in known:
        raise UsageError(
            f"no chemistry {chemistry!r}",
            where="--chemistry",
            mend=f"choose from {', '.join(Chemistry)}",
        )
    return Told(
        capacity_ah=capacity,
        chemistry=known[chemistry.lower()] if chemistry else None,
        series=series,
        present=present and capacity is not None,
    )


def health_report(
    paths: Iterable[Path],
    reading: Reading,
    told: Told,
    kind: str,
    sheet: Callable[[PackTrace, PackFacts], HealthSheet],
    generated_second: float,
    progress: Progress,
) -> HealthReport:
    """Write a sheet for every vehicle at some paths.

    Raises:
        InputError: Nothing usable is there.
    """
    gathered, refused = _gathered(paths, reading, told, progress)
    sheets = []
    for vehicle_id, vehicle in sorted(gathered.items()):
        progress(f"judging {vehicle_id}")
        trace = joined(vehicle.traces)
        try:
            sheets.append(sheet(trace, _facts(vehicle_id, vehicle, trace, told)))
        except VoltherdError as error:
            refused.append((vehicle_id, str(error).removeprefix(f"{vehicle_id}: ")))
    if not sheets:
        reasons = "; ".join(f"{source}: {reason}" for source, reason in refused[:3])
        raise InputError(
            f"nothing can be told ({reasons or 'nothing there'})",
            mend="voltherd inspect FILE tells more",
        )
    return HealthReport(
        kind=kind,
        generated_second=generated_second,
        sheets=tuple(sheets),
        refused=tuple(refused),
    )


def _gathered(
    paths: Iterable[Path], reading: Reading, told: Told, progress: Progress
) -> tuple[dict[str, Gathered], list[tuple[str, str]]]:
    gathered: dict[str, Gathered] = {}
    refused: list[tuple[str, str]] = []
    for path in paths:
        for piece in pieces(path, reading, progress):
            if isinstance(piece, Refusal):
                reason = str(piece.error).removeprefix(f"{piece.source}: ")
                refused.append((str(piece.source), reason))
            elif piece.batch.rows:
                _add(gathered, piece, told)
            else:
                refused.append((str(piece.source), "no usable row; see voltherd inspect"))
    return gathered, refused


def _add(gathered: dict[str, Gathered], piece: Piece, told: Told) -> None:
    vehicle = gathered.setdefault(piece.batch.vehicle_id, Gathered(asset=piece.asset))
    series = told.series
    if series is None and vehicle.asset and vehicle.asset.layout:
        series = vehicle.asset.layout.series
    vehicle.traces.append(pack_trace(piece.batch, series))
    vehicle.cells = max(vehicle.cells, piece.batch.cells or series or 0)
    if piece.report is not None:
        vehicle.records_joined |= any(remark.reason == JOINED for remark in piece.report.remarks)


def _facts(vehicle_id: str, vehicle: Gathered, trace: PackTrace, told: Told) -> PackFacts:
    asset = vehicle.asset
    cell = asset.cell_type if asset is not None else None
    chemistry = told.chemistry or (cell.chemistry if cell is not None else None)
    capacity = told.capacity_ah or (asset.capacity_nominal_ah if asset is not None else None)
    if chemistry is None:
        flat = flat_share(trace.cell_volt, trace.soc_reported)
        looks = Chemistry.LFP if np.isfinite(flat) and flat > 0.5 else Chemistry.NMC
    return PackFacts(
        vehicle_id=vehicle_id,
        chemistry=chemistry or looks,
        told=chemistry is not None,
        cells=vehicle.cells,
        capacity_ah=capacity,
        records_joined=vehicle.records_joined,
        present=told.present,
    )
