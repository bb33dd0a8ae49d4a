"""How far a pack has come on the way to a thermal runaway: a stage and a score, row by row.

A stage is what the signals show, not what will be: in a recorded event nothing was to be seen
until a second before (``runaway``), so no lead time is promised, and a pack at stage 0 is not
proven safe.

Limits, with Feng et al., Energy Storage Materials 10 (2018) 246 where nothing else is said:

* abnormal heating: a probe 5 K above what it usually is among its siblings, or 2 K and at 60 °C,
  the upper limit of most makers;
* self-heating: 80 °C, where the anode's film decomposes by itself, come to by heating and not by a
  jump; or 1 K/min faster than the siblings over five minutes, 10 K above them;
* venting: the pressure jumps while a place heats, or a probe at 130 °C, where discs open (120 to
  150 °C);
* runaway: two signals within a minute (``runaway``), or a probe above 80 °C that climbs by 1 K/s;
  or a cell that collapses while a place heats itself, by a volt while one is abnormal;
* propagation: after it, a second cell collapses, or a second probe reaches 150 °C.

A reading that jumps is more often a wire than a fire: it moves what counts as usual for its probe,
unless a second signal comes with it.  Within an episode a stage and its score only rise; it is over
when an hour has passed without any sign.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from voltherd.detection.runaway import SPREAD_VOLT
from voltherd.detection.verdict import Verdict
from voltherd.numerics.robust import median, or_zero
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity
from voltherd.types.sample import SampleBatch
from voltherd.types.stage import Stage

CAUSE: Final = "stages"
SIBLINGS_MIN: Final = 4
ABNORMAL_KELVIN: Final = 5.0
ABNORMAL_CELSIUS: Final = 60.0
WARM_KELVIN: Final = 2.0
"""Above its usual place at 60 °C: a pack that is hot all over is not on this way."""
SELF_HEATING_CELSIUS: Final = 80.0
SELF_HEATING_KELVIN: Final = 10.0
SELF_HEATING_KELVIN_PER_MINUTE: Final = 1.0
VENTING_CELSIUS: Final = 130.0
RUNAWAY_KELVIN_PER_SECOND: Final = 1.0
SPREADING_CELSIUS: Final = 150.0
ALONE_VOLT: Final = 1.0
"""A cell so far down while a place warms is no weak cell near empty [V]."""
ROWS_MIN: Final = 3
"""Rows in which a place must be abnormal before anything is said of it."""
OVER_SECOND: Final = 3600.0
JUMP_KELVIN: Final = 3.0
JUMP_KELVIN_PER_SECOND: Final = 0.5
JUMP_SECOND_MAX: Final = 60.0
TRAIL_SECOND: Final = 300.0
TRAIL_STEP_SECOND: Final = 30.0
USUAL_SECOND: Final = 3600.0
USUAL_SHARE: Final = 0.12
"""Of its distance from the usual a probe's usual moves in each hour."""
USUAL_REACH_KELVIN: Final = 2.0
BLOCK_ROWS: Final = 512
BLOCK_SECOND: Final = 8.0 * USUAL_SECOND
BLOCK_KELVIN: Final = 2.0
SIGNS_MAX: Final = 32
FLOOR: Final = (0.0, 0.1, 0.3, 0.6, 0.9, 1.0)
"""Lowest score of each stage; an order of urgency, not a probability."""


class Excess(NamedTuple):
    """One row of the last minutes: when [unix s], and each probe above its usual place [K]."""

    second: float
    excess: Float[np.ndarray, " p"]


