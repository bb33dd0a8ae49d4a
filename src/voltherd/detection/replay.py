"""A record that repeats itself, or stands still while the vehicle goes on.

No two rows of a pack in use are alike: dozens of cells each with the noise of its own converter.
A stretch of rows that comes again, value for value and in the same order, was sent before: replayed
by somebody, or sent twice by a buffer.  Rows that stay the same while the vehicle drives, while the
current changes or while charge flows, are one old row sent again and again.

Rows are known by a hash of cells, pack voltage and current.  Of every eight hashes one is kept,
chosen by its own value, so that a stretch and its copy keep the same ones, wherever they begin:
winnowing, Schleimer, Wilkerson and Aiken, SIGMOD (2003) 76.  A copy to which noise was added is
not found by this.
"""

from math import isnan
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int, UInt64

from voltherd.detection.current_bias import Scale
from voltherd.detection.verdict import Verdict
from voltherd.detection.windows import GAP_SECOND_MAX
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity
from voltherd.types.sample import SampleBatch
from voltherd.units import SECOND_PER_HOUR

REPLAY: Final = "tampering.replay"
FREEZE: Final = "tampering.freeze"
CELLS_MIN: Final = 4
"""A cell or two repeat themselves by chance."""
PICK_SHIFT: Final = 61
"""Of 64 bits: one hash in eight begins with three zeros."""
PICKS_KEPT: Final = 4096
"""Some thirty thousand rows: days to weeks of use."""
RUN_MIN: Final = 4
"""Hashes in a row that were in the same order before: some thirty rows."""
STEP_MAX: Final = 3
"""By how many hashes the original may step: two rows alike are found at the later one."""
STILL_ROWS: Final = 12
STILL_SECOND: Final = 120.0
STILL_VOLT: Final = 0.020
"""Movement that current or charge must have made of a cell before its absence tells [V]."""
MOVING_KILOMETRE_PER_HOUR: Final = 5.0
_ODD: Final = np.uint64(0x9E3779B97F4A7C15)
_MIX: Final = np.uint64(0xD6E8FEB86659FD93)
_NAN: Final = float("nan")


class Standstill(NamedTuple):
    """A stretch of rows that are all the same.

    Attributes:
        begin_second: The first of them [unix s].
        rows: How many followed it.
        observed_second: Time they took, silences left out [s].
        low_ampere: Least current in them [A].
        high_ampere: Greatest [A].
        speed: Highest speed in them [km/h]; NaN for none.
        charge_ah: Charge that flowed by the reported current [Ah].
    """

    begin_second: float = _NAN
    rows: int = 0
    observed_second: float = 0.0
    low_ampere: float = _NAN
    high_ampere: float = _NAN
    speed: float = _NAN
    charge_ah: float = 0.0


class Trace(NamedTuple):
    """What is remembered of rows.

    Attributes:
        second: The last row [unix s]; NaN before the first.
        row: Hash of its cells and pack voltage, 0 before the first.
        picks: Hashes kept, oldest first.
        seconds: When each was seen [unix s].
        run: Hashes of the repetition under way.
        behind: By how many hashes it lies behind its original.
        still: The stretch without change under way.
    """

    second: float
    row: int
    picks: UInt64[np.ndarray, " n"]
    seconds: Float[np.ndarray, " n"]
    run: tuple[int, ...]
    behind: int
    still: Standstill


Judged = tuple[tuple[float, Verdict], ...]


def init() -> Trace:
    """Have seen no row yet."""
    return Trace(_NAN, 0, np.empty(0, np.uint64), np.empty(0), (), 0, Standstill())


def look(
    trace: Trace, batch: SampleBatch, resistance_ohm: float, scale: Scale | None = None
) -> tuple[Trace, Judged]:
    """Look at every row.

    Args:
        trace: What was known.
        batch: Further rows.
        resistance_ohm: Of a cell, over seconds [Ω].
        scale: What charge makes of the voltage, None where that is not known.

    Returns:
        What is known now, and verdicts with the time of their row [unix s].
    """
    if batch.cells < CELLS_MIN or not batch.rows:
        return trace, ()
    volts, whole = _hashes(batch)
    before = np.concatenate([np.array([trace.row], np.uint64), volts[:-1]])
    same = volts == before
    time = batch.unix_time_second
    charge_volt_per_ah = 0.0 if scale is None else scale.slope_volt / scale.capacity_ah
    judged: list[tuple[float, Verdict]] = []
    still = Standstill(begin_second=float(time[-1]))
    if same.any():
        still, judged = _stood(trace, batch, same, resistance_ohm, charge_volt_per_ah)
    rows = np.flatnonzero(~same & ((whole >> np.uint64(PICK_SHIFT)) == 0))
    trace, repeated = _repeated(trace, whole[rows], time[rows])
    trace = trace._replace(second=float(time[-1]), row=int(volts[-1]), still=still)
    return trace, tuple(sorted((*judged, *repeated), key=lambda entry: entry[0]))


