"""The benchmark of estimators, small: on a simulated cell in the layout of the recorded ones."""

import json
import math

import duckdb
import numpy as np
import pytest

from tests.unit.estimation.test_identify import recorded
from voltherd.bench import soc
from voltherd.bench.soc_protocol import (
    FURTHER,
    SCORED,
    STARTS,
    SocRow,
    from_charge,
    scored,
)
from voltherd.errors import InputError, UsageError

pytestmark = pytest.mark.long
OWN = """
class Always:
    def __init__(self, cell):
        self.cell = cell

    def init(self, sample, soc=None, sigma=0.01):
        return None

    def step(self, state, sample):
        import numpy as np
        from types import SimpleNamespace

        return None, SimpleNamespace(value=np.array([0.5]), sigma=np.array([0.5]))
"""


def written(folder, seeds):
    """Write drives as the LG record lies."""
    file = folder / "lg_hg2" / "drive_cycles_1hz.parquet"
    file.parent.mkdir(parents=True)
    parts = []
    for seed in seeds:
        celsius = 25 if seed % 2 else 0
        drive = recorded(seed, float(celsius), 2400)
        parts.append(
            {
                "set_temp_c": np.full(2400, celsius),
                "test": np.array([f"Mixed{seed}"] * 2400),
                "t_s": drive.time_second,
                "voltage_v": drive.voltage_volt,
                "current_a": drive.current_ampere,
                "temp_c": drive.temperature_celsius,
                "soc_ref": drive.soc,
                "ok": np.ones(2400, bool),
            }
        )
    columns = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    with duckdb.connect() as con:
        con.register("rows", columns)
        con.execute(f"COPY (SELECT * FROM rows) TO '{file}' (FORMAT parquet)")
    return folder


def test_one_folder_trains_and_another_tests(tmp_path):
    own = tmp_path / "mine.py"
    own.write_text(OWN)
    train, test = written(tmp_path / "a", range(4)), written(tmp_path / "b", range(10, 12))
    only = "soc_ekf", "soc_coulomb", "Always"
    own_class = f"{own}:Always"
    table = soc.measure(train, test, lambda _: None, own_class, further=True, only=only)
    told = table.summary["lg_hg2"]
    assert told["primary"] == "soc_map"
    assert set(told) == {"soc_map", "soc_ekf", "soc_coulomb", "Always", "primary"}
    for name in ("soc_map", "soc_ekf", "soc_coulomb", "Always"):
        assert set(told[name]) > {"rmse", "mae", "max", "coverage90", "weighted"}
    assert told["soc_map"]["rmse"] < 2.0 < told["Always"]["rmse"]
    assert {row.condition for row in table.rows} >= {*SCORED, *FURTHER} - {"start at 30 %"}
    assert {row.cycle for row in table.rows} == {"0 Mixed10", "25 Mixed11"}
    plain = json.loads(table.to_json())
    assert len(plain["rows"]) == len(table.rows)
    assert "soc_map: clean" in soc.render(table)
    assert next(row.numbers for row in table.rows if row.estimator == "soc_coulomb") == 6


def test_without_a_second_folder_every_other_cycle_is_held_back(tmp_path):
    folder = written(tmp_path / "a", range(4))
    table = soc.measure(folder, None, lambda _: None, only=("soc_coulomb",))
    clean = [row for row in table.rows if row.condition == "clean" and row.estimator == "soc_map"]
    assert {row.cycle for row in clean} == {"0 Mixed2", "25 Mixed3"}
    assert {row.condition for row in table.rows} <= set(SCORED)


def test_the_whole_league_runs_on_the_records_as_they_are(tmp_path):
    train, test = written(tmp_path / "a", range(2)), written(tmp_path / "b", [10])
    table = soc.measure(train, test, lambda _: None, quick=True, only=())
    assert {row.condition for row in table.rows} == {"clean"}
    others = {"soc_ukf", "soc_hinf", "soc_particle", "soc_sliding", "soc_adaptive"}
    told = set(table.summary["lg_hg2"])
    assert told == {"soc_map", "soc_ekf", "soc_coulomb", "soc_cloud_corrected", "primary", *others}
    assert all(row.numbers > 0 for row in table.rows)


def test_mistakes_are_said(tmp_path):
    with pytest.raises(InputError, match="no recorded cell"):
        soc.measure(tmp_path, None, lambda _: None)
    folder = written(tmp_path / "a", range(4))
    cell = soc.prepared(folder, None, "lg_hg2").cell
    for own in ("nowhere.py:Best", "Best"):
        with pytest.raises(UsageError, match="no such estimator"):
            soc.estimators_of(cell, own)
    with pytest.raises(UsageError, match="no estimator soc_magic"):
        soc.measure(folder, None, lambda _: None, only=("soc_magic",))
    file = tmp_path / "mine.py"
    file.write_text(OWN)
    with pytest.raises(UsageError, match="no class Best"):
        soc.estimators_of(cell, f"{file}:Best")


def test_a_wrong_start_begins_where_the_charge_falls_below():
    drive = recorded(1)
    for soc_start, _ in STARTS.values():
        changed = from_charge(soc_start)(drive)
        if changed is not None:
            assert changed.soc[0] < soc_start
            assert len(changed.soc) < len(drive.soc)
    assert from_charge(-1.0)(drive) is None


def row(condition, rmse, temperature=25.0):
    return SocRow("d", "c", temperature, condition, "e", rmse, rmse, rmse, 0.9, 1.0)


def test_the_score_weighs_temperatures_alike_and_starts_three_two_one():
    rows = [row("clean", 1.0), row("clean", 1.0), row("clean", 3.0, 0.0)]
    rows += [row(name, value) for name, value in zip(STARTS, (1.0, 2.0, 3.0), strict=True)]
    rows += [row("current +0.3 A", 1.0), row("current -0.3 A", 2.0)]
    start = (3.0 * 1.0 + 2.0 * 2.0 + 1.0 * 3.0) / 6.0
    wanted = (0.5 * 2.0 + 0.2 * start + 0.2 * 1.5) / 0.9
    assert scored(rows)["weighted"] == pytest.approx(wanted)
    assert math.isnan(scored(rows[:3])["weighted"])
