"""What every RecordLog promises; a new one adds a line to LOGS and inherits every test."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voltherd.adapters.memory.record_log import MemoryRecordLog
from voltherd.adapters.records.store import RecordStore
from voltherd.ports import RecordLog
from voltherd.types.event import Severity
from voltherd.types.record import (
    EdgeEvent,
    Gap,
    GapReason,
    Record,
    RecordKey,
    RecordKind,
    SeqRange,
)
from voltherd.types.sample import SampleBatch
from voltherd.wire.chunk import encode_chunk
from voltherd.wire.envelope import encode_event, encode_gap


class Compacted:
    """A record store that moves everything into files after every commit."""

    def __init__(self, folder):
        self._store = RecordStore(folder)

    def __getattr__(self, name):
        return getattr(self._store, name)

    def commit(self, records):
        done = self._store.commit(records)
        self._store.compact()
        return done


LOGS: dict[str, Callable[[Path], RecordLog]] = {
    "memory": lambda folder: MemoryRecordLog(),
    "records": lambda folder: RecordStore(folder / "store"),
    "compacted": lambda folder: Compacted(folder / "store"),
}
DURABLE = [name for name in LOGS if name != "memory"]
MORNING = 86_400.0 * 19_000 + 30_000.0
EPOCH, LATER = (3 << 32) | 77, (4 << 32) | 5


@pytest.fixture(params=LOGS.values(), ids=LOGS)
def log(request, tmp_path) -> RecordLog:
    return request.param(tmp_path)


def samples(first_second=MORNING, rows=5, vehicle_id="bus-7", seed=0, cells=3) -> SampleBatch:
    rng = np.random.default_rng(seed)
    return SampleBatch(
        vehicle_id=vehicle_id,
        unix_time_second=first_second + np.arange(float(rows)),
        cell_voltage_volt=np.round(rng.uniform(3.5, 3.6, (rows, cells)), 3).astype(np.float32),
        cell_quality=np.zeros((rows, cells), np.uint8),
        probe_temperature_celsius=np.full((rows, 1), 25.0, np.float32),
        probe_quality=np.zeros((rows, 1), np.uint8),
        scalar={"current_ampere": np.round(rng.uniform(-50, 50, rows), 1)},
        scalar_quality={"current_ampere": np.zeros(rows, np.uint8)},
    )


def telemetry(seq, epoch=EPOCH, vehicle_id="bus-7", second=None, seed=None) -> Record:
    """Minute ``seq`` of a vehicle's morning."""
    batch = samples(
        MORNING + 60.0 * seq if second is None else second, seed=seq if seed is None else seed
    )
    return Record(
        key=RecordKey(vehicle_id, epoch, seq),
        kind=RecordKind.TELEMETRY,
        first_second=float(batch.unix_time_second[0]),
        last_second=float(batch.unix_time_second[-1]),
        heard_first_nanosecond=1_700_000_000_000_000_000 + seq % 1_000,
        heard_last_nanosecond=1_700_000_000_000_000_000 + seq % 1_000 + 5,
        body=encode_chunk(batch),
    )


def event(seq, epoch=EPOCH, vehicle_id="bus-7", second=MORNING, text="hot") -> Record:
    told = EdgeEvent(
        unix_time_second=second, code="temperature.high", severity=Severity.SAFETY, text=text
    )
    return Record(
        key=RecordKey(vehicle_id, epoch, seq),
        kind=RecordKind.EVENT,
        first_second=second,
        last_second=second,
        body=encode_event(told),
    )


def gap(seq, *dropped, epoch=EPOCH, of_epoch=EPOCH, vehicle_id="bus-7") -> Record:
    told = Gap(
        epoch=of_epoch,
        dropped=tuple(SeqRange(*d) for d in dropped),
        first_second=MORNING,
        last_second=MORNING + 600,
        rows=600,
        reason=GapReason.FULL,
    )
    return Record(
        key=RecordKey(vehicle_id, epoch, seq),
        kind=RecordKind.GAP,
        first_second=told.first_second,
        last_second=told.last_second,
        body=encode_gap(told),
    )


def keys(records):
    return [record.key for record in records]


def test_records_come_back_as_they_were_committed(log):
    given_records = [telemetry(1), event(2, second=MORNING + 90), gap(3, (9, 9), of_epoch=LATER)]
    done = log.commit(given_records)
    assert done.new == tuple(keys(given_records))
    assert done.duplicate == done.conflict == ()
    assert sorted(log.records("bus-7"), key=lambda r: r.key) == given_records


def test_nothing_given_is_nothing_done(log):
    done = log.commit([])
    assert (done.new, done.duplicate, done.conflict) == ((), (), ())
    assert log.committed("bus-7") == {} and list(log.records("bus-7")) == []


def test_the_same_record_again_is_a_duplicate_and_changes_nothing(log):
    first = [telemetry(1), event(2)]
    log.commit(first)
    done = log.commit([*first, telemetry(3)])
    assert done.new == (telemetry(3).key,)
    assert done.duplicate == tuple(keys(first)) and done.conflict == ()
    assert len(log.records("bus-7")) == 3


def test_a_key_with_another_content_is_a_conflict_and_overwrites_nothing(log):
    log.commit([telemetry(1)])
    other = telemetry(1, seed=99)
    done = log.commit([other, telemetry(2)])
    assert done.conflict == (other.key,) and done.new == (telemetry(2).key,)
    assert list(log.records("bus-7")) == [telemetry(1), telemetry(2)]


@pytest.mark.parametrize(
    "change",
    [
        {"first_second": MORNING},
        {"last_second": MORNING + 999},
        {"heard_first_nanosecond": 1},
        {"heard_last_nanosecond": 2},
        {"kind": RecordKind.EVENT},
    ],
)
def test_content_is_all_of_a_record_and_not_its_body_alone(log, change):
    log.commit([telemetry(1)])
    assert log.commit([replace(telemetry(1), **change)]).conflict == (telemetry(1).key,)


