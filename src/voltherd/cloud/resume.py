"""A followed vehicle as bytes, so that a restart goes on where the cloud stopped.

What was kept is used only where the store holds exactly as many rows up to its last one as went
into it; otherwise the vehicle is read from the store again.  So a state that is too old, of another
version, or of other rows costs time and nothing else.
"""

from typing import Final, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from voltherd.cloud import twin as twins
from voltherd.cloud.follow import Followed
from voltherd.cloud.usage import Usage
from voltherd.detection.engine import Detection
from voltherd.detection.snapshot import CLASSES, VERSION
from voltherd.errors import UnreadableError
from voltherd.estimation.soc_bar_delta import BarDeltaState
from voltherd.types.asset import Vehicle
from voltherd.types.sample import SampleBatch
from voltherd.types.tree import packed, unpacked


class Stopped(NamedTuple):
    """What is kept of a followed vehicle: all but what its facts tell.

    Attributes:
        asset: The facts it was followed with.
        detection: The detectors' state.
        usage: What its life adds up to.
        newest: Its newest row.
        twin_state: What the twin's filter carries, None without a twin.
        twin_seen_second: Newest row that the twin took in [unix s].
        twin_charge: Charge of rows since its newest step [A s].
        twin_errors: How far it was off, by the minute.
    """

    asset: Vehicle | None
    detection: Detection
    usage: Usage
    newest: SampleBatch
    twin_state: BarDeltaState | None
    twin_seen_second: float
    twin_charge: float
    twin_errors: Float[np.ndarray, "minutes 3"]


_CLASSES: Final = (*CLASSES, Stopped, Usage, BarDeltaState)


@runtime_checkable
class States(Protocol):
    """Where states are kept, beside the rows they are of."""

    def put_state(self, vehicle_id: str, body: bytes) -> None:
        """Keep a vehicle's state in place of what was there."""
        ...

    def state(self, vehicle_id: str) -> bytes | None:
        """Give a vehicle's state, None where there is none."""
        ...

    def rows_until(self, vehicle_id: str, second: float) -> int:
        """Count the rows of all chunks that begin no later than a time, without reading them."""
        ...


def dump(followed: Followed) -> bytes:
    """Give a followed vehicle as bytes."""
    twin = followed.twin
    stopped = Stopped(
        asset=followed.asset,
        detection=followed.detection,
        usage=followed.usage,
        newest=followed.newest,
        twin_state=twin.state if twin else None,
        twin_seen_second=twin.seen_second if twin else 0.0,
        twin_charge=twin.charge_ampere_second if twin else 0.0,
        twin_errors=twin.errors if twin else np.empty((0, 3)),
    )
    return packed((VERSION, stopped), _CLASSES)


def load(body: bytes, asset: Vehicle | None) -> Followed | None:
    """Give the vehicle back; None where it was followed with other facts, or cannot be read.

    Args:
        body: What ``dump`` gave.
        asset: What is known of it now.
    """
    try:
        found = unpacked(body, _CLASSES)
    except UnreadableError:
        return None
    match found:
        case (int(made_by), Stopped() as stopped) if made_by == VERSION and stopped.asset == asset:
            return _followed(stopped)
    return None


def _followed(stopped: Stopped) -> Followed:
    twin = twins.begin(stopped.asset, stopped.detection.memory)
    if twin is not None and stopped.twin_state is not None:
        twin = twin._replace(
            state=stopped.twin_state,
            estimate=twin.filter.estimate(stopped.twin_state),
            seen_second=stopped.twin_seen_second,
            charge_ampere_second=stopped.twin_charge,
            errors=stopped.twin_errors,
        )
    return Followed(stopped.asset, stopped.detection, stopped.usage, twin, stopped.newest)
