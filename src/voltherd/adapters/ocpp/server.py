"""The central system's side: a web socket server that charging stations connect to.

Calls of all stations are answered in batches by one desk, in a thread, since it waits for the
medium: while one batch is written the next gathers, so the medium is waited for once for many.
"""

import asyncio
import logging
import re
import threading
from collections import Counter
from collections.abc import Coroutine, Sequence
from http import HTTPStatus
from typing import Final, NamedTuple, final
from urllib.parse import unquote

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from voltherd.adapters.ocpp.schemas import schema_check
from voltherd.adapters.ocpp.security import Security, may_connect, tls_context
from voltherd.adapters.ocpp.session import FRAME_BYTES_MAX, Session, Trouble
from voltherd.errors import UsageError
from voltherd.ports import Clock, StationDesk
from voltherd.types.station_command import (
    CancelReservation,
    GetSchedule,
    Refused,
    RemoteStop,
    Reserve,
    SetProfile,
    SettingsTold,
    StationCall,
    StationCommand,
    StationReply,
    StationResult,
)
from voltherd.wire.ocpp import DIALECTS
from voltherd.wire.ocpp_frame import SUBPROTOCOLS, Call, Version

log = logging.getLogger(__name__)
_SOCKET_LOG: Final = logging.getLogger("voltherd.ocpp.socket")
_SOCKET_LOG.setLevel(logging.CRITICAL)  # who leaves amid a handshake is no error of ours
ANSWER_SECOND: Final = 30.0
BATCH_MAX: Final = 512
_IDENTITY: Final = re.compile(r"[A-Za-z0-9*\-_=:+|@.]{1,48}")
"""What a station may be called (OCPP 2.0.1 part 2, identifierString)."""


class _Waiting(NamedTuple):
    """A call that waits for its answer."""

    session: Session
    call: StationCall


