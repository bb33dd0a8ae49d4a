"""State of charge by a trained regression on windowed features: no model of the cell, no memory.

The baselines that filters are compared with: ridge, support vectors, fuzzy rules
(:mod:`voltherd.estimation.soc_models`).  Where no voltage is measured, charge is counted on from
the last answer.
"""

from dataclasses import dataclass, field
from typing import final

import numpy as np

from voltherd.estimation.cell_sample import CellSample, SensorError
from voltherd.estimation.soc_frame import (
    Numbers,
    Opening,
    PerCell,
    SocState,
    Span,
    begin,
    follow,
)
from voltherd.estimation.soc_models import Regressor
from voltherd.estimation.soc_window import (
    advanced_window,
    answered,
    features_of,
    opened_window,
    sensor_steps,
)
from voltherd.numerics.cell_map import CellMap
from voltherd.types.estimate import Estimate


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SocRegression:
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
    gap_second_max: float = 60.0

    @property
    def method(self) -> str:
        """The model's name."""
        return self.model.method

    def init(
        self, sample: CellSample, soc: PerCell | float | None = None, sigma: float = 0.01
    ) -> SocState:
        """Begin at the first sample; see :func:`voltherd.estimation.soc_frame.begin`."""
        return begin(self, sample, soc, sigma)

    def step(self, state: SocState, sample: CellSample) -> tuple[SocState, Estimate]:
        """Advance to the next sample; see :func:`voltherd.estimation.soc_frame.follow`."""
        return follow(self, state, sample)

    def opened(self, opening: Opening) -> Numbers:
        """Begin with charge, its deviation and the window."""
        told = np.stack([opening.soc, opening.sigma], axis=1)
        return np.concatenate([told, opened_window(self.cell, opening)], axis=1)

    def advanced(self, values: Numbers, span: Span) -> tuple[Numbers, PerCell]:
        """Move the window and ask the model."""
        window = advanced_window(self.cell, values[:, 2:], span)
        seen = features_of(self.cell, window, span.last_ampere, span.temperature_celsius)
        steps = sensor_steps(self.cell, seen, self.sensors.voltage_sigma, span)
        own = np.full(len(values), self.model.residual**2)
        before = values[:, 0], values[:, 1]
        told = answered(self.cell, before, self.model.predict(steps), own, span)
        numbers = np.concatenate([np.stack(told, axis=1), window], axis=1)
        return numbers, np.full(len(values), np.nan)

    def told(self, values: Numbers, temperature_celsius: float) -> tuple[PerCell, PerCell]:
        """Give the last answer."""
        return values[:, 0], values[:, 1]
