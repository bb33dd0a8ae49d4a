"""All detectors over one vehicle's stream: ``init`` once, ``step`` with any number of rows.

The same function serves a live vehicle and a year of files: the result after the same rows is the
same, to the bit, however they were cut.  Windows of five minutes observed feed the quick judges,
six of them make a period for the slow ones.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Int

from voltherd.detection import (
    cells,
    channels,
    contact,
    imbalance,
    insulation,
    jump,
    modules,
    pack_sum,
    runaway,
    short,
    spikes,
    stuck,
    swap,
    temperature,
)
from voltherd.detection.memory import (
    WINDOWS_PER_PERIOD,
    Memory,
    Period,
    gather,
    remember,
    whole,
)
from voltherd.detection.memory import init as blank_memory
from voltherd.detection.verdict import Book, Verdict, note
from voltherd.detection.windows import Windows, closing_rows, join, summarise
from voltherd.types.asset import PackLayout
from voltherd.types.sample import SampleBatch, empty_batch

_PERIOD_CAUSES: Final = (
    cells.CAUSE,
    modules.CAUSE,
    jump.CAUSE,
    contact.CAUSE,
    short.CAUSE,
    imbalance.CAUSE,
    spikes.CAUSE,
    temperature.CAUSE,
    pack_sum.CAUSE,
)
_REFERENCE_ROWS_MIN: Final = 1.9


class Detection(NamedTuple):
    """Everything detection knows of one vehicle.

    Attributes:
        layout: Pack layout, None where unknown.
        open_rows: Rows of the window under way.
        closed_second: The row that closed the window before, NaN for none [unix s].
        open_windows: Closed windows of the period under way, None at its start.
        memory: The past.
        watch: What is known of channels.
        guard: What the row before told of a runaway.
        book: Alarms.
        rows: Rows taken in.
        first_second: First row [unix s].
        last_second: Last row [unix s].
    """

    layout: PackLayout | None
    open_rows: SampleBatch
    closed_second: float
    open_windows: Windows | None
    memory: Memory
    watch: channels.Watch
    guard: runaway.Guard
    book: Book
    rows: int
    first_second: float
    last_second: float


def init(vehicle_id: str, cells: int, probes: int, layout: PackLayout | None = None) -> Detection:
    """Start on a vehicle of which nothing is known."""
    return Detection(
        layout=layout,
        open_rows=empty_batch(vehicle_id, cells, probes),
        closed_second=np.nan,
        open_windows=None,
        memory=blank_memory(cells),
        watch=channels.init(probes),
        guard=runaway.init(cells, probes),
        book={},
        rows=0,
        first_second=np.nan,
        last_second=np.nan,
    )


def step(state: Detection, batch: SampleBatch) -> Detection:
    """Take in further rows, later than all before.

    Args:
        state: What was known.
        batch: Rows of the same vehicle with the same channels.

    Returns:
        What is known now.
    """
    if not batch.rows:
        return state
    guard, urgent = runaway.look(state.guard, batch)
    book = state.book
    for time, verdict in urgent:
        book = note(book, [verdict], time, [])
    rows = concatenate(state.open_rows, batch) if state.open_rows.rows else batch
    closing = closing_rows(rows.unix_time_second, state.closed_second)
    state = state._replace(
        guard=guard,
        book=book,
        rows=state.rows + batch.rows,
        first_second=float(batch.unix_time_second[0]) if not state.rows else state.first_second,
        last_second=float(batch.unix_time_second[-1]),
    )
    if not len(closing):
        return state._replace(open_rows=rows.copied() if rows is batch else rows)
    windows = summarise(rows, closing, state.closed_second)
    begin, first = 0, 0
    while first < len(closing):
        have = len(state.open_windows.end_second) if state.open_windows is not None else 0
        last = min(first + WINDOWS_PER_PERIOD - have, len(closing))
        part = Windows(*(field[first:last] for field in windows))
        end = int(closing[last - 1]) + 1
        state = _advance(state, part, rows.between(begin, end), closing[first:last] - begin)
        begin, first = end, last
    return state._replace(
        open_rows=rows.between(begin, rows.rows).copied(),
        closed_second=float(windows.end_second[-1]),
    )


def _advance(
    state: Detection, part: Windows, rows: SampleBatch, ends: Int[np.ndarray, " w"]
) -> Detection:
    """Judge windows of one period, and the period itself when they complete it."""
    used = stuck.cells_move(part)
    watch = channels.look(
        state.watch,
        rows,
        float(part.observed_second.sum()),
        float(part.observed_second[used].sum()),
    )
    past = whole(state.memory)
    moved = channels.moved_by(state.watch, rows, ends, "insulation_resistance_ohm")
    timed = [
        (time, verdicts, (cause,))
        for cause, judged in (
            (stuck.CAUSE, stuck.judge(part)),
            (swap.CAUSE, swap.judge(part, _reference(past), past)),
            (insulation.CAUSE, insulation.judge(part, moved)),
        )
        for time, verdicts in judged
    ]
    book = state.book
    for time, verdicts, causes in sorted(timed, key=lambda entry: entry[0]):
        book = note(book, verdicts, time, causes)
    windows = part if state.open_windows is None else join(state.open_windows, part)
    state = state._replace(watch=watch, book=book, open_windows=windows)
    if len(windows.end_second) < WINDOWS_PER_PERIOD:
        return state
    # Only where a period ends: by then nothing depends on the pieces the rows came in.
    plain = channels.judge(watch, rows)
    book = note(book, plain, float(part.end_second[-1]), channels.CAUSES)
    period = gather(state.memory, windows)
    memory = remember(state.memory, period)
    verdicts = tuple(_judge_period(past, whole(memory), period, state.layout))
    return state._replace(
        memory=memory,
        open_windows=None,
        book=note(book, verdicts, period.end_second, _PERIOD_CAUSES),
    )


def _judge_period(
    before: Memory, memory: Memory, period: Period, layout: PackLayout | None
) -> Iterable[Verdict]:
    found = cells.fit(memory)
    module = modules.judge(memory, found, layout)
    yield from modules.without(cells.judge(memory, found), module)
    yield from module
    yield from jump.judge(before, period)
    yield from contact.judge(memory)
    yield from short.judge(memory)
    yield from imbalance.judge(memory, found)
    yield from spikes.judge(memory)
    yield from temperature.judge(period.windows)
    yield from pack_sum.judge(period.windows)


def _reference(memory: Memory) -> np.ndarray:
    rows = np.where(memory.state_rows >= _REFERENCE_ROWS_MIN, memory.state_rows, np.nan)
    return np.asarray(memory.state_moment / rows[:, None])


def concatenate(first: SampleBatch, second: SampleBatch) -> SampleBatch:
    """Put two batches of one vehicle with the same channels one after the other."""
    assert first.vehicle_id == second.vehicle_id
    assert first.cells == second.cells and first.probes == second.probes
    assert first.scalar.keys() == second.scalar.keys()
    return SampleBatch(
        vehicle_id=second.vehicle_id,
        unix_time_second=np.concatenate([first.unix_time_second, second.unix_time_second]),
        cell_voltage_volt=np.concatenate([first.cell_voltage_volt, second.cell_voltage_volt]),
        cell_quality=np.concatenate([first.cell_quality, second.cell_quality]),
        probe_temperature_celsius=np.concatenate(
            [first.probe_temperature_celsius, second.probe_temperature_celsius]
        ),
        probe_quality=np.concatenate([first.probe_quality, second.probe_quality]),
        scalar={k: np.concatenate([first.scalar[k], v]) for k, v in second.scalar.items()},
        scalar_quality={
            k: np.concatenate([first.scalar_quality[k], v])
            for k, v in second.scalar_quality.items()
        },
        cell_names=second.cell_names,
        probe_names=second.probe_names,
    )
