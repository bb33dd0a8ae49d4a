"""The real edge on a small pack: frames made as they are asked for, an outbox that is watched."""

from functools import cache

from tests.unit.edge.simulated_bus import batch, heard, wired
from voltherd.edge.control import Pace
from voltherd.edge.courier import Sending
from voltherd.edge.cycle import Plan
from voltherd.edge.runtime import EdgeRuntime, Ports, Room
from voltherd.edge.selection import Boundary, Selection
from voltherd.ports import LastWill
from voltherd.topics import topic
from voltherd.types.ranges import holds, merged
from voltherd.types.record import EdgeState, Record, RecordKey, RecordKind
from voltherd.wire.chunk import decode_summary
from voltherd.wire.envelope import encode

SITE = "depot"
CELLS, PROBES = 3, 1
CHUNK_SECOND = 10.0
_ANY = Boundary(levels=(), back=0.0, step=1.0)
SELECTION = Selection(
    cell_voltage_volt=_ANY, temperature_celsius=_ANY, current_ampere=_ANY, soc_fraction=_ANY
)


@cache
def _rows():
    """Frames of some rows, without their time."""
    sample = batch(20, cells=CELLS, probes=PROBES)
    by_row = {}
    for frame in heard(sample):
        by_row.setdefault(frame.second, []).append(frame)
    return [by_row[second] for second in sorted(by_row)]


@cache
def _wiring():
    return wired(CELLS, PROBES)


class Vehicle:
    """A ``FrameSource`` that gives a row's frames whenever one is due."""

    def __init__(self, clock):
        self.clock = clock
        self.due = 0
        self.rows = 0

    def receive(self, limit):
        if not self.due:
            return []
        self.due -= 1
        self.rows += 1
        second = self.clock.unix_second()
        pattern = _rows()[self.rows % len(_rows())]
        return [f._replace(second=second, heard_nanosecond=int(second * 1e9)) for f in pattern]


class Nobody:
    """An ``Actuator`` that has nothing to act on."""

    def apply(self, actuation):
        pass


class WatchedOutbox:
    """An ``Outbox`` around another, that remembers what it ever held, for the final account."""

    def __init__(self, outbox):
        self.inner = outbox
        self.ever: dict[RecordKey, Record] = {}
        self.given_up: set[RecordKey] = set()
        self.acknowledged: set[RecordKey] = set()

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def put(self, records):
        self.inner.put(records)
        self.ever |= {record.key: record for record in records}

    def replace(self, drop, put):
        self.inner.replace(drop, put)
        self.given_up |= set(drop)
        self.ever |= {record.key: record for record in put}

    def committed(self, epoch, ranges):
        apart = merged(ranges)
        here = {key for key in self.ever if key.epoch == epoch and holds(apart, key.seq)}
        done = self.inner.committed(epoch, ranges)
        self.acknowledged |= here - self.given_up
        return done


def will_of(vehicle_id, epoch):
    state = EdgeState(vehicle_id=vehicle_id, site_id=SITE, online=False, epoch=epoch)
    return LastWill(topic(SITE, vehicle_id, "state"), encode(state))


def runtime(vehicle_id, source, outbox, bus, clock, epoch, room=None):
    """Put an edge together as ``voltherd edge`` does."""
    return EdgeRuntime(
        Plan(vehicle_id=vehicle_id, wiring=_wiring()),
        Sending(
            site_id=SITE,
            vehicle_id=vehicle_id,
            selection=SELECTION,
            chunk_second=CHUNK_SECOND,
        ),
        Ports(source=source, actuator=Nobody(), outbox=outbox, bus=bus, clock=clock, wall=clock),
        epoch,
        pace=Pace(period_second=0.1, watchdog_second=1e9),
        room=room or Room(),
        stopwatch=lambda: 0.0,
    )


def rows_of(record) -> int:
    """Samples in a record."""
    return decode_summary(record.body).rows if record.kind is RecordKind.TELEMETRY else 0
