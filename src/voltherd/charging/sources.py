"""Where a vehicle's power comes from: classes of stations, and links without a wire.

**Wireless.**  Equation 3 of the source, P = k V1 V2 / d^n, is given as it is printed: k carries
whatever unit makes it a power, and it falls with distance alone.  Beside it stands what a
series-series compensated pair of coils does at resonance, from its circuit::

    (R1 + R_s) I1 - j w M I2 = V1        j w M I1 = (R2 + R_L) I2
    P = |I2|^2 R_L     efficiency = P / (P + |I1|^2 (R1 + R_s) + |I2|^2 R2)

Power there does not fall with distance but rises, until M is so small that losses in the first coil
eat it up: the printed equation is no model of it.  M falls with distance and misalignment as that
of two coaxial loops does, off the axis by a Gaussian of their radius, an assumption.

Sources: Sample, Meyer and Smith, IEEE Trans. Industrial Electronics 58 (2011) 544; mutual
inductance of coaxial loops in the dipole limit: Jackson, Classical Electrodynamics, 5.5.
"""

import math
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.errors import InputError

VACUUM_HENRY_PER_METRE: Final = 4e-7 * math.pi


class StationClass(NamedTuple):
    """A class of stations, and what the source claims of it.

    Attributes:
        name: As the source calls it.
        kilowatt: Range of power [kW].
        claimed_hour: Range of time that is claimed for a charge [h].
        claimed_soc: To which.
    """

    name: str
    kilowatt: tuple[float, float]
    claimed_hour: tuple[float, float]
    claimed_soc: float


CLASSES: Final = (
    StationClass("Level 1", (2.0, 5.0), (8.0, 12.0), 1.0),
    StationClass("Level 2", (7.0, 22.0), (3.0, 5.0), 1.0),
    StationClass("Level 3", (50.0, 350.0), (0.25, 0.75), 0.8),
)
"""The source's levels.  A North American 120 V outlet gives 1.4 to 1.9 kW, below the first."""


def class_of(kilowatt: float) -> StationClass:
    """Give the class that a power belongs to: the highest whose least it reaches.

    >>> class_of(11.0).name, class_of(1.4).name, class_of(150.0).name
    ('Level 2', 'Level 1', 'Level 3')
    """
    if not 0.0 < kilowatt < math.inf:
        raise InputError(f"a station of {kilowatt:g} kW is none")
    reached = [one for one in CLASSES if kilowatt >= one.kilowatt[0]]
    return reached[-1] if reached else CLASSES[0]


def implied_kwh(one: StationClass) -> tuple[float, float]:
    """Give the energies that a class's claim implies: least power and time, most power and time.

    >>> [tuple(round(kwh, 1) for kwh in implied_kwh(one)) for one in CLASSES]
    [(16.0, 60.0), (21.0, 110.0), (37.5, 87.5)]
    """
    (low, high), (short, long) = one.kilowatt, one.claimed_hour
    if one.claimed_soc < 1.0:  # fast stations: more power, less time
        return low * long, high * short
    return low * short, high * long


def printed_watt(
    factor: float, first_volt: float, second_volt: float, distance_metre: float, exponent: float
) -> float:
    """Give equation 3 as it is printed [W].

    Raises:
        InputError: No distance.

    >>> printed_watt(2.0, 10.0, 10.0, 2.0, 2.0)
    50.0
    """
    if not distance_metre > 0.0:
        raise InputError("equation 3 has no value without a distance")
    return factor * first_volt * second_volt / math.pow(distance_metre, exponent)


class Exponent(NamedTuple):
    """The n of equation 3 that measurements ask for.

    Attributes:
        n: By least squares of the logarithms; below 0 where power rises with distance.
        sigma: Its standard error.
        residual: Root mean square of what is left, of log P: 0.1 is about 10 %.
    """

    n: float
    sigma: float
    residual: float


