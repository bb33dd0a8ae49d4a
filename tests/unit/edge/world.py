"""An edge, a bus, and the cloud's real intake, all in virtual time."""

from collections import deque

from tests.chain.clock import TestClock
from tests.unit.edge.simulated_bus import CELLS, PROBES, START, plan
from voltherd.adapters.memory.bus import MemoryBroker
from voltherd.adapters.memory.outbox import MemoryOutbox
from voltherd.adapters.memory.record_log import MemoryRecordLog
from voltherd.cloud.ingest import Ingest
from voltherd.edge.control import Pace
from voltherd.edge.courier import Sending
from voltherd.edge.runtime import EdgeRuntime, Ports, Room
from voltherd.edge.selection import Boundary, Selection
from voltherd.errors import ServiceError
from voltherd.topics import topic
from voltherd.types.actuation import Actuation
from voltherd.types.record import Command, CommandKind, RecordKind
from voltherd.wire.chunk import decode_chunk
from voltherd.wire.envelope import decode_event, encode

SELECTION = Selection(
    cell_voltage_volt=Boundary(levels=(3.0, 4.15), back=0.01, step=0.02),
    temperature_celsius=Boundary(levels=(0.0, 45.0), back=1.0, step=3.0),
    current_ampere=Boundary(levels=(-300.0, 300.0), back=10.0, step=30.0),
    soc_fraction=Boundary(levels=(0.1, 0.2, 0.5, 0.8), back=0.02, step=0.02),
)


class Fed:
    """Frames that are heard when their time has come."""

    def __init__(self, clock, frames=()):
        self.clock, self.waiting = clock, deque(frames)
        self.gone = False

    def receive(self, limit):
        if self.gone:
            raise ServiceError("the bus is gone")
        now, found = self.clock.unix_second(), []
        while self.waiting and self.waiting[0].second <= now and len(found) < limit:
            found.append(self.waiting.popleft())
        return found


class Told:
    """Remembers what it was told last."""

    def __init__(self):
        self.all: list[Actuation] = []

    def apply(self, actuation):
        self.all = [*self.all[-99:], actuation]


class World:
    """One vehicle's edge and the cloud.

    Attributes are what a test looks at or breaks.
    """

    def __init__(
        self,
        frames=(),
        *,
        outbox=None,
        epoch=1 << 32 | 7,
        plan_=None,
        room=None,
        start=None,
        cells=CELLS,
        probes=PROBES,
        watchdog=30.0,
        log=None,
        **options,
    ):
        begins = START if start is None else float(start.unix_time_second[0])
        self.clock = TestClock(begins - 1.0)
        self.broker = MemoryBroker()
        self.log = log or MemoryRecordLog()
        self.states, self.lives, self.committed = [], [], []
        self.cloud_bus = self.broker.connect("cloud")
        self.ingest = Ingest(
            self.log,
            self.cloud_bus,
            self.clock,
            on_state=self.states.append,
            on_live=self.lives.append,
            on_committed=self.committed.extend,
        )
        self.source, self.actuator = Fed(self.clock, frames), Told()
        self.outbox = outbox or MemoryOutbox()
        self.plan, self.options, self.room = plan_ or plan(cells, probes), options, room
        self.cloud_up, self.watchdog = True, watchdog
        self.edge = self.start(epoch)

    def start(self, epoch):
        self.bus = self.broker.connect("edge")
        ports = Ports(
            source=self.source,
            actuator=self.actuator,
            outbox=self.outbox,
            bus=self.bus,
            clock=self.clock,
            wall=self.clock,
        )
        sending = Sending(site_id="depot", vehicle_id="bus-7", selection=SELECTION)
        self.edge = EdgeRuntime(
            self.plan,
            sending,
            ports,
            epoch,
            pace=Pace(period_second=0.1, watchdog_second=self.watchdog),
            room=self.room or Room(),
            stopwatch=lambda: 0.0,
            **self.options,
        )
        return self.edge

    def run(self, second, period=1.0):
        """Let so much time pass, a turn of everything each period."""
        end = self.clock.monotonic_second() + second
        while self.clock.monotonic_second() < end:
            self.turn(period)

    def turn(self, period=1.0):
        self.edge.poll()
        self.broker.pump()
        if self.cloud_up:
            while self.ingest.poll():
                pass
            self.broker.pump()
        self.clock.sleep(period)

    def ask(self, kind: CommandKind, name="c1", valid=60.0, **options):
        command = Command(
            correlation_id=name,
            kind=kind,
            sent_nanosecond=int(1e9 * self.clock.unix_second()),
            valid_second=valid,
            **options,
        )
        self.cloud_bus.publish(topic("depot", "bus-7", "command"), encode(command))
        self.broker.pump()

    def records(self):
        return list(self.log.records("bus-7"))

    def events(self):
        return [decode_event(r.body) for r in self.records() if r.kind is RecordKind.EVENT]

    def batches(self):
        chunks = [r for r in self.records() if r.kind is RecordKind.TELEMETRY]
        return [decode_chunk(r.body, "bus-7") for r in chunks]

    def take_batches(self):
        """Give what has come since this was last asked, so that a test need not hold it all."""
        chunks = [r for r in self.committed if r.kind is RecordKind.TELEMETRY]
        self.committed.clear()
        return [decode_chunk(r.body, "bus-7") for r in chunks]

    def whole(self):
        """Say of every epoch which numbers the cloud has closed."""
        return self.log.committed("bus-7")
