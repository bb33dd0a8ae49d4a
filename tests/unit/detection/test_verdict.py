import pytest
from hypothesis import given
from hypothesis import strategies as st

from voltherd.detection.verdict import Verdict, confidence, note
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity

HERE = Location(kind=LocationKind.CELL, index=3, cells=(3,))


def verdict(severity=Severity.OPERATING, score=8.0, persistence=2):
    return Verdict(
        cause="cell",
        phenomenon=Phenomenon.CELL_OUTLIER,
        location=HERE,
        severity=severity,
        score=score,
        persistence=persistence,
    )


def book_after(sequence):
    book = {}
    for time, given_verdict in enumerate(sequence):
        book = note(book, [given_verdict] if given_verdict else [], float(time), ["cell"])
    return book


def test_an_alarm_is_raised_when_a_verdict_persists_at_the_time_it_did():
    [alarm] = book_after([None, verdict(), verdict(), verdict()]).values()
    assert alarm.raised_second == (2.0, None, None)
    assert alarm.first_second == 1.0


def test_an_interrupted_verdict_starts_over():
    [alarm] = book_after([verdict(), None, verdict(), None]).values()
    assert alarm.severity is None
    assert alarm.missed == 1


def test_each_severity_has_its_own_time():
    mild, grave = verdict(), verdict(Severity.RECOMMENDED)
    [alarm] = book_after([mild, mild, grave, mild, grave, grave]).values()
    assert alarm.raised_second == (1.0, 5.0, None)


def test_what_was_raised_stays_raised_and_tells_of_its_strongest():
    [alarm] = book_after([verdict(score=9.0), verdict(score=12.0), None, None]).values()
    assert alarm.severity is Severity.OPERATING
    assert alarm.telling.score == 12.0


def test_a_cause_that_was_not_judged_keeps_its_streak():
    book = note({}, [verdict()], 0.0, ["cell"])
    book = note(book, [], 1.0, ["other"])
    [alarm] = note(book, [verdict()], 2.0, ["cell"]).values()
    assert alarm.raised_second[0] == 2.0


@given(st.lists(st.sampled_from([None, verdict(), verdict(Severity.SAFETY)]), max_size=30))
def test_a_later_opinion_never_moves_an_earlier_alarm(sequence):
    for cut in range(len(sequence)):
        before, after = book_after(sequence[:cut]), book_after(sequence)
        for key, alarm in before.items():
            for early, late in zip(alarm.raised_second, after[key].raised_second, strict=True):
                assert early is None or early == late


@given(st.floats(0.0, 1e3), st.integers(2, 400), st.integers(1, 10_000))
def test_confidence_is_a_probability_that_grows_with_distance(score, siblings, renewals):
    low, high = confidence(score, siblings, renewals), confidence(score + 1.0, siblings, renewals)
    assert 0.0 <= low <= high <= 0.99


def test_four_sigma_among_a_hundred_siblings_is_no_certainty():
    assert confidence(4.0, 96, 2) < 0.5
    assert confidence(12.0, 96, 2) == pytest.approx(0.98, abs=0.02)
