"""The reward of learned charging, as it is printed and as it is meant.

Printed, R(t) = a (Cs - Ct) - b (Pt - Pmax)^2 with the charge wanted Cs and reached Ct, the power Pt
and its limit Pmax: less charge earns more, and power below the limit is punished like power above.
Meant is -a max(0, Cs - Ct) - b max(0, Pt - Pmax)^2.  Neither knows a price; with one, what energy
costs is taken off as well.
"""

import numpy as np
from jaxtyping import Float

Numbers = Float[np.ndarray, "..."]


def printed(
    wanted_kwh: Numbers, reached_kwh: Numbers, kilowatt: Numbers, limit: Numbers, a: float, b: float
) -> Numbers:
    """Give the reward as printed; kept to be compared with, nothing learns from it.

    >>> printed(np.array([10.0]), np.array([0.0]), np.array([5.0]), np.array([5.0]), 1.0, 1.0)
    array([10.])
    """
    return np.asarray(a * (wanted_kwh - reached_kwh) - b * (kilowatt - limit) ** 2)


def meant(
    wanted_kwh: Numbers, reached_kwh: Numbers, kilowatt: Numbers, limit: Numbers, a: float, b: float
) -> Numbers:
    """Give the reward with its signs set right.

    Args:
        wanted_kwh: Charge wanted by departure [kWh].
        reached_kwh: Charge reached [kWh].
        kilowatt: Power asked for by all [kW].
        limit: Power that should not be passed [kW].
        a: Of a missing kWh [1/kWh].
        b: Of the square of a kW above [1/kW2].

    >>> meant(np.array([10.0]), np.array([0.0]), np.array([3.0]), np.array([5.0]), 1.0, 1.0)
    array([-10.])
    """
    missing = np.maximum(wanted_kwh - reached_kwh, 0.0)
    return np.asarray(-a * missing - b * np.maximum(kilowatt - limit, 0.0) ** 2)
