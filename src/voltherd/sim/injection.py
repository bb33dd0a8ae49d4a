"""From planted faults to what the plant changes inside cells, row by row."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Float

from voltherd.sim.activity import Rows
from voltherd.sim.faults import Fault
from voltherd.sim.pack import Pack
from voltherd.sim.plant import Injection, Injections
from voltherd.types.event import LocationKind, Phenomenon

SPREAD_BLOCKS = 3
"""So far from a block that heats its neighbours feel it."""
SizeOf = Callable[[Fault, Pack, Rows], Float[np.ndarray, "time"]]


def injections(
    faults: Sequence[Sequence[Fault]],
    packs: Sequence[Pack],
    plans: Sequence[Rows],
    start_second: float,
) -> Injections:
    """Gather the physical faults of a group of vehicles for one day.

    Args:
        faults: Faults of each vehicle.
        packs: Battery of each vehicle.
        plans: Rows of each vehicle.
        start_second: First instant of the record, before which nothing has happened [unix s].

    Returns:
        What the plant changes.  Faults of measurements are left out: sensors have them.
    """
    rows = max(len(plan.unix_time_second) for plan in plans)

    def gather(size_of: SizeOf, *phenomena: Phenomenon) -> Injection:
        vehicle, cell, sizes = [], [], []
        for j, (pack, plan) in enumerate(zip(packs, plans, strict=True)):
            for fault in faults[j]:
                if fault.phenomenon not in phenomena:
                    continue
                size = np.zeros(rows)
                own = size_of(fault, pack, plan)
                size[: len(own)] = own
                for block, weight in _share(fault, pack):
                    vehicle.append(j)
                    cell.append(block)
                    sizes.append(weight * size)
        return Injection(
            np.array(vehicle, np.int64),
            np.array(cell, np.int64),
            np.stack(sizes, axis=1) if sizes else np.zeros((rows, 0)),
        )

    def soc_step(fault: Fault, pack: Pack, plan: Rows) -> Float[np.ndarray, "time"]:
        return _soc_step(fault, plan, start_second)

    return Injections(
        capacity_lost=gather(_capacity_lost, Phenomenon.WEAK_CELL),
        added_ohm=gather(_plain, Phenomenon.CONTACT_RESISTANCE),
        leak_siemens=gather(_leak_siemens, Phenomenon.INTERNAL_SHORT),
        soc_step=gather(soc_step, Phenomenon.CELL_IMBALANCE, Phenomenon.SOC_IMBALANCE),
        heat_kelvin=gather(_warming, Phenomenon.SELF_HEATING),
        heat_kelvin_per_ampere2=gather(_warming, Phenomenon.JOINT_HEATING),
        uncooled=gather(_plain, Phenomenon.COOLING_BLOCKED),
    )


def leak_ohm(rate_per_day: float, capacity_ah: float, voltage_volt: float) -> float:
    """Give the leak's resistance that empties a cell at a rate.

    Args:
        rate_per_day: Fraction of the capacity lost each day [1/day].
        capacity_ah: Capacity of the cell [Ah].
        voltage_volt: Its voltage [V].

    Returns:
        Resistance [Ω]: V / I with I = rate · Q / 24 h.

    >>> round(leak_ohm(0.01, 150.0, 3.7), 1)
    59.2
    """
    return voltage_volt / (rate_per_day * capacity_ah / 24.0)


def _share(fault: Fault, pack: Pack) -> Sequence[tuple[int, float]]:
    """Give the cells concerned (from 0) and the share of the size that each one takes."""
    cells = pack.layout.series
    if fault.location.kind is LocationKind.PROBE:
        # Heat spreads to the neighbours, halved from one block to the next.
        there = int(pack.probe_cell[(fault.location.index or 1) - 1])
        near = range(max(there - SPREAD_BLOCKS, 0), min(there + SPREAD_BLOCKS + 1, cells))
        return [(block, 0.5 ** abs(block - there)) for block in near]
    if fault.phenomenon is Phenomenon.SOC_IMBALANCE:
        # The last cell exceeds the first by the size; the pack as a whole gains nothing.
        return [(block, block / max(cells - 1, 1) - 0.5) for block in range(cells)]
    return [(block - 1, 1.0) for block in fault.location.cells]


def _warming(fault: Fault, pack: Pack, plan: Rows) -> Float[np.ndarray, "time"]:
    """Give what a fault's watts, or watts per square ampere, warm a block by in the end."""
    ohm = pack.parameters.thermal_resistance_kelvin_per_watt
    return np.asarray(fault.size_at(plan.unix_time_second) * ohm)


def _plain(fault: Fault, pack: Pack, plan: Rows) -> Float[np.ndarray, "time"]:
    return fault.size_at(plan.unix_time_second)


def _capacity_lost(fault: Fault, pack: Pack, plan: Rows) -> Float[np.ndarray, "time"]:
    return np.asarray(np.minimum(fault.size_at(plan.unix_time_second), 0.9))


def _leak_siemens(fault: Fault, pack: Pack, plan: Rows) -> Float[np.ndarray, "time"]:
    size = fault.size_at(plan.unix_time_second)
    if fault.unit == "ohm":
        return np.asarray(np.divide(1.0, size, out=np.zeros_like(size), where=size > 0.0))
    block = pack.parameters
    mean_volt = float(block.ocv_volt.mean())
    return np.asarray(size / leak_ohm(1.0, block.capacity_ah, mean_volt))


def _soc_step(fault: Fault, plan: Rows, start_second: float) -> Float[np.ndarray, "time"]:
    """Give by how much the charge changes at each row, so that the sum is the size."""
    earlier = plan.unix_time_second - plan.step_second
    before = np.where(earlier < start_second, 0.0, fault.size_at(earlier))
    return np.asarray(fault.size_at(plan.unix_time_second) - before)
