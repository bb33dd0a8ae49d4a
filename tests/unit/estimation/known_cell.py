"""A cell whose every parameter is known, and drives of it."""

import numpy as np

from voltherd.estimation.identify import Drive
from voltherd.numerics.presets import NMC
from voltherd.units import GAS_CONSTANT_JOULE_PER_MOLE_KELVIN as GAS

CELL = NMC.resized(3.0)
TAUS = np.array([8.0, 120.0])
OHM = np.array([0.020, 0.012, 0.015])
"""R0, R1 and R2 at 25 °C [Ω]."""
JOULE_PER_MOLE = np.array([18_000.0, 25_000.0, 22_000.0])
HEAT_JOULE_PER_KELVIN, COOLING_KELVIN_PER_WATT = 42.0, 9.0
GRID = np.linspace(0.0, 1.0, 101)


def ohm(celsius):
    """R0, R1 and R2 [Ω]."""
    return OHM * np.exp(JOULE_PER_MOLE / GAS * (1.0 / (celsius + 273.15) - 1.0 / 298.15))


def driven(seed, celsius, rows=7200, noise=0.001, mean=-1.1):
    """Discharge it in steps, from full, with the heat it makes and loses."""
    random = np.random.default_rng(seed)
    current = np.repeat(random.normal(0.0, 4.0, rows // 20), 20)
    current += mean - current.mean()
    soc, volt, warmth = np.empty(rows), np.empty(rows), np.empty(rows)
    pairs, z, here, before = np.zeros(2), 1.0, celsius, current[0]
    kept = np.exp(-1.0 / TAUS)
    for at, now in enumerate(current):
        flowed = 0.5 * (before + now)
        before = now
        r0, *slow = ohm(here)
        if at:
            z += flowed / (3600.0 * CELL.capacity_ah)
            pairs = kept * pairs + (1.0 - kept) * np.array(slow) * flowed
        over = r0 * now + pairs.sum()
        soc[at], warmth[at] = z, here
        volt[at] = np.interp(z, GRID, CELL.ocv_volt) + over
        here += (now * over - (here - celsius) / COOLING_KELVIN_PER_WATT) / HEAT_JOULE_PER_KELVIN
    assert soc.min() > 0.0 and soc.max() < 1.2
    return Drive(
        np.arange(float(rows)),
        current,
        volt + random.normal(0.0, noise, rows),
        warmth + random.normal(0.0, 0.05, rows),
        soc,
    )
