"""The power of a string: what binds is named, and what is told can be held."""

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.unit.numerics.test_resistance_map import CAPACITY, OCV, every, open_circuit
from voltherd.errors import UsageError
from voltherd.estimation.sop import (
    LIMITS,
    PlatingTable,
    PowerBounds,
    PowerEstimator,
    relaxing,
)
from voltherd.numerics.resistance_map import Pulse, resistance_map

HORIZONS = (1.0, 10.0, 60.0)
WIDE = PowerBounds(volt_min=2.5, volt_max=4.2, charge_ampere=500.0, discharge_ampere=500.0)
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def resistances():
    return resistance_map(every(), CAPACITY, OCV, HORIZONS, "made")


@pytest.fixture(scope="module")
def ohmic():
    """A map of one resistance, so that answers have a closed form."""
    seconds = np.array([1.0, 10.0])
    pulses = [
        Pulse(z, warm, i, seconds, open_circuit(z + i * seconds / (3600.0 * CAPACITY)) + 0.05 * i)
        for z in (0.0, 1.0)
        for warm in (0.0, 40.0)
        for i in (-40.0, -10.0, 10.0, 40.0)
    ]
    return resistance_map(pulses, CAPACITY, OCV, (1.0, 10.0), "made")


def asked(found, bounds, *, charging, soc=(0.5,), sigma=0.0, celsius=25.0, horizons=HORIZONS):
    estimator = PowerEstimator(map=found, bounds=bounds, margin=0.0)
    z = np.array(soc)
    cells = estimator.rested(z, np.full(len(z), sigma), np.full(len(z), celsius))
    return estimator.power(cells, charging=charging, horizons=horizons)


def test_a_cell_of_one_resistance_gives_what_ohm_says(ohmic):
    bounds = replace(WIDE, volt_min=3.4)
    told = asked(ohmic, bounds, charging=False, horizons=(1.0,))
    current = told.ampere[0]
    left = open_circuit(0.5 + current / (3600.0 * CAPACITY))
    assert left + 0.05 * current == pytest.approx(3.4, abs=1e-3)
    assert told.watt[0] == pytest.approx(3.4 * current, rel=1e-3)
    assert told.limit_name == ["voltage"]


@pytest.mark.parametrize("charging", [False, True])
def test_charging_is_positive_and_longer_is_less(resistances, charging):
    told = asked(resistances, WIDE, charging=charging, soc=(0.3,), celsius=0.0)
    sign = 1.0 if charging else -1.0
    assert np.all(sign * told.watt > 0.0)
    assert np.all(sign * told.ampere > 0.0)
    assert np.all(np.diff(sign * told.watt) <= 1e-6)


def plating(ampere):
    return PlatingTable(
        celsius=np.array([0.0, 40.0]), soc=np.array([0.0, 1.0]), ampere=np.full((2, 2), ampere)
    )


@pytest.mark.parametrize(
    ("changes", "charging", "limit"),
    [
        ({"volt_max": 3.8}, True, "voltage"),
        ({"charge_ampere": 5.0}, True, "current"),
        ({"discharge_ampere": 5.0}, False, "current"),
        ({"contact_ampere": 4.0}, False, "contact"),
        ({"soc_min": 0.495}, False, "charge"),
        ({"soc_max": 0.505}, True, "charge"),
        ({"celsius_max": 25.5, "heat_capacity_joule_per_kelvin": 60.0}, False, "temperature"),
        ({"plating": plating(3.0)}, True, "plating"),
        ({}, False, "not identified"),
    ],
)
def test_what_binds_is_named(resistances, changes, charging, limit):
    told = asked(resistances, replace(WIDE, **changes), charging=charging)
    assert told.limit_name[-1] == limit
    assert limit in LIMITS


def test_plating_does_not_bind_a_discharge(resistances):
    bounds = replace(WIDE, plating=plating(3.0))
    assert asked(resistances, bounds, charging=False).limit_name[0] != "plating"


def test_no_more_is_told_than_was_ever_pulsed(resistances):
    told = asked(resistances, WIDE, charging=False, soc=(0.9,), celsius=40.0)
    assert set(told.limit_name) == {"not identified"}
    assert np.all(np.abs(told.ampere) <= resistances.ampere_max * (1.0 + 1e-6))


def test_heat_that_leaves_allows_more(resistances):
    warm = replace(WIDE, celsius_max=26.0, heat_capacity_joule_per_kelvin=20.0)
    cooled = replace(warm, thermal_resistance_kelvin_per_watt=0.5)
    kept, lost = (asked(resistances, b, charging=False).watt[-1] for b in (warm, cooled))
    assert lost < kept < 0.0
    assert warm.kelvin_per_watt(10.0) == pytest.approx(0.5)
    assert cooled.kelvin_per_watt(1e9) == pytest.approx(0.5)


def test_the_weakest_cell_limits_the_string(resistances):
    bounds = replace(WIDE, volt_min=3.3)
    alone = asked(resistances, bounds, charging=False, soc=(0.2,))
    string = asked(resistances, bounds, charging=False, soc=(0.8, 0.2, 0.5))
    assert string.cell.tolist() == [2, 2, 2]
    assert string.ampere == pytest.approx(alone.ampere)
    # All three carry its current, each at its own voltage.
    assert np.all(np.abs(string.watt) > 3.0 * np.abs(alone.watt))
    full = asked(resistances, WIDE, charging=True, soc=(0.8, 0.2, 0.97))
    assert full.cell.tolist() == [3, 3, 3]


