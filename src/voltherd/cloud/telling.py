"""From what changes in the fleet to events of the stream, written once for whoever reads."""

import math
from collections.abc import Callable
from typing import Final

import numpy as np

from voltherd.cloud.findings import finding_row
from voltherd.cloud.fleet import Change
from voltherd.cloud.follow import Followed
from voltherd.cloud.quantities import interval, pack
from voltherd.cloud.rows import dated
from voltherd.cloud.schema import Estimated, Shape
from voltherd.cloud.schema_service import Chain
from voltherd.cloud.schema_vehicles import LiveCells
from voltherd.cloud.stream import Hub
from voltherd.cloud.view import mode, newest
from voltherd.ports import Clock
from voltherd.report.words import rfc3339

LIVE_PER_SECOND_MAX: Final = 5.0
"""Live samples of one vehicle that are sent on a second; further ones are passed over."""
_NANOSECOND: Final = 1e-9


class Teller:
    """Puts events into the ring.

    Args:
        hub: The ring.
        clock: The fleet's time.
        wall_second: Wall time, the one that frames are stamped with [unix s].
        monotonic: Time for intervals [s].
    """

    def __init__(
        self,
        hub: Hub,
        clock: Clock,
        wall_second: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self._hub = hub
        self._clock = clock
        self._wall_second = wall_second
        self._monotonic = monotonic
        self._sent: dict[str, float] = {}

    def changed(self, change: Change) -> None:
        """Tell of vehicles and findings that changed."""
        now = self._clock.unix_second()
        for view in change.views:
            self._hub.publish("vehicle", dated(view.row, now), view.vehicle_id)
        for view, name in change.findings:
            known = next((each for each in view.known if each.finding_id == name), None)
            if known is not None:
                row = finding_row(view, known, now)
                self._hub.publish("finding", _json(row), view.vehicle_id)

    def chain(self, chain: Chain) -> None:
        """Tell how the chain is."""
        self._hub.publish("chain", _json(chain))

    def live(self, followed: Followed, blind: frozenset[int], heard_nanosecond: int) -> None:
        """Tell of a live sample, where somebody watches the vehicle."""
        vehicle_id, now = followed.newest.vehicle_id, self._monotonic()
        watched = vehicle_id in self._hub.watched
        if not watched or now - self._sent.get(vehicle_id, -math.inf) < 0.9 / LIVE_PER_SECOND_MAX:
            return
        self._sent[vehicle_id] = now
        lag = self._wall_second() - heard_nanosecond * _NANOSECOND if heard_nanosecond else math.nan
        self._hub.publish("cells", _json(live_cells(followed, blind, lag)), vehicle_id)


def live_cells(followed: Followed, blind: frozenset[int], lag_second: float) -> LiveCells:
    """Tell a vehicle's newest row.

    Args:
        followed: The vehicle, with a row.
        blind: Cells whose measurement cannot be trusted.
        lag_second: How old the row's frame is by wall time [s].
    """
    batch = followed.newest
    second = float(batch.unix_time_second[-1])
    stamp = rfc3339(second)
    assert stamp is not None, "rows have times of the calendar"
    estimate = followed.twin.estimate if followed.twin else None
    soc = Estimated(value=None, low=None, high=None)
    if estimate is not None and estimate.value.size:
        whole = pack(estimate, blind)
        low, high = interval(whole.value, whole.sigma)
        soc = Estimated(value=round(whole.value, 4), low=low, high=high)
    return LiveCells(
        vehicle_id=batch.vehicle_id,
        time=stamp,
        unix_second=second,
        mode=mode(batch),  # type: ignore[arg-type]
        current_ampere=newest(batch, "current_ampere"),
        voltage_volt=newest(batch, "voltage_volt"),
        reported_soc_fraction=newest(batch, "soc_fraction"),
        soc=soc,
        cell_voltage_volt=_list(batch.cell_voltage_volt[-1], 4),
        cell_soc=_list(estimate.value, 4) if estimate is not None else [],
        probe_temperature_celsius=_list(batch.probe_temperature_celsius[-1], 2),
        lag_second=round(lag_second, 3),
    )


def _list(values: np.ndarray, digits: int) -> list[float | None]:
    return [
        value if math.isfinite(value) else None
        for value in np.round(values.astype(np.float64), digits).tolist()
    ]


def _json(shape: Shape) -> bytes:
    return shape.__pydantic_serializer__.to_json(shape)
