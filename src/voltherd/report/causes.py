"""Root causes in words: the most likely, the others, what speaks against it, what would decide."""

from collections.abc import Iterable
from typing import Final

from voltherd.report.words import clean, count, percent
from voltherd.types.event import Cause, Causes, Finding, PossibleCause
from voltherd.types.report import CauseCount

CAUSE_TITLE: Final = {
    Cause.INTERNAL_SHORT: "internal short",
    Cause.CONTACT: "poor contact",
    Cause.WEAK_CELL: "weak cell",
    Cause.COOLING: "cooling",
    Cause.SENSOR: "measurement",
    Cause.PLATING: "lithium plating",
    Cause.IMBALANCE: "missing balancing",
    Cause.TAMPERING: "tampering",
    Cause.SWITCH: "switch",
    Cause.INGRESS: "water or dirt in the pack",
}
"""What each cause is called on screen."""
SAID_FOR: Final = 2
"""Pieces of evidence told of on either side; JSON has the rest."""


def cause_words(finding: Finding) -> tuple[tuple[str, str], ...]:
    """Tell what is probably behind a finding: labels and texts, nothing where nobody has asked."""
    causes = finding.causes
    if causes is None:
        return ()
    if not causes.ranked:
        return (("cause", "cannot tell: none of the known causes explains it"),)
    first = causes.ranked[0]
    if causes.told:
        others = "; ".join(_likely(other) for other in causes.ranked[1:])
        told = [("most likely", _likely(first) + (f"; else {others}" if others else ""))]
    else:
        names = "; ".join(_likely(each) for each in causes.ranked)
        told = [("cause", f"cannot tell yet: {names}")]
    for label, said in (("for it", first.supporting), ("against it", first.opposing)):
        if said:
            told.append((label, "; ".join(said[:SAID_FOR])))
    if causes.decide:
        told.append(("would decide", causes.decide))
    if causes.missing and not causes.told:
        told.append(("missing", "; ".join(causes.missing)))
    return tuple(told)


def _likely(each: PossibleCause) -> str:
    return f"{CAUSE_TITLE[each.cause]} {percent(each.probability)}"


def cause_headline(causes: Causes | None) -> str:
    """Give the most likely cause in a few words, empty where it cannot be told."""
    if causes is None or not causes.told:
        return ""
    return _likely(causes.ranked[0])


def frequent_lines(counts: Iterable[CauseCount]) -> list[str]:
    """Tell the most frequent root causes, one line for each group of vehicles."""
    groups: dict[tuple[str, str], list[CauseCount]] = {}
    for each in counts:
        groups.setdefault((each.by, each.group), []).append(each)
    lines = []
    for (by, group), members in groups.items():
        who = "all" if by == "fleet" else f"{by} {clean(group)}"
        told = ", ".join(
            f"{CAUSE_TITLE[m.cause] if m.cause else 'cannot tell yet'} {m.findings}"
            for m in members
        )
        vehicles = count(members[0].vehicles_with_findings, "vehicle")
        lines.append(f"{who} ({vehicles} with findings): {told}")
    return lines