class Stages(NamedTuple):
    """What a row must know of those before it.

    Attributes:
        usual: What each probe usually is above the median one, NaN where not known [K].
        usual_second: When that was last moved [unix s].
        last_celsius: Last reading of each probe [°C].
        last_second: When [unix s].
        stage: How far it has come in this episode.
        score: 0…1.
        rows: Rows of the episode in which a place was abnormal.
        sign_second: Latest sign of anything, −inf for none [unix s].
        since_second: When each stage was first reached in this episode, NaN for not [unix s].
        trail: The last minutes of the episode.
        cells: Cells that collapsed, in order, from 1.
        probes: Probes that reached ``SELF_HEATING_CELSIUS``, in order, from 1.
        probe: The probe that is warmest against its usual, from 1; 0 for none.
    """

    usual: Float[np.ndarray, " p"]
    usual_second: float
    last_celsius: Float[np.ndarray, " p"]
    last_second: float
    stage: int
    score: float
    rows: int
    sign_second: float
    since_second: tuple[float, ...]
    trail: tuple[Excess, ...]
    cells: tuple[int, ...]
    probes: tuple[int, ...]
    probe: int


def init(probes: int) -> Stages:
    """Have seen nothing yet."""
    unknown = np.full(probes, np.nan)
    none = (np.nan,) * len(Stage)
    return Stages(unknown, -np.inf, unknown, np.nan, 0, 0.0, 0, -np.inf, none, (), (), (), 0)


class _Row(NamedTuple):
    """One row with its signs."""

    second: float
    celsius: Float[np.ndarray, " p"]
    volt: Float[np.ndarray, " c"]
    running: bool
    gas: bool
    fallen: bool


def look(
    state: Stages,
    batch: SampleBatch,
    *,
    running: Sequence[float],
    gas: Sequence[float],
    fallen: Sequence[float] = (),
) -> tuple[Stages, tuple[tuple[float, Verdict | None], ...]]:
    """Look at every row.

    Args:
        state: What came before.
        batch: Further rows.
        running: Times of rows that show two signals of a runaway [unix s].
        gas: Times of rows in which the pressure has jumped [unix s].
        fallen: Times of rows in which a cell lies far below its siblings [unix s].

    Returns:
        What to remember; and, with the time of its row, what is said, None where an episode ends.
    """
    told: list[tuple[float, Verdict | None]] = []
    signs = frozenset(running), frozenset(gas), frozenset(fallen)
    time, start = batch.unix_time_second, 0
    while start < batch.rows:
        later = int(time.searchsorted(time[start] + BLOCK_SECOND, "right"))
        stop = _up_to_unknown(state, batch, start, min(start + BLOCK_ROWS, later))
        state, part = _block(state, batch.between(start, stop), *signs)
        told += part
        start = stop
    return state, tuple(told)


def _up_to_unknown(state: Stages, batch: SampleBatch, start: int, stop: int) -> int:
    """End a block with the first row that shows what is usual for a probe not known before."""
    unknown = np.isnan(state.usual)
    if not unknown.any():
        return stop
    seen = np.isfinite(batch.probe_temperature_celsius[start:stop, unknown]).any(axis=1)
    return start + int(seen.argmax()) + 1 if seen.any() else stop


def _block(
    state: Stages,
    batch: SampleBatch,
    running: frozenset[float],
    gas: frozenset[float],
    fallen: frozenset[float],
) -> tuple[Stages, list[tuple[float, Verdict | None]]]:
    """Look at a few rows, skipping those in which nothing can happen."""
    told: list[tuple[float, Verdict | None]] = []
    time = batch.unix_time_second
    stirred = _busy(state, batch)
    if running or gas:
        stirred |= np.isin(time, [*running, *gas])
    busy = np.flatnonzero(stirred)
    row = 0
    while row < batch.rows:
        second = float(time[row])
        if state.stage and second - state.sign_second > OVER_SECOND:
            state = _over(state)
            told.append((second, None))
        tick = second - state.usual_second >= USUAL_SECOND
        following = int(busy.searchsorted(row))
        is_busy = following < len(busy) and busy[following] == row
        if not (is_busy or tick or state.rows):
            due = int(time.searchsorted(state.usual_second + USUAL_SECOND))
            ends = [due, batch.rows, *busy[following : following + 1].tolist()]
            if state.stage:
                ends.append(int(time.searchsorted(state.sign_second + OVER_SECOND, "right")))
            row = max(min(ends), row + 1)
            last = batch.probe_temperature_celsius[row - 1].astype(np.float64)
            state = state._replace(last_celsius=last, last_second=float(time[row - 1]))
            continue
        if not (is_busy or state.rows or state.stage):
            state = _used(state, second, batch.probe_temperature_celsius[row])
            row += 1
            continue
        now = _Row(
            second,
            batch.probe_temperature_celsius[row].astype(np.float64),
            batch.cell_voltage_volt[row],
            second in running,
            second in gas,
            second in fallen,
        )
        state, verdict = _next(state, now, tick)
        if verdict is not None:
            told.append((second, verdict))
        row += 1
    return state, told


