"""A vehicle's line of the fleet: told once per change, sent to every reader as the same bytes.

Only ages change with the clock.  They stand at the end of a line, so a reader gets the bytes
written when the vehicle last changed, and two numbers behind them.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from voltherd.cloud.finding_names import Known
from voltherd.cloud.follow import Followed
from voltherd.cloud.quantities import blind_cells, pack_quantity
from voltherd.cloud.schema_vehicles import VehicleRow
from voltherd.cloud.view import Row, VehicleView, mode, newest
from voltherd.cloud.workflow import Standing
from voltherd.report.words import TITLE, clean, rfc3339, where
from voltherd.types.event import Severity
from voltherd.types.record import EdgeState

SIMULATED: Final = "simulated"
"""Vehicles of models that begin so are told as simulated."""
_TAIL: Final = b'null},"age_second":null}'
ORDERS: Final = (
    "attention",
    "vehicle_id",
    "site_id",
    "model",
    "mode",
    "soc",
    "reported_soc",
    "age",
    "findings",
    "confidence",
    "current",
    "voltage",
    "cell_voltage_min",
    "cell_voltage_max",
    "temperature_max",
    "odometer",
    "pending",
    "lag",
)
"""What the fleet can be sorted by; ``attention`` is most urgent first."""


def vehicle_row(
    vehicle_id: str,
    site_id: str,
    followed: Followed | None,
    known: Sequence[Known],
    asking: Sequence[Known],
    standings: Mapping[str, Standing],
    edge: EdgeState | None,
    lag_second: float,
    catching_up: bool,
) -> VehicleRow:
    """Tell a vehicle's line, ages left out.

    ``asking`` are the findings that the fleet's budget shows: the others are watched, and make no
    vehicle stand out.
    """
    batch = followed.newest if followed else None
    unresolved = [k for k in asking if standings[k.finding_id].status != "resolved"]
    worst = unresolved[0] if unresolved else None
    model = followed.asset.model if followed and followed.asset else ""
    return VehicleRow(
        vehicle_id=vehicle_id,
        site_id=site_id,
        model=clean(model),
        online=edge.online if edge else None,
        simulated=model.startswith(SIMULATED),
        last_seen_time=rfc3339(seen_second(followed)),
        mode=mode(batch),  # type: ignore[arg-type]
        cells=batch.cells if batch else 0,
        reported_soc_fraction=newest(batch, "soc_fraction"),
        current_ampere=newest(batch, "current_ampere"),
        voltage_volt=newest(batch, "voltage_volt"),
        cell_voltage_volt_min=_extreme(batch.cell_voltage_volt if batch else None, np.nanmin),
        cell_voltage_volt_max=_extreme(batch.cell_voltage_volt if batch else None, np.nanmax),
        temperature_celsius_max=_extreme(
            batch.probe_temperature_celsius if batch else None, np.nanmax
        ),
        odometer_kilometre=followed.usage.odometer_kilometre if followed else None,
        severity=worst.finding.severity.word if worst else None,  # type: ignore[arg-type]
        findings=len(unresolved),
        finding_id=worst.finding_id if worst else None,
        headline=headline(worst) if worst else None,
        action=worst.finding.action if worst else None,
        confidence=worst.finding.confidence if worst else None,
        pending_records=edge.pending_records if edge else None,
        lag_second=round(lag_second, 3),
        catching_up=catching_up,
        soc=pack_quantity(followed, blind_cells(known), math.nan).model_copy(
            update={"age_second": None}
        ),
        age_second=None,
    )


def headline(known: Known) -> str:
    """Say what and where in a few words."""
    title = TITLE[known.finding.phenomenon]
    return f"{title}: {where(known.finding.location)}"


def seen_second(followed: Followed | None) -> float:
    """Give the time of a vehicle's newest row, NaN where there is none [unix s]."""
    if followed is None or not followed.newest.rows:
        return math.nan
    return float(followed.newest.unix_time_second[-1])


def _extreme(values: np.ndarray | None, which: Any) -> float | None:  # noqa: ANN401 (a ufunc)
    if values is None or not np.isfinite(values).any():
        return None
    return round(float(which(values)), 4) + 0.0  # no minus zero


def written(row: VehicleRow, followed: Followed | None) -> Row:
    """Write a line down for all readers."""
    text = row.__pydantic_serializer__.to_json(row)
    assert text.endswith(_TAIL)
    estimate = followed.twin.estimate if followed and followed.twin else None
    seen = seen_second(followed)
    return Row(
        head=text[: -len(_TAIL)],
        soc_second=estimate.unix_time_second if estimate else math.nan,
        seen_second=seen,
        order={
            "attention": -_attention(row),
            "vehicle_id": row.vehicle_id,
            "site_id": row.site_id,
            "model": row.model,
            "mode": row.mode,
            "soc": _or_nan(row.soc.value),
            "reported_soc": _or_nan(row.reported_soc_fraction),
            "age": -seen,
            "findings": float(row.findings),
            "confidence": _or_nan(row.confidence),
            "current": _or_nan(row.current_ampere),
            "voltage": _or_nan(row.voltage_volt),
            "cell_voltage_min": _or_nan(row.cell_voltage_volt_min),
            "cell_voltage_max": _or_nan(row.cell_voltage_volt_max),
            "temperature_max": _or_nan(row.temperature_celsius_max),
            "odometer": _or_nan(row.odometer_kilometre),
            "pending": _or_nan(row.pending_records),
            "lag": _or_nan(row.lag_second),
        },
        severity=row.severity or "",
        text=" ".join(
            (row.vehicle_id, row.site_id, row.model, row.mode, row.headline or "")
        ).lower(),
    )


def _attention(row: VehicleRow) -> float:
    severity = Severity[row.severity.upper()] if row.severity else 0
    return severity + (row.confidence or 0.0) / 2.0


def _or_nan(value: float | int | None) -> float:
    return math.nan if value is None else float(value)


def dated(row: Row, now_second: float) -> bytes:
    """Give a line as it is now.

    >>> row = Row(b'{"soc":{"age_second":', 5.0, float("nan"), {}, "", "")
    >>> dated(row, 7.5)
    b'{"soc":{"age_second":2.5},"age_second":null}'
    """
    return row.head + _ages(row, now_second)


def _ages(row: Row, now_second: float) -> bytes:
    """Write the end of a line, which alone changes with the clock."""
    soc, seen = now_second - row.soc_second, now_second - row.seen_second
    if soc >= 0.0 and seen >= 0.0:  # almost always; ten thousand of these make a page
        return b'%.1f},"age_second":%.1f}' % (soc, seen)
    return b'%b},"age_second":%b}' % (_age(soc), _age(seen))


def _age(second: float) -> bytes:
    return b"%.1f" % max(second, 0.0) if math.isfinite(second) else b"null"


def page(views: Iterable[VehicleView], now_second: float, next_cursor: str | None) -> bytes:
    """Write some lines as a page."""
    parts = [b'{"items":[']  # joined once: ten thousand lines are megabytes
    for view in views:
        parts += (view.row.head, _ages(view.row, now_second), b",")
    if len(parts) > 1:
        parts.pop()
    cursor = b"null" if next_cursor is None else b'"%b"' % next_cursor.encode()
    return b"".join([*parts, b'],"next_cursor":%b}' % cursor])
