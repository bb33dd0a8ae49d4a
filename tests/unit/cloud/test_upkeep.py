"""What is too old goes by itself where the configuration says so."""

import threading
import time
from pathlib import Path

import pytest

from tests.contract.test_record_log import MORNING, event, telemetry
from voltherd.adapters.records.store import RecordStore
from voltherd.cloud.compose import upkeep
from voltherd.cloud.config import StoreSection
from voltherd.errors import UsageError
from voltherd.types.record import RecordKind
from voltherd.units import SECOND_PER_DAY


class Later:
    """A clock a hundred days after the records."""

    def unix_second(self):
        return MORNING + 100.0 * SECOND_PER_DAY

    def monotonic_second(self):
        return 0.0

    def sleep(self, second):
        raise AssertionError


@pytest.mark.parametrize(("days", "goes"), [(None, False), (99.0, True), (101.0, False)])
def test_old_samples_and_events_go_where_that_is_wanted(tmp_path, days, goes):
    store = RecordStore(tmp_path / "s")
    store.commit([*(telemetry(k) for k in range(1, 5)), event(5)])
    section = StoreSection(path=Path("s"), sample_days=days, event_days=days)
    stop = threading.Event()
    thread = threading.Thread(target=upkeep(store, section, Later(), 0.01), args=(stop,))
    thread.start()
    until = time.monotonic() + (20.0 if goes else 0.5)
    while time.monotonic() < until and len(store.removals()) < 2:
        time.sleep(0.02)
    stop.set()
    thread.join()
    kinds = {removal.kind for removal in store.removals()}
    assert kinds == ({RecordKind.TELEMETRY, RecordKind.EVENT} if goes else set())
    store.close()


def test_summaries_may_not_go_before_their_samples():
    section = StoreSection(path=Path("s"), sample_days=90.0, summary_days=30.0)
    with pytest.raises(UsageError, match="before the samples"):
        upkeep(None, section, Later())
