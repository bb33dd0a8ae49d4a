"""The filter on cells whose truth is known, simulated and recorded (C3-03, C3-19, C3-20)."""

import math

import duckdb
import numpy as np
import pytest

from voltherd.estimation.cell_sample import CellSample, SensorError
from voltherd.estimation.soc_ekf import SocEkf
from voltherd.numerics.cell_plant import Plant
from voltherd.numerics.presets import LFP, NCA, NMC, PRESETS
from voltherd.types.quality import Quality

GOOD = SensorError(voltage_volt=0.002, current_ampere=0.05, current_fraction=0.001)


def drive(cell, estimator, seconds, dt=1.0, start=0.3, wrong=-0.3, blind=False, seed=4):
    """Errors and sigmas of a filter that starts wrong on cells that really are as it thinks."""
    random = np.random.default_rng(seed)
    plant = Plant(parameters=cell)
    truth = plant.init(np.full(2, start))
    state = estimator.init(
        CellSample(0.0, 0.0, np.full(2, math.nan), 25.0), soc=start + wrong, sigma=0.3
    )
    error, sigma = [], []
    for k in range(int(seconds / dt)):
        t = (k + 1) * dt
        current = cell.capacity_ah * (0.6 * math.sin(t / 60.0) + 0.3 * math.sin(t / 11.0))
        truth, volt = plant.step(truth, current, 25.0, dt)
        seen = np.full(2, math.nan) if blind else volt + random.normal(0.0, 0.001, 2)
        celsius = float(truth.temperature_celsius[0])
        state, estimate = estimator.step(state, CellSample(t, current, seen, celsius))
        error.append(estimate.value - truth.soc)
        sigma.append(estimate.sigma)
    return np.array(error), np.array(sigma)


@pytest.mark.parametrize("cell", [NMC, NCA], ids=["NMC", "NCA"])
@pytest.mark.parametrize("wrong", [-0.3, 0.3])
def test_a_start_thirty_percent_off_is_mended_within_ten_minutes(cell, wrong):
    estimator = SocEkf(parameters=cell, sensors=GOOD)
    error, _ = drive(cell, estimator, 1800, start=0.5, wrong=wrong)
    assert np.sqrt(np.mean(error[600:] ** 2)) < 0.015


@pytest.mark.parametrize(
    ("cell", "start", "wrong"),
    [(NMC, 0.3, -0.3), (NCA, 0.15, -0.3), (LFP, 0.3, -0.3), (LFP, 0.7, 0.3)],
)
def test_starting_on_the_steep_end_of_a_curve_breeds_no_false_certainty(cell, start, wrong):
    """There a volt means little charge; a filter that believed its slope would stop there."""
    error, sigma = drive(
        cell, SocEkf(parameters=cell, sensors=GOOD), 1800, start=start, wrong=wrong
    )
    assert np.mean(abs(error) < 2.0 * sigma) > 0.75
    if cell is not LFP:
        assert np.sqrt(np.mean(error[600:] ** 2)) < 0.015


@pytest.mark.parametrize("cell", PRESETS.values(), ids=PRESETS)
def test_the_interval_holds_the_truth_all_along(cell):
    estimator = SocEkf(parameters=cell, sensors=GOOD)
    error, sigma = drive(cell, estimator, 1200, start=0.5, wrong=-0.2)
    assert np.mean(abs(error) < 2.0 * sigma) > 0.95


def test_a_flat_curve_leaves_a_wider_interval_than_a_steep_one():
    width = {}
    for cell in (NMC, LFP):
        _, sigma = drive(cell, SocEkf(parameters=cell, sensors=GOOD), 900, start=0.5, wrong=0.1)
        width[cell.chemistry] = sigma[-1, 0]
    assert width[LFP.chemistry] > 2.0 * width[NMC.chemistry]


def test_the_interval_widens_while_soc_cannot_be_observed():
    _, sigma = drive(NMC, SocEkf(parameters=NMC, sensors=GOOD), 600, blind=True, wrong=0.0)
    assert (np.diff(sigma[:, 0]) >= 0.0).all()


