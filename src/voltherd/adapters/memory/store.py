"""A store that forgets: for tests, and the yardstick of every other."""

from dataclasses import dataclass, field
from math import inf
from typing import final

import numpy as np

from voltherd.types.merge import merged
from voltherd.types.sample import SampleBatch, empty_batch


@final
@dataclass(frozen=True, slots=True)
class MemoryStore:
    """The ``Store`` port on a dictionary."""

    _kept: dict[str, SampleBatch] = field(default_factory=dict)

    def append(self, batch: SampleBatch) -> int:
        """Keep the rows that are not there yet; see ``Store.append``."""
        if not batch.rows:
            return 0
        kept = self._kept.get(batch.vehicle_id)
        if kept is None:
            self._kept[batch.vehicle_id] = batch
            return batch.rows
        self._kept[batch.vehicle_id], new = merged(kept, batch)
        return new

    def read(
        self, vehicle_id: str, start_second: float = -inf, stop_second: float = inf
    ) -> SampleBatch:
        """Give a vehicle's rows in time order; see ``Store.read``."""
        kept = self._kept.get(vehicle_id)
        if kept is None:
            return empty_batch(vehicle_id)
        start, stop = np.searchsorted(kept.unix_time_second, [start_second, stop_second], "left")
        return kept.between(int(start), max(int(start), int(stop)))

    def vehicles(self) -> tuple[str, ...]:
        """Name every vehicle of which there are rows, sorted."""
        return tuple(sorted(self._kept))
