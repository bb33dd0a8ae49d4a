"""What the cell model says of charging: levels beside their claims, fast beside slow, and braking.

All of it is a model's word: the cell is the simulator's, the onset of plating a table of another
model cell (:mod:`voltherd.detection.plating`), wear the median of published models.
"""

import math
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.bench.charging_goals import Goal
from voltherd.bench.charging_sheet import Sheet, Value
from voltherd.charging.profile import (
    Pack,
    Request,
    TradeOff,
    along_onset,
    as_fast_as,
    charge,
    constant,
    in_steps_along_onset,
    plating_table,
    stepped,
    trade_off,
)
from voltherd.charging.sources import CLASSES, StationClass
from voltherd.charging.wear import wear_of
from voltherd.estimation.sop import CellState, PowerBounds, PowerEstimator, relaxing
from voltherd.numerics.presets import NMC
from voltherd.numerics.resistance_map import Pulse, resistance_map
from voltherd.sim.drivers import DRIVERS
from voltherd.sim.route import Body, power_watt, speed_profile
from voltherd.types.asset import Chemistry
from voltherd.units import SECOND_PER_HOUR

CAPACITY_AH: Final = 150.0
CELLS: Final = 100
PACKS_KWH: Final = (20.0, 30.0, 40.0, 60.0, 80.0, 100.0)
WARM_CELSIUS: Final = 25.0
WAYS_CELSIUS: Final = (10.0, WARM_CELSIUS)
PRICE_EUR_PER_KWH: Final = 120.0
SOC: Final = (0.1, 0.8)
TRIP_SECOND: Final = 2400
TRIP_SEED: Final = 7
TRIP_SOC: Final = 0.8
TRIP_CELSIUS: Final = (25.0, 0.0, -10.0)
POWER_SECOND: Final = 10
"""The state of power holds for so long, and is then asked anew [s]."""


def pack(kwh: float | None = None, *, plating: bool = True) -> Pack:
    """Give the pack that all of this is about: 55 kWh, or so many cells as another energy needs."""
    bounds = PowerBounds(
        volt_min=2.5,
        volt_max=4.2,
        charge_ampere=2.5 * CAPACITY_AH,
        discharge_ampere=4.0 * CAPACITY_AH,
        celsius_max=50.0,
        plating=plating_table(CAPACITY_AH, Chemistry.NMC) if plating else None,
    )
    made = Pack(cell=NMC.resized(CAPACITY_AH), cells=CELLS, bounds=bounds)
    return made if kwh is None else replace(made, cells=round(CELLS * kwh / made.energy_kwh))


def charged_hour(one: StationClass, kilowatt: float, kwh: float, *, plating: bool = True) -> float:
    """Simulate a charge from empty to what a class claims; infinite if it takes a day [h]."""
    course = charge(
        pack(kwh, plating=plating),
        constant(100.0),
        0.0,
        WARM_CELSIUS,
        one.claimed_soc,
        1000.0 * kilowatt,
        step_second=10.0 * max(kwh / kilowatt, 1.0),
    )
    full = course.soc[-1] >= one.claimed_soc - 0.01  # tapered off is full
    return float(course.second[-1]) / SECOND_PER_HOUR if full else math.inf


def levels() -> Sheet:
    """Simulate the source's three levels (C9-09)."""
    rows: list[tuple[Value, ...]] = []
    for one in CLASSES:
        for kilowatt in one.kilowatt:
            ways = (True, False) if one is CLASSES[-1] else (True,)
            for plating in ways:
                hours = [charged_hour(one, kilowatt, kwh, plating=plating) for kwh in PACKS_KWH]
                short, long = one.claimed_hour
                kept = [
                    f"{kwh:g}"
                    for kwh, hour in zip(PACKS_KWH, hours, strict=True)
                    if short <= hour <= long
                ]
                name = one.name if plating else f"{one.name}, plating let be"
                claim = f"{short:g} to {long:g} h to {one.claimed_soc:.0%}"
                rows.append((name, kilowatt, claim, *hours, ", ".join(kept) or "none of these"))
    return Sheet(
        "levels of charging: simulated hours from empty at 25 °C, by the pack's kWh, beside claims",
        (
            ("", ""),
            ("kW", ".0f"),
            ("claimed", ""),
            *((f"{kwh:g} kWh", ".2f") for kwh in PACKS_KWH),
            ("holds for kWh", ""),
        ),
        tuple(rows),
        (
            "power at the pack, without the charger's loss; NMC cells, at most 2.5 C",
            "'never': not within a day",
        ),
    )


