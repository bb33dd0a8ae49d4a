"""A seeded fleet, day by day: canonical batches on one hand, the planted truth on the other.

``simulate`` is a pure generator: same specification, same bits.  A vehicle depends on the seed and
its own number alone, not on how many others there are, nor on how they are grouped.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, final

import numpy as np
from jaxtyping import Float

from voltherd.errors import UsageError
from voltherd.sim import plant
from voltherd.sim.drivers import Traits, draw_traits
from voltherd.sim.fault_text import parse_faults
from voltherd.sim.faults import Fault
from voltherd.sim.injection import injections
from voltherd.sim.pack import BLOCK_CAPACITY_AH, Pack, draw_pack, vehicle_facts
from voltherd.sim.placement import place_faults
from voltherd.sim.sensor_faults import Held
from voltherd.sim.sensors import Sensors, draw_sensors, soc_error
from voltherd.sim.streams import Purpose, stream
from voltherd.sim.telemetry import DayKey, VehicleRecord, sample_day
from voltherd.sim.truth import truth_document
from voltherd.sim.usage import DayStart, Rows, Sampling, plan_day
from voltherd.sim.weather import ambient_temperature_celsius, daily_anomaly
from voltherd.types.asset import Chemistry, PackLayout, Vehicle
from voltherd.types.sample import SampleBatch
from voltherd.units import SECOND_PER_DAY

START_SECOND: Final = 1_740_974_400.0
"""2025-03-03T04:00:00Z, a Monday; the day begins at 04:00, when the night's charge is done."""
DEFAULT_LAYOUT: Final = PackLayout(
    series=96,
    module_series=(12,) * 8,
    probe_module=tuple(module for module in range(1, 9) for _ in range(3)),
)
DEFAULT_CHEMISTRY: Final = ((Chemistry.NMC, 0.5), (Chemistry.NCA, 0.2), (Chemistry.LFP, 0.3))
VEHICLES_TOGETHER: Final = 48
"""So many packs run side by side: enough for speed, few enough for memory (about 300 MB)."""
_GOLDEN: Final = 0.618_033_988_749_894_9


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class FleetSpec:
    """Everything a simulated fleet depends on.

    Attributes:
        vehicles: How many.
        days: How many days each.
        seed: Not negative.
        start_second: First instant of the record [unix s].
        sampling: How telematics samples.
        chemistry: Share of each chemistry; the shares add up to 1.
        layout: Layout of every pack.
        faults: What is planted; ``fleet_spec`` makes them from text.
    """

    vehicles: int = 10
    days: int = 14
    seed: int = 1
    start_second: float = START_SECOND
    sampling: Sampling = field(default_factory=Sampling)
    chemistry: tuple[tuple[Chemistry, float], ...] = DEFAULT_CHEMISTRY
    layout: PackLayout = DEFAULT_LAYOUT
    faults: tuple[Fault, ...] = ()


class DayTruth(NamedTuple):
    """What no vehicle knows: the truth behind one batch."""

    soc_fraction: Float[np.ndarray, "time"]
    """Mean state of charge of the cells at each row of the batch."""
    cell_soc_end: Float[np.ndarray, "cells"]
    """State of charge of each cell at the end of the day."""
    capacity_ah: Float[np.ndarray, "cells"]
    """Capacity of each cell, faults not counted [Ah]."""
    net_charge_ah: float
    """Charge through the pack over the day, rows between samples included [Ah]."""


class SimulatedDay(NamedTuple):
    """One vehicle on one day."""

    number: int
    """Vehicle counted from 1."""
    day: int
    """Day counted from 0."""
    vehicle: Vehicle
    batch: SampleBatch
    truth: DayTruth


class _Unit(NamedTuple):
    """What is drawn once for one vehicle."""

    number: int
    vehicle: Vehicle
    traits: Traits
    pack: Pack
    sensors: Sensors
    anomaly: Float[np.ndarray, "days"]
    soc_error: Float[np.ndarray, "days"]
    faults: tuple[Fault, ...]


class _Carry(NamedTuple):
    """What one vehicle hands from day to day, beside the state of its battery."""

    since_second: float
    odometer_kilometre: float
    held: Held


