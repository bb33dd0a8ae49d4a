"""Sensor faults and real events that begin in the middle of a record, beside the attacks.

The fleet's own faults (``faults``) are planted into the physics and grow over days; these are what
an attack has to be told from within the hour: pure functions over batches, of the same form.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np
from jaxtyping import Float, Int

from voltherd.sim.attacks import AttackKind, with_cells
from voltherd.types.sample import SampleBatch

Rows = Int[np.ndarray, " n"]


def _one_cell(
    batch: SampleBatch,
    rows: Rows,
    moved: Float[np.ndarray, " n"],
    rng: np.random.Generator,
    *,
    pack: bool,
) -> tuple[SampleBatch, int]:
    cell = int(rng.integers(batch.cells))
    cells = batch.cell_voltage_volt.copy()
    cells[rows, cell] += moved.astype(np.float32)
    return with_cells(batch, cells, pack=pack), cell


def _cell_biased(
    batch: SampleBatch, rows: Rows, size: float, rng: np.random.Generator
) -> SampleBatch:
    moved = np.full(len(rows), size * rng.choice([-1.0, 1.0]))
    return _one_cell(batch, rows, moved, rng, pack=False)[0]


def _cell_stuck(
    batch: SampleBatch, rows: Rows, size: float, rng: np.random.Generator
) -> SampleBatch:
    cell = int(rng.integers(batch.cells))
    cells = batch.cell_voltage_volt.copy()
    cells[rows, cell] = cells[rows[0], cell]
    return with_cells(batch, cells, pack=False)


def _cell_spikes(
    batch: SampleBatch, rows: Rows, size: float, rng: np.random.Generator
) -> SampleBatch:
    moved = np.where(rng.random(len(rows)) < 0.05, size, 0.0)
    return _one_cell(batch, rows, moved, rng, pack=False)[0]


def _channel_off(
    batch: SampleBatch, rows: Rows, name: str, size: float, step: float
) -> SampleBatch:
    values = batch.scalar[name].copy()
    values[rows] = np.round((values[rows] + size) / step) * step
    return replace(batch, scalar={**batch.scalar, name: values})


def _pack_biased(
    batch: SampleBatch, rows: Rows, size: float, rng: np.random.Generator
) -> SampleBatch:
    return _channel_off(batch, rows, "voltage_volt", size * rng.choice([-1.0, 1.0]), 0.1)


def _current_biased(
    batch: SampleBatch, rows: Rows, size: float, rng: np.random.Generator
) -> SampleBatch:
    return _channel_off(batch, rows, "current_ampere", size * rng.choice([-1.0, 1.0]), 0.1)


def _soc_stepped(
    batch: SampleBatch, rows: Rows, size: float, rng: np.random.Generator
) -> SampleBatch:
    soc = batch.scalar["soc_fraction"].copy()
    away = -size if soc[rows[0]] > 0.5 else size
    soc[rows] = np.clip(soc[rows] + away, 0.0, 1.0)
    return replace(batch, scalar={**batch.scalar, "soc_fraction": soc})


def _cell_shorted(
    batch: SampleBatch, rows: Rows, size: float, rng: np.random.Generator
) -> SampleBatch:
    """A cell loses charge at once, as in a sudden internal short that heals: all sensors agree."""
    return _one_cell(batch, rows, np.full(len(rows), -size), rng, pack=True)[0]


def _contact_broken(
    batch: SampleBatch, rows: Rows, size: float, rng: np.random.Generator
) -> SampleBatch:
    """A joint loosens: one cell follows the current, and so does the pack voltage."""
    ampere = batch.scalar["current_ampere"][rows]
    return _one_cell(batch, rows, size * np.nan_to_num(ampere), rng, pack=True)[0]


def _vented(batch: SampleBatch, rows: Rows, size: float, rng: np.random.Generator) -> SampleBatch:
    """A cell collapses within two rows and its probe shoots up."""
    moved = np.full(len(rows), -size)
    moved[0] *= 0.3
    batch, cell = _one_cell(batch, rows, moved, rng, pack=True)
    probes = batch.probe_temperature_celsius.copy()
    probe = cell * batch.probes // batch.cells
    probes[rows, probe] += np.minimum(40.0 * np.arange(1, len(rows) + 1), 120.0).astype(np.float32)
    return replace(batch, probe_temperature_celsius=probes)


def _insulation_lost(
    batch: SampleBatch, rows: Rows, size: float, rng: np.random.Generator
) -> SampleBatch:
    name = "insulation_resistance_ohm"
    ohm = batch.scalar[name].copy()
    ohm[rows] = np.round(size * rng.normal(1.0, 0.03, len(rows)), -3)
    return replace(batch, scalar={**batch.scalar, name: ohm})


SENSOR_FAULTS: Final[Mapping[str, AttackKind]] = {
    "cell bias": AttackKind("one cell read off by volts", _cell_biased, (0.05, 0.1), None),
    "cell stuck": AttackKind("one cell keeps its reading", _cell_stuck, (0.0,), None),
    "cell spikes": AttackKind("one cell jumps in a row of twenty", _cell_spikes, (0.2,), None),
    "pack voltage": AttackKind("pack voltage off by volts", _pack_biased, (8.0,), None),
    "current": AttackKind("current off by amperes", _current_biased, (7.5,), None),
    "gauge": AttackKind("reported charge steps", _soc_stepped, (0.2,), None),
}
"""One channel wrong, all others as they should be."""
EVENTS: Final[Mapping[str, AttackKind]] = {
    "short": AttackKind("one cell drops by volts and stays", _cell_shorted, (0.1, 0.2), None),
    "contact": AttackKind("ohms added in one cell's path", _contact_broken, (1e-3,), None),
    "venting": AttackKind("a cell collapses, a probe shoots up", _vented, (1.5,), None),
    "insulation": AttackKind("ohms of insulation left", _insulation_lost, (2e4,), None),
}
"""All channels agree: it happened."""
