"""What every state-of-charge estimator promises; a new one adds one line and inherits the rest."""

import math
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voltherd.estimation.cell_sample import CellSample, SensorError
from voltherd.estimation.soc_adaptive import SocAdaptive
from voltherd.estimation.soc_bar_delta import SocBarDelta
from voltherd.estimation.soc_cloud_corrected import SocCloudCorrected
from voltherd.estimation.soc_coulomb import SocCoulomb
from voltherd.estimation.soc_ekf import SocEkf
from voltherd.estimation.soc_fused import SocFused
from voltherd.estimation.soc_gru import GruWeights, SocGru
from voltherd.estimation.soc_hinf import SocHinf
from voltherd.estimation.soc_map import SocMapEkf
from voltherd.estimation.soc_models import FuzzyRules, Ridge, Scale, SupportVectors
from voltherd.estimation.soc_particle import SocParticle
from voltherd.estimation.soc_regression import SocRegression
from voltherd.estimation.soc_sliding import SocSliding
from voltherd.estimation.soc_ukf import SocUkf
from voltherd.numerics.cell_map import CellMap, preset_map
from voltherd.numerics.presets import LFP, NCA, NMC
from voltherd.types.quality import Quality

CELL = NMC.resized(60.0)
IDENTIFIED = CellMap(
    base=CELL,
    temperature_celsius=np.array([0.0, 25.0]),
    soc=np.array([0.0, 1.0]),
    r0_ohm=np.array([[2.0, 2.0], [1.0, 1.0]]) * CELL.r0_ohm,
    r1_ohm=np.array([[2.0, 2.0], [1.0, 1.0]]) * CELL.r1_ohm,
    r2_ohm=np.array([[2.0, 2.0], [1.0, 1.0]]) * CELL.r2_ohm,
    shift_volt=np.zeros((2, 2)),
    hysteresis_volt=np.full((2, 2), 0.004),
    hysteresis_rate=30.0,
    tau1_second=10.0,
    tau2_second=300.0,
    model_volt=np.array([0.02, 0.01]),
    curve_volt=np.array([0.005, 0.003]),
    widening=np.array([2.0, 2.0]),
    source="a preset, twice as resistive in the cold",
)
SCALE = Scale(
    mean=np.array([3.6, 0.0, 25.0, 3.6, 3.6, 0.0, 0.0, 0.0]),
    deviation=np.array([0.3, 1.0, 15.0, 0.3, 0.3, 1.0, 0.5, 0.3]),
)
_weights = np.random.default_rng(0).normal(0.0, 0.1, (45, 96))
RIDGE = Ridge(scale=SCALE, weight=_weights[:, 0] + 0.01, residual=0.02)
VECTORS = SupportVectors(
    scale=SCALE,
    vectors=_weights[:30, :8],
    weight=_weights[:30, 9],
    bias=0.5,
    gamma=0.1,
    residual=0.02,
)
RULES = FuzzyRules(
    scale=SCALE, centres=10.0 * _weights[:6, :8], width=1.0, weight=_weights[:6, :9], residual=0.02
)
NETWORK = GruWeights(
    scale=SCALE,
    inward=_weights[:8],
    inward_bias=_weights[8],
    across=_weights[9:41],
    across_bias=_weights[41],
    outward=10.0 * _weights[:32, :2],
    outward_bias=np.array([0.0, -6.0]),
)
ESTIMATORS = {
    "soc_map": SocMapEkf(cell=IDENTIFIED),
    "soc_map on a preset": SocMapEkf(cell=preset_map(CELL)),
    "soc_map on LFP": SocMapEkf(cell=preset_map(LFP.resized(60.0))),
    "soc_bar_delta": SocBarDelta(cell=IDENTIFIED),
    "soc_bar_delta on LFP": SocBarDelta(cell=preset_map(LFP.resized(60.0))),
    "soc_ukf": SocUkf(cell=IDENTIFIED),
    "soc_hinf": SocHinf(cell=IDENTIFIED),
    "soc_particle": SocParticle(cell=IDENTIFIED),
    "soc_particle on LFP": SocParticle(cell=replace(IDENTIFIED, base=LFP.resized(60.0))),
    "soc_sliding": SocSliding(cell=IDENTIFIED),
    "soc_adaptive": SocAdaptive(cell=IDENTIFIED),
    "soc_ridge": SocRegression(cell=IDENTIFIED, model=RIDGE),
    "soc_svr": SocRegression(cell=IDENTIFIED, model=VECTORS),
    "soc_fuzzy": SocRegression(cell=IDENTIFIED, model=RULES),
    "soc_gru": SocGru(cell=IDENTIFIED, weights=NETWORK),
    "soc_fused": SocFused(cell=IDENTIFIED, weights=NETWORK),
    "soc_cloud_corrected": SocCloudCorrected(
        cell=IDENTIFIED, cloud=SocUkf(cell=IDENTIFIED), every_second=30.0
    ),
    "soc_coulomb": SocCoulomb(parameters=CELL),
    "soc_ekf": SocEkf(parameters=CELL),
    "soc_ekf on LFP": SocEkf(parameters=LFP.resized(60.0)),
    "soc_ekf on NCA": SocEkf(parameters=NCA.resized(60.0)),
}
every_estimator = pytest.mark.parametrize("estimator", ESTIMATORS.values(), ids=ESTIMATORS)


