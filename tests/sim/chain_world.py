"""Edges, a bad link, a broker, a cloud and a clock, all in virtual time and from one seed.

Edges and ingest are the real ones.  Every process can crash at every call of a port, before the
call did anything or after it did all; what is durable survives, what is in memory does not.
"""

from collections import Counter

import numpy as np

from tests.chain.clock import TestClock
from tests.chain.edge import Vehicle, WatchedOutbox, runtime, will_of
from voltherd.adapters.memory.bus import MemoryBroker
from voltherd.adapters.memory.outbox import MemoryOutbox
from voltherd.cloud.ingest import Ingest, IngestLimits
from voltherd.errors import StoreError
from voltherd.sim.link import PERFECT, LinkFaults, LossyLink
from voltherd.types.record import RecordKey, SeqRange

STEP_SECOND = 5.0
QUIET_SECOND = 3 * 3600.0
"""How long the healed chain may take to settle [s]; less than a resend each after every pause."""


class Crash(BaseException):
    """A process ends here, whatever it was about to do."""


class Mishaps:
    """What goes wrong with a port at the next calls."""

    def __init__(self, chance):
        self.chance = chance
        self.crash = 0.0
        self.full = False

    def meets(self):
        return self.crash > 0.0 and self.chance.random() < self.crash


class Faulty:
    """A port in front of which, and behind which, its process may crash, and whose medium fills."""

    def __init__(self, port, mishaps: Mishaps, writes=()):
        self._port = port
        self._mishaps = mishaps
        self._writes = writes

    def __getattr__(self, name):
        call, mishaps = getattr(self._port, name), self._mishaps
        if not callable(call):
            return call

        def guarded(*args, **more):
            if mishaps.meets():
                raise Crash(f"before {name}")
            if mishaps.full and name in self._writes:
                raise StoreError("no space left", where="the medium")
            result = call(*args, **more)
            if mishaps.meets():
                raise Crash(f"after {name}")
            return result

        return guarded


class Edge:
    """A vehicle's edge: a disk that survives, a process that does not, a link and a clock."""

    def __init__(self, world, vehicle_id, outbox, room):
        self.world = world
        self.vehicle_id = vehicle_id
        self.outbox = WatchedOutbox(outbox)
        self.room = room
        self.clock = TestClock()
        self.vehicle = Vehicle(self.clock)
        self.mishaps = Mishaps(world.chance)
        self.link = self.process = self.bus = None
        self.epochs = []
        self.start()

    @property
    def running(self):
        return self.process is not None

    def start(self):
        """Boot; a crash while booting leaves it off until the next try."""
        self.process = None
        if self.bus is not None:
            self.bus.lose()
        outbox = Faulty(self.outbox, self.mishaps, writes=("put", "replace", "boot", "committed"))
        try:
            epoch = (outbox.boot() << 32) | int(self.world.chance.integers(1 << 32))
            self.epochs.append(epoch)
            bus = Faulty(self.connect(epoch), self.mishaps)
            self.process = runtime(
                self.vehicle_id, self.vehicle, outbox, bus, self.clock, epoch, self.room
            )
        except (Crash, StoreError):
            self.process = None

    def connect(self, epoch):
        """Connect as a client of the broker, over a link of its own."""
        name, will = f"{self.vehicle_id}-{epoch:x}", will_of(self.vehicle_id, epoch)
        self.bus = self.world.broker.connect(name, will)
        self.link = LossyLink(self.bus, self.world.clock, self.world.chance, self.world.faults)
        if self.world.is_cut:
            self.link.cut()
        return self.link

    def waiting(self):
        """Say how much is not at the cloud yet."""
        return self.process.spool.size().records if self.running else 1

    def step(self, produce):
        """Run a turn; whatever it was about to do may be its last."""
        if not self.running:
            self.start()
            return
        self.vehicle.due = int(produce)
        try:
            self.process.poll()
        except Crash:
            self.world.carry()  # what it said last may be on its way
            self.start()


