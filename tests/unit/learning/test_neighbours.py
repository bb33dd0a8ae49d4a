"""What neighbours share is found before any of them stands out alone, at the same false rate."""

import numpy as np
import pytest

from voltherd.learning.neighbours import (
    LENGTHS,
    chance_limit,
    first_day_over,
    moran,
    most_shared,
    standard_changes,
    windows,
)

MODULES = (12,) * 4
ALONE = windows(MODULES, (1,))
TOGETHER = windows(MODULES, (1, *LENGTHS))
NOISE_VOLT = 0.001


def days(chance, count=40):
    """Daily mean deviations of healthy cells: an offset each, and noise."""
    offset = chance.normal(0.0, 0.006, 48)
    return offset + chance.normal(0.0, NOISE_VOLT, (count, 48))


@pytest.fixture(scope="module")
def limits():
    chance = np.random.default_rng(1)
    healthy = np.concatenate([standard_changes(days(chance), 7) for _ in range(40)])
    return [chance_limit(healthy, among, 1e-3, chance) for among in (ALONE, TOGETHER)]


def spreading(chance, volt_per_day=0.0001, cells=slice(15, 21)):
    """A module's six neighbours fall by a tenth of a millivolt a day."""
    daily = days(chance)
    daily[7:, cells] -= volt_per_day * np.arange(1, 34)[:, None]
    return daily


def test_a_shared_drift_is_found_days_before_a_cell_alone(limits):
    alone, together = [], []
    for seed in range(30):
        changes = standard_changes(spreading(np.random.default_rng(100 + seed)), 7)
        alone.append(first_day_over(changes, ALONE, limits[0]) or len(changes))
        together.append(first_day_over(changes, TOGETHER, limits[1]) or len(changes))
    assert np.median(together) <= np.median(alone) - 5
    assert np.mean(np.array(together) < np.array(alone)) > 0.9


def test_it_says_which_neighbours():
    changes = standard_changes(spreading(np.random.default_rng(3), 0.0004), 7)
    found = most_shared(changes[-1], TOGETHER)
    assert (found.first, found.stop) == (15, 21)


def test_healthy_packs_keep_the_false_rate(limits):
    for among, limit in zip((ALONE, TOGETHER), limits, strict=True):
        over = [
            first_day_over(
                standard_changes(days(np.random.default_rng(500 + seed)), 7), among, limit
            )
            for seed in range(60)
        ]
        # Two days in a row over a limit of one day in a thousand; 60 packs for 33 days each.
        assert sum(day is not None for day in over) <= 3


def test_no_window_reaches_over_the_edge_of_a_module():
    assert all(first // 12 == (stop - 1) // 12 for first, stop in TOGETHER)
    assert len(windows(MODULES, (12,))) == 4


def test_moran_tells_shared_from_scattered():
    shared = np.repeat([1.0, -1.0, 1.0, -1.0], 12)
    assert moran(shared, MODULES) == pytest.approx(1.0)
    scattered = np.random.default_rng(1).permutation(shared)
    assert abs(moran(scattered, MODULES)) < 0.3
