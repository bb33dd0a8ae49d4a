"""Runs the cell model of many vehicles at once, each at its own pace through its own day.

Row k of one vehicle may be 03:10 and of another 17:40: nothing couples vehicles, so they need no
common clock, and parked hours cost one row each half hour.  All arithmetic is element by element
or within one vehicle, therefore a vehicle computes to the same bits in any company.
"""

from collections.abc import Sequence
from math import exp
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from voltherd.numerics.cell_model import (
    CellState,
    Constants,
    Input,
    Namespace,
    Value,
    discretise,
    make_plant,
)
from voltherd.numerics.ocv import ocv_table
from voltherd.sim.activity import Mode, Rows
from voltherd.sim.pack import VOLTAGE_LIMITS_VOLT, Pack
from voltherd.units import REFERENCE_TEMPERATURE_CELSIUS

COOLANT_ACTIVE_SECOND: Final = 1800.0
COOLANT_PARKED_SECOND: Final = 9000.0
COOLANT_CELSIUS: Final = (8.0, 30.0)
"""Between these the thermal management keeps the coolant while the vehicle is on."""
CHARGE_RATE_MAX: Final = 1.5  # of the capacity per hour
CUTOFF_RATE: Final = 0.03
BALANCING_AMPERE: Final = 0.1
BALANCING_VOLT: Final = 0.008
BALANCING_SOC: Final = 0.9
ROWS_AFTER_CHARGE: Final = 6
"""Rows that telematics still sends when a charge is complete."""


class Injection(NamedTuple):
    """Physical faults of a group of vehicles, one column per cell concerned.

    ``vehicle`` and ``cell`` count from 0; ``size`` holds a value for each row of that vehicle.
    """

    vehicle: Int[np.ndarray, "faults"]
    cell: Int[np.ndarray, "faults"]
    size: Float[np.ndarray, "time faults"]


class Injections(NamedTuple):
    """What may be wrong inside a cell."""

    capacity_lost: Injection
    """Fraction of the capacity."""
    added_ohm: Injection
    leak_siemens: Injection
    soc_step: Injection
    """Change of the state of charge at each row."""
    heat_kelvin: Injection
    """Heat of a block's own, as what it warms the block by in the end [K]."""
    heat_kelvin_per_ampere2: Injection
    """The same for heat that goes with the square of the current [K/A²]."""
    uncooled: Injection
    """Share of its cooling that a block has lost."""


class Fleet(NamedTuple):
    """Batteries stacked; arrays are (vehicles, cells) or (vehicles,)."""

    packs: tuple[Pack, ...]
    inverse_capacity: Float[np.ndarray, "vehicles cells"]
    resistance_scale: Float[np.ndarray, "vehicles cells"]
    busbar_ohm: Float[np.ndarray, "vehicles cells"]
    leak_ampere: Float[np.ndarray, "vehicles cells"]
    warmth: Float[np.ndarray, "vehicles cells"]
    exposure: Float[np.ndarray, "vehicles cells"]
    capacity_ah: Float[np.ndarray, "vehicles"]
    voltage_limit: Float[np.ndarray, "vehicles"]
    charge_ohm: Float[np.ndarray, "vehicles"]


class FleetState(NamedTuple):
    """State of the batteries between two rows."""

    cell: CellState
    voltage_volt: Float[np.ndarray, "vehicles cells"]
    current_ampere: Float[np.ndarray, "vehicles"]
    coolant_celsius: Float[np.ndarray, "vehicles"]
    rows_since_full: Int[np.ndarray, "vehicles"]
    """As in ``Record``."""


class VehicleHistory(NamedTuple):
    """What one battery did, row by row; fields as in ``Record``."""

    voltage_volt: Float32[np.ndarray, "time cells"]
    probe_celsius: Float32[np.ndarray, "time probes"]
    current_ampere: Float[np.ndarray, "time"]
    soc_fraction: Float[np.ndarray, "time"]
    cell_celsius: Float[np.ndarray, "time"]
    rows_since_full: Int[np.ndarray, "time"]


