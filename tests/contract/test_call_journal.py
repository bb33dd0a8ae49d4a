"""What every CallJournal promises; a new one adds a line to JOURNALS and inherits every test."""

import pytest

from voltherd.adapters.memory.calls import MemoryCalls
from voltherd.adapters.sqlite.calls import CallBook
from voltherd.errors import StoreError
from voltherd.ports import CallJournal
from voltherd.types.station_command import StationCall

JOURNALS = {
    "memory": lambda folder: MemoryCalls(),
    "sqlite": lambda folder: CallBook(folder / "calls" / "stations.sqlite"),
}


@pytest.fixture(params=JOURNALS.values(), ids=JOURNALS)
def journal(request, tmp_path):
    made = request.param(tmp_path)
    yield made
    made.close()


def call(number, station_id="A"):
    payload = {"connectorId": number, "more": [1.5, "ä", None, {"a": True}]}
    return StationCall(station_id, "1.6", f"m{number}", "MeterValues", payload, 1e9 + number)


def test_it_is_a_journal_and_begins_empty(journal):
    assert isinstance(journal, CallJournal)
    assert (journal.calls(0, 10), journal.books(), journal.append([])) == ([], None, 0)


def test_calls_come_back_in_order_as_they_were(journal):
    calls = [call(k, "AB"[k % 2]) for k in range(7)]
    last = journal.append(calls[:3])
    assert journal.append(calls[3:]) == last + 4
    found = journal.calls(0, 100)
    assert [c for _, c in found] == calls
    assert [number for number, _ in found] == sorted({number for number, _ in found})
    assert [c for _, c in journal.calls(found[2][0], 2)] == calls[3:5]


def test_the_same_call_is_kept_as_often_as_it_is_told(journal):
    journal.append([call(1)])
    journal.append([call(1)])
    assert [c for _, c in journal.calls(0, 9)] == [call(1)] * 2


def test_books_take_the_place_of_those_before(journal):
    for number, body in ((3, b"one"), (5, b"two" * 1000)):
        journal.keep_books(number, body)
        assert journal.books() == (number, body)


def test_what_sqlite_kept_is_there_after_opening_again(tmp_path):
    path = tmp_path / "stations.sqlite"
    first = CallBook(path)
    first.append([call(1)])
    first.keep_books(1, b"books")
    first.close()
    again = CallBook(path)
    assert [c for _, c in again.calls(0, 9)] == [call(1)] and again.books() == (1, b"books")
    assert again._con.execute("PRAGMA synchronous").fetchone() == (2,), "FULL: each commit waits"
    again.close()


def test_a_file_that_is_no_book_is_told(tmp_path):
    path = tmp_path / "stations.sqlite"
    path.write_bytes(b"something else " * 400)
    with pytest.raises(StoreError, match="cannot be kept"):
        CallBook(path)
