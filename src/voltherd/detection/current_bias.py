"""A current that reads what does not flow: the sensor's zero has moved.

A shunt's error is the same whatever flows, so it is seen where what flows is known:

* **Idle**: between two stretches of load the current comes back to one level, stop after stop: what
  the auxiliaries draw.  Where that is known to be steady, a change of the level is the sensor.  In
  a vehicle heaters come and go, so there only a *charging* current counts: nothing charges a
  vehicle that stands between two stretches of driving.
* **Rest**: hours of the same small current must move the open-circuit voltage; where the cells
  stand still, it does not flow.  Both signs are seen.
* **Open**: with the contactors open, which the pack's terminal voltage tells, nothing flows.

What an offset does to the voltage while driving is next to nothing: a hundredth of the capacity per
hour through some 50 mΩ·Ah is half a millivolt, and voltage models are off by ten times that from
one minute to the next.  Driving alone tells it after hours, through the charge that is missing.
"""

from collections.abc import Iterable
from math import isnan
from typing import Final, NamedTuple

import numpy as np

from voltherd.detection.gauge import Pack
from voltherd.detection.pack_sum import OPEN_SHARE
from voltherd.detection.verdict import Verdict
from voltherd.detection.windows import GAP_SECOND_MAX, STANDING_KILOMETRE_PER_HOUR
from voltherd.types.asset import Chemistry
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity
from voltherd.types.sample import SampleBatch
from voltherd.units import SECOND_PER_HOUR

CAUSE: Final = "current_bias"
CHANNEL: Final = "current_ampere"
SMALL: Final = 0.15
"""Largest idle current looked at, per ampere-hour of capacity [1/h]."""
ALIKE: Final = 0.005
"""Readings of one level differ from its mean by no more: a converter's step and noise [1/h]."""
DEPARTURE: Final = 0.007
"""Least change of the level that is told of: a sensor's zero wanders by a third of it [1/h]."""
RECOMMENDED: Final = 0.02
"""From here on a gauge that counts goes wrong by two points of charge an hour [1/h]."""
CHARGING: Final = 0.01
"""Least charging current at a vehicle's stops that cannot be [1/h]."""
LEVEL_SECOND: Final = 2.0
"""A level lasts so long at least: two readings within less are one [s]."""
STOP_SECOND_MAX: Final = 300.0
"""A longer stand may be a charge [s]."""
LEVELS_KEPT: Final = 32
LEVELS_MIN: Final = 8
STEADY_SHARE: Final = 0.6
"""Share of the levels that must agree before there is a usual one."""
READINGS_MIN: Final = 7
"""Readings at one other level, at a stop or several, that are no chance within a load."""
STOPS_MIN: Final = 3
SETTLED_SECOND: Final = 3600.0
"""Until then after a load the voltage moves by itself [s]."""
STILL_SHARE: Final = 0.25
"""Share of the expected movement of the voltage below which the current did not flow."""
EXPECTED_VOLT: Final = 0.010
"""Movement that must be expected before its absence tells: ten steps of a cell's reading [V]."""
SLOPE_VOLT: Final = 0.6
"""Of the open-circuit voltage of oxides over most of their charge, on its low side [V]."""
SILENCE_SECOND_MAX: Final = 7200.0
OPEN_ROWS: Final = 2
_NAN: Final = float("nan")


class Level(NamedTuple):
    """A stretch of rows with one small current.

    Attributes:
        begin_second: Its first row [unix s].
        second: Its last row [unix s].
        rows: How many; 0 for none.
        total: Sum of their currents [A].
        settled_second: First row an hour after the beginning [unix s]; NaN before.
        settled_volt: Mean cell in it [V].
        open_rows: Rows at its end in which the contactors were open.
        counted: Whether it has been entered among the levels.
        moved_second: When the vehicle last moved before it [unix s]; NaN where it has not.
    """

    begin_second: float = _NAN
    second: float = _NAN
    rows: int = 0
    total: float = 0.0
    settled_second: float = _NAN
    settled_volt: float = _NAN
    open_rows: int = 0
    counted: bool = False
    moved_second: float = _NAN

    @property
    def ampere(self) -> float:
        """Its mean current [A]."""
        return self.total / max(self.rows, 1)


class Zero(NamedTuple):
    """What is known of a current sensor's zero.

    Attributes:
        level: The level under way.
        usual: Levels of late, oldest first [A].
        astray: Levels since then that are not as usual [A], with the readings of each.
        loaded: Whether a load, or driving, has come after the level.
        moved_second: When the vehicle last moved [unix s]; NaN where it has not.
        stops: Currents at its latest stops between stretches of driving [A].
    """

    level: Level
    usual: tuple[float, ...]
    astray: tuple[tuple[float, int], ...]
    loaded: bool
    moved_second: float
    stops: tuple[float, ...]