def fleet_spec(
    *,
    vehicles: int = 10,
    days: int = 14,
    seed: int = 1,
    faults: str = "none",
    start_second: float = START_SECOND,
    period_second: float = 10.0,
    park_period_second: float = 1800.0,
    chemistry: tuple[tuple[Chemistry, float], ...] = DEFAULT_CHEMISTRY,
    layout: PackLayout = DEFAULT_LAYOUT,
) -> FleetSpec:
    """Make a specification from what a command line gives.

    Args:
        vehicles: How many.
        days: How many days each.
        seed: Not negative.
        faults: Text of ``voltherd.sim.fault_text``.
        start_second: First instant of the record [unix s].
        period_second: Sampling while on or charging [s].
        park_period_second: Sampling while parked [s]; 0 for silence.
        chemistry: Share of each chemistry.
        layout: Layout of every pack.

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
    kinds = [_chemistry(seed, index, chemistry) for index in range(1, vehicles + 1)]
    placed = place_faults(
        parse_faults(faults),
        seed=seed,
        start_second=start_second,
        days=days,
        layout=layout,
        chemistry=kinds,
    )
    return FleetSpec(
        vehicles=vehicles,
        days=days,
        seed=seed,
        start_second=start_second,
        sampling=Sampling(period_second=period_second, park_period_second=park_period_second),
        chemistry=chemistry,
        layout=layout,
        faults=placed,
    )


def vehicles(spec: FleetSpec) -> tuple[Vehicle, ...]:
    """Give the asset facts of every vehicle, in order, without simulating a day."""
    return tuple(_draw(spec, index).vehicle for index in range(1, spec.vehicles + 1))


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
    units = [_draw(spec, index) for index in indices]
    fleet = plant.stack([unit.pack for unit in units])
    start = np.array([spec.start_second])
    state = plant.rest(
        fleet,
        np.array([unit.traits.soc_first for unit in units]),
        np.array([float(_air(spec, unit, start)[0]) for unit in units]),
    )
    since = spec.start_second - 1.0  # at rest just before the record, when no fault has begun
    carries = [_Carry(since, unit.traits.odometer_kilometre, {}) for unit in units]
    for day in range(spec.days):
        soc = state.cell.z.mean(axis=1)
        plans = [
            _plan(spec, unit, carry, day, float(soc[j]))
            for j, (unit, carry) in enumerate(zip(units, carries, strict=True))
        ]
        air = [_air(spec, unit, p.unix_time_second) for unit, p in zip(units, plans, strict=True)]
        planted = injections(
            [u.faults for u in units], [u.pack for u in units], plans, spec.start_second
        )
        state, record = plant.run(fleet, state, plans, air, planted)
        for j, unit in enumerate(units):
            yield_day, carries[j] = _measure(
                spec, unit, carries[j], day, plans[j], air[j], record, j, state.cell.z[j]
            )
            yield yield_day


def _draw(spec: FleetSpec, index: int) -> _Unit:
    traits = draw_traits(stream(spec.seed, Purpose.TRAITS, index))
    kind = _chemistry(spec.seed, index, spec.chemistry)
    pack = draw_pack(stream(spec.seed, Purpose.PACK, index), kind, spec.layout, traits.age)
    return _Unit(
        number=index,
        vehicle=vehicle_facts(f"sim-{index:04d}", pack, f"simulated {traits.driver.name} {kind}"),
        traits=traits,
        pack=pack,
        sensors=draw_sensors(stream(spec.seed, Purpose.SENSORS, index), spec.layout),
        anomaly=daily_anomaly(spec.seed, index, spec.days + 1),
        soc_error=soc_error(stream(spec.seed, Purpose.SENSORS, index, 1), spec.days + 1),
        faults=tuple(fault for fault in spec.faults if fault.vehicle == index),
    )


def _chemistry(seed: int, index: int, shares: Sequence[tuple[Chemistry, float]]) -> Chemistry:
    """Deal chemistries out evenly: golden-ratio steps keep to the shares in any run of vehicles."""
    phase = float(stream(seed, Purpose.TRAITS).random())
    position = (phase + index * _GOLDEN) % 1.0
    below = 0.0
    for kind, share in shares:
        below += share
        if position < below:
            return kind
    return shares[-1][0]


def _air(
    spec: FleetSpec, unit: _Unit, time: Float[np.ndarray, "time"]
) -> Float[np.ndarray, "time"]:
    return ambient_temperature_celsius(
        time,
        site_celsius=unit.traits.site_celsius,
        start_second=spec.start_second,
        anomaly=unit.anomaly,
    )


def _plan(spec: FleetSpec, unit: _Unit, carry: _Carry, day: int, soc: float) -> Rows:
    start = spec.start_second + day * SECOND_PER_DAY
    hours = start + SECOND_PER_DAY * np.arange(4) / 4.0
    begin = DayStart(
        start_second=start,
        since_second=carry.since_second,
        soc=soc,
        energy_joule=unit.pack.energy_joule,
        ambient_celsius=float(_air(spec, unit, hours).mean()),
    )
    rng = stream(spec.seed, Purpose.USAGE, unit.number, day)
    return plan_day(rng, unit.traits, begin, spec.sampling)


def _measure(
    spec: FleetSpec,
    unit: _Unit,
    carry: _Carry,
    day: int,
    plan: Rows,
    air: Float[np.ndarray, "rows"],
    record: plant.Record,
    position: int,
    cell_soc: Float[np.ndarray, "cells"],
) -> tuple[SimulatedDay, _Carry]:
    length = len(plan.unix_time_second)
    own = record.of_vehicle(position, length)
    sent = np.flatnonzero(plan.reported & (own.rows_since_full <= plant.ROWS_AFTER_CHARGE))
    kept = VehicleRecord._make((Rows(*(c[sent] for c in plan)), *(c[sent] for c in own), air[sent]))
    since_start = (kept.rows.unix_time_second - spec.start_second) / SECOND_PER_DAY
    batch, held = sample_day(
        DayKey(spec.seed, unit.number, day),
        unit.vehicle.vehicle_id,
        unit.pack,
        unit.sensors,
        unit.faults,
        kept,
        odometer_kilometre=carry.odometer_kilometre,
        soc_error=np.interp(since_start, np.arange(spec.days + 1), unit.soc_error),
        held=carry.held,
    )
    truth_of_day = DayTruth(
        soc_fraction=kept.soc_fraction,
        cell_soc_end=np.array(cell_soc),
        capacity_ah=unit.pack.parameters.capacity_ah * unit.pack.capacity_scale,
        net_charge_ah=float((own.current_ampere * plan.step_second).sum() / 3600.0),
    )
    after = _Carry(
        since_second=float(plan.unix_time_second[-1]),
        odometer_kilometre=carry.odometer_kilometre + float(plan.distance_kilometre[-1]),
        held=held,
    )
    return SimulatedDay(unit.number, day, unit.vehicle, batch, truth_of_day), after
