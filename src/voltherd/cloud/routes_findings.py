"""``/api/v1/findings``: what was found, why, and what people do about it."""

import math
from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Path, Query, Request

from voltherd.cloud.finding_names import Known
from voltherd.cloud.findings import cause_count, finding_detail, finding_row
from voltherd.cloud.paging import cursor as write_cursor
from voltherd.cloud.paging import place
from voltherd.cloud.problems import ProblemError, answers
from voltherd.cloud.routes_vehicles import CloudNow, Cursor
from voltherd.cloud.schema import Page, Severity, unix_second
from voltherd.cloud.schema_findings import (
    Action,
    CauseCounts,
    FindingDetail,
    FindingRow,
    NoteAction,
)
from voltherd.cloud.service import Cloud
from voltherd.cloud.view import VehicleView
from voltherd.cloud.workflow import Request as Wish
from voltherd.errors import UsageError
from voltherd.report.words import clean
from voltherd.triage.findings import urgency
from voltherd.triage.frequent import most_frequent

router = APIRouter(prefix="/api/v1/findings", tags=["findings"])
FindingId = Annotated[str, Path(description="The finding's name.", max_length=64)]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="Names this request, so that repeating it changes nothing more.",
        min_length=1,
        max_length=128,
        pattern=r"^[\x21-\x7e]+$",
    ),
]
Order = Literal["urgency", "cost", "raised", "-raised", "last_seen", "-last_seen"]
"""``raised`` and ``last_seen`` begin with the newest, ``cost`` with what is dearest to leave."""


@router.get("", response_model=Page[FindingRow], responses=answers(404))
def findings(
    cloud: CloudNow,
    vehicle_id: Annotated[
        str | None, Query(description="Only of this vehicle.", max_length=240)
    ] = None,
    severity: Annotated[Severity | None, Query(description="Only this severe.")] = None,
    status: Annotated[
        Literal["open", "acknowledged", "resolved", "unresolved", "all"],
        Query(description="``unresolved`` is open or acknowledged."),
    ] = "unresolved",
    shown: Annotated[
        bool | None,
        Query(description="Only those the budget shows, or only those it holds back."),
    ] = None,
    sort: Annotated[Order, Query()] = "urgency",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Cursor = None,
) -> Page[FindingRow]:
    """List findings, most urgent first."""
    wanted = {"open", "acknowledged"} if status == "unresolved" else {status}
    found = [
        (view, known)
        for view in cloud.fleet.view.vehicles.values()
        if vehicle_id is None or view.vehicle_id == vehicle_id
        for known in view.known
        if severity is None or known.finding.severity.word == severity
        if status == "all" or view.standings[known.finding_id].status in wanted
        if shown is None or view.asks(known.finding_id) is shown
    ]
    key = _key(sort)
    found.sort(key=lambda pair: key(*pair))
    if cursor is not None:
        after = _after(cursor, sort)
        found = [pair for pair in found if key(*pair) > after]
    listed = found[:limit]
    now = cloud.clock.unix_second()
    return Page[FindingRow](
        items=[finding_row(view, known, now) for view, known in listed],
        next_cursor=write_cursor(sort, *key(*listed[-1])) if len(found) > limit else None,
    )


Key = tuple[float, float, float, str]


def _urgent(known: Known) -> Key:
    return (*urgency(known.finding), known.finding_id)


def _raised(known: Known) -> Key:
    return -known.finding.raised_second, 0.0, 0.0, known.finding_id


def _seen(known: Known) -> Key:
    return -known.finding.last_seen_second, 0.0, 0.0, known.finding_id


def _turned(key: Callable[[Known], Key]) -> Callable[[Known], Key]:
    return lambda known: (-key(known)[0], *key(known)[1:])


def _costly(view: VehicleView, known: Known) -> Key:
    """Order by what leaving it costs: safety first, then what is shown, by its probability."""
    decided = view.decided.get(known.finding_id)
    right = decided.probability.value if decided else known.finding.confidence
    held = not view.asks(known.finding_id)
    return -float(known.finding.severity), float(held), -right, known.finding_id


def _key(sort: str) -> Callable[[VehicleView, Known], Key]:
    return _costly if sort == "cost" else lambda _, known: _KEYS[sort](known)


_KEYS = {
    "urgency": _urgent,
    "raised": _raised,
    "-raised": _turned(_raised),
    "last_seen": _seen,
    "-last_seen": _turned(_seen),
}