class Scale(NamedTuple):
    """What currents and voltages are held against.

    Attributes:
        capacity_ah: Of the pack [Ah].
        slope_volt: Of a cell's open-circuit voltage over its charge, about where it stands; 0
            where the voltage does not tell the charge [V].
        steady: Whether what draws while it idles is always the same.
    """

    capacity_ah: float
    slope_volt: float
    steady: bool = False


def scale_of(pack: Pack) -> Scale | None:
    """Give what a vehicle's currents are held against, None while its capacity is not known."""
    if pack.capacity_ah is None:
        return None
    return Scale(pack.capacity_ah, 0.0 if pack.chemistry is Chemistry.LFP else SLOPE_VOLT)


Judged = tuple[tuple[float, Verdict], ...]
NOTHING: Final[Judged] = ()


def init() -> Zero:
    """Know nothing of a sensor yet."""
    return Zero(Level(), (), (), loaded=False, moved_second=_NAN, stops=())


def look(zero: Zero, batch: SampleBatch, scale: Scale) -> tuple[Zero, Judged]:
    """Look at every row.

    Args:
        zero: What was known.
        batch: Further rows.
        scale: Whose sensor it is.

    Returns:
        What is known now, and verdicts with the time of their row [unix s].
    """
    current = batch.scalar.get(CHANNEL)
    if current is None or not batch.rows or not batch.cells:
        return zero, ()
    speed = batch.scalar.get("speed_kilometre_per_hour")
    time = batch.unix_time_second
    known = np.isfinite(current)
    moving = np.zeros(batch.rows, bool) if speed is None else speed > STANDING_KILOMETRE_PER_HOUR
    idle = known & (np.abs(current) <= SMALL * scale.capacity_ah) & ~moving
    rows = np.flatnonzero(idle)
    driven = np.concatenate([[zero.moved_second], np.where(moving, time, _NAN)])
    driven = np.fmax.accumulate(driven)
    load = np.cumsum(np.concatenate([[zero.loaded], known & ~idle]))[1:]
    loads = np.concatenate([[0], load[rows]])
    volt = batch.cell_voltage_volt[rows].astype(np.float64).mean(axis=1)
    pack = batch.scalar.get("voltage_volt")
    off = np.zeros(len(rows), bool)
    if pack is not None:
        off = pack[rows] < OPEN_SHARE * volt * batch.cells
    after = loads[1:] > loads[:-1]
    columns = (time[rows], current[rows].astype(np.float64), volt, off, after, driven[rows])
    zero, judged = _followed(zero, zip(*(c.tolist() for c in columns), strict=True), scale)
    loaded = bool(load[-1] > loads[-1])
    return zero._replace(loaded=loaded, moved_second=float(driven[-1])), judged


def _followed(
    zero: Zero, rows: Iterable[tuple[float, float, float, bool, bool, float]], scale: Scale
) -> tuple[Zero, Judged]:
    """Follow levels; rows are time, current, volt, contactors open, after a load, last moved."""
    judged: list[tuple[float, Verdict]] = []
    near, least = ALIKE * scale.capacity_ah, DEPARTURE * scale.capacity_ah
    steady = scale.steady
    # By its parts: a level for every row would cost more than all that is asked of it.
    begin, last, count, total, settled, settled_volt, opened, counted, came = zero.level
    for second, ampere, volt, off, after_load, moved in rows:
        verdict = None
        if (
            after_load
            or not count
            or second - last > SILENCE_SECOND_MAX
            or abs(ampere - total / count) > near
        ):
            if counted:
                level = Level(
                    begin, last, count, total, settled, settled_volt, opened, counted, came
                )
                zero, verdict = _ended(zero, level, moved, scale)
            begin, count, total, came = second, 1, ampere, moved
            settled, settled_volt, opened, counted = _NAN, _NAN, int(off), False
        else:
            held = second - begin
            if held >= SETTLED_SECOND and isnan(settled):
                settled, settled_volt = second, volt
            count, total = count + 1, total + ampere
            opened = opened + 1 if off else 0
            counted = counted or held >= LEVEL_SECOND
            tells = opened >= OPEN_ROWS or held >= SETTLED_SECOND or steady
            if tells and abs(total) >= least * count:
                level = Level(
                    begin, second, count, total, settled, settled_volt, opened, counted, came
                )
                verdict = _open(level, scale) or _rest(level, volt, scale)
                if verdict is None and steady and counted:
                    verdict = _idle(zero, level, scale)
        last = second
        if verdict is not None:
            judged.append((second, verdict))
    level = Level(begin, last, count, total, settled, settled_volt, opened, counted, came)
    return zero._replace(level=level), tuple(judged)


