"""The fleet that lives: its history, and how it goes on, are one record, however it is cut."""

from dataclasses import replace

import numpy as np
import pytest

from voltherd.sim import live
from voltherd.sim.activity import Sampling
from voltherd.sim.fleet import fleet_spec, simulate
from voltherd.sim.live import LiveSpec, LiveState, advance, begin, is_live
from voltherd.sim.running import Stretch
from voltherd.units import SECOND_PER_DAY

pytestmark = pytest.mark.long

FAULTS = (
    "weak_cell:20%@vehicle=1,cell=7,day=1,internal_short:2%/day@vehicle=2,cell=9,day=1,"
    "sensor_stuck@vehicle=3,cell=5,day=1,soc_imbalance:5%@vehicle=4,day=1,"
    "contact_resistance:0.4mohm@vehicle=4,cell=60,day=1,growth=0.2mohm"
)
FLEET = fleet_spec(vehicles=4, days=1, seed=3, faults=FAULTS)
SPEC = LiveSpec(fleet=FLEET)


def run(state: LiveState, until_second: float) -> tuple[LiveState, list[Stretch]]:
    sent: list[Stretch] = []
    while state.second < until_second:
        state, stretches = advance(state)
        sent += stretches
    return state, sent


def column(sent: list[Stretch], number: int, name: str) -> np.ndarray:
    own = [stretch for stretch in sent if stretch.unit.number == number]
    if name == "time":
        return np.concatenate([stretch.batch.unix_time_second for stretch in own])
    if name == "truth":
        return np.concatenate([stretch.truth.soc_fraction for stretch in own])
    return np.concatenate([stretch.batch.scalar[name] for stretch in own])


