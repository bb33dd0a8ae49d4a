"""Is a charging station's fault told before it comes, how long before, and how often falsely?

Question: of simulated stations that wear out, how many are warned of between the beginning of the
wear and the fault, by kind of fault, and how long before; how many warnings sound stations get for
each 1,000 station-days; beside a plain count of mishaps in a week, its limit set so that it errs as
often.  And where power falls short: is it told whether station or vehicle lacks it?
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Final, NamedTuple, final

import numpy as np

from voltherd.bench.plain import finite
from voltherd.charging import station_decline
from voltherd.charging.shortfall import Blame, Usual, blame, log_share, usual
from voltherd.charging.station_decline import Power, Worsening
from voltherd.charging.station_history import Heard, History, SessionPower, history
from voltherd.numerics.counts import poisson_upper
from voltherd.sim.station_wear import (
    FAULT_HOURS,
    HEARTBEAT_SECOND,
    KINDS,
    OFFERED_WATT,
    SLOW_DAY,
    SLOW_VEHICLE,
    START_SECOND,
    Depot,
    Journal,
    journals,
)
from voltherd.units import SECOND_PER_DAY, SECOND_PER_HOUR

Progress = Callable[[str], None]
METHODS: Final = ("voltherd", "count of mishaps")
WEEK: Final = 7
WINDOW_DAYS: Final = 14
STATIONS: Final = 40
REFERENCE_DAYS: Final = 40
"""First days of all stations: what siblings do, and what vehicles take."""


class Warned(NamedTuple):
    """One station and when it was warned of, by method [unix s]."""

    journal: Journal
    warned: Mapping[str, tuple[float, ...]]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One kind of fault by one method.

    Attributes:
        kind: Of the fault.
        method: Who looked.
        faults: How many.
        told: How many were warned of between the wear's beginning and the fault.
        median_lead_day: Median time from the first such warning to the fault; None without any.
        least_lead_day: Shortest such time.
    """

    kind: str
    method: str
    faults: int
    told: int
    median_lead_day: float | None
    least_lead_day: float | None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StationTable:
    """What was measured.

    Attributes:
        rows: By kind and method.
        station_days: Days of sound stations.
        false: Warnings on them, by method.
        per_thousand_max: 95 % upper bound for each 1,000 station-days, by method.
        blamed: Where power fell short: how many were put down to whom it was, of how many.
        seed: Of the journals.
    """

    rows: tuple[Row, ...]
    station_days: float
    false: dict[str, int]
    per_thousand_max: dict[str, float]
    blamed: dict[str, tuple[int, int]]
    seed: int

    def to_json(self) -> str:
        """Give the table as JSON."""
        return json.dumps(finite(asdict(self)), indent=1) + "\n"


def measure(depots: int, seed: int, progress: Progress, each: int = STATIONS) -> StationTable:
    """Simulate depots of so many stations each and follow them day by day."""
    stations: list[Warned] = []
    blamed = {"station": [0, 0], "vehicle": [0, 0]}
    for number in range(depots):
        progress(f"depot {number + 1} of {depots}")
        depot = Depot(stations=each, seed=seed + number, slow_vehicle=True)
        drawn = journals(depot)
        seen = [summed(journal, depot.days) for journal in drawn]
        told = followed(seen)
        stations += [
            Warned(journal, {METHODS[0]: tuple(w.second for w in own)})
            for journal, own in zip(drawn, told, strict=True)
        ]
        _blame(drawn, seen, blamed)
        stations[-len(drawn) :] = _with_counts(stations[-len(drawn) :], seen)
    return _table(stations, blamed, seed)


def summed(journal: Journal, days: int) -> History:
    """Sum up a journal as the cloud does."""
    return history(
        journal.station_id,
        [Heard(*heard) for heard in journal.heard],
        start_second=START_SECOND,
        days=days,
        offered_watt=OFFERED_WATT,
        interval_second=HEARTBEAT_SECOND,
    )


