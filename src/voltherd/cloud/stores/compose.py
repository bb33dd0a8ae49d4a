"""Stores and books behind the ports of the cloud, whichever kind a folder holds."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import inf, nextafter
from pathlib import Path
from typing import Any, Final

from voltherd.adapters.parquet import extremes as parquet_extremes
from voltherd.adapters.parquet.store import ParquetStore, is_store
from voltherd.adapters.records.marker import is_record_store
from voltherd.adapters.records.store import RecordStore
from voltherd.adapters.sqlite.assets import AssetBook, Document
from voltherd.adapters.sqlite.slices import FILE as SLICES
from voltherd.adapters.sqlite.slices import SliceBook
from voltherd.adapters.sqlite.states import FILE as STATES
from voltherd.adapters.sqlite.states import StateBook
from voltherd.cloud.chain import StoreFigures
from voltherd.cloud.slicing import SlicedPast
from voltherd.errors import StoreError, UsageError
from voltherd.types.extremes import Extremes
from voltherd.types.record import Record, RecordKind
from voltherd.types.sample import SampleBatch

_ROWS_PER_DAY: Final = 10_000


class CanonicalStore:
    """A store of ``voltherd import`` or ``simulate``: telemetry only, read where it lies."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._store = ParquetStore(root)

    def vehicles(self) -> tuple[str, ...]:
        """Name every vehicle of which there are rows, sorted."""
        return self._store.vehicles()

    def spans(self, vehicle_id: str, samples_max: int) -> Iterator[tuple[float, float]]:
        """Cut a vehicle's time into pieces of some days."""
        days = max(samples_max // _ROWS_PER_DAY, 1)
        yield from parquet_extremes.spans(self._root, vehicle_id, days)

    def read(
        self, vehicle_id: str, start_second: float = -inf, stop_second: float = inf
    ) -> SampleBatch:
        """Give a vehicle's rows in time order."""
        return self._store.read(vehicle_id, start_second, stop_second)

    def extremes(
        self,
        vehicle_id: str,
        channels: Sequence[str],
        start_second: float,
        stop_second: float,
        pieces: int,
    ) -> Extremes:
        """Cut a span into pieces; see ``Past.extremes``."""
        return parquet_extremes.extremes(
            self._root, vehicle_id, channels, start_second, stop_second, pieces
        )

    def events(
        self, vehicle_id: str, start_second: float = -inf, stop_second: float = inf
    ) -> Iterable[Record]:
        """Give no records: this store has none."""
        return ()

    def epochs(self, vehicle_id: str) -> tuple[int, ...]:
        """Give no epochs: this store has none."""
        return ()

    def figures(self) -> StoreFigures:
        """Say that there are no records."""
        return StoreFigures(0, 0, 0, 0)


class CommittedStore:
    """What the cloud commits: records, and the rows in them."""

    def __init__(self, store: RecordStore) -> None:
        self._store = store
        self._states = StateBook(store.root / STATES)
        self.shelf = SliceBook(store.root / SLICES)
        self._past = SlicedPast(self, self.shelf)

    def vehicles(self) -> tuple[str, ...]:
        """Name every vehicle of which there is anything, sorted."""
        return self._store.known_vehicles()

    def spans(self, vehicle_id: str, samples_max: int) -> Iterator[tuple[float, float]]:
        """Cut a vehicle's time into pieces of so many rows."""
        yield from self._store.spans(vehicle_id, samples_max)

    def put_state(self, vehicle_id: str, body: bytes) -> None:
        """Keep a vehicle's state in place of what was there."""
        self._states.put(vehicle_id, body)

    def state(self, vehicle_id: str) -> bytes | None:
        """Give a vehicle's state, None where there is none."""
        return self._states.get(vehicle_id)

    def rows_until(self, vehicle_id: str, second: float) -> int:
        """Count the rows of all chunks that begin no later than a time, without reading them."""
        until = nextafter(second, inf)
        return int(self._store.summaries(vehicle_id, stop_second=until)["rows"].sum())

    def close(self) -> None:
        """Close what is derived from the store; the store itself is its opener's."""
        self.shelf.close()
        self._states.close()

    def read(
        self, vehicle_id: str, start_second: float = -inf, stop_second: float = inf
    ) -> SampleBatch:
        """Give a vehicle's rows in time order."""
        return self._store.read(vehicle_id, start_second, stop_second)

    def extremes(
        self,
        vehicle_id: str,
        channels: Sequence[str],
        start_second: float,
        stop_second: float,
        pieces: int,
    ) -> Extremes:
        """Cut a span into pieces; see ``Past.extremes``."""
        return self._past.extremes(vehicle_id, channels, start_second, stop_second, pieces)

    def events(
        self, vehicle_id: str, start_second: float = -inf, stop_second: float = inf
    ) -> Iterable[Record]:
        """Give a vehicle's event and gap records."""
        kinds = (RecordKind.EVENT, RecordKind.GAP)
        return self._store.records(vehicle_id, start_second, stop_second, kinds)

    def epochs(self, vehicle_id: str) -> tuple[int, ...]:
        """Give the boots of its edge of which there are records; imported rows have none."""
        return tuple(epoch for epoch in self._store.committed(vehicle_id) if epoch)

    def figures(self) -> StoreFigures:
        """Say how much there is."""
        info = self._store.info()
        kept = info.chunks + info.landed_chunks + info.events + info.gaps
        size = info.file_bytes + info.database_bytes
        return StoreFigures(kept, sum(info.removed.values()), size, info.landed_chunks)


class BookJournal:
    """The ``Journal`` port on the asset book."""

    def __init__(self, book: AssetBook) -> None:
        self._book = book

    def write(
        self, vehicle_id: str, unix_time_second: float, kind: str, body: Mapping[str, Any]
    ) -> None:
        """Keep a document."""
        self._book.put_document(Document(vehicle_id, unix_time_second, kind, body))

    def every(self, kind: str) -> Iterable[Document]:
        """Give every vehicle's documents whose kind begins so, in order of time."""
        return self._book.every_document(kind)

    def of_vehicle(self, vehicle_id: str) -> Iterable[Document]:
        """Give a vehicle's documents in order of time."""
        return self._book.documents(vehicle_id)


Kept = CanonicalStore | CommittedStore


def opened(root: Path, *, receives: bool) -> tuple[Kept, RecordStore | None]:
    """Open what a folder is; an empty one becomes a record store.

    Raises:
        UsageError: It is a store that cannot take in what vehicles send, and is to.
        StoreError: It holds something else.
    """
    if is_store(root) and not is_record_store(root):
        if receives:
            raise UsageError(
                "this store holds imported telemetry and takes in no records",
                where=str(root),
                mend="name another folder, and bring it in with voltherd import --out",
            )
        return CanonicalStore(root), None
    if root.is_dir() and not is_record_store(root):
        there = next((p.name for p in root.iterdir() if not _ours(p.name)), None)
        if there is not None:
            raise StoreError(
                f"no store, but a folder that holds other files ({there})",
                where=str(root),
                mend="name an empty or new folder",
            )
    store = RecordStore(root)
    return CommittedStore(store), store


def _ours(name: str) -> bool:
    """Say whether a file may lie in a folder that is to become a store."""
    return name.startswith(".") or ".sqlite" in name


def newest_second(root: Path) -> float:
    """Give the time of the newest row of a store [unix s].

    Raises:
        UsageError: There is none.
    """
    kept, _ = opened(root, receives=False)
    newest = -inf
    for vehicle_id in kept.vehicles():
        for start, stop in list(kept.spans(vehicle_id, _ROWS_PER_DAY))[-1:]:
            batch = kept.read(vehicle_id, start, stop)
            newest = max(newest, float(batch.unix_time_second[-1]) if batch.rows else -inf)
    if newest == -inf:
        raise UsageError("an empty store has no newest sample", where=str(root))
    return newest
