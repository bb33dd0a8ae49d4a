"""What a vehicle's battery holds and takes as it is: its health, its temperature, its own limits.

A file says what a battery held when it was new and what the charger gives.  What it holds now is
less, and what it takes is the lowest of its voltage, temperature and onset of plating, followed
over a charge of the model cell of its chemistry (:mod:`voltherd.charging.profile`).
"""

import json
import math
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from jaxtyping import Float

from voltherd.charging.profile import (
    STEP_SECOND,
    TAPER_PER_HOUR,
    Course,
    Pack,
    charge,
    constant,
    plating_table,
    power_curve,
)
from voltherd.cloud.depot_sections import SiteFile, VehicleSection
from voltherd.errors import InputError, UsageError
from voltherd.estimation.sop import PowerBounds
from voltherd.numerics.presets import PRESETS
from voltherd.types.asset import Chemistry
from voltherd.types.depot import BatteryNow
from voltherd.units import SECOND_PER_HOUR

NODES: Final = 11
_SOH: Final = (0.1, 1.2)
"""What a share of capacity can be, as in a site file."""
_TABLE: Final = 41
_FROM_MOST: Final = 0.9
_TO: Final = 0.95
"""Until here the time counts; the last hundredths take as long as one lets them."""
_FINE: Final = 400
_ALL: Final = 100.0
"""More than any cell takes [capacities per hour]."""
FRESH_SECOND: Final = 300.0
"""What was known longer ago is not how a battery is now [s]."""
CHARGE_PER_HOUR: Final = 2.5
"""Most current that a cell of unknown make may take [capacities per hour]."""
CELSIUS_MAX: Final = 50.0
_VOLT_MAX: Final = {Chemistry.LFP: 3.65, Chemistry.LTO: 2.8}
_VOLT_MAX_ELSE: Final = 4.2