def _busy(state: Stages, batch: SampleBatch) -> Bool[np.ndarray, " t"]:
    """Find rows in which a probe may be abnormal, or jumps, at little cost.

    What is usual moves by less than ``BLOCK_KELVIN`` within a block, so that none is missed.
    """
    celsius = batch.probe_temperature_celsius
    if batch.probes < SIBLINGS_MIN:
        return np.zeros(batch.rows, bool)
    before = state.last_celsius[None].astype(celsius.dtype)
    highest = np.fmax.reduce(celsius, axis=1)
    busy = np.asarray(highest >= ABNORMAL_CELSIUS)
    leaps = (np.abs(np.diff(celsius, axis=0, prepend=before)) >= JUMP_KELVIN).any(axis=1)
    if leaps.any():
        passed = np.diff(batch.unix_time_second, prepend=state.last_second)
        busy |= leaps & (passed <= JUMP_SECOND_MAX)
    unknown = np.isnan(state.usual)
    if unknown.any():
        busy |= np.isfinite(celsius[:, unknown]).any(axis=1)
    wide = highest - np.fmin.reduce(celsius, axis=1) >= ABNORMAL_KELVIN - BLOCK_KELVIN
    rows = np.flatnonzero(wide & ~busy)
    if len(rows):
        now = celsius[rows].astype(np.float64)
        excess = now - median(now, axis=1)[:, None] - state.usual
        busy[rows] = (excess >= ABNORMAL_KELVIN - BLOCK_KELVIN).any(axis=1)
    return busy


def _over(state: Stages) -> Stages:
    fresh = init(len(state.usual))
    return fresh._replace(
        usual=state.usual,
        usual_second=state.usual_second,
        last_celsius=state.last_celsius,
        last_second=state.last_second,
    )


def _next(state: Stages, row: _Row, tick: bool) -> tuple[Stages, Verdict | None]:
    """Take one row into account."""
    distance = row.celsius - float(median(row.celsius, axis=0))
    state = _jumped(state, row, distance)
    excess = or_zero(distance - state.usual)
    if tick and state.stage < Stage.SELF_HEATING:
        state = _used(state, row.second, row.celsius)
    state = _signs(state, row, excess)
    reached = max(_stage(state, row, excess), state.stage)
    if not reached:
        return state, None
    if reached > state.stage:
        since = tuple(
            row.second if state.stage < stage <= reached else before
            for stage, before in enumerate(state.since_second)
        )
        state = state._replace(stage=int(reached), since_second=since)
    score = max(_score(state, row, excess), state.score)
    state = state._replace(score=score)
    if state.sign_second < row.second:
        return state, None
    return state, _verdict(state, row, excess)


def _jumped(state: Stages, row: _Row, distance: Float[np.ndarray, " p"]) -> Stages:
    """Let what jumped be usual for its probe; what is seen for the first time as well."""
    change = row.celsius - state.last_celsius
    passed = row.second - state.last_second
    least = max(JUMP_KELVIN, JUMP_KELVIN_PER_SECOND * passed)
    leapt = (np.abs(change) >= least) & (passed <= JUMP_SECOND_MAX)
    usual = np.where(leapt, state.usual + change, state.usual)
    return state._replace(
        usual=np.where(np.isnan(usual), distance, usual),
        last_celsius=row.celsius,
        last_second=row.second,
    )


