"""Findings and what is done about them, as the API tells them and is told."""

from typing import Literal

from pydantic import ConfigDict, Field

from voltherd.cloud.schema import (
    Instant,
    Location,
    Number,
    Outcome,
    Quantity,
    Severity,
    Shape,
    Status,
    Time,
)

CauseName = Literal[
    "internal_short",
    "contact",
    "weak_cell",
    "cooling",
    "sensor",
    "plating",
    "imbalance",
    "tampering",
    "switch",
    "ingress",
]


class PossibleCause(Shape):
    """One cause that may be behind a finding."""

    cause: CauseName
    title: str
    """What it is called on screen."""
    probability: float
    """That it is there; two may be there at once."""
    supporting: list[str]
    """What speaks for it, strongest first."""
    opposing: list[str]
    """What speaks against it, strongest first."""


class Causes(Shape):
    """What is probably behind a finding."""

    ranked: list[PossibleCause]
    """The most probable causes, at most three; empty where none explains it."""
    told: bool
    """Whether the first may be named; else it cannot be told yet."""
    unexplained: float
    """Probability that it is none of the known causes."""
    decide: str
    """The test that would decide between the first two."""
    missing: list[str]
    """What could not be seen and would help, most telling first."""


class CauseCount(Shape):
    """How often one root cause stands behind the findings of a group of vehicles."""

    by: Literal["fleet", "model", "site"]
    group: str
    """The model or site; empty for the whole fleet."""
    cause: CauseName | None
    """Null for findings whose cause cannot be told yet."""
    title: str
    findings: int
    """Findings of which it is the most likely cause."""
    expected: float
    """The same counted by probability."""
    vehicles: int
    """Vehicles that have such a finding."""
    vehicles_with_findings: int
    """Vehicles of the group that have any finding asked about its cause."""


class CauseCounts(Shape):
    """Most frequent root causes of unresolved findings."""

    items: list[CauseCount]


class FindingRow(Shape):
    """One cause in one vehicle, and what became of it."""

    finding_id: str
    vehicle_id: str
    phenomenon: str
    title: str
    severity: Severity
    confidence: float
    location: Location
    raised_time: Time | None
    onset_time: Time | None
    """Where hindsight puts the beginning."""
    last_seen_time: Time | None
    age_second: Number
    """How long ago its evidence was last renewed [s]."""
    holds: bool
    """Whether the latest judgement still says so."""
    trend: str
    summary: str
    action: str
    confirm: str
    """What would confirm or refute it."""
    causes: Causes | None = None
    """What is probably behind it; null where nobody has asked."""
    status: Status
    acknowledged_by: str | None
    acknowledged_time: Time | None
    outcome: Outcome | None
    work_order_time: Time | None
    """When work on it is planned."""
    notes: int
    shown: bool
    """Whether the fleet's budget lets it ask for somebody; else it is watched."""
    reason: str
    """Why it is shown or held back."""
    probability: Quantity
    """That it is a true fault, at the true rate of faults; confidence leaves that rate out."""
    cost: Number
    """Expected cost of leaving it, null where no costs are set."""


class Note(Shape):
    """What somebody did about a finding, or what became of it by itself."""

    note_id: str
    kind: Literal["acknowledge", "note", "work_order", "resolve", "reopen"]
    time: Time | None
    by: str
    text: str
    outcome: Outcome | None
    planned_time: Time | None
    """When the work is planned (work orders)."""


class PlotSeries(Shape):
    """One line or row of bars."""

    name: str
    values: list[Number]


class Plot(Shape):
    """A small series that shows evidence."""

    title: str
    kind: Literal["line", "bar"]
    x_label: str
    y_label: str
    x_is_time: bool
    """Whether ``x`` is unix seconds."""
    x: list[Number]
    series: list[PlotSeries]
    highlight: list[int]
    """Positions in ``x`` to point at."""


class Evidence(Shape):
    """One number behind a finding."""

    name: str
    value: Number
    low: Number
    high: Number
    unit: str
    basis: str
    plot: Plot | None


class SiblingMeasure(Shape):
    """One quantity of every sibling, in string order."""

    name: str
    unit: str
    basis: str
    values: list[Number]


class Siblings(Shape):
    """The place of a finding beside its siblings."""

    kind: Literal["cell", "probe", "none"]
    names: list[str]
    highlighted: list[int]
    """Indices, from 1."""
    measures: list[SiblingMeasure]


class FindingDetail(FindingRow):
    """A finding with all that is behind it."""

    evidence: list[Evidence]
    journal: list[Note]
    """What was done about it, oldest first."""
    siblings: Siblings


class Action(Shape):
    """What somebody does about a finding."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    by: str = Field(min_length=1, max_length=120, pattern=r"\S")
    """Who; where signing in is asked for, the name signed in with is taken instead."""
    text: str = Field(default="", max_length=4000)
    outcome: Outcome | None = None
    """What it turned out to be (when resolving)."""
    planned_time: Instant | None = Field(default=None, max_length=40)
    """When work is planned; makes a note a work order."""


class NoteAction(Action):
    """A note about a finding: it says something."""

    text: str = Field(min_length=1, max_length=4000, pattern=r"\S")
