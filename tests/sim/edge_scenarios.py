"""The edge over long stretches of virtual time.

Each is run by ``test_edge_month.py`` in an interpreter of its own: checking every array's shape in
a month of cycles would take an hour, and the unit tests do it.
"""

import gc
import sys
import tempfile
import tracemalloc
from pathlib import Path

import numpy as np

from tests.unit.edge.simulated_bus import START, batch, heard, plan
from tests.unit.edge.world import World
from voltherd.adapters.sqlite.outbox import SqliteOutbox
from voltherd.edge import events
from voltherd.edge.chunks import stacked
from voltherd.edge.runtime import Room
from voltherd.sim.fleet import fleet_spec, simulate
from voltherd.types.asset import PackLayout
from voltherd.types.ranges import count
from voltherd.types.record import GapReason, RecordKind, SeqRange
from voltherd.types.sample import SampleBatch
from voltherd.units import SECOND_PER_DAY
from voltherd.wire.envelope import decode_gap

LAYOUT = PackLayout(series=12, module_series=(6, 6), probe_module=(1, 1, 2, 2))
LIMIT = 400_000


def days(number, period_second):
    """A vehicle's days, small in cells, whole in everything else."""
    spec = fleet_spec(vehicles=1, days=number, seed=5, period_second=period_second, layout=LAYOUT)
    return [day.batch for day in simulate(spec)]


def rarely(start: SampleBatch, **options) -> World:
    """Make the world of a vehicle that sends once a minute, and an edge that is turned as often."""
    patient = plan(silent_second=180.0)
    return World(start=start, plan_=patient, watchdog=7200.0, **options)


def live(world: World, sent: SampleBatch) -> None:
    """Let a vehicle's frames be heard, with a cycle of the edge for each of its own."""
    world.source.waiting.extend(heard(sent))
    for end in np.unique(sent.unix_time_second).tolist():
        pause = end - world.clock.unix_second()
        if pause > 20.0:
            world.clock.sleep(min(15.0, pause / 2.0))
            world.turn(0.0)
        world.clock.sleep(max(end - world.clock.unix_second(), 0.0))
        world.turn(0.01)


def times(batches):
    return np.sort(np.concatenate([b.unix_time_second for b in batches]))


def settle(world, second=1500.0):
    """Let the cloud catch up; then every number ever given is there or named in a gap."""
    world.run(second, period=5.0)
    head = world.edge.spool.head_seq
    assert world.whole()[world.edge.spool.epoch] == (SeqRange(1, head),)
    assert world.edge.spool.size().records == 0


def an_hour_at_ten_a_second():
    """96 cells, ten voltages and currents and one temperature a second (C1-01)."""
    rows, part = 36_000, 3_000
    sent = batch(rows, cells=96, probes=24, period_second=0.1, current_ampere=20.0)
    world = World(cells=96, probes=24)
    got = []
    for first in range(0, rows, part):
        skip = min(first, 1)
        some = sent.between(first - skip, first + part)
        world.source.waiting.extend(heard(some, every={"BMS_Probes": 10}, skip=skip))
        world.run(0.1 * part, period=2.0)
        got += world.take_batches()
    settle(world, 130.0)
    got += world.take_batches()
    arrived = stacked(got)
    assert (np.diff(arrived.unix_time_second) > 0.0).all()
    kept = np.isin(arrived.unix_time_second, sent.unix_time_second)
    assert kept.sum() == rows, "every sample reaches the cloud"
    assert len(kept) - rows <= 3, "and hardly any other row"
    np.testing.assert_array_equal(arrived.cell_voltage_volt[kept], sent.cell_voltage_volt)
    current = arrived.scalar["current_ampere"][kept]
    np.testing.assert_array_equal(current, sent.scalar["current_ampere"])
    celsius = np.repeat(sent.probe_temperature_celsius[::10], 10, axis=0)
    np.testing.assert_array_equal(arrived.probe_temperature_celsius[kept], celsius)
    assert world.edge.control.state.assembly.counts.merged == 0


def a_month_without_a_cloud():
    """C2-20: the outbox keeps its limit and memory does not grow; what went is told at the end."""
    with tempfile.TemporaryDirectory() as folder:
        _a_month(days(30, 60.0), Path(folder))