class Record(NamedTuple):
    """What the batteries did, by row and vehicle; rows beyond a vehicle's own are undefined."""

    voltage_volt: Float32[np.ndarray, "time vehicles cells"]
    probe_celsius: Float32[np.ndarray, "time vehicles probes"]
    current_ampere: Float[np.ndarray, "time vehicles"]
    """Mean over the row's step."""
    soc_fraction: Float[np.ndarray, "time vehicles"]
    cell_celsius: Float[np.ndarray, "time vehicles"]
    rows_since_full: Int[np.ndarray, "time vehicles"]
    """0 while charging goes on or nothing charges."""
    column: Int[np.ndarray, "vehicles"]
    """Where along the axis of vehicles each vehicle is to be found."""

    def of_vehicle(self, position: int, rows: int) -> "VehicleHistory":
        """Give the rows of one vehicle as views."""
        column = int(self.column[position])
        return VehicleHistory(*(values[:rows, column] for values in self[:-1]))


def stack(packs: Sequence[Pack]) -> Fleet:
    """Lay batteries of equal layout side by side.

    Args:
        packs: The batteries.

    Returns:
        Their parameters as arrays.
    """
    blocks = [pack.parameters for pack in packs]
    return Fleet(
        packs=tuple(packs),
        inverse_capacity=np.stack([1.0 / pack.capacity_scale for pack in packs]),
        resistance_scale=np.stack([pack.resistance_scale for pack in packs]),
        busbar_ohm=np.stack([pack.busbar_ohm for pack in packs]),
        leak_ampere=np.stack([pack.leak_ampere for pack in packs]),
        warmth=np.stack([pack.warmth for pack in packs]),
        exposure=np.stack([pack.exposure for pack in packs]),
        capacity_ah=np.array([block.capacity_ah for block in blocks]),
        voltage_limit=np.array([VOLTAGE_LIMITS_VOLT[block.chemistry][1] for block in blocks]),
        charge_ohm=np.array([2.0 * (block.r0_ohm + block.r1_ohm) for block in blocks]),
    )


def rest(
    fleet: Fleet, soc: Float[np.ndarray, "vehicles"], celsius: Float[np.ndarray, "vehicles"]
) -> FleetState:
    """Give batteries that have rested for long.

    Args:
        fleet: The batteries.
        soc: Mean state of charge of each.
        celsius: Temperature of each [°C].

    Returns:
        The state: every cell off by its own ``soc_offset``.
    """
    z = soc[:, None] + np.stack([pack.soc_offset for pack in fleet.packs])
    zero = np.zeros_like(z)
    theta = zero + (celsius - REFERENCE_TEMPERATURE_CELSIUS)[:, None]
    soc_nodes = np.linspace(0.0, 1.0, len(fleet.packs[0].parameters.ocv_volt))
    voltage = np.stack(
        [
            np.interp(row, soc_nodes, pack.parameters.ocv_volt)
            for row, pack in zip(z, fleet.packs, strict=True)
        ]
    )
    state = CellState(z, zero, zero, zero, theta)
    return FleetState(state, voltage, np.zeros(len(z)), celsius, np.zeros(len(z), np.int64))


def run(
    fleet: Fleet,
    state: FleetState,
    rows: Sequence[Rows],
    ambient: Sequence[Float[np.ndarray, "_"]],
    faults: Injections,
) -> tuple[FleetState, Record]:
    """Run each vehicle through its rows.

    Args:
        fleet: The batteries.
        state: Their state before.
        rows: The rows of each vehicle, of differing length.
        ambient: Temperature of the air at each row [°C].
        faults: What is wrong inside cells.

    Returns:
        State after, and the record.
    """
    length = np.array([len(plan.unix_time_second) for plan in rows])
    order = np.argsort(-length, kind="stable")  # vehicles with most rows first: the rest drop out
    place = np.argsort(order)
    length = length[order]
    fleet = Fleet(tuple(fleet.packs[j] for j in order), *(values[order] for values in fleet[1:]))
    inputs = _inputs(fleet, [rows[j] for j in order], [ambient[j] for j in order])
    faults = Injections(*(fault._replace(vehicle=place[fault.vehicle]) for fault in faults))
    record = _blank(int(length[0]), fleet)
    now = FleetState(
        CellState(*(np.array(part[order]) for part in state.cell)),
        *(np.array(part[order]) for part in state[1:]),
    )
    done: list[FleetState] = []
    first = 0
    for count in range(len(order), 0, -1):
        last = int(length[count - 1])  # the shortest day among those still running ends here
        if last > first:
            now = _run_together(fleet, now, inputs, faults, record, range(first, last), count)
            first = last
        done.append(_part(now, slice(count - 1, count)))
        now = _part(now, slice(0, count - 1))
    ended = joined(list(reversed(done)))
    back = FleetState(
        CellState(*(part[place] for part in ended.cell)), *(part[place] for part in ended[1:])
    )
    return back, record._replace(column=place)


