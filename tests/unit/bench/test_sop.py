"""The benchmark of the state of power, small: search, cache, scores, one short simulation."""

import json
import math
from importlib.util import find_spec
from xml.etree.ElementTree import fromstring

import duckdb
import numpy as np
import pytest

from voltherd.bench import sop, sop_cases
from voltherd.bench.sop_cases import Grid, Piece, pieces
from voltherd.bench.sop_plot import drawn
from voltherd.bench.sop_pulses import FILE, asked_for, pulses_in, recorded_pulses
from voltherd.bench.sop_score import UNSURE, SopRow, scored, summary_of
from voltherd.bench.sop_truth import Trace, lasting
from voltherd.errors import InputError, UsageError

TINY = Grid(
    mapped_soc=(0.2, 0.5, 0.9),
    mapped_celsius=(15.0, 35.0),
    rates=(0.5, 2.0, 5.0),
    tested_soc=(0.5,),
    tested_celsius=(25.0,),
    loaded_soc=(),
)


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0])
def test_the_search_finds_the_power_that_lasts(exponent):
    tried = []

    def ends(watt):
        tried.append(watt)
        return min((100.0 / watt) ** (1.0 / exponent), 360.0), "voltage"

    found = lasting(ends, (2.0, 10.0, 60.0), 1.0, 300.0)
    for one in found:
        assert one.watt == pytest.approx(100.0 / one.second**exponent, rel=2e-3)
        assert one.limit == "voltage"
    assert len(tried) < 45


def test_no_state_asked_about_lies_on_the_map():
    grid = sop_cases.FULL
    assert not set(grid.mapped_soc) & set(grid.tested_soc)
    assert not set(grid.mapped_celsius) & set(grid.tested_celsius)
    assert (len(grid.tested_soc), len(grid.tested_celsius)) == (8, 3)
    assert len(pieces(grid)) == len(set(pieces(grid)))


BLANK = SopRow(
    dataset="d",
    cycle="50%",
    temperature=25.0,
    condition="rested",
    estimator="e",
    rmse=0.0,
    mae=0.0,
    max=0.0,
    coverage90=math.nan,
    microsecond=80.0,
    direction="discharge",
    second=10.0,
    soc=0.5,
    limit="voltage",
    limit_told="voltage",
    watt=-10.0,
    watt_told=-10.0,
    error=0.0,
    over5=0.0,
    kept=1.0,
)


def row(error, **changes):
    off = abs(error)
    over = 100.0 if error > 5.0 else 0.0
    return BLANK._replace(
        error=error, rmse=off, mae=off, max=off, over5=over, kept=float(error <= 0.0), **changes
    )


def test_the_score_tells_too_much_from_too_little():
    rows = [row(-3.0), row(6.0), row(1.0, limit="current"), row(-1.0, direction="charge")]
    rows += [row(50.0, condition="after a load"), row(-7.0, second=60.0)]
    told = scored(rows)
    assert told["mae_discharge"] == pytest.approx(10.0 / 3.0)
    assert told["mae_discharge_voltage"] == pytest.approx(4.5)
    assert told["mae_charge"] == pytest.approx(1.0)
    assert told["over5"] == pytest.approx(20.0)
    assert told["kept"] == pytest.approx(50.0)
    assert told["tight"] == pytest.approx(100.0)
    assert told["conditions"]["after a load"]["discharge 10 s"]["over5"] == 100.0
    assert math.isnan(scored([])["mae_charge"])


