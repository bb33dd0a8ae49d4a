"""One step of the Kalman filter on an identified cell, in plain arithmetic, written once.

States: charge z, two polarisation voltages v1 and v2, hysteresis h, a factor r on all resistances
(the tables age) and the current sensor's offset b.  Charging is positive::

    i  = i_measured - b
    z' = z + c i                      c = dt / (3600 Q)
    v' = k v + (1 - k) R r i          k = exp(-dt / tau), for each pair
    h' = A h + (1 - A) sign(i)        A = exp(-gamma |c i|), to third order
    v  = ocv(z') + M h' + v1' + v2' + R0 r i

It runs on whatever its namespace computes with: Python floats for one cell, NumPy arrays for many,
Numba's scalars for a history; all give the same bits.

Two things keep it honest.  The slope of the curve is that of the secant over one standard
uncertainty to both sides, so an estimate that may be anywhere does not grow certain by the slope
of the place where it happens to stand; on the flat curve of LFP this is what lets a wrong start be
found.  And a voltage model that is off stays off the same way for seconds, so samples closer
together than that share one vote.

How far a constant error of the curve has entered the charge is carried beside the states
(``lean``): no filter averages that away, and its interval has to hold it.

Source: Plett, Battery Management Systems vol. 2 (2015) chapter 3 (filter, slow parameters as
states), vol. 1 chapter 2 (hysteresis); statistical linearisation, Gelb, Applied Optimal Estimation
(1974) section 6.2; gain saturation is the covariance inflation of Huber's estimator.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, TypeAlias, final

import numpy as np

from voltherd.numerics.cell_parameters import OCV_NODES

Value: TypeAlias = Any
"""A float, an array, or a scalar of a compiler."""
STATES: Final = 6
TERMS: Final = 21
"""Of the upper triangle of a covariance of so many states."""
DIAGONAL: Final = (0, 6, 11, 15, 18, 20)
"""Where in it the variances are."""
GATE: Final = 25.0
"""Square of the innovation, in sigmas, beyond which a voltage counts for less."""
SLOPE_MIN: Final = 0.02
"""The least that a curve climbs, so that no correction is endless [V]."""
SPREAD_MIN: Final = 0.02
"""Least half-width of the secant: a kink of the curve is no information."""
FACTOR_MIN: Final = 0.2
FACTOR_MAX: Final = 5.0
QUANTITIES: Final = ("r0", "r1", "r2", "ocv", "hysteresis")
_LAST: Final = OCV_NODES - 2.0


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class MapNamespace:
    """The few operations beyond + - * /; none of their arguments is NaN.

    ``compiled`` is what a compiler wants done to every function that is called.
    """

    maximum: Callable[..., Value]
    minimum: Callable[..., Value]
    fabs: Callable[..., Value]
    sqrt: Callable[..., Value]
    index: Callable[..., Value]
    take: Callable[..., Value]
    compiled: Any


def _as_it_is(function: Callable[..., Any]) -> Callable[..., Any]:
    return function


FLOATS: Final = MapNamespace(
    maximum=max,
    minimum=min,
    fabs=abs,
    sqrt=math.sqrt,
    index=int,
    take=lambda t, at: t[at],
    compiled=_as_it_is,
)
ARRAYS: Final = MapNamespace(
    maximum=np.maximum,
    minimum=np.minimum,
    fabs=np.abs,
    sqrt=np.sqrt,
    index=lambda a: a.astype(np.intp),
    take=np.take,
    compiled=_as_it_is,
)


class Walk(NamedTuple):
    """How fast what the filter holds for certain grows uncertain [per √s]."""

    soc: float = 2e-6
    volt: float = 1e-4
    hysteresis: float = 1e-4
    factor: float = 1e-5
    offset_c_rate: float = 3e-7


class StepConstants(NamedTuple):
    """What a step of one length multiplies with; plain floats."""

    charge: float
    turn: float
    kept1: float
    kept2: float
    rise1: float
    rise2: float
    q_soc: float
    q_volt: float
    q_hysteresis: float
    q_factor: float
    q_offset: float
    witnesses: float
    resistance: float


class Drive(NamedTuple):
    """What drives a step, each of the cells' shape or a float.

    Attributes:
        mean: Mean current since the sample before, positive charging [A].
        last: Current at the sample [A].
        doubt: Variance that an unheard current adds to the charge [1].
        row: Row of the tables at or below the temperature, times ``OCV_NODES``.
        down: Share of the way to the next row, 0…1.
        model_variance: Of the voltage against the model, one vote [V²].
        volt: Measured voltage; anything finite where there is none [V].
        weight: 1 where there is a voltage, 0 where not.
    """

    mean: Value
    last: Value
    doubt: Value
    row: Value
    down: Value
    model_variance: Value
    volt: Value
    weight: Value


def constants(
    dt_second: float,
    *,
    capacity_ah: float,
    taus_second: tuple[float, float],
    hysteresis_rate: float,
    walk: Walk,
    model_second: float,
    resistance: float,
) -> StepConstants:
    """Fold a cell and the length of a step into the numbers the step multiplies with.

    Args:
        dt_second: Length of the step, above 0 [s].
        capacity_ah: Of the cell [Ah].
        taus_second: Time constants of the pairs [s].
        hysteresis_rate: Capacities⁻¹ of throughput that turn the hysteresis.
        walk: Growth of uncertainty.
        model_second: For how long the voltage model stays off the same way [s].
        resistance: Relative uncertainty of the series resistance at a moment.
    """
    charge = dt_second / (3600.0 * capacity_ah)
    kept1, kept2 = (math.exp(-dt_second / tau) for tau in taus_second)
    return StepConstants(
        charge=charge,
        turn=charge * hysteresis_rate,
        kept1=kept1,
        kept2=kept2,
        rise1=1.0 - kept1,
        rise2=1.0 - kept2,
        q_soc=walk.soc**2 * dt_second,
        q_volt=walk.volt**2 * dt_second,
        q_hysteresis=walk.hysteresis**2 * dt_second,
        q_factor=walk.factor**2 * dt_second,
        q_offset=(walk.offset_c_rate * capacity_ah) ** 2 * dt_second,
        witnesses=max(1.0, model_second / dt_second),
        resistance=resistance,
    )


def make_look(xp: MapNamespace) -> Callable[..., Any]:
    """Give the bilinear look-up of one namespace: ``look(table, row, down, at, share)``."""
    take = xp.take

    def look(table: Value, row: Value, down: Value, at: Value, share: Value) -> Value:
        first = row + at
        low, high = take(table, first), take(table, first + OCV_NODES)
        low = low + share * (take(table, first + 1) - low)
        high = high + share * (take(table, first + (OCV_NODES + 1)) - high)
        return low + down * (high - low)

    made: Callable[..., Any] = xp.compiled(look)
    return made


def make_place(xp: MapNamespace) -> Callable[..., Any]:
    """Give ``place(z) -> (node at or below, share of the way to the next)`` of a charge."""
    maximum, minimum, index = xp.maximum, xp.minimum, xp.index

    def place(z: Value) -> Any:  # noqa: ANN401
        fine = minimum(maximum(z, 0.0), 1.0) * (OCV_NODES - 1.0)
        at = index(minimum(fine, _LAST))
        return at, fine - at

    made: Callable[..., Any] = xp.compiled(place)
    return made


def make_secant(xp: MapNamespace) -> Callable[..., Any]:
    """Give ``secant(curve, row, down, z)``: the curve's slope over ``SPREAD_MIN`` to both sides."""
    maximum, minimum = xp.maximum, xp.minimum
    look, place = make_look(xp), make_place(xp)

    def secant(curve: Value, row: Value, down: Value, z: Value) -> Value:
        inside = minimum(maximum(z, 0.0), 1.0)
        low, high = maximum(inside - SPREAD_MIN, 0.0), minimum(inside + SPREAD_MIN, 1.0)
        at, share = place(low)
        below = look(curve, row, down, at, share)
        at, share = place(high)
        return maximum((look(curve, row, down, at, share) - below) / (high - low), SLOPE_MIN)

    made: Callable[..., Any] = xp.compiled(secant)
    return made


