"""Chargers that follow no limits: what the plan and the guard say as off and on.

The guard's limit for such a charger is none or its full current.  None means that it is stopped at
once.  A plan's change of mind waits: contactors wear, and vehicles fall asleep.
"""

from collections.abc import Sequence
from math import inf
from typing import Final

from voltherd.charging.live import Charger
from voltherd.charging.stays import Stay
from voltherd.types.station_command import RemoteStart, RemoteStop

KEEPS_FRACTION: Final = 0.5
"""Of a plan's step, that a charger stays on or off before the plan may change it again."""
START_AGAIN_SECOND: Final = 60.0
"""Between two tries to start a vehicle that does not begin [s]."""
_NUMBER_MAX: Final = 1 << 31


def is_wanted(
    stay: Stay, planned_ampere: float | None, now_second: float, step_second: float
) -> bool:
    """Say whether a charger is to be on.

    Args:
        stay: Of the vehicle there.
        planned_ampere: What the plan has for it now; None while it knows nothing of it [A].
        now_second: By the station's clock [unix s].
        step_second: Of the plan [s].
    """
    is_on = stay.running is not None
    if planned_ampere is None:
        return is_on
    if is_on and not stay.whole.id_token:  # once stopped it is not started again: by whose token?
        return True
    began_by_itself = is_on and stay.parts == 1
    if not began_by_itself and now_second - stay.since_second < KEEPS_FRACTION * step_second:
        return is_on
    return planned_ampere > 0.0


def switch(stay: Stay | None, *, may_run: bool) -> RemoteStart | RemoteStop | None:
    """Give what a charger is to be asked for; None where it is as it should be.

    Who began without a token is not started again: it could be billed to nobody.

    Args:
        stay: Of the vehicle there.
        may_run: Whether the guard leaves it its full current.
    """
    if stay is None:
        return None
    whole, running = stay.whole, stay.running
    if running is not None:
        return None if may_run else RemoteStop(running.transaction_id)
    if not may_run or not whole.id_token:
        return None
    # The same for one wait, so that what is asked for again is not taken for something new.
    number = int(stay.since_second) % _NUMBER_MAX
    return RemoteStart(whole.id_token, whole.evse_id, number)


def startable(
    chargers: Sequence[Charger],
    stays: Sequence[Stay | None],
    now_second: Sequence[float],
    metered_ampere: Sequence[float] | None,
    limit_ampere: float,
) -> list[bool]:
    """Say at which chargers a vehicle may be started by what the connection's meter shows.

    The guard reserves room by what is announced.  Where more is drawn beside vehicles it stops
    them at once; this keeps those that it stopped from coming back as long as it would again.

    Args:
        chargers: Of the site.
        stays: At each.
        now_second: By the clock of each one's station [unix s].
        metered_ampere: On each phase; None where no meter says it [A].
        limit_ampere: Of the connection, on each phase [A].
    """
    if metered_ampere is None:
        return [True] * len(chargers)
    drawn = list(metered_ampere)
    waits: list[bool] = []
    for charger, stay, now in zip(chargers, stays, now_second, strict=True):
        is_on = stay is not None and stay.running is not None
        waits.append(stay is not None and not is_on)
        if charger.switched and is_on and now - _since(stay) < START_AGAIN_SECOND:
            drawn = _with(drawn, charger)  # it may not show yet
    able = []
    for charger, is_waiting in zip(chargers, waits, strict=True):
        more = _with(drawn, charger)
        able.append(all(more[phase] <= limit_ampere for phase in charger.phases))
        if charger.switched and is_waiting and able[-1]:
            drawn = more
    return able


def _since(stay: Stay | None) -> float:
    return -inf if stay is None else stay.since_second


def _with(drawn: list[float], charger: Charger) -> list[float]:
    more = drawn.copy()
    for phase in charger.phases:
        more[phase] += charger.hardware_ampere
    return more
