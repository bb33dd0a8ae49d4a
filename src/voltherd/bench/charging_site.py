"""One night with what a site can have: giving back, no wire, a plan, several sources.

Every number is a plan's or a rule's of a drawn depot, of the example site or of one drawn stay;
prices are recorded, sun is a formula, the wireless link its circuit
(:mod:`voltherd.charging.sources`).
"""

from dataclasses import asdict, replace
from typing import Any, Final

import numpy as np
import yaml
from jaxtyping import Float

from voltherd.bench.charging_cases import PEAK_EUR_PER_KILOWATT, by_day, sunny
from voltherd.bench.charging_goals import Goal
from voltherd.bench.charging_sheet import Sheet, Value
from voltherd.bench.depot_instance import (
    KILOWATT_PER_VEHICLE,
    PRICE_EUR_PER_MWH,
    STEP_HOUR,
    depot,
)
from voltherd.charging.battery_wear import Battery, worn
from voltherd.charging.hybrid import Mix, Source, mixed
from voltherd.charging.plan import planned
from voltherd.charging.problem import Problem
from voltherd.charging.sheet import over_hour, site_cost_eur
from voltherd.charging.sources import Link, linked
from voltherd.charging.wear import wear_of
from voltherd.cloud.depot_example import EXAMPLE
from voltherd.cloud.depot_file import parse
from voltherd.cloud.depot_plan import told
from voltherd.types.asset import Chemistry

VEHICLES: Final = 50
DAY: Final = "2022-06-11"
"""With prices that lie far apart."""
ROOM: Final = 2.0
"""Connection over that of the common depot, whose cheap hours are full without giving back."""
DEAR_STEPS: Final = 24
"""The dearest six hours."""
GAP_METRE: Final = 0.2
ASIDE_METRE: Final = 0.1
PACK_EUR_PER_KWH: Final = 120.0
SUN_VEHICLES: Final = 20
MINUTE_HOUR: Final = 1.0 / 60.0
STAY_HOUR: Final = 6.0
NEED_KWH: Final = 60.0
INTAKE_KILOWATT: Final = 20.0
CONVERTER: Final = 0.95
"""Of every charger, beside the link where there is one."""
Powers = Float[np.ndarray, "vehicles steps"]


def wireless(night: Problem, aside_metre: float) -> Problem:
    """Give the night of vehicles over coils instead of at cables: less power, more loss."""
    fleet = night.fleet
    given = linked(Link(), np.array([GAP_METRE]), np.array([aside_metre]))
    most = float(given.watt[0] / given.efficiency[0]) / 1000.0
    power = np.minimum(fleet.power_max_kilowatt, most)
    return replace(
        night,
        discharge=None,
        fleet=replace(
            fleet,
            power_max_kilowatt=power,
            power_min_kilowatt=np.minimum(fleet.power_min_kilowatt, power),
            charge_efficiency=fleet.charge_efficiency * given.efficiency[0],
        ),
    )


def directions() -> Sheet:
    """Charge one night by cable, giving back, and without a wire (C9-12)."""
    both = depot(VEHICLES, day=DAY, gives_back=True)
    roomy = replace(both.site, limit_kilowatt=ROOM * both.site.limit_kilowatt)
    both = replace(both, site=roomy)
    cable = replace(both, discharge=None)
    ways = {
        "cable, at once, no limit kept": (cable, cable.at_once_kilowatt, 0.0),
        **{
            name: (night, plan.power_kilowatt, float(plan.wear_eur.sum()))
            for name, night in {
                "G2V: cable, planned": cable,
                "V2G: gives back, planned": both,
                "wireless, planned": wireless(cable, 0.0),
                f"wireless, {ASIDE_METRE:g} m aside": wireless(cable, ASIDE_METRE),
            }.items()
            for plan in [planned(night)]
        },
    }
    rows = {name: _direction(*way) for name, way in ways.items()}
    g2v, v2g = (rows[name] for name in ("G2V: cable, planned", "V2G: gives back, planned"))
    return Sheet(
        f"V2G, G2V and wireless: {VEHICLES} vehicles, prices of {DAY}, "
        f"a connection of {ROOM * KILOWATT_PER_VEHICLE:g} kW each",
        (
            ("", ""),
            ("kWh stored", ",.0f"),
            ("missing", ",.1f"),
            ("efficiency %", ".1f"),
            ("energy EUR", ",.2f"),
            ("with wear", ",.2f"),
            ("wear, models", ",.1f"),
            ("lowest", ",.1f"),
            ("highest", ",.1f"),
            ("dear hours kWh", ",.0f"),
            ("peak kW", ",.0f"),
        ),
        tuple((name, *row) for name, row in rows.items()),
        (
            "efficiency: gained by batteries over net energy bought; chargers' 95 % each way, the "
            f"link's loss at {GAP_METRE:g} m beside it",
            "with wear: at the planner's price of 0.05 EUR/kWh given; models: NMC at 25 °C, "
            f"{PACK_EUR_PER_KWH:g} EUR/kWh, waiting included, median",
            "dear hours: bought in the dearest six, below 0 sold: what the grid gets out of it",
        ),
        (Goal("bill with wear, V2G planned", v2g[4], "EUR", g2v[4], "G2V planned", g2v[4]),),
    )


