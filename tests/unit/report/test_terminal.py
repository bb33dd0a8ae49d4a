import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voltherd.report.terminal import render_data_quality, render_import, render_triage
from voltherd.report.text import Column, display_width, table, wrap
from voltherd.report.words import TITLE
from voltherd.types.event import Severity
from voltherd.types.report import ImportReport, Remark

WIDTHS = (72, 80, 100, 131, 132, 200)


def test_the_first_line_answers_which_vehicles_need_attention(sample):
    first = render_triage(sample.triage_report(), 120, False).splitlines()[0]
    assert first == f"3 of 6 vehicles need attention today: bus-7, car3, {sample.HOSTILE}."
    quiet = render_triage(sample.quiet_report(), 120, False).splitlines()[0]
    assert quiet == "None of 2 vehicles needs attention today."
    empty = render_triage(sample.empty_report(), 120, False)
    assert empty.startswith("No vehicle could be looked at.")
    assert "x.csv: the file is empty" in empty


@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_is_wider_than_the_terminal(sample, width):
    texts = (
        render_triage(sample.triage_report(), width, False),
        render_import(sample.import_report(), width, False),
        render_data_quality([sample.import_report()], width, False),
    )
    for text in texts:
        assert max(display_width(line) for line in text.splitlines()) <= width


@pytest.mark.parametrize("width", WIDTHS)
def test_the_table_is_ordered_most_urgent_first_and_says_everything(sample, width):
    report = sample.triage_report()
    shuffled = replace(report, findings=report.findings[::-1])
    text = render_triage(shuffled, width, False)
    body = text[text.index("SEVERITY") : text.index("\nWhy")]
    ranks = re.findall(r"^\d+ +\S (safety|recommended|operating)", body, re.MULTILINE)
    assert ranks == ["safety", "recommended", "recommended", "operating", "operating"]
    flat = re.sub(r"\s+", "", text)
    for finding in report.findings:
        for part in (finding.action, finding.summary, finding.confirm, finding.trend):
            assert part.replace(" ", "") in flat or width >= 132  # a column of its own interleaves
        assert TITLE[finding.phenomenon].replace(" ", "") in flat


def test_evidence_comes_with_interval_unit_basis_and_age(sample):
    text = render_triage(sample.triage_report(), 200, False)
    assert (
        "self-discharge beyond siblings: 38\N{NO-BREAK SPACE}mA (31 to 46\N{NO-BREAK SPACE}mA); "
        "slope of the rest deviation over 52 days" in text
    )
    assert "last renewed 2 hours before the last data" in text
    assert "1 more number in --json and --html" in text


def test_a_finding_as_old_as_the_data_does_not_claim_to_know_its_beginning(sample):
    text = render_triage(sample.triage_report(), 120, False)
    assert "≤\N{NO-BREAK SPACE}2024-02-12" in text
    assert "from the first data or before" in text


def test_healthy_vehicles_are_listed_and_what_cannot_be_told_is_said(sample):
    text = render_triage(sample.quiet_report(), 120, False)
    assert "2 vehicles: nothing found\n  van-12, van-9" in text
    assert "cannot tell: How much capacity is left? Needs a slow charge" in text
    assert "no zone given: read as UTC" in text


def test_data_much_older_than_the_report_are_said_to_be_old(sample):
    report = replace(sample.triage_report(), generated_second=sample.END + 400 * sample.DAY)
    text = " ".join(render_triage(report, 120, False).split())
    assert "400 days before this report. What is said of today holds for the end" in text


def test_colour_is_painted_only_where_it_is_wanted_and_moves_nothing(sample):
    plain = render_triage(sample.triage_report(), 100, False)
    painted = render_triage(sample.triage_report(), 100, True)
    assert "\x1b" not in plain
    assert "\x1b[1;31m▲ safety" in painted
    assert re.sub(r"\x1b\[[\d;]*m", "", painted) == plain


