"""Plans against the same depot as one linear programme, and what no plan may do."""

import numpy as np
import pytest
from hypothesis import given, settings

from tests.unit.charging.depots import depots
from voltherd.bench.charging_reference import solved
from voltherd.charging.decomposition import Effort
from voltherd.charging.limits import classes, limits
from voltherd.charging.plan import planned

pytestmark = pytest.mark.long
KILOWATT = 1e-6
KWH = 1e-6


def keeps_every_promise(problem, plan):
    """Inside limits, windows, powers and batteries; energy as needed or told missing."""
    fleet, site, power = problem.fleet, problem.site, plan.power_kilowatt
    rows = limits(problem, classes(problem))
    class_of = classes(problem)
    use = rows.weight[:, class_of] @ power
    hard = rows.relief < 0
    assert (use[hard] <= rows.room_kilowatt[hard] + KILOWATT).all()
    assert (power.sum(axis=0) <= site.headroom_kilowatt + KILOWATT).all()
    assert (power[~problem.window] == 0.0).all()
    assert (power <= fleet.power_max_kilowatt[:, None] + KILOWATT).all()
    given = np.zeros(fleet.size)
    efficiency = np.ones(fleet.size)
    if problem.discharge is not None:
        given, efficiency = problem.discharge.limit_kilowatt, problem.discharge.efficiency
    assert (power >= -given[:, None] - KILOWATT).all()
    into = np.maximum(power, 0.0) * fleet.charge_efficiency[:, None]
    out = np.minimum(power, 0.0) / efficiency[:, None]
    path = fleet.stored_kwh[:, None] + np.cumsum(into + out, axis=1) * site.step_hour
    assert (path >= -KWH).all()
    assert (path <= fleet.battery_kwh[:, None] + KWH).all()
    missing = plan.shortage.missing_kwh if plan.shortage else 0.0
    need = fleet.stored_kwh + fleet.energy_kwh - missing
    assert (path[:, -1] >= need - 1e-5).all()
    assert plan.bound_eur <= plan.cost_eur + 1e-9
    assert plan.gap == pytest.approx((plan.cost_eur - plan.bound_eur) / abs(plan.cost_eur)) or (
        abs(plan.cost_eur) < 0.1
    )


@settings(max_examples=150)
@given(problem=depots)
def test_a_plan_keeps_its_promises_and_brackets_the_optimum(problem):
    plan = planned(problem, Effort(gap=1e-6))
    keeps_every_promise(problem, plan)
    dear = 1000.0
    best = solved(problem, dear)
    assert best.status == "Optimal"
    missing = plan.shortage.drawn_kwh if plan.shortage else 0.0
    own = float((problem.drawn_kwh - problem.reachable_kwh).sum())
    assert missing + own == pytest.approx(best.unserved_kwh, abs=1e-4)
    if plan.shortage:
        assert plan.shortage.least_kwh <= best.unserved_kwh - own + 1e-5
    slack = 1e-5 + dear * 1e-6 * (missing > 0)
    assert plan.bound_eur <= best.cost_eur + slack
    if (problem.site.price_eur_per_kwh >= 0).all() or problem.discharge is None:
        assert best.cost_eur <= plan.cost_eur + slack
        assert plan.gap <= 2e-6 + slack / max(abs(plan.cost_eur), 0.01)