def _after(text: str, sort: str) -> Key:
    parts = place(text)
    numbers = all(isinstance(part, float | int) and math.isfinite(part) for part in parts[1:4])
    if len(parts) != 5 or parts[0] != sort or not numbers or not isinstance(parts[4], str):
        raise ProblemError("cursor-unknown")
    return parts[1], parts[2], parts[3], parts[4]


def _found(cloud: Cloud, finding_id: str) -> tuple[VehicleView, Known]:
    """Find a finding by its name."""
    for view in cloud.fleet.view.vehicles.values():
        for known in view.known:
            if known.finding_id == finding_id:
                return view, known
    raise ProblemError("finding-unknown", f"no finding is called {finding_id[:64]!r}")


@router.get("/causes", response_model=CauseCounts, responses=answers(404))
def causes(cloud: CloudNow) -> CauseCounts:
    """Count the root causes of unresolved findings over the fleet, each model and each site."""
    views = cloud.fleet.view.vehicles
    counts = most_frequent(
        (
            known.finding
            for view in views.values()
            for known in view.known
            if view.standings[known.finding_id].status != "resolved"
        ),
        {
            name: view.followed.asset
            for name, view in views.items()
            if view.followed is not None and view.followed.asset is not None
        },
        {name: view.site_id for name, view in views.items()},
    )
    return CauseCounts(items=[cause_count(each) for each in counts])


@router.get("/{finding_id}", response_model=FindingDetail, responses=answers(404))
def finding(cloud: CloudNow, finding_id: FindingId) -> FindingDetail:
    """Tell a finding with its evidence, its siblings, and what was done about it."""
    view, known = _found(cloud, finding_id)
    return _detail(cloud, view, known)


def _detail(cloud: Cloud, view: VehicleView, known: Known) -> FindingDetail:
    return finding_detail(
        view,
        known,
        cloud.workflow.steps(known.finding_id),
        cloud.workflow.standing(known.finding_id),
        cloud.clock.unix_second(),
    )


def _act(
    cloud: Cloud, request: Request, finding_id: str, kind: str, action: Action, key: str | None
) -> FindingDetail:
    """Do something about a finding, once per key, and tell what it is then."""
    view, known = _found(cloud, finding_id)
    signed_in = getattr(request.state, "who", "")
    by = clean(signed_in or action.by)
    planned = unix_second(action.planned_time) if action.planned_time else None
    if planned is not None and kind == "note":
        kind = "work_order"
    wish = Wish(kind, by, action.text.strip(), action.outcome or "", planned, key or "")
    try:
        cloud.workflow.act(known, wish, cloud.clock.unix_second())
    except UsageError as error:
        reused = "used for another" in error.what
        raise ProblemError("key-reused" if reused else "bad-request", str(error)) from error
    cloud.fleet.retell(view.vehicle_id)
    return _detail(cloud, *_found(cloud, finding_id))


_ANSWERS = answers(400, 404, 409, 413)


@router.post("/{finding_id}/acknowledge", response_model=FindingDetail, responses=_ANSWERS)
def acknowledge(
    cloud: CloudNow,
    request: Request,
    finding_id: FindingId,
    action: Action,
    key: IdempotencyKey = None,
) -> FindingDetail:
    """Say that somebody has seen it and takes care."""
    return _act(cloud, request, finding_id, "acknowledge", action, key)


@router.post("/{finding_id}/note", response_model=FindingDetail, responses=_ANSWERS)
def note(
    cloud: CloudNow,
    request: Request,
    finding_id: FindingId,
    action: NoteAction,
    key: IdempotencyKey = None,
) -> FindingDetail:
    """Add a note; with ``planned_time`` it is a work order."""
    return _act(cloud, request, finding_id, "note", action, key)


@router.post("/{finding_id}/resolve", response_model=FindingDetail, responses=_ANSWERS)
def resolve(
    cloud: CloudNow,
    request: Request,
    finding_id: FindingId,
    action: Action,
    key: IdempotencyKey = None,
) -> FindingDetail:
    """Say that it is dealt with, and what it turned out to be."""
    return _act(cloud, request, finding_id, "resolve", action, key)


@router.post("/{finding_id}/reopen", response_model=FindingDetail, responses=_ANSWERS)
def reopen(
    cloud: CloudNow,
    request: Request,
    finding_id: FindingId,
    action: Action,
    key: IdempotencyKey = None,
) -> FindingDetail:
    """Take a resolution or an acknowledgement back."""
    return _act(cloud, request, finding_id, "reopen", action, key)
