"""The chain loses nothing it acknowledged and does nothing twice, whatever happens to it.

Each scenario runs with many seeds; ``VOLTHERD_SEEDS`` says how many, and a failing seed is printed
and reproduces alone with ``VOLTHERD_SEED``.
"""

import os
from contextlib import ExitStack, closing

import pytest

from tests.chain.edge import SITE, rows_of
from tests.sim.chain_world import World
from voltherd.adapters.memory.record_log import MemoryRecordLog
from voltherd.adapters.records.store import RecordStore
from voltherd.adapters.sqlite.outbox import SqliteOutbox
from voltherd.edge.runtime import Room
from voltherd.sim.link import LinkFaults
from voltherd.topics import topic
from voltherd.types.record import GapReason, RecordKind
from voltherd.wire.envelope import decode, decode_gap

pytestmark = pytest.mark.long

SEEDS = int(os.environ.get("VOLTHERD_SEEDS", "2"))
ONLY = os.environ.get("VOLTHERD_SEED")
BAD = LinkFaults(
    loss=0.1,
    duplicate=0.1,
    corrupt=0.05,
    truncate=0.03,
    refuse=0.05,
    delay_second=4.0,
    overtake=True,
)


@pytest.fixture(params=[int(ONLY)] if ONLY else range(SEEDS), ids=lambda seed: f"seed {seed}")
def seed(request):
    return request.param


@pytest.fixture
def world(seed):
    made = World(seed, MemoryRecordLog())
    made.add("bus-1")
    made.add("bus-2")
    return made


def run(world, steps, produce=0.5, second=5.0, meanwhile=lambda world: None):
    for _ in range(steps):
        meanwhile(world)
        world.step(second, produce)


def account(world):
    """Let the chain settle and hold it to its promises."""
    world.settle()
    for vehicle_id in {edge.vehicle_id for edge in world.edges}:
        disks = [edge.outbox for edge in world.edges if edge.vehicle_id == vehicle_id]
        epochs = {n for edge in world.edges if edge.vehicle_id == vehicle_id for n in edge.epochs}
        ever = {key: record for disk in disks for key, record in disk.ever.items()}
        given_up = set().union(*(disk.given_up for disk in disks))
        acknowledged = set().union(*(disk.acknowledged for disk in disks))
        kept = world.cloud.log.records(vehicle_id)
        found = {record.key: record for record in kept}
        assert len(kept) == len(found), "a record is there twice"
        assert {key.epoch for key in found} <= epochs, "a record comes from nowhere"
        assert acknowledged <= found.keys(), "an acknowledged record is lost"
        for key in ever.keys() & found.keys():
            assert ever[key] == found[key], "a record has changed"
        assert ever.keys() - given_up <= found.keys(), "a record is lost, and no gap says so"
        here = found.keys() & ever.keys()
        assert sum(rows_of(found[key]) for key in here) == sum(
            rows_of(ever[key]) for key in (ever.keys() - given_up) | here
        ), "samples are missing or doubled"
        told_missing = {
            (gap.epoch, seq)
            for gap in (decode_gap(r.body) for r in kept if r.kind is RecordKind.GAP)
            for first, last in gap.dropped
            for seq in range(first, last + 1)
        }
        missing = {(key.epoch, key.seq) for key in given_up - found.keys()}
        assert missing <= told_missing, "given up, and no gap says so"
        there = {(key.epoch, key.seq) for key in here - given_up}
        # A twin cannot know an epoch that is not its own, and says that it lacks those records.
        assert len(disks) > 1 or not there & told_missing, "a gap where there is none"
    assert world.open_holes() == []
    told = world.cloud.told
    assert not told or max(told.values()) == 1, "a listener was told of a record twice"
    assert world.cloud.ingest.counts().conflicts + world.cloud.past["conflicts"] == 0


def test_all_is_well_when_nothing_happens(world):
    run(world, 100)
    account(world)
    counts = world.cloud.ingest.counts()
    assert (counts.duplicates, counts.malformed, counts.dropped, counts.questions) == (0, 0, 0, 0)
    assert not world.cloud.conflicts


def test_a_link_that_loses_doubles_damages_delays_and_swaps(world):
    world.become(BAD)
    run(world, 80)
    account(world)
    assert world.cloud.ingest.counts().malformed > 0
    assert world.cloud.ingest.counts().duplicates > 0


def test_payloads_that_grow_too_long(world):
    world.become(LinkFaults(oversize=0.2))
    run(world, 40)
    assert world.cloud.ingest.counts().oversized > 0
    account(world)


def test_a_link_cut_for_three_days(world):
    run(world, 20)
    world.cut()
    run(world, 3 * 24 * 2, produce=0.7, second=1_800.0)
    waiting = sum(edge.waiting() for edge in world.edges)
    assert waiting > 150
    account(world)


def test_a_link_that_comes_and_goes_unnoticed_at_first(world):
    world.become(LinkFaults(delay_second=2.0, unnoticed_second=20.0))

    def flap(world):
        (world.cut if world.chance.random() < 0.5 else world.heal)()

    run(world, 80, meanwhile=flap)
    account(world)


