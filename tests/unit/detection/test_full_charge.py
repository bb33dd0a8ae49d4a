"""What an iron-phosphate pack tells of its cells when it is full."""

import numpy as np
import pytest

from voltherd.detection import full_charge
from voltherd.numerics.presets import LFP
from voltherd.types.asset import Chemistry
from voltherd.types.sample import SampleBatch

OHM, CELLS = 5e-4, 12
OCV = np.asarray(LFP.ocv_volt, float)
GRID = np.linspace(0.0, 1.0, len(OCV))


def charged(lack, rows=200, last=0.995, ampere=10.0, then=4):
    """A charge that ends at ``last``, each cell behind by ``lack``, then rows without current."""
    soc = np.linspace(0.9, last, rows)[:, None] - np.asarray(lack)
    volt = np.interp(soc, GRID, OCV) + OHM * ampere
    rest = np.repeat(volt[-1:] - OHM * ampere, then, axis=0)
    volt = np.concatenate([volt, rest]).astype(np.float32)
    amps = np.concatenate([np.full(rows, ampere), np.zeros(then)])
    count = rows + then
    return SampleBatch(
        vehicle_id="bus",
        unix_time_second=1.7e9 + 10.0 * np.arange(count),
        cell_voltage_volt=volt,
        cell_quality=np.zeros(volt.shape, np.uint8),
        probe_temperature_celsius=np.empty((count, 0), np.float32),
        probe_quality=np.empty((count, 0), np.uint8),
        scalar={"current_ampere": amps},
        scalar_quality={"current_ampere": np.zeros(count, np.uint8)},
    )


def read(batch, chemistry=Chemistry.LFP):
    return full_charge.look(full_charge.init(CELLS), batch, chemistry, OHM)[1]


def lacking(cell, lack):
    return np.where(np.arange(CELLS) == cell, lack, 0.0)


@pytest.mark.parametrize("lack", [0.002, 0.005, 0.01])
def test_what_a_cell_lacks_is_read_at_the_end(lack):
    [full] = read(charged(lacking(4, lack)))
    assert full.second == 1.7e9 + 1990.0
    assert full.charge[4] == pytest.approx(-lack, abs=0.0015)
    assert np.abs(np.delete(full.charge, 4)).max() < 1e-6
    assert full.volt[4] < 0.0


def test_a_charge_that_ends_early_or_at_full_current_tells_nothing():
    assert read(charged(np.zeros(CELLS), last=0.96)) == ()
    assert read(charged(np.zeros(CELLS), ampere=150.0)) == ()
    assert read(charged(np.zeros(CELLS), then=0)) == ()  # not ended yet


def test_sloping_cells_are_left_to_others():
    assert read(charged(np.zeros(CELLS)), Chemistry.NMC) == ()


def test_pieces_give_what_the_whole_gives():
    batch = charged(lacking(2, 0.004))
    [whole] = read(batch)
    for cut in (1, 150, 199, 200, 201, 203):
        top, first = full_charge.look(
            full_charge.init(CELLS), batch.between(0, cut), Chemistry.LFP, OHM
        )
        _, second = full_charge.look(top, batch.between(cut, batch.rows), Chemistry.LFP, OHM)
        [full] = (*first, *second)
        assert full.second == whole.second
        assert np.array_equal(full.charge, whole.charge)


def test_a_cell_not_read_is_not_known():
    batch = charged(np.zeros(CELLS))
    batch.cell_voltage_volt[:, 7] = np.nan
    [full] = read(batch)
    assert np.isnan(full.charge[7])
    assert np.isfinite(np.delete(full.charge, 7)).all()
