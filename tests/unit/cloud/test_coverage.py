"""Holes are known from what is committed, and asked for in growing pauses."""

from voltherd.cloud.coverage import ASK_RANGES_MAX, Coverage, EpochId
from voltherd.types.record import SeqRange


def covered(*ranges, epoch=5):
    coverage = Coverage(ask_first_second=2.0, ask_longest_second=10.0)
    coverage.load("bus-7", {epoch: tuple(SeqRange(*r) for r in ranges)}, 0.0)
    return coverage


def asked(coverage, until_second):
    return [
        (second, wanted)
        for second in range(until_second)
        for _, wanted in coverage.wanted(float(second))
    ]


def test_what_is_whole_is_never_asked_for():
    assert asked(covered((1, 9)), 100) == []


def test_pauses_double_up_to_the_longest():
    seconds = [second for second, _ in asked(covered((1, 2), (4, 5)), 40)]
    assert seconds == [2, 6, 14, 24, 34]


def test_a_hole_that_is_filled_is_asked_for_no_more_and_a_new_one_anew():
    coverage = covered((1, 2), (4, 5))
    assert coverage.wanted(3.0) == [(EpochId("bus-7", 5), (SeqRange(3, 3),))]
    coverage.add("bus-7", 5, [SeqRange(3, 3)], 4.0)
    assert coverage.wanted(50.0) == [] and coverage.open_holes() == 0
    coverage.add("bus-7", 5, [SeqRange(9, 9)], 60.0)
    assert coverage.wanted(61.0) == []
    assert coverage.wanted(62.5) == [(EpochId("bus-7", 5), (SeqRange(6, 8),))]
    assert coverage.head("bus-7", 5) == 9 and coverage.open_holes() == 3


def test_one_question_names_only_so_many_holes():
    coverage = covered(*((n, n) for n in range(2, 2_000, 2)))
    ((_, wanted),) = coverage.wanted(10.0)
    assert len(wanted) == ASK_RANGES_MAX
    assert coverage.open_holes() == 999


def test_what_begins_late_lacks_its_beginning():
    assert covered((1_000, 2_000)).wanted(10.0) == [(EpochId("bus-7", 5), (SeqRange(1, 999),))]
