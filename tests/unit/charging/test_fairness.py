"""Who goes short: more evenly, at the same cost, never less energy."""

from dataclasses import replace

import numpy as np
import pytest
import yaml

from tests.unit.charging.depots import depot
from tests.unit.charging.test_plan import keeps_every_promise
from voltherd.charging import plan as planning
from voltherd.charging.fairness import evened, fairness
from voltherd.charging.limits import classes
from voltherd.charging.plan import planned
from voltherd.charging.sheet_site import delivered_share, notes
from voltherd.cloud.depot_example import EXAMPLE
from voltherd.cloud.depot_file import parse

pytestmark = pytest.mark.long


@pytest.mark.parametrize("seed", range(4))
def test_sharing_is_more_even_and_changes_nothing_else(seed, monkeypatch):
    problem = depot(seed, vehicles=14, room=0.4, phased=seed % 2 == 1)
    even = planned(problem)
    monkeypatch.setattr(planning, "evened", lambda _p, _c, power, missing: (power, missing))
    plain = planned(problem)
    keeps_every_promise(problem, even)
    assert even.cost_eur == pytest.approx(plain.cost_eur, abs=1e-6)
    assert even.shortage.drawn_kwh == pytest.approx(plain.shortage.drawn_kwh, abs=1e-6)
    class_of = classes(problem)
    for number in range(class_of.max() + 1):
        np.testing.assert_allclose(
            even.power_kilowatt[class_of == number].sum(axis=0),
            plain.power_kilowatt[class_of == number].sum(axis=0),
            atol=1e-6,
        )
    assert fairness(delivered_share(problem, even)) >= fairness(delivered_share(problem, plain))


def test_alike_vehicles_get_alike():
    problem = depot(3, vehicles=4, steps=8, room=0.3)
    fleet = replace(
        problem.fleet,
        **{
            name: np.repeat(getattr(problem.fleet, name)[:1], 4)
            for name in problem.fleet.__slots__
            if name != "names"
        },
    )
    alike = replace(problem, fleet=fleet)
    power = np.zeros((4, 8))
    first = int(fleet.arrival_step[0])
    drawn = min(fleet.power_max_kilowatt[0], alike.reachable_kwh[0] / 0.5)
    power[0, first] = drawn
    missing = alike.reachable_kwh - power.sum(axis=1) * 0.5
    shared, left = evened(alike, np.zeros(4, dtype=int), power, np.maximum(missing, 0.0))
    np.testing.assert_allclose(shared[:, first], drawn / 4, atol=1e-9)
    np.testing.assert_allclose(left, left[0], atol=1e-9)


def test_few_vehicles_with_least_powers_share_too_and_the_index_is_told():
    problem = replace(parse(yaml.safe_load(EXAMPLE), "s").problem, discharge=None)
    tight = replace(problem.site, limit_kilowatt=np.full(problem.site.steps, 22.0))
    problem = replace(problem, site=tight)
    plan = planned(problem, minimum=True)
    share = delivered_share(problem, plan)
    assert plan.shortage.drawn_kwh > 10.0
    assert fairness(share) > 0.97
    assert any(note.startswith("fairness 0.9") for note in notes(problem, plan))
