"""A fleet on its way: what its vehicles hand from one stretch of time to the next, as a value.

Whole days of history and a few live minutes go through the same function, so a vehicle that comes
out of its history goes on as if nobody had stopped it.
"""

from collections.abc import Sequence
from math import inf
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.sim import plant
from voltherd.sim.activity import Activity, Rows, Sampling, sampled
from voltherd.sim.contactors import switched
from voltherd.sim.injection import injections
from voltherd.sim.sensor_faults import Held
from voltherd.sim.spec import FleetSpec
from voltherd.sim.streams import Purpose, stream
from voltherd.sim.telemetry import StretchKey, VehicleRecord, sample_stretch
from voltherd.sim.unit import Unit, air, draw_unit, housing_air
from voltherd.sim.usage import DayStart, draw_day
from voltherd.types.sample import SampleBatch
from voltherd.units import SECOND_PER_DAY


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


class Stretch(NamedTuple):
    """One vehicle over some time."""

    unit: Unit
    batch: SampleBatch
    truth: DayTruth


class Carry(NamedTuple):
    """What one vehicle hands on beside the state of its battery."""

    since_second: float
    """Its last row [unix s]."""
    odometer_kilometre: float
    """At the start of the day."""
    distance_kilometre: float
    """Covered since."""
    held: Held


class Running(NamedTuple):
    """Some vehicles between two rows."""

    units: tuple[Unit, ...]
    fleet: plant.Fleet
    state: plant.FleetState
    carries: tuple[Carry, ...]


def begin(spec: FleetSpec, indices: Sequence[int]) -> Running:
    """Give vehicles, counted from 1, as they stand just before the record."""
    units = tuple(draw_unit(spec, index) for index in indices)
    fleet = plant.stack([unit.pack for unit in units])
    start = np.array([spec.start_second])
    state = plant.rest(
        fleet,
        np.array([unit.traits.soc_first for unit in units]),
        np.array([float(air(spec, unit, start)[0]) for unit in units]),
    )
    since = spec.start_second - 1.0  # at rest just before the record, when no fault has begun
    carries = tuple(Carry(since, unit.traits.odometer_kilometre, 0.0, {}) for unit in units)
    return Running(units, fleet, state, carries)


def together(parts: Sequence[Running]) -> Running:
    """Lay vehicles that ran apart side by side."""
    units = tuple(unit for part in parts for unit in part.units)
    return Running(
        units,
        plant.stack([unit.pack for unit in units]),
        plant.joined([part.state for part in parts]),
        tuple(carry for part in parts for carry in part.carries),
    )


def draw_days(spec: FleetSpec, running: Running, day: int) -> tuple[tuple[Activity, ...], ...]:
    """Draw what each vehicle does on a day, counted from 0; it must be where the day begins."""
    soc = running.state.cell.z.mean(axis=1)
    start = spec.start_second + day * SECOND_PER_DAY
    hours = start + SECOND_PER_DAY * np.arange(4) / 4.0
    drawn = []
    for j, (unit, carry) in enumerate(zip(running.units, running.carries, strict=True)):
        begins = DayStart(
            start_second=start,
            since_second=carry.since_second,
            soc=float(soc[j]),
            energy_joule=unit.pack.energy_joule,
            ambient_celsius=float(air(spec, unit, hours).mean()),
            utc_offset_second=spec.utc_offset_second,
            drives=unit.drives,
        )
        rng = stream(spec.seed, Purpose.USAGE, unit.number, day)
        drawn.append(draw_day(rng, unit.traits, begins, spec.sampling))
    return tuple(drawn)


def next_day(running: Running) -> Running:
    """Close a day: the distance covered on it goes to the odometer."""
    carries = (
        carry._replace(
            odometer_kilometre=carry.odometer_kilometre + carry.distance_kilometre,
            distance_kilometre=0.0,
        )
        for carry in running.carries
    )
    return running._replace(carries=tuple(carries))


