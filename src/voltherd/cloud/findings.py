"""Findings as the API tells them: what, where, how sure, what to do, and what became of them."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np

from voltherd.cloud.finding_names import Known
from voltherd.cloud.quantities import age
from voltherd.cloud.schema import Location, Quantity
from voltherd.cloud.schema_findings import (
    CauseCount,
    Causes,
    Evidence,
    FindingDetail,
    FindingRow,
    Note,
    Plot,
    PlotSeries,
    PossibleCause,
    SiblingMeasure,
    Siblings,
)
from voltherd.cloud.view import VehicleView
from voltherd.cloud.workflow import Standing, Step
from voltherd.detection.memory import Memory
from voltherd.report.causes import CAUSE_TITLE
from voltherd.report.words import TITLE, clean, rfc3339, where
from voltherd.types import event, report
from voltherd.units import SECOND_PER_HOUR

_LATEST: Final = 24
"""Half hours observed that the siblings' recent mean is taken of."""


def finding_row(view: VehicleView, known: Known, now_second: float) -> FindingRow:
    """Tell a finding in a list."""
    standing = view.standings[known.finding_id]
    return FindingRow(**_told(view, known, standing, now_second))


def finding_detail(
    view: VehicleView, known: Known, steps: tuple[Step, ...], standing: Standing, now_second: float
) -> FindingDetail:
    """Tell a finding with all that is behind it."""
    return FindingDetail(
        **_told(view, known, standing, now_second),
        evidence=[_evidence(each) for each in known.finding.evidence],
        journal=[_note(step) for step in steps],
        siblings=_siblings(view, known.finding.location),
    )


def _told(view: VehicleView, known: Known, standing: Standing, now_second: float) -> dict[str, Any]:
    finding = known.finding
    decided = view.decided.get(known.finding_id)
    right = decided.probability if decided else None
    acknowledged = standing.acknowledged
    planned = standing.planned_second
    return {
        "finding_id": known.finding_id,
        "vehicle_id": finding.vehicle_id,
        "phenomenon": finding.phenomenon.value,
        "title": TITLE[finding.phenomenon],
        "severity": finding.severity.word,
        "confidence": finding.confidence,
        "location": location(finding.location),
        "raised_time": rfc3339(finding.raised_second),
        "onset_time": rfc3339(finding.onset_second),
        "last_seen_time": rfc3339(finding.last_seen_second),
        "age_second": age(finding.last_seen_second, now_second),
        "holds": known.holds,
        "trend": finding.trend,
        "summary": finding.summary,
        "action": finding.action,
        "confirm": finding.confirm,
        "causes": _causes(finding.causes) if finding.causes else None,
        "status": standing.status,
        "acknowledged_by": acknowledged.by if acknowledged else None,
        "acknowledged_time": rfc3339(acknowledged.unix_time_second) if acknowledged else None,
        "outcome": standing.outcome or None,
        "work_order_time": rfc3339(planned) if planned is not None else None,
        "notes": standing.notes,
        "shown": view.asks(known.finding_id),
        "reason": decided.reason if decided else "",
        "probability": Quantity(
            value=right.value if right else None,
            low=right.low if right else None,
            high=right.high if right else None,
            unit="1",
            method="odds of healthy and planted vehicles",
            evidence=right.basis if right else "cannot tell: no calibration",
        ),
        "cost": decided.cost if decided else None,
    }


def _causes(causes: event.Causes) -> Causes:
    return Causes(
        ranked=[
            PossibleCause(
                cause=each.cause.value,
                title=CAUSE_TITLE[each.cause],
                probability=each.probability,
                supporting=list(each.supporting),
                opposing=list(each.opposing),
            )
            for each in causes.ranked
        ],
        told=causes.told,
        unexplained=causes.unexplained,
        decide=causes.decide,
        missing=list(causes.missing),
    )


def cause_count(each: report.CauseCount) -> CauseCount:
    """Tell how often a root cause stands behind the findings of a group."""
    return CauseCount(
        by=each.by,  # type: ignore[arg-type]
        group=clean(each.group),
        cause=each.cause.value if each.cause else None,
        title=CAUSE_TITLE[each.cause] if each.cause else "cannot tell yet",
        findings=each.findings,
        expected=each.expected,
        vehicles=each.vehicles,
        vehicles_with_findings=each.vehicles_with_findings,
    )


def location(place: event.Location) -> Location:
    """Tell a place."""
    return Location(
        kind=place.kind.value,
        index=place.index,
        cells=list(place.cells),
        channel=clean(place.channel) if place.channel else None,
        label=where(place),
    )


