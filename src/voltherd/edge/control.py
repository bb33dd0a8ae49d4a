"""The half of the edge that must not wait: frames in, limits out, at a fixed rate.

It touches no disk and no network.  What it finds is handed over in a bounded queue; where that
overflows because the other half hangs, samples are lost and counted, and the pack is still watched.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, final

from voltherd.edge import cycle, events
from voltherd.edge.cycle import CycleResult, Input, Plan
from voltherd.edge.timing import Durations
from voltherd.errors import ServiceError
from voltherd.ports import Actuator, Clock, FrameSource
from voltherd.types.actuation import NOTHING_FLOWS, Actuation
from voltherd.types.event import Severity
from voltherd.types.record import Command, EdgeEvent

FRAMES_MAX: Final = 20_000
"""So many frames are taken in one cycle; the others wait for the next."""
HANDED_MAX: Final = 3_000
"""So many results wait for the other half: five minutes of ten a second."""
EVENTS_MAX: Final = 10_000
"""So many events wait for it; an alarm is worth more than samples."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """When a cycle is late.

    Attributes:
        period_second: Distance of two cycles; a cycle that computes longer has missed it [s].
        watchdog_second: A loop that stood still for longer permits nothing until it runs [s].
    """

    period_second: float = 0.1
    watchdog_second: float = 2.0


@final
class Control:
    """Runs cycles.

    Attributes:
        state: Of the cycle; replaced as a whole, so that another thread may read it.
        compute: How long cycles took.
        reaction: From a row's last frame to the limits that follow from it.
        missed: Cycles that took too long.
        rows: Samples so far.
        permitted: What the actuator was told last.
        lost_rows: Samples that the other half never took.
        last_second: Edge's clock at the last cycle [s].
    """

    def __init__(  # one of each port
        self,
        plan: Plan,
        pace: Pace,
        source: FrameSource,
        actuator: Actuator,
        clock: Clock,
        wall: Clock,
        stopwatch: Callable[[], float],
        mode: str,
    ) -> None:
        self.compute, self.reaction = Durations(), Durations()
        self.missed = self.rows = self.lost_rows = 0
        self.permitted = NOTHING_FLOWS
        self.last_second = clock.monotonic_second()
        self._plan, self._pace = plan, pace
        self._source, self._actuator = source, actuator
        self._clock, self._wall, self._stopwatch = clock, wall, stopwatch
        self.state = cycle.init(plan, self._wall_nanosecond(), mode)
        self._requests: deque[Command] = deque()
        self._results: deque[CycleResult] = deque()
        self._told: deque[EdgeEvent] = deque(maxlen=EVENTS_MAX)
        self._troubles: set[str] = set()

    def ask(self, command: Command) -> None:
        """Put a request of the cloud before the next cycle; may be called from another thread."""
        self._requests.append(command)

    def poll(self) -> None:
        """Run one cycle."""
        now, begin = self._clock.monotonic_second(), self._stopwatch()
        stood = now - self.last_second
        if stood > self._pace.watchdog_second:
            self._tell(
                events.STALLED,
                f"no cycle for {stood:.1f} s; nothing was permitted meanwhile",
                severity=Severity.RECOMMENDED,
                value=stood,
                unit="s",
            )
        self.last_second = now
        try:
            frames = self._source.receive(FRAMES_MAX)
            self._trouble("bus.gone", "")
        except ServiceError as error:
            frames = ()
            self._trouble("bus.gone", str(error))
        requests = [self._requests.popleft() for _ in range(len(self._requests))]
        given = Input(frames, requests, now, self._wall_nanosecond())
        self.state, result = cycle.step(self._plan, self.state, given)
        self._apply(result.actuation)
        took = self._stopwatch() - begin
        self.compute.add(took)
        self.missed += took > self._pace.period_second
        self.rows += sum(rows.batch.rows for rows in result.segments)
        if result.segments:
            heard = int(result.segments[-1].heard_last_nanosecond[-1])
            self.reaction.add(1e-9 * max(self._wall_nanosecond() - heard, 0))
        self._hand(result)

    def results(self) -> list[CycleResult]:
        """Take what cycles have found since this was last asked, events of the control included."""
        found = [self._results.popleft() for _ in range(len(self._results))]
        told = tuple(self._told.popleft() for _ in range(len(self._told)))
        if told:
            found.append(CycleResult(segments=(), events=told, actuation=self.permitted))
        return found

    def stop_flow(self) -> None:
        """Permit nothing, from outside a loop that stands still."""
        self._apply(NOTHING_FLOWS)

    def _hand(self, result: CycleResult) -> None:
        if len(self._results) < HANDED_MAX:
            if result.segments or result.events:
                self._results.append(replace(result, estimates=()))  # nobody there looks at them
            return
        self.lost_rows += sum(rows.batch.rows for rows in result.segments)
        self._told.extend(result.events)

    def _apply(self, actuation: Actuation) -> None:
        try:
            self._actuator.apply(actuation)
            self.permitted = actuation
            self._trouble("actuator.gone", "")
        except ServiceError as error:
            self._trouble("actuator.gone", str(error))

    def _trouble(self, code: str, told: str) -> None:
        """Tell once that something is out of reach, and once that it is back."""
        if bool(told) == (code in self._troubles):
            return
        if told:
            self._troubles.add(code)
        else:
            self._troubles.discard(code)
        self._tell(code, told or "back again", severity=Severity.RECOMMENDED, raised=bool(told))

    def _tell(
        self,
        code: str,
        text: str,
        *,
        severity: Severity,
        raised: bool = True,
        value: float | None = None,
        unit: str = "",
    ) -> None:
        second = self._clock.unix_second()
        self._told.append(
            events.of_edge(
                code, second, text, severity=severity, raised=raised, value=value, unit=unit
            )
        )

    def _wall_nanosecond(self) -> int:
        return int(1e9 * self._wall.unix_second())