def _ended(
    zero: Zero, level: Level, moved_second: float, scale: Scale
) -> tuple[Zero, Verdict | None]:
    """Enter a level that has ended."""
    if scale.steady:
        zero = _entered(zero, level, scale.capacity_ah)
    stops = _stopped(zero.stops, level, moved_second, scale)
    return zero._replace(stops=stops), _stop(zero.stops, stops, scale)


def _entered(zero: Zero, level: Level, capacity_ah: float) -> Zero:
    """Enter a level that has ended: among the usual ones, or among those astray."""
    usual = _usual(zero.usual, capacity_ah)
    if usual is None or abs(level.ampere - usual) < DEPARTURE * capacity_ah:
        # What strayed within a load is forgotten with the first level that is as usual.
        kept = (*zero.usual, level.ampere)[-LEVELS_KEPT:]
        return zero._replace(usual=kept, astray=())
    return zero._replace(astray=(*zero.astray, (level.ampere, level.rows))[-LEVELS_KEPT:])


def _usual(levels: tuple[float, ...], capacity_ah: float) -> float | None:
    """Give the level that most agree on, None while there is none."""
    if len(levels) < LEVELS_MIN:
        return None
    middle = sorted(levels)[len(levels) // 2]
    agree = [a for a in levels if abs(a - middle) <= ALIKE * capacity_ah]
    return sum(agree) / len(agree) if len(agree) >= STEADY_SHARE * len(levels) else None


def _idle(zero: Zero, level: Level, scale: Scale) -> Verdict | None:
    usual = _usual(zero.usual, scale.capacity_ah)
    least = DEPARTURE * scale.capacity_ah
    if usual is None or min(abs(level.ampere - usual), abs(level.ampere)) < least:
        return None  # as usual, or nothing at all: what drew is off
    near = ALIKE * scale.capacity_ah
    agree = [rows for ampere, rows in zero.astray if abs(ampere - level.ampere) <= near]
    if level.rows + sum(agree) < READINGS_MIN:
        return None
    moved = level.ampere - usual
    return _verdict(moved, scale, idle=moved, levels=float(1 + len(agree)))


def _stopped(
    stops: tuple[float, ...], level: Level, moved_second: float, scale: Scale
) -> tuple[float, ...]:
    """Enter the level that ended if it was a stop between two stretches of driving."""
    came = level.begin_second - level.moved_second <= GAP_SECOND_MAX
    short = level.second - level.begin_second <= STOP_SECOND_MAX
    if not (came and short and moved_second > level.second):
        return stops
    now, near = level.ampere, ALIKE * scale.capacity_ah
    return (*(a for a in stops if abs(a - now) <= near), now)[-LEVELS_KEPT:]


def _stop(before: tuple[float, ...], stops: tuple[float, ...], scale: Scale) -> Verdict | None:
    if stops is before or len(stops) < STOPS_MIN:
        return None
    least = sum(stops) / len(stops)
    if least < CHARGING * scale.capacity_ah:
        return None
    return _verdict(least, scale, stop=least, levels=float(len(stops)))


def _open(level: Level, scale: Scale) -> Verdict | None:
    if level.open_rows < OPEN_ROWS:
        return None
    return _verdict(level.ampere, scale, open=level.ampere, levels=float(level.open_rows))


def _rest(level: Level, volt: float, scale: Scale) -> Verdict | None:
    """Hold the charge that a rest's current would have moved against the voltage."""
    hours = (level.second - level.settled_second) / SECOND_PER_HOUR
    expected = scale.slope_volt * level.ampere * hours / scale.capacity_ah
    if not abs(expected) >= EXPECTED_VOLT:
        return None
    if not abs(volt - level.settled_volt) <= STILL_SHARE * abs(expected):
        return None
    return _verdict(level.ampere, scale, rest=level.ampere, hours=hours, expected_volt=expected)


def _verdict(ampere: float, scale: Scale, **numbers: float) -> Verdict:
    rate = abs(ampere) / scale.capacity_ah
    return Verdict(
        cause=CAUSE,
        phenomenon=Phenomenon.SENSOR_BIAS,
        location=Location(kind=LocationKind.CHANNEL, channel=CHANNEL),
        severity=Severity.RECOMMENDED if rate >= RECOMMENDED else Severity.OPERATING,
        score=rate / (DEPARTURE / 3.0),
        persistence=1,
        event=True,
        numbers={**numbers, "ampere": ampere, "rate": rate},
    )
