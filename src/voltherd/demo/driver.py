"""Every simulated vehicle and its edge, driven from one thread.

Segments of a few simulated minutes are made ahead of time and given to the players, which put each
frame on its vehicle's bus when the fleet's clock says so; the edges then see what a vehicle sends.
"""

from collections.abc import Callable, Mapping
from threading import Event
from typing import Final, NamedTuple, Protocol

from voltherd.edge.runtime import EdgeRuntime
from voltherd.ports import Clock
from voltherd.sim.live import LiveState, advance
from voltherd.types.sample import SampleBatch

AHEAD_SECOND: Final = 2.0
"""Segments are made so long before their time, by the wall's clock [s]."""
TURN_SECOND: Final = 0.05
"""Rest between two turns, by the wall's clock [s]."""


class Player(Protocol):
    """Puts a vehicle's samples on its bus."""

    def load(self, batch: SampleBatch) -> None:
        """Take samples that are to be played, later than all before."""
        ...

    def play_due(self, now_second: float) -> int:
        """Play what is due at a time [unix s]; gives how many frames that were."""
        ...


class VirtualVehicle(NamedTuple):
    """One vehicle: its bus and its edge, and what lets go of them."""

    player: Player
    edge: EdgeRuntime
    close: Callable[[], None]


class Driver:
    """Lets the fleet live.

    Args:
        state: The fleet as its history left it.
        vehicles: By name.
        clock: The fleet's time.
        speed: Simulated seconds per second.

    Attributes:
        frames: Frames played.
    """

    def __init__(
        self,
        state: LiveState,
        vehicles: Mapping[str, VirtualVehicle],
        clock: Clock,
        speed: float,
    ) -> None:
        self.frames = 0
        self._state, self._vehicles = state, vehicles
        self._clock, self._speed = clock, speed

    @property
    def second(self) -> float:
        """The fleet's time [unix s]."""
        return self._clock.unix_second()

    def run(self, stop: Event) -> None:
        """Drive until told to stop."""
        while not stop.is_set():
            self.turn()
            stop.wait(TURN_SECOND)

    def turn(self) -> None:
        """Play what is due, and let every edge run a cycle."""
        now = self._clock.unix_second()
        while self._state.second < now + AHEAD_SECOND * self._speed:
            self._state, stretches = advance(self._state)
            for stretch in stretches:
                if stretch.batch.rows:
                    self._vehicles[stretch.batch.vehicle_id].player.load(stretch.batch)
        for vehicle in self._vehicles.values():
            self.frames += vehicle.player.play_due(now)
            vehicle.edge.poll()

    def settle(self, stop: Event, patience_turns: int) -> bool:
        """Let the edges hand over what they hold, playing no more; say whether all of it went."""
        for _ in range(patience_turns):
            for vehicle in self._vehicles.values():
                vehicle.edge.poll()
            held = sum(vehicle.edge.spool.size().records for vehicle in self._vehicles.values())
            if not held:
                return True
            if stop.wait(TURN_SECOND):
                return False
        return False
