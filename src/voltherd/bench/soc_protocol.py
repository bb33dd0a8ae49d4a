"""What an estimator of the state of charge is put through, fixed here for everybody.

Each recorded discharge begins full.  Estimators see current, voltage and temperature, a sample at
a time, and are told at the start that the cell is full, give or take 20 %.  That is true of the
clean runs and wrong of those that begin later in the record.

The weighted score follows the idea of the blind test of Vidal, Kollmeyer et al. (McMaster): clean
drives 0.5, wrong start 0.2 (from 90, 60 and 30 %, weighing 3:2:1), current offset 0.2; charging,
0.1 there, is not in these records, so the rest is divided by 0.9.  Every temperature counts alike.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

import numpy as np

from voltherd.estimation.identify import Drive

START_SIGMA: Final = 0.2
LATE_SECOND: Final = 600.0
"""The largest error is taken from then on after the start."""
STARTS: Final = {
    "start at 90 %": (0.9, 3.0),
    "start at 60 %": (0.6, 2.0),
    "start at 30 %": (0.3, 1.0),
}
OFFSETS: Final = {"current +0.3 A": 0.3, "current -0.3 A": -0.3}
WEIGHTS: Final = {"clean": 0.5, "start": 0.2, "offset": 0.2}
ROWS_MIN: Final = 60
_DROPPED: Final = 0.05
Changed = Callable[[Drive], Drive | None]


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


SCORED: Final[Mapping[str, Changed]] = {
    "clean": lambda drive: drive,
    **{name: from_charge(soc) for name, (soc, _) in STARTS.items()},
    **{name: _offset(ampere) for name, ampere in OFFSETS.items()},
}
FURTHER: Final[Mapping[str, Changed]] = {
    "every 10 s": _every(10),
    "every 30 s": _every(30),
    "current gain +1 %": _gain(1.01),
    "current gain -1 %": _gain(0.99),
    "voltage +5 mV": _volt(0.005),
    "voltage -5 mV": _volt(-0.005),
    "5 % of samples lost": _dropped,
}
CONDITIONS: Final = {**SCORED, **FURTHER}


class SocRow(NamedTuple):
    """One cycle under one condition, by one estimator; percent of charge."""

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


def scored(rows: Iterable[SocRow]) -> dict[str, float]:
    """Sum the rows of one estimator on one dataset up.

    Returns:
        ``rmse``, ``mae`` (means over clean cycles), ``max`` (largest), ``coverage90`` (of clean
        cycles) and ``weighted``; NaN where a part of it was not run.
    """
    rows = list(rows)
    clean = [row for row in rows if row.condition == "clean"]
    starts = [(even(rows, name), weight) for name, (_, weight) in STARTS.items()]
    starts = [(value, weight) for value, weight in starts if not math.isnan(value)]
    total = sum(weight for _, weight in starts)
    start = sum(v * w for v, w in starts) / total if total else math.nan
    offset = float(np.mean([even(rows, name) for name in OFFSETS]))
    parts = {"clean": even(rows, "clean"), "start": start, "offset": offset}
    weighted = sum(WEIGHTS[name] * value for name, value in parts.items()) / sum(WEIGHTS.values())
    return {
        "rmse": mean([row.rmse for row in clean]),
        "mae": mean([row.mae for row in clean]),
        "max": max((row.max for row in clean), default=math.nan),
        "coverage90": mean([row.coverage90 for row in clean]),
        "weighted": weighted,
    }


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