def followed(seen: Sequence[History]) -> list[tuple[Worsening, ...]]:
    """Follow the stations of a depot; a fault that stood is mended, and its rise forgotten."""
    days = len(seen[0].days)
    well = _well(seen)
    powers = [_daily(own, days, well) for own in seen]
    siblings = station_decline.siblings(day for own in seen for day in own.days[:REFERENCE_DAYS])
    states = [station_decline.init() for _ in seen]
    told: list[list[Worsening]] = [[] for _ in seen]
    for day in range(days):
        shared = station_decline.common([own.days[day] for own in seen])
        for n, own in enumerate(seen):
            begin = own.days[day].start_second
            mended = any(
                begin - 2.0 * SECOND_PER_DAY <= fault < begin + SECOND_PER_DAY
                for fault in own.faults
            )
            if mended:
                states[n] = station_decline.repaired(states[n])
                continue
            states[n], warning = station_decline.step(
                states[n], own.days[day], powers[n][day], siblings, shared
            )
            if warning is not None:
                told[n].append(warning)
    return [tuple(own) for own in told]


def _well(seen: Sequence[History]) -> Usual:
    early = START_SECOND + REFERENCE_DAYS * SECOND_PER_DAY
    return usual([p for own in seen for p in own.powers if p.start_second < early])


