"""What can go wrong with a request, as RFC 9457 says it: each kind has a name that stays.

A problem's ``type`` is the address of a page of this service that explains it.
"""

import logging
import re
from typing import Any, Final, NamedTuple

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from voltherd.cloud.schema import Problem
from voltherd.errors import ServiceError, StoreError, UsageError, VoltherdError

log: Final = logging.getLogger(__name__)
MEDIA_TYPE: Final = "application/problem+json"
PAGES: Final = "/api/problems/"


class Kind(NamedTuple):
    """One kind of problem.

    Attributes:
        status: Its HTTP status.
        title: What it is, in a few words.
        explanation: What it means and what to do, for people.
    """

    status: int
    title: str
    explanation: str


KINDS: Final = {
    "invalid-request": Kind(
        422,
        "The request cannot be understood",
        "A parameter or the body is missing, misspelt or of the wrong kind. The errors list says "
        "where; /api/docs says what is allowed.",
    ),
    "bad-request": Kind(
        400,
        "The request cannot be carried out as asked",
        "The detail says why, and what would help.",
    ),
    "vehicle-unknown": Kind(
        404,
        "No such vehicle",
        "Nothing was ever received of a vehicle of this name. Names are case-sensitive; "
        "/api/v1/vehicles lists them.",
    ),
    "depot-unknown": Kind(
        404,
        "No depot is planned here",
        'The configuration names no site file; [depot] site = "site.yaml" does.',
    ),
    "depot-idle": Kind(
        404,
        "No depot runs here",
        "voltherd depot run --config site.yaml --folder FOLDER runs one, and "
        '[depot] stations = "FOLDER/stations.sqlite" in the configuration shows it.',
    ),
    "stations-unknown": Kind(
        404,
        "No charging stations are known here",
        'The configuration names no journal of theirs; [depot] stations = "stations.sqlite" does.',
    ),
    "station-unknown": Kind(
        404,
        "No such charging station",
        "No station of this name was ever heard. Names are case-sensitive; "
        "/api/v1/depot/stations lists them.",
    ),
    "session-unknown": Kind(
        404,
        "No such charging session",
        "The station tells of no session of this number, or it ended over 90 days ago.",
    ),
    "depot-senseless": Kind(
        409,
        "This night cannot be planned",
        "The site file or the change asked for contradicts itself; the detail says where.",
    ),
    "finding-unknown": Kind(
        404,
        "No such finding",
        "No finding has this name, or its vehicle's data are gone. /api/v1/findings lists them.",
    ),
    "channel-unknown": Kind(
        404,
        "No such channel",
        "The vehicle sends no channel of this name; its page lists the channels it sends.",
    ),
    "cursor-unknown": Kind(
        404,
        "No such place in this list",
        "The cursor is not one that this list gave, or it is of another order. Begin the list "
        "anew, without a cursor.",
    ),
    "not-found": Kind(404, "Nothing is here", "The address is misspelt; /api/docs lists them all."),
    "method-not-allowed": Kind(
        405, "Not in this way", "The address is right, the method is not; see Allow and /api/docs."
    ),
    "costs-contradict": Kind(
        409,
        "These costs contradict each other",
        "Give the cost of a miss and of a visit together, the miss costing more.",
    ),
    "key-reused": Kind(
        409,
        "The Idempotency-Key was used for another request",
        "Give every request its own key; repeat a key only to repeat the very same request.",
    ),
    "too-large": Kind(413, "The request is too large", "Bodies are limited to 64 KiB."),
    "sign-in-needed": Kind(
        401,
        "Signing in is needed",
        "Sign in at POST /api/v1/session, or send a machine's token as 'Authorization: Bearer …'.",
    ),
    "sign-in-refused": Kind(
        401,
        "Name or password are wrong",
        "Check both. An administrator adds users with 'voltherd cloud user add NAME'.",
    ),
    "too-many-tries": Kind(
        429,
        "Too many tries",
        "Signing in has failed too often from here or for this name; wait as Retry-After says.",
    ),
    "origin-refused": Kind(
        403,
        "The request comes from another site",
        "A browser page of another origin sent this. Open the dashboard by its own address.",
    ),
    "host-refused": Kind(
        421,
        "This service does not answer to that name",
        "The Host header names another service. Add the name to [http] hosts in the configuration "
        "if it is meant.",
    ),
    "too-many-watchers": Kind(
        503,
        "Too many streams are open",
        "Close other pages, or raise [http] streams_max in the configuration.",
    ),
    "store-refused": Kind(
        503,
        "The store refused",
        "What was stored is unharmed. The detail says what to check; try again after that.",
    ),
    "service-down": Kind(503, "A service is out of reach", "The detail says which."),
    "internal": Kind(
        500,
        "Something went wrong inside",
        "This is a bug. The service's log has the details; please report it.",
    ),
}
_METHOD_NOT_ALLOWED: Final = 405
_BY_STATUS: Final = {
    400: "invalid-request",  # a body that is no JSON at all
    401: "sign-in-needed",
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
}


