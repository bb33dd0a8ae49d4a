"""Frames to rows: none lost, none twice, whatever the bus does."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.edge.simulated_bus import START, batch, database, heard, wired
from voltherd.edge import image
from voltherd.edge.decode import decode
from voltherd.edge.wiring import wire_up
from voltherd.intake.profile import ChannelRule, GroupRule, Profile
from voltherd.types.frame import CanFrame, MessageLayout, SignalLayout


def three(names="ABC"):
    """A bus of three one-byte messages: a cell, a probe's place, a current."""
    messages = tuple(
        MessageLayout(name, 1 + k, False, (SignalLayout(f"{name}1", 0, 8, scale=0.1),))
        for k, name in enumerate(names)
    )
    return wire_up(
        messages,
        Profile(
            cells=GroupRule(columns=("A1", "B1"), indices=(1, 2)),
            scalar={"current_ampere": ChannelRule(column="C1")},
        ),
    )


def said(text, start=0.0, period=1.0, apart=0.01):
    """Cycles of frames from text: 'AB' are frames 10 ms apart, a blank ends the cycle."""
    frames, count = [], 0
    for cycle, part in enumerate(text.split(" ")):
        for k, letter in enumerate(part):
            count += 1
            second = start + cycle * period + k * apart
            frames.append(CanFrame("ABC".index(letter) + 1, bytes([count % 251]), second, count))
    return frames


def contents(images):
    return [tuple(row.data) for row in images]


def run(wiring, frames, cuts=(), end=1e9, **options):
    """Feed frames in pieces, then let the bus fall quiet."""
    state, images, jumps = image.init(wiring), [], []
    edges = [0, *sorted(cuts), len(frames)]
    for first, stop in pairwise(edges):
        state, found = image.step(wiring, state, frames[first:stop], **options)
        jumps += [jump._replace(row=jump.row + len(images)) for jump in found.jumps]
        images += found.images
    state, found = image.step(wiring, state, [], now_second=end)
    return state, [*images, *found.images], jumps


def test_each_cycle_becomes_a_row_at_the_time_of_its_last_frame():
    state, rows, _ = run(three(), said("ABC ABC ABC ABC ABC"))
    assert contents(rows) == [(1, 2, 3), (4, 5, 6), (7, 8, 9), (10, 11, 12), (13, 14, 15)]
    assert [row.second for row in rows] == [0.02, 1.02, 2.02, 3.02, 4.02]
    assert [row.heard_first_nanosecond for row in rows] == [1, 4, 7, 10, 13]
    assert [row.heard_last_nanosecond for row in rows] == [3, 6, 9, 12, 15]
    assert state.agreed >= image.AGREE and state.ending == 2


def test_once_it_shows_what_ends_a_cycle_a_row_is_closed_at_once():
    wiring = three()
    state, _, _ = run(wiring, said("ABC ABC ABC ABC"), end=-1e9)
    before = said("AB", start=4.0)
    state, found = image.step(wiring, state, before)
    assert len(found.images) == 0
    _, found = image.step(wiring, state, said("C", start=4.02))
    assert contents(found.images) == [(1, 2, 1)]


def test_an_edge_that_starts_within_a_cycle_finds_the_right_end():
    state, rows, _ = run(three(), said("C ABC ABC ABC ABC ABC"))
    assert state.ending == 2
    assert contents(rows)[-3:] == [(8, 9, 10), (11, 12, 13), (14, 15, 16)]
    assert {value for row in contents(rows) for value in row} >= set(range(1, 17)), "none lost"


def test_a_message_that_ends_the_cycle_no_more_gives_way_to_another():
    state, rows, _ = run(three(), said("ABC ABC ABC ABC AB AB AB AB AB AB"))
    assert state.ending == 1
    assert rows[-1].second == pytest.approx(9.01)
    assert rows[-1].age_second == pytest.approx((0.01, 0.0, 5.99 + 0.0))


@given(st.lists(st.sampled_from(["ABC", "AB", "C", "BCA", "A", "ABCA"]), min_size=1, max_size=12))
def test_no_sample_is_lost_and_none_comes_twice_as_new(parts):
    """With cycles a second apart every payload is in a row while its slot is fresh."""
    wiring, frames = three(), said(" ".join(parts))
    state, rows, _ = run(wiring, frames, row_second_min=0.0)
    seen = {value for row in contents(rows) for value in row}
    assert seen >= {frame.data[0] for frame in frames}
    seconds = [row.second for row in rows]
    assert seconds == sorted(seconds)
    assert state.counts == image.Counts(frames=len(frames))


@given(cuts=st.lists(st.integers(0, 30), max_size=8), parts=st.integers(1, 10))
def test_rows_do_not_depend_on_how_frames_are_cut_into_calls(cuts, parts):
    frames = said(" ".join(["ABC", "AB", "ABCA"][k % 3] for k in range(parts)))
    whole = run(three(), frames)
    pieces = run(three(), frames, cuts=[min(c, len(frames)) for c in cuts])
    assert whole == pieces


def test_a_message_of_each_cycle_and_one_of_each_tenth_share_rows():
    """Ten voltages a second and one temperature: ten rows, each with all voltages."""
    sent = batch(40, period_second=0.1)
    wiring = wired()
    frames = heard(sent, every={"BMS_Probes": 10})
    _, rows, _ = run(wiring, frames)
    got = decode(wiring, "bus-7", rows).batch
    kept = np.isin(got.unix_time_second, sent.unix_time_second)
    assert kept.sum() == 40 and len(kept) <= 43
    np.testing.assert_array_equal(got.cell_voltage_volt[kept], sent.cell_voltage_volt)
    np.testing.assert_array_equal(
        got.probe_temperature_celsius[kept],
        np.repeat(sent.probe_temperature_celsius[::10], 10, axis=0),
    )


