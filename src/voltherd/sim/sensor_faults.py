"""Faults of measurements: what changes between the sensor and the record.

Additive faults act before the converter's steps, faults of transmission (stuck, swapped, invalid)
after them.  A stuck channel keeps the value it had when the fault began, over days.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, UInt8

from voltherd.sim.environment import HUMIDITY, PRESSURE, VIBRATION, soaked, vented
from voltherd.sim.faults import SOC_CHANNEL, Fault
from voltherd.types.event import LocationKind, Phenomenon
from voltherd.types.quality import Quality

Held = Mapping[int, float]
"""Value that a stuck channel keeps, by the fault's position in the list of its vehicle."""

SPIKE_CHANCE = 0.02
_STUCK = (Phenomenon.SENSOR_STUCK, Phenomenon.CHANNEL_FROZEN, Phenomenon.COUNTER_RESET)


class Readings(NamedTuple):
    """What is about to be recorded."""

    cell_voltage_volt: Float32[np.ndarray, "time cells"]
    cell_quality: UInt8[np.ndarray, "time cells"]
    probe_celsius: Float32[np.ndarray, "time probes"]
    probe_quality: UInt8[np.ndarray, "time probes"]
    scalar: Mapping[str, Float[np.ndarray, "time"]]


def disturbed(
    rng: np.random.Generator,
    readings: Readings,
    unix_time_second: Float[np.ndarray, "time"],
    faults: Sequence[Fault],
) -> Readings:
    """Add what is added before the converter: biases, offsets, spikes.

    Args:
        rng: The stream of this vehicle's faults and day.
        readings: Healthy readings; not changed.
        unix_time_second: Time of each row [s].
        faults: Faults of this vehicle.

    Returns:
        Readings with the faults in them.
    """
    cells, probes = readings.cell_voltage_volt.copy(), readings.probe_celsius.copy()
    scalar = dict(readings.scalar)
    for fault in faults:
        size = fault.size_at(unix_time_second)
        index = (fault.location.index or 1) - 1
        channel = fault.location.channel or ""
        match fault.phenomenon:
            case Phenomenon.MODULE_OFFSET:
                cells[:, np.array(fault.location.cells) - 1] += size[:, None].astype(np.float32)
            case Phenomenon.STRING_GRADIENT:
                ramp = np.linspace(-0.5, 0.5, cells.shape[1])
                cells += (size[:, None] * ramp).astype(np.float32)
            case Phenomenon.SENSOR_SPIKES:
                hit = rng.random(len(size)) < SPIKE_CHANCE
                height = size * rng.uniform(0.7, 1.3, len(size))
                cells[:, index] += np.where(hit, height, 0.0).astype(np.float32)
            case Phenomenon.TEMPERATURE_OUTLIER:
                probes[:, index] += size.astype(np.float32)
            case Phenomenon.SENSOR_BIAS if fault.location.kind is LocationKind.CELL:
                cells[:, index] += size.astype(np.float32)
            case Phenomenon.SENSOR_BIAS if fault.location.kind is LocationKind.PROBE:
                probes[:, index] += size.astype(np.float32)
            case Phenomenon.SENSOR_DRIFT:
                drifted = fault.drift_at(unix_time_second).astype(np.float32)
                (cells if fault.location.kind is LocationKind.CELL else probes)[:, index] += drifted
            case Phenomenon.SENSOR_BIAS:
                scalar[channel] = scalar[channel] + size
            case Phenomenon.SOC_MISREPORTED if fault.unit:
                daily = fault.unit == "1/day"
                off = fault.drift_at(unix_time_second) if daily else size
                scalar[SOC_CHANNEL] = scalar[SOC_CHANNEL] + off
            case Phenomenon.PACK_VOLTAGE_MISMATCH:
                scalar["voltage_volt"] = scalar["voltage_volt"] + size
            case Phenomenon.PACK_PRESSURE if PRESSURE in scalar:
                left = vented(unix_time_second - fault.start_second)
                scalar[PRESSURE] = scalar[PRESSURE] + size * left
            case Phenomenon.HUMIDITY_HIGH if HUMIDITY in scalar:
                spread = soaked(unix_time_second - fault.start_second)
                scalar[HUMIDITY] = 1.0 - (1.0 - scalar[HUMIDITY]) * (1.0 - size * spread)
            case Phenomenon.VIBRATION_HIGH if VIBRATION in scalar:
                scalar[VIBRATION] = scalar[VIBRATION] * (1.0 + size)
            case Phenomenon.INSULATION_LOW:
                name = "insulation_resistance_ohm"
                left = size * rng.normal(1.0, 0.02, len(size))
                begun = fault.active(unix_time_second)
                scalar[name] = np.where(begun, np.minimum(left, scalar[name]), scalar[name])
    return readings._replace(cell_voltage_volt=cells, probe_celsius=probes, scalar=scalar)


def corrupted(
    readings: Readings,
    unix_time_second: Float[np.ndarray, "time"],
    faults: Sequence[Fault],
    held: Held,
) -> tuple[Readings, Held]:
    """Change what is changed after the converter: stuck, swapped and invalid channels.

    Args:
        readings: Converted readings; not changed.
        unix_time_second: Time of each row [s].
        faults: Faults of this vehicle.
        held: What stuck channels keep from the days before.

    Returns:
        Readings with the faults in them, and what stuck channels keep for the days after.
    """
    cells, cell_quality = readings.cell_voltage_volt.copy(), readings.cell_quality.copy()
    probes, probe_quality = readings.probe_celsius.copy(), readings.probe_quality.copy()
    scalar = {name: values.copy() for name, values in readings.scalar.items()}
    keeps = dict(held)
    for number, fault in enumerate(faults):
        begun = np.flatnonzero(fault.active(unix_time_second))
        if not len(begun):
            continue
        kind, index = fault.location.kind, (fault.location.index or 1) - 1
        column: np.ndarray
        if kind is LocationKind.CELL:
            column, flags = cells[:, index], cell_quality[:, index]
        elif kind is LocationKind.PROBE:
            column, flags = probes[:, index], probe_quality[:, index]
        elif kind is LocationKind.CHANNEL and fault.location.channel in scalar:
            column, flags = scalar[fault.location.channel], np.empty(0, np.uint8)
        else:
            continue
        frozen = fault.phenomenon is Phenomenon.SOC_MISREPORTED and not fault.unit
        if fault.phenomenon in _STUCK or frozen:
            keeps.setdefault(number, float(column[begun[0]]))
        if fault.phenomenon is Phenomenon.COUNTER_RESET:
            column[begun] -= keeps[number]
        elif fault.phenomenon in _STUCK or frozen:
            column[begun] = keeps[number]
        elif fault.phenomenon is Phenomenon.CHANNEL_SWAP:
            pair = np.array(fault.location.cells) - 1
            cells[np.ix_(begun, pair)] = cells[np.ix_(begun, pair[::-1])]
        elif fault.phenomenon is Phenomenon.CHANNEL_INVALID:
            column[begun] = np.nan
            flags[begun] = Quality.SENTINEL
    return Readings(cells, cell_quality, probes, probe_quality, scalar), keeps
