"""How values read to a person: numbers, times, places and degrees of belief.

Every form of the report (terminal, HTML) takes its words from here, so that they agree.  Dates are
made with NumPy's ``datetime64``, which knows no clock and no local zone.
"""

import math
import re
import unicodedata
from typing import Final

import numpy as np

from voltherd.types.event import Evidence, Location, LocationKind, Phenomenon, Severity
from voltherd.units import SECOND_PER_DAY, SECOND_PER_HOUR

TITLE: Final = {
    Phenomenon.WEAK_CELL: "weak cell",
    Phenomenon.CELL_IMBALANCE: "cell out of balance",
    Phenomenon.SOC_IMBALANCE: "pack out of balance",
    Phenomenon.CONTACT_RESISTANCE: "high resistance",
    Phenomenon.INTERNAL_SHORT: "internal short",
    Phenomenon.MODULE_OFFSET: "module stands apart",
    Phenomenon.STRING_GRADIENT: "gradient along the string",
    Phenomenon.CELL_OUTLIER: "cell stands apart",
    Phenomenon.SENSOR_BIAS: "sensor offset",
    Phenomenon.SENSOR_DRIFT: "sensor drifts",
    Phenomenon.SENSOR_STUCK: "sensor stuck",
    Phenomenon.SENSOR_SPIKES: "sensor spikes",
    Phenomenon.CHANNEL_SWAP: "channels exchanged",
    Phenomenon.CHANNEL_INVALID: "channel reports no value",
    Phenomenon.CHANNEL_FROZEN: "channel frozen",
    Phenomenon.COUNTER_RESET: "counter fell",
    Phenomenon.PACK_VOLTAGE_MISMATCH: "cells and pack voltage disagree",
    Phenomenon.SOC_MISREPORTED: "state of charge misreported",
    Phenomenon.TEMPERATURE_OUTLIER: "temperature stands apart",
    Phenomenon.SELF_HEATING: "heats by itself",
    Phenomenon.JOINT_HEATING: "joint heats",
    Phenomenon.COOLING_BLOCKED: "cooling fails in part",
    Phenomenon.THERMAL_STAGE: "signs of a thermal runaway",
    Phenomenon.THERMAL_RUNAWAY: "thermal runaway",
    Phenomenon.INSULATION_LOW: "low insulation",
    Phenomenon.PACK_PRESSURE: "pressure in the pack",
    Phenomenon.HUMIDITY_HIGH: "damp in the pack",
    Phenomenon.VIBRATION_HIGH: "unusual vibration",
    Phenomenon.LITHIUM_PLATING: "charged too fast in the cold",
    Phenomenon.HOT_USE: "hot use",
    Phenomenon.IMPACT: "crash reported",
    Phenomenon.SELF_CHECK_FAILED: "self-check failed",
    Phenomenon.SWITCH_STUCK_CLOSED: "switch stuck closed",
    Phenomenon.SWITCH_STUCK_OPEN: "switch stuck open",
    Phenomenon.DATA_TAMPERED: "record changed on its way",
    Phenomenon.CLOCK_FAULT: "clock fault",
    Phenomenon.RATE_DEVIATION: "unusual sampling rate",
}
"""What each phenomenon is called on screen."""

SHAPE: Final = {Severity.SAFETY: "▲", Severity.RECOMMENDED: "◆", Severity.OPERATING: "○"}
"""A shape for each severity, so that colour is never the only sign."""

URGENCY: Final = {
    Severity.SAFETY: "act now",
    Severity.RECOMMENDED: "plan a visit",
    Severity.OPERATING: "worth knowing",
}
"""What each severity asks of the reader."""

_MONTHS: Final = "JanFebMarAprMayJunJulAugSepOctNovDec"
_YEAR_1_SECOND: Final = -62_135_596_800.0
_YEAR_1990_SECOND: Final = 631_152_000.0
_YEAR_10000_SECOND: Final = 253_402_300_800.0
_SPACES: Final = re.compile(r"[^\S\u00a0\u202f]+")
"""Everything that spaces or breaks a line, except the spaces that keep a number and its unit."""
_JOINERS: Final = "\u200c\u200d"


def clean(text: str) -> str:
    r"""Make foreign text safe to show: control and direction marks become visible, lines one line.

    Names come from files; an escape sequence in one must not reach the terminal.

    >>> clean("bus\x1b[31m-7\n")
    'bus�[31m-7'
    """
    spaced = _SPACES.sub(" ", text).strip(" ")
    return "".join(
        "\N{REPLACEMENT CHARACTER}"
        if unicodedata.category(letter) in {"Cc", "Cf", "Cs"} and letter not in _JOINERS
        else letter
        for letter in spaced
    )


