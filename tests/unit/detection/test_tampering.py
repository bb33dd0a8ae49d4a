"""Records that repeat, stand still, step without a current, or whose cells change places."""

from dataclasses import replace

import numpy as np
import pytest
from records_of import driven, record
from vehicles import run, same_state, vehicle
from windows_of import windows_of

from voltherd.detection import parity, replay, swap, tampering
from voltherd.detection.current_bias import Scale
from voltherd.detection.parity import STEP_VOLT
from voltherd.detection.verdict import Verdict
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity

SCALE = Scale(150.0, 0.6)


def copied(batch, rows, source):
    """Rows sent again in place of others, the clock going on."""
    scalar = {name: values.copy() for name, values in batch.scalar.items()}
    for values in scalar.values():
        values[rows] = values[source]
    volt = batch.cell_voltage_volt.copy()
    volt[rows] = volt[source]
    return replace(batch, cell_voltage_volt=volt, scalar=scalar)


def repeated(batch):
    return replay.look(replay.init(), batch, 1e-3, SCALE)[1]


def test_a_stretch_that_comes_again_value_for_value_is_a_replay():
    rng = np.random.default_rng(1)
    batch = record(rng, driven(rng, 2000))
    assert repeated(batch) == ()
    rows = np.arange(1500, 1700)
    judged = repeated(copied(batch, rows, rows - 1000))
    second, verdict = judged[0]
    assert verdict.cause == replay.REPLAY
    assert verdict.phenomenon is Phenomenon.DATA_TAMPERED
    assert verdict.numbers["ago_second"] == 10_000.0
    assert 0.0 < second - batch.unix_time_second[1500] < 1200.0


def test_a_parked_pack_whose_readings_flicker_between_a_few_values_is_no_replay():
    rng = np.random.default_rng(2)
    batch = record(rng, np.zeros(600), speed=0.0)
    flicker = batch.cell_voltage_volt[rng.integers(0, 3, 600)]
    assert repeated(replace(batch, cell_voltage_volt=flicker)) == ()


@pytest.mark.parametrize(("speed", "swing", "told"), [(40.0, 0.0, True), (0.0, 0.0, False)])
def test_one_row_again_and_again_is_told_where_the_vehicle_goes_on(speed, swing, told):
    rng = np.random.default_rng(3)
    batch = record(rng, driven(rng, 300), speed=speed)
    rows = np.arange(200, 240)
    scalar = {**batch.scalar, "current_ampere": batch.scalar["current_ampere"] * swing}
    judged = repeated(copied(replace(batch, scalar=scalar), rows, np.full(40, 199)))
    assert bool(judged) == told
    assert {v.cause for _, v in judged} <= {replay.FREEZE}


def test_cells_that_stand_still_while_the_current_changes_are_an_old_row():
    rng = np.random.default_rng(4)
    batch = record(rng, driven(rng, 300), speed=0.0)
    frozen = copied(batch, np.arange(200, 240), np.full(40, 199))
    scalar = {**frozen.scalar, "current_ampere": batch.scalar["current_ampere"]}
    second, verdict = repeated(replace(frozen, scalar=scalar))[0]
    assert verdict.numbers["expected_volt"] >= replay.STILL_VOLT
    assert second - batch.unix_time_second[200] <= 200.0


def test_rows_in_any_pieces_are_known_again_alike():
    rng = np.random.default_rng(5)
    rows = np.arange(700, 900)
    batch = copied(record(rng, driven(rng, 1000)), rows, rows - 500)
    batch = copied(batch, np.arange(940, 970), np.full(30, 939))
    whole, judged = replay.look(replay.init(), batch, 1e-3, SCALE)
    state, told = replay.init(), []
    for row in range(batch.rows):
        state, found = replay.look(state, batch.between(row, row + 1), 1e-3, SCALE)
        told += found
    assert tuple(told) == judged
    assert {v.cause for _, v in judged} == {replay.REPLAY, replay.FREEZE}
    same_state(state, whole)


