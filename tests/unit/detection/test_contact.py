"""Resistance beyond the pack's, beyond the neighbours', and beyond what it was."""

import numpy as np
import pytest

from voltherd.detection import contact
from voltherd.detection.follow import Follow, beyond_neighbours, without
from voltherd.detection.memory import init
from voltherd.types.event import Severity

CELLS, OWN = 48, 4e-4
AMPERE2 = 4e6


def follow(added_ohm, ampere2=AMPERE2):
    return Follow(ampere2, np.full(CELLS, ampere2), added_ohm * ampere2, OWN * ampere2)


def memory(now, lately=None, long=None, looked=4000.0):
    lately = now if lately is None else lately
    return init(CELLS)._replace(
        periods=200,
        looked=looked,
        follow=follow(now),
        follow_lately=follow(lately),
        follow_long=Follow(
            *map(sum, zip(follow(lately), follow(now if long is None else long), strict=True))
        ),
    )


def pack(seed=1, spread_ohm=4e-6):
    return np.random.default_rng(seed).normal(0.0, spread_ohm, CELLS)


def boards(seed=1):
    """Cells of one measuring board share its delay, which looks like resistance."""
    return pack(seed) + np.repeat([0.0, 5e-5, -4e-5, 2e-5], CELLS // 4)


def named(verdicts):
    return {v.location.index for v in verdicts}


def test_nobody_is_named_in_a_healthy_pack():
    assert [contact.judge(memory(pack(seed))) for seed in range(30)] == [()] * 30
    assert [contact.judge(memory(boards(seed))) for seed in range(30)] == [()] * 30


@pytest.mark.parametrize("added", [6e-5, 1e-4, 1e-3])
def test_a_bad_joint_is_told_though_boards_are_read_at_different_moments(added):
    ohm = boards()
    ohm[20] += added
    [verdict] = contact.judge(memory(ohm))
    assert verdict.location.index == 21
    assert verdict.numbers["added_ohm"] == pytest.approx(added, rel=0.05, abs=3e-5)


def test_a_joint_that_has_become_worse_is_told_by_its_own_past():
    before = pack(spread_ohm=3e-5)
    lately = before.copy()
    lately[11] += 3e-5
    assert contact.judge(memory(before)) == ()
    assert named(contact.judge(memory(before, lately, before))) == {12}


def test_what_warms_all_joints_alike_names_nobody():
    before = boards()
    assert contact.judge(memory(1.2 * before, 1.2 * before + 5e-5, before)) == ()


def test_severity_follows_the_share_and_the_heat():
    ohm = pack()
    ohm[7] += 3e-4
    assert [v.severity for v in contact.judge(memory(ohm))] == [Severity.RECOMMENDED]
    ohm[7] = 1e-4
    mild, hot = memory(ohm), memory(ohm, looked=100.0)
    assert [v.severity for v in contact.judge(mild)] == [Severity.OPERATING]
    [verdict] = contact.judge(hot)
    assert verdict.severity is Severity.RECOMMENDED
    assert verdict.numbers["heat_watt"] == pytest.approx(1e-4 * AMPERE2 / 100.0, rel=0.1)


def test_without_enough_current_nothing_is_said():
    ohm = pack()
    ohm[7] += 1e-3
    quiet = memory(ohm)._replace(follow=follow(ohm, 1e5))
    assert contact.judge(quiet) == ()


def test_a_short_memory_taken_out_of_a_long_one_leaves_the_rest():
    long, short = follow(pack(1), 3e6), follow(pack(2), 1e6)
    rest = without(long, short)
    assert rest.ampere2 == 2e6
    assert np.allclose(rest.watt, long.watt - short.watt)


def test_steps_along_the_string_drop_out():
    assert np.abs(beyond_neighbours(np.repeat([0.0, 1.0, -2.0], 12))).max() == 0.0
