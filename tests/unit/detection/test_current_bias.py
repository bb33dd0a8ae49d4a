"""A current that is read but does not flow."""

from dataclasses import replace

import numpy as np
import pytest
from records_of import driven, record
from vehicles import same_state

from voltherd.detection.current_bias import Scale, init, look
from voltherd.types.event import Phenomenon, Severity

STEADY = Scale(150.0, 0.8, steady=True)
VEHICLE = Scale(150.0, 0.6)


def idling(rng, stops, load=12, idle=6, level=-8.0):
    """Loads with stops between them, at a second each; gives current and where it stops."""
    parts = [p for _ in range(stops) for p in (driven(rng, load) - 40.0, np.full(idle, level))]
    ampere = np.concatenate(parts)
    return ampere + rng.normal(0.0, 0.05, len(ampere)), ampere == level


def read_off(batch, ampere, begin):
    """The same record with the current read off by so much from a row on."""
    current = batch.scalar["current_ampere"].copy()
    current[begin:] += ampere
    return replace(batch, scalar={**batch.scalar, "current_ampere": current})


@pytest.mark.parametrize("off", [4.0, -4.0])
def test_a_steady_idle_level_that_moves_is_the_sensor(off):
    rng = np.random.default_rng(1)
    ampere, _ = idling(rng, 40)
    batch = record(rng, ampere, every=1.0, speed=0.0)
    assert look(init(), batch, STEADY)[1] == ()
    begin = 20 * 18
    judged = look(init(), read_off(batch, off, begin), STEADY)[1]
    first, verdict = judged[0]
    assert 0.0 <= first - batch.unix_time_second[begin] <= 60.0
    assert verdict.phenomenon is Phenomenon.SENSOR_BIAS
    assert verdict.severity is Severity.RECOMMENDED
    assert verdict.numbers["ampere"] == pytest.approx(off, abs=0.2)


def test_what_drew_at_idle_and_is_switched_off_is_no_sensor():
    rng = np.random.default_rng(2)
    ampere, idle = idling(rng, 40)
    ampere[len(ampere) // 2 :][idle[len(ampere) // 2 :]] = 0.0
    assert look(init(), record(rng, ampere, every=1.0, speed=0.0), STEADY)[1] == ()


def test_a_vehicle_may_draw_more_at_its_stops_but_cannot_charge_there():
    rng = np.random.default_rng(3)
    ampere, idle = idling(rng, 30)
    batch = record(rng, ampere, every=5.0, speed=np.where(idle, 0.0, 40.0))
    for off, told in ((-8.0, False), (11.0, True)):
        judged = look(init(), read_off(batch, off, 0), VEHICLE)[1]
        assert bool(judged) == told
    assert judged[0][1].numbers["stop"] == pytest.approx(3.0, abs=0.3)


@pytest.mark.parametrize("off", [4.0, -4.0])
def test_a_rest_whose_voltage_stands_still_under_a_current_tells_the_sensor(off):
    rng = np.random.default_rng(4)
    ampere = np.concatenate([driven(rng, 200), np.zeros(40)])
    batch = record(rng, ampere, every=300.0, speed=np.where(ampere == 0.0, 0.0, 40.0))
    assert look(init(), batch, VEHICLE)[1] == ()
    judged = look(init(), read_off(batch, off, 0), VEHICLE)[1]
    assert "rest" in judged[0][1].numbers
    assert judged[0][1].numbers["ampere"] == pytest.approx(off, abs=0.2)


def test_a_current_that_really_flows_at_rest_moves_the_voltage_and_is_believed():
    rng = np.random.default_rng(5)
    ampere = np.concatenate([driven(rng, 200), np.full(40, -4.0)])
    batch = record(rng, ampere, every=300.0, speed=np.where(ampere == -4.0, 0.0, 40.0))
    assert look(init(), batch, VEHICLE)[1] == ()


def test_open_contactors_tell_at_once():
    rng = np.random.default_rng(6)
    batch = read_off(record(rng, np.zeros(5), speed=0.0), 3.0, 0)
    off = {**batch.scalar, "voltage_volt": np.zeros(5)}
    judged = look(init(), replace(batch, scalar=off), VEHICLE)[1]
    assert judged[0][0] == batch.unix_time_second[1]
    assert "open" in judged[0][1].numbers


def test_rows_in_any_pieces_tell_the_same():
    rng = np.random.default_rng(7)
    ampere, idle = idling(rng, 20)
    batch = read_off(record(rng, ampere, every=5.0, speed=np.where(idle, 0.0, 40.0)), 11.0, 100)
    whole, judged = look(init(), batch, VEHICLE)
    state, told = init(), []
    for row in range(batch.rows):
        state, found = look(state, batch.between(row, row + 1), VEHICLE)
        told += found
    assert tuple(told) == judged
    same_state(state, whole)
