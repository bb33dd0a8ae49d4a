"""A fleet's packs over time: the filter of the middle cell and of every difference, by NumPy.

The steps are those of :mod:`voltherd.numerics.map_step` and :mod:`voltherd.numerics.delta_step`;
arrays gain the fleet's axis.  Samples come at an even period, as telemetry rests in the store.
"""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.numerics.cell_map import CellMap
from voltherd.numerics.cell_parameters import OCV_NODES
from voltherd.numerics.delta_step import DeltaDrive, DeltaNoise, make_delta_step
from voltherd.numerics.map_step import (
    ARRAYS,
    Drive,
    StepConstants,
    make_look,
    make_map_step,
    make_place,
    make_secant,
)

_STEP, _DELTA = make_map_step(ARRAYS), make_delta_step(ARRAYS)
_LOOK, _PLACE, _SECANT = make_look(ARRAYS), make_place(ARRAYS), make_secant(ARRAYS)


class PackState(NamedTuple):
    """Filters of some packs.

    Attributes:
        mean: Six states of each middle cell.
        covariance: Upper triangle of theirs.
        lean: How far each middle cell's charge follows a constant voltage error [1/V].
        delta: Three states of every cell's difference.
        delta_covariance: Upper triangle of theirs.
    """

    mean: Float[np.ndarray, "6 packs"]
    covariance: Float[np.ndarray, "21 packs"]
    lean: Float[np.ndarray, "packs"]
    delta: Float[np.ndarray, "3 packs cells"]
    delta_covariance: Float[np.ndarray, "6 packs cells"]


class PackRecord(NamedTuple):
    """What was measured, every ``StepConstants`` apart; the first row is where the state stands."""

    current_ampere: Float[np.ndarray, "time packs"]
    temperature_celsius: Float[np.ndarray, "time packs"]
    cell_voltage_volt: Float[np.ndarray, "time packs cells"]


class PackSetting(NamedTuple):
    """What a run holds constant.

    Attributes:
        constants: Of the middle cell's step.
        noise: Of the differences' step.
        trust: Times the model's error that a voltage is doubted.
        sensor_variance: Of a cell voltage [V²].
        delta_variance: Of a difference of voltages at a look [V²].
        look_steps: Steps from one look at the differences to the next.
        look_second: The same [s].
        calm_ampere: Current up to which they are looked at [A].
    """

    constants: StepConstants
    noise: DeltaNoise
    trust: float
    sensor_variance: float
    delta_variance: float
    look_steps: int
    look_second: float
    calm_ampere: float


class Placed(NamedTuple):
    """Where temperatures lie in a cell's tables, and what the model is off there."""

    row: Any
    down: Any
    model_variance: Any


def placed(cell: CellMap, celsius: Float[np.ndarray, "time packs"], setting: PackSetting) -> Placed:
    """Place all temperatures of a record at once."""
    nodes = cell.temperature_celsius
    row = np.clip(np.searchsorted(nodes, celsius, "right") - 1, 0, len(nodes) - 2)
    down = np.clip((celsius - nodes[row]) / (nodes[row + 1] - nodes[row]), 0.0, 1.0)
    model = (1.0 - down) * cell.model_volt[row] + down * cell.model_volt[row + 1]
    variance = (setting.trust * model) ** 2 + setting.sensor_variance
    return Placed(row * OCV_NODES, down, variance)


def run_packs(
    cell: CellMap, setting: PackSetting, state: PackState, record: PackRecord
) -> tuple[PackState, Float[np.ndarray, "looks packs cells"]]:
    """Take packs of one make through a record.

    Args:
        cell: Their cell.
        setting: What is held constant.
        state: Left as it is.
        record: Voltages all finite.

    Returns:
        The state at its end, and the state of charge of every cell at every look.
    """
    at = placed(cell, record.temperature_celsius, setting)
    x, p, lean = tuple(state.mean), tuple(state.covariance), state.lean
    d, q = tuple(state.delta), tuple(state.delta_covariance)
    charge = np.zeros(len(lean))
    told = []
    middle = np.median(record.cell_voltage_volt, axis=2)
    for t in range(1, len(record.current_ampere)):
        before, now = record.current_ampere[t - 1], record.current_ampere[t]
        mean = 0.5 * (before + now)
        drive = Drive(mean, now, 0.0, at.row[t], at.down[t], at.model_variance[t], middle[t], 1.0)
        x, p, lean, _ = _STEP(setting.constants, cell.flat, x, p, lean, drive)
        charge = charge + (mean - x[5]) * setting.constants.charge
        if t % setting.look_steps == 0:
            difference = record.cell_voltage_volt[t] - middle[t][:, None]
            d, q = _looked(cell, setting, d, q, x, (at.row[t], at.down[t]), now, charge, difference)
            charge = np.zeros(len(lean))
            told.append(np.clip(x[0][:, None] + d[0], 0.0, 1.0))
    end = PackState(np.stack(x), np.stack(p), lean, np.stack(d), np.stack(q))
    return end, np.stack(told) if told else np.empty((0, *record.cell_voltage_volt.shape[1:]))


def _looked(
    cell: CellMap,
    setting: PackSetting,
    d: Any,  # noqa: ANN401
    q: Any,  # noqa: ANN401
    x: Any,  # noqa: ANN401
    at: tuple[Any, Any],
    now: Any,  # noqa: ANN401
    charge: Any,  # noqa: ANN401
    difference: Any,  # noqa: ANN401
) -> tuple[Any, Any]:
    row, down = at
    flow = now - x[5]
    ohm = _LOOK(cell.flat[0], row, down, *_PLACE(x[0]))
    calm = np.abs(flow) <= setting.calm_ampere
    drive = DeltaDrive(
        charge=charge[:, None],
        last=flow[:, None],
        slope=_SECANT(cell.flat[3], row, down, x[0])[:, None],
        difference=difference,
        variance=setting.delta_variance,
        weight=calm.astype(float)[:, None],
        second=setting.look_second,
        ohm=ohm[:, None],
    )
    d, q, _ = _DELTA(setting.noise, d, q, drive)
    return d, q
