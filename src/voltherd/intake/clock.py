"""Which column tells time, and how it becomes seconds since 1970 UTC."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from jaxtyping import Float

from voltherd.errors import UsageError
from voltherd.intake import names
from voltherd.intake.families import patterns
from voltherd.intake.numbers import as_text, middle, sample_rows, to_numbers
from voltherd.intake.profile import TimeKind, TimeRule
from voltherd.intake.stamps import parse_stamps
from voltherd.types.channel import TIME
from voltherd.types.report import Remark
from voltherd.types.table import RawTable

EARLIEST_SECOND: Final = 631_152_000.0
"""1990-01-01: no telemetry of an electric fleet is older."""
LATEST_SECOND: Final = 4_102_444_800.0
"""2100-01-01: a stamp beyond it is a clock error."""
JOIN_SECOND: Final = 3600.0
"""Distance at which records with elapsed time only are laid end to end."""
_SHUFFLED: Final = 0.05
"""Share of backward steps from which on rows are taken for shuffled, not for several records."""
_DOUBTFUL_SPAN_SECOND: Final = 2.0 * 365.25 * 86_400.0
"""Elapsed time longer than this, in steps of an hour or more, is doubted"""
_EXCEL_EPOCH_DAY: Final = 25_569.0
"""Serial day of 1970-01-01 in the 1900 date system (leap-year error included)."""
_UNIX_UNITS: Final = (1.0, 1e-3, 1e-6, 1e-9)
_ELAPSED_UNITS: Final = {"s": 1.0, "ms": 1e-3, "µs": 1e-6, "ns": 1e-9, "min": 60.0, "h": 3600.0,
                         "d": 86_400.0}  # fmt: skip


class TimeChoice(NamedTuple):
    """A column that may tell time.

    Attributes:
        rule: How to read it.
        score: Larger is better.
        why: For people.
    """

    rule: TimeRule
    score: float
    why: str


class Clock(NamedTuple):
    """Every row's time.

    Attributes:
        second: Unix seconds UTC, NaN where unreadable [s].
        remarks: What was noticed on the way.
        told: How stamps were read, for people.
        sessions: Number of records laid end to end (elapsed time that starts anew).
    """

    second: Float[np.ndarray, "time"]
    remarks: tuple[Remark, ...]
    told: str
    sessions: int


def zone(name: str) -> ZoneInfo:
    """Find a time zone.

    Raises:
        UsageError: When there is none of that name.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(
            f"unknown time zone {name!r}", mend="use a name such as Europe/Berlin or UTC"
        ) from error


def find_time(table: RawTable, sample: Mapping[str, np.ndarray], timezone: str) -> list[TimeChoice]:
    """Rank the columns that may tell time, best first.

    Args:
        table: The source.
        sample: Sampled rows of its numeric columns.
        timezone: Zone of stamps that name none.

    Returns:
        Candidates; empty where no column can tell time.
    """
    choices = []
    counted = {
        n for members in patterns(list(sample)).values() if len(members) > 3 for n in members
    }
    for name, values in table.columns.items():
        if values.ndim != 1 or names.role(name) not in (None, TIME, names.ELAPSED):
            continue
        if name in counted and names.group_role(name) is not None:
            continue
        if name in sample:
            choice = _number_candidate(table, name, sample[name], timezone)
        else:
            choice = _stamp_candidate(name, values, timezone)
        if choice is not None:
            choices.append(choice)
    if (split := _date_and_time(table, timezone)) is not None:
        choices.append(split)
    return sorted(choices, key=lambda choice: -choice.score)


def _bonus(name: str) -> float:
    told = {TIME: 3.0, names.ELAPSED: 1.5}.get(names.role(name) or "", 0.0)
    return told + 2.0 * (name == TIME)


def _stamp_candidate(name: str, values: np.ndarray, timezone: str) -> TimeChoice | None:
    picked = values[sample_rows(len(values))]
    if values.dtype.kind == "M":
        if picked.size == 0 or np.isnat(picked).mean() > 0.5:
            return None
        rule = TimeRule(columns=(name,), kind=TimeKind.DATETIME, zone=timezone)
        steady = _steady(picked.astype("M8[us]").astype(np.float64))
        return TimeChoice(rule, 6.0 + _bonus(name) + steady, "it is stored as date and time")
    if values.dtype.kind == "m":
        return None
    return _text_candidate(name, picked, _bonus(name), timezone)


