"""State of charge by an extended Kalman filter on an identified cell.

State of every cell: charge, two polarisation voltages, the logarithm of a factor on all
resistances (the tables age), and an offset of the current sensor.  The voltage is trusted as far
as the identified model was right at that temperature; the interval is the filter's own, widened by
what drives that the tables were not fitted to have shown.

Source: Plett, Battery Management Systems vol. 2 (2015) chapter 3 (filter, parameters as slow
states); gain saturation is the covariance inflation of Huber's estimator.
"""

import math
from dataclasses import dataclass, field
from typing import NamedTuple, final

import numpy as np
from jaxtyping import Float

from voltherd.estimation.cell_sample import CellSample, SensorError
from voltherd.estimation.soc_start import (
    BLIND_SIGMA,
    possible_current,
    possible_temperature,
    possible_voltage,
    soc_start,
)
from voltherd.numerics.cell_map import CellMap
from voltherd.types.estimate import Estimate
from voltherd.types.quality import Quality
from voltherd.units import REFERENCE_TEMPERATURE_CELSIUS, SECOND_PER_HOUR

PerCell = Float[np.ndarray, "cells"] | float
_GATE = 25.0
"""Square of the innovation, in sigmas, beyond which a voltage counts for less."""
_STATES = 5


class MapState(NamedTuple):
    """What is carried from one sample to the next.

    Attributes:
        unix_time_second: Time of the last sample [s].
        heard_second: Time of the last sample with a current [s].
        current_ampere: The last current heard [A].
        temperature_celsius: The last temperature heard [°C].
        mean: Columns soc, v1, v2, log of the resistance factor and current offset of every cell.
        covariance: Theirs.
    """

    unix_time_second: float
    heard_second: float
    current_ampere: float
    temperature_celsius: float
    mean: Float[np.ndarray, "cells 5"]
    covariance: Float[np.ndarray, "cells 5 5"]


