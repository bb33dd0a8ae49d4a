"""An identified cell whose intervals were tried: filters run on drives their cell had not seen."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np

from voltherd.estimation.cell_sample import CellSample, SensorError
from voltherd.estimation.identify import Column, Drive, Identified
from voltherd.estimation.soc_map import SocMapEkf
from voltherd.estimation.widening import widening
from voltherd.numerics.cell_map import CellMap

START_SIGMA: Final = 0.2
"""What is known of the charge when a drive begins, standard uncertainty."""


def followed(estimator: Any, drive: Drive, soc: float, sigma: float) -> tuple[Column, Column]:  # noqa: ANN401
    """Take an estimator through a drive.

    Args:
        estimator: With ``init`` and ``step``.
        drive: Its state of charge is not looked at.
        soc: What the estimator is told at the start.
        sigma: Standard uncertainty of that.

    Returns:
        State of charge and its standard uncertainty at every row.
    """
    told = np.empty((2, len(drive.soc)))
    told[:, 0] = soc, sigma
    rows = zip(
        drive.time_second.tolist(),
        drive.current_ampere.tolist(),
        drive.voltage_volt[:, None],
        drive.temperature_celsius.tolist(),
        strict=True,
    )
    state = estimator.init(CellSample(*next(rows)), soc=soc, sigma=sigma)
    for row, sample in enumerate(rows, start=1):
        state, estimate = estimator.step(state, CellSample(*sample))
        told[:, row] = estimate.value[0], estimate.sigma[0]
    return told[0], told[1]


class Tried(NamedTuple):
    """How a filter did on a drive that its cell had not seen."""

    error: Column
    sigma: Column
    celsius: Column


def calibrated(
    found: Identified,
    drives: Sequence[Drive],
    sensors: SensorError,
    progress: Callable[[str], None] = lambda _: None,
) -> CellMap:
    """Give the cell with the factor that its filter's intervals want, by temperature.

    Args:
        found: The cell, and for each drive the cell without it.
        drives: What it was identified from; each is told its own first charge, in doubt.
        sensors: Declared sensor errors.
        progress: Told where it stands.
    """
    return _widened(found.cell, _tried(found, drives, sensors, progress))


def calibrated_apart(
    found: Identified, drives: Sequence[Drive], sensors: SensorError
) -> tuple[CellMap, tuple[CellMap, ...]]:
    """Give the cell as above, and for each drive the cell without it, as all others ask."""
    told = _tried(found, drives, sensors, lambda _: None)
    apart = (
        _widened(cell, [*told[:left], *told[left + 1 :]]) for left, cell in enumerate(found.others)
    )
    return _widened(found.cell, told), tuple(apart)


def _tried(
    found: Identified,
    drives: Sequence[Drive],
    sensors: SensorError,
    progress: Callable[[str], None],
) -> list[Tried]:
    told = []
    for done, (cell, drive) in enumerate(zip(found.others, drives, strict=True), start=1):
        estimator = SocMapEkf(cell=cell, sensors=sensors)
        value, sigma = followed(estimator, drive, float(drive.soc[0]), START_SIGMA)
        told.append(Tried(value - drive.soc, sigma, drive.temperature_celsius))
        progress(f"intervals tried on {done} of {len(drives)} drives")
    return told


def _widened(cell: CellMap, told: Sequence[Tried]) -> CellMap:
    error, sigma, celsius = (np.concatenate(part) for part in zip(*told, strict=True))
    return replace(cell, widening=widening(error, sigma, celsius, cell.temperature_celsius))
