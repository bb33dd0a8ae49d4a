"""What concerns the whole: the stream, the chain, the service itself, health and metrics."""

from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse

from voltherd.cloud.problems import KINDS, PAGES, ProblemError, answers
from voltherd.cloud.routes_vehicles import CloudNow
from voltherd.cloud.schema_service import Chain, Health, Meta, Truth
from voltherd.cloud.stream import Wanted
from voltherd.report.words import rfc3339

router = APIRouter()
_STREAM = {
    200: {
        "description": "Server-sent events. ``vehicle``: a VehicleRow; ``finding``: a FindingRow; "
        "``chain``: a Chain; ``cells``: LiveCells of the watched vehicle; ``reset``: some were "
        "missed, read the pages again.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    },
    **answers(400, 404),
}
_SILENT_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


@router.get("/api/v1/stream", response_class=StreamingResponse, responses=_STREAM, tags=["fleet"])
async def stream(
    cloud: CloudNow,
    event: Annotated[
        list[Literal["vehicle", "finding", "chain"]] | None,
        Query(description="Kinds wanted; all where none is named.", max_length=3),
    ] = None,
    vehicle_id: Annotated[
        str | None,
        Query(description="Send this vehicle's live cells, too, up to 5 a second.", max_length=240),
    ] = None,
    last_event_id: Annotated[
        str | None,
        Header(alias="Last-Event-ID", description="Go on behind this event.", max_length=80),
    ] = None,
) -> StreamingResponse:
    """Tell what changes as it changes."""
    if vehicle_id is not None:
        cloud.vehicle(vehicle_id)
    hub = cloud.hub
    if hub.readers >= hub.readers_max:
        raise ProblemError("too-many-watchers", headers={"Retry-After": "10"})
    wanted = Wanted(frozenset(event or ("vehicle", "finding", "chain")), vehicle_id or "")
    return StreamingResponse(
        hub.read(wanted, last_event_id or ""),
        media_type="text/event-stream",
        headers=_SILENT_HEADERS,
    )


@router.get("/api/v1/chain", response_model=Chain, responses=answers(), tags=["fleet"])
def chain(cloud: CloudNow) -> Chain:
    """Tell each layer's traffic, lag and losses."""
    return cloud.chain()


@router.get("/api/v1/meta", response_model=Meta, responses=answers(), tags=["service"])
def meta(cloud: CloudNow, request: Request) -> Meta:
    """Say what this service is."""
    about = cloud.about
    now, started = rfc3339(cloud.clock.unix_second()), rfc3339(about.started_second)
    assert now is not None and started is not None, "clocks give times of the calendar"
    return Meta(
        name="voltherd",
        version=about.version,
        demo=about.demo,
        speed=about.speed,
        can_period_second=about.can_period_second,
        time=now,
        started_time=started,
        message=about.message,
        vehicles=len(cloud.fleet.view.vehicles),
        signed_in_as=getattr(request.state, "who", "") or None,
        sign_in=cloud.sign_in,
    )


@router.get("/api/v1/demo/truth", response_model=Truth, responses=answers(404), tags=["service"])
def truth(cloud: CloudNow) -> Truth:
    """Reveal what a demo has planted, beside what was found."""
    if cloud.truth is None:
        raise ProblemError("not-found", "this fleet is no demo: nobody knows its truth")
    return cloud.truth()


@router.get("/healthz", response_model=Health, tags=["service"])
def healthz() -> Health:
    """Say that the service lives."""
    return Health(status="ok")


@router.get(
    "/readyz",
    response_model=Health,
    responses={503: {"model": Health, "description": "Not ready"}},
    tags=["service"],
)
def readyz(cloud: CloudNow) -> Response:
    """Say whether everything the service needs is there."""
    health = cloud.health()
    return JSONResponse(health.model_dump(), 200 if health.status == "ok" else 503)


@router.get("/metrics", include_in_schema=False)
def metrics(request: Request) -> Response:
    """Give all counters to Prometheus."""
    text, kind = request.app.state.metrics.text()
    return Response(text, headers={"Content-Type": kind})


@router.get("/api/problems/{kind}", include_in_schema=False)
def problem_page(kind: str) -> Response:
    """Explain a kind of problem."""
    told = KINDS.get(kind)
    if told is None:
        raise ProblemError("not-found", f"no kind of problem is called {kind[:80]!r}")
    return Response(
        f"{PAGES}{kind} ({told.status})\n\n{told.title}.\n\n{told.explanation}\n",
        media_type="text/plain; charset=utf-8",
    )
