"""Two threads in real time: what hangs in one does not hold up the other."""

import threading
import time

from tests.chain.mosquitto import until
from tests.unit.edge.simulated_bus import batch, heard, plan
from tests.unit.edge.world import SELECTION, Fed
from voltherd.adapters.clock.system import SystemClock
from voltherd.adapters.memory.actuator import MemoryActuator
from voltherd.adapters.memory.bus import MemoryBroker
from voltherd.adapters.memory.outbox import MemoryOutbox
from voltherd.edge import events
from voltherd.edge.control import Pace
from voltherd.edge.courier import Sending
from voltherd.edge.runtime import EdgeRuntime, Ports
from voltherd.types.actuation import NOTHING_FLOWS
from voltherd.types.record import RecordKind
from voltherd.wire.envelope import decode_event


class Hanging:
    """A source or an outbox that can be made to hang, as a driver or a disk does."""

    def __init__(self, inner, *names):
        self.inner, self.names = inner, names
        self.free = threading.Event()
        self.free.set()

    def __getattr__(self, name):
        real = getattr(self.inner, name)
        if name not in self.names:
            return real

        def call(*arguments):
            self.free.wait(20.0)
            return real(*arguments)

        return call


def running(source, outbox):
    actuator, broker = MemoryActuator(), MemoryBroker()
    clock = SystemClock()
    edge = EdgeRuntime(
        plan(),
        Sending(site_id="depot", vehicle_id="bus-7", selection=SELECTION),
        Ports(
            source=source,
            actuator=actuator,
            outbox=outbox,
            bus=broker.connect("edge"),
            clock=clock,
            wall=clock,
        ),
        1 << 32,
        pace=Pace(period_second=0.02, watchdog_second=0.5),
    )
    stop = threading.Event()
    thread = threading.Thread(target=edge.run, args=(stop,), daemon=True)
    thread.start()
    return edge, actuator, stop, thread


def codes(outbox):
    kept = outbox.pending(None, 999)
    return [decode_event(r.body).code for r in kept if r.kind is RecordKind.EVENT]


def test_a_control_that_stands_still_permits_nothing_until_it_runs_again():
    sent = batch(100, period_second=0.2, start_second=time.time() + 0.2)
    source, outbox = Hanging(Fed(SystemClock(), heard(sent)), "receive"), MemoryOutbox()
    edge, actuator, stop, thread = running(source, outbox)
    until(lambda: actuator.last.charge_ampere_max > 0.0)
    source.free.clear()
    until(lambda: actuator.last == NOTHING_FLOWS)
    assert events.STALLED not in codes(outbox)
    source.free.set()
    until(lambda: events.STALLED in codes(outbox))
    until(lambda: actuator.last.charge_ampere_max > 0.0)
    stop.set()
    thread.join(10.0)
    edge.close()
    assert actuator.last == NOTHING_FLOWS


def test_a_disk_that_hangs_holds_up_no_cycle():
    sent = batch(100, period_second=0.2, start_second=time.time() + 0.2)
    outbox = Hanging(MemoryOutbox(), "put", "size", "pending")
    edge, actuator, stop, thread = running(Fed(SystemClock(), heard(sent)), outbox)
    until(lambda: actuator.last.charge_ampere_max > 0.0)
    outbox.free.clear()
    cycles = edge.control.compute.count
    until(lambda: edge.control.compute.count > cycles + 60)
    assert actuator.last.charge_ampere_max > 0.0
    outbox.free.set()
    stop.set()
    thread.join(10.0)
    edge.close()
    assert edge.control.lost_rows == 0


def test_a_courier_that_fails_is_tried_again():
    sent = batch(20, period_second=0.2, start_second=time.time() + 0.2)
    outbox = MemoryOutbox()
    edge, _, stop, thread = running(Fed(SystemClock(), heard(sent)), outbox)
    poll, failures = edge.courier.poll, []

    def failing():
        if len(failures) < 1:
            failures.append(1)
            raise RuntimeError("what nobody foresaw")
        poll()

    edge.courier.poll = failing
    until(lambda: failures)
    until(lambda: edge.control.rows > 3)
    stop.set()
    thread.join(10.0)
    edge.close()
    assert edge.spool.head_seq >= 2 and "bus-7: " in edge.summary()