def levels(batch, period=180):
    """Judge period after period."""
    state, found = parity.init(batch.cells), []
    for begin in range(0, batch.rows - period + 1, period):
        state = parity.look(state, batch.between(begin, begin + period))
        state, verdicts = parity.judge(state)
        found += verdicts
    return found


def stepped(batch, begin, volt, *, cells=True, pack=True):
    moved = batch.cell_voltage_volt.copy()
    moved[begin:] += np.float32(volt) if cells else np.float32(0.0)
    scalar = dict(batch.scalar)
    if pack:
        total = scalar["voltage_volt"].copy()
        total[begin:] = np.round(total[begin:] + volt * batch.cells, 1)
        scalar["voltage_volt"] = total
    return replace(batch, cell_voltage_volt=moved, scalar=scalar)


@pytest.mark.parametrize(("cells", "pack", "told"), [(1, 1, 1), (1, 0, 1), (0, 1, 0)])
def test_cells_that_step_without_a_current_were_moved_and_a_pack_voltage_alone_is_a_sensor(
    cells, pack, told
):
    rng = np.random.default_rng(6)
    batch = record(rng, driven(rng, 1800))
    assert levels(batch) == []
    found = levels(stepped(batch, 1300, 0.2, cells=bool(cells), pack=bool(pack)))
    assert [(v.cause, v.numbers["both"]) for v in found] == [(parity.CAUSE, float(pack))] * told


def test_a_load_that_comes_at_once_explains_its_voltage():
    rng = np.random.default_rng(7)
    ampere = driven(rng, 1800)
    ampere[1300:] -= 200.0
    assert levels(record(rng, ampere)) == []


def test_one_cell_that_steps_moves_nothing_but_itself():
    rng = np.random.default_rng(8)
    batch = record(rng, driven(rng, 1800))
    batch.cell_voltage_volt[1300:, 3] += 20 * STEP_VOLT
    assert levels(batch) == []


def exchanged(windows):
    verdict = Verdict(
        cause=swap.CAUSE,
        phenomenon=Phenomenon.CHANNEL_SWAP,
        location=Location(kind=LocationKind.CELL, index=2, cells=(2, 7)),
        severity=Severity.RECOMMENDED,
        score=20.0,
        numbers={"apart_volt": 0.01},
    )
    return tuple((end, (verdict,)) for end in windows.end_second.tolist()[4:])


def test_cells_that_change_places_in_use_were_exchanged_in_the_record_and_after_a_stand_by_hand():
    windows = windows_of(range_volt=np.full((6, 12), 0.03, np.float32))
    end = 1.7e9 + 300.0 * np.arange(1, 7)
    windows = windows._replace(
        start_second=end - 290.0, end_second=end, observed_second=np.full(6, 300.0)
    )
    _, judged = tampering.judge(tampering.init(), windows, exchanged(windows))
    assert [time for time, _ in judged] == [end[4]]
    later = np.where(np.arange(6) >= 3, end + 7200.0, end)
    stood = windows._replace(start_second=later - 290.0, end_second=later)
    assert tampering.judge(tampering.init(), stood, exchanged(stood))[1] == ()


@pytest.mark.long
def test_a_replayed_vehicle_is_told_of_alike_however_its_rows_come():
    batch = vehicle("none", days=4)
    used = np.flatnonzero(batch.scalar["speed_kilometre_per_hour"] > 5.0)
    rows = used[len(used) * 3 // 4] + np.arange(120)
    batch = copied(batch, rows, rows - used[len(used) * 3 // 4] + used[len(used) // 3])
    whole = run(batch)
    assert any(alarm.verdict.cause == replay.REPLAY for alarm in whole.book.values())
    pieces = run(batch, list(range(7, batch.rows, 61)))
    for name in ("book", "zero", "trace", "parity", "exchange", "memory"):
        same_state(getattr(pieces, name), getattr(whole, name))
