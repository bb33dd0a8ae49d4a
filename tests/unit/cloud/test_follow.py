"""A vehicle followed row by row ends where the offline commands end (C4-07)."""

import numpy as np
import pytest

from voltherd.cloud.follow import advance, alike, begin, follows, glance
from voltherd.cloud.replay import replay
from voltherd.detection.engine import init, step
from voltherd.triage.findings import findings
from voltherd.types.merge import merged


def followed_in(batch, pieces, asset, with_twin=False):
    state = begin(batch, asset)
    for piece in pieces:
        state = advance(state, alike(state, piece), with_twin=with_twin)
    return state


def same(first, second):
    """Whether two nested values are equal to the bit."""
    if isinstance(first, np.ndarray):
        return first.dtype == second.dtype and np.array_equal(first, second, equal_nan=True)
    if isinstance(first, float):
        return first == second or (np.isnan(first) and np.isnan(second))
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[k], second[k]) for k in first)
    if isinstance(first, tuple):
        return len(first) == len(second) and all(map(same, first, second))
    if hasattr(first, "__dataclass_fields__"):
        return all(same(getattr(first, f), getattr(second, f)) for f in first.__dataclass_fields__)
    return first == second


@pytest.fixture(scope="module")
def batch(data):
    return data.drive(hours=3.0, period=10.0, stuck=4)


@pytest.mark.parametrize("sizes", [[12], [1, 7, 60, 3, 500], [100_000]], ids=str)
def test_detection_in_any_pieces_is_the_batch_result_to_the_bit(data, batch, sizes):
    asset = data.asset()
    whole = step(init("bus-1", batch.cells, batch.probes, asset=asset), batch)
    streamed = followed_in(batch, data.cut(batch, sizes), asset).detection
    assert findings(whole), "the planted fault is found, so there is something to compare"
    assert findings(whole) == findings(streamed)
    one, other = (s._replace(open_rows=None, late_rows=None) for s in (whole, streamed))
    assert same(one, other)


def test_sums_in_any_pieces_agree_to_1e_6(data, batch):
    one = followed_in(batch, [batch], data.asset()).usage
    many = followed_in(batch, data.cut(batch, [13]), data.asset()).usage
    for name in one._fields:
        np.testing.assert_allclose(getattr(many, name), getattr(one, name), rtol=1e-6, err_msg=name)


def test_the_twin_in_any_pieces_agrees_to_1e_6(data, batch):
    part = batch.between(0, 300)
    one = followed_in(part, [part], data.asset(), with_twin=True).twin
    many = followed_in(part, data.cut(part, [13]), data.asset(), with_twin=True).twin
    np.testing.assert_allclose(many.estimate.value, one.estimate.value, rtol=1e-6)
    np.testing.assert_allclose(many.estimate.sigma, one.estimate.sigma, rtol=1e-6)


def test_rows_that_lack_channels_count_as_missing_and_further_channels_are_told(data, batch):
    state = begin(batch, data.asset())
    poorer = batch.between(0, 10)
    poorer = type(poorer)(
        **{f: getattr(poorer, f) for f in poorer.__dataclass_fields__ if "scalar" not in f},
        scalar={"current_ampere": poorer.scalar["current_ampere"]},
        scalar_quality={"current_ampere": poorer.scalar_quality["current_ampere"]},
    )
    fitted = alike(state, poorer)
    assert fitted.scalar.keys() == batch.scalar.keys()
    assert np.isnan(fitted.scalar["soc_fraction"]).all()
    assert (fitted.scalar_quality["soc_fraction"] == 1).all()
    assert alike(begin(poorer, data.asset()), batch) is None


def test_live_rows_move_twin_and_newest_row_only(data, batch):
    before = followed_in(batch, [batch.between(0, 100)], data.asset(), with_twin=True)
    after = glance(before, batch.between(100, 110))
    assert after.newest.unix_time_second[-1] == batch.unix_time_second[109]
    assert after.twin.seen_second > before.twin.seen_second
    assert after.detection is before.detection
    assert after.usage is before.usage
    later = advance(after, batch.between(100, 110))  # the same rows as a chunk
    assert later.twin.seen_second == after.twin.seen_second
    assert later.usage.rows == 110


def test_the_newest_row_keeps_no_others_alive(data, batch):
    state = followed_in(batch, [batch], data.asset())
    assert state.newest.cell_voltage_volt.base is None


def test_rows_follow_only_when_all_are_later(data, batch):
    state = followed_in(batch, [batch.between(0, 100)], data.asset())
    assert follows(state, batch.between(100, 101))
    assert not follows(state, batch.between(99, 101))


def replayed(telemetry, asset):
    for progress in replay(telemetry, "bus-1", asset, lambda _: None):
        last = progress
    assert last.done
    return last.followed


def test_a_replay_gives_what_following_gives(data, batch):
    followed = followed_in(batch, data.cut(batch, [12]), data.asset(), with_twin=True)
    again = replayed(data.Remembered(batch), data.asset())
    assert findings(again.detection) == findings(followed.detection)
    assert again.usage.rows == followed.usage.rows
    np.testing.assert_allclose(again.twin.estimate.value, followed.twin.estimate.value, rtol=1e-6)


def test_a_replay_begins_anew_where_a_channel_turns_up_late(data, batch):
    half = batch.rows // 2
    early = batch.between(0, half)
    names = set(batch.scalar) - {"soc_fraction"}
    early = type(early)(
        **{f: getattr(early, f) for f in early.__dataclass_fields__ if "scalar" not in f},
        scalar={n: early.scalar[n] for n in names},
        scalar_quality={n: early.scalar_quality[n] for n in names},
    )
    late = batch.between(half, batch.rows)
    found = replayed(data.Remembered(early, late), data.asset())
    whole, _ = merged(early, late)
    expected = step(init("bus-1", batch.cells, batch.probes, asset=data.asset()), whole)
    assert findings(found.detection) == findings(expected)
    assert found.usage.rows == batch.rows


def test_a_replay_of_nothing_is_done_at_once(data):
    [progress] = replay(data.Remembered(), "nobody", None, lambda _: None)
    assert progress.done
    assert progress.followed is None
