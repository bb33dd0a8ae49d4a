"""Recorded charging sessions: cleaned with a count of what was left out and why, cut into days."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from voltherd.charging.problem import Fleet
from voltherd.errors import InputError
from voltherd.types.table import RawTable
from voltherd.units import SECOND_PER_DAY, SECOND_PER_HOUR

_NAMES: Final = {
    "start": ("start", "starttime", "begin", "connectiontime", "arrival", "pluggedin"),
    "end": ("end", "endtime", "disconnecttime", "departure", "pluggedout"),
    "energy": ("energykwh", "kwh", "kwhdelivered", "energy", "totalkwh"),
    "station": ("station", "stationid", "charger", "site", "evse"),
}
"""What columns are called, without case and signs."""
STAY_HOUR_MAX: Final = 48.0
POWER_KILOWATT_MAX: Final = 350.0
_EFFICIENCY: Final = 1.0
"""Recorded energy is the station's own meter's."""


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sessions:
    """Recorded sessions.

    Attributes:
        start_second: Plugged in [unix s], NaN where not known.
        end_second: Unplugged [unix s], NaN where not known.
        energy_kwh: Delivered, NaN where not known [kWh].
        station: Where.
    """

    start_second: Float[np.ndarray, " n"]
    end_second: Float[np.ndarray, " n"]
    energy_kwh: Float[np.ndarray, " n"]
    station: Shaped[np.ndarray, " n"]


class Day(NamedTuple):
    """The sessions that begin within a day.

    Attributes:
        start_second: Begin of the day [unix s].
        chosen: Which sessions.
    """

    start_second: float
    chosen: Int[np.ndarray, " k"]


def sessions_of(table: RawTable) -> Sessions:
    """Find sessions in a table: when each began and ended, its energy, and where it was.

    Times are taken as they are written.

    Raises:
        InputError: A column is missing or holds something else.
    """
    lower = {re.sub(r"[^a-z0-9]", "", name.lower()): name for name in table.columns}
    found = {}
    for wanted, names in _NAMES.items():
        known = [lower[name] for name in names if name in lower]
        if not known and wanted != "station":
            raise InputError(
                f"no column tells the {wanted} of a session among {', '.join(table.columns)}",
                where=table.source,
                mend=f"name it {names[0]}",
            )
        found[wanted] = table.columns[known[0]] if known else np.full(table.rows, "")
    return Sessions(
        start_second=_seconds(found["start"], "start", table.source),
        end_second=_seconds(found["end"], "end", table.source),
        energy_kwh=_numbers(found["energy"], table.source),
        station=np.array([str(name) for name in found["station"]]),
    )


def _seconds(values: np.ndarray, name: str, source: str) -> Float[np.ndarray, " n"]:
    if not np.issubdtype(values.dtype, np.datetime64):
        raise InputError(
            f"the {name} of a session is no date and time",
            where=source,
            mend="write 2024-05-12 08:00",
        )
    second = values.astype("datetime64[us]").astype(np.float64) / 1e6
    return np.where(np.isnat(values), np.nan, second)


def _numbers(values: np.ndarray, source: str) -> Float[np.ndarray, " n"]:
    try:
        return np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise InputError("the energy of a session is no number", where=source) from error


def usable(sessions: Sessions) -> tuple[Bool[np.ndarray, " n"], Mapping[str, int]]:
    """Tell which sessions can be planned, and how many of the others lack what."""
    hours = (sessions.end_second - sessions.start_second) / SECOND_PER_HOUR
    wrong = {
        "without start or end": ~np.isfinite(hours),
        "ended before they began": hours <= 0.0,
        "without energy": ~(sessions.energy_kwh > 0.0),
        f"which last longer than {STAY_HOUR_MAX:g} h": hours > STAY_HOUR_MAX,
        f"which drew more than {POWER_KILOWATT_MAX:g} kW": sessions.energy_kwh
        > POWER_KILOWATT_MAX * hours,
    }
    left = np.ones(len(hours), np.bool_)
    counts = {}
    for reason, of in wrong.items():
        counts[reason] = int((left & of).sum())
        left &= ~of
    return left, {reason: count for reason, count in counts.items() if count}


def days(sessions: Sessions, chosen: Bool[np.ndarray, " n"], offset_second: float) -> Iterator[Day]:
    """Cut sessions into days by their start.

    Args:
        sessions: All.
        chosen: Those that can be planned.
        offset_second: When a day begins after midnight UTC [s].
    """
    number = np.floor((sessions.start_second - offset_second) / SECOND_PER_DAY)
    place = np.flatnonzero(chosen)
    place = place[np.argsort(number[place], kind="stable")]
    edges = np.flatnonzero(np.diff(number[place])) + 1
    for part in np.split(place, edges):
        if len(part):
            yield Day(float(number[part[0]]) * SECOND_PER_DAY + offset_second, part)


def fleet_of(
    sessions: Sessions, day: Day, steps: int, step_second: float, power_kilowatt: float
) -> Fleet:
    """Make a day's sessions vehicles to be planned.

    A session that lasts beyond the day's steps is cut there with the energy that its stay by then
    would have held; power is at least what its energy and stay tell.

    Args:
        sessions: All.
        day: Which day.
        steps: Of the plan.
        step_second: Length of a step [s].
        power_kilowatt: Of a station, where a session tells of no more [kW].
    """
    start, end = sessions.start_second[day.chosen], sessions.end_second[day.chosen]
    energy = sessions.energy_kwh[day.chosen]
    first = np.floor((start - day.start_second) / step_second).astype(np.int64)
    last = np.ceil((end - day.start_second) / step_second).astype(np.int64)
    within = np.minimum(last, steps)
    energy = energy * (within - first) / (last - first)
    hour = (within - first) * step_second / SECOND_PER_HOUR
    power = np.maximum(power_kilowatt, energy / hour)
    count = len(first)
    return Fleet(
        arrival_step=first,
        departure_step=within,
        power_max_kilowatt=power,
        energy_kwh=energy,
        battery_kwh=energy,
        stored_kwh=np.zeros(count),
        phases=np.full(count, 3),
        phase=np.zeros(count, np.int64),
        charge_efficiency=np.full(count, _EFFICIENCY),
        power_min_kilowatt=np.zeros(count),
        names=tuple(f"{sessions.station[n]}#{n}" for n in day.chosen),
    )
