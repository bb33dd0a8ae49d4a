"""``voltherd triage``: which vehicles need attention, which cell, why, how sure, what to do.

Vehicles are followed as a stream, so that a year of many fits into memory.  Where files of one
vehicle turn out not to be in order, that vehicle is read again as a whole.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from voltherd.cli.compose import (
    Piece,
    Progress,
    Reading,
    Refusal,
    calibration,
    joined,
    pieces,
    truth_path,
)
from voltherd.detection.engine import Detection, init, step
from voltherd.errors import InputError
from voltherd.intake.answers import Survey, answers_of, survey, together
from voltherd.triage.decision import decide
from voltherd.triage.findings import findings, urgency
from voltherd.triage.frequent import most_frequent
from voltherd.types.asset import Vehicle
from voltherd.types.decision import Decisions, Policy
from voltherd.types.event import Finding
from voltherd.types.report import ImportReport, TriageReport, VehicleSummary
from voltherd.types.sample import SampleBatch


@final
@dataclass(slots=True)
class Followed:  # mutable: grows while its sources are read, and dies with the call
    """One vehicle while its sources are read.

    Attributes:
        state: What detection knows; it holds the channels and names, but no past rows.
        sources: Files it came from, in the order read.
        imports: What became of each.
        holds: What its pieces hold together, which decides the answers.
        in_order: Whether every piece followed the one before, with the same channels.
    """

    state: Detection
    sources: list[Path] = field(default_factory=list)
    imports: list[ImportReport] = field(default_factory=list)
    holds: Survey | None = None
    in_order: bool = True


def triage(
    paths: Iterable[Path],
    reading: Reading,
    generated_second: float,
    progress: Progress,
    policy: Policy | None = None,
) -> TriageReport:
    """Triage everything at some paths.

    Args:
        paths: Files, folders or stores.
        reading: How they are to be read.
        generated_second: Now [unix s].
        progress: Told where it stands.
        policy: What the fleet can bear; None shows everything.

    Raises:
        InputError: Nothing usable is there.
    """
    followed: dict[str, Followed] = {}
    refused: list[tuple[str, str]] = []
    truth: Path | None = None
    for path in paths:
        truth = truth_path(path) or truth
        for piece in pieces(path, reading, progress):
            if isinstance(piece, Refusal):
                reason = str(piece.error).removeprefix(f"{piece.source}: ")
                refused.append((str(piece.source), reason))
            elif piece.batch.rows:
                _follow(followed, piece)
            elif piece.report:
                refused.append((str(piece.source), "no usable row; see voltherd inspect"))
    if not followed:
        reasons = "; ".join(f"{source}: {reason}" for source, reason in refused[:3])
        more = f"; and {len(refused) - 3} more" if len(refused) > 3 else ""
        raise InputError(
            f"no usable telemetry ({reasons}{more})", mend="voltherd inspect FILE tells more"
        )
    for vehicle_id, vehicle in followed.items():
        if not vehicle.in_order:
            progress(f"joining {vehicle_id}")
            _read_again(vehicle_id, vehicle, reading)
    found = [f for v in followed.values() for f in _findings(v)]
    assets = {name: v.state.asset for name, v in followed.items() if v.state.asset is not None}
    made = _decisions(found, followed, policy) if policy else None
    shown = [each.finding for each in made.decided if each.shown] if made else None
    return TriageReport(
        generated_second=generated_second,
        vehicles=tuple(_summary(v) for _, v in sorted(followed.items())),
        findings=tuple(sorted(found, key=urgency) if shown is None else shown),
        refused=tuple(refused),
        truth_path=str(truth) if truth else None,
        root_causes=most_frequent(found, assets) if len(followed) > 1 else (),
        decisions=made,
    )


def _decisions(
    found: Sequence[Finding], followed: Mapping[str, Followed], policy: Policy
) -> Decisions:
    """Apply a policy; vehicles of one model share it."""
    models = {
        name: (f"model {vehicle.state.asset.model}",) if vehicle.state.asset else ()
        for name, vehicle in followed.items()
    }
    return decide(found, policy, calibration(), groups=models)


def _follow(followed: dict[str, Followed], piece: Piece) -> None:
    batch = piece.batch
    vehicle = followed.get(batch.vehicle_id)
    if vehicle is None:
        vehicle = Followed(state=_start(batch, piece.asset))
        followed[batch.vehicle_id] = vehicle
    vehicle.sources.append(piece.source)
    if piece.report:
        vehicle.imports.append(piece.report)
    seen = survey(batch)
    vehicle.holds = seen if vehicle.holds is None else together(vehicle.holds, seen)
    follows = vehicle.state.rows == 0 or (
        batch.unix_time_second[0] > vehicle.state.last_second
        and _alike(batch, vehicle.state.open_rows)
    )
    vehicle.in_order = vehicle.in_order and follows
    if vehicle.in_order:
        vehicle.state = step(vehicle.state, batch)


def _alike(first: SampleBatch, second: SampleBatch) -> bool:
    return (
        first.cells == second.cells
        and first.probes == second.probes
        and first.scalar.keys() == second.scalar.keys()
    )


def _start(batch: SampleBatch, asset: Vehicle | None) -> Detection:
    return init(batch.vehicle_id, batch.cells, batch.probes, asset=asset)


def _read_again(vehicle_id: str, vehicle: Followed, reading: Reading) -> None:
    """Join the pieces of a vehicle whose files were not in order."""
    batches = [
        piece.batch
        for source in dict.fromkeys(vehicle.sources)
        for piece in pieces(source, reading, lambda _: None)
        if isinstance(piece, Piece) and piece.batch.vehicle_id == vehicle_id and piece.batch.rows
    ]
    whole = joined(batches)
    vehicle.state = step(_start(whole, vehicle.state.asset), whole)
    vehicle.holds = survey(whole)


def _findings(vehicle: Followed) -> tuple[Finding, ...]:
    return findings(vehicle.state, vehicle.state.open_rows.cell_names)


def _summary(vehicle: Followed) -> VehicleSummary:
    state = vehicle.state
    return VehicleSummary(
        vehicle_id=state.open_rows.vehicle_id,
        rows=state.rows,
        first_second=state.first_second,
        last_second=state.last_second,
        cells=state.open_rows.cells,
        answers=answers_of(vehicle.holds) if vehicle.holds is not None else (),
        imports=tuple(vehicle.imports),
    )
