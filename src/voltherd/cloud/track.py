"""One vehicle while it is followed: rows in order go straight in, everything else by a replay."""

import logging
import math
from collections.abc import Iterator
from math import inf, nextafter
from typing import Final

from voltherd.cloud.finding_names import Known, named
from voltherd.cloud.follow import Followed, advance, alike, begin, follows, glance
from voltherd.cloud.replay import Assets, Progress, Telemetry, replay
from voltherd.cloud.resume import States, dump, load
from voltherd.cloud.slicing import Shelf, Slicer
from voltherd.cloud.usage import Usage
from voltherd.cloud.workflow import Workflow
from voltherd.detection.verdict import Book
from voltherd.errors import UnreadableError
from voltherd.triage.findings import told
from voltherd.types.asset import Vehicle
from voltherd.types.record import EdgeState, Record
from voltherd.types.sample import SampleBatch
from voltherd.units import SECOND_PER_HOUR
from voltherd.wire.chunk import decode_chunk

log = logging.getLogger(__name__)
RETRY_SECOND: Final = 60.0
"""A vehicle that could not be rebuilt is tried again after so long [s]."""
QUIET_SECOND: Final = 2.0
"""Late rows come in company: a replay waits so long for the others [s]."""


class Track:
    """One vehicle; used by one thread at a time."""

    def __init__(
        self,
        vehicle_id: str,
        telemetry: Telemetry,
        assets: Assets,
        shelf: Shelf | None = None,
        states: States | None = None,
    ) -> None:
        self.vehicle_id = vehicle_id
        self.followed: Followed | None = None
        self.known: tuple[Known, ...] = ()
        self.edge: EdgeState | None = None
        self.lag_second = math.nan
        self._telemetry = telemetry
        self._assets = assets
        self._replay: Iterator[Progress] | None = None
        self._position_second = -math.inf
        self._again = False
        self._due_second = math.inf
        self._sure = -1
        self._told: Book | None = None
        self._shelf = shelf
        self._states = states
        self._kept: Usage | None = None
        self._slicer = Slicer(shelf, vehicle_id) if shelf else None

    @property
    def catching_up(self) -> bool:
        """Whether what it says may still change by rows that are in the store already."""
        return self._replay is not None or self._due_second < math.inf

    def read_again(self, now_second: float) -> None:
        """Ask for a replay.

        Args:
            now_second: From when on it may begin [s, monotonic].
        """
        if self._replay is not None:
            self._again = True
        else:
            self._due_second = min(self._due_second, now_second)

    def committed(self, record: Record, ticket: int, now_second: float) -> bool:
        """Take in a committed telemetry record; say whether anything is new to readers.

        Args:
            record: What was committed.
            ticket: Its place among all that was committed.
            now_second: Monotonic time [s].
        """
        if ticket <= self._sure:
            return False  # a replay that began later has read it
        if self._replay is not None:
            self._again |= record.first_second < self._position_second
            return False
        if self._due_second < math.inf:
            return False  # the replay to come will read it
        try:
            batch = decode_chunk(record.body, self.vehicle_id)
        except UnreadableError as error:
            log.warning("%s record %s is not shown: %s", self.vehicle_id, record.key, error)
            return False
        if self.followed is None:
            self.followed = begin(batch, self._assets.vehicle(self.vehicle_id))
        rows = alike(self.followed, batch)
        if rows is None or not follows(self.followed, rows):
            self.read_again(now_second + QUIET_SECOND)
            return True
        # A twin lives with its vehicle: rows that no edge heard, imported ones, are history to it.
        heard = record.heard_last_nanosecond > 0
        self.followed = advance(self.followed, rows, with_twin=heard)
        if self._slicer:
            self._slicer.add(rows)
        return True

    def seen_live(self, batch: SampleBatch) -> bool:
        """Show live rows; say whether they could be shown."""
        if self.followed is None:
            self.followed = begin(batch, self._assets.vehicle(self.vehicle_id))
        rows = alike(self.followed, batch)
        if rows is None or self._replay is not None:
            return False
        self.followed = glance(self.followed, rows)
        return True

    def work(self, now_second: float, ticket: int) -> bool:
        """Do a piece of replay where one is due; say whether there was one to do.

        Args:
            now_second: Monotonic time [s].
            ticket: Of the newest record that was committed before this call.
        """
        if self._replay is None:
            if now_second < self._due_second:
                return False
            self._due_second, self._again = math.inf, False
            self._position_second = -math.inf
            self._slicer = Slicer(self._shelf, self.vehicle_id) if self._shelf else None
            asset = self._assets.vehicle(self.vehicle_id)
            taken = self._slicer.add if self._slicer else _nothing
            resumed = self._resumed(asset) if self.followed is None else None
            self._replay = replay(self._telemetry, self.vehicle_id, asset, taken, resumed)
        try:
            progress = next(self._replay)
        except Exception:
            # One vehicle that cannot be followed must not hold up the others.
            log.exception("%s could not be rebuilt; it is tried again", self.vehicle_id)
            self._replay = None
            self.read_again(now_second + RETRY_SECOND)
            return True
        self._position_second = progress.position_second
        if progress.followed is not None:
            self.followed = progress.followed
        if progress.done:
            self._replay = None
            self._sure = ticket
            if self._again:
                self.read_again(now_second + QUIET_SECOND)
        return True

    def _resumed(self, asset: Vehicle | None) -> Followed | None:
        """Give the vehicle as it was kept, where the store holds just the rows it was kept with."""
        body = self._states.state(self.vehicle_id) if self._states else None
        found = load(body, asset) if body else None
        if self._states is None or found is None:
            return None
        last = found.usage.last_second
        if self._states.rows_until(self.vehicle_id, last) != found.usage.rows:
            return None
        self._kept = found.usage
        if self._slicer:  # the hour under way was only in memory
            hour = SECOND_PER_HOUR * (last // SECOND_PER_HOUR)
            rows = self._telemetry.read(self.vehicle_id, hour, nextafter(last, inf))
            self._slicer.add(rows)
        return found

    def keep(self) -> bool:
        """Keep the vehicle for a restart, unless it is kept; say whether there was need to."""
        followed = self.followed
        if self._states is None or followed is None or self.catching_up:
            return False
        if self._kept is followed.usage or not followed.usage.rows:
            return False
        self._states.put_state(self.vehicle_id, dump(followed))
        self._kept = followed.usage
        return True

    def judge(self, workflow: Workflow, now_second: float) -> bool:
        """Renew the findings where detection has judged; say whether it has.

        Args:
            workflow: What people did about findings.
            now_second: The fleet's time [unix s].
        """
        if self.followed is None or self._replay is not None:
            return False
        detection = self.followed.detection
        if detection.book is self._told:
            return False
        self._told = detection.book
        names = detection.open_rows.cell_names
        self.known = named(self.vehicle_id, told(detection, names), workflow.adopted())
        workflow.reopened(self.known, now_second)
        return True


def _nothing(_: SampleBatch) -> None:
    """Take no notes."""