def _joined_tables(offset: Int[np.ndarray, "vehicles cells"]) -> Namespace:
    """Give NumPy to the cell step, with one voltage table per chemistry laid end to end."""

    def index(a: Value) -> Value:
        return a.astype(np.intp) + offset

    def take(table: Value, k: Value) -> Value:
        return table.take(k)

    return Namespace(
        fmax=np.fmax,
        maximum=np.maximum,
        minimum=np.minimum,
        fabs=np.abs,
        index=index,
        take=take,
    )


class _Inputs(NamedTuple):
    """Rows of all vehicles, padded, (time, vehicles)."""

    constants: Float[np.ndarray, "fields codes"]
    coolant_decay: Float[np.ndarray, "time vehicles"]
    code: Int[np.ndarray, "time vehicles"]
    table_offset: Int[np.ndarray, "vehicles 1"]
    table: tuple[Float[np.ndarray, "entries"], Float[np.ndarray, "entries"]]
    coolant_low: Float[np.ndarray, "time vehicles"]
    coolant_high: Float[np.ndarray, "time vehicles"]
    fast: Bool[np.ndarray, "time vehicles"]
    power_watt: Float[np.ndarray, "time vehicles"]
    charge_watt: Float[np.ndarray, "time vehicles"]
    target_soc: Float[np.ndarray, "time vehicles"]
    ambient_celsius: Float[np.ndarray, "time vehicles"]


def _inputs(
    fleet: Fleet, rows: Sequence[Rows], ambient: Sequence[Float[np.ndarray, "_"]]
) -> _Inputs:
    shape = (max(len(plan.unix_time_second) for plan in rows), len(rows))

    def padded(columns: Sequence[np.ndarray]) -> Float[np.ndarray, "time vehicles"]:
        joined = np.zeros(shape)
        for j, column in enumerate(columns):
            joined[: len(column), j] = column
        return joined

    codes: dict[tuple[str, float], int] = {}
    constants: list[Constants] = []
    code = np.zeros(shape, np.intp)
    offset: list[int] = []
    tables = {
        pack.parameters.chemistry: ocv_table(pack.parameters.ocv_volt) for pack in fleet.packs
    }
    chemistries = list(tables)
    for j, (pack, plan) in enumerate(zip(fleet.packs, rows, strict=True)):
        block = pack.parameters
        offset.append(chemistries.index(block.chemistry) * len(tables[block.chemistry].slope))
        steps, inverse = np.unique(plan.step_second, return_inverse=True)
        own = []
        for step in steps.tolist():
            key = (block.name, step)
            if key not in codes:
                codes[key] = len(constants)
                constants.append(discretise(block, step))
            own.append(codes[key])
        code[: len(inverse), j] = np.array(own, np.intp)[inverse]
    mode = padded([plan.mode for plan in rows])
    step_second = padded([plan.step_second for plan in rows])
    active = mode != Mode.PARK
    decay_of = {
        (step, on): exp(-step / (COOLANT_ACTIVE_SECOND if on else COOLANT_PARKED_SECOND))
        for step in np.unique(step_second).tolist()
        for on in (False, True)
    }
    kinds = zip(step_second.ravel().tolist(), active.ravel().tolist(), strict=True)
    return _Inputs(
        constants=np.array(constants).T,
        coolant_decay=np.array([decay_of[kind] for kind in kinds]).reshape(shape),
        code=code,
        table_offset=np.array(offset, np.intp)[:, None],
        table=(
            np.concatenate([table.intercept for table in tables.values()]),
            np.concatenate([table.slope for table in tables.values()]),
        ),
        coolant_low=np.where(active, COOLANT_CELSIUS[0], -np.inf),
        coolant_high=np.where(active, COOLANT_CELSIUS[1], np.inf),
        fast=mode == Mode.DC,
        power_watt=padded([plan.power_mean_watt for plan in rows]),
        charge_watt=padded([plan.charge_watt for plan in rows]),
        target_soc=padded([plan.target_soc for plan in rows]),
        ambient_celsius=padded(ambient),
    )


