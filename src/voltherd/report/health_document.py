"""State of health, and the audit of a gauge, as JSON.

Times are RFC 3339 in UTC, ratios fractions, what is not known is ``null``.  Keys may be added under
the same version; a key that changes meaning or goes away makes a new one.
"""

import json
import math

from voltherd.report.words import rfc3339
from voltherd.types.health import Figure, HealthReport, HealthSheet


def health_dumps(report: HealthReport) -> str:
    """Write a report as JSON text: same report, same bytes; ends with a line feed."""
    document = {
        "schema": f"urn:voltherd:{report.kind}:1",
        "generated": rfc3339(report.generated_second),
        "vehicles": [_sheet(sheet) for sheet in report.sheets],
        "refused": [{"source": source, "reason": reason} for source, reason in report.refused],
    }
    return json.dumps(document, indent=2, allow_nan=False) + "\n"


def _sheet(sheet: HealthSheet) -> dict[str, object]:
    return {
        "vehicle_id": sheet.vehicle_id,
        "rows": int(sheet.rows),
        "first": rfc3339(sheet.first_second),
        "last": rfc3339(sheet.last_second),
        "verdict": sheet.verdict,
        "attention": bool(sheet.attention),
        "headline": sheet.headline,
        "action": sheet.action,
        "assumed": list(sheet.assumed),
        "figures": {figure.name: _figure(figure) for figure in sheet.figures},
    }


def _figure(figure: Figure) -> dict[str, object]:
    return {
        "title": figure.title,
        "value": _number(figure.value),
        "low": _number(figure.low),
        "high": _number(figure.high),
        "unit": figure.unit,
        "cannot": figure.cannot,
        "method": figure.method,
        "evidence": list(figure.evidence),
        "trend": figure.trend,
        "needs": list(figure.needs),
        "last": None if figure.last_second is None else rfc3339(figure.last_second),
    }


def _number(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
