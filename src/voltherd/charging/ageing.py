"""Published ageing models: how much capacity time and use take from a cell.

Every model is a pair of power laws, one of days and one of equivalent full cycles::

    loss = k_cal(SOC, T) days^p      loss = k_cyc(SOC, depth, rate, T) cycles^q

and states where its cells were tested.  The loss that ends a life is reached at (loss/k)^(1/p) days
or cycles, so one of them uses up the inverse of that: whenever it comes, for what it takes early is
what later ones take less (the linear accumulation of Palmgren and Miner).  A full cycle is as much
charge as the cell holds, in and out.

**NMC**: Schmalstieg et al., J. Power Sources 257 (2014) 325 (2.15 Ah, calendar and cycles, no
influence of rate or of temperature on cycling); Smith et al., American Control Conference 2017,
4062 (Kokam 75 Ah), its loss of lithium as refitted by Gasper; Gasper et al., J. Energy Storage 73
(2023) 109042, cell "NMC-Gr B1" (50 Ah).  **LFP**: Naumann et al., J. Energy Storage 17 (2018) 153
and J. Power Sources 451 (2020) 227666 (3 Ah); Gasper et al. (2023), "LFP-Gr 250 Ah"; Wang et al.,
J. Power Sources 196 (2011) 3942 (2.2 Ah, cycles only).  The constants of Smith and Gasper are those
of BLAST-Lite (NREL, BSD-3-Clause).

None of them knows lithium plating: cold and fast charging is held off by a limit, not by a price.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias, final

import numpy as np
from jaxtyping import Float

from voltherd.numerics.ocv import graphite_safari2011
from voltherd.numerics.presets import NMC
from voltherd.types.asset import Chemistry
from voltherd.units import (
    GAS_CONSTANT_JOULE_PER_MOLE_KELVIN,
    KELVIN_AT_ZERO_CELSIUS,
    SECOND_PER_DAY,
)

Values: TypeAlias = Float[np.ndarray, "*any"]


class Use(NamedTuple):
    """How a cell is cycled.

    Attributes:
        soc: Mean state of charge.
        depth: Swing of the state of charge.
        rate_per_hour: Mean current in capacities per hour.
        celsius: Temperature [°C].
    """

    soc: Values
    depth: Values
    rate_per_hour: Values
    celsius: Values


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class AgeingModel:
    """One published model.

    Attributes:
        name: For people.
        chemistry: Of the cells tested.
        calendar: Loss after a day from new, by state of charge and temperature [K]; none where
            only cycles were fitted.
        calendar_power: Exponent of days.
        cycle: Loss after a full cycle from new, by use.
        cycle_power: Exponent of full cycles.
        celsius: Range of temperature of the cycling tests [°C].
        rate_per_hour_max: Highest rate tested.
    """

    name: str
    chemistry: Chemistry
    calendar: Callable[[Values, Values], Values] | None
    calendar_power: float
    cycle: Callable[[Use], Values]
    cycle_power: float
    celsius: tuple[float, float]
    rate_per_hour_max: float

    def life_per_day(self, soc: Values, celsius: Values, loss_end: float) -> Values:
        """Give the share of a calendar life that a day uses up, NaN where it is not known."""
        if self.calendar is None:
            return np.full(np.broadcast_shapes(soc.shape, celsius.shape), np.nan)
        loss = self.calendar(soc, celsius + KELVIN_AT_ZERO_CELSIUS)
        return np.asarray((loss / loss_end) ** (1.0 / self.calendar_power))

    def life_per_cycle(self, use: Use, loss_end: float) -> Values:
        """Give the share of a cycle life that a full cycle uses up."""
        return np.asarray((self.cycle(use) / loss_end) ** (1.0 / self.cycle_power))

    def was_tested(self, use: Use) -> bool:
        """Tell whether a use lies where its cells were tested."""
        low, high = self.celsius
        inside = (use.celsius >= low) & (use.celsius <= high)
        return bool((inside & (use.rate_per_hour <= self.rate_per_hour_max)).all())


def _graphite_volt(soc: Values) -> Values:
    """Give the anode's potential in the window that the fits of Smith and Gasper use [V]."""
    return graphite_safari2011(np.asarray(0.0085 + soc * (0.78 - 0.0085)))


def _nmc_volt(soc: Values) -> Values:
    """Give an NMC cell's open-circuit voltage [V]."""
    return np.asarray(np.interp(soc, np.linspace(0.0, 1.0, len(NMC.ocv_volt)), NMC.ocv_volt))


def _schmalstieg_calendar(soc: Values, kelvin: Values) -> Values:
    volt = _nmc_volt(soc)
    # The fit's line crosses 0 at 3.15 V, below all its data.
    return np.asarray(np.maximum(7.543 * volt - 23.75, 0.0) * 1e6 * np.exp(-6976.0 / kelvin))


def _schmalstieg_cycle(use: Use) -> Values:
    volt = _nmc_volt(use.soc)
    per_root_ah = 7.348e-3 * (volt - 3.667) ** 2 + 7.6e-4 + 4.081e-3 * use.depth
    return np.asarray(per_root_ah * np.sqrt(2.0 * 2.15) * np.ones_like(use.celsius))


def _smith_calendar(soc: Values, kelvin: Values) -> Values:
    warm = kelvin / 308.15
    anode = _graphite_volt(soc) / 0.123
    return np.asarray(2.66e7 * np.exp((-17.8 - 5.21 * anode) / warm))


