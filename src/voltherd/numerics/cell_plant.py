"""Cells that behave: the same step as the filter's, run as a plant over any batch of cells.

plant = Plant(parameters=NMC.resized(60.0), capacity_scale=scale)
state = plant.init(soc, temperature_celsius)
state, voltage_volt = plant.step(state, current_ampere, ambient_celsius, 1.0)
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple, final

import numpy as np
from jaxtyping import Float

from voltherd.numerics.cell_model import CellState, Constants, Input, discretise, plant_of
from voltherd.numerics.cell_numpy import NUMPY
from voltherd.numerics.cell_parameters import CellParameters
from voltherd.numerics.ocv import ocv_table
from voltherd.units import REFERENCE_TEMPERATURE_CELSIUS

Cells = Float[np.ndarray, "*batch"]
PerCell = Float[np.ndarray, "..."] | float


class PlantState(NamedTuple):
    """State of every cell, a value the caller owns.

    Attributes:
        soc: State of charge; above 1 or below 0 where a cell is abused [1].
        v1_volt: Voltage across the fast RC pair [V].
        v2_volt: Voltage across the slow RC pair [V].
        hysteresis: -1 after discharging … 1 after charging.
        temperature_celsius: Cell temperature [°C].
    """

    soc: Cells
    v1_volt: Cells
    v2_volt: Cells
    hysteresis: Cells
    temperature_celsius: Cells


@lru_cache(maxsize=64)
def _plant(parameters: CellParameters) -> Callable[..., Any]:
    """Remember the step of a make of cell."""
    return plant_of(NUMPY, ocv_table(parameters.ocv_volt))


@lru_cache(maxsize=64)
def _constants(parameters: CellParameters, dt_second: float) -> Constants:
    """Remember what a cell and a fixed step length fold to."""
    return discretise(parameters, dt_second)


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plant:
    """A batch of cells of one make, each with its own departures from nominal.

    Attributes:
        parameters: The nominal cell.
        capacity_scale: Actual over nominal capacity [1].
        resistance_scale: Actual over nominal resistance of all three elements [1].
        leak_ampere: Current that flows inside the cell past the sensor, positive discharging: a
            soft internal short [A].
        contact_ohm: Resistance between cell and voltage tap, not temperature dependent [Ω].
    """

    parameters: CellParameters
    capacity_scale: PerCell = 1.0
    resistance_scale: PerCell = 1.0
    leak_ampere: PerCell = 0.0
    contact_ohm: PerCell = 0.0

    def init(self, soc: Cells, temperature_celsius: PerCell = 25.0) -> PlantState:
        """Give rested cells.

        Args:
            soc: State of charge, of the batch's shape [1].
            temperature_celsius: Cell temperature, broadcast to that shape [°C].

        Returns:
            State without polarisation, hysteresis halfway.
        """
        soc = np.asarray(soc, np.float64)
        zero = np.zeros_like(soc)
        return PlantState(soc, zero, zero, zero, zero + temperature_celsius)

    def step(
        self,
        state: PlantState,
        current_ampere: PerCell,
        ambient_temperature_celsius: PerCell,
        dt_second: float,
        leak_ampere: PerCell | None = None,
        contact_ohm: PerCell | None = None,
    ) -> tuple[PlantState, Cells]:
        """Hold the current for one interval.

        Args:
            state: State at its beginning; left as it is.
            current_ampere: Positive charging, broadcast over the batch [A].
            ambient_temperature_celsius: Around the cells [°C].
            dt_second: Length of the interval, well below the fast time constant to be exact in
                heat and hysteresis; charge and polarisation are exact for any length [s].
            leak_ampere: Replaces ``leak_ampere``, for faults that begin later [A].
            contact_ohm: Replaces ``contact_ohm`` [Ω].

        Returns:
            State and terminal voltage [V] at the end of the interval.
        """
        leak = self.leak_ampere if leak_ampere is None else leak_ampere
        contact = self.contact_ohm if contact_ohm is None else contact_ohm
        shape = state.soc.shape
        u = Input(
            current=np.broadcast_to(np.asarray(current_ampere - leak, np.float64), shape),
            ambient=np.asarray(ambient_temperature_celsius) - REFERENCE_TEMPERATURE_CELSIUS,
            inverse_capacity=np.divide(1.0, self.capacity_scale),
            resistance_scale=self.resistance_scale,
        )
        theta = state.temperature_celsius - REFERENCE_TEMPERATURE_CELSIUS
        constants = _constants(self.parameters, dt_second)
        after, voltage = _plant(self.parameters)(constants, CellState(*state[:4], theta), u)
        after = after._replace(theta=after.theta + REFERENCE_TEMPERATURE_CELSIUS)
        return PlantState(*after), voltage + current_ampere * contact
