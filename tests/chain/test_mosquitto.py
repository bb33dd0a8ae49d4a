"""A real Mosquitto carries the chain: senders, broker killed and back, ingest, records on disk."""

import re
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import trustme

from tests.chain.mosquitto import HOST, Mosquitto, Wire, need_mosquitto, until
from tests.sim.chain_sender import SITE, DiskOutbox, Sender, chunk, rows_of
from voltherd.adapters.mqtt.bus import MqttBus
from voltherd.adapters.mqtt.settings import MqttSettings, MqttVersion
from voltherd.adapters.records.store import RecordStore
from voltherd.cloud.clocks import WallClock
from voltherd.cloud.commands import Commands
from voltherd.cloud.ingest import Ingest
from voltherd.topics import every_vehicle, topic
from voltherd.types.event import Severity
from voltherd.types.record import (
    CommandKind,
    EdgeEvent,
    Record,
    RecordKey,
    RecordKind,
    SeqRange,
)
from voltherd.wire.envelope import decode, encode, encode_event

RECORDS = 200
PAGE = Path(__file__).resolve().parents[2] / "docs" / "transport.md"
VEHICLES = ("bus-1", "bus-2")


class Chain:
    """Two edges and a cloud, each on its own thread, around a broker process."""

    def __init__(self, broker, folder, settings):
        self.broker = broker
        self.settings = settings
        self.store = RecordStore(folder / "store")
        self.told = []
        self.bus = MqttBus(settings(broker.port), "cloud")
        self.ingest = Ingest(self.store, self.bus, WallClock(), on_committed=self.told.extend)
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self.ingest.run, args=(self.stop,), daemon=True)]
        self.disks = {vehicle_id: DiskOutbox() for vehicle_id in VEHICLES}
        self.senders = []
        self.wires = []
        for number, vehicle_id in enumerate(VEHICLES):
            wire = Wire(broker.port)
            self.wires.append(wire)
            port = wire.port
            sender = Sender(
                vehicle_id,
                self.disks[vehicle_id],
                WallClock(),
                lambda name, will, port=port: MqttBus(settings(port), name, will),
                np.random.default_rng(number),
                resend_second=1.0,
            )
            self.senders.append(sender)
            self.threads.append(threading.Thread(target=self._send, args=(sender,), daemon=True))
        for thread in self.threads:
            thread.start()

    def _send(self, sender):
        while not self.stop.is_set():
            if sender.seq < RECORDS:
                sender.produce(chunk(1 + sender.seq % 7, 10.0 * sender.seq))
            sender.poll()
            time.sleep(0.004)

    def done(self):
        produced = all(sender.seq >= RECORDS for sender in self.senders)
        return produced and not any(disk.kept for disk in self.disks.values())

    def close(self):
        self.stop.set()
        for thread in self.threads:
            thread.join(20)
        for sender in self.senders:
            sender.bus.close()
        self.bus.close()
        for wire in self.wires:
            wire.close()

    def account(self):
        """Hold what is on disk to what was sent."""
        self.store.close()
        store = RecordStore(self.store.root)
        for sender in self.senders:
            disk = self.disks[sender.vehicle_id]
            kept = store.records(sender.vehicle_id)
            assert {record.key: record for record in kept} == disk.ever
            assert len(kept) == len(disk.ever) >= RECORDS
            assert disk.acknowledged == disk.ever.keys()
            ranges = store.committed(sender.vehicle_id)
            assert ranges == {sender.epoch: (SeqRange(1, sender.seq),)}
            assert store.read(sender.vehicle_id).rows == sum(map(rows_of, disk.ever.values()))
        store.close()
        assert sorted(r.key for r in self.told) == sorted(
            key for disk in self.disks.values() for key in disk.ever
        )


@pytest.fixture
def chain(tmp_path):
    opened = []

    def make(broker, settings):
        opened.append(Chain(broker, tmp_path, settings))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def plain(version=MqttVersion.V5, **more):
    def settings(port):
        return MqttSettings(
            port=port, version=version, retry_second_min=0.05, retry_second_max=0.2, **more
        )

    return settings


