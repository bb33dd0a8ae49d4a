"""Faults put into a recorded drive: what its cells and channels would have said with them.

Recorded driving has what no simulator has: real noise, skew, load, weather and mess.  A fault is
added to it as physics adds it: charge lost moves a cell along the open-circuit voltage, resistance
adds volts per ampere, a sensor's fault changes its reading alone.  What cannot be added this way is
left out and said: the heat of a fault, and what a vehicle would have done about it.
"""

from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float, Float32

from voltherd.errors import UsageError
from voltherd.numerics.ocv import soc_from_ocv
from voltherd.sim.faults import Fault
from voltherd.sim.sensor_faults import Readings, corrupted, disturbed
from voltherd.sim.sensors import quantised
from voltherd.types.event import Phenomenon
from voltherd.types.sample import SampleBatch
from voltherd.units import SECOND_PER_HOUR

ELECTRICAL: Final = (
    Phenomenon.WEAK_CELL,
    Phenomenon.INTERNAL_SHORT,
    Phenomenon.CELL_IMBALANCE,
    Phenomenon.CONTACT_RESISTANCE,
)
MEASURED: Final = (
    Phenomenon.SENSOR_BIAS,
    Phenomenon.SENSOR_DRIFT,
    Phenomenon.SENSOR_STUCK,
    Phenomenon.SENSOR_SPIKES,
    Phenomenon.CHANNEL_SWAP,
    Phenomenon.MODULE_OFFSET,
    Phenomenon.TEMPERATURE_OUTLIER,
    Phenomenon.INSULATION_LOW,
)
STEPS_VOLT: Final = (0.02, 0.01, 0.005, 0.002, 0.001)
"""Resolutions that cell voltages are sent in."""


class Cell(NamedTuple):
    """What must be known of a vehicle's cells to move one along its curve.

    Attributes:
        ocv_volt: Open-circuit voltage at equally spaced charges 0…1, rising [V].
        resistance_ohm: Of the median cell, to take the ohmic part out [Ω].
        capacity_ah: Of a cell [Ah].
    """

    ocv_volt: Float[np.ndarray, " nodes"]
    resistance_ohm: float
    capacity_ah: float


def injected(batch: SampleBatch, fault: Fault, cell: Cell, seed: int) -> SampleBatch:
    """Give the record as it would be with the fault.

    Args:
        batch: One vehicle's record, whole: a leak adds up over all of it.
        fault: What, where, since when, how large; see ``sim.faults.KINDS``.
        cell: The vehicle's cells.
        seed: Of what is random about the fault.

    Returns:
        A new batch; the old one is not changed.  Where a reading was missing it stays missing.

    Raises:
        UsageError: The fault cannot be put into a record, or its place is not in it.
    """
    if fault.phenomenon not in (*ELECTRICAL, *MEASURED):
        raise UsageError(
            f"{fault.phenomenon.value} cannot be put into recorded driving",
            mend="one of " + ", ".join(p.value for p in (*ELECTRICAL, *MEASURED)),
        )
    if fault.location.cells and max(fault.location.cells) > batch.cells:
        raise UsageError(
            f"{batch.vehicle_id} has {batch.cells} cells, not {max(fault.location.cells)}",
            mend="name a cell that the record has",
        )
    time = batch.unix_time_second
    volt = batch.cell_voltage_volt.copy()
    if fault.phenomenon in ELECTRICAL:
        index = (fault.location.index or 1) - 1
        volt[:, index] += _moved(batch, fault, cell, index)
    readings = Readings(
        volt,
        batch.cell_quality,
        batch.probe_temperature_celsius,
        batch.probe_quality,
        batch.scalar,
    )
    readings = disturbed(np.random.default_rng(seed), readings, time, (fault,))
    step = resolution_volt(batch.cell_voltage_volt)
    changed = readings.cell_voltage_volt != batch.cell_voltage_volt
    sent = np.where(
        changed, quantised(readings.cell_voltage_volt, step), batch.cell_voltage_volt
    ).astype(np.float32)
    readings, _ = corrupted(readings._replace(cell_voltage_volt=sent), time, (fault,), {})
    return replace(
        batch,
        cell_voltage_volt=readings.cell_voltage_volt,
        cell_quality=readings.cell_quality,
        probe_temperature_celsius=readings.probe_celsius,
        probe_quality=readings.probe_quality,
        scalar=readings.scalar,
    )


def resolution_volt(cell_voltage_volt: Float32[np.ndarray, "time cells"]) -> float:
    """Give the step in which the cell voltages are sent, the coarsest that fits nearly all [V].

    >>> resolution_volt(np.array([[3.695, 3.7], [3.705, 3.71]], np.float32))
    0.005
    """
    seen = cell_voltage_volt[:: max(1, len(cell_voltage_volt) // 500)].astype(np.float64)
    seen = seen[np.isfinite(seen)]
    for step in STEPS_VOLT:
        off = np.abs(seen / step - np.rint(seen / step))
        if len(seen) and float((off < 0.02).mean()) > 0.99:
            return step
    return STEPS_VOLT[-1]


def _moved(batch: SampleBatch, fault: Fault, cell: Cell, index: int) -> Float32[np.ndarray, "time"]:
    """Give what an electrical fault adds to one cell's voltage [V]."""
    time = batch.unix_time_second
    current = np.nan_to_num(batch.scalar.get("current_ampere", np.zeros(batch.rows)))
    if fault.phenomenon is Phenomenon.CONTACT_RESISTANCE:
        return np.asarray(fault.size_at(time) * current, np.float32)
    volt = batch.cell_voltage_volt[:, index].astype(np.float64)
    soc = soc_from_ocv(cell.ocv_volt, volt - cell.resistance_ohm * current)
    if fault.phenomenon is Phenomenon.WEAK_CELL:
        # Balanced when full: what it lacks shows towards empty.
        lost = fault.size_at(time)
        change = -(1.0 - soc) * lost / (1.0 - lost)
    elif fault.phenomenon is Phenomenon.CELL_IMBALANCE:
        change = fault.size_at(time)
    else:
        change = -_leaked(fault, time, volt, cell.capacity_ah)
    nodes = np.linspace(0.0, 1.0, len(cell.ocv_volt))
    slope = float(cell.ocv_volt[1] - cell.ocv_volt[0]) / nodes[1]
    after = soc + change
    # Below empty the curve goes on as it ends: a short does not stop there.
    new = np.interp(after, nodes, cell.ocv_volt) + slope * np.minimum(after, 0.0)
    moved = new - np.interp(soc, nodes, cell.ocv_volt)
    return np.where(np.isfinite(moved), np.maximum(moved, -np.nan_to_num(volt)), 0.0).astype(
        np.float32
    )


def _leaked(
    fault: Fault,
    time: Float[np.ndarray, "time"],
    volt: Float[np.ndarray, "time"],
    capacity_ah: float,
) -> Float[np.ndarray, "time"]:
    """Give the share of its charge that a cell has lost by each row, parked hours too."""
    if fault.unit == "1/day":
        return fault.drift_at(time)
    known = np.where(np.isfinite(volt), volt, np.nanmedian(volt))
    ampere = np.where(time >= fault.start_second, known / fault.size, 0.0)
    hours = np.diff(time, prepend=time[0]) / SECOND_PER_HOUR
    return np.asarray(np.cumsum(ampere * hours) / capacity_ah)
