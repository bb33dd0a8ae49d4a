"""Events that repeat without end: told, then told less often, never silently left out.

Events are never dropped once they are records, so what makes them must be bounded.  Each code may
be told some times at once, and regains the right to one more every few minutes.  What was left out
is counted in the next event of its code, and the last state of a condition is always told in the
end: nobody is left believing that something holds which has ended.
"""

from dataclasses import replace
from typing import Final, final

from voltherd.types.event import Severity
from voltherd.types.record import EdgeEvent

AT_ONCE: Final = {Severity.OPERATING: 20, Severity.RECOMMENDED: 40, Severity.SAFETY: 200}
"""So many of one code and severity are told without a pause."""
REGAIN_SECOND: Final = 300.0
"""Then one for each such time [s]."""
CODES_MAX: Final = 500


@final
class Chatter:
    """Lets events through, within bounds for each code and severity."""

    def __init__(self) -> None:
        self._rights: dict[tuple[str, Severity], tuple[float, float]] = {}
        self._left_out: dict[tuple[str, Severity], tuple[int, EdgeEvent]] = {}

    def admit(self, event: EdgeEvent, now_second: float) -> EdgeEvent | None:
        """Give the event to tell, None where it is left out for now.

        Args:
            event: What happened; answers to commands are always told.
            now_second: By a clock that never runs backwards [s].
        """
        if event.correlation_id:
            return event
        key = event.code, event.severity
        if len(self._rights) >= CODES_MAX and key not in self._rights:
            self._rights.pop(next(iter(self._rights)))
        rights = self._regained(key, now_second)
        if rights < 1.0:
            count, _ = self._left_out.get(key, (0, event))
            self._left_out[key] = count + 1, event
            self._rights[key] = rights, now_second
            return None
        self._rights[key] = rights - 1.0, now_second
        count, _ = self._left_out.pop(key, (0, event))
        return _noted(event, count)

    def due(self, now_second: float) -> list[EdgeEvent]:
        """Give the last of those left out, where there is a right to tell again."""
        told = []
        for key, (count, event) in list(self._left_out.items()):
            rights = self._regained(key, now_second)
            if rights >= 1.0:
                self._rights[key] = rights - 1.0, now_second
                del self._left_out[key]
                told.append(_noted(event, count - 1))
        return told

    def _regained(self, key: tuple[str, Severity], now_second: float) -> float:
        most = float(AT_ONCE[key[1]])
        rights, since = self._rights.get(key, (most, now_second))
        return min(rights + (now_second - since) / REGAIN_SECOND, most)


def _noted(event: EdgeEvent, left_out: int) -> EdgeEvent:
    if not left_out:
        return event
    return replace(event, text=f"{event.text} ({left_out} more like this were left out before)")
