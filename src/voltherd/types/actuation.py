"""What an edge lets flow, as those are told who command chargers, inverters and contactors."""

from typing import Final, NamedTuple


class Actuation(NamedTuple):
    """Limits that hold until the next ones come, or until they are too old.

    Attributes:
        unix_time_second: Of the sample they rest on, by the vehicle's clock [unix s].
        charge_ampere_max: Most current into the pack, a magnitude [A].
        discharge_ampere_max: Most current out of the pack, a magnitude [A].
        contactors_closed: False where the pack is to be cut off.
    """

    unix_time_second: float
    charge_ampere_max: float
    discharge_ampere_max: float
    contactors_closed: bool


NOTHING_FLOWS: Final = Actuation(0.0, 0.0, 0.0, True)
"""The safe state of an edge that cannot see: no current is permitted.  The contactors are left to
the pack's own battery management, since to cut off a moving vehicle blindly is a hazard as well."""
