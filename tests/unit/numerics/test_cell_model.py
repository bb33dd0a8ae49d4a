"""The cell step against closed forms and against the textbook filter written with matrices."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voltherd.numerics.cell_model import (
    CellState,
    Covariance,
    Input,
    Noise,
    discretise,
    make_equations,
    make_plant,
    make_step,
)
from voltherd.numerics.cell_numpy import NUMPY
from voltherd.numerics.ocv import ocv_table
from voltherd.numerics.presets import LFP, NMC

TABLE = ocv_table(NMC.ocv_volt)
GAS = 8.314462618


def rested(soc, cells=1):
    zero = np.zeros(cells)
    return CellState(zero + soc, zero, zero, zero, zero)


def unsure(cells=1, zz=0.04):
    zero = np.zeros(cells)
    return Covariance(zero + zz, zero, zero, zero + 1e-6, zero, zero + 1e-6)


def drive(current, cells=1, ambient=0.0, inverse_capacity=1.0, scale=1.0):
    zero = np.zeros(cells)
    return Input(zero + current, zero + ambient, zero + inverse_capacity, zero + scale)


@pytest.mark.parametrize("current", [3.0, -3.0])
def test_the_plant_counts_every_coulomb_in_the_right_direction(current):
    plant = make_plant(NUMPY, TABLE, discretise(NMC, 1.0))
    state = rested(0.5)
    for _ in range(600):
        state, _ = plant(state, drive(current))
    assert state.z[0] == pytest.approx(0.5 + current * 600.0 / (3600.0 * 5.0), abs=1e-12)


def test_a_resting_cell_shows_its_open_circuit_voltage():
    plant = make_plant(NUMPY, TABLE, discretise(NMC, 1.0))
    soc = np.linspace(0.0, 1.0, 37)
    zero = np.zeros(37)
    _, volt = plant(CellState(soc, zero, zero, zero, zero), drive(0.0, 37))
    wanted = np.interp(soc, np.linspace(0.0, 1.0, 101), NMC.ocv_volt)
    np.testing.assert_allclose(volt, wanted, atol=1e-12)


def test_polarisation_rises_as_the_exponential_it_is():
    cold = replace(NMC, activation_joule_per_mole=0.0)
    plant = make_plant(NUMPY, TABLE, discretise(cold, 2.0))
    state = rested(0.5)
    for _ in range(20):
        state, _ = plant(state, drive(4.0))
    for volt, ohm, tau in (
        (state.v1, NMC.r1_ohm, NMC.tau1_second),
        (state.v2, NMC.r2_ohm, NMC.tau2_second),
    ):
        assert volt[0] == pytest.approx(4.0 * ohm * (1.0 - math.exp(-40.0 / tau)), rel=1e-12)


def test_hysteresis_follows_the_exponential_without_computing_one():
    """Third order in the charge of a step: 1e-9 of a volt per step at ordinary rates."""
    plant = make_plant(NUMPY, ocv_table(LFP.ocv_volt), discretise(LFP, 1.0))
    state, exact = rested(0.5), 0.0
    for _ in range(900):
        state, _ = plant(state, drive(100.0))
        keep = math.exp(-LFP.hysteresis_rate / 3600.0)
        exact = keep * exact + (1.0 - keep)
    assert state.h[0] == pytest.approx(exact, abs=1e-6)


@given(current=st.lists(st.floats(-1e5, 1e5), min_size=1, max_size=20))
def test_hysteresis_never_leaves_its_loop(current):
    plant = make_plant(NUMPY, ocv_table(LFP.ocv_volt), discretise(LFP, 10.0))
    state = rested(0.5)
    for one in current:
        state, _ = plant(state, drive(one))
        assert abs(state.h[0]) <= 1.0 + 1e-12


@pytest.mark.parametrize("celsius", [-20.0, 0.0, 25.0, 45.0, 60.0])
def test_resistance_follows_arrhenius_within_half_a_percent(celsius):
    _, circuit, _ = make_equations(NUMPY)
    constants = discretise(NMC, 1.0)
    theta = np.array([celsius - 25.0])
    state = rested(0.5)._replace(theta=theta)
    one = np.ones(1)
    *_, scaled, _ = circuit(constants, state, one, theta, one, one)
    kelvin = celsius + 273.15
    exact = math.exp(30_000.0 / GAS * (1.0 / kelvin - 1.0 / 298.15))
    assert scaled[0] == pytest.approx(exact, rel=5e-3)


def test_a_loaded_cell_settles_where_heat_in_equals_heat_out():
    plant = make_plant(NUMPY, TABLE, discretise(NMC, 1.0))
    state = rested(0.5)
    for step in range(20_000):
        state, volt = plant(state, drive(5.0 if step % 2 else -5.0))
    ocv = np.interp(state.z, np.linspace(0.0, 1.0, 101), NMC.ocv_volt)
    heat = 5.0 * abs(volt - ocv)
    expected = heat * NMC.thermal_resistance_kelvin_per_watt
    assert state.theta[0] == pytest.approx(expected[0], rel=0.02)


def matrices(state, p, u, voltage, c, noise):
    """One step of the extended Kalman filter as chapter 3 of Plett's second volume has it."""
    plant = make_plant(NUMPY, TABLE, c)
    after, expected = plant(state, u)
    f = np.diag([1.0, c.decay1, c.decay2])
    q = np.diag([noise.charge, noise.polarisation, noise.polarisation])
    full = np.array(
        [
            [p.zz[0], p.z1[0], p.z2[0]],
            [p.z1[0], p.p11[0], p.p12[0]],
            [p.z2[0], p.p12[0], p.p22[0]],
        ]
    )
    full = f @ full @ f.T + q
    k = min(max(int(after.z[0] * 100.0), 0), 99)
    h = np.array([[TABLE.slope[k], 1.0, 1.0]])
    r = noise.voltage + (noise.resistance * NMC.r0_ohm * u.current[0] * u.resistance_scale[0]) ** 2
    s = (h @ full @ h.T)[0, 0] + r
    gain = full @ h.T / s
    x = np.array([[after.z[0]], [after.v1[0]], [after.v2[0]]]) + gain * (voltage - expected[0])
    full = (np.eye(3) - gain @ h) @ full
    return x.ravel(), full, s


