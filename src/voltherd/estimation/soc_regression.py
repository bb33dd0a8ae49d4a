"""State of charge by a trained regression on windowed features: no model of the cell, no memory.

The baselines that filters are compared with: ridge, support vectors, fuzzy rules
(:mod:`voltherd.estimation.soc_models`).  Where no voltage is measured, charge is counted on from
the last answer.
"""

from dataclasses import dataclass, field
from typing import final

import numpy as np

from voltherd.estimation.cell_sample import SensorError
from voltherd.estimation.soc_frame import Numbers, Opening, PerCell, SocFrame, Span
from voltherd.estimation.soc_models import Regressor
from voltherd.estimation.soc_start import GAP_SECOND_MAX
from voltherd.estimation.soc_window import (
    advanced_window,
    answered,
    counted_on,
    opened_window,
    sensor_steps,
)
from voltherd.numerics.cell_map import CellMap


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SocRegression(SocFrame):
    """A regression's answer, sample by sample.

    Attributes:
        cell: Gives capacity, and a first charge where none is told.
        model: As trained.
        sensors: Declared sensor errors.
        gap_second_max: Longest interval that is advanced over [s].
    """

    cell: CellMap
    model: Regressor
    sensors: SensorError = field(default_factory=SensorError)
    gap_second_max: float = GAP_SECOND_MAX

    @property
    def method(self) -> str:
        """The model's name."""
        return self.model.method

    def opened(self, opening: Opening) -> Numbers:
        """Begin with charge, its deviation and the window."""
        told = np.stack([opening.soc, opening.sigma], axis=1)
        return np.concatenate([told, opened_window(self.cell, opening)], axis=1)

    def advanced(self, values: Numbers, span: Span) -> tuple[Numbers, PerCell]:
        """Move the window and ask the model."""
        window = advanced_window(self.cell, values[:, 2:], span)
        steps = sensor_steps(self.cell, window, self.sensors.voltage_sigma, span)
        own = np.full(len(values), self.model.residual**2)
        counted = counted_on(self.cell, values[:, 0], values[:, 1], span)
        told = answered(np.isfinite(span.voltage_volt), counted, self.model.predict(steps), own)
        numbers = np.concatenate([np.stack(told, axis=1), window], axis=1)
        return numbers, np.full(len(values), np.nan)

    def told(self, values: Numbers, temperature_celsius: float) -> tuple[PerCell, PerCell]:
        """Give the last answer."""
        return values[:, 0], values[:, 1]