def assert_same_state(a: LiveState, b: LiveState) -> None:
    assert (a.day, a.second) == (b.day, b.second)
    for ours, theirs in zip(a.now.state.cell, b.now.state.cell, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for ours, theirs in zip(a.now.state[1:], b.now.state[1:], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert a.now.carries == b.now.carries


@pytest.fixture(scope="module")
def caught_up() -> tuple[LiveState, list[Stretch]]:
    return run(begin(SPEC), SPEC.live_second)


@pytest.fixture(scope="module")
def lived(caught_up: tuple[LiveState, list[Stretch]]) -> tuple[LiveState, list[Stretch]]:
    state, sent = run(caught_up[0], SPEC.live_second + 3600.0)
    return state, [*caught_up[1], *sent]


def test_the_days_of_history_are_those_of_the_simulated_fleet(caught_up):
    _, sent = caught_up
    for day, stretch in zip(simulate(FLEET), sent[:4], strict=True):
        assert day.vehicle == stretch.unit.vehicle
        np.testing.assert_array_equal(day.batch.cell_voltage_volt, stretch.batch.cell_voltage_volt)
        for name, values in day.batch.scalar.items():
            np.testing.assert_array_equal(values, stretch.batch.scalar[name])


def test_live_rows_follow_history_within_a_parked_minute(lived):
    _, sent = lived
    for number in range(1, 5):
        time = column(sent, number, "time")
        assert (np.diff(time) > 0.0).all()
        first = np.searchsorted(time, SPEC.live_second, side="right")
        assert time[first] <= SPEC.live_second + 60.0
        assert time[-1] <= SPEC.live_second + 3600.0
        apart = np.diff(time[first:])
        assert apart.min() >= 1.0
        assert apart.max() <= 60.0 + 1.0


def test_nothing_jumps_where_history_ends(lived):
    """A pack cannot gain or lose charge faster than its largest current, 1.5 C charging."""
    _, sent = lived
    for number in range(1, 5):
        time, truth = column(sent, number, "time"), column(sent, number, "truth")
        current = column(sent, number, "current_ampere")
        assert np.abs(np.diff(truth) / np.diff(time)).max() < 2.5 / 3600.0
        seam = int(np.searchsorted(time, SPEC.live_second, side="right"))
        most = max(np.abs(current[seam - 3 : seam + 60]).max(), 1.0)
        assert abs(truth[seam] - truth[seam - 1]) <= (
            most * (time[seam] - time[seam - 1]) / 3600.0 / 100.0 + 1e-4
        )
        odometer = column(sent, number, "odometer_kilometre")
        steps = np.diff(odometer)
        assert (steps >= 0.0).all()
        fastest = 180.0 / 3600.0 * np.diff(time)
        assert (steps <= fastest + 0.11).all()  # it counts in steps of 0.1 km


def test_a_vehicle_reports_the_charge_it_has_before_and_after_the_seam(lived):
    _, sent = lived
    for number in range(1, 5):
        off = column(sent, number, "soc_fraction") - column(sent, number, "truth")
        assert np.abs(off).max() < 0.05
        assert np.ptp(off[-600:]) < 0.02


def test_faults_are_carried_into_live(caught_up, lived):
    _, sent = lived
    stuck = [s.batch.cell_voltage_volt[:, 4] for s in sent if s.unit.number == 3][1:]
    assert len(set(np.concatenate(stuck).tolist())) == 1
    now = caught_up[0].now
    healed = now._replace(units=tuple(unit._replace(faults=()) for unit in now.units))
    well, _ = run(caught_up[0]._replace(now=healed), SPEC.live_second + 3600.0)
    lost = well.now.state.cell.z - lived[0].now.state.cell.z
    hours = (lived[0].now.carries[1].since_second - now.carries[1].since_second) / 3600.0
    assert lost[1, 8] == pytest.approx(0.02 / 24.0 * hours, rel=0.25)  # by the nominal capacity
    assert np.abs(np.delete(lost[1], 8)).max() < 1e-5


@pytest.mark.parametrize("segment_second", [60.0, 137.0, 3600.0])
def test_cutting_otherwise_changes_no_physics(caught_up, segment_second):
    """Segments of an hour and of a minute both end at eight; those of 137 s do not."""
    eight = FLEET.start_second + SECOND_PER_DAY + 4.0 * 3600.0
    spec = replace(SPEC, segment_second=segment_second)
    whole, sent = run(caught_up[0], eight)
    other, cut = run(caught_up[0]._replace(spec=spec), eight)
    for number in range(1, 5):
        mine, theirs = column(sent, number, "time"), column(cut, number, "time")
        rows = len(mine)
        np.testing.assert_array_equal(mine, theirs[:rows])
        np.testing.assert_array_equal(
            column(sent, number, "truth"), column(cut, number, "truth")[:rows]
        )
    if segment_second != 137.0:
        assert_same_state(whole._replace(spec=spec), other)


def test_a_live_day_sampled_as_history_is_the_day_that_history_would_have_been():
    sampling = Sampling(period_second=10.0, park_period_second=1800.0)
    spec = replace(SPEC, sampling=sampling, segment_second=7200.0)
    state, sent = run(begin(spec), FLEET.start_second + 2.0 * SECOND_PER_DAY)
    longer = list(simulate(replace(FLEET, days=2)))[4:]
    for number, day in enumerate(longer, start=1):
        time = column(sent, number, "time")
        own = time >= FLEET.start_second + SECOND_PER_DAY
        _, here, there = np.intersect1d(time[own], day.batch.unix_time_second, return_indices=True)
        assert len(there) == day.batch.rows  # a watched vehicle sends more while it is full
        np.testing.assert_array_equal(
            column(sent, number, "truth")[own][here], day.truth.soc_fraction
        )
        np.testing.assert_array_equal(state.now.state.cell.z[number - 1], day.truth.cell_soc_end)


def test_the_same_seed_lives_the_same_life(caught_up):
    one, two = (advance(caught_up[0])[1] for _ in range(2))
    for a, b in zip(one, two, strict=True):
        np.testing.assert_array_equal(a.batch.cell_voltage_volt, b.batch.cell_voltage_volt)
        np.testing.assert_array_equal(
            a.batch.scalar["current_ampere"], b.batch.scalar["current_ampere"]
        )


def test_noise_does_not_repeat_from_segment_to_segment(caught_up):
    state, first = advance(caught_up[0])
    _, second = advance(state)
    a, b = (s.batch.cell_voltage_volt[:40, 0] for s in (first[0], second[0]))
    assert not np.array_equal(a - np.median(a), b - np.median(b))


def test_vehicles_whose_history_ran_apart_live_on_together(caught_up):
    alone = [run(begin(SPEC, only=two), SPEC.live_second)[0] for two in ([1, 2], [3, 4])]
    merged = live.together(alone)
    assert_same_state(merged, caught_up[0])
    assert_same_state(advance(merged)[0], advance(caught_up[0])[0])


def test_live_goes_on_over_the_end_of_a_day(caught_up):
    state = live.paced(caught_up[0], Sampling(period_second=60.0, park_period_second=600.0))
    state = state._replace(spec=replace(state.spec, segment_second=3600.0))
    midnight = FLEET.start_second + 2.0 * SECOND_PER_DAY
    state, sent = run(state, midnight + 3.0 * 3600.0)
    assert state.day == 2
    for number in range(1, 5):
        time = column(sent, number, "time")
        assert (np.diff(time) > 0.0).all()
        assert np.diff(time).max() < 2400.0
        assert (np.diff(column(sent, number, "odometer_kilometre")) >= 0.0).all()


def test_live_may_begin_with_a_day():
    spec = replace(SPEC, live_from=0.0)
    state, sent = run(begin(spec), spec.live_second)
    assert is_live(state)
    assert len(sent) == 4
    _, stretches = advance(state)
    assert min(s.batch.unix_time_second[0] for s in stretches) >= spec.live_second


def test_a_record_can_be_placed_so_that_live_begins_at_an_instant():
    now = 1_750_000_123.0
    start = live.record_start(now, 1)
    assert LiveSpec(fleet=replace(FLEET, start_second=start)).live_second == now


def test_local_time_follows_the_offset_of_the_drivers_clocks():
    """The same day an hour and a half later, wherever the clock stands."""
    moved = fleet_spec(vehicles=4, days=1, seed=3, start_second=FLEET.start_second + 5400.0)
    assert moved.utc_offset_second == -5400.0
    plain = list(simulate(replace(FLEET, faults=())))
    for day, later in zip(plain, simulate(moved), strict=True):
        np.testing.assert_array_equal(
            day.batch.unix_time_second + 5400.0, later.batch.unix_time_second
        )
        np.testing.assert_allclose(day.truth.soc_fraction, later.truth.soc_fraction, atol=2e-4)