def _direction(night: Problem, power: Powers, wear_eur: float) -> tuple[float, ...]:
    given = np.maximum(-power, 0.0)
    out = 1.0 if night.discharge is None else night.discharge.efficiency[:, None]
    into = np.maximum(power, 0.0) * night.fleet.charge_efficiency[:, None]
    gained = float((into - given / out).sum()) * STEP_HOUR
    bill, drawn = site_cost_eur(night, power), power.sum(axis=0)
    battery = Battery(wear_of(Chemistry.NMC, PACK_EUR_PER_KWH), 25.0)
    models = worn(night, power, [battery] * night.fleet.size)
    assert models is not None, "every battery is known"
    dear = np.argsort(-night.site.price_eur_per_kwh, kind="stable")[:DEAR_STEPS]
    return (
        gained,
        float(night.fleet.energy_kwh.sum()) - gained,
        100.0 * gained / (float(drawn.sum()) * STEP_HOUR),
        bill,
        bill + wear_eur,
        models.median_eur,
        models.lowest_eur,
        models.highest_eur,
        float(drawn[dear].sum()) * STEP_HOUR,
        float((drawn + night.site.net_base_kilowatt).max()),
    )


def stations() -> Sheet:
    """Charge the example site without a plan and with one (C9-10)."""
    night = parse(yaml.safe_load(EXAMPLE), "the example site")
    problem, site = night.problem, night.problem.site
    sheet, plan = told(night, problem), planned(problem, minimum=True)
    ways = (problem.at_once_kilowatt, plan.power_kilowatt)
    dear = replace(problem, site=replace(site, demand_eur_per_kilowatt=PEAK_EUR_PER_KILOWATT))
    peaks = [_peak_kilowatt(problem, power) for power in ways]
    bills = [site_cost_eur(problem, power) for power in ways]
    bills[-1] += sheet.wear_eur
    given = [float(np.maximum(-power, 0.0).sum()) * site.step_hour for power in ways]
    need = problem.fleet.energy_kwh
    ready = [float((_gained(problem, power) >= 0.999 * need).sum()) for power in ways]
    over = [over_hour(problem, power) for power in ways]
    rows: dict[str, list[float]] = {
        "control: hours above a limit": over,
        "grid interaction: kWh given back": given,
        f"source: % from the sun, {SUN_VEHICLES} day stays": _sun_shares(),
        "demand management: peak kW": peaks,
        "  where the peak is charged for": [
            peaks[0],
            _peak_kilowatt(problem, planned(dear, minimum=True).power_kilowatt),
        ],
        "  EUR of the night, with wear": bills,
        "data: numbers told of the night": [
            float(problem.vehicles),
            _numbers(asdict(sheet)),
        ],
        f"convenience: of {problem.vehicles} vehicles ready": ready,
    }
    return Sheet(
        "traditional and smart station: the example site, after the source's Table III",
        (("", ""), ("at once", ",.1f"), ("planned", ",.1f")),
        tuple((name, *values) for name, values in rows.items()),
        ("traditional is charging at once; its data is a meter reading a stay, by definition",),
        (
            Goal(
                "example site: hours above a limit, planned", over[-1], "h", over[0], "at once", 0.0
            ),
            Goal(
                "example site: the night, planned", bills[-1], "EUR", bills[0], "at once", bills[0]
            ),
        ),
    )


def _peak_kilowatt(problem: Problem, power: Powers) -> float:
    return float((power.sum(axis=0) + problem.site.net_base_kilowatt).max())


