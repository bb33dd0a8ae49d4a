"""Journals of charging stations over months, some of which wear out and fail.

Stations differ: in how often drivers and vehicles make a session fail, in errors that come and go,
in starts and silences.  Errors come in bursts; a network that is down silences all stations, an
update starts all of them anew.  A station that wears out shows it by its kind, growing with the
square of the time up to the fault; some fail without a sign.  How much each kind shows is a
judgement, written out in ``KINDS``: no public journals of stations up to their faults are at hand.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, final

import numpy as np

from voltherd.types.station import (
    BEGIN,
    END,
    ENERGY,
    POWER,
    Alive,
    Booted,
    MeterReading,
    StationEvent,
    StatusTold,
    TransactionTold,
)
from voltherd.units import SECOND_PER_DAY, SECOND_PER_HOUR

START_SECOND: Final = 1_767_225_600.0
HEARTBEAT_SECOND: Final = 1800.0
OFFERED_WATT: Final = 150_000.0
FAULT_HOURS: Final = 36.0
"""How long a station that failed stands still before somebody has mended it."""
NETWORK_DAYS: Final = 45.0
"""Days between outages of the network, and between updates, on the average."""
NEARLY_FULL: Final = 0.15
"""Share of the sessions of vehicles that come nearly full and take little."""
SLOW_VEHICLE: Final = "car-001"
SLOW_DAY: Final = 75
SLOW_SECOND: Final = START_SECOND + SLOW_DAY * SECOND_PER_DAY


class Wear(NamedTuple):
    """What a kind of fault shows at its worst, just before it.

    Attributes:
        share: Of the faults.
        power_lost: Share of the power.
        error_times: How many times as many errors.
        failed: Sessions that fail beside the usual ones.
        boots: Starts a day beside the usual ones.
        silences: Silences a day beside the usual ones.
    """

    share: float
    power_lost: float = 0.0
    error_times: float = 1.0
    failed: float = 0.0
    boots: float = 0.0
    silences: float = 0.0


KINDS: Final[Mapping[str, Wear]] = {
    "power module": Wear(0.25, power_lost=0.33, error_times=8.0),
    "plug and contactor": Wear(0.2, error_times=6.0, failed=0.35),
    "cooling": Wear(0.15, power_lost=0.15, error_times=10.0),
    "controller and modem": Wear(0.2, error_times=3.0, boots=0.7, silences=0.7),
    "sudden": Wear(0.2),
}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """One station's months.

    Attributes:
        station_id: Which.
        heard: What it told and when it was heard, in order of time.
        kind: Of its fault, one of ``KINDS``; empty for none.
        wears_second: When it begins to wear; NaN for never [unix s].
        fails_second: When it fails; NaN for never [unix s].
    """

    station_id: str
    heard: tuple[tuple[float, StationEvent], ...]
    kind: str
    wears_second: float
    fails_second: float


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Depot:
    """Stations and vehicles that use all of them.

    Attributes:
        stations: How many.
        days: Of each journal.
        fails: Share of the stations that fail within it.
        vehicles: How many come.
        seed: Not negative.
        slow_vehicle: Whether the first vehicle loses a quarter of its power on ``SLOW_DAY``.
    """

    stations: int = 40
    days: int = 150
    fails: float = 0.5
    vehicles: int = 60
    seed: int = 1
    slow_vehicle: bool = False


def journals(depot: Depot) -> tuple[Journal, ...]:
    """Give every station's journal; each depends on the depot's seed and its own number only."""
    shared = np.random.default_rng([depot.seed, 0])
    outages, updates = (
        np.flatnonzero(shared.random(depot.days) < 1.0 / NETWORK_DAYS) for _ in range(2)
    )
    # What each vehicle takes at most, of what is offered.
    takes = shared.choice([0.5, 0.8, 1.0], depot.vehicles, p=[0.3, 0.3, 0.4])
    takes = takes * shared.uniform(0.93, 1.0, depot.vehicles)
    if depot.slow_vehicle:
        takes[0] = 0.95
    return tuple(
        _Station(depot, number, takes, outages, updates).journal()
        for number in range(1, depot.stations + 1)
    )


class _Station:
    """Draws one station's journal."""

    def __init__(
        self,
        depot: Depot,
        number: int,
        takes: np.ndarray,
        outages: np.ndarray,
        updates: np.ndarray,
    ) -> None:
        self.rng = rng = np.random.default_rng([depot.seed, number])
        self.station_id, self.days, self.takes = f"st-{number:03d}", depot.days, takes
        self.outages, self.updates = set(outages.tolist()), set(updates.tolist())
        self.sessions = float(rng.uniform(1.5, 5.0))
        self.failed = float(rng.beta(2.0, 50.0))
        self.errors = float(rng.gamma(2.0, 0.025))
        self.boots = float(rng.gamma(1.5, 0.012))
        self.silences = float(rng.gamma(1.5, 0.02))
        self.kind, self.wears, self.fails = "", np.nan, np.nan
        if rng.random() < depot.fails:
            names = list(KINDS)
            shares = [KINDS[name].share for name in names]
            self.kind = str(rng.choice(names, p=shares))
            self.fails = float(rng.uniform(0.4, 0.95) * depot.days)
            self.wears = self.fails - float(rng.uniform(10.0, 60.0))
        self.slow = depot.slow_vehicle
        self.events: list[tuple[float, StationEvent]] = []
        self.meter_wh = 0.0

    def journal(self) -> Journal:
        """Draw it, day by day."""
        for day in range(self.days):
            self._day(day)
        second = [START_SECOND + day * SECOND_PER_DAY for day in (self.wears, self.fails)]
        self.events.sort(key=lambda event: event[0])
        return Journal(
            station_id=self.station_id,
            heard=tuple(self.events),
            kind=self.kind,
            wears_second=second[0],
            fails_second=second[1],
        )

    def _worn(self, day: float) -> float:
        """Give how far it is worn, 0…1; nothing after it was mended."""
        if not self.wears < day < self.fails:
            return 0.0
        return float(((day - self.wears) / (self.fails - self.wears)) ** 2)

    def _day(self, day: int) -> None:
        rng, begin = self.rng, START_SECOND + day * SECOND_PER_DAY
        wear, worn = KINDS.get(self.kind, Wear(0.0)), self._worn(day + 0.5)
        first, broken = len(self.events), self._broken(begin)
        errors = self.errors * (1.0 + (wear.error_times - 1.0) * worn)
        for _ in range(rng.poisson(errors)):
            burst = begin + rng.uniform(0.0, SECOND_PER_DAY)
            for _ in range(1 + rng.poisson(1.5)):
                self._error(burst + rng.exponential(SECOND_PER_HOUR))
        for _ in range(rng.poisson(self.boots + wear.boots * worn) + (day in self.updates)):
            self._tell(begin + rng.uniform(0.0, SECOND_PER_DAY), Booted("voltherd", "Simulated"))
        for _ in range(rng.poisson(self.sessions)):
            second = begin + rng.uniform(0.0, 0.95 * SECOND_PER_DAY)
            if not broken[0] <= second < broken[1]:
                self._session(second, wear, worn)
        silent = [broken] if broken[1] > begin else []
        for _ in range(rng.poisson(self.silences + wear.silences * worn)):
            away = begin + rng.uniform(0.0, 0.9 * SECOND_PER_DAY)
            silent.append((away, away + rng.uniform(1.5, 5.0) * SECOND_PER_HOUR))
        if day in self.outages:
            silent.append((begin + 10.0 * SECOND_PER_HOUR, begin + 13.0 * SECOND_PER_HOUR))
        self._heartbeats(begin, silent, first)

    def _broken(self, begin: float) -> tuple[float, float]:
        """Tell the fault where it falls on this day, and give when it stands still [unix s]."""
        fails = START_SECOND + self.fails * SECOND_PER_DAY
        if begin <= fails < begin + SECOND_PER_DAY:
            self._tell(fails, StatusTold(1, 1, "Faulted", fails, "InternalError"))
            mended = fails + FAULT_HOURS * SECOND_PER_HOUR
            self._tell(mended, StatusTold(1, 1, "Available", mended))
        return fails, fails + FAULT_HOURS * SECOND_PER_HOUR

    def _heartbeats(self, begin: float, silent: list[tuple[float, float]], first: int) -> None:
        """Say that it is there, where it is not silent; what it told then is heard late."""
        for second in np.arange(begin, begin + SECOND_PER_DAY, HEARTBEAT_SECOND).tolist():
            if not any(away <= second < back for away, back in silent):
                self.events.append((second, Alive()))
        for n in range(first, len(self.events)):
            heard, event = self.events[n]
            late = [back for away, back in silent if away <= heard < back]
            if late and not isinstance(event, StatusTold):
                self.events[n] = (max(late), event)

    def _error(self, second: float) -> None:
        code = str(
            self.rng.choice(
                ["OtherError", "HighTemperature", "InternalError", "EVCommunicationError"]
            )
        )
        self._tell(second, StatusTold(1, 1, "SuspendedEVSE", second, code))
        self._tell(second + 60.0, StatusTold(1, 1, "Available", second + 60.0))

    def _session(self, second: float, wear: Wear, worn: float) -> None:
        rng = self.rng
        vehicle = int(rng.integers(len(self.takes)))
        key, token = f"{self.station_id}-{second:.0f}", f"car-{vehicle + 1:03d}"
        self._transaction("started", key, second, token, ())
        if rng.random() < self.failed + wear.failed * worn:
            reason = str(rng.choice(["Other", "EVDisconnected", "PowerLoss"]))
            self._transaction("ended", key, second + 120.0, token, (), reason)
            return
        share = float(self.takes[vehicle]) * float(rng.normal(1.0, 0.02))
        if self.slow and token == SLOW_VEHICLE and second >= SLOW_SECOND:
            share *= 0.75
        if rng.random() < NEARLY_FULL:
            share *= float(rng.uniform(0.3, 0.95))
        watt = OFFERED_WATT * min(share, 1.0 - wear.power_lost * worn)
        hours = float(rng.uniform(0.3, 0.9))
        read = MeterReading(second + 600.0, POWER, round(watt), "W")
        self._transaction("updated", key, second + 600.0, token, (read,))
        self.meter_wh += watt * hours
        self._transaction(
            "ended", key, second + hours * SECOND_PER_HOUR, token, (), "EVDisconnected"
        )

    def _transaction(
        self,
        kind: Literal["started", "updated", "ended"],
        key: str,
        second: float,
        token: str,
        readings: tuple[MeterReading, ...],
        reason: str = "",
    ) -> None:
        context = {"started": BEGIN, "ended": END}.get(kind, "")
        if context:
            readings = (MeterReading(second, ENERGY, round(self.meter_wh), "Wh", "", context),)
        told = TransactionTold(kind, key, second, None, 1, 1, token, readings, reason)
        self._tell(second, told)

    def _tell(self, second: float, event: StationEvent) -> None:
        self.events.append((second, event))
