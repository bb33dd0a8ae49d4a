"""What every estimator of charge on an identified cell does alike: time, gaps, missing currents.

An estimator that stands in this frame holds only its mathematics: how it opens at a first sample,
how it advances over an interval, and what its numbers say.  The frame decides whether there is an
interval at all: after a gap, a silence of the current or a clock that ran backwards everything
begins anew; a repeated time brings nothing new; a current not heard is held, in growing doubt.
"""

import math
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from voltherd.estimation.cell_sample import CellSample, SensorError
from voltherd.estimation.soc_start import (
    BLIND_SIGMA,
    HEARD_SECOND,
    possible_current,
    possible_temperature,
    possible_voltage,
    soc_start,
)
from voltherd.estimation.stillness import Stillness, quality_of, watch, watched
from voltherd.numerics.cell_map import CellMap
from voltherd.types.estimate import Estimate
from voltherd.types.quality import Quality
from voltherd.units import REFERENCE_TEMPERATURE_CELSIUS, SECOND_PER_HOUR

PerCell = Float[np.ndarray, "cells"]
Numbers = Float[np.ndarray, "cells numbers"]
START_VOLT = 0.02
"""How far the curve may be off where a first charge is read from it [V]."""


class SocState(NamedTuple):
    """What is carried from one sample to the next.

    Attributes:
        unix_time_second: Time of the last sample [s].
        heard_second: Time of the last sample with a current [s].
        current_ampere: The last current heard [A].
        temperature_celsius: The last temperature heard [°C].
        values: The estimator's own numbers of every cell.
        still: For how long the voltages have stood still, by :mod:`.stillness`.
    """

    unix_time_second: float
    heard_second: float
    current_ampere: float
    temperature_celsius: float
    values: Numbers
    still: Stillness


class Opening(NamedTuple):
    """What is known at the first sample.

    Attributes:
        soc: State of charge of every cell, told or read from the voltage.
        sigma: Its standard uncertainty.
        current_ampere: 0 where none was heard [A].
        temperature_celsius: 25 °C where none was heard [°C].
        voltage_volt: NaN where missing [V].
    """

    soc: PerCell
    sigma: PerCell
    current_ampere: float
    temperature_celsius: float
    voltage_volt: PerCell


class Span(NamedTuple):
    """One interval, and the sample at its end.

    Attributes:
        second: Its length, above 0 [s].
        mean_ampere: Mean current in it [A].
        last_ampere: Current at its end [A].
        sigma_ampere: Standard uncertainty of the current, as the sensor declares it [A].
        doubt_ampere: Further doubt where no current was heard for long; 0 otherwise [A].
        temperature_celsius: At its end, or the last heard [°C].
        voltage_volt: At its end; NaN where missing [V].
    """

    second: float
    mean_ampere: float
    last_ampere: float
    sigma_ampere: float
    doubt_ampere: float
    temperature_celsius: float
    voltage_volt: PerCell


@runtime_checkable
class SocMethod(Protocol):
    """The mathematics of one estimator."""

    @property
    def cell(self) -> CellMap:
        """The cell as identified."""

    @property
    def sensors(self) -> SensorError:
        """Declared sensor errors."""

    @property
    def gap_second_max(self) -> float:
        """Longest interval that is advanced over [s]."""

    @property
    def method(self) -> str:
        """Its name, as in the benchmark."""

    def init(self, sample: CellSample) -> SocState:
        """Begin at the first sample, as :class:`SocFrame` does."""

    def opened(self, opening: Opening) -> Numbers:
        """Give the numbers to begin with."""

    def advanced(self, values: Numbers, span: Span) -> tuple[Numbers, PerCell]:
        """Give the numbers after an interval, and measured minus expected voltage [V]."""

    def told(self, values: Numbers, temperature_celsius: float) -> tuple[PerCell, PerCell]:
        """Give state of charge and standard uncertainty."""