def _gained(problem: Problem, power: Powers) -> Float[np.ndarray, " vehicles"]:
    out = 1.0 if problem.discharge is None else problem.discharge.efficiency[:, None]
    into = np.maximum(power, 0.0) * problem.fleet.charge_efficiency[:, None]
    net = into - np.maximum(-power, 0.0) / out
    return np.asarray(net.sum(axis=1) * problem.site.step_hour)


def _sun_shares() -> list[float]:
    """Give what share of day stays' energy the sun brings, at once and planned [%]."""
    night = sunny(depot(SUN_VEHICLES))
    day = replace(night, fleet=by_day(night.fleet, np.full(SUN_VEHICLES, True)))
    powers = (day.at_once_kilowatt, planned(day).power_kilowatt)
    drawn = [power.sum(axis=0) for power in powers]
    sun = day.site.pv_kilowatt
    return [100.0 * float(np.minimum(of, sun).sum() / of.sum()) for of in drawn]


def _numbers(told_of: Any) -> float:  # noqa: ANN401
    """Count the numbers in a document."""
    if isinstance(told_of, dict):
        return sum(_numbers(part) for part in told_of.values())
    if isinstance(told_of, list | tuple):
        return sum(_numbers(part) for part in told_of)
    return float(isinstance(told_of, int | float) and not isinstance(told_of, bool))


def minute_sources() -> tuple[Source, ...]:
    """Give what a vehicle may charge from, minute by minute from noon: cable, coil and own roof."""
    steps = round(STAY_HOUR / MINUTE_HOUR)
    hour = 12.0 + MINUTE_HOUR * np.arange(steps)
    hourly = np.array([float(x) for x in PRICE_EUR_PER_MWH["2022-05-21"].split()]) / 1000.0
    grid = hourly[(hour - 12.0).astype(int)]
    coil = linked(Link(), np.array([GAP_METRE]), np.array([0.0]))
    share, watt = float(coil.efficiency[0]), float(coil.watt[0])
    sun = 6.0 * np.maximum(np.sin(np.pi * (hour - 6.0) / 14.0), 0.0)
    return (
        Source("cable", np.full(steps, 11.0), grid, CONVERTER),
        Source("wireless", np.full(steps, watt / share / 1000.0), grid, CONVERTER * share),
        Source("own sun", sun, np.zeros(steps), CONVERTER),
    )


def sources() -> Sheet:
    """Charge one stay from several sources, and from each alone (C9-14)."""
    every = minute_sources()
    intake = np.full(len(every[0].kilowatt), INTAKE_KILOWATT)
    mix = mixed(every, NEED_KWH, intake, MINUTE_HOUR)
    rows = [_source_row("all three, cheapest first", mix, mix.cost_eur)]
    for one in every:
        alone = mixed([one], NEED_KWH, intake, MINUTE_HOUR)
        same = mixed(every, alone.stored_kwh, intake, MINUTE_HOUR)
        rows.append(_source_row(f"{one.name} alone", alone, same.cost_eur))
    given = mix.kilowatt.sum(axis=1) * MINUTE_HOUR
    on = (mix.kilowatt > 0.0).sum(axis=1)
    used = ", ".join(
        f"{one.name} {kwh:.1f} kWh in {minutes} minutes"
        for one, kwh, minutes in zip(every, given.tolist(), on.tolist(), strict=True)
    )
    cable = mixed(every[:1], NEED_KWH, intake, MINUTE_HOUR)
    return Sheet(
        f"several sources: {NEED_KWH:g} kWh from noon to six, minute by minute, "
        f"{INTAKE_KILOWATT:g} kW into the battery at most",
        (
            ("", ""),
            ("kWh stored", ".1f"),
            ("EUR", ".2f"),
            ("all three for as much EUR", ".2f"),
            ("most kW into it", ".1f"),
        ),
        tuple(rows),
        (
            f"all three: {used}",
            "the sun, 6 kW at noon, costs nothing; prices of 2022-05-21 are wholesale",
        ),
        (
            Goal(
                "several sources: their price",
                mix.cost_eur,
                "EUR",
                cable.cost_eur,
                "cable alone",
                cable.cost_eur,
            ),
        ),
    )


def _source_row(name: str, mix: Mix, together_eur: float) -> tuple[Value, ...]:
    return (name, mix.stored_kwh, mix.cost_eur, together_eur, float(mix.intake_kilowatt.max()))