def sample(time=0.0, current=0.0, volt=(3.6, 3.62, 3.65), celsius=25.0):
    return CellSample(float(time), float(current), np.array(volt, float), float(celsius))


def drive(steps=120, seed=1):
    random = np.random.default_rng(seed)
    current = 20.0 * np.sin(np.arange(steps) / 9.0) + random.normal(0.0, 5.0, steps)
    for t in range(steps):
        volt = np.array([3.6, 3.62, 3.65]) + 0.001 * current[t] + random.normal(0.0, 0.002, 3)
        if t % 17 == 3:
            volt[1] = math.nan
        yield sample(t, current[t], volt, 25.0 + 0.01 * t)


def run(estimator, stream, state=None):
    stream = iter(stream)
    if state is None:
        state = estimator.init(next(stream))
    estimates = []
    for one in stream:
        state, estimate = estimator.step(state, one)
        estimates.append(estimate)
    return state, estimates


def same(a, b):
    for left, right in zip(a, b, strict=True):
        np.testing.assert_array_equal(left, right)


@every_estimator
@pytest.mark.parametrize("current", [5.0, -5.0])
def test_charging_current_raises_soc(estimator, current):
    """Blind to voltage, only the charge is counted, and in the right direction."""
    blind = [sample(t, current, (math.nan,) * 3) for t in range(1, 60)]
    _, estimates = run(estimator, [sample(volt=(math.nan,) * 3), *blind])
    soc = np.array([estimate.value for estimate in estimates])
    assert (np.sign(np.diff(soc, axis=0)) == np.sign(current)).all()


@every_estimator
def test_the_state_and_the_sample_given_are_left_as_they_were(estimator):
    state, _ = run(estimator, drive(40))
    kept = [np.array(part, copy=True) for part in state]
    one = sample(40, 7.0)
    volt = one.cell_voltage_volt.copy()
    estimator.step(state, one)
    same(state, kept)
    np.testing.assert_array_equal(one.cell_voltage_volt, volt)


@every_estimator
def test_replaying_a_record_gives_the_same_bits(estimator):
    first, one = run(estimator, drive())
    second, two = run(estimator, drive())
    same(first, second)
    for a, b in zip(one, two, strict=True):
        same((a.value, a.sigma, a.innovation), (b.value, b.sigma, b.innovation))


@every_estimator
def test_a_restart_from_the_stored_state_changes_nothing(estimator):
    """The state is a dictionary of numbers and arrays that any file format can hold."""
    record = list(drive())
    unbroken, _ = run(estimator, record)
    state, _ = run(estimator, record[:60])
    stored = {name: np.asarray(value).tolist() for name, value in state._asdict().items()}
    loaded = type(state)(
        **{k: np.array(v) if isinstance(v, list) else v for k, v in stored.items()}
    )
    resumed, _ = run(estimator, record[60:], loaded)
    same(unbroken, resumed)


@every_estimator
def test_memory_does_not_grow_with_time(estimator):
    def size(state):
        return sum(sys.getsizeof(np.asarray(part).tobytes()) for part in state)

    short, _ = run(estimator, drive(10))
    long, _ = run(estimator, drive(300))
    assert size(short) == size(long)


OF_STRINGS = {"soc_bar_delta", "soc_bar_delta on LFP"}
"""Estimators that learn of a cell from its neighbours: what they promise stands below."""


@pytest.mark.parametrize("name", [name for name in ESTIMATORS if name not in OF_STRINGS])
def test_a_cell_alone_is_the_cell_in_the_pack(name):
    estimator = ESTIMATORS[name]
    _, pack = run(estimator, drive())
    alone_stream = (s._replace(cell_voltage_volt=s.cell_voltage_volt[1:2]) for s in drive())
    _, alone = run(estimator, alone_stream)
    for a, b in zip(pack, alone, strict=True):
        np.testing.assert_array_equal(a.value[1:2], b.value)
        np.testing.assert_array_equal(a.sigma[1:2], b.sigma)


@pytest.mark.parametrize("name", sorted(OF_STRINGS))
def test_equal_cells_are_as_one_alone(name):
    """A string of twins tells of each what it tells of one by itself."""
    estimator = ESTIMATORS[name]
    twins = [s._replace(cell_voltage_volt=s.cell_voltage_volt[[0, 0, 0]]) for s in drive()]
    alone = [s._replace(cell_voltage_volt=s.cell_voltage_volt[:1]) for s in drive()]
    for a, b in zip(run(estimator, twins)[1], run(estimator, alone)[1], strict=True):
        np.testing.assert_array_equal(a.value, np.repeat(b.value, 3))
        assert (a.sigma >= b.sigma).all()


