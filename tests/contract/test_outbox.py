"""What every Outbox promises; a new one adds a line to OUTBOXES and inherits every test."""

import os
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voltherd.adapters.memory.outbox import MemoryOutbox
from voltherd.adapters.sqlite.outbox import BOOT_FILE, FILE, SqliteOutbox
from voltherd.errors import StoreError
from voltherd.ports import Outbox
from voltherd.types.record import Record, RecordKey, RecordKind, SeqRange

OUTBOXES: dict[str, Callable[[Path], Outbox]] = {
    "memory": lambda folder: MemoryOutbox(),
    "sqlite": lambda folder: SqliteOutbox(folder / "outbox"),
}


@pytest.fixture(params=OUTBOXES.values(), ids=OUTBOXES)
def outbox(request, tmp_path):
    made = request.param(tmp_path)
    yield made
    made.close()


@pytest.fixture
def durable(tmp_path):
    made = SqliteOutbox(tmp_path / "outbox")
    yield made
    made.close()


def record(seq, epoch=5, kind=RecordKind.TELEMETRY, body=b"body") -> Record:
    return Record(
        key=RecordKey("bus-7", epoch, seq),
        kind=kind,
        first_second=1e9 + seq,
        last_second=1e9 + seq + 0.25,
        body=body,
        heard_first_nanosecond=seq << 40,
        heard_last_nanosecond=(seq << 40) + 1,
    )


def seqs(records):
    return [r.key.seq for r in records]


def test_it_is_an_outbox_and_begins_empty(outbox):
    assert isinstance(outbox, Outbox)
    assert list(outbox.pending(None, 10)) == []
    assert outbox.size() == (0, 0)
    assert list(outbox.damages()) == []
    assert list(outbox.oldest(thinned=False, limit=5)) == []


def test_records_come_back_as_they_were_put_oldest_first(outbox):
    late, early = record(2, epoch=9), record(7, epoch=3, kind=RecordKind.EVENT)
    outbox.put([late, record(1, epoch=9), early])
    assert list(outbox.pending(None, 10)) == [early, record(1, epoch=9), late]
    assert list(outbox.pending(None, 1)) == [early]
    assert list(outbox.pending(early.key, 1)) == [record(1, epoch=9)]
    assert list(outbox.pending(RecordKey("bus-7", 3, 6), 1)) == [early]
    assert list(outbox.pending(late.key, 10)) == []


def test_what_the_cloud_has_committed_goes(outbox):
    outbox.put([record(k) for k in range(1, 11)])
    outbox.put([record(3, epoch=6)])
    assert outbox.committed(5, [SeqRange(1, 3), SeqRange(7, 99)]) == 7
    assert outbox.committed(5, [SeqRange(1, 3)]) == 0
    assert outbox.committed(4, [SeqRange(1, 99)]) == 0
    assert seqs(outbox.pending(None, 20)) == [4, 5, 6, 3]


def test_records_are_put_in_the_place_of_others(outbox):
    outbox.put([record(k) for k in range(1, 6)])
    gap = record(7, kind=RecordKind.GAP, body=b"gap")
    outbox.replace([record(1).key, record(2).key, record(99).key], [record(6), gap])
    assert seqs(outbox.pending(None, 20)) == [3, 4, 5, 6, 7]
    assert seqs(outbox.oldest(thinned=False, limit=9)) == [3, 4, 5]
    assert seqs(outbox.oldest(thinned=True, limit=9)) == [6]
    longer = replace(gap, body=b"a longer gap")
    outbox.replace([], [longer])
    assert list(outbox.pending(RecordKey("bus-7", 5, 6), 9)) == [longer]


def test_events_and_gaps_are_no_telemetry(outbox):
    outbox.put([record(1, kind=RecordKind.EVENT), record(2, kind=RecordKind.GAP), record(3)])
    assert seqs(outbox.oldest(thinned=False, limit=9)) == [3]
    assert list(outbox.oldest(thinned=True, limit=9)) == []


