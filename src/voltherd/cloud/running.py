"""The cloud while it runs: its threads, started in order and stopped in reverse."""

import logging
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple, Protocol, runtime_checkable

import uvicorn
from starlette.types import ASGIApp

from voltherd.cloud.service import Cloud
from voltherd.errors import ServiceError, UsageError

log = logging.getLogger(__name__)
STARTED_SECOND: Final = 15.0


class Duty(NamedTuple):
    """Something to be done again and again.

    Attributes:
        name: For logs.
        every_second: How often [s].
        do: What.
    """

    name: str
    every_second: float
    do: Callable[[], object]


@runtime_checkable
class Part(Protocol):
    """Something that is stopped when the cloud stops."""

    def close(self) -> None:
        """Stop."""
        ...


class Address(NamedTuple):
    """Where the service listens.

    Attributes:
        host: Address.
        port: Port; 0 takes a free one.
        tls_cert: Certificate chain; None for none.
        tls_key: Its key.
    """

    host: str
    port: int
    tls_cert: str | None = None
    tls_key: str | None = None


class Running:
    """One cloud.

    Args:
        cloud: What its answers rest on.
        app: The application with its guard.
        address: Where it listens.
        loops: What runs in a thread of its own until its event is set.
        duties: What is done again and again, in one thread.
        parts: What is closed at the end, in this order.
    """

    def __init__(
        self,
        cloud: Cloud,
        app: ASGIApp,
        address: Address,
        loops: Sequence[Callable[[threading.Event], None]] = (),
        duties: Sequence[Duty] = (),
        parts: Sequence[Part] = (),
    ) -> None:
        self.cloud = cloud
        self._parts = parts
        self._duties = duties
        self._stop = threading.Event()
        self._socket = _listening(address)
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="off",
                timeout_graceful_shutdown=3,
                server_header=False,
                proxy_headers=False,
                h11_max_incomplete_event_size=64 << 10,
                ssl_certfile=address.tls_cert,
                ssl_keyfile=address.tls_key,
            )
        )
        scheme = "https" if address.tls_cert else "http"
        host = f"[{address.host}]" if ":" in address.host else address.host
        self.url = f"{scheme}://{host}:{self._socket.getsockname()[1]}/"
        self._threads = [
            threading.Thread(target=loop, args=(self._stop,), daemon=True) for loop in loops
        ]
        self._threads.append(threading.Thread(target=self._tick, name="duties", daemon=True))
        self._served = threading.Thread(target=self._serve, name="http", daemon=True)

    def start(self) -> None:
        """Begin in threads of its own; returns when requests are answered.

        Raises:
            ServiceError: The server did not come up.
        """
        self._begin()
        self._served.start()
        until = time.monotonic() + STARTED_SECOND
        while not self._server.started:
            if time.monotonic() > until or not self._served.is_alive():
                self.stop()
                raise ServiceError("the HTTP server did not come up", where=self.url)
            time.sleep(0.01)

    def run(self) -> None:
        """Run until interrupted; the server has the caller's thread, and its signals."""
        self._begin()
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self.stop()

    def stop(self) -> None:
        """Stop everything; what was committed stays."""
        self._stop.set()
        self.cloud.hub.close()
        self._server.should_exit = True
        if self._served.is_alive():
            self._served.join()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()
        self.cloud.fleet.close()
        for part in self._parts:
            part.close()
        self._socket.close()

    def _begin(self) -> None:
        self.cloud.fleet.start()
        for thread in self._threads:
            thread.start()

    def _serve(self) -> None:
        self._server.run(sockets=[self._socket])

    def _tick(self) -> None:
        due = dict.fromkeys(range(len(self._duties)), time.monotonic())
        while not self._stop.is_set():
            now = time.monotonic()
            for number, duty in enumerate(self._duties):
                if due[number] <= now:
                    due[number] = now + duty.every_second
                    self._done(duty)
            next_due = min(due.values(), default=now + 1.0)
            self._stop.wait(max(next_due - time.monotonic(), 0.01))

    @staticmethod
    def _done(duty: Duty) -> None:
        try:
            duty.do()
        except Exception:
            # One duty's failure must not end the others; it is tried again in its turn.
            log.exception("%s failed; it is tried again", duty.name)


def _listening(address: Address) -> socket.socket:
    """Take the address, so that a wrong one is told before anything begins."""
    family: Any = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    # Only of a socket that says it is TCP does asyncio turn Nagle's wait off (40 ms an answer).
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((address.host, address.port))
    except OSError as error:
        made.close()
        raise UsageError(
            f"cannot listen there ({error.strerror or error})",
            where=f"{address.host}:{address.port}",
            mend="choose another port with --port, or 0 for a free one",
        ) from error
    return made
