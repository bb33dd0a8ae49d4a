"""Battery Data Format in and out."""

import os
import shutil
import subprocess

import numpy as np
import pytest

from voltherd.adapters.files.bdf import export_bdf
from voltherd.adapters.files.reader import read_file
from voltherd.errors import UsageError
from voltherd.types.sample import SampleBatch, empty_batch


def batch(scalars=("current_ampere", "voltage_volt"), rows=50) -> SampleBatch:
    rng = np.random.default_rng(5)
    volts = rng.uniform(3.5, 3.7, (rows, 3)).astype(np.float32)
    volts[4, 1] = np.nan
    return SampleBatch(
        vehicle_id="bus 7/2",
        unix_time_second=1.7e9 + np.arange(rows) * 10.0,
        cell_voltage_volt=volts,
        cell_quality=np.zeros(volts.shape, np.uint8),
        probe_temperature_celsius=rng.uniform(20, 30, (rows, 7)).astype(np.float32),
        probe_quality=np.zeros((rows, 7), np.uint8),
        scalar={name: rng.uniform(-5, 5, rows) for name in scalars},
        scalar_quality={name: np.zeros(rows, np.uint8) for name in scalars},
    )


@pytest.mark.parametrize("suffix", [".bdf.parquet", ".bdf.csv"])
def test_each_cell_and_the_pack_come_back_from_plain_bdf(tmp_path, suffix):
    wanted = batch()
    files = export_bdf(wanted, tmp_path / "out", suffix)
    assert [f.name for f in files] == [
        f"bus_7_2__cell_001{suffix}",
        f"bus_7_2__cell_002{suffix}",
        f"bus_7_2__cell_003{suffix}",
        f"bus_7_2__pack{suffix}",
    ]
    got = read_file(files[1]).columns
    np.testing.assert_array_equal(got["voltage_volt"].astype("f4"), wanted.cell_voltage_volt[:, 1])
    np.testing.assert_array_equal(got["current_ampere"], wanted.scalar["current_ampere"])
    np.testing.assert_array_equal(got["unix_time_second"], wanted.unix_time_second)
    assert got["test_time_second"][0] == 0.0
    pack = read_file(files[3]).columns
    assert "temperature_t5_celsius" in pack and "temperature_t6_celsius" not in pack
    assert not list(tmp_path.rglob("*.part"))


def test_human_labels_are_read_as_the_machine_names(tmp_path):
    path = tmp_path / "cell.bdf.csv"
    path.write_text(
        "Test Time / s,Voltage / V,Current / A,Ambient Temperature / degC,Step Count / 1,Mood\n"
        "0,3.6,1,25,1,good\n1,3.7,1,25,1,good\n"
    )
    got = read_file(path)
    assert list(got.columns) == [
        "test_time_second",
        "voltage_volt",
        "current_ampere",
        "ambient_temperature_celsius",
        "step_count",
        "Mood",
    ]
    assert [(n.reason, n.count) for n in got.notes] == [("bdf_label", 5)]


@pytest.mark.parametrize("without", [empty_batch("x", cells=2), batch(scalars=())])
def test_what_bdf_requires_is_asked_for(tmp_path, without):
    with pytest.raises(UsageError, match="BDF requires"):
        export_bdf(without, tmp_path)


@pytest.mark.parametrize("suffix", [".bdf.parquet", ".bdf.csv"])
def test_the_official_validator_passes_what_is_written(tmp_path, suffix):
    validator = os.environ.get("VOLTHERD_BDF_VALIDATOR") or shutil.which("bdf")
    if not validator:
        pytest.skip(
            "install the official validator: pip install batterydf==0.1.0 in a venv of its own,"
            " and name its bdf command in VOLTHERD_BDF_VALIDATOR"
        )
    for file in export_bdf(batch(), tmp_path, suffix)[1:4:2]:
        done = subprocess.run(
            [validator, "validate", "--strict", str(file)], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Non-canonical" not in done.stdout and "Legacy" not in done.stderr


@pytest.mark.recorded
def test_samples_of_five_laboratories_are_read(recorded):
    files = sorted((recorded / "bdf_samples").glob("*.bdf.parquet"))
    assert len(files) == 5
    for file in files:
        got = read_file(file)
        assert got.rows > 10_000
        assert {"test_time_second", "voltage_volt", "current_ampere"} <= set(got.columns)
