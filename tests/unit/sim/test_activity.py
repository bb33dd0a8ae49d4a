"""Rows are samples of what a vehicle does: cut or sampled otherwise, they tell of the same day."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voltherd.sim.activity import (
    Charge,
    Drive,
    Mode,
    Park,
    Rows,
    Sampling,
    last_of,
    rows_of,
    sampled,
)
from voltherd.sim.drivers import draw_traits
from voltherd.sim.spec import START_SECOND
from voltherd.sim.streams import Purpose, stream
from voltherd.sim.usage import DayStart, draw_day

TEN, ONE = Sampling(), Sampling(period_second=1.0, park_period_second=60.0)
SINCE = START_SECOND - 1.0


def drawn(vehicle: int) -> tuple:
    begin = DayStart(
        start_second=START_SECOND,
        since_second=SINCE,
        soc=0.8,
        energy_joule=52e3 * 3600.0,
        ambient_celsius=8.0,
    )
    traits = draw_traits(stream(1, Purpose.TRAITS, vehicle))
    return draw_day(stream(1, Purpose.USAGE, vehicle), traits, begin, TEN)


DAYS = [drawn(vehicle) for vehicle in range(1, 7)]
samplings = st.builds(
    Sampling,
    period_second=st.sampled_from([1.0, 2.5, 7.0, 10.0, 60.0]),
    park_period_second=st.sampled_from([0.0, 60.0, 1800.0, 7200.0]),
    charge_period_second=st.sampled_from([0.0, 30.0]),
)


def trip(seconds: int = 300, before: int = 30, after: int = 45) -> Drive:
    speed = 10.0 + 5.0 * np.sin(np.arange(seconds) / 20.0)
    return Drive(START_SECOND, speed, -1000.0 * speed, before, after, 12.0)


@given(
    day=st.sampled_from(DAYS),
    sampling=samplings,
    cuts=st.lists(st.floats(0.0, 86_400.0), max_size=6),
)
def test_a_day_in_pieces_is_the_day(day: tuple, sampling: Sampling, cuts: list[float]) -> None:
    whole = sampled(day, sampling, since_second=SINCE)
    pieces: list[Rows] = []
    since, distance = SINCE, 0.0
    for until in [*sorted(START_SECOND + cut for cut in cuts), np.inf]:
        piece = sampled(
            day,
            sampling,
            since_second=since,
            until_second=float(until),
            distance_kilometre=distance,
        )
        if len(piece.unix_time_second):
            assert piece.unix_time_second[-1] <= until
            since = float(piece.unix_time_second[-1])
            distance = float(piece.distance_kilometre[-1])
        pieces.append(piece)
    for name, column in whole._asdict().items():
        np.testing.assert_array_equal(column, np.concatenate([getattr(p, name) for p in pieces]))


@given(day=st.sampled_from(DAYS), sampling=samplings)
def test_rows_climb_and_their_steps_add_up(day: tuple, sampling: Sampling) -> None:
    rows = sampled(day, sampling, since_second=SINCE)
    assert (np.diff(rows.unix_time_second) > 0.0).all()
    np.testing.assert_allclose(np.cumsum(rows.step_second), rows.unix_time_second - SINCE)
    assert (np.diff(rows.distance_kilometre) >= 0.0).all()


def energy(rows: Rows) -> float:
    return float((rows.power_mean_watt * rows.step_second)[rows.power_mean_watt != 0.0].sum())


@given(day=st.sampled_from(DAYS), seam=st.floats(10_000.0, 60_000.0))
def test_no_energy_is_lost_where_one_sampling_follows_another(day: tuple, seam: float) -> None:
    """Coarse rows up to the seam, fine ones behind it: the mean powers add up as if all were fine.

    At the end of a trip up to a period of its last stand is not sampled, which is all that differs.
    """
    coarse = sampled(day, TEN, since_second=SINCE, until_second=START_SECOND + seam)
    last = float(coarse.unix_time_second[-1])
    fine = sampled(day, ONE, since_second=last, after_second=START_SECOND + seam)
    assert fine.unix_time_second[0] > START_SECOND + seam
    whole = sampled(day, ONE, since_second=SINCE)
    trips = sum(isinstance(activity, Drive) for activity in day)
    assert energy(coarse) + energy(fine) == pytest.approx(energy(whole), abs=trips * 10 * 4000.0)


def test_the_first_fine_row_of_a_trip_reaches_back_to_the_last_coarse_one() -> None:
    drive = trip()
    coarse = sampled([drive], TEN, since_second=SINCE, until_second=START_SECOND + 125.0)
    assert coarse.unix_time_second[-1] == START_SECOND + 120.0
    fine = sampled(
        [drive], ONE, since_second=START_SECOND + 120.0, after_second=START_SECOND + 125.0
    )
    assert fine.unix_time_second[0] == START_SECOND + 126.0
    assert fine.step_second[0] == 6.0
    power = rows_of(drive, ONE).power_now_watt
    assert fine.power_mean_watt[0] == pytest.approx(power[120:126].mean())
    assert fine.power_mean_watt[1] == pytest.approx(power[126])


@given(
    seconds=st.integers(1, 900),
    before=st.integers(1, 90),
    after=st.integers(1, 240),
    period=st.sampled_from([1.0, 7.0, 10.0, 60.0, 600.0]),
)
def test_the_last_row_of_a_trip_is_known_without_sampling_it(
    seconds: int, before: int, after: int, period: float
) -> None:
    drive = trip(seconds, before, after)
    rows = rows_of(drive, Sampling(period_second=period))
    assert last_of(drive, Sampling(period_second=period)) == (
        rows.unix_time_second[-1],
        rows.distance_kilometre[-1],
    )


def test_a_charge_begins_with_a_handshake_and_has_a_period_of_its_own() -> None:
    charge = Charge(START_SECOND, 600.0, 11e3, 0.9, Mode.AC)
    rows = rows_of(charge, Sampling(period_second=10.0, charge_period_second=60.0))
    np.testing.assert_array_equal(np.diff(rows.unix_time_second), 60.0)
    assert rows.charge_watt[:4].tolist() == [0.0, 0.0, 0.0, 11e3]
    assert set(rows.mode[3:].tolist()) == {Mode.AC}


def test_a_silent_vehicle_still_cools_in_small_steps() -> None:
    park = Park(START_SECOND, START_SECOND + 20_000.0)
    rows = rows_of(park, Sampling(park_period_second=0.0))
    assert not rows.reported.any()
    assert np.diff(rows.unix_time_second).max() <= 1800.0
