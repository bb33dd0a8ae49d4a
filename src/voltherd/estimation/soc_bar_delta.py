"""State of charge of every cell of a string: a full filter on the middle cell, a small one on each.

The middle cell is the median voltage at each sample; :class:`SocMapEkf` follows it.  How each cell
differs, in charge, resistance and capacity, moves slowly and is followed every few seconds by
:mod:`voltherd.numerics.delta_step`.  A cell's interval is the middle cell's and that of its
difference; between cells only the difference counts (``apart_sigma``).
"""

import math
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Float

from voltherd.estimation.cell_sample import CellSample, SensorError
from voltherd.estimation.soc_map import MapState, PerCell, SocMapEkf
from voltherd.estimation.soc_start import BLIND_SIGMA, possible_current, possible_voltage
from voltherd.estimation.stillness import Stillness, quality_of, watch, watched
from voltherd.numerics.cell_map import CellMap
from voltherd.numerics.cell_parameters import CellParameters
from voltherd.numerics.delta_step import STATES, TERMS, DeltaDrive, DeltaNoise, make_delta_step
from voltherd.numerics.map_step import ARRAYS
from voltherd.numerics.robust import median
from voltherd.types.estimate import Estimate
from voltherd.types.quality import Quality
from voltherd.units import SECOND_PER_HOUR

PERIOD_SECOND: Final = 10.0
"""Least time between two looks at the differences; more of them tell no more [s]."""
C_RATE_MAX: Final = 0.5
"""At more current a difference is mostly resistance, and of that moment [1/h]."""
MODEL_VOLT: Final = 0.001
"""By how much cells of one make differ in ways that are not in the states [V]."""
WITNESS_SECOND: Final = 60.0
"""For how long that stays the same [s]."""
POLARISED: Final = 0.005
"""For how much relative capacity another cell's polarisation can pass; half again the resistance
has been seen to come to three times that [1]."""
_SPREAD: Final = (0.05, 0.15, 0.03)
"""What is thought of cells of one string at first: charge, resistance and capacity [1]."""
_SLEPT: Final = 0.01
"""By how much cells may part while nobody watches: balancing, leakage [1]."""
_STEP = make_delta_step(ARRAYS)
_BAR = len(MapState._fields)


