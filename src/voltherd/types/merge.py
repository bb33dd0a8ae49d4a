"""Rows of one vehicle joined by key: what every store does, and must do alike.

A row's key is its time and its place among the rows of that time in the batch it came with.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

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


def channels_of_both(first: SampleBatch, second: SampleBatch) -> SampleBatch:
    """Give a batch without rows that has the channels of both."""
    return _alike(first.between(0, 0), second.between(0, 0))[0]


def fitted(batch: SampleBatch, like: SampleBatch) -> SampleBatch | None:
    """Give a batch the channels of another, as a store that joins them would.

    Args:
        batch: Rows to give them to.
        like: Has the channels.

    Returns:
        The rows, with what they lack NaN and flagged ``MISSING``; None where they have a channel
        that the other has not.
    """
    known = batch.cells <= like.cells and batch.probes <= like.probes
    if not known or not batch.scalar.keys() <= like.scalar.keys():
        return None
    scalars = {name: values.dtype for name, values in like.scalar.items()}
    cell_names = max(like.cell_names, batch.cell_names, key=len)
    probe_names = max(like.probe_names, batch.probe_names, key=len)
    return _padded(batch, like.cells, like.probes, scalars, cell_names, probe_names)


def united(batches: Sequence[SampleBatch]) -> SampleBatch:
    """Join many batches of one vehicle at once, as ``merged`` does one after another.

    Args:
        batches: One at least, each with rows; of rows with one key the first is kept.

    Returns:
        All rows in time order.
    """
    whole = _alike(*batches)
    ends = sorted((b.unix_time_second[0], b.unix_time_second[-1], k) for k, b in enumerate(whole))
    if all(first > last for (_, last, _), (first, _, _) in pairwise(ends)):
        return _joined(*(whole[k] for _, _, k in ends))
    both = _joined(*whole)
    time, place = both.unix_time_second, np.concatenate([_place(b.unix_time_second) for b in whole])
    order = np.lexsort((place, time))  # stable: of one key, the first batch's row comes first
    time, place = time[order], place[order]
    again = (time[1:] == time[:-1]) & (place[1:] == place[:-1])
    return _taken(both, order[np.flatnonzero(np.append(True, ~again))])


def fresh(kept: SampleBatch, late: SampleBatch) -> tuple[SampleBatch, int]:
    """Give the rows that are not there yet, with all others of the same times.

    The others keep the place of each among the rows of its time, which is part of its key.

    Args:
        kept: Rows that are there.
        late: Rows that may be new, of the same vehicle.

    Returns:
        The rows, and how many of them are new.
    """
    have, time = kept.unix_time_second, late.unix_time_second
    already = np.searchsorted(have, time, "right") - np.searchsorted(have, time, "left")
    new = _place(time) >= already
    if new.all():
        return late, late.rows
    return _taken(late, np.flatnonzero(np.isin(time, time[new]))), int(new.sum())


def _place(time: Float[np.ndarray, "rows"]) -> Int[np.ndarray, "rows"]:
    """Count, from 0, the rows of the same time before each row."""
    return np.arange(len(time)) - np.searchsorted(time, time, "left")


def _alike(*batches: SampleBatch) -> list[SampleBatch]:
    """Give all batches the same channels."""
    if len({(b.cells, b.probes, *b.scalar, b.cell_names, b.probe_names) for b in batches}) == 1:
        return list(batches)
    cells = max(batch.cells for batch in batches)
    probes = max(batch.probes for batch in batches)
    names = dict.fromkeys(name for batch in batches for name in batch.scalar)
    dtypes = {n: v.dtype for batch in reversed(batches) for n, v in batch.scalar.items()}
    scalars = {name: dtypes[name] for name in names}
    cell_names = max((batch.cell_names for batch in batches), key=len)
    probe_names = max((batch.probe_names for batch in batches), key=len)
    return [_padded(batch, cells, probes, scalars, cell_names, probe_names) for batch in batches]


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


def _joined(*batches: SampleBatch) -> SampleBatch:
    """Put batches of the same channels one behind the other."""
    return replace(
        batches[0],
        unix_time_second=np.concatenate([b.unix_time_second for b in batches]),
        cell_voltage_volt=np.concatenate([b.cell_voltage_volt for b in batches]),
        cell_quality=np.concatenate([b.cell_quality for b in batches]),
        probe_temperature_celsius=np.concatenate([b.probe_temperature_celsius for b in batches]),
        probe_quality=np.concatenate([b.probe_quality for b in batches]),
        scalar={n: np.concatenate([b.scalar[n] for b in batches]) for n in batches[0].scalar},
        scalar_quality={
            n: np.concatenate([b.scalar_quality[n] for b in batches])
            for n in batches[0].scalar_quality
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
