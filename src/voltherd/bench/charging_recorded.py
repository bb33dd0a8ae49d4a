"""Are recorded days charged no dearer, and with no less energy, than by rules that plan nothing?

Question: on public sessions of two cities, in windows of days with a limit each, what energy do
earliest deadline, least laxity and the plan as it goes deliver and at what price a kWh, and what
does not knowing who comes cost beside the plan that knows all (regret): as a share of what that
plan pays, and, since this may be next to nothing where prices are negative, as a share of the mean
of all prices, negative ones counted as positive.  How the plan as it goes looks ahead was chosen on
the windows marked as design and on other days; the windows not marked were only reported.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.bench.charging_goals import Goal
from voltherd.bench.compose import read_table
from voltherd.bench.depot_instance import PRICE_EUR_PER_MWH, STEP_HOUR, STEPS
from voltherd.charging.online import DAYS
from voltherd.charging.problem import Problem
from voltherd.charging.replay import together, ways
from voltherd.charging.sessions import Day, Sessions, days, fleet_of, sessions_of, usable
from voltherd.charging.site import Site
from voltherd.errors import InputError
from voltherd.types.depot import ALL_KNOWN, AS_IT_GOES, Way
from voltherd.types.table import RawTable
from voltherd.units import SECOND_PER_DAY, SECOND_PER_HOUR

FILE: Final = "ev_charging_sessions/dundee_boulder_sessions.parquet"
NOON_SECOND: Final = 12 * SECOND_PER_HOUR
RULES: Final = ("earliest deadline", "least laxity")
REGRET_MAX: Final = 0.05
ENERGY_SAME: Final = 1e-6
"""Energies and costs that differ by less than this share are the same."""
Progress = Callable[[str], None]


class Window(NamedTuple):
    """Days of a city under a limit.

    Attributes:
        city: Whose sessions.
        first: First day, from noon on.
        days: How many.
        limit_kilowatt: Of the site [kW].
        station_kilowatt: Power of a station, where a session tells of no more [kW].
        prices: Day of the prices, which hold on every day.
        design: Whether the method was chosen on these days.
    """

    city: str
    first: str
    days: int
    limit_kilowatt: float
    station_kilowatt: float
    prices: str = "2022-05-21"
    design: bool = False

    @property
    def name(self) -> str:
        """For people."""
        chosen = ", design" if self.design else ""
        return f"{self.city} {self.first} +{self.days}, {self.limit_kilowatt:g} kW{chosen}"


WINDOWS: Final = (
    Window("dundee", "2017-10-09", 6, 110.0, 22.0, design=True),
    Window("boulder", "2019-05-06", 8, 30.0, 7.0, design=True),
    Window("dundee", "2018-05-14", 5, 110.0, 22.0),
    Window("dundee", "2018-04-16", 5, 140.0, 22.0),
    Window("dundee", "2018-03-12", 5, 110.0, 22.0, "2022-06-11"),
    Window("boulder", "2019-09-09", 7, 30.0, 7.0),
    Window("boulder", "2020-01-13", 7, 40.0, 7.0),
    Window("boulder", "2018-11-05", 7, 25.0, 7.0, "2022-06-11"),
)
QUICK: Final = (2, 5)
"""What is measured unless all are asked for."""


class RecordedRow(NamedTuple):
    """What came of a window.

    Attributes:
        window: Which.
        ways: Every way of charging, its days together.
        less: Days on which the plan as it goes delivered less than either rule.
        dearer: Days on which a kWh of it cost more than one of either rule.
    """

    window: Window
    ways: tuple[Way, ...]
    less: int
    dearer: int

    def way(self, name: str) -> Way:
        """Give one way."""
        return next(way for way in self.ways if way.name == name)

    @property
    def regret(self) -> float:
        """What a kWh costs beyond that of the plan that knows all, as a share."""
        return price(self.way(AS_IT_GOES)) / price(self.way(ALL_KNOWN)) - 1.0

    @property
    def regret_of_mean(self) -> float:
        """The same, as a share of the mean of all prices, whatever their sign."""
        beyond = price(self.way(AS_IT_GOES)) - price(self.way(ALL_KNOWN))
        return beyond / float(np.abs(_hourly(self.window)).mean())


def price(way: Way) -> float:
    """Give what a MWh cost [EUR/MWh]."""
    return 1000.0 * way.cost_eur / max(way.drawn_kwh, 1e-9)


def measure(folder: Path, *, full: bool, progress: Progress) -> tuple[RecordedRow, ...]:
    """Charge recorded days in every way.

    Args:
        folder: Of recorded data.
        full: All windows, the design's too.
        progress: Told what is done.

    Raises:
        InputError: The sessions are not there.
    """
    table = recorded(folder)
    chosen = WINDOWS if full else [WINDOWS[place] for place in QUICK]
    return tuple(_row(table, window, progress) for window in chosen)


def recorded(folder: Path) -> RawTable:
    """Read the sessions of both cities.

    Raises:
        InputError: They are not there.
    """
    file = folder / FILE
    if not file.exists():
        raise InputError("no recorded sessions", where=str(file), mend="set VOLTHERD_DATA")
    return read_table(file)


def of_city(table: RawTable, city: str) -> Sessions:
    """Give the sessions of one city."""
    at = np.array([str(name) == city for name in table.columns["city"]])
    return sessions_of(
        RawTable(source=table.source, columns={n: c[at] for n, c in table.columns.items()})
    )


def _row(table: RawTable, window: Window, progress: Progress) -> RecordedRow:
    every, less, dearer = [], 0, 0
    for number, (day, past) in enumerate(window_days(table, window), start=1):
        progress(f"{window.name}: day {number}")
        made = tuple(ways(day, past))
        named = {way.name: way for way in made}
        online, rules = named[AS_IT_GOES], [named[name] for name in RULES]
        less += online.drawn_kwh < max(r.drawn_kwh for r in rules) * (1.0 - ENERGY_SAME)
        dearer += price(online) > min(map(price, rules)) * (1.0 + ENERGY_SAME)
        every.append(made)
    return RecordedRow(window, together(every), less, dearer)


def window_days(table: RawTable, window: Window) -> list[tuple[Problem, tuple[Problem, ...]]]:
    """Give each day of a window with the days before it."""
    sessions = of_city(table, window.city)
    chosen, _ = usable(sessions)
    cut = list(days(sessions, chosen, NOON_SECOND))
    begin = np.datetime64(window.first).astype("datetime64[s]").astype(np.int64)
    number = [int((day.start_second - begin) // SECOND_PER_DAY) for day in cut]
    problems = {n: day for n, day in zip(number, cut, strict=True) if -2 * DAYS <= n < window.days}
    made = {n: _problem(sessions, day, window) for n, day in problems.items()}
    return [
        (made[n], tuple(made[before] for before in sorted(made) if before < n)[-DAYS:])
        for n in sorted(made)
        if n >= 0
    ]


def _hourly(window: Window) -> Float[np.ndarray, " hours"]:
    """Give the prices of a window's days [EUR/MWh]."""
    return np.array(PRICE_EUR_PER_MWH[window.prices].split(), np.float64)


