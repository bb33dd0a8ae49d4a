"""Frames to images of the bus: one for every cycle of the vehicle, and no sample twice or lost.

An image is a row to be.  Frames fill its slots; it is closed, and becomes a row with the time of
its last frame,

* when the message that ends the vehicle's cycle has come.  Which one that is shows in the pauses:
  three cycles in a row must agree on it;
* else when a message comes that the image already has, for its sample would be lost;
* else when the bus falls quiet.

All of that hangs on the frames alone, so the same frames give the same rows however they are cut
into calls.  What else a bus does is counted: unknown identifiers, short frames, repetitions, frames
older than the one before of their message, and samples that came faster than rows may.
"""

from collections.abc import Iterator, Sequence
from math import inf
from typing import Final, NamedTuple

from voltherd.edge.decode import Image
from voltherd.edge.wiring import Route, Wiring, parameter_group
from voltherd.types.frame import CanFrame

QUIET_SECOND: Final = 1.0
"""A pause this long ends an image [s]."""
BACK_SECOND: Final = 0.25
"""Frames this much older than others are a clock that was set back, not disorder [s]."""
AGREE: Final = 3
"""So many cycles in a row must end with the same message."""
_SECOND_MAX: Final = 1e11
_SLACK_SECOND: Final = 1e-6


class Counts(NamedTuple):
    """Frames since the start, and what became of those that are no plain new sample.

    Attributes:
        frames: All.
        unknown: Of identifiers that nothing is mapped of.
        short: Too short for some signal.
        repeated: The same frame again.
        late: Older than the one before of its message.
        merged: Overwritten before a row, since rows are not to come so fast.
        other_sender: Of another sender of the same parameter group.
        timeless: With a stamp that is no time.
    """

    frames: int = 0
    unknown: int = 0
    short: int = 0
    repeated: int = 0
    late: int = 0
    merged: int = 0
    other_sender: int = 0
    timeless: int = 0


class Assembly(NamedTuple):
    """What is known of the bus between two calls.

    Attributes:
        data: Payloads, slot by slot.
        at_second: When each slot was filled, by the steady clock [s].
        length: Bytes that the last frame of each slot had.
        sender: Identifier that fills each slot, -1 for none yet.
        fresh: Bit per slot: filled since the last row.
        opened_nanosecond: Wall clock at the first fresh frame, 0 for none [ns].
        closed_nanosecond: Wall clock at the last fresh frame [ns].
        image_second: Vehicle's clock at the latest fresh frame [unix s].
        last_second: Vehicle's clock at the latest frame [unix s].
        correction_second: Steady clock less vehicle's clock [s].
        row_second: Steady clock at the last row [s].
        row_vehicle_second: Vehicle's clock at the last row [unix s].
        last_slot: Slot of the last frame, -1 for none.
        pause_second: Longest pause between frames since the last row [s].
        pause_slot: Slot before that pause.
        ending: Slot that seems to end a cycle, -1 for none.
        agreed: How many cycles in a row say so.
        counts: What was counted.
    """

    data: bytes
    at_second: tuple[float, ...]
    length: tuple[int, ...]
    sender: tuple[int, ...]
    fresh: int
    opened_nanosecond: int
    closed_nanosecond: int
    image_second: float
    last_second: float
    correction_second: float
    row_second: float
    row_vehicle_second: float
    last_slot: int
    pause_second: float
    pause_slot: int
    ending: int
    agreed: int
    counts: Counts


class Jump(NamedTuple):
    """The vehicle's clock jumped: rows before and after are apart.

    Attributes:
        row: How many of the images came before it.
        from_second: What the clock said [unix s].
        to_second: What it then said [unix s].
    """

    row: int
    from_second: float
    to_second: float


class Assembled(NamedTuple):
    """Images in order of time, and where the clock jumped between them."""

    images: tuple[Image, ...]
    jumps: tuple[Jump, ...]