def _blank(length: int, fleet: Fleet) -> Record:
    vehicles, cells = fleet.busbar_ohm.shape
    probes = len(fleet.packs[0].probe_cell)
    return Record(
        np.empty((length, vehicles, cells), np.float32),
        np.empty((length, vehicles, probes), np.float32),
        np.zeros((length, vehicles)),
        np.zeros((length, vehicles)),
        np.zeros((length, vehicles)),
        np.zeros((length, vehicles), np.int64),
        np.arange(vehicles),
    )


def _part(state: FleetState, cut: slice) -> FleetState:
    return FleetState(CellState(*(part[cut] for part in state.cell)), *(p[cut] for p in state[1:]))


def joined(states: Sequence[FleetState]) -> FleetState:
    """Lay the states of batteries side by side."""
    cell = CellState(
        *(np.concatenate(parts) for parts in zip(*(s.cell for s in states), strict=True))
    )
    return FleetState(
        cell, *(np.concatenate(parts) for parts in zip(*(s[1:] for s in states), strict=True))
    )


def _run_together(  # long: the time loop, one statement per physical effect
    fleet: Fleet,
    state: FleetState,
    u: _Inputs,
    faults: Injections,
    record: Record,
    steps: range,
    count: int,
) -> FleetState:
    """Run the first ``count`` vehicles through rows that all of them have; fills ``record``."""
    cell, v, current, coolant, full_rows = state
    inverse_capacity = np.array(fleet.inverse_capacity[:count])
    scale, busbar = fleet.resistance_scale[:count], fleet.busbar_ohm[:count]
    leak, warmth = fleet.leak_ampere[:count], fleet.warmth[:count]
    exposure, limit = fleet.exposure[:count], fleet.voltage_limit[:count]
    capacity, ohm = fleet.capacity_ah[:count], fleet.charge_ohm[:count]
    probe_cell = fleet.packs[0].probe_cell
    cells = fleet.resistance_scale.shape[1]
    lost, added, leaky, moved, *thermal = (_first(fault, count) for fault in faults)
    warmed = any(len(fault.cell) for fault in thermal)
    # NumPy is three times as fast on arrays of one shape as where it stretches a column.
    offset = np.repeat(u.table_offset[:count], cells, axis=1)
    constants = np.empty((len(u.constants), count, cells))
    plant = make_plant(_joined_tables(offset), u.table, Constants(*constants))
    jointed = np.nonzero(busbar)
    joint_ohm = busbar[jointed]
    previous = np.full(count, -1)
    none_full, none_bleed = np.zeros(count, np.int64), np.zeros(count, bool)
    soc = _mean(cell.z)
    some_charge = np.any(u.charge_watt[:, :count] > 0.0, axis=1).tolist()
    for k in steps:
        code = u.code[k, :count]
        if (code != previous).any():
            other = np.flatnonzero(code != previous)
            constants[:, other] = u.constants[:, code[other], None]
            previous = code
        pack_volt = np.add.reduce(v, axis=1)
        # No cell may be driven above its limit, neither by the charger nor by regeneration.
        held = np.maximum(current + (limit - np.maximum.reduce(v, axis=1)) / ohm, 0.0)
        demand = np.minimum(u.power_watt[k, :count] / pack_volt, held)
        if some_charge[k]:
            watt = u.charge_watt[k, :count]
            charging = watt > 0.0
            # Fast chargers give way from 40 % on, to a quarter of their power at 90 %.
            share = np.where(u.fast[k, :count], np.clip(1.6 - 1.5 * soc, 0.25, 1.0), 1.0)
            offered = np.minimum(watt * share / pack_volt, CHARGE_RATE_MAX * capacity)
            tapered = held < np.minimum(offered, CUTOFF_RATE * capacity)
            offered = np.minimum(offered, held)
            full = tapered | (soc >= u.target_soc[k, :count])
            full_rows = np.where(charging & (full | (full_rows > 0)), full_rows + 1, 0)
            demand = np.where(charging, np.where(full_rows > 0, 0.0, offered), demand)
            bleeding = charging & (soc > BALANCING_SOC)
        else:
            full_rows, bleeding = none_full, none_bleed
        current = demand
        through = current[:, None] - leak
        if bleeding.any():
            high = v > v.min(axis=1, keepdims=True) + BALANCING_VOLT
            through = through - BALANCING_AMPERE * (high & bleeding[:, None])
        if len(leaky.cell):
            at = leaky.vehicle, leaky.cell
            through[at] -= v[at] * leaky.size[k]
        if len(lost.cell):
            at = lost.vehicle, lost.cell
            inverse_capacity[at] = fleet.inverse_capacity[at] / (1.0 - lost.size[k])
        if len(moved.cell):
            z = np.array(cell.z)
            np.add.at(z, (moved.vehicle, moved.cell), moved.size[k])
            cell = cell._replace(z=z)

        # The coolant follows air and cells, within what the thermal management allows.
        air = u.ambient_celsius[k, :count]
        warm = _mean(cell.theta) + REFERENCE_TEMPERATURE_CELSIUS
        goal = 0.5 * (air + warm)
        goal = np.minimum(np.maximum(goal, u.coolant_low[k, :count]), u.coolant_high[k, :count])
        coolant = goal + (coolant - goal) * u.coolant_decay[k, :count]
        around = (
            (coolant - REFERENCE_TEMPERATURE_CELSIUS)[:, None]
            + warmth * (warm - coolant)[:, None]
            + exposure * (air - coolant)[:, None]
        )
        if warmed:
            _warm(around, cell.theta, current, k, thermal)
        cell, v = plant(cell, Input(through, around, inverse_capacity, scale))
        soc = _mean(cell.z)
        v[jointed] += joint_ohm * current[jointed[0]]
        if len(added.cell):
            np.add.at(v, (added.vehicle, added.cell), added.size[k] * current[added.vehicle])
        record.voltage_volt[k, :count] = v
        record.probe_celsius[k, :count] = (
            cell.theta.take(probe_cell, axis=1) + REFERENCE_TEMPERATURE_CELSIUS
        )
        record.current_ampere[k, :count] = current
        record.soc_fraction[k, :count] = soc
        record.cell_celsius[k, :count] = warm
        record.rows_since_full[k, :count] = full_rows
    return FleetState(cell, v, current, coolant, full_rows)


