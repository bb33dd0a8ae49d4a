"""The site as its guard sees it: stations on phases behind limits, in amperes per phase.

Every limit (site, transformer, group) has three rows, one a phase.  A site is taken only if its
stations may fall back to their safe defaults all at once, beside the worst of all other loads.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Bool, Float

from voltherd.errors import UsageError

PHASES: Final = 3
LEAST_AMPERE: Final = 6.0
"""No car charges at less (IEC 61851-1, annex A)."""
SLACK_AMPERE: Final = 1e-6
"""What sums of binary fractions may be off by."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """One station.

    Attributes:
        name: For people.
        hardware_ampere: That it may draw when nothing limits it, per phase [A].
        phases: Those of the grid that it is connected to, from 0.
        default_ampere: To which it falls back when the central system is gone; 0 stops it [A].
        least_ampere: Below which its car does not charge [A].
        step_ampere: It is only asked for multiples of this [A].
        metered: Whether it reports its currents; then a lower limit counts only once seen.
        obeys: Whether it may be counted with what it confirms, and not with its hardware.
    """

    name: str
    hardware_ampere: float
    phases: tuple[int, ...] = (0, 1, 2)
    default_ampere: float = 0.0
    least_ampere: float = LEAST_AMPERE
    step_ampere: float = 1.0
    metered: bool = True
    obeys: bool = True


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One limit.

    Attributes:
        name: For people.
        ampere: Of each phase [A].
        stations: Behind it, by their places.
        others_ampere: The most that everything else behind it may draw, of each phase [A].
    """

    name: str
    ampere: tuple[float, float, float]
    stations: tuple[int, ...]
    others_ampere: tuple[float, float, float] = (0.0, 0.0, 0.0)


class Site(NamedTuple):
    """Stations and limits as arrays; made by ``make_site``.

    Attributes:
        stations: As given.
        limits: As given.
        behind: 1 where a station is behind a limit.
        member: 1 where a station draws in a row, rows being limits times phases.
        limit_ampere: Of each row [A].
        others_ampere: Of each row [A].
        on_phase: Whether a station is on a phase.
        hardware_ampere: By station, as the next four.
        default_ampere: By station [A].
        least_ampere: By station [A].
        step_ampere: By station [A].
        metered: By station.
        obeys: By station.
    """

    stations: tuple[Station, ...]
    limits: tuple[Limit, ...]
    behind: Float[np.ndarray, "limits stations"]
    member: Float[np.ndarray, "rows stations"]
    limit_ampere: Float[np.ndarray, " rows"]
    others_ampere: Float[np.ndarray, " rows"]
    on_phase: Bool[np.ndarray, "stations 3"]
    hardware_ampere: Float[np.ndarray, " stations"]
    default_ampere: Float[np.ndarray, " stations"]
    least_ampere: Float[np.ndarray, " stations"]
    step_ampere: Float[np.ndarray, " stations"]
    metered: Bool[np.ndarray, " stations"]
    obeys: Bool[np.ndarray, " stations"]


