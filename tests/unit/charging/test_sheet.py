"""A plan told: what adds up, what would happen without it, and why a vehicle waits."""

from dataclasses import replace

import numpy as np
import pytest

from voltherd.charging.plan import planned
from voltherd.charging.problem import Discharge, Fleet, Problem
from voltherd.charging.sheet import depot_sheet, site_cost_eur
from voltherd.charging.site import Group, Site
from voltherd.report.depot import charge_words, headline

STEPS = 8


def depot(limit=20.0, price=(0.4, 0.4, 0.1, 0.1, 0.2, 0.2, 0.2, 0.2), discharge=None, **site):
    """Two vehicles of 10 kW for eight hours."""
    two = np.ones(2)
    fleet = Fleet(
        arrival_step=np.array([0, 1]),
        departure_step=np.array([8, 6]),
        power_max_kilowatt=10.0 * two,
        energy_kwh=np.array([18.0, 9.0]),
        battery_kwh=40.0 * two,
        stored_kwh=10.0 * two,
        phases=np.array([3, 1]),
        phase=np.array([0, 1]),
        charge_efficiency=0.9 * two,
        power_min_kilowatt=0.0 * two,
        names=("bus", "van"),
    )
    none = np.zeros(STEPS)
    site = {"base_kilowatt": none, "pv_kilowatt": none} | site
    ground = Site(
        step_hour=1.0,
        price_eur_per_kwh=np.array(price),
        limit_kilowatt=np.full(STEPS, limit),
        **site,
    )
    return Problem(fleet=fleet, site=ground, discharge=discharge)


def told(problem):
    return depot_sheet(
        problem, planned(problem), site="s", zone="UTC", start_second=0.0, chargers=("a", "b")
    )


def test_what_is_told_adds_up():
    sheet = told(depot())
    assert sheet.ready == 2
    assert sum(stay.energy_eur for stay in sheet.stays) == pytest.approx(sheet.cost_eur)
    assert sheet.cost_eur == pytest.approx(30.0 * 0.1)
    assert [stay.drawn_kwh for stay in sheet.stays] == pytest.approx([20.0, 10.0])
    assert [stay.soc_planned for stay in sheet.stays] == pytest.approx([28 / 40, 19 / 40])
    assert sheet.peak_kilowatt == pytest.approx(max(sheet.course.site_kilowatt))
    for stay in sheet.stays:
        drawn = sum((s.end_second - s.begin_second) / 3600 * s.kilowatt for s in stay.spells)
        assert drawn == pytest.approx(stay.drawn_kwh, rel=0.02)
    assert "2 of 2 vehicles ready" in headline(sheet)


def test_without_a_plan_all_charge_at_once_whatever_the_limits():
    problem = depot(limit=12.0)
    greedy = problem.at_once_kilowatt
    assert greedy[0].tolist() == pytest.approx([10, 10, 0, 0, 0, 0, 0, 0])
    assert greedy[1].tolist() == pytest.approx([0, 10, 0, 0, 0, 0, 0, 0])
    plain = told(problem).uncontrolled
    assert plain.cost_eur == pytest.approx(12.0)
    assert (plain.peak_kilowatt, plain.over_hour) == (20.0, 1.0)


def test_a_limit_of_a_phase_or_a_group_is_passed_too():
    phase = depot(phase_limit_kilowatt=np.full((3, STEPS), 11.0))
    assert told(phase).uncontrolled.over_hour == 1.0  # 3.3 and 10 kW on the second phase
    group = Group("row", np.array([True, True]), np.full(STEPS, 15.0))
    assert told(depot(groups=(group,))).uncontrolled.over_hour == 1.0


def test_the_bill_counts_surplus_at_its_own_price_and_the_peak():
    problem = depot(
        base_kilowatt=np.full(STEPS, 2.0),
        pv_kilowatt=np.full(STEPS, 5.0),
        feed_in_eur_per_kwh=np.full(STEPS, 0.05),
        demand_eur_per_kilowatt=3.0,
    )
    power = np.zeros((2, STEPS))
    power[0, 2] = 10.0
    # 3 kW of surplus are no longer sold, 7 kW are bought, and they are the peak.
    assert site_cost_eur(problem, power) == pytest.approx(3 * 0.05 + 7 * 0.1 + 3.0 * 7.0)
    assert told(problem).own_share > 0.5


def test_why_a_vehicle_waits():
    assert "cheaper later: 0.100 against 0.400" in told(depot()).stays[0].waits
    level = told(depot(limit=10.0, price=[0.2] * STEPS))
    waiting = [stay.waits for stay in level.stays if stay.waits]
    assert all("has time" in why for why in waiting)
    now = told(depot(price=(0.1,) * 4 + (0.3,) * 4))
    assert not any(stay.waits.startswith("energy") for stay in now.stays)


def test_what_gives_back_says_so_with_its_wear():
    discharge = Discharge(
        limit_kilowatt=np.array([5.0, 0.0]),
        efficiency=np.ones(2),
        tier_fraction=np.array([0.5, 0.5]),
        tier_wear_eur_per_kwh=np.tile([0.05, 0.10], (2, 1)),
    )
    sheet = told(depot(discharge=discharge))
    bus = sheet.stays[0]
    assert bus.given_kwh == pytest.approx(10.0)
    assert bus.wear_eur == pytest.approx(2 * (2.5 * 0.05 + 2.5 * 0.10))
    assert sheet.wear_eur == pytest.approx(bus.wear_eur)
    assert "gives back meanwhile" in bus.waits
    assert sum(s.energy_eur + s.wear_eur for s in sheet.stays) == pytest.approx(sheet.cost_eur)


def test_what_cannot_be_delivered_is_told_with_the_limit_and_the_vehicle():
    problem = depot(limit=2.0)
    sheet = told(problem)
    assert sheet.ready == 0
    assert any("14.0 kWh undrawn" in text for text in sheet.short)
    assert any("in the way for 8 h" in text for text in sheet.short)
    assert max(sheet.course.site_kilowatt) <= 2.0 + 1e-6
    late = replace(problem.fleet, departure_step=np.array([1, 6]))
    own = told(replace(depot(), fleet=late))
    assert any(text.startswith("bus: its own power and stay leave 9.0 kWh") for text in own.short)
    assert "9.0 kWh short" in charge_words(own.stays[0])