@pytest.mark.parametrize("keep_retained", [True, False], ids=["kept", "lost"])
def test_a_broker_that_dies_and_comes_back(world, keep_retained):
    def restart(world):
        if world.chance.random() < 0.2:
            world.stop_broker(keep_retained) if world.broker_up else world.start_broker()

    run(world, 80, meanwhile=restart)
    account(world)
    run(world, 2, produce=0.0)
    for edge in world.edges:
        state = decode(world.broker.retained(topic(SITE, edge.vehicle_id, "state")))
        assert state.online and state.epoch == edge.epochs[-1]


def test_a_cloud_that_dies_at_every_step(world):
    world.cloud.mishaps.crash = 0.05
    run(world, 100)
    assert world.cloud.starts > 5
    account(world)


def test_edges_that_die_at_every_step(world):
    for edge in world.edges:
        edge.mishaps.crash = 0.02
    run(world, 100)
    assert sum(len(edge.epochs) for edge in world.edges) > 5
    account(world)
    assert not world.cloud.conflicts, "a reboot is no second edge"


def test_a_cloud_whose_disk_is_full(world):
    def fill(world):
        if world.chance.random() < 0.1:
            world.cloud.mishaps.full = not world.cloud.mishaps.full

    run(world, 80, meanwhile=fill)
    account(world)


def test_edges_whose_disk_is_full(world):
    def fill(world):
        for edge in world.edges:
            if world.chance.random() < 0.1:
                edge.mishaps.full = not edge.mishaps.full

    run(world, 80, meanwhile=fill)
    account(world)


def test_edges_that_die_while_their_disk_is_full(world):
    def suffer(world):
        for edge in world.edges:
            if world.chance.random() < 0.2:
                edge.mishaps.full = not edge.mishaps.full
            edge.mishaps.crash = 0.03 if edge.mishaps.full else 0.0

    run(world, 100, meanwhile=suffer)
    account(world)


def test_edges_that_must_drop_what_waited_too_long(seed):
    world = World(seed, MemoryRecordLog())
    world.add("bus-3", room=Room(outbox_bytes_max=4_500))
    world.cut()
    run(world, 350, produce=1.0, second=60.0)
    account(world)
    gaps = [r for r in world.cloud.log.records("bus-3") if r.kind is RecordKind.GAP]
    reasons = {decode_gap(record.body).reason for record in gaps}
    assert reasons == {GapReason.THINNED, GapReason.FULL}


def test_two_edges_with_one_name(world):
    world.add("bus-1")
    world.become(LinkFaults(loss=0.05, duplicate=0.05, delay_second=1.0, overtake=True))
    run(world, 100)
    account(world)
    twins = {edge.epochs[-1] for edge in world.edges if edge.vehicle_id == "bus-1"}
    assert {c.vehicle_id for c in world.cloud.conflicts} == {"bus-1"}
    assert {frozenset(c.epochs) for c in world.cloud.conflicts} == {frozenset(twins)}


def test_clocks_that_jump(world):
    def jump(world):
        for edge in world.edges:
            if world.chance.random() < 0.05:
                edge.clock.jump(float(world.chance.normal(0.0, 86_400.0)))
            if world.chance.random() < 0.02:
                edge.start()

    run(world, 100, meanwhile=jump)
    account(world)
    assert not world.cloud.conflicts, "a clock that jumps is no second edge"


def test_a_cloud_that_is_slow(world):
    def dawdle(world):
        world.slow = bool(world.chance.random() < 0.9)

    run(world, 100, produce=1.0, meanwhile=dawdle)
    account(world)


def everything(world, steps):
    """Every mishap, each by chance."""
    world.become(BAD)
    world.cloud.mishaps.crash = 0.01
    for edge in world.edges:
        edge.mishaps.crash = 0.005

    def more(world):
        toss = world.chance.random(8)
        if toss[0] < 0.03:
            (world.heal if world.is_cut else world.cut)()
        if toss[1] < 0.03:
            world.stop_broker(bool(toss[2] < 0.5)) if world.broker_up else world.start_broker()
        if toss[3] < 0.05:
            world.cloud.mishaps.full = not world.cloud.mishaps.full
        if toss[4] < 0.05:
            disk = world.edges[int(toss[5] * len(world.edges))].mishaps
            disk.full = not disk.full
        if toss[6] < 0.02:
            world.edges[0].clock.jump(float(world.chance.normal(0.0, 3_600.0)))
        world.slow = bool(toss[7] < 0.3)

    run(world, steps, meanwhile=more)
    account(world)


def test_everything_at_once(world):
    world.add("bus-1")  # a second edge of that name
    everything(world, 150)


def test_everything_at_once_on_real_disks(seed, tmp_path):
    with ExitStack() as media:
        store = media.enter_context(closing(RecordStore(tmp_path / "store")))
        world = World(seed, store)
        for name in ("bus-1", "bus-2"):
            world.add(name, media.enter_context(closing(SqliteOutbox(tmp_path / name))))
        everything(world, 80)
        kept = {edge.vehicle_id: store.records(edge.vehicle_id) for edge in world.edges}
    with closing(RecordStore(tmp_path / "store")) as again:
        for vehicle_id, records in kept.items():
            assert again.records(vehicle_id) == records
            assert 0 < again.read(vehicle_id).rows <= sum(map(rows_of, records))