def _problem(sessions: Sessions, day: Day, window: Window) -> Problem:
    hourly = _hourly(window)
    return Problem(
        fleet=fleet_of(sessions, day, STEPS, STEP_HOUR * SECOND_PER_HOUR, window.station_kilowatt),
        site=Site(
            step_hour=STEP_HOUR,
            price_eur_per_kwh=np.repeat(hourly, STEPS // len(hourly)) / 1000.0,
            limit_kilowatt=np.full(STEPS, window.limit_kilowatt),
            base_kilowatt=np.zeros(STEPS),
            pv_kilowatt=np.zeros(STEPS),
        ),
    )


def goals(rows: Sequence[RecordedRow]) -> tuple[Goal, ...]:
    """Judge what was reported: the design's own days are not."""
    made = []
    for row in rows:
        if row.window.design:
            continue
        online, rules = row.way(AS_IT_GOES), [row.way(name) for name in RULES]
        most = max(rules, key=lambda way: way.drawn_kwh)
        cheap = min(rules, key=price)
        name = f"{row.window.city} {row.window.first}"
        made += [
            Goal(
                f"{name}: energy",
                online.drawn_kwh,
                "kWh",
                most.drawn_kwh,
                most.name,
                most.drawn_kwh * (1.0 - ENERGY_SAME),
                at_least=True,
            ),
            Goal(
                f"{name}: price",
                price(online),
                "EUR/MWh",
                price(cheap),
                cheap.name,
                price(cheap) * (1.0 + ENERGY_SAME),
            ),
            Goal(f"{name}: online regret", row.regret, "share", None, "", REGRET_MAX),
            Goal(
                f"{name}: online regret, of the mean price",
                row.regret_of_mean,
                "share",
                None,
                "",
                REGRET_MAX,
            ),
        ]
    return tuple(made)


def render(rows: Sequence[RecordedRow]) -> str:
    """Give the rows as text."""
    names = (*RULES, AS_IT_GOES, ALL_KNOWN)
    lines = [
        "recorded days: kWh and EUR/MWh; days with less energy or dearer than either rule",
        f"{'':<40}" + "".join(f"{name:>20}" for name in names) + "  less dearer regret of mean",
    ]
    for row in rows:
        told = [f"{w.drawn_kwh:,.1f} {price(w):.2f}" for w in map(row.way, names)]
        lines.append(
            f"{row.window.name:<40}"
            + "".join(f"{text:>20}" for text in told)
            + f"{row.less:>6}{row.dearer:>7}{row.regret:>7.1%}{row.regret_of_mean:>8.1%}"
        )
    return "\n".join(lines)
