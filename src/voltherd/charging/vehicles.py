"""Which oracle answers for the vehicles of a problem."""

import numpy as np
from jaxtyping import Int

from voltherd.charging.fill import fill
from voltherd.charging.oracle import Answer, Oracle
from voltherd.charging.problem import Problem
from voltherd.charging.storage import Trades, storage


def oracle(
    problem: Problem, class_of: Int[np.ndarray, "vehicles"], unserved_eur_per_kwh: float
) -> Oracle:
    """Give the vehicles of a problem, to be asked.

    Args:
        problem: What is planned.
        class_of: Class of each vehicle.
        unserved_eur_per_kwh: Price of energy not drawn [EUR/kWh].
    """
    kind = fill if problem.discharge is None else storage
    return kind(problem, class_of, unserved_eur_per_kwh)


def nothing(problem: Problem, class_of: Int[np.ndarray, "vehicles"]) -> Answer:
    """Give the answer of vehicles that do not charge: it keeps every limit."""
    count = int(class_of.max(initial=0)) + 1
    unserved = np.bincount(class_of, problem.reachable_kwh, count)
    none = np.zeros((count, problem.site.steps))
    if problem.discharge is None:
        return Answer(none, np.zeros(count), unserved, np.full(none.shape, np.inf))
    still = np.zeros((problem.fleet.size, problem.site.steps))
    missing = problem.reachable_kwh * problem.fleet.charge_efficiency
    return Answer(none, np.zeros(count), unserved, Trades(still, missing))
