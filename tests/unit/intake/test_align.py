"""Skew between channels is found to 10 ms where the record allows it, and refused where not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voltherd.intake.align import estimate_skew_second, shifted
from voltherd.intake.build import build
from voltherd.intake.recognise import recognise
from voltherd.types.table import RawTable


def answer(edges, levels, at, tau):
    """Exact response of a first-order low-pass to a piecewise constant input."""
    state = np.zeros(len(levels) + 1)
    for k, level in enumerate(levels):
        state[k + 1] = level + (state[k] - level) * np.exp(-(edges[k + 1] - edges[k]) / tau)
    k = np.clip(np.searchsorted(edges, at, side="right") - 1, 0, len(levels) - 1)
    return levels[k] + (state[k] - levels[k]) * np.exp(-(at - edges[k]) / tau)


def drive(seed, lag, rate=10.0, last=600.0, volts=3.7):
    """Current with an edge a second, smoothed by 50 ms; voltage of two RC pairs, ``lag`` late."""
    rng = np.random.default_rng(seed)
    edges = np.append(np.cumsum(rng.exponential(1.0, int(2 * last))), 1e9)
    levels = rng.normal(-10, 60, len(edges) - 1)
    at = np.arange(2.0, last, 1.0 / rate)

    def current(t):
        return answer(edges, levels, t, 0.05)

    def voltage(t):
        slow = 5e-4 * answer(edges, levels, t, 12.0) + 4e-4 * answer(edges, levels, t, 200.0)
        return volts + 1e-3 * current(t) + slow

    measured = np.round(voltage(at - lag) + rng.normal(0, 1e-3, at.size), 3)
    return at, current(at) + rng.normal(0, 0.2, at.size), measured, current


@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.floats(-0.5, 0.5), st.integers(0, 99))
def test_a_skew_up_to_half_a_second_is_found_to_ten_milliseconds(lag, seed):
    second, current, voltage, _ = drive(seed, lag)
    skew = estimate_skew_second(second, current, second, voltage)
    assert skew.known
    assert abs(skew.second - lag) <= 0.01


def test_channels_with_stamps_of_their_own_are_compared_on_their_own_stamps():
    second, current, voltage, _ = drive(5, 0.2)
    skew = estimate_skew_second(second[::2], current[::2], second[1::3], voltage[1::3])
    assert not skew.known and "cannot tell" in skew.why
    skew = estimate_skew_second(second, current, second[::1] + 0.1, voltage)
    assert skew.second == pytest.approx(0.3, abs=0.01)


@pytest.mark.parametrize("rate", [0.1, 1.0, 4.0])
def test_slow_rows_cannot_tell_and_it_says_so(rate):
    second, current, voltage, _ = drive(1, 0.25, rate=rate, last=3000.0)
    skew = estimate_skew_second(second, current, second, voltage)
    assert not skew.known and np.isnan(skew.second) and "one row every" in skew.why


def test_a_current_that_does_not_change_cannot_tell():
    second = np.arange(0.0, 100.0, 0.1)
    flat = np.full_like(second, 5.0)
    assert not estimate_skew_second(second, flat, second, 3.7 + 0.0 * flat).known


def test_a_voltage_that_does_not_answer_cannot_tell():
    second, current, _, _ = drive(2, 0.0)
    noise = np.random.default_rng(1).normal(3.7, 1e-3, second.size)
    assert not estimate_skew_second(second, current, second, noise).known


def test_import_puts_the_current_on_the_cells_clock():
    second, current, _, truth = drive(3, 0.3)
    rng = np.random.default_rng(0)
    columns = {"timestamp": 1.6e9 + second, "pack_current": current}
    for k in range(1, 7):
        cell = drive(3, 0.3, volts=3.7 + 0.002 * k)[2]
        columns[f"cell_voltage_{k}"] = np.round(cell + rng.normal(0, 5e-4, cell.size), 3)
    table = RawTable(source="log.csv", columns=columns)
    [(batch, report)] = build(table, recognise(table))
    [skew] = [remark for remark in report.remarks if remark.reason == "skew"]
    assert skew.count == batch.rows and "aligned" in skew.detail
    inner = slice(10, -10)
    off = batch.scalar["current_ampere"][inner] - truth(second[inner] - 0.3)
    assert np.sqrt(np.mean(off**2)) < 0.25 * np.std(current - truth(second - 0.3))


def test_shifting_there_and_back_changes_nothing_within():
    second = np.arange(0.0, 10.0, 0.1)
    ramp = 3.0 * second
    there = shifted(second, ramp, second, 0.25)
    np.testing.assert_allclose(shifted(second, there, second, -0.25)[5:-5], ramp[5:-5])
