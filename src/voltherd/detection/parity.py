"""Voltage that steps without a current: no battery does that, a hand on the record does.

What the cells' voltage does from one row to the next follows from the current::

    dv = R0 dI + R1 (1 - k) (I - w) + s I dt        k = exp(-dt / tau)

with ``w`` the current smoothed over a minute, for what polarisation has yet to do, and ``s`` the
slope of the open-circuit voltage.  The three numbers are learned from the vehicle's own past, by
least squares that forgets, and so is how far it is usually off.  A row in which the median cell
steps far beyond that, and stays there, moved all cells at once without a cause.

The pack voltage is measured by another sensor.  Where cells and pack voltage step together, both
were moved, which no fault of a sensor does.  Where their difference steps and the cells are those
that moved, the cells of all boards were moved alike, which no fault of one board does.  A pack
voltage that steps alone is a sensor, and left to those who look after it.

How small a common step can be seen is a matter of the moment: of a row to ten seconds of driving
the current is known at its end only, and the voltage is off by tens of millivolts; at a stop or in
a charge it is off by one.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.detection.pack_sum import OPEN_SHARE
from voltherd.detection.verdict import Verdict
from voltherd.detection.windows import GAP_SECOND_MAX
from voltherd.numerics.robust import SIGMA_PER_MAD, median
from voltherd.types.channel import CELL_VOLTAGE
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity
from voltherd.types.sample import SampleBatch
from voltherd.units import SECOND_PER_HOUR

CAUSE: Final = "tampering.level"
TAU_SECOND: Final = 60.0
KEEP: Final = 0.85
"""What a period's sums are worth a period later: some three hours of use."""
PROBES: Final = 9
"""Cells whose median stands for all: more cost more and tell no more."""
ROWS_MIN: Final = 200.0
"""Rows behind the numbers before anything is said: half an hour at ten seconds each."""
FLOOR_VOLT: Final = 0.001
"""A converter's step."""
STEP_VOLT: Final = 4.0 * CELL_VOLTAGE.accuracy
"""Least step told of: current and voltage are never read at quite the same time [V]."""
SCORE_MIN: Final = 10.0
"""Usual errors that a step must be beyond: rows are many, and their errors have long tails."""
SHARE: Final = 0.2
"""Of what the current does to the voltage about a row, how much the three numbers miss."""
HELD_SHARE: Final = 0.6
"""What must be left of a step in the next two rows."""
CLIP: Final = 4.0
ROW_SECOND_MAX: Final = 15.0
"""Rows further apart leave the pack time to do what looks like a common step [s]."""
ALIKE_SHARE: Final = 0.5
CELLS_MIN: Final = 4
AHEAD: Final = 2
BEFORE: Final = 2
"""Rows after and before a step that judge it."""
NEAR_ROWS: Final = AHEAD + 2 * BEFORE
"""Rows of the period before that judge a step at its end: what is about a row scores it."""
PARITY_SCORE: Final = 10.0
PARITY_USUAL: Final = 12
"""Periods that make the usual difference: six hours of use."""
PARITY_KEPT: Final = 96
"""Periods kept, for whoever asks later what the pack voltage did: two days of use."""
PARITY_MIN: Final = 3


class Rows(NamedTuple):
    """Rows against what their current explains.

    Attributes:
        second: When [unix s].
        cell: Step of the median cell beyond what is explained [V].
        pack: The same of the pack voltage, by cell; NaN where there is none [V].
        swing: Change of the current [A].
        turn: What polarisation made of it [A].
        apart: Cells' mean less the pack voltage by cell [V].
    """

    second: Float[np.ndarray, " t"]
    cell: Float[np.ndarray, " t"]
    pack: Float[np.ndarray, " t"]
    swing: Float[np.ndarray, " t"]
    turn: Float[np.ndarray, " t"]
    apart: Float[np.ndarray, " t"]