def run_until(
    spec: FleetSpec,
    running: Running,
    days: Sequence[Sequence[Activity]],
    sampling: Sampling,
    *,
    day: int,
    segment: int | None = None,
    after_second: float = -inf,
    until_second: float = inf,
) -> tuple[Running, tuple[Stretch, ...]]:
    """Let every vehicle go on with its day.

    Args:
        spec: The fleet.
        running: The vehicles.
        days: What each of them does on the day.
        sampling: How telematics samples.
        day: Which day, counted from 0.
        segment: Which part of the day this is, for the noise; None for a whole day.
        after_second: Time behind which rows are wanted [unix s].
        until_second: Last time wanted [unix s].

    Returns:
        The vehicles after it, and what each one sent; those that sampled nothing are left out.
    """
    plans = [
        switched(
            sampled(
                activities,
                sampling,
                since_second=carry.since_second,
                after_second=after_second,
                until_second=until_second,
                distance_kilometre=carry.distance_kilometre,
            ),
            unit.faults,
        )
        for activities, unit, carry in zip(days, running.units, running.carries, strict=True)
    ]
    if not any(len(plan.unix_time_second) for plan in plans):
        return running, ()
    units = running.units
    around = [air(spec, u, p.unix_time_second) for u, p in zip(units, plans, strict=True)]
    planted = injections(
        [unit.faults for unit in units], [unit.pack for unit in units], plans, spec.start_second
    )
    state, record = plant.run(running.fleet, running.state, plans, around, planted)
    carries, stretches = list(running.carries), []
    for j, (unit, plan) in enumerate(zip(units, plans, strict=True)):
        if len(plan.unix_time_second):
            history = record.of_vehicle(j, len(plan.unix_time_second))
            key = StretchKey(spec.seed, unit.number, day, segment)
            stretch, carries[j] = _measure(
                spec, key, unit, carries[j], plan, around[j], history, state.cell.z[j], sampling
            )
            stretches.append(stretch)
    return running._replace(state=state, carries=tuple(carries)), tuple(stretches)


def _measure(
    spec: FleetSpec,
    key: StretchKey,
    unit: Unit,
    carry: Carry,
    plan: Rows,
    around: Float[np.ndarray, "rows"],
    own: plant.VehicleHistory,
    cell_soc: Float[np.ndarray, "cells"],
    sampling: Sampling,
) -> tuple[Stretch, Carry]:
    awake = own.rows_since_full <= plant.ROWS_AFTER_CHARGE
    if key.segment is not None and sampling.park_period_second > 0.0:
        # Charged and still plugged in, a vehicle that is watched sends as a parked one does.
        charging = sampling.charge_period_second or sampling.period_second
        every = max(round(sampling.park_period_second / charging), 1)
        awake |= own.rows_since_full % every == 0
    sent = np.flatnonzero(plan.reported & awake)
    kept = VehicleRecord._make(
        (Rows(*(c[sent] for c in plan)), *(c[sent] for c in own), around[sent])
    )
    since_start = (kept.rows.unix_time_second - spec.start_second) / SECOND_PER_DAY
    batch, held = sample_stretch(
        key,
        unit,
        kept,
        odometer_kilometre=carry.odometer_kilometre,
        soc_error=np.interp(since_start, np.arange(len(unit.soc_error)), unit.soc_error),
        held=carry.held,
        housing_celsius=housing_air(spec, unit, kept.rows.unix_time_second),
    )
    truth = DayTruth(
        soc_fraction=kept.soc_fraction,
        cell_soc_end=np.array(cell_soc),
        capacity_ah=unit.pack.parameters.capacity_ah * unit.pack.capacity_scale,
        net_charge_ah=float((own.current_ampere * plan.step_second).sum() / 3600.0),
    )
    after = carry._replace(
        since_second=float(plan.unix_time_second[-1]),
        distance_kilometre=float(plan.distance_kilometre[-1]),
        held=held,
    )
    return Stretch(unit, batch, truth), after
