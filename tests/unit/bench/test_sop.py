"""The benchmark of the state of power, small: search, cache, scores, one short simulation."""

import json
import math
from importlib.util import find_spec
from xml.etree.ElementTree import fromstring

import duckdb
import numpy as np
import pytest

from voltherd.bench import sop, sop_cases
from voltherd.bench.sop import SopRow, scored
from voltherd.bench.sop_cases import Grid, pieces
from voltherd.bench.sop_plot import drawn
from voltherd.bench.sop_pulses import FILE, recorded_pulses
from voltherd.bench.sop_truth import lasting
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


def row(error, *, direction="discharge", second=10.0, limit="voltage", condition="rested"):
    return SopRow(
        "d", "e", condition, direction, second, 0.5, 25.0, limit, limit, -10.0, -10.0, error
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
    assert "sop_map" in sop.render(table)
    assert json.loads(table.to_json())["summary"]["dfn_chen2020"]["primary"] == "sop_map"

    # A second run takes everything from the cache, also after a line that was cut short.
    (file,) = tmp_path.glob("*.jsonl")
    whole = file.read_text()
    file.write_text(whole + "[true, 0.2, 15")
    monkeypatch.setattr(sop_cases, "simulate", None)
    again = sop.measure(None, None, lambda _: None, ["Chen2020"], TINY, tmp_path)
    assert again.rows == table.rows
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


@pytest.mark.recorded
def test_recorded_pulses_are_met(recorded):
    rows = recorded_pulses(recorded, recorded)
    assert rows, "the recorded data has no LG pulses"
    assert {row.celsius for row in rows} == {-20.0, -10.0, 0.0, 10.0, 25.0, 40.0}
    assert max(row.mae_percent for row in rows) < 10.0
