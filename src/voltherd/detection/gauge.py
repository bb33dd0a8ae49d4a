"""What is remembered of the vehicle's own gauge: readings at rest, jumps, and standing still.

At rest, reading and voltage are kept together (``anchors``).  Between rests the current is counted:
a reading that jumps while next to nothing flows, or stays while much does, needs no curve at all.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from voltherd.detection.anchors import END, UNCHANGED, Anchors, Change, change, kept, none
from voltherd.detection.memory import Memory, capacity_ah, resistance_ohm
from voltherd.detection.windows import GAP_SECOND_MAX, REST_AMPERE
from voltherd.numerics.robust import median
from voltherd.types.asset import Chemistry, Vehicle
from voltherd.types.sample import SampleBatch
from voltherd.units import SECOND_PER_DAY, SECOND_PER_HOUR

REST_SECOND: Final = 3600.0
"""Ten times the slow time constant of the presets: a load's overvoltage is gone by then."""
NEAR_AMPERE: Final = 15.0
"""An anchor's own current: a vehicle that wakes draws some; its ohmic part is taken out [A]."""
JUMP_MIN: Final = 0.03
"""Least change from one row to the next that is looked into: three steps of a coarse gauge."""
PINNED_DAYS: Final = 30.0
"""How long a stand at an end is remembered."""
JUMP_GAP_SECOND: Final = 7200.0
"""Longest silence at rest over which a changed reading can be a jump [s]."""
STILL_VOLT: Final = 0.003
STILL_VOLT_PER_SOC: Final = 0.2
"""By how much the resting cells may move, at least and for each unit of the jump, where nothing is
to have flowed: a quarter of what charge would make of them [V]."""


class Jump(NamedTuple):
    """A change of the reading that no charge explains.

    Attributes:
        second: The first row after it [unix s]; NaN for none.
        size: By how much the reading changed beyond what flowed.
    """

    second: float
    size: float


class Stand(NamedTuple):
    """How much charge moved while the reading stayed the same.

    Attributes:
        begin_second: The row that gave it first [unix s]; NaN for none.
        second: Its last row [unix s].
        soc: The reading.
        ah: Highest less lowest charge within it [Ah].
    """

    begin_second: float
    second: float
    soc: float
    ah: float


class Row(NamedTuple):
    """What the row before is remembered for.

    Attributes:
        second: When [unix s]; NaN before the first row.
        soc: Reading.
        ampere: Current [A].
        volt: Median cell [V].
        kilometre: Odometer [km]; NaN where there is none.
    """

    second: float
    soc: float
    ampere: float
    volt: float
    kilometre: float


class Gauge(NamedTuple):
    """What is known of the gauge.

    Attributes:
        anchors: Rests so far.
        change: What they say has changed.
        jump: The latest jump.
        pinned: The longest stand of late at either end of the scale that has ended.
        last: The row before.
        active_second: Last row in which current flowed [unix s].
        anchored: Whether the rest under way has given its anchor.
        flow_ah: Charge counted since the first row [Ah].
        changed_second: When the reading last changed [unix s].
        low_ah: The lowest charge since then [Ah].
        high_ah: The highest.
    """

    anchors: Anchors
    change: Change
    jump: Jump
    pinned: Stand
    last: Row
    active_second: float
    anchored: bool
    flow_ah: float
    changed_second: float
    low_ah: float
    high_ah: float

    @property
    def stand(self) -> Stand:
        """The stand under way."""
        moved = self.high_ah - self.low_ah
        return Stand(self.changed_second, self.last.second, self.last.soc, moved)


def init() -> Gauge:
    """Have seen no reading yet."""
    nan = float("nan")
    return Gauge(
        anchors=none(),
        change=UNCHANGED,
        jump=Jump(nan, 0.0),
        pinned=Stand(nan, nan, nan, 0.0),
        last=Row(nan, nan, nan, nan, nan),
        active_second=nan,
        anchored=False,
        flow_ah=0.0,
        changed_second=nan,
        low_ah=0.0,
        high_ah=0.0,
    )


class Pack(NamedTuple):
    """What the gauge is held against.

    Attributes:
        chemistry: By the asset record where it is there, else by what the voltages look like.
        told: Whether the asset record says so.
        capacity_ah: Of the pack, None while unknown [Ah].
        resistance_ohm: Of the median cell [Ω].
    """

    chemistry: Chemistry
    told: bool
    capacity_ah: float | None
    resistance_ohm: float


def pack_of(memory: Memory, asset: Vehicle | None) -> Pack:
    """Give what the gauge is held against: by the asset record, else by what has been learned."""
    cell = asset.cell_type if asset is not None else None
    capacity = asset.capacity_nominal_ah if asset is not None else None
    return Pack(
        chemistry=memory.chemistry if cell is None else cell.chemistry,
        told=cell is not None,
        capacity_ah=capacity_ah(memory) if capacity is None else capacity,
        resistance_ohm=resistance_ohm(memory),
    )


