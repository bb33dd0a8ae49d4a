"""Which sequence numbers of each epoch are committed, which are missing, when to ask for them."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple, final

from voltherd.types.ranges import holes, merged
from voltherd.types.record import SeqRange

ASK_FIRST_SECOND: Final = 2.0
"""A hole so old is no mere overtaking any more [s]."""
ASK_LONGEST_SECOND: Final = 60.0
ASK_RANGES_MAX: Final = 100


class EpochId(NamedTuple):
    """One boot of one vehicle's edge."""

    vehicle_id: str
    epoch: int


@final
class Coverage:
    """What is committed of the vehicles heard since the start.

    Args:
        ask_first_second: How old a hole gets before it is asked for; doubles each time [s].
        ask_longest_second: Longest pause between two questions [s].
    """

    def __init__(
        self,
        ask_first_second: float = ASK_FIRST_SECOND,
        ask_longest_second: float = ASK_LONGEST_SECOND,
    ) -> None:
        self._first = ask_first_second
        self._longest = ask_longest_second
        self._vehicles: dict[str, dict[int, tuple[SeqRange, ...]]] = {}
        self._ask: dict[EpochId, tuple[float, float]] = {}
        """Epochs with holes: when to ask next, and the pause after it [s]."""

    def knows(self, vehicle_id: str) -> bool:
        """Say whether a vehicle's ranges were loaded."""
        return vehicle_id in self._vehicles

    def load(
        self, vehicle_id: str, committed: Mapping[int, tuple[SeqRange, ...]], now_second: float
    ) -> None:
        """Take what the log holds of a vehicle."""
        self._vehicles[vehicle_id] = dict(committed)
        for epoch in committed:
            self._watch(EpochId(vehicle_id, epoch), now_second)

    def head(self, vehicle_id: str, epoch: int) -> int:
        """Give the highest number committed; 0 where there is none."""
        ranges = self._vehicles.get(vehicle_id, {}).get(epoch)
        return ranges[-1].last if ranges else 0

    def add(self, vehicle_id: str, epoch: int, more: Iterable[SeqRange], now_second: float) -> None:
        """Note what has been committed, or given up."""
        epochs = self._vehicles[vehicle_id]
        epochs[epoch] = merged((*epochs.get(epoch, ()), *more))
        self._watch(EpochId(vehicle_id, epoch), now_second)

    def wanted(self, now_second: float) -> list[tuple[EpochId, tuple[SeqRange, ...]]]:
        """Say what to ask for now."""
        asked = []
        for which, (due, pause) in list(self._ask.items()):
            if due <= now_second:
                asked.append((which, self._holes(which)[:ASK_RANGES_MAX]))
                self._ask[which] = (now_second + pause, min(2.0 * pause, self._longest))
        return asked

    def open_holes(self) -> int:
        """Count the records that are missing."""
        return sum(
            last - first + 1 for which in list(self._ask) for first, last in self._holes(which)
        )

    def _holes(self, which: EpochId) -> tuple[SeqRange, ...]:
        return holes(self._vehicles[which.vehicle_id][which.epoch])

    def _watch(self, which: EpochId, now_second: float) -> None:
        """Begin or end asking, as there are holes or not."""
        ranges = self._vehicles[which.vehicle_id][which.epoch]
        if not holes(ranges):
            self._ask.pop(which, None)
        elif which not in self._ask:
            self._ask[which] = (now_second + self._first, 2.0 * self._first)
