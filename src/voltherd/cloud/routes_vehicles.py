"""``/api/v1/vehicles``: the fleet, and one vehicle's state, cells, past and events."""

import csv
import io
import math
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import Response

from voltherd.cloud.details import cells, channels, vehicle_detail
from voltherd.cloud.events import life, lost_spans
from voltherd.cloud.kpis import fleet_kpis
from voltherd.cloud.paging import cursor as write_cursor
from voltherd.cloud.paging import place
from voltherd.cloud.problems import ProblemError, answers
from voltherd.cloud.rows import ORDERS, page
from voltherd.cloud.schema import Instant, Page, unix_second
from voltherd.cloud.schema_vehicles import (
    Cells,
    Event,
    Kpis,
    Series,
    VehicleDetail,
    VehicleKpis,
    VehicleRow,
)
from voltherd.cloud.series import nothing_of, series
from voltherd.cloud.service import Cloud, cloud_of
from voltherd.cloud.usage import Usage
from voltherd.cloud.view import SortKey, sort_key
from voltherd.report.words import rfc3339

CHANNELS_MAX: Final = 64
POINTS_MAX: Final = 5_000
router = APIRouter(prefix="/api/v1", tags=["vehicles"])
# A name may hold a slash, so a vehicle's parts stand before the vehicle itself.
CloudNow = Annotated[Cloud, Depends(cloud_of)]
VehicleId = Annotated[str, Path(description="As the vehicle is called.", max_length=240)]
Cursor = Annotated[
    str | None,
    Query(description="Where to go on: ``next_cursor`` of the page before.", max_length=1000),
]
_SORTS: Final = [name for order in ORDERS for name in (order, f"-{order}")]
Sort = Annotated[
    str,
    Query(
        description="Column; with ``-`` before it the other way round. ``attention`` is most "
        "urgent first.",
        pattern=f"^-?({'|'.join(ORDERS)})$",
        json_schema_extra={"enum": _SORTS},
    ),
]
Given = Annotated[
    Instant | None,
    Query(description="RFC 3339 time; unix seconds are understood, too.", max_length=40),
]


@router.get("/vehicles", response_model=Page[VehicleRow], responses=answers(404))
def vehicles(
    cloud: CloudNow,
    sort: Sort = "attention",
    severity: Annotated[
        Literal["operating", "recommended", "safety", "none"] | None,
        Query(description="Only vehicles whose worst unresolved finding is this."),
    ] = None,
    q: Annotated[
        str,
        Query(description="Words that name, model, site, mode or headline hold.", max_length=200),
    ] = "",
    limit: Annotated[int, Query(ge=1, le=10_000)] = 100,
    cursor: Cursor = None,
) -> Response:
    """List the fleet, most urgent first."""
    descending = sort.startswith("-")
    order = sort.removeprefix("-")
    found = cloud.fleet.view.ordered(order, descending)
    if severity is not None:
        word = "" if severity == "none" else severity
        found = [view for view in found if view.row.severity == word]
    words = q.lower().split()
    if words:
        found = [view for view in found if all(word in view.row.text for word in words)]
    if cursor is not None:
        after = _after(cursor, sort)
        found = [view for view in found if sort_key(view, order, descending) > after]
    shown = found[:limit]
    rest = len(found) > limit
    going_on = write_cursor(sort, *sort_key(shown[-1], order, descending)) if rest else None
    return Response(page(shown, cloud.clock.unix_second(), going_on), media_type="application/json")


def _after(text: str, sort: str) -> SortKey:
    parts = place(text)
    wrong = ProblemError("cursor-unknown")
    if len(parts) != 4 or parts[0] != sort:
        raise wrong
    unknown, value, vehicle_id = parts[1:]
    if isinstance(value, list):
        value = tuple(value)
    like = sort.removeprefix("-") in ("vehicle_id", "site_id", "model", "mode")
    kind = (tuple if sort.startswith("-") else str) if like else (int, float)
    if (
        not isinstance(unknown, bool)
        or not isinstance(vehicle_id, str)
        or not isinstance(value, kind)
    ):
        raise wrong
    if isinstance(value, tuple) and not all(isinstance(v, int) for v in value):
        raise wrong
    return unknown, value, vehicle_id


@router.get("/vehicles/{vehicle_id:path}/cells", response_model=Cells, responses=answers(404))
def vehicle_cells(cloud: CloudNow, vehicle_id: VehicleId) -> Cells:
    """Tell every cell and probe at the newest sample."""
    return cells(cloud.vehicle(vehicle_id), cloud.clock.unix_second())