def _daily(own: History, days: int, well: Usual) -> list[list[Power]]:
    """Give each day's sessions beside what they should get."""
    daily: list[list[Power]] = [[] for _ in range(days)]
    for power in own.powers:
        day = int((power.start_second - START_SECOND) // SECOND_PER_DAY)
        should = well.expected(power.station_id, power.id_token)
        if should is not None and 0 <= day < days:
            daily[day].append(Power(log_share(power), should))
    return daily


def _with_counts(stations: Sequence[Warned], seen: Sequence[History]) -> list[Warned]:
    """Let a plain count of mishaps in a week warn as often falsely as the other."""
    counts = [
        np.array([d.failed + d.errors + d.boots + d.silences for d in own.days]) for own in seen
    ]
    weeks = [np.convolve(own, np.ones(WEEK))[: len(own)] for own in counts]
    allowed = sum(len(_false(s.journal, s.warned[METHODS[0]])) for s in stations)
    for limit in range(1, 500):
        warned = [_passed(week, limit) for week in weeks]
        false = sum(len(_false(s.journal, w)) for s, w in zip(stations, warned, strict=True))
        if false <= allowed:
            break
    return [
        s._replace(warned={**s.warned, METHODS[1]: w})
        for s, w in zip(stations, warned, strict=True)
    ]


def _passed(week: np.ndarray, limit: int) -> tuple[float, ...]:
    """Give when a count first passes a limit, each time anew after it fell below."""
    over = week >= limit
    first = np.flatnonzero(over & ~np.concatenate([[False], over[:-1]]))
    return tuple((START_SECOND + (first + 1.0) * SECOND_PER_DAY).tolist())


def _false(journal: Journal, warned: Sequence[float]) -> list[float]:
    """Give the warnings of a station that is sound: before its wear, or well after its repair."""
    if not journal.kind:
        return list(warned)
    mended = journal.fails_second + FAULT_HOURS * SECOND_PER_HOUR + 2.0 * SECOND_PER_DAY
    return [w for w in warned if w < journal.wears_second or w > mended]


def _sound_days(journal: Journal, days: int) -> float:
    end = START_SECOND + days * SECOND_PER_DAY
    if not journal.kind:
        return float(days)
    worn = min(journal.fails_second + (FAULT_HOURS / 24.0 + 2.0) * SECOND_PER_DAY, end)
    return days - (worn - max(journal.wears_second, START_SECOND)) / SECOND_PER_DAY


def _blame(
    drawn: Sequence[Journal],
    seen: Sequence[History],
    blamed: dict[str, list[int]],
) -> None:
    """Ask whose lack it is in the last week of stations that lose power, and of one vehicle."""
    well = _well(seen)
    every = [p for own in seen for p in own.powers]
    for journal in drawn:
        if journal.kind and KINDS[journal.kind].power_lost:
            last = journal.fails_second
            now = _window(every, last - WEEK * SECOND_PER_DAY, last)
            met = {p.id_token for p in now if p.station_id == journal.station_id}
            said = [blame(well, now, journal.station_id, token) for token in sorted(met)]
            _vote(blamed["station"], said, Blame.STATION)
    slow = START_SECOND + SLOW_DAY * SECOND_PER_DAY
    now = _window(every, slow, slow + WINDOW_DAYS * SECOND_PER_DAY)
    met = {p.station_id for p in now if p.id_token == SLOW_VEHICLE}
    said = [blame(well, now, station, SLOW_VEHICLE) for station in sorted(met)]
    _vote(blamed["vehicle"], said, Blame.VEHICLE)


def _window(
    powers: Sequence[SessionPower], since_second: float, end_second: float
) -> list[SessionPower]:
    return [p for p in powers if since_second <= p.start_second < end_second]


def _vote(right: list[int], said: Sequence[Blame], truth: Blame) -> None:
    """Count whether most of those who fall short say whose lack it is."""
    short = [one is truth for one in said if one not in (Blame.NOBODY, Blame.UNTOLD)]
    right[1] += 1
    right[0] += sum(short) > len(short) / 2


def _table(
    stations: Sequence[Warned], blamed: Mapping[str, Sequence[int]], seed: int
) -> StationTable:
    days = Depot().days
    sound = sum(_sound_days(s.journal, days) for s in stations)
    false = {m: sum(len(_false(s.journal, s.warned[m])) for s in stations) for m in METHODS}
    kinds = [*KINDS, "all but sudden", "all"]
    return StationTable(
        rows=tuple(_row(kind, method, stations) for kind in kinds for method in METHODS),
        station_days=sound,
        false=false,
        per_thousand_max={m: 1000.0 * poisson_upper(n, 0.95) / sound for m, n in false.items()},
        blamed={name: (right, asked) for name, (right, asked) in blamed.items()},
        seed=seed,
    )


def _row(kind: str, method: str, stations: Sequence[Warned]) -> Row:
    wanted: Any = {"all": set(KINDS), "all but sudden": set(KINDS) - {"sudden"}}.get(kind, {kind})
    mine = [s for s in stations if s.journal.kind in wanted]
    leads = []
    for s in mine:
        during = [
            w for w in s.warned[method] if s.journal.wears_second <= w < s.journal.fails_second
        ]
        if during:
            leads.append((s.journal.fails_second - min(during)) / SECOND_PER_DAY)
    return Row(
        kind=kind,
        method=method,
        faults=len(mine),
        told=len(leads),
        median_lead_day=median(leads) if leads else None,
        least_lead_day=min(leads, default=None),
    )


def render(table: StationTable) -> str:
    """Tell the table."""
    lines = [
        "faults of charging stations, told before they come (simulated journals)",
        f"{'fault':<24}{'voltherd':>10}{'lead days':>16}{'count':>10}{'lead days':>16}",
    ]
    rows = {(row.kind, row.method): row for row in table.rows}
    for kind in dict.fromkeys(row.kind for row in table.rows):
        ours, plain = (rows[kind, method] for method in METHODS)
        lines.append(
            f"{kind:<24}{f'{ours.told}/{ours.faults}':>10}{_lead(ours):>16}"
            f"{f'{plain.told}/{plain.faults}':>10}{_lead(plain):>16}"
        )
    for method in METHODS:
        rate = 1000.0 * table.false[method] / table.station_days
        lines.append(
            f"{method}: {table.false[method]} false in {table.station_days:,.0f} sound station-days"
            f": {rate:.2f} per 1,000, at most {table.per_thousand_max[method]:.2f} (95 %)"
        )
    for name, (right, asked) in table.blamed.items():
        lines.append(f"power lacking for the {name}'s sake: told so in {right} of {asked}")
    return "\n".join(lines)


def _lead(row: Row) -> str:
    if row.median_lead_day is None or row.least_lead_day is None:
        return "–"
    return f"{row.median_lead_day:.0f} (least {row.least_lead_day:.0f})"
