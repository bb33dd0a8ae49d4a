"""One vehicle of a fleet: everything that is drawn for it once, from the seed and its number."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.sim.drivers import Traits, draw_traits
from voltherd.sim.environment import Environment, draw_environment
from voltherd.sim.faults import Fault
from voltherd.sim.load import RecordedDrive, fitted
from voltherd.sim.pack import Pack, draw_pack, vehicle_facts
from voltherd.sim.sensors import Sensors, draw_sensors, soc_error
from voltherd.sim.spec import FleetSpec
from voltherd.sim.streams import Purpose, stream
from voltherd.sim.weather import (
    ambient_temperature_celsius,
    daily_anomaly,
    mean_temperature_celsius,
)
from voltherd.types.asset import Chemistry, Vehicle

_GOLDEN: Final = 0.618_033_988_749_894_9


class Unit(NamedTuple):
    """What is drawn once for one vehicle."""

    number: int
    vehicle: Vehicle
    traits: Traits
    pack: Pack
    sensors: Sensors
    anomaly: Float[np.ndarray, "days"]
    """How much warmer than its season each day begins [K]."""
    soc_error: Float[np.ndarray, "days"]
    """By how much the vehicle's own state of charge is off at the start of each day."""
    faults: tuple[Fault, ...]
    drives: tuple[RecordedDrive, ...]
    """What its trips replay; empty for synthetic roads."""
    environment: Environment | None
    """Of its housing, where that is measured."""
    contactors: bool
    """Whether it records what its contactors are told."""


def draw_unit(spec: FleetSpec, index: int) -> Unit:
    """Draw a vehicle, counted from 1."""
    traits = draw_traits(stream(spec.seed, Purpose.TRAITS, index))
    kind = chemistry_of(spec.seed, index, spec.chemistry)
    pack = draw_pack(stream(spec.seed, Purpose.PACK, index), kind, spec.layout, traits.age)
    unit = Unit(
        number=index,
        vehicle=vehicle_facts(f"sim-{index:04d}", pack, f"simulated {traits.driver.name} {kind}"),
        traits=traits,
        pack=pack,
        sensors=draw_sensors(stream(spec.seed, Purpose.SENSORS, index), spec.layout),
        anomaly=np.empty(0),
        soc_error=np.empty(0),
        faults=tuple(fault for fault in spec.faults if fault.vehicle == index),
        drives=() if spec.load is None else fitted(spec.load, pack.one_c_watt),
        environment=draw_environment(stream(spec.seed, Purpose.ENVIRONMENT, index))
        if spec.environment
        else None,
        contactors=spec.contactors,
    )
    return foreseen(unit, spec.seed, spec.days)


def foreseen(unit: Unit, seed: int, days: int) -> Unit:
    """Give a vehicle the weather and the errors of its gauge for so many days from the start."""
    return unit._replace(
        anomaly=daily_anomaly(seed, unit.number, days + 1),
        soc_error=soc_error(stream(seed, Purpose.SENSORS, unit.number, 1), days + 1),
    )


def chemistry_of(seed: int, index: int, shares: Sequence[tuple[Chemistry, float]]) -> Chemistry:
    """Deal chemistries out evenly: golden-ratio steps keep to the shares in any run of vehicles."""
    phase = float(stream(seed, Purpose.TRAITS).random())
    position = (phase + index * _GOLDEN) % 1.0
    below = 0.0
    for kind, share in shares:
        below += share
        if position < below:
            return kind
    return shares[-1][0]


def driver_of(seed: int, index: int) -> str:
    """Name the use that a vehicle, counted from 1, is drawn for."""
    return draw_traits(stream(seed, Purpose.TRAITS, index)).driver.name


def air(
    spec: FleetSpec, unit: Unit, unix_time_second: Float[np.ndarray, "time"]
) -> Float[np.ndarray, "time"]:
    """Give the temperature around a vehicle [°C]."""
    return ambient_temperature_celsius(
        unix_time_second + spec.utc_offset_second,
        site_celsius=unit.traits.site_celsius,
        start_second=spec.start_second + spec.utc_offset_second,
        anomaly=unit.anomaly,
    )


def housing_air(
    spec: FleetSpec, unit: Unit, unix_time_second: Float[np.ndarray, "time"]
) -> Float[np.ndarray, "time"]:
    """Give the temperature that a housing's air is of: no day and night, spells half [°C]."""
    return mean_temperature_celsius(
        unix_time_second + spec.utc_offset_second,
        site_celsius=unit.traits.site_celsius,
        start_second=spec.start_second + spec.utc_offset_second,
        anomaly=0.5 * unit.anomaly,
    )
