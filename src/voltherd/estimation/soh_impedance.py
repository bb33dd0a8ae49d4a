"""Resistance and charge transfer of a cell from an impedance spectrum.

The spectrum of a cell between about a kilohertz and a tenth of a hertz is that of a resistance in
series with one that has a constant phase element beside it: ``Z = R_s + R_ct / (1 + (jωτ)^α)``.
The four values are fitted by Gauss-Newton with damping on logarithms; inductive points (positive
imaginary part) and those of diffusion at the slow end are left out.

Source: Randles, Discussions of the Faraday Society 1 (1947) 11; Cole and Cole, Journal of Chemical
Physics 9 (1941) 341 for the depressed arc; resistance health as in Plett (2015) chapter 4.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Complex, Float

from voltherd.errors import InputError
from voltherd.numerics.least_squares import damped_gauss_newton

POINTS_MIN: Final = 6


class Impedance(NamedTuple):
    """What a spectrum tells.

    Attributes:
        series_ohm: Ohmic resistance [Ω].
        transfer_ohm: Of the charge transfer [Ω].
        time_second: Time constant of the arc [s].
        depression: Exponent of the constant phase element, 1 for a capacitor.
        rmse_ohm: What the fit leaves [Ω].
    """

    series_ohm: float
    transfer_ohm: float
    time_second: float
    depression: float
    rmse_ohm: float


def arc(
    frequency_hertz: Float[np.ndarray, "points"],
    series_ohm: float,
    transfer_ohm: float,
    time_second: float,
    depression: float,
) -> Complex[np.ndarray, "points"]:
    """Give the spectrum of a series resistance and one depressed arc [Ω]."""
    turn = (2j * np.pi * frequency_hertz * time_second) ** depression
    return np.asarray(series_ohm + transfer_ohm / (1.0 + turn))


def impedance(
    frequency_hertz: Float[np.ndarray, "points"], spectrum_ohm: Complex[np.ndarray, "points"]
) -> Impedance:
    """Fit a spectrum.

    Args:
        frequency_hertz: Where it was measured [Hz].
        spectrum_ohm: What was measured, capacitive parts negative [Ω].

    Raises:
        InputError: Fewer than six points show an arc.
    """
    told = np.isfinite(spectrum_ohm) & (frequency_hertz > 0.0) & (spectrum_ohm.imag < 0.0)
    if told.sum() < POINTS_MIN:
        raise InputError(
            "the spectrum shows no arc", mend=f"{POINTS_MIN} points with a capacitive part"
        )
    hertz, ohm = frequency_hertz[told], spectrum_ohm[told]
    width = float(np.ptp(ohm.real))
    peak = float(hertz[np.argmin(ohm.imag)])
    start = np.array([np.log(ohm.real.min()), np.log(width), -np.log(2.0 * np.pi * peak), 1.4])

    def residual(values: Float[np.ndarray, "values"]) -> Float[np.ndarray, "residuals"]:
        error = arc(hertz, *_natural(values)) - ohm
        return np.concatenate([error.real, error.imag])

    found, left = damped_gauss_newton(residual, start)
    return Impedance(*_natural(found), rmse_ohm=float(np.sqrt(np.mean(left**2))))


def resistance_health(resistance_ohm: float, new_ohm: float, end_ohm: float) -> float:
    """Give the resistance health: 1 when new, 0 at the agreed end of life.

    Raises:
        InputError: The end is not above the beginning.
    """
    if not end_ohm > new_ohm > 0.0:
        raise InputError("the resistance at the end of life has to be above that of a new cell")
    return (end_ohm - resistance_ohm) / (end_ohm - new_ohm)


def _natural(values: Float[np.ndarray, "values"]) -> tuple[float, float, float, float]:
    series, transfer, time = np.exp(values[:3]).tolist()
    return series, transfer, time, float(1.0 / (1.0 + np.exp(-values[3])))
