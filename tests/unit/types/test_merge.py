"""Joining many batches at once is joining them one after another."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from voltherd.types.merge import merged, united
from voltherd.types.sample import SampleBatch

TIMES = st.lists(st.integers(0, 6), min_size=1, max_size=8).map(sorted)
SHAPES = st.tuples(st.integers(0, 3), st.integers(0, 2), st.sampled_from(["", "a", "ab", "b"]))


def batch(times, seed, cells=2, probes=1, scalars="ab", dtype=np.float32):
    rng = np.random.default_rng(seed)
    rows = len(times)
    return SampleBatch(
        vehicle_id="bus-7",
        unix_time_second=np.asarray(times, np.float64),
        cell_voltage_volt=rng.uniform(3, 4, (rows, cells)).astype(dtype),
        cell_quality=rng.integers(0, 4, (rows, cells)).astype(np.uint8),
        probe_temperature_celsius=rng.uniform(3, 4, (rows, probes)).astype(dtype),
        probe_quality=np.zeros((rows, probes), np.uint8),
        scalar={name: rng.uniform(0, 1, rows) for name in scalars},
        scalar_quality={name: np.zeros(rows, np.uint8) for name in scalars},
        cell_names=tuple(f"{seed}.{k}" for k in range(cells)),
    )


@given(st.lists(st.tuples(TIMES, SHAPES, st.booleans()), min_size=1, max_size=6))
def test_many_at_once_are_the_same_as_one_after_another(parts):
    batches = [
        batch(times, k, *shape, np.float64 if wide else np.float32)
        for k, (times, shape, wide) in enumerate(parts)
    ]
    wanted = batches[0]
    for late in batches[1:]:
        wanted, _ = merged(wanted, late)
    got = united(batches)
    # Merging one after another does not even look at the channels of a batch without new rows.
    assert set(got.scalar) >= set(wanted.scalar)
    cells, probes = slice(0, wanted.cells), slice(0, wanted.probes)
    for got_values, values in (
        (got.unix_time_second, wanted.unix_time_second),
        (got.cell_voltage_volt[:, cells], wanted.cell_voltage_volt),
        (got.cell_quality[:, cells], wanted.cell_quality),
        (got.probe_temperature_celsius[:, probes], wanted.probe_temperature_celsius),
        *((got.scalar[name], values) for name, values in wanted.scalar.items()),
        *((got.scalar_quality[name], values) for name, values in wanted.scalar_quality.items()),
    ):
        assert np.array_equal(got_values, values, equal_nan=True)


@given(st.lists(TIMES, min_size=1, max_size=6))
def test_batches_of_the_same_channels_keep_names_and_types(times):
    batches = [batch(t, 0) for t in times]
    got = united(batches)
    assert got.cell_names == batches[0].cell_names and tuple(got.scalar) == ("a", "b")
    assert got.cell_voltage_volt.dtype == np.float32


def test_batches_that_lie_apart_are_joined_in_order_of_time():
    got = united([batch([5.0, 6.0], 1), batch([1.0, 2.0], 2), batch([3.0], 3)])
    assert got.unix_time_second.tolist() == [1.0, 2.0, 3.0, 5.0, 6.0]
