"""Times as OCPP writes them (RFC 3339)."""

from datetime import UTC, datetime
from typing import Final

_YEAR_MIN: Final = 1971
"""Clocks that were never set say 1970; what they say is no time."""
_YEAR_MAX: Final = 9000


def read_time(text: object) -> float | None:
    """Read a time [unix s]; None where it is none.  A time without a zone is taken as UTC.

    >>> read_time("2026-03-29T01:30:00+01:00") == read_time("2026-03-29T00:30:00.000Z")
    True
    >>> read_time("yesterday"), read_time("1970-01-01T00:00:10Z"), read_time(7)
    (None, None, None)
    """
    if not isinstance(text, str) or len(text) < 19 or text[10] not in "Tt ":
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    if not _YEAR_MIN <= time.year <= _YEAR_MAX:
        return None
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    return time.timestamp()


def write_time(second: float) -> str:
    """Write a time to the millisecond.

    >>> write_time(1774744200.25)
    '2026-03-29T00:30:00.250Z'
    """
    time = datetime.fromtimestamp(second, tz=UTC)
    return time.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
