"""A cell's tables from drives whose state of charge is known: linear least squares, no start value.

For given time constants the voltage is linear in the values at the nodes::

    v - ocv(z) = R0(z,T) i + F1[R1(z,T) i] + F2[R2(z,T) i] + shift(z,T)

with F a first-order lag.  So the fit is one solve, whatever the cell; the time constants are tried
from a few pairs.  Neighbouring nodes are held together by a small penalty, which also bridges
nodes where nothing was recorded.  The series resistance sees the sample's current, the lags its
mean since the sample before: mixing them costs tens of millivolts where the current jumps.

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

SOC_NODES: Final = np.array([0.0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
TEMPERATURE_STEP: Final = 8.0
"""Most distance between nodes [K]."""
TAUS_SECOND: Final = ((5.0, 80.0), (8.0, 120.0), (12.0, 250.0))
HELD_SECOND: Final = 60.0
"""Longest interval that a lag is carried across as if its current had held [s]."""
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


class Normal(NamedTuple):
    """Normal equations of a fit, a row's mean."""

    gram: Matrix
    moment: Column
    square: float


def identify(drives: Sequence[Drive], base: CellParameters, source: str) -> CellMap:
    """Fit the tables.

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
    fits = []
    for taus in TAUS_SECOND:
        normal = normal_of(drives, base, celsius, taus)
        solved = _solved(normal, count)
        left = normal.square - 2.0 * normal.moment @ solved + solved @ normal.gram @ solved
        fits.append((float(left), taus, solved))
    _, (tau1, tau2), solved = min(fits, key=lambda fit: fit[0])
    tables = solved.reshape(4, count, len(SOC_NODES))
    found = CellMap(
        base=base,
        temperature_celsius=celsius,
        soc=SOC_NODES,
        r0_ohm=np.maximum(tables[0], _OHM_MIN),
        r1_ohm=np.maximum(tables[1], 0.0),
        r2_ohm=np.maximum(tables[2], 0.0),
        shift_volt=tables[3],
        tau1_second=tau1,
        tau2_second=tau2,
        model_volt=np.full(count, _LEAST_VOLT),
        widening=np.ones(count),
        source=source,
    )
    return _with_errors(found, drives)


def normal_of(
    drives: Sequence[Drive],
    base: CellParameters,
    celsius: Float[np.ndarray, "temperatures"],
    taus_second: tuple[float, float],
) -> Normal:
    """Sum the normal equations of all drives, a drive at a time."""
    size = 4 * len(celsius) * len(SOC_NODES)
    gram, moment, square, rows = np.zeros((size, size)), np.zeros(size), 0.0, 0
    for drive in drives:
        part = regressors(drive, celsius, taus_second)
        left = drive.voltage_volt - curve_at(base, drive.soc)
        gram += part.T @ part
        moment += part.T @ left
        square += float(left @ left)
        rows += len(left)
    return Normal(gram / rows, moment / rows, square / rows)


def regressors(
    drive: Drive, celsius: Float[np.ndarray, "temperatures"], taus_second: tuple[float, float]
) -> Matrix:
    """Give what each node's series resistance, pairs and shift would add to the voltage."""
    nodes = basis(drive, celsius)
    driven = nodes * mean_current(drive)[:, None]
    lags = [lagged(driven, interval(drive), tau) for tau in taus_second]
    return np.hstack([nodes * drive.current_ampere[:, None], *lags, nodes])


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
    """Pass every column through a first-order lag that begins at rest."""
    kept = np.exp(-passed_second / tau_second)
    rising = driven * (1.0 - kept)[:, None]
    out, held = np.empty_like(rising), np.zeros(rising.shape[1])
    for at, share in enumerate(kept.tolist()):
        held = held * share + rising[at]
        out[at] = held
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
    penalty = np.kron(np.diag([1.0, 1.0, 1.0, _SHIFT_WEIGHT]), held)
    penalty += np.diag(np.repeat([_RIDGE[0]] * 3 + [_RIDGE[1]], size))
    return np.asarray(np.linalg.solve(normal.gram + penalty, normal.moment))


def _with_errors(found: CellMap, drives: Sequence[Drive]) -> CellMap:
    """Note how far the tables are off, by temperature."""
    count = len(found.temperature_celsius)
    square, weight = np.full(count, 1e-9), np.full(count, 1e-9)
    for drive in drives:
        off = (simulated(found, drive) - drive.voltage_volt) ** 2
        row, down = place(found.temperature_celsius, drive.temperature_celsius)
        for node, share in ((row, 1.0 - down), (row + 1, down)):
            square += np.bincount(node, off * share, count)
            weight += np.bincount(node, share, count)
    seen = weight > 1.0
    rms = np.sqrt(square / weight)
    every = np.interp(found.temperature_celsius, found.temperature_celsius[seen], rms[seen])
    return replace(found, model_volt=np.maximum(every, _LEAST_VOLT))


def simulated(cell: CellMap, drive: Drive) -> Column:
    """Give the terminal voltage that the tables predict at the known state of charge [V]."""
    weights = basis(drive, cell.temperature_celsius)
    tables = (cell.r0_ohm, cell.r1_ohm, cell.r2_ohm, cell.shift_volt)
    r0, r1, r2, shift = (weights @ table.ravel() for table in tables)
    driven = np.stack([r1, r2], axis=1) * mean_current(drive)[:, None]
    passed = interval(drive)
    fast = lagged(driven[:, :1], passed, cell.tau1_second)[:, 0]
    slow = lagged(driven[:, 1:], passed, cell.tau2_second)[:, 0]
    ocv = curve_at(cell.base, drive.soc) + shift
    return np.asarray(ocv + r0 * drive.current_ampere + fast + slow)