def predicted(c: Value, p: Value, doubt: Value, one: Value, two: Value, hysteresis: Value) -> Any:  # noqa: ANN401
    """Predict the covariance, its triangle row by row.

    Args:
        c: Constants of the step.
        p: Covariance before.
        doubt: Variance added to the charge.
        one: What the fast pair owes to the factor and to the offset.
        two: What the slow pair owes to them.
        hysteresis: What hysteresis keeps of itself, and owes to the offset.
    """
    p00, p01, p02, p03, p04, p05, p11, p12, p13, p14, p15 = p[:11]
    p22, p23, p24, p25, p33, p34, p35, p44, p45, p55 = p[11:]
    k1, k2, g = c.kept1, c.kept2, c.charge
    f1r, f1b = one
    f2r, f2b = two
    a, fhb = hysteresis
    # Rows of F P, then F P F' + Q.
    a00, a01, a02 = p00 - g * p05, p01 - g * p15, p02 - g * p25
    a03, a04, a05 = p03 - g * p35, p04 - g * p45, p05 - g * p55
    a11, a12 = k1 * p11 + f1r * p14 + f1b * p15, k1 * p12 + f1r * p24 + f1b * p25
    a13, a14 = k1 * p13 + f1r * p34 + f1b * p35, k1 * p14 + f1r * p44 + f1b * p45
    a15 = k1 * p15 + f1r * p45 + f1b * p55
    a22, a23 = k2 * p22 + f2r * p24 + f2b * p25, k2 * p23 + f2r * p34 + f2b * p35
    a24, a25 = k2 * p24 + f2r * p44 + f2b * p45, k2 * p25 + f2r * p45 + f2b * p55
    a33, a34, a35 = a * p33 + fhb * p35, a * p34 + fhb * p45, a * p35 + fhb * p55
    return (
        a00 - g * a05 + c.q_soc + doubt,
        k1 * a01 + f1r * a04 + f1b * a05,
        k2 * a02 + f2r * a04 + f2b * a05,
        a * a03 + fhb * a05,
        a04,
        a05,
        k1 * a11 + f1r * a14 + f1b * a15 + c.q_volt,
        k2 * a12 + f2r * a14 + f2b * a15,
        a * a13 + fhb * a15,
        a14,
        a15,
        k2 * a22 + f2r * a24 + f2b * a25 + c.q_volt,
        a * a23 + fhb * a25,
        a24,
        a25,
        a * a33 + fhb * a35 + c.q_hysteresis,
        a34,
        a35,
        p44 + c.q_factor,
        p45,
        p55 + c.q_offset,
    )