def test_size_follows_what_is_kept(outbox):
    outbox.put([record(1, body=b"x" * 1000), record(2, body=b"y" * 500)])
    assert outbox.size().records == 2
    assert 1500 <= outbox.size().bytes <= 2000
    outbox.put([record(2, body=b"y" * 100)])
    assert outbox.size().records == 2
    assert 1100 <= outbox.size().bytes <= 1600
    outbox.replace([record(1).key], [])
    outbox.committed(5, [SeqRange(2, 2)])
    assert outbox.size() == (0, 0)


def test_starts_are_counted(outbox):
    assert [outbox.boot() for _ in range(3)] == [1, 2, 3]


Step = tuple[str, int]


@settings(max_examples=40)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["put", "event", "commit", "thin"]), st.integers(1, 12)),
        max_size=25,
    )
)
def test_all_outboxes_agree(steps, tmp_path_factory):
    durable = SqliteOutbox(tmp_path_factory.mktemp("outbox"))
    memory = MemoryOutbox()
    try:
        for number, (what, seq) in enumerate(steps):
            for outbox in (durable, memory):
                if what == "put":
                    outbox.put([record(seq, body=bytes([number + 1] * seq))])
                elif what == "event":
                    outbox.put([record(seq, kind=RecordKind.EVENT)])
                elif what == "commit":
                    outbox.committed(5, [SeqRange(seq, seq + 2)])
                else:
                    outbox.replace([record(seq).key], [record(seq + 20, body=b"thin")])
            assert list(durable.pending(None, 99)) == list(memory.pending(None, 99))
            for stage in (True, False):
                assert list(durable.oldest(stage, 99)) == list(memory.oldest(stage, 99))
            assert durable.size() == memory.size()
    finally:
        durable.close()


# What only a durable one can promise -----------------------------------------------------------


def test_everything_is_there_after_opening_again(tmp_path):
    first = SqliteOutbox(tmp_path)
    first.boot()
    first.put([record(1), record(2)])
    first.replace([record(1).key], [record(3)])
    size = first.size()
    first.close()
    again = SqliteOutbox(tmp_path)
    assert seqs(again.pending(None, 9)) == [2, 3]
    assert seqs(again.oldest(thinned=True, limit=9)) == [3]
    assert again.size() == size
    assert again.boot() == 2
    again.close()


def test_one_process_at_a_time(tmp_path):
    first = SqliteOutbox(tmp_path)
    with pytest.raises(StoreError, match="another process has this outbox"):
        SqliteOutbox(tmp_path)
    first.close()
    SqliteOutbox(tmp_path).close()


