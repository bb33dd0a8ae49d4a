"""The triage report as JSON, in the shape that ``triage.schema.json`` publishes.

Keys may be added under the same version; a key that changes meaning or goes away makes a new one.
Times are RFC 3339 in UTC, ratios fractions, units as written beside each number; what is not known
is ``null``, never NaN.
"""

import json
import math
from typing import Final

from voltherd.report.standing import standings
from voltherd.report.words import rfc3339
from voltherd.types.decision import Decided, Decisions
from voltherd.types.event import Causes, Evidence, Finding, Plot
from voltherd.types.report import (
    Answer,
    CauseCount,
    ImportReport,
    Remark,
    TriageReport,
    VehicleSummary,
)

SCHEMA_ID: Final = "urn:voltherd:triage:1"
"""Name and version of the published schema; the document's ``schema`` key."""


def to_document(report: TriageReport) -> dict[str, object]:
    """Give a report as plain JSON values.

    Args:
        report: What triage found.

    Returns:
        A document valid under ``triage.schema.json``; findings and vehicles in the report's order.
    """
    worst = {s.vehicle.vehicle_id: s.worst for s in standings(report)}
    vehicles = []
    for vehicle in report.vehicles:
        severity = worst[vehicle.vehicle_id]
        vehicles.append(_vehicle(vehicle) | {"severity": severity.word if severity else None})
    return {
        "schema": SCHEMA_ID,
        "generated": _instant(report.generated_second),
        "vehicles": vehicles,
        "findings": [_finding(finding) for finding in report.findings],
        "refused": [{"source": source, "reason": reason} for source, reason in report.refused],
        "truth": report.truth_path,
        "root_causes": [_cause_count(each) for each in report.root_causes],
        "decision": _decision(report.decisions) if report.decisions else None,
    }


def dumps(report: TriageReport) -> str:
    """Write a report as JSON text: same report, same bytes; ends with a line feed.

    Keys keep the order of the schema.  Text is escaped to ASCII, because a lone surrogate in a file
    name could otherwise not be written.
    """
    return json.dumps(to_document(report), indent=2, allow_nan=False) + "\n"


def _instant(second: float) -> str:
    stamp = rfc3339(second)
    assert stamp is not None, "a finding's times are finite and in the calendar"
    return stamp


def _number(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def _vehicle(vehicle: VehicleSummary) -> dict[str, object]:
    return {
        "vehicle_id": vehicle.vehicle_id,
        "rows": int(vehicle.rows),
        "first": rfc3339(vehicle.first_second),
        "last": rfc3339(vehicle.last_second),
        "cells": int(vehicle.cells),
        "answers_possible": [answer.name for answer in vehicle.answers if answer.possible],
        "answers": [_answer(answer) for answer in vehicle.answers],
        "imports": [_import(source) for source in vehicle.imports],
    }


def _answer(answer: Answer) -> dict[str, object]:
    return {
        "name": answer.name,
        "title": answer.title,
        "possible": bool(answer.possible),
        "needs": list(answer.needs),
    }


def _import(source: ImportReport) -> dict[str, object]:
    return {
        "source": source.source,
        "rows_read": int(source.rows_read),
        "rows_kept": int(source.rows_kept),
        "timezone": source.timezone,
        "rate_hertz": _number(source.rate_hertz),
        "mapping": [
            {"source": column, "canonical": canonical, "conversion": conversion}
            for column, canonical, conversion in source.mapping
        ],
        "unused": list(source.unused),
        "remarks": [_remark(remark) for remark in source.remarks],
    }


def _remark(remark: Remark) -> dict[str, object]:
    return {
        "reason": remark.reason,
        "channel": remark.channel,
        "count": int(remark.count),
        "total": int(remark.total),
        "detail": remark.detail,
        "examples": list(remark.examples),
        "mend": remark.mend,
    }


def _finding(finding: Finding) -> dict[str, object]:
    location = finding.location
    return {
        "vehicle_id": finding.vehicle_id,
        "location": {
            "kind": location.kind.value,
            "index": None if location.index is None else int(location.index),
            "cells": [int(cell) for cell in location.cells],
            "channel": location.channel,
        },
        "phenomenon": finding.phenomenon.value,
        "severity": finding.severity.word,
        "raised": _instant(finding.raised_second),
        "onset": _instant(finding.onset_second),
        "last_seen": _instant(finding.last_seen_second),
        "confidence": float(finding.confidence),
        "trend": finding.trend,
        "summary": finding.summary,
        "action": finding.action,
        "confirm": finding.confirm,
        "evidence": [_evidence(evidence) for evidence in finding.evidence],
        "causes": None if finding.causes is None else _causes(finding.causes),
    }


def _causes(causes: Causes) -> dict[str, object]:
    return {
        "ranked": [
            {
                "cause": each.cause.value,
                "probability": float(each.probability),
                "supporting": list(each.supporting),
                "opposing": list(each.opposing),
            }
            for each in causes.ranked
        ],
        "told": bool(causes.told),
        "unexplained": float(causes.unexplained),
        "decide": causes.decide,
        "missing": list(causes.missing),
    }


def _cause_count(each: CauseCount) -> dict[str, object]:
    return {
        "by": each.by,
        "group": each.group,
        "cause": each.cause.value if each.cause else None,
        "findings": int(each.findings),
        "expected": float(each.expected),
        "vehicles": int(each.vehicles),
        "vehicles_with_findings": int(each.vehicles_with_findings),
    }


def _evidence(evidence: Evidence) -> dict[str, object]:
    return {
        "name": evidence.name,
        "value": _number(evidence.value),
        "unit": evidence.unit,
        "low": _number(evidence.low),
        "high": _number(evidence.high),
        "basis": evidence.basis,
        "plot": None if evidence.plot is None else _plot(evidence.plot),
    }


def _decision(made: Decisions) -> dict[str, object]:
    policy, cut = made.policy, made.cut
    return {
        "policy": {
            "budget_per_thousand": policy.budget_per_thousand,
            "miss_cost": policy.miss_cost,
            "visit_cost": policy.visit_cost,
            "recall_cost": policy.recall_cost,
        },
        "false_alarms": {
            "per_thousand": float(cut.per_thousand),
            "per_thousand_max": float(cut.per_thousand_max),
            "confidence": cut.confidence,
            "vehicle_days": float(cut.vehicle_days),
            "proof": cut.proof.value,
            "told": cut.told,
        },
        "shown": [_odds(each) for each in made.decided if each.shown],
        "held": [_odds(each) | {"finding": _finding(each.finding)} for each in made.held],
        "floods": [
            {
                "phenomenon": flood.phenomenon.value,
                "shared": flood.shared,
                "vehicles": list(flood.vehicles),
                "first": _instant(flood.first_second),
                "last": _instant(flood.last_second),
                "summary": flood.summary,
                "action": flood.action,
            }
            for flood in made.floods
        ],
    }


def _odds(each: Decided) -> dict[str, object]:
    right = each.probability
    return {
        "probability": {
            "value": float(right.value),
            "low": float(right.low),
            "high": float(right.high),
            "basis": right.basis,
        },
        "cost": each.cost,
        "reason": each.reason,
    }


def _plot(plot: Plot) -> dict[str, object]:
    return {
        "title": plot.title,
        "kind": plot.kind,
        "x_label": plot.x_label,
        "y_label": plot.y_label,
        "x_is_time": bool(plot.x_is_time),
        "x": [_number(x) for x in plot.x],
        "series": [
            {"name": name, "values": [_number(y) for y in values]} for name, values in plot.series
        ],
        "highlight": [int(position) for position in plot.highlight],
    }
