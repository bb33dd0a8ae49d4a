"""Event mode: rows worth sending instead of all rows.

A row goes when a declared boundary is crossed (with the row before and the row after, so that the
crossing can be seen), when something has moved by more than its step since the last row that went
and some minutes have passed, and now and then anyway.  A boundary is crossed by the highest or the
lowest cell, the hottest or coldest probe, the current, or the state of charge that the vehicle
reports; how far a value must come back before it can cross again is declared as well.

Source: send-on-delta sampling, Miskowicz, Sensors 6 (2006) 49.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Float

from voltherd.edge.chunks import cut
from voltherd.edge.decode import Rows
from voltherd.edge.retention import rows_of
from voltherd.protection.limits import PackLimits
from voltherd.types.asset import CellType


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Boundary:
    """Levels of one quantity that must not be crossed unseen.

    Attributes:
        levels: In the quantity's unit.
        back: How far a value must come back behind a level before it can cross it again.
        step: Movement worth a row.
    """

    levels: tuple[float, ...]
    back: float
    step: float


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What is worth sending.

    Attributes:
        cell_voltage_volt: Of the highest and the lowest cell [V].
        temperature_celsius: Of the hottest and the coldest probe [°C].
        current_ampere: Of the pack [A].
        soc_fraction: As the vehicle reports it.
        spacing_second: Rows of mere movement come no closer [s].
        heartbeat_second: A row goes at least this often while the vehicle sends any [s].
    """

    cell_voltage_volt: Boundary
    temperature_celsius: Boundary
    current_ampere: Boundary
    soc_fraction: Boundary
    spacing_second: float = 900.0
    heartbeat_second: float = 10_800.0

    @property
    def boundaries(self) -> tuple[Boundary, ...]:
        """One for each watched value, in the order of ``watched``."""
        return (
            self.cell_voltage_volt,
            self.cell_voltage_volt,
            self.temperature_celsius,
            self.temperature_celsius,
            self.current_ampere,
            self.soc_fraction,
        )


def for_pack(cell: CellType, limits: PackLimits) -> Selection:
    """Give what is worth sending of a pack: its limits, and every tenth of its charge.

    Args:
        cell: Its cell block.
        limits: Its limits.
    """
    return Selection(
        cell_voltage_volt=Boundary(
            levels=(cell.voltage_volt_min, cell.voltage_volt_max), back=0.01, step=0.05
        ),
        temperature_celsius=Boundary(levels=(0.0, 50.0), back=1.0, step=5.0),
        current_ampere=Boundary(
            levels=(-limits.discharge_ampere_max, limits.charge_ampere_max),
            back=10.0,
            step=0.3 * cell.capacity_nominal_ah,
        ),
        soc_fraction=Boundary(
            levels=tuple(round(0.1 * k, 1) for k in range(1, 10)), back=0.02, step=0.05
        ),
    )


class Selecting(NamedTuple):
    """What is remembered from row to row.

    Attributes:
        sides: For each watched value and level: 1 beyond, -1 below, 0 not known yet.
        sent: Watched values of the last row that went, NaN before there was one.
        sent_second: Its steady time, -infinity before there was one [s].
        before: The last row, where it did not go.
        follow: Whether the next row goes because the last one crossed a boundary.
    """

    sides: tuple[tuple[int, ...], ...]
    sent: tuple[float, ...]
    sent_second: float
    before: Rows | None
    follow: bool


WATCHED: Final = 6


def init(rules: Selection) -> Selecting:
    """Have sent nothing."""
    return Selecting(
        sides=tuple((0,) * len(b.levels) for b in rules.boundaries),
        sent=(np.nan,) * WATCHED,
        sent_second=-np.inf,
        before=None,
        follow=False,
    )


def watched(rows: Rows) -> Float[np.ndarray, "time 6"]:
    """Give the values that boundaries hold for, row by row; NaN where not measured."""
    batch = rows.batch
    nothing = np.full(batch.rows, np.nan)
    return np.column_stack(
        [
            *_extremes(batch.cell_voltage_volt),
            *_extremes(batch.probe_temperature_celsius),
            batch.scalar.get("current_ampere", nothing),
            batch.scalar.get("soc_fraction", nothing),
        ]
    )


def select(
    rules: Selection, state: Selecting, rows: Rows
) -> tuple[Selecting, tuple[Rows, ...], bool]:
    """Choose rows.

    Args:
        rules: What is worth sending.
        state: Left as it is.
        rows: Further rows of the vehicle.

    Returns:
        State, rows to send in order, and whether a boundary was crossed, so that they are urgent.
    """
    values = watched(rows)
    steps = np.array([b.step for b in rules.boundaries])
    chosen: list[int] = []
    earlier: tuple[Rows, ...] = ()
    crossed_any = False
    sides, sent, sent_second, before, follow = state
    for row, steady in enumerate(rows.steady_second.tolist()):
        now = values[row]
        sides, crossed = _sides(rules.boundaries, sides, now.tolist())
        passed = steady - sent_second
        moved = bool((np.abs(now - np.array(sent)) >= steps).any())
        due = passed >= rules.heartbeat_second or (moved and passed >= rules.spacing_second)
        if crossed:
            if row == 0 and before is not None:
                earlier = (before,)
            elif row > 0 and row - 1 not in chosen[-1:]:
                chosen.append(row - 1)
        if crossed or follow or due:
            chosen.append(row)
            sent, sent_second = tuple(now.tolist()), steady
        crossed_any |= crossed
        follow = crossed
    last = rows.batch.rows - 1
    gone = chosen[-1:] == [last]
    kept = None if gone else _owned(rows, last)
    picked = (_taken(rows, chosen),) if chosen else ()
    return (
        Selecting(sides, sent, sent_second, kept, follow),
        (*earlier, *picked),
        crossed_any,
    )


def _extremes(values: Float[np.ndarray, "time some"]) -> tuple[np.ndarray, np.ndarray]:
    if not values.shape[1]:
        nothing = np.full(len(values), np.nan)
        return nothing, nothing
    return (
        np.fmax.reduce(values, axis=1).astype(np.float64),
        np.fmin.reduce(values, axis=1).astype(np.float64),
    )


def _sides(
    boundaries: Sequence[Boundary], sides: tuple[tuple[int, ...], ...], now: Sequence[float]
) -> tuple[tuple[tuple[int, ...], ...], bool]:
    """Say on which side of each level every value is now, and whether one changed sides."""
    after = []
    crossed = False
    for boundary, was, value in zip(boundaries, sides, now, strict=True):
        here = []
        for level, side in zip(boundary.levels, was, strict=True):
            new = side
            if value >= level:
                new = 1
            elif value < level - (boundary.back if side > 0 else 0.0):
                new = -1
            crossed |= side * new < 0
            here.append(new)
        after.append(tuple(here))
    return tuple(after), crossed


def _taken(rows: Rows, chosen: Sequence[int]) -> Rows:
    at = np.array(chosen, np.int64)
    return Rows(
        rows_of(rows.batch, at),
        rows.heard_first_nanosecond[at],
        rows.heard_last_nanosecond[at],
        rows.steady_second[at],
    )


def _owned(rows: Rows, row: int) -> Rows:
    """Copy a row: a view would keep all the others alive."""
    one = cut(rows, row, row + 1)
    return one._replace(batch=one.batch.copied())
