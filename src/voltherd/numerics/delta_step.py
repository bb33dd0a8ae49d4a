"""How each cell of a string differs from its middle one: a Kalman filter of three states a cell.

All cells carry the same current, so what separates a cell's voltage from the median cell's is what
the cell itself is: its charge, its resistance and its capacity::

    d'  = d + k c i                       charge less that of the middle cell, c = dt / (3600 Q)
    dv  = ocv'(z) d + r i                 voltage less that of the middle cell

with r the resistance less the middle cell's, and k the middle cell's capacity over this one's,
less 1: a cell that is smaller fills and empties faster.  The common errors, of curve, polarisation
and temperature, are gone from the difference: in it, milliamperes of leakage can be seen.

Source: Plett, Battery Management Systems vol. 2 (2015) section 4.9 (bar-delta filtering).
"""

from typing import Any, NamedTuple

from voltherd.numerics.map_step import GATE, MapNamespace, Value

STATES = 3
TERMS = 6


class DeltaNoise(NamedTuple):
    """How fast what is known of a difference grows uncertain [per √s], and a voltage's variance.

    Attributes:
        soc: Of the charge: leakage differs between cells.
        ohm: Of the resistance, per ohm of the middle cell's.
        capacity: Of the relative capacity.
    """

    soc: float = 3e-7
    ohm: float = 1e-5
    capacity: float = 2e-7


class DeltaDrive(NamedTuple):
    """What drives a step, each of the cells' shape or a float.

    Attributes:
        charge: Charge that passed since the step before, over the middle cell's capacity [1].
        last: Current at the sample, positive charging [A].
        slope: Of the open-circuit voltage at the middle cell's charge [V].
        difference: Voltage less the middle cell's; anything finite where there is none [V].
        variance: Of that difference, one vote [V²].
        weight: 1 where there is a voltage, 0 where not.
        second: Time since the step before [s].
        ohm: Series resistance of the middle cell [Ω].
    """

    charge: Value
    last: Value
    slope: Value
    difference: Value
    variance: Value
    weight: Value
    second: Value
    ohm: Value


def make_delta_step(xp: MapNamespace) -> Any:  # noqa: ANN401
    """Write the step for one namespace.

    Returns:
        ``step(noise, x, p, u) -> (x, p, innovation)``: ``x`` charge, resistance [Ω] and relative
        capacity of the difference, ``p`` the upper triangle of their covariance, ``u`` a
        :class:`DeltaDrive`.
    """
    maximum = xp.maximum

    def step(noise: Value, x: Value, p: Value, u: Value) -> Any:  # noqa: ANN401
        d, r, k = x
        p00, p01, p02, p11, p12, p22 = p
        q = u.charge
        d = d + k * q
        p00 = p00 + q * (p02 + p02 + q * p22) + noise.soc * noise.soc * u.second
        p01 = p01 + q * p12
        p02 = p02 + q * p22
        walk = noise.ohm * u.ohm
        p11 = p11 + walk * walk * u.second
        p22 = p22 + noise.capacity * noise.capacity * u.second

        e = (u.difference - u.slope * d - r * u.last) * u.weight
        s0 = p00 * u.slope + p01 * u.last
        s1 = p01 * u.slope + p11 * u.last
        s2 = p02 * u.slope + p12 * u.last
        variance = s0 * u.slope + s1 * u.last + u.variance
        gain = u.weight / maximum(variance, e * e * (1.0 / GATE))
        k0, k1, k2 = s0 * gain, s1 * gain, s2 * gain
        x = (d + k0 * e, r + k1 * e, k + k2 * e)
        p = (
            p00 - k0 * s0,
            p01 - k0 * s1,
            p02 - k0 * s2,
            p11 - k1 * s1,
            p12 - k1 * s2,
            p22 - k2 * s2,
        )
        return x, p, e

    return xp.compiled(step)