def _warm(
    around: Float[np.ndarray, "vehicles cells"],
    theta: Float[np.ndarray, "vehicles cells"],
    current: Float[np.ndarray, "vehicles"],
    k: int,
    thermal: Sequence[Injection],
) -> None:
    """Let blocks feel surroundings as warm as heat of their own, or less cooling, makes them.

    A block of thermal resistance R that makes P of its own comes to rest R P above its
    surroundings, as fast as it would in surroundings warmer by that; with a share s of its cooling
    gone, its surroundings seem to have come nearer to it by that share.
    """
    own, load, uncooled = thermal
    at = uncooled.vehicle, uncooled.cell
    around[at] += uncooled.size[k] * (theta[at] - around[at])
    np.add.at(around, (own.vehicle, own.cell), own.size[k])
    np.add.at(around, (load.vehicle, load.cell), load.size[k] * current[load.vehicle] ** 2)


def _mean(values: Float[np.ndarray, "vehicles cells"]) -> Float[np.ndarray, "vehicles"]:
    """Give the mean of each vehicle: ``np.mean`` to the bit, in half its time."""
    return np.asarray(np.add.reduce(values, axis=1) / values.shape[1])


def _first(fault: Injection, count: int) -> Injection:
    keep = fault.vehicle < count
    return Injection(fault.vehicle[keep], fault.cell[keep], fault.size[:, keep])
