import pytest
from hypothesis import given
from hypothesis import strategies as st

from voltherd.report.gather import (
    amount,
    mapping_runs,
    next_unlock,
    remark_groups,
    spans,
    vehicles_by_answers,
)
from voltherd.types.report import Answer, Remark


def cell(source, index, conversion="as it is"):
    return source, f"voltage_volt_cell_{index:03d}", conversion


def test_columns_out_of_order_are_still_one_run():
    names = sorted(f"V_{k}" for k in range(1, 97))
    (run,) = mapping_runs(tuple(cell(name, int(name[2:])) for name in names))
    assert (run.source, run.columns) == ("V_1 … V_96", 96)


def test_a_swapped_pair_stands_out():
    order = {12: 13, 13: 12}
    runs = mapping_runs(tuple(cell(f"V_{order.get(k, k)}", k) for k in range(1, 21)))
    assert [run.source for run in runs] == ["V_1 … V_11", "V_13", "V_12", "V_14 … V_20"]


def test_a_cell_converted_differently_stands_out():
    runs = mapping_runs(
        tuple(cell(f"V_{k}", k, "mended" if k == 5 else "as it is") for k in range(1, 9))
    )
    assert [run.columns for run in runs] == [4, 1, 3]


def test_one_array_column_is_named_once():
    (run,) = mapping_runs(tuple(cell("cells", k) for k in range(1, 97)))
    assert (run.source, run.columns) == ("cells", 96)


@given(st.permutations([cell(f"c{k:02d}", k) for k in range(1, 12)] + [("t", "unix_time", "")]))
def test_no_column_is_lost(mapping):
    assert sum(run.columns for run in mapping_runs(tuple(mapping))) == len(mapping)


def test_runs_of_channels_are_named_by_their_ends():
    assert spans(["T_8", "T_9", "T_10", "x", "V1mV", "V2mV"]) == "T_8 … T_10, x, V1mV, V2mV"


def answer(name, *needs):
    return Answer(name=name, title=f"{name}?", possible=not needs, needs=needs)


def test_what_unlocks_an_answer_alone_is_told_before_what_does_not():
    answers = (answer("a"), answer("b", "x", "y"), answer("c", "x", "z"), answer("d", "z"))
    need, unlocked = next_unlock(answers)
    assert (need, [a.name for a in unlocked]) == ("z", ["d"])


def test_where_nothing_is_missing_nothing_is_asked_for():
    assert next_unlock((answer("a"),)) is None
    assert next_unlock(()) is None


def test_vehicles_with_the_same_answers_are_told_once(sample):
    ((members, answers),) = vehicles_by_answers(sample.triage_report().vehicles)
    assert len(members) == 6
    assert answers == sample.ANSWERS


@pytest.mark.parametrize(
    ("reason", "channel", "numbers", "text"),
    [
        ("uncertain", "time", (0, 0), ""),
        ("skew", "current_ampere", (0, 3_000), ""),
        ("encoding", "", (1, 1), ""),
        ("no_header", "", (22, 22), "22 columns"),
        ("decimal_comma", "", (7, 21), "7 of 21 columns (33\N{NO-BREAK SPACE}%)"),
        ("sentinel", "T_8", (5, 10), "5 of 10 values (50\N{NO-BREAK SPACE}%)"),
        ("duplicate_row", "", (34, 34), "34 of 34 rows (100\N{NO-BREAK SPACE}%)"),
    ],
)
def test_a_remark_counts_what_it_is_about_and_nothing_where_nothing_is_counted(
    reason, channel, numbers, text
):
    remark = Remark(
        reason=reason, channel=channel, count=numbers[0], total=numbers[1], detail="seen"
    )
    assert amount(remark_groups((remark,))[0]) == text
