"""State of health and audit, in the three forms that say the same."""

import json

import pytest

from voltherd.report.health import figure_words, render_health
from voltherd.report.health_document import health_dumps
from voltherd.report.health_html import render_health_html
from voltherd.types.event import Plot
from voltherd.types.health import Figure, HealthReport, HealthSheet

CAPACITY = Figure(
    name="capacity",
    title="Capacity",
    unit="Ah",
    value=118.98,
    low=86.8,
    high=151.2,
    method="soh_window",
    evidence=("22 partial charges",),
    trend="cannot tell yet from 25 days",
    needs=("the nameplate capacity",),
    last_second=1.557e9,
    plot=Plot(
        title="As it was told",
        x_label="time",
        y_label="capacity [Ah]",
        x=(1.555e9, 1.556e9, 1.557e9),
        series=(("told", (120.0, 119.0, 118.98)),),
        x_is_time=True,
    ),
)
NOTHING = Figure(
    name="resistance", title="Resistance", unit="mΩ", cannot="cannot tell yet (3 of 5)"
)


def report(*figures, vehicle="bus-7", attention=False, kind="soh"):
    sheet = HealthSheet(
        vehicle_id=vehicle,
        rows=50_000,
        first_second=1.555e9,
        last_second=1.557e9,
        headline="Capacity 119.0 Ah.",
        figures=figures,
        attention=attention,
        assumed=("chemistry NMC",),
        action="Recalibrate now." if attention else "",
    )
    refused = (("bad.csv", "not a table"),)
    return HealthReport(kind=kind, generated_second=1.56e9, sheets=(sheet,), refused=refused)


def test_a_terminal_shows_value_interval_evidence_method_and_what_is_missing():
    text = render_health(report(CAPACITY, NOTHING), 100, colour=False)
    for words in (
        "bus-7: state of health",
        "Capacity: 119 Ah (87 to 151 Ah)",
        "trend: cannot tell yet from 25 days",
        "22 partial charges",
        "method soh_window; last evidence 2019-05-",
        "needs the nameplate capacity",
        "Resistance: cannot tell yet (3 of 5)",
        "assumed: chemistry NMC",
        "bad.csv: not a table",
    ):
        assert words in text, words
    assert all(len(line) <= 100 for line in text.splitlines())
    assert "\x1b" not in text


def test_ratios_are_shown_in_percent():
    share = Figure(name="capacity", title="", unit="1", value=0.913, low=0.88, high=0.95)
    assert figure_words(share) == ("91 %", "88 to 95 %")


def test_json_says_null_where_nothing_is_known():
    document = json.loads(health_dumps(report(CAPACITY, NOTHING)))
    assert document["schema"] == "urn:voltherd:soh:1"
    figures = document["vehicles"][0]["figures"]
    assert figures["capacity"]["value"] == pytest.approx(118.98)
    assert figures["resistance"]["value"] is None and figures["resistance"]["cannot"]
    assert document["refused"] == [{"source": "bad.csv", "reason": "not a table"}]


def test_a_page_loads_nothing_and_escapes_every_name():
    page = render_health_html(report(CAPACITY, NOTHING, vehicle="<script>x</script>"))
    assert page.startswith("<!doctype html>") and "default-src 'none'" in page
    assert "<script>" not in page and "&lt;script&gt;" in page
    assert "90 % interval" in page.replace("\N{NO-BREAK SPACE}", " ")
    assert "<svg" in page and "Cannot tell yet (3 of 5)." in page


def test_what_asks_for_action_says_so_in_words_and_colour():
    page = render_health_html(report(CAPACITY, attention=True, kind="soc_audit"))
    assert "Audit of the state of charge" in page and "Recalibrate now." in page
    assert "recommended" in page
    assert "→ Recalibrate now." in render_health(report(attention=True), 80, colour=True)
