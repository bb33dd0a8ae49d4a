"""A life of a record store, lived by processes that die in it; run as a program by the tests.

Each process is a fork that has everything loaded, so that hundreds of deaths take seconds.  What a
process is told (an operation has returned) goes to a file outside of the store; what the store then
holds is read by yet another fork.
"""

import json
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import duckdb  # noqa: F401 (loaded before the first fork)

from tests.contract.test_record_log import LATER, MORNING, event, gap, samples, telemetry
from voltherd.adapters.records.erasing import TimeSpan
from voltherd.adapters.records.retention import Retention
from voltherd.adapters.records.store import RecordStore

DAY = 86_400.0
NEXT_DAY = MORNING + DAY
DIED = 9


def imported(first_second, rows=6):
    return samples(first_second, rows, vehicle_id="bus-9", seed=7)


def life(store: RecordStore, scratch: Path) -> list[tuple[str, Callable[[], object]]]:
    """Operations in order, each of which may be repeated."""
    return [
        ("commit", lambda: store.commit([telemetry(k) for k in range(1, 5)])),
        ("commit other kinds", lambda: store.commit([event(5), gap(8, (6, 7)), telemetry(9)])),
        (
            "commit another vehicle",
            lambda: store.commit(
                [telemetry(k, vehicle_id="bus-8") for k in range(1, 7)]
                + [event(7, vehicle_id="bus-8")]
            ),
        ),
        ("import", lambda: store.append(imported(MORNING))),
        ("compact", store.compact),
        (
            "commit late, twice and anew",
            lambda: store.commit(
                [telemetry(2), telemetry(6, second=MORNING - 600), telemetry(10, second=NEXT_DAY)]
            ),
        ),
        ("import over midnight", lambda: store.append(imported(NEXT_DAY - 30_003.0))),
        ("compact and merge", lambda: store.compact(shrink=True)),
        (
            "retain",
            lambda: store.retain(
                Retention(sample_day=1.0, summary_day=1.0, event_day=1.0), MORNING + 2 * DAY
            ),
        ),
        (
            "commit after a new start",
            lambda: store.commit(
                [telemetry(k, epoch=LATER, second=NEXT_DAY + 60.0 * k) for k in range(1, 6)]
            ),
        ),
        ("compact again", lambda: store.compact(files_max=9)),
        (
            "erase a time",
            lambda: store.erase_spans(
                "bus-7", [TimeSpan(NEXT_DAY + 110.0, NEXT_DAY + 190.0)], NEXT_DAY
            ),
        ),
        ("erase a vehicle", lambda: store.erase_vehicle("bus-8", NEXT_DAY)),
        (
            "resend what was erased",
            lambda: store.commit([telemetry(k, vehicle_id="bus-8") for k in range(1, 7)]),
        ),
        (
            "back up",
            lambda: (
                None if (scratch / "kept").exists() else store.backup(scratch / "kept", NEXT_DAY)
            ),
        ),
    ]


WHOLE = {
    "commit",
    "commit other kinds",
    "commit another vehicle",
    "import",
    "import over midnight",
    "commit late, twice and anew",
    "commit after a new start",
    "erase a vehicle",
    "resend what was erased",
    "compact",
    "compact and merge",
    "compact again",
    "back up",
}
"""Operations that happen as a whole or not at all; the others may stand half way, and go on."""


def held(store: RecordStore) -> dict[str, list[str]]:
    """All that a store holds, as text, by vehicle."""
    found = {}
    for vehicle_id in ("bus-7", "bus-8", "bus-9"):
        rows = [
            f"{r.key.epoch} {r.key.seq} {r.kind} {r.body.hex()}" for r in store.records(vehicle_id)
        ]
        chunks = store.summaries(vehicle_id)
        rows += [f"summary {e} {s}" for e, s in zip(chunks["epoch"], chunks["seq"], strict=True)]
        rows.append(f"rows {store.read(vehicle_id).rows}")
        rows.append(f"closed {store.committed(vehicle_id)}")
        found[vehicle_id] = sorted(rows)
    found["known"] = [*store.vehicles(), "|", *store.known_vehicles()]
    found["latest"] = [str(x) for x in store.latest()["seq"]]
    found["removed"] = sorted(
        f"{r.reason} {r.kind} {r.records}/{r.forgotten}" for r in store.removals()
    )
    return found


