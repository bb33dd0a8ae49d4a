"""Families of numbered columns: which are the cells, which the probes, and in what order.

A family is a name pattern (``V_#``) with at least one member.  What it measures follows from its
name where that speaks, and from its values where it does not: cells of one string lie close
together, move together and lie in a cell's voltage band.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from voltherd.intake import names
from voltherd.intake.numbers import middle, middle_of_rows

_NUMBER: Final = re.compile(r"\d+")
_CELL_SCALES: Final = (1.0, 1e-3, 1e-4, 1e-2)
_CELL_BAND: Final = (1.2, 4.6)
"""Medians of lithium-ion cells from titanate to high-voltage cathodes [V]."""


class Family(NamedTuple):
    """Columns that measure the same thing at different places.

    Attributes:
        role: Cells or probes.
        columns: Source columns in order of their numbers.
        numbers: The number in each name that tells them apart; empty where there is none.
        why: For people.
        named: Whether the name says so, not only the values.
    """

    role: str
    columns: tuple[str, ...]
    numbers: tuple[int, ...]
    why: str
    named: bool


def patterns(columns: Sequence[str]) -> dict[str, list[str]]:
    """Group columns by name with every number replaced, members in natural order.

    >>> patterns(["V_10", "V_2", "speed"])
    {'v_#': ['V_2', 'V_10'], 'speed': ['speed']}
    """
    found: dict[str, list[str]] = {}
    for name in columns:
        found.setdefault(_NUMBER.sub("#", name).lower(), []).append(name)
    return {key: sorted(members, key=_natural) for key, members in found.items()}


def _natural(name: str) -> tuple[int, ...]:
    return tuple(int(number) for number in _NUMBER.findall(name))


def telling_numbers(members: Sequence[str]) -> tuple[int, ...]:
    """Give the number that tells members apart; empty where none does so alone.

    >>> telling_numbers(["m1_cell_1", "m1_cell_2"]), telling_numbers(["m1c1", "m1c2", "m2c1"])
    ((1, 2), ())
    """
    numbers = [_natural(name) for name in members]
    if len(members) == 1:
        return (numbers[0][-1],) if numbers[0] else ()
    varying = [place for place in zip(*numbers, strict=True) if len(set(place)) > 1]
    if len(varying) != 1 or len(set(varying[0])) < len(members):
        return ()
    return tuple(varying[0])


def find_families(sample: Mapping[str, np.ndarray]) -> list[Family]:
    """Find cells and probes among numeric columns.

    Args:
        sample: Sampled rows of every numeric column that nothing else claims.

    Returns:
        At most one family of cells and one of probes.
    """
    named = {
        key: (names.group_role(members[0]), members)
        for key, members in patterns(list(sample)).items()
    }
    found = []
    for wanted in (names.CELLS, names.PROBES):
        options = [
            members
            for role, members in named.values()
            if role == wanted and _plausible(wanted, members, sample)
        ]
        singles = [name for members in options if len(members) == 1 for name in members]
        if len(singles) == len(options) > 1 and wanted == names.PROBES:
            found.append(Family(wanted, tuple(singles), (), "by name", True))
        elif options:
            best = max(options, key=lambda members: (len(members), -len(members[0])))
            found.append(_family(wanted, best, "by name", True))
    taken = {name for family in found for name in family.columns}
    roles = {family.role for family in found}
    rest = {
        key: members
        for key, (_, members) in named.items()
        if len(members) >= 4 and not taken & set(members)
    }
    if names.CELLS not in roles and (cells := _by_values(rest, sample, _IS_CELLS)):
        found.append(cells)
        taken |= set(cells.columns)
    if names.PROBES not in roles:
        rest = {key: [n for n in members if n not in taken] for key, members in rest.items()}
        if probes := _by_values(rest, sample, _IS_PROBES):
            found.append(probes)
            taken |= set(probes.columns)
    if names.CELLS not in roles and not any(f.role == names.CELLS for f in found):
        loose = [name for name in sample if name not in taken and names.role(name) is None]
        if cells := _by_values({"": loose}, sample, _IS_CELLS):
            found.append(cells)
    return found


def _plausible(role: str, members: Sequence[str], sample: Mapping[str, np.ndarray]) -> bool:
    medians = np.array([middle(sample[name]) for name in members])
    known = medians[np.isfinite(medians)]
    if role == names.CELLS:
        words = names.parse(members[0]).words
        many = len(members) >= 4 or " cell" in words or "zell" in words
        return bool(many and known.size and cell_scale(float(np.median(known))) is not None)
    return bool(known.size)


def cell_scale(median: float) -> float | None:
    """Give the decimal scale that brings a cell's median voltage into its band, None if none does.

    >>> cell_scale(3.7), cell_scale(3652.0), cell_scale(65.0)
    (1.0, 0.001, None)
    """
    for scale in _CELL_SCALES:
        if _CELL_BAND[0] <= median * scale <= _CELL_BAND[1]:
            return scale
    return None


def _family(role: str, members: Sequence[str], why: str, named: bool) -> Family:
    return Family(role, tuple(members), telling_numbers(members), why, named)


class _Check(NamedTuple):
    """How a cluster of alike columns is told to be cells, or probes."""

    role: str
    scale: Callable[[np.ndarray], np.ndarray]
    near: float
    confirm: Callable[[np.ndarray], str]


def _by_values(
    groups: Mapping[str, Sequence[str]], sample: Mapping[str, np.ndarray], check: _Check
) -> Family | None:
    """Find the largest cluster of alike columns that the check confirms."""
    best: Family | None = None
    for members in groups.values():
        usable = {name: usual for name in members if (usual := middle(sample[name])) > 0.0}
        while len(usable) >= 4:
            cluster = _cluster(usable, check)
            if len(cluster) < 4 or (best is not None and len(cluster) <= len(best.columns)):
                break
            if why := check.confirm(np.column_stack([sample[name] for name in cluster])):
                best = _settle(check.role, why, list(members), cluster, sample)
                break
            usable = {name: usual for name, usual in usable.items() if name not in cluster}
    return best


def _cluster(medians: Mapping[str, float], check: _Check) -> list[str]:
    """Give the largest set of columns whose medians lie close together."""
    ordered = sorted(medians, key=lambda name: medians[name])
    place = check.scale(np.array([medians[name] for name in ordered]))
    ends = np.searchsorted(place, place + check.near, side="right")
    start = int(np.argmax(ends - np.arange(len(place))))
    return ordered[start : ends[start]]


def _settle(
    role: str, why: str, members: list[str], cluster: list[str], sample: Mapping[str, np.ndarray]
) -> Family:
    """Add dead members of an otherwise pure family, or leave statistics out of a mixed one."""
    inside = set(cluster)
    outside = [name for name in members if name not in inside]
    dead = {name for name in outside if np.unique(sample[name][::8]).size <= 1}
    if len(outside) <= max(1, len(members) // 10) or len(dead) == len(outside):
        return _family(role, members, why, False)
    run = _longest_run(members, inside, dead)
    if sum(name in inside for name in run) >= 0.7 * len(cluster):
        kept = _without_mean(run, sample)
    else:
        kept = _without_extremes([name for name in members if name in inside], sample)
    return Family(role, tuple(kept), (), why + ", numbered in their order", False)


def _longest_run(members: list[str], inside: set[str], dead: set[str]) -> list[str]:
    """Give the longest unbroken run of the cluster; dead columns within it do not break it."""
    best: list[str] = []
    run: list[str] = []
    for name in [*members, ""]:
        if name in inside or (run and name in dead):
            run.append(name)
            continue
        while run and run[-1] in dead:
            run.pop()
        best = max(best, run, key=lambda names: sum(n in inside for n in names))
        run = []
    return best


def _without_mean(run: list[str], sample: Mapping[str, np.ndarray]) -> list[str]:
    """Leave out a mean at either end: finer than the others, or on their mean in every row."""
    stack = np.column_stack([sample[name] for name in run])
    fine = [np.unique(column[np.isfinite(column)]).size for column in stack.T]
    usual = float(np.median(fine))
    steps = np.diff(np.unique(stack[:, len(run) // 2]))
    quantum = float(np.median(steps)) if steps.size else 0.0
    ends = []
    for place in (0, len(run) - 1):
        rest = middle_of_rows(np.delete(stack, place, axis=1))
        near = np.abs(stack - rest[:, None]) <= 1.1 * quantum
        share = near.mean(axis=0)
        central = share[place] > 0.9 and float(np.median(share)) < 0.5
        ends.append(bool(fine[place] > 1.5 * usual + 5 or central))
    return run[int(ends[0]) : len(run) - int(ends[1])]


def _without_extremes(cells: list[str], sample: Mapping[str, np.ndarray]) -> list[str]:
    """Leave out columns that repeat the extreme of the others; of twins, one."""
    stack = np.column_stack([sample[name] for name in cells])
    keep = np.ones(len(cells), bool)
    for reduce in (np.fmax.reduce, np.fmin.reduce):
        among = np.flatnonzero(keep)
        hits = stack[:, among] == reduce(stack[:, among], axis=1)[:, None]
        share = (hits & (hits.sum(axis=1) >= 2)[:, None]).mean(axis=0)
        if float(share.max()) > 0.9:
            keep[among[int(np.argmax(share))]] = False
    return _without_mean([name for name, stays in zip(cells, keep, strict=True) if stays], sample)


def _moves_together(stack: np.ndarray) -> float:
    """Median correlation of the columns with their common course, 0 where nothing varies."""
    common = middle_of_rows(stack)
    level = middle(common)
    calm = np.where(np.abs(stack - common[:, None]) < 0.3 * abs(level) + 1e-9, stack, np.nan)
    good = np.isfinite(common) & np.isfinite(calm).all(axis=1)
    if good.sum() < 8 or np.ptp(common[good]) == 0.0:
        return 0.0
    a = calm[good] - calm[good].mean(axis=0)
    b = common[good] - common[good].mean()
    scale = np.sqrt((a * a).sum(axis=0) * float(b @ b))
    return float(np.median(np.where(scale > 0, (a.T @ b) / np.where(scale > 0, scale, 1.0), 0.0)))


def _confirm_cells(stack: np.ndarray) -> str:
    usual = middle(stack)
    together = _moves_together(stack)
    fine = np.unique(stack[np.isfinite(stack)]).size
    if cell_scale(usual) in (None, 1e-2) or together < 0.7 or fine < 12:
        return ""
    return f"they lie around {usual:.4g}, close together, and move together ({together:.2f})"


def _confirm_probes(stack: np.ndarray) -> str:
    known = stack[np.isfinite(stack)]
    together = _moves_together(stack)
    steps = np.abs(np.diff(stack, axis=0))
    steps = steps[np.isfinite(steps)]
    quick = float(np.quantile(steps, 0.9)) if steps.size else 0.0
    slow = quick <= 0.1 * max(float(np.ptp(known)), 1e-9)
    if together < 0.4 or not slow or not 0.0 < float(np.median(known)) < 4000.0:
        return ""
    return f"they lie around {np.median(known):.4g}, change slowly and together ({together:.2f})"


_IS_CELLS: Final = _Check(names.CELLS, np.log, float(np.log(1.16)), _confirm_cells)
_IS_PROBES: Final = _Check(names.PROBES, np.positive, 14.0, _confirm_probes)
