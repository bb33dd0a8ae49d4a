"""Hours spent warm, seen and unseen, weighed by Arrhenius and told as life."""

from dataclasses import replace

import numpy as np
import pytest
from vehicles import run, vehicle

from voltherd.detection import warmth
from voltherd.triage.findings import findings
from voltherd.types.event import Phenomenon, Severity


def warmer(kelvin, days=10, from_day=0):
    batch = vehicle("none", days=days, seed=12)
    since = batch.unix_time_second - batch.unix_time_second[0]
    added = np.where(since >= from_day * 86_400.0, kelvin, 0.0).astype(np.float32)
    return replace(
        batch, probe_temperature_celsius=batch.probe_temperature_celsius + added[:, None]
    )


def hot(findings):
    return [f for f in findings if f.phenomenon is Phenomenon.HOT_USE]


def test_a_pack_in_a_mild_place_is_not_told():
    assert not hot(findings(run(warmer(0.0))))


def test_hot_weeks_are_told_in_numbers_and_never_above_operating():
    state = run(warmer(40.0))
    [finding] = hot(findings(state))
    assert finding.severity is Severity.OPERATING
    shown = finding.evidence[0]
    assert shown.low < shown.value < shown.high
    assert shown.value >= 2.0
    assert "times as fast as at 25 °C" in finding.summary
    assert "unseen while it was parked" in finding.summary


def test_a_constant_temperature_costs_what_arrhenius_says():
    batch = vehicle("none", days=3, seed=12)
    flat = np.full_like(batch.probe_temperature_celsius, 45.0)
    state = run(replace(batch, probe_temperature_celsius=flat))
    days = state.warmth.days
    hours = sum(day.hours for day in days)
    worth = sum(day.equivalent for day in days)
    expected = float(warmth.ageing_factor(np.array([45.0]))[0])
    assert worth / hours == pytest.approx(expected, rel=1e-9)
    assert sum(day.hot for day in days) == pytest.approx(hours, rel=1e-9)
    span = (batch.unix_time_second[-1] - batch.unix_time_second[0]) / 3600.0
    assert hours == pytest.approx(span, rel=0.05)  # parked time counts as well


def test_a_change_of_use_is_told_against_the_vehicles_own_usual():
    state = run(warmer(40.0, days=26, from_day=17))
    [finding] = hot(findings(state))
    assert "its own usual is" in finding.summary
