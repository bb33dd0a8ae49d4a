"""The benchmark of estimators, small: on a simulated cell in the layout of the recorded ones."""

import json
import math

import duckdb
import numpy as np
import pytest

from tests.unit.estimation.test_identify import recorded
from voltherd.bench import soc, soc_plot
from voltherd.bench.soc_protocol import (
    FURTHER,
    SCORED,
    STARTS,
    SocRow,
    from_charge,
    scored,
)
from voltherd.errors import InputError, UsageError
from voltherd.numerics.cell_map import preset_map
from voltherd.numerics.presets import NMC

pytestmark = pytest.mark.long
OWN = """
class Always:
    def __init__(self, cell):
        self.cell = cell

    def init(self, sample, soc, sigma):
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
    assert "clean and wrongly started, by hours 0 to 1:" in soc.render(table)
    picture = soc_plot.drawn(table.rows)
    assert all(name in picture for name in ("soc_map", "soc_ekf", "soc_coulomb", "Always"))
    with pytest.raises(InputError, match="no drives to draw"):
        soc_plot.drawn([])
    assert next(row.numbers for row in table.rows if row.estimator == "soc_coulomb") == 6


def test_without_a_second_folder_every_other_cycle_is_held_back(tmp_path):
    folder = written(tmp_path / "a", range(4))
    table = soc.measure(folder, None, lambda _: None, only=("soc_coulomb",))
    clean = [row for row in table.rows if row.condition == "clean" and row.estimator == "soc_map"]
    assert {row.cycle for row in clean} == {"0 Mixed2", "25 Mixed3"}
    assert {row.condition for row in table.rows} <= set(SCORED)


@pytest.mark.nightly
def test_the_whole_league_runs_on_the_records_as_they_are(tmp_path):
    train, test = written(tmp_path / "a", range(2)), written(tmp_path / "b", [10, 12])
    table = soc.measure(train, test, lambda _: None, quick=True, each=1, only=())
    assert {row.cycle for row in table.rows} == {"0 Mixed10"}
    assert {row.condition for row in table.rows} == {"clean"}
    others = {"soc_ukf", "soc_hinf", "soc_particle", "soc_sliding", "soc_adaptive"}
    told = set(table.summary["lg_hg2"])
    assert told == {"soc_map", "soc_ekf", "soc_coulomb", "soc_cloud_corrected", "primary", *others}
    assert all(row.numbers > 0 for row in table.rows)


def test_each_cycle_is_tested_by_what_all_others_say(tmp_path):
    folder = written(tmp_path / "a", range(4))
    table = soc.measure(
        folder, None, lambda _: None, quick=True, leave_out=True, only=(soc.PRIMARY,)
    )
    assert len({row.cycle for row in table.rows}) == 4
    assert table.summary["lg_hg2"]["soc_map"]["rmse"] < 2.0
    ready = soc.prepared(folder, None, "lg_hg2", leave_out=True)
    apart = [cell.r0_ohm.tobytes() for cell in (*ready.cells, ready.cell)]
    assert len(set(apart)) == 5, "every cycle has a cell of its own"


def test_an_installed_package_brings_its_estimator(tmp_path, monkeypatch):
    (tmp_path / "theirs.py").write_text(OWN)
    facts = tmp_path / "theirs-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[voltherd.estimators]\nsoc_theirs = theirs:Always\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert "soc_theirs" in soc.taking_part("", ("soc_theirs",), learn=False)
    made = soc.estimators_of(preset_map(NMC), "")
    assert type(made["soc_theirs"]).__name__ == "Always"


def test_mistakes_are_said(tmp_path):
    with pytest.raises(InputError, match="no recorded cell"):
        soc.measure(tmp_path, None, lambda _: None)
    folder = written(tmp_path / "a", range(4))
    with pytest.raises(InputError, match=r"4 cycles are to train and to test on"):
        soc.measure(folder, folder, lambda _: None)
    with pytest.raises(UsageError, match=r"no estimator soc_magic.*--learned soc_ridge"):
        soc.measure(folder, None, lambda _: None, only=("soc_magic",))
    with pytest.raises(UsageError, match="neither --test nor --learned"):
        soc.measure(folder, folder, lambda _: None, leave_out=True)
    file = folder / "lg_hg2" / "drive_cycles_1hz.parquet"
    for change, match in (
        ("* EXCLUDE soc_ref", "has no column soc_ref"),
        ("* EXCLUDE set_temp_c", "has no column set_temp_c"),
    ):
        spoiled = tmp_path / change.split()[-1] / "lg_hg2" / file.name
        spoiled.parent.mkdir(parents=True)
        duckdb.sql(f"COPY (SELECT {change} FROM '{file}') TO '{spoiled}' (FORMAT parquet)")
        with pytest.raises(InputError, match=match):
            soc.cycles_of(spoiled.parent.parent, "lg_hg2")
    short = tmp_path / "short" / "lg_hg2" / file.name
    short.parent.mkdir(parents=True)
    duckdb.sql(f"COPY (SELECT * FROM '{file}' WHERE t_s < 5) TO '{short}' (FORMAT parquet)")
    with pytest.raises(InputError, match=r"has 5 whole rows, at least 100"):
        soc.cycles_of(short.parent.parent, "lg_hg2")


@pytest.mark.parametrize(
    ("text", "name", "match"),
    [
        (OWN, "Best", "no class Best"),
        ("class Best(", "Best", "SyntaxError"),
        ("class Best:\n    def __init__(self): ...", "Best", "TypeError.*cell="),
        ("class Best:\n    def __init__(self, cell): ...", "Best", "no init and no step"),
    ],
)
def test_mistakes_in_an_own_estimator_are_said(tmp_path, text, name, match):
    file = tmp_path / "mine.py"
    file.write_text(text)
    with pytest.raises(UsageError, match=match):
        soc.taking_part(f"{file}:{name}", (), learn=False)


@pytest.mark.parametrize("own", ["nowhere.py:Best", "Best"])
def test_an_own_estimator_that_is_not_there_is_said(own):
    with pytest.raises(UsageError, match="no such estimator"):
        soc.taking_part(own, (), learn=False)


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


def test_errors_are_told_by_length_and_liveliness_of_the_record():
    def row(condition, rmse, hours, swing):
        return SocRow("lg", "a", 25.0, condition, "x", rmse, 0, 0, 0, 0, hours=hours, swing=swing)

    told = scored(
        [
            row("clean", 1.0, 0.5, 0.2),
            row("clean", 3.0, 0.9, 2.0),
            row("start at 30 %", 5.0, 5.0, 0.2),
            row("current +0.3 A", 9.0, 0.5, 0.2),
        ]
    )
    assert told["rmse_by_hours"] == {"0 to 1": 2.0, "over 4": 5.0}
    assert told["rmse_by_swing"] == {"0 to 0.3": 3.0, "over 1": 3.0}
