"""The protocol keeps vehicles apart, weighs honestly, and runs on the public set's layout."""

import io
import json
import pickle
import zipfile
from collections import OrderedDict
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from tests.unit.learning.charges import drawn_charges
from voltherd.bench import fleet_charges, fleet_models
from voltherd.bench.fleet_charges import FleetCharges, public_charges, simulated_charges
from voltherd.bench.fleet_models import (
    FOLDS,
    UNSEEN,
    judge_fold,
    measure,
    measure_public,
    recall_by_kind,
    render,
)
from voltherd.errors import InputError
from voltherd.learning import autoencoder_training
from voltherd.learning.rare_metrics import by_vehicle
from voltherd.learning.snippets import joined

COLUMNS = ["volt", "current", "soc", "max_single_volt", "min_single_volt"]
COLUMNS += ["max_temp", "min_temp", "timestamp"]


def quiet(_: str) -> None:
    """Say nothing."""


@pytest.fixture
def fleet():
    """Forty healthy vehicles and six with a low cell, one of which never charges."""
    chance = np.random.default_rng(3)
    healthy = drawn_charges(chance, 40, 3)
    faulty = drawn_charges(chance, 5, 3, low_volt=0.04, name="w")
    fault = dict.fromkeys(healthy.vehicle.tolist(), "")
    fault |= dict.fromkeys([*faulty.vehicle.tolist(), "w999"], "weak_cell:15%")
    return FleetCharges(fault=fault, triage={}, snippets=joined([healthy, faulty]))


def test_no_vehicle_that_is_judged_is_trained_on_and_each_is_judged_once(fleet, monkeypatch):
    trained = []

    def fit(healthy, chance, progress):
        trained.append(set(healthy.vehicle.tolist()))
        return lambda asked: np.ones(len(asked.vehicle))

    monkeypatch.setattr(fleet_models, "METHODS", {"any": fit})
    judged = [set(judge_fold(fleet, number, 0, quiet)["any"]) for number in range(FOLDS)]
    for seen, asked in zip(trained, judged, strict=True):
        assert not seen & asked
        assert seen | asked == set(fleet.fault)
        assert asked >= set(fleet.faulty)
    held = [name for asked in judged for name in asked if not fleet.fault[name]]
    assert sorted(held) == list(fleet.healthy)


def test_a_vehicle_without_a_charge_counts_as_not_found(fleet, monkeypatch):
    few = {name: fleet_models.METHODS[name] for name in ("sibling z-score", "ECOD")}
    monkeypatch.setattr(fleet_models, "METHODS", few)
    told = judge_fold(fleet, 0, 0, quiet)["ECOD"]
    assert told["w999"] == UNSEEN
    healthy = np.array([told[name] for name in fleet.healthy if name in told])
    faulty = np.array([told[name] for name in fleet.faulty])
    assert recall_by_kind(fleet, healthy, faulty) == {"weak_cell:15%": 5 / 6}


def write_brand(folder, fleet):
    """Lay charges out as the public set does: percent, pack volts, charging negative."""
    for number, values in enumerate(fleet.snippets.values):
        name = str(fleet.snippets.vehicle[number])
        sub = folder / ("train" if number % 2 else "test")
        sub.mkdir(parents=True, exist_ok=True)
        mean, current, soc, high, low, hot, cold, _ = values.T
        time = np.linspace(0.0, 9000.0, len(mean))
        table = np.stack([90 * mean, -current, 100 * soc, high, low, hot, cold, time], axis=1)
        car = int(name[1:]) + (500 if name[0] == "w" else 0)
        facts = OrderedDict(label="10" if name[0] == "w" else "00", car=car, mileage=1.0)
        with zipfile.ZipFile(sub / f"{number}.pkl", "w") as archive:
            archive.writestr("archive/data.pkl", pickle.dumps((table, facts), protocol=2))
    held = io.BytesIO()
    pickle.dump(COLUMNS, held, protocol=2)
    (folder / "column.pkl").write_bytes(held.getvalue())


