"""A lag's summary is that of its last measurements, in bounded memory."""

import math

import numpy as np
import pytest

from voltherd.cloud.lags import Lags


def test_of_nothing_measured_nothing_is_known():
    summary = Lags().summary()
    assert summary.measured == 0 and all(math.isnan(value) for value in summary[1:])


def test_percentiles_are_those_of_the_measurements():
    lags = Lags()
    values = np.random.default_rng(1).exponential(2.0, 1_001)
    for part in np.array_split(values, 7):
        lags.add(list(part))
    summary = lags.summary()
    assert summary.measured == 1_001
    assert summary.p50_second == pytest.approx(np.median(values))
    assert summary.p99_second == pytest.approx(np.percentile(values, 99))
    assert summary.max_second == values.max()


def test_only_the_last_measurements_count():
    lags = Lags(kept=10)
    lags.add([100.0] * 25)
    lags.add([1.0] * 4)
    lags.add([2.0] * 6)
    assert lags.summary() == (35, 2.0, 2.0, 2.0)