class Cloud:
    """The cloud: a log that survives, an ingest that does not."""

    def __init__(self, world, log):
        self.world = world
        self.log = log
        self.mishaps = Mishaps(world.chance)
        self.told: Counter[RecordKey] = Counter()
        self.conflicts = []
        self.past = Counter()
        self.starts = 0
        self.bus = None
        self.start()

    def start(self):
        """Start; no mishap meets it before it runs."""
        crash, self.mishaps.crash = self.mishaps.crash, 0.0
        if self.bus is not None:
            self.bus.lose()
        self.starts += 1
        self.bus = self.world.broker.connect(f"cloud-{self.starts}")
        self.link = LossyLink(self.bus, self.world.clock, self.world.chance, self.world.faults)
        if self.world.is_cut:
            self.link.cut()
        self.ingest = Ingest(
            Faulty(self.log, self.mishaps, writes=("commit",)),
            Faulty(self.link, self.mishaps),
            self.world.clock,
            limits=IngestLimits(batch_records=32, queue_messages=200),
            on_committed=self.hear,
            on_conflict=self.conflicts.append,
        )
        self.mishaps.crash = crash

    def hear(self, records):
        if self.mishaps.meets():
            raise Crash("before the listeners")
        self.told.update(record.key for record in records)

    def step(self):
        try:
            while self.ingest.poll():
                pass
        except Crash:
            self.world.carry()  # what it said last may be on its way
            counts = self.ingest.counts()
            self.past.update(conflicts=counts.conflicts, malformed=counts.malformed)
            self.start()


class World:
    """All of it."""

    def __init__(self, seed, log):
        self.chance = np.random.default_rng(seed)
        self.clock = TestClock()
        self.broker = MemoryBroker()
        self.faults: LinkFaults = PERFECT
        self.is_cut = False
        self.cloud = Cloud(self, log)
        self.edges: list[Edge] = []
        self.slow = False
        self.broker_up = True

    def add(self, vehicle_id, outbox=None, room=None):
        self.edges.append(Edge(self, vehicle_id, outbox or MemoryOutbox(), room))

    # What happens -----------------------------------------------------------------------------

    def become(self, faults):
        self.faults = faults
        for link in self.links():
            link.become(faults)

    def links(self):
        return [part.link for part in (*self.edges, self.cloud) if part.link is not None]

    def cut(self):
        self.is_cut = True
        for link in self.links():
            link.cut()

    def heal(self):
        self.is_cut = False
        for link in self.links():
            link.heal()

    def stop_broker(self, keep_retained):
        self.broker.stop(keep_retained=keep_retained)
        self.broker_up = False

    def start_broker(self):
        self.broker.start()
        self.broker_up = True

    def step(self, second=STEP_SECOND, produce=0.0):
        """Let time pass, and everybody do a little."""
        self.clock.sleep(second)
        for edge in self.edges:
            edge.clock.sleep(second)
            edge.step(self.chance.random() < produce)
        if self.broker_up:
            for part in (*self.edges, self.cloud):
                if part.bus is not None:
                    part.bus.reconnect()
        self.carry()
        if not self.slow:
            self.cloud.step()
        self.carry()

    def carry(self):
        for _ in range(2):
            for link in self.links():
                link.pump()
            self.broker.pump()

    def settle(self):
        """Mend everything, and wait until nothing is left to do."""
        self.become(PERFECT)
        self.heal()
        self.start_broker()
        self.slow = False
        for part in (*self.edges, self.cloud):
            part.mishaps.crash, part.mishaps.full = 0.0, False
        until = self.clock.monotonic_second() + QUIET_SECOND
        while self.clock.monotonic_second() < until:
            self.step()
            if not any(edge.waiting() for edge in self.edges) and not self.open_holes():
                return
        raise AssertionError(
            f"the chain does not settle: {[edge.waiting() for edge in self.edges]} records wait, "
            f"holes {self.open_holes()}"
        )

    def open_holes(self):
        return [
            (vehicle_id, epoch, ranges)
            for vehicle_id in sorted({edge.vehicle_id for edge in self.edges})
            for epoch, ranges in self.cloud.log.committed(vehicle_id).items()
            if ranges != (SeqRange(1, ranges[-1].last),)
        ]