def test_the_public_layout_becomes_our_channels(fleet, tmp_path):
    write_brand(tmp_path / "battery_brand1", fleet)
    read = public_charges(tmp_path / "battery_brand1", quiet)
    assert (len(read.healthy), len(read.faulty)) == (40, 5)
    assert len(read.snippets.vehicle) == len(fleet.snippets.vehicle)
    mine = fleet.snippets.values[fleet.snippets.vehicle == "v007"]
    theirs = read.snippets.values[read.snippets.vehicle == "battery_brand1:7"]
    order = np.argsort(theirs[:, 0, 0])
    assert theirs[order][:, :, :-1] == pytest.approx(
        mine[np.argsort(mine[:, 0, 0])][:, :, :-1], rel=2e-3
    )
    assert np.isnan(theirs[:, :, -1]).all()


def test_values_that_are_no_volts_are_refused(fleet, tmp_path):
    values = fleet.snippets.values.copy()
    values[:, :, 3:5] = 0.5
    write_brand(tmp_path / "b", replace(fleet, snippets=replace(fleet.snippets, values=values)))
    with pytest.raises(InputError, match="not in volts"):
        public_charges(tmp_path / "b", quiet)


@pytest.mark.long
def test_the_public_row_runs_and_ranks_what_is_plain(fleet, tmp_path, monkeypatch):
    monkeypatch.setattr(autoencoder_training, "ROUNDS", 15)
    monkeypatch.setattr(fleet_models, "by_vehicle", partial(by_vehicle, rounds=20))
    write_brand(tmp_path / "battery_brand1", fleet)
    table = measure_public(tmp_path / "battery_brand1", seed=1, progress=quiet)
    by_method = {row.method: row for row in table.rows}
    assert set(by_method) == set(fleet_models.METHODS)
    assert by_method["ECOD"].auroc.value > 0.9
    assert by_method["autoencoder"].auroc.value > 0.9
    assert json.loads(table.to_json())["healthy"] == 40
    text = render(table)
    assert "battery_brand1: 40 healthy and 5 faulty vehicles" in text
    assert "cannot be told with so few healthy vehicles" in text


@pytest.mark.nightly
@pytest.mark.long
def test_a_small_simulated_fleet_goes_through(monkeypatch):
    monkeypatch.setattr(fleet_charges, "FAULTS", ("cell_imbalance:-20%",))
    few = {name: fleet_models.METHODS[name] for name in ("sibling z-score", "ECOD")}
    monkeypatch.setattr(fleet_models, "METHODS", few)
    monkeypatch.setattr(fleet_models, "by_vehicle", partial(by_vehicle, rounds=20))
    table = measure(vehicles=8, days=4, seed=3, each=2, progress=quiet)
    assert (table.healthy, dict(table.faulty)) == (8, {"cell_imbalance:-20%": 2})
    assert set(table.other_design) == {*few, fleet_models.TRIAGE}
    by_method = {row.method: row for row in table.rows}
    assert by_method["sibling z-score"].auroc.value > 0.7
    assert by_method[fleet_models.TRIAGE].auroc.value > 0.7
    assert "other design" in render(table)


def test_a_fault_is_planted_in_the_vehicle_that_is_said_to_have_it(monkeypatch):
    monkeypatch.setattr(fleet_charges, "FAULTS", ("weak_cell:15%", "soc_imbalance:7%"))
    asked = []

    def gather(spec, kind, title, progress):
        asked.append((spec, kind))
        return FleetCharges(fault=kind, triage={}, snippets=joined([]))

    monkeypatch.setattr(fleet_charges, "_gathered", gather)
    simulated_charges(fleet_charges.FIRST, vehicles=3, days=3, seed=1, each=2, progress=quiet)
    [(spec, kind)] = asked
    assert set(kind) == {"sim-0004", "sim-0005", "sim-0006", "sim-0007"}
    assert len(spec.faults) == 4
    for fault in spec.faults:
        assert kind[f"sim-{fault.vehicle:04d}"].startswith(fault.phenomenon.value)
