"""What is to be planned: vehicles that come and go, a site with limits and prices.

Power into a vehicle is positive, out of it negative.  Time is cut into equal steps; a vehicle that
arrives at step ``a`` and departs at step ``d`` may charge in steps ``a`` to ``d - 1``.  A day of 23
or 25 hours is a plan with fewer or more steps.
"""

from dataclasses import dataclass, fields, replace
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Bool, Float, Int

from voltherd.charging.site import Site

PerVehicle = Float[np.ndarray, "vehicles"]
DRAWS, GIVES, TAPERS, SWITCHES = range(4)
"""Kinds of vehicles: they draw at one power, give back, draw less as their batteries fill, or are
there twice, on three phases and on one."""
_BENDS_KILOWATT: Final = 1e-9
_NONE_KWH: Final = 1e-9


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fleet:
    """Vehicles of one night, all arrays by vehicle.

    Attributes:
        arrival_step: First step in which it can charge.
        departure_step: First step in which it no longer can.
        power_max_kilowatt: Most it draws, at the charger's input [kW].
        energy_kwh: To be in its battery at departure beyond what is in it now; below 0 where it
            gives back and may leave with less [kWh].
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

    def later(self, step: int, gained_kwh: PerVehicle) -> "Fleet":
        """Give them from a step on, when so much came into each battery before."""
        need = self.energy_kwh - gained_kwh
        return replace(
            self,
            arrival_step=np.maximum(self.arrival_step - step, 0),
            departure_step=self.departure_step - step,
            energy_kwh=np.where(np.abs(need) > _NONE_KWH, need, 0.0),
            stored_kwh=np.clip(self.stored_kwh + gained_kwh, 0.0, self.battery_kwh),
        )


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

    def later(self, stored_kwh: PerVehicle) -> "Discharge":
        """Give it for batteries that came with so much: a reserve does not grow as they fill."""
        if self.reserve_kwh is None:
            return self
        return replace(self, reserve_kwh=np.minimum(self.reserve_kwh, stored_kwh))


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
        return replace(
            self,
            fleet=self.fleet.of(some),
            site=self.site.of(some),
            discharge=None if self.discharge is None else self.discharge.of(some),
            taper=None if self.taper is None else self.taper.of(some),
            stores=int((some >= self.vehicles).sum()),
            waiting_eur_per_kwh_hour=None
            if self.waiting_eur_per_kwh_hour is None
            else self.waiting_eur_per_kwh_hour[some],
            single=None if self.single is None else self.single.of(some),
            twins=self._twins_of(some),
        )

    def later(self, step: int, power_kilowatt: Float[np.ndarray, "vehicles before"]) -> "Problem":
        """Give what is left to plan from a step on.

        Args:
            step: The first one left.
            power_kilowatt: What vehicles drew in the steps before; those that have left are to be
                left out by :meth:`of` [kW].
        """
        fleet, hour, discharge = self.fleet, self.site.step_hour, self.discharge
        drawn = np.maximum(power_kilowatt, 0.0).sum(axis=1) * hour
        gained, least = drawn * fleet.charge_efficiency, np.zeros(fleet.size)
        if discharge is not None:
            given = np.maximum(-power_kilowatt, 0.0).sum(axis=1) * hour
            gained = gained - given / discharge.efficiency
            least = np.where(discharge.limit_kilowatt > 0.0, -np.inf, 0.0)
            discharge = discharge.later(fleet.stored_kwh)
        left = fleet.later(step, gained)
        need = np.clip(left.energy_kwh, least, left.battery_kwh - left.stored_kwh)
        return replace(
            self,
            fleet=replace(left, energy_kwh=need),
            site=self.site.later(step, power_kilowatt.sum(axis=0)),
            discharge=discharge,
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
        return np.asarray(np.maximum(self.fleet.energy_kwh, 0.0) / self.fleet.charge_efficiency)

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
