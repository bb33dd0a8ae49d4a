"""What a site file says of vehicles' batteries: curves, what they may give back, and their wear."""

import numpy as np
from jaxtyping import Float

from voltherd.charging.battery_wear import Battery, given_tiers, waiting_eur_per_kwh_hour
from voltherd.charging.problem import Discharge, Fleet, Single, Taper
from voltherd.charging.wear import wear_of
from voltherd.cloud.depot_sections import (
    PHASES,
    START_CURRENT_AMPERE,
    ChargerSection,
    SiteFile,
    VehicleSection,
)
from voltherd.errors import InputError


def battery_of(vehicle: VehicleSection) -> Battery | None:
    """Give what wear is priced by, where it is known."""
    known = vehicle.battery
    if known is None:
        return None
    return Battery(wear_of(known.chemistry, known.price_per_kwh, known.soh_end), known.celsius)


def waiting_of(vehicles: list[VehicleSection]) -> Float[np.ndarray, " vehicles"] | None:
    """Give what a kWh more adds to an hour of waiting; None where no battery is known."""
    known = [(vehicle, battery_of(vehicle)) for vehicle in vehicles]
    if all(battery is None for _, battery in known):
        return None
    return np.array(
        [
            0.0
            if battery is None
            else waiting_eur_per_kwh_hour(battery, vehicle.soc_arrival, vehicle.soc_departure)
            for vehicle, battery in known
        ]
    )


def discharge_of(
    file: SiteFile, stations: dict[str, ChargerSection], *, asked: bool
) -> Discharge | None:
    """Give what vehicles may give back: those whose owner asked for it, or all.

    Args:
        file: All of it.
        stations: By name.
        asked: Whether only those count whose owner asked for it.
    """
    able = [v.v2g or not (asked or v.power_curve or v.single_phase) for v in file.vehicles]
    most = [stations[vehicle.charger].discharge_kilowatt for vehicle in file.vehicles]
    limit = np.where(able, np.array(most, np.float64), 0.0)
    if not limit.any():
        return None
    wear = np.array(file.v2g.wear_eur_per_kwh)
    widths = np.full(len(wear), 1.0 / len(wear))
    tiers = [_tiers(v, at, widths, file) for v, at in zip(file.vehicles, limit, strict=True)]
    return Discharge(
        limit_kilowatt=limit,
        efficiency=np.full(len(limit), file.v2g.efficiency),
        tier_fraction=widths,
        tier_wear_eur_per_kwh=np.stack(tiers),
        reserve_kwh=np.array([v.soc_reserve * v.battery_kwh for v in file.vehicles]),
    )


def single_of(file: SiteFile, fleet: Fleet) -> Single | None:
    """Give who may be charged on one phase: at a third of the power, from 6 A on."""
    switched = {one.id for one in file.chargers if one.switched}
    able = np.array([v.single_phase and v.charger not in switched for v in file.vehicles], bool)
    able &= fleet.phases == len(PHASES)
    if not able.any():
        return None
    most = fleet.power_max_kilowatt / len(PHASES)
    least = START_CURRENT_AMPERE * file.connection.voltage_volt / 1000.0
    return Single(able, most, np.minimum(least, most))


def _tiers(
    vehicle: VehicleSection,
    limit_kilowatt: float,
    widths: Float[np.ndarray, " tiers"],
    file: SiteFile,
) -> Float[np.ndarray, " tiers"]:
    """Give the wear of what a vehicle gives: from models where its battery is known."""
    battery = battery_of(vehicle)
    if battery is None or limit_kilowatt <= 0.0:
        return np.array(file.v2g.wear_eur_per_kwh)
    low = min(vehicle.soc_reserve, vehicle.soc_arrival)
    high = max(vehicle.soc_arrival, vehicle.soc_departure)
    return given_tiers(
        battery, vehicle.battery_kwh, limit_kilowatt, (low, high), widths, file.v2g.efficiency
    )


def taper_of(vehicles: list[VehicleSection], where: str) -> Taper | None:
    """Give the lines of power curves; as many for each vehicle, some of them without effect.

    Raises:
        InputError: A curve rises, or bends the wrong way.
    """
    most = max((len(vehicle.power_curve) for vehicle in vehicles), default=0)
    if not most:
        return None
    lines = np.zeros((2, len(vehicles), most))
    lines[0] = np.inf
    for place, vehicle in enumerate(vehicles):
        if not vehicle.power_curve:
            continue
        soc, kilowatt = np.array(sorted(vehicle.power_curve.items())).T
        fall = -np.diff(kilowatt) / (np.diff(soc) * vehicle.battery_kwh)
        if not len(fall) or soc[-1] < 1.0 or (fall < 0).any() or (np.diff(fall) < -1e-9).any():
            raise InputError(
                "its power_curve does not fall to a full battery, the steeper the fuller it is",
                where=f"{where}: {vehicle.id}",
                mend="give powers from where it begins to fall on, such as {0.8: 11, 1.0: 3}",
            )
        lines[0, place, : len(fall)] = kilowatt[1:] + fall * soc[1:] * vehicle.battery_kwh
        lines[1, place, : len(fall)] = fall
    return Taper(*lines)
