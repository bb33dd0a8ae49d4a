"""A number with its standard error and where it comes from, or the reason why there is none."""

from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, slots=True)
class Told:
    """What a record tells of a quantity.

    Attributes:
        value: In the quantity's own unit; None where the record cannot tell it.
        standard_error: Of the value, same unit.
        why: The evidence, or what is lacking.
    """

    value: float | None
    standard_error: float | None
    why: str
