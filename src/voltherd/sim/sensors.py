"""What the vehicle's electronics make of the truth: noise, steps, offsets, and late readings.

The boards that measure cells are read one after another, and their cells one after another, so
"one" sample spans a fraction of a second.  While the current moves, later cells see another
current: healthy cells show deviations, and when a board's answer comes a second late, dips of a
hundred millivolts.  They are sensor effects and prove nothing about a cell.
"""

from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Float, Float32

from voltherd.numerics.cell_parameters import CellParameters
from voltherd.types.asset import PackLayout
from voltherd.units import (
    GAS_CONSTANT_JOULE_PER_MOLE_KELVIN,
    KELVIN_AT_ZERO_CELSIUS,
    REFERENCE_TEMPERATURE_CELSIUS,
)

VOLTAGE_NOISE_VOLT: Final = 0.001
VOLTAGE_STEP_VOLT: Final = 0.001
CURRENT_NOISE_AMPERE: Final = 0.1
CURRENT_STEP_AMPERE: Final = 0.1
LATE_CELL_CHANCE: Final = 4e-5
LATE_BOARD_CHANCE: Final = 2e-4
LATE_SECOND: Final = (0.4, 1.6)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Sensors:
    """What was drawn for one vehicle's electronics.

    Attributes:
        cell_offset_volt: Offset of each cell channel [V].
        cell_drift_volt_per_kelvin: How that offset follows the temperature [V/K].
        cell_delay_second: When within a sample each cell is read [s].
        board: Board (from 0) that measures each cell.
        probe_offset_celsius: Offset of each probe [K].
        current_offset_ampere: Offset of the current sensor [A].
        current_gain: Gain of the current sensor.
        pack_offset_volt: Offset of the pack voltage sensor [V].
        soc_step: Step in which the vehicle reports state of charge.
        insulation_ohm: Insulation resistance in dry weather [Ω].
    """

    cell_offset_volt: Float[np.ndarray, "cells"]
    cell_drift_volt_per_kelvin: Float[np.ndarray, "cells"]
    cell_delay_second: Float[np.ndarray, "cells"]
    board: np.ndarray
    probe_offset_celsius: Float[np.ndarray, "probes"]
    current_offset_ampere: float
    current_gain: float
    pack_offset_volt: float
    soc_step: float
    insulation_ohm: float


def draw_sensors(rng: np.random.Generator, layout: PackLayout) -> Sensors:
    """Draw a vehicle's electronics.

    Args:
        rng: The vehicle's stream for sensors.
        layout: Blocks, modules (one board each) and probes.

    Returns:
        The electronics.
    """
    modules = layout.module_series or (layout.series,)
    board = np.repeat(np.arange(len(modules)), modules)
    within = np.concatenate([np.arange(blocks) / blocks for blocks in modules])
    # Boards answer in turn within 0.1 to 0.5 s; a board converts its own cells within 10 ms.
    span = float(rng.uniform(0.1, 0.5))
    return Sensors(
        cell_offset_volt=0.001 * rng.standard_t(8.0, layout.series) / np.sqrt(8.0 / 6.0),
        cell_drift_volt_per_kelvin=rng.normal(0.0, 2e-5, layout.series),
        cell_delay_second=span * board / max(len(modules), 1) + 0.01 * within,
        board=board,
        probe_offset_celsius=rng.normal(0.0, 0.4, len(layout.probe_module)),
        current_offset_ampere=float(rng.normal(0.0, 0.2)),
        current_gain=float(1.0 + rng.normal(0.0, 0.003)),
        pack_offset_volt=float(rng.normal(0.0, 0.4)),
        soc_step=float(rng.choice([0.004, 0.01])),
        insulation_ohm=float(np.exp(rng.normal(np.log(3e6), 0.5))),
    )


def soc_error(rng: np.random.Generator, days: int) -> Float[np.ndarray, "days"]:
    """Draw by how much the vehicle's own state of charge is off at the start of each day.

    Args:
        rng: A stream of its own.
        days: How many days.

    Returns:
        Error of each day, as a fraction; it wanders over weeks.
    """
    error, value = np.empty(days), float(rng.normal(0.0, 0.01))
    for day, shock in enumerate(rng.normal(0.0, 0.005, days)):
        error[day] = value
        value = 0.9 * value + shock
    return error