def test_an_escape_sequence_in_a_name_reaches_no_terminal(sample):
    evil = "bus\x1b]0;owned\x07\u202e"
    report = sample.triage_report()
    report = replace(
        report,
        vehicles=(replace(report.vehicles[0], vehicle_id=evil), *report.vehicles[1:]),
        findings=(replace(report.findings[0], vehicle_id=evil, summary=evil, action=evil),),
        refused=((evil, evil),),
        truth_path=evil,
    )
    text = render_triage(report, 80, False)
    assert not set(text) & {"\x1b", "\x07", "\u202e"}
    one = replace(
        sample.import_report(),
        source=evil,
        vehicle_id=evil,
        mapping=((evil, evil, evil),),
        unused=(evil,),
        remarks=(Remark(reason=evil, channel=evil, count=1, total=1, detail=evil, mend=evil),),
    )
    assert not set(render_import(one, 80, False)) & {"\x1b", "\x07", "\u202e"}


def test_many_findings_worth_knowing_do_not_bury_the_urgent_ones(sample):
    report = sample.triage_report()
    many = tuple(
        replace(sample.channel_finding(), vehicle_id=f"car{n}", confidence=0.5) for n in range(500)
    )
    text = render_triage(replace(report, findings=many + report.findings), 100, False)
    assert len(text.splitlines()) < 300
    assert "482 more findings at severity operating: in --html and --json" in text
    assert all(f.summary[:30] in text for f in report.findings if f.severity > Severity.OPERATING)


def test_ninety_six_cells_take_one_line(sample):
    text = render_import(sample.import_report(), 120, False)
    line = next(line for line in text.splitlines() if "V_1 " in line)
    assert "V_1 … V_96" in line
    assert "voltage_volt_cell_001 … voltage_volt_cell_096 (96 columns)" in line
    assert "millivolt to volt" in line
    assert "sign turned: charging is positive" in text
    assert "not used: vin_hash, remark" in text


def test_eight_probes_with_one_fault_are_one_remark_with_count_example_and_mend(sample):
    text = render_import(sample.import_report(), 120, False)
    assert text.count("255 stands for") == 1
    assert "sentinel, T_8 … T_15: 320,000 of 320,000 values (100\N{NO-BREAK SPACE}%)" in text
    assert "for example row 1: 255; row 2: 255" in text
    assert "→ connect the probe" in text


def test_an_import_ends_with_the_answers_and_what_would_unlock_the_next(sample):
    text = render_import(sample.import_report(), 120, False)
    assert "This data can answer 4 of 6 questions" in text
    assert text.splitlines()[-1].startswith("  → what would help most: insulation_resistance_ohm")


def test_the_data_quality_report_counts_sources_and_says_where_all_is_well(sample):
    good = replace(sample.import_report("van-9"), remarks=())
    text = render_data_quality([sample.import_report(), good], 100, False)
    assert text.startswith("1 of 2 sources with remarks on data quality\n")
    assert "nothing to remark" in text
    assert "voltage_volt_cell" not in text


def test_an_import_that_recognised_nothing_still_reads(sample):
    nothing = ImportReport(
        source="a.csv",
        vehicle_id="a",
        rows_read=0,
        rows_kept=0,
        mapping=(),
        unused=("x",),
        remarks=(Remark(reason="empty", channel="", count=0, total=0, detail="no rows"),),
        answers=(),
        timezone="",
        rate_hertz=None,
    )
    text = render_import(nothing, 80, False)
    assert "no column" in text and "not used: x" in text


@given(st.text(), st.integers(2, 90))
def test_wrapping_loses_no_letter_and_keeps_the_width(text, width):
    lines = wrap(text, width)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert all(display_width(line) <= width for line in lines)


@given(st.lists(st.tuples(st.text(), st.text()), min_size=1, max_size=5), st.integers(20, 90))
def test_a_table_keeps_its_width(rows, width):
    columns = (
        Column(header="A", cells=tuple(a for a, _ in rows)),
        Column(header="B", cells=tuple(b for _, b in rows), right=True),
    )
    heading, *body = table(columns, width, False)
    assert len(body) == len(rows)
    assert all(display_width(line) <= width for block in (heading, *body) for line in block)