def shared(p: Value, slope: Value, m: Value, hr: Value, hb: Value) -> Any:  # noqa: ANN401
    """Give ``P H'`` for ``H = [slope, 1, 1, m, hr, hb]``."""
    p00, p01, p02, p03, p04, p05, p11, p12, p13, p14, p15 = p[:11]
    p22, p23, p24, p25, p33, p34, p35, p44, p45, p55 = p[11:]
    return (
        p00 * slope + p01 + p02 + p03 * m + p04 * hr + p05 * hb,
        p01 * slope + p11 + p12 + p13 * m + p14 * hr + p15 * hb,
        p02 * slope + p12 + p22 + p23 * m + p24 * hr + p25 * hb,
        p03 * slope + p13 + p23 + p33 * m + p34 * hr + p35 * hb,
        p04 * slope + p14 + p24 + p34 * m + p44 * hr + p45 * hb,
        p05 * slope + p15 + p25 + p35 * m + p45 * hr + p55 * hb,
    )


def reduced(p: Value, k: Value, s: Value) -> Any:  # noqa: ANN401
    """Give ``P - k s'``."""
    k0, k1, k2, k3, k4, k5 = k
    s0, s1, s2, s3, s4, s5 = s
    p00, p01, p02, p03, p04, p05, p11, p12, p13, p14, p15 = p[:11]
    p22, p23, p24, p25, p33, p34, p35, p44, p45, p55 = p[11:]
    return (
        p00 - k0 * s0,
        p01 - k0 * s1,
        p02 - k0 * s2,
        p03 - k0 * s3,
        p04 - k0 * s4,
        p05 - k0 * s5,
        p11 - k1 * s1,
        p12 - k1 * s2,
        p13 - k1 * s3,
        p14 - k1 * s4,
        p15 - k1 * s5,
        p22 - k2 * s2,
        p23 - k2 * s3,
        p24 - k2 * s4,
        p25 - k2 * s5,
        p33 - k3 * s3,
        p34 - k3 * s4,
        p35 - k3 * s5,
        p44 - k4 * s4,
        p45 - k4 * s5,
        p55 - k5 * s5,
    )


