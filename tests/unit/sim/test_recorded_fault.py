"""Faults put into a record: what changes, what stays, what is refused."""

import numpy as np
import pytest

from voltherd.errors import UsageError
from voltherd.numerics.presets import NMC
from voltherd.sim.faults import Fault
from voltherd.sim.recorded_fault import Cell, injected, resolution_volt
from voltherd.types.event import Location, LocationKind, Phenomenon
from voltherd.types.sample import SampleBatch

CELL = Cell(np.asarray(NMC.ocv_volt, float), 5e-4, 100.0)
ROWS, CELLS, DAY = 600, 8, 86_400.0
P = Phenomenon


def record(current_ampere=None):
    """Four days at half charge, a row every ten minutes."""
    time = 1.7e9 + 600.0 * np.arange(ROWS)
    amps = np.zeros(ROWS) if current_ampere is None else current_ampere
    volt = np.full((ROWS, CELLS), 3.7) + 5e-4 * amps[:, None]
    volt = np.round(volt, 3).astype(np.float32)
    return SampleBatch(
        vehicle_id="car",
        unix_time_second=time,
        cell_voltage_volt=volt,
        cell_quality=np.zeros(volt.shape, np.uint8),
        probe_temperature_celsius=np.full((ROWS, 2), 25.0, np.float32),
        probe_quality=np.zeros((ROWS, 2), np.uint8),
        scalar={"current_ampere": amps},
        scalar_quality={"current_ampere": np.zeros(ROWS, np.uint8)},
    )


def fault(phenomenon, size, unit, cells=(3,), kind=LocationKind.CELL, day=1.0):
    return Fault(
        vehicle=1,
        phenomenon=phenomenon,
        location=Location(kind=kind, index=cells[0], cells=cells),
        start_second=1.7e9 + day * DAY,
        size=size,
        unit=unit,
    )


def change(planted, batch=None, cell=3):
    batch = record() if batch is None else batch
    after = injected(batch, planted, CELL, 1)
    others = [c for c in range(CELLS) if c + 1 not in planted.location.cells]
    assert np.array_equal(
        after.cell_voltage_volt[:, others], batch.cell_voltage_volt[:, others], equal_nan=True
    )
    moved = after.cell_voltage_volt[:, cell - 1] - batch.cell_voltage_volt[:, cell - 1]
    assert not moved[batch.unix_time_second < planted.start_second].any()
    return moved.astype(float)


def test_a_leak_adds_up_over_parked_hours_too():
    moved = change(fault(P.INTERNAL_SHORT, 0.02, "1/day"))
    days = (record().unix_time_second[-1] - 1.7e9) / DAY - 1.0
    slope = np.interp(0.5, np.linspace(0, 1, len(CELL.ocv_volt) - 1), np.diff(CELL.ocv_volt))
    slope *= len(CELL.ocv_volt) - 1
    assert moved[-1] == pytest.approx(-0.02 * days * slope, rel=0.5)
    assert (np.diff(moved) <= 0.0015).all()


def test_an_ohm_leaks_what_its_voltage_drives_through_it():
    by_ohm = change(fault(P.INTERNAL_SHORT, 20.0, "ohm"))
    per_day = 3.7 / 20.0 * 24.0 / CELL.capacity_ah
    assert by_ohm[-1] == pytest.approx(
        change(fault(P.INTERNAL_SHORT, per_day, "1/day"))[-1], abs=0.003
    )


def test_resistance_follows_the_current_with_its_sign():
    amps = np.where(np.arange(ROWS) % 2 == 0, -80.0, 80.0)
    moved = change(fault(P.CONTACT_RESISTANCE, 1e-3, "ohm"), record(amps))
    begun = record().unix_time_second >= 1.7e9 + DAY
    assert moved[begun] == pytest.approx(1e-3 * amps[begun], abs=1.1e-3)


def test_a_weak_cell_lacks_nothing_when_full_and_much_when_empty():
    volt = np.linspace(4.15, 3.4, ROWS).astype(np.float32)
    batch = record()
    discharged = SampleBatch(
        **{
            **{name: getattr(batch, name) for name in batch.__slots__},
            "cell_voltage_volt": np.repeat(volt[:, None], CELLS, axis=1),
        }
    )
    moved = change(fault(P.WEAK_CELL, 0.2, "1", day=0.0), discharged)
    assert abs(moved[0]) < 0.02
    assert moved[-1] < -0.05


@pytest.mark.parametrize("size", [1.0, 0.01])
def test_no_fault_takes_a_cell_below_nothing(size):
    after = injected(record(), fault(P.INTERNAL_SHORT, size, "ohm"), CELL, 1)
    assert (after.cell_voltage_volt >= 0.0).all()


def test_sensors_are_changed_and_their_neighbours_are_not():
    assert change(fault(P.SENSOR_BIAS, 0.02, "V"))[-1] == pytest.approx(0.02, abs=1e-6)
    swapped = injected(record(), fault(P.CHANNEL_SWAP, 0.0, "", cells=(2, 5)), CELL, 1)
    assert swapped.cell_voltage_volt[-1, 1] == record().cell_voltage_volt[-1, 4]
    probe = fault(P.TEMPERATURE_OUTLIER, 15.0, "K", cells=(1,), kind=LocationKind.PROBE)
    warm = injected(record(), probe, CELL, 1)
    assert warm.probe_temperature_celsius[-1].tolist() == [40.0, 25.0]


def test_what_was_missing_stays_missing_and_nothing_given_is_changed():
    batch = record()
    batch.cell_voltage_volt[300:310, 2] = np.nan
    before = batch.cell_voltage_volt.copy()
    after = injected(batch, fault(P.INTERNAL_SHORT, 0.1, "1/day"), CELL, 1)
    assert np.isnan(after.cell_voltage_volt[300:310, 2]).all()
    assert np.array_equal(batch.cell_voltage_volt, before, equal_nan=True)


def test_readings_keep_the_resolution_they_were_sent_in():
    coarse = record()
    coarse.cell_voltage_volt[:] = 3.6 + 0.005 * (np.arange(ROWS) % 20)[:, None]
    assert resolution_volt(coarse.cell_voltage_volt) == 0.005
    after = injected(coarse, fault(P.INTERNAL_SHORT, 0.05, "1/day"), CELL, 1)
    assert resolution_volt(after.cell_voltage_volt) == 0.005


@pytest.mark.parametrize(
    ("planted", "says"),
    [
        (fault(P.PACK_PRESSURE, 1e4, "Pa"), "cannot be put into recorded driving"),
        (fault(P.SENSOR_BIAS, 0.02, "V", cells=(9,)), "has 8 cells, not 9"),
    ],
)
def test_what_cannot_be_put_in_is_refused_with_a_reason(planted, says):
    with pytest.raises(UsageError, match=says):
        injected(record(), planted, CELL, 1)
