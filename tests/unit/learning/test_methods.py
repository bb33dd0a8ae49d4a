"""The table of methods runs: each yes tells the quantity, each no says why."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.estimation.test_identify import CELL, SENSORS, recorded
from voltherd.errors import UsageError
from voltherd.estimation.cell_sample import CellSample
from voltherd.estimation.identify import identify
from voltherd.estimation.soh_impedance import arc
from voltherd.learning.methods import MATRIX, Method, Quantity, method

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def cell():
    return identify([recorded(seed) for seed in range(3)], CELL, "a simulated cell")


def samples(drive):
    columns = zip(*drive[:4], strict=True)
    return [CellSample(float(t), float(i), np.array([v]), float(c)) for t, i, v, c in columns]


def followed(estimator, drive):
    told = samples(drive)
    state = estimator.init(told[0], soc=1.0, sigma=0.05)
    for sample in told[1:]:
        state, estimate = estimator.step(state, sample)
    return float(estimate.value[0])


def test_the_table_is_whole():
    assert set(MATRIX) == {(m, q) for m in Method for q in Quantity}
    able = {key for key, entry in MATRIX.items() if not isinstance(entry, str)}
    assert able == {
        (Method.COULOMB, Quantity.CHARGE),
        (Method.KALMAN, Quantity.CHARGE),
        (Method.KALMAN, Quantity.HEALTH),
        (Method.LEARNED, Quantity.CHARGE),
        (Method.LEARNED, Quantity.HEALTH),
        (Method.IMPEDANCE, Quantity.HEALTH),
    }


@pytest.mark.parametrize(
    ("family", "quantity", "instead"),
    [
        (Method.COULOMB, Quantity.HEALTH, "Kalman filter, machine learning, impedance"),
        (Method.IMPEDANCE, Quantity.CHARGE, "coulomb counting, Kalman filter, machine learning"),
    ],
)
def test_what_cannot_be_told_is_refused_with_the_reason(family, quantity, instead):
    with pytest.raises(UsageError, match=f"cannot tell.*{instead}"):
        method(family, quantity)


def test_counting_and_the_filter_tell_charge(cell):
    drive = recorded(50)
    counter = method(Method.COULOMB, Quantity.CHARGE)(parameters=cell.base, sensors=SENSORS)
    kalman = method(Method.KALMAN, Quantity.CHARGE)(cell=cell, sensors=SENSORS)
    for estimator in (counter, kalman):
        assert followed(estimator, drive) == pytest.approx(drive.soc[-1], abs=0.02)


def test_the_filter_tells_how_far_resistance_has_grown(cell):
    new = replace(
        cell, r0_ohm=cell.r0_ohm / 1.2, r1_ohm=cell.r1_ohm / 1.2, r2_ohm=cell.r2_ohm / 1.2
    )
    estimator = method(Method.KALMAN, Quantity.CHARGE)(cell=new, sensors=SENSORS)
    told = method(Method.KALMAN, Quantity.HEALTH)(estimator, samples(recorded(51)))
    assert told[0, 0] == pytest.approx(1.2, abs=0.05)
    assert 0.0 < told[0, 1] < 0.1


def test_regression_tells_charge_and_health():
    drives = [recorded(seed) for seed in range(60, 64)]
    tables = [np.column_stack([d.voltage_volt, d.current_ampere]) for d in drives]
    predict = method(Method.LEARNED, Quantity.CHARGE)()(
        np.concatenate(tables[:3])[::10], np.concatenate([d.soc for d in drives[:3]])[::10]
    )
    truth = drives[3].soc[::10]
    off = np.mean(np.abs(predict(tables[3][::10]) - truth))
    assert off < 0.35 * np.mean(np.abs(truth - truth.mean()))
    random = np.random.default_rng(1)
    counted = random.uniform(0.6, 1.0, 200)
    predict = method(Method.LEARNED, Quantity.HEALTH)()(counted[:, None], counted - 0.05)
    assert predict(np.array([[0.8]]))[0] == pytest.approx(0.75, abs=0.01)


def test_a_spectrum_tells_resistance():
    hertz = np.logspace(3.0, -1.0, 30)
    told = method(Method.IMPEDANCE, Quantity.HEALTH)(hertz, arc(hertz, 0.02, 0.03, 0.05, 0.9))
    assert told.series_ohm + told.transfer_ohm == pytest.approx(0.05, rel=0.01)
