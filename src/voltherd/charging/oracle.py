"""What the decomposition asks of vehicles: at these prices, what would you do?"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

Prices = Float[np.ndarray, "classes steps"]


class Answer(NamedTuple):
    """The cheapest that all vehicles can do at some prices.

    Attributes:
        power_kilowatt: Of each class [kW].
        wear_eur: What a class pays for wear [EUR].
        unserved_kwh: What a class leaves undrawn of what it needs [kWh].
        detail: What the oracle needs to tell each vehicle's part.
    """

    power_kilowatt: Float[np.ndarray, "classes steps"]
    wear_eur: Float[np.ndarray, "classes"]
    unserved_kwh: Float[np.ndarray, "classes"]
    detail: Any


class Profiles(NamedTuple):
    """What each vehicle does.

    Attributes:
        power_kilowatt: Drawn, negative where given [kW].
        unserved_kwh: Needed and not drawn [kWh].
        wear_eur: Wear of giving energy back [EUR].
    """

    power_kilowatt: Float[np.ndarray, "vehicles steps"]
    unserved_kwh: Float[np.ndarray, "vehicles"]
    wear_eur: Float[np.ndarray, "vehicles"]


@runtime_checkable
class Oracle(Protocol):
    """Vehicles without any limit between them: all they know of each other is the price."""

    @property
    def unserved_eur_per_kwh(self) -> float:
        """What energy not drawn costs; above every price of buying [EUR/kWh]."""
        ...

    def answer(self, price_eur_per_kwh: Prices) -> Answer:
        """Give the cheapest at these prices, exactly: the bound is made of it."""
        ...

    def nothing(self) -> Answer:
        """Give the answer of vehicles that do not charge: it keeps every limit."""
        ...

    def profiles(
        self, answers: Sequence[Answer], weights: Float[np.ndarray, "answers classes"]
    ) -> Profiles:
        """Mix answers; each class's weights sum to 1."""
        ...

    def followed(
        self, answers: Sequence[Answer], choice: Int[np.ndarray, "vehicles"]
    ) -> Float[np.ndarray, "vehicles steps"]:
        """Give what vehicles draw when each follows one answer [kW]."""
        ...