class Interval(NamedTuple):
    """What drives one prediction: its length, the mean current in it, and the doubt about that."""

    second: float
    mean_ampere: float
    last_ampere: float
    doubt_ampere: float


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SocMapEkf:
    """Extended Kalman filter over (soc, v1, v2, log resistance factor, current offset).

    Attributes:
        cell: The cell as identified.
        sensors: Declared sensor errors.
        trust: Times the model's error that a voltage is doubted; more than once, because the
            model stays off the same way for minutes.
        model_volt_min: A voltage is doubted at least so much [V].
        resistance: Relative uncertainty of the series resistance at a moment.
        resistance_sigma: Of its factor at the start.
        soc_walk: Growth of the uncertainty of charge [1/√s].
        volt_walk: Of a polarisation voltage [V/√s].
        factor_walk: Of the resistance factor [1/√s].
        offset_walk: Of the current offset, per ampere-hour of the cell [1/(h √s)].
        gap_second_max: Longest interval that is predicted across; beyond it all begins anew.
    """

    cell: CellMap
    sensors: SensorError = field(default_factory=SensorError)
    trust: float = 2.0
    model_volt_min: float = 0.010
    resistance: float = 0.2
    resistance_sigma: float = 0.1
    soc_walk: float = 2e-6
    volt_walk: float = 1e-4
    factor_walk: float = 1e-5
    offset_walk: float = 3e-7
    gap_second_max: float = 60.0

    def init(self, sample: CellSample, soc: PerCell | None = None, sigma: float = 0.01) -> MapState:
        """Begin at the first sample.

        Args:
            sample: The first sample.
            soc: What is known of the state of charge; else it is read from the voltage.
            sigma: Standard uncertainty of what is known.
        """
        start = soc_start(self.cell.base, self.sensors, 0.02, sample)
        cells = len(start.soc)
        z = start.soc if soc is None else np.clip(soc + np.zeros(cells), 0.0, 1.0)
        spread = start.sigma if soc is None else np.full(cells, sigma)
        current = possible_current(self.cell.base, sample)
        held = 0.0 if math.isnan(current) else current
        celsius = possible_temperature(sample, REFERENCE_TEMPERATURE_CELSIUS)
        known = self.cell.at(z, celsius)
        mean = np.zeros((cells, _STATES))
        mean[:, 0] = z
        covariance = np.zeros((cells, _STATES, _STATES))
        covariance[:, 0, 0] = spread**2
        # How far polarisation had built up before the first sample is not known.
        covariance[:, 1, 1] = (held * known.r1) ** 2 + 1e-4
        covariance[:, 2, 2] = (held * known.r2) ** 2 + 1e-4
        covariance[:, 3, 3] = self.resistance_sigma**2
        covariance[:, 4, 4] = self.sensors.current_ampere**2
        time = sample.unix_time_second
        return MapState(time, time, held, celsius, mean, covariance)

    def step(self, state: MapState, sample: CellSample) -> tuple[MapState, Estimate]:
        """Predict over the interval, then correct with the voltages there are.

        Args:
            state: Left as it is.
            sample: The next sample.  A cell without a voltage is only predicted; without a current
                the last one is held, in growing doubt, up to ``gap_second_max``; then, or after a
                gap or a backward clock, all begins anew.

        Returns:
            State and state of charge, always within 0…1.  A repeated time brings nothing new.
        """
        dt = sample.unix_time_second - state.unix_time_second
        current = possible_current(self.cell.base, sample)
        heard = not math.isnan(current)
        silent = sample.unix_time_second - state.heard_second
        unmeasured = np.full(len(state.mean), math.nan)
        if not (0.0 <= dt <= self.gap_second_max and (heard or silent <= self.gap_second_max)):
            state = self.init(sample)
            return state, self._estimate(state, unmeasured, Quality.RESTARTED)
        if dt == 0.0:
            return state, self._estimate(state, unmeasured, Quality.OK)
        current = current if heard else state.current_ampere
        doubt = 0.0 if heard else abs(current) + self.sensors.current_ampere
        span = Interval(dt, 0.5 * (state.current_ampere + current), current, doubt)
        celsius = possible_temperature(sample, state.temperature_celsius)
        volt = possible_voltage(sample)
        mean, covariance = self._predicted(state, span, celsius)
        mean, covariance, innovation = self._corrected(mean, covariance, span, celsius, volt)
        state = MapState(
            unix_time_second=sample.unix_time_second,
            heard_second=sample.unix_time_second if heard else state.heard_second,
            current_ampere=current,
            temperature_celsius=celsius,
            mean=mean,
            covariance=covariance,
        )
        whole = heard and bool(np.isfinite(volt).all())
        return state, self._estimate(state, innovation, Quality.OK if whole else Quality.MISSING)

    def _predicted(
        self, state: MapState, span: Interval, celsius: float
    ) -> tuple[Float[np.ndarray, "cells 5"], Float[np.ndarray, "cells 5 5"]]:
        before, dt = state.mean, span.second
        cells, capacity = len(before), self.cell.base.capacity_ah
        known = self.cell.at(before[:, 0], celsius)
        factor, flow = np.exp(before[:, 3]), span.mean_ampere - before[:, 4]
        charge = dt / (SECOND_PER_HOUR * capacity)
        mean = before.copy()
        mean[:, 0] += charge * flow
        move = np.zeros((cells, _STATES, _STATES))
        move[:, range(_STATES), range(_STATES)] = 1.0
        move[:, 0, 4] = -charge
        pairs = (known.r1, self.cell.tau1_second), (known.r2, self.cell.tau2_second)
        for row, (ohm, tau) in enumerate(pairs, start=1):
            kept = math.exp(-dt / tau)
            rise = (1.0 - kept) * ohm * factor
            mean[:, row] = kept * before[:, row] + rise * flow
            move[:, row, row] = kept
            move[:, row, 3] = rise * flow
            move[:, row, 4] = -rise
        covariance = move @ state.covariance @ move.transpose(0, 2, 1)
        walk = (
            self.soc_walk,
            self.volt_walk,
            self.volt_walk,
            self.factor_walk,
            self.offset_walk * capacity,
        )
        covariance[:, range(_STATES), range(_STATES)] += np.square(walk) * dt
        # A current that nobody heard stays wrong the same way for the whole of its silence.
        covariance[:, 0, 0] += (charge * span.doubt_ampere) ** 2 * (1.0 + self.gap_second_max / dt)
        return mean, covariance

    def _corrected(
        self,
        mean: Float[np.ndarray, "cells 5"],
        covariance: Float[np.ndarray, "cells 5 5"],
        span: Interval,
        celsius: float,
        volt: Float[np.ndarray, "cells"],
    ) -> tuple[
        Float[np.ndarray, "cells 5"], Float[np.ndarray, "cells 5 5"], Float[np.ndarray, "cells"]
    ]:
        cells = len(mean)
        known = self.cell.at(mean[:, 0], celsius)
        ohm = known.r0 * np.exp(mean[:, 3])
        flow = span.last_ampere - mean[:, 4]
        over = mean[:, 1] + mean[:, 2] + ohm * flow
        innovation = volt - (known.ocv + over)
        moved = np.where(np.isfinite(innovation), innovation, 0.0)
        ones = np.ones(cells)
        look = np.stack([known.slope, ones, ones, ohm * flow, -ohm], axis=1)
        spread = (covariance @ look[:, :, None])[:, :, 0]
        model = max(self.trust * known.model, self.model_volt_min)
        unsure = self.resistance * known.r0 * span.last_ampere
        # Samples closer together than a second are not more witnesses.
        noise = (model**2 + self.sensors.voltage_sigma**2) / min(span.second, 1.0) + unsure**2
        variance = (spread * look).sum(axis=1) + noise
        variance = np.maximum(variance, moved**2 / _GATE)
        gain = np.where(np.isfinite(innovation), 1.0 / variance, 0.0)[:, None] * spread
        mean = mean + gain * moved[:, None]
        mean[:, 0] = np.clip(mean[:, 0], 0.0, 1.0)
        covariance = covariance - gain[:, :, None] * spread[:, None, :]
        return mean, 0.5 * (covariance + covariance.transpose(0, 2, 1)), innovation

    def _estimate(
        self, state: MapState, innovation: Float[np.ndarray, "cells"], quality: Quality
    ) -> Estimate:
        cell = self.cell
        wide = float(np.interp(state.temperature_celsius, cell.temperature_celsius, cell.widening))
        sigma = wide * np.sqrt(np.maximum(state.covariance[:, 0, 0], 0.0))
        return Estimate(
            unix_time_second=state.unix_time_second,
            value=state.mean[:, 0],
            sigma=np.minimum(sigma, BLIND_SIGMA),
            quality=quality,
            method="soc_map",
            innovation=innovation,
        )