def init(wiring: Wiring) -> Assembly:
    """Have heard nothing."""
    slots = len(wiring.slots)
    return Assembly(
        data=bytes(wiring.image_bytes),
        at_second=(-inf,) * slots,
        length=(0,) * slots,
        sender=(-1,) * slots,
        fresh=0,
        opened_nanosecond=0,
        closed_nanosecond=0,
        image_second=-inf,
        last_second=-inf,
        correction_second=0.0,
        row_second=-inf,
        row_vehicle_second=-inf,
        last_slot=-1,
        pause_second=0.0,
        pause_slot=-1,
        ending=-1,
        agreed=0,
        counts=Counts(),
    )


def step(
    wiring: Wiring,
    state: Assembly,
    frames: Sequence[CanFrame],
    *,
    row_second_min: float = 0.05,
    forward_second: float = inf,
    now_second: float = -inf,
) -> tuple[Assembly, Assembled]:
    """Take in frames.

    Args:
        wiring: The tables.
        state: Left as it is.
        frames: In the order they were heard.
        row_second_min: Least distance of two rows [s].
        forward_second: A pause longer than this is a jump of the clock; whoever has another clock
            to compare with knows (``cycle``) [s].
        now_second: The time now by the steady clock: where no frame came and the bus has been
            quiet for ``QUIET_SECOND``, none can belong to the open image any more [s].

    Returns:
        State and closed images.
    """
    work = _Work(wiring, state, row_second_min, forward_second)
    for frame in frames:
        work.take(frame)
    work.rest(now_second)
    return work.state(), Assembled(tuple(work.images), tuple(work.jumps))


def _filled(route: Route, data: bytes) -> Iterator[int]:
    """Give the slots that a payload fills."""
    yield from route.slots
    for choice in route.choices:
        if len(data) >= choice.stop:
            part = data[choice.first : choice.stop]
            word = int.from_bytes(part if choice.big_endian else part[::-1], "big")
            chosen = choice.routes.get(word >> choice.shift & choice.mask)
            if chosen is not None:
                yield from _filled(chosen, data)


