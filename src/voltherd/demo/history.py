"""Weeks before the demo begins, simulated in a process beside it and handed over day by day.

The simulator is the live one, without the bus between.  What comes over the pipe are the chunks
that an edge would have sent, and at last the fleet as it stands, ready to go on.
"""

import multiprocessing
import signal
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import NamedTuple

from voltherd.errors import ServiceError
from voltherd.sim.live import LiveSpec, LiveState, advance, begin, is_live
from voltherd.types.record import Record, RecordKey, RecordKind
from voltherd.wire.chunk import encode_chunk

EPOCH = 1
"""Before any edge's first boot, whose counter begins at 1 in the upper half."""


class Day(NamedTuple):
    """Some of the history of all vehicles."""

    number: int
    records: tuple[Record, ...]


def make(spec: LiveSpec) -> Iterator[Day | LiveState]:
    """Simulate the history; gives its days, and at last the fleet ready to go on."""
    state = begin(spec)
    number = 0
    while not is_live(state):
        state, stretches = advance(state)
        number += 1
        batches = [stretch.batch for stretch in stretches if stretch.batch.rows]
        yield Day(
            number,
            tuple(
                Record(
                    key=RecordKey(batch.vehicle_id, EPOCH, number),
                    kind=RecordKind.TELEMETRY,
                    first_second=float(batch.unix_time_second[0]),
                    last_second=float(batch.unix_time_second[-1]),
                    body=encode_chunk(batch),
                )
                for batch in batches
            ),
        )
    yield state


def _send(spec: LiveSpec, pipe: Connection) -> None:
    """Run in the process beside; whoever started it ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for made in make(spec):
        pipe.send(made)
    pipe.close()


class HistoryProcess:
    """The process beside, while it works.

    Args:
        spec: What to simulate.
    """

    def __init__(self, spec: LiveSpec) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, there = context.Pipe(duplex=False)
        self._process = context.Process(target=_send, args=(spec, there), daemon=True)
        self._process.start()
        there.close()

    def made(self) -> Iterator[Day | LiveState]:
        """Give what it makes, as it comes.

        Raises:
            ServiceError: It died before it was done.
        """
        while True:
            try:
                made = self._pipe.recv()
            except (EOFError, OSError):
                break
            yield made
            if isinstance(made, LiveState):
                return
        raise ServiceError(
            "the history could not be simulated to its end",
            where="demo",
            mend="see what is printed above, and try fewer vehicles",
        )

    def close(self) -> None:
        """End it, done or not."""
        if self._process.is_alive():
            self._process.terminate()
        self._process.join(5.0)
        self._pipe.close()
