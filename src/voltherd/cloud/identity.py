"""Whether two edges claim to be one vehicle, told from the order of their signs of life.

Epochs of one edge follow each other: once a later one lives, the earlier one is dead.  An edge that
returns to an earlier epoch is therefore another edge.  What arrives late proves nothing, so of
records only those count whose frames were heard later than any before; of states, whose order a
broker keeps, it takes more returns.
"""

from collections import deque
from typing import Final, NamedTuple, final

from voltherd.types.record import EdgeState

RETURNS_OF_RECORDS: Final = 2
RETURNS_OF_STATES: Final = 3
CLOCK_AHEAD_NANOSECOND: Final = 300 * 1_000_000_000
"""Frames heard further in the future are an edge's wrong clock and prove nothing."""
_EPOCHS_KEPT: Final = 8


class IdentityConflict(NamedTuple):
    """Two that claim to be one.

    Attributes:
        vehicle_id: Whose name both use.
        epochs: The epochs that alternate; one where a record came with two contents.
        unix_second: When the cloud noticed [unix s].
        text: For people.
    """

    vehicle_id: str
    epochs: tuple[int, ...]
    unix_second: float
    text: str


@final
class _Trail:
    """Which epochs gave signs of life, in what order."""

    __slots__ = ("epoch", "nanosecond", "past", "returns")

    def __init__(self) -> None:
        self.epoch = 0
        self.nanosecond = 0
        self.past: deque[int] = deque(maxlen=_EPOCHS_KEPT)
        self.returns = 0

    def sign(self, epoch: int) -> int:
        """Note a sign of life; say how often a past epoch has returned."""
        if epoch != self.epoch:
            if epoch in self.past:
                self.returns += 1
            else:
                self.past.append(epoch)
                self.returns = 0
            self.epoch = epoch
        return self.returns


@final
class Identities:
    """The signs of life of every vehicle heard."""

    def __init__(self) -> None:
        self._records: dict[str, _Trail] = {}
        self._states: dict[str, _Trail] = {}
        self._told: set[tuple[str, frozenset[int]]] = set()

    def record(
        self, vehicle_id: str, epoch: int, heard_nanosecond: int, unix_second: float
    ) -> IdentityConflict | None:
        """Note a record that is the newest of its epoch."""
        trail = self._records.get(vehicle_id)
        if trail is None:
            trail = self._records[vehicle_id] = _Trail()
        if not trail.nanosecond < heard_nanosecond < unix_second * 1e9 + CLOCK_AHEAD_NANOSECOND:
            return None
        trail.nanosecond = heard_nanosecond
        before = trail.epoch
        if trail.sign(epoch) < RETURNS_OF_RECORDS:
            return None
        return self._conflict(vehicle_id, epoch, before, unix_second)

    def state(self, state: EdgeState, unix_second: float) -> IdentityConflict | None:
        """Note that an edge says it is online."""
        trail = self._states.get(state.vehicle_id)
        if trail is None:
            trail = self._states[state.vehicle_id] = _Trail()
        before = trail.epoch
        if trail.sign(state.epoch) < RETURNS_OF_STATES:
            return None
        return self._conflict(state.vehicle_id, state.epoch, before, unix_second)

    def superseded(self, state: EdgeState) -> bool:
        """Say whether a last will speaks of an epoch that a later one has followed.

        A broker notices the loss of a connection late: the will of the one before a reboot can
        come when the edge is long back.
        """
        trail = self._states.get(state.vehicle_id)
        return not state.online and trail is not None and state.epoch < trail.epoch

    def same_key(self, vehicle_id: str, epoch: int, unix_second: float) -> IdentityConflict | None:
        """Note a record that came with another content than the one committed."""
        key = vehicle_id, frozenset((epoch,))
        if key in self._told:
            return None
        self._told.add(key)
        text = "a record came again with another content; it was set aside and is not acknowledged"
        return IdentityConflict(vehicle_id, (epoch,), unix_second, text)

    def _conflict(
        self, vehicle_id: str, epoch: int, other: int, unix_second: float
    ) -> IdentityConflict | None:
        """Tell of two epochs once."""
        both = frozenset((epoch, other))
        if len(both) < 2 or (vehicle_id, both) in self._told:
            return None
        self._told.add((vehicle_id, both))
        text = "two edges use this vehicle's name at the same time; both histories are kept apart"
        return IdentityConflict(vehicle_id, tuple(sorted(both)), unix_second, text)
