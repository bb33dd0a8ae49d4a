"""The isolation forest as a peer: it finds a cell that differs, and errs as often as it may."""

import numpy as np
import pytest

from tests.unit.bench.test_detect import record
from voltherd.bench.detect_forest import (
    Course,
    course,
    forest_alarms,
    grown,
    is_there,
    joined,
    scores,
)

pytestmark = pytest.mark.skipif(not is_there(), reason="the extra learn is not installed")
ROWS, CELLS = 60, 12


def driven(seed, cell=None, volt=0.0):
    rng = np.random.default_rng(seed)
    own = rng.normal([0.0, 0.0, 1.0, 0.0], [0.003, 2e-5, 0.05, 0.0], (CELLS, 4))
    raw = own + rng.normal(0.0, [0.001, 1e-5, 0.02, 0.0], (ROWS, CELLS, 4))
    if cell is not None:
        raw[ROWS // 2 :, cell - 1] += [volt, volt / 20.0, 0.0, 0.1]
    return Course(1.7e9 + 1800.0 * np.arange(ROWS), raw)


def test_a_cell_that_comes_to_differ_is_raised_after_it_did():
    forest = grown([driven(n) for n in range(4)], [driven(n) for n in range(4, 14)], 0, 1)
    raised = {r.location.index: r for r in forest_alarms(forest, driven(20, 5, 0.05))}
    assert 0.0 < raised[5].unix_time_second - (1.7e9 + 1800.0 * ROWS / 2) < 12 * 3600.0
    assert len(raised) <= 2, "one healthy cell in a hundred may pass a limit set on as many"


def test_its_limit_lets_it_raise_as_many_as_it_may():
    healthy, others = [driven(n) for n in range(4)], [driven(n) for n in range(4, 8)]
    for allowed in (0, 3):
        forest = grown(healthy, others, allowed, 1)
        assert sum(len(forest_alarms(forest, one)) for one in others) == allowed


def test_it_is_of_its_seed_and_days_join():
    first, again = (grown([driven(1)], [driven(2)], 0, 3) for _ in range(2))
    assert first.limit == again.limit
    whole = driven(5)
    cut = [Course(whole.second[a:b], whole.raw[a:b]) for a, b in ((0, 25), (25, ROWS))]
    np.testing.assert_array_equal(scores(first.model, joined(cut)), scores(first.model, whole))


def test_a_record_is_summed_up_by_half_hours():
    batch = record()
    summed = course(batch)
    assert summed.raw.shape == (len(summed.second), batch.cells, 4)
    assert np.isfinite(summed.raw).all()
    assert len(course(batch.between(0, 5)).second) == 0
