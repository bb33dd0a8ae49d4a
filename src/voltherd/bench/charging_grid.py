"""What packs do for a grid's frequency, and what a road of coils does for a vehicle.

The grid is one machine with its governor and secondary control (:mod:`voltherd.charging.grid`),
coils are resonant circuits (:mod:`voltherd.charging.sources`): models, nothing is recorded.
"""

from typing import Final

import numpy as np

from voltherd.bench.charging_battery import pack
from voltherd.bench.charging_goals import Goal
from voltherd.bench.charging_sheet import Sheet, Value
from voltherd.charging.grid import Droop, Machine, respond, swing
from voltherd.charging.sources import Link, fitted_exponent, linked, road_watt_hour
from voltherd.sim.route import Body, steady_power_watt

OFFERED_KILOWATT: Final = 100.0
EVENT_SECOND: Final = 900
REST_SECOND: Final = 7200
LOST_SHARE: Final = 0.05
STEP_SECOND: Final = 0.1
STEPS: Final = 6000
BANDS_HERTZ: Final = (0.2, 0.1, 0.05, 0.02)
STORAGE_SHARES: Final = (0.01, 0.02, 0.04)
SPEEDS_KMH: Final = (10.0, 30.0, 50.0, 90.0)
ROAD_METRE: Final = 1000
COIL_KILOWATT: Final = 20.0
GAP_METRE: Final = 0.2
BODY: Final = Body(mass_kilogram=1900.0, rolling=0.0095, drag_area_square_metre=0.63)


def frequency() -> Sheet:
    """Answer a frequency that falls to where all is asked for, and give back after (C9-22)."""
    hertz = np.concatenate([[50.0], np.full(EVENT_SECOND, 49.8), np.full(REST_SECOND, 50.0)])
    rows: list[tuple[Value, ...]] = []
    for name, droop in (
        ("gives back", Droop(OFFERED_KILOWATT)),
        ("never gives back", Droop(OFFERED_KILOWATT, recover_second=np.inf)),
    ):
        done = respond(droop, hertz, 1.0)
        rows.append(
            (
                name,
                float(done.power_kilowatt[1]),
                float(done.moved_kwh[EVENT_SECOND]),
                float(done.moved_kwh[-1]),
            )
        )
    return Sheet(
        f"frequency: {OFFERED_KILOWATT:g} kW of packs, 49.8 Hz for {EVENT_SECOND // 60} minutes",
        (
            ("", ""),
            ("kW in the first second", ".0f"),
            ("kWh moved then", ".1f"),
            ("two hours later", ".2f"),
        ),
        tuple(rows),
        ("packs here answer without a delay; below, a grid that they act on, after a second",),
        (
            Goal(
                "frequency: out of place two hours later",
                abs(float(rows[0][-1])),
                "kWh",
                abs(float(rows[1][-1])),
                "never gives back",
                0.02 * OFFERED_KILOWATT * EVENT_SECOND / 3600.0,
            ),
        ),
    )


def imbalance() -> Sheet:
    """Let a grid lose a twentieth of its power, with packs that answer and without (C9-34)."""
    machine = Machine()
    missing = np.full(STEPS, LOST_SHARE * machine.kilowatt)
    rows: list[tuple[Value, ...]] = []
    for share in (0.0, *STORAGE_SHARES):
        droop = Droop(share * machine.kilowatt) if share else None
        done = swing(machine, missing, STEP_SECOND, droop)
        back = [done.within_second(machine.nominal_hertz, band) for band in BANDS_HERTZ]
        moved = float(np.abs(done.moved_kwh).max())
        rows.append((f"{share:.0%} storage", float(done.hertz.min()), *back, moved))
    goals = [
        Goal(
            f"imbalance: back within {1000.0 * band:g} mHz, 2 %",
            float(rows[2][2 + at]),
            "s",
            float(rows[0][2 + at]),
            "no storage",
            float(rows[0][2 + at]),
        )
        for at, band in enumerate(BANDS_HERTZ[:2])
    ]
    return Sheet(
        f"imbalance: {LOST_SHARE:.0%} of the power is lost at once; packs answer after a second",
        (
            ("", ""),
            ("lowest Hz", ".2f"),
            *((f"s to {1000.0 * band:g} mHz", ".1f") for band in BANDS_HERTZ),
            ("kWh given of 1 GW", ".0f"),
        ),
        tuple(rows),
        (
            "one machine, 4 s of inertia, governors of 5 % and 8 s, secondary control of 0.3/s",
            "the last steps to 50 Hz are secondary control's: there storage is no faster",
        ),
        tuple(goals),
    )


def road() -> Sheet:
    """Drive over a kilometre of coils (C9-13)."""
    coils, link, capacity = np.arange(float(ROAD_METRE)), Link(), pack().energy_kwh
    rows: list[tuple[Value, ...]] = []
    for speed in SPEEDS_KMH:
        taken = road_watt_hour(link, coils, GAP_METRE, speed / 3.6, 1000.0 * COIL_KILOWATT) / 1000.0
        used = float(steady_power_watt(np.array([speed / 3.6]), BODY)[0]) / 1000.0 / speed
        rows.append(
            (
                f"{speed:g} km/h",
                taken,
                used,
                100.0 * taken / capacity,
                100.0 * (taken - used) / capacity,
            )
        )
    return Sheet(
        f"in-road charging: 1 km, a coil every metre, {GAP_METRE:g} m below, "
        f"{COIL_KILOWATT:g} kW each at most",
        (
            ("", ""),
            ("kWh taken", ".3f"),
            ("kWh driven", ".3f"),
            ("SOC gained %", ".2f"),
            ("net %", ".2f"),
        ),
        tuple(rows),
        ("a vehicle of 1.9 t with 55 kWh on a level road; a coil is on while it is overhead",),
    )


def exponent() -> Sheet:
    """Fit the exponent of equation 3 to the circuit's powers, by distance (C9-03)."""
    rows: list[tuple[Value, ...]] = []
    for low, high in ((0.1, 0.3), (0.3, 1.0), (1.0, 3.0), (6.0, 9.0)):
        away = np.geomspace(low, high, 20)
        found = fitted_exponent(away, linked(Link(), away, np.zeros(20)).watt)
        rows.append((f"{low:g} to {high:g} m", found.n, found.sigma, found.residual))
    return Sheet(
        "equation 3, P = k V1 V2 / d^n: the n that a resonant pair of 0.3 m coils asks for",
        (("", ""), ("n", ".2f"), ("± ", ".2f"), ("left of log P", ".2f")),
        tuple(rows),
        ("below 0: power rises with distance; no one n does for the circuit",),
    )