@pytest.mark.parametrize("version", MqttVersion, ids=lambda version: f"MQTT {version}")
def test_the_chain_runs_through_a_real_broker(tmp_path, chain, version):
    with Mosquitto(tmp_path / "broker") as broker:
        running = chain(broker, plain(version))
        until(running.done, 60)
        running.close()
        counts = running.ingest.counts()
        assert (counts.malformed, counts.misplaced, counts.conflicts) == (0, 0, 0)
        assert counts.lag_newest.measured == counts.committed
    running.account()


@pytest.mark.parametrize("persist", [True, False], ids=["persistent", "forgetful"])
def test_a_broker_killed_again_and_again_loses_nothing(tmp_path, chain, persist):
    with Mosquitto(tmp_path / "broker", persist=persist) as broker:
        running = chain(broker, plain())
        for share in (0.2, 0.5, 0.8):
            until(lambda share=share: running.ingest.counts().committed > share * RECORDS, 60)
            if persist:
                broker.save()
            broker.kill()
            time.sleep(0.1)
            broker.start()
        until(running.done, 60)
        assert running.bus.connections() == 4
        late, states = MqttBus(plain()(broker.port), "late"), {}
        late.subscribe(
            every_vehicle("state"),
            lambda where, payload: states.__setitem__(where, decode(payload)),
        )
        until(lambda: len(states) == 2)
        assert all(state.online for state in states.values()), "said again after each restart"
        late.close()
        running.close()
    running.account()


def test_links_cut_and_dead_lose_nothing(tmp_path, chain):
    with Mosquitto(tmp_path / "broker") as broker:
        running = chain(broker, plain(keepalive_second=2))
        until(lambda: running.ingest.counts().committed > 0.2 * RECORDS, 60)
        running.wires[0].cut()
        running.wires[1].stall()  # neither end is told
        time.sleep(0.3)
        running.wires[0].heal()
        until(lambda: not running.senders[1].bus.connected(), 30)
        running.wires[1].flow()
        until(running.done, 60)
        running.close()
    running.account()


def answered(commands, answers, second=0.5):
    """Ask once, wait a little, and say whether anybody answered."""
    commands.send(SITE, "bus-1", CommandKind.PING)
    deadline = time.monotonic() + second
    while not answers and time.monotonic() < deadline:
        time.sleep(0.005)
    return bool(answers)


def test_a_ping_comes_back_and_is_timed(tmp_path):
    """The way cloud, edge, cloud, in wall time, through broker and commit."""
    with Mosquitto(tmp_path / "broker") as broker:
        cloud = MqttBus(plain()(broker.port), "cloud")
        edge = MqttBus(plain()(broker.port), "edge")
        store, clock, numbers = RecordStore(tmp_path / "store"), WallClock(), iter(range(1, 1_000))
        commands = Commands(cloud, clock, lambda: f"c{next(numbers)}")
        answers = []
        ingest = Ingest(
            store, cloud, clock, on_committed=lambda r: answers.extend(commands.hear(r))
        )
        sequence = iter(range(1, 1_000))

        def answer(where, payload):
            told = EdgeEvent(
                unix_time_second=clock.unix_second(),
                code="command.done",
                severity=Severity.OPERATING,
                correlation_id=decode(payload).correlation_id,
            )
            record = Record(
                key=RecordKey("bus-1", 1 << 32, next(sequence)),
                kind=RecordKind.EVENT,
                first_second=told.unix_time_second,
                last_second=told.unix_time_second,
                body=encode_event(told),
            )
            edge.publish(topic(SITE, "bus-1", "event"), encode(record))

        edge.subscribe(topic(SITE, "bus-1", "command"), answer)
        stop = threading.Event()
        thread = threading.Thread(target=ingest.run, args=(stop,))
        thread.start()
        cloud.wait(10.0)
        edge.wait(10.0)
        try:
            until(lambda: answered(commands, answers))  # the broker has the subscription by then
            for asked in range(len(answers) + 1, 11):
                until(lambda: commands.send(SITE, "bus-1", CommandKind.PING))
                until(lambda asked=asked: len(answers) >= asked)
        finally:
            stop.set()
            thread.join()
            cloud.close()
            edge.close()
            store.close()
        summary = commands.round_trips()
        assert summary.measured >= 10
        assert 0.0 < summary.p50_second < 5.0
        assert all(answer.done and answer.vehicle_id == "bus-1" for answer in answers)


