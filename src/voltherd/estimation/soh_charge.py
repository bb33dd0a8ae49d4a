"""What the record of one charge at constant current, then constant voltage, says about capacity.

Charge that went in, how much of it at constant voltage, how high the voltage stood soon after the
start, how warm the cell came out of the drive before.  All of it is seen in any full charge of a
parked vehicle; nothing of a discharge is used.  The charger's end voltage is left out on purpose:
in laboratory records it tells the test channel, and with it the test, instead of the cell.

Source: features as in Severson et al., Nature Energy 4 (2019) 383 and Zhu et al., Nature
Communications 13 (2022) 2261, for charging; the current's tail at constant voltage after Eddahech
et al., Journal of Power Sources 247 (2014) 332.
"""

from enum import StrEnum
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.units import SECOND_PER_HOUR

POSSIBLE_VOLT: Final = (1.0, 4.6)
WINDOWS_VOLT: Final = ((3.8, 4.0), (4.0, 4.15))
"""Parts of the constant current charge, by voltage."""
EARLY_SECOND: Final = 300.0
"""The voltage is taken so long after the start, when fast polarisation has settled."""
CHARGING_AMPERE: Final = 0.1
CONSTANT_AMPERE: Final = 1.0
FINISHED_AMPERE: Final = 0.3
CHARGED_MIN_AH: Final = 0.1
WRONG_ROWS_MAX: Final = 20
_GAP_SECOND: Final = 60.0
_TAIL_AMPERE: Final = ((1.0, 0.5), (0.5, 0.25))
_LEAKAGE_AMPERE: Final = 0.02
_ROWS_MIN: Final = 10


class ChargeFlag(StrEnum):
    """Why a record of a charge says nothing about capacity."""

    BROKEN = "values missing or impossible"
    SMALL = "hardly anything charged, or never at constant current"
    UNFINISHED = "ended before the current had fallen"


class ChargeRecord(NamedTuple):
    """One charge, from its first sample to its last.

    Attributes:
        time_second: Increasing [s].
        current_ampere: Charging positive [A].
        voltage_volt: At the cell [V].
        temperature_celsius: Of the cell [°C].
        ambient_celsius: Around it [°C].
    """

    time_second: Float[np.ndarray, "rows"]
    current_ampere: Float[np.ndarray, "rows"]
    voltage_volt: Float[np.ndarray, "rows"]
    temperature_celsius: Float[np.ndarray, "rows"]
    ambient_celsius: float


class ChargeFeatures(NamedTuple):
    """What one charge tells.

    Attributes:
        charged_ah: All that went in [Ah].
        constant_voltage_ah: Of it after the last constant current [Ah].
        low_window_ah: At constant current between 3.8 and 4.0 V [Ah].
        high_window_ah: At constant current between 4.0 and 4.15 V [Ah].
        constant_current_second: Length of that part [s].
        early_voltage_volt: Five minutes after the start [V].
        warmth_celsius: Above ambient at the start, left by the drive before [K].
        rise_celsius: Largest rise during the charge [K].
        slow_tail_second: In which the current falls from 1 to 0.5 A [s].
        late_tail_second: From 0.5 to 0.25 A [s].
        cold: 1 where ambient is below 10 °C, else 0.
        cold_charged_ah: Their product with ``charged_ah``.
    """

    charged_ah: float
    constant_voltage_ah: float
    low_window_ah: float
    high_window_ah: float
    constant_current_second: float
    early_voltage_volt: float
    warmth_celsius: float
    rise_celsius: float
    slow_tail_second: float
    late_tail_second: float
    cold: float
    cold_charged_ah: float


COLD_CELSIUS: Final = 10.0


def charge_features(record: ChargeRecord) -> ChargeFeatures | ChargeFlag:
    """Read one charge.

    Returns:
        Its features, or why there are none.  A tail that was not reached is NaN.
    """
    possible = (record.voltage_volt > POSSIBLE_VOLT[0]) & (record.voltage_volt < POSSIBLE_VOLT[1])
    possible &= np.isfinite(record.current_ampere) & np.isfinite(record.temperature_celsius)
    if possible.sum() < _ROWS_MIN or (~possible).sum() >= WRONG_ROWS_MAX:
        return ChargeFlag.BROKEN
    second, ampere, volt, celsius = (part[possible] for part in record[:4])
    step = np.minimum(np.diff(second, prepend=second[0]), _GAP_SECOND)
    charged = np.cumsum(step * np.where(ampere > _LEAKAGE_AMPERE, ampere, 0.0)) / SECOND_PER_HOUR
    constant = np.flatnonzero(ampere > CONSTANT_AMPERE)
    if charged[-1] < CHARGED_MIN_AH or len(constant) < _ROWS_MIN:
        return ChargeFlag.SMALL
    if np.median(ampere[-5:]) > FINISHED_AMPERE:
        return ChargeFlag.UNFINISHED
    begin = int(np.argmax(ampere > CHARGING_AMPERE))
    at_constant = ampere > CONSTANT_AMPERE
    windows = [
        float((step * ampere)[at_constant & (volt >= low) & (volt < high)].sum() / SECOND_PER_HOUR)
        for low, high in WINDOWS_VOLT
    ]
    start_celsius = float(np.median(celsius[begin : begin + 5]))
    cold = float(record.ambient_celsius < COLD_CELSIUS)
    whole = float(charged[-1])
    tails = [_fall(second, ampere, int(constant[-1]), *pair) for pair in _TAIL_AMPERE]
    return ChargeFeatures(
        charged_ah=whole,
        constant_voltage_ah=whole - float(charged[constant[-1]]),
        low_window_ah=windows[0],
        high_window_ah=windows[1],
        constant_current_second=float(second[constant[-1]] - second[constant[0]]),
        early_voltage_volt=float(np.interp(second[begin] + EARLY_SECOND, second, volt)),
        warmth_celsius=start_celsius - record.ambient_celsius,
        rise_celsius=float(celsius.max()) - start_celsius,
        slow_tail_second=tails[0],
        late_tail_second=tails[1],
        cold=cold,
        cold_charged_ah=cold * whole,
    )


def recent(
    features: Float[np.ndarray, "charges features"], width: int = 3
) -> Float[np.ndarray, "charges features"]:
    """Give the median of each charge and those just before it, of one cell in order of time.

    Capacity does not jump from one charge to the next; a charge that began half full does.
    """
    medians = [
        np.median(features[max(0, row + 1 - width) : row + 1], axis=0)
        for row in range(len(features))
    ]
    return np.array(medians).reshape(features.shape)


def _fall(
    second: Float[np.ndarray, "rows"],
    ampere: Float[np.ndarray, "rows"],
    begin: int,
    high: float,
    low: float,
) -> float:
    """Time between the current's falling below two values; NaN where it is never reached."""
    below = [np.flatnonzero(ampere[begin:] < value) for value in (high, low)]
    if not len(below[0]) or not len(below[1]):
        return float("nan")
    return float(second[begin + below[1][0]] - second[begin + below[0][0]])
