"""A long run that may be stopped goes on, joins only what belongs together, and ends the same."""

import pytest

from voltherd.bench import healthy, planted
from voltherd.bench.calibration import document
from voltherd.bench.healthy import Healthy, HealthyFinding
from voltherd.bench.lines import begun, keep, lines
from voltherd.bench.planted import Found
from voltherd.errors import InputError, UsageError
from voltherd.triage.calibration import from_plain
from voltherd.types.event import Phenomenon

HEAD = {"version": "1", "seed": 3}


def test_half_a_line_of_a_stopped_run_is_cut_off_and_the_rest_kept(tmp_path):
    path = tmp_path / "deep" / "run.jsonl"
    assert begun(path, HEAD) == []
    keep(path, {"group": 0})
    with path.open("a") as file:
        file.write('{"group": 1, "fin')
    assert begun(path, HEAD) == [{"group": 0}]
    keep(path, {"group": 1})
    assert lines(path) == [HEAD, {"group": 0}, {"group": 1}]


def test_lines_of_another_run_are_never_joined(tmp_path):
    path = tmp_path / "run.jsonl"
    begun(path, HEAD)
    with pytest.raises(UsageError, match="measured as"):
        begun(path, HEAD | {"seed": 4})


def test_what_is_no_such_file_is_refused(tmp_path):
    path = tmp_path / "run.jsonl"
    path.write_text("{}\n[1]\n")
    with pytest.raises(InputError, match="line 2"):
        lines(path)
    with pytest.raises(InputError):
        healthy.read(tmp_path)
    with pytest.raises(InputError):
        planted.read(tmp_path)


@pytest.mark.long
def test_a_run_in_two_pieces_is_the_run_in_one(tmp_path, monkeypatch):
    monkeypatch.setattr(healthy, "DAYS", 1)
    monkeypatch.setattr(healthy, "TOGETHER", 2)
    told = []
    part = healthy.measure(2, 5, tmp_path / "two", told.append)
    assert (part.vehicle_days, part.vehicles) == (2, 2)
    two = healthy.measure(4, 5, tmp_path / "two", told.append)
    assert two == healthy.measure(4, 5, tmp_path / "one", told.append)
    assert two == healthy.read(tmp_path / "two")
    assert two.vehicle_days == 4
    assert "4 of 4 vehicle-days" in told
    with pytest.raises(UsageError):
        healthy.measure(4, 6, tmp_path / "two", told.append)
    with pytest.raises(UsageError):
        healthy.measure(0, 5, tmp_path / "two", told.append)


def measured():
    said = [
        (1, "weak_cell", "recommended", 7.0),
        (1, "weak_cell", "recommended", 9.0),
        (2, "sensor_bias", "recommended", 8.0),
        (2, "sensor_bias", "operating", 80.0),
        (3, "thermal_runaway", "safety", 20.0),
    ]
    return Healthy(
        vehicle_days=3 * 28,
        vehicles=3,
        days=28,
        seed=5,
        version="1",
        findings=tuple(
            HealthyFinding(vehicle=v, phenomenon=p, severity=s, score=x, summary="")
            for v, p, s, x in said
        ),
    )


def test_only_what_asks_for_somebody_is_a_false_alarm_and_its_rate_is_bounded():
    seen = measured()
    assert len(seen.false) == 4
    assert seen.per_thousand == pytest.approx(4000.0 / 84)
    low, high = seen.per_thousand_bounds
    assert low == pytest.approx(1.366 * 1000.0 / 84, rel=1e-3)
    assert high == pytest.approx(9.154 * 1000.0 / 84, rel=1e-3)
    assert seen.scores["weak_cell"] == (9.0, 7.0)


def test_no_vehicle_both_makes_the_odds_and_checks_them():
    found = (
        Found("weak_cell:10%", "weak_cell", 2, (8.0,)),
        Found("weak_cell:20%", "weak_cell", 2, (16.0, 12.0)),
    )
    plain = document(measured(), found)
    assert plain["fit"] == {
        "vehicle_days": 28,
        "findings": [["sensor_bias", "recommended", 8.0]],
    }
    assert plain["check"] == {
        "vehicle_days": 56,
        "findings": [["weak_cell", "recommended", 9.0], ["thermal_runaway", "safety", 20.0]],
    }
    known = from_plain(plain)
    signature = known.signatures[Phenomenon.WEAK_CELL]
    assert signature.reference == 8.0
    assert (signature.faulty.number, signature.faulty.exposure) == (3, 4.0)
    assert known.signatures[Phenomenon.SENSOR_BIAS].healthy.number == 1
