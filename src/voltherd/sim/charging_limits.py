"""The limits a simulated station holds to: profiles stacked as OCPP stacks them.

Source: OCPP 1.6 edition 2, 3.13; OCPP 2.0.1 part 2, K01.  Of one purpose the highest stack level
that is valid at the moment counts; a transaction's own profile takes the place of the default; the
station's own limit is shared by the EVSEs in use.
"""

from collections.abc import Sequence
from math import inf
from typing import Final, NamedTuple

from voltherd.types.station import (
    ChargingPeriod,
    ChargingProfile,
    ChargingSchedule,
    Purpose,
    RateUnit,
)
from voltherd.types.station_command import ClearProfiles

VOLTAGE_VOLT: Final = 230.0


class Installed(NamedTuple):
    """A profile and the EVSE it was set for; 0 means every one."""

    evse_id: int
    profile: ChargingProfile


class Situation(NamedTuple):
    """What a limit depends on besides profiles.

    Attributes:
        evse_id: Where.
        power_watt: The hardware's limit [W].
        in_use: How many EVSEs share the station's limit.
        transaction_id: What runs there; empty where nothing does.
        start_second: When that began [unix s].
        phases: How many phases the EVSE has.
    """

    evse_id: int
    power_watt: float
    in_use: int = 1
    transaction_id: str = ""
    start_second: float = 0.0
    phases: int = 3


def installed(
    profiles: Sequence[Installed], evse_id: int, profile: ChargingProfile
) -> tuple[Installed, ...]:
    """Install a profile: in place of one of its number, or of its purpose and level there."""
    left = [
        known
        for known in profiles
        if known.profile.profile_id != profile.profile_id
        and (known.evse_id, known.profile.purpose, known.profile.stack_level)
        != (evse_id, profile.purpose, profile.stack_level)
    ]
    return (*left, Installed(evse_id, profile))


def cleared(profiles: Sequence[Installed], wish: ClearProfiles) -> tuple[Installed, ...]:
    """Leave out what fits everything that is given."""
    return tuple(
        known
        for known in profiles
        if not (
            wish.profile_id in (None, known.profile.profile_id)
            and wish.evse_id in (None, known.evse_id)
            and wish.purpose in (None, known.profile.purpose)
            and wish.stack_level in (None, known.profile.stack_level)
        )
    )


def limit_watt(profiles: Sequence[Installed], here: Situation, second: float) -> float:
    """Give the limit of an EVSE at a moment [W]."""
    own = _of(profiles, "transaction", here, second) if here.transaction_id else None
    if own is None:
        own = _of(profiles, "default", here, second)
    station = _of(profiles, "station", here, second)
    shared = inf if station is None else station / max(here.in_use, 1)
    return min(here.power_watt, inf if own is None else own, shared)


def composite(
    profiles: Sequence[Installed],
    here: Situation,
    second: float,
    duration_second: int,
    unit: RateUnit,
) -> ChargingSchedule:
    """Give the limits from a moment on, as ``GetCompositeSchedule`` asks for them."""
    edges = {0}
    for known in profiles:
        begin = _begin(known.profile, here)
        for start in (*(p.start_second for p in known.profile.schedule.periods), _length(known)):
            edges.add(int(min(max(begin + start - second, 0.0), float(duration_second))))
        for bound in (known.profile.valid_from_second, known.profile.valid_to_second):
            if bound is not None:
                edges.add(int(min(max(bound - second, 0.0), float(duration_second))))
    factor = VOLTAGE_VOLT * here.phases if unit == "A" else 1.0
    periods: list[ChargingPeriod] = []
    for edge in sorted(edge for edge in edges if edge < duration_second):
        # Edges are whole seconds, rounded down: what holds a second later holds from there on.
        limit = limit_watt(profiles, here, second + edge + 1.0) / factor
        if not periods or periods[-1].limit != limit:
            periods.append(ChargingPeriod(edge, limit, here.phases if unit == "A" else None))
    return ChargingSchedule(unit, tuple(periods), second, duration_second)


def _of(
    profiles: Sequence[Installed], purpose: Purpose, here: Situation, second: float
) -> float | None:
    """Give the limit of one purpose; None where no profile of it holds."""
    best: tuple[int, float] | None = None
    for known in profiles:
        profile = known.profile
        fits = profile.purpose == purpose and known.evse_id in (0, here.evse_id)
        other = profile.transaction_id not in ("", here.transaction_id)
        if not fits or (purpose == "transaction" and other) or not _valid(profile, second):
            continue
        limit = _at(profile, here, second)
        if limit is not None and (best is None or profile.stack_level > best[0]):
            best = (profile.stack_level, limit)
    return None if best is None else best[1]


def _valid(profile: ChargingProfile, second: float) -> bool:
    begin, end = profile.valid_from_second, profile.valid_to_second
    return (begin is None or begin <= second) and (end is None or second < end)


def _begin(profile: ChargingProfile, here: Situation) -> float:
    start = profile.schedule.start_second
    return here.start_second if start is None else start


def _length(known: Installed) -> float:
    duration = known.profile.schedule.duration_second
    return inf if duration is None else float(duration)


def _at(profile: ChargingProfile, here: Situation, second: float) -> float | None:
    schedule = profile.schedule
    since = second - _begin(profile, here)
    if since < 0.0 or (schedule.duration_second is not None and since >= schedule.duration_second):
        return None
    holding = [period for period in schedule.periods if period.start_second <= since]
    if not holding:
        return None
    period = holding[-1]
    if schedule.unit == "W":
        return period.limit
    return period.limit * VOLTAGE_VOLT * (period.phases or here.phases)
