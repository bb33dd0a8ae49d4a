"""``truth.json``: where the planted faults are, in the format that every benchmark reads.

::

    {"schema": "urn:voltherd:truth:1", "seed", "start", "end", "days",
     "vehicles": [{"vehicle_id", "chemistry", "capacity_nominal_ah", "cells", "faults"}],
     "faults":   [{"vehicle_id", "phenomenon",
                   "location": {"kind", "index", "cells", "channel"},
                   "start", "size", "size_unit", "growth_per_day"}]}

Locations are written as in the triage report; times are RFC 3339 in UTC.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, final

from voltherd.errors import InputError, UnrecognisedError
from voltherd.sim.faults import Fault
from voltherd.types.asset import Vehicle
from voltherd.types.event import Location, LocationKind, Phenomenon
from voltherd.units import SECOND_PER_DAY

SCHEMA: Final = "urn:voltherd:truth:1"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """A truth file, read.

    Attributes:
        seed: The fleet's seed.
        start_second: First instant of the record [unix s].
        end_second: First instant after it [unix s].
        vehicle_ids: Every vehicle, in order, the healthy ones too.
        faults: Everything planted; ``vehicle`` counts within ``vehicle_ids`` from 1.
    """

    seed: int
    start_second: float
    end_second: float
    vehicle_ids: tuple[str, ...]
    faults: tuple[Fault, ...]


def truth_document(
    *,
    seed: int,
    start_second: float,
    days: int,
    vehicles: Sequence[Vehicle],
    faults: Sequence[Fault],
) -> dict[str, Any]:
    """Write what was planted as a JSON-able document.

    Args:
        seed: The fleet's seed.
        start_second: First instant of the record [unix s].
        days: Length of the record.
        vehicles: Every vehicle, in order.
        faults: Everything planted.

    Returns:
        The document of the module's schema.
    """
    ids = [vehicle.vehicle_id for vehicle in vehicles]
    planted = [fault.vehicle for fault in faults]
    return {
        "schema": SCHEMA,
        "seed": seed,
        "start": _rfc3339(start_second),
        "end": _rfc3339(start_second + days * SECOND_PER_DAY),
        "days": days,
        "vehicles": [
            {
                "vehicle_id": vehicle.vehicle_id,
                "chemistry": str(vehicle.cell_type.chemistry) if vehicle.cell_type else None,
                "capacity_nominal_ah": vehicle.capacity_nominal_ah,
                "cells": vehicle.layout.series if vehicle.layout else None,
                "faults": planted.count(index),
            }
            for index, vehicle in enumerate(vehicles, start=1)
        ],
        "faults": [_document(ids[fault.vehicle - 1], fault) for fault in faults],
    }


def truth_from_document(document: Mapping[str, Any]) -> Truth:
    """Read a truth document.

    Args:
        document: What ``json.load`` gives.

    Returns:
        The truth.

    Raises:
        UnrecognisedError: If it is no truth document of this schema.
        InputError: If a part of it is missing or makes no sense.
    """
    if not isinstance(document, Mapping) or document.get("schema") != SCHEMA:
        raise UnrecognisedError("not a truth document", mend=f'it must say "schema": "{SCHEMA}"')
    try:
        ids = tuple(str(vehicle["vehicle_id"]) for vehicle in document["vehicles"])
        return Truth(
            seed=int(document["seed"]),
            start_second=_second(document["start"]),
            end_second=_second(document["end"]),
            vehicle_ids=ids,
            faults=tuple(_fault(ids, entry) for entry in document["faults"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"the truth document is damaged: {error!r}", mend="simulate the fleet again"
        ) from error


def faults_from_document(document: Mapping[str, Any]) -> tuple[Fault, ...]:
    """Read only the faults of a truth document; errors as ``truth_from_document``."""
    return truth_from_document(document).faults


def _document(vehicle_id: str, fault: Fault) -> dict[str, Any]:
    location = fault.location
    return {
        "vehicle_id": vehicle_id,
        "phenomenon": str(fault.phenomenon),
        "location": {
            "kind": str(location.kind),
            "index": location.index,
            "cells": list(location.cells),
            "channel": location.channel,
        },
        "start": _rfc3339(fault.start_second),
        "size": fault.size if fault.unit else None,
        "size_unit": fault.unit or None,
        "growth_per_day": fault.growth_per_day,
    }


def _fault(ids: Sequence[str], entry: Mapping[str, Any]) -> Fault:
    location = entry["location"]
    return Fault(
        vehicle=ids.index(entry["vehicle_id"]) + 1,
        phenomenon=Phenomenon(entry["phenomenon"]),
        location=Location(
            kind=LocationKind(location["kind"]),
            index=location["index"],
            cells=tuple(location["cells"]),
            channel=location["channel"],
        ),
        start_second=_second(entry["start"]),
        size=float(entry["size"] or 0.0),
        unit=entry["size_unit"] or "",
        growth_per_day=float(entry["growth_per_day"]),
    )


def _rfc3339(second: float) -> str:
    """Write a time to the microsecond.

    >>> _rfc3339(1_740_974_400.0)
    '2025-03-03T04:00:00Z'
    """
    return datetime.fromtimestamp(second, UTC).isoformat().replace("+00:00", "Z")


def _second(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
