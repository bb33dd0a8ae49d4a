"""Each layer of the chain as the cloud sees it: traffic, lag, losses, and what the edges say.

Rates are told between two looks at the same counters, a second or more apart.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, Protocol, runtime_checkable

from voltherd.cloud.ingest_counts import IngestCounts
from voltherd.cloud.lags import LagSummary
from voltherd.cloud.schema_service import Chain, Layer, Percentiles, RoundTrip
from voltherd.cloud.view import FleetView
from voltherd.ports import Clock
from voltherd.report.words import count, rfc3339
from voltherd.types.record import EdgeState

LOOKS: Final = 6
"""Rates are told over so many looks, so that one quiet second does not read as silence."""
_NO_LAG: Final = LagSummary(0, float("nan"), float("nan"), float("nan"))


class StoreFigures(NamedTuple):
    """What the store says of itself.

    Attributes:
        records: Records in it.
        lost: Records that edges had to drop and said so.
        bytes: Size on the medium [B].
        waiting: Chunks that wait to be packed.
    """

    records: int
    lost: int
    bytes: int
    waiting: int


class BusFigures(NamedTuple):
    """What the connection to the bus says of itself.

    Attributes:
        connected: Whether it stands.
        connections: How often it was made.
        trouble: Why it does not stand, empty where it does.
    """

    connected: bool
    connections: int
    trouble: str


class ApiFigures(NamedTuple):
    """What the API counts.

    Attributes:
        answers: Answers so far.
        failures: Answers so far that were the service's fault.
        readers: Streams open now.
    """

    answers: int
    failures: int
    readers: int


@runtime_checkable
class Traffic(Protocol):
    """Where the counters of the intake are."""

    def counts(self) -> IngestCounts:
        """Say what came in and what became of it."""
        ...


class Sources(NamedTuple):
    """Where the figures come from.

    Attributes:
        view: The fleet now.
        waiting: Hints that the fleet's thread has not worked through.
        traffic: The intake; None where no bus is connected.
        bus: The connection to the bus; None where there is none.
        round_trips: How long commands took to be answered.
        store: What the store holds.
        api: What the API counts.
    """

    view: Callable[[], FleetView]
    waiting: Callable[[], int]
    traffic: Traffic | None
    bus: Callable[[], BusFigures] | None
    round_trips: Callable[[], LagSummary]
    store: Callable[[], StoreFigures]
    api: Callable[[], ApiFigures]


class _Look(NamedTuple):
    second: float
    sums: Mapping[str, float]


class ChainWatch:
    """Looks at the counters now and then, and tells what they say."""

    def __init__(
        self, sources: Sources, clock: Clock, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._sources = sources
        self._clock = clock
        self._monotonic = monotonic
        self._looks: deque[_Look] = deque(maxlen=LOOKS)
        self._lock = threading.Lock()
        self._store = sources.store()

    def look(self) -> None:
        """Look at the counters; once a second or so."""
        self._store = self._sources.store()
        counts = self._counts()
        api = self._sources.api()
        sums = {
            "messages": counts.messages if counts else 0,
            "bytes": counts.bytes if counts else 0,
            "records": counts.records if counts else 0,
            "committed": counts.committed if counts else 0,
            "answers": api.answers,
        }
        with self._lock:
            self._looks.append(_Look(self._monotonic(), sums))

    def _counts(self) -> IngestCounts | None:
        return self._sources.traffic.counts() if self._sources.traffic else None

    def _rate(self, name: str) -> float | None:
        with self._lock:
            if len(self._looks) < 2:
                return None
            first, last = self._looks[0], self._looks[-1]
        passed = last.second - first.second
        return round((last.sums[name] - first.sums[name]) / passed, 3) if passed > 0.0 else None

    def chain(self) -> Chain:
        """Tell of all layers."""
        view = self._sources.view()
        edges = [v.edge for v in view.vehicles.values() if v.edge is not None]
        counts = self._counts()
        store = self._store
        stamp = rfc3339(self._clock.unix_second())
        assert stamp is not None, "a clock gives times of the calendar"
        return Chain(
            time=stamp,
            layers=[
                self._vehicle(view),
                self._edge(edges),
                self._bus(counts),
                self._cloud(view, counts),
                self._stored(counts, store),
                self._api(),
            ],
            round_trip=RoundTrip(
                sensor_to_cloud_second=_percentiles(counts.lag_newest if counts else _NO_LAG),
                live_second=_percentiles(counts.lag_live if counts else _NO_LAG),
                cloud_to_edge_second=_percentiles(self._sources.round_trips()),
            ),
            vehicles_online=sum(edge.online for edge in edges),
            vehicles_offline=sum(not edge.online for edge in edges),
            outbox_records=sum(edge.pending_records for edge in edges),
            committed_records=store.records,
            duplicate_records=counts.duplicates if counts else 0,
            conflict_records=counts.conflicts if counts else 0,
            hole_records=counts.holes if counts else 0,
            lost_records=store.lost,
        )

    def _vehicle(self, view: FleetView) -> Layer:
        modes = [str(v.row.order["mode"]) for v in view.vehicles.values()]
        told = {mode: modes.count(mode) for mode in ("driving", "charging", "parked", "unknown")}
        return Layer(
            layer="vehicle",
            title="Vehicles",
            state="ok" if modes else "unknown",
            text=", ".join(f"{n} {mode}" for mode, n in told.items() if n) or "none known yet",
            messages_per_second=None,
            bytes_per_second=None,
            lag_second=None,
            pending=None,
            figures={f"{mode}_vehicles": n for mode, n in told.items()},
        )

    def _edge(self, edges: list[EdgeState]) -> Layer:
        online = [edge for edge in edges if edge.online]
        gone = len(edges) - len(online)
        missed = sum(edge.deadline_missed for edge in online)
        text = f"{count(len(online), 'edge')} online" + (f", {gone} offline" if gone else "")
        return Layer(
            layer="edge",
            title="Edges",
            state="unknown" if not edges else "ok" if not gone else "warning" if online else "down",
            text=text if edges else "no edge has said anything yet",
            messages_per_second=None,
            bytes_per_second=None,
            lag_second=None,
            pending=sum(edge.pending_records for edge in edges),
            figures={
                "pending_bytes": sum(edge.pending_bytes for edge in edges),
                "dropped_records": sum(edge.dropped_records for edge in edges),
                "cycle_p99_second": max((edge.cycle_p99_second for edge in online), default=None),
                "deadline_missed_cycles": missed,
            },
        )

    def _bus(self, counts: IngestCounts | None) -> Layer:
        figures = self._sources.bus() if self._sources.bus else None
        up = figures is not None and figures.connected
        return Layer(
            layer="bus",
            title="Bus",
            state="unknown" if figures is None else "ok" if up else "down",
            text="this cloud is connected to no bus"
            if figures is None
            else "connected"
            if up
            else figures.trouble,
            messages_per_second=self._rate("messages") if counts else None,
            bytes_per_second=self._rate("bytes") if counts else None,
            lag_second=_percentiles(counts.lag_live) if counts else None,
            pending=counts.queued if counts else None,
            figures={
                "connections": figures.connections if figures else None,
                "malformed_messages": counts.malformed if counts else None,
                "oversized_messages": counts.oversized if counts else None,
                "misplaced_messages": counts.misplaced if counts else None,
                "dropped_messages": counts.dropped if counts else None,
            },
        )

    def _cloud(self, view: FleetView, counts: IngestCounts | None) -> Layer:
        behind = sum(v.catching_up for v in view.vehicles.values())
        conflicts = counts.conflicts + counts.identity_conflicts if counts else 0
        told = [count(len(view.vehicles), "vehicle") + " followed"]
        told += [f"{behind} catching up"] if behind else []
        told += [f"{count(conflicts, 'conflict')} of identity"] if conflicts else []
        return Layer(
            layer="cloud",
            title="Cloud",
            state="warning" if conflicts else "ok",
            text=", ".join(told),
            messages_per_second=self._rate("records") if counts else None,
            bytes_per_second=None,
            lag_second=_percentiles(counts.lag_newest) if counts else None,
            pending=self._sources.waiting(),
            figures={
                "catching_up_vehicles": behind,
                "identity_conflicts": counts.identity_conflicts if counts else None,
                "acknowledgements": counts.acknowledgements if counts else None,
                "questions": counts.questions if counts else None,
            },
        )

    def _stored(self, counts: IngestCounts | None, store: StoreFigures) -> Layer:
        trouble = counts.trouble if counts else ""
        return Layer(
            layer="store",
            title="Store",
            state="down" if trouble else "ok",
            text=trouble or f"{count(store.records, 'record')} kept",
            messages_per_second=self._rate("committed") if counts else None,
            bytes_per_second=None,
            lag_second=_percentiles(counts.lag_oldest) if counts else None,
            pending=store.waiting,
            figures={"size_bytes": store.bytes, "lost_records": store.lost},
        )

    def _api(self) -> Layer:
        api = self._sources.api()
        return Layer(
            layer="api",
            title="API",
            state="ok",
            text=f"{count(api.readers, 'stream')} open",
            messages_per_second=self._rate("answers"),
            bytes_per_second=None,
            lag_second=None,
            pending=None,
            figures={"failed_answers": api.failures, "streams": api.readers},
        )


def _percentiles(lag: LagSummary) -> Percentiles:
    return Percentiles(p50=lag.p50_second, p99=lag.p99_second, samples=lag[0])
