"""A station's side of the connection: tells what a simulated station has to tell, as OCPP does."""

import asyncio
import base64
import logging
import ssl
from collections.abc import Awaitable, Callable
from typing import Final, Protocol, final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidHandshake, InvalidMessage
from websockets.typing import Subprotocol

from voltherd.adapters.ocpp.session import FRAME_BYTES_MAX, Session, Trouble
from voltherd.ports import ChargePoint
from voltherd.types.station import Alive, StationEvent
from voltherd.types.station_command import Refused, SetProfile
from voltherd.wire.ocpp import DIALECTS
from voltherd.wire.ocpp_fields import UnusableError
from voltherd.wire.ocpp_frame import Call, Version

log = logging.getLogger(__name__)
AGAIN_SECOND: Final = 0.2
ANSWER_SECOND: Final = 10.0


class DrivenPoint(ChargePoint, Protocol):
    """A charge point that time passes for."""

    needs_boot: bool

    def advance(self, now_second: float) -> None:
        """Let time pass up to a moment [unix s]."""
        ...

    def is_online(self) -> bool:
        """Whether it has a connection."""
        ...

    def next_event(self) -> StationEvent | None:
        """Give what is to be told next."""
        ...


@final
class StationClient:
    """A station on the network.

    Args:
        point: What it does.
        url: Of the central system, without the station's id.
        station_id: Who it is.
        version: What it speaks.
        now: Its time, which may run fast [unix s].
        tick_second: How often it looks around [s].
        answer_second: How long it takes to answer, in real time [s].
        repeats_messages: Whether each message is sent twice.
        password: Of security profiles 1 and 2.
        tls: Of security profiles 2 and 3.
        pause: Lets so much time pass before it looks around again [s].
    """

    def __init__(
        self,
        point: DrivenPoint,
        url: str,
        station_id: str,
        version: Version,
        now: Callable[[], float],
        *,
        tick_second: float = 0.02,
        answer_second: float = 0.0,
        repeats_messages: bool = False,
        password: str = "",
        tls: ssl.SSLContext | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._point = point
        self._url = f"{url.rstrip('/')}/{station_id}"
        self._station_id = station_id
        self._version: Version = version
        self._now = now
        self._tick_second = tick_second
        self._answer_second = answer_second
        self._repeats = repeats_messages
        self._password = password
        self._tls = tls
        self._pause = pause
        self.connections = 0
        self.sent = 0

    async def run(self) -> None:
        """Connect, and connect again, until cancelled."""
        while True:
            self._point.advance(self._now())
            if self._point.is_online():
                try:
                    await self._connected()
                except (OSError, InvalidHandshake, InvalidMessage) as error:
                    log.debug("%s: %s", self._station_id, error)
            await self._pause(AGAIN_SECOND if self._point.is_online() else self._tick_second)

    async def _connected(self) -> None:
        headers = {}
        if self._password:
            word = base64.b64encode(f"{self._station_id}:{self._password}".encode())
            headers["Authorization"] = f"Basic {word.decode()}"
        async with connect(
            self._url,
            subprotocols=[Subprotocol(f"ocpp{self._version}")],
            compression=None,
            max_size=FRAME_BYTES_MAX,
            additional_headers=headers,
            ssl=self._tls,
            ping_interval=None,
            proxy=None,
        ) as socket:
            self.connections += 1
            session = Session(socket, self._station_id, self._version, self._called, self._odd)
            reading = asyncio.create_task(session.run())
            try:
                await self._live(session, socket, reading)
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    async def _live(
        self, session: Session, socket: ClientConnection, reading: "asyncio.Task[None]"
    ) -> None:
        """Tell what there is to tell until the connection ends or is lost on purpose."""
        booted = self._point.needs_boot
        while not reading.done():
            self._point.advance(self._now())
            if not self._point.is_online():
                return
            if self._point.needs_boot and not booted:
                return  # it starts anew, and so does its connection
            booted = False
            while not reading.done() and (event := self._point.next_event()) is not None:
                if not await self._tell(session, event):
                    break
            await self._pause(self._tick_second)

    async def _tell(self, session: Session, event: StationEvent) -> bool:
        """Tell one event; say whether it was answered."""
        dialect = DIALECTS[self._version]
        action, payload = dialect.encode_event(event)
        times = 2 if self._repeats and not isinstance(event, Alive) else 1
        self.sent += 1
        answer = await session.ask(action, payload, ANSWER_SECOND, times=times)
        if answer is None or isinstance(answer, Refused):
            return False
        self._point.told(event, dialect.decode_answer(action, answer)[0])
        return True

    async def _called(self, session: Session, call: Call) -> None:
        try:
            read = DIALECTS[self._version].decode_command(call.action, call.payload)
        except UnusableError as error:
            await session.answer(call.message_id, Refused(error.code, error.what))
            return
        if read is None:
            await session.answer(call.message_id, Refused("NotImplemented", call.action))
            return
        command = read[0]
        if self._answer_second and isinstance(command, SetProfile):
            await asyncio.sleep(self._answer_second)
        result = self._point.asked(command)
        if result is None:
            session.ignore()
        else:
            payload = DIALECTS[self._version].encode_result(command, result)
            await session.answer(call.message_id, payload)

    def _odd(self, trouble: Trouble) -> None:
        log.debug("%s: %s", self._station_id, trouble.text)