class _Work:
    """One call's scratch pad: mutable here, a value outside."""

    def __init__(
        self, wiring: Wiring, state: Assembly, row_second_min: float, forward_second: float
    ) -> None:
        self.wiring = wiring
        self.due_second = row_second_min - _SLACK_SECOND
        self.forward_second = forward_second
        self.images: list[Image] = []
        self.jumps: list[Jump] = []
        self.data = bytearray(state.data)
        self.at, self.length = list(state.at_second), list(state.length)
        self.sender = list(state.sender)
        self.fresh = state.fresh
        self.opened, self.closed = state.opened_nanosecond, state.closed_nanosecond
        self.image_second, self.last_second = state.image_second, state.last_second
        self.correction = state.correction_second
        self.row_second, self.row_vehicle = state.row_second, state.row_vehicle_second
        self.last_slot = state.last_slot
        self.pause, self.pause_slot = state.pause_second, state.pause_slot
        self.ending, self.agreed = state.ending, state.agreed
        self.count = state.counts._asdict()
        self.filled = False

    def state(self) -> Assembly:
        """Give what is known now."""
        return Assembly(
            data=bytes(self.data),
            at_second=tuple(self.at),
            length=tuple(self.length),
            sender=tuple(self.sender),
            fresh=self.fresh,
            opened_nanosecond=self.opened,
            closed_nanosecond=self.closed,
            image_second=self.image_second,
            last_second=self.last_second,
            correction_second=self.correction,
            row_second=self.row_second,
            row_vehicle_second=self.row_vehicle,
            last_slot=self.last_slot,
            pause_second=self.pause,
            pause_slot=self.pause_slot,
            ending=self.ending,
            agreed=self.agreed,
            counts=Counts(**self.count),
        )

    def take(self, frame: CanFrame) -> None:
        """Take in one frame."""
        self.count["frames"] += 1
        route = self.wiring.routes.get((frame.arbitration_id, frame.extended))
        if route is None and frame.extended:
            route = self.wiring.groups.get(parameter_group(frame.arbitration_id))
        if route is None:
            self.count["unknown"] += 1
            return
        if not -_SECOND_MAX < frame.second < _SECOND_MAX:
            self.count["timeless"] += 1
            return
        pause = frame.second - self.last_second
        if self.last_second > -inf and not -BACK_SECOND <= pause <= self.forward_second:
            self._jump(frame.second)
        elif self.last_slot >= 0:
            if pause > self.pause:
                self.pause, self.pause_slot = pause, self.last_slot
            if pause > QUIET_SECOND and self.fresh:
                self.close()
                self.pause, self.pause_slot = pause, self.last_slot
        for slot in _filled(route, frame.data):
            self._fill(slot, frame, pause)
        self.last_second = max(self.last_second, frame.second)

    def rest(self, now_second: float) -> None:
        """Close the image where nothing came and the bus is quiet."""
        latest = self.last_second + self.correction
        if self.fresh and not self.filled and now_second - latest > QUIET_SECOND:
            self.close()

    def _fill(self, slot: int, frame: CanFrame, pause: float) -> None:
        """Put a payload into its slot, closing the image before or after where it is time."""
        part = self.wiring.slots[slot]
        at, steady = self.at[slot], frame.second + self.correction
        if self.sender[slot] != frame.arbitration_id:
            if self.sender[slot] >= 0 and steady - at <= part.timeout_second:
                self.count["other_sender"] += 1
                return
            self.sender[slot] = frame.arbitration_id
        content = frame.data[: part.width]
        stop = part.offset + len(content)
        if steady <= at:
            same = content == self.data[part.offset : stop] and len(content) == self.length[slot]
            if same or steady < at:
                self.count["repeated" if same and steady == at else "late"] += 1
                return
        bit, closed = 1 << slot, False
        ends = slot == self.ending and self.agreed >= AGREE
        if self.fresh & bit:
            # What ends cycles would have closed the image already, had a row been due.
            if part.telling and not ends and steady - self.row_second >= self.due_second:
                self.close()
                self.pause, self.pause_slot = pause, self.last_slot
                closed = True
            else:
                self.count["merged"] += 1
        self.count["short"] += len(content) < part.width
        self.data[part.offset : stop] = content
        self.at[slot], self.length[slot] = steady, len(content)
        self.image_second = max(self.image_second, frame.second) if self.fresh else frame.second
        self.opened = self.opened if self.fresh else frame.heard_nanosecond
        self.closed = frame.heard_nanosecond
        self.fresh |= bit
        self.last_slot, self.filled = slot, True
        due = closed or steady - self.row_second >= self.due_second
        if slot == self.ending and self.agreed >= AGREE and due:
            self.close()

    def close(self) -> None:
        """Make a row of what is there, and take its vote on what ends a cycle."""
        steady = self.image_second + self.correction
        if steady < self.row_second:  # a frame came late; rows still never go backward
            steady, self.image_second = self.row_second, self.row_vehicle
        self.images.append(
            Image(
                second=self.image_second,
                data=bytes(self.data),
                age_second=tuple(steady - at for at in self.at),
                length=tuple(self.length),
                heard_first_nanosecond=self.opened,
                heard_last_nanosecond=self.closed,
                steady_second=steady,
            )
        )
        self.row_second, self.row_vehicle = steady, self.image_second
        self.fresh = 0
        if self.pause_slot >= 0:
            self.agreed = self.agreed + 1 if self.pause_slot == self.ending else 1
            self.ending = self.pause_slot
        self.pause, self.pause_slot = 0.0, -1

    def _jump(self, second: float) -> None:
        """Part what was heard before a jump of the clock from what comes after."""
        if self.fresh:
            self.close()
        self.jumps.append(Jump(len(self.images), self.last_second, second))
        self.correction += self.last_second - second
        self.last_second = second
        self.pause, self.pause_slot, self.last_slot = 0.0, -1, -1
