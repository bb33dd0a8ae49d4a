"""A fleet's packs over time by Numba: the same steps as scalars, a pack at a time."""

import math
from collections.abc import Callable
from functools import lru_cache
from inspect import unwrap
from typing import Any

import numba
import numpy as np
from jaxtyping import Float

from voltherd.numerics.cell_map import CellMap
from voltherd.numerics.delta_step import DeltaDrive, make_delta_step
from voltherd.numerics.engines.pack_history import PackRecord, PackSetting, PackState, placed
from voltherd.numerics.map_step import (
    Drive,
    MapNamespace,
    Value,
    make_look,
    make_map_step,
    make_place,
    make_secant,
)


def _compile(function: Callable[..., Any]) -> Any:  # noqa: ANN401
    # Whoever checks shapes at run time wraps functions; a compiler wants what is inside.
    return numba.njit(unwrap(function), error_model="numpy")


@lru_cache(maxsize=1)
def _run() -> Any:  # noqa: ANN401  # long: scalars, steps and the loop nest that joins them
    def larger(a: Value, b: Value) -> Value:
        return a if a > b else b

    def smaller(a: Value, b: Value) -> Value:
        return a if a < b else b

    def magnitude(a: Value) -> Value:
        return abs(a)

    def root(a: Value) -> Value:
        return math.sqrt(a)

    def whole(a: Value) -> Value:
        return int(a)

    scalars = MapNamespace(
        maximum=_compile(larger),
        minimum=_compile(smaller),
        fabs=_compile(magnitude),
        sqrt=_compile(root),
        index=_compile(whole),
        take=_compile(lambda table, at: table[at]),
        compiled=_compile,
    )
    step, delta_step = make_map_step(scalars), make_delta_step(scalars)
    look, place, secant = make_look(scalars), make_place(scalars), make_secant(scalars)

    def run(  # long: one loop nest, which must compile as one
        setting: Value,
        tables: Value,
        mean: Value,
        covariance: Value,
        lean: Value,
        delta: Value,
        delta_covariance: Value,
        current: Value,
        row: Value,
        down: Value,
        model: Value,
        volt: Value,
        told: Value,
    ) -> None:
        c = setting.constants
        cells = volt.shape[2]
        sorted_volt = np.empty(cells)
        for pack in range(volt.shape[1]):
            m, k = mean[:, pack], covariance[:, pack]
            x = (m[0], m[1], m[2], m[3], m[4], m[5])
            # A compiler of tuples wants each of them named.
            p = (
                k[0], k[1], k[2], k[3], k[4], k[5], k[6], k[7], k[8], k[9], k[10],
                k[11], k[12], k[13], k[14], k[15], k[16], k[17], k[18], k[19], k[20],
            )  # fmt: skip
            led, charge, looks = lean[pack], 0.0, 0
            for t in range(1, volt.shape[0]):
                before, now = current[t - 1, pack], current[t, pack]
                flow = 0.5 * (before + now)
                sorted_volt[:] = volt[t, pack]
                middle = np.median(sorted_volt)
                r, w = row[t, pack], down[t, pack]
                drive = Drive(flow, now, 0.0, r, w, model[t, pack], middle, 1.0)
                x, p, led, _ = step(c, tables, x, p, led, drive)
                charge += (flow - x[5]) * c.charge
                if t % setting.look_steps:
                    continue
                last = now - x[5]
                at, share = place(x[0])
                ohm = look(tables[0], r, w, at, share)
                slope = secant(tables[3], r, w, x[0])
                weight = 1.0 if abs(last) <= setting.calm_ampere else 0.0
                for cell in range(cells):
                    d, q = delta[:, pack, cell], delta_covariance[:, pack, cell]
                    u = DeltaDrive(
                        charge,
                        last,
                        slope,
                        volt[t, pack, cell] - middle,
                        setting.delta_variance,
                        weight,
                        setting.look_second,
                        ohm,
                    )
                    y, s, _ = delta_step(
                        setting.noise, (d[0], d[1], d[2]), (q[0], q[1], q[2], q[3], q[4], q[5]), u
                    )
                    d[0], d[1], d[2] = y
                    q[0], q[1], q[2], q[3], q[4], q[5] = s
                    told[looks, pack, cell] = min(max(x[0] + d[0], 0.0), 1.0)
                charge = 0.0
                looks += 1
            m[0], m[1], m[2], m[3], m[4], m[5] = x
            for term in range(21):
                k[term] = p[term]
            lean[pack] = led

    return _compile(run)


def run_packs(
    cell: CellMap, setting: PackSetting, state: PackState, record: PackRecord
) -> tuple[PackState, Float[np.ndarray, "looks packs cells"]]:
    """As :func:`voltherd.numerics.engines.pack_history.run_packs`; compiles at the first call."""
    at = placed(cell, record.temperature_celsius, setting)
    end = PackState(*(np.array(part) for part in state))
    steps, packs, cells = record.cell_voltage_volt.shape
    told = np.empty(((steps - 1) // setting.look_steps, packs, cells))
    tables = tuple(np.ascontiguousarray(table) for table in cell.flat)
    _run()(setting, tables, *end, record.current_ampere, *at, record.cell_voltage_volt, told)
    return end, told
