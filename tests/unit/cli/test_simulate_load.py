"""Recorded drives and surroundings, from the command line to the written fleet."""

import os
import subprocess
import sys

import numpy as np
import pytest

from voltherd.adapters.parquet.store import ParquetStore
from voltherd.cli.simulate import recorded_load, simulate_can, simulate_fleet
from voltherd.errors import InputError, UsageError


@pytest.fixture
def recording(tmp_path):
    """Forty minutes at 36 km/h; the battery gives 30 and 90 A in turn."""
    lines = ["time,speed_kmh,pack_voltage_v,current_a,soc_pct"]
    for k in range(2400):
        ampere = -90.0 if k % 60 < 30 else -30.0
        lines.append(
            f"2025-03-03 08:{k // 60:02d}:{k % 60:02d},36,{360 + 0.05 * ampere:.2f},{ampere},70"
        )
    path = tmp_path / "drive.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_fleet_drives_a_recorded_file(recording, tmp_path):
    words = ["--vehicles", "2", "--days", "1", "--seed", "4", "--cycle", str(recording)]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "voltherd",
            "simulate",
            "fleet",
            *words,
            "--out",
            tmp_path / "fleet",
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    store = ParquetStore(tmp_path / "fleet")
    for vehicle_id in store.vehicles():
        batch = store.read(vehicle_id)
        speed = batch.scalar["speed_kilometre_per_hour"]
        assert (speed > 0.0).sum() > 100
        assert set(np.unique(speed[speed > 0.0]).round(1)) == {36.0}


def test_a_fleet_can_be_asked_for_its_surroundings(tmp_path):
    simulate_fleet(
        tmp_path / "fleet",
        vehicles=1,
        days=1,
        seed=1,
        faults="none",
        period_second=30.0,
        environment=True,
        progress=lambda _: None,
    )
    batch = ParquetStore(tmp_path / "fleet").read("sim-0001")
    assert {"pressure_pascal", "relative_humidity_fraction"} <= set(batch.scalar)


def test_a_log_carries_the_surroundings_when_a_fault_is_in_them(tmp_path):
    out = tmp_path / "bus"
    simulate_can(
        out,
        vehicle=1,
        days=1,
        seed=3,
        faults="humidity_high:40%@day=1",
        period_second=60.0,
        log_format="log",
        progress=lambda _: None,
    )
    assert "BMS_Environment" in (out / "pack.dbc").read_text()
    assert " 114#" in (out / "sim-0001.log").read_text()


def test_a_capacity_of_nothing_is_refused():
    with pytest.raises(UsageError, match="name it with --cycle"):
        recorded_load(None, 3.0)
    assert recorded_load(None, None) is None


def test_a_file_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(InputError):
        recorded_load(tmp_path / "nothing.csv", None)
