"""What every request passes before a route sees it, and every answer carries.

* **Host**: a name that is not this service's own is refused, so that a page of another site cannot
  reach a loopback service by making its own name point there (DNS rebinding).
* **Origin**: what changes something must come from this service's own pages or from no page at all.
* **Size**: bodies are small.
* **Who**: a token or session is looked at; where signing in is needed, nothing goes without.
"""

import re
from collections.abc import Callable, Collection
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from voltherd.cloud.access import COOKIE, Access
from voltherd.cloud.problems import problem

BODY_BYTES_MAX: Final = 64 << 10
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_HOST: Final = re.compile(r"(?:([A-Za-z0-9._-]+)|\[([0-9A-Fa-f:.]+)\])(?::[0-9]{1,5})?")
_HSTS: Final = "max-age=31536000"
Answered = Callable[[str, int], None]
"""Told method and status of every answer."""


def host_name(header: str) -> str:
    """Give the name in a Host header, port and case dropped; empty where it is none.

    >>> host_name("Localhost:8600"), host_name("[::1]:8600"), host_name("me@localhost")
    ('localhost', '::1', '')
    """
    match = _HOST.fullmatch(header)
    return (match[1] or match[2]).lower() if match else ""


class Guard:
    """ASGI middleware around the application.

    Args:
        app: The application.
        access: Who may ask.
        hosts: Names under which the service is reached, in lower case.
        answered: Told of every answer.
    """

    def __init__(
        self, app: ASGIApp, access: Access, hosts: Collection[str], answered: Answered
    ) -> None:
        self._app = app
        self._access = access
        self._hosts = frozenset(hosts)
        self._answered = answered
        self._own = HEADERS | ({"Strict-Transport-Security": _HSTS} if access.secure else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it with a problem."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._own.items():
                    headers.setdefault(name, value)
                if scope["path"].startswith("/api/"):
                    headers.setdefault("Cache-Control", "no-store")
                self._answered(scope["method"], message["status"])
            await send(message)

        headers = Headers(scope=scope)
        who = self._who(headers)
        refused = self._refusal(scope, headers, who)
        if refused is not None:
            kind, more = refused
            await problem(kind, "", scope["path"], headers=more)(scope, receive, sent)
            return
        scope.setdefault("state", {})["who"] = who
        await self._app(scope, _limited(receive), sent)

    def _who(self, headers: Headers) -> str:
        authorization, cookies = headers.get("authorization", ""), headers.get("cookie", "")
        if not authorization and COOKIE not in cookies:
            return ""
        return self._access.who(authorization, cookie_parser(cookies).get(COOKIE, ""))

    def _refusal(
        self, scope: Scope, headers: Headers, who: str
    ) -> tuple[str, dict[str, str] | None] | None:
        """Say why a request goes no further, None where it does."""
        host = headers.get("host", "")
        if host_name(host) not in self._hosts:
            return "host-refused", None
        if scope["method"] not in SAFE:
            origin = headers.get("origin")
            if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
                return "origin-refused", None
            if origin is not None and origin != f"{scope['scheme']}://{host}":
                return "origin-refused", None
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > BODY_BYTES_MAX:
            return "too-large", None
        if self._access.needed and not who and closed(scope["method"], scope["path"]):
            return "sign-in-needed", {"WWW-Authenticate": "Bearer"}
        return None


def closed(method: str, path: str) -> bool:
    """Say whether a path is for those only who have signed in.

    The dashboard's own files are open, as they are in the package that anybody can have; so is
    signing in, the explanation of problems, and whether the service lives.

    >>> closed("GET", "/api/v1/vehicles"), closed("GET", "/metrics"), closed("GET", "/index.html")
    (True, True, False)
    >>> closed("POST", "/api/v1/session"), closed("GET", "/api/v1/session")
    (False, True)
    """
    if path == "/api/v1/session" and method == "POST":
        return False
    return path == "/metrics" or (path.startswith("/api") and not path.startswith("/api/problems/"))


def _limited(receive: Receive) -> Receive:
    """Refuse a body that turns out too long."""
    taken = 0

    async def received() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > BODY_BYTES_MAX:
            raise HTTPException(413)
        return message

    return received
