"""What a person wants of a depot that runs, and what becomes of it."""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

TIMEOUT_SECOND_MAX: Final = 600.0
"""Nobody waits longer for an answer [s]."""
Verdict = Literal["done", "refused", "invalid", "away", "silent", "late", "unknown"]
"""``done``: the station accepts.  ``refused``: it says no.  ``invalid``: it makes no sense and was
asked of nobody.  ``away``: it is not connected.  ``silent``: it does not answer.  ``late``: nobody
waits for it any more, and it was not carried out.  ``unknown``: the depot ended while it asked."""


class Asked(NamedTuple):
    """What somebody wants.

    Attributes:
        order_id: Of the order; ascending with time.
        by: The user of the machine who gave it.
        asked_second: When [unix s].
        timeout_second: After which nobody waits for it any more [s].
        station_id: Whom it is for; empty where that is to be found.
        what: Its name, as a person types it.
        words: Its arguments by name.
    """

    order_id: str
    by: str
    asked_second: float
    timeout_second: float
    station_id: str
    what: str
    words: Mapping[str, str]

    @property
    def end_second(self) -> float:
        """When nobody waits for it any more [unix s]."""
        return self.asked_second + min(self.timeout_second, TIMEOUT_SECOND_MAX)


class Answered(NamedTuple):
    """What became of it, for a person."""

    verdict: Verdict
    text: str
