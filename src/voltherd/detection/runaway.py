"""A cell that collapses, a probe that shoots up, insulation that breaks down: two of them at once.

Looked for in every single row, not in windows: in a recorded runaway a second passed between the
last ordinary sample and a cell down by volts.  One signal alone is more often a wire; two within a
minute are not.  No lead time is promised: this says that it happens, within one sample of it.

Limits: half a volt below the siblings, which skewed sampling does not reach and a weak cell
reaches only near empty, without the other signals; 80 °C, where the anode's film begins to
decompose by itself (Feng et al., Energy Storage Materials 10 (2018) 246); 1 K/s, the rate at which
the same review calls a runaway triggered; 100 Ω/V after UN R100.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from voltherd.detection.insulation import SAFETY_OHM_PER_VOLT
from voltherd.detection.verdict import Verdict
from voltherd.numerics.robust import median
from voltherd.types.channel import SCALARS
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity
from voltherd.types.sample import SampleBatch

CAUSE: Final = "runaway"
SPREAD_VOLT: Final = 0.5
"""Below its siblings by so much a cell has collapsed [V]."""
HOT_CELSIUS: Final = 80.0
RISE_KELVIN_PER_SECOND: Final = 1.0
RISE_KELVIN_MIN: Final = 10.0
TOGETHER_SECOND: Final = 60.0
CELLS_MIN: Final = 4
_PACK_VOLT_MAX: Final = SCALARS["voltage_volt"].maximum
COLLAPSED_SHARE_MAX: Final = 0.1
"""More cells than this at once are a broken measuring board."""


Collapsed = tuple[Int[np.ndarray, " n"], Int[np.ndarray, " n"]]
"""Rows, and the cell that collapsed in each, from 1."""


class Guard(NamedTuple):
    """What one row must remember of those before it.

    Attributes:
        second: Time of the row before [unix s].
        cell_gone: Cells without a usable reading in it.
        probe_celsius: Probes in it [°C].
        ohm_first: First insulation resistance ever seen, NaN for none [Ω].
        ohm_moved: Whether it has shown another value since; one that never moves is not believed.
        seen_second: When a cell last collapsed, a probe shot up, insulation was last down [unix s].
        cell: The cell that collapsed, from 1; 0 for none.
        probe: The probe that shot up, from 1; 0 for none.
    """

    second: float
    cell_gone: Bool[np.ndarray, " c"]
    probe_celsius: Float[np.ndarray, " p"]
    ohm_first: float
    ohm_moved: bool
    seen_second: tuple[float, float, float]
    cell: int
    probe: int


def init(cells: int, probes: int) -> Guard:
    """Have seen nothing yet."""
    return Guard(
        np.nan,
        np.ones(cells, bool),
        np.full(probes, np.nan, np.float32),
        np.nan,
        False,
        (-np.inf, -np.inf, -np.inf),
        0,
        0,
    )


def look(
    guard: Guard, batch: SampleBatch, collapsed: Collapsed | None = None
) -> tuple[Guard, tuple[tuple[float, Verdict], ...]]:
    """Look at every row.

    Args:
        guard: What came before.
        batch: Further rows, at least one.
        collapsed: What ``collapses`` makes of both, where that is known already.

    Returns:
        What to remember, and verdicts with the time of their row [unix s].
    """
    time = batch.unix_time_second
    cell_rows, cells = collapses(guard, batch) if collapsed is None else collapsed
    probe_rows, probes = _rises(guard, batch)
    ohm_first, moved = _moved(guard, batch)
    down = _broken_down(batch) & moved
    calm = guard._replace(
        second=float(time[-1]),
        cell_gone=np.isnan(batch.cell_voltage_volt[-1]),
        probe_celsius=batch.probe_temperature_celsius[-1].copy(),
        ohm_first=ohm_first,
        ohm_moved=bool(moved[-1]),
    )
    if not (len(cell_rows) or len(probe_rows) or down.any()):
        return calm, ()
    flags = np.zeros((3, batch.rows), bool)
    flags[0, cell_rows], flags[1, probe_rows], flags[2] = True, True, down
    last = np.where(flags, time, -np.inf)
    last[:, :1] = np.maximum(last[:, :1], np.array(guard.seen_second)[:, None])
    last = np.maximum.accumulate(last, axis=1)
    together = ((time - last) <= TOGETHER_SECOND).sum(axis=0) >= 2
    verdicts = []
    for row in np.flatnonzero(together & flags.any(axis=0)):
        seen = time[row] - last[:, row] <= TOGETHER_SECOND
        cell = _latest(cell_rows, cells, int(row), guard.cell)
        probe = _latest(probe_rows, probes, int(row), guard.probe)
        verdicts.append((float(time[row]), _verdict(batch, int(row), seen, cell, probe)))
    end = batch.rows - 1
    stirred = calm._replace(
        seen_second=(float(last[0, end]), float(last[1, end]), float(last[2, end])),
        cell=_latest(cell_rows, cells, end, guard.cell),
        probe=_latest(probe_rows, probes, end, guard.probe),
    )
    return stirred, tuple(verdicts)


def collapses(guard: Guard, batch: SampleBatch) -> Collapsed:
    """Find rows in which a cell or few fall far below their siblings: rows, and cells from 1."""
    none = np.empty(0, np.int64), np.empty(0, np.int64)
    volt = batch.cell_voltage_volt
    if batch.cells < CELLS_MIN:
        return none
    lowest = np.fmin.reduce(volt, axis=1)
    # A reading below anything possible was taken out on import, but not the fact that it was: a
    # cell that had a value one row ago and now has none may have collapsed out of its range.
    wide = np.fmax.reduce(volt, axis=1) - lowest > SPREAD_VOLT
    missing = np.isnan(volt)
    if missing.any():
        lost = missing & ~np.concatenate([guard.cell_gone[None], missing[:-1]])
        wide |= lost.any(axis=1)
    else:
        lost = missing
    rows = np.flatnonzero(wide)
    if not len(rows):
        return none
    now = volt[rows]
    below = (median(now, axis=1)[:, None] - now > SPREAD_VOLT) | lost[rows]
    few = below.sum(axis=1) <= max(1, int(COLLAPSED_SHARE_MAX * batch.cells))
    hit = below.any(axis=1) & few
    depth = np.where(below[hit], np.nan_to_num(now[hit], nan=0.0), np.inf)
    return rows[hit], np.argmin(depth, axis=1) + 1


def _rises(guard: Guard, batch: SampleBatch) -> tuple[Int[np.ndarray, " n"], Int[np.ndarray, " n"]]:
    """Find rows in which a probe is too hot, or rises too fast; gives rows and probes."""
    celsius = batch.probe_temperature_celsius
    if not batch.probes:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    rise = celsius - np.concatenate([guard.probe_celsius[None], celsius[:-1]])
    if not ((rise >= RISE_KELVIN_MIN).any() or (celsius >= HOT_CELSIUS).any()):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    step_second = np.diff(batch.unix_time_second, prepend=guard.second)
    fast = np.maximum(RISE_KELVIN_MIN, RISE_KELVIN_PER_SECOND * np.nan_to_num(step_second))
    out = (np.nan_to_num(celsius) >= HOT_CELSIUS) | (rise >= fast[:, None])
    hit = np.flatnonzero(out.any(axis=1))
    return hit, np.argmax(np.where(out[hit], np.nan_to_num(celsius[hit]), -np.inf), axis=1) + 1


def _moved(guard: Guard, batch: SampleBatch) -> tuple[float, Bool[np.ndarray, " t"]]:
    """Give the first insulation value ever seen, and from which row another one was."""
    ohm = batch.scalar.get("insulation_resistance_ohm")
    if ohm is None:
        return guard.ohm_first, np.full(batch.rows, guard.ohm_moved)
    first = guard.ohm_first
    if guard.ohm_moved:
        return first, np.ones(batch.rows, bool)
    known = ohm[np.isfinite(ohm)]
    if np.isnan(first) and len(known):
        first = float(known[0])
    other = np.isfinite(ohm) & (ohm != first)
    return first, np.asarray(np.logical_or.accumulate(other) | guard.ohm_moved)


def _broken_down(batch: SampleBatch) -> Bool[np.ndarray, " t"]:
    ohm = batch.scalar.get("insulation_resistance_ohm")
    volt = batch.scalar.get("voltage_volt")
    if ohm is None or not (ohm < SAFETY_OHM_PER_VOLT * _PACK_VOLT_MAX).any():
        return np.zeros(batch.rows, bool)
    pack = np.full(batch.rows, 400.0) if volt is None else np.nan_to_num(volt, nan=400.0)
    return np.asarray(ohm < SAFETY_OHM_PER_VOLT * np.maximum(pack, 60.0))


def _latest(rows: Int[np.ndarray, " n"], places: Int[np.ndarray, " n"], row: int, old: int) -> int:
    upto = int(np.searchsorted(rows, row, "right"))
    return int(places[upto - 1]) if upto else old


def _verdict(
    batch: SampleBatch, row: int, seen: Bool[np.ndarray, " 3"], cell: int, probe: int
) -> Verdict:
    numbers = {"signals": float(seen.sum())}
    if seen[0] and cell:
        volt = batch.cell_voltage_volt[row]
        numbers["cell"] = float(cell)
        own = float(np.nan_to_num(volt[cell - 1], nan=0.0))
        numbers["volt"] = own - float(median(volt, axis=0))
    if seen[1] and probe:
        numbers["probe"] = float(probe)
        numbers["celsius"] = float(batch.probe_temperature_celsius[row, probe - 1])
    if seen[2]:
        numbers["ohm"] = float(batch.scalar["insulation_resistance_ohm"][row])
    return Verdict(
        cause=CAUSE,
        phenomenon=Phenomenon.THERMAL_RUNAWAY,
        location=Location(kind=LocationKind.CELL, index=cell, cells=(cell,))
        if "volt" in numbers
        else Location(kind=LocationKind.PACK),
        severity=Severity.SAFETY,
        score=20.0,
        persistence=1,
        numbers=numbers,
    )
