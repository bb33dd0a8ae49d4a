"""A profile from a database alone: by the names and units of its signals, no data seen.

Recorded data tell more, and what they told can be saved (``voltherd import --save-profile``).  One
thing no name tells: which way the current counts.  Where the database's comment does not say it
either, there is no guess, since limits of charging and discharging hang on it.
"""

import re
from collections.abc import Sequence
from typing import Final

from voltherd.errors import UsageError
from voltherd.intake import names
from voltherd.intake.families import Family, patterns, telling_numbers
from voltherd.intake.grouping import number
from voltherd.intake.profile import ChannelRule, GroupRule, Profile
from voltherd.types.channel import SCALARS
from voltherd.types.frame import MessageLayout, SignalLayout

_UNIT: Final = {
    "V": (1.0, 0.0),
    "mV": (1e-3, 0.0),
    "A": (1.0, 0.0),
    "mA": (1e-3, 0.0),
    "°C": (1.0, 0.0),
    "K": (1.0, -273.15),
    "°F": (1.0 / 1.8, -32.0 / 1.8),
    "1": (1.0, 0.0),
    "%": (0.01, 0.0),
    "‰": (1e-3, 0.0),
    "km/h": (1.0, 0.0),
    "m/s": (3.6, 0.0),
    "mph": (1.609344, 0.0),
    "km": (1.0, 0.0),
    "m": (1e-3, 0.0),
    "mi": (1.609344, 0.0),
    "Ω": (1.0, 0.0),
    "kΩ": (1e3, 0.0),
    "MΩ": (1e6, 0.0),
    "Pa": (1.0, 0.0),
    "hPa": (1e2, 0.0),
    "kPa": (1e3, 0.0),
    "bar": (1e5, 0.0),
}
"""Canonical units per unit of each kind, and what is added after."""
_NO_UNIT: Final = {"soc_fraction": (0.01, 0.0), "relative_humidity_fraction": (0.01, 0.0)}
"""What a ratio without a unit is on a bus: percent."""
_CLAUSE: Final = re.compile(r"[,;.:()/|]|\b(?:and|und)\b")
_DISCHARGE: Final = re.compile(r"discharg|entlad", re.I)
_CHARGE: Final = re.compile(r"(?<!dis)charg|(?<!ent)lad(?:en|ung)", re.I)
_POSITIVE: Final = re.compile(r"\bpositiv|\+", re.I)
_NEGATIVE: Final = re.compile(r"\bnegativ", re.I)
_MEND: Final = (
    "record a log and let data tell: voltherd import LOG --dbc DBC --dry-run --save-profile PROFILE"
)


def guess_profile(messages: Sequence[MessageLayout]) -> Profile:
    """Guess which signal is which channel.

    Args:
        messages: What the bus carries.

    Returns:
        The profile; time and vehicle are no signals.

    Raises:
        UsageError: It cannot be told: no cells by name, or a current whose direction is not said.
    """
    found = {signal.name: (message, signal) for message in messages for signal in message.signals}
    families: dict[str, list[str]] = {}
    alone: list[str] = []
    for members in patterns(list(found)).values():
        role = names.group_role(members[0]) if len(members) > 1 else None
        if role is None:
            alone += members
        elif len(members) > len(families.get(role, [])):
            families[role] = members
    if names.CELLS not in families:
        raise UsageError(
            "no numbered signals that look like cell voltages by their names",
            where="database",
            mend=_MEND,
        )
    scalar: dict[str, ChannelRule] = {}
    for name in alone:
        role = names.role(name)
        if role in SCALARS and role not in scalar:
            scale, offset = _conversion(role, found[name][1])
            sign = _sign(found[name][1]) if role == "current_ampere" else 1.0
            scalar[role] = ChannelRule(column=name, scale=sign * scale, offset=offset)
    return Profile(
        cells=_group(names.CELLS, families[names.CELLS], found[families[names.CELLS][0]][1]),
        probes=_group(names.PROBES, families[names.PROBES], found[families[names.PROBES][0]][1])
        if names.PROBES in families
        else None,
        scalar=scalar,
    )


def _group(role: str, members: Sequence[str], first: SignalLayout) -> GroupRule:
    family = Family(role, tuple(members), telling_numbers(members), "by name", True)
    columns, indices, _ = number(family)
    scale, offset = _conversion(role, first)
    return GroupRule(columns=columns, indices=indices, scale=scale, offset=offset)


def _conversion(role: str, signal: SignalLayout) -> tuple[float, float]:
    unit = names.unit_symbol(signal.unit) or names.parse(signal.name).unit
    return _UNIT.get(unit) or _NO_UNIT.get(role, (1.0, 0.0))


def _sign(signal: SignalLayout) -> float:
    """Read the direction from the comment; clauses that say anything must agree.

    >>> _sign(SignalLayout("I", 0, 16, comment="Pack current, positive while DISCHARGING"))
    -1.0
    >>> _sign(SignalLayout("I", 0, 16, comment="positive = charge, negative = discharge"))
    1.0
    """
    votes = set()
    for clause in _CLAUSE.split(signal.comment):
        which = [
            sign for pattern, sign in ((_CHARGE, 1.0), (_DISCHARGE, -1.0)) if pattern.search(clause)
        ]
        side = [
            sign
            for pattern, sign in ((_POSITIVE, 1.0), (_NEGATIVE, -1.0))
            if pattern.search(clause)
        ]
        if len(which) == len(side) == 1:
            votes.add(which[0] * side[0])
        elif which and side:
            votes |= {1.0, -1.0}  # says both in one breath: not to be told apart
    if len(votes) == 1:
        return votes.pop()
    raise UsageError(
        f"nothing says whether signal {signal.name!r} counts charging or discharging positive",
        where="database",
        mend=_MEND,
    )
