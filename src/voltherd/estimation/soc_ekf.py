"""State of charge by the extended Kalman filter of the shared cell step, all cells at once.

What the filter believes about its errors decides whether its interval can be trusted:

* **Voltage.**  What separates model from measurement is mostly the model, and it changes slowly:
  a wrong polarisation lives for minutes.  Samples closer together than ``model_second`` are one
  witness, not many, so the variance of each is multiplied by ``2 model_second / dt``.  The answer
  then does not depend on how fast a logger samples.
* **Current.**  Its error is an offset that stays for hours (``offset_second``), so the charge
  variance grows by ``2 offset_second`` times the squared offset per second.
* **Curve.**  An open-circuit voltage curve or a voltage sensor that is off stays off.  No filter
  averages that away, so it is no noise to it: how much of a constant error has entered the answer
  is counted beside (``lean``, the SOC per volt of error), and widens the interval.
* **Flat curves.**  Where the open-circuit voltage tells nothing the gain is nothing, and the
  interval widens with the current's error until the curve bends again.

Source: Plett, Battery Management Systems vol. 2 (2015) chapter 3; the treatment of coloured errors
as fewer independent ones follows the effective sample size of an AR(1) process.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple, final

import numpy as np
from jaxtyping import Float

from voltherd.estimation.cell_sample import CellSample, SensorError
from voltherd.estimation.soc_frame import opening_of
from voltherd.estimation.soc_start import (
    BLIND_SIGMA,
    GAP_SECOND_MAX,
    HEARD_SECOND,
    possible_current,
    possible_temperature,
    possible_voltage,
    tables_of,
)
from voltherd.estimation.stillness import Stillness, quality_of, watch, watched
from voltherd.numerics.cell_model import (
    CellState,
    Covariance,
    Input,
    Noise,
    Output,
    discretise,
    step_of,
)
from voltherd.numerics.cell_numpy import NUMPY
from voltherd.numerics.cell_parameters import CellParameters
from voltherd.numerics.ocv import ocv_table
from voltherd.types.estimate import Estimate
from voltherd.types.quality import Quality
from voltherd.units import REFERENCE_TEMPERATURE_CELSIUS, SECOND_PER_HOUR

PerCell = Float[np.ndarray, "cells"] | float


class EkfState(NamedTuple):
    """What is carried from one sample to the next; ``_asdict`` and the constructor store it.

    Attributes:
        unix_time_second: Time of the last sample [s].
        heard_second: Time of the last sample with a current [s].
        current_ampere: The last current heard [A].
        temperature_celsius: The last temperature heard [°C].
        mean: Rows soc, v1, v2, hysteresis and temperature above 25 °C of every cell.
        covariance: Upper triangle of the covariance of (soc, v1, v2), row by row.
        lean: How far the SOC of every cell follows a constant voltage error [1/V].
        still: For how long the voltages have stood still, by :mod:`.stillness`.
    """

    unix_time_second: float
    heard_second: float
    current_ampere: float
    temperature_celsius: float
    mean: Float[np.ndarray, "5 cells"]
    covariance: Float[np.ndarray, "6 cells"]
    lean: Float[np.ndarray, "cells"]
    still: Stillness


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SocEkf:
    """Extended Kalman filter over (soc, v1, v2) with hysteresis and temperature carried along.

    Attributes:
        parameters: The cell.
        sensors: Declared sensor errors.
        capacity_scale: Actual over nominal capacity of each cell.
        resistance_scale: Actual over nominal resistance of each cell.
        model_volt: How far the voltage model is off at a moment, standard uncertainty [V].
        model_second: For how long it stays off the same way [s].
        curve_volt: How far the open-circuit voltage curve is off for good, standard uncertainty;
            the default suits a preset of the right chemistry, an identified curve has less [V].
        offset_second: For how long the current's error stays the same [s].
        gap_second_max: Longest interval that is predicted across; beyond it all begins anew.
    """

    parameters: CellParameters
    sensors: SensorError = field(default_factory=SensorError)
    capacity_scale: PerCell = 1.0
    resistance_scale: PerCell = 1.0
    model_volt: float = 0.015
    model_second: float = 60.0
    curve_volt: float = 0.020
    offset_second: float = 3600.0
    gap_second_max: float = GAP_SECOND_MAX

    def init(self, sample: CellSample, soc: PerCell | None = None, sigma: float = 0.01) -> EkfState:
        """Begin at the first sample.

        Args:
            sample: The first sample.
            soc: What is known of the state of charge; else it is read from the voltage.
            sigma: Standard uncertainty of what is known.
        """
        z, spread, held, celsius, volt = opening_of(
            tables_of(self.parameters), self.sensors, self.curve_volt, sample, soc, sigma
        )
        mean = np.zeros((5, len(z)))
        mean[0], mean[4] = z, celsius - REFERENCE_TEMPERATURE_CELSIUS
        covariance = np.zeros((6, len(z)))
        covariance[0] = spread**2
        # How far polarisation had built up before the first sample is not known.
        covariance[3] = (held * self.parameters.r1_ohm) ** 2 + 1e-6
        covariance[5] = (held * self.parameters.r2_ohm) ** 2 + 1e-6
        time = sample.unix_time_second
        still = watch(volt, held, z)
        return EkfState(time, time, held, celsius, mean, covariance, np.zeros(len(z)), still)

    def step(self, state: EkfState, sample: CellSample) -> tuple[EkfState, Estimate]:
        """Predict over the interval, then correct with the voltages there are.

        Args:
            state: Left as it is.
            sample: The next sample.  A cell without a voltage, or with one that stands still
                against the current, is only predicted; without a current the last one is held, in
                growing doubt, up to ``gap_second_max``; then, or after a gap or a backward clock,
                all begins anew.

        Returns:
            State and state of charge, always within 0…1.  A repeated time brings nothing new.
        """
        dt = sample.unix_time_second - state.unix_time_second
        current = possible_current(self.parameters, sample)
        heard = not math.isnan(current)
        silent = sample.unix_time_second - state.heard_second
        unmeasured = np.full(state.mean.shape[1], math.nan)
        if not (0.0 <= dt <= self.gap_second_max and (heard or silent <= self.gap_second_max)):
            state = self.init(sample)
            return state, self._estimate(state, unmeasured, Quality.RESTARTED)
        if dt == 0.0:
            return state, self._estimate(state, unmeasured, Quality.OK)
        if not heard:
            current = state.current_ampere
        celsius = possible_temperature(sample, math.nan)
        warm = not math.isnan(celsius)
        celsius = celsius if warm else state.temperature_celsius
        given = possible_voltage(sample)
        mean_ampere = 0.5 * (state.current_ampere + current)
        charge = mean_ampere * dt / (SECOND_PER_HOUR * self.parameters.capacity_ah)
        still, volt = watched(state.still, self.parameters, given, current, state.mean[0], charge)
        mean, covariance, output = self._kernel(state, dt, current, heard, celsius, volt)
        state = EkfState(
            unix_time_second=sample.unix_time_second,
            heard_second=sample.unix_time_second if heard else state.heard_second,
            current_ampere=current,
            temperature_celsius=celsius,
            mean=np.stack(mean),
            covariance=np.stack(covariance),
            lean=state.lean + output.gain * (1.0 - output.slope * state.lean),
            still=still,
        )
        innovation = np.where(np.isfinite(volt), output.innovation, math.nan)
        return state, self._estimate(state, innovation, quality_of(given, volt, heard and warm))

    def estimate(self, state: EkfState) -> Estimate:
        """Tell what a state says, for whoever has kept one."""
        unmeasured = np.full(state.mean.shape[1], math.nan)
        return self._estimate(state, unmeasured, Quality.OK)

    def _kernel(
        self,
        state: EkfState,
        dt: float,
        current: float,
        heard: bool,
        celsius: float,
        volt: Float[np.ndarray, "cells"],
    ) -> tuple[CellState, Covariance, Output]:
        """Run the shared step with the noise that holds for this interval."""
        cells = state.mean.shape[1]
        doubt = self.sensors.current_sigma(current) + (
            0.0 if heard and dt <= HEARD_SECOND else abs(current)
        )
        per_second = doubt / (SECOND_PER_HOUR * self.parameters.capacity_ah)
        witnesses = max(1.0, 2.0 * self.model_second / dt)
        noise = Noise(
            charge=2.0 * self.offset_second * per_second**2,
            voltage=(self.sensors.voltage_sigma**2 + self.model_volt**2) * witnesses,
        )
        constants = discretise(self.parameters, dt, noise, probe_on_cell=True)
        drive = Input(
            current=np.full(cells, current),
            ambient=np.full(cells, celsius - REFERENCE_TEMPERATURE_CELSIUS),
            inverse_capacity=np.divide(1.0, self.capacity_scale) + np.zeros(cells),
            resistance_scale=self.resistance_scale + np.zeros(cells),
        )
        result: tuple[CellState, Covariance, Output] = _step(self.parameters)(
            constants, CellState(*state.mean), Covariance(*state.covariance), drive, volt
        )
        return result

    def _estimate(
        self, state: EkfState, innovation: Float[np.ndarray, "cells"], quality: Quality
    ) -> Estimate:
        constant = self.sensors.voltage_sigma**2 + self.curve_volt**2
        variance = state.covariance[0] + state.lean**2 * constant
        return Estimate(
            unix_time_second=state.unix_time_second,
            value=state.mean[0],
            sigma=np.minimum(np.sqrt(variance), BLIND_SIGMA),
            quality=quality,
            method="soc_ekf",
            innovation=innovation,
        )


@lru_cache(maxsize=64)
def _step(parameters: CellParameters) -> Callable[..., Any]:
    """Remember the step of a make of cell."""
    return step_of(NUMPY, ocv_table(parameters.ocv_volt))