@pytest.mark.parametrize("charging", [False, True])
def test_doubt_about_the_charge_is_held_back(resistances, charging):
    bounds = replace(WIDE, volt_min=3.3, volt_max=4.0)
    soc = (0.75,) if charging else (0.25,)
    sure = asked(resistances, bounds, charging=charging, soc=soc)
    unsure = asked(resistances, bounds, charging=charging, soc=soc, sigma=0.02)
    assert np.all(np.abs(unsure.watt) < np.abs(sure.watt))
    assert unsure.expected_watt == pytest.approx(sure.watt)
    assert np.all(np.abs(unsure.hopeful_watt) > np.abs(sure.watt))
    worse = (soc[0] + 0.0329,) if charging else (soc[0] - 0.0329,)
    assert unsure.watt == pytest.approx(
        asked(resistances, bounds, charging=charging, soc=worse).watt
    )


def test_a_limit_that_is_broken_already_leaves_nothing(resistances):
    told = asked(resistances, replace(WIDE, volt_max=3.5), charging=True, soc=(0.9,))
    assert told.watt.tolist() == [0.0, 0.0, 0.0]
    assert told.limit_name == ["voltage"] * 3


@pytest.mark.parametrize("charging", [False, True])
@pytest.mark.parametrize("change", [{"celsius": -1.0}, {"celsius": -30.0}, {"soc": (0.7, 0.09)}])
def test_a_state_that_was_never_pulsed_is_promised_nothing(resistances, charging, change):
    told = asked(resistances, WIDE, charging=charging, **change)
    assert told.watt.tolist() == [0.0] * 3
    assert told.limit_name == ["not identified"] * 3
    assert told.cell.tolist() == [len(change.get("soc", (1,)))] * 3
    assert np.isnan([told.expected_watt, told.hopeful_watt]).all()


def test_doubt_that_leaves_the_map_is_promised_nothing_but_still_expected(resistances):
    told = asked(resistances, WIDE, charging=False, soc=(0.12,), sigma=0.02)
    assert told.watt.tolist() == [0.0] * 3
    assert told.limit_name == ["not identified"] * 3
    assert np.all(told.hopeful_watt < told.expected_watt)
    assert np.all(told.expected_watt < 0.0)
    # Beyond full there is no charge to be in doubt about.
    full = asked(resistances, WIDE, charging=True, soc=(0.99,), sigma=0.02)
    assert full.limit_name == ["charge"] * 3


def test_a_warmer_cell_is_promised_what_the_warmest_pulses_allow(resistances):
    bounds = replace(WIDE, volt_min=3.4)
    edge, warmer = (
        asked(resistances, bounds, charging=False, soc=(0.3,), celsius=c).watt for c in (40.0, 45.0)
    )
    assert warmer == pytest.approx(edge)


@pytest.mark.parametrize(
    ("field", "value"),
    [("soc", np.nan), ("sigma", np.nan), ("sigma", np.inf), ("sigma", -0.1), ("celsius", np.nan)],
)
def test_what_is_not_known_of_a_cell_is_named(resistances, field, value):
    estimator = PowerEstimator(map=resistances, bounds=WIDE)
    state = estimator.rested(np.full(2, 0.5), np.full(2, 0.01), np.full(2, 25.0))
    told = estimator.power(
        state._replace(**{field: np.array([getattr(state, field)[0], value])}),
        charging=True,
        horizons=HORIZONS,
    )
    assert told.watt.tolist() == [0.0] * 3
    assert told.ampere.tolist() == [0.0] * 3
    assert told.limit_name == ["not known"] * 3
    assert told.cell.tolist() == [2, 2, 2]
    assert np.isnan([told.expected_watt, told.hopeful_watt]).all()


@pytest.mark.parametrize("horizon", [5.0, 600.0, 0.5, math.nan])
def test_a_horizon_that_the_map_lacks_is_refused(resistances, horizon):
    with pytest.raises(UsageError, match=f"no horizon of {horizon:g} s; it has 1, 10, 60 s"):
        asked(resistances, WIDE, charging=True, horizons=(1.0, horizon))


def test_what_a_load_has_left_counts(resistances):
    bounds = replace(WIDE, volt_min=3.4)
    estimator = PowerEstimator(map=resistances, bounds=bounds)
    rested = estimator.rested(np.array([0.3]), np.zeros(1), np.array([25.0]))
    low = rested._replace(
        left_volt=relaxing(np.array([[-0.02, -0.03]]), (8.0, 100.0), resistances.second)
    )
    high = rested._replace(left_volt=-low.left_volt)
    powers = [
        -estimator.power(cells, charging=False, horizons=HORIZONS).watt
        for cells in (low, rested, high)
    ]
    assert np.all(powers[0] < powers[1])
    assert np.all(powers[1] < powers[2])
    assert relaxing(np.array([[1.0, 0.0]]), (8.0, 100.0), np.array([8.0]))[0, 0] == pytest.approx(
        math.exp(-1.0)
    )


def test_the_margin_is_held_back(resistances):
    cells = PowerEstimator(map=resistances, bounds=WIDE)
    state = cells.rested(np.array([0.5]), np.zeros(1), np.array([25.0]))
    all_of_it, less = (
        replace(cells, margin=margin).power(state, charging=True, horizons=HORIZONS).watt
        for margin in (0.0, 0.1)
    )
    assert less == pytest.approx(0.9 * all_of_it)
    told = replace(cells, margin=0.1).power(state, charging=True, horizons=HORIZONS)
    assert told.expected_watt == pytest.approx(less)
    assert told.hopeful_watt == pytest.approx(1.1 * all_of_it)
    assert cells.margin > 0.0


def test_a_plating_table_is_bilinear():
    table = PlatingTable(
        celsius=np.array([0.0, 40.0]),
        soc=np.array([0.0, 1.0]),
        ampere=np.array([[2.0, 1.0], [10.0, 5.0]]),
    )
    assert table.at(np.array([0.5, 9.0]), np.array([20.0, -30.0])).tolist() == [4.5, 1.0]
