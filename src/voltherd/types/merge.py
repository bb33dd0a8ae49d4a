"""Rows of one vehicle joined by key: what every store does, and must do alike.

A row's key is its time and its place among the rows of that time in the batch it came with.
"""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int

from voltherd.types.quality import Quality
from voltherd.types.sample import SampleBatch


def merged(kept: SampleBatch, late: SampleBatch) -> tuple[SampleBatch, int]:
    """Add the rows of one batch that another has not.

    A row that is there stays as it is.  A channel that only one of both has is NaN, flagged
    ``MISSING``, in the other's rows.

    Args:
        kept: Rows that are there.
        late: Rows that may be new, of the same vehicle.

    Returns:
        All rows in time order, and how many were new; ``kept`` itself where none was.
    """
    assert kept.vehicle_id == late.vehicle_id
    have, time = kept.unix_time_second, late.unix_time_second
    already = np.searchsorted(have, time, "right") - np.searchsorted(have, time, "left")
    new = np.flatnonzero(_place(time) >= already)
    if not len(new):
        return kept, 0
    first, second = _alike(kept, late)
    second = _taken(second, new)
    both = np.concatenate([first.unix_time_second, second.unix_time_second])
    order = np.argsort(both, kind="stable")
    return _taken(_joined(first, second), order), len(new)


def _place(time: Float[np.ndarray, "rows"]) -> Int[np.ndarray, "rows"]:
    """Count, from 0, the rows of the same time before each row."""
    return np.arange(len(time)) - np.searchsorted(time, time, "left")


def _alike(first: SampleBatch, second: SampleBatch) -> tuple[SampleBatch, SampleBatch]:
    """Give both batches the same channels."""
    cells = max(first.cells, second.cells)
    probes = max(first.probes, second.probes)
    dtypes = {n: v.dtype for n, v in (*second.scalar.items(), *first.scalar.items())}
    scalars = {n: dtypes[n] for n in (*first.scalar, *second.scalar)}
    cell_names = max(first.cell_names, second.cell_names, key=len)
    probe_names = max(first.probe_names, second.probe_names, key=len)
    return (
        _padded(first, cells, probes, scalars, cell_names, probe_names),
        _padded(second, cells, probes, scalars, cell_names, probe_names),
    )


def _padded(
    batch: SampleBatch,
    cells: int,
    probes: int,
    scalars: Mapping[str, np.dtype[np.floating]],
    cell_names: tuple[str, ...],
    probe_names: tuple[str, ...],
) -> SampleBatch:
    """Add channels without values; a batch that has them all is given back unchanged in value."""
    missing = np.full(batch.rows, int(Quality.MISSING), np.uint8)
    return replace(
        batch,
        cell_voltage_volt=_wider(batch.cell_voltage_volt, cells, np.nan),
        cell_quality=_wider(batch.cell_quality, cells, int(Quality.MISSING)),
        probe_temperature_celsius=_wider(batch.probe_temperature_celsius, probes, np.nan),
        probe_quality=_wider(batch.probe_quality, probes, int(Quality.MISSING)),
        scalar={
            name: batch.scalar.get(name, np.full(batch.rows, np.nan, dtype))
            for name, dtype in scalars.items()
        },
        scalar_quality={name: batch.scalar_quality.get(name, missing) for name in scalars},
        cell_names=cell_names,
        probe_names=probe_names,
    )


def _wider(block: np.ndarray, width: int, fill: float | int) -> np.ndarray:
    spare = width - block.shape[1]
    return np.pad(block, ((0, 0), (0, spare)), constant_values=fill) if spare else block


def _joined(first: SampleBatch, second: SampleBatch) -> SampleBatch:
    return replace(
        first,
        unix_time_second=np.concatenate([first.unix_time_second, second.unix_time_second]),
        cell_voltage_volt=np.concatenate([first.cell_voltage_volt, second.cell_voltage_volt]),
        cell_quality=np.concatenate([first.cell_quality, second.cell_quality]),
        probe_temperature_celsius=np.concatenate(
            [first.probe_temperature_celsius, second.probe_temperature_celsius]
        ),
        probe_quality=np.concatenate([first.probe_quality, second.probe_quality]),
        scalar={n: np.concatenate([v, second.scalar[n]]) for n, v in first.scalar.items()},
        scalar_quality={
            n: np.concatenate([v, second.scalar_quality[n]])
            for n, v in first.scalar_quality.items()
        },
    )


def _taken(batch: SampleBatch, rows: Int[np.ndarray, "_"]) -> SampleBatch:
    """Give the rows at these places."""
    return replace(
        batch,
        unix_time_second=batch.unix_time_second[rows],
        cell_voltage_volt=batch.cell_voltage_volt[rows],
        cell_quality=batch.cell_quality[rows],
        probe_temperature_celsius=batch.probe_temperature_celsius[rows],
        probe_quality=batch.probe_quality[rows],
        scalar={name: values[rows] for name, values in batch.scalar.items()},
        scalar_quality={name: flags[rows] for name, flags in batch.scalar_quality.items()},
    )
