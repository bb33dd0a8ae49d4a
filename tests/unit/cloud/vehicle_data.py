"""Telemetry of a small pack for the cloud's tests: plausible, quick to make, a fault planted."""

from math import inf

import numpy as np

from voltherd.adapters.memory.store import MemoryStore
from voltherd.numerics.presets import NMC
from voltherd.types.asset import CellType, Chemistry, PackLayout, Vehicle
from voltherd.types.record import Record, RecordKey, RecordKind
from voltherd.types.sample import SampleBatch
from voltherd.wire.chunk import encode_chunk

START = 1_767_225_600.0
"""2026-01-01T00:00:00Z."""
CELLS = 12
CAPACITY_AH = 50.0


def asset(vehicle_id="bus-1", model="test bus"):
    """Facts that fit the telemetry."""
    return Vehicle(
        vehicle_id=vehicle_id,
        layout=PackLayout(series=CELLS, module_series=(6, 6), probe_module=(1, 2)),
        cell_type=CellType(
            name="test cell",
            chemistry=Chemistry.NMC,
            capacity_nominal_ah=CAPACITY_AH,
            voltage_volt_min=2.7,
            voltage_volt_max=4.2,
        ),
        capacity_nominal_ah=CAPACITY_AH,
        model=model,
    )


def drive(vehicle_id="bus-1", hours=6.0, period=5.0, seed=1, start=START, stuck=None, soc=0.8):
    """Rows of a vehicle that drives, rests and charges in turns.

    Args:
        vehicle_id: Whose.
        hours: How long.
        period: Seconds between rows.
        seed: Of currents and noise.
        start: First time.
        stuck: Cell, from 1, that gives one value from a third of the time on.
        soc: At the start.
    """
    rng = np.random.default_rng(seed)
    rows = round(hours * 3600 / period)
    time = start + period * np.arange(rows)
    phase = (np.arange(rows) * period // 1800) % 3  # drive, rest, charge
    current = np.where(phase == 0, rng.normal(-30.0, 15.0, rows), np.where(phase == 2, 25.0, 0.0))
    charge = soc + np.cumsum(current) * period / 3600 / CAPACITY_AH
    speed = np.where(phase == 0, 40.0, 0.0)
    spread = rng.normal(0.0, 0.003, CELLS)
    curve = np.interp(charge, np.linspace(0.0, 1.0, len(NMC.ocv_volt)), NMC.ocv_volt)
    volt = (curve + polarised(current, period))[:, None] + spread
    volt = np.round(volt + rng.normal(0.0, 0.0005, volt.shape), 3).astype(np.float32)
    if stuck:
        volt[rows // 3 :, stuck - 1] = volt[rows // 3, stuck - 1]
    celsius = np.round(25.0 + rng.normal(0.0, 0.2, (rows, 2)), 1).astype(np.float32)
    scalar = {
        "current_ampere": np.round(current, 1),
        "voltage_volt": np.round(volt.sum(axis=1), 1).astype(np.float64),
        "soc_fraction": np.round(np.clip(charge, 0.0, 1.0), 3),
        "speed_kilometre_per_hour": speed,
        "odometer_kilometre": np.round(1000.0 + np.cumsum(speed) * period / 3600, 1),
    }
    return SampleBatch(
        vehicle_id=vehicle_id,
        unix_time_second=time,
        cell_voltage_volt=volt,
        cell_quality=np.zeros(volt.shape, np.uint8),
        probe_temperature_celsius=celsius,
        probe_quality=np.zeros(celsius.shape, np.uint8),
        scalar=scalar,
        scalar_quality={name: np.zeros(rows, np.uint8) for name in scalar},
    )


def polarised(current, period):
    """What a current adds to the open-circuit voltage: ohmic, and two delayed parts."""
    cell = NMC.resized(CAPACITY_AH)
    volt = cell.r0_ohm * current
    for ohm, tau in ((cell.r1_ohm, cell.tau1_second), (cell.r2_ohm, cell.tau2_second)):
        keep = np.exp(-period / tau)
        delayed = 0.0
        for row, ampere in enumerate(current):
            delayed = keep * delayed + (1.0 - keep) * ohm * ampere
            volt[row] += delayed
    return volt


def cut(batch, sizes):
    """A batch in pieces of these sizes, the last size again and again."""
    start = 0
    for size in sizes:
        if start >= batch.rows:
            return
        yield batch.between(start, min(start + size, batch.rows))
        start += size
    while start < batch.rows:
        yield batch.between(start, min(start + sizes[-1], batch.rows))
        start += sizes[-1]


def records(batch, rows=12, epoch=1 << 32, first_seq=1, heard=1):
    """A batch as an edge would send it."""
    return [
        Record(
            key=RecordKey(batch.vehicle_id, epoch, first_seq + number),
            kind=RecordKind.TELEMETRY,
            first_second=float(piece.unix_time_second[0]),
            last_second=float(piece.unix_time_second[-1]),
            heard_first_nanosecond=heard,
            heard_last_nanosecond=heard,
            body=encode_chunk(piece),
        )
        for number, piece in enumerate(cut(batch, [rows]))
    ]


class Remembered:
    """The ``Telemetry`` port on a store in memory, read in pieces of some hours."""

    def __init__(self, *batches, piece_second=7200.0):
        self.store = MemoryStore()
        self.piece_second = piece_second
        self.reads = 0
        for batch in batches:
            self.store.append(batch)

    def vehicles(self):
        return self.store.vehicles()

    def spans(self, vehicle_id, samples_max):
        time = self.store.read(vehicle_id).unix_time_second
        if not len(time):
            return
        cuts = np.arange(time[0] + self.piece_second, time[-1], self.piece_second).tolist()
        yield from zip([-inf, *cuts], [*cuts, inf], strict=True)

    def read(self, vehicle_id, start_second=-inf, stop_second=inf):
        self.reads += 1
        return self.store.read(vehicle_id, start_second, stop_second)


class Known:
    """The ``Assets`` port: everybody is the test bus."""

    def vehicle(self, vehicle_id):
        return asset(vehicle_id)


class Notebook:
    """The ``Journal`` port in memory."""

    def __init__(self):
        self.kept = []

    def write(self, vehicle_id, unix_time_second, kind, body):
        from voltherd.adapters.sqlite.assets import Document

        self.kept.append(Document(vehicle_id, unix_time_second, kind, dict(body)))

    def every(self, kind):
        return [document for document in self.kept if document.kind.startswith(kind)]

    def of_vehicle(self, vehicle_id):
        return [document for document in self.kept if document.vehicle_id == vehicle_id]


class FixedClock:
    """A clock that a test moves."""

    def __init__(self, second=START):
        self.second = second

    def unix_second(self):
        return self.second

    def monotonic_second(self):
        return self.second

    def sleep(self, second):
        self.second += second
