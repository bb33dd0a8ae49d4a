"""What is to be planned: vehicles that come and go, a site with limits and prices.

Power into a vehicle is positive, out of it negative.  Time is cut into equal steps; a vehicle that
arrives at step ``a`` and departs at step ``d`` may charge in steps ``a`` to ``d - 1``.  A day of 23
or 25 hours is a plan with fewer or more steps.
"""

from dataclasses import dataclass, fields, replace
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Bool, Float, Int

PerVehicle = Float[np.ndarray, "vehicles"]
PerStep = Float[np.ndarray, "steps"]
DRAWS, GIVES, TAPERS, SWITCHES = range(4)
"""Kinds of vehicles: they draw at one power, give back, draw less as their batteries fill, or are
there twice, on three phases and on one."""
_BENDS_KILOWATT: Final = 1e-9


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fleet:
    """Vehicles of one night, all arrays by vehicle.

    Attributes:
        arrival_step: First step in which it can charge.
        departure_step: First step in which it no longer can.
        power_max_kilowatt: Most it draws, at the charger's input [kW].
        energy_kwh: To be in its battery at departure beyond what is in it now [kWh].
        battery_kwh: Usable size [kWh].
        stored_kwh: In it at arrival [kWh].
        phases: 1 or 3.
        phase: Which one, 0 to 2; of no meaning where it charges on three.
        charge_efficiency: Battery energy per energy drawn.
        power_min_kilowatt: Least it draws unless it draws nothing (6 A) [kW].
        names: For messages; numbers otherwise.
    """

    arrival_step: Int[np.ndarray, "vehicles"]
    departure_step: Int[np.ndarray, "vehicles"]
    power_max_kilowatt: PerVehicle
    energy_kwh: PerVehicle
    battery_kwh: PerVehicle
    stored_kwh: PerVehicle
    phases: Int[np.ndarray, "vehicles"]
    phase: Int[np.ndarray, "vehicles"]
    charge_efficiency: PerVehicle
    power_min_kilowatt: PerVehicle
    names: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Vehicles."""
        return len(self.energy_kwh)

    def name(self, vehicle: int) -> str:
        """What messages call it."""
        return self.names[vehicle] if self.names else f"vehicle {vehicle}"

    def of(self, some: Int[np.ndarray, "some"]) -> "Fleet":
        """Give some of the vehicles."""
        arrays = {of.name: getattr(self, of.name) for of in fields(self) if of.name != "names"}
        names = tuple(self.names[n] for n in some) if self.names else ()
        return Fleet(names=names, **{name: array[some] for name, array in arrays.items()})


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Discharge:
    """That vehicles may give back, and what this wears.

    Attributes:
        limit_kilowatt: Most that a vehicle gives, at the charger's input; 0 where it cannot [kW].
        efficiency: Energy given per energy taken from the battery, by vehicle.
        tier_fraction: Widths of the tiers of wear, as fractions of the limit, that sum to 1.
        tier_wear_eur_per_kwh: Wear in each tier per kWh given, by vehicle, not falling (convex)
            [EUR/kWh].
        reserve_kwh: What each keeps in its battery whatever is paid, or what it came with where
            that is less; nothing where it is not given [kWh].
    """

    limit_kilowatt: PerVehicle
    efficiency: PerVehicle
    tier_fraction: Float[np.ndarray, "tiers"]
    tier_wear_eur_per_kwh: Float[np.ndarray, "vehicles tiers"]
    reserve_kwh: PerVehicle | None = None

    def of(self, some: Int[np.ndarray, "some"]) -> "Discharge":
        """Give what some vehicles may give back."""
        return replace(
            self,
            limit_kilowatt=self.limit_kilowatt[some],
            efficiency=self.efficiency[some],
            tier_wear_eur_per_kwh=self.tier_wear_eur_per_kwh[some],
            reserve_kwh=None if self.reserve_kwh is None else self.reserve_kwh[some],
        )


class Taper(NamedTuple):
    """How the power that vehicles take falls as their batteries fill: the least of some lines.

    Such a bend is concave, so that what lies between two plans is a plan, too.  It is held at the
    end of each step, hence throughout it.

    Attributes:
        empty_kilowatt: Of each line at an empty battery; infinite where there is none [kW].
        fall_per_hour: What each line falls by for each kWh in the battery [kW/kWh].
    """

    empty_kilowatt: Float[np.ndarray, "vehicles lines"]
    fall_per_hour: Float[np.ndarray, "vehicles lines"]

    def at(self, stored_kwh: PerVehicle) -> PerVehicle:
        """Give the power that batteries filled so far take [kW]."""
        return np.asarray((self.empty_kilowatt - self.fall_per_hour * stored_kwh[:, None]).min(1))

    def of(self, some: Int[np.ndarray, "some"]) -> "Taper":
        """Give the bends of some vehicles."""
        return Taper(self.empty_kilowatt[some], self.fall_per_hour[some])


class Single(NamedTuple):
    """That vehicles on three phases could be charged on one instead, for the whole stay.

    Attributes:
        able: Which ones; ``Fleet.phase`` says the phase.
        power_max_kilowatt: Most they draw on it [kW].
        power_min_kilowatt: Least they draw on it unless nothing [kW].
    """

    able: Bool[np.ndarray, "vehicles"]
    power_max_kilowatt: PerVehicle
    power_min_kilowatt: PerVehicle

    def of(self, some: Int[np.ndarray, "some"]) -> "Single":
        """Give those of some vehicles."""
        return Single(*(part[some] for part in self))


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


class Outage(NamedTuple):
    """Steps without a grid: vehicles live on own generation and on each other.

    Attributes:
        gone: In which steps.
        shed_eur_per_kwh: What a kWh of base load that goes without costs [EUR/kWh].
    """

    gone: Bool[np.ndarray, "steps"]
    shed_eur_per_kwh: float


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


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """Everything a plan depends on.

    Attributes:
        fleet: The vehicles.
        site: Where they charge.
        discharge: What they may give back; nothing where it is not given.
        taper: How their power falls as they fill; it does not where it is not given.
        stores: How many of the last vehicles are none, but batteries of the site that are always
            there.
        waiting_eur_per_kwh_hour: Wear of each kWh that waits in a vehicle's battery, for each hour
            until its departure; none where it is not given [EUR/kWh/h].
        single: Which could be charged on one phase instead of three; none where it is not given.
        twins: Vehicles that are there twice; the last ones are they on one phase, in this order.
    """

    fleet: Fleet
    site: Site
    discharge: Discharge | None = None
    taper: Taper | None = None
    stores: int = 0
    waiting_eur_per_kwh_hour: PerVehicle | None = None
    single: Single | None = None
    twins: tuple[int, ...] = ()

    @property
    def vehicles(self) -> int:
        """How many real ones there are: they come first."""
        return self.fleet.size - self.stores

    @property
    def kind(self) -> Int[np.ndarray, "vehicles"]:
        """How each vehicle is planned: one that bends only beyond its need does not."""
        kind = np.full(self.fleet.size, DRAWS)
        if self.taper is not None:
            fleet = self.fleet
            last = self.taper.at(fleet.stored_kwh + fleet.energy_kwh)
            kind[last < fleet.power_max_kilowatt - _BENDS_KILOWATT] = TAPERS
        if self.discharge is not None:
            kind[self.discharge.limit_kilowatt > 0.0] = GIVES
        kind[self.fleet.size - len(self.twins) :] = SWITCHES
        kind[list(self.twins)] = SWITCHES
        return kind

    def of(self, some: Int[np.ndarray, "some"]) -> "Problem":
        """Give the problem of some of the vehicles alone."""
        groups = tuple(group._replace(member=group.member[some]) for group in self.site.groups)
        return replace(
            self,
            fleet=self.fleet.of(some),
            site=replace(self.site, groups=groups),
            discharge=None if self.discharge is None else self.discharge.of(some),
            taper=None if self.taper is None else self.taper.of(some),
            stores=int((some >= self.vehicles).sum()),
            waiting_eur_per_kwh_hour=None
            if self.waiting_eur_per_kwh_hour is None
            else self.waiting_eur_per_kwh_hour[some],
            single=None if self.single is None else self.single.of(some),
            twins=self._twins_of(some),
        )

    def _twins_of(self, some: Int[np.ndarray, "some"]) -> tuple[int, ...]:
        """Give where among some vehicles those are that are there twice: all of them or none."""
        if not self.twins or not (some >= self.fleet.size - len(self.twins)).any():
            return ()
        return tuple(np.searchsorted(some, self.twins).tolist())

    @property
    def window(self) -> Bool[np.ndarray, "vehicles steps"]:
        """Whether a vehicle is there."""
        step = np.arange(self.site.steps)
        fleet = self.fleet
        return np.asarray(
            (step >= fleet.arrival_step[:, None]) & (step < fleet.departure_step[:, None])
        )

    @property
    def drawn_kwh(self) -> PerVehicle:
        """What must be drawn for the energy that is needed [kWh]."""
        return np.asarray(self.fleet.energy_kwh / self.fleet.charge_efficiency)

    @property
    def waiting_eur_per_kwh(self) -> Float[np.ndarray, "vehicles steps"]:
        """Wear that a kWh drawn in each step waits until the departure for [EUR/kWh]."""
        if self.waiting_eur_per_kwh_hour is None:
            return np.zeros(self.window.shape)
        left = self.fleet.departure_step[:, None] - np.arange(self.site.steps)
        each = self.waiting_eur_per_kwh_hour * self.fleet.charge_efficiency * self.site.step_hour
        return np.asarray(np.where(self.window, each[:, None] * left, 0.0))

    @property
    def at_once_kilowatt(self) -> Float[np.ndarray, "vehicles steps"]:
        """Power of vehicles that charge as fast as they can from their arrival on [kW]."""
        fleet, hour = self.fleet, self.site.step_hour
        most = np.where(self.window, fleet.power_max_kilowatt[:, None], 0.0)
        power = np.zeros_like(most)
        left = self.drawn_kwh
        for step in range(self.site.steps):
            power[:, step] = np.minimum(most[:, step], left / hour)
            if self.taper is not None:
                stored = fleet.stored_kwh + fleet.energy_kwh - left * fleet.charge_efficiency
                bend = self.bend_kilowatt(stored)
                power[:, step] = np.minimum(power[:, step], bend)
            left = np.maximum(left - power[:, step] * hour, 0.0)
        return power

    def bend_kilowatt(self, stored_kwh: PerVehicle) -> PerVehicle:
        """Give the power that batteries so full take through a step, by its end's bend [kW]."""
        assert self.taper is not None
        empty, fall = self.taper
        held = 1.0 + fall * (self.fleet.charge_efficiency * self.site.step_hour)[:, None]
        return np.asarray(np.maximum(((empty - fall * stored_kwh[:, None]) / held).min(1), 0.0))

    @property
    def reachable_kwh(self) -> PerVehicle:
        """What can be drawn within the window at full power, up to the need [kWh]."""
        fleet = self.fleet
        stay_hour = (fleet.departure_step - fleet.arrival_step) * self.site.step_hour
        reached = np.asarray(np.minimum(self.drawn_kwh, fleet.power_max_kilowatt * stay_hour))
        bends = np.flatnonzero(self.kind == TAPERS)
        if len(bends):
            some = self.of(bends)
            reached[bends] = some.at_once_kilowatt.sum(axis=1) * self.site.step_hour
        return reached
