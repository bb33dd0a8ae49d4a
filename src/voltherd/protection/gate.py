"""The gate: the last word on every current that anybody asks for.

It knows what the limits leave and where the contactors are, nothing else.  Ceilings of others (the
cloud, a learned model) can only lower what flows.  Conditions are stated positively, so that NaN,
an old sample or an unknown request fall through to zero.
"""

from collections.abc import Sequence
from typing import Final

from voltherd.protection.contactor import Contactor
from voltherd.protection.limits import PackLimits
from voltherd.protection.watch import Standing

COMMAND_VALID_SECOND_MAX: Final = 300.0
"""No command of the cloud holds longer than this, whatever it says of itself [s]."""


def permit(
    request_ampere: float,
    standing: Standing,
    contactor: Contactor,
    limits: PackLimits,
    now_second: float,
    ceilings: Sequence[float] = (),
) -> float:
    """Give the current that may flow, given the one asked for.

    Args:
        request_ampere: Positive charging [A].
        standing: What the limits leave.
        contactor: Where the contactors are.
        limits: The table, for the age that a sample may have.
        now_second: By the same clock as the sample's time [s].
        ceilings: Further limits of magnitude in the direction asked for; they only tighten [A].

    Returns:
        A current in the direction asked for, or zero [A].  On a trip charging ends at once, while
        traction fades as ``standing`` says until the contactors open.
    """
    age = now_second - standing.time_second
    if not 0.0 <= age <= limits.age_second_max or contactor is Contactor.OPEN:
        return 0.0
    if request_ampere > 0.0 and not standing.trip:
        return _lowest((request_ampere, standing.charge_ampere_max, *ceilings))
    if request_ampere < 0.0:
        return -_lowest((-request_ampere, standing.discharge_ampere_max, *ceilings))
    return 0.0


def _lowest(magnitudes: Sequence[float]) -> float:
    """Give the lowest of all; one that is no magnitude permits nothing."""
    return min(magnitudes) if all(value >= 0.0 for value in magnitudes) else 0.0


def holds(age_second: float, valid_second: float) -> bool:
    """Whether a command of the cloud still holds.

    Args:
        age_second: Time since it was sent; a negative one is from a clock that is off [s].
        valid_second: For how long it says that it holds [s].

    >>> holds(2.0, 60.0), holds(61.0, 60.0), holds(-1.0, 60.0), holds(301.0, 1e9)
    (True, False, False, False)
    """
    return 0.0 <= age_second <= min(valid_second, COMMAND_VALID_SECOND_MAX)