class Certificates:
    """An authority, what it signed, and somebody else's."""

    def __init__(self, folder):
        self.folder = folder
        self.ours = ours = trustme.CA()
        other = trustme.CA()
        self.ca = self.write("ca", ours.cert_pem)
        self.broker = self.pair("broker", ours.issue_cert(HOST, "localhost"))
        self.edge = self.pair("edge", ours.issue_cert("edge@voltherd.test", common_name="edge"))
        self.stranger = self.pair("stranger", other.issue_cert("edge@voltherd.test"))
        self.other_ca = self.write("other-ca", other.cert_pem)

    def of(self, name):
        """A certificate that names its owner, and its key."""
        return self.pair(name, self.ours.issue_cert(f"{name}@voltherd.test", common_name=name))

    def write(self, name, blob):
        path = self.folder / f"{name}.pem"
        blob.write_to_path(path)
        return path

    def pair(self, name, issued):
        cert = self.folder / f"{name}.pem"
        for number, blob in enumerate(issued.cert_chain_pems):
            blob.write_to_path(cert, append=number > 0)
        return cert, self.write(f"{name}-key", issued.private_key_pem)


@pytest.fixture
def certificates(tmp_path):
    return Certificates(tmp_path)


def listener(certificates, *more):
    cert, key = certificates.broker
    return (
        f"cafile {certificates.ca}",
        f"certfile {cert}",
        f"keyfile {key}",
        "tls_version tlsv1.3",
        *more,
    )


def password_file(tmp_path):
    need_mosquitto()
    path = tmp_path / "passwords"
    subprocess.run(
        ["mosquitto_passwd", "-b", "-c", str(path), "edge", "right"],
        check=True,
        capture_output=True,
    )
    path.chmod(0o644)
    return path


def test_the_chain_runs_encrypted_with_certificates_on_both_sides(tmp_path, chain, certificates):
    lines = listener(certificates, "require_certificate true", "use_identity_as_username true")
    cert, key = certificates.edge
    with Mosquitto(tmp_path / "broker", listener_lines=lines) as broker:
        running = chain(
            broker, plain(tls=True, ca_file=certificates.ca, cert_file=cert, key_file=key)
        )
        until(running.done, 90)
        running.close()
    running.account()


@pytest.mark.parametrize("version", MqttVersion, ids=lambda version: f"MQTT {version}")
@pytest.mark.parametrize(
    ("shown", "trusted", "said"),
    [
        (None, "ca", "wants? a certificate|alert|closed"),
        ("stranger", "ca", "alert|closed"),
        ("edge", "other_ca", "certificate verify failed"),
    ],
    ids=["no certificate", "somebody else's", "a broker of somebody else"],
)
def test_who_shows_no_certificate_that_holds_is_refused(
    tmp_path, certificates, shown, trusted, said, version
):
    lines = listener(certificates, "require_certificate true")
    cert, key = getattr(certificates, shown) if shown else (None, None)
    with Mosquitto(tmp_path / "broker", listener_lines=lines) as broker:
        settings = plain(
            version,
            tls=True,
            ca_file=getattr(certificates, trusted),
            cert_file=cert,
            key_file=key,
        )
        refused(settings(broker.port), said)


