"""A depot's plan in every form: the same numbers, nothing foreign let through."""

import json
from dataclasses import replace

import pytest

from voltherd.report.depot import clock, render_depot
from voltherd.report.depot_document import depot_dumps
from voltherd.report.depot_html import render_depot_html
from voltherd.types.depot import Course, DepotSheet, Spell, Stay, Uncontrolled

BUS = Stay(
    vehicle="bus-1",
    charger="CP-01",
    arrival_second=1_795_711_500.0,
    departure_second=1_795_753_800.0,
    soc_arrival=0.35,
    soc_planned=0.85,
    soc_wanted=0.9,
    need_kwh=66.0,
    missing_kwh=6.0,
    drawn_kwh=70.0,
    given_kwh=4.0,
    energy_eur=-1.25,
    wear_eur=0.5,
    spells=(
        Spell(begin_second=1_795_711_500.0, end_second=1_795_723_200.0, kilowatt=-8.0),
        Spell(begin_second=1_795_734_000.0, end_second=1_795_741_200.0, kilowatt=20.0),
    ),
    waits="energy is cheaper later",
)
SHEET = DepotSheet(
    site="North",
    zone="Europe/Berlin",
    step_second=3600.0,
    cost_eur=27.64,
    bound_eur=27.63,
    gap=0.000361,
    wear_eur=0.5,
    peak_kilowatt=59.9,
    own_share=0.25,
    uncontrolled=Uncontrolled(cost_eur=79.0, peak_kilowatt=61.0, over_hour=1.75),
    stays=(BUS, replace(BUS, vehicle="van", charger="CP-02", missing_kwh=0.0, soc_planned=0.9)),
    course=Course(
        second=tuple(1_795_698_000.0 + 3600.0 * n for n in range(24)),
        **dict.fromkeys(
            (
                "vehicles_kilowatt",
                "site_kilowatt",
                "uncontrolled_kilowatt",
                "limit_kilowatt",
                "base_kilowatt",
                "pv_kilowatt",
                "price_eur_per_kwh",
                "site_price_eur_per_kwh",
            ),
            tuple(float(n) for n in range(24)),
        ),
    ),
    short=("the site's limit is in the way for 3 h",),
)


def test_every_form_says_who_is_ready_what_it_costs_and_how_sure_that_is():
    text = " ".join(render_depot(SHEET, 90, False).split())
    for said in (
        "North: 1 of 2 vehicles ready at departure, 27.64 EUR, peak 59.9 kW.",
        "costs less than 27.63 EUR: this one is dearer by at most 0.036 %. 0.50 EUR of its cost",
        "Without a plan: 79.00 EUR, peak 61.0 kW, 1.75 h above a limit. Own generation covers 25 %",
        "35 → 85 % of 90 %, 6.0 kWh short",
        "17:45–05:30",
        "waits: energy is cheaper later",
        "the site's limit is in the way",
        "−0.75",
    ):
        assert said in text
    page = render_depot_html(SHEET, 1_795_800_000.0)
    for said in (
        "1 of 2 vehicles ready",
        "0.036 %",
        "6.0 kWh short",
        "20.0 kW",
        "−8.0 kW",
        "18:00",
    ):
        assert said in page
    document = json.loads(depot_dumps(SHEET))
    assert document["schema"] == "urn:voltherd:depot_plan:1"
    assert [vehicle["ready"] for vehicle in document["vehicles"]] == [False, True]
    assert document["vehicles"][0]["spells"][0]["kilowatt"] == -8.0
    assert document["course"]["time"][0] == "2026-11-26T13:00:00Z"


def test_foreign_text_is_text():
    mean = replace(SHEET, site="<script>\x1b[31m", stays=(replace(BUS, vehicle="<b>&"),))
    assert "<script>" not in render_depot_html(mean, 0.0)
    assert "<b>&" not in render_depot_html(mean, 0.0)
    assert "\x1b" not in render_depot(mean, 80, False)


def test_a_night_without_vehicles_is_told():
    assert "0 of 0 vehicles" in render_depot(replace(SHEET, stays=(), short=()), 80, False)
    assert "None." in render_depot_html(replace(SHEET, stays=(), short=()), 0.0)


@pytest.mark.parametrize(("zone", "told"), [("UTC", "13:00"), ("America/New_York", "08:00")])
def test_times_are_those_of_the_site(zone, told):
    assert clock(1_795_698_000.0, zone) == told
