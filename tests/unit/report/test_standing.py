from dataclasses import replace

import pytest

from voltherd.report.html import render_html
from voltherd.report.standing import age, freshness, headline, since, standings, urgent_first
from voltherd.report.terminal import render_triage
from voltherd.types.event import Severity
from voltherd.types.report import TriageReport


def test_vehicles_come_most_urgent_first(sample):
    names = [s.vehicle.vehicle_id for s in standings(sample.triage_report())]
    assert names == ["bus-7", "car3", sample.HOSTILE, "car1", "van-12", "van-9"]


def test_findings_come_by_severity_then_confidence_then_age(sample):
    one = sample.weak_finding()
    surer = replace(one, confidence=0.999)
    older = replace(one, onset_second=one.onset_second - 1.0)
    worse = replace(one, severity=Severity.SAFETY, confidence=0.1)
    assert urgent_first((one, older, surer, worse)) == (worse, surer, older, one)


@pytest.mark.parametrize(
    ("severities", "text"),
    [
        ([], "No vehicle could be looked at"),
        ([None], "The vehicle needs no attention today"),
        ([Severity.OPERATING], "The vehicle needs no attention today"),
        ([Severity.SAFETY], "1 of 1 vehicle needs attention today"),
        ([None, Severity.OPERATING], "None of 2 vehicles needs attention today"),
        ([Severity.RECOMMENDED, Severity.SAFETY, None], "2 of 3 vehicles need attention today"),
    ],
)
def test_attention_means_recommended_or_above(sample, severities, text):
    vehicles = tuple(sample.vehicle(f"v{n}") for n in range(len(severities)))
    findings = tuple(
        replace(sample.weak_finding(), vehicle_id=f"v{n}", severity=severity)
        for n, severity in enumerate(severities)
        if severity
    )
    report = TriageReport(generated_second=sample.END, vehicles=vehicles, findings=findings)
    assert headline(report) == text


def test_a_vehicle_that_fell_silent_is_named(sample):
    report = sample.quiet_report()
    late = sample.vehicle("lost", last=sample.END - 12 * sample.DAY)
    text = freshness(replace(report, vehicles=(*report.vehicles, late)))
    assert text.endswith("Silent for longer: lost.")


def test_silence_about_a_vehicle_that_could_not_be_checked_is_no_good_news(sample):
    little = tuple(replace(a, possible=False, needs=("cells",)) for a in sample.ANSWERS)
    poor = replace(sample.vehicle("poor"), answers=little)
    report = replace(sample.quiet_report(), vehicles=(poor,))
    assert headline(report).startswith("Cannot tell whether the vehicle needs attention")
    report = replace(report, vehicles=(poor, sample.vehicle("rich")))
    assert headline(report) == (
        "Of 2 vehicles, the one vehicle that could be checked needs no attention today"
    )
    text = render_triage(report, 100, False)
    assert "Too little data to check poor." in text
    assert "1 vehicle: nothing found\n  rich" in text
    assert "1 vehicle: not checked, too little data\n  poor" in text
    page = render_html(report)
    assert "<b>1</b> not checked, too little data" in page
    assert page.count("not checked, too little data") == 3


def test_where_only_elapsed_time_is_told_no_age_is_made_up(sample):
    report = sample.quiet_report()
    undated = replace(sample.vehicle("bench"), first_second=0.0, last_second=93_600.0)
    text = freshness(replace(report, vehicles=(undated,)))
    assert text == (
        "The data tell elapsed time only; of which date they are, and how old, is unknown."
    )
    assert freshness(replace(report, vehicles=(*report.vehicles, undated))).endswith(
        "Of unknown date: bench."
    )
    finding = replace(
        sample.weak_finding(),
        vehicle_id="bench",
        onset_second=50_000.0,
        raised_second=90_000.0,
        last_seen_second=93_600.0,
    )
    report = replace(report, vehicles=(undated,), findings=(finding,))
    assert "since day 1, 13:53" in render_triage(report, 100, False)
    for text in (render_triage(report, 100, False), render_html(report)):
        assert "1970" not in text


def test_without_data_nothing_is_said_of_age(sample):
    assert freshness(sample.empty_report()) == ""
    assert since(sample.weak_finding(), None) == ""
    assert age(sample.weak_finding(), None) == "last renewed 2024-05-12 08:00 UTC"
