"""THE table of tasks: what each function is for, where it runs, and by when it has to be done.

Three levels: ``END`` is the vehicle's own electronics (the certified battery management and its
sensors), ``EDGE`` one voltherd process per vehicle, ``CLOUD`` many vehicles.  A task moves by
changing its row (or one line of a configuration); the function that runs is the same in both
places, and so is the result.  A critical task never needs the cloud, which a test holds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, final

from voltherd.errors import UsageError


class Level(StrEnum):
    """Where a task runs."""

    END = "end"
    EDGE = "edge"
    CLOUD = "cloud"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One row.

    Attributes:
        name: What a configuration calls it.
        function: The function that does it, as ``module:name``; empty at the end.
        level: Where it runs.
        may_run: Where it could run.
        deadline_second: From its input to its result [s].
        critical: Whether people or the pack are at risk without it.
        needs: Tasks whose results it takes.
        meaning: One clause for people.
    """

    name: str
    function: str
    level: Level
    may_run: frozenset[Level]
    deadline_second: float
    critical: bool
    needs: tuple[str, ...]
    meaning: str

    def __post_init__(self) -> None:
        assert self.level in self.may_run


_ANY: Final = frozenset({Level.EDGE, Level.CLOUD})
_EDGE: Final = frozenset({Level.EDGE})
_CLOUD: Final = frozenset({Level.CLOUD})

_ROWS: Final = (
    # name, function, level, may run, deadline, critical, needs, meaning
    ("sense", "", Level.END, frozenset({Level.END}), 0.1, True, (),
     "measure cells, probes, current and insulation"),
    ("open", "", Level.END, frozenset({Level.END}), 0.1, True, (),
     "the pack's certified battery management opens the contactors on its own"),
    ("protect", "voltherd.protection.watch:step", Level.EDGE, _EDGE, 1.0, True, ("sense",),
     "hold every sample to the limits and say what current is left"),
    ("permit", "voltherd.protection.gate:permit", Level.EDGE, _EDGE, 1.0, True, ("protect",),
     "give the current that may flow, the last word on every request"),
    ("runaway", "voltherd.detection.runaway:look", Level.EDGE, _EDGE, 1.0, True, ("sense",),
     "raise a thermal runaway within a sample of its onset"),
    ("soc", "voltherd.estimation.soc_bar_delta:SocBarDelta", Level.EDGE, _ANY, 1.0, False,
     ("sense",), "estimate every cell's state of charge"),
    ("buffer", "voltherd.wire.chunk:encode_chunk", Level.EDGE, _EDGE, 60.0, False, ("sense",),
     "keep what was measured until the cloud has committed it"),
    ("detection", "voltherd.detection.engine:step", Level.CLOUD, _CLOUD, 120.0, False, ("buffer",),
     "find what develops over hours and days, cell against sibling"),
    ("twin", "voltherd.cloud.twin:follow", Level.CLOUD, _CLOUD, 120.0, False, ("buffer",),
     "follow each pack with a model and say how well it fits"),
    ("triage", "voltherd.triage.findings:findings", Level.CLOUD, _CLOUD, 300.0, False,
     ("detection",), "tell which vehicles need attention, why, and what to do"),
)  # fmt: skip

TASKS: Final[Mapping[str, Task]] = {
    name: Task(
        name=name,
        function=function,
        level=level,
        may_run=may_run,
        deadline_second=deadline,
        critical=critical,
        needs=needs,
        meaning=meaning,
    )
    for name, function, level, may_run, deadline, critical, needs, meaning in _ROWS
}
"""By name, in the order of the data's path."""


def placed(moves: Mapping[str, str]) -> Mapping[str, Task]:
    """Give the table with some tasks moved.

    Args:
        moves: Task to level, as a configuration says it.

    Returns:
        The whole table.

    Raises:
        UsageError: No such task or level, a task that cannot run there, or a critical task that
            would need the cloud.

    >>> placed({"soc": "cloud"})["soc"].level.value
    'cloud'
    """
    table = dict(TASKS)
    for name, level in moves.items():
        where = f"placement.{name}"
        if name not in table:
            raise UsageError("no such task", where=where, mend=f"one of {', '.join(TASKS)}")
        task = table[name]
        if level not in {there.value for there in task.may_run}:
            could = " or ".join(sorted(there.value for there in task.may_run))
            raise UsageError(f"{level!r} is no place for it", where=where, mend=f"use {could}")
        table[name] = replace(task, level=Level(level))
    for task in table.values():
        if task.critical and needs_cloud(task.name, table):
            raise UsageError(
                "a critical task would need the cloud",
                where=f"placement.{task.name}",
                mend="leave what it needs on the edge",
            )
    return table


def needs_cloud(name: str, table: Mapping[str, Task]) -> bool:
    """Whether a task, or anything that it needs, runs in the cloud.

    >>> needs_cloud("triage", TASKS), needs_cloud("permit", TASKS)
    (True, False)
    """
    task = table[name]
    return task.level is Level.CLOUD or any(needs_cloud(needed, table) for needed in task.needs)
