"""The fault tree compiled: judged probabilities joined with what was counted in the simulator."""

from collections.abc import Mapping
from typing import Final

import numpy as np

from voltherd.numerics.noisy_or import Network
from voltherd.triage.cause_checks import CHECKS
from voltherd.triage.cause_counts import COUNTS, HEALTHY
from voltherd.triage.cause_row import Row
from voltherd.triage.cause_table import PRIOR, TOLD
from voltherd.types.event import Cause

WEIGHT: Final = 4.0
"""Cases that a judged probability weighs as much as: Laplace's smoothing, about the judgement."""
LINK_MAX: Final = 0.97
"""No cause is sure to show, however many simulated cases say so: real ones differ from them."""
LEAK_MIN: Final = 2e-5
"""Nor is any evidence without a cause impossible."""
ROWS: Final = (*TOLD, *CHECKS)
CAUSES: Final = tuple(PRIOR)


def network(prior: Mapping[Cause, float] | None = None) -> Network:
    """Compile the table.

    Args:
        prior: What a fleet knows better of its causes' frequency, in (0, 1).

    Returns:
        Causes in the order of ``CAUSES``, evidence in that of ``ROWS``.
    """
    known = {**PRIOR, **(prior or {})}
    leak = np.array([max(_leak(row), LEAK_MIN) for row in ROWS])
    shown = np.array([[_shown(cause, row) for row in ROWS] for cause in CAUSES])
    link = np.clip(1.0 - (1.0 - shown) / (1.0 - leak), 0.0, LINK_MAX)
    return Network(np.array([known[cause] for cause in CAUSES]), link, leak)


def _leak(row: Row) -> float:
    return row.leak if row.given else _smoothed(row.leak, HEALTHY.get(row.name))


def _shown(cause: Cause, row: Row) -> float:
    """Give how often a cause shows a piece of evidence: judged, and counted where it could be."""
    judged = 1.0 - (1.0 - row.links.get(cause, 0.0)) * (1.0 - row.leak)
    return _smoothed(judged, COUNTS.get(cause.value, {}).get(row.name))


def _smoothed(judged: float, counted: tuple[int, int] | None) -> float:
    seen, looked = counted or (0, 0)
    return (seen + WEIGHT * judged) / (looked + WEIGHT)
