"""A heated cell: it runs away, its neighbours follow, and a barrier changes the outcome."""

import numpy as np
import pytest

from voltherd.sim.thermal_runaway import (
    CONTENT_KILOGRAM_PER_CUBIC_METRE,
    DENSITY_HEAT_JOULE_PER_CUBIC_METRE_KELVIN,
    FRACTION,
    HEAT_JOULE_PER_KILOGRAM,
    Scenario,
    run,
    runaway_second,
    stages,
)


@pytest.fixture(scope="module")
def bare():
    return run(Scenario(duration_second=2400.0))


def test_cells_run_away_one_after_the_other_outwards(bare):
    when = runaway_second(bare)
    assert np.isfinite(when).all()
    assert (np.diff(when[5:]) > 0.0).all()
    assert (np.diff(when[:6]) < 0.0).all()


def test_a_barrier_changes_the_outcome():
    held = run(Scenario(face_watt_per_kelvin=0.3, duration_second=4000.0))
    when = runaway_second(held)
    assert np.isfinite(when[5])
    assert np.isnan(np.delete(when, 5)).all()
    assert stages(held).max() == 4


def test_a_heater_too_weak_for_the_cooling_starts_nothing():
    weak = run(Scenario(heater_watt=100.0, duration_second=3000.0))
    assert np.isnan(runaway_second(weak)).all()
    assert weak.celsius.max() < 60.0


def test_no_more_heat_comes_out_than_there_is():
    alone = Scenario(
        cells=1, cell=1, coolant_watt_per_kelvin=0.0, duration_second=2000.0, energy_joule=0.0
    )
    course = run(alone)
    # The cathode's share is what has not reacted yet; the anode stops as its film grows.
    left = FRACTION.copy()
    left[2] = 1.0 - left[2]
    most = (HEAT_JOULE_PER_KILOGRAM * CONTENT_KILOGRAM_PER_CUBIC_METRE * left).sum()
    reacted = course.reaction.sum() * DENSITY_HEAT_JOULE_PER_CUBIC_METRE_KELVIN
    assert 0.5 * most < reacted <= most * (1.0 + 1e-9)


def test_halving_every_step_changes_the_time_by_seconds_only(bare, monkeypatch):
    from voltherd.sim import thermal_runaway

    monkeypatch.setattr(thermal_runaway, "STEP_SECOND_MAX", 0.25)
    monkeypatch.setattr(thermal_runaway, "STEP_KELVIN", 0.5)
    finer = runaway_second(run(Scenario(duration_second=2400.0)))
    np.testing.assert_allclose(finer, runaway_second(bare), atol=5.0)