def resistance_ohm(
    block: CellParameters, cell_celsius: Float[np.ndarray, "time"]
) -> Float[np.ndarray, "time"]:
    """Give the ohmic resistance of the nominal block at a temperature [Ω].

    Source: the Arrhenius law of ``voltherd.numerics.cell_model``, without its approximation.
    """
    inverse = 1.0 / (cell_celsius + KELVIN_AT_ZERO_CELSIUS)
    reference = 1.0 / (REFERENCE_TEMPERATURE_CELSIUS + KELVIN_AT_ZERO_CELSIUS)
    exponent = block.activation_joule_per_mole / GAS_CONSTANT_JOULE_PER_MOLE_KELVIN
    return np.asarray(block.r0_ohm * np.exp(exponent * (inverse - reference)))


def cell_readings(
    rng: np.random.Generator,
    sensors: Sensors,
    voltage_volt: Float32[np.ndarray, "time cells"],
    *,
    step_ampere: Float[np.ndarray, "time"],
    slope_ampere_per_second: Float[np.ndarray, "time"],
    nominal_ohm: Float[np.ndarray, "time"],
    resistance_scale: Float[np.ndarray, "cells"],
    added_ohm: Float[np.ndarray, "cells"],
    cell_celsius: Float[np.ndarray, "time"],
) -> Float32[np.ndarray, "time cells"]:
    """Read the cells, before the steps of the converter.

    Args:
        rng: The stream of this vehicle and day.
        sensors: The vehicle's electronics.
        voltage_volt: True voltage under the mean current of each row [V].
        step_ampere: Current at the instant of the row less that mean [A].
        slope_ampere_per_second: How fast the current moves at the row [A/s].
        nominal_ohm: Ohmic resistance of the nominal block at each row [Ω].
        resistance_scale: Of each cell.
        added_ohm: Joint in each cell's path [Ω].
        cell_celsius: Temperature of the cells [°C].

    Returns:
        Readings [V].
    """
    rows, cells = voltage_volt.shape
    single = np.float32
    ohm = (nominal_ohm[:, None] * resistance_scale + added_ohm).astype(single)
    delay = np.broadcast_to(sensors.cell_delay_second.astype(single), ohm.shape).copy()
    _read_late(rng, sensors, delay)
    current = delay * slope_ampere_per_second[:, None].astype(single)
    current += step_ampere[:, None].astype(single)
    reading = voltage_volt + current * ohm
    warm = (cell_celsius - REFERENCE_TEMPERATURE_CELSIUS).astype(single)
    reading += warm[:, None] * sensors.cell_drift_volt_per_kelvin.astype(single)
    reading += sensors.cell_offset_volt.astype(single)
    noise = rng.standard_normal((rows, cells), single)
    noise *= single(VOLTAGE_NOISE_VOLT)
    return np.asarray(reading + noise)


def _read_late(
    rng: np.random.Generator, sensors: Sensors, delay: Float32[np.ndarray, "time cells"]
) -> None:
    """Let a few single cells and a few whole boards answer late; writes into ``delay``."""
    rows, cells = delay.shape
    boards = int(sensors.board.max()) + 1
    count = int(rng.poisson(LATE_CELL_CHANCE * delay.size))
    row, cell = rng.integers(0, rows, count), rng.integers(0, cells, count)
    delay[row, cell] += rng.uniform(*LATE_SECOND, count).astype(np.float32)
    for _ in range(int(rng.poisson(LATE_BOARD_CHANCE * rows * boards))):
        late = sensors.board == int(rng.integers(0, boards))
        delay[int(rng.integers(0, rows)), late] += np.float32(rng.uniform(*LATE_SECOND))


def quantised(values: Float[np.ndarray, "*shape"], step: float) -> Float[np.ndarray, "*shape"]:
    """Round to the steps of a converter, precision kept.

    >>> quantised(np.array([3.64449]), 0.001)
    array([3.644])
    """
    per_unit = values.dtype.type(round(1.0 / step)) if step < 1.0 else None
    if per_unit is None:
        return np.asarray(np.rint(values / step) * step)
    return np.asarray(np.rint(values * per_unit) / per_unit)
