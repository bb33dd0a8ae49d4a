"""One row of the fault tree: a piece of evidence, and how likely each cause brings it about."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from voltherd.types.event import Cause, LocationKind

C = Cause
CELL, MODULE, PROBE = LocationKind.CELL, LocationKind.MODULE, LocationKind.PROBE
PACK, CHANNEL = LocationKind.PACK, LocationKind.CHANNEL
BODY: Final = frozenset({CELL, MODULE, PACK})
EVERYWHERE: Final = frozenset(LocationKind)


class Row(NamedTuple):
    """One piece of evidence.

    Attributes:
        name: Stable name.
        places: Kinds of places it can be looked for at.
        present: What it says when it is there, in plain words.
        absent: What it says when it was looked for and is not; empty where that says little.
        find: How to find out where it is unknown.
        leak: Probability that it shows without any of the causes; that an alarm is chance is
            told by its finding's confidence, and enters here as something small.
        links: Probability that each cause brings it about.
        given: Whether it is asked only of what deviates: healthy places say nothing of it then.
    """

    name: str
    places: frozenset[LocationKind]
    present: str
    absent: str
    find: str
    leak: float
    links: Mapping[Cause, float]
    given: bool = False
