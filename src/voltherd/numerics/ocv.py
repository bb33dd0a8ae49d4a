"""Open-circuit voltage: electrode potentials, the node table the cell step reads, its inverse.

A full cell's curve is the difference of two published half-cell curves over a stoichiometry
window, ``ocv(z) = U_p(y(z)) - U_n(x(z))`` with x and y linear in z.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.numerics.cell_parameters import OCV_NODES

Curve = Float[np.ndarray, "*batch"]


class OcvTable(NamedTuple):
    """One straight line per interval of SOC: ``ocv = intercept[k] + slope[k] * soc``.

    Attributes:
        intercept: Value of each line at SOC 0 [V].
        slope: Slope of each line [V].
    """

    intercept: Float[np.ndarray, "intervals"]
    slope: Float[np.ndarray, "intervals"]


def ocv_table(ocv_volt: Float[np.ndarray, "nodes"]) -> OcvTable:
    """Prepare a curve for the cell step; beyond 0…1 the end lines go on.

    Args:
        ocv_volt: Values at equally spaced SOC 0…1 [V].

    Returns:
        A line per interval.

    >>> table = ocv_table(np.array([3.0, 3.5, 4.0]))
    >>> (table.intercept[1] + table.slope[1] * 0.75).item()
    3.75
    """
    intervals = len(ocv_volt) - 1
    slope = np.diff(ocv_volt) * float(intervals)
    left = np.arange(intervals) / float(intervals)
    return OcvTable(np.ascontiguousarray(ocv_volt[:-1] - slope * left), slope)


def soc_from_ocv(ocv_volt: Float[np.ndarray, "nodes"], volt: Curve) -> Curve:
    """Read the curve backwards, for a cell that has rested.

    Args:
        ocv_volt: Values at equally spaced SOC 0…1, increasing [V].
        volt: Rested voltage [V]; beyond the curve the end value is taken, NaN stays NaN.

    Returns:
        State of charge, 0…1.
    """
    soc = np.linspace(0.0, 1.0, len(ocv_volt))
    return np.asarray(np.interp(volt, ocv_volt, soc), dtype=np.float64)


def ocv_slope(ocv_volt: Float[np.ndarray, "nodes"], soc: Curve) -> Curve:
    """Give the slope of the interval a state of charge lies in [V].

    Args:
        ocv_volt: Values at equally spaced SOC 0…1 [V].
        soc: State of charge; clamped to 0…1, NaN is read as 0.
    """
    intervals = len(ocv_volt) - 1
    interval = np.fmin(np.fmax(soc * intervals, 0.0), intervals - 1.0).astype(np.intp)
    return np.asarray((np.diff(ocv_volt) * intervals)[interval])


def full_cell(
    positive: Callable[[Curve], Curve],
    negative: Callable[[Curve], Curve],
    positive_window: tuple[float, float],
    negative_window: tuple[float, float],
) -> Float[np.ndarray, "nodes"]:
    """Join two half-cell curves into one cell's.

    Args:
        positive: Potential of the positive electrode over its stoichiometry [V].
        negative: Potential of the negative electrode over its stoichiometry [V].
        positive_window: Stoichiometry at SOC 0 and at SOC 1.
        negative_window: Stoichiometry at SOC 0 and at SOC 1.

    Returns:
        Open-circuit voltage at ``OCV_NODES`` equally spaced SOC 0…1 [V].
    """
    return np.asarray(
        positive(np.linspace(*positive_window, OCV_NODES))
        - negative(np.linspace(*negative_window, OCV_NODES))
    )


def measured_curve(
    soc: Float[np.ndarray, "rows"],
    charge_volt: Float[np.ndarray, "rows"],
    discharge_volt: Float[np.ndarray, "rows"],
) -> tuple[Float[np.ndarray, "nodes"], float]:
    """Take a measured pair of curves as one and half its gap.

    Args:
        soc: State of charge, climbing.
        charge_volt: Open-circuit voltage reached by charging [V].
        discharge_volt: Reached by discharging [V].

    Returns:
        The mean at ``OCV_NODES`` equally spaced SOC 0…1, made to climb, and the median half-gap,
        both [V].
    """
    grid = np.linspace(0.0, 1.0, OCV_NODES)
    charge, discharge = (np.interp(grid, soc, volt) for volt in (charge_volt, discharge_volt))
    mean = np.maximum.accumulate(0.5 * (charge + discharge)) + 1e-6 * np.arange(OCV_NODES)
    return np.asarray(mean), float(np.median(0.5 * (charge - discharge)))


def nmc811_chen2020(y: Curve) -> Curve:
    """Potential of the NMC811 electrode of an LG M50 [V].

    Source: Chen et al., J. Electrochem. Soc. 167 (2020) 080534, eq. 8.
    """
    return np.asarray(
        -0.8090 * y
        + 4.4875
        - 0.0428 * np.tanh(18.5138 * (y - 0.5542))
        - 17.7326 * np.tanh(15.7890 * (y - 0.3117))
        + 17.5842 * np.tanh(15.9308 * (y - 0.3120))
    )


def graphite_chen2020(x: Curve) -> Curve:
    """Potential of the graphite–SiOx electrode of an LG M50 [V].

    Source: Chen et al., J. Electrochem. Soc. 167 (2020) 080534, eq. 9.
    """
    return np.asarray(
        1.9793 * np.exp(-39.3631 * x)
        + 0.2482
        - 0.0909 * np.tanh(29.8538 * (x - 0.1234))
        - 0.04478 * np.tanh(14.9159 * (x - 0.2769))
        - 0.0205 * np.tanh(30.4444 * (x - 0.6103))
    )


def lfp_safari2011(y: Curve) -> Curve:
    """Potential of an LFP electrode [V].

    Source: Safari, Delacourt, J. Electrochem. Soc. 158 (2011) A562, table I.
    """
    empty = 1.0 - y
    return np.asarray(
        3.4323
        - 0.8428 * np.exp(-80.2493 * empty**1.3198)
        - 3.2474e-6 * np.exp(20.2645 * empty**3.8003)
        + 3.2482e-6 * np.exp(20.2646 * empty**3.7995)
    )


def graphite_safari2011(x: Curve) -> Curve:
    """Potential of the graphite electrode of an LFP cell [V].

    Source: Safari, Delacourt, J. Electrochem. Soc. 158 (2011) A562, table I.
    """
    return np.asarray(
        0.6379
        + 0.5416 * np.exp(-305.5309 * x)
        + 0.044 * np.tanh(-(x - 0.1958) / 0.1088)
        - 0.1978 * np.tanh((x - 1.0571) / 0.0854)
        - 0.6875 * np.tanh((x + 0.0117) / 0.0529)
        - 0.0175 * np.tanh((x - 0.5692) / 0.0875)
    )


def nca_kim2011(y: Curve) -> Curve:
    """Potential of an NCA electrode, valid from stoichiometry 0.34 [V].

    Source: Kim et al., J. Electrochem. Soc. 158 (2011) A955, as corrected in PyBaMM's set.
    """
    polynomial = (
        (10, 1.638),
        (9, -2.222),
        (8, 15.056),
        (7, -23.488),
        (6, 81.246),
        (5, -344.566),
        (4, 621.3475),
        (3, -554.774),
        (2, 264.427),
        (1, -66.3691),
        (0, 11.8058),
    )
    power = sum(factor * y**exponent for exponent, factor in polynomial)
    return np.asarray(power - 0.61386 * np.exp(5.8201 * y**136.4))


def graphite_kim2011(x: Curve) -> Curve:
    """Potential of a graphite electrode [V].

    Source: Kim et al., J. Electrochem. Soc. 158 (2011) A955.
    """
    steps = (
        (-0.0351, 0.286, 0.083),
        (-0.0045, 0.9, 0.119),
        (-0.035, 0.99, 0.05),
        (-0.0147, 0.5, 0.034),
        (-0.102, 0.194, 0.142),
        (-0.022, 0.98, 0.0164),
        (-0.011, 0.124, 0.0226),
        (0.0155, 0.105, 0.029),
    )
    stages = sum(height * np.tanh((x - centre) / width) for height, centre, width in steps)
    return np.asarray(0.124 + 1.5 * np.exp(-70.0 * x) + stages)
