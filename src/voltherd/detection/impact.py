"""What the vehicle itself reports of a crash, and of its own self-checks: looked at in every row.

An airbag that fires opens the contactors by wire, in the vehicle, long before telemetry knows: here
it marks the pack as one to be inspected, since cells may be dented without showing it for days.
The self-checks (memory, converters, watchdog) are the battery management's own; one that fails
means that the guard itself cannot be relied upon.

A code counts when two rows in a row carry it, or when it stays until the record ends; a channel
that has carried it from its first row on tells nothing of when, and is told as well.
"""

from typing import Final, NamedTuple

import numpy as np

from voltherd.detection.verdict import Verdict
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity
from voltherd.types.sample import SampleBatch

AIRBAG: Final = "airbag_state"
SELF_CHECK: Final = "self_check_state"
CAUSES: Final = {AIRBAG: "impact", SELF_CHECK: "self_check"}
PHENOMENA: Final = {
    AIRBAG: Phenomenon.IMPACT,
    SELF_CHECK: Phenomenon.SELF_CHECK_FAILED,
}
ROWS_MIN: Final = 2


class Signals(NamedTuple):
    """Rows in a row that carried a code, and the latest code, for each of the two channels."""

    airbag_rows: int
    airbag_code: float
    check_rows: int
    check_code: float


CALM: Final = Signals(0, 0.0, 0, 0.0)


def look(signals: Signals, batch: SampleBatch) -> tuple[Signals, tuple[tuple[float, Verdict], ...]]:
    """Look at every row.

    Args:
        signals: What came before.
        batch: Further rows.

    Returns:
        What to remember, and verdicts with the time of their row [unix s].
    """
    airbag_rows, airbag_code, first = _channel(
        batch, AIRBAG, signals.airbag_rows, signals.airbag_code
    )
    check_rows, check_code, second = _channel(
        batch, SELF_CHECK, signals.check_rows, signals.check_code
    )
    return Signals(airbag_rows, airbag_code, check_rows, check_code), (*first, *second)


def _channel(
    batch: SampleBatch, name: str, rows: int, code: float
) -> tuple[int, float, list[tuple[float, Verdict]]]:
    values = batch.scalar.get(name)
    if values is None or not (rows or (values >= 1.0).any()):
        return rows, code, []
    told = []
    known = np.flatnonzero(np.isfinite(values))
    for second, value in zip(
        batch.unix_time_second[known].tolist(), values[known].tolist(), strict=True
    ):
        before, rows = rows, rows + 1 if value >= 1.0 else 0
        # Once is enough of what happened; what is not mended is renewed with every other code.
        if rows == ROWS_MIN or (rows > ROWS_MIN and value != code and before):
            told.append((second, _verdict(name, value)))
        code = value if rows else 0.0
    return rows, code, told


def _verdict(name: str, code: float) -> Verdict:
    return Verdict(
        cause=CAUSES[name],
        phenomenon=PHENOMENA[name],
        location=Location(kind=LocationKind.CHANNEL, channel=name),
        severity=Severity.SAFETY,
        score=20.0,
        persistence=1,
        event=True,
        numbers={"code": code},
    )