def read_health(path: Path) -> dict[str, float]:
    """Read the share of its capacity that each vehicle's battery holds, where that can be told.

    Args:
        path: What ``voltherd soh --json`` wrote.

    Raises:
        UsageError: It cannot be read, or is something else.
    """
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        told = {one["vehicle_id"]: one["figures"].get("capacity") for one in plain["vehicles"]}
        shares = {
            str(name): float(figure["value"])
            for name, figure in told.items()
            if figure and figure["unit"] == "1" and figure["value"] is not None
        }
    except (OSError, ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
        raise UsageError(
            f"no readable report of health ({error})",
            where=str(path),
            mend="voltherd soh DATA --capacity AH --json writes one",
        ) from error
    return {name: share for name, share in shares.items() if _SOH[0] < share <= _SOH[1]}


def with_batteries(file: SiteFile, where: str) -> SiteFile:
    """Give a site whose vehicles hold and take what their batteries do.

    Args:
        file: As it is written.
        where: For messages.

    Raises:
        InputError: No cell of a vehicle's chemistry is known.
    """
    return file.model_copy(update={"vehicles": [limited(one, where) for one in file.vehicles]})


def limited(vehicle: VehicleSection, where: str) -> VehicleSection:
    """Give a vehicle with what its battery holds and takes.

    Raises:
        InputError: No cell of its chemistry is known.
    """
    battery = vehicle.battery
    if battery is None or (battery.soh == 1.0 and not battery.limits):
        return vehicle
    holds = vehicle.battery_kwh * battery.soh
    update: dict[str, object] = {
        "battery_kwh": holds,
        "battery": battery.model_copy(update={"soh": 1.0, "limits": False}),
    }
    if battery.limits and not vehicle.v2g:  # who gives back is planned without a bend
        if battery.chemistry not in PRESETS:
            raise InputError(
                f"no cell of chemistry {battery.chemistry.value} is known, so none that limits it",
                where=f"{where}: {vehicle.id}",
                mend="leave limits away, or give a power_curve",
            )
        most = vehicle.power_kilowatt or CHARGE_PER_HOUR * holds
        curve = _curve(
            battery.chemistry,
            round(battery.soh, 2),
            round(battery.celsius),
            math.floor(vehicle.soc_arrival * (NODES - 1)) / (NODES - 1),
            float(f"{most / holds:.3g}"),
            round(vehicle.efficiency, 2),
        )
        update["power_curve"] = {soc: kilowatt_per_kwh * holds for soc, kilowatt_per_kwh in curve}
    return vehicle.model_copy(update=update)


def as_known(vehicle: VehicleSection, known: BatteryNow | None) -> VehicleSection:
    """Give a vehicle as its battery is known to be by now; what is not known stays.

    Args:
        vehicle: As the file has it.
        known: What estimators say; None where they say nothing.
    """
    if known is None:
        return vehicle
    update: dict[str, object] = {}
    if math.isfinite(known.soc):
        update["soc_arrival"] = min(max(known.soc, 0.0), 1.0)
    if vehicle.battery is not None:
        told = {"celsius": known.celsius, "soh": known.soh}
        found = {name: value for name, value in told.items() if math.isfinite(value)}
        update["battery"] = vehicle.battery.model_copy(update=found)
    elif math.isfinite(known.soh):
        update["battery_kwh"] = vehicle.battery_kwh * known.soh
    return vehicle.model_copy(update=update)


def at_arrival(
    found: BatteryNow, vehicle: VehicleSection, start_second: float, drawn_wh: float, now: float
) -> BatteryNow | None:
    """Give what was in a battery when it came.

    Args:
        found: What estimators say of now.
        vehicle: Whose it is.
        start_second: When its charging began [unix s].
        drawn_wh: What it has drawn since [Wh].
        now: [unix s].

    Returns:
        None where what is known is of another time.
    """
    if not math.isfinite(found.soc) or now - found.second > FRESH_SECOND:
        return None
    holds = vehicle.battery_kwh * (vehicle.battery.soh if vehicle.battery else 1.0)
    gained = drawn_wh / 1000.0 * vehicle.efficiency / holds if found.second > start_second else 0.0
    return found._replace(soc=min(max(found.soc - gained, 0.0), 1.0))


@lru_cache(maxsize=4096)
def takes(chemistry: Chemistry, soh: float, celsius: float) -> tuple[tuple[float, float], ...]:
    """Give what a battery takes over its state of charge, charged as fast as its limits let it.

    The last hundredths are taken as slowly as a charge ends.

    Args:
        chemistry: One of ``PRESETS``.
        soh: Share of its capacity that it still holds.
        celsius: Of its cells when it begins [degrees C].

    Returns:
        States of charge, ascending, and power per kWh that it holds [kW/kWh].
    """
    pack = _pack(chemistry, soh)
    nodes = np.linspace(0.0, 1.0, _TABLE)
    kilowatt_per_kwh = power_curve(pack, nodes, celsius, math.inf) / 1000.0 / pack.energy_kwh
    taken = np.maximum(kilowatt_per_kwh, TAPER_PER_HOUR)
    return tuple(zip(nodes.tolist(), taken.tolist(), strict=True))


def _pack(chemistry: Chemistry, soh: float) -> Pack:
    """Give a cell of a chemistry, as old as it is, with its limits."""
    cell = PRESETS[chemistry]
    whole, now = cell.capacity_ah, cell.capacity_ah * soh
    bounds = PowerBounds(
        volt_min=0.0,
        volt_max=_VOLT_MAX.get(chemistry, _VOLT_MAX_ELSE),
        charge_ampere=CHARGE_PER_HOUR * whole,
        discharge_ampere=CHARGE_PER_HOUR * whole,
        celsius_max=CELSIUS_MAX,
        plating=plating_table(now, chemistry),
    )
    return Pack(cell=cell, cells=1, bounds=bounds, soh=soh, resistance_scale=1.0 / soh)


@lru_cache(maxsize=4096)
def _curve(
    chemistry: Chemistry,
    soh: float,
    celsius: float,
    soc: float,
    most_per_hour: float,
    efficiency: float,
) -> tuple[tuple[float, float], ...]:
    """Give what a battery takes from a state of charge on, per kWh that it holds [kW/kWh].

    Concave, as plans need it: the least such curve above the model's, lowered until a charge by it
    takes no less time than the model's.
    """
    pack = _pack(chemistry, soh)
    begin = min(soc, _FROM_MOST)
    most_watt = 1000.0 * most_per_hour * pack.energy_kwh
    step = STEP_SECOND * max(1.0 / max(most_per_hour, 0.01), 1.0)  # slow ones in longer steps
    course = charge(pack, constant(_ALL), begin, celsius, 1.0, most_watt, step_second=step)
    nodes = np.linspace(begin, 1.0, NODES)
    watt = np.interp(nodes, course.soc, course.watt, right=0.0) if len(course.soc) else 0.0 * nodes
    taken = np.maximum(watt / 1000.0 / pack.energy_kwh, TAPER_PER_HOUR)
    falling = np.maximum.accumulate(taken[::-1])[::-1]
    kept = _hull(nodes, falling)
    slower = _slower(course, nodes[kept], falling[kept] * efficiency)
    return tuple(zip(nodes[kept].tolist(), (falling[kept] * slower).tolist(), strict=True))


def _slower(
    course: Course, soc: Float[np.ndarray, " nodes"], gained_per_hour: Float[np.ndarray, " nodes"]
) -> float:
    """Give by how much less a curve may promise, so that it takes as long as the charge did."""
    if not len(course.soc) or course.soc[-1] <= soc[0]:
        return 1.0
    fine = np.linspace(soc[0], min(float(course.soc[-1]), _TO), _FINE)
    hour = float(np.trapezoid(1.0 / np.interp(fine, soc, gained_per_hour), fine))
    took = float(np.interp(fine[-1], course.soc, course.second)) / SECOND_PER_HOUR
    return min(hour / took, 1.0) if took > 0.0 else 1.0


def _hull(x: Float[np.ndarray, " nodes"], y: Float[np.ndarray, " nodes"]) -> list[int]:
    """Give the places where the least concave curve above points bends, its ends among them."""
    kept: list[int] = []
    for place in range(len(x)):
        while len(kept) > 1 and _below(x, y, kept[-2], kept[-1], place):
            kept.pop()
        kept.append(place)
    return kept


def _below(
    x: Float[np.ndarray, " nodes"], y: Float[np.ndarray, " nodes"], one: int, two: int, three: int
) -> bool:
    """Say whether the middle of three points lies on or below the line through the others."""
    rise = (y[three] - y[one]) * (x[two] - x[one]) - (y[two] - y[one]) * (x[three] - x[one])
    return bool(rise >= 0.0)
