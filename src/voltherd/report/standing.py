"""Where each vehicle stands: the one question the report opens with, answered.

A vehicle *needs attention* when it has a finding at severity recommended or above; one with
findings at severity operating only has something *worth knowing*.
"""

import math
from dataclasses import dataclass
from typing import Final, final

from voltherd.report.words import clean, count, dated, duration, moment
from voltherd.types.event import Finding, Severity
from voltherd.types.report import TriageReport, VehicleSummary
from voltherd.units import SECOND_PER_DAY, SECOND_PER_HOUR

_CELL_QUESTIONS: Final = frozenset(
    ("triage_cell_deviation", "imbalance", "short_detection", "contact_resistance")
)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One vehicle with what was found in it.

    Attributes:
        vehicle: What is known of it.
        findings: Its findings, most urgent first.
    """

    vehicle: VehicleSummary
    findings: tuple[Finding, ...]

    @property
    def worst(self) -> Severity | None:
        """The highest severity found, None where nothing was found."""
        return max((finding.severity for finding in self.findings), default=None)

    @property
    def attention(self) -> bool:
        """Whether somebody should do something about it."""
        return self.worst is not None and self.worst >= Severity.RECOMMENDED

    @property
    def checked(self) -> bool:
        """Whether its data allow to look for a faulty cell; silence means something only then."""
        asked = self.vehicle.answers
        return not asked or any(a.possible and a.name in _CELL_QUESTIONS for a in asked)

    @property
    def unchecked(self) -> bool:
        """Whether nothing was found and nothing could have been."""
        return self.worst is None and not self.checked


def listed(report: TriageReport) -> tuple[Finding, ...]:
    """Give the findings of a report in the order to show them: a budget's own, where one is set."""
    return report.findings if report.decisions else urgent_first(report.findings)


def urgent_first(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Order findings by severity, then confidence, then age; equal ones keep their order."""
    return tuple(sorted(findings, key=lambda f: (-f.severity, -f.confidence, f.onset_second)))


def standings(report: TriageReport) -> tuple[Standing, ...]:
    """Give every vehicle with its findings, the most urgent first, then by name."""
    found: dict[str, list[Finding]] = {vehicle.vehicle_id: [] for vehicle in report.vehicles}
    for finding in urgent_first(report.findings):
        found.setdefault(finding.vehicle_id, []).append(finding)
    every = [
        Standing(vehicle=vehicle, findings=tuple(found[vehicle.vehicle_id]))
        for vehicle in report.vehicles
    ]
    return tuple(
        sorted(
            every,
            key=lambda s: (
                -(s.worst or 0),
                -max((f.confidence for f in s.findings if f.severity == s.worst), default=0.0),
                s.vehicle.vehicle_id,
            ),
        )
    )


def headline(report: TriageReport) -> str:
    """Answer the reader's first question in one line, without a full stop."""
    total = len(report.vehicles)
    if total == 0:
        return "No vehicle could be looked at"
    every = standings(report)
    needing = sum(standing.attention for standing in every)
    checked = sum(standing.checked for standing in every)
    if needing == 0 and checked == 0:
        which = "the vehicle" if total == 1 else f"any of {count(total, 'vehicle')}"
        return f"Cannot tell whether {which} needs attention: too little data to look for bad cells"
    if total == 1 and needing == 0:
        return "The vehicle needs no attention today"
    if needing == 0 and checked < total:
        verb = "needs" if checked == 1 else "need"
        able = f"the {checked} vehicles" if checked > 1 else "the one vehicle"
        return f"Of {total} vehicles, {able} that could be checked {verb} no attention today"
    if needing == 0:
        return f"None of {count(total, 'vehicle')} needs attention today"
    verb = "needs" if needing == 1 else "need"
    return f"{needing} of {count(total, 'vehicle')} {verb} attention today"


def named(vehicle_ids: list[str], most: int = 6) -> str:
    """List vehicles, the first few by name.

    >>> named(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    shown = ", ".join(clean(name) for name in vehicle_ids[:most])
    rest = len(vehicle_ids) - most
    return f"{shown} and {rest} more" if rest > 0 else shown


def freshness(report: TriageReport) -> str:
    """Say how old the data are, because 'today' rests on them; empty without data."""
    ends = {
        vehicle.vehicle_id: vehicle.last_second
        for vehicle in report.vehicles
        if math.isfinite(vehicle.last_second)
    }
    if not ends:
        return ""
    known = {name: end for name, end in ends.items() if dated(end)}
    if not known:
        return "The data tell elapsed time only; of which date they are, and how old, is unknown."
    newest, oldest = max(known.values()), min(known.values())
    age = report.generated_second - newest
    relation = "before" if age >= 0.0 else "after"
    text = f"The newest data are of {moment(newest)}, {duration(age)} {relation} this report."
    if age > 2.0 * SECOND_PER_DAY:
        text += " What is said of today holds for the end of each vehicle's data."
    elif newest - oldest > 2.0 * SECOND_PER_DAY:
        silent = [name for name, end in known.items() if newest - end > 2.0 * SECOND_PER_DAY]
        text += f" Silent for longer: {named(silent)}."
    if len(known) < len(ends):
        text += f" Of unknown date: {named([name for name in ends if name not in known])}."
    return text


def since(finding: Finding, vehicle: VehicleSummary | None) -> str:
    """Say how long before the vehicle's last data a finding began.

    Where it holds from the first data on, the true beginning is unknown and the text says so.
    """
    if vehicle is None or not math.isfinite(vehicle.last_second):
        return ""
    if finding.onset_second <= vehicle.first_second + SECOND_PER_HOUR:
        return "from the first data or before"
    return f"{duration(vehicle.last_second - finding.onset_second)} before the last data"


def age(finding: Finding, vehicle: VehicleSummary | None) -> str:
    """Say how old a finding's evidence is against the vehicle's last data."""
    if vehicle is None or not math.isfinite(vehicle.last_second):
        return f"last renewed {moment(finding.last_seen_second)}"
    gap = vehicle.last_second - finding.last_seen_second
    if gap < SECOND_PER_HOUR:
        return "renewed up to the last data"
    return f"last renewed {duration(gap)} before the last data"
