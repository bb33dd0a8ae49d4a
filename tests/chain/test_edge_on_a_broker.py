"""An edge as ``voltherd edge`` makes it: CAN bus, outbox on disk, real broker, real time."""

import threading
import time
from itertools import pairwise

import can
import numpy as np
import pytest

from tests.chain.mosquitto import Mosquitto, until
from tests.unit.edge.simulated_bus import batch, database, heard
from voltherd.adapters.clock.system import SystemClock
from voltherd.adapters.memory.record_log import MemoryRecordLog
from voltherd.adapters.mqtt.bus import MqttBus
from voltherd.adapters.mqtt.settings import MqttSettings
from voltherd.cloud.ingest import Ingest
from voltherd.edge.compose import compose
from voltherd.edge.config import read_config
from voltherd.types.record import RecordKind, SeqRange
from voltherd.wire.chunk import decode_chunk

CONFIG = """
[vehicle]
id = "bus-7"
site = "depot"
[can]
interface = "virtual"
channel = "edge-on-a-broker"
dbc = "pack.dbc"
[pack]
chemistry = "NMC"
capacity_ah = 150
cell_voltage_volt_min = 2.8
cell_voltage_volt_max = 4.2
[send]
chunk_second = 1.0
[cycle]
period_second = 0.05
[outbox]
path = "outbox"
[mqtt]
port = {port}
"""


class Cloud:
    """The real intake on the real broker."""

    def __init__(self, port):
        self.log, self.states = MemoryRecordLog(), []
        self.bus = MqttBus(MqttSettings(port=port), "cloud")
        self.ingest = Ingest(self.log, self.bus, SystemClock(), on_state=self.states.append)
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.ingest.run, args=(self.stop,), daemon=True)
        self.thread.start()

    def close(self):
        self.stop.set()
        self.thread.join(10.0)
        self.bus.close()

    def times(self):
        chunks = [r for r in self.log.records("bus-7") if r.kind is RecordKind.TELEMETRY]
        found = [decode_chunk(r.body, "bus-7").unix_time_second for r in chunks]
        return np.sort(np.concatenate(found)) if found else np.empty(0)


@pytest.fixture
def broker(tmp_path):
    with Mosquitto(tmp_path / "broker") as running:
        yield running


def play(frames):
    """Send frames at their time."""
    bus = can.Bus(interface="virtual", channel="edge-on-a-broker", preserve_timestamps=True)
    try:
        for frame in frames:
            time.sleep(max(0.0, frame.second - time.time()))
            bus.send(can.Message(frame.second, frame.arbitration_id, False, data=frame.data))
    finally:
        bus.shutdown()


def started(config):
    edge, stop = compose(config), threading.Event()
    thread = threading.Thread(target=edge.run, args=(stop,), daemon=True)
    thread.start()
    return edge, stop, thread


def ended(edge, stop, thread):
    stop.set()
    thread.join(10.0)
    edge.close()


def test_every_sample_survives_a_killed_broker_and_a_new_start_of_the_edge(tmp_path, broker):
    (tmp_path / "pack.dbc").write_text(database(12, 4)[1])
    (tmp_path / "edge.toml").write_text(CONFIG.format(port=broker.port))
    config = read_config(tmp_path / "edge.toml")
    cloud = Cloud(broker.port)
    edge = started(config)
    sent = batch(80, period_second=0.1, start_second=time.time() + 1.0)
    player = threading.Thread(target=play, args=(heard(sent),), daemon=True)
    player.start()
    until(lambda: len(cloud.times()) > 10)
    broker.kill()
    time.sleep(1.0)
    broker.start()
    until(lambda: len(cloud.times()) > 40, second=30.0)
    player.join()
    last = float(sent.unix_time_second[-1])
    until(lambda: edge[0].control.state.unix_second > last - 0.01)
    ended(*edge)
    again = started(config)
    until(lambda: len(cloud.log.committed("bus-7")) == 2, second=30.0)
    until(lambda: len(cloud.times()) >= 80, second=30.0)
    ended(*again)
    until(lambda: not cloud.states[-1].online)
    epochs = sorted(cloud.log.committed("bus-7").items())
    assert [epoch >> 32 for epoch, _ in epochs] == [1, 2]
    assert all(len(ranges) == 1 and ranges[0].first == 1 for _, ranges in epochs)
    got = cloud.times()
    assert all(a < b for a, b in pairwise(got)), "nothing twice"
    np.testing.assert_allclose(got, sent.unix_time_second, atol=1e-3)
    assert isinstance(epochs[0][1][0], SeqRange)
    compute = edge[0].control.compute
    assert compute.count > 100 and compute.quantile(0.5) < 0.05
    assert edge[0].control.reaction.quantile(0.5) < 1.0
    cloud.close()
