"""State of charge by counting charge: exact while the current is, blind to everything else.

``soc' = soc + i dt / (3600 Q)``; the current of a sample is taken as held since the sample before.
A current offset b drifts the answer by ``b t / (3600 Q)``, and the uncertainty says so: errors of
one sensor do not average out, they add up.

Source: Plett, Battery Management Systems vol. 2 (2015) section 3.3, sign of the current turned.
"""

import math
from dataclasses import dataclass, field
from typing import NamedTuple, final

import numpy as np
from jaxtyping import Float

from voltherd.estimation.cell_sample import CellSample, SensorError
from voltherd.estimation.soc_frame import opening_of
from voltherd.estimation.soc_start import GAP_SECOND_MAX, HEARD_SECOND, possible_current, tables_of
from voltherd.numerics.cell_parameters import CellParameters
from voltherd.types.estimate import Estimate
from voltherd.types.quality import Quality
from voltherd.units import SECOND_PER_HOUR

PerCell = Float[np.ndarray, "cells"] | float


class CoulombState(NamedTuple):
    """What is carried from one sample to the next.

    Attributes:
        unix_time_second: Time of the last sample [s].
        heard_second: Time of the last sample with a current [s].
        current_ampere: The last current heard [A].
        soc: State of charge of every cell.
        start_sigma: Uncertainty it began with.
        drift: Uncertainty counted up since, in state of charge.
    """

    unix_time_second: float
    heard_second: float
    current_ampere: float
    soc: Float[np.ndarray, "cells"]
    start_sigma: Float[np.ndarray, "cells"]
    drift: Float[np.ndarray, "cells"]


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SocCoulomb:
    """Coulomb counting from a first reading of the open-circuit voltage.

    Attributes:
        parameters: The cell; its curve is read at the start only.
        sensors: Declared sensor errors.
        capacity_scale: Actual over nominal capacity of each cell.
        model_volt: How far the curve may be off [V].
        gap_second_max: Longest interval that is counted across; beyond it the count begins anew.
    """

    parameters: CellParameters
    sensors: SensorError = field(default_factory=SensorError)
    capacity_scale: PerCell = 1.0
    model_volt: float = 0.015
    gap_second_max: float = GAP_SECOND_MAX

    def init(
        self, sample: CellSample, soc: PerCell | None = None, sigma: float = 0.01
    ) -> CoulombState:
        """Begin at the first sample.

        Args:
            sample: The first sample.
            soc: What is known of the state of charge; else it is read from the voltage.
            sigma: Standard uncertainty of what is known.
        """
        start = opening_of(
            tables_of(self.parameters), self.sensors, self.model_volt, sample, soc, sigma
        )
        return CoulombState(
            unix_time_second=sample.unix_time_second,
            heard_second=sample.unix_time_second,
            current_ampere=start.current_ampere,
            soc=start.soc,
            start_sigma=start.sigma,
            drift=np.zeros_like(start.soc),
        )

    def step(self, state: CoulombState, sample: CellSample) -> tuple[CoulombState, Estimate]:
        """Count the charge since the sample before.

        Args:
            state: Left as it is.
            sample: The next sample.  Without a current the last one is held, up to
                ``gap_second_max``; then, or after a gap or a backward clock, all begins anew.

        Returns:
            State and state of charge, always within 0…1.
        """
        dt = sample.unix_time_second - state.unix_time_second
        current = possible_current(self.parameters, sample)
        heard = not math.isnan(current)
        silent = sample.unix_time_second - state.heard_second
        if not (0.0 <= dt <= self.gap_second_max and (heard or silent <= self.gap_second_max)):
            state = self.init(sample)
            return state, self._estimate(state, Quality.RESTARTED)
        current = current if heard else state.current_ampere
        per_ampere = dt / (SECOND_PER_HOUR * self.parameters.capacity_ah * self.capacity_scale)
        doubt = self.sensors.current_sigma(current) + (
            0.0 if heard and dt <= HEARD_SECOND else abs(current)
        )
        state = CoulombState(
            unix_time_second=sample.unix_time_second,
            heard_second=sample.unix_time_second if heard else state.heard_second,
            current_ampere=current,
            soc=np.clip(state.soc + current * per_ampere, 0.0, 1.0),
            start_sigma=state.start_sigma,
            drift=state.drift + doubt * per_ampere,
        )
        return state, self._estimate(state, Quality.OK if heard else Quality.MISSING)

    @staticmethod
    def _estimate(state: CoulombState, quality: Quality) -> Estimate:
        return Estimate(
            unix_time_second=state.unix_time_second,
            value=state.soc,
            sigma=np.hypot(state.start_sigma, state.drift),
            quality=quality,
            method="soc_coulomb",
            innovation=np.full_like(state.soc, np.nan),
        )
