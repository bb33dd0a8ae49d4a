"""What an estimator of the state of charge is put through, fixed here for everybody.

Estimators see current, voltage and temperature, a sample at a time, and are told at the start a
state of charge, give or take 20 %.

Driving: each recorded discharge begins full and the estimator is told so, which is wrong of the
runs that begin later in the record.  The weighted score follows the idea of the blind test of
Vidal, Kollmeyer et al. (McMaster): clean drives 0.5, charging 0.1, wrong start 0.2 (from 90, 60
and 30 %, weighing 3:2:1), current offset 0.2; what a record does not hold is left out and the rest
divided by the weights that remain.  Every temperature counts alike.

The flat part of LFP: told 20 % too much or too little, with 30 mA too much or too little.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from voltherd.estimation.identify import Drive

LATE_SECOND: Final = 600.0
"""The largest error is taken from then on after the start."""
STARTS: Final = {
    "start at 90 %": (0.9, 3.0),
    "start at 60 %": (0.6, 2.0),
    "start at 30 %": (0.3, 1.0),
}
OFFSETS: Final = {"current +0.3 A": 0.3, "current -0.3 A": -0.3}
WEIGHTS: Final = {"clean": 0.5, "charging": 0.1, "start": 0.2, "offset": 0.2}
BANDS: Final = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
"""Bands of charge in which intervals are counted."""
HOURS: Final = (0.0, 1.0, 2.0, 4.0, math.inf)
"""Bands of how long a record is [h]."""
SWINGS: Final = (0.0, 0.3, 0.6, 1.0, math.inf)
"""Bands of how lively it is: standard deviation of the current over the capacity [1/h]."""
UNMOVED: Final = ("clean", *STARTS)
"""Conditions that leave the values as they are; length and liveliness are asked of them."""
ROWS_MIN: Final = 60
_DROPPED: Final = 0.05
Changed = Callable[[Drive], Drive | None]


class Condition(NamedTuple):
    """What is done to a record, and what an estimator is told at its start."""

    change: Changed
    told: Callable[[Drive], float] = lambda _: 1.0


def taken(drive: Drive, rows: np.ndarray | slice) -> Drive:
    """Take some rows of a drive."""
    return Drive(*(part[rows] for part in drive))


def from_charge(soc: float) -> Changed:
    """Begin where the charge first falls below a value; nothing where it never does."""

    def change(drive: Drive) -> Drive | None:
        below = np.flatnonzero(drive.soc < soc)
        if not len(below) or len(drive.soc) - below[0] < ROWS_MIN:
            return None
        return taken(drive, slice(int(below[0]), None))

    return change


def _offset(ampere: float) -> Changed:
    return lambda drive: drive._replace(current_ampere=drive.current_ampere + ampere)


def _gain(factor: float) -> Changed:
    return lambda drive: drive._replace(current_ampere=drive.current_ampere * factor)


def _volt(volt: float) -> Changed:
    return lambda drive: drive._replace(voltage_volt=drive.voltage_volt + volt)


def _every(second: int) -> Changed:
    return lambda drive: taken(drive, slice(None, None, second))


def _dropped(drive: Drive) -> Drive:
    kept = np.random.default_rng(0).random(len(drive.soc)) >= _DROPPED
    kept[0] = True
    return taken(drive, kept)


def _same(drive: Drive) -> Drive:
    return drive


def _first(drive: Drive) -> float:
    return float(drive.soc[0])


def _off(share: float) -> Callable[[Drive], float]:
    return lambda drive: min(max(float(drive.soc[0]) + share, 0.0), 1.0)


SCORED: Final[Mapping[str, Condition]] = {
    "clean": Condition(_same),
    **{name: Condition(from_charge(soc)) for name, (soc, _) in STARTS.items()},
    **{name: Condition(_offset(ampere)) for name, ampere in OFFSETS.items()},
}
FURTHER: Final[Mapping[str, Condition]] = {
    "every 10 s": Condition(_every(10)),
    "every 30 s": Condition(_every(30)),
    "current gain +1 %": Condition(_gain(1.01)),
    "current gain -1 %": Condition(_gain(0.99)),
    "voltage +5 mV": Condition(_volt(0.005)),
    "voltage -5 mV": Condition(_volt(-0.005)),
    "5 % of samples lost": Condition(_dropped),
}
CHARGING: Final[Mapping[str, Condition]] = {"charging": Condition(_same, _first)}
FLAT: Final[Mapping[str, Condition]] = {
    "told +20 %, +30 mA": Condition(_offset(0.03), _off(0.2)),
    "told -20 %, -30 mA": Condition(_offset(-0.03), _off(-0.2)),
    "told +20 %, -30 mA": Condition(_offset(-0.03), _off(0.2)),
    "told -20 %, +30 mA": Condition(_offset(0.03), _off(-0.2)),
}
FLAT_CLEAN: Final[Mapping[str, Condition]] = {"told right": Condition(_same, _first)}
CONDITIONS: Final = {**SCORED, **FURTHER, **CHARGING, **FLAT, **FLAT_CLEAN}
RMSE_OF: Final = ("clean", *FLAT)
"""Conditions whose cycles ``rmse``, ``mae`` and ``max`` of a summary are taken over."""


class SocRow(NamedTuple):
    """One cycle under one condition, by one estimator; percent of charge.

    An estimator's state of one cell holds so many ``numbers``; ``held`` of ``rows`` samples lay in
    the 90 % interval, by band of charge.  The record lasts ``hours``, and its current's standard
    deviation is ``swing`` times the capacity.
    """

    dataset: str
    cycle: str
    temperature: float
    condition: str
    estimator: str
    rmse: float
    mae: float
    max: float
    coverage90: float
    microsecond: float
    numbers: int = 0
    held: tuple[int, ...] = ()
    rows: tuple[int, ...] = ()
    hours: float = math.nan
    swing: float = math.nan


def scored(rows: Iterable[SocRow]) -> dict[str, float | dict[str, float]]:
    """Sum the rows of one estimator on one dataset up.

    Returns:
        ``rmse``, ``mae`` (means over the cycles of ``RMSE_OF``), ``max`` (largest of them),
        ``coverage90`` of their samples, the same by temperature and by band of charge, ``rmse`` by
        length and by liveliness of the record, and ``weighted``; NaN where a part was not run.
    """
    rows = list(rows)
    core = [row for row in rows if row.condition in RMSE_OF]
    starts = [(even(rows, name), weight) for name, (_, weight) in STARTS.items()]
    starts = [(value, weight) for value, weight in starts if not math.isnan(value)]
    total = sum(weight for _, weight in starts)
    parts = {
        "clean": even(rows, "clean"),
        "charging": even(rows, "charging"),
        "start": sum(v * w for v, w in starts) / total if total else math.nan,
        "offset": mean([even(rows, name) for name in OFFSETS]),
    }
    if math.isnan(parts["charging"]):
        del parts["charging"]
    weights = sum(WEIGHTS[name] for name in parts)
    warmth = sorted({row.temperature for row in core})
    return {
        "rmse": mean([row.rmse for row in core]),
        "mae": mean([row.mae for row in core]),
        "max": max((row.max for row in core), default=math.nan),
        "coverage90": coverage(core),
        "weighted": sum(WEIGHTS[name] * value for name, value in parts.items()) / weights,
        "coverage90_by_temperature": {
            f"{celsius:g}": coverage([row for row in core if row.temperature == celsius])
            for celsius in warmth
        },
        "coverage90_by_soc": {
            f"{low:.0%} to {high:.0%}": coverage(core, band)
            for band, (low, high) in enumerate(pairwise(BANDS))
        },
        "rmse_by_hours": banded(rows, lambda row: row.hours, HOURS),
        "rmse_by_swing": banded(rows, lambda row: row.swing, SWINGS),
    }


def coverage(rows: Iterable[SocRow], band: int | None = None) -> float:
    """Give the share of samples that their interval held; NaN of none."""
    which = slice(None) if band is None else slice(band, band + 1)
    rows = list(rows)
    count = sum(sum(row.rows[which]) for row in rows)
    return sum(sum(row.held[which]) for row in rows) / count if count else math.nan


def banded(
    rows: Iterable[SocRow], of: Callable[[SocRow], float], edges: tuple[float, ...]
) -> dict[str, float]:
    """Give the mean RMSE of unmoved records by bands of a quantity; bands without any are left."""
    rows = [row for row in rows if row.condition in UNMOVED]
    told = {}
    for low, high in pairwise(edges):
        inside = [row.rmse for row in rows if low <= of(row) < high]
        if inside:
            told[f"over {low:g}" if high == math.inf else f"{low:g} to {high:g}"] = mean(inside)
    return told


def even(rows: Iterable[SocRow], condition: str) -> float:
    """Give the RMSE under a condition, every temperature counting alike."""
    by: dict[float, list[float]] = {}
    for row in rows:
        if row.condition == condition:
            by.setdefault(row.temperature, []).append(row.rmse)
    return mean([mean(values) for values in by.values()])


def mean(values: list[float]) -> float:
    """Give the mean, NaN of nothing."""
    return float(np.mean(values)) if values else math.nan