class ProblemError(Exception):
    """A request that cannot be answered.

    Args:
        kind: One of ``KINDS``.
        detail: What exactly, for people.
        headers: Further headers of the answer.
    """

    def __init__(self, kind: str, detail: str = "", headers: dict[str, str] | None = None) -> None:
        assert kind in KINDS
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.headers = headers


def problem(
    kind: str,
    detail: str = "",
    instance: str = "",
    errors: list[dict[str, Any]] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """Write a problem as an answer."""
    told = KINDS[kind]
    body = Problem(
        type=PAGES + kind,
        title=told.title,
        status=told.status,
        detail=detail,
        instance=instance,
        errors=errors,
    )
    return JSONResponse(
        body.model_dump(exclude_none=True), told.status, headers, media_type=MEDIA_TYPE
    )


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Say in a route's documentation which problems it can answer with."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    titles: dict[int, list[str]] = {}
    for kind in KINDS.values():
        titles.setdefault(kind.status, []).append(kind.title)
    return {
        status: {"description": " · ".join(titles[status]), "content": content}
        for status in sorted({401, 403, 421, 422, 503, *statuses})
    }


def _methods(app: FastAPI, path: str) -> list[str]:
    """Name the methods of a path, by the API's own description."""
    for template, operations in app.openapi()["paths"].items():
        if re.fullmatch(_template(template), path):
            return sorted(method.upper() for method in operations)
    return ["GET"]


def _template(path: str) -> str:
    """Give the pattern of a described path; a vehicle's name may hold a slash."""
    parts = re.split(r"(\{\w+\})", path)
    named = {"{vehicle_id}": ".+"}
    return "".join(
        named.get(part, "[^/]+") if part.startswith("{") else re.escape(part) for part in parts
    )


def install(app: FastAPI) -> None:
    """Answer every error as a problem."""

    def told(request: Request, error: Exception) -> Response:
        assert isinstance(error, ProblemError)
        return problem(error.kind, error.detail, request.url.path, headers=error.headers)

    def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        errors = [
            {"where": ".".join(str(part) for part in each["loc"]), "what": str(each["msg"])}
            for each in error.errors()
        ]
        detail = "; ".join(f"{each['where']}: {each['what']}" for each in errors[:3])
        return problem("invalid-request", detail, request.url.path, errors)

    def plain(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        kind = _BY_STATUS.get(error.status_code, "bad-request")
        headers = dict(error.headers) if error.headers else None
        if error.status_code == _METHOD_NOT_ALLOWED:
            headers = {"Allow": ", ".join(_methods(app, request.url.path))}
        return problem(kind, "", request.url.path, headers=headers)

    def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, VoltherdError)
        kinds = {
            UsageError: "bad-request",
            StoreError: "store-refused",
            ServiceError: "service-down",
        }
        kind = next((k for t, k in kinds.items() if isinstance(error, t)), "internal")
        return problem(kind, str(error), request.url.path)

    def broken(request: Request, error: Exception) -> Response:
        log.exception("%s %s failed", request.method, request.url.path, exc_info=error)
        return problem("internal", "", request.url.path)

    app.add_exception_handler(ProblemError, told)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, plain)
    app.add_exception_handler(VoltherdError, ours)
    app.add_exception_handler(Exception, broken)
