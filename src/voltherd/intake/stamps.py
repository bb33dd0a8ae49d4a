"""Text that tells a date and a time, in whatever layout, as seconds.

Rows with the same layout (digits in the same places) are read together by arithmetic on their
characters, so that a million stamps cost no loop.
"""

import re
from collections import Counter
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

_MONTHS: Final = (
    "jan",
    "feb",
    "mar",
    "apr",
    "may",
    "jun",
    "jul",
    "aug",
    "sep",
    "oct",
    "nov",
    "dec",
)
_OTHER_MONTHS: Final = {"mär": 3, "mai": 5, "okt": 10, "dez": 12}
_MONTH_DAYS: Final = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
_LAYOUTS_MAX: Final = 400


class Stamps(NamedTuple):
    """Stamps read from text.

    Attributes:
        second: Seconds since 1970 as written, NaN where unreadable [s].
        zone_second: Offset from UTC the stamp names, NaN where it names none [s].
        order: Order of year, month and day that was used.
        sure: Whether the order follows from the stamps themselves.
    """

    second: Float[np.ndarray, "time"]
    zone_second: Float[np.ndarray, "time"]
    order: str
    sure: bool


class _Fields(NamedTuple):
    rows: np.ndarray
    date: tuple[np.ndarray, np.ndarray, np.ndarray]
    month_at: int | None
    year_first: bool
    day_second: np.ndarray
    zone_second: np.ndarray
    dotted: bool


def parse_stamps(text: np.ndarray, order: str | None = None) -> Stamps:
    """Read stamps of mixed layouts.

    Args:
        text: Fixed-width text, 'nan' where there is no value.
        order: ``ymd``, ``dmy`` or ``mdy`` where known; found from the stamps where None.

    Returns:
        Seconds as written, not yet turned to UTC.

    >>> parse_stamps(np.array(["2021-05-05T09:10:00Z", "05.05.2021 09:10"])).second.tolist()
    [1620205800.0, 1620205800.0]
    """
    second = np.full(len(text), np.nan)
    zone = np.full(len(text), np.nan)
    if not len(text):
        return Stamps(second, zone, order or "ymd", True)
    parts = [found for group in _layouts(text) if (found := _fields(*group)) is not None]
    unknown = [part for part in parts if not part.year_first and part.month_at is None]
    order, sure = (order, True) if order else _find_order(unknown)
    for part in parts:
        a, b, c = part.date
        if part.year_first:
            year, month, day = a, b, c
        elif part.month_at == 1 or (part.month_at is None and order == "dmy"):
            year, month, day = c, b, a
        else:
            year, month, day = c, a, b
        second[part.rows] = _days(year, month, day) * 86_400.0 + part.day_second
        zone[part.rows] = part.zone_second
    return Stamps(second, zone, order if unknown else "ymd", sure)