def number(value: float, decimals: int | None = None) -> str:
    """Write a number for a person: three significant digits, grouped, with a true minus.

    >>> number(-42.347), number(11_234_567.0), number(0.00042), number(float("nan"))
    ('−42.3', '11,200,000', '0.00042', 'unknown')
    """
    if math.isnan(value):
        return "unknown"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if decimals is None:
        size = abs(value)
        if size and not 1e-6 <= size < 1e9:
            return f"{value:.2e}".replace("-", "−")
        digits = 2 - (math.floor(math.log10(size)) if size else 2)
        value = round(value, digits)
        decimals = max(0, digits)
        text = f"{value:,.{decimals}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
    else:
        text = f"{round(value, decimals):,.{max(0, decimals)}f}"
    if not text.strip("-0.,"):
        text = text.lstrip("-")
    return text.replace("-", "−")


def count(total: int, noun: str, plural: str = "") -> str:
    """Write a count with its noun.

    >>> count(1, "vehicle"), count(12_345, "row"), count(2, "is", "are")
    ('1 vehicle', '12,345 rows', '2 are')
    """
    return f"{total:,} {noun if total == 1 else plural or noun + 's'}"


def percent(share: float) -> str:
    r"""Write a share; never rounds something to nothing or nearly everything to all.

    >>> percent(0.973), percent(0.9999), percent(0.00001), percent(1.0), percent(0.0314)
    ('97\xa0%', '>99.9\xa0%', '<0.1\xa0%', '100\xa0%', '3.1\xa0%')
    """
    if 0.0 < share < 0.001:
        return "<0.1\N{NO-BREAK SPACE}%"
    if 0.999 < share < 1.0:
        return ">99.9\N{NO-BREAK SPACE}%"
    decimals = 1 if 0.0 < share < 0.1 or 0.99 < share < 1.0 else 0
    return f"{100.0 * share:.{decimals}f}\N{NO-BREAK SPACE}%"


def quantity(evidence: Evidence) -> tuple[str, str]:
    r"""Write an evidence's value with unit, and its interval (empty where there is none).

    The interval's half-width decides how many digits mean anything: two of its digits where it
    begins with 1 or 2, one otherwise.

    >>> quantity(Evidence(name="", value=-42.347, unit="mV", low=-44.61, high=-40.08))
    ('−42.3\xa0mV', '−44.6 to −40.1\xa0mV')

    A whole number without an interval is a count or a code, and is not rounded.

    >>> quantity(Evidence(name="", value=11_521_000.0, unit="Ω"))
    ('11,521,000\xa0Ω', '')
    """
    unit = "" if evidence.unit in {"", "1"} else "\N{NO-BREAK SPACE}" + clean(evidence.unit)
    low, high, decimals = evidence.low, evidence.high, None
    if low is not None and high is not None and math.isfinite(high - low) and high > low:
        half = (high - low) / 2.0
        order = math.floor(math.log10(half))
        decimals = max(0, min(6, (1 if half < 3.0 * 10.0**order else 0) - order))
    if low is None and high is None:
        whole = abs(evidence.value) < 1e9 and evidence.value == round(evidence.value)
        return number(evidence.value, 0 if whole else None) + unit, ""
    value = number(evidence.value, decimals) + unit
    if low is None or high is None:
        side = "at least" if high is None else "at most"
        end = high if low is None else low
        assert end is not None
        return value, f"{side} {number(end)}{unit}"
    return value, f"{number(low, decimals)} to {number(high, decimals)}{unit}"


def duration(second: float) -> str:
    """Write a length of time in the unit a person would use.

    >>> duration(40.0), duration(5400.0), duration(90_000.0), duration(4e6), duration(1e8)
    ('40 seconds', '90 minutes', '25 hours', '46 days', '3.2 years')
    """
    if not math.isfinite(second):
        return "an unknown time"
    size = abs(second)
    if size < 90.0:
        return count(round(size), "second")
    if size < 2.0 * SECOND_PER_HOUR:
        return count(round(size / 60.0), "minute")
    if size < 2.0 * SECOND_PER_DAY:
        return count(round(size / SECOND_PER_HOUR), "hour")
    if size < 730.0 * SECOND_PER_DAY:
        return count(round(size / SECOND_PER_DAY), "day")
    return f"{size / (365.25 * SECOND_PER_DAY):.1f} years"