def _number_candidate(
    table: RawTable, name: str, numbers: np.ndarray, timezone: str
) -> TimeChoice | None:
    role, bonus = names.role(name), _bonus(name)
    if not bonus and _steady(numbers[:256]) < 0.5:
        return None
    known = numbers[np.isfinite(numbers)]
    if not known.size:
        return None
    middle, steady = float(np.median(known)), _steady(numbers)
    early = float(np.quantile(known, 0.05))  # elapsed time may grow into the range of dates
    if steady < 0.5 and not bonus:
        return None
    for unit in _UNIX_UNITS:
        start = EARLIEST_SECOND if bonus else 1.2e9
        if start <= early * unit and middle * unit <= LATEST_SECOND:
            rule = TimeRule(columns=(name,), kind=TimeKind.UNIX, second_per_unit=unit)
            why = f"its values are {_UNIT_WORD[unit]} since 1970"
            return TimeChoice(rule, 5.0 + bonus + steady, why)
    stamp = _digits_candidate(name, numbers, bonus, timezone)
    if stamp is not None:
        return stamp
    if 33_000.0 < middle < 60_000.0 and np.ptp(known) < 15_000.0 and _days_like(known, bonus):
        rule = TimeRule(
            columns=(name,), kind=TimeKind.EXCEL, second_per_unit=86_400.0, zone=timezone
        )
        return TimeChoice(rule, 4.0 + bonus + steady, "its values are spreadsheet days since 1900")
    symbol = names.parse(name).unit or names.unit_symbol(table.units.get(name, ""))
    if role in (TIME, names.ELAPSED) or (symbol in ("s", "ms") and steady > 0.9):
        scale = _ELAPSED_UNITS.get(symbol, 1.0)
        rule = TimeRule(columns=(name,), kind=TimeKind.ELAPSED, second_per_unit=scale)
        return TimeChoice(rule, 2.0 + bonus + steady, "it counts up from the start of the record")
    return _counting_candidate(name, known, steady)


_UNIT_WORD: Final = {
    1.0: "seconds",
    1e-3: "milliseconds",
    1e-6: "microseconds",
    1e-9: "nanoseconds",
}


def _counting_candidate(name: str, known: np.ndarray, steady: float) -> TimeChoice | None:
    """Accept an unnamed column that rises from nearly zero in nearly equal steps."""
    steps = np.diff(known)
    if steady < 0.99 or known.size < 3 or abs(known[0]) > 20 * max(float(np.median(steps)), 1e-9):
        return None
    usual = float(np.median(steps))
    if usual <= 0.0 or np.mean(np.abs(steps - usual) < 0.2 * usual) < 0.7:
        return None
    rule = TimeRule(columns=(name,), kind=TimeKind.ELAPSED, second_per_unit=1.0)
    return TimeChoice(rule, 1.0 + steady, "it rises from zero in equal steps; taken as seconds")


def _text_candidate(
    name: str, picked: np.ndarray, bonus: float, timezone: str
) -> TimeChoice | None:
    stamps = parse_stamps(as_text(picked[:2048]))
    known = np.isfinite(stamps.second)
    if known.mean() < 0.5:
        return None
    rule = TimeRule(columns=(name,), kind=TimeKind.TEXT, order=stamps.order, zone=timezone)
    why = f"text read in the order {stamps.order}"
    if not stamps.sure:
        why += " (day and month cannot be told apart for certain)"
    return TimeChoice(rule, 5.5 + bonus + _steady(stamps.second), why)


def _digits_candidate(
    name: str, numbers: np.ndarray, bonus: float, timezone: str
) -> TimeChoice | None:
    """Accept stamps written as one number: 20210505091000."""
    if not 1.99e13 < middle(numbers) < 2.1e13:
        return None
    text = np.where(np.isfinite(numbers), numbers, 0.0).astype(np.int64).astype(np.str_)
    if np.isfinite(parse_stamps(text).second).mean() < 0.9:
        return None
    rule = TimeRule(columns=(name,), kind=TimeKind.TEXT, zone=timezone)
    return TimeChoice(rule, 5.0 + bonus, "its digits spell year, month, day and time")


