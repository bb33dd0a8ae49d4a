"""The whole chain: broker, cloud, history, vehicles with their edges; started, followed, ended.

What runs is what runs in production, put together by ``compose``: this module only says in which
order.  The page is up first; weeks of history arrive while it is watched; then the vehicles live.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from voltherd.cloud.running import Running
from voltherd.cloud.view import FleetView
from voltherd.demo import report
from voltherd.demo.driver import Driver, VirtualVehicle
from voltherd.demo.history import Day, HistoryProcess
from voltherd.demo.report import EdgeAccount
from voltherd.demo.truth import judged
from voltherd.errors import VoltherdError
from voltherd.ports import RecordLog
from voltherd.sim.live import LiveSpec, LiveState, advance
from voltherd.types.record import Record, SeqRange

SETTLE_TURNS: Final = 200
"""Turns within which edges hand over what they hold when the demo ends."""
FINISH_SECOND: Final = 90.0
"""How long the end waits for the cloud to work through what is committed [s]."""
QUIET_SECOND: Final = 1.5
"""A cloud that shows nothing new for so long has finished [s]."""
_CHECK_SECOND: Final = 0.2
Tell = Callable[[str], None]


class Parts(NamedTuple):
    """What ``compose`` has put together.

    Attributes:
        running: The cloud, started.
        log: Where it commits.
        hear: Tells the cloud's fleet of records committed without the bus.
        vehicles: Lets the fleet's time begin, and makes the vehicles with their edges, by name.
        stop_broker: Ends the broker.
    """

    running: Running
    log: RecordLog
    hear: Callable[[list[Record]], None]
    vehicles: Callable[[float], Mapping[str, VirtualVehicle]]
    stop_broker: Callable[[], None]


class Chain:
    """A demo while it runs.

    Args:
        parts: Everything it consists of.
        spec: The fleet.
        names: Names of its vehicles, in the order of their numbers.
        resume_second: Up to here an earlier run has lived already; earlier than live for none.
        driver_of: Makes the driver of the vehicles.
        tell: Told where it stands.
    """

    def __init__(
        self,
        parts: Parts,
        spec: LiveSpec,
        names: tuple[str, ...],
        resume_second: float,
        driver_of: Callable[[LiveState, Mapping[str, VirtualVehicle]], Driver],
        tell: Tell,
    ) -> None:
        self._parts, self._spec, self._names, self._tell = parts, spec, names, tell
        self._driver_of, self._resume_second = driver_of, resume_second
        self._history = HistoryProcess(spec)
        self._stop = threading.Event()
        self._driver: Driver | None = None
        self._vehicles: Mapping[str, VirtualVehicle] = {}
        self._trouble: VoltherdError | None = None
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._live, name="vehicles", daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where the page is."""
        return self._parts.running.url

    def wait(self, until_second: float) -> None:
        """Wait until a time by the monotonic clock, or until something breaks.

        Raises:
            VoltherdError: What broke.
        """
        while time.monotonic() < until_second:
            if self._trouble is not None:
                raise self._trouble
            time.sleep(min(_CHECK_SECOND, max(until_second - time.monotonic(), 0.0)))

    @property
    def lived_second(self) -> float | None:
        """Up to where the vehicles have lived; None before they began [unix s]."""
        driver = self._driver
        return None if driver is None else driver.second

    def view(self) -> FleetView:
        """The fleet as the cloud sees it."""
        return self._parts.running.cloud.fleet.view

    def end(self) -> dict[str, Any]:
        """Stop the vehicles, let the edges hand over what they hold, and give the report."""
        self._halt()
        settled = True
        if self._driver is not None:
            settled = self._driver.settle(threading.Event(), SETTLE_TURNS)
        self._let_cloud_finish()
        audited = report.audit(self._accounts(), self._parts.log)
        told = judged(self._spec.fleet.faults, self._names, self.view())
        figures: dict[str, float | int] = {
            "vehicles": len(self._names),
            "history_days": self._spec.fleet.days,
            "frames": self._driver.frames if self._driver else 0,
            "wall_second": time.monotonic() - self._began,
            "settled": int(settled),
        }
        return report.report(told, audited, self._parts.running.cloud.chain(), figures)

    def close(self) -> None:
        """End everything."""
        self._halt()
        for vehicle in self._vehicles.values():
            vehicle.close()
        self._parts.running.stop()
        self._parts.stop_broker()

    def _let_cloud_finish(self) -> None:
        """Wait until the cloud has worked through what is committed, and shows it."""
        fleet = self._parts.running.cloud.fleet
        patience = time.monotonic() + FINISH_SECOND
        still, version = time.monotonic(), -1
        while time.monotonic() < patience:
            busy = fleet.waiting > 0 or fleet.catching_up > 0 or fleet.view.version != version
            version = fleet.view.version
            still = time.monotonic() if busy else still
            if time.monotonic() - still > QUIET_SECOND:
                return
            time.sleep(_CHECK_SECOND)

    def _halt(self) -> None:
        self._stop.set()
        self._history.close()
        self._thread.join()

    def _accounts(self) -> dict[str, EdgeAccount]:
        """Ask every edge what it has sent and what it still holds."""
        accounts = {}
        for name, vehicle in self._vehicles.items():
            spool = vehicle.edge.spool
            held = [r.key.seq for r in spool.pending(None, 1_000_000) if r.key.epoch == spool.epoch]
            pending = tuple(SeqRange(seq, seq) for seq in held)
            accounts[name] = EdgeAccount(spool.epoch, spool.head_seq, pending)
        return accounts

    # The vehicles' thread.

    def _live(self) -> None:
        try:
            state = self._take_history()
            if state is None:
                return
            while state.second < self._resume_second and not self._stop.is_set():
                state, _ = advance(state)  # lived already
            self._vehicles = self._parts.vehicles(state.second)
            self._driver = self._driver_of(state, self._vehicles)
            self._tell("live")
            self._driver.run(self._stop)
        except VoltherdError as error:
            if not self._stop.is_set():
                self._trouble = error

    def _take_history(self) -> LiveState | None:
        """Commit the history as it is made; None where the demo ended before it was there."""
        days = self._spec.fleet.days + 1
        for made in self._history.made():
            if self._stop.is_set():
                return None
            if isinstance(made, Day):
                records = list(made.records)
                new = set(self._parts.log.commit(records).new) if records else set()
                if new:
                    self._parts.hear([record for record in records if record.key in new])
                self._tell(f"history: day {made.number} of {days}")
            else:
                return made
        return None
