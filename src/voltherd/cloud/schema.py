"""What the API says and takes, as pydantic models; ``docs/openapi.json`` is made of them.

Here is what all of them share; the rest is in ``schema_vehicles``, ``schema_findings`` and
``schema_service``.

Names carry their units, times are RFC 3339 in UTC, ratios are fractions, charging is positive.
What is not known is ``null``, never NaN.  Keys may be added under ``/api/v1``; a key that changes
meaning or goes away makes a ``v2``.
"""

import math
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Item = TypeVar("Item")


def _finite(value: Any) -> Any:  # noqa: ANN401 (pydantic hands over anything)
    """Tell NaN and infinity as null: JSON knows neither."""
    if value is None or isinstance(value, str | bool):
        return value
    return float(value) if math.isfinite(value) else None


Number = Annotated[float | None, BeforeValidator(_finite)]
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
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