@pytest.mark.parametrize("damage", ["garbage", "holes", "cut"])
def test_a_damaged_database_is_moved_aside_and_starts_still_ascend(tmp_path, damage):
    first = SqliteOutbox(tmp_path)
    for _ in range(4):
        first.boot()
    first.put([record(k, body=os.urandom(3000)) for k in range(1, 60)])
    first.close()
    path = tmp_path / FILE
    content = bytearray(path.read_bytes())
    if damage == "garbage":
        content[:] = b"no database at all" * 100
    elif damage == "holes":
        content[4096:16384] = os.urandom(12288)
    else:
        del content[len(content) // 2 :]
    path.write_bytes(content)
    for suffix in ("-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)
    again = SqliteOutbox(tmp_path)
    [what] = again.aside
    [told] = again.damages()
    assert str(what.aside) in told
    assert what.aside.read_bytes() == bytes(content)
    assert list(again.pending(None, 9)) == []
    assert again.boot() == 5
    again.put([record(1)])
    again.close()
    later = SqliteOutbox(tmp_path)
    assert later.aside == [] and later.boot() == 6
    later.close()


def test_a_database_that_breaks_while_in_use_is_replaced_and_the_call_is_refused(durable, tmp_path):
    durable.put([record(k, body=os.urandom(3000)) for k in range(1, 200)])
    path = tmp_path / "outbox" / FILE
    checkpoint = sqlite3.connect(path)
    checkpoint.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    checkpoint.close()
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(path.stat().st_size - 4096))
    with pytest.raises(StoreError, match="refused"):
        list(durable.pending(None, 500))
    assert len(durable.damages()) == 1
    durable.put([record(501)])
    assert seqs(durable.pending(None, 9)) == [501]


def test_a_lost_count_of_starts_is_found_in_the_other_place(tmp_path):
    first = SqliteOutbox(tmp_path)
    assert [first.boot(), first.boot()] == [1, 2]
    first.close()
    (tmp_path / BOOT_FILE).write_text("what?")
    again = SqliteOutbox(tmp_path)
    assert again.boot() == 3
    again.close()


def test_a_database_of_another_version_is_refused_not_moved(tmp_path):
    SqliteOutbox(tmp_path).close()
    con = sqlite3.connect(tmp_path / FILE)
    con.execute("PRAGMA user_version = 99")
    con.close()
    with pytest.raises(StoreError, match="unknown schema version 99"):
        SqliteOutbox(tmp_path)
    assert (tmp_path / FILE).exists()


def test_where_the_medium_refuses_nothing_is_half_done(durable):
    """A file-size limit of the process makes the kernel refuse like a full disk does."""
    durable.put([record(k, body=bytes(2000)) for k in range(1, 5)])
    before = list(durable.pending(None, 99)), durable.size()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, hard))
    try:
        with pytest.raises(StoreError, match="refused"):
            durable.put([record(k, body=os.urandom(2000)) for k in range(10, 90)])
        assert (list(durable.pending(None, 99)), durable.size()) == before
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, old)
    durable.put([record(9)])
    assert seqs(durable.pending(None, 99)) == [1, 2, 3, 4, 9]


def script():
    """Every call of a life of an outbox, in order."""
    for seq in range(1, 40):
        yield "put", [record(seq, body=bytes([seq]) * 700)]
        if seq % 10 == 0:
            yield "replace", [record(seq - 5).key], [record(seq + 1000)]
            yield "committed", 5, [SeqRange(seq - 9, seq - 8)]


KILLED = """
import os, resource, signal, sys
from pathlib import Path
from tests.contract.test_outbox import script
from voltherd.adapters.sqlite.outbox import SqliteOutbox

signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
outbox = SqliteOutbox(Path(sys.argv[1]))
os.write(1, f"{outbox.boot()}\\n".encode())
for name, *arguments in script():
    getattr(outbox, name)(*arguments)
    os.write(1, b"done\\n")
"""


def run_killed(folder: Path, limit: int) -> tuple[int, list[str]]:
    """Run the script until the kernel kills it amid the write that passes the limit of bytes."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(folder), str(limit)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


@pytest.mark.parametrize("limit", [*range(26_000, 580_000, 61_331), 1 << 30])
def test_killed_amid_a_write_it_has_kept_all_it_said_and_half_did_nothing(tmp_path, limit):
    code, said = run_killed(tmp_path, limit)
    assert code == (-signal.SIGXFSZ if limit < 1 << 30 else 0), said[-1:]
    calls = list(script())
    model = MemoryOutbox()
    done = max(len(said) - 1, 0)
    for name, *arguments in calls[:done]:
        getattr(model, name)(*arguments)
    possible = [list(model.pending(None, 999))]
    for name, *arguments in calls[done : done + 1]:
        getattr(model, name)(*arguments)  # whole although nobody was told, or not at all
        possible.append(list(model.pending(None, 999)))
    again = SqliteOutbox(tmp_path)
    assert list(again.pending(None, 999)) in possible
    assert again.aside == []
    assert again.boot() > (int(said[0]) if said else 0)
    again.close()
