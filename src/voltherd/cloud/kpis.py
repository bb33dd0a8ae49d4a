"""Key figures of a vehicle and of the fleet: efficiency, longevity, availability, by formula."""

import math
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np

from voltherd.cloud.finding_names import Known
from voltherd.cloud.follow import Followed
from voltherd.cloud.schema import Kpi
from voltherd.cloud.usage import (
    FRESH_SECOND_MAX,
    RESERVE_SOC,
    SPAN_SECOND,
    Usage,
    unready_second,
)
from voltherd.cloud.view import FleetView, VehicleView
from voltherd.report.words import count, duration, percent
from voltherd.types.channel import SCALARS
from voltherd.types.event import Severity
from voltherd.units import SECOND_PER_DAY

_DISTANCE_KILOMETRE_MIN: Final = 50.0
_IDLE_SHARE: Final = 20.0
"""The fleet's figures are left as they are for so many times as long as they take to work out."""
_CYCLES_MIN: Final = 0.5
_GAIN: Final = 0.01
"""Gain error of a current sensor, half-width; offset and voltage error come from the channels."""


Figures = tuple[tuple[str, list[Kpi]], ...]
"""Names of vehicles, and their key figures."""


class Formula(NamedTuple):
    """What a key figure is called and how it is computed."""

    title: str
    unit: str
    text: str


FORMULAS: Final = {
    "energy_per_distance": Formula(
        "Energy per distance",
        "kWh/100 km",
        "net energy out of the pack while moving ÷ distance by the odometer × 100",
    ),
    "round_trip_efficiency": Formula(
        "Round-trip efficiency",
        "1",
        "(energy out + rise of state of charge × rated capacity × mean voltage) ÷ energy in",
    ),
    "equivalent_full_cycles": Formula(
        "Equivalent full cycles",
        "1",
        "charge out of the pack since the first record ÷ rated capacity",
    ),
    "charge_throughput": Formula(
        "Charge throughput", "Ah", "charge in + charge out since the first record"
    ),
    "capacity_trend": Formula(
        "Capacity left",
        "1",
        "charge counted between two readings at rest ÷ difference of their states of charge ÷ "
        "rated capacity",
    ),
    "availability": Formula(
        "Availability",
        "1",
        f"share of the last {SPAN_SECOND / SECOND_PER_DAY:.0f} days in which the pack could have "
        f"served a request: state of charge at least {RESERVE_SOC:.0%}, no safety finding that "
        f"holds, and data no older than {duration(FRESH_SECOND_MAX)}",
    ),
}


def vehicle_kpis(view: VehicleView, now_second: float) -> list[Kpi]:
    """Give a vehicle's key figures."""
    followed = view.followed
    if followed is None:
        return [_untold(name, "cannot tell yet: no data") for name in FORMULAS]
    usage = followed.usage
    rated = followed.asset.capacity_nominal_ah if followed.asset else None
    return [
        _energy_per_distance(usage),
        _round_trip(usage, rated),
        _cycles(usage, rated),
        _throughput(usage),
        _untold(
            "capacity_trend",
            "cannot tell live yet: `voltherd soh` tells capacity and its trend from the records",
        ),
        _availability(followed, view.known, now_second),
    ]


