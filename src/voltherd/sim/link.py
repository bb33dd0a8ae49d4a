"""A bad link between a client and its broker, in virtual time and from a seed.

Wraps any ``Bus``.  Both ways, messages are lost, doubled, damaged, held up and overtake each other;
the link can be cut, and a cut can go unnoticed for a while.  Nothing moves but in ``pump``.
"""

import heapq
from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np

from voltherd.ports import Bus, Clock, Handler


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class LinkFaults:
    """How bad a link is; a message meets each mishap by chance, on its way in or out.

    Attributes:
        loss: Share of messages that vanish though they were taken.
        duplicate: Share that arrives twice.
        corrupt: Share in which one to eight bits flip.
        truncate: Share that arrives cut short.
        oversize: Share that arrives with bytes behind it, up to ``oversize_bytes``.
        oversize_bytes: Length of an oversized message [B].
        refuse: Share that the bus does not take though it is connected.
        delay_second: Mean of the exponentially distributed delay [s].
        overtake: Whether messages may overtake each other.
        unnoticed_second: How long after a cut messages are still taken, and vanish [s].
    """

    loss: float = 0.0
    duplicate: float = 0.0
    corrupt: float = 0.0
    truncate: float = 0.0
    oversize: float = 0.0
    oversize_bytes: int = (1 << 20) + 1
    refuse: float = 0.0
    delay_second: float = 0.0
    overtake: bool = False
    unnoticed_second: float = 0.0


PERFECT = LinkFaults()


class _Travelling(NamedTuple):
    """A message on the link; ordered by its arrival."""

    due_second: float
    number: int
    topic: str
    payload: bytes
    qos: int
    retain: bool
    receive: Handler | None
    """Who gets it; None on the way out."""


@final
class LossyLink:
    """The ``Bus`` port over a bad link."""

    def __init__(
        self,
        bus: Bus,
        clock: Clock,
        chance: np.random.Generator,
        faults: LinkFaults = PERFECT,
    ) -> None:
        """Wrap a bus.

        Args:
            bus: What lies behind the link.
            clock: Time that delays are measured in.
            chance: Where chance comes from.
            faults: How bad the link is, until ``become`` says otherwise.
        """
        self._bus = bus
        self._clock = clock
        self._chance = chance
        self._faults = faults
        self._air: list[_Travelling] = []
        self._number = 0
        self._last_due = {True: 0.0, False: 0.0}
        self._cut_at: float | None = None
        self._healed = 0

    # What a publisher sees --------------------------------------------------------------------

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> bool:
        """Hand a message over; see ``Bus.publish``."""
        if self._cut_at is not None:
            noticed = self._cut_at + self._faults.unnoticed_second
            return self._clock.monotonic_second() < noticed
        if self._meets(self._faults.refuse):
            return False
        self._send(topic, payload, qos, retain, None)
        return True

    def subscribe(self, pattern: str, handler: Handler) -> None:
        """Hear every message whose topic matches; see ``Bus.subscribe``."""

        def receive(topic: str, payload: bytes) -> None:
            if self._cut_at is None:
                self._send(topic, payload, 1, False, handler)

        self._bus.subscribe(pattern, receive)

    def connections(self) -> int:
        """Say how often the bus has connected; see ``Bus.connections``."""
        return self._bus.connections() + self._healed

    def close(self) -> None:
        """Say goodbye and stop; see ``Bus.close``."""
        self._air.clear()
        self._bus.close()

    # What the world does to it ----------------------------------------------------------------

    def become(self, faults: LinkFaults) -> None:
        """Be a better or a worse link from now on."""
        self._faults = faults

    def cut(self) -> None:
        """Break: what is on the link is gone."""
        if self._cut_at is None:
            self._cut_at = self._clock.monotonic_second()
            self._air.clear()

    def heal(self) -> None:
        """Be whole again."""
        if self._cut_at is not None:
            self._cut_at = None
            self._healed += 1

    def pump(self) -> int:
        """Let arrive what is due by now; say how many messages that were."""
        now_second, arrived = self._clock.monotonic_second(), 0
        while self._air and self._air[0].due_second <= now_second:
            message = heapq.heappop(self._air)
            arrived += 1
            if message.receive is not None:
                message.receive(message.topic, message.payload)
            else:
                self._bus.publish(
                    message.topic, message.payload, qos=message.qos, retain=message.retain
                )
        return arrived

    def next_due(self) -> float | None:
        """Say when the next message arrives, by the clock's monotonic time [s]."""
        return self._air[0].due_second if self._air else None

    def _send(
        self, topic: str, payload: bytes, qos: int, retain: bool, receive: Handler | None
    ) -> None:
        """Put a message on the link, once, twice or not at all."""
        if self._meets(self._faults.loss):
            return
        for _ in range(1 + self._meets(self._faults.duplicate)):
            now_second = self._clock.monotonic_second()
            due = now_second + float(self._chance.exponential(self._faults.delay_second))
            outward = receive is None
            if not self._faults.overtake:
                due = max(due, self._last_due[outward])
            self._last_due[outward] = max(due, self._last_due[outward])
            self._number += 1
            spoilt = self._spoilt(payload, inward=not outward)
            heapq.heappush(
                self._air, _Travelling(due, self._number, topic, spoilt, qos, retain, receive)
            )

    def _spoilt(self, payload: bytes, inward: bool) -> bytes:
        """Damage a payload, or not."""
        faults, chance = self._faults, self._chance
        if payload and self._meets(faults.corrupt):
            damaged = bytearray(payload)
            for _ in range(int(chance.integers(1, 9))):
                damaged[int(chance.integers(len(damaged)))] ^= 1 << int(chance.integers(8))
            payload = bytes(damaged)
        if payload and self._meets(faults.truncate):
            payload = payload[: int(chance.integers(len(payload)))]
        # Only on the way in: outward the bus itself refuses what is too long.
        if inward and self._meets(faults.oversize):
            payload += bytes(max(0, faults.oversize_bytes - len(payload)))
        return payload

    def _meets(self, share: float) -> bool:
        """Toss for a mishap."""
        return share > 0.0 and self._chance.random() < share