class SocFrame:
    """Carries a :class:`SocMethod` along a record: an estimator inherits it, and is one."""

    __slots__ = ()

    def init(
        self: SocMethod, sample: CellSample, soc: PerCell | float | None = None, sigma: float = 0.01
    ) -> SocState:
        """Begin at the first sample.

        Args:
            sample: The first sample.
            soc: What is known of the state of charge; else it is read from the voltage.
            sigma: Standard uncertainty of what is known.
        """
        opening = opening_of(self.cell, self.sensors, START_VOLT, sample, soc, sigma)
        return SocState(
            unix_time_second=sample.unix_time_second,
            heard_second=sample.unix_time_second,
            current_ampere=opening.current_ampere,
            temperature_celsius=opening.temperature_celsius,
            values=self.opened(opening),
            still=watch(opening.voltage_volt, opening.current_ampere, opening.soc),
        )

    def step(self: SocMethod, state: SocState, sample: CellSample) -> tuple[SocState, Estimate]:
        """Advance to the next sample.

        Args:
            state: Left as it is.
            sample: The next sample.

        Returns:
            State and state of charge, always within 0…1.
        """
        dt = sample.unix_time_second - state.unix_time_second
        current = possible_current(self.cell.base, sample)
        heard = not math.isnan(current)
        silent = sample.unix_time_second - state.heard_second
        longest = self.gap_second_max
        unmeasured = np.full(len(state.values), math.nan)
        if not (0.0 <= dt <= longest and (heard or silent <= longest)):
            state = self.init(sample)
            return state, _estimate(self, state, unmeasured, Quality.RESTARTED)
        if dt == 0.0:
            return state, _estimate(self, state, unmeasured, Quality.OK)
        current = current if heard else state.current_ampere
        unheard = not heard or dt > HEARD_SECOND
        mean = 0.5 * (state.current_ampere + current)
        celsius = possible_temperature(sample, math.nan)
        warm = not math.isnan(celsius)
        given = possible_voltage(sample)
        charge = mean * dt / (SECOND_PER_HOUR * self.cell.base.capacity_ah)
        soc, _ = self.told(state.values, state.temperature_celsius)
        still, volt = watched(state.still, self.cell.base, given, current, soc, charge)
        span = Span(
            second=dt,
            mean_ampere=mean,
            last_ampere=current,
            sigma_ampere=self.sensors.current_sigma(current),
            doubt_ampere=abs(current) + self.sensors.current_ampere if unheard else 0.0,
            temperature_celsius=celsius if warm else state.temperature_celsius,
            voltage_volt=volt,
        )
        values, innovation = self.advanced(state.values, span)
        state = SocState(
            unix_time_second=sample.unix_time_second,
            heard_second=sample.unix_time_second if heard else state.heard_second,
            current_ampere=current,
            temperature_celsius=span.temperature_celsius,
            values=values,
            still=still,
        )
        return state, _estimate(self, state, innovation, quality_of(given, volt, heard and warm))


def opening_of(
    cell: CellMap,
    sensors: SensorError,
    curve_volt: float,
    sample: CellSample,
    soc: PerCell | float | None,
    sigma: PerCell | float,
) -> Opening:
    """Give what is known at a first sample.

    Args:
        cell: The cell.
        sensors: Declared sensor errors.
        curve_volt: How far the curve may be off where a charge is read from it [V].
        sample: The first sample.
        soc: What is known of the state of charge; else it is read from the voltage.
        sigma: Standard uncertainty of what is known.
    """
    start = soc_start(cell, sensors, curve_volt, sample)
    current = possible_current(cell.base, sample)
    return Opening(
        soc=start.soc if soc is None else np.clip(soc + np.zeros_like(start.soc), 0.0, 1.0),
        sigma=start.sigma if soc is None else np.full_like(start.sigma, sigma),
        current_ampere=0.0 if math.isnan(current) else current,
        temperature_celsius=possible_temperature(sample, REFERENCE_TEMPERATURE_CELSIUS),
        voltage_volt=possible_voltage(sample),
    )


def _estimate(
    method: SocMethod, state: SocState, innovation: PerCell, quality: Quality
) -> Estimate:
    soc, sigma = method.told(state.values, state.temperature_celsius)
    return Estimate(
        unix_time_second=state.unix_time_second,
        value=np.clip(soc, 0.0, 1.0),
        sigma=np.minimum(sigma, BLIND_SIGMA),
        quality=quality,
        method=method.method,
        innovation=innovation,
    )


def charge_per_ampere(cell: CellMap, span: Span) -> float:
    """Give the share of the capacity that one ampere moves in an interval [1/A]."""
    return span.second / (SECOND_PER_HOUR * cell.base.capacity_ah)


def doubt_variance(cell: CellMap, span: Span, gap_second_max: float) -> float:
    """Give the variance of charge that a current not heard adds.

    It stays wrong the same way for the whole of its silence, so its errors add up as amounts.
    """
    moved = charge_per_ampere(cell, span) * span.doubt_ampere
    return moved**2 * (1.0 + gap_second_max / span.second)


def voltage_variance(model_volt: float, r0: PerCell, sensors: SensorError, span: Span) -> PerCell:
    """Give the variance with which a voltage is compared to the model's [V²].

    The model's error counts twice, being coloured, the series resistance is doubted by a fifth,
    and samples closer together than a second are not more witnesses.
    """
    model = max(2.0 * model_volt, 0.010)
    steady = (model**2 + sensors.voltage_sigma**2) / min(span.second, 1.0)
    return np.asarray(steady + (0.2 * r0 * span.last_ampere) ** 2)


def widened(cell: CellMap, variance: PerCell, temperature_celsius: float) -> PerCell:
    """Give the standard uncertainty of a filter's variance, widened as drives have asked for."""
    factor = float(np.interp(temperature_celsius, cell.temperature_celsius, cell.widening))
    return np.asarray(factor * np.sqrt(np.maximum(variance, 0.0)))


def polarised(
    cell: CellMap,
    pairs: Float[np.ndarray, "*cells 2"],
    push: Float[np.ndarray, "*cells 2"],
    second: float,
) -> Float[np.ndarray, "*cells 2"]:
    """Let both polarisation voltages move for an interval towards what drives them.

    Args:
        cell: Gives the time constants.
        pairs: Voltages of the fast and the slow pair [V].
        push: Where they tend to, resistance times current [V].
        second: Length of the interval [s].
    """
    kept = keeping(cell, second)
    return np.asarray(kept * pairs + (1.0 - kept) * push)


def keeping(cell: CellMap, second: float) -> Float[np.ndarray, "2"]:
    """Give the share of each polarisation voltage that is left after an interval."""
    return np.asarray(np.exp(-second / np.array([cell.tau1_second, cell.tau2_second])))