class Board:
    """Key figures of all vehicles, worked out now and then however many ask.

    Args:
        view: Gives the fleet now.
        now: Gives its time [unix s].
        monotonic: Time for intervals [s].
    """

    def __init__(
        self,
        view: Callable[[], FleetView],
        now: Callable[[], float],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._view = view
        self._now = now
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._told: Figures = ()
        self._due_second = -math.inf

    def figures(self) -> Figures:
        """Give every vehicle's key figures, by name."""
        with self._lock:
            began = self._monotonic()
            if began < self._due_second:
                return self._told
            now = self._now()
            every = self._view().ordered("vehicle_id", False)
            self._told = tuple((each.vehicle_id, vehicle_kpis(each, now)) for each in every)
            ended = self._monotonic()
            self._due_second = ended + _IDLE_SHARE * (ended - began)
            return self._told


def fleet_kpis(every: Sequence[Sequence[Kpi]]) -> list[Kpi]:
    """Join the vehicles' key figures: the mean of those that can be told, and the middle 90 %."""
    return [
        _joined(name, [k for kpis in every for k in kpis if k.name == name]) for name in FORMULAS
    ]


def _joined(name: str, kpis: Iterable[Kpi]) -> Kpi:
    values = [kpi.value for kpi in kpis if kpi.value is not None]
    if not values:
        return _untold(name, "cannot tell yet of any vehicle")
    low, high = np.quantile(values, [0.05, 0.95]).tolist()
    told = f"mean of {count(len(values), 'vehicle')}; the interval is the middle 90 % of them"
    return _kpi(name, float(np.mean(values)), low, high, told)


def _energy_per_distance(usage: Usage) -> Kpi:
    name, distance = "energy_per_distance", usage.distance_kilometre
    if distance < _DISTANCE_KILOMETRE_MIN:
        return _untold(name, f"cannot tell yet: {distance:.0f} km driven")
    value = 100.0 * usage.drive_kwh / distance
    doubt = abs(value) * (_GAIN + SCALARS["voltage_volt"].accuracy / max(usage.voltage_volt, 1.0))
    odometer = abs(value) * SCALARS["odometer_kilometre"].accuracy / distance
    half = doubt + odometer
    told = f"{usage.drive_kwh:,.0f} kWh over {distance:,.0f} km; interval from the sensors' errors"
    return _kpi(name, value, value - half, value + half, told)


def _round_trip(usage: Usage, rated: float | None) -> Kpi:
    name = "round_trip_efficiency"
    stored_kwh = (rated or math.nan) * usage.voltage_volt / 1000.0
    if not math.isfinite(stored_kwh):
        return _untold(name, "cannot tell: rated capacity or pack voltage unknown")
    if not usage.energy_in_kwh > _CYCLES_MIN * stored_kwh:
        return _untold(name, "cannot tell yet: less than half a full cycle went in")
    rise = usage.soc_last - usage.soc_first
    doubt = 2.0 * SCALARS["soc_fraction"].accuracy * stored_kwh
    if not math.isfinite(rise):
        return _untold(name, "cannot tell: no state of charge is reported")
    value = (usage.energy_out_kwh + rise * stored_kwh) / usage.energy_in_kwh
    half = doubt / usage.energy_in_kwh + _GAIN
    told = (
        f"{usage.energy_out_kwh:,.0f} kWh out, {usage.energy_in_kwh:,.0f} kWh in (braking too), "
        f"state of charge {rise:+.0%}; interval from the errors of gauge and current sensor"
    )
    return _kpi(name, value, value - half, min(value + half, 1.0), told)


def _cycles(usage: Usage, rated: float | None) -> Kpi:
    name = "equivalent_full_cycles"
    if not rated:
        return _untold(name, "cannot tell: rated capacity unknown")
    value = usage.charge_out_ah / rated
    half = value * _GAIN
    told = f"{usage.charge_out_ah:,.0f} Ah out of {rated:,.0f} Ah rated, over {_span(usage)}"
    return _kpi(name, value, value - half, value + half, told)


def _throughput(usage: Usage) -> Kpi:
    value = usage.charge_in_ah + usage.charge_out_ah
    half = value * _GAIN
    return _kpi("charge_throughput", value, value - half, value + half, f"over {_span(usage)}")


def _availability(followed: Followed, known: Sequence[Known], now_second: float) -> Kpi:
    name = "availability"
    unsafe = np.array(
        [
            (k.finding.raised_second, now_second if k.holds else k.finding.last_seen_second)
            for k in known
            if k.finding.severity is Severity.SAFETY
        ],
        dtype=np.float64,
    ).reshape(-1, 2)
    span, unready, unheard = unready_second(followed.usage, unsafe, now_second)
    if span <= 0.0:
        return _untold(name, "cannot tell yet: the record has only begun")
    value = 1.0 - unready / span
    told = (
        f"{duration(span)} looked at, {duration(unready)} not available, of which "
        f"{duration(unheard)} ({percent(unheard / span)}) only for want of fresh data; the "
        "interval's upper end counts those as available. State of charge as reported."
    )
    return _kpi(name, value, value, value + unheard / span, told)


def _span(usage: Usage) -> str:
    return duration(usage.last_second - usage.first_second)


def _kpi(name: str, value: float, low: float, high: float, evidence: str) -> Kpi:
    formula = FORMULAS[name]
    return Kpi(
        name=name,
        title=formula.title,
        value=value,
        low=low,
        high=high,
        unit=formula.unit,
        formula=formula.text,
        evidence=evidence,
    )


def _untold(name: str, why: str) -> Kpi:
    formula = FORMULAS[name]
    return Kpi(
        name=name,
        title=formula.title,
        value=None,
        low=None,
        high=None,
        unit=formula.unit,
        formula=formula.text,
        evidence=why,
    )