def forked(work: Callable[[], object]) -> int:
    """Do something in a process of its own; give its exit code, negative for a signal."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def live(folder: Path, die_at: int, bytes_max: int | None) -> None:
    """Live, saying what has returned, until a step; die there, or amid the next larger write."""
    steps = 0
    told = os.open(folder / "steps", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def step(name: str) -> None:
        nonlocal steps
        steps += 1
        os.write(told, f"{name}\n".encode())
        if steps == die_at:
            if bytes_max is None:
                os._exit(DIED)
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_max, bytes_max))

    store = RecordStore(folder / "store", step)
    done = os.open(folder / "done", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for name, operation in life(store, folder):
        operation()
        os.write(done, f"{name}\n".encode())


def write_state(folder: Path, name: str) -> None:
    state = held(RecordStore(folder / "store"))
    (folder / name).write_text(json.dumps(state))


def states_of_a_whole_life(folder: Path) -> list[dict]:
    """What is held before and after each operation of a life without death."""
    folder.mkdir()

    def work():
        store = RecordStore(folder / "store")
        states = [held(store)]
        for _, operation in life(store, folder):
            operation()
            states.append(held(store))
        (folder / "states").write_text(json.dumps(states))

    assert forked(work) == 0
    return json.loads((folder / "states").read_text())


def go_on(folder: Path, done: int) -> None:
    """Begin again with what was under way when death came, and live to the end."""
    store = RecordStore(folder / "store")
    if (folder / "store" / "voltherd.json").exists():
        wrong = [p for p in store.check() if not p.harmless]
        assert wrong == [], wrong
    for _, operation in life(store, folder)[done:]:
        operation()
    store.compact(files_max=9)
    assert store.check() == ()
    left = [p.name for p in folder.rglob("*.part")]
    assert left == [], left


def problems(folder: Path, states: list[dict]) -> list[str]:
    """Say what is wrong with what a dead process left."""
    done = folder / "done"
    finished = len(done.read_text().splitlines()) if done.exists() else 0
    if forked(lambda: write_state(folder, "state")):
        return ["it cannot be read"]
    state = json.loads((folder / "state").read_text())
    before, after = states[finished], states[min(finished + 1, len(states) - 1)]
    names = [name for name, _ in life(RecordStore(folder / "store"), folder)]
    under_way = names[finished] if finished < len(names) else ""
    wrong = []
    if under_way in WHOLE or not under_way:
        if state not in (before, after):
            wrong.append(f"{under_way!r} neither whole nor not at all: {_told(state, before)}")
    else:
        for what in ("bus-7", "bus-8", "bus-9"):
            records = {row for row in state[what] if not row.startswith(("rows", "closed"))}
            b, a = set(before[what]), set(after[what])
            if not ({r for r in a & b if not r.startswith(("rows", "closed"))} <= records <= a | b):
                wrong.append(f"{under_way!r} lost or made up records of {what}")
    if forked(lambda: go_on(folder, finished)):
        return [*wrong, "it cannot go on"]
    if forked(lambda: write_state(folder, "end")):
        return [*wrong, "it cannot be read in the end"]
    end = json.loads((folder / "end").read_text())
    if end != states[-1]:
        wrong.append(f"another end: {_told(end, states[-1])}")
    return wrong


def _told(got: dict, wanted: dict) -> str:
    return str({k: (got[k], wanted[k]) for k in wanted if got[k] != wanted[k]})[:900]


def main(folder: Path, how: str, numbers: list[int]) -> None:
    """Die at each of some steps, or amid a write behind it; say in JSON what came of it."""
    states = states_of_a_whole_life(folder / "whole")
    for number in numbers:
        here = folder / f"{how}-{number}"
        here.mkdir()
        size = None if how == "step" else 1 + number * 7_919 % 150_000
        code = forked(lambda number=number, size=size, here=here: live(here, number, size))
        steps = (here / "steps").read_text().splitlines()
        told = {
            "number": number,
            "code": code,
            "step": steps[-1] if steps else "",
            "problems": problems(here, states),
        }
        os.write(1, f"{json.dumps(told)}\n".encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], [int(number) for number in sys.argv[3:]])
