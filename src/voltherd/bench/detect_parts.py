"""The further parts of ``voltherd bench detect``: each a question of its own, asked by its name."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from voltherd.bench import (
    current_bias,
    fleet_models,
    healthy,
    root_cause,
    stations,
    tampering,
    thermal,
)
from voltherd.errors import UsageError

Progress = Callable[[str], None]
FLEET_VEHICLES: Final = 70
FLEET_DAYS: Final = 10


class Asked(NamedTuple):
    """What the parts are asked with.

    Attributes:
        recorded: Folder of recorded cells.
        each: Faults of each kind.
        seed: Another draw.
        vehicle_days: Healthy vehicle-days wanted in all.
        folder: Where these are kept between runs, None where nowhere.
    """

    recorded: Path
    each: int
    seed: int
    vehicle_days: int
    folder: Path | None


class Told(NamedTuple):
    """One part's answer, for people and for programs."""

    text: str
    table: Mapping[str, Any]


def told(name: str, asked: Asked, progress: Progress) -> Told:
    """Ask one part.

    Raises:
        UsageError: Something that it needs was not given or is not installed.
        InputError: Recorded data that it needs are not there.
    """
    progress(f"part {name}")
    return PARTS[name](asked, progress)


def _causes(asked: Asked, progress: Progress) -> Told:
    table = root_cause.measure(each=asked.each, seed=asked.seed + 400, progress=progress)
    return Told(root_cause.render(table), json.loads(table.to_json()))


def _records(asked: Asked, progress: Progress) -> Told:
    table = tampering.measure(asked.each, asked.seed + 40, progress)
    return Told(tampering.render(table), json.loads(table.to_json()))


def _current(asked: Asked, progress: Progress) -> Told:
    del progress
    table = current_bias.measure(asked.recorded, asked.seed)
    return Told(current_bias.render(table), json.loads(table.to_json()))


def _heat(asked: Asked, progress: Progress) -> Told:
    table = thermal.measure(asked.each, asked.seed + 900, progress)
    return Told(thermal.render(table), json.loads(table.to_json()))


def _fleet(asked: Asked, progress: Progress) -> Told:
    table = fleet_models.measure(
        vehicles=FLEET_VEHICLES,
        days=FLEET_DAYS,
        seed=asked.seed,
        each=max(asked.each // 2, 2),
        progress=progress,
    )
    return Told(fleet_models.render(table), json.loads(table.to_json()))


def _stations(asked: Asked, progress: Progress) -> Told:
    table = stations.measure(max(asked.each // 2, 1), asked.seed + 500, progress)
    return Told(stations.render(table), json.loads(table.to_json()))


def _healthy(asked: Asked, progress: Progress) -> Told:
    if asked.folder is None:
        raise UsageError(
            "the part healthy needs a folder to keep what is done, so that it can go on later",
            mend="give --folder FOLDER, and --vehicle-days as many as wanted in all",
        )
    done = healthy.measure(asked.vehicle_days, asked.seed, asked.folder, progress)
    low, high = done.per_thousand_bounds
    text = (
        f"healthy simulated vehicles, kept in {asked.folder}: {len(done.false)} findings of "
        f"severity recommended or above in {done.vehicle_days:,.0f} vehicle-days: "
        f"{done.per_thousand:.3f} per 1,000, between {low:.3f} and {high:.3f} (95 % each)"
    )
    table = {
        "vehicle_days": done.vehicle_days,
        "false": len(done.false),
        "per_thousand": done.per_thousand,
        "per_thousand_low": low,
        "per_thousand_high": high,
    }
    return Told(text, table)


PARTS: Final[Mapping[str, Callable[[Asked, Progress], Told]]] = {
    "causes": _causes,
    "records": _records,
    "current": _current,
    "heat": _heat,
    "fleet": _fleet,
    "stations": _stations,
    "healthy": _healthy,
}


def recorded_folder() -> Path:
    """Give the folder of recorded cells, as ``VOLTHERD_DATA`` names it."""
    return Path(os.environ.get("VOLTHERD_DATA", "../shared/data"))
