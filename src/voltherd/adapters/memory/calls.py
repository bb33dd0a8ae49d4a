"""What charging stations told, in memory: for tests and simulations."""

from collections.abc import Sequence
from typing import final

from voltherd.types.station_command import StationCall


@final
class MemoryCalls:
    """The ``CallJournal`` port without a medium."""

    def __init__(self) -> None:
        self._calls: list[StationCall] = []
        self._books: tuple[int, bytes] | None = None

    def append(self, calls: Sequence[StationCall]) -> int:
        """Keep calls; see ``CallJournal.append``."""
        self._calls.extend(calls)
        return len(self._calls)

    def calls(self, after: int, limit: int) -> Sequence[tuple[int, StationCall]]:
        """Give calls; see ``CallJournal.calls``."""
        return list(enumerate(self._calls[after : after + limit], start=after + 1))

    def calls_of(
        self, station_id: str, actions: Sequence[str], since_second: float, limit: int
    ) -> Sequence[StationCall]:
        """Give the latest calls of a station; see ``CallJournal.calls_of``."""
        return [
            call
            for call in self._calls
            if call.station_id == station_id
            and call.heard_second >= since_second
            and (not actions or call.action in actions)
        ][-limit:]

    def keep_books(self, number: int, body: bytes) -> None:
        """Keep what calls came to; see ``CallJournal.keep_books``."""
        self._books = (number, body)

    def books(self) -> tuple[int, bytes] | None:
        """Give what was kept; see ``CallJournal.books``."""
        return self._books

    def close(self) -> None:
        """Let go of nothing."""
