"""Charging stations and a session in the browser: what is expected of them, and what was drawn."""

import re

import pytest


@pytest.fixture
def page(chromium, cloud):
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    yield context.new_page()
    context.close()


def test_from_the_depot_to_a_station_that_may_fail_and_to_its_session(page, cloud):
    page.goto(f"{cloud.url}/#/depot")
    page.get_by_role("link", name="Charging stations and sessions").click()
    page.get_by_text("cannot tell yet (0 of 5 failures)").wait_for()
    page.get_by_role("link", name="S01").click()
    page.get_by_role("heading", name="Station S01").wait_for()
    told = cloud.ask("depot/stations/S01")
    chance = page.get_by_label("The station in numbers").get_by_text("from 6 faults")
    assert f"{100 * told['outlook']['chance']['high']:.0f}" in chance.inner_text()
    assert page.locator("section[aria-labelledby=faults] li").count() == 6
    page.get_by_text("accepted a profile and holds higher limits").wait_for()
    page.locator("section[aria-labelledby=sessions] a").first.click()
    page.get_by_text("15.000 kWh", exact=True).wait_for()
    page.get_by_text("ended by EVDisconnected").wait_for()
    cost = cloud.ask("depot/stations/S01/sessions/1")["cost_eur"]
    priced = "tells no price of all of this time" if cost is None else f"{cost:.2f} EUR"
    page.get_by_text(priced).wait_for()
    drawing = page.get_by_role("img", name="Power against what was allowed")
    assert "drawn: 4 to 11; allowed: 4.14 to 11" in drawing.text_content()


def test_a_session_that_goes_on_says_what_arrived(page, cloud):
    page.goto(f"{cloud.url}/#/depot/stations/S02/sessions/tx-9")
    page.get_by_text("and goes on").wait_for()
    page.get_by_text(re.compile(r"87(\.0)? to 93(\.0)?")).wait_for()
    page.get_by_text("1 message of it never heard").wait_for()


def test_a_station_that_was_never_heard_is_said_so(page, cloud):
    page.goto(f"{cloud.url}/#/depot/stations/nobody")
    page.get_by_role("alert").get_by_text("no station is called 'nobody'").wait_for()


@pytest.mark.parametrize("width", [1440, 390])
def test_a_depot_at_work_says_who_charges_who_waits_and_why(chromium, cloud, width):
    context = chromium.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    page.goto(f"{cloud.url}/#/depot")
    page.get_by_role("heading", name="Now").wait_for()
    numbers = page.get_by_label("The depot in numbers")
    numbers.get_by_text("31.5 kW").wait_for()
    numbers.get_by_text("of 60 kW; by the meter").wait_for()
    assert "0 of 3 stays" in numbers.inner_text()
    chargers = page.get_by_label("Chargers", exact=True)
    chargers.get_by_text("21.0 of 66.0 kWh, draws 13.5 kW, allowed 14.0 kW").wait_for()
    chargers.get_by_text("may draw 11.0 kW: its meter is not heard").wait_for()
    chargers.get_by_text("Does not follow; charges from").wait_for()
    chargers.get_by_text("not connected").first.wait_for()
    page.get_by_text("Left within a day: 0 of 1 ready").click()
    page.get_by_text("It left 95 min before it was to.").wait_for()
    drawing = page.get_by_role("img", name="Power from the grid: drawn so far, and planned")
    course = drawing.locator("path.s0").last.get_attribute("d")
    assert course.count("M") == 2  # a time in which nobody looked stays empty
    drawing.get_by_text("EUR/kWh").wait_for()
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width
    page.get_by_role("link", name="CP-01").click()
    page.get_by_role("heading", name="Station S01").wait_for()
    context.close()
