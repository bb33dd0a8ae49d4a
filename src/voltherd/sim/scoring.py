"""What became of what was planted: found under its own name, seen as something else, missed, false.

A fault counts as found only where a finding at its place, raised after the fault began, bears its
name.  What is raised where nothing was planted counts as false from severity recommended on;
milder findings are remarks on data quality and cost nobody a visit.
"""

from collections.abc import Iterable, Sequence
from math import isfinite, nan
from typing import Any, NamedTuple

from voltherd.sim.faults import Fault
from voltherd.types.event import Finding, Location, Phenomenon, Severity


class Judged(NamedTuple):
    """One thing planted, or one finding where nothing was.

    Attributes:
        vehicle_id: Whose.
        phenomenon: What was planted, or is said.
        location: Where.
        finding: The finding under its name, or the false one; None where it was missed.
        after_second: From the fault's beginning to the first raise under its name; NaN else [s].
        seen_as: What stands at the place of a missed fault instead.
    """

    vehicle_id: str
    phenomenon: Phenomenon
    location: Location
    finding: Finding | None = None
    after_second: float = nan
    seen_as: tuple[Phenomenon, ...] = ()

    def plain(self) -> dict[str, Any]:
        """Give it ready for JSON."""
        place = self.location
        told: dict[str, Any] = {
            "vehicle_id": self.vehicle_id,
            "phenomenon": self.phenomenon.value,
            "location": {
                "kind": place.kind.value,
                "index": place.index,
                "cells": list(place.cells),
                "channel": place.channel,
            },
        }
        if self.finding is not None:
            told["severity"] = self.finding.severity.word
        if isfinite(self.after_second):
            told["raised_after_second"] = self.after_second
        if self.seen_as:
            told["seen_as"] = [phenomenon.value for phenomenon in self.seen_as]
        return told


class Score(NamedTuple):
    """The account.

    Attributes:
        planted: Everything planted.
        found: What was found under its own name.
        missed: What was not.
        false: Findings where nothing was planted.
    """

    planted: tuple[Judged, ...]
    found: tuple[Judged, ...]
    missed: tuple[Judged, ...]
    false: tuple[Judged, ...]


def score(faults: Sequence[Fault], names: Sequence[str], findings: Iterable[Finding]) -> Score:
    """Hold findings to the truth.

    Args:
        faults: What was planted.
        names: Names of the vehicles, in the order of their numbers.
        findings: All findings of these vehicles.
    """
    told = list(findings)
    planted: list[Judged] = []
    accounted: set[int] = set()
    for fault in faults:
        name = names[fault.vehicle - 1]
        there = [f for f in told if f.vehicle_id == name and same_place(f, fault)]
        accounted |= {id(finding) for finding in there}
        planted.append(_judged(name, fault, there))
    false = tuple(
        Judged(finding.vehicle_id, finding.phenomenon, finding.location, finding)
        for finding in told
        if finding.severity >= Severity.RECOMMENDED and id(finding) not in accounted
    )
    found = tuple(one for one in planted if one.finding is not None)
    missed = tuple(one for one in planted if one.finding is None)
    return Score(tuple(planted), found, missed, false)


def _judged(name: str, fault: Fault, there: Sequence[Finding]) -> Judged:
    named = [finding for finding in there if finding.phenomenon is fault.phenomenon]
    if not named:
        seen = tuple(finding.phenomenon for finding in there)
        return Judged(name, fault.phenomenon, fault.location, seen_as=seen)
    worst = max(named, key=lambda finding: finding.severity)
    first = min(finding.raised_second for finding in named)
    return Judged(name, fault.phenomenon, fault.location, worst, first - fault.start_second)


def same_place(finding: Finding, planted: Fault) -> bool:
    """Whether a finding speaks of the place of a fault, and was raised after it began."""
    if finding.raised_second < planted.start_second:
        return False
    there, here = finding.location, planted.location
    if there.kind is not here.kind:
        return False
    if here.channel and there.channel and not (here.index or here.cells):
        return there.channel == here.channel
    return there.index == here.index or bool(set(there.cells) & set(here.cells))