def _used(state: Stages, second: float, celsius: Float[np.ndarray, " p"]) -> Stages:
    """Let what is usual come a little nearer to a row."""
    celsius = celsius.astype(np.float64)
    off = celsius - float(median(celsius, axis=0)) - state.usual
    off = np.minimum(np.maximum(off, -USUAL_REACH_KELVIN), USUAL_REACH_KELVIN)
    return state._replace(
        usual=np.where(np.isnan(off), state.usual, state.usual + USUAL_SHARE * off),
        usual_second=second,
        last_celsius=celsius,
        last_second=second,
    )


def _signs(state: Stages, row: _Row, excess: Float[np.ndarray, " p"]) -> Stages:
    """Remember what this row shows: abnormal places, cells and probes in their order."""
    if not len(excess):
        hot, warmest = False, 0
    else:
        warmest = int(np.argmax(excess)) + 1
        hot = bool(excess[warmest - 1] >= ABNORMAL_KELVIN)
        if not hot and float(np.fmax.reduce(row.celsius)) >= ABNORMAL_CELSIUS:
            steady = _steady(state, row)
            warm = (steady >= ABNORMAL_CELSIUS) & (excess >= WARM_KELVIN)
            hot = bool((warm | (steady >= SELF_HEATING_CELSIUS)).any())
    together = state.rows > 0 and (row.gas or row.fallen)
    if not (hot or row.running or together):
        return state._replace(rows=0, trail=()) if not state.stage else state
    trail = state.trail
    if not trail or row.second - trail[-1].second >= TRAIL_STEP_SECOND:
        kept = tuple(t for t in trail if row.second - t.second <= TRAIL_SECOND + 1.0)
        trail = (*kept, Excess(row.second, excess))
    cells, probes = state.cells, state.probes
    if row.fallen or state.stage >= Stage.RUNAWAY or row.running:
        below = np.flatnonzero(~(row.volt > float(median(row.volt, axis=0)) - SPREAD_VOLT))
        fresh = [int(cell) + 1 for cell in below if int(cell) + 1 not in cells]
        few = len(below) <= max(1, len(row.volt) // 4)
        cells = (*cells, *fresh)[:SIGNS_MAX] if few else cells
    hotter = np.flatnonzero(row.celsius >= SELF_HEATING_CELSIUS)
    probes = (*probes, *(int(p) + 1 for p in hotter if int(p) + 1 not in probes))[:SIGNS_MAX]
    return state._replace(
        rows=state.rows + 1,
        sign_second=row.second,
        trail=trail,
        cells=cells,
        probes=probes,
        probe=warmest or state.probe,
    )


def _steady(state: Stages, row: _Row) -> Float[np.ndarray, " p"]:
    """Give the temperatures that were come to by heating, as far as usual places tell [°C]."""
    offset = np.where(np.abs(state.usual) > ABNORMAL_KELVIN, state.usual, 0.0)
    return or_zero(row.celsius - or_zero(offset))


def _stage(state: Stages, row: _Row, excess: Float[np.ndarray, " p"]) -> Stage:
    """Give what this row alone shows, in the light of the episode."""
    if row.running:
        return Stage.PROPAGATION if _spread(state, row) else Stage.RUNAWAY
    if state.sign_second < row.second or state.rows < ROWS_MIN:
        return Stage.NORMAL
    if state.stage >= Stage.RUNAWAY:
        return Stage.PROPAGATION if _spread(state, row) else Stage.RUNAWAY
    if row.fallen and (state.stage >= Stage.SELF_HEATING or _is_deep(row)):
        return Stage.RUNAWAY
    steady = float(_steady(state, row).max())
    rise, since = _rise(state, row, excess)
    if steady >= SELF_HEATING_CELSIUS and rise >= RUNAWAY_KELVIN_PER_SECOND:
        return Stage.RUNAWAY
    if row.gas or steady >= VENTING_CELSIUS:
        return Stage.VENTING
    fast = rise * 60.0 >= SELF_HEATING_KELVIN_PER_MINUTE and since >= 0.9 * TRAIL_SECOND
    if steady >= SELF_HEATING_CELSIUS or (fast and excess.max() >= SELF_HEATING_KELVIN):
        return Stage.SELF_HEATING
    return Stage.ABNORMAL_HEATING


def _is_deep(row: _Row) -> bool:
    """Whether the cell that fell is far down, or so far that its channel has no value for it."""
    depth = float(median(row.volt, axis=0)) - float(np.fmin.reduce(row.volt))
    return depth >= ALONE_VOLT or not depth > SPREAD_VOLT


def _spread(state: Stages, row: _Row) -> bool:
    """Whether a second cell burns."""
    if state.stage < Stage.RUNAWAY:
        return False
    hot = row.celsius >= SPREADING_CELSIUS
    first = state.probes[0] - 1 if state.probes else -1
    others = [probe for probe in np.flatnonzero(hot) if probe != first]
    return len(state.cells) >= 2 or bool(others)


def _rise(state: Stages, row: _Row, excess: Float[np.ndarray, " p"]) -> tuple[float, float]:
    """Give how fast the fastest place warms against its siblings [K/s], and over what time [s]."""
    oldest = state.trail[0]
    since = row.second - oldest.second
    if since <= 0.0:
        return 0.0, 0.0
    recent = next((t for t in reversed(state.trail) if row.second - t.second >= 10.0), oldest)
    rises = [float((excess - t.excess).max()) / (row.second - t.second) for t in (oldest, recent)]
    return (rises[1] if rises[1] >= RUNAWAY_KELVIN_PER_SECOND else rises[0]), since


def _score(state: Stages, row: _Row, excess: Float[np.ndarray, " p"]) -> float:
    """Give the floor of the stage and how far it is on the way to the next one."""
    stage = state.stage
    if stage >= Stage.RUNAWAY:
        return FLOOR[stage]
    steady = float(_steady(state, row).max()) if len(excess) else 0.0
    away = float(excess.max()) if len(excess) else 0.0
    part = {
        Stage.ABNORMAL_HEATING: max(away / 25.0, (steady - 30.0) / 50.0),
        Stage.SELF_HEATING: (steady - SELF_HEATING_CELSIUS) / 50.0,
        Stage.VENTING: (steady - VENTING_CELSIUS) / 70.0,
    }[Stage(stage)]
    width = FLOOR[stage + 1] - FLOOR[stage]
    return FLOOR[stage] + width * 0.99 * min(max(part, 0.0), 1.0)


def _verdict(state: Stages, row: _Row, excess: Float[np.ndarray, " p"]) -> Verdict:
    numbers = {"stage": float(state.stage), "risk": state.score}
    probe = state.probe
    if probe:
        numbers["probe"] = float(probe)
        numbers["celsius"] = float(row.celsius[probe - 1])
        numbers["excess_kelvin"] = float(excess[probe - 1])
    numbers |= {f"cell_{n}": float(cell) for n, cell in enumerate(state.cells[:6], start=1)}
    numbers |= {f"probe_{n}": float(each) for n, each in enumerate(state.probes[:6], start=1)}
    return Verdict(
        cause=CAUSE,
        phenomenon=Phenomenon.THERMAL_STAGE,
        location=Location(kind=LocationKind.PACK),
        severity=Severity.SAFETY if state.stage >= Stage.SELF_HEATING else Severity.OPERATING,
        score=20.0 if state.stage >= Stage.SELF_HEATING else max(float(excess.max()), 0.0),
        persistence=1,
        numbers=numbers,
    )
