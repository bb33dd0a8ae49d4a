"""A seeded fleet, day by day: canonical batches on one hand, the planted truth on the other.

``simulate`` is a pure generator: same specification, same bits.  A vehicle depends on the seed and
its own number alone, not on how many others there are, nor on how they are grouped.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

from voltherd.errors import UsageError
from voltherd.sim import running
from voltherd.sim.activity import Sampling
from voltherd.sim.fault_text import parse_faults
from voltherd.sim.faults import OF_CONTACTORS, OF_ENVIRONMENT
from voltherd.sim.load import Load
from voltherd.sim.pack import BLOCK_CAPACITY_AH
from voltherd.sim.placement import place_faults
from voltherd.sim.running import DayTruth
from voltherd.sim.spec import (
    DEFAULT_CHEMISTRY,
    DEFAULT_LAYOUT,
    START_SECOND,
    FleetSpec,
    drivers_offset,
)
from voltherd.sim.truth import truth_document
from voltherd.sim.unit import chemistry_of, draw_unit, driver_of
from voltherd.types.asset import Chemistry, PackLayout, Vehicle
from voltherd.types.sample import SampleBatch

VEHICLES_TOGETHER: Final = 48
"""So many packs run side by side: enough for speed, few enough for memory (about 300 MB)."""


class SimulatedDay(NamedTuple):
    """One vehicle on one day."""

    number: int
    """Vehicle counted from 1."""
    day: int
    """Day counted from 0."""
    vehicle: Vehicle
    batch: SampleBatch
    truth: DayTruth


def fleet_spec(  # long: an argument a line, and what it is
    *,
    vehicles: int = 10,
    days: int = 14,
    seed: int = 1,
    faults: str = "none",
    start_second: float = START_SECOND,
    period_second: float = 10.0,
    park_period_second: float = 1800.0,
    charge_period_second: float = 0.0,
    chemistry: tuple[tuple[Chemistry, float], ...] = DEFAULT_CHEMISTRY,
    layout: PackLayout = DEFAULT_LAYOUT,
    utc_offset_second: float | None = None,
    environment: bool = False,
    contactors: bool = False,
    load: Load | None = None,
) -> FleetSpec:
    """Make a specification from what a command line gives.

    Args:
        vehicles: How many.
        days: How many days each.
        seed: Not negative.
        faults: Text of ``voltherd.sim.fault_text``.
        start_second: First instant of the record, four in the morning by the drivers' clocks
            unless their offset is given [unix s].
        period_second: Sampling while on or charging [s].
        park_period_second: Sampling while parked [s]; 0 for silence.
        charge_period_second: Sampling while charging [s]; 0 for the same as while on.
        chemistry: Share of each chemistry.
        layout: Layout of every pack.
        utc_offset_second: What the drivers' clocks are ahead of UTC [s].
        environment: Whether packs measure pressure, humidity and vibration; a fault of these that
            is planted makes them.
        contactors: Whether packs record their contactors' command and the voltage beyond them; a
            switch fault that is planted makes them.
        load: Recorded drives that trips replay.

    Returns:
        The specification, every fault settled.

    Raises:
        UsageError: If a number or the text of the faults makes no sense.

    >>> [fault] = fleet_spec(vehicles=3, faults="weak_cell:15%@vehicle=2,cell=7").faults
    >>> fault.vehicle, fault.location.cells, fault.size
    (2, (7,), 0.15)
    """
    for name, value, low, high in (
        ("--vehicles", vehicles, 1, 100_000),
        ("--days", days, 1, 3660),
        ("--seed", seed, 0, 2**63),
        ("the sample period", period_second, 1.0, 600.0),
        ("the sample period while parked", park_period_second, 0.0, 86_400.0),
        ("the sample period while charging", charge_period_second, 0.0, 600.0),
        ("the start", start_second, 0.0, 4e9),
    ):
        if not low <= value <= high:
            raise UsageError(f"{value:g} is not in {low:g} to {high:g}", where=name)
    known = {kind for kind, share in chemistry if share > 0.0} <= BLOCK_CAPACITY_AH.keys()
    if not known or abs(sum(share for _, share in chemistry) - 1.0) > 1e-9:
        raise UsageError(
            "the shares of chemistries must be of " + ", ".join(BLOCK_CAPACITY_AH),
            mend="and add up to 1",
        )
    numbers = range(1, vehicles + 1)
    placed = place_faults(
        parse_faults(faults),
        seed=seed,
        start_second=start_second,
        days=days,
        layout=layout,
        chemistry=[chemistry_of(seed, index, chemistry) for index in numbers],
        driver=partial(driver_of, seed),
    )
    return FleetSpec(
        vehicles=vehicles,
        days=days,
        seed=seed,
        start_second=start_second,
        sampling=Sampling(
            period_second=period_second,
            park_period_second=park_period_second,
            charge_period_second=charge_period_second,
        ),
        chemistry=chemistry,
        layout=layout,
        faults=placed,
        utc_offset_second=utc_offset_second
        if utc_offset_second is not None
        else drivers_offset(start_second),
        environment=environment or any(fault.phenomenon in OF_ENVIRONMENT for fault in placed),
        contactors=contactors or any(fault.phenomenon in OF_CONTACTORS for fault in placed),
        load=load,
    )


def vehicles(spec: FleetSpec) -> tuple[Vehicle, ...]:
    """Give the asset facts of every vehicle, in order, without simulating a day."""
    return tuple(draw_unit(spec, index).vehicle for index in range(1, spec.vehicles + 1))


def truth(spec: FleetSpec) -> dict[str, Any]:
    """Give the content of ``truth.json``, without simulating a day."""
    return truth_document(
        seed=spec.seed,
        start_second=spec.start_second,
        days=spec.days,
        vehicles=vehicles(spec),
        faults=spec.faults,
    )


def simulate(
    spec: FleetSpec,
    *,
    only: Sequence[int] | None = None,
    together: int = VEHICLES_TOGETHER,
) -> Iterator[SimulatedDay]:
    """Simulate the fleet.

    Args:
        spec: What to simulate.
        only: Vehicles wanted, counted from 1; all where not given.
        together: How many vehicles run side by side; changes speed and memory, nothing else.

    Yields:
        Vehicle-days: for each group of ``together`` vehicles, day by day, vehicle by vehicle.
    """
    wanted = list(only) if only is not None else list(range(1, spec.vehicles + 1))
    assert together > 0 and all(0 < index <= spec.vehicles for index in wanted)
    for first in range(0, len(wanted), together):
        yield from _simulate_group(spec, wanted[first : first + together])


def _simulate_group(spec: FleetSpec, indices: Sequence[int]) -> Iterator[SimulatedDay]:
    now = running.begin(spec, indices)
    for day in range(spec.days):
        now, days = simulate_day(spec, now, day)
        yield from days


def simulate_day(
    spec: FleetSpec, now: running.Running, day: int
) -> tuple[running.Running, tuple[SimulatedDay, ...]]:
    """Simulate a whole day, counted from 0, of vehicles that stand where it begins."""
    plans = running.draw_days(spec, now, day)
    now, stretches = running.run_until(spec, now, plans, spec.sampling, day=day)
    days = tuple(
        SimulatedDay(s.unit.number, day, s.unit.vehicle, s.batch, s.truth) for s in stretches
    )
    return running.next_day(now), days
