"""Who drives: kinds of use, and what is drawn once for each vehicle."""

from dataclasses import dataclass
from typing import Final, final

import numpy as np

from voltherd.sim.route import Body, Roads


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """A kind of use.

    Attributes:
        name: For people.
        share: Share of the fleet.
        work_hour: Usual starts of trips on working days, hours of the day.
        leisure_hour: Possible starts of trips at weekends.
        leisure_chance: Chance that each of those trips happens.
        trip_minute: Shortest and longest trip.
        roads: Mix of roads.
        plug_soc: State of charge below which the vehicle is plugged in at night.
        target_soc: Where charging may be set to end.
        alternating_watt: Power of the charging points in use.
        direct_watt: Power of the fast chargers in use.
    """

    name: str
    share: float
    work_hour: tuple[float, ...]
    leisure_hour: tuple[float, ...]
    leisure_chance: float
    trip_minute: tuple[float, float]
    roads: Roads
    plug_soc: float
    target_soc: tuple[float, ...]
    alternating_watt: tuple[float, ...]
    direct_watt: tuple[float, ...]


DRIVERS: Final = (
    Driver(
        name="commuter",
        share=0.45,
        work_hour=(7.4, 17.1),
        leisure_hour=(10.5, 15.5, 19.0),
        leisure_chance=0.45,
        trip_minute=(15.0, 50.0),
        roads=Roads(share_rural=0.25, share_highway=0.07, stand_second=14.0, acceleration=1.1),
        plug_soc=0.55,
        target_soc=(0.8, 0.8, 0.9, 1.0),
        alternating_watt=(3.6e3, 7.2e3, 11e3),
        direct_watt=(50e3, 100e3),
    ),
    Driver(
        name="van",
        share=0.3,
        work_hour=(7.2, 9.3, 12.6, 14.8),
        leisure_hour=(10.0,),
        leisure_chance=0.15,
        trip_minute=(35.0, 75.0),
        roads=Roads(share_rural=0.12, share_highway=0.01, stand_second=28.0, acceleration=1.0),
        plug_soc=0.85,
        target_soc=(0.9, 1.0, 1.0),
        alternating_watt=(11e3, 22e3),
        direct_watt=(50e3,),
    ),
    Driver(
        name="taxi",
        share=0.25,
        work_hour=(5.5, 8.0, 11.2, 14.5, 17.5, 20.0),
        leisure_hour=(9.0, 12.0, 16.0, 19.5),
        leisure_chance=0.8,
        trip_minute=(40.0, 95.0),
        roads=Roads(share_rural=0.15, share_highway=0.05, stand_second=22.0, acceleration=1.2),
        plug_soc=0.9,
        target_soc=(0.9, 1.0),
        alternating_watt=(11e3,),
        direct_watt=(60e3, 120e3, 150e3),
    ),
)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What is drawn once for a vehicle and its driver.

    Attributes:
        driver: Kind of use.
        body: What the force balance needs.
        hour_shift: By how much this driver is later than usual [h].
        target_soc: Where charging at night ends.
        alternating_watt: Power of the charging point at home or depot [W].
        site_celsius: Yearly mean temperature of the place [°C].
        soc_first: State of charge at the start of the record.
        odometer_kilometre: Distance covered before.
        age: Wear, from 0 (new) to 1 (near the end of its life).
    """

    driver: Driver
    body: Body
    hour_shift: float
    target_soc: float
    alternating_watt: float
    site_celsius: float
    soc_first: float
    odometer_kilometre: float
    age: float


def draw_traits(rng: np.random.Generator) -> Traits:
    """Draw a vehicle and its driver.

    Args:
        rng: The vehicle's stream for traits.

    Returns:
        The traits.
    """
    driver = DRIVERS[int(rng.choice(len(DRIVERS), p=[kind.share for kind in DRIVERS]))]
    heavy = driver.name == "van"
    age = float(rng.beta(1.6, 3.0))
    return Traits(
        driver=driver,
        body=Body(
            mass_kilogram=float(rng.normal(2500.0 if heavy else 1900.0, 120.0)),
            rolling=float(rng.normal(0.0095, 0.0006)),
            drag_area_square_metre=float(rng.normal(1.15 if heavy else 0.63, 0.04)),
        ),
        hour_shift=float(rng.normal(0.0, 0.5)),
        target_soc=float(rng.choice(driver.target_soc)),
        alternating_watt=float(rng.choice(driver.alternating_watt)),
        site_celsius=float(rng.normal(11.0, 4.0)),
        soc_first=float(rng.uniform(0.45, 0.9)),
        odometer_kilometre=float(rng.uniform(3e3, 8e3) + 2.2e5 * age * rng.uniform(0.6, 1.2)),
        age=age,
    )
