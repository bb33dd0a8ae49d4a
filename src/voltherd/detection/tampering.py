"""Cells that change places while the vehicle is in use.

Two exchanged channels (``swap``) are a harness put together wrongly when they show after a stand.
In the middle of a drive or a charge no hand reaches a connector: there the record was changed.
Other marks of tampering are in ``replay`` and ``parity``.
"""

from typing import Final, NamedTuple

from voltherd.detection import parity, replay
from voltherd.detection.verdict import Verdict
from voltherd.detection.windows import Windows
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity

CAUSE: Final = "tampering"
EXCHANGE: Final = "tampering.exchange"
CAUSES: Final = (replay.REPLAY, replay.FREEZE, parity.CAUSE, EXCHANGE)
PAUSE_SECOND: Final = 900.0
"""Longest silence in which nobody opens a pack [s]."""
USED_WINDOWS_MIN: Final = 3
"""Windows in a row without a pause before an exchange is laid to the record: its signature may have
taken a window or two to show."""


class Exchange(NamedTuple):
    """What is known of exchanges.

    Attributes:
        used: Windows without a pause up to now.
        known: Pairs seen exchanged so far.
        second: End of the last window [unix s]; NaN before the first.
    """

    used: int
    known: tuple[tuple[int, ...], ...]
    second: float


Judged = tuple[tuple[float, tuple[Verdict, ...]], ...]


def init() -> Exchange:
    """Have seen nothing yet."""
    return Exchange(0, (), float("nan"))


def judge(exchange: Exchange, windows: Windows, swapped: Judged) -> tuple[Exchange, Judged]:
    """Tell exchanges in use from those after a pause.

    Args:
        exchange: What was known.
        windows: The next ones.
        swapped: What ``swap`` says of them: end of window [unix s] and verdicts.

    Returns:
        What is known now; and the end of each window that has an exchange in use, with its verdict.
    """
    told = dict(swapped)
    judged = []
    for end, start, observed in zip(
        windows.end_second.tolist(),
        windows.start_second.tolist(),
        windows.observed_second.tolist(),
        strict=True,
    ):
        began = start if exchange.second != exchange.second else exchange.second
        paused = end - began - observed > PAUSE_SECOND
        used = 0 if paused else exchange.used + 1
        fresh = [v for v in told.get(end, ()) if v.location.cells not in exchange.known]
        known = (*exchange.known, *(v.location.cells for v in fresh))
        exchange = Exchange(used, known, end)
        if fresh and used > USED_WINDOWS_MIN:
            judged.append((end, tuple(map(_verdict, fresh))))
    return exchange, tuple(judged)


def _verdict(swapped: Verdict) -> Verdict:
    first, second = swapped.location.cells
    return Verdict(
        cause=EXCHANGE,
        phenomenon=Phenomenon.DATA_TAMPERED,
        location=Location(kind=LocationKind.PACK),
        severity=Severity.RECOMMENDED,
        score=swapped.score,
        persistence=1,
        event=True,
        numbers={"first": float(first), "second": float(second), **swapped.numbers},
    )
