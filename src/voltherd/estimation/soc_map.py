"""State of charge by an extended Kalman filter on an identified cell: the primary estimator.

State of every cell: charge, two polarisation voltages, hysteresis, a factor on all resistances
(the tables age), and an offset of the current sensor.  The mathematics is in
:mod:`voltherd.numerics.map_step`; here is what a record needs: a start, gaps, clocks, currents and
voltages that are missing, and the interval.

The interval is the filter's own, widened by what drives that the tables were not fitted to have
shown, and with what a curve that is off for good has put into the charge.
"""

import math
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, NamedTuple, final

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
)
from voltherd.estimation.stillness import Stillness, quality_of, watch, watched
from voltherd.numerics.cell_map import CellMap, lists_of
from voltherd.numerics.cell_parameters import OCV_NODES, CellParameters
from voltherd.numerics.map_step import (
    ARRAYS,
    DIAGONAL,
    FLOATS,
    STATES,
    TERMS,
    Drive,
    StepConstants,
    Walk,
    constants,
    make_map_step,
)
from voltherd.types.estimate import Estimate
from voltherd.types.quality import Quality
from voltherd.units import REFERENCE_TEMPERATURE_CELSIUS, SECOND_PER_HOUR

PerCell = Float[np.ndarray, "cells"] | float
COLD: Final = 1.0
"""Relative uncertainty of a resistance whose temperature nobody knows: 25 K halve or double it."""
SAME_SECOND: Final = 1e-6
"""Samples no further apart are of one time [s]."""
_FACTOR = 4
_STEP_ONE, _STEP_MANY = make_map_step(FLOATS), make_map_step(ARRAYS)