def fitted_exponent(
    distance_metre: Float[np.ndarray, " places"], watt: Float[np.ndarray, " places"]
) -> Exponent:
    """Fit the exponent of equation 3 to powers at distances, voltages held.

    Raises:
        InputError: Fewer than three different distances, or a value that has no logarithm.
    """
    values = np.concatenate([distance_metre, watt])
    if not (np.isfinite(values).all() and (values > 0.0).all()):
        raise InputError("distances and powers are numbers above 0", mend="leave the others out")
    if len(np.unique(distance_metre)) < 3:
        raise InputError("an exponent is fitted to three distances or more")
    away = np.log(distance_metre) - np.log(distance_metre).mean()
    power = np.log(watt) - np.log(watt).mean()
    spread = float(away @ away)
    slope = float(away @ power) / spread
    left = float(np.square(power - slope * away).sum())
    sigma = math.sqrt(left / (len(watt) - 2) / spread)
    return Exponent(-slope, sigma, math.sqrt(left / len(watt)))


class Link(NamedTuple):
    """A pair of resonant coils, both tuned to one frequency by capacitors in series.

    Attributes:
        source_volt: Root mean square of the inverter [V].
        hertz: At which both resonate; 85 kHz by SAE J2954 [Hz].
        radius_metre: Of both coils [m].
        turns: Of each coil.
        first_ohm: Of the first coil with its inverter [Ω].
        second_ohm: Of the second coil [Ω].
        load_ohm: The rectifier and battery as a resistance [Ω].
    """

    source_volt: float = 400.0
    hertz: float = 85_000.0
    radius_metre: float = 0.3
    turns: float = 10.0
    first_ohm: float = 0.15
    second_ohm: float = 0.15
    load_ohm: float = 10.0


class Linked(NamedTuple):
    """What a link gives: power into the load [W] and what share of the source's that is."""

    watt: Float[np.ndarray, " places"]
    efficiency: Float[np.ndarray, " places"]


def mutual_henry(
    link: Link,
    distance_metre: Float[np.ndarray, " places"],
    aside_metre: Float[np.ndarray, " places"],
) -> Float[np.ndarray, " places"]:
    """Give the mutual inductance of two coils by their distance and misalignment [H]."""
    area = math.pi * link.radius_metre**2
    axial = link.radius_metre**2 / (link.radius_metre**2 + distance_metre**2) ** 1.5
    aside = np.exp(-((aside_metre / link.radius_metre) ** 2))
    return np.asarray(0.5 * VACUUM_HENRY_PER_METRE * link.turns**2 * area * axial * aside)


def linked(
    link: Link,
    distance_metre: Float[np.ndarray, " places"],
    aside_metre: Float[np.ndarray, " places"],
) -> Linked:
    """Give power and efficiency of a resonant link at places of the second coil."""
    reactance = 2.0 * math.pi * link.hertz * mutual_henry(link, distance_metre, aside_metre)
    second = link.second_ohm + link.load_ohm
    reflected = reactance**2 / second
    first_ampere = link.source_volt / (link.first_ohm + reflected)
    second_ampere = reactance * first_ampere / second
    watt = second_ampere**2 * link.load_ohm
    drawn = link.source_volt * first_ampere
    return Linked(np.asarray(watt), np.asarray(watt / drawn))


def road_watt_hour(
    link: Link,
    coils_metre: Float[np.ndarray, " coils"],
    distance_metre: float,
    speed_metre_per_second: float,
    watt_max: float,
) -> float:
    """Give the energy that a vehicle takes up on a road of coils that it drives over.

    A coil is on while the vehicle's is within its radius, and gives no more than its most.

    Args:
        link: Each coil of the road with that of the vehicle.
        coils_metre: Where the coils lie along the road [m].
        distance_metre: Between road and vehicle [m].
        speed_metre_per_second: Of the vehicle [m/s].
        watt_max: Of a coil [W].
    """
    if not speed_metre_per_second > 0.0:
        raise InputError("a vehicle that stands is charged by a place, not by a road")
    across = np.linspace(-link.radius_metre, link.radius_metre, 101)
    given = linked(link, np.full(len(across), distance_metre), np.abs(across))
    second = 2.0 * link.radius_metre / speed_metre_per_second
    mean = float(np.trapezoid(np.minimum(given.watt, watt_max), across)) / (2.0 * link.radius_metre)
    return len(coils_metre) * mean * second / 3600.0
