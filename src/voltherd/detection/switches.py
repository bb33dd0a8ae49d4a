"""Main contactors that do not do what they are told: welded, or without closing.

The command says what should be; current and the voltage beyond the contactors (the outlet) say
what is.  Told to be open, an outlet that stays at the cells' sum, or a current that flows, means
contacts that conduct: welded, as they are when they part or close under load.  Told to be closed,
an outlet at nothing, or a pack that gives nothing while its vehicle drives, means that they do not.

Switching takes time: closing waits for the pre-charge, opening for the current to fade, and the
capacitors of the bus keep their voltage for a minute or two where only resistors discharge them.
So a contradiction must stand: shortly where current and voltage agree, for minutes where the
voltage speaks alone.  A channel that has never shown both its states is not believed: an outlet
that always reads nothing is not fitted.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.detection.verdict import Verdict
from voltherd.types.channel import SCALARS
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity
from voltherd.types.sample import SampleBatch

CAUSE_CLOSED: Final = "switch_closed"
CAUSE_OPEN: Final = "switch_open"
CAUSES: Final = (CAUSE_CLOSED, CAUSE_OPEN)
COMMAND: Final = "contactor_command_state"
OUTLET: Final = "outlet_voltage_volt"
LIVE_SHARE: Final = 0.9
"""Of the cells' sum: an outlet from here on is joined to them."""
DEAD_SHARE: Final = 0.1
"""Below it the outlet is not; between the two it is on its way."""
ACCURACY_AMPERE: Final = SCALARS["current_ampere"].accuracy
FLOWS_AMPERE: Final = 4.0 * ACCURACY_AMPERE
"""With a live outlet beside it: beyond the zero of any sensor in order [A]."""
FLOWS_ALONE_AMPERE: Final = 10.0 * ACCURACY_AMPERE
"""Without an outlet in the record: no zero is so far off unseen [A]."""
NOTHING_AMPERE: Final = 2.0 * ACCURACY_AMPERE
DRIVING_KILOMETRE_PER_HOUR: Final = 5.0
STANDSTILL_SHARE: Final = 0.003
"""Of the cells' sum: no pack that drives a vehicle keeps to that for minutes; and an outlet that
keeps its value to the bit while the sum moves by more is frozen."""
ROWS_MIN: Final = 3
AGREED_SECOND: Final = 20.0
"""How long a current that flows past open contactors must: commands and currents are read apart."""
ALONE_SECOND: Final = 180.0
"""How long a live outlet alone must stand: capacitors have run down by then."""
OPEN_SECOND: Final = 60.0
"""How long closed contactors may take: a pre-charge that is tried three times."""
AGAIN_SECOND: Final = 3600.0
"""A contradiction that goes on is renewed every hour."""
SURE: Final = 20.0
LIKELY: Final = 12.0


class Run(NamedTuple):
    """Rows in a row that contradict the command; blank between them.

    Attributes:
        cause: Which contradiction, empty for none.
        since_second: Its first row [unix s].
        rows: How many.
        agreed: Whether current and outlet both contradict, in any row.
        ampere: Largest current, either way [A].
        outlet: Lowest and highest outlet voltage; NaN where unknown [V].
        total: Lowest and highest sum of the cells [V].
        told_second: When it was last told; NaN for not yet [unix s].
    """

    cause: str
    since_second: float
    rows: int
    agreed: bool
    ampere: float
    outlet: tuple[float, float]
    total: tuple[float, float]
    told_second: float


_NAN: Final = float("nan")
NO_RUN: Final = Run("", _NAN, 0, False, 0.0, (_NAN, _NAN), (_NAN, _NAN), _NAN)


class Switches(NamedTuple):
    """What is known of the main contactors.

    Attributes:
        seen_live: Whether the outlet ever stood at the cells' sum.
        seen_dead: Whether it ever stood at nothing.
        run: The contradiction under way.
        standing: Causes that were told and not refuted since.
    """

    seen_live: bool
    seen_dead: bool
    run: Run
    standing: tuple[str, ...]


UNKNOWN: Final = Switches(seen_live=False, seen_dead=False, run=NO_RUN, standing=())
Told = tuple[float, tuple[Verdict, ...], tuple[str, ...]]
"""When [unix s], what is said, and which causes were judged."""


class _Rows(NamedTuple):
    """What the judging of rows needs of them."""

    second: Float[np.ndarray, " t"]
    closed: Float[np.ndarray, " t"]
    ampere: Float[np.ndarray, " t"]
    outlet: Float[np.ndarray, " t"]
    total: Float[np.ndarray, " t"]
    driving: Float[np.ndarray, " t"]


