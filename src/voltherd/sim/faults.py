"""What can be planted: the table of faults, their sizes, and where each one may sit.

A fault acts on the physics (capacity, leak, state of charge, added resistance) or on a measurement
(bias, stuck, spikes, swap).  Its name is the ``Phenomenon`` that a correct finding carries.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Float

from voltherd.types.event import Location, LocationKind, Phenomenon
from voltherd.units import SECOND_PER_DAY


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SizeRule:
    """How large a fault may be.

    Attributes:
        unit: Canonical unit, empty where the fault has no size: what it concerns stays as it is.
        default: Size where none is asked for.
        low: Smallest size that makes sense.
        high: Largest one.
    """

    unit: str
    default: float
    low: float
    high: float


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class FaultKind:
    """One row of the table.

    Attributes:
        meaning: One clause for people.
        sizes: Permitted sizes, by unit; the first one is meant where no unit is written.
        places: Where it may sit; the first one is meant where no place is written.
        channels: Scalar channels it may sit at, with that channel's sizes.
    """

    meaning: str
    sizes: tuple[SizeRule, ...]
    places: tuple[LocationKind, ...]
    channels: Mapping[str, tuple[SizeRule, ...]]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One planted fault: what a perfect triage would say.

    Attributes:
        vehicle: Vehicle counted from 1.
        phenomenon: What a correct finding calls it.
        location: Where it sits.
        start_second: When it begins [unix s].
        size: How large it is at the start, in ``unit``.
        unit: ``1``, ``1/day``, ``ohm``, ``V``, ``V/day``, ``A``, ``K``, ``K/day``, ``W``, ``Pa``,
            or empty for none.
        growth_per_day: By how much the size grows each day, in ``unit`` per day.
    """

    vehicle: int
    phenomenon: Phenomenon
    location: Location
    start_second: float
    size: float
    unit: str
    growth_per_day: float = 0.0

    def active(self, unix_time_second: Float[np.ndarray, "time"]) -> np.ndarray:
        """Tell at which times the fault has begun."""
        return np.asarray(unix_time_second >= self.start_second)

    def size_at(self, unix_time_second: Float[np.ndarray, "time"]) -> Float[np.ndarray, "time"]:
        """Give the size at each time, 0 before the start.

        >>> fault = Fault(vehicle=1, phenomenon=Phenomenon.CONTACT_RESISTANCE,
        ...     location=Location(kind=LocationKind.CELL, index=3, cells=(3,)),
        ...     start_second=0.0, size=1e-3, unit="ohm", growth_per_day=1e-4)
        >>> fault.size_at(np.array([-1.0, 0.0, 86_400.0]))
        array([0.    , 0.001 , 0.0011])
        """
        age_day = (unix_time_second - self.start_second) / SECOND_PER_DAY
        return np.where(age_day < 0.0, 0.0, self.size + self.growth_per_day * age_day)

    def drift_at(self, unix_time_second: Float[np.ndarray, "time"]) -> Float[np.ndarray, "time"]:
        """Give what a size per day has added up to at each time, 0 before the start."""
        age_day = (unix_time_second - self.start_second) / SECOND_PER_DAY
        return np.where(
            age_day < 0.0, 0.0, (self.size + 0.5 * self.growth_per_day * age_day) * age_day
        )


_NO_SIZE: Final = SizeRule(unit="", default=0.0, low=0.0, high=0.0)
_CELL: Final = (LocationKind.CELL,)
_SENSOR: Final = (LocationKind.CELL, LocationKind.PROBE, LocationKind.CHANNEL)
_FREEZABLE: Final = dict.fromkeys(
    (
        "current_ampere",
        "voltage_volt",
        "soc_fraction",
        "speed_kilometre_per_hour",
        "insulation_resistance_ohm",
        "ambient_temperature_celsius",
    ),
    (_NO_SIZE,),
)
SOC_CHANNEL: Final = "soc_fraction"


def _rule(unit: str, default: float, low: float, high: float) -> SizeRule:
    return SizeRule(unit=unit, default=default, low=low, high=high)


