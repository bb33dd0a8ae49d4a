"""What the API says and takes, as pydantic models; ``docs/openapi.json`` is made of them.

Here is what all of them share; the rest is in ``schema_vehicles``, ``schema_findings`` and
``schema_service``.

Names carry their units, times are RFC 3339 in UTC, ratios are fractions, charging is positive.
What is not known is ``null``, never NaN.  Keys may be added under ``/api/v1``; a key that changes
meaning or goes away makes a ``v2``.
"""

import math
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Generic, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

Item = TypeVar("Item")
_SECOND_MIN: Final = -62_135_596_800.0
_SECOND_MAX: Final = 253_402_300_800.0


def _finite(value: Any) -> Any:  # noqa: ANN401 (pydantic hands over anything)
    """Tell NaN and infinity as null: JSON knows neither."""
    if value is None or isinstance(value, str | bool):
        return value
    return float(value) if math.isfinite(value) else None


def unix_second(text: str) -> float:
    """Read a time that was given, RFC 3339 or unix seconds [unix s].

    Raises:
        ValueError: It is neither, or beyond the years 1 to 9999.

    >>> unix_second("2024-05-12T08:00:00Z"), unix_second("1715500800")
    (1715500800.0, 1715500800.0)
    """
    try:
        found = float(text)
    except ValueError:
        stamp = datetime.fromisoformat(text.upper())
        found = (stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)).timestamp()
    if not _SECOND_MIN <= found < _SECOND_MAX:
        raise ValueError("no time of the calendar")
    return found


def checked_instant(text: str) -> str:
    """Check a time that was given."""
    try:
        unix_second(text)
    except (ValueError, OverflowError) as error:
        raise ValueError("neither an RFC 3339 time nor unix seconds") from error
    return text


Number = Annotated[float | None, BeforeValidator(_finite)]
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Instant = Annotated[
    str, AfterValidator(checked_instant), Field(json_schema_extra={"format": "date-time"})
]
"""A time as it is given; unix seconds are understood, too."""
Severity = Literal["operating", "recommended", "safety"]
Status = Literal["open", "acknowledged", "resolved"]
Outcome = Literal["confirmed", "dismissed", "repaired"]
Mode = Literal["driving", "charging", "parked", "unknown"]


class Shape(BaseModel):
    """Ground of every model: values do not change, and attribute docstrings become the API's."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class Page(Shape, Generic[Item]):
    """Some items of a list, and where the rest begins."""

    items: list[Item]
    next_cursor: str | None = None
    """Give it back as ``cursor`` for the next items; null where there are none."""


class Problem(Shape):
    """What went wrong (RFC 9457)."""

    type: str
    """Where the problem is explained; stable, so that programs may tell problems by it."""
    title: str
    status: int
    detail: str = ""
    instance: str = ""
    errors: list[dict[str, Any]] | None = None
    """Which parts of the request are wrong, where that can be said."""


class Quantity(Shape):
    """A number with its interval, method, evidence and age; ``value`` null means cannot tell."""

    value: Number
    low: Number
    """Lower end of the 90 % interval."""
    high: Number
    """Upper end of the 90 % interval."""
    unit: str
    method: str
    """The estimator's name."""
    evidence: str
    """What it rests on; where ``value`` is null, why it cannot be told."""
    age_second: Number = None
    """How old the newest sample behind it is [s]."""


class Estimated(Shape):
    """A value with its 90 % interval."""

    value: Number
    low: Number
    high: Number


class Location(Shape):
    """Where in a vehicle; indices from 1."""

    kind: Literal["cell", "module", "probe", "pack", "channel"]
    index: int | None
    cells: list[int]
    channel: str | None
    label: str
    """For people."""


class Kpi(Shape):
    """A key figure of one vehicle or the fleet."""

    name: str
    title: str
    value: Number
    low: Number
    high: Number
    unit: str
    formula: str
    """As it is computed, for people."""
    evidence: str
    """What it rests on; where ``value`` is null, why it cannot be told yet."""
