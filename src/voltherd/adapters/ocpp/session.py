"""One connection with OCPP-J on it, whichever side: calls go out one at a time and are matched.

Tolerant of what comes in: what is no frame is answered where an answer is due, and otherwise noted.
"""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NamedTuple, final

from websockets.asyncio.connection import Connection
from websockets.exceptions import ConnectionClosed

from voltherd.types.station_command import Refused
from voltherd.wire.ocpp_frame import Broken, Call, CallError, CallResult, Version, read, write

log = logging.getLogger(__name__)
FRAME_BYTES_MAX: Final = 256 << 10
BROKEN_MAX: Final = 100
"""Frames in a row that are none, after which a connection is closed."""
CALLS_WAITING_MAX: Final = 32
"""Calls of one connection that wait for their answers before no more are read."""
_POLICY, _TOO_MUCH = 1008, 1009

Answer = Mapping[str, Any] | Refused
OnCall = Callable[["Session", Call], Awaitable[None]]


class Trouble(NamedTuple):
    """What was odd on the connection, for people."""

    code: str
    text: str


@final
class Session:
    """A connection while it lasts.

    Args:
        socket: The connection.
        station_id: Whose.
        version: What is spoken.
        on_call: Called for every call; answers with ``answer``, then or later.
        on_trouble: Called for what was odd.
    """

    def __init__(
        self,
        socket: Connection,
        station_id: str,
        version: Version,
        on_call: OnCall,
        on_trouble: Callable[[Trouble], None],
    ) -> None:
        self.station_id = station_id
        self.version: Final[Version] = version
        self._socket = socket
        self._on_call = on_call
        self._on_trouble = on_trouble
        self._turn = asyncio.Lock()
        self._slots = asyncio.Semaphore(CALLS_WAITING_MAX)
        self._waiting: dict[str, asyncio.Future[Answer | None]] = {}

    async def run(self) -> None:
        """Read until the connection ends."""
        broken = 0
        try:
            async for text in self._socket:
                frame = read(text)
                broken = broken + 1 if isinstance(frame, Broken) else 0
                if broken > BROKEN_MAX:
                    await self._socket.close(_POLICY, "no OCPP")
                    return
                await self._heard(frame)
        except ConnectionClosed as error:
            if error.rcvd is None and error.sent is not None and error.sent.code == _TOO_MUCH:
                self._on_trouble(Trouble("FormatViolation", "a frame that is too long"))
        finally:
            for future in self._waiting.values():
                if not future.done():
                    future.set_result(None)

    async def ask(
        self, action: str, payload: Mapping[str, Any], timeout_second: float, times: int = 1
    ) -> Answer | None:
        """Call, when no other call is under way.

        Args:
            action: What to ask for.
            payload: With what.
            timeout_second: How long to wait for the turn and the answer [s].
            times: How often the frame is sent; more than once as faulty stations do.

        Returns:
            The answer, an error in its place, or None where neither came in time.
        """
        try:
            async with asyncio.timeout(timeout_second), self._turn:
                return await self._ask(Call(str(uuid.uuid4()), action, dict(payload)), times)
        except (TimeoutError, ConnectionClosed):
            return None

    async def _ask(self, call: Call, times: int) -> Answer | None:
        future: asyncio.Future[Answer | None] = asyncio.get_running_loop().create_future()
        self._waiting[call.message_id] = future
        try:
            for _ in range(times):
                await self._send(call)
            return await future
        finally:
            del self._waiting[call.message_id]

    async def answer(self, message_id: str, answer: Answer) -> None:
        """Answer a call; what cannot be sent any more is dropped."""
        self._slots.release()
        if isinstance(answer, Refused):
            await self._try(CallError(message_id, answer.code, answer.description))
        else:
            await self._try(CallResult(message_id, dict(answer)))

    def ignore(self) -> None:
        """Answer a call never."""
        self._slots.release()

    async def close(self, code: int = 1001, reason: str = "") -> None:
        """End the connection."""
        await self._socket.close(code, reason)

    async def _heard(self, frame: Call | CallResult | CallError | Broken) -> None:
        if isinstance(frame, Call):
            await self._slots.acquire()
            await self._on_call(self, frame)
        elif isinstance(frame, Broken):
            self._on_trouble(Trouble(frame.code, frame.why))
            nameless = self.version == "1.6" and frame.message_id == "-1"
            if frame.answerable and not nameless:  # 1.6 has no answer to what has no id
                await self._try(CallError(frame.message_id, frame.code, frame.why))
        else:
            self._answered(frame)

    def _answered(self, frame: CallResult | CallError) -> None:
        future = self._waiting.get(frame.message_id)
        if future is None or future.done():
            self._on_trouble(Trouble("ProtocolError", "an answer to nothing that was asked"))
        elif isinstance(frame, CallResult):
            future.set_result(frame.payload)
        else:
            future.set_result(Refused(frame.code, frame.description))

    async def _try(self, frame: CallResult | CallError) -> None:
        try:
            await self._send(frame)
        except ConnectionClosed:
            log.debug("%s left before it was answered", self.station_id)

    async def _send(self, frame: Call | CallResult | CallError) -> None:
        await self._socket.send(write(frame, self.version))
