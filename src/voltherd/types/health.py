"""What is said of a vehicle's health, and of its gauge: figures that never travel bare."""

from dataclasses import dataclass, field
from typing import final

from voltherd.types.event import Plot


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One quantity: its value and interval, or why it cannot be told.

    Attributes:
        name: Stable identifier, such as ``capacity``.
        title: The quantity for people.
        value: None where it cannot be told.
        low: Lower end of the 90 % interval.
        high: Upper end.
        unit: Unit symbol; ``1`` for a ratio, which is shown in percent.
        cannot: Why there is no value, or how much is missing; empty where there is one.
        method: The estimator's name, as in the benchmark.
        evidence: What it rests on, one clause each; the caveats among them.
        trend: Change with its interval, or why none is told.
        needs: What would say more.
        last_second: When the evidence was last renewed [unix s]; None for never.
        plot: How the estimate came about.
    """

    name: str
    title: str
    unit: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    cannot: str = ""
    method: str = ""
    evidence: tuple[str, ...] = ()
    trend: str = ""
    needs: tuple[str, ...] = ()
    last_second: float | None = None
    plot: Plot | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class HealthSheet:
    """One page on one vehicle.

    Attributes:
        vehicle_id: Whose.
        rows: Sample times used.
        first_second: First sample [unix s].
        last_second: Last sample [unix s].
        headline: The answer in one sentence.
        verdict: Stable identifier of what is to be done: ``none``, or the likeliest cause.
        attention: Whether somebody should act.
        figures: The quantities.
        assumed: What was taken for granted, one clause each.
        action: What to do.
    """

    vehicle_id: str
    rows: int
    first_second: float
    last_second: float
    headline: str
    figures: tuple[Figure, ...]
    verdict: str = "none"
    attention: bool = False
    assumed: tuple[str, ...] = ()
    action: str = ""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class HealthReport:
    """Sheets of all vehicles of a run.

    Attributes:
        kind: ``soh`` or ``soc_audit``.
        generated_second: When the report was made [unix s].
        sheets: One a vehicle.
        refused: Sources that could not be used, with the reason.
    """

    kind: str
    generated_second: float
    sheets: tuple[HealthSheet, ...]
    refused: tuple[tuple[str, str], ...] = field(default=())
