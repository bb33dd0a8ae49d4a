"""What readers see: values that never change, one per vehicle, and the fleet they make."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, final

from voltherd.cloud.finding_names import Known
from voltherd.cloud.follow import Followed
from voltherd.cloud.usage import CHARGING_AMPERE, MOVING_KILOMETRE_PER_HOUR
from voltherd.cloud.workflow import Standing
from voltherd.types.decision import Decided
from voltherd.types.record import EdgeState
from voltherd.types.sample import SampleBatch

_DRIVING_AMPERE: Final = 3.0
"""What a vehicle that stands draws less than [A]."""


class Row(NamedTuple):
    """A vehicle's line of the fleet, written once for all readers.

    Attributes:
        head: JSON up to the age of its state of charge.
        soc_second: Newest row behind that, NaN for none [unix s].
        seen_second: Newest row at all, NaN for none [unix s].
        order: What lists are sorted by, by name of the column.
        severity: Word, empty where nothing is open.
        text: What a search looks through, in lower case.
    """

    head: bytes
    soc_second: float
    seen_second: float
    order: Mapping[str, float | str]
    severity: str
    text: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleView:
    """One vehicle as readers see it.

    Attributes:
        vehicle_id: Whose.
        site_id: Where, empty where nobody has said.
        followed: All that is known of it, None before its first row.
        known: Its findings, most urgent first.
        standings: What became of each, by name.
        decided: What the fleet's budget makes of each, by name.
        edge: What its edge last said, None where it has not.
        lag_second: From the last frame to its commit, newest record, NaN where unknown [s].
        catching_up: Whether its state is being rebuilt.
        row: Its line of the fleet.
    """

    vehicle_id: str
    site_id: str
    followed: Followed | None
    known: tuple[Known, ...]
    standings: Mapping[str, Standing]
    decided: Mapping[str, Decided]
    edge: EdgeState | None
    lag_second: float
    catching_up: bool
    row: Row

    def asks(self, finding_id: str) -> bool:
        """Say whether a finding is shown, not only watched."""
        decided = self.decided.get(finding_id)
        return decided is None or decided.shown


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FleetView:
    """All vehicles at one moment.

    Attributes:
        vehicles: By name.
        version: Ascends with every change.
        sorted_by: Lists already sorted, by column; filled as readers ask.
    """

    vehicles: Mapping[str, VehicleView]
    version: int
    sorted_by: dict[str, list[VehicleView]] = field(default_factory=dict)

    def ordered(self, column: str, descending: bool) -> list[VehicleView]:
        """Give all vehicles in an order, worked out once however many ask."""
        name = f"-{column}" if descending else column
        found = self.sorted_by.get(name)
        if found is None:
            found = sorted(
                self.vehicles.values(), key=lambda view: sort_key(view, column, descending)
            )
            self.sorted_by[name] = found
        return found


SortKey = tuple[bool, float | str | tuple[int, ...], str]


def sort_key(view: VehicleView, column: str, descending: bool) -> SortKey:
    """Give a place in an order: what is unknown comes last either way, equals by name."""
    value = view.row.order[column]
    if isinstance(value, str):
        # Turned letter by letter; the end counts more than any letter, so that longer comes first.
        place = (*(-ord(letter) for letter in value), 1) if descending else value
        return not value, place, view.vehicle_id
    unknown = math.isnan(value)
    return unknown, 0.0 if unknown else -value if descending else value, view.vehicle_id


def newest(batch: SampleBatch | None, channel: str) -> float:
    """Give a channel's value in a single row, NaN where it has none."""
    values = batch.scalar.get(channel) if batch is not None and batch.rows else None
    return math.nan if values is None else float(values[-1])


def mode(batch: SampleBatch | None) -> str:
    """Say what a vehicle does by one row: ``driving``, ``charging``, ``parked``, ``unknown``."""
    current = newest(batch, "current_ampere")
    speed = newest(batch, "speed_kilometre_per_hour")
    if math.isnan(current) and math.isnan(speed):
        return "unknown"
    if speed > MOVING_KILOMETRE_PER_HOUR or current < -_DRIVING_AMPERE:
        return "driving"
    return "charging" if current > CHARGING_AMPERE else "parked"