def _days_like(known: np.ndarray, bonus: float) -> bool:
    steps = np.diff(known)
    return bool(bonus or (steps.size and 0 < np.median(np.abs(steps)) < 0.1))


def _steady(second: np.ndarray) -> float:
    """Share of neighbours that do not run backward, zero for a constant."""
    known = second[np.isfinite(second)]
    if known.size < 2:
        return 0.5
    steps = np.diff(known)
    return float(np.mean(steps >= 0)) if np.any(steps != 0) else 0.0


def _date_and_time(table: RawTable, timezone: str) -> TimeChoice | None:
    """Accept a date and a time of day in two text columns."""
    text = {n: v for n, v in table.columns.items() if v.dtype.kind in "OUT" and v.ndim == 1}
    dates = [n for n in text if names.role(n) == TIME]
    for name in dates:
        others = [n for n in text if n != name and names.role(n) in (TIME, names.ELAPSED)]
        for other in others:
            rows = sample_rows(len(text[name]))[:2048]
            joined = _joined((text[name][rows], text[other][rows]))
            alone = parse_stamps(as_text(text[name][rows])).second
            stamps = parse_stamps(joined)
            whole = np.isfinite(alone).all() and np.all(alone % 86_400.0 == 0.0)
            if whole and np.isfinite(stamps.second).mean() > 0.5:
                rule = TimeRule(
                    columns=(name, other), kind=TimeKind.TEXT, order=stamps.order, zone=timezone
                )
                return TimeChoice(rule, 12.0, "a date and a time of day together")
    return None


def _joined(columns: Iterable[np.ndarray]) -> np.ndarray:
    first, *rest = (as_text(values) for values in columns)
    for values in rest:
        first = np.strings.add(np.strings.add(first, " "), values)
    return first


def read_clock(table: RawTable, rule: TimeRule) -> Clock:
    """Give every row's time in unix seconds UTC.

    Args:
        table: The source.
        rule: How it tells time.

    Returns:
        Times, unreadable ones NaN, and what was noticed.
    """
    values = table.columns[rule.columns[0]]
    offset = np.full(len(values), np.nan)
    notes: list[Remark] = []
    if rule.kind is TimeKind.DATETIME and values.dtype.kind == "M":
        second = values.astype("M8[us]").astype(np.int64) / 1e6
        second[np.isnat(values)] = np.nan
        if rule.columns[0] in table.utc:
            return Clock(second, (), "stamps are marked as UTC", 1)
    elif rule.kind in (TimeKind.TEXT, TimeKind.DATETIME):
        stamps = parse_stamps(_text_of(table, rule), rule.order if rule.order != "ymd" else None)
        second, offset = stamps.second, stamps.zone_second
    else:
        numbers = to_numbers(values).astype(np.float64)
        numbers[~np.isfinite(numbers)] = np.nan
        if rule.kind is TimeKind.ELAPSED:
            return _elapsed(numbers * rule.second_per_unit, rule)
        if rule.kind is TimeKind.UNIX:
            return Clock(numbers * rule.second_per_unit, (), "numbers count from 1970 UTC", 1)
        second = (numbers - _EXCEL_EPOCH_DAY) * rule.second_per_unit
        second = np.round(second, 3)  # a day's fraction in binary is never a round second
    named = np.isfinite(offset)
    told = f"stamps that name no zone are read as {rule.zone}"
    if named.any():
        zones = np.unique(offset[named])
        told = "stamps name their zone"
        if zones.size > 1 or not named[np.isfinite(second)].all():
            spelled = ", ".join(f"UTC{z / 3600:+.4g} h" for z in zones[:6])
            told = f"stamps name mixed zones ({spelled}); those that name none are {rule.zone}"
            notes.append(
                Remark(
                    reason="mixed_zones",
                    channel=rule.columns[0],
                    count=int(named.sum()),
                    total=len(second),
                    detail=told,
                    mend="write every stamp in UTC",
                )
            )
    local = ~named & np.isfinite(second)
    if local.any() and rule.zone != "UTC":
        second[local] -= _utc_offset(second[local], zone(rule.zone))
    second[named] -= offset[named]
    return Clock(second, tuple(notes), told, 1)