def rfc3339(second: float) -> str | None:
    """Write a time as RFC 3339 in UTC, None where it is no time a calendar can hold.

    >>> rfc3339(1715500800.0), rfc3339(1715500800.25), rfc3339(float("nan"))
    ('2024-05-12T08:00:00Z', '2024-05-12T08:00:00.250Z', None)
    """
    if not _YEAR_1_SECOND <= second < _YEAR_10000_SECOND - 1.0:
        return None
    millisecond = round(second * 1000.0)
    unit, stamp = ("ms", millisecond) if millisecond % 1000 else ("s", millisecond // 1000)
    return f"{np.datetime64(stamp, unit)}Z"  # type: ignore[call-overload]


def dated(second: float) -> bool:
    """Say whether a time is a date; where only elapsed time is told, it counts from 1970.

    Stamps before 1990 are refused on import, and no record lasts twenty years.

    >>> dated(1715500800.0), dated(93_600.0)
    (True, False)
    """
    return not 0.0 <= second < _YEAR_1990_SECOND


def moment(second: float) -> str:
    """Write a time to the minute; the day of the record where the date is unknown.

    >>> moment(1715500800.0), moment(93_600.0)
    ('2024-05-12 08:00 UTC', 'day 2, 02:00')
    """
    stamp = rfc3339(second)
    if stamp and not dated(second):
        return f"{day(second)}, {stamp[11:16]}"
    return f"{stamp[:10]} {stamp[11:16]} UTC" if stamp else "an unknown time"


def time_of_day(second: float) -> str:
    """Write the time of day of a moment.

    >>> time_of_day(1715500800.0), time_of_day(93_600.0)
    ('08:00 UTC', '02:00')
    """
    stamp = rfc3339(second)
    if stamp is None:
        return "an unknown time"
    return stamp[11:16] + (" UTC" if dated(second) else "")


def day(second: float) -> str:
    """Write a date; the day of the record where the date is unknown.

    >>> day(1715500800.0), day(93_600.0)
    ('2024-05-12', 'day 2')
    """
    if not dated(second):
        return f"day {1 + int(second // SECOND_PER_DAY)}"
    return (rfc3339(second) or "unknown")[:10]


def day_in_words(second: float, *, year: bool = True) -> str:
    """Write a date as people say it.

    >>> day_in_words(1715500800.0), day_in_words(1715500800.0, year=False)
    ('12 May 2024', '12 May')
    """
    stamp = rfc3339(second)
    if stamp is None:
        return "unknown"
    if not dated(second):
        return day(second)
    text = f"{int(stamp[8:10])} {_MONTHS[3 * int(stamp[5:7]) - 3 :][:3]}"
    return f"{text} {stamp[:4]}" if year else text


def belief(confidence: float) -> str:
    """Put a confidence into words, after the calibrated terms of the IPCC's guidance note (2010).

    >>> belief(0.995), belief(0.8), belief(0.3)
    ('virtually certain', 'likely', 'unlikely')
    """
    terms = ((0.99, "virtually certain"), (0.9, "very likely"), (0.66, "likely"))
    rest = ((0.5, "more likely than not"), (0.33, "about as likely as not"))
    return next((term for floor, term in terms + rest if confidence >= floor), "unlikely")


def indices(numbers: tuple[int, ...]) -> str:
    """Write indices as ranges.

    >>> indices((1, 2, 3, 7, 9, 10))
    '1–3, 7, 9–10'
    """
    runs: list[list[int]] = []
    for index in sorted(set(numbers)):
        if runs and index == runs[-1][1] + 1:
            runs[-1][1] = index
        else:
            runs.append([index, index])
    return ", ".join(str(low) if low == high else f"{low}–{high}" for low, high in runs)


def where(location: Location) -> str:
    """Say where in the vehicle, with the source's own name of the channel.

    >>> where(Location(kind=LocationKind.CELL, index=81, cells=(81,), channel="V_81"))
    'cell 81 (V_81)'
    >>> where(Location(kind=LocationKind.PACK, cells=(85, 86, 87)))
    'pack, cells 85–87'
    """
    channel = clean(location.channel or "")
    if location.kind is LocationKind.CHANNEL:
        return f"channel {channel}" if channel else "channels"
    place = location.kind.value
    if len(location.indices) > 1:
        place += f"s {indices(location.indices)}"
    elif location.index is not None:
        place += f" {location.index}"
    if location.cells and location.cells != (location.index,):
        word = "cell" if len(location.cells) == 1 else "cells"
        listed = f"{word} {indices(location.cells)}"
        bare = location.kind is LocationKind.CELL
        place = listed if bare else f"{place}, {listed}"
    return f"{place} ({channel})" if channel else place
