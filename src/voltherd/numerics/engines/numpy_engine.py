"""The default engine: NumPy replays the traced step in place, in blocks that stay in the cache.

Nothing is allocated while time runs: each recorded operation is one call with ``out=`` on a row of
a scratch table.  For one pack the cost is the calls (about 0.17 µs each); for thousands of cells
it is memory, so the cells are cut into blocks that stay in the cache and each block is taken
through all time steps before the next.
"""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, Final, final

import numpy as np
from jaxtyping import Float

from voltherd.numerics.cell_model import (
    CellState,
    Constants,
    Covariance,
    Input,
    Value,
    step_of,
)
from voltherd.numerics.engines.trace import Instruction, Place, Program, Tape, trace
from voltherd.numerics.ocv import OcvTable

BLOCK: Final = 16_384
"""Cells per block: above it registers no longer fit the third-level cache of a small machine,
below it the hundred calls of a step weigh more than what they do."""

_WIDTH_MIN: Final = 8
"""NumPy treats rows of a single element specially, at twice the price."""

STATE: Final = CellState._fields + Covariance._fields
"""Rows of a filter's state table, one column per cell."""
_DRIVE: Final = (*Input._fields, "measured")
_UFUNC: Final[dict[str, np.ufunc]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "fmax": np.fmax,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "absolute": np.absolute,
    "positive": np.positive,
}
_SELECT: Final = ("fmax", "maximum", "minimum")
Call = tuple[Callable[..., Any], tuple[Any, ...]]
Table = Float[np.ndarray, "rows cells"]


@lru_cache(maxsize=1)
def filter_program() -> Program:
    """Record the filter step; the recording serves every parameter set and batch."""

    def function(tape: Tape) -> dict[str, Value]:
        c = Constants._make(tape.leaf("constant", name) for name in Constants._fields)
        table = (tape.leaf("table", "intercept"), tape.leaf("table", "slope"))
        state = CellState(*(tape.leaf("input", name) for name in CellState._fields))
        covariance = Covariance(*(tape.leaf("input", name) for name in Covariance._fields))
        drive = Input(*(tape.leaf("input", name) for name in Input._fields))
        step = step_of(tape.namespace(), table)
        s, p, o = step(c, state, covariance, drive, tape.leaf("input", "measured"))
        outputs: dict[str, Value] = s._asdict() | p._asdict() | o._asdict()
        return outputs

    return trace(function, (*STATE, *_DRIVE), STATE)


@final
class Replay:
    """A program bound to scratch memory for a given number of cells."""

    def __init__(self, program: Program, table: OcvTable, cells: int) -> None:
        self.rows: Table = np.zeros((program.registers, cells))
        # One view object per row: NumPy takes its short path where operand and out are the same.
        self._views = list(self.rows)
        self._table = {"intercept": table.intercept, "slope": table.slope}
        self._constant: list[tuple[str, Float[np.ndarray, "*any"]]] = []
        self._loaded: Constants | None = None
        self._calls = [self._bind(step) for step in program.instructions]

    def load(self, c: Constants) -> None:
        """Set the constants."""
        if c is not self._loaded:
            for name, array in self._constant:
                array[...] = getattr(c, name)
            self._loaded = c

    def run(self) -> None:
        """Take one step."""
        for call, arguments in self._calls:
            call(*arguments)

    def _place(self, place: Place, full: bool) -> Any:  # noqa: ANN401
        kind, key = place
        if kind == "register":
            return self._views[int(key)]
        if kind == "table":
            return self._table[str(key)]
        shape = self.rows.shape[1:] if full else ()
        if kind == "literal":
            return np.full(shape, float(key))
        self._constant.append((str(key), np.zeros(shape)))
        return self._constant[-1][1]

    def _bind(self, step: Instruction) -> Call:
        full = step.operation in _SELECT  # faster between arrays than against a scalar
        a, out = self._place(step.a, full), self._views[step.register]
        if step.operation == "index":
            return out.view(np.int64).__setitem__, (..., a)
        if step.b is None:
            return _UFUNC[step.operation], (a, out)
        b = self._place(step.b, full)
        if step.operation == "take":
            return a.take, (b.view(np.int64), None, out, "clip")
        if step.operation in ("minimum", "maximum"):  # these want their out by name
            return partial(_UFUNC[step.operation], out=out), (a, b)
        return _UFUNC[step.operation], (a, b, out)


@final
class NumpyFilter:
    """The filter over any number of cells; holds scratch memory only, no state."""

    def __init__(self, table: OcvTable, block: int = BLOCK) -> None:
        self._table, self._block = table, block
        self._program = filter_program()
        self._replays: dict[int, Replay] = {}

    def history(
        self,
        c: Constants,
        state: Table,
        current: Float[np.ndarray, "time cells"],
        voltage: Float[np.ndarray, "time cells"],
        ambient: Float[np.ndarray, "time"],
        inverse_capacity: Float[np.ndarray, "cells"],
        resistance_scale: Float[np.ndarray, "cells"],
    ) -> tuple[Table, Float[np.ndarray, "time cells"]]:
        """Run every cell through all time steps.

        Args:
            c: Constants of one step.
            state: Rows as in ``STATE``; left as it is.
            current: Positive charging [A].
            voltage: Measured; NaN where missing [V].
            ambient: Temperature above 25 °C [K].
            inverse_capacity: Nominal over actual capacity of each cell.
            resistance_scale: Actual over nominal resistance of each cell.

        Returns:
            State after the last step, and the SOC after every step.
        """
        cells = state.shape[1]
        after = np.empty_like(state)
        soc = np.empty(voltage.shape)
        home = self._program.inputs
        for first in range(0, cells, self._block):
            cut = slice(first, min(first + self._block, cells))
            replay = self._replay(cut.stop - cut.start)
            replay.load(c)
            rows, run = replay.rows[:, : cut.stop - cut.start], replay.run
            rows[: len(STATE)] = state[:, cut]
            rows[home["inverse_capacity"]] = inverse_capacity[cut]
            rows[home["resistance_scale"]] = resistance_scale[cut]
            i, v, a, z = (rows[home[n]] for n in ("current", "measured", "ambient", "z"))
            for t in range(len(voltage)):
                i[...] = current[t, cut]
                v[...] = voltage[t, cut]
                a[...] = ambient[t]
                run()
                soc[t, cut] = z
            after[:, cut] = rows[: len(STATE)]
        return after, soc

    def _replay(self, cells: int) -> Replay:
        width = max(cells, _WIDTH_MIN)
        if width not in self._replays:
            self._replays[width] = Replay(self._program, self._table, width)
        return self._replays[width]
