"""What an unnamed column is, told by how it moves with the cells and with the others.

Used for what names leave open: renamed exports must come out as the named ones do.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np

from voltherd.intake.families import cell_scale
from voltherd.intake.numbers import middle, middle_of_rows

_SHARE: Final = 0.8
"""Share of rows in which a reported extreme must equal the extreme of its family."""


class Context(NamedTuple):
    """What is known already, on sampled rows.

    Attributes:
        step: Whether no row is missing between a row and its successor.
        cells: Cell voltages in source units, empty where there are none.
        probes: Probe temperatures in source units, empty where there are none.
        soc: Reported state of charge, where it is known which column that is.
    """

    step: np.ndarray
    cells: np.ndarray
    probes: np.ndarray
    soc: np.ndarray | None = None


def find_roles(
    sample: Mapping[str, np.ndarray], context: Context, open_roles: frozenset[str]
) -> dict[str, tuple[str, str]]:
    """Give roles to columns that have none.

    Args:
        sample: Sampled rows of the columns left over.
        context: What is known already.
        open_roles: Roles nobody plays yet.

    Returns:
        Role to (column, why).
    """
    left = {name: values for name, values in sample.items() if np.isfinite(values).sum() >= 16}
    found: dict[str, tuple[str, str]] = {}

    def take(role: str, column: str | None, why: str) -> None:
        if column is not None and role in open_roles:
            found[role] = (column, why)
            left.pop(column)

    if not left:
        return found
    for suffix, reduce in (("max", np.fmax), ("min", np.fmin)):
        take(
            f"cell_voltage_volt_{suffix}",
            _extreme(left, context.cells, reduce, 0.0),
            f"it equals the {suffix}imum of the cells",
        )
        take(
            f"temperature_celsius_{suffix}",
            _extreme(left, context.probes, reduce, 0.05),
            f"it follows the {suffix}imum of the probes",
        )
    if not left:
        return found
    level = _level(context.cells)
    take("voltage_volt", _pack(left, context.cells), "it is proportional to the sum of the cells")
    if level is None and "voltage_volt" in found:
        level = sample[found["voltage_volt"][0]]
    take("odometer_kilometre", _odometer(left), "it only grows")
    if level is not None:
        for name in [name for name, values in left.items() if _repeats(values, level)]:
            left.pop(name)  # the cells' mean: nothing is made of it
        take(
            "soc_fraction", _soc(left, level), "it rises and falls with the cells' voltage, slowly"
        )
        charge = sample[found["soc_fraction"][0]] if "soc_fraction" in found else context.soc
        take(
            "current_ampere",
            _current(left, level, context.step, charge),
            "cell voltages or SOC follow it",
        )
    take(
        "speed_kilometre_per_hour", _speed(left), "it is never negative, rests at 0 and moves fast"
    )
    return found


def _level(cells: np.ndarray) -> np.ndarray | None:
    if not cells.size:
        return None
    few = cells[:, np.unique(np.linspace(0, cells.shape[1] - 1, 9).astype(int))]
    return middle_of_rows(few)


def _extreme(
    left: Mapping[str, np.ndarray], family: np.ndarray, reduce: np.ufunc, tolerance: float
) -> str | None:
    """Find the column that repeats the family's extreme, up to a linear conversion."""
    if family.size == 0 or family.shape[1] < 2 or not left:
        return None
    usual = middle(family[:: max(1, len(family) // 256)])
    usable = np.where(np.abs(family - usual) < 0.5 * abs(usual), family, np.nan)
    extreme = reduce.reduce(usable, axis=1)
    best, most = None, _SHARE
    for name, values in left.items():
        good = np.isfinite(values) & np.isfinite(extreme)
        if good.sum() < 16 or np.ptp(values[good]) == 0.0:
            continue
        if tolerance == 0.0:
            ratio = float(
                np.median(extreme[good]) / max(abs(float(np.median(values[good]))), 1e-12)
            )
            decade = 10.0 ** round(np.log10(max(ratio, 1e-9)))
            share = float(np.mean(np.abs(values[good] * decade / extreme[good] - 1.0) < 3e-3))
        else:
            a, b = values[good] - values[good].mean(), extreme[good] - extreme[good].mean()
            norm = float(np.sqrt((a @ a) * (b @ b)))
            share = float(a @ b) / norm if norm > 0 else 0.0
            share = share if share > 1.0 - tolerance else 0.0
        if share > most:
            best, most = name, share
    return best


def _repeats(values: np.ndarray, level: np.ndarray) -> bool:
    """Tell whether a column is in fixed proportion to the cells' level."""
    good = np.isfinite(values) & np.isfinite(level) & (level > 0.0)
    if good.sum() < 16:
        return False
    ratio = values[good] / level[good]
    usual = float(np.median(ratio))
    return usual > 0.0 and float(np.median(np.abs(ratio / usual - 1.0))) < 2e-3


def _pack(left: Mapping[str, np.ndarray], cells: np.ndarray) -> str | None:
    """Find the column in fixed proportion to the sum of cells."""
    if cells.size == 0:
        return None
    usual = middle_of_rows(cells.T)
    level = np.where(np.abs(cells - usual) < 0.3 * np.abs(usual), cells, np.nan).mean(axis=1)
    level = level * (cell_scale(middle(usual)) or 1.0)
    best, least = None, 0.01
    for name, values in left.items():
        good = np.isfinite(values) & np.isfinite(level) & (values > 0.0)
        if good.sum() < 16 or np.ptp(values[good]) == 0.0:
            continue
        if np.corrcoef(values[good], level[good])[0, 1] < 0.8:
            continue
        ratio = values[good] / level[good]
        spread = float(np.subtract(*np.quantile(ratio, (0.75, 0.25))) / np.median(ratio))
        if spread < least and float(np.median(ratio)) > 1.5:
            best, least = name, spread
    return best


def _odometer(left: Mapping[str, np.ndarray]) -> str | None:
    best, widest = None, 0.0
    for name, values in left.items():
        known = values[np.isfinite(values) & (values != 0.0)]
        if known.size < 16 or known.min() < 0.0:
            continue
        steps = np.diff(known)
        span = float(known[-1] - known[0])
        grows = bool(np.mean(steps >= 0.0) > 0.999) and span > 0.0
        if (
            grows
            and np.median(known) > 3.0 * span
            and span > widest
            and np.mean(steps == 0.0) > 0.1
        ):
            best, widest = name, span
    return best


def _current(
    left: Mapping[str, np.ndarray], level: np.ndarray, step: np.ndarray, soc: np.ndarray | None
) -> str | None:
    """Find the column whose steps the voltage, or whose sum the SOC, follows best."""
    best, most = None, 0.25
    rise = level[3:] - level[:-3]
    whole = step[:-2] & step[1:-1] & step[2:] if len(step) > 2 else np.zeros(0, bool)
    for name, values in left.items():
        change = values[3:] - values[:-3]
        good = whole & np.isfinite(change) & np.isfinite(rise)
        if good.sum() < 16:
            continue
        a, b = change[good], rise[good]
        limit = np.quantile(np.abs(b), 0.99)
        b = np.clip(b, -limit, limit)
        norm = float(np.sqrt((a @ a) * (b @ b)))
        r = abs(float(a @ b)) / norm if norm > 0.0 else 0.0
        if soc is not None:
            r = max(r, _charges(values, soc, step))
        known = values[np.isfinite(values)]
        low, high = np.quantile(known, (0.005, 0.995))
        # a current turns round, or is counted from a raised zero
        turns = low < 0.0 < high or low > 0.5 * (high - low) > 0.0
        if r > most and turns:
            best, most = name, r
    return best


def _charges(values: np.ndarray, soc: np.ndarray, step: np.ndarray) -> float:
    """Correlate a column's mean with the change of SOC over unbroken runs."""
    starts = np.concatenate(([0], np.flatnonzero(~step) + 1))
    ends = np.append(starts[1:], len(values)) - 1
    if len(starts) < 6:
        edges = np.linspace(0, len(values) - 1, 17).astype(int)
        starts, ends = edges[:-1], edges[1:]
    counted = np.add.reduceat(np.nan_to_num(values), starts)
    moved = soc[ends] - soc[starts]
    good = np.isfinite(moved) & (ends - starts >= 32)
    if good.sum() < 6 or np.count_nonzero(moved[good]) < 4:
        return 0.0
    a, b = counted[good], moved[good]
    norm = float(np.sqrt((a @ a) * (b @ b)))
    r = abs(float(a @ b)) / norm if norm > 0.0 else 0.0
    return r if r > 0.8 else 0.0


def _soc(left: Mapping[str, np.ndarray], level: np.ndarray) -> str | None:
    best, most = None, 0.6
    for name, values in left.items():
        good = np.isfinite(values) & np.isfinite(level)
        known = values[good]
        if known.size < 16 or known.min() < 0.0 or known.max() > 1000.5 or np.ptp(known) == 0.0:
            continue
        steps = np.abs(np.diff(known))
        slow = float(np.quantile(steps, 0.95)) <= 0.03 * float(np.ptp(known)) + 1e-9
        r = float(np.corrcoef(known, level[good])[0, 1])
        if slow and r > most:
            best, most = name, r
    return best


def _speed(left: Mapping[str, np.ndarray]) -> str | None:
    best, widest = None, 0.0
    for name, values in left.items():
        known = values[np.isfinite(values)]
        if known.min() < 0.0 or not 3.0 < known.max() <= 3000.0:
            continue
        steps = np.diff(known)
        rests = float(np.mean(known == 0.0))
        moves = float(np.mean(steps != 0.0))
        fine = np.unique(known).size
        if rests > 0.02 and moves > 0.1 and fine > 12 and fine * moves > widest:
            best, widest = name, fine * moves
    return best
