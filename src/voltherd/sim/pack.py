"""One vehicle's battery: blocks that are alike but not equal, in modules that are not equally cool.

The physics is ``voltherd.numerics.cell_model``; this module only draws what differs from cell to
cell.  Spreads are those of production cells that have aged together (Schuster et al., Journal of
Power Sources 297 (2015) 242: capacity about 1 %, resistance a few per cent, growing with age).
"""

from dataclasses import dataclass, replace
from typing import Final, final

import numpy as np
from jaxtyping import Float, Int

from voltherd.numerics.cell_parameters import CellParameters
from voltherd.numerics.presets import PRESETS
from voltherd.types.asset import CellType, Chemistry, PackLayout, Vehicle

BLOCK_CAPACITY_AH: Final = {Chemistry.NMC: 150.0, Chemistry.NCA: 160.0, Chemistry.LFP: 180.0}
VOLTAGE_LIMITS_VOLT: Final = {
    Chemistry.NMC: (2.8, 4.2),
    Chemistry.NCA: (2.8, 4.2),
    Chemistry.LFP: (2.3, 3.65),
}

SOC_SPREAD: Final = 0.005
SOC_SPREAD_MAX: Final = 0.018


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """What was drawn for one battery; every array has one entry per cell block.

    Attributes:
        parameters: The nominal block.
        layout: Blocks, modules and probes.
        capacity_scale: Actual over nominal capacity.
        resistance_scale: Actual over nominal resistance.
        soc_offset: Charge by which the block differs at the start, as a fraction.
        busbar_ohm: Resistance of the joint to the module before, seen in the block's voltage [Ω].
        leak_ampere: Self-discharge [A].
        warmth: How much of the pack's self-heating the coolant has gained when it gets here.
        exposure: How far the surroundings of the block follow the air.
        probe_cell: Block (from 0) on which each probe sits.
    """

    parameters: CellParameters
    layout: PackLayout
    capacity_scale: Float[np.ndarray, "cells"]
    resistance_scale: Float[np.ndarray, "cells"]
    soc_offset: Float[np.ndarray, "cells"]
    busbar_ohm: Float[np.ndarray, "cells"]
    leak_ampere: Float[np.ndarray, "cells"]
    warmth: Float[np.ndarray, "cells"]
    exposure: Float[np.ndarray, "cells"]
    probe_cell: Int[np.ndarray, "probes"]

    @property
    def energy_joule(self) -> float:
        """Energy between empty and full at rest, the weakest cell deciding [J]."""
        block = self.parameters
        usable_ah = block.capacity_ah * float(self.capacity_scale.min())
        return usable_ah * 3600.0 * float(block.ocv_volt.mean()) * self.layout.series

    @property
    def one_c_watt(self) -> float:
        """Power that empties the nominal pack in an hour [W]."""
        block = self.parameters
        return block.capacity_ah * float(block.ocv_volt.mean()) * self.layout.series


def draw_pack(
    rng: np.random.Generator, chemistry: Chemistry, layout: PackLayout, age: float
) -> Pack:
    """Draw a battery.

    Args:
        rng: The vehicle's stream for its pack.
        chemistry: One of ``BLOCK_CAPACITY_AH``.
        layout: Blocks, modules and probes.
        age: Wear, 0…1: capacity and resistance follow it, and so does their spread.

    Returns:
        The battery.
    """
    cells = layout.series
    preset = PRESETS[chemistry]
    capacity_ah = BLOCK_CAPACITY_AH[chemistry]
    position = np.linspace(-0.5, 0.5, cells)
    module = _module_of_block(layout)
    modules = int(module.max()) + 1
    along = module / max(modules - 1, 1)
    first_of_module = np.diff(module, prepend=0) > 0
    capacity = rng.normal(0.0, 0.008 + 0.006 * age, cells)
    resistance = rng.normal(0.0, 0.035 + 0.02 * age, cells)
    # Six degrees of freedom: a few blocks stand further out than a bell curve would have them, yet
    # none beyond what a vehicle's own balancing would tolerate.  LFP is balanced at its steep top,
    # where little charge makes much voltage, and so is kept closer together.
    spread = SOC_SPREAD * (0.5 if chemistry is Chemistry.LFP else 1.0)
    drawn = spread * rng.standard_t(6.0, cells) / np.sqrt(1.5)
    charge = SOC_SPREAD_MAX * np.tanh(drawn / SOC_SPREAD_MAX)
    return Pack(
        parameters=preset.resized(capacity_ah),
        layout=replace(layout, parallel=max(round(capacity_ah / preset.capacity_ah), 1)),
        capacity_scale=np.clip((1.0 - 0.2 * age) * (1.0 + capacity), 0.3, 1.2),
        resistance_scale=(1.0 + 0.4 * age) * np.exp(resistance),
        soc_offset=charge + float(rng.normal(0.0, 0.002)) * position,
        busbar_ohm=np.where(first_of_module, np.abs(rng.normal(3e-5, 1.5e-5, cells)), 0.0),
        leak_ampere=capacity_ah / 24.0 * np.abs(rng.normal(3e-4, 5e-5, cells)),
        warmth=0.5 * along * float(rng.uniform(0.3, 1.0)),
        exposure=0.2 * np.abs(2.0 * along - 1.0) ** 2,
        probe_cell=_probe_cells(layout),
    )


def vehicle_facts(vehicle_id: str, pack: Pack, model: str) -> Vehicle:
    """Give what an owner would know of the vehicle.

    Args:
        vehicle_id: Key that telemetry carries.
        pack: Its battery.
        model: Vehicle model for people.

    Returns:
        The asset facts: nominal values, nothing of what was drawn.
    """
    block = pack.parameters
    low, high = VOLTAGE_LIMITS_VOLT[block.chemistry]
    return Vehicle(
        vehicle_id=vehicle_id,
        layout=pack.layout,
        cell_type=CellType(
            name=block.name,
            chemistry=block.chemistry,
            capacity_nominal_ah=block.capacity_ah / pack.layout.parallel,
            voltage_volt_min=low,
            voltage_volt_max=high,
        ),
        capacity_nominal_ah=block.capacity_ah,
        model=model,
    )


def _module_of_block(layout: PackLayout) -> Int[np.ndarray, "cells"]:
    modules = layout.module_series or (layout.series,)
    return np.repeat(np.arange(len(modules)), modules)


def _probe_cells(layout: PackLayout) -> Int[np.ndarray, "probes"]:
    """Spread the probes of each module evenly over its blocks."""
    modules = layout.module_series or (layout.series,)
    start = np.concatenate([[0], np.cumsum(modules)])
    placed = list(layout.probe_module)
    cells = []
    for probe, module in enumerate(placed):
        rank, of = placed[:probe].count(module), placed.count(module)
        cells.append(int(start[module - 1] + (2 * rank + 1) * modules[module - 1] // (2 * of)))
    return np.array(cells, dtype=np.int64)
