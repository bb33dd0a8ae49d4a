"""Curves that cells were seen to have."""

import duckdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voltherd.numerics.ocv import ocv_slope, ocv_table, soc_from_ocv
from voltherd.numerics.presets import LFP, NCA, NMC, PRESETS
from voltherd.types.asset import Chemistry

SOC = np.linspace(0.0, 1.0, 101)
MIDDLE = slice(10, 96)


@pytest.mark.parametrize("cell", PRESETS.values(), ids=PRESETS)
def test_every_curve_climbs_between_plausible_limits(cell):
    assert (np.diff(cell.ocv_volt) > 0.0).all()
    low, high = (2.0, 3.7) if cell.chemistry is Chemistry.LFP else (2.4, 4.25)
    assert low < cell.ocv_volt[0] < cell.ocv_volt[-1] < high
    assert cell.source


def test_lfp_is_flat_where_nmc_is_not_and_hysteretic():
    middle = np.array([0.5])
    assert ocv_slope(LFP.ocv_volt, middle)[0] < 0.1 < ocv_slope(NMC.ocv_volt, middle)[0]
    assert LFP.hysteresis_volt > 2.0 * max(NMC.hysteresis_volt, NCA.hysteresis_volt)


@given(soc=st.floats(0.0, 1.0))
def test_reading_a_curve_backwards_gives_the_soc_back(soc):
    for cell in PRESETS.values():
        volt = np.interp(soc, SOC, cell.ocv_volt)
        assert soc_from_ocv(cell.ocv_volt, np.array([volt]))[0] == pytest.approx(soc, abs=1e-9)


@given(soc=st.floats(0.0, 1.0))
def test_the_table_of_lines_is_the_curve(soc):
    table = ocv_table(NMC.ocv_volt)
    k = min(int(soc * 100.0), 99)
    line = table.intercept[k] + table.slope[k] * soc
    assert line == pytest.approx(float(np.interp(soc, SOC, NMC.ocv_volt)), abs=1e-9)


def test_a_larger_cell_of_the_same_make_behaves_the_same_per_ampere_hour():
    big = NMC.resized(50.0)
    assert big.r0_ohm * big.capacity_ah == pytest.approx(NMC.r0_ohm * NMC.capacity_ah)
    tau = [
        c.heat_capacity_joule_per_kelvin * c.thermal_resistance_kelvin_per_watt for c in (NMC, big)
    ]
    assert tau[0] == pytest.approx(tau[1])


@pytest.mark.recorded
def test_the_nmc_curve_is_that_of_a_cell_it_was_not_fitted_to(recorded):
    """LG HG2 at C/20 (Kollmeyer et al., doi 10.17632/cp3473x7xv.3); 12 mV rms were seen."""
    rows = duckdb.sql(
        f"""select voltage_v, ah from '{recorded}/lg_hg2/characterisation.parquet'
        where set_temp_c = 25 and test = 'C20DisCh' and current_a between -0.2 and -0.1
        order by ah"""
    ).fetchnumpy()
    measured = np.interp(SOC, 1.0 + rows["ah"] / 2.778, rows["voltage_v"])
    assert np.sqrt(np.mean((NMC.ocv_volt - measured)[MIDDLE] ** 2)) < 0.020


@pytest.mark.recorded
def test_the_lfp_curve_and_its_hysteresis_are_those_of_a_cell_they_were_not_fitted_to(recorded):
    """Flat-OCV data set of Tao et al.; 10 mV rms and a half-gap of 21 mV were seen."""
    rows = duckdb.sql(
        f"select * from '{recorded}/lfp_flat_tao/ocv_hysteresis.parquet' order by soc"
    ).fetchnumpy()
    mean = np.interp(SOC, rows["soc"], rows["ocv_mean"])
    assert np.sqrt(np.mean((LFP.ocv_volt - mean)[MIDDLE] ** 2)) < 0.020
    gap = np.interp(SOC, rows["soc"], rows["ocv_charge"] - rows["ocv_discharge"])
    assert np.mean(gap[MIDDLE]) / 2.0 == pytest.approx(LFP.hysteresis_volt, abs=0.005)
