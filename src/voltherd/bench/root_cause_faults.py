"""Hands on a simulated record, for the benchmark of root causes: two cells or all of it changed."""

from dataclasses import replace
from typing import Final

import numpy as np

from voltherd.sim.attacks import ATTACKS, attacked
from voltherd.types.sample import SampleBatch

TAMPERED_VOLT: Final = 0.03


def tampered(
    batch: SampleBatch, cells: tuple[int, int], start_second: float, volt: float = TAMPERED_VOLT
) -> SampleBatch:
    """Raise one cell's reading and lower another's by as much: their sum tells nothing.

    Args:
        batch: Rows; not changed.
        cells: Which two, from 1.
        start_second: When it begins [unix s].
        volt: By how much [V].
    """
    begun = batch.unix_time_second >= start_second
    readings = batch.cell_voltage_volt.copy()
    readings[begun, cells[0] - 1] += np.float32(volt)
    readings[begun, cells[1] - 1] -= np.float32(volt)
    return replace(batch, cell_voltage_volt=readings)


def forged(batch: SampleBatch, attack: str, rng: np.random.Generator) -> SampleBatch:
    """Attack a day's whole record at a drawn moment of driving; unchanged where nobody drives.

    Args:
        batch: A day's rows; not changed.
        attack: Name in ``sim.attacks.ATTACKS``.
        rng: Draws the moment.
    """
    kind = ATTACKS[attack]
    told = attacked(batch, kind, kind.sizes[0], rng)
    return told.batch if told else batch
