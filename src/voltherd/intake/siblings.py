"""What one file of an export cannot tell by itself, another file with the same columns may.

A day on which the vehicle only stood tells nothing of the current's sign.  Read alone, it would be
kept as written among days that were turned.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final, NamedTuple

from voltherd.intake import names
from voltherd.intake.profile import ChannelRule, GroupRule
from voltherd.intake.recognise import Recognition
from voltherd.types.report import Remark

ROLES: Final = ("current_ampere", names.PROBES)
"""Roles whose sign, unit or offset rests on what happened while the file was recorded."""
SURE: Final = 0.8
"""From this confidence on a guess needs no help, and may give it."""


class Known(NamedTuple):
    """How a file tells a role, and how sure.

    Attributes:
        scale: Canonical units per source unit.
        offset: Added after scaling, in the canonical unit.
        words: The same for people.
        source: The file.
    """

    scale: float
    offset: float
    words: str
    source: str


def doubted(recognition: Recognition) -> tuple[str, ...]:
    """Name the roles that the file leaves in doubt."""
    return tuple(
        role
        for role, confidence in _confidence(recognition).items()
        if confidence < SURE and _rule(recognition, role) is not None
    )


def known(recognition: Recognition, source: str) -> dict[str, Known]:
    """Give the roles that the file tells for sure, by role."""
    found: dict[str, Known] = {}
    for role, confidence in _confidence(recognition).items():
        rule = _rule(recognition, role)
        if rule is not None and confidence >= SURE:
            words = recognition.words.get(role, "")
            found[role] = Known(rule.scale, rule.offset, words, source)
    return found


def helped(recognition: Recognition, others: Mapping[str, Known]) -> Recognition:
    """Read roles in doubt as another file with the same columns tells them, and say so.

    Args:
        recognition: Of the file in doubt.
        others: What other files know, by role.

    Returns:
        The recognition, changed where another file knows better.
    """
    for role in doubted(recognition):
        other = others.get(role)
        rule = _rule(recognition, role)
        if other is not None and rule is not None:
            recognition = _as_told(recognition, role, rule, other)
    return recognition


def _as_told(
    recognition: Recognition, role: str, rule: ChannelRule | GroupRule, other: Known
) -> Recognition:
    profile = recognition.profile
    if isinstance(rule, GroupRule):
        profile = replace(profile, probes=replace(rule, scale=other.scale, offset=other.offset))
    else:
        told = replace(rule, scale=other.scale, offset=other.offset)
        profile = replace(profile, scalar={**profile.scalar, role: told})
    own = next(d for d in recognition.decisions if d.what == f"{role} unit")
    note = Remark(
        reason="told_by_another_file",
        channel=role,
        count=0,
        total=0,
        detail=f"by itself this file is {own.choice} ({own.confidence:.0%} sure: {own.why}); read "
        f"as in {other.source}, which has the same columns: {other.words}",
        mend="if these files are not of one kind, give each kind its profile",
    )
    kept = tuple(r for r in recognition.remarks if r.channel != f"{role} unit")
    return replace(
        recognition,
        profile=profile,
        decisions=tuple(d for d in recognition.decisions if d is not own),
        remarks=(*kept, note),
        words={**recognition.words, role: f"{other.words}, as in {other.source}"},
    )


def _confidence(recognition: Recognition) -> dict[str, float]:
    told = {decision.what: decision.confidence for decision in recognition.decisions}
    return {role: told[f"{role} unit"] for role in ROLES if f"{role} unit" in told}


def _rule(recognition: Recognition, role: str) -> ChannelRule | GroupRule | None:
    if role == names.PROBES:
        return recognition.profile.probes
    return recognition.profile.scalar.get(role)