def _a_month(month, folder):
    outbox = SqliteOutbox(folder)
    world = rarely(month[0], outbox=outbox, room=Room(outbox_bytes_max=LIMIT))
    world.bus.lose()
    on_disk, memory = [], []
    tracemalloc.start()
    for day, sent in enumerate(month):
        live(world, sent)
        assert outbox.size().bytes <= LIMIT + 10_000
        on_disk.append(sum(p.stat().st_size for p in folder.iterdir()))
        if day in (9, 29):
            gc.collect()
            memory.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert max(on_disk) <= 1.3 * LIMIT + (1 << 20) + 100_000, "database, log and beside"
    assert memory[1] - memory[0] <= 300_000, f"{memory} bytes at day 10 and 30"
    soc = world.edge.control.state.soc
    assert soc is not None and 0.0 < soc.value < 1.0
    world.bus.reconnect()
    settle(world)
    got = times(world.batches())
    assert (np.diff(got) > 0.0).all(), "nothing twice"
    gaps = [decode_gap(r.body) for r in world.records() if r.kind is RecordKind.GAP]
    assert {gap.reason for gap in gaps} <= {GapReason.THINNED, GapReason.FULL}
    assert len(gaps) <= 3, "one for each reason, while nothing could be sent"
    rows = sum(b.rows for b in month)
    assert abs(len(got) + sum(gap.rows for gap in gaps) - rows) <= 4
    last = month[-1].unix_time_second[-1]
    newest = [t for sent in month for t in sent.unix_time_second if t > last - 3.0 * 3600.0]
    assert np.isin(np.round(newest, 3), np.round(got, 3)).all(), "the newest hours are whole"
    assert count(r for gap in gaps for r in gap.dropped) == world.edge.spool.dropped
    outbox.close()


def three_days_without_a_link():
    """C1-10, more than asked: no gap and no duplicate in the cloud."""
    month = days(6, 60.0)
    world = rarely(month[0])
    for day, sent in enumerate(month):
        if day == 1:
            world.bus.lose()
        live(world, sent)
        if day == 3:
            world.bus.reconnect()
    settle(world)
    sent = np.concatenate([b.unix_time_second for b in month])
    got = times(world.batches())
    assert np.isin(np.round(sent, 3), np.round(got, 3)).all()
    assert (np.diff(got) > 0.0).all() and len(got) - len(sent) <= 4
    assert not any(r.kind is RecordKind.GAP for r in world.records())


def a_day_without_network():
    """C2-16: what the cloud would have seen happens all the same, and it learns of it."""
    rows = 1440
    sent = batch(rows, period_second=60.0, current_ampere=10.0)
    sent.cell_voltage_volt[700:705, 3] = 4.45  # at noon, for five minutes
    world = rarely(sent)
    world.edge.poll()
    world.bus.lose()
    world.cloud_up = False
    permitted = []
    world.source.waiting.extend(heard(sent))
    for _ in range(rows):
        world.turn(60.0)
        permitted.append(world.actuator.all[-1].charge_ampere_max)
    state = world.edge.control.state
    assert state.soc is not None and world.clock.unix_second() - state.unix_second < 120.0
    assert not world.actuator.all[-1].contactors_closed, "tripped at noon, and nobody has reset it"
    assert max(permitted[710:]) == 0.0
    before = world.edge.spool.size()
    assert before.records > 1000, "every minute is logged"
    world.bus.reconnect()
    world.cloud_up = True
    settle(world)
    assert SECOND_PER_DAY * 0.99 <= np.ptp(times(world.batches())) <= SECOND_PER_DAY
    [alarm] = [
        e for e in world.events() if e.code == "cell_voltage.high" and e.severity == 3 and e.raised
    ]
    assert alarm.cells == (4,)
    assert abs(alarm.unix_time_second - (START + 700 * 60.0)) <= 180.0
    assert events.STARTED in {e.code for e in world.events()}


SCENARIOS = {
    scenario.__name__: scenario
    for scenario in (
        an_hour_at_ten_a_second,
        a_month_without_a_cloud,
        three_days_without_a_link,
        a_day_without_network,
    )
}

if __name__ == "__main__":
    SCENARIOS[sys.argv[1]]()