def _repeated(
    trace: Trace, fresh: UInt64[np.ndarray, " n"], second: Float[np.ndarray, " n"]
) -> tuple[Trace, list[tuple[float, Verdict]]]:
    """Follow hashes that were there before, and keep the fresh ones."""
    picks = np.concatenate([trace.picks, fresh])
    seconds = np.concatenate([trace.seconds, second])
    run, behind = trace.run, trace.behind
    judged: list[tuple[float, Verdict]] = []
    known = len(trace.picks)
    if len(fresh) and not _any_again(trace.picks, fresh):  # mostly: what follows is spared
        run, known = (), len(picks)
    for place in range(known, len(picks)):
        first = max(place - PICKS_KEPT, 0)
        found: Int[np.ndarray, " n"] = np.flatnonzero(picks[first:place] == picks[place])
        if not len(found):
            run = ()
            continue
        original, value = first + int(found[-1]), int(picks[place])
        # The original goes on as its copy does: it stays as far behind, or nearly.
        goes_on = run and behind - STEP_MAX < place - original <= behind and value not in run
        run, behind = (*run, value)[-RUN_MIN:] if goes_on else (value,), place - original
        if len(run) >= RUN_MIN:
            ago = float(seconds[place] - seconds[original])
            verdict = _verdict(REPLAY, 10.0 * RUN_MIN, ago_second=ago)
            judged.append((float(seconds[place]), verdict))
    trace = trace._replace(
        picks=picks[-PICKS_KEPT:], seconds=seconds[-PICKS_KEPT:], run=run, behind=behind
    )
    return trace, judged


def _any_again(old: UInt64[np.ndarray, " n"], fresh: UInt64[np.ndarray, " m"]) -> bool:
    twice = len(set(fresh.tolist())) < len(fresh)
    return twice or bool((old == fresh[:, None]).any())


def _hashes(batch: SampleBatch) -> tuple[UInt64[np.ndarray, " t"], UInt64[np.ndarray, " t"]]:
    """Give each row's hash of its voltages, and of its voltages and current."""
    weights = np.cumprod(np.full(batch.cells + 2, _ODD))
    single = np.ascontiguousarray(batch.cell_voltage_volt, np.float32).view(np.uint32)
    volts = np.einsum("tc,c->t", single, weights[: batch.cells])
    volts = volts + weights[batch.cells] * _bits(batch, "voltage_volt")
    whole = volts + weights[batch.cells + 1] * _bits(batch, "current_ampere")
    return _mixed(volts), _mixed(whole)


def _bits(batch: SampleBatch, name: str) -> UInt64[np.ndarray, " t"]:
    values = batch.scalar.get(name)
    if values is None:
        return np.zeros(batch.rows, np.uint64)
    return np.ascontiguousarray(values, np.float64).view(np.uint64)


def _mixed(values: UInt64[np.ndarray, " t"]) -> UInt64[np.ndarray, " t"]:
    mixed = (values ^ (values >> np.uint64(32))) * _MIX
    return np.asarray(mixed ^ (mixed >> np.uint64(32)))


def _stood(
    trace: Trace,
    batch: SampleBatch,
    same: Bool[np.ndarray, " t"],
    resistance_ohm: float,
    charge_volt_per_ah: float,
) -> tuple[Standstill, list[tuple[float, Verdict]]]:
    """Follow stretches without change."""
    rows = np.flatnonzero(same)
    time = batch.unix_time_second
    begin = np.concatenate([[trace.second], time[:-1]])[rows]
    flow = _column(batch, "current_ampere")[rows]
    speed = _column(batch, "speed_kilometre_per_hour")[rows]
    follows = rows == np.concatenate([[-1], rows[:-1]]) + 1
    columns = (time[rows], begin, follows, flow, speed)
    judged: list[tuple[float, Verdict]] = []
    # By its parts: a value for every row would cost more than all that is asked of it.
    since, count, observed, low, high, fastest, charge = trace.still
    for second, before, on, flows, drives in zip(*(c.tolist() for c in columns), strict=True):
        if not on:
            since, count, observed, low, high, fastest, charge = Standstill(begin_second=before)
        step = min(second - before, GAP_SECOND_MAX)
        count, observed = count + 1, observed + step
        low, high = _least(low, flows), -_least(-high, -flows)
        fastest = -_least(-fastest, -drives)
        charge += 0.0 if isnan(flows) else flows * step / SECOND_PER_HOUR
        if count >= STILL_ROWS and observed >= STILL_SECOND:
            still = Standstill(since, count, observed, low, high, fastest, charge)
            verdict = _frozen(still, resistance_ohm, charge_volt_per_ah)
            if verdict is not None:
                judged.append((second, verdict))
    if not same[-1]:
        return Standstill(begin_second=float(time[-1])), judged
    return Standstill(since, count, observed, low, high, fastest, charge), judged


def _least(one: float, other: float) -> float:
    """Give the smaller of two numbers, NaN only where both are."""
    return one if one <= other or isnan(other) else other


def _column(batch: SampleBatch, name: str) -> Float[np.ndarray, " t"]:
    values = batch.scalar.get(name)
    return np.full(batch.rows, _NAN) if values is None else values.astype(np.float64)


def _frozen(still: Standstill, resistance_ohm: float, charge_volt_per_ah: float) -> Verdict | None:
    """Say whether what stood still must have moved."""
    swing = still.high_ampere - still.low_ampere
    by_load = resistance_ohm * swing if swing >= 0.0 else 0.0
    expected = max(by_load, charge_volt_per_ah * abs(still.charge_ah))
    if not (expected >= STILL_VOLT or still.speed >= MOVING_KILOMETRE_PER_HOUR):
        return None
    return _verdict(
        FREEZE, 10.0 + expected / 0.001, since_second=still.begin_second, expected_volt=expected
    )


def _verdict(cause: str, score: float, **numbers: float) -> Verdict:
    return Verdict(
        cause=cause,
        phenomenon=Phenomenon.DATA_TAMPERED,
        location=Location(kind=LocationKind.PACK),
        severity=Severity.RECOMMENDED,
        score=score,
        persistence=1,
        event=True,
        numbers=numbers,
    )
