"""The audit notices what is lost and what is there twice."""

import numpy as np

from voltherd.adapters.memory.record_log import MemoryRecordLog
from voltherd.demo.report import EdgeAccount, audit
from voltherd.types.record import Record, RecordKey, RecordKind, SeqRange
from voltherd.types.sample import SampleBatch
from voltherd.wire.chunk import encode_chunk

EPOCH = 1 << 32


def record(seq, first=None):
    batch = SampleBatch(
        vehicle_id="a",
        unix_time_second=1000.0 * (first or seq) + np.arange(3.0),
        cell_voltage_volt=np.full((3, 2), 3.7, np.float32),
        cell_quality=np.zeros((3, 2), np.uint8),
        probe_temperature_celsius=np.empty((3, 0), np.float32),
        probe_quality=np.empty((3, 0), np.uint8),
        scalar={},
        scalar_quality={},
    )
    return Record(
        key=RecordKey("a", EPOCH, seq),
        kind=RecordKind.TELEMETRY,
        first_second=float(batch.unix_time_second[0]),
        last_second=float(batch.unix_time_second[-1]),
        body=encode_chunk(batch),
    )


def log_of(*records):
    log = MemoryRecordLog()
    log.commit(records)
    return log


def test_all_is_well_where_everything_acknowledged_is_there_once():
    log = log_of(record(1), record(2))
    told = audit({"a": EdgeAccount(EPOCH, 3, (SeqRange(3, 3),))}, log)
    assert told == (2, 0, 0)


def test_an_acknowledged_record_that_is_not_there_is_lost():
    told = audit({"a": EdgeAccount(EPOCH, 3, ())}, log_of(record(1), record(3)))
    assert (told.acknowledged, told.lost) == (3, 1)


def test_rows_that_came_under_two_numbers_count_twice():
    told = audit({"a": EdgeAccount(EPOCH, 2, ())}, log_of(record(1), record(2, first=1)))
    assert told.duplicate_effects == 3