@pytest.mark.parametrize("version", MqttVersion, ids=lambda version: f"MQTT {version}")
@pytest.mark.parametrize("credentials", [{}, {"username": "edge", "password": "wrong"}])
def test_who_gives_no_right_password_is_refused(tmp_path, certificates, credentials, version):
    lines = ("allow_anonymous false", f"password_file {password_file(tmp_path)}")
    with Mosquitto(
        tmp_path / "broker", lines=lines, listener_lines=listener(certificates)
    ) as broker:
        safe = plain(version, tls=True, ca_file=certificates.ca, **credentials)
        refused(safe(broker.port), "(?i)not authori[sz]ed")
        right = plain(tls=True, ca_file=certificates.ca, username="edge", password="right")
        bus = MqttBus(right(broker.port), "edge")
        bus.wait(10.0)
        bus.close()


def test_the_documented_broker_lets_each_edge_speak_for_itself_only(tmp_path, certificates):
    """Mosquitto with the files of docs/transport.md, but for their place and port."""
    conf, acl = re.findall(r"```conf\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "voltherd.acl").write_text(acl)
    cert, key = certificates.broker
    for documented, here in (
        ("/etc/mosquitto/certs/ca.pem", certificates.ca),
        ("/etc/mosquitto/certs/broker.pem", cert),
        ("/etc/mosquitto/certs/broker.key", key),
        ("/etc/mosquitto/voltherd.acl", tmp_path / "voltherd.acl"),
        ("listener 8883\n", ""),
    ):
        assert documented in conf
        conf = conf.replace(documented, str(here))
    with Mosquitto(tmp_path / "broker", lines=("",), listener_lines=conf.splitlines()) as broker:
        buses = {}
        for name in ("cloud", "bus-1"):
            cert, key = certificates.of(name)
            settings = plain(tls=True, ca_file=certificates.ca, cert_file=cert, key_file=key)
            buses[name] = MqttBus(settings(broker.port), f"{name}-1")
            buses[name].wait(10.0)
        cloud, edge = buses.values()
        heard, asked = [], []
        for leaf in ("telemetry", "event", "state"):
            cloud.subscribe(every_vehicle(leaf), lambda where, payload: heard.append(where))
        for leaf in ("command", "ack"):
            edge.subscribe(topic(SITE, "bus-1", leaf), lambda where, payload: asked.append(where))
            edge.subscribe(every_vehicle(leaf), lambda where, payload: asked.append(where))
        until(lambda: edge.publish(topic(SITE, "bus-1", "event"), b"mine") and heard)
        until(lambda: cloud.publish(topic(SITE, "bus-1", "ack"), b"yours") and asked)
        assert not cloud.trouble()
        for vehicle_id, leaf in (("bus-2", "event"), ("bus-1", "command"), ("bus-2", "state")):
            edge.publish(topic(SITE, vehicle_id, leaf), b"not mine")
        cloud.publish(topic(SITE, "bus-2", "command"), b"not bus-1's")
        until(lambda: "refused a message: Not authorized" in edge.trouble())
        edge.publish(topic(SITE, "bus-1", "state"), b"mine again")
        cloud.publish(topic(SITE, "bus-1", "command"), b"yours again")
        until(lambda: topic(SITE, "bus-1", "state") in heard)
        until(lambda: topic(SITE, "bus-1", "command") in asked)
        assert {where.split("/")[3] for where in (*heard, *asked)} == {"bus-1"}
        assert topic(SITE, "bus-1", "command") not in heard
        for bus in buses.values():
            bus.close()


def test_a_plain_client_gets_nowhere_at_an_encrypted_listener(tmp_path, certificates):
    with Mosquitto(tmp_path / "broker", listener_lines=listener(certificates)) as broker:
        refused(plain()(broker.port), "closed the connection before it began|lost|reset")


def refused(settings, said):
    """Try for a while, get nowhere, and say why."""
    bus = MqttBus(settings, "refused")
    try:
        time.sleep(0.5)
        assert not bus.connected() and bus.connections() == 0
        assert not bus.publish("t/1", b"x")
        until(lambda: re.search(said, bus.trouble()), 5)
    except AssertionError as error:
        raise AssertionError(f"{error}; it said {bus.trouble()!r}") from error
    finally:
        bus.close()