def test_the_summary_has_the_keys_of_every_benchmark():
    rows = [row(-3.0), row(4.0), row(1.0, condition=UNSURE, coverage90=0.95)]
    rows += [row(1.0, condition=UNSURE, coverage90=0.75, limit="current")]
    told = summary_of(rows)["d"]
    assert told["primary"] == "sop_map"
    assert told["e"]["rmse"] == pytest.approx(math.sqrt(12.5))
    assert (told["e"]["mae"], told["e"]["max"]) == (3.5, 4.0)
    assert told["e"]["coverage90"] == pytest.approx(0.85)
    assert told["e"]["coverage90_by_limit"] == {"current": 0.75, "voltage": 0.95}
    assert told["e"]["kept90"] == 0.0
    assert math.isnan(told["e"]["weighted"])
    table = sop.SopTable(
        rows=tuple(rows), summary=summary_of(rows), pulses=(), unasked={"d": 2}, energies=()
    )
    plain = json.loads(table.to_json())
    assert plain["summary"]["d"]["e"]["weighted"] is None
    assert plain["rows"][0]["coverage90"] is None
    keys = {"dataset", "cycle", "temperature", "condition", "estimator"}
    keys |= {"rmse", "mae", "max", "coverage90", "microsecond"}
    assert keys <= set(plain["rows"][0])


def test_a_load_that_breaks_a_limit_itself_has_no_power_asked_after_it(monkeypatch):
    """A minute of charging that ends at the voltage before its time."""

    class Full:
        capacity_ah = 5.0

        def load(self, before, value, seconds, *, power):
            assert before.second == 0.0, "no power may be sought behind a broken limit"
            one = np.ones(1)
            return Trace(one, 4.2 * one, one, 15.0 * one, "voltage")

    monkeypatch.setattr(sop_cases, "cell_of", lambda name, bounds: Full())
    told = sop_cases.simulate(("Chen2020", TINY, Piece(False, 0.8, 15.0, True, 18.5)))
    assert told["watt"] == told["limit"] == []


def test_a_search_where_nothing_lasts_ends():
    with pytest.raises(AssertionError, match="broken before the load"):
        lasting(lambda _: (0.0, "voltage"), (2.0, 10.0), 1.0, 300.0)


def test_an_unknown_set_is_refused(tmp_path):
    with pytest.raises(UsageError, match="no parameter set Nothing"):
        sop.measure(None, None, lambda _: None, ["Nothing"], TINY, tmp_path)


def test_the_picture_is_well_formed_and_says_what_it_shows():
    rows = [
        row(0.0, direction="charge")._replace(
            estimator=name, soc=soc, watt=60.0 * soc, watt_told=50.0
        )
        for name in ("sop_map", "sop_2rc", "sop_r0")
        for soc in (0.3, 0.6, 0.9)
    ]
    picture = fromstring(drawn(rows))  # our own text
    said = " ".join(picture.itertext())
    assert all(name in said for name in ("DFN", "map", "2-RC", "R0"))
    assert "state of charge [%], 25 °C" in said
    with pytest.raises(InputError, match="to draw"):
        drawn([])


@pytest.mark.nightly
@pytest.mark.long
@pytest.mark.skipif(find_spec("pybamm") is None, reason="pip install 'voltherd[twin]'")
@pytest.mark.filterwarnings("default")
def test_a_small_simulation_is_kept_and_scored(tmp_path, monkeypatch):
    monkeypatch.setenv("VOLTHERD_DATA", str(tmp_path))
    table = sop.measure(None, None, lambda _: None, ["Chen2020"], TINY, tmp_path)
    told = table.summary["dfn_chen2020"]
    assert told["primary"] == "sop_map"
    assert set(told) == {"sop_map", "sop_one_rate", "sop_2rc", "sop_r0", "primary"}
    assert told["sop_map"]["mae_discharge"] < told["sop_r0"]["mae_discharge"]
    rested = [r for r in table.rows if r.condition == "rested" and r.estimator == "sop_map"]
    assert all((r.watt > 0.0) == (r.direction == "charge") for r in rested)
    assert all((r.watt_told > 0.0) == (r.direction == "charge") for r in rested)
    assert {r.condition for r in table.rows} >= {"rested", "SOC told 2 % too high"}
    said = sop.render(table)
    assert "sop_map" in said
    assert "none are there that could be predicted" in said
    assert "no recorded drives are there" in said
    unsure = [r for r in table.rows if r.condition == UNSURE]
    assert {r.estimator for r in unsure} == {"sop_map"}
    assert all(0.0 <= r.coverage90 <= 1.0 and r.rmse <= r.max for r in unsure)
    assert all(math.isnan(r.coverage90) for r in rested)
    assert all(r.microsecond > 0.0 for r in table.rows)
    assert json.loads(table.to_json())["summary"]["dfn_chen2020"]["primary"] == "sop_map"

    # A second run takes everything from the cache, also after a line that was cut short.
    (file,) = tmp_path.glob("*.jsonl")
    whole = file.read_text()
    file.write_text(whole + "[true, 0.2, 15")
    monkeypatch.setattr(sop_cases, "simulate", None)
    again = sop.measure(None, None, lambda _: None, ["Chen2020"], TINY, tmp_path)
    assert [r._replace(microsecond=0.0) for r in again.rows] == [
        r._replace(microsecond=0.0) for r in table.rows
    ]
    assert file.read_text() == whole