def make_map_step(xp: MapNamespace) -> Callable[..., Any]:  # long: one step, its equations in order
    """Write the step for one namespace.

    Returns:
        ``step(c, tables, x, p, lean, u) -> (x, p, lean, innovation)`` with ``c`` of
        :class:`StepConstants`, ``tables`` one flat table per name in ``QUANTITIES``, ``x`` six
        states, ``p`` the ``TERMS`` of their covariance, ``lean`` [1/V] and ``u`` a :class:`Drive`.
    """
    maximum, minimum, fabs, sqrt = xp.maximum, xp.minimum, xp.fabs, xp.sqrt
    look, place = make_look(xp), make_place(xp)
    predict, share_out, reduce = map(xp.compiled, (predicted, shared, reduced))

    def step(c: Value, tables: Value, x: Value, p: Value, lean: Value, u: Value) -> Any:  # noqa: ANN401
        z, v1, v2, h, r, b = x
        t0, t1, t2, curve, tm = tables
        flow = u.mean - b
        z = minimum(maximum(z + c.charge * flow, 0.0), 1.0)
        at, share = place(z)
        r0 = look(t0, u.row, u.down, at, share)
        r1, r2 = look(t1, u.row, u.down, at, share), look(t2, u.row, u.down, at, share)
        ocv, m = look(curve, u.row, u.down, at, share), look(tm, u.row, u.down, at, share)

        f1, f2 = c.rise1 * r1, c.rise2 * r2
        v1 = c.kept1 * v1 + f1 * r * flow
        v2 = c.kept2 * v2 + f2 * r * flow
        turn = c.turn * flow
        size = fabs(turn)
        half = size * 0.5 + 1.0
        whole = size * half + 1.0
        toward = turn / (size + 1e-30)
        fhb = -c.turn * (1.0 - toward * h) / whole
        h = (h + turn * half) / whole
        one, two = (f1 * flow, -f1 * r), (f2 * flow, -f2 * r)
        p = predict(c, p, u.doubt, one, two, (1.0 / whole, fhb))

        wide = maximum(sqrt(maximum(p[0], 0.0)), SPREAD_MIN)
        low, high = maximum(z - wide, 0.0), minimum(z + wide, 1.0)
        at, share = place(low)
        below = look(curve, u.row, u.down, at, share)
        at, share = place(high)
        slope = maximum((look(curve, u.row, u.down, at, share) - below) / (high - low), SLOPE_MIN)

        last = u.last - b
        ohm = r0 * r
        e = (u.volt - (ocv + m * h + v1 + v2 + ohm * last)) * u.weight
        s = share_out(p, slope, m, r0 * last, -ohm)
        unsure = c.resistance * r0 * u.last
        variance = s[0] * slope + s[1] + s[2] + s[3] * m + s[4] * r0 * last - s[5] * ohm
        variance = variance + u.model_variance * c.witnesses + unsure * unsure
        gain = u.weight / maximum(variance, e * e * (1.0 / GATE))
        k = (s[0] * gain, s[1] * gain, s[2] * gain, s[3] * gain, s[4] * gain, s[5] * gain)
        x = (
            minimum(maximum(z + k[0] * e, 0.0), 1.0),
            v1 + k[1] * e,
            v2 + k[2] * e,
            minimum(maximum(h + k[3] * e, -1.0), 1.0),
            minimum(maximum(r + k[4] * e, FACTOR_MIN), FACTOR_MAX),
            b + k[5] * e,
        )
        return x, reduce(p, k, s), lean + k[0] * (1.0 - slope * lean), e

    made: Callable[..., Any] = xp.compiled(step)
    return made
