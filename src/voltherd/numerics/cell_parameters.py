"""What one cell is made of, as the cell step needs it.

Values are those of one cell block (a parallel group counts as one cell) at 25 °C.  Where each
preset's values come from is said in :mod:`voltherd.numerics.presets`.
"""

from dataclasses import dataclass, replace
from typing import final

import numpy as np
from jaxtyping import Float

from voltherd.types.asset import Chemistry

OCV_NODES = 101
"""Nodes of an open-circuit voltage curve, one per percent of state of charge."""


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CellParameters:
    """A two-RC cell with one-state hysteresis and a lumped temperature.

    Attributes:
        name: What the set describes.
        chemistry: Positive-electrode family.
        capacity_ah: Capacity of the block [Ah].
        ocv_volt: Open-circuit voltage at equally spaced SOC 0…1, strictly increasing [V].
        r0_ohm: Series resistance [Ω].
        r1_ohm: Resistance of the fast RC pair [Ω].
        r2_ohm: Resistance of the slow RC pair [Ω].
        tau1_second: Time constant of the fast pair [s].
        tau2_second: Time constant of the slow pair [s].
        hysteresis_volt: Half the gap between the charge and the discharge curve [V].
        hysteresis_rate: Charge throughput, in capacities, after which hysteresis has turned by
            1 − 1/e is ``1 / hysteresis_rate`` [1].
        activation_joule_per_mole: Activation energy shared by the three resistances [J/mol].
        heat_capacity_joule_per_kelvin: Heat capacity of the block [J/K].
        thermal_resistance_kelvin_per_watt: From the block to what surrounds it [K/W].
        source: Where the values come from, and which are assumptions.
    """

    name: str
    chemistry: Chemistry
    capacity_ah: float
    ocv_volt: Float[np.ndarray, "nodes"]
    r0_ohm: float
    r1_ohm: float
    r2_ohm: float
    tau1_second: float
    tau2_second: float
    hysteresis_volt: float
    hysteresis_rate: float
    activation_joule_per_mole: float
    heat_capacity_joule_per_kelvin: float
    thermal_resistance_kelvin_per_watt: float
    source: str

    def __post_init__(self) -> None:
        assert self.ocv_volt.shape == (OCV_NODES,)
        assert bool((np.diff(self.ocv_volt) > 0.0).all()), "an OCV curve must climb"
        assert min(self.capacity_ah, self.r0_ohm, self.r1_ohm, self.r2_ohm) > 0.0
        assert min(self.tau1_second, self.tau2_second) > 0.0
        assert self.heat_capacity_joule_per_kelvin > 0.0
        assert self.thermal_resistance_kelvin_per_watt > 0.0

    def resized(self, capacity_ah: float) -> "CellParameters":
        """Give a cell of the same make and another size: electrodes grow with the capacity.

        Args:
            capacity_ah: Capacity wanted, above 0 [Ah].

        Returns:
            Resistances and thermal resistance shrink, heat capacity grows, in proportion.
        """
        factor = capacity_ah / self.capacity_ah
        return replace(
            self,
            capacity_ah=capacity_ah,
            r0_ohm=self.r0_ohm / factor,
            r1_ohm=self.r1_ohm / factor,
            r2_ohm=self.r2_ohm / factor,
            heat_capacity_joule_per_kelvin=self.heat_capacity_joule_per_kelvin * factor,
            thermal_resistance_kelvin_per_watt=self.thermal_resistance_kelvin_per_watt / factor,
        )
