"""The fleet under everything that arrives late, twice, out of order or not at all."""

import time

import numpy as np
import pytest

from voltherd.cloud import fleet as fleets
from voltherd.cloud.fleet import Fleet
from voltherd.cloud.workflow import Request, Workflow
from voltherd.detection.engine import init, step
from voltherd.triage.findings import findings
from voltherd.types.record import EdgeState
from voltherd.wire.envelope import Live


class Stage:
    """A fleet that is driven by hand, with everything it tells."""

    def __init__(self, data, *batches, journal=None):
        self.data = data
        self.telemetry = data.Remembered(*batches)
        self.clock = data.FixedClock(data.START + 86_400.0)
        self.journal = journal or data.Notebook()
        self.workflow = Workflow(self.journal)
        self.changes, self.lives = [], []
        self.fleet = Fleet(
            self.telemetry,
            data.Known(),
            self.workflow,
            self.clock,
            on_change=self.changes.append,
            on_live=lambda followed, blind, heard: self.lives.append((followed, blind, heard)),
        )

    def commit(self, *records):
        """Keep records, then tell the fleet, as the intake does."""
        from voltherd.wire.chunk import decode_chunk

        for record in records:
            self.telemetry.store.append(decode_chunk(record.body, record.key.vehicle_id))
        self.fleet.committed(records)

    def settle(self, second=30.0):
        """Work until nothing is left to do and all is shown."""
        until = time.monotonic() + second
        while time.monotonic() < until:
            busy = self.fleet.poll()
            view = self.fleet.view
            behind = any(v.catching_up for v in view.vehicles.values())
            if not busy and not behind and not self.fleet.waiting and self.shown():
                return
            if not busy:
                time.sleep(0.02)
        raise AssertionError("the fleet does not come to rest")

    def shown(self):
        """Whether the view has everything that the store has."""
        return all(
            view.followed is not None
            and view.followed.usage.last_second
            == self.telemetry.store.read(name).unix_time_second[-1]
            for name, view in self.fleet.view.vehicles.items()
        )

    def vehicle(self, name="bus-1"):
        return self.fleet.view.vehicles[name]

    def expected(self, name="bus-1"):
        """What the offline commands say of the store."""
        rows = self.telemetry.store.read(name)
        asset = self.data.asset(name)
        return findings(step(init(name, rows.cells, rows.probes, asset=asset), rows))


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """No waiting for company, and views at once."""
    import voltherd.cloud.track as tracks

    monkeypatch.setattr(tracks, "QUIET_SECOND", 0.0)
    monkeypatch.setattr(fleets, "SHOW_SECOND", 0.0)


@pytest.fixture(scope="module")
def batch(data):
    return data.drive(hours=2.5, period=10.0, stuck=4)


@pytest.fixture(scope="module")
def chunks(data, batch):
    return data.records(batch, rows=30)


def found(stage, name="bus-1"):
    return tuple(known.finding for known in stage.vehicle(name).known)


def test_committed_chunks_in_order_give_the_batch_result(data, batch, chunks):
    stage = Stage(data)
    for chunk in chunks:
        stage.commit(chunk)
    stage.settle()
    assert stage.expected()
    assert found(stage) == stage.expected()
    assert stage.telemetry.reads == 0, "nothing had to be read again"


def test_a_store_with_history_is_rebuilt_at_the_start(data, batch):
    stage = Stage(data, batch)
    stage.fleet.restore()
    assert stage.vehicle().catching_up
    stage.settle()
    assert found(stage) == stage.expected()


@pytest.mark.parametrize("seed", [1, 2])
def test_any_order_and_repetition_ends_where_order_ends(data, batch, seed):
    rng = np.random.default_rng(seed)
    chunks = data.records(batch, rows=90)
    stage = Stage(data)
    order = [*rng.permutation(len(chunks)), *rng.integers(0, len(chunks), 5)]
    for place in order:
        stage.commit(chunks[place])
        for _ in range(rng.integers(0, 3)):
            stage.fleet.poll()
    stage.settle()
    assert found(stage) == stage.expected()
    assert stage.vehicle().followed.usage.rows == stage.telemetry.store.read("bus-1").rows


def test_a_late_chunk_is_in_the_result_once_it_has_come(data, chunks):
    stage = Stage(data)
    for chunk in (*chunks[:10], *chunks[11:]):
        stage.commit(chunk)
    stage.settle()
    rows = stage.vehicle().followed.usage.rows
    stage.commit(chunks[10])
    stage.settle()
    assert stage.vehicle().followed.usage.rows == rows + 30
    assert found(stage) == stage.expected()