def test_one_call_may_hold_a_record_twice(log):
    done = log.commit([telemetry(1), telemetry(1), telemetry(1, seed=99)])
    assert done.new == done.duplicate == done.conflict == (telemetry(1).key,)
    assert list(log.records("bus-7")) == [telemetry(1)]


def test_committed_names_ranges_by_epoch_whatever_the_order_of_arrival(log):
    for seq in (5, 1, 2, 9, 4):
        log.commit([telemetry(seq)])
    log.commit([telemetry(1, epoch=LATER, second=MORNING + 9_000)])
    found = log.committed("bus-7")
    assert found == {
        EPOCH: (SeqRange(1, 2), SeqRange(4, 5), SeqRange(9, 9)),
        LATER: (SeqRange(1, 1),),
    }
    assert list(found) == [EPOCH, LATER]
    log.commit([telemetry(3), telemetry(8)])
    assert log.committed("bus-7")[EPOCH] == (SeqRange(1, 5), SeqRange(8, 9))


def test_a_gap_closes_what_will_never_come(log):
    log.commit([telemetry(1), telemetry(9), gap(10, (2, 3), (5, 8))])
    assert log.committed("bus-7") == {EPOCH: (SeqRange(1, 3), SeqRange(5, 10))}


def test_a_gap_may_speak_of_an_earlier_boot(log):
    log.commit([telemetry(2), gap(1, (1, 1), epoch=LATER, of_epoch=EPOCH)])
    assert log.committed("bus-7") == {EPOCH: (SeqRange(1, 2),), LATER: (SeqRange(1, 1),)}


def test_a_record_that_comes_though_it_was_given_up_is_kept(log):
    log.commit([gap(5, (1, 4))])
    done = log.commit([telemetry(2)])
    assert done.new == (telemetry(2).key,)
    assert telemetry(2) in log.records("bus-7")
    assert log.committed("bus-7") == {EPOCH: (SeqRange(1, 5),)}


@pytest.mark.parametrize(
    ("start", "stop", "seqs"),
    [
        (60.0, 121.0, [1, 2]),
        (64.0, 120.0, [1]),
        (64.5, 120.0, []),
        (65.0, 60.0, []),
        (-1e9, 1e9, [1, 2, 3]),
    ],
)
def test_records_are_those_that_speak_of_the_span(log, start, stop, seqs):
    log.commit([telemetry(seq) for seq in (3, 1, 2)])
    got = log.records("bus-7", MORNING + start, MORNING + stop)
    assert [record.key.seq for record in got] == seqs


def test_records_are_ordered_by_first_time_then_epoch_then_number(log):
    late = telemetry(9, second=MORNING)
    tied = [event(2, epoch=LATER), event(7), event(1, epoch=LATER)]
    log.commit([telemetry(1), *tied, late])
    assert keys(log.records("bus-7")) == [
        event(7).key,
        late.key,
        event(1, epoch=LATER).key,
        event(2, epoch=LATER).key,
        telemetry(1).key,
    ]


def test_vehicles_are_kept_apart(log):
    log.commit([telemetry(1), telemetry(1, vehicle_id="bus-8", seed=4)])
    assert list(log.records("bus-8")) == [telemetry(1, vehicle_id="bus-8", seed=4)]
    assert log.committed("bus-8") == {EPOCH: (SeqRange(1, 1),)}
    assert log.committed("nobody") == {} and list(log.records("nobody")) == []


def test_the_largest_numbers_fit(log):
    most = (1 << 63) - 1
    log.commit([telemetry(most, epoch=most, second=MORNING, seed=1)])
    assert log.committed("bus-7") == {most: (SeqRange(most, most),)}
    assert log.commit([telemetry(most, epoch=most, second=MORNING, seed=1)]).duplicate


CHOICES = [
    *(telemetry(seq) for seq in range(1, 6)),
    *(telemetry(seq, epoch=LATER, second=MORNING + 30.0 * seq) for seq in range(1, 4)),
    *(telemetry(seq, vehicle_id="bus-8") for seq in range(1, 3)),
    event(6),
    gap(7, (3, 5)),
    gap(8, (9, 12)),
    gap(9, (2, 2), of_epoch=LATER),
    telemetry(1, seed=99),
    telemetry(2, epoch=LATER, seed=99),
    event(6, text="cold"),
]


@settings(max_examples=20, deadline=None)
@given(calls=st.lists(st.lists(st.sampled_from(CHOICES), max_size=8), max_size=8))
def test_every_log_answers_as_the_one_in_memory(tmp_path_factory, calls):
    logs = [make(tmp_path_factory.mktemp("contract")) for make in LOGS.values()]
    for call in calls:
        fates = [log.commit(call) for log in logs]
        assert all(fate == fates[0] for fate in fates)
    for log in logs[1:]:
        for vehicle_id in ("bus-7", "bus-8"):
            assert log.committed(vehicle_id) == logs[0].committed(vehicle_id)
            assert list(log.records(vehicle_id)) == list(logs[0].records(vehicle_id))


@pytest.mark.parametrize("name", DURABLE)
def test_what_was_committed_is_there_when_opened_again(tmp_path, name):
    LOGS[name](tmp_path).commit([telemetry(1), gap(3, (2, 2))])
    again = LOGS[name](tmp_path)
    assert len(again.records("bus-7")) == 2
    assert again.committed("bus-7") == {EPOCH: (SeqRange(1, 3),)}
    assert again.commit([telemetry(1), telemetry(1, seed=9)]).duplicate == (telemetry(1).key,)
