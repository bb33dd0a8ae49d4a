"""Where vehicles charge: the connection with its limits, and what energy costs there.

What is left of each thing from a step on is told beside it, so that a plan made anew keeps it.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple, final

import numpy as np
from jaxtyping import Bool, Float, Int

PerStep = Float[np.ndarray, "steps"]


class Group(NamedTuple):
    """Chargers that share a limit below that of the site; groups may lie within each other.

    Attributes:
        name: For messages.
        member: Which vehicles charge there.
        limit_kilowatt: What they may draw together in each step [kW].
        by_phase: Whether each phase is limited to a third of it.
    """

    name: str
    member: Bool[np.ndarray, "vehicles"]
    limit_kilowatt: PerStep
    by_phase: bool = False

    def of(self, some: Int[np.ndarray, "some"]) -> "Group":
        """Give it with some of the vehicles."""
        return self._replace(member=self.member[some])

    def later(self, step: int) -> "Group":
        """Give it from a step on."""
        return self._replace(limit_kilowatt=self.limit_kilowatt[step:])


class Tier(NamedTuple):
    """Energy beyond some power or volume costs more.

    Attributes:
        above: Power from the grid [kW], or energy from it over the whole plan, less what is given
            to it [kWh].
        added_eur_per_kwh: What energy beyond costs more; not below 0 [EUR/kWh].
    """

    above: float
    added_eur_per_kwh: float


class Band(NamedTuple):
    """Reserve for the grid: so much less or more could be drawn at once, for a payment.

    Attributes:
        kilowatt: Wanted in each step, up and down alike [kW].
        eur_per_kilowatt_hour: Paid for what is kept ready [EUR/kW/h].
    """

    kilowatt: PerStep
    eur_per_kilowatt_hour: PerStep

    def later(self, step: int) -> "Band":
        """Give it from a step on."""
        return Band(self.kilowatt[step:], self.eur_per_kilowatt_hour[step:])


class Outage(NamedTuple):
    """Steps without a grid: vehicles live on own generation and on each other.

    Attributes:
        gone: In which steps.
        shed_eur_per_kwh: What a kWh of base load that goes without costs [EUR/kWh].
    """

    gone: Bool[np.ndarray, "steps"]
    shed_eur_per_kwh: float

    def later(self, step: int) -> "Outage | None":
        """Give what is left of it from a step on, if anything is."""
        left = self.gone[step:]
        return self._replace(gone=left) if left.any() else None


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Site:
    """The connection and what energy costs there.

    Attributes:
        step_hour: Length of a step [h].
        price_eur_per_kwh: Of energy bought in each step; may be negative [EUR/kWh].
        limit_kilowatt: Of the connection, base load and own generation included [kW].
        base_kilowatt: What the site draws beside the vehicles [kW].
        pv_kilowatt: What it generates [kW].
        phase_limit_kilowatt: Of each phase, where phases are limited; base load and generation
            are taken to lie evenly on them [kW].
        feed_in_eur_per_kwh: Paid for surplus, at most the price of buying; where it is not given
            surplus is worth what buying costs [EUR/kWh].
        demand_eur_per_kilowatt: Charge on the highest power drawn of all steps [EUR/kW].
        peak_kilowatt: Highest power that this charge is paid for already [kW].
        groups: Limits below the site's.
        power_tiers: Where power from the grid becomes dearer.
        volume_tiers: Where energy from the grid does.
        band: Reserve for the grid; none where it is not given.
        outage: When there is no grid, always there where it is not given; the prices of those steps
            are then not asked for.
    """

    step_hour: float
    price_eur_per_kwh: PerStep
    limit_kilowatt: PerStep
    base_kilowatt: PerStep
    pv_kilowatt: PerStep
    phase_limit_kilowatt: Float[np.ndarray, "3 steps"] | None = None
    feed_in_eur_per_kwh: PerStep | None = None
    demand_eur_per_kilowatt: float = 0.0
    peak_kilowatt: float = 0.0
    groups: tuple[Group, ...] = ()
    power_tiers: tuple[Tier, ...] = ()
    volume_tiers: tuple[Tier, ...] = ()
    band: Band | None = None
    outage: Outage | None = None

    @property
    def steps(self) -> int:
        """How many."""
        return len(self.price_eur_per_kwh)

    @property
    def net_base_kilowatt(self) -> PerStep:
        """Base load less own generation [kW]."""
        return np.asarray(self.base_kilowatt - self.pv_kilowatt)

    @property
    def headroom_kilowatt(self) -> PerStep:
        """What is left of the limit for vehicles; without a grid, of own generation [kW]."""
        room = self.limit_kilowatt - self.net_base_kilowatt
        if self.outage is None:
            return np.asarray(room)
        alone = np.minimum(room, np.maximum(-self.net_base_kilowatt, 0.0))
        return np.asarray(np.where(self.outage.gone, alone, room))

    def of(self, some: Int[np.ndarray, "some"]) -> "Site":
        """Give it with some of the vehicles."""
        return replace(self, groups=tuple(group.of(some) for group in self.groups))

    def later(self, step: int, drawn_kilowatt: PerStep) -> "Site":
        """Give it from a step on, when vehicles together drew so much in the steps before [kW]."""
        phases, feed_in, gone = self.phase_limit_kilowatt, self.feed_in_eur_per_kwh, self.outage
        net = self.net_base_kilowatt[:step] + drawn_kilowatt
        used = float(net.sum()) * self.step_hour
        grid = net if gone is None else net[~gone.gone[:step]]
        return replace(
            self,
            price_eur_per_kwh=self.price_eur_per_kwh[step:],
            limit_kilowatt=self.limit_kilowatt[step:],
            base_kilowatt=self.base_kilowatt[step:],
            pv_kilowatt=self.pv_kilowatt[step:],
            phase_limit_kilowatt=None if phases is None else phases[:, step:],
            feed_in_eur_per_kwh=None if feed_in is None else feed_in[step:],
            peak_kilowatt=float(grid.max(initial=self.peak_kilowatt)),
            groups=tuple(group.later(step) for group in self.groups),
            volume_tiers=tuple(
                tier._replace(above=tier.above - used) for tier in self.volume_tiers
            ),
            band=None if self.band is None else self.band.later(step),
            outage=None if gone is None else gone.later(step),
        )
