"""The contactors: closed, opening, open; once tripped they stay open until somebody resets them.

Opening waits until the current has faded (``break_ampere``) or the time for that is over, whichever
comes first: contactors that part under load weld or burn.
"""

from enum import StrEnum
from typing import NamedTuple

from voltherd.protection.limits import PackLimits
from voltherd.protection.watch import Standing


class Contactor(StrEnum):
    """Where the contactors are."""

    CLOSED = "closed"
    OPENING = "opening"
    OPEN = "open"


class ContactorState(NamedTuple):
    """The contactors and since when [s]."""

    contactor: Contactor
    since_second: float


def step(state: ContactorState, standing: Standing, limits: PackLimits) -> ContactorState:
    """Follow what the limits demand.

    Args:
        state: Where they were.
        standing: What the limits leave now.
        limits: The table.

    Returns:
        Where they are; open ones stay open.
    """
    now = standing.time_second
    if state.contactor is Contactor.CLOSED and standing.trip:
        state = ContactorState(Contactor.OPENING, now)
    if state.contactor is Contactor.OPENING:
        faded = abs(standing.current_ampere) <= limits.break_ampere
        waited = now - state.since_second >= limits.fade_second
        if faded or waited:
            return ContactorState(Contactor.OPEN, now)
    return state


def reset(state: ContactorState, standing: Standing) -> ContactorState:
    """Close again by hand, which only a pack without a trip allows."""
    if state.contactor is Contactor.OPEN and not standing.trip:
        return ContactorState(Contactor.CLOSED, standing.time_second)
    return state