class MapState(NamedTuple):
    """What is carried from one sample to the next.

    Attributes:
        unix_time_second: Time of the last sample [s].
        heard_second: Time of the last sample with a current [s].
        current_ampere: The last current heard [A].
        temperature_celsius: The last temperature heard [°C].
        mean: Rows soc, v1, v2, hysteresis, resistance factor and current offset of every cell.
        covariance: Upper triangle of theirs, row by row.
        lean: How far the SOC of every cell follows a constant voltage error [1/V].
        still: For how long the voltages have stood still, by :mod:`.stillness`.
    """

    unix_time_second: float
    heard_second: float
    current_ampere: float
    temperature_celsius: float
    mean: Float[np.ndarray, "6 cells"]
    covariance: Float[np.ndarray, "21 cells"]
    lean: Float[np.ndarray, "cells"]
    still: Stillness


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SocMapEkf:
    """Extended Kalman filter over (soc, v1, v2, hysteresis, resistance factor, current offset).

    Attributes:
        cell: The cell as identified, or a preset as tables.
        sensors: Declared sensor errors.
        trust: Times the model's error that a voltage is doubted.
        resistance: Relative uncertainty of the series resistance at a moment.
        factor_sigma: Of the resistance factor at the start.
        walk: Growth of uncertainty with time.
        gap_second_max: Longest interval that is predicted across; beyond it all begins anew.
    """

    cell: CellMap
    sensors: SensorError = field(default_factory=SensorError)
    trust: float = 2.0
    resistance: float = 0.2
    factor_sigma: float = 0.1
    walk: Walk = field(default_factory=Walk)
    gap_second_max: float = GAP_SECOND_MAX

    @property
    def parameters(self) -> CellParameters:
        """The cell's chemistry, capacity and curve."""
        return self.cell.base

    def init(
        self, sample: CellSample, soc: PerCell | None = None, sigma: PerCell = 0.01
    ) -> MapState:
        """Begin at the first sample.

        Args:
            sample: The first sample.
            soc: What is known of the state of charge; else it is read from the voltage.
            sigma: Standard uncertainty of what is known.
        """
        celsius = possible_temperature(sample, REFERENCE_TEMPERATURE_CELSIUS)
        curve = max(self.cell.between(self.cell.curve_volt, celsius), 0.01)
        z, spread, held, _, volt = opening_of(self.cell, self.sensors, curve, sample, soc, sigma)
        cells = len(z)
        known = self.cell.at(z, celsius)
        mean = np.zeros((STATES, cells))
        mean[0], mean[_FACTOR] = z, 1.0
        covariance = np.zeros((TERMS, cells))
        # How far polarisation and hysteresis had built up before the first sample is not known.
        variances: tuple[PerCell, ...] = (
            spread**2,
            (held * known.r1) ** 2 + 1e-4,
            (held * known.r2) ** 2 + 1e-4,
            1.0,
            self.factor_sigma**2,
            self.sensors.current_ampere**2,
        )
        for row, variance in zip(DIAGONAL, variances, strict=True):
            covariance[row] = variance
        time = sample.unix_time_second
        still = watch(volt, held, z)
        return MapState(time, time, held, celsius, mean, covariance, np.zeros(cells), still)

    def step(self, state: MapState, sample: CellSample) -> tuple[MapState, Estimate]:
        """Predict over the interval, then correct with the voltages there are.

        Args:
            state: Left as it is.
            sample: The next sample.  A cell without a voltage, or with one that stands still
                against the current, is only predicted; without a current the last one is held, in
                growing doubt, up to ``gap_second_max``; then, or after a gap or a backward clock,
                all begins anew.  Without a temperature the last one is held and the resistance
                doubted.

        Returns:
            State and state of charge, always within 0…1.  A repeated time brings nothing new.
        """
        dt = sample.unix_time_second - state.unix_time_second
        current = possible_current(self.cell.base, sample)
        heard = not math.isnan(current)
        silent = sample.unix_time_second - state.heard_second
        if not (0.0 <= dt <= self.gap_second_max and (heard or silent <= self.gap_second_max)):
            state = self.init(sample)
            return state, self._estimate(state, None, Quality.RESTARTED)
        if dt < SAME_SECOND:
            return state, self.estimate(state)
        current = current if heard else state.current_ampere
        celsius = possible_temperature(sample, math.nan)
        warm = not math.isnan(celsius)
        celsius = celsius if warm else state.temperature_celsius
        drive = self._drive(state, dt, current, heard, celsius, warm)
        given = possible_voltage(sample)
        charge = drive.mean * dt / (SECOND_PER_HOUR * self.cell.base.capacity_ah)
        still, volt = watched(state.still, self.cell.base, given, current, state.mean[0], charge)
        measured = np.isfinite(volt)
        seen = drive._replace(volt=np.where(measured, volt, 0.0), weight=measured.astype(float))
        mean, covariance, lean, innovation = self._stepped(state, dt, seen)
        state = MapState(
            unix_time_second=sample.unix_time_second,
            heard_second=sample.unix_time_second if heard else state.heard_second,
            current_ampere=current,
            temperature_celsius=celsius,
            mean=mean,
            covariance=covariance,
            lean=lean,
            still=still,
        )
        told = np.where(measured, innovation, math.nan)
        return state, self._estimate(state, told, quality_of(given, volt, heard and warm))

    def estimate(self, state: MapState) -> Estimate:
        """Tell what a state says, for whoever has kept one."""
        return self._estimate(state, None, Quality.OK)

    def resistance_factor(self, state: MapState) -> Float[np.ndarray, "cells 2"]:
        """Tell how many times the tables' resistances each cell has, and the sigma of that."""
        sigma = np.sqrt(np.maximum(state.covariance[DIAGONAL[_FACTOR]], 0.0))
        return np.stack([state.mean[_FACTOR], sigma], axis=1)

    def _drive(
        self, state: MapState, dt: float, current: float, heard: bool, celsius: float, warm: bool
    ) -> Drive:
        cell = self.cell
        charge = dt / (SECOND_PER_HOUR * cell.base.capacity_ah)
        largest = max(abs(state.current_ampere), abs(current)) + self.sensors.current_ampere
        # A current that nobody heard stays wrong the same way for the whole of its silence.
        doubt = 0.0 if heard else (charge * largest) ** 2 * (1.0 + HEARD_SECOND / dt)
        if dt > HEARD_SECOND:
            doubt += (charge * largest) ** 2
        row, down = cell.row_at(celsius)
        cold = 0.0 if warm else (COLD * cell.base.r0_ohm * current) ** 2
        model = self.trust * cell.between(cell.model_volt, celsius)
        return Drive(
            mean=0.5 * (state.current_ampere + current),
            last=current,
            doubt=doubt,
            row=row * OCV_NODES,
            down=down,
            model_variance=model**2 + self.sensors.voltage_sigma**2 + cold,
            volt=0.0,
            weight=0.0,
        )

    def _stepped(self, state: MapState, dt: float, drive: Drive) -> tuple[Any, Any, Any, Any]:
        """Take the step, as floats where there is one cell: a tenth of the time."""
        fixed = constants_of(self.cell, dt, self.walk, self.resistance)
        if state.mean.shape[1] > 1:
            rows = tuple(state.mean), tuple(state.covariance), state.lean
            x, p, lean, e = _STEP_MANY(fixed, self.cell.flat, *rows, drive)
            return np.stack(x), np.stack(p), lean, e
        one = drive._replace(volt=float(drive.volt[0]), weight=float(drive.weight[0]))
        held = state.mean[:, 0].tolist(), state.covariance[:, 0].tolist(), float(state.lean[0])
        x, p, lean, e = _STEP_ONE(fixed, lists_of(self.cell), *held, one)
        return np.array(x)[:, None], np.array(p)[:, None], np.array([lean]), np.array([e])

    def _estimate(
        self, state: MapState, innovation: Float[np.ndarray, "cells"] | None, quality: Quality
    ) -> Estimate:
        cell = self.cell
        wide = cell.between(cell.widening, state.temperature_celsius)
        curve = cell.between(cell.curve_volt, state.temperature_celsius)
        constant = self.sensors.voltage_sigma**2 + curve**2
        variance = np.maximum(state.covariance[0], 0.0) + state.lean**2 * constant
        unmeasured = np.full(state.mean.shape[1], math.nan)
        return Estimate(
            unix_time_second=state.unix_time_second,
            value=state.mean[0],
            sigma=np.minimum(wide * np.sqrt(variance), BLIND_SIGMA),
            quality=quality,
            method="soc_map",
            innovation=unmeasured if innovation is None else innovation,
        )


@lru_cache(maxsize=256)
def constants_of(cell: CellMap, dt: float, walk: Walk, resistance: float) -> StepConstants:
    """Give the constants of a step of a cell, remembered by length."""
    return constants(
        dt,
        capacity_ah=cell.base.capacity_ah,
        taus_second=(cell.tau1_second, cell.tau2_second),
        hysteresis_rate=cell.hysteresis_rate,
        walk=walk,
        model_second=cell.model_second,
        resistance=resistance,
    )