def _smith_cycle(use: Use) -> Values:
    warm = (use.celsius + KELVIN_AT_ZERO_CELSIUS) / 308.15
    return np.asarray(3.80e3 * np.exp(-18.4 / warm) * np.exp(1.04 * np.exp(use.depth**2)))


def _gasper_nmc_calendar(soc: Values, kelvin: Values) -> Values:
    warm = kelvin / 328.15
    anode = np.cbrt(_graphite_volt(soc) / 0.123)
    return np.asarray(36.2 * np.exp(-4.4 * anode / warm**3) / 1e4**0.708)


def _gasper_nmc_cycle(use: Use) -> Values:
    warm = (use.celsius + KELVIN_AT_ZERO_CELSIUS) / 328.15
    stress = use.depth**2 * warm**3 * np.sqrt(use.rate_per_hour)
    return np.asarray(0.844 * stress**0.458 / 1e5**0.467)


def _naumann_calendar(soc: Values, kelvin: Values) -> Values:
    arrhenius = np.exp(
        -17126.0 / GAS_CONSTANT_JOULE_PER_MOLE_KELVIN * (1.0 / kelvin - 1.0 / 298.15)
    )
    return np.asarray(
        1.2571e-5 * arrhenius * (2.8575 * (soc - 0.5) ** 3 + 0.60225) * np.sqrt(SECOND_PER_DAY)
    )


def _naumann_cycle(use: Use) -> Values:
    rate = 0.0630 * use.rate_per_hour + 0.0971
    return np.asarray(0.01 * rate * (4.0253 * (use.depth - 0.6) ** 3 + 1.0923) + 0.0 * use.celsius)


def _gasper_lfp_calendar(soc: Values, kelvin: Values) -> Values:
    return np.asarray(8.37e4 * np.exp((-5.21e3 - 3.56e3 * _graphite_volt(soc)) / kelvin))


def _gasper_lfp_cycle(use: Use) -> Values:
    kelvin = use.celsius + KELVIN_AT_ZERO_CELSIUS
    stress = 4.38e-8 + 1.55e-8 * use.depth + 1.68e-7 * use.rate_per_hour
    return np.asarray(stress * (np.exp(2.19e3 / kelvin) + np.exp(-1.55e5 / kelvin)))


_WANG_RATE: Final = np.array([0.5, 2.0, 6.0, 10.0])
_WANG_FACTOR: Final = np.array([31630.0, 21681.0, 12934.0, 15512.0])


def _wang_cycle(use: Use) -> Values:
    kelvin = use.celsius + KELVIN_AT_ZERO_CELSIUS
    rate = np.clip(use.rate_per_hour, _WANG_RATE[0], _WANG_RATE[-1])
    factor = np.exp(np.interp(rate, _WANG_RATE, np.log(_WANG_FACTOR)))
    energy = (-31700.0 + 370.3 * rate) / (GAS_CONSTANT_JOULE_PER_MOLE_KELVIN * kelvin)
    return np.asarray(0.01 * factor * np.exp(energy) * 2.2**0.55)


MODELS: Final = (
    AgeingModel(
        name="Schmalstieg 2014",
        chemistry=Chemistry.NMC,
        calendar=_schmalstieg_calendar,
        calendar_power=0.75,
        cycle=_schmalstieg_cycle,
        cycle_power=0.5,
        celsius=(20.0, 40.0),
        rate_per_hour_max=1.0,
    ),
    AgeingModel(
        name="Smith 2017",
        chemistry=Chemistry.NMC,
        calendar=_smith_calendar,
        calendar_power=0.357,
        cycle=_smith_cycle,
        cycle_power=0.778,
        celsius=(0.0, 45.0),
        rate_per_hour_max=1.0,
    ),
    AgeingModel(
        name="Gasper 2023 NMC B1",
        chemistry=Chemistry.NMC,
        calendar=_gasper_nmc_calendar,
        calendar_power=0.708,
        cycle=_gasper_nmc_cycle,
        cycle_power=0.467,
        celsius=(10.0, 45.0),
        rate_per_hour_max=1.75,
    ),
    AgeingModel(
        name="Naumann 2018/2020",
        chemistry=Chemistry.LFP,
        calendar=_naumann_calendar,
        calendar_power=0.5,
        cycle=_naumann_cycle,
        cycle_power=0.5,
        celsius=(20.0, 40.0),
        rate_per_hour_max=1.0,
    ),
    AgeingModel(
        name="Gasper 2023 LFP 250 Ah",
        chemistry=Chemistry.LFP,
        calendar=_gasper_lfp_calendar,
        calendar_power=0.526,
        cycle=_gasper_lfp_cycle,
        cycle_power=0.828,
        celsius=(10.0, 45.0),
        rate_per_hour_max=0.65,
    ),
    AgeingModel(
        name="Wang 2011",
        chemistry=Chemistry.LFP,
        calendar=None,
        calendar_power=1.0,
        cycle=_wang_cycle,
        cycle_power=0.55,
        celsius=(15.0, 60.0),
        rate_per_hour_max=10.0,
    ),
)
"""Every model known, by chemistry."""


def models_for(chemistry: Chemistry) -> tuple[AgeingModel, ...]:
    """Give the models of a chemistry; NCA takes those of NMC, for want of better."""
    wanted = Chemistry.LFP if chemistry is Chemistry.LFP else Chemistry.NMC
    return tuple(model for model in MODELS if model.chemistry is wanted)
