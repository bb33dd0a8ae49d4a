"""Power that falls short of what it was: is it the station, or the vehicle?

In weeks that were well, the logarithm of the best power of a session over what it was offered is
what its station adds, plus what its vehicle adds: a table with holes, taken apart by sweeping out
medians in turn (median polish: Tukey, Exploratory Data Analysis, 1977), so that a vehicle that came
nearly full moves nothing.  That says what a vehicle should get at a station.  Where it gets less,
others are asked: vehicles that should have got more there, and the vehicle itself at other
stations.  A station that has lost a power module holds down those that can take more, and nobody
else; so only they are asked.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from math import log
from statistics import median
from typing import Final, NamedTuple

from voltherd.charging.station_history import SessionPower

PARTNERS_MIN: Final = 3
"""Different vehicles, or stations, on the other side before somebody is blamed."""
SHORT: Final = 0.08
"""Logarithm of the share of power that must be missing."""
SWEEPS: Final = 10
LEAST: Final = 0.01


class Blame(StrEnum):
    """Who falls short."""

    NOBODY = "nobody"
    STATION = "station"
    VEHICLE = "vehicle"
    BOTH = "both"
    UNTOLD = "cannot tell yet"


class Usual(NamedTuple):
    """What sessions get when all is well, as logarithms of the share of what is offered.

    Attributes:
        median_log: Of the median station and vehicle.
        station_log: What each station adds.
        vehicle_log: What each vehicle adds.
    """

    median_log: float
    station_log: Mapping[str, float]
    vehicle_log: Mapping[str, float]

    def expected(self, station_id: str, id_token: str) -> float | None:
        """Give what a vehicle should get at a station; None where it is not known."""
        vehicle = self.vehicle_log.get(id_token)
        if vehicle is None:
            return None
        return min(self.median_log + vehicle + self.station_log.get(station_id, 0.0), 0.0)


def log_share(power: SessionPower) -> float:
    """Give the logarithm of what a session drew over what it was offered, at most 0."""
    return log(min(max(power.best_watt / power.offered_watt, LEAST), 1.0))


def usual(powers: Sequence[SessionPower]) -> Usual:
    """Learn what sessions get.

    Args:
        powers: Sessions of weeks in which most stations and vehicles were well.
    """
    shares = [log_share(power) for power in powers]
    station = dict.fromkeys((p.station_id for p in powers), 0.0)
    vehicle = dict.fromkeys((p.id_token for p in powers), 0.0)
    middle = median(shares) if shares else 0.0
    for _ in range(SWEEPS):
        rests: dict[str, list[float]] = {name: [] for name in vehicle}
        for p, share in zip(powers, shares, strict=True):
            rests[p.id_token].append(share - middle - station[p.station_id])
        vehicle, shift = _centred(rests)
        middle += shift
        rests = {name: [] for name in station}
        for p, share in zip(powers, shares, strict=True):
            rests[p.station_id].append(share - middle - vehicle[p.id_token])
        station, shift = _centred(rests)
        middle += shift
    return Usual(middle, station, vehicle)


def _centred(rests: Mapping[str, Sequence[float]]) -> tuple[dict[str, float], float]:
    effects = {name: median(own) for name, own in rests.items()}
    shift = median(effects.values()) if effects else 0.0
    return {name: effect - shift for name, effect in effects.items()}, shift


def blame(well: Usual, now: Iterable[SessionPower], station_id: str, id_token: str) -> Blame:
    """Say who falls short where a vehicle charges at a station.

    Args:
        well: What it should get.
        now: Sessions of the last week or two, of every station and vehicle.
        station_id: Where.
        id_token: Which vehicle.
    """
    sessions = list(now)
    here = [p for p in sessions if (p.station_id, p.id_token) == (station_id, id_token)]
    should = well.expected(station_id, id_token)
    if not here or should is None:
        return Blame.UNTOLD
    got = median(map(log_share, here))
    if should - got < SHORT:
        return Blame.NOBODY
    others = [p for p in sessions if p.station_id == station_id and p.id_token != id_token]
    able = [p for p in others if (well.expected(station_id, p.id_token) or -9.0) >= got + SHORT]
    elsewhere = [p for p in sessions if p.id_token == id_token and p.station_id != station_id]
    station = _most_short(well, able, lambda p: p.id_token)
    vehicle = _most_short(well, elsewhere, lambda p: p.station_id)
    if station and vehicle:
        return Blame.BOTH
    if station or vehicle:
        return Blame.STATION if station else Blame.VEHICLE
    # Neither others here nor itself elsewhere fall short: it came nearly full, or nobody knows.
    return Blame.NOBODY if station is False and vehicle is False else Blame.UNTOLD


def _most_short(
    well: Usual, sessions: Sequence[SessionPower], partner: Callable[[SessionPower], str]
) -> bool | None:
    """Say whether most partners fall short of what they should get; None where they are few."""
    lack: dict[str, list[float]] = {}
    for power in sessions:
        should = well.expected(power.station_id, power.id_token)
        if should is not None:
            lack.setdefault(partner(power), []).append(should - log_share(power))
    if len(lack) < PARTNERS_MIN:
        return None
    return sum(median(own) >= SHORT for own in lack.values()) > len(lack) / 2
