"""How far do the scores of true faults reach?  Planted faults, kind by kind, in simulated vehicles.

The other side of ``bench.healthy``: both together are what a finding's odds are worked out from.
Every finished kind is one JSON line, so that a run may be stopped and goes on.
"""

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, NamedTuple

from voltherd.bench.alarms import PLANTED, START_DAY, same_place
from voltherd.bench.healthy import Progress, triaged
from voltherd.bench.lines import begun, keep, lines
from voltherd.errors import InputError
from voltherd.sim.fleet import fleet_spec
from voltherd.types.asset import Chemistry
from voltherd.types.event import Severity

FILE: Final = "planted.jsonl"
DAYS: Final = 14
"""Length of every record [day]."""


class Found(NamedTuple):
    """What became of one kind and size of fault.

    Attributes:
        fault: Kind and size.
        phenomenon: Its name.
        planted: How many.
        scores: Of those found at their place, by their name, at severity recommended or above.
    """

    fault: str
    phenomenon: str
    planted: int
    scores: tuple[float, ...]


def measure(each: int, seed: int, folder: Path, progress: Progress) -> tuple[Found, ...]:
    """Plant and look for so many faults of every kind and size that ``bench alarms`` plants.

    Args:
        each: Vehicles per kind and size.
        seed: Of the fleets.
        folder: Where the lines are kept.
        progress: Told where it stands.

    Raises:
        UsageError: The folder holds the lines of another version, seed or number.
        InputError: What the folder holds is no such file.
        StoreError: It cannot be written.
    """
    path = folder / FILE
    head = {"version": version("voltherd"), "seed": seed, "days": DAYS, "each": each}
    done = begun(path, head)
    for place in range(len(done), len(PLANTED)):
        progress(f"planting {PLANTED[place]}")
        line = _planted(PLANTED[place], each, seed + place, progress)
        keep(path, line)
        done.append(line)
    return tuple(_found(done))


def read(folder: Path) -> tuple[Found, ...]:
    """Give what an earlier run has found.

    Raises:
        InputError: There is nothing, or it is no such file.
    """
    _, *done = lines(folder / FILE) or ({},)
    if not done:
        raise InputError("nothing was planted yet", where=str(folder / FILE))
    return tuple(_found(done))


def _planted(fault: str, each: int, seed: int, progress: Progress) -> dict[str, Any]:
    spec = fleet_spec(
        vehicles=each,
        days=DAYS,
        seed=seed,
        faults=f"{fault}@count={each},day={START_DAY:g}",
        chemistry=((Chemistry.NMC, 1.0),),
    )
    every = dict(triaged(spec, range(1, each + 1), progress))
    scores = []
    for truth in spec.faults:
        mine = [
            found.score
            for found in every[truth.vehicle]
            if same_place(found, truth)
            and found.phenomenon is truth.phenomenon
            and found.severity >= Severity.RECOMMENDED
        ]
        scores += [round(max(mine), 4)] if mine else []
    name = spec.faults[0].phenomenon.value
    return {"fault": fault, "phenomenon": name, "planted": len(spec.faults), "scores": scores}


def _found(done: list[dict[str, Any]]) -> Iterator[Found]:
    for line in done:
        scores = tuple(map(float, line["scores"]))
        yield Found(str(line["fault"]), str(line["phenomenon"]), int(line["planted"]), scores)
