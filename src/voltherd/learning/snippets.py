"""Snippets: charges and drives of a vehicle as blocks of one size, for models that compare fleets.

A charge becomes 128 samples evenly spread from its begin to its end; a drive is cut into pieces of
128 rows.  Every snippet has the same channels, so that one model sees vehicles with 24 cells and
with 96, and vehicles that send extremes only.

Source: snippets of 128 samples with pack voltage, current, charge and extremes of cells and
probes, Zhang et al., Nature Communications 14 (2023) 5940.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Bool, Float

from voltherd.types.sample import SampleBatch

SAMPLES: Final = 128
CHANNELS: Final = (
    "voltage_volt",
    "current_ampere",
    "soc_fraction",
    "cell_voltage_volt_max",
    "cell_voltage_volt_min",
    "temperature_celsius_max",
    "temperature_celsius_min",
    "cell_deviation_volt",
)
"""Mean cell, current, charge as reported, extremes, and the median distance of a cell to the median
cell; the last is NaN where only extremes are sent."""
ROWS_MIN: Final = 32
DURATION_SECOND_MIN: Final = 1200.0
GAP_SECOND_MAX: Final = 600.0
CURRENT_AMPERE_MIN: Final = 1.0
"""Less than this is no charge."""
Values = Float[np.ndarray, "snippets samples channels"]
Run = tuple[int, int]


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Snippets:
    """Snippets of some vehicles.

    Attributes:
        vehicle: Whose each is.
        start_second: When it begins [unix s].
        duration_second: From first to last sample [s].
        values: In the order of ``CHANNELS``.
    """

    vehicle: np.ndarray
    start_second: Float[np.ndarray, "snippets"]
    duration_second: Float[np.ndarray, "snippets"]
    values: Values

    def chosen(self, keep: Bool[np.ndarray, "snippets"]) -> "Snippets":
        """Give some of them."""
        return Snippets(
            vehicle=self.vehicle[keep],
            start_second=self.start_second[keep],
            duration_second=self.duration_second[keep],
            values=self.values[keep],
        )

    def of_vehicles(self, names: Sequence[str]) -> "Snippets":
        """Give those of some vehicles."""
        return self.chosen(np.isin(self.vehicle, np.array(list(names), dtype=self.vehicle.dtype)))


def joined(parts: Sequence[Snippets]) -> Snippets:
    """Lay snippets behind one another."""
    return Snippets(
        vehicle=np.concatenate([np.empty(0, "U1"), *(part.vehicle for part in parts)]),
        start_second=np.concatenate([np.empty(0), *(part.start_second for part in parts)]),
        duration_second=np.concatenate([np.empty(0), *(part.duration_second for part in parts)]),
        values=np.concatenate(
            [np.empty((0, SAMPLES, len(CHANNELS))), *(part.values for part in parts)]
        ),
    )


def charging_snippets(batch: SampleBatch) -> Snippets:
    """Give a snippet per charge of at least twenty minutes; none without current or charge."""
    current = batch.scalar.get("current_ampere")
    if current is None:
        return joined(())
    return _snippets(batch, _runs(batch, current > CURRENT_AMPERE_MIN, unbroken=True))


def driving_snippets(batch: SampleBatch) -> Snippets:
    """Give a snippet per 128 rows of each drive; none without speed, current or charge."""
    speed = batch.scalar.get("speed_kilometre_per_hour")
    if speed is None:
        return joined(())
    drives = _runs(batch, speed > 0.0, unbroken=False)
    pieces = [
        (start, start + SAMPLES)
        for first, stop in drives
        for start in range(first, stop - SAMPLES + 1, SAMPLES)
    ]
    return _snippets(batch, pieces)


def _runs(batch: SampleBatch, active: Bool[np.ndarray, "time"], unbroken: bool) -> list[Run]:
    """Find long stretches of active rows; where unbroken, an idle row ends one."""
    rows = np.flatnonzero(active)
    if not rows.size:
        return []
    time = batch.unix_time_second
    split = np.diff(time[rows]) > GAP_SECOND_MAX
    if unbroken:
        split |= np.diff(rows) > 1
    parts = np.split(rows, np.flatnonzero(split) + 1)
    return [
        (int(part[0]), int(part[-1]) + 1)
        for part in parts
        if len(part) >= ROWS_MIN and time[part[-1]] - time[part[0]] >= DURATION_SECOND_MIN
    ]


def _snippets(batch: SampleBatch, runs: Sequence[Run]) -> Snippets:
    made = [(first, stop, _values(batch.between(first, stop))) for first, stop in runs]
    whole = [one for one in made if np.isfinite(one[2][:, :-1]).all()]
    time = batch.unix_time_second
    return Snippets(
        vehicle=np.array([batch.vehicle_id] * len(whole), dtype=f"U{len(batch.vehicle_id) or 1}"),
        start_second=np.array([time[first] for first, _, _ in whole], dtype=np.float64),
        duration_second=np.array(
            [time[stop - 1] - time[first] for first, stop, _ in whole], dtype=np.float64
        ),
        values=np.array([one for _, _, one in whole]).reshape(-1, SAMPLES, len(CHANNELS)),
    )


def _values(batch: SampleBatch) -> Float[np.ndarray, "samples channels"]:
    """Bring a run to 128 samples; a channel that is never measured stays NaN."""
    time = batch.unix_time_second
    even = np.linspace(time[0], time[-1], SAMPLES)
    values = np.full((SAMPLES, len(CHANNELS)), np.nan)
    for at, channel in enumerate(_channels(batch)):
        known = np.isfinite(channel)
        if 2 * int(known.sum()) >= len(time):
            values[:, at] = np.interp(even, time[known], channel[known])
    return values


def _channels(batch: SampleBatch) -> list[np.ndarray]:
    nothing = np.full(batch.rows, np.nan)
    scalar = {name: batch.scalar.get(name, nothing).astype(np.float64) for name in CHANNELS[:-1]}
    mean, high, low, deviation = (nothing,) * 4
    if batch.cells:
        mean, high, low, deviation = _cells(batch.cell_voltage_volt.astype(np.float64))
    else:
        high, low = scalar["cell_voltage_volt_max"], scalar["cell_voltage_volt_min"]
        mean = 0.5 * (high + low)  # how many cells the pack's voltage is of is not known
    hot, cold = scalar["temperature_celsius_max"], scalar["temperature_celsius_min"]
    if batch.probes:
        probe = batch.probe_temperature_celsius.astype(np.float64)
        known = np.isfinite(probe)
        some = known.any(axis=1)
        hot = np.where(some, np.where(known, probe, -np.inf).max(axis=1), np.nan)
        cold = np.where(some, np.where(known, probe, np.inf).min(axis=1), np.nan)
    return [mean, scalar["current_ampere"], scalar["soc_fraction"], high, low, hot, cold, deviation]


def _cells(voltage: Float[np.ndarray, "time cells"]) -> tuple[np.ndarray, ...]:
    """Give mean, highest, lowest cell and the median distance to the median; whole rows only."""
    whole = np.isfinite(voltage).all(axis=1)
    middle = np.median(voltage, axis=1, keepdims=True)
    told = (
        voltage.mean(axis=1),
        voltage.max(axis=1),
        voltage.min(axis=1),
        np.median(np.abs(voltage - middle), axis=1),
    )
    return tuple(np.where(whole, one, np.nan) for one in told)