def test_the_answer_does_not_hang_on_how_fast_a_logger_samples():
    ends = {}
    for dt in (1.0, 5.0, 10.0):
        error, sigma = drive(NMC, SocEkf(parameters=NMC, sensors=GOOD), 1800, dt=dt)
        ends[dt] = error[-1, 0], sigma[-1, 0]
    assert abs(ends[1.0][0] - ends[10.0][0]) < 0.01
    assert ends[10.0][1] == pytest.approx(ends[1.0][1], rel=0.2)


def test_a_constant_voltage_error_is_inside_the_interval_and_not_averaged_away():
    estimator = SocEkf(parameters=NMC, sensors=SensorError(voltage_volt=0.03), curve_volt=0.0)
    plant = Plant(parameters=NMC)
    truth = plant.init(np.full(1, 0.5))
    state = estimator.init(CellSample(0.0, 0.0, np.array([math.nan]), 25.0), soc=0.5, sigma=0.1)
    for t in range(1, 3600):
        truth, volt = plant.step(truth, 0.0, 25.0, 1.0)
        state, estimate = estimator.step(state, CellSample(float(t), 0.0, volt + 0.015, 25.0))
    error = abs(estimate.value[0] - truth.soc[0])
    assert 0.005 < error < 2.0 * estimate.sigma[0]


def test_the_innovation_is_missing_where_the_voltage_was():
    estimator = SocEkf(parameters=NMC)
    state = estimator.init(CellSample(0.0, 0.0, np.array([3.7, 3.7]), 25.0))
    _, estimate = estimator.step(state, CellSample(1.0, 0.0, np.array([3.7, math.nan]), 25.0))
    assert np.isfinite(estimate.innovation[0])
    assert np.isnan(estimate.innovation[1])
    assert estimate.quality == Quality.MISSING


def recorded_cycles(folder):
    rows = duckdb.sql(
        f"""select test, t_s, voltage_v, current_a, temp_c, soc_ref
        from '{folder}/lg_hg2/drive_cycles_1hz.parquet'
        where set_temp_c = 25 and ok order by test, t_s"""
    ).fetchnumpy()
    for test in np.unique(rows["test"]):
        yield (
            str(test),
            {k: v[rows["test"] == test].astype(float) for k, v in rows.items() if k != "test"},
        )


@pytest.mark.recorded
@pytest.mark.long
def test_a_preset_alone_finds_the_soc_of_a_recorded_cell(recorded):
    """LG HG2, 25 °C (Kollmeyer et al., doi 10.17632/cp3473x7xv.3), 30 % wrong at the start.

    Nothing but capacity and chemistry is known of the cell: no parameter was identified.  Seen are
    1.9 to 2.5 % rms per cycle after ten minutes, mostly one bias of 2 % (the curve is another
    cell's), and the 90 % interval holds the truth in 80 to 100 % of the samples.  An identified
    model is to reach 1.5 %.
    """
    sensors = SensorError(voltage_volt=0.005, current_ampere=0.03, current_fraction=0.005)
    estimator = SocEkf(parameters=NMC.resized(2.78), sensors=sensors)
    held, samples = 0.0, 0
    for name, d in recorded_cycles(recorded):
        sample = [
            CellSample(*row)
            for row in zip(
                d["t_s"].tolist(),
                d["current_a"].tolist(),
                d["voltage_v"][:, None],
                d["temp_c"].tolist(),
                strict=True,
            )
        ][:3000]
        truth = d["soc_ref"][: len(sample)]
        state = estimator.init(sample[0], soc=truth[0] - 0.3, sigma=0.3)
        out = []
        for one in sample[1:]:
            state, estimate = estimator.step(state, one)
            out.append((estimate.value[0], estimate.sigma[0]))
        value, sigma = np.array(out).T
        late = d["t_s"][1 : len(sample)] > d["t_s"][0] + 600.0
        error = (value - truth[1:])[late]
        assert np.sqrt(np.mean(error**2)) < 0.03, name
        held += np.sum(abs(error) < 1.645 * sigma[late])
        samples += len(error)
    assert held / samples > 0.8
