"""Which answers the data allows follows from what is in it, and the next column is named."""

from dataclasses import replace

import numpy as np
import pytest

from voltherd.intake.answers import answers, answers_of, survey, together
from voltherd.intake.build import build
from voltherd.intake.recognise import recognise
from voltherd.types.table import RawTable


def told(columns):
    table = RawTable(source="bus7.csv", columns=columns)
    [(batch, _)] = build(table, recognise(table))
    return batch, {answer.name: answer for answer in answers(batch)}


def test_a_full_record_answers_all_but_insulation_and_a_short(columns):
    _, found = told(columns)
    refused = {name for name, answer in found.items() if not answer.possible}
    assert refused == {"insulation", "short_detection"}
    assert found["insulation"].needs == ("an insulation resistance column that varies",)
    assert "24 h of record" in found["short_detection"].needs[0]


def test_without_a_current_the_missing_column_is_named(columns):
    del columns["BMSBatteryCurrent"]
    _, found = told(columns)
    assert found["triage_cell_deviation"].possible
    assert found["soc_audit"].needs[0] == "a current column"
    assert not found["contact_resistance"].possible


def test_answers_that_miss_least_come_first(columns):
    del columns["BMSBatteryCurrent"], columns["vehBMSPackSOC"]
    _, found = told(columns)
    missing = [len(answer.needs) for answer in found.values()]
    assert missing == sorted(missing)


def test_rows_too_far_apart_do_not_allow_resistance(columns):
    _, found = told({name: values[::24] for name, values in columns.items()})
    assert any("at least every 15 s" in need for need in found["resistance_soh"].needs)
    assert any("every 60 s" in need for need in found["contact_resistance"].needs)


def test_a_channel_that_is_invalid_throughout_counts_as_absent(columns):
    batch, _ = told(columns)
    blank = np.full(batch.rows, np.nan)
    flags = np.full(batch.rows, 1, np.uint8)
    without = replace(
        batch,
        scalar={**batch.scalar, "soc_fraction": blank},
        scalar_quality={**batch.scalar_quality, "soc_fraction": flags},
    )
    audit = next(answer for answer in answers(without) if answer.name == "soc_audit")
    assert audit.needs == ("a state-of-charge column",)


def test_a_record_shorter_than_detection_needs_promises_no_answer(columns):
    _, found = told({name: values[:170] for name, values in columns.items()})
    for name in ("triage_cell_deviation", "contact_resistance", "thermal"):
        assert not found[name].possible
        assert found[name].needs[0].startswith("1 h of record (")


def test_a_single_time_is_told_in_words(columns):
    _, found = told({name: values[:1] for name, values in columns.items()})
    needs = " ".join(need for answer in found.values() for need in answer.needs)
    assert "one time only there" in needs
    assert "inf" not in needs


def test_files_of_single_hours_allow_together_what_the_whole_record_allows(columns):
    whole, found = told(columns)
    pieces = [survey(whole.between(at, at + 600)) for at in range(0, whole.rows, 600)]
    joined = pieces[0]
    for piece in pieces[1:]:
        joined = together(joined, piece)
    assert not all(answer.possible for answer in answers_of(pieces[0])[:5])
    assert {a.name for a in answers_of(joined) if a.possible} == {
        name for name, answer in found.items() if answer.possible
    }
    assert joined.hours == pytest.approx(survey(whole).hours, rel=0.01)
