"""A cell's tables from drives whose state of charge is known: linear least squares, no start value.

For given time constants the voltage is linear in the values at the nodes::

    v - ocv(z) = R0(z,T) i + F1[R1(z,T) i] + F2[R2(z,T) i] + shift(z,T) + M(z,T) h

with F a first-order lag and h the hysteresis, where the chemistry has one to speak of.  So the fit
is one solve, whatever the cell; the time constants are tried from a few pairs.  Neighbouring nodes
are held together by a small penalty, which also bridges nodes where nothing was recorded.  The
series resistance sees the sample's current, the lags its mean since the sample before: mixing them
costs tens of millivolts where the current jumps.

Source: separable least squares, Golub and Pereyra, SIAM J. Numer. Anal. 10 (1973) 413; penalised
splines, Eilers and Marx, Statistical Science 11 (1996) 89.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.errors import InputError
from voltherd.numerics.cell_map import CellMap, place
from voltherd.numerics.cell_parameters import OCV_NODES, CellParameters
from voltherd.units import SECOND_PER_HOUR

SOC_NODES: Final = np.array([0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
TEMPERATURE_STEP: Final = 8.0
"""Most distance between nodes [K]."""
TAUS_SECOND: Final = ((5.0, 80.0), (8.0, 120.0), (12.0, 250.0))
HYSTERESIS_MIN: Final = 0.010
"""A preset's gap from which on hysteresis is looked for: drives show nothing finer [V]."""
HYSTERESIS_RATES: Final = (20.0, 40.0, 80.0)
HELD_SECOND: Final = 120.0
"""Longest interval that a lag is carried across as if its current had held [s]."""
LASTING_SECOND: Final = 900.0
"""What is left of an error after a mean over so long no filter averages away [s]."""
_FORGOTTEN: Final = 30.0
_HELD_SOC: Final = 1e-3
_HELD_TEMPERATURE: Final = 1e-5
_SHIFT_WEIGHT: Final = 1e-2
_RIDGE: Final = (1e-10, 1e-6)
_OHM_MIN: Final = 1e-4
_LEAST_VOLT: Final = 0.003
Matrix = Float[np.ndarray, "rows columns"]
Column = Float[np.ndarray, "rows"]


class Drive(NamedTuple):
    """One record of one cell, its state of charge known.

    Attributes:
        time_second: Ascending [s].
        current_ampere: Positive charging [A].
        voltage_volt: At the terminals [V].
        temperature_celsius: Of the cell [°C].
        soc: By counted charge from a full start.
    """

    time_second: Column
    current_ampere: Column
    voltage_volt: Column
    temperature_celsius: Column
    soc: Column


class Shape(NamedTuple):
    """What the fit is not linear in; hysteresis of rate 0 is none."""

    tau1_second: float
    tau2_second: float
    hysteresis_rate: float


class Normal(NamedTuple):
    """Normal equations of a fit, summed over rows."""

    gram: Matrix
    moment: Column
    square: float
    rows: float


class Identified(NamedTuple):
    """A cell, and what the drives say of it when each is left out in turn.

    Attributes:
        cell: From all drives; its ``model_volt`` and ``curve_volt`` are what drives left out were
            off by.
        others: For each drive, the cell from all the others; of a single drive that cell is its
            own, so :func:`separable` cuts it.
        voltage_rms: For each drive, how far that cell's voltage is off on it [V].
    """

    cell: CellMap
    others: tuple[CellMap, ...]
    voltage_rms: tuple[float, ...]


def identify(drives: Sequence[Drive], base: CellParameters, source: str) -> CellMap:
    """Fit the tables; arguments and errors as of :func:`identified`."""
    return identified(drives, base, source).cell


def identified(drives: Sequence[Drive], base: CellParameters, source: str) -> Identified:
    """Fit the tables, and again without each drive: sums of squares can be taken apart.

    Args:
        drives: Together they should span the temperatures and charges of later use.
        base: Chemistry, capacity and the curve to begin with.
        source: What the drives are, for the record.

    Raises:
        InputError: There is no drive.
    """
    if not drives:
        raise InputError("no drive to identify a cell from", mend="give at least one record")
    warmth = np.concatenate([drive.temperature_celsius for drive in drives])
    low, high = math.floor(float(warmth.min())), math.ceil(float(warmth.max()))
    count = max(2, math.ceil((high - low) / TEMPERATURE_STEP) + 1)
    celsius = np.linspace(low, max(high, low + 1), count)
    rates = HYSTERESIS_RATES if base.hysteresis_volt >= HYSTERESIS_MIN else (0.0,)
    fits = []
    for shape in (Shape(*taus, rate) for taus in TAUS_SECOND for rate in rates):
        sums = [normal_of(drive, base, celsius, shape) for drive in drives]
        whole = _added(sums)
        left = whole.square - float(whole.moment @ _solved(whole, count))
        fits.append((left, shape, sums))
    _, shape, sums = min(fits, key=lambda fit: fit[0])
    whole = _added(sums)
    parts = [_without(whole, part) if len(sums) > 1 else whole for part in sums]
    cell, *others = (_cell(one, base, celsius, shape, source) for one in (whole, *parts))
    off = [
        simulated(one, drive) - drive.voltage_volt
        for one, drive in zip(others, drives, strict=True)
    ]
    lasting = [
        lagged(one[:, None], interval(drive), LASTING_SECOND)[:, 0]
        for one, drive in zip(off, drives, strict=True)
    ]
    model = _error_by_temperature(celsius, drives, off)
    curve = _error_by_temperature(celsius, drives, lasting)
    return Identified(
        cell=replace(cell, model_volt=model, curve_volt=curve),
        others=tuple(replace(one, model_volt=model, curve_volt=curve) for one in others),
        voltage_rms=tuple(float(np.sqrt(np.mean(one**2))) for one in off),
    )


