"""What became of what was planted: found under its own name, seen as something else, missed, false.

A fault counts as found only where a finding at its place, raised after the fault began, bears its
name.  What is raised where nothing was planted counts as false from severity recommended on;
milder findings are remarks on data quality and cost nobody a visit.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from voltherd.sim.faults import Fault
from voltherd.types.event import Finding, Location, Severity


class Score(NamedTuple):
    """The account, each entry ready for JSON.

    Attributes:
        planted: Everything planted.
        found: What was found under its own name.
        missed: What was not, with what stands there instead.
        false: Findings where nothing was planted.
    """

    planted: tuple[Mapping[str, Any], ...]
    found: tuple[Mapping[str, Any], ...]
    missed: tuple[Mapping[str, Any], ...]
    false: tuple[Mapping[str, Any], ...]


def score(faults: Sequence[Fault], names: Sequence[str], findings: Iterable[Finding]) -> Score:
    """Hold findings to the truth.

    Args:
        faults: What was planted.
        names: Names of the vehicles, in the order of their numbers.
        findings: All findings of these vehicles.
    """
    told = list(findings)
    planted, found, missed, accounted = [], [], [], set()
    for fault in faults:
        entry = _entry(names[fault.vehicle - 1], fault.phenomenon, fault.location)
        planted.append(entry)
        there = [
            finding
            for finding in told
            if finding.vehicle_id == entry["vehicle_id"] and same_place(finding, fault)
        ]
        accounted |= {id(finding) for finding in there}
        named = [finding for finding in there if finding.phenomenon is fault.phenomenon]
        if named:
            first = min(finding.raised_second for finding in named)
            found.append(
                {
                    **entry,
                    "severity": max(finding.severity for finding in named).word,
                    "raised_after_second": first - fault.start_second,
                }
            )
        else:
            missed.append({**entry, "seen_as": [finding.phenomenon.value for finding in there]})
    false = [
        {
            **_entry(finding.vehicle_id, finding.phenomenon, finding.location),
            "severity": finding.severity.word,
        }
        for finding in told
        if finding.severity >= Severity.RECOMMENDED and id(finding) not in accounted
    ]
    return Score(tuple(planted), tuple(found), tuple(missed), tuple(false))


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


def _entry(vehicle_id: str, phenomenon: str, location: Location) -> dict[str, Any]:
    return {
        "vehicle_id": vehicle_id,
        "phenomenon": str(phenomenon),
        "location": {
            "kind": str(location.kind),
            "index": location.index,
            "cells": list(location.cells),
            "channel": location.channel,
        },
    }
