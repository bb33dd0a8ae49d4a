"""What short current pulses say about the health of a cell that nobody has a history of.

A retired cell is given pulses of five seconds, charging and discharging at rising rates, and its
voltage is read before, at the start and end of each, and after: 21 values.  Differences to the
rested voltage are resistances times current; which way they lean says how far polarisation at one
electrode has grown.  Charge in the cell is counted from empty against the *rated* capacity, so an
aged cell stands at a higher voltage for the same count.  That carries much of the information, and
is only there where somebody has counted.

Source: the test of Tao et al., Nature Communications 15 (2024) 10154 (PulseBat).
"""

from typing import Final

import numpy as np
from jaxtyping import Float

POINTS: Final = 21
_CENTRE: Final = 0.275
_SPREAD: Final = 0.15
_SMALL_VOLT: Final = 1e-5
_CLIP: Final = 4.0


def pulse_response(
    voltage_volt: Float[np.ndarray, "tests 21"],
) -> Float[np.ndarray, "tests 21"]:
    """Give the rested voltage, and what each further point differs from it [V]."""
    return np.hstack([voltage_volt[:, :1], voltage_volt[:, 1:] - voltage_volt[:, :1]])


def pulse_voltage(
    response: Float[np.ndarray, "tests points"],
) -> Float[np.ndarray, "tests points"]:
    """Give the voltage at every point again, from the response [V]."""
    return np.hstack([response[:, :1], response[:, 1:] + response[:, :1]])


def level_scale(
    response: Float[np.ndarray, "tests points"],
    soc: Float[np.ndarray, "tests"],
    levels: Float[np.ndarray, "levels"],
) -> tuple[Float[np.ndarray, "levels points"], Float[np.ndarray, "levels points"]]:
    """Give mean and spread of the response at each level of charge, from the nearest tests."""
    nearest = np.abs(soc[:, None] - levels).argmin(axis=1)
    near = [response[nearest == level] for level in range(len(levels))]
    near = [one if len(one) > 1 else response for one in near]
    return (
        np.array([one.mean(axis=0) for one in near]),
        np.array([one.std(axis=0) + _SMALL_VOLT for one in near]),
    )


def pulse_features(
    response: Float[np.ndarray, "tests points"],
    soc: Float[np.ndarray, "tests"],
    levels: Float[np.ndarray, "levels"],
    mean: Float[np.ndarray, "levels points"],
    spread: Float[np.ndarray, "levels points"],
) -> Float[np.ndarray, "tests features"]:
    """Give the response in spreads of its level of charge, and its products with charge.

    What a millivolt means depends on the charge, smoothly: a linear model on these features has
    coefficients that are parabolas over charge.
    """
    nearest = np.abs(soc[:, None] - levels).argmin(axis=1)
    scaled = np.clip((response - mean[nearest]) / spread[nearest], -_CLIP, _CLIP)
    place = ((soc - _CENTRE) / _SPREAD)[:, None]
    return np.hstack([scaled, scaled * place, scaled * place**2, place, place**2])
