"""The yardstick of diagnosis: peers, places, tables; and that a record's own faults are not hit."""

import json
import math

import numpy as np
import pytest

from voltherd.bench import detect, detect_recorded, detect_simulated
from voltherd.bench.detect_cases import CELLS, CONTACTS, RECORDED, SENSORS, SHORTS
from voltherd.bench.detect_peers import (
    cell_at,
    fixed_thresholds,
    furthest_volt,
    sibling_scores,
)
from voltherd.errors import InputError
from voltherd.sim.fault_text import parse_faults
from voltherd.types.event import LocationKind, Phenomenon
from voltherd.types.sample import SampleBatch

ROWS, CELLS_N = 400, 20


def record(volt=None, probe=None, **scalar):
    rng = np.random.default_rng(3)
    volt = 3.7 + rng.normal(0.0, 0.002, (ROWS, CELLS_N)) if volt is None else volt
    probe = np.full((ROWS, 4), 25.0) if probe is None else probe
    return SampleBatch(
        vehicle_id="car",
        unix_time_second=1.7e9 + 10.0 * np.arange(ROWS),
        cell_voltage_volt=volt.astype(np.float32),
        cell_quality=np.zeros(volt.shape, np.uint8),
        probe_temperature_celsius=probe.astype(np.float32),
        probe_quality=np.zeros(probe.shape, np.uint8),
        scalar={n: np.full(ROWS, v) for n, v in scalar.items()},
        scalar_quality={n: np.zeros(ROWS, np.uint8) for n in scalar},
    )


def off(cell, volt, from_row):
    moved = record().cell_voltage_volt.copy()
    moved[from_row:, cell - 1] += volt
    return record(moved)


def test_peers_leave_healthy_cells_alone():
    healthy = record(voltage_volt=74.0, insulation_resistance_ohm=1e6)
    assert fixed_thresholds(healthy) == sibling_scores(healthy) == ()


def test_thresholds_name_the_cell_that_makes_the_spread_after_three_readings():
    [raised] = fixed_thresholds(off(7, -0.4, 100))
    assert raised.location == cell_at(7)
    assert raised.unix_time_second == 1.7e9 + 10.0 * 102


def test_the_sibling_score_waits_for_eighty_of_a_hundred_samples():
    # Twenty cells: the plain score of one among them cannot pass (n - 1) / sqrt(n) = 4.2.
    wide = np.concatenate([record().cell_voltage_volt] * 4, axis=1)
    wide[100:, 6] -= 0.05
    [raised] = sibling_scores(record(wide))
    assert raised.location == cell_at(7)
    assert 1.7e9 + 10.0 * 175 <= raised.unix_time_second <= 1.7e9 + 10.0 * 183
    assert sibling_scores(off(7, -0.05, 100)) == ()


def test_hot_probes_and_poor_insulation_pass_their_limits():
    probe = np.full((ROWS, 4), 25.0)
    probe[200:, 2] = 65.0
    raised = fixed_thresholds(record(None, probe, voltage_volt=74.0, insulation_resistance_ohm=1e4))
    assert {(r.location.kind, r.location.index) for r in raised} == {
        (LocationKind.PROBE, 3),
        (LocationKind.PACK, None),
    }


def test_one_reading_alone_is_not_how_far_a_cell_stood():
    spiked = record().cell_voltage_volt.copy()
    spiked[50, 4] += 0.5
    assert furthest_volt(record(spiked))[4] < 0.02
    assert furthest_volt(off(5, 0.5, 100))[4] == pytest.approx(0.5, abs=0.02)


def test_a_limit_that_finds_as_many_is_the_found_ones_least():
    healthy = np.array([0.01, 0.02, 0.03])
    assert detect_simulated.equal_recall(3, np.array([0.05, 0.04, 0.025]), healthy) == (0.025, 1)
    assert math.isnan(detect_simulated.equal_recall(0, np.array([0.05]), healthy)[0])


@pytest.mark.parametrize("case", [*SHORTS, *CONTACTS, *CELLS, *SENSORS], ids=lambda c: c.text)
def test_every_case_is_spelt_as_the_simulator_reads_it(case):
    [planted] = parse_faults(case.text)
    assert planted.phenomenon is case.phenomenon
    assert case in RECORDED


def test_a_folder_without_vehicles_is_told(tmp_path):
    (tmp_path / "notes.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="no recorded vehicle"):
        detect_recorded.vehicles_of(tmp_path)
    with pytest.raises(InputError, match="no recorded vehicle"):
        detect_recorded.vehicles_of(tmp_path / "nowhere")


@pytest.mark.recorded
@pytest.mark.long
def test_a_real_car_is_read_and_a_planted_leak_found_beside_its_own_faults(recorded):
    seen, refused = detect_recorded.vehicles_of(recorded / "baticm_ev_faults")
    assert refused == ()
    car3 = next(v for v in seen if v.name == "car3")
    assert not {2, 81} & set(car3.cells.tolist())
    short = next(c for c in SHORTS if c.size == 0.018)
    outcomes = list(detect_recorded.outcomes((car3,), (short,), 1, 5, lambda _: None))
    [outcome] = outcomes
    assert outcome.found_hour["voltherd"] < 48.0
    assert outcome.recommended and outcome.others == 0
    rows = detect._rows(outcomes, (short,))
    assert {row.method for row in rows} == set(outcome.found_hour)
    assert all(row.injected for row in rows)


@pytest.mark.long
def test_the_simulated_table_holds_what_it_says():
    table = detect.measure(
        None,
        parts=("simulated",),
        only=("sensor_stuck",),
        each=2,
        vehicles=2,
        days=3,
        seed=8,
        progress=lambda _: None,
    )
    [ours] = [r for r in table.rows if r.method == "voltherd"]
    assert (ours.planted, ours.found, ours.phenomenon) == (2, 2, Phenomenon.SENSOR_STUCK.value)
    told = json.loads(table.to_json())
    assert told["false"][0]["vehicle_days"] == 2 * 3 * 3
    text = detect.render(table)
    assert "sensor_stuck" in text and "healthy simulated vehicles" in text
