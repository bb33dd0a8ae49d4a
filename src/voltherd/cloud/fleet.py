"""The fleet as it is now: one thread follows every vehicle, everybody else reads a value.

What is committed reaches the thread through a bounded queue of hints.  The store is the truth:
where hints were lost, came out of order or bring channels nobody knew, the vehicle is read from the
store again, piece by piece between other work, and ends where it would have ended in order.
"""

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

from voltherd.cloud.finding_names import Known
from voltherd.cloud.follow import Followed
from voltherd.cloud.quantities import blind_cells
from voltherd.cloud.replay import Assets, Telemetry
from voltherd.cloud.resume import States
from voltherd.cloud.rows import vehicle_row, written
from voltherd.cloud.slicing import Shelf
from voltherd.cloud.track import Track
from voltherd.cloud.view import FleetView, VehicleView
from voltherd.cloud.workflow import Workflow
from voltherd.errors import VoltherdError
from voltherd.ports import Clock
from voltherd.types.decision import Decided
from voltherd.types.record import EdgeState, Record, RecordKind
from voltherd.wire.envelope import Live

log = logging.getLogger(__name__)
HINTS_MAX: Final = 20_000
IDLE_SECOND: Final = 0.1
SHOW_SECOND: Final = 0.25
"""Least time between two views: what changes more often is shown together [s]."""
WORK_SECOND: Final = 0.25
"""How long hints are worked through before anything is shown [s]."""
KEEP_SECOND: Final = 900.0
"""How often vehicles are kept for a restart [s]."""
KEEP_LAST_SECOND: Final = 10.0
"""How long stopping may take to keep what has changed since; the rest is read again [s]."""
_NANOSECOND: Final = 1e-9
Hint = tuple[bool, int, Record | Live | EdgeState, int]
"""Whether it can wait, its ticket, what came, and the wall clock when it came [ns].

Somebody watches a live sample come, and who is on line; records are worked through behind them.
"""


class Change(NamedTuple):
    """What became different with a view.

    Attributes:
        views: Vehicles that changed.
        findings: Findings that are new, gone or differently judged: their vehicle and name.
    """

    views: tuple[VehicleView, ...]
    findings: tuple[tuple[VehicleView, str], ...]


def _nobody(_followed: Followed, _blind: frozenset[int], _heard: int) -> None:
    """Tell nobody of live samples."""


