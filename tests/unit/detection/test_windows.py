import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from windows_of import batch_of

from voltherd.detection.windows import (
    CHARGE,
    DRIVE,
    REST,
    ROWS_PER_WINDOW_MAX,
    closing_rows,
    operating_state,
    summarise,
)

STEPS = st.lists(st.sampled_from([0.0, 0.1, 1.0, 10.0, 30.0, 61.0, 4000.0]), max_size=400)


def closed_times(times, cuts):
    """Closing times when the rows arrive in pieces, as the engine feeds them."""
    found, last, millisecond, rows = [], np.nan, 0, 0
    for piece in np.split(times, cuts):
        if not len(piece):
            continue
        closing, observed = closing_rows(piece, last, millisecond, rows)
        found += piece[closing].tolist()
        last, millisecond, rows = float(piece[-1]), int(observed[-1]), rows + len(piece)
        if len(closing):
            millisecond -= int(observed[closing[-1]])
            rows = len(piece) - 1 - int(closing[-1])
    return found


@given(STEPS, st.lists(st.integers(0, 400), max_size=8))
@settings(deadline=None)
def test_windows_close_at_the_same_samples_however_the_rows_arrive(steps, cuts):
    times = 1.6e9 + np.cumsum(np.array([0.0, *steps]))
    assert closed_times(times, sorted(cuts)) == closed_times(times, [])


@given(STEPS)
@settings(deadline=None)
def test_a_window_closes_without_knowing_what_comes_after(steps):
    times = 1.6e9 + np.cumsum(np.array([0.0, *steps]))
    for row in closing_rows(times)[0]:
        assert row in closing_rows(times[: row + 1])[0]


def test_a_parked_night_neither_fills_nor_splits_a_window():
    drive = np.arange(0.0, 200.0, 10.0)
    times = np.concatenate([drive, 40_000.0 + drive])
    # 190 s, then a minute of the night counts: the window closes 50 s into the next morning.
    assert times[closing_rows(times)[0]].tolist() == [40_050.0]


def test_a_fast_or_frozen_clock_cannot_grow_a_window_without_bound():
    assert closing_rows(np.zeros(3 * ROWS_PER_WINDOW_MAX))[0].tolist() == [
        ROWS_PER_WINDOW_MAX * k - 1 for k in (1, 2, 3)
    ]


def test_rest_drive_and_charge_are_told_apart_and_unknown_speed_counts_as_standing():
    volt = np.full((4, 2), 3.7)
    current = [0.5, -40.0, 30.0, 30.0]
    told = batch_of(range(4), volt, current_ampere=current, speed_kilometre_per_hour=[0, 50, 50, 0])
    assert operating_state(told).tolist() == [REST, DRIVE, DRIVE, CHARGE]
    assert operating_state(batch_of(range(4), volt, current_ampere=current))[2] == CHARGE
    assert (operating_state(batch_of(range(4), volt)) == DRIVE).all()


def test_an_isolated_dip_of_every_cell_moves_no_cell():
    rng = np.random.default_rng(3)
    volt = 3.7 + rng.normal(0.0, 0.001, (61, 12))
    dipped = volt.copy()
    dipped[20, ::2] -= 0.2  # cells read at different moments of a current step
    times, current = 10.0 * np.arange(61), np.full(61, -30.0)
    clean, with_dip = (
        summarise(batch_of(times, v, current_ampere=current), closing_rows(times)[0])
        for v in (volt, dipped)
    )
    shift = with_dip.deviation_volt[:, DRIVE] - clean.deviation_volt[:, DRIVE]
    assert np.abs(shift).max() < 0.0006


def test_a_missing_cell_is_left_out_and_the_others_do_not_notice():
    holed = np.full((61, 9), 3.7)
    holed[:, 0] = 3.6
    holed[::2, 4] = np.nan
    holed[:, 7] = np.nan
    times = 10.0 * np.arange(61)
    found = summarise(batch_of(times, holed), closing_rows(times)[0])
    assert np.isnan(found.deviation_volt[:, DRIVE, 7]).all()
    told = np.delete(found.deviation_volt[0, DRIVE], 7)
    np.testing.assert_allclose(told, [-0.1, 0, 0, 0, 0, 0, 0, 0], atol=1e-6)
    assert np.isnan(found.sum_volt).all()


def test_the_slope_on_current_is_the_added_resistance():
    rng = np.random.default_rng(4)
    times = 10.0 * np.arange(91)
    amps = rng.normal(-40.0, 40.0, 91)
    volt = 3.7 + 1e-3 * amps[:, None] * np.ones(10)
    volt[:, 3] += 4e-4 * amps
    moving = np.full(91, 50.0)
    batch = batch_of(times, volt, current_ampere=amps, speed_kilometre_per_hour=moving)
    found = summarise(batch, closing_rows(times)[0])
    slope = found.follow_watt.sum(axis=0) / found.follow_ampere2.sum()
    np.testing.assert_allclose(slope[3], 4e-4, rtol=0.02)
    np.testing.assert_allclose(np.delete(slope, 3), 0.0, atol=1e-6)
    own = found.follow_pack_watt.sum() / found.follow_ampere2.sum()
    np.testing.assert_allclose(own, 1e-3, rtol=0.02)
