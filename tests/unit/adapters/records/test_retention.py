"""What is too old goes, samples first; all of it is counted, and none of it comes again."""

import pytest

from tests.contract.test_record_log import EPOCH, MORNING, event, gap, telemetry
from voltherd.adapters.records.retention import Removal, Retention
from voltherd.adapters.records.store import RecordStore
from voltherd.errors import UsageError
from voltherd.types.record import RecordKind, SeqRange

DAY = 86_400.0


@pytest.fixture
def store(tmp_path):
    """Two chunks on each of three days, and an event on the first two."""
    store = RecordStore(tmp_path / "store")
    for day in range(3):
        at = MORNING + day * DAY
        store.commit([telemetry(10 * day + k, second=at + 60.0 * k) for k in (1, 2)])
        if day < 2:
            store.commit([event(10 * day + 3, second=at)])
    return store


def seqs(records):
    return [record.key.seq for record in records]


@pytest.mark.parametrize("compacted", [False, True])
def test_samples_go_and_their_summaries_stay(store, tmp_path, compacted):
    if compacted:
        store.compact()
    removed = store.retain(Retention(sample_day=1.0), MORNING + 2 * DAY + 600)
    assert removed == 4
    assert seqs(store.records("bus-7")) == [3, 13, 21, 22]
    assert store.summaries("bus-7")["seq"].tolist() == [1, 2, 11, 12, 21, 22]
    assert store.summaries("bus-7", thinned_only=True)["seq"].tolist() == [1, 2, 11, 12]
    assert store.read("bus-7").rows == 10
    assert store.info().thinned_chunks == 4 and store.check() == ()
    on_disk = [p.parent.name for p in tmp_path.rglob("*.parquet")]
    assert on_disk == (["day=2022-01-10"] if compacted else on_disk)
    assert store.retain(Retention(sample_day=1.0), MORNING + 2 * DAY + 600) == 0


def test_each_kind_has_its_own_age(store):
    policy = Retention(sample_day=1.0, summary_day=1.5, event_day=2.0)
    assert store.retain(policy, MORNING + 2 * DAY + 600) == 4 + 2 + 1
    assert store.summaries("bus-7")["seq"].tolist() == [11, 12, 21, 22]
    assert seqs(store.records("bus-7")) == [13, 21, 22]
    assert store.check() == ()


def test_what_was_removed_is_counted(store):
    now = MORNING + 2 * DAY + 600
    store.retain(Retention(sample_day=1.0, summary_day=1.5, event_day=2.0), now)
    told = [removal._replace(bytes=removal.bytes > 0) for removal in store.removals()]
    tele, first = RecordKind.TELEMETRY, MORNING + 60.0
    assert told == [
        Removal(now, "age", tele, "bus-7", 4, 0, True, first, MORNING + DAY + 124.0),
        Removal(now, "age", tele, "bus-7", 2, 2, True, first, MORNING + 124.0),
        Removal(now, "age", RecordKind.EVENT, "bus-7", 1, 1, True, MORNING, MORNING),
    ]
    assert store.info().removed == {"age": 7}


def test_what_was_removed_stays_committed_and_does_not_come_again(store):
    store.retain(Retention(sample_day=1.0, summary_day=1.0, event_day=1.0), MORNING + 2 * DAY + 600)
    ranges = (SeqRange(1, 3), SeqRange(11, 13), SeqRange(21, 22))
    assert store.committed("bus-7") == {EPOCH: ranges}
    again = [telemetry(1), event(3), event(13, second=MORNING + DAY)]
    assert len(store.commit(again).duplicate) == 3
    assert seqs(store.records("bus-7")) == [21, 22] and store.check() == ()


def test_a_chunk_that_comes_when_its_day_is_gone_is_kept_until_the_next_time(store):
    policy, now = Retention(sample_day=1.0), MORNING + 2 * DAY + 600
    store.retain(policy, now)
    store.commit([telemetry(5), gap(6, (4, 4))])
    assert seqs(store.records("bus-7", MORNING, MORNING + 900)) == [3, 6, 5]
    assert store.retain(policy, now) == 1
    store.compact()
    assert store.summaries("bus-7")["seq"].tolist() == [1, 2, 5, 11, 12, 21, 22]
    assert store.check() == ()


def test_nothing_asked_is_nothing_removed(store):
    assert store.retain(Retention(), 9e9) == 0
    assert len(store.records("bus-7")) == 8 and store.removals() == ()


@pytest.mark.parametrize(
    "days", [{"sample_day": 0.0}, {"event_day": -1.0}, {"sample_day": 9.0, "summary_day": 3.0}]
)
def test_a_policy_that_makes_no_sense_is_refused(days):
    with pytest.raises(UsageError):
        Retention(**days)
