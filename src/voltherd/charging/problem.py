"""What is to be planned: vehicles that come and go, a site with limits and prices.

Power into a vehicle is positive, out of it negative.  Time is cut into equal steps; a vehicle that
arrives at step ``a`` and departs at step ``d`` may charge in steps ``a`` to ``d - 1``.  A day of 23
or 25 hours is a plan with fewer or more steps.
"""

from dataclasses import dataclass
from typing import NamedTuple, final

import numpy as np
from jaxtyping import Bool, Float, Int

PerVehicle = Float[np.ndarray, "vehicles"]
PerStep = Float[np.ndarray, "steps"]


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


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Discharge:
    """That vehicles may give back, and what this wears.

    Attributes:
        limit_kilowatt: Most that a vehicle gives, at the charger's input; 0 where it cannot [kW].
        efficiency: Energy given per energy taken from the battery, by vehicle.
        tier_fraction: Widths of the tiers of wear, as fractions of the limit, that sum to 1.
        tier_wear_eur_per_kwh: Wear in each tier per kWh given, not falling (convex) [EUR/kWh].
    """

    limit_kilowatt: PerVehicle
    efficiency: PerVehicle
    tier_fraction: Float[np.ndarray, "tiers"]
    tier_wear_eur_per_kwh: Float[np.ndarray, "tiers"]


class Group(NamedTuple):
    """Chargers that share a limit below that of the site; groups may lie within each other.

    Attributes:
        name: For messages.
        member: Which vehicles charge there.
        limit_kilowatt: What they may draw together in each step [kW].
    """

    name: str
    member: Bool[np.ndarray, "vehicles"]
    limit_kilowatt: PerStep


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
        """What is left of the limit for vehicles [kW]."""
        return np.asarray(self.limit_kilowatt - self.net_base_kilowatt)


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """Everything a plan depends on.

    Attributes:
        fleet: The vehicles.
        site: Where they charge.
        discharge: What they may give back; nothing where it is not given.
    """

    fleet: Fleet
    site: Site
    discharge: Discharge | None = None

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
    def reachable_kwh(self) -> PerVehicle:
        """What can be drawn within the window at full power, up to the need [kWh]."""
        fleet = self.fleet
        stay_hour = (fleet.departure_step - fleet.arrival_step) * self.site.step_hour
        return np.asarray(np.minimum(self.drawn_kwh, fleet.power_max_kilowatt * stay_hour))
