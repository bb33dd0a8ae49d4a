"""Asks edges for live samples while somebody watches, and times the way there and back."""

import time
from collections.abc import Callable
from typing import Final

from voltherd.cloud.commands import Commands
from voltherd.cloud.stream import Hub
from voltherd.cloud.view import FleetView
from voltherd.types.record import CommandKind, EdgeState

WATCH_SECOND: Final = 20.0
"""For so long an edge sends live samples once asked [s]."""
RENEW_SECOND: Final = 8.0


class Watching:
    """Sends WATCH and PING commands.

    Args:
        hub: Knows who is watched.
        commands: Sends.
        view: The fleet now, for where vehicles are.
        speed: Simulated seconds per second: an edge counts by its own clock.
    """

    def __init__(
        self, hub: Hub, commands: Commands, view: Callable[[], FleetView], speed: float
    ) -> None:
        self._hub = hub
        self._commands = commands
        self._view = view
        self._speed = speed
        self._asked: dict[str, float] = {}
        self._turn = 0

    def watch(self) -> None:
        """Ask for live samples of every watched vehicle whose asking has grown old."""
        now = time.monotonic()
        self._asked = {v: t for v, t in self._asked.items() if v in self._hub.watched}
        for vehicle_id in self._hub.watched:
            edge = self._edge(vehicle_id)
            if edge is None or now - self._asked.get(vehicle_id, -RENEW_SECOND) < RENEW_SECOND:
                continue
            sent = self._commands.send(
                edge.site_id, vehicle_id, CommandKind.WATCH, number=WATCH_SECOND * self._speed
            )
            if sent is not None:
                self._asked[vehicle_id] = now

    def ping(self) -> None:
        """Ask one edge after the other to answer."""
        self._commands.overdue()
        online = [v.edge for v in self._view().vehicles.values() if v.edge and v.edge.online]
        if online:
            self._turn += 1
            edge = online[self._turn % len(online)]
            self._commands.send(edge.site_id, edge.vehicle_id, CommandKind.PING)

    def _edge(self, vehicle_id: str) -> EdgeState | None:
        view = self._view().vehicles.get(vehicle_id)
        return view.edge if view and view.edge and view.edge.online else None
