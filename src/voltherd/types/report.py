"""What a triage run hands to whoever shows it."""

from dataclasses import dataclass, field
from typing import final

from voltherd.types.decision import Decisions
from voltherd.types.event import Cause, Finding


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A question voltherd can answer, and whether this data allows it.

    Attributes:
        name: Stable identifier, such as ``short_detection``.
        title: The question for people.
        possible: Whether the data at hand allows it.
        needs: What is missing, one phrase each, most helpful first; empty where possible.
    """

    name: str
    title: str
    possible: bool
    needs: tuple[str, ...] = ()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One thing import noticed, changed or rejected: counted, by reason, with examples.

    Attributes:
        reason: Stable identifier, such as ``sentinel`` or ``duplicate_row``.
        channel: Canonical or source channel it concerns, empty for whole rows.
        count: How many values or rows.
        total: Out of how many.
        detail: What was seen and done, for people.
        examples: A few of them (time or row, and value).
        mend: What the owner of the data can do.
    """

    reason: str
    channel: str
    count: int
    total: int
    detail: str
    examples: tuple[str, ...] = ()
    mend: str = ""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What was recognised in one source, and what became of every value.

    Attributes:
        source: File or folder.
        vehicle_id: Vehicle the samples were given to.
        rows_read: Rows in the source.
        rows_kept: Rows in the batch.
        mapping: Source column, canonical column, and how it was converted, in plain words.
        unused: Source columns that nothing was made of.
        remarks: Everything noticed, changed or rejected.
        answers: Which answers the data allows.
        timezone: How time stamps were read, in plain words.
        rate_hertz: Usual rate found, None where it cannot be told.
    """

    source: str
    vehicle_id: str
    rows_read: int
    rows_kept: int
    mapping: tuple[tuple[str, str, str], ...]
    unused: tuple[str, ...]
    remarks: tuple[Remark, ...]
    answers: tuple[Answer, ...]
    timezone: str
    rate_hertz: float | None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleSummary:
    """One vehicle in a triage report.

    Attributes:
        vehicle_id: Whose.
        rows: Sample times used.
        first_second: First sample [unix s].
        last_second: Last sample [unix s].
        cells: Cell channels.
        answers: Which answers the data allows.
        imports: One report per source.
    """

    vehicle_id: str
    rows: int
    first_second: float
    last_second: float
    cells: int
    answers: tuple[Answer, ...] = ()
    imports: tuple[ImportReport, ...] = ()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CauseCount:
    """How often one root cause stands behind the findings of a group of vehicles.

    Attributes:
        by: What groups them: ``fleet``, ``model`` or ``site``.
        group: The model or site; empty for the whole fleet.
        cause: Which; None for findings whose cause cannot be told yet.
        findings: Findings of which it is the most likely cause.
        expected: The same counted by probability over all findings of the group, the doubtful ones
            too; 0 where the cause cannot be told.
        vehicles: Vehicles that have such a finding.
        vehicles_with_findings: Vehicles of the group that have any finding asked about its cause.
    """

    by: str
    group: str
    cause: Cause | None
    findings: int
    expected: float
    vehicles: int
    vehicles_with_findings: int


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TriageReport:
    """Which vehicles need attention: findings ordered most urgent first.

    Attributes:
        generated_second: When the report was made [unix s].
        vehicles: Every vehicle looked at, those without findings too.
        findings: Ordered by severity, confidence and age; with decisions those shown, what costs
            most to leave first.
        refused: Sources that could not be used, with the reason.
        truth_path: Where the planted truth lies, for simulated fleets.
        root_causes: Most frequent root causes of the fleet, each model and each site.
        decisions: What a budget made of the findings, None where none was set.
    """

    generated_second: float
    vehicles: tuple[VehicleSummary, ...]
    findings: tuple[Finding, ...]
    refused: tuple[tuple[str, str], ...] = field(default=())
    truth_path: str | None = None
    root_causes: tuple[CauseCount, ...] = ()
    decisions: Decisions | None = None
