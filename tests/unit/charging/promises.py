"""What every plan must keep, and what power costs, worked out from the problem alone."""

import numpy as np
import pytest

from voltherd.charging.limits import classes, limits
from voltherd.charging.problem import TAPERS

KILOWATT = 1e-6
KWH = 1e-6


def keeps_every_limit(problem, power):
    """Inside limits, windows, powers and batteries; gives what is stored in each step [kWh]."""
    fleet, site = problem.fleet, problem.site
    class_of = classes(problem)
    rows = limits(problem, class_of)
    use = rows.weight[:, class_of] @ power
    hard = rows.relief < 0
    assert (use[hard] <= rows.room_kilowatt[hard] + KILOWATT).all()
    assert (power.sum(axis=0) <= site.headroom_kilowatt + KILOWATT).all()
    assert (power[~problem.window] == 0.0).all()
    assert (power <= fleet.power_max_kilowatt[:, None] + KILOWATT).all()
    if problem.taper is not None:
        gained = np.cumsum(power, axis=1) * site.step_hour * fleet.charge_efficiency[:, None]
        for step, stored in enumerate((fleet.stored_kwh[:, None] + gained).T):
            bend = np.where(problem.kind == TAPERS, problem.taper.at(stored), np.inf)
            assert (power[:, step] <= bend + KILOWATT).all()
    given, efficiency, kept = np.zeros(fleet.size), np.ones(fleet.size), np.zeros(fleet.size)
    discharge = problem.discharge
    if discharge is not None:
        given, efficiency = discharge.limit_kilowatt, discharge.efficiency
        if discharge.reserve_kwh is not None:
            kept = np.minimum(discharge.reserve_kwh, fleet.stored_kwh)
    assert (power >= -given[:, None] - KILOWATT).all()
    into = np.maximum(power, 0.0) * fleet.charge_efficiency[:, None]
    out = np.minimum(power, 0.0) / efficiency[:, None]
    path = fleet.stored_kwh[:, None] + np.cumsum(into + out, axis=1) * site.step_hour
    assert (path >= kept[:, None] - KWH).all()
    assert (path <= fleet.battery_kwh[:, None] + KWH).all()
    return path


def keeps_every_promise(problem, plan):
    """Inside every limit; energy as needed or told missing, and the gap is what it says."""
    fleet, site = problem.fleet, problem.site
    path = keeps_every_limit(problem, plan.power_kilowatt)
    missing = plan.shortage.missing_kwh if plan.shortage else 0.0
    need = fleet.stored_kwh + fleet.energy_kwh - missing
    assert (path[:, -1] >= need - 1e-5).all()
    assert plan.bound_eur <= plan.cost_eur + 1e-9
    usual = float(np.abs(site.price_eur_per_kwh).mean() * problem.drawn_kwh.sum())
    if abs(plan.cost_eur) > 0.01 * usual + 1e-3:
        assert plan.gap == pytest.approx((plan.cost_eur - plan.bound_eur) / abs(plan.cost_eur))


def cost_eur(problem, power):
    """Energy, what money widens, wear of giving back and of waiting."""
    site, class_of = problem.site, classes(problem)
    rows = limits(problem, class_of)
    of_class = np.zeros((class_of.max() + 1, site.steps))
    np.add.at(of_class, class_of, power)
    each = site.price_eur_per_kwh + problem.waiting_eur_per_kwh
    cost = float((power * each).sum()) * site.step_hour
    cost += rows.relief_cost_eur(of_class) - rows.constant_eur
    if problem.discharge is not None:
        given, below = np.maximum(-power, 0.0), 0.0
        tiers = problem.discharge.tier_wear_eur_per_kwh.T
        for width, wear in zip(problem.discharge.tier_fraction, tiers, strict=True):
            above = below + width * problem.discharge.limit_kilowatt[:, None]
            inside = np.clip(given, below, above) - below
            cost += float((inside * wear[:, None]).sum()) * site.step_hour
            below = above
    return cost
