"""From what a vehicle's battery did to the sample batch that its telematics would have sent."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32, Int

from voltherd.sim.activity import Rows
from voltherd.sim.contactors import STEPS as CONTACTOR_STEPS
from voltherd.sim.contactors import contactor_channels
from voltherd.sim.environment import STEPS, environment_channels
from voltherd.sim.pack import VOLTAGE_LIMITS_VOLT, Pack
from voltherd.sim.sensor_faults import Held, Readings, corrupted, disturbed
from voltherd.sim.sensors import (
    CURRENT_NOISE_AMPERE,
    CURRENT_STEP_AMPERE,
    VOLTAGE_STEP_VOLT,
    cell_readings,
    quantised,
    resistance_ohm,
)
from voltherd.sim.streams import Purpose, stream
from voltherd.sim.unit import Unit
from voltherd.types.event import Phenomenon
from voltherd.types.sample import SampleBatch

WARNING_SPREAD_VOLT = (0.3, 0.4, 0.5)
"""Spread of the cells at which the vehicle itself warns, level by level."""
_CHARGING, _NOT_CHARGING, _COMPLETE = 1.0, 3.0, 4.0  # codes of GB/T 32960.3, table 9


class VehicleRecord(NamedTuple):
    """What one vehicle did, telemetered rows only."""

    rows: Rows
    voltage_volt: Float32[np.ndarray, "time cells"]
    probe_celsius: Float32[np.ndarray, "time probes"]
    current_ampere: Float[np.ndarray, "time"]
    soc_fraction: Float[np.ndarray, "time"]
    cell_celsius: Float[np.ndarray, "time"]
    rows_since_full: Int[np.ndarray, "time"]
    ambient_celsius: Float[np.ndarray, "time"]


class StretchKey(NamedTuple):
    """Whose time it is, which is what its random streams hang on."""

    seed: int
    vehicle: int
    day: int
    segment: int | None
    """Which part of the day; None for a whole one."""

    def stream(self, purpose: Purpose) -> np.random.Generator:
        """Give the stream of this stretch."""
        return stream(self.seed, purpose, self.vehicle, self.day, self.segment)


def sample_stretch(  # long: one paragraph per kind of channel
    key: StretchKey,
    unit: Unit,
    record: VehicleRecord,
    *,
    odometer_kilometre: float,
    soc_error: Float[np.ndarray, "time"],
    held: Held,
    housing_celsius: Float[np.ndarray, "time"],
) -> tuple[SampleBatch, Held]:
    """Measure a vehicle for a day or a part of one.

    Args:
        key: Seed, vehicle, day and part of it.
        unit: The vehicle.
        record: What its battery did.
        odometer_kilometre: Distance covered before the day [km].
        soc_error: By how much the vehicle's own state of charge is off at each row.
        held: What stuck channels keep from the time before.
        housing_celsius: What the housing's air was before the pack warmed it [°C].

    Returns:
        The batch, and what stuck channels keep for the time after.
    """
    pack, sensors, faults = unit.pack, unit.sensors, unit.faults
    rows = record.rows
    time, count = rows.unix_time_second, len(rows.unix_time_second)
    rng = key.stream(Purpose.SENSOR_DAY)
    pack_volt = record.voltage_volt.sum(axis=1, dtype=np.float64)
    ohm = resistance_ohm(pack.parameters, record.cell_celsius)
    now, slope = _current(pack, record, pack_volt, ohm)
    added = np.array(pack.busbar_ohm)
    cells = cell_readings(
        rng,
        sensors,
        record.voltage_volt,
        step_ampere=now - record.current_ampere,
        slope_ampere_per_second=slope,
        nominal_ohm=ohm,
        resistance_scale=pack.resistance_scale,
        added_ohm=added,
        cell_celsius=record.cell_celsius,
    )
    swing = now - record.current_ampere
    for fault in faults:
        if fault.phenomenon is Phenomenon.CONTACT_RESISTANCE:
            cell = (fault.location.index or 1) - 1
            late = slope * sensors.cell_delay_second[cell]
            cells[:, cell] += (fault.size_at(time) * (swing + late)).astype(np.float32)

    string_ohm = ohm * pack.resistance_scale.sum() + added.sum()
    current = sensors.current_gain * now + sensors.current_offset_ampere
    # However a day is cut, the weather that its insulation meets is one.
    whole = rng if key.segment is None else key._replace(segment=0).stream(Purpose.WEATHER)
    wet = float(np.exp(-0.4 * abs(whole.normal())))
    probes = record.probe_celsius + sensors.probe_offset_celsius.astype(np.float32)
    healthy = Readings(
        cells,
        np.zeros(cells.shape, np.uint8),
        probes + np.float32(0.15) * rng.standard_normal(probes.shape, np.float32),
        np.zeros(probes.shape, np.uint8),
        {
            "voltage_volt": pack_volt
            + string_ohm * swing
            + sensors.pack_offset_volt
            + rng.normal(0.0, 0.1, count),
            "current_ampere": current + rng.normal(0.0, CURRENT_NOISE_AMPERE, count),
            "soc_fraction": record.soc_fraction + soc_error,
            "speed_kilometre_per_hour": np.array(rows.speed_kilometre_per_hour),
            "odometer_kilometre": odometer_kilometre + rows.distance_kilometre,
            "ambient_temperature_celsius": record.ambient_celsius + rng.normal(0.0, 0.3, count),
            "insulation_resistance_ohm": np.minimum(
                sensors.insulation_ohm * wet * rng.normal(1.0, 0.03, count), 1e7
            ),
        },
    )
    if unit.environment is not None:
        surroundings = environment_channels(
            key.stream(Purpose.ENVIRONMENT_DAY),
            unit.environment,
            unix_time_second=time,
            housing_celsius=housing_celsius,
            cell_celsius=record.cell_celsius,
            speed_kilometre_per_hour=rows.speed_kilometre_per_hour,
        )
        healthy = healthy._replace(scalar={**healthy.scalar, **surroundings})
    if unit.contactors:
        told = contactor_channels(
            key.stream(Purpose.CONTACTORS_DAY),
            rows,
            healthy.scalar["voltage_volt"],
            faults,
        )
        healthy = healthy._replace(scalar={**healthy.scalar, **told})
    fault_rng = key.stream(Purpose.FAULT_DAY)
    converted = _converted(disturbed(fault_rng, healthy, time, faults), sensors.soc_step)
    readings, held = corrupted(converted, time, faults, held)
    scalar = {**readings.scalar, **_reported(readings)}
    charging = np.where(record.rows_since_full > 0, _COMPLETE, _CHARGING)
    scalar["charge_state"] = np.where(rows.charge_watt > 0.0, charging, _NOT_CHARGING)
    batch = SampleBatch(
        vehicle_id=unit.vehicle.vehicle_id,
        unix_time_second=time,
        cell_voltage_volt=readings.cell_voltage_volt,
        cell_quality=readings.cell_quality,
        probe_temperature_celsius=readings.probe_celsius,
        probe_quality=readings.probe_quality,
        scalar=scalar,
        scalar_quality={name: np.zeros(count, np.uint8) for name in scalar},
    )
    return batch, held


def _current(
    pack: Pack,
    record: VehicleRecord,
    pack_volt: Float[np.ndarray, "time"],
    nominal_ohm: Float[np.ndarray, "time"],
) -> tuple[Float[np.ndarray, "time"], Float[np.ndarray, "time"]]:
    """Give the current at the instant of each row [A] and how fast it moves there [A/s]."""
    rows = record.rows
    driven = rows.power_now_watt != 0.0  # only trips know more than the mean over the step
    limit = VOLTAGE_LIMITS_VOLT[pack.parameters.chemistry][1]
    room = np.maximum(limit - record.voltage_volt.max(axis=1), 0.0)
    # As in the plant: regeneration does not lift a cell above its limit.
    most = np.maximum(record.current_ampere, 0.0) + room / (2.0 * nominal_ohm)
    now = np.minimum(rows.power_now_watt / pack_volt, most)
    later = np.minimum(rows.power_next_watt / pack_volt, most)
    return np.where(driven, now, record.current_ampere), np.where(driven, later - now, 0.0)


def _converted(readings: Readings, soc_step: float) -> Readings:
    """Apply the steps in which each channel is sent."""
    scalar = dict(readings.scalar)
    steps = {
        "voltage_volt": 0.1,
        "current_ampere": CURRENT_STEP_AMPERE,
        "soc_fraction": soc_step,
        "speed_kilometre_per_hour": 0.1,
        "odometer_kilometre": 0.1,
        "ambient_temperature_celsius": 0.5,
        "insulation_resistance_ohm": 1000.0,
        **{name: step for name, step in (STEPS | CONTACTOR_STEPS).items() if name in scalar},
    }
    for name, step in steps.items():
        scalar[name] = quantised(scalar[name], step)
    scalar["soc_fraction"] = np.clip(scalar["soc_fraction"], 0.0, 1.0)
    return readings._replace(
        cell_voltage_volt=quantised(readings.cell_voltage_volt, VOLTAGE_STEP_VOLT),
        probe_celsius=quantised(readings.probe_celsius, 1.0),
        scalar=scalar,
    )


def _reported(readings: Readings) -> Mapping[str, Float[np.ndarray, "time"]]:
    """Give the extremes and the warning level that the vehicle makes of its own readings."""
    high = np.fmax.reduce(readings.cell_voltage_volt, axis=1).astype(np.float64)
    low = np.fmin.reduce(readings.cell_voltage_volt, axis=1).astype(np.float64)
    warm = np.fmax.reduce(readings.probe_celsius, axis=1).astype(np.float64)
    cold = np.fmin.reduce(readings.probe_celsius, axis=1).astype(np.float64)
    level = np.searchsorted(np.array(WARNING_SPREAD_VOLT), high - low).astype(np.float64)
    return {
        "cell_voltage_volt_max": high,
        "cell_voltage_volt_min": low,
        "temperature_celsius_max": warm,
        "temperature_celsius_min": cold,
        "warning_level": level,
    }
