"""Estimates as quantities: value, 90 % interval, method, evidence and age."""

import math
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Final

import numpy as np

from voltherd.cloud.finding_names import Known
from voltherd.cloud.follow import Followed
from voltherd.cloud.schema import Estimated, Quantity
from voltherd.cloud.schema_vehicles import PackSoc, Twin
from voltherd.cloud.twin import error_volt
from voltherd.estimation import soc_pack
from voltherd.report.words import indices, rfc3339
from voltherd.types.estimate import NORMAL_90, Estimate
from voltherd.types.event import Phenomenon, Severity
from voltherd.types.quality import Quality

_NO_TWIN: Final = (
    "cannot tell: chemistry and rated capacity are unknown; enter them in the asset record"
)
_NO_DATA: Final = "cannot tell: no data yet"

_BLINDING: Final = frozenset(
    (
        Phenomenon.SENSOR_STUCK,
        Phenomenon.SENSOR_BIAS,
        Phenomenon.SENSOR_SPIKES,
        Phenomenon.CHANNEL_INVALID,
    )
)
"""Findings by which a cell's voltage does not tell its state of charge."""


def blind_cells(known: Iterable[Known]) -> frozenset[int]:
    """Give cells whose measurement cannot be trusted, from 1: no pack is judged by them.

    Some millivolts too much or too little leave a cell readable: a bias counts from severity
    recommended on.
    """
    return frozenset(
        cell
        for each in known
        if each.holds and _blinds(each)
        for cell in each.finding.location.cells
    )


def _blinds(each: Known) -> bool:
    finding = each.finding
    slight = (
        finding.phenomenon is Phenomenon.SENSOR_BIAS and finding.severity < Severity.RECOMMENDED
    )
    return finding.phenomenon in _BLINDING and not slight


def pack(estimate: Estimate, blind: Collection[int]) -> soc_pack.PackSoc:
    """Give the state of charge of the string without cells that cannot be trusted.

    Args:
        estimate: Of all cells in string order; at least one.
        blind: Cells to leave out, from 1; all count where none would be left.
    """
    seen = [i for i in range(estimate.value.size) if i + 1 not in blind]
    if not blind or not seen:
        return soc_pack.pack_soc(estimate)
    found = soc_pack.pack_soc(
        replace(
            estimate,
            value=estimate.value[seen],
            sigma=estimate.sigma[seen],
            innovation=estimate.innovation[seen],
            apart_sigma=None if estimate.apart_sigma is None else estimate.apart_sigma[seen],
        )
    )
    return replace(
        found,
        lowest_cell=seen[found.lowest_cell - 1] + 1,
        highest_cell=seen[found.highest_cell - 1] + 1,
    )


def age(second: float, now_second: float) -> float | None:
    """Give how long ago something was [s], None where it never was."""
    return max(now_second - second, 0.0) if math.isfinite(second) else None


def pack_quantity(followed: Followed | None, blind: Collection[int], now_second: float) -> Quantity:
    """Give the pack's state of charge; ``blind`` cells are left out."""
    twin = followed.twin if followed else None
    estimate = twin.estimate if twin else None
    if twin is None or estimate is None:
        why = _NO_DATA if followed is None else _NO_TWIN
        return _untold(why)
    if not np.isfinite(estimate.value).any():
        return _untold(_NO_DATA)
    whole = pack(estimate, blind)
    low, high = interval(whole.value, whole.sigma)
    error, steps = error_volt(twin)
    fit = f"; predicted voltage off by {error * 1e3:.1f} mV rms" if steps else ""
    without = f" (without {indices(tuple(blind))}, whose sensors are faulty)" if blind else ""
    missing = "; some values missing" if estimate.quality & Quality.MISSING else ""
    return Quantity(
        value=round(whole.value, 4),
        low=low,
        high=high,
        unit="1",
        method=estimate.method,
        evidence=f"{estimate.value.size - len(blind)} cells{without}, limited by cell "
        f"{whole.lowest_cell}; {twin.basis}{fit}{missing}",
        age_second=age(estimate.unix_time_second, now_second),
    )


def _untold(why: str) -> Quantity:
    return Quantity(
        value=None, low=None, high=None, unit="1", method="none", evidence=why, age_second=None
    )


def interval(value: float, sigma: float) -> tuple[float, float]:
    """Give the 90 % interval of a fraction, within 0…1.

    >>> interval(0.95, 0.1)
    (0.7855, 1.0)
    """
    half = NORMAL_90 * sigma
    return round(max(value - half, 0.0), 4), round(min(value + half, 1.0), 4)


def cell_quantities(followed: Followed | None) -> list[Estimated]:
    """Give every cell's state of charge in string order; empty where nothing is known."""
    estimate = followed.twin.estimate if followed and followed.twin else None
    if estimate is None:
        return []
    return [
        Estimated(value=round(v, 4), low=ends[0], high=ends[1])
        for v, s in zip(estimate.value.tolist(), estimate.sigma.tolist(), strict=True)
        for ends in (interval(v, s),)
    ]


def pack_limits(followed: Followed | None, blind: Collection[int]) -> PackSoc:
    """Give which cells limit the pack; ``blind`` ones are left out."""
    estimate = followed.twin.estimate if followed and followed.twin else None
    if estimate is None or not estimate.value.size:
        return PackSoc(
            value=None,
            low=None,
            high=None,
            lowest_cell=None,
            highest_cell=None,
            lowest_soc=None,
            highest_soc=None,
            named=False,
        )
    whole = pack(estimate, blind)
    low, high = interval(whole.value, whole.sigma)
    return PackSoc(
        value=round(whole.value, 4),
        low=low,
        high=high,
        lowest_cell=whole.lowest_cell,
        highest_cell=whole.highest_cell,
        lowest_soc=round(whole.lowest_soc, 4),
        highest_soc=round(whole.highest_soc, 4),
        named=whole.named,
    )


def twin_told(followed: Followed | None, now_second: float) -> Twin:
    """Say how well the twin follows the vehicle."""
    twin = followed.twin if followed else None
    if twin is None or twin.estimate is None:
        return Twin(rmse_volt=None, lag_second=None, samples=0, time=None, method="none")
    error, count = error_volt(twin)
    return Twin(
        rmse_volt=error,
        lag_second=age(twin.estimate.unix_time_second, now_second),
        samples=count,
        time=rfc3339(twin.estimate.unix_time_second),
        method=twin.estimate.method,
    )
