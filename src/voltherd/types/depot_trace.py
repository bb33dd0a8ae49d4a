"""What was said in a depot, message by message."""

from typing import Final, NamedTuple

VEHICLE: Final = "vehicle → station → depot"
STATION: Final = "station → depot"
DEPOT: Final = "depot → station"
OPERATOR: Final = "operator → station"
FROM_GRID: Final = "grid → depot"
TO_GRID: Final = "depot → grid"


class Message(NamedTuple):
    """One message.

    Attributes:
        second: When [unix s].
        station: The station that says it or is told; empty where none is.
        way: From whom to whom.
        action: As OCPP names it.
        text: What it says, in few words.
    """

    second: float
    station: str
    way: str
    action: str
    text: str
