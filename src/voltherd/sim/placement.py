"""Where and when: draws what a fault request left open, from the fleet's seed alone."""

from collections.abc import Callable, Sequence

import numpy as np

from voltherd.errors import UsageError
from voltherd.sim.fault_text import FaultRequest
from voltherd.sim.faults import Fault
from voltherd.sim.streams import Purpose, stream
from voltherd.types.asset import Chemistry, PackLayout
from voltherd.types.channel import cell_column, probe_column
from voltherd.types.event import Location, LocationKind, Phenomenon
from voltherd.units import SECOND_PER_DAY

ONSET_FRACTION_MAX = 0.35
"""An undated fault begins in the first third of the record, so that it can be found in it."""


def place_faults(
    requests: Sequence[FaultRequest],
    *,
    seed: int,
    start_second: float,
    days: int,
    layout: PackLayout,
    chemistry: Sequence[Chemistry],
    driver: Callable[[int], str],
) -> tuple[Fault, ...]:
    """Settle where and when each requested fault sits.

    Args:
        requests: What was asked for.
        seed: The fleet's seed.
        start_second: First day of the record [unix s].
        days: Length of the record.
        layout: Pack layout that all vehicles share.
        chemistry: Chemistry of each vehicle, in order.
        driver: Kind of driver of a vehicle counted from 1; only asked where it matters.

    Returns:
        One fault per request, in the same order.  A fault without a given vehicle gets one that
        has no other fault, as long as there is one.

    Raises:
        UsageError: If a vehicle, cell, module, probe, day or chemistry does not exist.
    """
    taken = {request.vehicle for request in requests if request.vehicle is not None}
    faults = []
    for number, request in enumerate(requests):
        rng = stream(seed, Purpose.PLACEMENT, day=number)
        vehicle = _vehicle(request, chemistry, driver, taken, rng)
        taken.add(vehicle)
        day = request.day
        if day is None:
            day = 1.0 + round(float(rng.uniform(0.05, ONSET_FRACTION_MAX)) * days, 2)
        elif day >= days + 1:
            raise UsageError(
                f"day={day:g}, but the record has {days} days",
                where=f"--faults {request.phenomenon}",
                mend="use a smaller day or more --days",
            )
        faults.append(
            Fault(
                vehicle=vehicle,
                phenomenon=request.phenomenon,
                location=_location(request, layout, rng),
                start_second=start_second + (day - 1.0) * SECOND_PER_DAY,
                size=request.size,
                unit=request.unit,
                growth_per_day=request.growth_per_day,
            )
        )
    return tuple(faults)


def _vehicle(
    request: FaultRequest,
    chemistry: Sequence[Chemistry],
    driver: Callable[[int], str],
    taken: set[int],
    rng: np.random.Generator,
) -> int:
    where = f"--faults {request.phenomenon}"
    wanted = request.chemistry
    if request.vehicle is not None:
        if request.vehicle > len(chemistry):
            raise UsageError(
                f"vehicle={request.vehicle}, but the fleet has {len(chemistry)}",
                where=where,
                mend="use a smaller number or more --vehicles",
            )
        if wanted is not None and chemistry[request.vehicle - 1] is not wanted:
            has = chemistry[request.vehicle - 1]
            raise UsageError(
                f"vehicle={request.vehicle} is {has}, not {wanted}",
                where=where,
                mend="leave one of the two out",
            )
        return request.vehicle
    fitting = [
        index for index, has in enumerate(chemistry, start=1) if wanted is None or has is wanted
    ]
    if not fitting:
        raise UsageError(
            f"no vehicle of this fleet is {wanted}",
            where=where,
            mend="use more --vehicles, another --seed, or leave chemistry= out",
        )
    free = [index for index in fitting if index not in taken] or fitting
    if request.prefer is not None:
        free = [index for index in free if driver(index) == request.prefer] or free
    return int(rng.choice(free))


def _location(request: FaultRequest, layout: PackLayout, rng: np.random.Generator) -> Location:
    place = request.place
    if place is LocationKind.PACK:
        return Location(kind=place)
    if place is LocationKind.CHANNEL:
        return Location(kind=place, channel=request.channel)
    counts = {
        LocationKind.CELL: layout.series,
        LocationKind.MODULE: len(layout.module_series),
        LocationKind.PROBE: len(layout.probe_module),
    }
    index = request.index or int(rng.integers(counts[place])) + 1
    for number in (index, request.other or 1):
        if number > counts[place]:
            raise UsageError(
                f"{place.value}={number}, but the pack has {counts[place]}",
                where=f"--faults {request.phenomenon}",
                mend="use a smaller number",
            )
    if place is LocationKind.MODULE:
        end = sum(layout.module_series[:index])
        first = end - layout.module_series[index - 1] + 1
        return Location(kind=place, index=index, cells=tuple(range(first, end + 1)))
    if place is LocationKind.PROBE:
        return Location(kind=place, index=index, channel=probe_column(index))
    if request.phenomenon is Phenomenon.CHANNEL_SWAP:
        drawn = 1 + (index + int(rng.integers(1, layout.series)) - 1) % layout.series
        other = request.other or drawn
        if other == index:
            raise UsageError(
                f"cell={index} cannot be exchanged with itself",
                where=f"--faults {request.phenomenon}",
                mend="give two different cells as cell= and other=",
            )
        return Location(kind=place, index=index, cells=(index, other), channel=cell_column(index))
    return Location(kind=place, index=index, cells=(index,), channel=cell_column(index))
