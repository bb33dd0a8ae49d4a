"""The numbers say what their names say, and use alone does not move them."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.learning.charges import drawn_charges
from voltherd.learning.anomaly_features import FEATURES, anomaly_features, sibling_z
from voltherd.learning.snippets import CHANNELS, Snippets


def told(snippets: Snippets) -> dict[str, np.ndarray]:
    return dict(zip(FEATURES, anomaly_features(snippets).T, strict=True))


def moved(snippets: Snippets, channel: str, by: np.ndarray | float) -> Snippets:
    values = snippets.values.copy()
    values[:, :, CHANNELS.index(channel)] += by
    return replace(snippets, values=values)


@pytest.fixture
def charges():
    return drawn_charges(np.random.default_rng(1), 6, 2)


def test_a_cell_that_lies_low_is_told_as_that(charges):
    before, after = told(charges), told(moved(charges, "cell_voltage_volt_min", -0.02))
    assert after["lowest_cell_below_volt"] - before["lowest_cell_below_volt"] == pytest.approx(0.02)
    assert after["spread_end_volt"] - before["spread_end_volt"] == pytest.approx(0.02)
    assert after["highest_cell_above_volt"] == pytest.approx(before["highest_cell_above_volt"])
    assert (after["lowest_cell_z"] > before["lowest_cell_z"] + 1.0).all()
    assert (sibling_z(moved(charges, "cell_voltage_volt_min", -0.02)) > sibling_z(charges)).all()


def test_what_is_behind_in_charge_is_voltage_over_the_slope(charges):
    behind = told(charges)["lowest_cell_behind_soc_fraction"]
    assert behind == pytest.approx(told(charges)["lowest_cell_below_volt"] / 0.7, rel=0.02)


def test_contact_resistance_shows_as_spread_per_current(charges):
    ampere = charges.values[:, :, CHANNELS.index("current_ampere")]
    after = told(moved(charges, "cell_voltage_volt_max", 2e-3 * ampere))
    added = after["spread_per_current_ohm"] - told(charges)["spread_per_current_ohm"]
    assert added == pytest.approx(2e-3)


def test_charge_per_reported_charge_is_the_capacity(charges):
    values = charges.values
    ampere = values[:, :, CHANNELS.index("current_ampere")].mean(axis=1)
    gained = np.ptp(values[:, :, CHANNELS.index("soc_fraction")], axis=1)
    assert told(charges)["charge_per_soc_ah"] == pytest.approx(ampere * 2.5 / gained)


def test_jitter_sees_jumps_and_no_slow_course(charges):
    slow = np.linspace(0.0, 0.05, 128)
    jump = np.where(np.arange(128) % 20 == 0, 0.05, 0.0)
    before = told(charges)["spread_jitter_volt"]
    assert told(moved(charges, "cell_voltage_volt_max", slow))[
        "spread_jitter_volt"
    ] == pytest.approx(before)
    assert (
        told(moved(charges, "cell_voltage_volt_max", jump))["spread_jitter_volt"] > 5.0 * before
    ).all()


def test_without_cells_all_but_three_are_told(charges):
    bare = moved(charges, "cell_deviation_volt", np.nan)
    known = np.isfinite(anomaly_features(bare)).all(axis=0)
    assert [name for name, is_known in zip(FEATURES, known, strict=True) if not is_known] == list(
        FEATURES[-3:]
    )
    assert np.isfinite(sibling_z(bare)).all()
