"""An edge killed amid its writes, started again, killed again: acknowledged is kept, once.

The kernel does the killing: a process whose file would pass its size limit gets SIGXFSZ in the
middle of that write.  The cloud lives on, in this test, between the edge's lives.
"""

import json
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.sim.edge_life import ROWS, plain, record_of
from tests.unit.edge.simulated_bus import START
from voltherd.adapters.memory.record_log import MemoryRecordLog
from voltherd.types.ranges import holds
from voltherd.types.record import RecordKind
from voltherd.wire.chunk import decode_chunk

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[2]
LIMITS = range(40_000, 420_000, 29_000)


def lived(folder: Path, limit: int, begin: float):
    """Give how a life ended, and what it said."""
    end = START + ROWS
    done = subprocess.run(
        [sys.executable, "-m", "tests.sim.edge_life", *map(str, (folder, limit, begin, end))],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    said = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, said, done.stderr


def test_whatever_write_an_edge_is_killed_at_nothing_kept_is_lost_and_no_number_used_twice(
    tmp_path,
):
    (tmp_path / "cloud").write_text("")
    kept, committed, epochs, killed, now = {}, {}, [], 0, START - 1.0
    for limit in [*LIMITS, 1 << 30]:
        code, said, told = lived(tmp_path, limit, now)
        assert code in (0, -signal.SIGXFSZ), told[-2000:]
        killed += code != 0
        for what, value in said:
            if what == "epoch":
                epochs.append(value)
            elif what == "now":
                now = value
            elif what in ("kept", "committed"):
                record = record_of(value)
                before = (kept if what == "kept" else committed).setdefault(record.key, record)
                # Only a gap that nobody has seen yet may still grow under its number.
                assert before == record or record.kind is RecordKind.GAP, record.key
        with (tmp_path / "cloud").open("w") as file:
            file.writelines(json.dumps(plain(r)) + "\n" for r in committed.values())
    assert killed >= 10 and said[-1] == ["left", 0]
    assert len(set(epochs)) == len(epochs) and epochs == sorted(epochs)
    log = MemoryRecordLog()
    log.commit(list(committed.values()))
    closed = log.committed("bus-7")
    for key, record in kept.items():
        assert committed.get(key) == record or holds(closed[key.epoch], key.seq), key
    assert all(len(ranges) == 1 and ranges[0].first == 1 for ranges in closed.values())
    chunks = [r for r in committed.values() if r.kind is RecordKind.TELEMETRY]
    times = np.concatenate([decode_chunk(r.body, "bus-7").unix_time_second for r in chunks])
    assert len(times) == len(np.unique(times)) > 300, "no sample twice"