@router.get(
    "/vehicles/{vehicle_id:path}/series",
    response_model=Series,
    responses={
        **answers(404),
        200: {"content": {"text/csv": {"schema": {"type": "string"}}}},
    },
)
def vehicle_series(
    cloud: CloudNow,
    vehicle_id: VehicleId,
    channel: Annotated[
        list[str],
        Query(
            description="Channels, as the vehicle's page lists them; may be repeated.",
            min_length=1,
            max_length=CHANNELS_MAX,
        ),
    ],
    start: Given = None,
    stop: Given = None,
    points: Annotated[int, Query(ge=1, le=POINTS_MAX)] = 1000,
    form: Annotated[
        Literal["json", "csv"],
        Query(alias="format", description="``csv`` for spreadsheets and dashboards."),
    ] = "json",
) -> Series | Response:
    """Give channels over time: at most so many points, each with lowest and highest value."""
    view = cloud.vehicle(vehicle_id)
    known = channels(view)
    for name in channel:
        if name not in known:
            raise ProblemError("channel-unknown", f"{vehicle_id} sends no {name[:80]!r}")
    first = unix_second(start) if start else -math.inf
    last = unix_second(stop) if stop else math.inf
    lost = lost_spans(cloud.records, vehicle_id, first, last)
    usage = view.followed.usage if view.followed else Usage()
    if usage.rows:
        first = max(first, usage.first_second)
        last = min(last, math.nextafter(usage.last_second, math.inf))
    wanted = list(dict.fromkeys(channel))
    if not first < last < math.inf:
        found = nothing_of(vehicle_id, wanted)
    else:
        found = series(cloud.past, vehicle_id, wanted, first, last, points, lost)
    return _csv(found) if form == "csv" else found


def _csv(found: Series) -> Response:
    """Write a series as a table: time, and per channel its lowest and highest value."""
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(
        ["time", *(f"{c.channel}_{end}" for c in found.channels for end in ("min", "max"))]
    )
    columns = [values for line in found.series for values in (line.min, line.max)]
    for row, *values in zip(found.time_second, *columns, strict=True):
        table.writerow([rfc3339(row), *("" if v is None else v for v in values)])
    return Response(out.getvalue(), media_type="text/csv; charset=utf-8")


@router.get(
    "/vehicles/{vehicle_id:path}/events", response_model=Page[Event], responses=answers(404)
)
def vehicle_events(
    cloud: CloudNow,
    vehicle_id: VehicleId,
    kind: Annotated[
        Literal["event", "finding", "gap", "document"] | None, Query(description="Only these.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Cursor = None,
) -> Page[Event]:
    """List what happened to a vehicle, newest first: its whole fault record."""
    view = cloud.vehicle(vehicle_id)
    found = life(cloud.records, cloud.journal, vehicle_id, view.known)
    if kind is not None:
        found = [event for event in found if event.kind == kind]
    begin = 0
    if cursor is not None:
        parts = place(cursor)
        if len(parts) != 2 or not all(isinstance(part, int) for part in parts):
            raise ProblemError("cursor-unknown")
        # Counted from the oldest: what happens meanwhile is put before, and shifts nothing.
        begin = max(len(found) - parts[0], 0)
    shown = found[begin : begin + limit]
    left = len(found) - begin - len(shown)
    return Page[Event](items=shown, next_cursor=write_cursor(left, 0) if left > 0 else None)


@router.get("/vehicles/{vehicle_id:path}", response_model=VehicleDetail, responses=answers(404))
def vehicle(cloud: CloudNow, vehicle_id: VehicleId) -> VehicleDetail:
    """Tell everything known of one vehicle."""
    view = cloud.vehicle(vehicle_id)
    return vehicle_detail(view, cloud.records.epochs(vehicle_id), cloud.clock.unix_second())


@router.get("/kpis", response_model=Kpis, responses=answers(404), tags=["fleet"])
def kpis(
    cloud: CloudNow,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 1000,
    cursor: Cursor = None,
) -> Kpis:
    """Give key figures of the fleet and, page by page, of every vehicle."""
    every = cloud.board.figures()
    pairs = list(every)
    if cursor is not None:
        parts = place(cursor)
        if len(parts) != 1 or not isinstance(parts[0], str):
            raise ProblemError("cursor-unknown")
        pairs = [pair for pair in pairs if pair[0] > parts[0]]
    shown = pairs[:limit]
    return Kpis(
        fleet=fleet_kpis([own for _, own in every]),
        vehicles=[VehicleKpis(vehicle_id=name, kpis=own) for name, own in shown],
        next_cursor=write_cursor(shown[-1][0]) if len(pairs) > limit else None,
    )
