"""A file that cannot tell by itself is read as one of the same kind that can."""

import numpy as np
import pytest

from voltherd.intake.build import build
from voltherd.intake.profile import ChannelRule, Profile
from voltherd.intake.recognise import recognise
from voltherd.intake.siblings import doubted, helped, known
from voltherd.types.table import RawTable


@pytest.fixture
def busy(columns):
    """Days of driving and charging; the vendor counts discharge as positive."""
    return RawTable(source="busy.csv", columns=columns)


@pytest.fixture
def idle(columns):
    """An hour in which a constant auxiliary load of 3 A flows and nothing else happens."""
    rows = 700
    still = {name: np.resize(values[:1], rows) for name, values in columns.items()}
    still["tboxTime"] = columns["tboxTime"][:rows]
    still["BMSBatteryCurrent"] = np.full(rows, 3.0)
    return RawTable(source="idle.csv", columns=still)


def current_of(table, recognition):
    [(batch, report)] = build(table, recognition)
    return batch.scalar["current_ampere"], report


def test_the_sign_of_an_idle_day_is_that_of_a_busy_one_and_the_report_says_so(busy, idle):
    sure, alone = recognise(busy), recognise(idle)
    assert "current_ampere" in doubted(alone)
    assert "current_ampere" not in doubted(sure)
    found = helped(alone, known(sure, "busy.csv"))
    current, report = current_of(idle, found)
    np.testing.assert_allclose(current, -3.0)
    assert current_of(idle, alone)[0][0] == 3.0
    told = [r for r in report.remarks if r.reason == "told_by_another_file"]
    assert "busy.csv" in next(r.detail for r in told if r.channel == "current_ampere")
    assert not any(r.channel == "current_ampere unit" for r in report.remarks)
    [how] = [how for _, to, how in report.mapping if to == "current_ampere"]
    assert how.endswith("as in busy.csv")


def test_what_nobody_knows_stays_in_doubt_and_what_is_sure_stays_as_it_is(busy, idle):
    alone, sure = recognise(idle), recognise(busy)
    assert helped(alone, {}) is alone
    assert helped(sure, known(alone, "idle.csv")) is sure


def test_a_given_rule_is_never_overruled(busy, idle):
    given = Profile(scalar={"current_ampere": ChannelRule(column="BMSBatteryCurrent", scale=2.0)})
    found = helped(recognise(idle, given), known(recognise(busy), "busy.csv"))
    np.testing.assert_allclose(current_of(idle, found)[0], 6.0)
