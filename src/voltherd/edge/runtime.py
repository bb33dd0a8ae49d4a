"""The edge as a whole: control and courier, driven from one thread or from two.

``poll`` runs one turn of both and returns, so that one thread can drive many edges.  ``run`` gives
the control a thread of its own rhythm and lets the courier follow beside it, so that a disk or a
network that hangs delays no cycle; the courier's thread is also the watchdog of the control's.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Thread
from typing import Final, final

from voltherd.edge.control import Control, Pace
from voltherd.edge.courier import Courier, Sending
from voltherd.edge.cycle import Plan
from voltherd.edge.spool import Spool
from voltherd.ports import Actuator, Bus, Clock, FrameSource, Outbox

COURIER_SECOND: Final = 0.05
"""Rest between two turns of the courier [s]."""
FAILED_SECOND: Final = 1.0
"""Rest after a turn that failed for reasons nobody foresaw [s]."""
GOODBYE_SECOND: Final = 10.0
"""How long the end of a run waits for a courier that hangs [s]."""
_LOG: Final = logging.getLogger(__name__)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """What an edge asks of the world.

    Attributes:
        source: Frames of the vehicle's bus.
        actuator: Who is told what may flow.
        outbox: Where records wait.
        bus: Messages to and from the cloud.
        clock: The edge's time, by which it counts and stamps; the vehicle's, where simulated.
        wall: Real time, by which networks and commands live; the same as ``clock`` on a vehicle.
        closers: Called at the end, to let go of source and actuator.
    """

    source: FrameSource
    actuator: Actuator
    outbox: Outbox
    bus: Bus
    clock: Clock
    wall: Clock
    closers: tuple[Callable[[], None], ...] = ()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How much may be kept.

    Attributes:
        outbox_bytes_max: On the medium.
        memory_bytes_max: In memory, while the medium refuses.
    """

    outbox_bytes_max: int = 256 << 20
    memory_bytes_max: int = 1 << 20


@final
class EdgeRuntime:
    """One vehicle's edge.

    Attributes:
        control: The half that must not wait.
        courier: The half that may.
    """

    def __init__(
        self,
        plan: Plan,
        sending: Sending,
        ports: Ports,
        epoch: int,
        *,
        pace: Pace | None = None,
        room: Room | None = None,
        mode: str = "stream",
        stopwatch: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Put an edge together.

        Args:
            plan: What a cycle depends on.
            sending: How samples are sent.
            ports: The world.
            epoch: Of this boot; above all before (``Outbox.boot``).
            pace: When a cycle is late.
            room: How much may be kept.
            mode: ``stream`` or ``event``, until the cloud says otherwise.
            stopwatch: Measures how long cycles compute [s].
        """
        self._pace, room = pace or Pace(), room or Room()
        self._clock, self._ports, self._vehicle_id = ports.clock, ports, plan.vehicle_id
        self.control = Control(
            plan,
            self._pace,
            ports.source,
            ports.actuator,
            ports.clock,
            ports.wall,
            stopwatch,
            mode,
        )
        self.spool = Spool(
            ports.outbox,
            plan.vehicle_id,
            epoch,
            bytes_max=room.outbox_bytes_max,
            memory_bytes_max=room.memory_bytes_max,
        )
        self.courier = Courier(
            sending, self.control, self.spool, ports.bus, ports.clock, ports.wall
        )

    def poll(self) -> None:
        """Run one cycle and carry what came of it; never waits but for the medium."""
        self.courier.listen()
        self.control.poll()
        self.courier.poll()

    def run(self, stop: Event) -> None:
        """Run at a fixed rate until told to stop; cycles that would come too late are left out.

        Args:
            stop: Set to end the run.
        """
        beside = Thread(target=self._carry, args=(stop,), name="courier", daemon=True)
        beside.start()
        due = self._clock.monotonic_second()
        while not stop.is_set():
            self.control.poll()
            due += self._pace.period_second
            now = self._clock.monotonic_second()
            if now < due:
                self._clock.sleep(due - now)
            else:
                due = now
        beside.join(GOODBYE_SECOND)

    def summary(self) -> str:
        """Say in one line how it goes."""
        control, size = self.control, self.spool.size()
        counts, allowed = control.state.assembly.counts, control.permitted
        return (
            f"{self._vehicle_id}: {counts.frames - counts.unknown} frames, {control.rows} samples; "
            f"{size.records} records wait ({size.bytes / 1e3:.0f} kB), {self.spool.dropped} given "
            f"up; bus connected {self._ports.bus.connections()} times; "
            f"cycle p99 {1e3 * control.compute.quantile(0.99):.1f} ms, {control.missed} late, "
            f"frame to limits p99 {1e3 * control.reaction.quantile(0.99):.0f} ms; "
            f"permitted {allowed.charge_ampere_max:.0f} A in, "
            f"{allowed.discharge_ampere_max:.0f} A out"
        )

    def close(self) -> None:
        """Keep what is under way, say goodbye, and let go of medium and bus."""
        self.control.stop_flow()
        self.courier.close()
        for close in (self._ports.bus.close, self._ports.outbox.close, *self._ports.closers):
            close()

    def _carry(self, stop: Event) -> None:
        """Turn the courier, and watch whether the control still runs."""
        standing = False
        while not stop.is_set():
            rest = COURIER_SECOND
            try:
                self.courier.poll()
            except Exception:  # whatever fails here must not end the watch over the control
                _LOG.exception("the courier failed; it goes on")
                rest = FAILED_SECOND
            stood = self._clock.monotonic_second() - self.control.last_second
            if stood > self._pace.watchdog_second and not standing:
                _LOG.error("no cycle for %.1f s: nothing is permitted", stood)
                self.control.stop_flow()
            standing = stood > self._pace.watchdog_second
            self._clock.sleep(rest)
