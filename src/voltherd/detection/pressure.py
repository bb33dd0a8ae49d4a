"""Gas inside the pack: the pressure jumps, as it does when a cell vents.

Looked for in every single row: a cell that vents fills the housing within seconds, and its valve
lets the gas out within minutes.  What else moves the pressure is slower or smaller: the weather by
a tenth of a kilopascal an hour, the steepest road by 30 Pa/s, the warmth of a charge by a
kilopascal or two.  A reading that is back in the next row was the sensor.
"""

from typing import Final, NamedTuple

import numpy as np

from voltherd.detection.verdict import Verdict
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity
from voltherd.types.sample import SampleBatch

CAUSE: Final = "pressure"
CHANNEL: Final = "pressure_pascal"
STEP_PASCAL: Final = 3000.0
"""Rise within a minute, three times what the channel is declared to be right within [Pa]."""
HELD_PASCAL: Final = 1000.0
"""What must be left of it in the rows that follow; below, all is over [Pa]."""
FAR_PASCAL: Final = 10_000.0
"""Rise over a silence in which the vehicle drove, which 800 m downhill make [Pa]."""
ROWS_MIN: Final = 2
STEP_SECOND: Final = 60.0
OVER_SECOND: Final = 7200.0
"""After it a higher pressure is the new usual one [s]."""
ROWS_KEPT: Final = 128
"""Bounds what is remembered of the last minute at any sampling rate."""


class Recent(NamedTuple):
    """One row of the last minute: when [unix s], pressure [Pa]."""

    second: float
    pascal: float


class Vent(NamedTuple):
    """What a row must know of those before it.

    Attributes:
        recent: Rows of the last minute, the last one always.
        kilometre: Odometer in the last row, NaN where there is none.
        reference_pascal: Lowest pressure just before a rise that still holds; NaN for none [Pa].
        begin_second: First row of the rise [unix s].
        peak_pascal: Highest pressure since [Pa].
        rows: Rows in which it has held.
    """

    recent: tuple[Recent, ...]
    kilometre: float
    reference_pascal: float
    begin_second: float
    peak_pascal: float
    rows: int


CALM: Final = Vent((), float("nan"), float("nan"), float("nan"), float("nan"), 0)


def look(vent: Vent, batch: SampleBatch) -> tuple[Vent, tuple[tuple[float, Verdict], ...]]:
    """Look at every row.

    Args:
        vent: What came before.
        batch: Further rows.

    Returns:
        What to remember, and verdicts with the time of their row [unix s].
    """
    pascal = batch.scalar.get(CHANNEL)
    if pascal is None:
        return vent, ()
    known = np.flatnonzero(np.isfinite(pascal))
    if not len(known):
        return vent, ()
    pressure = pascal[known].astype(np.float64)
    odometer = batch.scalar.get("odometer_kilometre")
    way = np.full(len(known), np.nan) if odometer is None else odometer[known].astype(np.float64)
    time = batch.unix_time_second[known]
    lowest = min([float(pressure.min()), *(row.pascal for row in vent.recent)])
    if np.isnan(vent.reference_pascal) and pressure.max() - lowest < STEP_PASCAL:
        late = time >= time[-1] - STEP_SECOND  # mostly: nothing has happened
        rows = zip(time[late].tolist(), pressure[late].tolist(), strict=True)
        recent = _minute((*vent.recent, *(Recent(*row) for row in rows)), float(time[-1]))
        return vent._replace(recent=recent, kilometre=float(way[-1])), ()
    verdicts = []
    for second, value, kilometre in zip(
        time.tolist(), pressure.tolist(), way.tolist(), strict=True
    ):
        vent = _next(vent, Recent(second, value), kilometre)
        if vent.rows >= ROWS_MIN:
            verdicts.append((second, _verdict(vent)))
    return vent, tuple(verdicts)


def _next(vent: Vent, row: Recent, kilometre: float) -> Vent:
    recent = _minute((*vent.recent, row), row.second)
    before, vent = vent, vent._replace(recent=recent, kilometre=kilometre)
    if not np.isnan(before.reference_pascal):
        held = row.pascal - before.reference_pascal >= HELD_PASCAL
        if held and row.second - before.begin_second <= OVER_SECOND:
            return vent._replace(
                peak_pascal=max(before.peak_pascal, row.pascal), rows=before.rows + 1
            )
        vent = vent._replace(reference_pascal=float("nan"), rows=0)
    if not before.recent:
        return vent
    gone = before.recent[-1]
    silent = row.second - gone.second > STEP_SECOND
    drove = silent and not kilometre <= before.kilometre  # an unknown way may have been any
    low = gone.pascal if silent else min(r.pascal for r in recent)
    if row.pascal - low < (FAR_PASCAL if drove else STEP_PASCAL):
        return vent
    return vent._replace(
        reference_pascal=low, begin_second=row.second, peak_pascal=row.pascal, rows=1
    )


def _minute(rows: tuple[Recent, ...], now_second: float) -> tuple[Recent, ...]:
    kept = tuple(row for row in rows if row.second >= now_second - STEP_SECOND)
    return kept[-ROWS_KEPT:]


def _verdict(vent: Vent) -> Verdict:
    rise = vent.peak_pascal - vent.reference_pascal
    return Verdict(
        cause=CAUSE,
        phenomenon=Phenomenon.PACK_PRESSURE,
        location=Location(kind=LocationKind.PACK),
        severity=Severity.SAFETY,
        score=rise / (STEP_PASCAL / 3.0),
        persistence=1,
        event=True,
        numbers={"rise": rise, "before": vent.reference_pascal, "since_second": vent.begin_second},
    )