def look(gauge: Gauge, batch: SampleBatch, pack: Pack) -> Gauge:
    """Take rows into account.

    Args:
        gauge: What was known.
        batch: Rows after it; those without a reading or a current tell nothing.
        pack: Whose gauge it is; while its capacity is unknown jumps are not looked for.
    """
    soc, ampere = batch.scalar.get("soc_fraction"), batch.scalar.get("current_ampere")
    if soc is None or ampere is None:
        return gauge
    known = np.flatnonzero(np.isfinite(soc + ampere))
    if not len(known):
        return gauge
    soc, ampere = soc[known].astype(np.float64), ampere[known].astype(np.float64)
    time = batch.unix_time_second[known]
    if np.isnan(gauge.last.second):  # nothing is known of what was before the first row
        first = _row(batch, int(known[0]))
        gauge = gauge._replace(last=first, active_second=first.second, changed_second=first.second)
    before = np.concatenate([[gauge.last.soc], soc[:-1]])
    if pack.capacity_ah is not None:
        for n in np.flatnonzero(np.abs(soc - before) >= JUMP_MIN).tolist():
            earlier = gauge.last if n == 0 else _row(batch, int(known[n - 1]))
            jump = _jump(earlier, _row(batch, int(known[n])), pack.capacity_ah)
            gauge = gauge if jump is None else gauge._replace(jump=jump)
    gauge = _counted(gauge, time, ampere, before, np.flatnonzero(soc != before))
    gauge, begins = _rested(gauge, time, ampere)
    if len(begins):
        volt = median(batch.cell_voltage_volt[known[begins]], axis=1).astype(np.float64)
        volt -= pack.resistance_ohm * ampere[begins]
        anchors = kept(gauge.anchors, Anchors(time[begins], soc[begins], volt, ampere[begins]))
        changed = change(anchors, pack.chemistry, gauge.jump.second)
        gauge = gauge._replace(anchors=anchors, change=changed)
    return gauge._replace(last=_row(batch, int(known[-1])))


def _row(batch: SampleBatch, row: int) -> Row:
    odometer = batch.scalar.get("odometer_kilometre")
    return Row(
        second=float(batch.unix_time_second[row]),
        soc=float(batch.scalar["soc_fraction"][row]),
        ampere=float(batch.scalar["current_ampere"][row]),
        volt=float(median(batch.cell_voltage_volt[row], axis=0)),
        kilometre=float("nan") if odometer is None else float(odometer[row]),
    )


def _rested(
    gauge: Gauge, time: Float[np.ndarray, " t"], ampere: Float[np.ndarray, " t"]
) -> tuple[Gauge, Int[np.ndarray, " n"]]:
    """Find the rows at which a rest became long enough."""
    size = np.abs(ampere)
    if time[-1] - gauge.active_second < REST_SECOND:  # mostly: what follows is spared
        flows = np.flatnonzero(size > REST_AMPERE)
        last = float(time[flows[-1]]) if len(flows) else gauge.active_second
        return gauge._replace(anchored=False, active_second=last), flows[:0]
    active = np.empty(len(time) + 1)
    active[0], active[1:] = gauge.active_second, np.where(size > REST_AMPERE, time, -np.inf)
    np.maximum.accumulate(active, out=active)
    long = (time - active[:-1] >= REST_SECOND) & (size <= NEAR_AMPERE)
    begins = np.flatnonzero(long)
    if len(begins):
        begins = np.flatnonzero(long & ~np.concatenate([[gauge.anchored], long[:-1]]))
    return gauge._replace(anchored=bool(long[-1]), active_second=float(active[-1])), begins


def _jump(before: Row, after: Row, capacity_ah: float) -> Jump | None:
    """Give what no charge explains of a change of the reading, None where all may be explained."""
    size = after.soc - before.soc
    step = after.second - before.second
    most = max(abs(before.ampere), abs(after.ampere))
    if step > GAP_SECOND_MAX:  # what was not seen may have been a drive or a charge
        moved = abs(after.volt - before.volt)
        still = moved <= max(STILL_VOLT, STILL_VOLT_PER_SOC * abs(size))
        drove = after.kilometre > before.kilometre
        if most > REST_AMPERE or step > JUMP_GAP_SECOND or drove or not still:
            return None
    beyond = abs(size) - most * min(step, GAP_SECOND_MAX) / SECOND_PER_HOUR / capacity_ah
    return Jump(after.second, beyond if size > 0.0 else -beyond) if beyond >= JUMP_MIN else None


def _counted(
    gauge: Gauge,
    time: Float[np.ndarray, " t"],
    ampere: Float[np.ndarray, " t"],
    before: Float[np.ndarray, " t"],
    changes: Int[np.ndarray, " n"],
) -> Gauge:
    """Count the charge that moved while the reading stayed what it was."""
    step = np.minimum(time - np.concatenate([[gauge.last.second], time[:-1]]), GAP_SECOND_MAX)
    # One running sum, so that it is the same to the bit however the rows are cut.
    flow = np.concatenate([[gauge.flow_ah], ampere * step / SECOND_PER_HOUR]).cumsum()
    begin = np.concatenate([[0], changes + 1])  # the row before belongs to the stand under way
    low, high = np.minimum.reduceat(flow, begin), np.maximum.reduceat(flow, begin)
    low[0], high[0] = min(low[0], gauge.low_ah), max(high[0], gauge.high_ah)
    pinned, reading = gauge.pinned, before[changes]
    ends = [n for n, soc in enumerate(reading.tolist()) if soc <= END or soc >= 1.0 - END]
    for n in ends:
        row, begin_row = changes[n], changes[n - 1]
        second = float(time[row - 1]) if row else gauge.last.second
        began = float(time[begin_row]) if n else gauge.changed_second
        ended = Stand(began, second, float(reading[n]), float(high[n] - low[n]))
        old = not pinned.second >= second - PINNED_DAYS * SECOND_PER_DAY
        pinned = ended if old or ended.ah >= pinned.ah else pinned
    return gauge._replace(
        pinned=pinned,
        flow_ah=float(flow[-1]),
        changed_second=float(time[changes[-1]]) if len(changes) else gauge.changed_second,
        low_ah=float(low[-1]),
        high_ah=float(high[-1]),
    )
