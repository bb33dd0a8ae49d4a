"""A bad link does what it is told to, by its clock and from its seed, and nothing else."""

from collections import Counter

import numpy as np
import pytest

from tests.chain.clock import TestClock
from voltherd.adapters.memory.bus import MemoryBroker
from voltherd.sim.link import PERFECT, LinkFaults, LossyLink

SENT = 1_000


class Lane:
    """Two clients, one of them behind a link."""

    def __init__(self, faults, seed=1):
        self.clock = TestClock()
        self.broker = MemoryBroker()
        self.bus = self.broker.connect("far")
        self.link = LossyLink(self.bus, self.clock, np.random.default_rng(seed), faults)
        self.near = self.broker.connect("near")
        self.outward, self.inward = [], []
        self.near.subscribe("out", lambda t, p: self.outward.append(p))
        self.link.subscribe("in", lambda t, p: self.inward.append(p))

    def carry(self, second=0.0):
        self.clock.sleep(second)
        for _ in range(2):
            self.link.pump()
            self.broker.pump()


def sent(faults, inward=False, seed=1, number=SENT):
    """What arrives of numbered payloads."""
    lane = Lane(faults, seed)
    for n in range(number):
        payload = b"%06d" % n
        assert lane.near.publish("in", payload) if inward else lane.link.publish("out", payload)
    lane.carry()
    lane.carry(1e6)
    return lane.inward if inward else lane.outward


@pytest.mark.parametrize("inward", [False, True])
def test_a_perfect_link_changes_nothing(inward):
    assert sent(PERFECT, inward) == [b"%06d" % n for n in range(SENT)]


@pytest.mark.parametrize("inward", [False, True])
def test_loss_and_doubling_come_as_often_as_told(inward):
    arrived = Counter(sent(LinkFaults(loss=0.2, duplicate=0.3), inward))
    assert len(arrived) / SENT == pytest.approx(0.8, abs=0.05)
    twice = sum(times == 2 for times in arrived.values())
    assert max(arrived.values()) == 2
    assert twice / len(arrived) == pytest.approx(0.3, abs=0.06)


def test_damage_flips_few_bits_and_keeps_the_length():
    arrived = sent(LinkFaults(corrupt=0.25))
    assert all(len(payload) == 6 for payload in arrived)
    flipped = [
        bin(int.from_bytes(payload) ^ int.from_bytes(b"%06d" % n)).count("1")
        for n, payload in enumerate(arrived)
    ]
    assert max(flipped) <= 8
    assert np.mean(np.array(flipped) > 0) == pytest.approx(0.25, abs=0.06)


def test_payloads_are_cut_short_or_grow_past_what_a_bus_takes():
    assert {len(p) for p in sent(LinkFaults(truncate=0.5), number=200)} == set(range(7))
    grown = sent(LinkFaults(oversize=0.5, oversize_bytes=(1 << 20) + 1), inward=True, number=20)
    assert {len(payload) for payload in grown} == {6, (1 << 20) + 1}
    assert all(payload.startswith(b"%06d" % n) for n, payload in enumerate(grown))


@pytest.mark.parametrize("overtake", [False, True])
def test_delay_is_in_the_clock_s_time_and_keeps_the_order_unless_told(overtake):
    lane = Lane(LinkFaults(delay_second=2.0, overtake=overtake))
    for n in range(SENT):
        lane.link.publish("out", b"%06d" % n)
    assert lane.link.next_due() is not None
    lane.carry()
    assert lane.outward == []
    lane.carry(1.0)
    if overtake:
        assert len(lane.outward) / SENT == pytest.approx(1.0 - np.exp(-0.5), abs=0.06)
    lane.carry(100.0)
    assert lane.link.next_due() is None
    assert sorted(lane.outward) == [b"%06d" % n for n in range(SENT)]
    assert (lane.outward == sorted(lane.outward)) is not overtake


def test_the_bus_refuses_as_often_as_told():
    lane = Lane(LinkFaults(refuse=0.3))
    taken = sum(lane.link.publish("out", b"x") for _ in range(SENT))
    lane.carry()
    assert taken == len(lane.outward)
    assert taken / SENT == pytest.approx(0.7, abs=0.05)


def test_a_cut_takes_what_is_on_its_way_and_is_noticed_late():
    lane = Lane(LinkFaults(delay_second=1.0, unnoticed_second=20.0))
    lane.link.publish("out", b"on its way")
    lane.link.cut()
    assert lane.link.publish("out", b"into the void")
    lane.near.publish("in", b"never heard")
    lane.carry(25.0)
    assert not lane.link.publish("out", b"refused")
    before = lane.link.connections()
    lane.link.heal()
    assert lane.link.connections() == before + 1
    assert lane.link.publish("out", b"whole again")
    lane.carry(100.0)
    assert (lane.outward, lane.inward) == ([b"whole again"], [])


def test_a_seed_gives_the_same_link_again():
    faults = LinkFaults(loss=0.2, duplicate=0.2, corrupt=0.2, delay_second=1.0, overtake=True)
    assert sent(faults, seed=7) == sent(faults, seed=7) != sent(faults, seed=8)