def written(folder, socs=(0.9, 0.7, 0.5, 0.3), ohm=0.03):
    """Write pulses as the recorded ones lie."""
    parts, second, ah = [], 0.0, 0.0
    for soc in socs:
        ah = (soc - 1.0) * 2.778
        for ampere in (-3.0, -6.0, 3.0):
            rest = np.linspace(second, second + 60.0, 4)
            load = rest[-1] + np.arange(1.0, 11.0)
            flow = np.r_[np.zeros(4), np.full(10, ampere)]
            parts.append(
                np.column_stack([np.r_[rest, load], flow, 3.7 + ohm * flow, np.full(14, ah)])
            )
            second = load[-1] + 1.0
    table = np.concatenate(parts)
    table[0, 3] = 0.0
    file = folder / FILE
    file.parent.mkdir(parents=True)
    columns = dict(zip(("t_s", "current_a", "voltage_v", "ah"), table.T, strict=True))
    columns |= {"test": np.array(["HPPC"] * len(table)), "set_temp_c": np.full(len(table), 25)}
    with duckdb.connect() as con:
        con.register("rows", columns)
        con.execute(f"COPY (SELECT * FROM rows) TO '{file}' (FORMAT parquet)")
    return folder


def test_pulses_are_predicted_from_the_other_states(tmp_path):
    here = written(tmp_path / "a")
    rows = recorded_pulses(here, here)
    assert [row.direction for row in rows] == ["discharge", "charge"]
    assert all(row.rmse_millivolt < 1e-3 for row in rows)
    other = written(tmp_path / "b", ohm=0.04)
    told = recorded_pulses(here, other)
    assert told[0].mae_percent == pytest.approx(25.0)
    assert recorded_pulses(tmp_path, tmp_path) == []


def test_a_folder_that_was_named_and_has_no_pulses_is_refused_before_anything_is_simulated(
    tmp_path, monkeypatch
):
    here = written(tmp_path / "a")
    assert asked_for(here) == here
    monkeypatch.setenv("VOLTHERD_DATA", str(tmp_path))
    no = tmp_path / "no"
    for train, test, wrong in ((no, None, no), (here, no, no), (None, here, tmp_path)):
        with pytest.raises(InputError, match="no recorded pulses are there") as told:
            sop.measure(train, test, lambda _: None, ["Chen2020"], TINY, tmp_path / "cache")
        assert told.value.where == str(wrong)
        assert FILE in told.value.mend
    assert not (tmp_path / "cache").exists()


def test_pulses_without_a_column_are_refused_by_name(tmp_path):
    file = written(tmp_path) / FILE
    with duckdb.connect() as con:
        con.execute(f"CREATE TABLE part AS SELECT * EXCLUDE (test, ah) FROM '{file}'")
        con.execute(f"COPY part TO '{file}' (FORMAT parquet)")
    with pytest.raises(InputError, match="has no column test, ah; it must have") as told:
        pulses_in(tmp_path)
    assert told.value.where == str(file)


@pytest.mark.recorded
def test_recorded_pulses_are_met(recorded):
    rows = recorded_pulses(recorded, recorded)
    assert rows, "the recorded data has no LG pulses"
    assert {row.celsius for row in rows} == {-20.0, -10.0, 0.0, 10.0, 25.0, 40.0}
    assert max(row.mae_percent for row in rows) < 10.0
