"""Which rows are kept, in which order, and what their stamps say about the clock.

Rows without a usable time are rejected, rows out of order are sorted, exact copies of a row are
dropped.  Rows that share a stamp but not their content are all kept, in the source's order: nobody
can tell which is right, and dropping one would lose data silently.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.intake.clock import EARLIEST_SECOND, JOIN_SECOND, LATEST_SECOND
from voltherd.types.channel import TIME
from voltherd.types.report import Remark
from voltherd.units import SECOND_PER_DAY

_FAR_SECOND: Final = 10.0 * 365.25 * SECOND_PER_DAY
_GAP_RATIO: Final = 5.0
_JUMP_SECOND: Final = 366.0 * SECOND_PER_DAY
_EXAMPLES: Final = 3


class Rows(NamedTuple):
    """The rows of one vehicle that are kept.

    Attributes:
        order: Row numbers in the source in order of time, None where all rows are kept as they are.
        second: Their times, never decreasing [s].
        remarks: What was rejected, moved or noticed.
        rate_hertz: Usual rate, None where it cannot be told [Hz].
    """

    order: np.ndarray | None
    second: Float[np.ndarray, "time"]
    remarks: tuple[Remark, ...]
    rate_hertz: float | None


def stamp(second: float) -> str:
    """Write a time for people.

    >>> stamp(1620205800.0)
    '2021-05-05T09:10:00Z'
    """
    if not np.isfinite(second) or abs(second) > 1e11:
        return "no time"
    text = str(np.datetime64(round(second * 1e3), "ms"))
    return text.removesuffix(".000") + "Z"


def plan_rows(
    second: Float[np.ndarray, "time"],
    columns: Mapping[str, np.ndarray],
    index: np.ndarray | None,
    elapsed: bool,
    joined: bool = False,
) -> Rows:
    """Choose and order one vehicle's rows.

    Args:
        second: Time of every row of the source, NaN where unreadable [s].
        columns: Every column of the source, to tell copies from conflicts.
        index: The vehicle's rows, None for all.
        elapsed: Whether time counts from the record's start rather than from 1970.
        joined: Whether records were laid end to end, so that gaps between them mean nothing.

    Returns:
        The rows kept.
    """
    own = second if index is None else second[index]
    total = len(own)
    remarks: list[Remark] = []
    low, high = (0.0, 1e10) if elapsed else (EARLIEST_SECOND, LATEST_SECOND)
    good = (own >= low) & (own < high)
    if good.any() and not elapsed:
        middle = float(np.median(own[good]))
        far = good & (np.abs(own - middle) > _FAR_SECOND)
        good &= ~far if far.mean() < 0.01 else True
    if not good.all():
        remarks.append(_rejected(own, good, index, elapsed))
        kept = np.flatnonzero(good)
        index = kept if index is None else index[kept]
        own = own[kept]
    steps = np.diff(own)
    back = steps < 0.0
    if back.any():
        remarks.append(_backward(own, steps, total))
        order = np.argsort(own, kind="stable")
        index = order if index is None else index[order]
        own = own[order]
        steps = np.diff(own)
    if (steps == 0.0).any():
        same = np.flatnonzero(steps == 0.0) + 1
        copies = same[_copies(columns, same, index)]
        remarks += _same_stamp(own, same, copies, total)
        if len(copies):
            keep = np.ones(len(own), bool)
            keep[copies] = False
            index = np.flatnonzero(keep) if index is None else index[keep]
            own = own[keep]
            steps = np.diff(own)
    rate = _usual_rate(steps)
    remarks += _intervals(own, steps, rate, joined)
    return Rows(index, own, tuple(remarks), rate)


def _rejected(own: np.ndarray, good: np.ndarray, index: np.ndarray | None, elapsed: bool) -> Remark:
    rows = np.flatnonzero(~good)
    numbers = rows if index is None else index[rows]
    examples = tuple(
        f"row {int(number) + 1}: {stamp(float(own[row]))}"
        for number, row in zip(numbers[:_EXAMPLES], rows[:_EXAMPLES], strict=True)
    )
    detail = (
        "rows whose elapsed time is negative, endless or unreadable were rejected"
        if elapsed
        else "rows whose stamp is unreadable, before 1990, after 2100 or ten years away from all "
        "others were rejected"
    )
    return Remark(
        reason="time_invalid",
        channel=TIME,
        count=len(rows),
        total=len(own),
        detail=detail,
        examples=examples,
        mend="check the clock of the telematics unit",
    )


def _backward(own: np.ndarray, steps: np.ndarray, total: int) -> Remark:
    late = own < np.maximum.accumulate(own)
    rows = np.flatnonzero(steps < 0.0)
    worst = float(-steps.min())
    detail = (
        f"{int(late.sum())} rows came after later ones ({len(rows)} steps back, the largest "
        f"{_span(worst)}) and were put in order"
    )
    return Remark(
        reason="out_of_order",
        channel=TIME,
        count=int(late.sum()),
        total=total,
        detail=detail,
        examples=tuple(
            f"{stamp(float(own[r]))} is followed by {stamp(float(own[r + 1]))}"
            for r in rows[:_EXAMPLES]
        ),
        mend="a large step back is a clock set back: check the clock of the telematics unit",
    )


def _copies(
    columns: Mapping[str, np.ndarray], same: np.ndarray, index: np.ndarray | None
) -> np.ndarray:
    """Tell which rows repeat their predecessor in every column."""
    this = same if index is None else index[same]
    other = same - 1 if index is None else index[same - 1]
    alike = np.ones(len(same), bool)
    for values in columns.values():
        a, b = values[this], values[other]
        equal = a == b
        if a.dtype.kind == "f":
            equal |= np.isnan(a) & np.isnan(b)
        elif a.dtype.kind in "mM":
            equal |= np.isnat(a) & np.isnat(b)
        alike &= equal.all(axis=1) if equal.ndim == 2 else equal.astype(bool)
        if not alike.any():
            break
    return alike


def _same_stamp(
    own: np.ndarray, same: np.ndarray, copies: np.ndarray, total: int
) -> Sequence[Remark]:
    remarks = []
    if len(copies):
        remarks.append(
            Remark(
                reason="duplicate_row",
                channel="",
                count=len(copies),
                total=total,
                detail="rows that repeat the one before in every column were dropped",
                examples=tuple(stamp(float(own[row])) for row in copies[:_EXAMPLES]),
            )
        )
    conflicts = np.setdiff1d(same, copies, assume_unique=True)
    if len(conflicts):
        remarks.append(
            Remark(
                reason="duplicate_stamp",
                channel=TIME,
                count=len(conflicts),
                total=total,
                detail="rows share a stamp but not their content; all are kept, in their order",
                examples=tuple(stamp(float(own[row])) for row in conflicts[:_EXAMPLES]),
                mend="send stamps fine enough to tell rows apart",
            )
        )
    return remarks


def _usual_rate(steps: np.ndarray) -> float | None:
    forward = steps[steps > 0.0]
    return 1.0 / float(np.median(forward)) if forward.size else None


def _intervals(
    own: np.ndarray, steps: np.ndarray, rate: float | None, joined: bool
) -> list[Remark]:
    """Report gaps and leaps of the clock."""
    if rate is None:
        return []
    remarks = []
    usual = 1.0 / rate
    leaps = np.flatnonzero(steps > max(_JUMP_SECOND, 1e4 * usual))
    if len(leaps):
        remarks.append(
            Remark(
                reason="clock_jump",
                channel=TIME,
                count=len(leaps),
                total=len(steps),
                detail=f"the clock leaps ahead by more than a year, at most "
                f"{_span(float(steps[leaps].max()))}; rates and durations across it mean nothing",
                examples=_places(own, leaps),
                mend="export the record again with a sound clock",
            )
        )
    seam = joined & (np.abs(steps - JOIN_SECOND) <= 20.0 * usual)
    gaps = np.flatnonzero((steps > _GAP_RATIO * usual) & ~seam)
    if len(gaps):
        longest = float(steps[gaps].max())
        remarks.append(
            Remark(
                reason="gap",
                channel=TIME,
                count=len(gaps),
                total=len(steps),
                detail=f"intervals longer than {_GAP_RATIO:g} times the usual {usual:.4g} s; the "
                f"longest lasts {_span(longest)}, all together {_span(float(steps[gaps].sum()))}",
                examples=_places(own, gaps[np.argsort(-steps[gaps], kind="stable")]),
            )
        )
    return remarks


def _places(own: np.ndarray, rows: np.ndarray) -> tuple[str, ...]:
    return tuple(
        f"{stamp(float(own[row]))} to {stamp(float(own[row + 1]))}" for row in rows[:_EXAMPLES]
    )


def _span(second: float) -> str:
    for size, word in ((SECOND_PER_DAY, "days"), (3600.0, "h"), (60.0, "min")):
        if second >= 2.0 * size:
            return f"{second / size:.3g} {word}"
    return f"{second:.3g} s"
