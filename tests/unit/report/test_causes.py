"""Root causes as people read them: what is likely, what speaks against it, what would decide."""

from dataclasses import replace

from voltherd.report.causes import CAUSE_TITLE, cause_words, frequent_lines
from voltherd.report.document import to_document
from voltherd.report.html import render_html
from voltherd.report.terminal import render_triage
from voltherd.types.event import Cause, Causes


def test_every_cause_has_a_title():
    assert set(CAUSE_TITLE) == set(Cause)


def test_a_likely_cause_is_told_with_its_rival_and_what_decides(sample):
    told = dict(cause_words(sample.short_finding()))
    assert (
        told["most likely"]
        == "internal short 78\N{NO-BREAK SPACE}%; else switch 17\N{NO-BREAK SPACE}%"
    )
    assert told["against it"] == "insulation holds"
    assert told["would decide"].startswith("unplug the sense harness")
    assert "missing" not in told


def test_what_cannot_be_told_says_so_and_what_is_missing(sample):
    told = dict(cause_words(sample.weak_finding()))
    assert told["cause"].startswith(
        "cannot tell yet: weak cell 44\N{NO-BREAK SPACE}%; missing balancing 38\N{NO-BREAK SPACE}%"
    )
    assert told["missing"] == "data over a wider range of charge"
    unknown = Causes(ranked=(), told=False, unexplained=1.0)
    [(label, text)] = cause_words(replace(sample.short_finding(), causes=unknown))
    assert (label, text) == ("cause", "cannot tell: none of the known causes explains it")


def test_old_findings_without_causes_stay_as_they_were(sample):
    old = replace(sample.short_finding(), causes=None)
    assert cause_words(old) == ()
    report = replace(sample.triage_report(), findings=(old,), root_causes=())
    assert to_document(report)["findings"][0]["causes"] is None
    assert "What is behind it" not in render_html(report)
    assert "most likely" not in render_triage(report, 120, False)
    assert "Most frequent root causes" not in render_triage(report, 120, False)


def test_all_forms_tell_the_cause(sample):
    report = sample.triage_report()
    text = render_triage(report, 200, False)
    assert (
        "most likely: internal short 78\N{NO-BREAK SPACE}%; else switch 17\N{NO-BREAK SPACE}%"
        in text
    )
    assert "would decide: unplug the sense harness" in text
    page = render_html(report)
    assert "What is behind it" in page and "Most frequent root causes" in page
    found = to_document(report)["findings"][0]["causes"]
    assert found["ranked"][0]["cause"] == "internal_short" and found["told"] is True
    assert to_document(report)["root_causes"][1]["cause"] is None


def test_the_most_frequent_causes_are_one_line_a_group(sample):
    assert frequent_lines(sample.triage_report().root_causes) == [
        "all (2 vehicles with findings): internal short 1, cannot tell yet 1",
        "model citybus 12 (2 vehicles with findings): internal short 1",
    ]
    assert frequent_lines(()) == []
