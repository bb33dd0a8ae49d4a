"""The restricted master: the best mix of answers that keeps every limit, by HiGHS.

Source: Huangfu, Hall, Math. Prog. Comp. 10 (2018) 119 (HiGHS).
"""

from typing import Any, Final, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from voltherd.charging.limits import NONE, Limits
from voltherd.charging.oracle import Answer

_MARGIN: Final = 1e-9
"""Share of a limit kept free of the solver's tolerance."""
_SHARES: Final = 32
"""Up to so many classes each have weights of their own: this takes far fewer answers."""


class Mix(NamedTuple):
    """The best mix of the answers so far.

    Attributes:
        weights: Of each answer in each class; sum to 1 over the answers.
        multiplier: What a kW more of each limit would save [EUR/kW].
        cost_eur: Of the mix [EUR].
        unserved_kwh: Energy that it leaves undrawn [kWh].
    """

    weights: Float[np.ndarray, "answers classes"]
    multiplier: Float[np.ndarray, "limits steps"]
    cost_eur: float
    unserved_kwh: float


class Master:
    """A linear programme that grows by a column for each answer and share of the classes.

    It holds a solver that keeps its last basis, which is what makes the next solution cheap.
    """

    def __init__(
        self,
        limits: Limits,
        buying_eur_per_kilowatt: Float[np.ndarray, "steps"],
        unserved_eur_per_kwh: float,
    ) -> None:
        from highspy import Highs, kHighsInf

        self._limits, self._infinity = limits, kHighsInf
        self._buying, self._unserved = buying_eur_per_kilowatt, unserved_eur_per_kwh
        kinds, share = np.unique(limits.together, return_inverse=True)
        apart = min(len(kinds), _SHARES)
        self._apart, self._share = apart, share % apart
        self._row = np.flatnonzero(np.isfinite(limits.room_kilowatt))
        self._missing: list[Float[np.ndarray, "classes"]] = []
        self._solver: Any = Highs()
        for name, value in (
            ("output_flag", False),
            ("threads", 1),
            ("presolve", "off"),
            ("simplex_strategy", 4),  # primal: a new column leaves the last basis feasible
        ):
            self._solver.setOptionValue(name, value)
        room = limits.room_kilowatt.ravel()[self._row]
        room = np.where(limits.relief.ravel()[self._row] == NONE, room * (1.0 - _MARGIN), room)
        rows = len(room) + apart
        self._solver.addRows(
            rows,
            np.concatenate([np.full(len(room), -kHighsInf), np.ones(apart)]),
            np.concatenate([room, np.ones(apart)]),
            0,
            np.zeros(rows, dtype=np.int32),
            np.zeros(0, dtype=np.int32),
            np.zeros(0),
        )
        relief = limits.relief.ravel()[self._row]
        for number, price in enumerate(limits.relief_eur):
            at = np.flatnonzero(relief == number)
            self._column(float(price), at, np.full(len(at), -1.0))

    def _column(
        self, cost: float, row: Int[np.ndarray, "entries"], value: Float[np.ndarray, "entries"]
    ) -> None:
        self._solver.addCol(cost, 0.0, self._infinity, len(row), row.astype(np.int32), value)

    def add(self, answer: Answer) -> None:
        """Let an answer into the mix."""
        paid = answer.power_kilowatt @ self._buying + answer.wear_eur
        cost = paid + self._unserved * answer.unserved_kwh
        self._missing.append(answer.unserved_kwh)
        for share in range(self._apart):
            of = self._share == share
            use = self._limits.summed(self._limits.weight[:, of] @ answer.power_kilowatt[of])
            value = np.append(use.ravel()[self._row], 1.0)
            row = np.append(np.arange(len(self._row)), len(self._row) + share)
            some = value != 0.0
            self._column(float(cost[of].sum()), row[some], value[some])

    def _run(self) -> None:
        """Solve, from nothing where the last basis has led astray."""
        from highspy import HighsModelStatus

        self._solver.run()
        if self._solver.getModelStatus() != HighsModelStatus.kOptimal:
            self._solver.clearSolver()
            self._solver.run()
        assert self._solver.getModelStatus() == HighsModelStatus.kOptimal

    def solve(self) -> Mix:
        """Give the best mix; an answer that draws nothing must have been among the first."""
        self._run()
        solution = self._solver.getSolution()
        reliefs = len(self._limits.relief_eur)
        weights = np.maximum(np.array(solution.col_value)[reliefs:], 0.0)
        weights = weights.reshape(len(self._missing), -1)
        weights = (weights / weights.sum(axis=0))[:, self._share]
        multiplier = np.zeros(self._limits.room_kilowatt.size)
        multiplier[self._row] = -np.array(solution.row_dual)[: len(self._row)]
        return Mix(
            weights,
            multiplier.reshape(self._limits.room_kilowatt.shape),
            float(self._solver.getInfo().objective_function_value),
            float((weights * np.array(self._missing)).sum()),
        )