@every_estimator
@pytest.mark.parametrize("late", [1e6, -5.0], ids=["gap", "clock ran backwards"])
def test_after_a_gap_the_past_does_not_matter(estimator, late):
    after = sample(late, 5.0, (3.7, 3.72, 3.75))
    state, _ = run(estimator, drive())
    _, resumed = estimator.step(state, after)
    _, fresh = estimator.step(estimator.init(after), after)
    assert resumed.quality & Quality.RESTARTED
    np.testing.assert_array_equal(resumed.value, fresh.value)
    np.testing.assert_array_equal(resumed.sigma, fresh.sigma)


anything = st.floats(allow_nan=True, allow_infinity=True)


@every_estimator
@settings(max_examples=40, deadline=None)
@given(
    stream=st.lists(
        st.tuples(
            st.floats(-10.0, 100.0) | anything, anything, st.tuples(anything, anything), anything
        ),
        min_size=1,
        max_size=12,
    )
)
def test_soc_stays_a_fraction_whatever_comes(estimator, stream):
    time = 0.0
    state = estimator.init(sample(0.0, stream[0][1], stream[0][2], stream[0][3]))
    for step_second, current, volt, celsius in stream:
        time += step_second
        state, estimate = estimator.step(state, sample(time, current, volt, celsius))
        assert ((estimate.value >= 0.0) & (estimate.value <= 1.0)).all()
        assert (np.isfinite(estimate.sigma) & (estimate.sigma >= 0.0)).all()


@every_estimator
def test_after_nonsense_the_estimator_finds_back(estimator):
    """A burst of garbage may cost certainty, never the state itself."""
    state, _ = run(estimator, drive(30))
    for t in range(30, 40):
        state, _ = estimator.step(state, sample(t, math.nan, (1e9, -1.0, math.inf), math.inf))
    state, estimates = run(estimator, (sample(t) for t in range(40, 60)), state)
    assert np.isfinite(np.concatenate([np.ravel(part) for part in state])).all()
    assert estimates[-1].quality == Quality.OK


@every_estimator
def test_error_bars_grow_with_the_declared_sensor_error(estimator):
    def sigma(error):
        loud = replace(estimator, sensors=error)
        return run(loud, drive())[1][-1].sigma

    fine = sigma(SensorError(voltage_volt=0.001, current_ampere=0.1, current_fraction=0.001))
    coarse = sigma(SensorError(voltage_volt=0.05, current_ampere=5.0, current_fraction=0.05))
    assert (coarse > fine).all()


@every_estimator
def test_the_error_bar_widens_while_nothing_is_measured(estimator):
    blind = [sample(t, 10.0, (math.nan,) * 3) for t in range(1, 200)]
    _, estimates = run(estimator, [sample(), *blind])
    sigma = np.array([estimate.sigma for estimate in estimates])
    assert (np.diff(sigma, axis=0) > 0.0).all()
    assert all(estimate.method for estimate in estimates)


UNMOVED_BY_VOLTAGE = {"soc_coulomb"}
UNMOVED_BY_TEMPERATURE = {"soc_coulomb"}
"""What an estimator does not look at it need not miss."""


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(set(ESTIMATORS) - UNMOVED_BY_VOLTAGE))
def test_a_voltage_that_stands_still_is_not_believed(name):
    """Half the charge leaves while every voltage stays: counting goes on, in growing doubt."""
    estimator = ESTIMATORS[name]
    start = estimator.init(sample(volt=(3.9,) * 3), soc=0.8, sigma=0.02)
    stuck = [sample(10.0 * t, -30.0, (3.9,) * 3) for t in range(1, 361)]
    state, estimates = run(estimator, stuck, start)
    assert estimates[-1].quality & Quality.SUSPECT
    assert (estimates[-1].value <= np.maximum(estimates[120].value - 0.2, 0.0)).all()
    assert np.isnan(estimates[-1].innovation).all()
    assert (estimates[-1].sigma > estimates[60].sigma).all()
    _, (freed,) = run(estimator, [sample(3610.0, -30.0, (3.5,) * 3)], state)
    assert freed.quality == Quality.OK


@pytest.mark.parametrize("name", sorted(set(ESTIMATORS) - UNMOVED_BY_TEMPERATURE))
def test_a_missing_temperature_is_said(name):
    estimator = ESTIMATORS[name]
    cold = [s._replace(temperature_celsius=math.nan) for s in drive(40)]
    _, estimates = run(estimator, cold)
    assert all(estimate.quality & Quality.MISSING for estimate in estimates)
    _, whole = run(estimator, [s._replace(temperature_celsius=25.0) for s in drive(40)])
    assert (estimates[-1].sigma >= whole[-1].sigma).all()
