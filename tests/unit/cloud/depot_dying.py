"""A central system that dies at every step of its work; run as a program by the tests.

Each life is a fork: it opens the journal, takes calls one batch at a time and says of each answer
that it was given, until it dies.  The station then tells again what was not answered, as stations
do.  In the end the books are those of a life without deaths.
"""

import json
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from tests.unit.wire.ocpp_samples import NOON, energy
from voltherd.adapters.ocpp.schemas import schema_check
from voltherd.adapters.sqlite.calls import CallBook
from voltherd.charging.central import Rules
from voltherd.cloud.depot import Depot
from voltherd.types.station import (
    BEGIN,
    END,
    Alive,
    Booted,
    StatusTold,
    TokenVerdict,
    TransactionTold,
)
from voltherd.types.station_command import Outcome, Refused, Reserve, SettingsTold, StationCall
from voltherd.wire.ocpp import DIALECTS
from voltherd.wire.plain import to_plain

RULES = Rules(tokens={"CARD-1": TokenVerdict("Accepted"), "CARD-2": TokenVerdict("Accepted")})
DIED = 9


def call(number, station_id, event):
    version = "1.6" if station_id == "A" else "2.0.1"
    action, payload = DIALECTS[version].encode_event(event)
    return StationCall(station_id, version, str(number), action, payload, NOON + number)


def later(kind, seq_no, value_wh, context):
    readings = (energy(NOON + 60.0 * seq_no, value_wh, context),)
    second = NOON + 60.0 * seq_no
    return TransactionTold(kind, "tx", second, seq_no, 1, 1, "CARD-2", readings)


def batches():
    """What stations tell; the ids of transactions are those that a life without deaths gives."""
    first = TransactionTold(
        "started", "", NOON, None, 1, 1, "CARD-1", (energy(NOON, 100.0, BEGIN),)
    )
    second = first._replace(evse_id=2, time_second=NOON + 5.0)
    update = TransactionTold(
        "updated", "1", NOON + 60.0, None, 1, 1, "", (energy(NOON + 60, 200.0),)
    )
    end = TransactionTold(
        "ended", "1", NOON + 90.0, None, 1, 1, "CARD-1", (energy(NOON + 90, 300.0, END),), "Local"
    )
    told = [
        [("A", Booted("M", "P")), ("B", Booted("M", "P", reason="PowerUp")), ("A", Alive())],
        [("A", first), ("B", later("started", 0, 5.0, BEGIN))],
        [("A", second)],
        [("A", update), ("B", later("updated", 1, 25.0, "Sample.Periodic"))],
        [("B", later("ended", 2, 45.0, END)), ("A", end), ("A", first)],
        [("A", StatusTold(1, 1, "Available", NOON + 95.0))],
    ]
    numbered, number = [], 0
    for batch in told:
        numbered.append([])
        for station_id, event in batch:
            number += 1
            numbered[-1].append(call(number, station_id, event))
    return numbered


def live(path, told, step=lambda name: None, books_every=4):
    """Live until the end or death; ``told`` holds the numbers of batches that were answered."""
    desk = Depot(CallBook(path, step), RULES, schema_check, books_every)
    answered = {int(line) for line in told.read_text().split()} if told.exists() else set()
    for number, batch in enumerate(batches()):
        if number in answered:
            continue
        replies = desk.take(batch)
        if any(isinstance(reply.payload, Refused) for reply in replies):
            return desk, False
        starts = [r.payload["transactionId"] for r in replies if "transactionId" in r.payload]
        assert starts in ([], [1], [2]), starts
        with told.open("a") as line:
            line.write(f"{number}\n")
    desk.answered("A", Reserve(1, 1, "x", 0.0), SettingsTold({"ChargingScheduleMaxPeriods": "9"}))
    wish = Reserve(7, 1, "CARD-1", NOON + 1e4)
    promise = desk.reserve("A", wish, NOON + 200.0)
    if promise.command is not None:
        desk.answered("A", wish, Outcome("Accepted"))
    desk.keep_books()
    return desk, True


def books(desk):
    """What is booked; how often a station says that it started is its own affair."""
    stations = {k: replace(s, boots=0) for k, s in desk.central.stations.items()}
    return json.dumps(to_plain(replace(desk.central, stations=stations)))


def child(work):
    """Run in a fork; give how it ended."""
    process = os.fork()
    if process == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            sys.stderr.flush()
            os._exit(code)
    _, status = os.waitpid(process, 0)
    return os.waitstatus_to_exitcode(status)


def die_at(number):
    count = [0]

    def step(name):
        count[0] += 1
        if count[0] == number:
            os._exit(DIED)

    return step


def die_amid(size):
    """Let the kernel kill who writes beyond a size: a write that is torn."""
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def one(folder, how, number, whole):
    """One death, one later life, and what is wrong after it."""
    place = folder / f"{how}-{number}"
    place.mkdir()
    path, told = place / "stations.sqlite", place / "told"
    step = die_at(number) if how == "step" else (lambda name: None)

    def dying():
        if how == "torn":
            die_amid(number)
        live(path, told, step)

    code = child(dying)
    problems = []

    def again():
        desk, well = live(path, told)
        assert well
        assert books(desk) == whole, "the books are others"
        assert books(Depot(CallBook(path), RULES, schema_check)) == whole, "and others again"

    if child(again):
        problems.append("the life after it went wrong")
    return {"number": number, "code": code, "problems": problems}


def main(folder, how, numbers):
    whole_desk, well = live(folder / "whole.sqlite", folder / "whole.told")
    assert well
    for number in numbers:
        sys.stdout.write(json.dumps(one(folder, how, number, books(whole_desk))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], [int(n) for n in sys.argv[3:]])