def _layouts(text: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, str]]:
    """Group rows by layout: row numbers, characters, and the layout as text with 0 for digits."""
    width = max(text.dtype.itemsize // 4, 1)
    codes = np.ascontiguousarray(text).view(np.uint32).reshape(len(text), width)
    mask = np.where((codes >= 48) & (codes <= 57), np.uint32(48), codes)
    if (mask == mask[0]).all():
        return [(np.arange(len(text)), codes, _characters(mask[0]))]
    flat = np.ascontiguousarray(mask).view(f"V{4 * width}").ravel()
    _, first, place = np.unique(flat, return_index=True, return_inverse=True)
    groups = []
    for number, row in enumerate(first[:_LAYOUTS_MAX]):
        rows = np.flatnonzero(place == number)
        groups.append((rows, codes[rows], _characters(mask[row])))
    return groups


def _characters(codes: np.ndarray) -> str:
    return "".join(chr(int(code)) for code in codes if code)


_LAYOUT: Final = re.compile(
    r"(?P<date>0{4}[-/.年]0{1,2}[-/.月]0{1,2}日?|0{1,2}[-/. ]0{1,2}[-/. ]0{4}|"
    r"0{1,2}[-/.]0{1,2}[-/.]0{2}|"
    r"0{8}|0{1,2}[- .]*[^\W\d_]{3,}[- .,]*0{4}|[^\W\d_]{3,} 0{1,2},? 0{4})"
    r"(?:[T _,;-]*(?P<clock>0{1,2}[:.h]0{2}(?:[:.m]0{2}(?:[.,]0{1,9})?)?|"
    r"0{6}(?:[.,]?0{1,9})?|0{4}))?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?\s*(?P<zone>Z|UTC|GMT|[+-]0{2}:?(?:0{2})?)?"
)


def _fields(rows: np.ndarray, codes: np.ndarray, layout: str) -> _Fields | None:
    """Read one layout; None where it is no stamp."""
    joined = re.fullmatch(r"0{14}|0{12}|0{17}", layout)
    match = None if joined else _LAYOUT.fullmatch(layout)
    if joined is None and match is None:
        return None
    digits = codes.astype(np.int64) - 48
    if match is None:
        date = (_read(digits, 0, 4), _read(digits, 4, 6), _read(digits, 6, 8))
        clock = _clock(digits, [(8, 10), (10, 12), (12, 14), (14, len(layout))])
        none = np.full(len(rows), np.nan)
        return _Fields(rows, date, None, True, clock, none, False)
    start, stop = match.span("date")
    runs = _runs(layout, start, stop)
    if len(runs) == 1:
        runs = [(start, start + 4), (start + 4, start + 6), (start + 6, stop)]
    month_at = None
    if len(runs) == 2:
        letters = re.search(r"[^\W\d_]{3,}", layout[start:stop])
        assert letters is not None
        month_at = 0 if letters.start() == 0 else 1
        month = _month(codes[:, start + letters.start() : start + letters.start() + 3])
        first, year = (_read(digits, *run) for run in runs)
        date = (month, first, year) if month_at == 0 else (first, month, year)
    else:
        date = tuple(_read(digits, *run) for run in runs)  # type: ignore[assignment]
    year_first = runs[0][1] - runs[0][0] == 4 and month_at is None
    if not year_first and runs[-1][1] - runs[-1][0] == 2:
        date = (date[0], date[1], date[2] + 2000)
    seconds = np.zeros(len(rows))
    if match["clock"]:
        found = _runs(layout, *match.span("clock"))
        if len(found) == 1 or (len(found) == 2 and found[0][1] - found[0][0] == 6):
            at = found[0][0]
            found = [(at, at + 2), (at + 2, at + 4), (at + 4, min(at + 6, found[0][1])), found[-1]]
            found = found[:3] + ([found[3]] if found[3][0] > at else [])
        seconds = _clock(digits, found)
    if match["half"]:
        late = np.isin(codes[:, match.start("half")], (ord("p"), ord("P")))
        hour = seconds // 3600.0
        seconds = seconds + np.where(late & (hour < 12), 43_200.0, 0.0)
        seconds = seconds - np.where(~late & (hour == 12), 43_200.0, 0.0)
    zone = _zone(codes, digits, layout, match)
    return _Fields(rows, date, month_at, year_first, seconds, zone, "." in layout[start:stop])


def _zone(codes: np.ndarray, digits: np.ndarray, layout: str, match: re.Match[str]) -> np.ndarray:
    if not match["zone"]:
        return np.full(len(codes), np.nan)
    if match["zone"][0] not in "+-":
        return np.zeros(len(codes))
    sign = np.where(codes[:, match.start("zone")] == ord("-"), -1.0, 1.0)
    runs = _runs(layout, *match.span("zone"))
    at = runs[0][0]
    hour = _read(digits, at, at + 2)
    last = runs[-1][1]
    minute = _read(digits, last - 2, last) if last - 2 > at else np.zeros(len(codes))
    return np.asarray(sign * (hour * 3600.0 + minute * 60.0))


def _runs(layout: str, start: int, stop: int) -> list[tuple[int, int]]:
    return [(start + m.start(), start + m.end()) for m in re.finditer("0+", layout[start:stop])]


def _read(digits: np.ndarray, start: int, stop: int) -> np.ndarray:
    weights = 10.0 ** np.arange(stop - start - 1, -1, -1)
    return np.asarray(digits[:, start:stop] @ weights)


def _clock(digits: np.ndarray, runs: list[tuple[int, int]]) -> np.ndarray:
    seconds = np.zeros(len(digits))
    for run, weight in zip(runs[:3], (3600.0, 60.0, 1.0), strict=False):
        if run[1] > run[0]:
            seconds = seconds + weight * _read(digits, *run)
    if len(runs) > 3 and runs[3][1] > runs[3][0]:
        seconds = seconds + _read(digits, *runs[3]) * 10.0 ** -(runs[3][1] - runs[3][0])
    return seconds


def _month(letters: np.ndarray) -> np.ndarray:
    words = np.ascontiguousarray(letters.astype(np.uint32)).view("U3").ravel()
    words = np.strings.lower(words)
    month = np.full(len(words), np.nan)
    known = {name: number for number, name in enumerate(_MONTHS, start=1)} | _OTHER_MONTHS
    for name, number in known.items():
        month[words == name] = number
    return month


def _days(year: np.ndarray, month: np.ndarray, day: np.ndarray) -> np.ndarray:
    """Days since 1970-01-01 of the proleptic Gregorian calendar, NaN where there is no such day.

    Source: era-based civil-from-days arithmetic (years counted from March).
    """
    good = (month >= 1) & (month <= 12) & (day >= 1) & (year >= 1) & (year < 9999)
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    length = _MONTH_DAYS[np.where(good, month, 0).astype(np.int64)] + (leap & (month == 2))
    good &= day <= length
    shifted = year - (month <= 2)
    era = np.floor(shifted / 400.0)
    of_era = shifted - era * 400.0
    of_year = np.floor((153.0 * (month + np.where(month > 2, -3.0, 9.0)) + 2.0) / 5.0) + day - 1.0
    of_era_day = of_era * 365.0 + np.floor(of_era / 4.0) - np.floor(of_era / 100.0) + of_year
    return np.asarray(np.where(good, era * 146_097.0 + of_era_day - 719_468.0, np.nan))


def _find_order(parts: list[_Fields]) -> tuple[str, bool]:
    """Tell day-first from month-first: impossible months, the separator, then steadiness."""
    votes: Counter[str] = Counter()
    for part in parts:
        votes["dmy"] += int((part.date[0] > 12).sum())
        votes["mdy"] += int((part.date[1] > 12).sum())
    if not parts:
        return "ymd", True
    if votes["dmy"] != votes["mdy"]:
        return ("dmy" if votes["dmy"] > votes["mdy"] else "mdy"), min(votes.values()) == 0
    if all(part.dotted for part in parts):
        return "dmy", True
    first, second, year = parts[0].date
    span = {}
    for order, month, day in (("dmy", second, first), ("mdy", first, second)):
        span[order] = float(np.nansum(np.abs(np.diff(_days(year, month, day)))))
    return ("mdy" if span["mdy"] < span["dmy"] else "dmy"), False
