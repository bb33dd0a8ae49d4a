"""A simulated vehicle as a CAN log, from the command line to the finding and back to samples."""

import json
import os
import subprocess
import sys

import cantools.database
import numpy as np
import pytest

from voltherd.cli.compose import CAN_FORMATS, Reading, read_file
from voltherd.cli.simulate import simulate_can
from voltherd.errors import UsageError
from voltherd.sim.can_dbc import pack_messages
from voltherd.sim.fleet import fleet_spec, simulate
from voltherd.sim.truth import truth_from_document
from voltherd.types.channel import cell_column, probe_column
from voltherd.types.quality import INVALID

SEED = 3
FAULTS = "sensor_stuck@cell=7,day=1.1,channel_invalid@probe=4"
PLACED = "sensor_stuck@cell=7,day=1.1,vehicle=1,channel_invalid@probe=4,vehicle=1"


def voltherd_run(*words):
    return subprocess.run(
        [sys.executable, "-m", "voltherd", *map(str, words)],
        capture_output=True,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
        timeout=120,
    )


def written(out, **other):
    given = {
        "vehicle": 1,
        "days": 1,
        "seed": SEED,
        "faults": FAULTS,
        "period_second": 10.0,
        "log_format": "blf",
        "progress": lambda _: None,
    }
    return simulate_can(out, **{**given, **other})


@pytest.fixture(scope="module")
def bus(tmp_path_factory):
    out = tmp_path_factory.mktemp("can") / "bus"
    words = ("--seed", SEED, "--faults", FAULTS, "--period", 10, "--out", out)
    done = voltherd_run("simulate", "can", *words)
    assert done.returncode == 0, done.stderr
    assert "2 faults planted" in done.stdout
    return out


def test_triage_finds_the_planted_cell_in_the_log(bus):
    done = voltherd_run("triage", bus / "sim-0001.blf", "--dbc", bus / "pack.dbc", "--json", "-")
    assert done.returncode == 0, done.stderr
    truth = json.loads((bus / "truth.json").read_text())["faults"][0]
    found = {
        (finding["vehicle_id"], finding["phenomenon"], finding["location"]["index"])
        for finding in json.loads(done.stdout)["findings"]
    }
    assert (truth["vehicle_id"], truth["phenomenon"], truth["location"]["index"]) in found
    assert ("sim-0001", "sensor_stuck", 7) in found


@pytest.mark.parametrize("log_format", CAN_FORMATS)
def test_the_log_gives_back_the_samples_within_half_a_bit(bus, tmp_path, log_format):
    folder = bus if log_format == "blf" else tmp_path
    if log_format != "blf":
        written(folder, log_format=log_format)
    spec = fleet_spec(vehicles=1, days=1, seed=SEED, faults=PLACED, period_second=10.0)
    [day] = simulate(spec)
    reading = Reading(dbc=folder / "pack.dbc")
    [(batch, _)] = read_file(folder / f"sim-0001.{log_format}", reading)
    there = day.batch
    assert batch.vehicle_id == there.vehicle_id
    np.testing.assert_allclose(batch.unix_time_second, there.unix_time_second, atol=1e-3, rtol=0.0)
    signals = {s.channel: s for m in pack_messages(spec.layout) for s in m.signals}

    def same(ours, theirs, channel):
        signal = signals[channel]
        # Half a bit, and what a double loses on the way through another unit.
        half_bit = signal.scale / abs(signal.factor) / 2.0 * (1.0 + 1e-6)
        np.testing.assert_allclose(ours, theirs, atol=half_bit, rtol=0.0, err_msg=channel)

    same(batch.cell_voltage_volt, there.cell_voltage_volt, cell_column(1))
    same(batch.probe_temperature_celsius, there.probe_temperature_celsius, probe_column(1))
    assert batch.scalar.keys() == there.scalar.keys()
    for name, values in there.scalar.items():
        same(batch.scalar[name], values, name)


def test_current_is_positive_while_charging_again_though_the_bus_counts_discharge(bus):
    log, dbc = bus / "sim-0001.blf", bus / "pack.dbc"
    comment = cantools.database.load_file(dbc).get_message_by_name("BMS_Pack").signals[1].comment
    assert "DISCHARGING" in comment
    [(batch, _)] = read_file(log, Reading(dbc=dbc))
    driving = batch.scalar["speed_kilometre_per_hour"] > 30.0
    assert np.median(batch.scalar["current_ampere"][driving]) < -1.0
    assert np.median(batch.scalar["current_ampere"][batch.scalar["charge_state"] == 1.0]) > 1.0


def test_a_dead_probe_comes_back_as_flagged(bus):
    [(batch, report)] = read_file(bus / "sim-0001.blf", Reading(dbc=bus / "pack.dbc"))
    dead = np.isnan(batch.probe_temperature_celsius[:, 3])
    assert 0.5 < dead.mean() < 1.0
    assert ((batch.probe_quality[dead, 3] & INVALID) > 0).all()
    assert "not_available" in {remark.reason for remark in report.remarks}


def test_the_truth_is_of_the_one_vehicle_that_was_written(tmp_path):
    told = written(tmp_path / "bus", vehicle=4, faults="weak_cell:20%@cell=9")
    document = json.loads((tmp_path / "bus" / "truth.json").read_text())
    truth = truth_from_document(document)
    assert truth.vehicle_ids == ("sim-0004",)
    assert [(f.phenomenon, f.location.index) for f in truth.faults] == [("weak_cell", 9)]
    assert document["vehicles"][0]["faults"] == 1
    assert "sim-0004.blf" in told
    assert sorted(p.name for p in (tmp_path / "bus").iterdir()) == [
        "pack.dbc",
        "sim-0004.blf",
        "truth.json",
    ]


def test_the_same_options_give_the_same_bytes_and_another_seed_is_refused_in_that_folder(bus):
    before = {path.name: path.read_bytes() for path in bus.iterdir()}
    written(bus)
    assert {path.name: path.read_bytes() for path in bus.iterdir()} == before
    with pytest.raises(UsageError, match="choose an empty folder"):
        written(bus, seed=SEED + 1)
    assert {path.name: path.read_bytes() for path in bus.iterdir()} == before


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"faults": "demo"}, "--faults.*name a fault"),
        ({"faults": "week_cell"}, "did you mean 'weak_cell'"),
        ({"faults": "weak_cell@vehicle=2"}, "the log is of vehicle 1; .*--vehicle"),
        ({"faults": "weak_cell@cell=97"}, "the pack has 96"),
        ({"faults": "weak_cell@day=3"}, "more --days"),
        ({"log_format": "mf4"}, "--format: .*blf, asc, log"),
        ({"period_second": 0.1}, "sample period"),
    ],
)
def test_what_cannot_be_simulated_is_said_with_its_mend_and_nothing_is_written(
    tmp_path, given, told
):
    with pytest.raises(UsageError, match=told):
        written(tmp_path / "bus", **given)
    assert not (tmp_path / "bus").exists()