def test_the_filter_is_the_textbook_filter_written_out():
    cell = replace(NMC, activation_joule_per_mole=0.0)
    noise = Noise(doubt=0.0)
    c = discretise(cell, 1.0, noise)
    step = make_step(NUMPY, TABLE, c)
    random = np.random.default_rng(3)
    state, p = rested(0.52), unsure()
    truth = 0.55
    for _ in range(300):
        current = float(random.normal(0.0, 5.0))
        truth += current / 18_000.0
        voltage = float(np.interp(truth, np.linspace(0, 1, 101), NMC.ocv_volt)) + 0.02 * current
        u = drive(current)
        mean, full, variance = matrices(state, p, u, voltage, c, noise)
        state, p, output = step(state, p, u, np.array([voltage]))
        np.testing.assert_allclose([state.z[0], state.v1[0], state.v2[0]], mean, atol=1e-12)
        got = [p.zz, p.z1, p.z2, p.p11, p.p12, p.p22]
        wanted = full[np.triu_indices(3)]
        np.testing.assert_allclose(np.ravel(got), wanted, rtol=1e-9, atol=1e-15)
        assert output.variance[0] == pytest.approx(variance, rel=1e-12)


def test_a_missing_voltage_is_only_predicted():
    c = discretise(NMC, 1.0)
    step, plant = make_step(NUMPY, TABLE, c), make_plant(NUMPY, TABLE, c)
    u = drive(2.0)
    state, p, output = step(rested(0.5), unsure(), u, np.array([math.nan]))
    alone, volt = plant(rested(0.5), u)
    for got, wanted in zip(state, alone, strict=True):
        np.testing.assert_array_equal(got, wanted)
    assert p.zz[0] == unsure().zz[0] + c.q_charge
    assert (output.innovation[0], output.voltage[0]) == (0.0, volt[0])


@pytest.mark.parametrize("volt", [1e6, 0.0, -5.0, 66.5])
def test_an_outlier_moves_the_state_no_further_than_five_sigma_would(volt):
    c = discretise(NMC, 1.0)
    step = make_step(NUMPY, TABLE, c)
    before, p = rested(0.5), unsure(zz=1e-4)
    _, _, calm = step(before, p, drive(0.0), np.array([3.7]))
    after, _, _ = step(before, p, drive(0.0), np.array([volt]))
    five_sigma = 5.0 * math.sqrt(calm.variance[0]) * calm.gain[0]
    assert abs(after.z[0] - 0.5) <= five_sigma * (1.0 + 1e-9)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**16), dt=st.floats(0.1, 60.0))
def test_the_covariance_stays_one(seed, dt):
    random = np.random.default_rng(seed)
    step = make_step(NUMPY, TABLE, discretise(NMC, dt))
    state, p = rested(random.uniform(0.0, 1.0)), unsure()
    for _ in range(200):
        volt = np.array([random.choice([math.nan, 3.0, 3.7, 4.2, 9.0])])
        state, p, _ = step(state, p, drive(random.normal(0.0, 10.0)), volt)
        full = np.array([[p.zz, p.z1, p.z2], [p.z1, p.p11, p.p12], [p.z2, p.p12, p.p22]])[..., 0]
        assert np.linalg.eigvalsh(full).min() > -1e-12
        assert 0.0 <= state.z[0] <= 1.0


def test_a_probe_on_the_cell_leaves_no_heat_to_be_modelled():
    plant = make_plant(NUMPY, TABLE, discretise(NMC, 1.0, probe_on_cell=True))
    state, _ = plant(rested(0.5), drive(50.0, ambient=7.0))
    assert state.theta[0] == pytest.approx(7.0)