def _text_of(table: RawTable, rule: TimeRule) -> np.ndarray:
    values = [table.columns[name] for name in rule.columns]
    if values[0].dtype.kind in "iuf":
        number = to_numbers(values[0])
        whole = np.where(np.isfinite(number), number, 0.0).astype(np.int64)
        return np.asarray(whole.astype(np.str_))
    return _joined(values) if len(values) > 1 else as_text(values[0])


def _elapsed(second: np.ndarray, rule: TimeRule) -> Clock:
    """Lay records that start anew end to end, an hour apart, and say that the date is unknown."""
    column, total = rule.columns[0], len(second)
    date = Remark(
        reason="date_unknown",
        channel=column,
        count=total,
        total=total,
        detail="only elapsed time is told; times are counted from 1970-01-01 UTC",
        mend="export the date as well",
    )
    notes = [date]
    told = "elapsed time only; the date is unknown and 1970-01-01 UTC stands for the start"
    second, dips = _without_dips(second)
    if dips.size:
        notes.append(
            Remark(
                reason="clock_fault",
                channel=column,
                count=int(dips.size),
                total=total,
                detail="elapsed time falls back to the start for a single row and goes on as "
                "before; those rows were rejected",
                examples=tuple(f"row {int(row) + 1}" for row in dips[:3]),
                mend="a bug of the exporting software: export the record again",
            )
        )
    known = second[np.isfinite(second)]
    span = float(np.ptp(known)) if known.size else 0.0
    if span > _DOUBTFUL_SPAN_SECOND and _usual_step(known) >= 3600.0:
        years = span / (365.25 * 86_400.0)
        notes.append(
            Remark(
                reason="time_unit_doubtful",
                channel=column,
                count=total,
                total=total,
                detail=f"the record would last {years:.0f} years; its time may be in milliseconds",
                mend="set second_per_unit under [time] in a profile",
            )
        )
    starts = _restarts(second)
    if not starts.size:
        return Clock(second, tuple(notes), told, 1)
    shift = np.zeros(total)
    shift[starts] = second[starts - 1] - second[starts] + JOIN_SECOND
    notes.append(
        Remark(
            reason="records_joined",
            channel=column,
            count=int(starts.size) + 1,
            total=total,
            detail=f"elapsed time is set back {starts.size} times; the records between are laid "
            "end to end, an hour apart",
            mend="export one record per file, or the date",
        )
    )
    return Clock(second + np.cumsum(shift), tuple(notes), told, int(starts.size) + 1)


def _usual_step(second: np.ndarray) -> float:
    steps = np.diff(second)
    forward = steps[steps > 0]
    return float(np.median(forward)) if forward.size else 1.0


def _without_dips(second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Blank single rows that fall far back between two that fit together."""
    if len(second) < 3:
        return second, np.empty(0, np.int64)
    before, here, after = second[:-2], second[1:-1], second[2:]
    deep = here < before - 10.0 * _usual_step(second)
    rows = np.flatnonzero(deep & (after >= before)) + 1
    if not rows.size:
        return second, rows
    clean = second.copy()
    clean[rows] = np.nan
    return clean, rows


def _restarts(second: np.ndarray) -> np.ndarray:
    """Rows at which time is set back for good: the next record of the file."""
    steps = np.diff(second)
    back = np.flatnonzero(steps < -10.0 * _usual_step(second))
    if np.mean(steps < 0.0) > _SHUFFLED:
        return np.empty(0, np.int64)
    return np.asarray(back + 1)


def _utc_offset(second: np.ndarray, place: ZoneInfo) -> np.ndarray:
    """Offset of local stamps from UTC [s]; an hour told twice is taken as its first pass."""
    hours, at = np.unique(np.floor(second / 3600.0), return_inverse=True)
    known = (hours * 3600.0 > EARLIEST_SECOND) & (hours * 3600.0 < LATEST_SECOND)
    offsets = np.zeros(len(hours))
    for number in np.flatnonzero(known):
        naive = datetime.fromtimestamp(hours[number] * 3600.0, tz=UTC).replace(tzinfo=place)
        moved = naive.utcoffset()
        offsets[number] = moved.total_seconds() if moved is not None else 0.0
    return np.asarray(offsets[at])