def _kind(
    meaning: str,
    sizes: tuple[SizeRule, ...],
    places: tuple[LocationKind, ...],
    channels: Mapping[str, tuple[SizeRule, ...]] | None = None,
) -> FaultKind:
    return FaultKind(meaning=meaning, sizes=sizes, places=places, channels=channels or {})


_SOC_SIZES: Final = (_rule("1", 0.12, -0.5, 0.5), _rule("1/day", 0.01, -0.2, 0.2), _NO_SIZE)

KINDS: Final[Mapping[Phenomenon, FaultKind]] = {
    Phenomenon.WEAK_CELL: _kind(
        "capacity lost by one cell, as a fraction", (_rule("1", 0.15, 0.01, 0.6),), _CELL
    ),
    Phenomenon.CONTACT_RESISTANCE: _kind(
        "resistance added in one cell's path", (_rule("ohm", 5e-4, 1e-5, 2e-2),), _CELL
    ),
    Phenomenon.INTERNAL_SHORT: _kind(
        "charge one cell leaks each day, as a fraction of its capacity, or the leak's resistance",
        (_rule("1/day", 0.01, 1e-4, 1.0), _rule("ohm", 20.0, 0.1, 1e5)),
        _CELL,
    ),
    Phenomenon.CELL_IMBALANCE: _kind(
        "charge by which one cell differs, as a fraction", (_rule("1", -0.05, -0.3, 0.3),), _CELL
    ),
    Phenomenon.SOC_IMBALANCE: _kind(
        "charge by which the last cell of the string exceeds the first",
        (_rule("1", 0.06, -0.3, 0.3),),
        (LocationKind.PACK,),
    ),
    Phenomenon.MODULE_OFFSET: _kind(
        "voltage by which one module's cells are read off",
        (_rule("V", 0.015, -0.5, 0.5),),
        (LocationKind.MODULE,),
    ),
    Phenomenon.STRING_GRADIENT: _kind(
        "reading error by which the last cell of the string exceeds the first",
        (_rule("V", 0.04, -0.5, 0.5),),
        (LocationKind.PACK,),
    ),
    Phenomenon.SENSOR_BIAS: _kind(
        "constant by which one measurement is off",
        (_rule("V", 0.02, -0.5, 0.5),),
        _SENSOR,
        {
            "current_ampere": (_rule("A", 3.0, -50.0, 50.0),),
            "voltage_volt": (_rule("V", 5.0, -100.0, 100.0),),
            SOC_CHANNEL: (_rule("1", 0.1, -0.5, 0.5),),
        },
    ),
    Phenomenon.SENSOR_DRIFT: _kind(
        "error of one measurement that grows each day",
        (_rule("V/day", 0.001, -0.1, 0.1),),
        (LocationKind.CELL, LocationKind.PROBE),
    ),
    Phenomenon.SENSOR_STUCK: _kind(
        "measurement that keeps its last value", (_NO_SIZE,), _SENSOR, _FREEZABLE
    ),
    Phenomenon.SENSOR_SPIKES: _kind(
        "height by which a measurement jumps in one reading of fifty",
        (_rule("V", 0.2, -2.0, 2.0),),
        _CELL,
    ),
    Phenomenon.CHANNEL_SWAP: _kind("two cell channels exchanged", (_NO_SIZE,), _CELL),
    Phenomenon.CHANNEL_INVALID: _kind(
        "channel that reports only codes for 'no value'",
        (_NO_SIZE,),
        (LocationKind.PROBE, LocationKind.CELL),
    ),
    Phenomenon.CHANNEL_FROZEN: _kind(
        "channel of the vehicle that never varies",
        (_NO_SIZE,),
        (LocationKind.CHANNEL,),
        _FREEZABLE,
    ),
    Phenomenon.COUNTER_RESET: _kind(
        "odometer that falls back to zero",
        (_NO_SIZE,),
        (LocationKind.CHANNEL,),
        {"odometer_kilometre": (_NO_SIZE,)},
    ),
    Phenomenon.PACK_VOLTAGE_MISMATCH: _kind(
        "error of the pack's own voltage sensor",
        (_rule("V", 8.0, -100.0, 100.0),),
        (LocationKind.PACK,),
    ),
    Phenomenon.SOC_MISREPORTED: _kind(
        "charge by which the reported state of charge is off, or by which it drifts away each day; "
        "or it is frozen",
        _SOC_SIZES,
        (LocationKind.CHANNEL,),
        {SOC_CHANNEL: _SOC_SIZES},
    ),
    Phenomenon.TEMPERATURE_OUTLIER: _kind(
        "temperature by which one probe stands above its siblings",
        (_rule("K", 10.0, -60.0, 120.0),),
        (LocationKind.PROBE,),
    ),
    Phenomenon.SELF_HEATING: _kind(
        "heat made in the block under one probe, whatever the current",
        (_rule("W", 15.0, 0.1, 500.0),),
        (LocationKind.PROBE,),
    ),
    Phenomenon.JOINT_HEATING: _kind(
        "resistance of a joint beside one probe that heats with the square of the current",
        (_rule("ohm", 2e-3, 1e-5, 0.1),),
        (LocationKind.PROBE,),
    ),
    Phenomenon.COOLING_BLOCKED: _kind(
        "share of its cooling that one module has lost",
        (_rule("1", 0.7, 0.05, 0.99),),
        (LocationKind.MODULE,),
    ),
    Phenomenon.INSULATION_LOW: _kind(
        "insulation resistance that is left",
        (_rule("ohm", 1e5, 1e2, 1e7),),
        (LocationKind.PACK,),
    ),
    Phenomenon.PACK_PRESSURE: _kind(
        "pressure by which the housing's inside jumps when a cell vents; gone within two hours",
        (_rule("Pa", 1e4, 500.0, 1e6),),
        (LocationKind.PACK,),
    ),
    Phenomenon.HUMIDITY_HIGH: _kind(
        "share of the way to saturation that water coming in takes the air within a day",
        (_rule("1", 0.9, 0.05, 1.0),),
        (LocationKind.PACK,),
    ),
    Phenomenon.VIBRATION_HIGH: _kind(
        "share by which a loose mount or a worn bearing shakes the pack more than before",
        (_rule("1", 2.0, 0.1, 50.0),),
        (LocationKind.PACK,),
    ),
    Phenomenon.SWITCH_STUCK_CLOSED: _kind(
        "power that goes on flowing through welded contactors while the vehicle is parked",
        (_rule("W", 300.0, 0.0, 5000.0),),
        (LocationKind.PACK,),
    ),
    Phenomenon.SWITCH_STUCK_OPEN: _kind(
        "main contactors that no longer close: the vehicle neither drives nor charges",
        (_NO_SIZE,),
        (LocationKind.PACK,),
    ),
}
"""Every fault that can be planted; phenomena that are not here cannot be."""