def test_rows_that_come_while_a_vehicle_is_rebuilt_are_neither_lost_nor_doubled(
    data, batch, chunks
):
    half = 30 * (len(chunks) // 2)
    stage = Stage(data, batch.between(0, half))
    stage.telemetry.piece_second = 600.0
    stage.fleet.restore()
    for chunk in chunks[half // 30 :]:
        stage.fleet.poll()
        stage.commit(chunk)
    stage.settle()
    assert stage.vehicle().followed.usage.rows == batch.rows
    assert found(stage) == stage.expected()


def test_hints_that_find_no_room_are_made_up_for_from_the_store(data, batch, chunks, monkeypatch):
    monkeypatch.setattr(fleets, "HINTS_MAX", 3)
    stage = Stage(data)
    stage.commit(*chunks)
    stage.settle()
    assert stage.vehicle().followed.usage.rows == batch.rows
    assert found(stage) == stage.expected()


def test_a_vehicle_nobody_knew_appears(data, chunks):
    stage = Stage(data)
    assert not stage.fleet.view.vehicles
    stage.commit(chunks[0])
    stage.settle()
    assert list(stage.fleet.view.vehicles) == ["bus-1"]
    assert stage.changes[-1].views[0].vehicle_id == "bus-1"


def test_a_view_stays_as_it_is_when_the_fleet_moves_on(data, chunks):
    stage = Stage(data)
    stage.commit(chunks[0])
    stage.settle()
    view = stage.fleet.view
    before = view.vehicles["bus-1"].row.head
    stage.commit(chunks[1])
    stage.settle()
    assert stage.fleet.view.version > view.version
    assert view.vehicles["bus-1"].row.head == before
    assert stage.vehicle().row.head != before


def test_live_samples_are_shown_and_not_counted(data, batch, chunks):
    stage = Stage(data)
    stage.commit(*chunks[:3])
    stage.settle()
    stage.fleet.live(Live("bus-1", batch.between(90, 92), 123))
    stage.fleet.poll()
    [(followed, blind, heard)] = stage.lives
    assert followed.newest.unix_time_second[-1] == batch.unix_time_second[91]
    assert (blind, heard) == (frozenset(), 123)
    assert followed.usage.rows == 90
    stage.commit(chunks[3])  # the same rows come as a chunk
    stage.settle()
    assert stage.vehicle().followed.usage.rows == 120


def test_what_an_edge_says_of_itself_is_shown(data, chunks):
    stage = Stage(data)
    stage.commit(chunks[0])
    state = EdgeState(
        vehicle_id="bus-1", site_id="depot-1", online=True, epoch=1 << 32, pending_records=7
    )
    stage.fleet.state(state)
    stage.settle()
    assert stage.vehicle().site_id == "depot-1"
    assert stage.vehicle().edge.pending_records == 7
    assert b'"online":true' in stage.vehicle().row.head


def test_a_finding_is_told_when_it_is_new_and_not_again_while_it_stays_the_same(data, chunks):
    stage = Stage(data)
    for chunk in chunks:
        stage.commit(chunk)
        stage.fleet.poll()
    stage.settle()
    [known] = stage.vehicle().known
    told = [name for change in stage.changes for _, name in change.findings]
    assert set(told) == {known.finding_id}
    assert len(told) < 5


def test_a_sensor_that_is_stuck_does_not_decide_about_the_pack(data, chunks):
    stage = Stage(data)
    stage.commit(*chunks)
    stage.settle()
    from voltherd.cloud.quantities import blind_cells, pack_quantity

    view = stage.vehicle()
    assert blind_cells(view.known) == {4}
    told = pack_quantity(view.followed, {4}, 0.0)
    assert "limited by cell 4;" not in told.evidence
    assert "11 cells (without 4, whose sensors are faulty)" in told.evidence


def test_what_people_did_is_shown_at_once_and_survives_a_restart(data, batch):
    stage = Stage(data, batch)
    stage.fleet.restore()
    stage.settle()
    [known] = stage.vehicle().known
    assert b'"severity":"recommended"' in stage.vehicle().row.head
    stage.workflow.act(
        known, Request("resolve", "Ada", "lead replaced", "repaired"), stage.clock.second
    )
    stage.fleet.retell("bus-1")
    assert b'"severity":null' in stage.vehicle().row.head
    again = Stage(data, batch, journal=stage.journal)
    again.fleet.restore()
    again.settle()
    [known] = again.vehicle().known
    assert again.vehicle().standings[known.finding_id].status == "resolved"
    assert again.workflow.steps(known.finding_id)[0].by == "Ada"
    assert b'"severity":null' in again.vehicle().row.head


def test_the_thread_follows_by_itself_and_stops(data, batch, chunks):
    stage = Stage(data, batch.between(0, 300))
    stage.fleet.start()
    try:
        stage.commit(*chunks[10:])
        until = time.monotonic() + 30.0
        while time.monotonic() < until:
            view = stage.fleet.view.vehicles.get("bus-1")
            if view and view.followed and view.followed.usage.rows == batch.rows:
                break
            time.sleep(0.05)
        else:
            raise AssertionError("not followed")
    finally:
        stage.fleet.close()
    version = stage.fleet.view.version
    stage.commit(chunks[0])
    assert stage.fleet.view.version == version
