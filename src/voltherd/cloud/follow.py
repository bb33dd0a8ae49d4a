"""One vehicle as the cloud knows it: a value that rows go into, in time order.

``advance`` with the rows of a store, in any pieces, gives what the offline commands give for the
same rows, to the bit: both run ``detection.engine.step``.
"""

from typing import NamedTuple

from voltherd.cloud import twin as twins
from voltherd.cloud import usage as usages
from voltherd.detection import engine
from voltherd.types.asset import Vehicle
from voltherd.types.merge import fitted
from voltherd.types.sample import SampleBatch


class Followed(NamedTuple):
    """One vehicle after some rows.

    Attributes:
        asset: What was known before the first row, None where nothing was.
        detection: The detectors' state; it holds the channels, too.
        usage: What its life adds up to.
        twin: Its live twin, None while chemistry or capacity are unknown.
        newest: Its newest row.
    """

    asset: Vehicle | None
    detection: engine.Detection
    usage: usages.Usage
    twin: twins.Twin | None
    newest: SampleBatch


def begin(batch: SampleBatch, asset: Vehicle | None) -> Followed:
    """Start on a vehicle with the channels of some rows, which are not taken in."""
    detection = engine.init(batch.vehicle_id, batch.cells, batch.probes, asset=asset)
    # The channels are those of the first rows until a replay widens them.
    detection = detection._replace(open_rows=batch.between(0, 0))
    return Followed(
        asset=asset,
        detection=detection,
        usage=usages.Usage(),
        twin=twins.begin(asset, detection.memory),
        newest=batch.between(0, 0),
    )


def alike(followed: Followed, batch: SampleBatch) -> SampleBatch | None:
    """Give rows the vehicle's channels; None where they have more, so that all begins anew."""
    return fitted(batch, followed.newest)


def follows(followed: Followed, batch: SampleBatch) -> bool:
    """Say whether rows are all later than those before."""
    return not followed.usage.rows or (
        float(batch.unix_time_second[0]) > followed.usage.last_second
    )


def advance(followed: Followed, batch: SampleBatch, *, with_twin: bool = True) -> Followed:
    """Take in further rows, later than all before, with the vehicle's channels.

    Args:
        followed: Left as it is.
        batch: What came.
        with_twin: Whether the twin is to see them; while years are replayed it need not.
    """
    if not batch.rows:
        return followed
    detection = engine.step(followed.detection, batch)
    twin = followed.twin or twins.begin(followed.asset, detection.memory)
    return Followed(
        asset=followed.asset,
        detection=detection,
        usage=usages.add(followed.usage, batch),
        twin=twins.follow(twin, batch) if twin and with_twin else twin,
        newest=_newer(followed.newest, batch),
    )


def glance(followed: Followed, batch: SampleBatch) -> Followed:
    """Show live rows that are not kept: twin and newest row move on, nothing else does."""
    twin = followed.twin
    return followed._replace(
        twin=twins.follow(twin, batch) if twin else None,
        newest=_newer(followed.newest, batch),
    )


def _newer(newest: SampleBatch, batch: SampleBatch) -> SampleBatch:
    """Give the newest row, copied: a view would keep all rows it came with."""
    last = batch.between(batch.rows - 1, batch.rows)
    older = newest.rows and last.unix_time_second[0] < newest.unix_time_second[0]
    return newest if older else last.copied()
