"""A restart goes on where the cloud stopped, or begins anew where that would be wrong."""

from dataclasses import replace

import numpy as np
import pytest

from voltherd.adapters.sqlite.states import StateBook
from voltherd.cloud.follow import advance, alike, begin
from voltherd.cloud.resume import dump, load
from voltherd.cloud.track import Track
from voltherd.cloud.workflow import Workflow
from voltherd.errors import StoreError
from voltherd.triage.findings import findings


@pytest.fixture(scope="module")
def batch(data):
    return data.drive(hours=2.0, period=10.0, stuck=4)


@pytest.fixture(scope="module")
def half(data, batch):
    rows = batch.between(0, 360)
    state = begin(rows, data.asset())
    return advance(state, alike(state, rows))


class Beside:
    """States in memory, beside the rows they are of."""

    def __init__(self, telemetry):
        self.telemetry, self.kept = telemetry, {}

    def put_state(self, vehicle_id, body):
        self.kept[vehicle_id] = body

    def state(self, vehicle_id):
        return self.kept.get(vehicle_id)

    def rows_until(self, vehicle_id, second):
        return int((self.telemetry.store.read(vehicle_id).unix_time_second <= second).sum())


def settled(track):
    for _ in range(1000):
        if not track.work(0.0, 0):
            break
    assert not track.catching_up
    return track.followed


def test_a_vehicle_goes_on_as_if_it_had_never_stopped(data, batch, half):
    rest = batch.between(360, batch.rows)
    again = load(dump(half), data.asset())
    one, other = advance(half, rest), advance(again, rest)
    assert findings(one.detection)
    assert findings(one.detection) == findings(other.detection)
    np.testing.assert_array_equal(one.twin.estimate.value, other.twin.estimate.value)
    np.testing.assert_array_equal(one.twin.estimate.sigma, other.twin.estimate.sigma)
    np.testing.assert_array_equal(one.twin.errors, other.twin.errors)
    assert one.usage.energy_out_kwh == other.usage.energy_out_kwh


def test_what_was_shown_is_shown_again(data, half):
    again = load(dump(half), data.asset())
    np.testing.assert_array_equal(again.twin.estimate.value, half.twin.estimate.value)
    np.testing.assert_array_equal(again.newest.cell_voltage_volt, half.newest.cell_voltage_volt)


def test_other_facts_begin_anew(data, half):
    other = replace(data.asset(), capacity_nominal_ah=60.0)
    assert load(dump(half), other) is None
    assert load(dump(half), None) is None


@pytest.mark.parametrize("damage", [b"", b"nonsense", None], ids=["empty", "nonsense", "flipped"])
def test_what_cannot_be_read_begins_anew(data, half, damage):
    body = dump(half)
    if damage is None:
        damage = body[:-9] + bytes([body[-9] ^ 1]) + body[-8:]
    assert load(damage, data.asset()) is None


def test_a_restart_reads_only_what_came_later(data, batch, half):
    telemetry = data.Remembered(batch)
    states = Beside(telemetry)
    states.put_state("bus-1", dump(half))
    track = Track("bus-1", telemetry, data.Known(), None, states)
    track.read_again(0.0)
    followed = settled(track)
    assert followed.usage.rows == batch.rows
    assert telemetry.reads == 2, "what came later, and that there is no more"
    whole = settled_anew(data, telemetry)
    assert findings(followed.detection) == findings(whole.detection)


def settled_anew(data, telemetry):
    track = Track("bus-1", telemetry, data.Known())
    track.read_again(0.0)
    return settled(track)


def test_rows_that_came_late_meanwhile_begin_anew(data, batch, half):
    telemetry = data.Remembered(batch)
    late = data.drive(hours=0.1, period=10.0, start=data.START - 3600.0)
    telemetry.store.append(late)
    states = Beside(telemetry)
    states.put_state("bus-1", dump(half))
    track = Track("bus-1", telemetry, data.Known(), None, states)
    track.read_again(0.0)
    followed = settled(track)
    assert followed.usage.rows == batch.rows + late.rows
    assert findings(followed.detection) == findings(settled_anew(data, telemetry).detection)


def test_a_vehicle_is_kept_once_per_change_and_not_while_it_is_rebuilt(data, batch):
    telemetry = data.Remembered(batch)
    states = Beside(telemetry)
    track = Track("bus-1", telemetry, data.Known(), None, states)
    track.read_again(0.0)
    assert not track.keep()
    settled(track)
    assert track.keep()
    assert not track.keep()
    track.judge(Workflow(data.Notebook()), data.START)
    assert not track.keep()


def test_states_survive_in_their_file(tmp_path):
    book = StateBook(tmp_path / "states.sqlite")
    book.put("bus-1", b"one")
    book.put("bus-1", b"two")
    book.close()
    again = StateBook(tmp_path / "states.sqlite")
    assert again.get("bus-1") == b"two"
    assert again.get("bus-2") is None
    again.close()


def test_a_damaged_file_of_states_is_told(tmp_path):
    path = tmp_path / "states.sqlite"
    path.write_bytes(b"no database at all, though long enough to look like one" * 20)
    with pytest.raises(StoreError, match="may be deleted"):
        StateBook(path)
