"""Two edges of one name are told from one edge whose messages come late."""

import pytest

from voltherd.cloud.identity import Identities
from voltherd.types.record import EdgeState

NOW = 1_000.0


def signs(identities, *pairs):
    """Newest records by epoch and the second their frames were heard; the conflicts found."""
    told = (identities.record("bus-7", epoch, int(at * 1e9), NOW) for epoch, at in pairs)
    return [conflict.epochs for conflict in told if conflict is not None]


def state(epoch, online=True):
    return EdgeState(vehicle_id="bus-7", site_id="x", online=online, epoch=epoch)


def test_epochs_that_follow_each_other_are_one_edge():
    assert signs(Identities(), (1, 10), (1, 20), (2, 30), (2, 40), (3, 50)) == []


def test_epochs_that_alternate_in_time_are_two_edges_told_of_once():
    assert signs(Identities(), *((1 + at % 2, at) for at in range(10, 30))) == [(1, 2)]


def test_old_records_that_come_late_are_no_return():
    assert signs(Identities(), (1, 10), (2, 30), (1, 20), (2, 40), (1, 25), (2, 50)) == []


def test_a_clock_far_ahead_proves_nothing_and_blinds_nobody():
    ahead = NOW + 301.0
    assert signs(Identities(), (1, ahead), (2, 10), (1, 20), (2, 30), (1, 40)) == [(1, 2)]


@pytest.mark.parametrize(("epochs", "found"), [((1, 2, 1, 2), 0), ((1, 2, 1, 2, 1, 2), 1)])
def test_states_must_return_more_often(epochs, found):
    identities = Identities()
    told = [identities.state(state(epoch), NOW) for epoch in epochs]
    assert len([conflict for conflict in told if conflict is not None]) == found


def test_reboots_do_not_add_up_to_a_conflict():
    identities = Identities()
    for boot in range(1, 50):
        for epoch in (boot, boot - 1, boot):  # the last state before the reboot comes late
            assert boot == 1 or identities.state(state(epoch), NOW) is None


def test_only_the_will_of_an_earlier_epoch_is_superseded():
    identities = Identities()
    assert not identities.superseded(state(1, online=False))
    identities.state(state(2), NOW)
    assert identities.superseded(state(1, online=False))
    assert not identities.superseded(state(2, online=False))
    assert not identities.superseded(state(1, online=True))