def test_rows_come_no_faster_than_asked_and_what_that_costs_is_counted():
    frames = said(" ".join(["ABC"] * 100), period=0.01, apart=0.001)
    state, rows, _ = run(three(), frames, row_second_min=0.05)
    assert len(rows) == pytest.approx(20, abs=2)
    assert (np.diff([row.second for row in rows])[3:-1] >= 0.05 - 1e-6).all()
    assert state.counts.merged == pytest.approx(300 - 3 * 20, abs=20)


def test_speed_or_mileage_alone_make_no_rows():
    signals = [SignalLayout("V", 0, 8), SignalLayout("I", 0, 8)]
    wiring = wire_up(
        tuple(MessageLayout(s.name, k, False, (s,)) for k, s in enumerate(signals)),
        Profile(
            scalar={
                "speed_kilometre_per_hour": ChannelRule(column="V"),
                "current_ampere": ChannelRule(column="I"),
            }
        ),
    )
    frames = [CanFrame(0, bytes([k]), 0.1 * k, 0) for k in range(9)]
    frames.insert(5, CanFrame(1, b"\7", 0.45, 0))
    state, rows, _ = run(wiring, frames)
    assert len(rows) == 1 and rows[0].data == b"\x08\x07"
    assert state.counts.merged == 8


def test_what_is_no_plain_sample_is_counted():
    wiring = three()
    frames = said("ABC ABC ABC ABC")
    again = frames[4]._replace(data=frames[4].data)
    older = CanFrame(1, b"\x63", 2.9, 0)
    odd = [
        CanFrame(0x77, b"\1", 3.0, 0),
        CanFrame(1, b"\1", float("nan"), 0),
        CanFrame(1, b"", 3.9, 0),
    ]
    state, rows, _ = run(wiring, [*frames[:5], again, *frames[5:], older, *odd], end=100.0)
    assert state.counts == image.Counts(
        frames=17, unknown=1, short=1, repeated=1, late=1, timeless=1
    )
    assert contents(rows)[:4] == [(1, 2, 3), (4, 5, 6), (7, 8, 9), (10, 11, 12)]
    assert rows[4].length == (0, 1, 1), "a frame without the signal takes its value away"


def test_long_frames_are_cut_to_what_is_known():
    wiring = three()
    frames = [f._replace(data=f.data + b"\xee" * 7) for f in said("ABC ABC")]
    _, rows, _ = run(wiring, frames)
    assert contents(rows) == [(1, 2, 3), (4, 5, 6)]


def test_a_late_frame_never_turns_rows_back():
    wiring = three()
    frames = said("ABC ABC ABC ABC ABC")
    frames.append(CanFrame(2, b"\x63", frames[-1].second - 0.005, 99))
    state, rows, _ = run(wiring, frames)
    seconds = [row.second for row in rows]
    assert len(rows) == 6 and seconds == sorted(seconds)
    assert seconds[-1] == seconds[-2]
    assert state.counts.late == 0, "it is newer than what its slot held"


@pytest.mark.parametrize("by", [-3600.0, -1.5])
def test_a_clock_set_back_parts_rows_and_steady_time_goes_on(by):
    wiring = three()
    frames = [*said("ABC ABC ABC ABC"), *said("ABC ABC", start=4.0 + by)]
    state, rows, jumps = run(wiring, frames, end=1e9)
    assert jumps == [image.Jump(4, pytest.approx(3.02), pytest.approx(4.0 + by))]
    assert [row.second for row in rows[4:]] == pytest.approx([4.02 + by, 5.02 + by])
    steady = np.diff([row.steady_second for row in rows])
    assert (steady >= 0.0).all() and steady.sum() == pytest.approx(4.04, abs=0.1)
    assert all(max(row.age_second) < 1.1 for row in rows[:])
    assert state.correction_second == pytest.approx(-by - 0.98)


def test_a_pause_is_a_jump_only_for_who_knows_better():
    wiring = three()
    frames = [*said("ABC ABC"), *said("ABC", start=5000.0)]
    _, rows, jumps = run(wiring, frames)
    assert jumps == [] and rows[-1].steady_second == pytest.approx(5000.02)
    _, rows, jumps = run(wiring, frames, forward_second=1000.0)
    assert len(jumps) == 1 and jumps[0].row == 2
    assert rows[-1].steady_second == pytest.approx(1.04)


def test_silent_messages_age_until_they_are_no_value():
    wiring = three()
    frames = [*said("ABC ABC ABC ABC"), *said(" ".join(["AB"] * 8), start=4.0)]
    _, rows, _ = run(wiring, frames)
    got = decode(wiring, "v", rows).batch
    current = got.scalar["current_ampere"]
    assert np.isfinite(current[got.unix_time_second < 8.0]).all()
    assert np.isnan(current[got.unix_time_second > 8.1]).all()


def test_arguments_are_left_as_they_are():
    wiring = three()
    start = image.init(wiring)
    kept = start._replace()
    image.step(wiring, start, said("ABC ABC"))
    assert start == kept


def test_a_declared_period_lengthens_patience():
    _, _, known, _ = database(8, 0, 60.0)
    from voltherd.edge.guess import guess_profile

    assert set(wire_up(known, guess_profile(known)).timeout_second) == {180.0}
    assert set(wired(8, 0).timeout_second) == {5.0}
    assert START > 0.0
