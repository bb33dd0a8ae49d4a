"""Usable energy at a reference power, from capacity and resistance.

A cell is emptied from full at constant power.  At charge ``z`` its voltage solves
``v = ocv(z) - R p / v``, the larger root; the energy is the integral of ``v`` over the charge that
comes out until the voltage reaches its lower limit, or the power can no longer be held.  A pack
that has lost no capacity but gained resistance gives less energy, which neither of the two kinds
of health alone says.
"""

import math
from dataclasses import dataclass
from typing import final

import numpy as np

from voltherd.numerics.cell_parameters import CellParameters

NODES = 501


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class EnergyEstimate:
    """Usable energy of one cell.

    Attributes:
        energy_wh: From full to empty at the reference power [Wh].
        low_wh: Lower end of the 90 % interval [Wh].
        high_wh: Upper end [Wh].
        power_watt: The reference power of one cell [W].
        voltage_volt_min: Where it ends [V].
        method: The estimator's name.
    """

    energy_wh: float
    low_wh: float
    high_wh: float
    power_watt: float
    voltage_volt_min: float
    method: str = "soh_energy"


def usable_energy_wh(
    cell: CellParameters,
    capacity_ah: float,
    resistance_ohm: float,
    power_watt: float,
    voltage_volt_min: float,
) -> float:
    """Give the energy one cell delivers from full at constant power [Wh].

    Args:
        cell: Whose open-circuit voltage curve it is.
        capacity_ah: Of the cell [Ah].
        resistance_ohm: At the terminals, for a load of minutes [Ω].
        power_watt: Drawn, positive [W].
        voltage_volt_min: Where it ends [V].

    >>> from voltherd.numerics.presets import NMC
    >>> light = usable_energy_wh(NMC, 5.0, 0.02, 0.1, 2.6)
    >>> heavy = usable_energy_wh(NMC, 5.0, 0.02, 20.0, 2.6)
    >>> 17.5 < light < 19.5 and 0.9 * light < heavy < light
    True
    """
    soc = np.linspace(1.0, 0.0, NODES)
    ocv = np.interp(soc, np.linspace(0.0, 1.0, len(cell.ocv_volt)), cell.ocv_volt)
    square = ocv**2 - 4.0 * resistance_ohm * power_watt
    volt = 0.5 * (ocv + np.sqrt(np.maximum(square, 0.0)))
    held = (square >= 0.0) & (volt >= voltage_volt_min)
    last = NODES if held.all() else int(np.argmin(held))
    if last < 2:
        return 0.0
    return float(capacity_ah * 0.5 * (volt[: last - 1] + volt[1:last]).sum() / (NODES - 1))


def energy_estimate(
    cell: CellParameters,
    capacity_ah: tuple[float, float, float],
    resistance_ohm: tuple[float, float, float],
    power_watt: float,
) -> EnergyEstimate:
    """Carry the intervals of capacity and resistance over to the energy.

    Args:
        cell: Whose open-circuit voltage curve it is; its end is where the cell is empty.
        capacity_ah: Value, lower and upper end of the 90 % interval [Ah].
        resistance_ohm: The same of the resistance [Ω].
        power_watt: Reference power of one cell [W].
    """
    limit = float(cell.ocv_volt[0])

    def energy(capacity: float, resistance: float) -> float:
        return usable_energy_wh(cell, capacity, max(resistance, 0.0), power_watt, limit)

    middle = energy(capacity_ah[0], resistance_ohm[0])
    # Both are independent: their separate effects add in quadrature, on either side.
    less = math.hypot(
        middle - energy(capacity_ah[1], resistance_ohm[0]),
        middle - energy(capacity_ah[0], resistance_ohm[2]),
    )
    more = math.hypot(
        energy(capacity_ah[2], resistance_ohm[0]) - middle,
        energy(capacity_ah[0], resistance_ohm[1]) - middle,
    )
    return EnergyEstimate(
        energy_wh=middle,
        low_wh=max(middle - less, 0.0),
        high_wh=middle + more,
        power_watt=power_watt,
        voltage_volt_min=limit,
    )
