"""``voltherd depot trace``: what vehicle, station, depot and grid said in a simulated hour."""

import re

import pytest
from typer.testing import CliRunner

from voltherd.cli.main import app

SITE = """\
site: One fast charger
timezone: Europe/Berlin
start: 2026-11-26 12:00
hours: 1
step_minutes: 5
connection: {limit_kilowatt: 40, base_kilowatt: 4}
prices: {buy_eur_per_kwh: 0.31}
chargers:
  - {id: CP-01, power_kilowatt: 50}
vehicles:
  - {id: van-1, charger: CP-01, arrives: 12:02, departs: 12:20, battery_kwh: 60, soc_arrival: 0.4,
     soc_departure: 0.5}
run: {ready_early_minutes: 0}
central: {port: 0}
"""
LINE = re.compile(
    r"26 Nov (?P<clock>\d\d:\d\d:\d\d)  (?P<station>CP-01| {5})  "
    r"(?P<way>\w+ → \w+(?: → \w+)?) +(?P<action>\w+)(?: +(?P<text>.+))?"
)


def depot(*words):
    found = CliRunner().invoke(app, ["depot", *map(str, words)])
    assert found.exit_code == 0, found.output
    return found.output


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    there = tmp_path_factory.mktemp("traced")
    (there / "site.yaml").write_text(SITE)
    kept = there / "kept"
    site = ("--config", there / "site.yaml")
    depot("run", *site, "--simulated", 1e9, "--hours", 0.4, "--folder", kept)
    return kept


def said(folder, *words):
    """Every line, each as its time, way, action and text."""
    lines = depot("trace", folder, *words).splitlines()
    found = [LINE.fullmatch(line) for line in lines]
    assert None not in found, lines
    return [one.group("clock", "way", "action", "text") for one in found]


pytestmark = pytest.mark.long


def test_all_three_talk_both_ways_in_the_order_of_time(folder):
    told = said(folder)
    assert told == sorted(told, key=lambda one: one[0])
    by = {(way, action): text for _, way, action, text in reversed(told)}  # the first of each
    assert by["vehicle → station → depot", "NotifyEVChargingNeeds"] == (
        "EVSE 1, DC, leaves 26 Nov 12:20, wants 6.0 kWh, takes up to 50.0 kW, holds 60.0 kWh, "
        "battery at 40 %"
    )
    limits = [text for _, way, _, text in told if way == "depot → station"]
    assert any(re.fullmatch(r"EVSE 1, [1-9]\d\.\d kW, after 900 s 0\.0 kW", one) for one in limits)
    assert by["station → depot", "SetChargingProfile"] == "Accepted"
    assert by["grid → depot", "limit"] == "up to 40.0 kW, 0.310 EUR/kWh"
    drawn = [text for _, way, _, text in told if way == "depot → grid"]
    assert any(float(text.split()[0]) > 4.0 for text in drawn), drawn


def test_a_session_is_told_from_its_begin_to_its_end(folder):
    events = [one for one in said(folder, "--station", "CP-01") if one[2] == "TransactionEvent"]
    texts = [text for *_, text in events]
    assert texts[0].startswith("EVSE 1, charging begins, van-1")
    assert texts[0].endswith("meter at 0.000 kWh, battery at 40 %")
    assert "charging ends, van-1, EVDisconnected" in texts[-1]
    assert texts[-1].endswith("battery at 50 %")
    assert events[-1][0].startswith("12:20")


def test_the_latest_alone_and_who_never_ran(folder, tmp_path):
    assert said(folder, "--last", 5) == said(folder)[-5:]
    assert depot("trace", folder, "--station", "CP-99") == "nothing was said\n"
    found = CliRunner().invoke(app, ["depot", "trace", str(tmp_path)])
    assert found.exit_code == 2
    assert "no depot ran there" in found.stderr and not list(tmp_path.iterdir())