def _evidence(each: event.Evidence) -> Evidence:
    return Evidence(
        name=each.name,
        value=each.value,
        low=each.low,
        high=each.high,
        unit=each.unit,
        basis=each.basis,
        plot=_plot(each.plot) if each.plot else None,
    )


def _plot(plot: event.Plot) -> Plot:
    return Plot(
        title=plot.title,
        kind=plot.kind,  # type: ignore[arg-type]
        x_label=plot.x_label,
        y_label=plot.y_label,
        x_is_time=plot.x_is_time,
        x=list(plot.x),
        series=[PlotSeries(name=clean(name), values=list(values)) for name, values in plot.series],
        highlight=list(plot.highlight),
    )


def _note(step: Step) -> Note:
    return Note(
        note_id=step.note_id,
        kind=step.kind,  # type: ignore[arg-type]
        time=rfc3339(step.unix_time_second),
        by=step.by,
        text=step.text,
        outcome=step.outcome or None,  # type: ignore[arg-type]
        planned_time=rfc3339(step.planned_second) if step.planned_second is not None else None,
    )


def concerned(
    known: Iterable[Known], standings: Mapping[str, Standing]
) -> tuple[dict[int, str], dict[int, str]]:
    """Give cells and probes that an unresolved finding singles out, with its name.

    A finding about a whole pack singles nothing out.
    """
    cells: dict[int, str] = {}
    probes: dict[int, str] = {}
    for each in known:
        if standings[each.finding_id].status == "resolved":
            continue
        place = each.finding.location
        if place.kind is event.LocationKind.PROBE:
            indices = place.indices or ((place.index,) if place.index else ())
            for index in indices:
                probes.setdefault(index, each.finding_id)
        elif place.kind in (event.LocationKind.CELL, event.LocationKind.MODULE):
            for cell in place.cells:
                cells.setdefault(cell, each.finding_id)
    return cells, probes


def _siblings(view: VehicleView, place: event.Location) -> Siblings:
    followed = view.followed
    assert followed is not None, "a finding has a vehicle with rows"
    batch = followed.newest
    if place.kind is event.LocationKind.PROBE:
        indices = place.indices or ((place.index,) if place.index else ())
        return Siblings(
            kind="probe",
            names=[clean(batch.probe_name(i + 1)) for i in range(batch.probes)],
            highlighted=list(indices),
            measures=[
                SiblingMeasure(
                    name="temperature now",
                    unit="°C",
                    basis="newest sample",
                    values=_rounded(batch.probe_temperature_celsius[-1], 2),
                )
            ],
        )
    if place.kind is event.LocationKind.CHANNEL or not batch.cells:
        return Siblings(kind="none", names=[], highlighted=[], measures=[])
    return Siblings(
        kind="cell",
        names=[clean(batch.cell_name(i + 1)) for i in range(batch.cells)],
        highlighted=list(place.cells),
        measures=[*_remembered(followed.detection.memory), _now(batch.cell_voltage_volt[-1])],
    )


def _remembered(memory: Memory) -> list[SiblingMeasure]:
    rows = memory.history_charge[-_LATEST:]
    seen = np.isfinite(rows).any(axis=0) if len(rows) else np.zeros(0, bool)
    if not seen.any():
        return []
    count = len(rows)
    span = memory.history_second[-1] - memory.history_second[-count]
    charge = np.full(rows.shape[1], np.nan)
    charge[seen] = np.nanmedian(rows[:, seen].astype(np.float64), axis=0) * 100.0
    volt = np.full(rows.shape[1], np.nan)
    volts = memory.history_volt[-_LATEST:]
    read = np.isfinite(volts).any(axis=0)
    volt[read] = np.nanmedian(volts[:, read].astype(np.float64), axis=0) * 1e3
    basis = f"median of {count} half hours observed within {span / SECOND_PER_HOUR:.0f} h"
    return [
        SiblingMeasure(
            name="charge against the median cell", unit="%", basis=basis, values=_rounded(charge, 3)
        ),
        SiblingMeasure(
            name="voltage against the median cell", unit="mV", basis=basis, values=_rounded(volt, 2)
        ),
    ]


def _now(volt: np.ndarray) -> SiblingMeasure:
    known = np.isfinite(volt)
    middle = float(np.median(volt[known])) if known.any() else np.nan
    return SiblingMeasure(
        name="voltage against the median cell now",
        unit="mV",
        basis="newest sample",
        values=_rounded((volt.astype(np.float64) - middle) * 1e3, 1),
    )


def _rounded(values: np.ndarray, digits: int) -> list[float | None]:
    return [round(v, digits) if np.isfinite(v) else None for v in values.tolist()]