def separable(drives: Sequence[Drive]) -> list[Drive]:
    """Give drives of which each can be left out: a single one is cut in two."""
    if len(drives) != 1:
        return list(drives)
    drive = drives[0]
    middle = len(drive.soc) // 2
    return [Drive(*(part[rows] for part in drive)) for rows in (slice(middle), slice(middle, None))]


def normal_of(
    drive: Drive, base: CellParameters, celsius: Float[np.ndarray, "temperatures"], shape: Shape
) -> Normal:
    """Sum the normal equations of a drive."""
    part = regressors(drive, base, celsius, shape)
    left = drive.voltage_volt - curve_at(base, drive.soc)
    weight = hysteresis(drive, base, shape.hysteresis_rate)[1]
    weighted = part * weight[:, None]
    return Normal(
        weighted.T @ part, weighted.T @ left, float(left**2 @ weight), float(weight.sum())
    )


def _added(sums: Sequence[Normal]) -> Normal:
    gram, moment, square, rows = zip(*sums, strict=True)
    return Normal(np.sum(gram, axis=0), np.sum(moment, axis=0), sum(square), sum(rows))


def _without(whole: Normal, part: Normal) -> Normal:
    return Normal(
        whole.gram - part.gram,
        whole.moment - part.moment,
        whole.square - part.square,
        whole.rows - part.rows,
    )


def _cell(
    normal: Normal,
    base: CellParameters,
    celsius: Float[np.ndarray, "temperatures"],
    shape: Shape,
    source: str,
) -> CellMap:
    count = len(celsius)
    tables = _solved(normal, count).reshape(-1, count, len(SOC_NODES))
    gap = np.maximum(tables[4], 0.0) if shape.hysteresis_rate else np.zeros_like(tables[3])
    return CellMap(
        base=base,
        temperature_celsius=celsius,
        soc=SOC_NODES,
        r0_ohm=np.maximum(tables[0], _OHM_MIN),
        r1_ohm=np.maximum(tables[1], 0.0),
        r2_ohm=np.maximum(tables[2], 0.0),
        shift_volt=tables[3],
        hysteresis_volt=gap,
        hysteresis_rate=shape.hysteresis_rate,
        tau1_second=shape.tau1_second,
        tau2_second=shape.tau2_second,
        model_volt=np.full(count, _LEAST_VOLT),
        curve_volt=np.full(count, _LEAST_VOLT),
        widening=np.ones(count),
        source=source,
    )


def regressors(
    drive: Drive, base: CellParameters, celsius: Float[np.ndarray, "temperatures"], shape: Shape
) -> Matrix:
    """Give what each node's resistance, pairs, shift and hysteresis would add to the voltage."""
    nodes = basis(drive, celsius)
    driven = nodes * mean_current(drive)[:, None]
    taus = shape.tau1_second, shape.tau2_second
    lags = [lagged(driven, interval(drive), tau) for tau in taus]
    parts = [nodes * drive.current_ampere[:, None], *lags, nodes]
    if shape.hysteresis_rate:
        parts.append(nodes * hysteresis(drive, base, shape.hysteresis_rate)[0][:, None])
    return np.hstack(parts)


def hysteresis(drive: Drive, base: CellParameters, rate: float) -> tuple[Column, Column]:
    """Give the hysteresis state of every row, and how far the rows before it decide it, 0…1."""
    if not rate:
        return np.zeros(len(drive.soc)), np.ones(len(drive.soc))
    current = mean_current(drive)
    moved = rate * np.abs(current) * interval(drive) / (SECOND_PER_HOUR * base.capacity_ah)
    known = 1.0 - np.exp(-np.cumsum(moved))
    return lagged(np.sign(current)[:, None], moved, 1.0)[:, 0], known