class Parity(NamedTuple):
    """What is known of how voltage follows current.

    Attributes:
        normal: Forgetting sum of the three features' outer products.
        moment: Forgetting sum of features times steps of the median cell.
        rows: Forgetting count of rows.
        square: Forgetting sum of squared, clipped scores.
        second: The last row [unix s]; NaN before the first.
        ampere: Its current [A].
        smooth_ampere: Smoothed current in it [A].
        cell_volt: Its median cell [V].
        pack_volt: Its pack voltage by cell [V].
        late: Rows of the period before.
        apart: Difference between cells' mean and pack voltage by cell, period by period: end
            [unix s] and volts; from the last step on.
        astray: Whether it was another in the period before.
        open_rows: Time, current, cell, pack voltage by cell and their difference in every row of
            the period under way.
        cells: Cells of the pack.
    """

    normal: Float[np.ndarray, "3 3"]
    moment: Float[np.ndarray, " 3"]
    rows: float
    square: float
    second: float
    ampere: float
    smooth_ampere: float
    cell_volt: float
    pack_volt: float
    late: Rows
    apart: tuple[tuple[float, float], ...]
    astray: bool
    open_rows: Float[np.ndarray, "5 t"]
    cells: int


def init(cells: int) -> Parity:
    """Know nothing of a pack of so many cells yet."""
    nan, none = float("nan"), np.empty(0)
    rows = Rows(none, none, none, none, none, none)
    return Parity(
        normal=np.zeros((3, 3)),
        moment=np.zeros(3),
        rows=0.0,
        square=0.0,
        second=nan,
        ampere=nan,
        smooth_ampere=nan,
        cell_volt=nan,
        pack_volt=nan,
        late=rows,
        apart=(),
        astray=False,
        open_rows=np.empty((5, 0)),
        cells=cells,
    )


