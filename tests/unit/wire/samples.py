"""Batches of every kind that a chunk has to give back, for the tests of the wire."""

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from voltherd.types.quality import Quality
from voltherd.types.sample import SampleBatch

START = 1_740_974_400.0


def batch_of(
    cells,
    *,
    time=None,
    probes=None,
    scalar=None,
    vehicle_id="bus-7",
    cell_quality=None,
    cell_names: Sequence[str] = (),
    probe_names: Sequence[str] = (),
) -> SampleBatch:
    """A batch around a table of cell voltages; what is not given is there and plain."""
    cells = np.asarray(cells)
    rows = len(cells)
    probes = np.empty((rows, 0), np.float32) if probes is None else np.asarray(probes)
    scalar = scalar or {}
    return SampleBatch(
        vehicle_id=vehicle_id,
        unix_time_second=START + np.arange(float(rows)) if time is None else np.asarray(time),
        cell_voltage_volt=cells,
        cell_quality=np.zeros(cells.shape, np.uint8) if cell_quality is None else cell_quality,
        probe_temperature_celsius=probes,
        probe_quality=np.where(np.isnan(probes), int(Quality.MISSING), 0).astype(np.uint8),
        scalar=scalar,
        scalar_quality={
            name: np.where(np.isnan(v), int(Quality.SENTINEL), 0).astype(np.uint8)
            for name, v in scalar.items()
        },
        cell_names=tuple(cell_names),
        probe_names=tuple(probe_names),
    )


def driven(
    rows=60, cells=96, *, step=0.001, noise=0.001, seed=1, dtype=np.float32, probes=0, scalars=True
) -> SampleBatch:
    """A pack at work: cells that follow the current, with noise, in steps of a converter."""
    rng = np.random.default_rng(seed)
    current = np.rint(10.0 * np.cumsum(rng.normal(0.0, 15.0, rows))) / 10.0
    resistance = rng.normal(1e-4, 1e-5, cells)
    volts = 3.65 + rng.normal(0.0, 0.003, cells) + np.outer(current, resistance)
    volts += rng.normal(0.0, noise, volts.shape)
    per_volt = round(1.0 / step)
    warm = np.rint(rng.normal(21.0, 0.3, (rows, probes)))
    return batch_of(
        (np.rint(volts * per_volt) / per_volt).astype(dtype),
        probes=warm.astype(dtype),
        scalar={"current_ampere": current} if scalars else {},
    )


def same_bits(got: np.ndarray, wanted: np.ndarray, what: str) -> None:
    """Equal in kind, shape and every bit; which bits a NaN has does not matter."""
    assert got.dtype == wanted.dtype and got.shape == wanted.shape, what
    if wanted.dtype.kind == "f":
        np.testing.assert_array_equal(np.isnan(got), np.isnan(wanted), what)
        nan = np.isnan(wanted)
        got, wanted = np.where(nan, 0, got), np.where(nan, 0, wanted)
    assert np.ascontiguousarray(got).tobytes() == np.ascontiguousarray(wanted).tobytes(), what


def assert_same(got: SampleBatch, wanted: SampleBatch) -> None:
    """Equal bit for bit."""
    assert got.vehicle_id == wanted.vehicle_id
    assert got.cell_names == wanted.cell_names and got.probe_names == wanted.probe_names
    assert tuple(got.scalar) == tuple(got.scalar_quality) == tuple(wanted.scalar)
    for name in (
        "unix_time_second",
        "cell_voltage_volt",
        "cell_quality",
        "probe_temperature_celsius",
        "probe_quality",
    ):
        same_bits(getattr(got, name), getattr(wanted, name), name)
    for name in wanted.scalar:
        same_bits(got.scalar[name], wanted.scalar[name], name)
        same_bits(got.scalar_quality[name], wanted.scalar_quality[name], name)


STEPS = (1.0, 0.5, 0.1, 0.05, 0.02, 0.01, 0.005, 0.001, 1e-4, 1e-5, 1 / 128, 1000.0, 0.3)
ODD = (np.nan, -0.0, np.inf, -np.inf, 5e-324, 1.7e308, 1e16, 66.535, -1e-9)


@st.composite
def numbers(draw, shape, dtype=np.float64):
    """Readings as sources have them: in steps, by product or quotient, wild, with odd values."""
    kind = draw(st.sampled_from(["divided", "multiplied", "offset", "wild", "constant"]))
    step = draw(st.sampled_from(STEPS))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))  # faster than drawing each number
    if kind == "wild":
        bits = rng.integers(0, 256, (*shape, np.dtype(dtype).itemsize), np.uint8)
        values = bits.view(dtype)[..., 0]
    else:
        most = draw(st.sampled_from([3, 100, 10_000, 2_000_000]))
        counts = rng.integers(-most, most + 1, () if kind == "constant" else shape)
        values = counts * step if kind != "divided" else counts / round(max(1.0, 1.0 / step))
        values = values - 1000.0 if kind == "offset" else values
    values = np.array(np.broadcast_to(values, shape), dtype)
    for odd in draw(st.lists(st.sampled_from(ODD), max_size=4)):
        if values.size:
            with np.errstate(over="ignore"):
                values.flat[rng.integers(values.size)] = np.array(odd).astype(dtype)
    return values


NAMES = st.one_of(
    st.just(""),
    st.sampled_from(["V_{}", "Cell{:03d}", "CellVoltage{:02d}_mV", "{}", "Zelle {} / V"]),
    st.just("odd"),
)


@st.composite
def parts(draw, rows_max=12, rows_min=1, sensors_max=9):
    """What ``batch_of`` makes any batch of that a chunk can hold.

    Not the batch itself: its shapes are checked by drawing lots, which a strategy must not do.
    """
    sensors = st.integers(0, sensors_max)
    count, cells, probes = draw(st.integers(rows_min, rows_max)), draw(sensors), draw(sensors)
    gaps = st.sampled_from([0.0, 1.0, 0.1, 1e-7, 1800.0, 86_400.0 * 300])
    first = draw(st.sampled_from([START, 0.0, 1.7e9 + 0.123456789, -5.0, 2e11]))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    channels = ["current_ampere", "soc_fraction", "odometer_kilometre", "coolant_flow", "fan_2"]
    spelled = draw(NAMES)

    def spell(number):
        if spelled == "odd":
            return draw(st.lists(st.text(max_size=8), min_size=number, max_size=number))
        return [spelled.format(k + 1) for k in range(number)] if spelled else ()

    flags = st.sampled_from([0, 1, 32])
    return {
        "cells": draw(numbers((count, cells), dtype)),
        "time": first + np.cumsum(draw(st.lists(gaps, min_size=count, max_size=count))),
        "probes": draw(numbers((count, probes), dtype)),
        "scalar": {
            name: draw(numbers((count,), draw(st.sampled_from([np.float64, np.float32]))))
            for name in draw(st.lists(st.sampled_from(channels), unique=True))
        },
        "cell_quality": np.full((count, cells), draw(flags), np.uint8),
        "cell_names": spell(cells),
        "probe_names": spell(probes),
    }
