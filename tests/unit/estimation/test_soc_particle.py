"""Particles on a recorded LFP cell: flat curve, hysteresis, a wrong start, a current that is off.

The cell is identified from one record (constant-current cycles), the estimators run on the other
(ten hours on the flat part of the curve).
"""

from dataclasses import replace

import duckdb
import numpy as np
import pytest

from voltherd.estimation.cell_sample import CellSample, SensorError
from voltherd.estimation.identify import Drive, identify
from voltherd.estimation.soc_ekf import SocEkf
from voltherd.estimation.soc_particle import COUNT, SocParticle, parted
from voltherd.numerics.cell_map import preset_map
from voltherd.numerics.cell_parameters import OCV_NODES
from voltherd.numerics.presets import LFP, NMC

SENSORS = SensorError(voltage_volt=0.005, current_ampere=0.05, current_fraction=0.005)
STRIDE = 5
CAPACITY_AH = 1.2
pytestmark = pytest.mark.long


def columns(file):
    with duckdb.connect() as connection:
        return connection.read_parquet(str(file)).fetchnumpy()


def record(folder, test):
    rows = columns(folder / "lfp_flat_tao" / "lfp_1p2ah_1hz.parquet")
    here = rows["test"].astype(str) == test
    names = "t_s", "current_a", "voltage_v", "temp_c", "soc_ref"
    parts = [rows[name][here].astype(float) for name in names]
    order = np.argsort(parts[0], kind="stable")
    return Drive(*(part[order] for part in parts))


@pytest.fixture(scope="module")
def lfp(recorded):
    """The cell: both branches of its curve as recorded, resistances from the other record."""
    curve = columns(recorded / "lfp_flat_tao" / "ocv_hysteresis.parquet")
    soc = np.linspace(0.0, 1.0, OCV_NODES)
    middle = np.interp(soc, curve["soc"], curve["ocv_mean"])
    flat = (curve["soc"] > 0.2) & (curve["soc"] < 0.8)
    half = float(np.median(0.5 * (curve["ocv_charge"] - curve["ocv_discharge"])[flat]))
    base = replace(
        LFP.resized(CAPACITY_AH),
        ocv_volt=np.maximum.accumulate(middle) + 1e-6 * np.arange(OCV_NODES),
        hysteresis_volt=half,
    )
    drive = record(recorded, "cc_25C")
    cell = identify([drive], base, "constant-current cycles")
    known = cell.at(np.array([0.5]), 25.0)
    return replace(
        cell,
        base=replace(
            base,
            r0_ohm=known.r0.item(),
            r1_ohm=max(known.r1.item(), 1e-4),
            r2_ohm=max(known.r2.item(), 1e-4),
            tau1_second=cell.tau1_second,
            tau2_second=cell.tau2_second,
        ),
    )


def error(estimator, drive, start, offset):
    """Run from a wrong start with a current that is off; errors in percent of charge."""
    rows = range(0, len(drive.soc), STRIDE)
    state, off = None, []
    for at in rows:
        ampere = drive.current_ampere[at].item() + offset
        sample = CellSample(
            drive.time_second[at].item(), ampere, drive.voltage_volt[at : at + 1], 25.0
        )
        if state is None:
            state = estimator.init(sample, soc=start, sigma=0.2)
            continue
        state, estimate = estimator.step(state, sample)
        off.append(100.0 * (estimate.value[0] - drive.soc[at]))
    return np.array(off)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_on_a_flat_curve_particles_are_no_worse_than_the_extended_filter(lfp, recorded, sign):
    drive = record(recorded, "flat_25C")
    start, offset = max(drive.soc[0].item() + 0.2 * sign, 0.0), 0.03 * sign
    particles = error(SocParticle(cell=lfp, sensors=SENSORS), drive, start, offset)
    extended = error(SocEkf(parameters=lfp.base, sensors=SENSORS), drive, start, offset)
    rms = [float(np.sqrt(np.mean(one**2))) for one in (particles, extended)]
    worst = [float(np.abs(one[600 // STRIDE :]).max()) for one in (particles, extended)]
    assert rms[0] <= rms[1]
    assert worst[0] <= worst[1]


def test_no_chance_is_hidden_and_few_particles_are_drawn_anew():
    cell = preset_map(NMC.resized(3.0))
    estimator = SocParticle(cell=cell)
    rested = cell.at(np.array([0.4]), 25.0).ocv
    state, drawn = estimator.init(CellSample(0.0, 0.0, rested, 25.0), soc=0.7, sigma=0.2), 0
    for second in range(1, 400):
        before = state
        state, estimate = estimator.step(state, CellSample(float(second), 0.0, rested, 25.0))
        again, _ = estimator.step(before, CellSample(float(second), 0.0, rested, 25.0))
        np.testing.assert_array_equal(again.values, state.values)
        drawn += bool((parted(state.values)[4] == 0.0).sum() == COUNT)
    assert drawn > 0
    assert estimate.value[0] == pytest.approx(0.4, abs=0.03)
