"""Faults that the simulator does not have, put into its records: a blocked coolant, tampering.

Both change what was measured and leave the physics alone, which is what they look like to whoever
has only the record.  The heat that a blocked coolant leaves in a module is a first-order low pass
of the squared current; its effect on the cells' resistance is left out.
"""

from dataclasses import replace
from typing import Final

import numpy as np

from voltherd.types.sample import SampleBatch

KELVIN_PER_AMPERE2: Final = 4e-3
"""Heat that stays in the module: 10 K at 50 A for an hour [K/A²]."""
LAG_SECOND: Final = 3000.0
KELVIN_MAX: Final = 40.0
TAMPERED_VOLT: Final = 0.03


def overheated(
    batch: SampleBatch, probes: slice, start_second: float, warmth_kelvin: float
) -> tuple[SampleBatch, float]:
    """Warm a module's probes by what its coolant no longer carries away.

    Args:
        batch: Rows; not changed.
        probes: The module's probes.
        start_second: When the coolant stops [unix s].
        warmth_kelvin: Warmth at the end of the rows before [K].

    Returns:
        The rows with the fault in them, and the warmth at their end.
    """
    time = batch.unix_time_second
    heat = np.nan_to_num(batch.scalar["current_ampere"]) ** 2 * KELVIN_PER_AMPERE2
    keep = np.exp(-np.diff(time, prepend=time[:1]) / LAG_SECOND)
    warmth = np.empty(batch.rows)
    for row in range(batch.rows):
        goal = heat[row] if time[row] >= start_second else 0.0
        warmth_kelvin = float(keep[row] * warmth_kelvin + (1.0 - keep[row]) * goal)
        warmth[row] = min(warmth_kelvin, KELVIN_MAX)
    celsius = batch.probe_temperature_celsius.copy()
    celsius[:, probes] += warmth[:, None].astype(np.float32)
    return replace(batch, probe_temperature_celsius=celsius), warmth_kelvin


def tampered(
    batch: SampleBatch, cells: tuple[int, int], start_second: float, volt: float = TAMPERED_VOLT
) -> SampleBatch:
    """Raise one cell's reading and lower another's by as much: their sum tells nothing.

    Args:
        batch: Rows; not changed.
        cells: Which two, from 1.
        start_second: When it begins [unix s].
        volt: By how much [V].
    """
    begun = batch.unix_time_second >= start_second
    readings = batch.cell_voltage_volt.copy()
    readings[begun, cells[0] - 1] += np.float32(volt)
    readings[begun, cells[1] - 1] -= np.float32(volt)
    return replace(batch, cell_voltage_volt=readings)
