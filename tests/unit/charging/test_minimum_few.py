"""Few vehicles with a least power: nothing is left out that has a place, and no limit is passed."""

from dataclasses import replace

import numpy as np
import pytest
import yaml

from voltherd.charging import minimum_few
from voltherd.charging.plan import planned
from voltherd.cloud.depot_example import EXAMPLE
from voltherd.cloud.depot_file import parse

PROBLEM = replace(parse(yaml.safe_load(EXAMPLE), "s").problem, discharge=None)


def limited(kilowatt):
    limit = np.full(PROBLEM.site.steps, kilowatt)
    return replace(PROBLEM, site=replace(PROBLEM.site, limit_kilowatt=limit))


@pytest.mark.long
@pytest.mark.parametrize("kilowatt", [25.0, 30.0, 40.0, 60.0])
def test_all_is_delivered_at_the_cost_of_the_plan_without_a_least_power(kilowatt):
    problem = limited(kilowatt)
    assert minimum_few.fits(problem)
    plan = planned(problem, minimum=True)
    assert plan.shortage is None
    assert plan.cost_eur == pytest.approx(planned(problem).cost_eur, rel=2e-4)
    power = plan.power_kilowatt
    least = problem.fleet.power_min_kilowatt[:, None]
    assert ((power <= 1e-6) | (power >= least - 1e-6)).all()
    assert (power.sum(axis=0) <= problem.site.headroom_kilowatt + 1e-6).all()
    assert (power[~problem.window] == 0.0).all()


def test_what_cannot_be_delivered_is_left_out_and_told():
    plan = planned(limited(21.0), minimum=True)
    assert plan.shortage is not None
    assert plan.shortage.missing_kwh.sum() > 10.0
    assert (plan.power_kilowatt.sum(axis=0) <= limited(21.0).site.headroom_kilowatt + 1e-6).all()


def test_many_vehicles_are_left_to_the_other_way(monkeypatch):
    monkeypatch.setattr(minimum_few, "CELLS_MAX", 10)
    assert not minimum_few.fits(PROBLEM)