class BarDeltaState(NamedTuple):
    """What is carried from one sample to the next: first that of the middle cell.

    Attributes:
        unix_time_second: As in :class:`MapState`, to ``still``; of one cell.
        heard_second: The same.
        current_ampere: The same.
        temperature_celsius: The same.
        mean: The same.
        covariance: The same.
        lean: The same.
        still: The same.
        unlooked_second: Time since the last look at the differences [s].
        charge: Passed in it, over the middle cell's capacity [1].
        delta: Rows charge, resistance [Ω] and relative capacity of every cell, less the middle's.
        delta_covariance: Upper triangle of theirs, row by row.
        cells_still: For how long the voltages have stood still, by :mod:`.stillness`.
    """

    unix_time_second: float
    heard_second: float
    current_ampere: float
    temperature_celsius: float
    mean: Float[np.ndarray, "6 1"]
    covariance: Float[np.ndarray, "21 1"]
    lean: Float[np.ndarray, "1"]
    still: Float[np.ndarray, "5 1"]
    unlooked_second: float
    charge: float
    delta: Float[np.ndarray, "3 cells"]
    delta_covariance: Float[np.ndarray, "6 cells"]
    cells_still: Stillness

    @property
    def bar(self) -> MapState:
        """The middle cell's state."""
        return MapState._make(self[:_BAR])


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SocBarDelta:
    """Filter of a string of cells.

    Attributes:
        cell: The cell as identified, or a preset as tables.
        sensors: Declared sensor errors.
        noise: How fast differences between cells change.
    """

    cell: CellMap
    sensors: SensorError = field(default_factory=SensorError)
    noise: DeltaNoise = field(default_factory=DeltaNoise)

    @property
    def parameters(self) -> CellParameters:
        """The cells' chemistry, capacity and curve."""
        return self.cell.base

    @property
    def middle(self) -> SocMapEkf:
        """The filter of the middle cell."""
        return SocMapEkf(cell=self.cell, sensors=self.sensors)

    @property
    def gap_second_max(self) -> float:
        """Longest interval that is predicted across; beyond it all begins anew [s]."""
        return self.middle.gap_second_max

    def init(
        self, sample: CellSample, soc: PerCell | None = None, sigma: PerCell = 0.01
    ) -> BarDeltaState:
        """Begin at the first sample.

        Args:
            sample: The first sample.
            soc: What is known of the state of charge; else it is read from the voltages.
            sigma: Standard uncertainty of what is known.
        """
        cells = len(sample.cell_voltage_volt)
        known = None if soc is None else soc + np.zeros(cells)
        doubt = sigma + np.zeros(cells)
        middle = None if known is None else float(np.median(known))
        bar = self.middle.init(_middle(sample), soc=middle, sigma=float(np.median(doubt)))
        delta, covariance = np.zeros((STATES, cells)), np.zeros((TERMS, cells))
        volt = possible_voltage(sample)
        still = watch(volt, bar.current_ampere, np.repeat(bar.mean[0], cells))
        state = BarDeltaState(*bar, 0.0, 0.0, delta, covariance, still)
        if cells == 1:
            return state
        ohm = self.cell.at_one(float(bar.mean[0, 0]), bar.temperature_celsius).r0
        covariance[0], covariance[3], covariance[5] = np.square(_SPREAD)[:, None]
        covariance[3] *= ohm**2
        if known is None:
            return self._looked(state, volt)
        delta[0], covariance[0] = known - bar.mean[0], doubt**2
        return state

    def resumed(
        self,
        before: BarDeltaState,
        sample: CellSample,
        soc: float | None = None,
        sigma: float = 0.01,
    ) -> BarDeltaState:
        """Begin anew after a silence, in which no cell became another.

        Args:
            before: State before the silence.
            sample: First sample after it.
            soc: What is known of the middle cell's state of charge; else it is read.
            sigma: Standard uncertainty of what is known.

        Returns:
            The state; differences between cells are what they were, and as they are seen now.
        """
        bar = self.middle.init(_middle(sample), soc=soc, sigma=sigma)
        covariance = before.delta_covariance.copy()
        covariance[0] += _SLEPT**2
        state = BarDeltaState(*bar, 0.0, 0.0, before.delta, covariance, before.cells_still)
        return self._looked(state, possible_voltage(sample))

    def step(self, state: BarDeltaState, sample: CellSample) -> tuple[BarDeltaState, Estimate]:
        """Take the middle cell a step further, and the differences where it is their time.

        Args:
            state: Left as it is.
            sample: The next sample, as for :class:`SocMapEkf`.

        Returns:
            State and state of charge of every cell, always within 0…1.
        """
        given = possible_voltage(sample)
        still, volt = self._watched(state, sample, given)
        bar, told = self.middle.step(state.bar, _middle(sample, volt))
        if told.quality & Quality.RESTARTED:
            state = self.init(sample)
            return state, replace(self.estimate(state), quality=told.quality)
        dt = bar.unix_time_second - state.unix_time_second
        mean = 0.5 * (bar.current_ampere + state.current_ampere) - float(bar.mean[5, 0])
        charge = state.charge + mean * (dt / (SECOND_PER_HOUR * self.cell.base.capacity_ah))
        since = state.unlooked_second + dt
        state = BarDeltaState(*bar, since, charge, state.delta, state.delta_covariance, still)
        expected = self._expected(state, volt, told)
        if since >= PERIOD_SECOND:
            state = self._looked(state, volt)
        quality = told.quality | quality_of(given, volt, whole=True)
        return state, self._told(state, told, quality, expected)

    def _watched(
        self, state: BarDeltaState, sample: CellSample, volt: Float[np.ndarray, "cells"]
    ) -> tuple[Stillness, Float[np.ndarray, "cells"]]:
        """Leave out the voltages that stand still against the current."""
        base = self.cell.base
        current = possible_current(base, sample)
        current = state.current_ampere if math.isnan(current) else current
        dt = max(sample.unix_time_second - state.unix_time_second, 0.0)
        charge = 0.5 * (state.current_ampere + current) * dt / (SECOND_PER_HOUR * base.capacity_ah)
        soc = np.repeat(state.mean[0], len(volt))
        return watched(state.cells_still, base, volt, current, soc, charge)

    def estimate(self, state: BarDeltaState) -> Estimate:
        """Tell what a state says, for whoever has kept one."""
        told = self.middle.estimate(state.bar)
        return self._told(state, told, told.quality, np.full(state.delta.shape[1], math.nan))

    def _told(
        self,
        state: BarDeltaState,
        middle: Estimate,
        quality: Quality,
        innovation: Float[np.ndarray, "cells"],
    ) -> Estimate:
        apart = np.sqrt(np.maximum(self._apart(state), 0.0))
        soc = state.mean[0] + state.delta[0] + state.delta[2] * state.charge
        return Estimate(
            unix_time_second=middle.unix_time_second,
            value=np.clip(soc, 0.0, 1.0),
            sigma=np.minimum(np.hypot(middle.sigma, apart), BLIND_SIGMA),
            quality=quality,
            method="soc_bar_delta",
            innovation=innovation,
            apart_sigma=apart,
        )

    def relative_capacity(self, state: BarDeltaState) -> Float[np.ndarray, "cells 2"]:
        """Give each cell's capacity over the middle cell's, and the sigma of that."""
        capacity = 1.0 / (1.0 + state.delta[2])
        sigma = np.sqrt(state.delta_covariance[5] + POLARISED**2) * capacity**2
        return np.stack([capacity, sigma], axis=1)

    def _apart(self, state: BarDeltaState) -> Float[np.ndarray, "cells"]:
        """Give the variance of each difference in charge, with what has passed since the look."""
        p00, _, p02, _, _, p22 = state.delta_covariance
        grown = self.noise.soc**2 * state.unlooked_second
        return np.asarray(p00 + state.charge * (2.0 * p02 + state.charge * p22) + grown)

    def _expected(
        self, state: BarDeltaState, volt: Float[np.ndarray, "cells"], told: Estimate
    ) -> Float[np.ndarray, "cells"]:
        """Give how far each voltage is off what is expected of its cell [V]."""
        known = self.cell.at_one(float(state.mean[0, 0]), state.temperature_celsius)
        soc, ohm, capacity = state.delta
        flow = state.current_ampere - state.mean[5, 0]
        beside = known.slope * (soc + capacity * state.charge) + ohm * flow
        return np.asarray(volt - _median(volt) + told.innovation[0] - beside)

    def _looked(self, state: BarDeltaState, volt: Float[np.ndarray, "cells"]) -> BarDeltaState:
        flow = state.current_ampere - float(state.mean[5, 0])
        known = self.cell.at_one(float(state.mean[0, 0]), state.temperature_celsius)
        second = state.unlooked_second
        calm = abs(flow) <= C_RATE_MAX * self.cell.base.capacity_ah
        measured = np.isfinite(volt) & calm & (len(volt) > 1)
        difference = np.where(measured, volt - _median(volt), 0.0)
        drive = DeltaDrive(
            charge=state.charge,
            last=flow,
            slope=known.slope,
            difference=difference,
            variance=(self.sensors.voltage_sigma**2 + MODEL_VOLT**2)
            * max(1.0, WITNESS_SECOND / max(second, PERIOD_SECOND)),
            weight=measured.astype(float),
            second=second,
            ohm=known.r0,
        )
        x, p, _ = _STEP(self.noise, tuple(state.delta), tuple(state.delta_covariance), drive)
        return state._replace(
            unlooked_second=0.0,
            charge=0.0,
            delta=np.stack(x),
            delta_covariance=np.stack(p),
        )


def _median(volt: Float[np.ndarray, "cells"]) -> float:
    """Give the median of the voltages there are, NaN of none [V]."""
    return float(median(volt, axis=0))


def _middle(sample: CellSample, volt: Float[np.ndarray, "cells"] | None = None) -> CellSample:
    """Give the sample of the middle cell."""
    volt = possible_voltage(sample) if volt is None else volt
    return sample._replace(cell_voltage_volt=np.array([_median(volt)]))
