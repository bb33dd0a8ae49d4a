"""A run of neighbouring cells that stands apart together: a module, its cooling or its electronics.

Neighbours share a module board, a coolant channel and a measuring chip.  Four or more adjacent
cells out on the same side are therefore one cause, not four weak cells.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from voltherd.detection import cells
from voltherd.detection.verdict import Verdict
from voltherd.types.asset import PackLayout
from voltherd.types.event import Location, LocationKind, Phenomenon

CAUSE: Final = "module"
RUN_MIN: Final = 4


def merge(
    verdicts: Sequence[Verdict], layout: PackLayout | None
) -> tuple[tuple[Verdict, ...], tuple[Verdict, ...]]:
    """Join runs of adjacent cells out on the same side into one verdict each.

    Args:
        verdicts: What ``cells.judge`` named.
        layout: Names the module where known.

    Returns:
        The cells left alone, and the modules.
    """
    single = {v.location.index: v for v in verdicts if v.cause == cells.CAUSE}
    runs: list[list[int]] = []
    for index in sorted(i for i in single if i is not None):
        joined = runs and runs[-1][-1] == index - 1 and _same_side(single, runs[-1][-1], index)
        if joined:
            runs[-1].append(index)
        else:
            runs.append([index])
    modules = tuple(_module(single, run, layout) for run in runs if len(run) >= RUN_MIN)
    taken = {index for run in runs if len(run) >= RUN_MIN for index in run}
    return tuple(v for v in verdicts if v.location.index not in taken), modules


def _same_side(single: dict[int | None, Verdict], left: int, right: int) -> bool:
    return single[left].numbers["volt"] * single[right].numbers["volt"] > 0.0


def _module(
    single: dict[int | None, Verdict], run: list[int], layout: PackLayout | None
) -> Verdict:
    strongest = max((single[i] for i in run), key=lambda verdict: abs(verdict.score))
    module = layout.module_of_cell(run[len(run) // 2]) if layout else None
    return replace(
        strongest,
        cause=CAUSE,
        phenomenon=Phenomenon.MODULE_OFFSET,
        location=Location(kind=LocationKind.MODULE, index=module or run[0], cells=tuple(run)),
    )