def make_site(stations: Sequence[Station], limits: Sequence[Limit]) -> Site:
    """Lay a site out, and refuse one that is not safe when left alone.

    Raises:
        UsageError: A station or limit makes no sense, a station is behind no limit, or all safe
            defaults together with the other loads break a limit.
    """
    for station in stations:
        _check_station(station)
    for limit in limits:
        _check_limit(limit, len(stations))
    behind = np.array(
        [[place in limit.stations for place in range(len(stations))] for limit in limits],
        dtype=np.float64,
    ).reshape(len(limits), len(stations))
    on_phase = np.array(
        [[phase in station.phases for phase in range(PHASES)] for station in stations]
    ).reshape(len(stations), PHASES)
    for place, station in enumerate(stations):
        if not behind[:, place].any():
            raise UsageError("a station is behind no limit", where=station.name)
    member = (behind[:, None, :] * on_phase.T[None]).reshape(-1, len(stations))
    site = Site(
        stations=tuple(stations),
        limits=tuple(limits),
        behind=behind,
        member=member,
        limit_ampere=np.array([limit.ampere for limit in limits]).ravel(),
        others_ampere=np.array([limit.others_ampere for limit in limits]).ravel(),
        on_phase=on_phase,
        hardware_ampere=np.array([station.hardware_ampere for station in stations]),
        default_ampere=np.array([station.default_ampere for station in stations]),
        least_ampere=np.array([station.least_ampere for station in stations]),
        step_ampere=np.array([station.step_ampere for station in stations]),
        metered=np.array([station.metered for station in stations], dtype=bool),
        obeys=np.array([station.obeys for station in stations], dtype=bool),
    )
    left_alone = member @ np.where(site.obeys, site.default_ampere, site.hardware_ampere)
    over = left_alone + site.others_ampere - site.limit_ampere
    if (over > SLACK_AMPERE).any():
        row = int(over.argmax())
        raise UsageError(
            f"left alone, the stations may exceed phase {row % PHASES + 1} by {over[row]:.1f} A",
            where=limits[row // PHASES].name,
            mend="lower their safe defaults or raise the limit",
        )
    return site


def _check_station(station: Station) -> None:
    """Refuse a station that makes no sense."""
    amperes = (station.hardware_ampere, station.least_ampere, station.step_ampere)
    sound = all(0.0 < ampere < math.inf for ampere in amperes)
    if not (sound and station.least_ampere <= station.hardware_ampere):
        raise UsageError("currents must be positive, the least below the most", where=station.name)
    default = station.default_ampere
    if not (default == 0.0 or station.least_ampere <= default <= station.hardware_ampere):
        raise UsageError(
            f"a safe default of {default:g} A is none",
            where=station.name,
            mend="give 0, or something between the least and the most",
        )
    if not station.phases or not set(station.phases) <= set(range(PHASES)):
        raise UsageError("phases are some of 0, 1 and 2", where=station.name)


def _check_limit(limit: Limit, stations: int) -> None:
    """Refuse a limit that makes no sense."""
    amperes = (*limit.ampere, *limit.others_ampere)
    if not all(0.0 <= ampere < math.inf for ampere in amperes):
        raise UsageError("a limit has currents, none negative", where=limit.name)
    if not set(limit.stations) <= set(range(stations)):
        raise UsageError("names a station that is not there", where=limit.name)


def safe_default(stations: Sequence[Station], limits: Sequence[Limit]) -> tuple[float, ...]:
    """Give the defaults that stations may all fall back to at once [A].

    Each gets an equal part of the tightest limit above it, in whole steps, and nothing where that
    is less than a car charges at.

    >>> wall = [Station(name=name, hardware_ampere=32.0) for name in "ab"]
    >>> house = Limit(name="house", ampere=(25.0,) * 3, stations=(0, 1), others_ampere=(8.0,) * 3)
    >>> safe_default(wall, [house])
    (8.0, 8.0)
    """
    given = []
    for place, station in enumerate(stations):
        parts = [station.hardware_ampere]
        for limit in limits:
            if place in limit.stations:
                parts += [_part(limit, stations, phase) for phase in station.phases]
        steps = math.floor(min(parts) / station.step_ampere + SLACK_AMPERE)
        default = steps * station.step_ampere
        given.append(default if default >= station.least_ampere else 0.0)
    return tuple(given)


def _part(limit: Limit, stations: Sequence[Station], phase: int) -> float:
    """Give an equal part of what a limit leaves on a phase [A]."""
    there = [stations[place] for place in limit.stations if phase in stations[place].phases]
    wild = sum(station.hardware_ampere for station in there if not station.obeys)
    obeying = sum(station.obeys for station in there)
    return (limit.ampere[phase] - limit.others_ampere[phase] - wild) / max(obeying, 1)
