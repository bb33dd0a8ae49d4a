"""Are demand and arrivals of public stations forecast better than by repeating what was?

Question: energy and number of recorded charges by the hour they began, a day ahead from every
midnight of the last six of sixteen weeks, by each method, beside the seasonal naive one, which
repeats the last week, and persistence, which repeats the last hour; in full also the learned one,
where its extra is installed.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float

from voltherd.bench.charging_goals import Goal
from voltherd.bench.charging_recorded import of_city, recorded
from voltherd.charging.forecast import (
    Method,
    Score,
    Walk,
    persistence,
    score,
    seasonal_naive,
    smoothed,
    with_quantiles,
)
from voltherd.charging.forecast_learned import boosted
from voltherd.charging.sessions import usable
from voltherd.errors import UsageError
from voltherd.types.table import RawTable
from voltherd.units import SECOND_PER_HOUR

DAY: Final = 24
WEEK: Final = 7 * DAY
WEEKS: Final = 16
TRIED_WEEKS: Final = 6
CITIES: Final = {"dundee": "2018-02-12", "boulder": "2019-05-06"}
"""Where each city's weeks begin: a Monday from which on no day is missing."""
Hours = Float[np.ndarray, " hours"]
Progress = Callable[[str], None]


def measure(folder: Path, *, full: bool, progress: Progress) -> dict[str, list[Score]]:
    """Score every method on each city.

    Args:
        folder: Of recorded data.
        full: Also the learned method, where its extra is installed; a minute more.
        progress: Told what is done.

    Raises:
        InputError: The sessions are not there.
    """
    table = recorded(folder)
    walk = Walk(season=WEEK, horizon=DAY, stride=DAY, begin=(WEEKS - TRIED_WEEKS) * WEEK, least=0.0)
    methods: dict[str, Method] = {
        "persistence": with_quantiles(persistence, WEEK, 0.0),
        "the day before": with_quantiles(seasonal_naive(DAY), WEEK, 0.0),
        "smoothed": with_quantiles(smoothed(WEEK), WEEK, 0.0),
    }
    if full:
        try:
            methods["boosted trees"] = boosted(DAY, 0.0)
        except UsageError:
            progress("without the extra learn: no boosted trees")
    found = {}
    for city, first in CITIES.items():
        progress(f"forecasts of {city}")
        energy, arrivals = hourly(table, city, first)
        found[f"{city}: demand"] = score(energy, methods, walk)
        found[f"{city}: arrivals"] = score(arrivals, methods, walk)
    return found


def hourly(table: RawTable, city: str, first: str) -> tuple[Hours, Hours]:
    """Give a city's charges by the hour in which they began: their energy [kWh], and how many."""
    sessions = of_city(table, city)
    chosen, _ = usable(sessions)
    begin = float(np.datetime64(first).astype("datetime64[s]").astype(np.int64))
    hour = np.floor((sessions.start_second[chosen] - begin) / SECOND_PER_HOUR)
    hours = WEEKS * WEEK
    inside = (hour >= 0) & (hour < hours)
    at = hour[inside].astype(int)
    energy = np.bincount(at, sessions.energy_kwh[chosen][inside], hours)
    return energy, np.bincount(at, minlength=hours).astype(np.float64)


def goals(found: dict[str, list[Score]]) -> tuple[Goal, ...]:
    """Judge the best method of each city against repeating the week, and the last hour."""
    made = []
    for what, (naive, *others) in found.items():
        last = next(one for one in others if one.name == "persistence")
        best = min((one for one in others if one is not last), key=lambda one: one.pinball)
        name, unit = f"{what} a day ahead, {best.name}", "kWh" if "demand" in what else "1/h"
        made += [
            Goal(name, best.pinball, unit, floor.pinball, floor.name, floor.pinball)
            for floor in (naive, last)
        ]
    return tuple(made)