def look(switches: Switches, batch: SampleBatch) -> tuple[Switches, tuple[Told, ...]]:
    """Look at every row; costs nothing where the command is not recorded.

    Args:
        switches: What was known.
        batch: Further rows.

    Returns:
        What is known now, and what is said at which row.
    """
    command = batch.scalar.get(COMMAND)
    if command is None or not batch.cells:
        return switches, ()
    rows = _rows(batch, command)
    live, dead = rows.outlet >= LIVE_SHARE * rows.total, rows.outlet <= DEAD_SHARE * rows.total
    ever_live = switches.seen_live | np.logical_or.accumulate(live)
    ever_dead = switches.seen_dead | np.logical_or.accumulate(dead)
    blind = np.isnan(rows.outlet)
    flow = np.abs(rows.ampere)
    is_open, is_closed = rows.closed == 0.0, rows.closed == 1.0
    passes = np.where(blind, flow >= FLOWS_ALONE_AMPERE, live & ever_dead)
    fails = np.where(
        blind,
        (rows.driving == 1.0) & (flow < NOTHING_AMPERE),
        dead & ever_live & ~(flow >= FLOWS_AMPERE),
    )
    welded, idle = is_open & passes, is_closed & fails
    sound_open = is_open & ~passes & (blind | dead)
    sound_closed = is_closed & ~fails & ((flow >= FLOWS_AMPERE) | live)
    agreed = welded & live & (flow >= FLOWS_AMPERE)
    switches = switches._replace(seen_live=bool(ever_live[-1]), seen_dead=bool(ever_dead[-1]))
    if not switches.run.rows and not switches.standing and not (welded | idle).any():
        return switches, ()
    told: list[Told] = []
    known = np.flatnonzero(is_open | is_closed)
    for n in known.tolist():
        if welded[n] or idle[n]:
            cause = CAUSE_CLOSED if welded[n] else CAUSE_OPEN
            run = _gone_on(switches.run, cause, rows, n, bool(agreed[n]))
            if _tells(run, float(rows.second[n])):
                run = run._replace(told_second=float(rows.second[n]))
                told.append((run.told_second, (_verdict(run, run.told_second),), (cause,)))
                standing = tuple(dict.fromkeys((*switches.standing, cause)))
                switches = switches._replace(standing=standing)
            switches = switches._replace(run=run)
            continue
        switches = switches._replace(run=NO_RUN)
        refuted = CAUSE_CLOSED if sound_open[n] else CAUSE_OPEN if sound_closed[n] else ""
        if refuted in switches.standing:
            standing = tuple(cause for cause in switches.standing if cause != refuted)
            switches = switches._replace(standing=standing)
            told.append((float(rows.second[n]), (), (refuted,)))
    return switches, tuple(told)


def _rows(batch: SampleBatch, command: Float[np.ndarray, " t"]) -> _Rows:
    unknown = np.full(batch.rows, np.nan)
    speed = batch.scalar.get("speed_kilometre_per_hour", unknown)
    return _Rows(
        second=batch.unix_time_second,
        closed=np.where(np.isnan(command), np.nan, command >= 0.5),
        ampere=batch.scalar.get("current_ampere", unknown),
        outlet=batch.scalar.get(OUTLET, unknown),
        total=np.add.reduce(batch.cell_voltage_volt, axis=1, dtype=np.float64),
        driving=np.where(np.isnan(speed), np.nan, speed > DRIVING_KILOMETRE_PER_HOUR),
    )


def _gone_on(run: Run, cause: str, rows: _Rows, n: int, agreed: bool) -> Run:
    """Take a row into the run, or begin one with it."""
    if run.cause != cause:
        run = NO_RUN._replace(cause=cause, since_second=float(rows.second[n]))
    ampere = float(rows.ampere[n])
    return run._replace(
        rows=run.rows + 1,
        agreed=run.agreed or agreed,
        ampere=ampere if abs(ampere) > abs(run.ampere) else run.ampere,
        outlet=_widened(run.outlet, float(rows.outlet[n])),
        total=_widened(run.total, float(rows.total[n])),
    )


def _widened(span: tuple[float, float], value: float) -> tuple[float, float]:
    return float(np.fmin(span[0], value)), float(np.fmax(span[1], value))


def _tells(run: Run, now_second: float) -> bool:
    """Whether a run is long enough to be told, now or again."""
    lasted = now_second - run.since_second
    still = run.total[1] - run.total[0] <= STANDSTILL_SHARE * run.total[1]
    blind = np.isnan(run.outlet[0])
    if now_second - run.told_second < AGAIN_SECOND or run.rows < ROWS_MIN:
        return False
    if run.cause == CAUSE_CLOSED:
        frozen = run.outlet[0] == run.outlet[1] and not still
        return not frozen and lasted >= (AGREED_SECOND if run.agreed or blind else ALONE_SECOND)
    if blind:
        return lasted >= ALONE_SECOND and still
    return lasted >= OPEN_SECOND


def _verdict(run: Run, now_second: float) -> Verdict:
    welded, blind = run.cause == CAUSE_CLOSED, np.isnan(run.outlet[0])
    numbers = {"ampere": run.ampere, "second": now_second - run.since_second}
    if not blind:
        numbers |= {"outlet_volt": run.outlet[1], "sum_volt": run.total[1]}
    return Verdict(
        cause=run.cause,
        phenomenon=Phenomenon.SWITCH_STUCK_CLOSED if welded else Phenomenon.SWITCH_STUCK_OPEN,
        location=Location(kind=LocationKind.PACK),
        severity=Severity.SAFETY if welded else Severity.RECOMMENDED,
        score=SURE if run.agreed or not (welded or blind) else LIKELY,
        persistence=1,
        numbers=numbers,
    )
