"""What the core asks of the world: small protocols that adapters fulfil.

Each port has one contract suite under ``tests/contract`` that every implementation must pass.
"""

from math import inf
from typing import Protocol, runtime_checkable

from voltherd.types.sample import SampleBatch


@runtime_checkable
class Store(Protocol):
    """Telemetry kept by vehicle and time.

    A row's key is its vehicle, its time, and its place among rows of the same time in the batch it
    came with.  Appending what is already there changes nothing, so a sender that is unsure may
    always send again; rows may come late and in any order of batches.
    """

    def append(self, batch: SampleBatch) -> int:
        """Keep the rows that are not there yet.

        Args:
            batch: Samples of one vehicle in time order.

        Returns:
            How many rows were new.

        Raises:
            StoreError: The store is damaged, of another version, full, or cannot be written.
        """
        ...

    def read(
        self, vehicle_id: str, start_second: float = -inf, stop_second: float = inf
    ) -> SampleBatch:
        """Give a vehicle's rows in time order.

        Args:
            vehicle_id: Whose.
            start_second: First time to give [unix s].
            stop_second: First time not to give [unix s].

        Returns:
            The rows as they were appended, bit for bit; without rows where nothing is known.
            A channel that some of the rows never had is NaN there, flagged ``MISSING``.

        Raises:
            StoreError: The store is damaged, of another version, or cannot be read.
        """
        ...

    def vehicles(self) -> tuple[str, ...]:
        """Name every vehicle of which there are rows, sorted."""
        ...
