"""An actuator that only remembers: voltherd then advises, and the pack's own electronics decide."""

from typing import final

from voltherd.types.actuation import NOTHING_FLOWS, Actuation


@final
class MemoryActuator:
    """The ``Actuator`` port for who commands nothing.

    Attributes:
        last: What was told last.
        told: How often something was.
    """

    def __init__(self) -> None:
        self.last: Actuation = NOTHING_FLOWS
        self.told = 0

    def apply(self, actuation: Actuation) -> None:
        """Remember it; see ``Actuator.apply``."""
        self.last = actuation
        self.told += 1
