"""THE cell step: two RC pairs, hysteresis, heat and an extended Kalman filter, written once.

Everything here is plain arithmetic on whatever ``xp`` works with: NumPy arrays, Numba scalars, or
the nodes of a trace (:mod:`voltherd.numerics.engines`).  No branch, no mutation, no transcendental
function: a vector unit has none of them.  Current is positive while charging, so every equation
is a sum::

    z'  = z + i dt / (3600 Q)                        charge
    h'  = A h + (1 - A) sign(i)                      hysteresis, A = exp(-|gamma dz|)
    v_j'= a_j v_j + (1 - a_j) R_j(T) i               polarisation, a_j = exp(-dt / tau_j)
    v   = ocv(z') + M h' + v_1' + v_2' + R_0(T) i    terminal voltage
    T'  = T_a + (T - T_a) a_T + (1 - a_T) R_th i (v - ocv)      heat
    R_j(T) = R_j exp(E/R (1/T - 1/T_ref))            Arrhenius

``A`` is taken as 1 / (1 + x + x²/2) with x = |gamma dz|, third order in the tiny charge of one
step; the Arrhenius factor as the square of a Padé(2,2) of half its exponent, within 0.4 % from
-20 to 60 °C at 30 kJ/mol.

The filter estimates (z, v_1, v_2) with its covariance written out in six terms.  A voltage counts
fully from 1 V up and not at all at NaN or 0: such a cell is only predicted.  An innovation beyond
five sigma is answered by inflating the measurement variance, so that no outlier moves the state
by more than a five-sigma one would.  And a correction is as unsure as it is long: the slope it was
computed with held where the state stood, not where it went.  Its square is added to the variance
of SOC, or a filter that starts on the steep foot of the curve grows certain a quarter of a charge
away from the truth.

Source: Plett, Battery Management Systems vol. 1 (2015) ch. 2 (cell), vol. 2 ch. 3 (filter); sign
of the current turned.  Gain saturation is the covariance inflation of Huber's estimator.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import exp, sqrt
from typing import Any, NamedTuple, TypeAlias, final

from voltherd.numerics.cell_parameters import OCV_NODES, CellParameters
from voltherd.units import (
    GAS_CONSTANT_JOULE_PER_MOLE_KELVIN,
    REFERENCE_TEMPERATURE_CELSIUS,
    SECOND_PER_HOUR,
    kelvin_from_celsius,
)

Value: TypeAlias = Any
"""An array, a scalar or a node of a trace: whatever the namespace computes with."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """The few operations beyond + - * / that the step asks for.

    Attributes:
        fmax: The larger of two; the second where the first is NaN.
        maximum: The larger of two, neither of them NaN.
        minimum: The smaller of two, neither of them NaN.
        fabs: The magnitude.
        index: The integer part of a value that is not negative.
        take: The entries of a table at such integers.
    """

    fmax: Callable[..., Value]
    maximum: Callable[..., Value]
    minimum: Callable[..., Value]
    fabs: Callable[..., Value]
    index: Callable[..., Value]
    take: Callable[..., Value]


class Noise(NamedTuple):
    """How far the filter trusts its sensors and its model.

    Attributes:
        charge: Growth of the SOC variance [1/s].
        polarisation: Growth of the variance of each RC voltage [V²/s].
        voltage: Variance of one voltage sample against the model [V²].
        resistance: Relative uncertainty of the series resistance [1].
        doubt: Times a correction's square that is added to the SOC variance.  Ten lets an LFP cell
            that was thought full when it was not stay in doubt where the curve goes flat [1].
    """

    charge: float = 1e-10
    polarisation: float = 1e-8
    voltage: float = 4e-4
    resistance: float = 0.2
    doubt: float = 10.0


class Constants(NamedTuple):
    """The cell parameters for one length of step; computed once, plain floats."""

    charge: float
    intervals: float
    last_interval: float
    hysteresis_rate: float
    hysteresis_volt: float
    decay1: float
    decay2: float
    rise1: float
    rise2: float
    r0: float
    reference_kelvin: float
    activation_even: float
    activation_odd: float
    thermal_decay: float
    thermal_rise: float
    heating: float
    q_charge: float
    q_polarisation: float
    decay11: float
    decay12: float
    decay22: float
    r_voltage: float
    r_drive: float
    gate: float
    doubt: float


def discretise(
    parameters: CellParameters,
    dt_second: float,
    noise: Noise | None = None,
    *,
    probe_on_cell: bool = False,
) -> Constants:
    """Fold parameters and step length into the numbers the step multiplies with.

    Args:
        parameters: The cell.
        dt_second: Length of the step, not negative [s].
        noise: The filter's trust; only the filter reads it.
        probe_on_cell: Whether the temperature fed to the step is the cell's own instead of its
            surroundings'; then nothing is added for self-heating.
    """
    p, n = parameters, noise if noise is not None else Noise()
    decay1, decay2 = exp(-dt_second / p.tau1_second), exp(-dt_second / p.tau2_second)
    thermal_tau = p.heat_capacity_joule_per_kelvin * p.thermal_resistance_kelvin_per_watt
    thermal_decay = 0.0 if probe_on_cell else exp(-dt_second / thermal_tau)
    thermal_resistance = 0.0 if probe_on_cell else p.thermal_resistance_kelvin_per_watt
    kelvin = kelvin_from_celsius(REFERENCE_TEMPERATURE_CELSIUS)
    half_activation = (
        0.5 * p.activation_joule_per_mole / (GAS_CONSTANT_JOULE_PER_MOLE_KELVIN * kelvin)
    )
    charge = dt_second / (SECOND_PER_HOUR * p.capacity_ah)
    return Constants(
        charge=charge,
        intervals=OCV_NODES - 1.0,
        last_interval=OCV_NODES - 2.0,
        hysteresis_rate=p.hysteresis_rate,
        hysteresis_volt=p.hysteresis_volt,
        decay1=decay1,
        decay2=decay2,
        rise1=p.r1_ohm * (1.0 - decay1),
        rise2=p.r2_ohm * (1.0 - decay2),
        r0=p.r0_ohm,
        reference_kelvin=kelvin,
        activation_even=half_activation / sqrt(12.0),
        activation_odd=half_activation / 2.0,
        thermal_decay=thermal_decay,
        thermal_rise=1.0 - thermal_decay,
        heating=thermal_resistance * (1.0 - thermal_decay),
        q_charge=n.charge * dt_second,
        q_polarisation=n.polarisation * dt_second,
        decay11=decay1 * decay1,
        decay12=decay1 * decay2,
        decay22=decay2 * decay2,
        r_voltage=n.voltage,
        r_drive=(n.resistance * p.r0_ohm) ** 2,
        gate=1.0 / 25.0,
        doubt=n.doubt,
    )


class CellState(NamedTuple):
    """State of a cell, every field of the batch's shape.

    Attributes:
        z: State of charge [1].
        v1: Voltage across the fast RC pair [V].
        v2: Voltage across the slow RC pair [V].
        h: Hysteresis, -1 fully discharged-side … 1 fully charged-side.
        theta: Temperature above 25 °C [K].
    """

    z: Value
    v1: Value
    v2: Value
    h: Value
    theta: Value


class Covariance(NamedTuple):
    """Covariance of (z, v1, v2), upper triangle."""

    zz: Value
    z1: Value
    z2: Value
    p11: Value
    p12: Value
    p22: Value


class Input(NamedTuple):
    """What drives one step.

    Attributes:
        current: Positive charging [A].
        ambient: Temperature around the cell, above 25 °C [K].
        inverse_capacity: Nominal over actual capacity [1].
        resistance_scale: Actual over nominal resistance [1].
    """

    current: Value
    ambient: Value
    inverse_capacity: Value
    resistance_scale: Value


class Output(NamedTuple):
    """What one step of the filter tells besides its state.

    Attributes:
        voltage: Terminal voltage predicted before the measurement [V].
        innovation: Measured minus predicted voltage, 0 where nothing was measured [V].
        variance: Variance of the innovation that the filter expected [V²].
        slope: Slope of the open-circuit voltage over SOC [V].
        gain: SOC moved per volt of innovation [1/V].
    """

    voltage: Value
    innovation: Value
    variance: Value
    slope: Value
    gain: Value


class Equations(NamedTuple):
    """The three stages of a step, each plain arithmetic with the constants first.

    They are apart because the table look-up between the first and the second is the one thing that
    a compiled engine wants in a loop of its own.
    """

    charge: Callable[..., Any]
    circuit: Callable[..., Any]
    correct: Callable[..., Any]


def make_equations(xp: Namespace) -> Equations:  # long: three equations that belong together
    """Write the stages for one namespace."""
    fmax, maximum, minimum = xp.fmax, xp.maximum, xp.minimum
    fabs, index = xp.fabs, xp.index

    def charge(c: Value, z: Value, i: Value, inverse_capacity: Value) -> Any:  # noqa: ANN401
        """Count the charge; give SOC and its interval in the OCV table."""
        z = z + i * c.charge * inverse_capacity
        # In this order NaN becomes 0: no input can index outside the table.
        return z, index(minimum(fmax(z * c.intervals, 0.0), c.last_interval))

    def circuit(
        c: Value, s: Value, i: Value, ambient: Value, inverse_capacity: Value, scale: Value
    ) -> Any:  # noqa: ANN401
        """Advance v1, v2, h, theta; give them, the scaled current and the overvoltage."""
        _, v1, v2, h, theta = s
        kelvin = theta + c.reference_kelvin
        w = theta * c.activation_even
        even = kelvin * kelvin + w * w
        odd = theta * c.activation_odd * kelvin
        turn = i * c.charge * inverse_capacity * c.hysteresis_rate
        x = fabs(turn)
        half = x * 0.5 + 1.0
        root = (even - odd) / (even + odd)
        h = (h + turn * half) / (x * half + 1.0)

        drive = i * scale * (root * root)
        v1 = v1 * c.decay1 + drive * c.rise1
        v2 = v2 * c.decay2 + drive * c.rise2
        over = h * c.hysteresis_volt + v1 + v2 + drive * c.r0
        theta = theta * c.thermal_decay + ambient * c.thermal_rise + i * over * c.heating
        return v1, v2, h, theta, drive, over

    def correct(
        c: Value, mean: Value, p: Value, slope: Value, drive: Value, expected: Value, v: Value
    ) -> Any:  # noqa: ANN401
        """Predict the covariance and correct mean and covariance with one voltage."""
        z, v1, v2 = mean
        zz, z1, z2, p11, p12, p22 = p
        # P = F P F' + Q with F = diag(1, a1, a2)
        zz = zz + c.q_charge
        z1 = z1 * c.decay1
        z2 = z2 * c.decay2
        p11 = p11 * c.decay11 + c.q_polarisation
        p12 = p12 * c.decay12
        p22 = p22 * c.decay22 + c.q_polarisation
        # g = P H', S = H g + R with H = [slope, 1, 1]
        gz = zz * slope + z1 + z2
        g1 = z1 * slope + p11 + p12
        g2 = z2 * slope + p12 + p22
        variance = gz * slope + g1 + g2 + c.r_voltage + drive * drive * c.r_drive
        # A missing voltage weighs nothing; one beyond five sigma is made less certain.
        v = fmax(v, 0.0)
        weight = minimum(v, 1.0)
        e = (v - expected) * weight
        gain = weight / maximum(e * e * c.gate, variance)
        kz, k1, k2 = gz * gain, g1 * gain, g2 * gain
        move = kz * e
        mean = (minimum(maximum(z + move, 0.0), 1.0), v1 + k1 * e, v2 + k2 * e)
        p = (
            zz - kz * gz + move * move * c.doubt,
            z1 - kz * g1,
            z2 - kz * g2,
            p11 - k1 * g1,
            p12 - k1 * g2,
            p22 - k2 * g2,
        )
        return mean, p, e, variance, kz

    return Equations(charge, circuit, correct)


def plant_of(xp: Namespace, table: Value) -> Callable[..., Any]:
    """Give the cell alone with the constants left open, for steps of varying length.

    Args and the rest are those of :func:`make_plant`; the step takes the constants first.
    """
    charge, circuit, _ = make_equations(xp)

    def plant(c: Value, s: CellState, u: Input) -> tuple[CellState, Value]:
        z, k = charge(c, s.z, u.current, u.inverse_capacity)
        ocv = xp.take(table[0], k) + xp.take(table[1], k) * z
        v1, v2, h, theta, _, over = circuit(
            c, s, u.current, u.ambient, u.inverse_capacity, u.resistance_scale
        )
        return CellState(z, v1, v2, h, theta), ocv + over

    return plant


def step_of(xp: Namespace, table: Value) -> Callable[..., Any]:
    """Give cell and filter with the constants left open, for steps of varying length.

    Args and the rest are those of :func:`make_step`; the step takes the constants first.
    """
    charge, circuit, correct = make_equations(xp)

    def step(
        c: Value, s: CellState, p: Covariance, u: Input, voltage: Value
    ) -> tuple[CellState, Covariance, Output]:
        z, k = charge(c, s.z, u.current, u.inverse_capacity)
        slope = xp.take(table[1], k)
        ocv = xp.take(table[0], k) + slope * z
        v1, v2, h, theta, drive, over = circuit(
            c, s, u.current, u.ambient, u.inverse_capacity, u.resistance_scale
        )
        expected = ocv + over
        (z, v1, v2), p, e, variance, gain = correct(
            c, (z, v1, v2), p, slope, drive, expected, voltage
        )
        return (
            CellState(z, v1, v2, h, theta),
            Covariance(*p),
            Output(expected, e, variance, slope, gain),
        )

    return step


def make_plant(xp: Namespace, table: Value, c: Value) -> Callable[..., Any]:
    """Give the cell alone: ``plant(state, input) -> (state, terminal voltage)``.

    Args:
        xp: The namespace that computes.
        table: Open-circuit voltage, as from :func:`voltherd.numerics.ocv.ocv_table`.
        c: Constants, as from :func:`discretise`.

    Returns:
        The step.  SOC is not clamped: a plant may be overcharged, the end lines of the table go on.
    """
    return partial(plant_of(xp, table), c)


def make_step(xp: Namespace, table: Value, c: Value) -> Callable[..., Any]:
    """Give cell and filter: ``step(state, covariance, input, voltage) -> (…, …, output)``.

    Args:
        xp: The namespace that computes.
        table: Open-circuit voltage, as from :func:`voltherd.numerics.ocv.ocv_table`.
        c: Constants, as from :func:`discretise`.

    Returns:
        The step.  Voltage NaN means not measured.  SOC stays within 0…1.
    """
    return partial(step_of(xp, table), c)