def basis(drive: Drive, celsius: Float[np.ndarray, "temperatures"]) -> Matrix:
    """Give the weight of every node, temperatures one after the other, at every row."""
    row, down = place(celsius, drive.temperature_celsius)
    node, along = place(SOC_NODES, drive.soc)
    width, at = len(SOC_NODES), np.arange(len(row))
    weights = np.zeros((len(row), len(celsius) * width))
    first = row * width + node
    weights[at, first] = (1.0 - down) * (1.0 - along)
    weights[at, first + 1] = (1.0 - down) * along
    weights[at, first + width] = down * (1.0 - along)
    weights[at, first + width + 1] = down * along
    return weights


def interval(drive: Drive) -> Column:
    """Give the time since the row before, 0 for the first [s]."""
    passed = np.diff(drive.time_second, prepend=drive.time_second[:1])
    return np.clip(passed, 0.0, HELD_SECOND)


def mean_current(drive: Drive) -> Column:
    """Give the mean current since the row before, taken as moving evenly [A]."""
    current = drive.current_ampere
    return np.asarray(0.5 * (current + np.concatenate([current[:1], current[:-1]])))


def lagged(driven: Matrix, passed_second: Column, tau_second: float) -> Matrix:
    """Pass every column through a first-order lag that begins at rest.

    Rows are summed in blocks over which the lag forgets no more than the arithmetic carries.
    """
    fall = -passed_second / tau_second
    rising = driven * -np.expm1(fall)[:, None]
    fallen = np.cumsum(fall)
    out, held = np.empty_like(rising), np.zeros(rising.shape[1])
    start, before = 0, 0.0
    while start < len(fallen):
        stop = max(int(np.searchsorted(-fallen, _FORGOTTEN - before, "right")), start + 1)
        level = (fallen[start:stop] - before)[:, None]
        top = level[-1]
        grown = np.cumsum(rising[start:stop] * np.exp(top - level), axis=0)
        out[start:stop] = np.exp(level) * held + np.exp(level - top) * grown
        held, before, start = out[stop - 1], float(fallen[stop - 1]), stop
    return out


def curve_at(base: CellParameters, soc: Column) -> Column:
    """Read the open-circuit voltage curve [V]."""
    return np.asarray(np.interp(soc, np.linspace(0.0, 1.0, OCV_NODES), base.ocv_volt))


def _solved(normal: Normal, temperatures: int) -> Column:
    width = len(SOC_NODES)
    bend = np.diff(np.eye(width), axis=0)
    warm = np.diff(np.eye(temperatures), axis=0)
    held = _HELD_SOC * np.kron(np.eye(temperatures), bend.T @ bend)
    held += _HELD_TEMPERATURE * np.kron(warm.T @ warm, np.eye(width))
    size = temperatures * width
    volts = len(normal.moment) // size - 3
    penalty = np.kron(np.diag([1.0] * 3 + [_SHIFT_WEIGHT] * volts), held)
    penalty += np.diag(np.repeat([_RIDGE[0]] * 3 + [_RIDGE[1]] * volts, size))
    penalty *= normal.rows
    return np.asarray(np.linalg.solve(normal.gram + penalty, normal.moment))


def _error_by_temperature(
    celsius: Float[np.ndarray, "temperatures"], drives: Sequence[Drive], off: Sequence[Column]
) -> Float[np.ndarray, "temperatures"]:
    """Say how far tables are off, root mean square near each node of temperature [V]."""
    count = len(celsius)
    square, weight = np.full(count, 1e-9), np.full(count, 1e-9)
    for drive, error in zip(drives, off, strict=True):
        row, down = place(celsius, drive.temperature_celsius)
        for node, share in ((row, 1.0 - down), (row + 1, down)):
            square += np.bincount(node, error**2 * share, count)
            weight += np.bincount(node, share, count)
    seen = weight > 1.0
    rms = np.sqrt(square / weight)
    return np.asarray(np.maximum(np.interp(celsius, celsius[seen], rms[seen]), _LEAST_VOLT))


def simulated(cell: CellMap, drive: Drive) -> Column:
    """Give the terminal voltage that the tables predict at the known state of charge [V]."""
    weights = basis(drive, cell.temperature_celsius)
    tables = (cell.r0_ohm, cell.r1_ohm, cell.r2_ohm, cell.shift_volt, cell.hysteresis_volt)
    r0, r1, r2, shift, gap = (weights @ table.ravel() for table in tables)
    driven = np.stack([r1, r2], axis=1) * mean_current(drive)[:, None]
    passed = interval(drive)
    fast = lagged(driven[:, :1], passed, cell.tau1_second)[:, 0]
    slow = lagged(driven[:, 1:], passed, cell.tau2_second)[:, 0]
    turned = hysteresis(drive, cell.base, cell.hysteresis_rate if gap.any() else 0.0)[0]
    ocv = curve_at(cell.base, drive.soc) + shift + gap * turned
    return np.asarray(ocv + r0 * drive.current_ampere + fast + slow)