OF_ENVIRONMENT: Final = frozenset(
    {Phenomenon.PACK_PRESSURE, Phenomenon.HUMIDITY_HIGH, Phenomenon.VIBRATION_HIGH}
)
"""What only a fleet shows that measures pressure, humidity and vibration."""
OF_CONTACTORS: Final = frozenset({Phenomenon.SWITCH_STUCK_CLOSED, Phenomenon.SWITCH_STUCK_OPEN})
"""What only a fleet shows that records what its contactors are told and the voltage beyond them."""

PROBE_BIAS_KELVIN: Final = _rule("K", 5.0, -60.0, 60.0)
"""The rule for a biased temperature probe, whose unit differs from a cell's."""
PROBE_DRIFT_KELVIN: Final = _rule("K/day", 0.3, -10.0, 10.0)
"""And for one that drifts."""


def size_rules(
    phenomenon: Phenomenon, place: LocationKind, channel: str | None
) -> tuple[SizeRule, ...]:
    """Give the permitted sizes of a fault at a place, the default one first."""
    kind = KINDS[phenomenon]
    if channel is not None and place is LocationKind.CHANNEL:
        return kind.channels[channel]
    if phenomenon is Phenomenon.SENSOR_BIAS and place is LocationKind.PROBE:
        return (PROBE_BIAS_KELVIN,)
    if phenomenon is Phenomenon.SENSOR_DRIFT and place is LocationKind.PROBE:
        return (PROBE_DRIFT_KELVIN,)
    return kind.sizes
