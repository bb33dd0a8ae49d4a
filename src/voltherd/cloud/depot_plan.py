"""Tonight's plan of a depot, made anew when its file changes, and what another night would be."""

import threading
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from voltherd.charging.plan import planned
from voltherd.charging.problem import Discharge, Fleet, Problem
from voltherd.charging.session_record import Prices
from voltherd.charging.sheet import depot_sheet
from voltherd.charging.site import Site
from voltherd.cloud.depot_file import Night, read_site
from voltherd.errors import InputError, UsageError
from voltherd.types.depot import DepotSheet

LONGER_HOUR_MAX: Final = 24.0


class Other(NamedTuple):
    """What may be different; None leaves it as it is.

    Attributes:
        v2g: Whether vehicles may give back wherever chargers can take it.
        limit_kilowatt: Of the connection, all the time [kW].
        longer_hour: By how much every vehicle stays longer [h].
        buy_eur_per_kwh: Price in each step or hour of the plan [EUR/kWh].
    """

    v2g: bool | None = None
    limit_kilowatt: float | None = None
    longer_hour: float | None = None
    buy_eur_per_kwh: tuple[float, ...] | None = None


class Depot:
    """A site file and its plan; safe to use from several threads.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._seen = -1
        self._night: Night | None = None
        self._sheet: DepotSheet | None = None

    def sheet(self) -> DepotSheet:
        """Give tonight's plan.

        Raises:
            UsageError: The file cannot be read or says what no site file says.
            InputError: What it says makes no sense together.
        """
        with self._lock:
            night = self._read()
            if self._sheet is None:
                self._sheet = told(night, night.problem)
            return self._sheet

    def what_if(self, other: Other) -> DepotSheet:
        """Give the plan of a night that is different; nothing is changed.

        Raises:
            UsageError: The file cannot be read or says what no site file says.
            InputError: What it or the change says makes no sense together.
        """
        with self._lock:
            night = self._read()
        return told(night, different(night, other))

    def _read(self) -> Night:
        try:
            written = self._path.stat().st_mtime_ns
        except OSError:
            written = -2  # reading it says why
        if self._night is None or written != self._seen:
            self._night, self._sheet = read_site(self._path), None
            self._seen = written
        return self._night


def known_prices(depot: Depot | None) -> Prices | None:
    """Give the prices of tonight's plan; None where there is none, or none that can be read."""
    if depot is None:
        return None
    try:
        sheet = depot.sheet()
    except (InputError, UsageError):
        return None  # whoever looks at the plan is told why
    course = sheet.course
    return Prices(course.second, course.price_eur_per_kwh, course.second[-1] + sheet.step_second)


def told(night: Night, problem: Problem) -> DepotSheet:
    """Plan a night and tell the plan."""
    return depot_sheet(
        problem,
        planned(problem, minimum=True),
        site=night.name,
        zone=night.zone,
        start_second=night.start_second,
        chargers=night.chargers,
        batteries=night.batteries,
    )


def different(night: Night, other: Other) -> Problem:
    """Give another night's problem.

    Raises:
        InputError: As many prices are given as there are neither hours nor steps.
    """
    problem, site = night.problem, night.problem.site
    if other.v2g is not None:
        problem = replace(problem, discharge=night.giving if other.v2g else _kept(problem))
    if other.limit_kilowatt is not None:
        site = replace(site, limit_kilowatt=np.full(site.steps, other.limit_kilowatt))
    if other.buy_eur_per_kwh is not None:
        site = _priced(problem, other.buy_eur_per_kwh)
    if other.longer_hour:
        problem = replace(problem, fleet=_longer(night, other.longer_hour))
    return replace(problem, site=site)


def _kept(problem: Problem) -> Discharge | None:
    """Give what is given back where vehicles do not: by batteries of the site alone."""
    given, vehicles = problem.discharge, problem.vehicles
    if given is None or not problem.stores:
        return None
    stays = np.arange(problem.fleet.size) >= vehicles
    return replace(given, limit_kilowatt=np.where(stays, given.limit_kilowatt, 0.0))


def _priced(problem: Problem, prices: tuple[float, ...]) -> Site:
    site = problem.site
    hours = round(site.steps * site.step_hour)
    given = np.array(prices, np.float64)
    if len(given) == hours and hours != site.steps:
        given = given[(np.arange(site.steps) * site.step_hour + 1e-9).astype(np.int64)]
    if len(given) != site.steps:
        raise InputError(
            f"{len(given)} prices for {hours} hours or {site.steps} steps", mend="give one for each"
        )
    sold = site.feed_in_eur_per_kwh
    return replace(
        site,
        price_eur_per_kwh=given,
        feed_in_eur_per_kwh=None if sold is None else np.minimum(sold, given),
    )


def _longer(night: Night, hours: float) -> Fleet:
    """Let stays be longer, up to the plan's end or the next vehicle at the same charger."""
    fleet, steps = night.problem.fleet, night.problem.site.steps
    later = fleet.departure_step + round(hours / night.problem.site.step_hour)
    until = [
        min(
            (
                int(fleet.arrival_step[other])
                for other in range(fleet.size)
                if night.chargers[other] == charger
                and fleet.arrival_step[other] >= fleet.departure_step[vehicle]
            ),
            default=steps,
        )
        for vehicle, charger in enumerate(night.chargers)
    ]
    return replace(fleet, departure_step=np.maximum(np.minimum(later, until), fleet.departure_step))
