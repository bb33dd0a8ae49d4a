import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from voltherd.report.html import render_html
from voltherd.report.markup import Markup, element, joined
from voltherd.report.words import TITLE, quantity, where

VOID = {"meta", "br"}


class Outline(HTMLParser):
    """Collects what matters and fails on a tag that does not close."""

    def __init__(self):
        super().__init__()
        self.open = []
        self.tags = []
        self.headings = []
        self.text = []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag in {"h1", "h2", "h3", "h4"}:
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text.append(data)


def outline(report):
    parsed = Outline()
    parsed.feed(render_html(report))
    parsed.close()
    assert parsed.open == []
    return parsed


def flat(parsed):
    return re.sub(r"\s+", " ", " ".join(parsed.text))


def test_the_page_opens_with_the_answer(sample):
    parsed = outline(sample.triage_report())
    assert "3 of 6 vehicles need attention today" in flat(parsed)[:200]
    assert "None of 2 vehicles needs attention today" in flat(outline(sample.quiet_report()))
    empty = flat(outline(sample.empty_report()))
    assert "No vehicle could be looked at" in empty and "the file is empty" in empty


def test_every_finding_says_what_where_when_how_sure_and_what_to_do(sample):
    report = sample.triage_report()
    text = flat(outline(report)).casefold()
    for finding in report.findings:
        wanted = [TITLE[finding.phenomenon], where(finding.location), finding.vehicle_id]
        wanted += [finding.summary, finding.action, finding.confirm, finding.trend]
        for evidence in finding.evidence:
            wanted += [evidence.name, evidence.basis, *quantity(evidence)]
            wanted += [evidence.plot.title] if evidence.plot else []
        for part in wanted:
            assert re.sub(r"\s+", " ", part).casefold() in text


def test_the_data_section_says_what_is_possible_and_what_was_changed(sample):
    text = flat(outline(sample.triage_report()))
    assert "Cannot tell yet" in text
    assert "What would help most:" in text
    assert "320,000 of 320,000 values" in text
    assert "V_1 … V_96" in text and "voltage_volt_cell_097" not in text
    assert "no zone given: read as UTC" in text
    assert "fleet/truth.json" in text
    assert "data/notes.pdf" in text


def test_nothing_in_the_page_can_be_fetched_or_run(sample):
    page = render_html(sample.triage_report())
    assert not re.search(r"https?:|//[a-z]|url\(|@import|javascript:", page)
    parsed = outline(sample.triage_report())
    assert not {tag for tag, _ in parsed.tags} & {"script", "link", "img", "iframe", "object", "b "}
    for _, attributes in parsed.tags:
        assert not any(key.startswith("on") for key in attributes)
    policies = [a["content"] for t, a in parsed.tags if a.get("http-equiv")]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]


def test_headings_go_down_one_step_at_a_time(sample):
    for report in (sample.triage_report(), sample.quiet_report(), sample.empty_report()):
        levels = outline(report).headings
        assert levels[0] == 1 and levels.count(1) == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))


def test_the_same_report_gives_the_same_page(sample):
    assert render_html(sample.triage_report()) == render_html(sample.triage_report())


def test_a_finding_of_a_vehicle_that_is_not_listed_still_shows(sample):
    report = replace(sample.triage_report(), vehicles=sample.triage_report().vehicles[1:])
    text = flat(outline(report))
    assert "bus-7" in text


def test_identifiers_in_the_page_are_unique(sample):
    ids = [a["id"] for _, a in outline(sample.large_report()).tags if "id" in a]
    assert len(ids) == len(set(ids))


@given(st.text(max_size=40))
def test_no_text_from_outside_becomes_markup(text):
    parsed = Outline()
    parsed.feed(element("p", text, title=text).text)
    parsed.close()
    assert [tag for tag, _ in parsed.tags] == ["p"]
    assert parsed.open == []


def test_markup_is_kept_and_text_escaped():
    assert joined([Markup("<br>"), "<br>", None]).text == "<br>&lt;br&gt;"
    assert element("p", "a ", element("b", "b"), " c").text == "<p>a <b>b</b> c</p>\n"
    assert element("a", href=None, open=True, id=False).text == "<a open></a>"