def ways() -> Sheet:
    """Charge one pack fast and slowly, cold and warm (C9-07, C9-08)."""
    rows: list[tuple[Value, ...]] = []
    goals = []
    for celsius in WAYS_CELSIUS:
        found = {one.name: one for one in _ways(celsius)}
        rows += [_traded(f"{celsius:g} °C, {one.name}", one) for one in found.values()]
        plain = found["CC-CV 1C"].plated_share
        shaped = found["in steps, as fast as 1C"].plated_share
        goals.append(
            Goal(
                f"{celsius:g} °C: plated in steps, in 1C's time",
                shaped,
                "share",
                plain,
                "CC-CV 1C",
                plain,
            )
        )
    return Sheet(
        f"fast and slow: 55 kWh from {SOC[0]:.0%} to {SOC[1]:.0%}; plated: charge beyond the onset",
        (
            ("", ""),
            ("minutes", ".0f"),
            ("peak °C", ".1f"),
            ("heat kWh", ".2f"),
            ("plated %", ".1f"),
            ("wear EUR", ".2f"),
            ("lowest", ".2f"),
            ("highest", ".2f"),
        ),
        tuple(rows),
        ("no ageing model of these knows plating: their wear does not rise with it",),
        tuple(goals),
    )


def _traded(name: str, one: TradeOff) -> tuple[Value, ...]:
    wear = (float(price) for price in (one.wear.median, one.wear.lowest, one.wear.highest))
    heat = one.heat_watt_hour / 1000.0
    return (name, one.minute, one.celsius_max, heat, 100.0 * one.plated_share, *wear)


def _ways(celsius: float) -> list[TradeOff]:
    low, high = SOC
    free, kept = pack(plating=False), pack()
    fast = charge(free, constant(1.0), low, celsius, high)
    smooth = as_fast_as(free, fast, low, celsius, high)
    steps = as_fast_as(free, fast, low, celsius, high, in_steps_along_onset)
    asked: dict[str, tuple[Pack, Request]] = {
        "C/8": (free, constant(0.125)),
        "C/3": (free, constant(1.0 / 3.0)),
        "CC-CV 1C": (free, constant(1.0)),
        "along the onset, as fast as 1C": (free, along_onset(free, smooth)),
        "in steps, as fast as 1C": (free, in_steps_along_onset(free, steps)),
        "steps of 1.5C, 1C, C/2": (free, stepped([(0.3, 1.5), (0.55, 1.0), (1.0, 0.5)])),
        "plating-limited": (kept, constant(100.0)),
        "CC-CV 2C": (free, constant(2.0)),
    }
    wear = wear_of(Chemistry.NMC, PRICE_EUR_PER_KWH)
    return [
        trade_off(name, charge(of, request, low, celsius, high), of, low, wear)
        for name, (of, request) in asked.items()
    ]


class Braked(NamedTuple):
    """What a trip's braking gave back, second by second.

    Attributes:
        asked_watt: That the drive could give back; 0 while it drives [W].
        taken_watt: That the battery took of it [W].
        limit_watt: Its state of power, charging, as it was told last [W].
        volt: Of a cell at the end [V].
        ampere: Of a cell [A].
        onset_ampere: At which it would plate [A].
    """

    asked_watt: Float[np.ndarray, " seconds"]
    taken_watt: Float[np.ndarray, " seconds"]
    limit_watt: Float[np.ndarray, " seconds"]
    volt: Float[np.ndarray, " seconds"]
    ampere: Float[np.ndarray, " seconds"]
    onset_ampere: Float[np.ndarray, " seconds"]


def power_of(of: Pack) -> PowerEstimator:
    """Identify a power estimator from pulses of the pack's own cell."""
    pulses = []
    second = np.arange(1.0, POWER_SECOND + 1.0)
    for celsius in (-20.0, -10.0, 0.0, 10.0, 25.0, 45.0):
        for soc in (0.05, 0.3, 0.6, 0.85, 0.98):
            for ampere in (-2.5, -0.5, 0.5, 2.5):
                state = of.plant.init(np.array([soc]), celsius)
                flow, volt = ampere * of.capacity_ah, []
                for _ in second:
                    state, after = of.plant.step(state, np.array([flow]), celsius, 1.0)
                    volt.append(float(after[0]))
                pulses.append(Pulse(soc, celsius, flow, second, np.array(volt)))
    known = resistance_map(
        pulses,
        of.capacity_ah,
        of.cell.ocv_volt,
        (1.0, float(POWER_SECOND)),
        "pulses of the simulator's cell",
    )
    return PowerEstimator(map=known, bounds=of.bounds)