@final
class StationServer:
    """The server; all but ``run`` is called in the loop it was started in.

    Args:
        desk: Who answers.
        clock: What time it is.
        host: Address to listen at.
        port: Port; 0 takes a free one.
        security: What a connection must show.
        ping_second: How often a silent connection is tried; None for never [s].
    """

    def __init__(
        self,
        desk: StationDesk,
        clock: Clock,
        host: str = "127.0.0.1",
        port: int = 0,
        security: Security | None = None,
        ping_second: float | None = 20.0,
    ) -> None:
        self._desk = desk
        self._clock = clock
        self._address = (host, port)
        self._security = security or Security()
        self._ping_second = ping_second
        self._sessions: dict[str, Session] = {}
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self.trouble_counts: Counter[tuple[str, str]] = Counter()

    @property
    def connected(self) -> tuple[str, ...]:
        """Who is connected."""
        return tuple(self._sessions)

    @property
    def serving(self) -> bool:
        """Whether it listens."""
        return self._loop is not None

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        return int(next(iter(self._server.sockets)).getsockname()[1])

    async def start(self) -> None:
        """Listen.

        Raises:
            UsageError: It cannot listen there, or the security profile lacks something.
        """
        host, port = self._address
        try:
            self._server = await serve(
                self._connected,
                host,
                port,
                ssl=tls_context(self._security),
                select_subprotocol=_subprotocol,
                process_request=self._admitted,
                compression=None,
                max_size=FRAME_BYTES_MAX,
                ping_interval=self._ping_second,
                server_header=None,
                logger=_SOCKET_LOG,
            )
        except OSError as error:
            raise UsageError(
                f"cannot listen there ({error.strerror or error})", where=f"{host}:{port}"
            ) from error
        self._loop = asyncio.get_running_loop()
        self._begin(self._answer_all())

    async def stop(self) -> None:
        """Close every connection; what was not answered is told again."""
        assert self._server is not None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._server.close(close_connections=True)
        await self._server.wait_closed()

    def run(self, stop: threading.Event) -> None:
        """Serve in the caller's thread until told to stop."""
        asyncio.run(self._until(stop))

    async def ask(
        self, station_id: str, command: StationCommand, timeout_second: float = ANSWER_SECOND
    ) -> StationResult | Refused | None:
        """Ask a station for something.

        Args:
            station_id: Whom.
            command: What for; valid in the station's version to the letter, or it is not sent.
            timeout_second: How long to wait [s].

        Returns:
            What it answered, or an error; None where it is away or does not answer in time.

        Raises:
            UsageError: It cannot be said in the version that the station speaks.
        """
        session = self._sessions.get(station_id)
        if session is None:
            self._desk_answered(station_id, command, None)
            return None
        action, payload = _written(session.version, command)
        answer = await session.ask(action, payload, timeout_second)
        if answer is None or isinstance(answer, Refused):
            self._desk_answered(station_id, command, None)
            return answer
        check = schema_check(session.version, action, "response")
        for complaint in check(answer) if check else ():
            self._trouble(station_id, Trouble("schema", f"{action}: {complaint}"))
        result, remarks = DIALECTS[session.version].decode_result(command, answer)
        for remark in remarks:
            self._trouble(station_id, Trouble("value", f"{action}: {remark}"))
        self._desk_answered(station_id, command, result)
        return result

    def ask_from_thread(
        self, station_id: str, command: StationCommand, timeout_second: float = ANSWER_SECOND
    ) -> StationResult | Refused | None:
        """Do as ``ask``, from another thread than the server's."""
        assert self._loop is not None
        asked = self.ask(station_id, command, timeout_second)
        return asyncio.run_coroutine_threadsafe(asked, self._loop).result()

    async def _until(self, stop: threading.Event) -> None:
        await self.start()
        try:
            while not stop.is_set():
                await asyncio.sleep(0.2)
        finally:
            await self.stop()

    async def _admitted(self, socket: ServerConnection, request: Request) -> Response | None:
        """Refuse who may not connect, before anything is said."""
        station_id = _station_id(request.path)
        if station_id is None:
            return socket.respond(HTTPStatus.NOT_FOUND, "the path ends with the station's id\n")
        headers = request.headers.get_all("Authorization")
        tls = socket.transport.get_extra_info("ssl_object")
        shown = (self._security, station_id, headers[0] if headers else None, tls)
        if self._security.profile in (1, 2):  # passwords take their time
            admitted = await asyncio.to_thread(may_connect, *shown)
        else:
            admitted = may_connect(*shown)
        if admitted:
            return None
        # Counted under no name: whoever is not let in may invent names without end.
        self._trouble("", Trouble("security", f"{station_id} was refused to connect"))
        return socket.respond(HTTPStatus.UNAUTHORIZED, "not admitted\n")

    async def _connected(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        station_id = _station_id(socket.request.path)
        if socket.subprotocol is None or station_id is None:
            await socket.close(1002, "offer ocpp1.6, ocpp2.0.1 or ocpp2.1")
            return
        session = Session(
            socket,
            station_id,
            SUBPROTOCOLS[socket.subprotocol],
            self._called,
            lambda trouble: self._trouble(station_id, trouble),
        )
        before = self._sessions.get(station_id)
        self._sessions[station_id] = session
        if before is not None:  # a station that comes again has lost its connection
            self._begin(before.close(1008, "connected again"))
        try:
            await session.run()
        finally:
            if self._sessions.get(station_id) is session:
                del self._sessions[station_id]

    async def _called(self, session: Session, call: Call) -> None:
        heard_second = self._clock.unix_second()
        heard = StationCall(session.station_id, session.version, *call, heard_second)
        await self._queue.put(_Waiting(session, heard))

    async def _answer_all(self) -> None:
        """Answer what waits, batch by batch."""
        while True:
            batch = [await self._queue.get()]
            while len(batch) < BATCH_MAX and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            try:
                calls = [waiting.call for waiting in batch]
                replies = await asyncio.to_thread(self._desk.take, calls)
            except Exception:
                # A call that trips the desk must not end the answering of all others.
                log.exception("a batch of %d calls tripped the desk", len(batch))
                replies = await asyncio.to_thread(self._one_by_one, calls)
            for waiting, reply in zip(batch, replies, strict=True):
                # Not waited for: a station that does not read must not hold up the others.
                self._begin(waiting.session.answer(waiting.call.message_id, reply.payload))
                for command in reply.commands:
                    self._begin(self._carried_out(waiting.session.station_id, command))

    def _one_by_one(self, calls: Sequence[StationCall]) -> list[StationReply]:
        replies: list[StationReply] = []
        for call in calls:
            try:
                replies += self._desk.take([call])
            except Exception:
                self._trouble(call.station_id, Trouble("InternalError", call.action[:40]))
                replies.append(StationReply(Refused("InternalError", "it could not be answered")))
        return replies

    async def _carried_out(self, station_id: str, command: StationCommand) -> None:
        await self.ask(station_id, command)

    def _desk_answered(
        self, station_id: str, command: StationCommand, result: StationResult | None
    ) -> None:
        kept = SetProfile | GetSchedule | RemoteStop
        told = isinstance(command, kept) and result is not None
        if (
            told
            or isinstance(result, SettingsTold)
            or isinstance(command, Reserve | CancelReservation)
        ):
            self._begin(asyncio.to_thread(self._desk.answered, station_id, command, result))

    def _begin(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("work of the central system failed", exc_info=task.exception())

    def _trouble(self, station_id: str, trouble: Trouble) -> None:
        self.trouble_counts[station_id, trouble.code] += 1
        log.info("%s: %s (%s)", station_id, trouble.text, trouble.code)


def _subprotocol(socket: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Take the newest version that is offered."""
    return next((Subprotocol(name) for name in SUBPROTOCOLS if name in offered), None)


def _station_id(path: str) -> str | None:
    """Give the last part of the path where it may be a station's name."""
    name = unquote(path.partition("?")[0].rstrip("/").rpartition("/")[2])
    return name if _IDENTITY.fullmatch(name) else None


def _written(version: Version, command: StationCommand) -> tuple[str, dict[str, object]]:
    """Write a command, refusing what the version cannot say."""
    try:
        action, payload = DIALECTS[version].encode_command(command)
    except ValueError as error:
        raise UsageError(f"OCPP {version} cannot say that ({error})") from error
    check = schema_check(version, action, "request")
    complaints = check(payload) if check else (f"no such action: {action}",)
    if complaints:
        raise UsageError(f"OCPP {version} cannot say that ({'; '.join(complaints)})", where=action)
    return action, payload
