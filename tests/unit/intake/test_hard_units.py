"""Units, signs and codes that the usual value alone cannot tell."""

import numpy as np
import pytest

from voltherd.intake.build import build
from voltherd.intake.current import find_sign
from voltherd.intake.recognise import recognise
from voltherd.intake.scales import plain_scale
from voltherd.types.quality import Quality
from voltherd.types.table import RawTable


@pytest.mark.parametrize(
    ("healthy", "fault", "ohm"), [(2000.0, 17.5, 1e3), (2e6, 17_500.0, 1.0), (2.0, 0.0175, 1e6)]
)
def test_insulation_that_has_collapsed_for_most_of_the_record_keeps_its_unit(healthy, fault, ohm):
    values = np.repeat([healthy, fault], [100, 900])
    assert plain_scale("insulation_resistance_ohm", values, "").scale == ohm


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_without_a_gauge_the_slow_climb_of_voltage_tells_the_sign(sign):
    rng = np.random.default_rng(0)
    second = np.arange(0.0, 40_000.0, 5.0)
    current = np.repeat(rng.normal(0.0, 40.0, len(second) // 100), 100)
    counted = np.cumsum(current) * 5.0
    # cells are read at other moments than the current: their steps do not match
    late = np.roll(current, 37)
    voltage = 3.7 + 4e-7 * counted + 2e-4 * late
    found = find_sign(second, sign * current, voltage, None, None)
    assert found.sign == sign
    assert found.confidence > 0.9


@pytest.mark.parametrize("fahrenheit", [False, True])
def test_probes_that_only_ever_say_a_code_are_dead_in_any_unit(fahrenheit):
    rng = np.random.default_rng(1)
    rows = 600
    warm = 60.0 + 5.0 * np.sin(np.arange(rows) / 90.0)
    columns = {"time": 1.7e9 + 10.0 * np.arange(rows)}
    columns |= {f"V_{k}": 3.7 + 0.01 * np.round(rng.normal(size=rows), 1) for k in range(1, 13)}
    for k in range(1, 7):
        celsius = np.round(warm + k % 3)
        columns[f"T_{k}"] = celsius * 1.8 + 32.0 if fahrenheit else celsius
    columns |= {f"T_{k}": np.full(rows, 255.0) for k in (7, 8)}
    table = RawTable(source="dead.csv", columns=columns)
    [(batch, report)] = build(table, recognise(table))
    dead = ((batch.probe_quality & int(Quality.SENTINEL)) != 0).all(axis=0)
    assert (np.flatnonzero(dead) + 1).tolist() == [7, 8]
    assert any(r.reason == "sentinel" and r.count == 2 * rows for r in report.remarks)


def test_one_hot_probe_does_not_make_a_summers_day_a_cold_one():
    rng = np.random.default_rng(2)
    rows = 600
    warm = 36.0 + 4.0 * np.sin(np.arange(rows) / 90.0)
    probes = np.round(warm[:, None] + rng.normal(0.0, 0.4, (rows, 8)))
    columns = {"time": 1.7e9 + 10.0 * np.arange(rows)}
    columns |= {f"V_{k}": 3.7 + 0.01 * np.round(rng.normal(size=rows), 1) for k in range(1, 13)}
    columns |= {"ProbeTempMax": probes.max(axis=1), "ProbeTempMin": probes.min(axis=1)}
    probes[:, 2] += 15.0  # a probe that fails where the vehicle's own extremes do not follow
    columns |= {f"T_{k + 1}": probes[:, k] for k in range(8)}
    table = RawTable(source="hot.csv", columns=columns)
    [(batch, _)] = build(table, recognise(table))
    np.testing.assert_allclose(batch.probe_temperature_celsius, probes, atol=1e-3)
