"""One life of an edge, until the kernel kills it amid a write; run by ``test_edge_killed.py``.

Arguments: folder, limit of bytes of any file, vehicle's time at the beginning and the end.
What happens is said on standard output, a pipe, which has no limit.
"""

import json
import os
import resource
import signal
import sys
from pathlib import Path

from tests.unit.edge.simulated_bus import batch, heard
from tests.unit.edge.world import World
from voltherd.adapters.memory.record_log import MemoryRecordLog
from voltherd.adapters.sqlite.outbox import SqliteOutbox
from voltherd.edge.compose import start
from voltherd.edge.runtime import Room
from voltherd.types.record import Record, RecordKey, RecordKind

ROWS = 2_000
CATCH_UP_SECOND = 800.0


def plain(record: Record) -> list:
    return [
        list(record.key),
        int(record.kind),
        record.first_second,
        record.last_second,
        record.body.hex(),
        record.heard_first_nanosecond,
        record.heard_last_nanosecond,
    ]


def record_of(told: list) -> Record:
    key, kind, first, last, body, heard_first, heard_last = told
    return Record(
        key=RecordKey(*key),
        kind=RecordKind(kind),
        first_second=first,
        last_second=last,
        body=bytes.fromhex(body),
        heard_first_nanosecond=heard_first,
        heard_last_nanosecond=heard_last,
    )


def say(what, value):
    os.write(1, (json.dumps([what, value]) + "\n").encode())


class Cloud:
    """A record log that survives the process: what it has is said before anybody is told."""

    def __init__(self, file: Path):
        self.inner = MemoryRecordLog()
        self.inner.commit([record_of(json.loads(line)) for line in file.read_text().splitlines()])
        self.committed, self.records = self.inner.committed, self.inner.records

    def commit(self, records):
        outcome = self.inner.commit(records)
        assert not outcome.conflict, outcome.conflict
        for record in records:
            if record.key in outcome.new:
                say("committed", plain(record))
        return outcome


def life(folder: Path, limit: int, begin: float, end: float) -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    outbox = SqliteOutbox(folder / "outbox")
    epoch = start(outbox)
    say("epoch", epoch)
    put = outbox.put

    def putting(records):
        put(records)
        for record in records:
            say("kept", plain(record))

    outbox.put = putting
    sent = batch(ROWS)
    later = sent.between(int((sent.unix_time_second <= begin).sum()), ROWS)
    world = World(
        heard(later),
        outbox=outbox,
        epoch=epoch,
        room=Room(outbox_bytes_max=25_000),
        log=Cloud(folder / "cloud"),
    )
    world.clock.sleep(max(begin - world.clock.unix_second(), 0.0))
    turn = 0
    while world.clock.unix_second() < end:
        turn += 1
        if turn % 60 == 20:
            world.bus.lose()
        elif turn % 60 == 50:
            world.bus.reconnect()
        world.turn(3.0)
        say("now", world.clock.unix_second())
    world.bus.reconnect()
    world.run(CATCH_UP_SECOND, period=4.0)
    say("left", world.edge.spool.size().records)


if __name__ == "__main__":
    life(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]))