def look(parity: Parity, batch: SampleBatch) -> Parity:
    """Take rows of the period under way into account."""
    current = batch.scalar.get("current_ampere")
    if current is None or batch.cells < CELLS_MIN:
        return parity
    probes = batch.cell_voltage_volt[:, :: max(batch.cells // PROBES, 1)]
    cell = median(probes, axis=1).astype(np.float64)
    mean = batch.cell_voltage_volt.mean(axis=1, dtype=np.float64)
    pack = batch.scalar.get("voltage_volt")
    per_cell = np.full(batch.rows, np.nan) if pack is None else pack / batch.cells
    per_cell = np.where(per_cell > OPEN_SHARE * cell, per_cell, np.nan)
    rows = np.stack([batch.unix_time_second, current, cell, per_cell, mean - per_cell])
    return parity._replace(open_rows=np.concatenate([parity.open_rows, rows], axis=1))


def judge(parity: Parity) -> tuple[Parity, tuple[Verdict, ...]]:
    """Judge the period that its latest row completes, and learn from it."""
    columns = parity.open_rows
    known = np.isfinite(columns[1] + columns[2])
    parity = parity._replace(open_rows=np.empty((5, 0)))
    if not known.any():
        return parity, ()
    parity, verdict = _judged(parity, columns if known.all() else columns[:, known])
    return parity, () if verdict is None else (verdict,)


def _judged(parity: Parity, columns: Float[np.ndarray, "5 t"]) -> tuple[Parity, Verdict | None]:
    time, ampere, cell, pack, apart = columns
    before = np.array([parity.second, parity.ampere, parity.cell_volt, parity.pack_volt])
    earlier = np.concatenate([before[:, None], columns[:4, :-1]], axis=1)
    dt, swing, d_cell, d_pack = columns[:4] - earlier
    near = (dt > 0.0) & (dt <= GAP_SECOND_MAX)  # false for the very first row too
    turn, smooth = _lagged(parity.smooth_ampere, dt, ampere, near)
    features = np.empty((len(time), 3))
    features[:, 0], features[:, 1], features[:, 2] = swing, turn, ampere * dt / SECOND_PER_HOUR
    features[~near] = 0.0
    values = _solved(parity)
    explained = features @ values
    rows = Rows(
        second=time,
        cell=np.where(near, d_cell - explained, np.nan),
        pack=np.where(near, d_pack - explained, np.nan),
        swing=np.where(near, swing, 0.0),
        turn=turn,
        apart=apart,
    )
    recent = Rows(*(column[-NEAR_ROWS:] for column in parity.late))
    late, joined = len(recent.second), _joined(recent, rows)
    score = _score(joined, values, parity)
    verdict = _step(joined, score, late) if parity.rows >= ROWS_MIN else None
    usual, verdict, astray = _parted(parity, rows, verdict)
    own = score[late:]
    taught = near & (np.abs(own) < SCORE_MIN)  # what is far off is no lesson
    x, y = features[taught], d_cell[taught]
    scatter = np.minimum(np.abs(own[taught] * _usual_score(parity)), CLIP) ** 2
    return parity._replace(
        normal=KEEP * parity.normal + x.T @ x,
        moment=KEEP * parity.moment + x.T @ y,
        rows=KEEP * parity.rows + len(y),
        square=KEEP * parity.square + float(scatter.sum()),
        second=float(time[-1]),
        ampere=float(ampere[-1]),
        smooth_ampere=smooth,
        cell_volt=float(cell[-1]),
        pack_volt=float(pack[-1]),
        late=rows,
        apart=usual,
        astray=astray,
    ), verdict


def _joined(late: Rows, rows: Rows) -> Rows:
    return Rows(*(np.concatenate(pair) for pair in zip(late, rows, strict=True)))


def _usual_score(parity: Parity) -> float:
    return max((parity.square / parity.rows) ** 0.5, 0.3) if parity.rows > 0.0 else 1.0


def _score(rows: Rows, values: Float[np.ndarray, " 3"], parity: Parity) -> Float[np.ndarray, " t"]:
    """Give each row's step in usual errors, which grow with what the current does about it."""
    lively = np.abs(values[0] * rows.swing) + np.abs(values[1] * rows.turn)
    padded = np.concatenate([np.zeros(BEFORE), lively, np.zeros(AHEAD)])
    most = lively.copy()
    for k in range(BEFORE + AHEAD + 1):
        np.maximum(most, padded[k : k + len(lively)], out=most)
    score = rows.cell / (FLOOR_VOLT + SHARE * most) / _usual_score(parity)
    return np.where(np.isnan(score), 0.0, score)


def _lagged(
    smooth: float,
    dt: Float[np.ndarray, " t"],
    ampere: Float[np.ndarray, " t"],
    near: np.ndarray,
) -> tuple[Float[np.ndarray, " t"], float]:
    """Give what polarisation makes up for in each row [A], and the smoothed current at the end."""
    lag = []
    share = 1.0 - np.exp(-np.where(near, dt, 0.0) / TAU_SECOND)
    for rise, now in zip(share.tolist(), ampere.tolist(), strict=True):
        if not rise:
            smooth = now if smooth != smooth else 0.0  # after a silence all is at rest
        moved = rise * (now - smooth)
        lag.append(moved)
        smooth += moved
    return np.array(lag), smooth


def _solved(parity: Parity) -> Float[np.ndarray, " 3"]:
    if parity.rows <= 0.0:
        return np.zeros(3)
    ridged = parity.normal.copy()
    ridged.flat[::4] += 1e-6 * ridged.flat[::4] + 1e-9
    return np.asarray(np.linalg.solve(ridged, parity.moment))


def _step(rows: Rows, score: Float[np.ndarray, " t"], late: int) -> Verdict | None:
    """Find a step without cause among the rows that now have their neighbours."""
    first = max(BEFORE, late - AHEAD)
    stepped = (np.abs(score) >= SCORE_MIN) & (np.abs(rows.cell) >= STEP_VOLT)
    for n in np.flatnonzero(stepped[first : len(score) - AHEAD]) + first:
        around = np.r_[n - BEFORE : n, n + 1 : n + 1 + AHEAD]
        spaced = np.diff(rows.second[n - BEFORE : n + 1 + AHEAD])
        if (spaced > ROW_SECOND_MAX).any():
            continue  # so much may happen between rows that no step is without a cause
        if not np.isfinite(rows.cell[around]).all():
            continue
        left = 1.0 + np.cumsum(rows.cell[n + 1 : n + 1 + AHEAD]) / rows.cell[n]
        alone = (np.abs(score[around]) < SCORE_MIN / 3.0).all()
        # A current that stands still is a sensor that failed, not a voltage that was moved.
        alive = rows.swing[around].any()
        both = abs(rows.pack[n] - rows.cell[n]) <= ALIKE_SHARE * abs(rows.cell[n])
        if alone and alive and both and (left >= HELD_SHARE).all():
            volt, second = float(rows.cell[n]), float(rows.second[n])
            return _verdict(abs(float(score[n])), volt=volt, both=1.0, since_second=second)
    return None


def _parted(
    parity: Parity, rows: Rows, verdict: Verdict | None
) -> tuple[tuple[tuple[float, float], ...], Verdict | None, bool]:
    """See whether cells and pack voltage have parted, and which of the two has moved."""
    known = rows.apart[np.isfinite(rows.apart)]
    usual = parity.apart
    if not len(known):
        return usual, verdict, parity.astray
    now = (float(rows.second[-1]), float(median(known, axis=0)))
    if len(usual) < PARITY_MIN:
        return (*usual, now), verdict, False
    middle, spread = _middle_and_spread([volt for _, volt in usual[-PARITY_USUAL:]])
    step = now[1] - middle
    if abs(step) < max(PARITY_SCORE * spread, STEP_VOLT):
        return (*usual, now)[-PARITY_KEPT:], verdict, False
    if parity.astray:
        return (now,), verdict, False  # it stays: from now on this is the usual one
    found = _cells_moved(_joined(parity.late, rows), step)  # in this period or in the one before
    if found is not None:
        score = abs(step) / max(spread, STEP_VOLT / PARITY_SCORE)
        verdict = _verdict(score, volt=step, both=0.0, since_second=found)
    return usual, verdict, True


def _middle_and_spread(volts: list[float]) -> tuple[float, float]:
    values = np.array(volts)
    middle = float(median(values, axis=0))
    return middle, SIGMA_PER_MAD * float(median(np.abs(values - middle), axis=0))


def step_about(parity: Parity, second: float) -> tuple[float, float]:
    """Give by how much cells' mean and pack voltage parted about a time, and the uncertainty [V].

    Both are NaN where too little is remembered of before or after.
    """
    before = [volt for end, volt in parity.apart if end < second]
    after = [volt for end, volt in parity.apart if end > second]
    if len(before) < PARITY_MIN or not after:
        return float("nan"), float("nan")
    middle, spread = _middle_and_spread(before)
    # Of a difference of two medians; a median is a quarter less sharp than a mean.
    sigma = 1.25 * spread * (1.0 / len(before) + 1.0 / len(after)) ** 0.5
    return _middle_and_spread(after)[0] - middle, max(sigma, FLOOR_VOLT / parity.cells)


def _cells_moved(rows: Rows, step: float) -> float | None:
    """Give the row in which all cells made this step while the pack voltage did not, if one did."""
    parted = rows.cell - rows.pack
    fits = np.abs(parted - step) <= ALIKE_SHARE * abs(step)
    for n in np.flatnonzero(fits):
        # What current and model are wrong by is common to both.
        if abs(rows.cell[n] - step) + abs(rows.pack[n]) < abs(rows.cell[n]) + abs(
            rows.pack[n] + step
        ):
            return float(rows.second[n])
    return None


def _verdict(score: float, **numbers: float) -> Verdict:
    return Verdict(
        cause=CAUSE,
        phenomenon=Phenomenon.DATA_TAMPERED,
        location=Location(kind=LocationKind.PACK),
        # A common step rests on the model of one row alone: real vehicles do surprise it.
        severity=Severity.OPERATING if numbers["both"] else Severity.RECOMMENDED,
        score=score,
        persistence=1,
        event=True,
        numbers=numbers,
    )