def trip_watt() -> Float[np.ndarray, " seconds"]:
    """Draw a commuter's trip: power into the battery, the cabin left alone [W]."""
    random = np.random.default_rng(TRIP_SEED)
    body = Body(mass_kilogram=1900.0, rolling=0.0095, drag_area_square_metre=0.63)
    speed = speed_profile(random, TRIP_SECOND, DRIVERS[0].roads)
    return power_watt(random, speed, body, 0.0)


def braked(  # long: one loop that follows a trip
    of: Pack, estimator: PowerEstimator, watt: Float[np.ndarray, " seconds"], celsius: float
) -> Braked:
    """Follow a trip, and take back of its braking what the state of power allows.

    Args:
        of: The pack.
        estimator: Of its state of power.
        watt: Into the battery where it takes all, by second [W].
        celsius: Of cells and surroundings when it begins [°C].
    """
    plant, onset = of.plant, of.bounds.plating
    assert onset is not None, "a pack that may plate"
    state, limit, until = plant.init(np.array([TRIP_SOC]), celsius), 0.0, 0
    tau = (of.cell.tau1_second, of.cell.tau2_second)
    volt, rows = float(np.interp(TRIP_SOC, np.linspace(0.0, 1.0, 101), of.cell.ocv_volt)), []
    for second, asked in enumerate(watt.tolist()):
        if asked > 0.0 and second >= until:
            until = second + POWER_SECOND
            pairs = np.stack([state.v1_volt, state.v2_volt], axis=1)
            left = relaxing(pairs, tau, estimator.map.second)
            cells = CellState(state.soc, np.zeros(1), state.temperature_celsius, left)
            told = estimator.power(cells, charging=True, horizons=(POWER_SECOND,))
            limit = float(told.watt[0]) * of.cells
        plates = float(onset.at(state.soc, state.temperature_celsius)[0])
        wanted = min(asked, limit)
        ampere = wanted / (of.cells * volt)
        for _ in range(3 * (asked > 0.0)):  # the voltage moves with the current: settles at once
            _, after = plant.step(state, np.array([ampere]), celsius, 1.0)
            ampere = wanted / (of.cells * float(after[0]))
        state, after = plant.step(state, np.array([ampere]), celsius, 1.0)
        volt = float(after[0])
        taken = max(ampere * volt * of.cells, 0.0)
        rows.append((max(asked, 0.0), taken, limit, volt, ampere, plates))
    return Braked(*np.array(rows).T)


def braking() -> Sheet:
    """Brake on the same trip, warm and cold (C9-32)."""
    of, watt = pack(), trip_watt()
    estimator = power_of(of)
    rows: list[tuple[Value, ...]] = []
    shares, most_over = [], 0.0
    for celsius in TRIP_CELSIUS:
        trip = braked(of, estimator, watt, celsius)
        asked, taken = (float(part.sum()) / 3.6e6 for part in (trip.asked_watt, trip.taken_watt))
        over = float(np.maximum(trip.taken_watt - trip.limit_watt, 0.0).max())
        shares.append(taken / asked)
        most_over = max(most_over, over)
        rows.append(
            (
                f"{celsius:g} °C",
                asked,
                taken,
                100.0 * taken / asked,
                float(trip.limit_watt[trip.limit_watt > 0.0][0]) / 1000.0,
                float((trip.asked_watt > trip.limit_watt).sum()),
                over,
            )
        )
    return Sheet(
        f"braking: one trip of {TRIP_SECOND // 60} minutes from {TRIP_SOC:.0%}, within the state "
        "of power over ten seconds",
        (
            ("cells", ""),
            ("asked kWh", ".2f"),
            ("recovered kWh", ".2f"),
            ("%", ".0f"),
            ("limit kW", ".1f"),
            ("limited s", ".0f"),
            ("over limit W", ".1f"),
        ),
        tuple(rows),
        (
            "limit: when it first brakes; cells warm while they are driven, and the charge falls",
            "the onset of plating binds; it is that of lasting currents, hence careful for braking",
        ),
        (
            Goal(
                f"recovered at {TRIP_CELSIUS[-1]:g} °C",
                shares[-1],
                "share",
                shares[0],
                f"{TRIP_CELSIUS[0]:g} °C",
                shares[0],
            ),
            Goal("most above the state of power", most_over, "W", None, "", 1.0),
        ),
    )