class Fleet:
    """Every vehicle, followed.

    Args:
        telemetry: Rows by vehicle and time.
        assets: Facts of vehicles.
        workflow: What people did about findings.
        clock: The fleet's time; simulated in a demo.
        shelf: Where slices for long charts are kept; None for nowhere.
        states: Where vehicles are kept for a restart; None for nowhere.
        on_change: Told of every new view, on the thread that made it.
        on_live: Told of every live sample that could be shown: the vehicle, cells not to be
            trusted, and when it was heard [ns].
        judge: Says what the fleet's budget makes of findings, by name.
    """

    def __init__(
        self,
        telemetry: Telemetry,
        assets: Assets,
        workflow: Workflow,
        clock: Clock,
        shelf: Shelf | None = None,
        states: States | None = None,
        on_change: Callable[[Change], None] = lambda _: None,
        on_live: Callable[[Followed, frozenset[int], int], None] = _nobody,
        judge: Callable[[Sequence[Known]], Mapping[str, Decided]] = lambda _: {},
    ) -> None:
        self._telemetry = telemetry
        self._assets = assets
        self._workflow = workflow
        self._clock = clock
        self._shelf = shelf
        self._states = states
        self._keeping: deque[str] = deque()
        self._keep_second = time.monotonic() + KEEP_SECOND
        self._on_change = on_change
        self._on_live = on_live
        self._judge = judge
        self._hints: queue.PriorityQueue[Hint] = queue.PriorityQueue(HINTS_MAX)
        self._lost: set[str] = set()
        self._ticket = 0
        self._tracks: dict[str, Track] = {}
        self._changed: set[str] = set()
        self._behind: deque[str] = deque()
        self._shown_second = float("-inf")
        self._lock = threading.Lock()
        self._view = FleetView(vehicles={}, version=0)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fleet", daemon=True)

    # Readers.

    @property
    def view(self) -> FleetView:
        """All vehicles now; the value stays as it is."""
        return self._view

    @property
    def waiting(self) -> int:
        """Hints not yet worked through."""
        return self._hints.qsize()

    @property
    def catching_up(self) -> int:
        """Vehicles being rebuilt."""
        return sum(view.catching_up for view in self._view.vehicles.values())

    @property
    def alive(self) -> bool:
        """Whether its thread runs."""
        return self._thread.is_alive()

    # What comes in; on any thread, never waits.

    def committed(self, records: Sequence[Record]) -> None:
        """Hear of records that are in the store now."""
        heard = time.time_ns()
        for record in records:
            if record.kind is RecordKind.TELEMETRY:
                self._put(record, heard)

    def live(self, sample: Live) -> None:
        """Hear of a live sample."""
        self._put(sample, time.time_ns())

    def state(self, state: EdgeState) -> None:
        """Hear what an edge says of itself."""
        self._put(state, time.time_ns())

    def _put(self, message: Record | Live | EdgeState, heard: int) -> None:
        with self._lock:
            self._ticket += 1
            ticket = self._ticket
        try:
            self._hints.put_nowait((isinstance(message, Record), ticket, message, heard))
        except queue.Full:
            if isinstance(message, Record):
                self._lost.add(message.key.vehicle_id)

    # The thread.

    def start(self) -> None:
        """Begin: every vehicle of the store is rebuilt first."""
        self.restore()
        self._thread.start()

    def restore(self) -> None:
        """Ask for a replay of every vehicle of the store."""
        names = self._telemetry.vehicles()
        for vehicle_id in names:
            track = self._track(vehicle_id)
            track.read_again(time.monotonic())
            self._behind.append(vehicle_id)
        self._show(names)

    def close(self) -> None:
        """Stop after the piece of work under way."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        self._follow()
        try:
            self._keep_all()
        except VoltherdError as error:
            log.error("what is known of the fleet is not kept for a restart: %s", error)

    def _follow(self) -> None:
        while not self._stopping.is_set():
            try:
                busy = self.poll()
            except Exception:
                # Whoever reads is better served by yesterday's view than by no thread at all.
                log.exception("following the fleet failed; it goes on")
                busy = False
            if not busy:
                self._wait()

    def _wait(self) -> None:
        """Sleep until something comes."""
        try:
            hint = self._hints.get(timeout=IDLE_SECOND)
        except queue.Empty:
            return
        self._take(hint)

    def poll(self) -> bool:
        """Do a piece of work; say whether there is more."""
        began = time.monotonic()
        while time.monotonic() - began < WORK_SECOND:
            try:
                hint = self._hints.get_nowait()
            except queue.Empty:
                break
            self._take(hint)
        while self._lost:
            self._read_again(self._track(self._lost.pop()))
        worked = self._replay_some()
        now = time.monotonic()
        if self._changed and now - self._shown_second >= SHOW_SECOND:
            changed = list(self._changed)
            self._changed.clear()
            self._shown_second = now
            self._show(changed)
        if not worked:
            self._keep_some()
        return worked or not self._hints.empty()

    def _keep_some(self) -> None:
        """Keep one vehicle after the other, now and then all of them."""
        if not self._keeping and time.monotonic() >= self._keep_second:
            self._keep_second = time.monotonic() + KEEP_SECOND
            self._keeping.extend(self._tracks)
        while self._keeping and not self._tracks[self._keeping.popleft()].keep():
            pass

    def _keep_all(self) -> None:
        """Keep as many vehicles as there is time for at the end."""
        until = time.monotonic() + KEEP_LAST_SECOND
        for track in self._tracks.values():
            if time.monotonic() > until:
                break
            track.keep()

    def _take(self, hint: Hint) -> None:
        """Work a hint in; where that fails, the vehicle is read from the store instead."""
        message = hint[2]
        try:
            self._worked_in(hint)
        except Exception:
            name = message.key.vehicle_id if isinstance(message, Record) else message.vehicle_id
            log.exception("%s could not be followed; it is read again", name)
            self._lost.add(name)

    def _worked_in(self, hint: Hint) -> None:
        _, ticket, message, heard = hint
        if isinstance(message, Record):
            track = self._track(message.key.vehicle_id)
            if message.heard_last_nanosecond:
                track.lag_second = (heard - message.heard_last_nanosecond) * _NANOSECOND
            if track.committed(message, ticket, time.monotonic()):
                self._changed.add(track.vehicle_id)
                self._line_up(track)
        elif isinstance(message, EdgeState):
            track = self._track(message.vehicle_id)
            track.edge = message
            self._changed.add(track.vehicle_id)
        else:
            track = self._track(message.vehicle_id)
            if track.seen_live(message.batch):
                self._changed.add(track.vehicle_id)
                if track.followed is not None:
                    blind = blind_cells(track.known)
                    self._on_live(track.followed, blind, message.heard_nanosecond)

    def _replay_some(self) -> bool:
        """Do one piece of the replay whose turn it is, of the first that is due."""
        now = time.monotonic()
        for _ in range(len(self._behind)):
            track = self._tracks[self._behind[0]]
            worked = track.work(now, self._ticket)
            if not track.catching_up:
                self._behind.popleft()
            elif not worked:
                self._behind.rotate(-1)
            if worked:
                self._changed.add(track.vehicle_id)
                return True
        return False

    def _read_again(self, track: Track) -> None:
        track.read_again(time.monotonic())
        self._line_up(track)

    def _line_up(self, track: Track) -> None:
        """See to it that a vehicle that is behind gets its turn."""
        if track.catching_up and track.vehicle_id not in self._behind:
            self._behind.append(track.vehicle_id)

    def _track(self, vehicle_id: str) -> Track:
        track = self._tracks.get(vehicle_id)
        if track is None:
            track = Track(vehicle_id, self._telemetry, self._assets, self._shelf, self._states)
            self._tracks[vehicle_id] = track
        return track

    # What readers are shown.

    def _show(self, vehicle_ids: Sequence[str]) -> None:
        """Make a view in which these vehicles are new."""
        now = self._clock.unix_second()
        for vehicle_id in vehicle_ids:
            self._tracks[vehicle_id].judge(self._workflow, now)
        with self._lock:
            views = tuple(self._told(self._tracks[name]) for name in vehicle_ids)
            change = self._replaced(views)
        self._on_change(change)

    def retell(self, vehicle_id: str) -> None:
        """Show what people have just done about a vehicle's findings."""
        with self._lock:
            view = self._view.vehicles[vehicle_id]
            change = self._replaced((self._told(self._tracks[vehicle_id], view),))
        self._on_change(change)

    def _told(self, track: Track, shown: VehicleView | None = None) -> VehicleView:
        """Tell of a vehicle; of what readers are shown already where that is given."""
        followed = shown.followed if shown else track.followed
        known = shown.known if shown else track.known
        standings = {each.finding_id: self._workflow.standing(each.finding_id) for each in known}
        decided = self._judge(known)
        asking = [k for k in known if k.finding_id not in decided or decided[k.finding_id].shown]
        row = vehicle_row(
            track.vehicle_id,
            track.edge.site_id if track.edge else "",
            followed,
            known,
            asking,
            standings,
            track.edge,
            track.lag_second,
            track.catching_up,
        )
        return VehicleView(
            vehicle_id=track.vehicle_id,
            site_id=row.site_id,
            followed=followed,
            known=known,
            standings=standings,
            decided=decided,
            edge=track.edge,
            lag_second=track.lag_second,
            catching_up=row.catching_up,
            row=written(row, followed),
        )

    def _replaced(self, views: Sequence[VehicleView]) -> Change:
        before = self._view.vehicles
        self._view = FleetView(
            vehicles={**before, **{view.vehicle_id: view for view in views}},
            version=self._view.version + 1,
        )
        differing = [
            (view, name) for view in views for name in _differing(before.get(view.vehicle_id), view)
        ]
        return Change(tuple(views), tuple(differing))


def _differing(before: VehicleView | None, after: VehicleView) -> set[str]:
    """Name the findings that are new, gone, or said or judged differently."""
    old = _said(before) if before else {}
    new = _said(after)
    return {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}


def _said(view: VehicleView) -> dict[str, tuple[object, ...]]:
    return {
        each.finding_id: (
            each.finding.severity,
            each.finding.phenomenon,
            each.finding.location,
            each.holds,
            view.standings[each.finding_id],
            view.asks(each.finding_id),
        )
        for each in view.known
    }
