"""What many edges send, from a process of its own: the load of ``voltherd bench ingest``.

    python -m voltherd.bench.ingest_load PORT VEHICLES CHUNKS WINDOW

Chunks of a minute of 96 cells, 24 probes and the usual channels at the resolution of their sensors
are made beforehand; then ``ready`` is printed, and a line is waited for.  Records are sent as an
edge sends them: at most ``WINDOW`` are under way without the cloud's acknowledgement; a window of 0
waits for the broker alone.  In the end a line of JSON tells what it cost.
"""

import json
import sys
import threading
import time

import numpy as np
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from voltherd.topics import topic
from voltherd.types.record import Ack, Record, RecordKey, RecordKind
from voltherd.types.sample import SampleBatch
from voltherd.wire.chunk import encode_chunk
from voltherd.wire.envelope import decode, encode

SITE = "bench"
EPOCH = 1 << 32
ROWS, CELLS, PROBES = 60, 96, 24
BROKER_WINDOW = 400
"""Messages under way to the broker."""


def batch(seed: int) -> SampleBatch:
    """Give a minute of a pack: a drifting mean, cells within a few mV, noise of 1 mV at 1 mV."""
    rng = np.random.default_rng(seed)
    mean = 3.7 + np.cumsum(rng.normal(0.0, 0.002, ROWS))
    spread = rng.normal(0.0, 0.004, CELLS)
    cells = mean[:, None] + spread + rng.normal(0.0, 0.001, (ROWS, CELLS))
    cells = np.round(cells, 3).astype(np.float32)
    probes = np.round(25.0 + rng.normal(0.0, 1.0, PROBES) + np.zeros((ROWS, 1))).astype(np.float32)
    scalar = {
        "current_ampere": np.round(20.0 * np.cumsum(rng.normal(0.0, 0.3, ROWS)), 1),
        "voltage_volt": np.round(cells.sum(axis=1, dtype=np.float64), 1),
        "soc_fraction": np.round(np.linspace(0.6, 0.598, ROWS), 3),
        "speed_kilometre_per_hour": np.round(np.abs(np.cumsum(rng.normal(0.0, 2.0, ROWS))), 1),
        "odometer_kilometre": np.round(12_345.0 + np.linspace(0.0, 0.8, ROWS), 1),
        "ambient_temperature_celsius": np.full(ROWS, 18.5),
        "insulation_resistance_ohm": np.round(rng.normal(2e6, 3e4, ROWS), -3),
    }
    return SampleBatch(
        vehicle_id="bench",
        unix_time_second=1.75e9 + np.arange(ROWS, dtype=np.float64),
        cell_voltage_volt=cells,
        cell_quality=np.zeros(cells.shape, np.uint8),
        probe_temperature_celsius=probes,
        probe_quality=np.zeros(probes.shape, np.uint8),
        scalar=scalar,
        scalar_quality={name: np.zeros(ROWS, np.uint8) for name in scalar},
    )


def main(port: int, vehicles: int, chunks: int, window: int) -> None:
    """Send everything, and wait until all of it is acknowledged."""
    bodies = [encode_chunk(batch(seed)) for seed in range(vehicles * chunks)]
    names = [f"bench-{number:05d}" for number in range(vehicles)]
    topics = [topic(SITE, name, "telemetry") for name in names]
    acknowledged, lock = 0, threading.Condition()

    def heard(_client: Client, _userdata: object, message: MQTTMessage) -> None:
        nonlocal acknowledged
        ack = decode(bytes(message.payload))
        assert isinstance(ack, Ack)
        with lock:
            acknowledged += sum(last - first + 1 for first, last in ack.committed)
            lock.notify()

    client = Client(CallbackAPIVersion.VERSION2, f"load-{window}")
    client.max_inflight_messages_set(BROKER_WINDOW)
    client.on_message = heard
    client.connect("127.0.0.1", port)
    client.loop_start()
    while not client.is_connected():
        time.sleep(0.005)
    if window:
        client.subscribe(topic(SITE, "x", "ack").replace("/x/", "/+/"), 1)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    sent_bytes, total = 0, vehicles * chunks
    began, began_cpu = time.monotonic(), time.process_time()
    infos = []
    for number in range(total):
        seq, vehicle = divmod(number, vehicles)
        now = time.time_ns()
        payload = encode(
            Record(
                key=RecordKey(names[vehicle], EPOCH, seq + 1),
                kind=RecordKind.TELEMETRY,
                first_second=1.75e9 + 60.0 * seq,
                last_second=1.75e9 + 60.0 * seq + 59.0,
                heard_first_nanosecond=now,
                heard_last_nanosecond=now,
                body=bodies[number],
            )
        )
        sent_bytes += len(payload)
        infos.append(client.publish(topics[vehicle], payload, qos=1))
        if len(infos) > BROKER_WINDOW:
            infos.pop(0).wait_for_publish(30.0)
        if window:
            with lock:
                while number - acknowledged >= window:
                    lock.wait(60.0)
    for info in infos:
        info.wait_for_publish(30.0)
    if window:
        with lock:
            lock.wait_for(lambda: acknowledged >= total, timeout=60.0)
    told = {
        "second": time.monotonic() - began,
        "cpu_second": time.process_time() - began_cpu,
        "bytes": sent_bytes,
        "acknowledged": acknowledged,
    }
    client.disconnect()
    client.loop_stop()
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:5]))
