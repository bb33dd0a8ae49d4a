"""From a family of columns to ordered cells or probes, numbered as the vehicle numbers them."""

import numpy as np

from voltherd.intake import names
from voltherd.intake.evidence import Look
from voltherd.intake.families import Family, cell_scale
from voltherd.intake.numbers import middle as middle_of
from voltherd.intake.numbers import to_numbers
from voltherd.intake.profile import GroupRule
from voltherd.intake.sentinels import dead_codes, find_codes, usual_range
from voltherd.intake.temperature import Scale
from voltherd.types.channel import CELL_VOLTAGE, PROBE_TEMPERATURE
from voltherd.types.report import Remark

_STACK_VALUES_MAX = 60_000


def number(family: Family) -> tuple[tuple[str, ...], tuple[int, ...], tuple[Remark, ...]]:
    """Order a family and count it from 1.

    The number in the name decides the index.  A family that starts at 0 is moved up by one; one
    that starts far beyond 1, or whose numbers are mostly missing, is counted in its order.

    Args:
        family: The columns.

    Returns:
        Columns in order, their indices, and what was noticed.

    >>> number(Family("voltage_volt_cell", ("V_0", "V_1", "V_3"), (0, 1, 3), "", True))[1]
    (1, 2, 4)
    """
    count = len(family.columns)
    plain = tuple(range(1, count + 1))
    if not family.numbers:
        return family.columns, plain, ()
    order = np.argsort(family.numbers, kind="stable")
    columns = tuple(family.columns[place] for place in order)
    told = np.asarray(family.numbers)[order]
    first, last = int(told[0]), int(told[-1])
    kind = "cell" if family.role == names.CELLS else "probe"
    if first == 0 or first > 1 + 0.25 * count:
        told = told - first + 1
    remarks = []
    if told[-1] > 2 * count + 2:
        told = np.arange(1, count + 1)
    if told[0] != first or told[-1] != last:
        detail = (
            f"the source numbers its {kind}s {first}…{last} ({columns[0]}…{columns[-1]}); "
            f"here they are {kind}s {told[0]}…{told[-1]}"
        )
        reason = "zero_based" if first == 0 else "renumbered"
        remarks.append(
            Remark(reason=reason, channel=family.role, count=count, total=count, detail=detail)
        )
    absent = sorted(set(range(1, int(told[-1]) + 1)) - set(told.tolist()))
    if absent:
        remarks.append(
            Remark(
                reason="number_missing",
                channel=family.role,
                count=len(absent),
                total=int(told[-1]),
                detail=f"{kind}s without a column: {', '.join(map(str, absent[:20]))}; they stay "
                "empty so that the others keep their numbers",
                mend="export every cell",
            )
        )
    return columns, tuple(int(index) for index in told), tuple(remarks)


def stack(look: Look, columns: tuple[str, ...]) -> np.ndarray:
    """Give the sampled rows of a family side by side, from one array column or many."""
    values = look.table.columns[columns[0]]
    if values.ndim == 2:
        return to_numbers(values[look.rows]).astype(np.float64)
    return np.column_stack([look.sample[name] for name in columns])


def cells_scale(sample: np.ndarray, declared: str) -> Scale:
    """Decide the cells' unit: one decade alone brings them into a cell's band."""
    middle = middle_of(sample)
    scale = cell_scale(middle)
    words = {1.0: "in V", 1e-3: "in mV", 1e-4: "in tenths of mV", 1e-2: "in 10 mV"}
    if scale is not None:
        why = f"the usual value is {middle:.4g}"
        return Scale(scale, 0.0, words[scale], 0.99, why)
    told = {"V": 1.0, "mV": 1e-3}.get(declared, 1.0)
    return Scale(told, 0.0, f"in {declared or 'V'}", 0.5, f"the usual value is {middle:.4g}")


def group_rule(
    look: Look, columns: tuple[str, ...], indices: tuple[int, ...], role: str, scale: Scale
) -> GroupRule:
    """Give the rule of cells or probes, their codes found in every row."""
    spec = CELL_VOLTAGE if role == names.CELLS else PROBE_TEMPERATURE
    sample = stack(look, columns)
    thin = max(1, sample.size // _STACK_VALUES_MAX)
    low = (spec.minimum - scale.offset) / scale.scale
    high = (spec.maximum - scale.offset) / scale.scale
    dead = dead_codes(sample)
    living = sample[:, ~np.isin(sample[0], dead)] if dead else sample
    thinned = living[::thin]
    usual = usual_range(thinned[(thinned >= low) & (thinned <= high)])
    source = look.table.columns
    values = (
        to_numbers(source[columns[0]]).T
        if source[columns[0]].ndim == 2
        else (to_numbers(source[name]) for name in columns)
    )
    codes = find_codes(values, usual, (spec.minimum, spec.maximum), scale.scale, scale.offset)
    codes += tuple(code for code in dead if code not in codes and not usual[0] <= code <= usual[1])
    return GroupRule(
        columns=columns, indices=indices, scale=scale.scale, offset=scale.offset, sentinels=codes
    )
