"""All detectors over one vehicle's stream: ``init`` once, ``step`` with any number of rows.

The same function serves a live vehicle and a year of files: the result after the same rows is the
same, to the bit, however they were cut.  Windows of five minutes observed feed the quick judges,
six of them make a period for the slow ones.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from voltherd.detection import (
    cell_step,
    cells,
    channels,
    contact,
    current_bias,
    drift,
    freeze,
    full_charge,
    gauge,
    glitch,
    heating,
    humidity,
    imbalance,
    impact,
    insulation,
    jump,
    modules,
    pack_sum,
    parity,
    plating,
    pressure,
    probe_step,
    replay,
    runaway,
    short,
    soc_report,
    spikes,
    stages,
    stuck,
    swap,
    switches,
    tampering,
    temperature,
    vibration,
    warmth,
)
from voltherd.detection.memory import (
    WINDOWS_PER_PERIOD,
    Memory,
    Period,
    gather,
    remember,
    remember_full,
    resistance_ohm,
    whole,
)
from voltherd.detection.memory import init as blank_memory
from voltherd.detection.trail import Trail, follow, recent
from voltherd.detection.verdict import Book, Verdict, note
from voltherd.detection.windows import Windows, closing_rows, join, summarise
from voltherd.types.asset import PackLayout, Vehicle
from voltherd.types.sample import SampleBatch, empty_batch

_PERIOD_CAUSES: Final = (
    cells.CAUSE,
    modules.CAUSE,
    jump.CAUSE,
    contact.CAUSE,
    short.CAUSE,
    drift.CAUSE,
    drift.PROBE_CAUSE,
    imbalance.CAUSE,
    spikes.CAUSE,
    temperature.CAUSE,
    pack_sum.CAUSE,
    soc_report.CAUSE,
    humidity.CAUSE,
    heating.CAUSE,
    heating.ZONE_CAUSE,
    warmth.CAUSE,
    plating.CAUSE,
)
_REFERENCE_ROWS_MIN: Final = 1.9
LATE_MAX: Final = 64
"""Batches kept apart: so many small ones are joined at once."""


class Detection(NamedTuple):
    """Everything detection knows of one vehicle.

    Attributes:
        layout: Pack layout, None where unknown.
        asset: What the asset record says of the vehicle, None where there is none.
        open_rows: Rows of the window under way.
        late_rows: Its latest rows, as they came: joining every single row to all before it would
            cost more than judging it.
        open_millisecond: Observed time in it [ms].
        closed_second: The row that closed the window before, NaN for none [unix s].
        open_windows: Closed windows of the period under way, None at its start.
        memory: The past.
        watch: What is known of channels.
        top: The end of a charge under way.
        trail: The windows closed last and some of their rows, None at the start.
        habit: In which patterns the cells usually move from window to window.
        guard: What the row before told of a runaway.
        still: Since when each cell has kept its value.
        glitches: What the rows before told of single readings that stray.
        gauge: What is known of the vehicle's own state of charge.
        vent: What the rows before told of the pressure inside the pack.
        damp: How damp it was there in the last day.
        shake: How the pack is shaken, usually and now.
        stages: How far the pack has come on the way to a runaway.
        signals: What the vehicle reported of a crash and of its self-checks.
        switches: Whether the main contactors do what they are told.
        plating: Charge beyond what the anodes take, and the rests after it.
        warmth: Hours spent warm, seen and unseen.
        nights: What each probe was apart from its siblings after hours of rest.
        heat: What each probe's place makes of current and coolant.
        zero: What is known of the current sensor's zero.
        trace: What is remembered of rows, to know them again.
        parity: How voltage follows current, and the cells the pack voltage.
        exchange: When the vehicle last paused, and which cells have been exchanged.
        book: Alarms.
        rows: Rows taken in.
        first_second: First row [unix s].
        last_second: Last row [unix s].
    """

    layout: PackLayout | None
    asset: Vehicle | None
    open_rows: SampleBatch
    late_rows: tuple[SampleBatch, ...]
    open_millisecond: int
    closed_second: float
    open_windows: Windows | None
    memory: Memory
    watch: channels.Watch
    top: full_charge.Top
    trail: Trail | None
    habit: Float[np.ndarray, "c k"]
    guard: runaway.Guard
    still: freeze.Still
    glitches: glitch.Last
    gauge: gauge.Gauge
    vent: pressure.Vent
    damp: humidity.Damp
    shake: vibration.Shake
    stages: stages.Stages
    signals: impact.Signals
    switches: switches.Switches
    plating: plating.Plating
    warmth: warmth.Warmth
    nights: drift.Nights
    heat: heating.Heating
    zero: current_bias.Zero
    trace: replay.Trace
    parity: parity.Parity
    exchange: tampering.Exchange
    book: Book
    rows: int
    first_second: float
    last_second: float


def init(
    vehicle_id: str,
    cells: int,
    probes: int,
    layout: PackLayout | None = None,
    asset: Vehicle | None = None,
) -> Detection:
    """Start on a vehicle of which no row is known.

    Args:
        vehicle_id: Key that telemetry carries.
        cells: Cell channels.
        probes: Temperature probes.
        layout: Which cells are a module, where known.
        asset: What the asset record says of the vehicle, where there is one; its layout stands in
            where none is given.
    """
    if layout is None and asset is not None:
        layout = asset.layout
    return Detection(
        layout=layout,
        asset=asset,
        open_rows=empty_batch(vehicle_id, cells, probes),
        late_rows=(),
        open_millisecond=0,
        closed_second=np.nan,
        open_windows=None,
        memory=blank_memory(cells),
        watch=channels.init(probes),
        top=full_charge.init(cells),
        trail=None,
        habit=cell_step.init(cells),
        guard=runaway.init(cells, probes),
        still=freeze.init(cells),
        glitches=glitch.init(cells),
        gauge=gauge.init(),
        vent=pressure.CALM,
        damp=humidity.init(),
        shake=vibration.init(),
        stages=stages.init(probes),
        signals=impact.CALM,
        switches=switches.UNKNOWN,
        plating=plating.init(),
        warmth=warmth.init(),
        nights=drift.init(probes),
        heat=heating.init(probes),
        zero=current_bias.init(),
        trace=replay.init(),
        parity=parity.init(cells),
        exchange=tampering.init(),
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
    waiting = state.open_rows.rows + sum(late.rows for late in state.late_rows)
    closing, observed = closing_rows(
        batch.unix_time_second, state.last_second, state.open_millisecond, waiting
    )
    state = _watched(state, batch)._replace(
        rows=state.rows + batch.rows,
        first_second=float(batch.unix_time_second[0]) if not state.rows else state.first_second,
        last_second=float(batch.unix_time_second[-1]),
    )
    if not len(closing):
        return _waiting(state._replace(open_millisecond=int(observed[-1])), batch)
    open_millisecond = int(observed[-1] - observed[closing[-1]])
    rows = concatenate(*(b for b in (state.open_rows, *state.late_rows, batch) if b.rows))
    closing = closing + waiting
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
        late_rows=(),
        open_millisecond=open_millisecond,
        closed_second=float(windows.end_second[-1]),
    )


def _watched(state: Detection, batch: SampleBatch) -> Detection:
    """Let everything that cannot wait for a window look at every row."""
    collapsed = runaway.collapses(state.guard, batch)
    guard, urgent = runaway.look(state.guard, batch, collapsed)
    vent, gas = pressure.look(state.vent, batch)
    still, frozen = freeze.look(state.still, batch)
    glitches, strayed = glitch.look(state.glitches, batch)
    signals, reported = impact.look(state.signals, batch)
    contactors, switched = switches.look(state.switches, batch)
    staged, told = stages.look(
        state.stages,
        batch,
        running=[time for time, _ in urgent],
        gas=[time for time, _ in gas],
        fallen=batch.unix_time_second[collapsed[0]].tolist(),
    )
    timed = [
        *((t, [v] if v else [], [] if v else [stages.CAUSE]) for t, v in told),  # none: it is over
        *((t, [v], []) for t, v in (*urgent, *gas, *reported)),
        *((t, v, [freeze.CAUSE]) for t, v in frozen),
        *((t, v, [glitch.CAUSE]) for t, v in strayed),
        *switched,
    ]
    book = state.book
    for time, verdicts, causes in sorted(timed, key=lambda entry: entry[0]):
        book = note(book, verdicts, time, causes)
    return state._replace(
        guard=guard,
        vent=vent,
        still=still,
        glitches=glitches,
        signals=signals,
        switches=contactors,
        stages=staged,
        book=book,
    )


def _waiting(state: Detection, batch: SampleBatch) -> Detection:
    """Keep rows that close no window."""
    late = (*state.late_rows, batch.copied())
    if state.open_rows.rows and len(late) < LATE_MAX:
        return state._replace(late_rows=late)
    joined = concatenate(*(b for b in (state.open_rows, *late) if b.rows))
    return state._replace(open_rows=joined, late_rows=())


def _advance(
    state: Detection, part: Windows, rows: SampleBatch, ends: Int[np.ndarray, " w"]
) -> Detection:
    """Judge windows of one period, and the period itself when they complete it."""
    top, fulls = full_charge.look(
        state.top, rows, state.memory.chemistry, resistance_ohm(state.memory)
    )
    for full in fulls:
        state = state._replace(memory=remember_full(state.memory, full))
    past = whole(state.memory)
    trail = follow(state.trail, part, rows, ends)
    first = len(trail.rows) - len(ends)
    moved = channels.moved_by(state.watch, rows, ends, "insulation_resistance_ohm")
    stepped = cell_step.judge(trail, first, past, state.habit)
    swapped = swap.judge(part, _reference(past), past)
    pack = gauge.pack_of(state.memory, state.asset)
    state, marks = _record_marks(state, part, rows, pack, swapped)
    timed: list[tuple[float, tuple[Verdict, ...], tuple[str, ...]]] = [
        (time, verdicts, (cause,))
        for cause, judged in (
            (stuck.CAUSE, stuck.judge(part)),
            (swap.CAUSE, swapped),
            (insulation.CAUSE, insulation.judge(part, moved)),
            (cell_step.CAUSE, stepped),
            (swap.CAUSE_AT_ONCE, swap.judge_steps(stepped)),
            (probe_step.CAUSE, probe_step.judge(trail, first)),
        )
        for time, verdicts in judged
    ]
    timed += [(time, verdicts, ()) for time, verdicts in marks]
    book = state.book
    for time, verdicts, causes in sorted(timed, key=lambda entry: entry[0]):
        book = note(book, verdicts, time, causes)
    windows = part if state.open_windows is None else join(state.open_windows, part)
    state = _looked(state, part, rows, ends)._replace(
        top=top, trail=recent(trail), book=book, open_windows=windows
    )
    if len(windows.end_second) < WINDOWS_PER_PERIOD:
        return state
    # Only where a period ends: by then nothing depends on the pieces the rows came in.
    return _period_ended(state, windows, rows, past)


def _period_ended(state: Detection, windows: Windows, rows: SampleBatch, past: Memory) -> Detection:
    """Judge a period, and remember it."""
    pack = gauge.pack_of(state.memory, state.asset)
    plain = channels.judge(state.watch, rows)
    book = note(state.book, plain, float(windows.end_second[-1]), channels.CAUSES)
    period = gather(state.memory, windows)
    memory = remember(state.memory, period)
    damp, wet = humidity.judge(state.damp)
    shake, shaken = vibration.judge(state.shake)
    heat, heated = heating.judge(state.heat, state.layout)
    warm, worn = warmth.judge(state.warmth)
    level, moved_together = parity.judge(state.parity)
    verdicts = (
        *_judge_period(past, whole(memory), period, state.layout),
        *soc_report.judge(state.gauge, pack),
        *wet,
        *(shaken or ()),
        *heated,
        *worn,
        *drift.judge_probes(state.nights),
        *plating.judge(state.plating),
        *moved_together,
    )
    judged = (*_PERIOD_CAUSES, *(() if shaken is None else (vibration.CAUSE,)))
    return state._replace(
        memory=memory,
        habit=cell_step.learn(state.habit, windows),
        open_windows=None,
        damp=damp,
        shake=shake,
        heat=heat,
        warmth=warm,
        parity=level,
        book=note(book, verdicts, period.end_second, judged),
    )


def _looked(
    state: Detection, part: Windows, rows: SampleBatch, ends: Int[np.ndarray, " w"]
) -> Detection:
    """Let everything that gathers over a period take windows into account."""
    used = stuck.cells_move(part)
    pack = gauge.pack_of(state.memory, state.asset)
    return state._replace(
        watch=channels.look(
            state.watch,
            rows,
            float(part.observed_second.sum()),
            float(part.observed_second[used].sum()),
        ),
        gauge=gauge.look(state.gauge, rows, pack),
        damp=humidity.look(state.damp, rows, ends),
        shake=vibration.look(state.shake, rows, ends),
        heat=heating.look(state.heat, part, rows, ends),
        nights=drift.look(state.nights, rows),
        warmth=warmth.look(state.warmth, part),
        plating=plating.look(
            state.plating, rows, ends, pack.capacity_ah, pack.chemistry, pack.resistance_ohm
        ),
    )


def _record_marks(
    state: Detection, part: Windows, rows: SampleBatch, pack: gauge.Pack, swapped: tampering.Judged
) -> tuple[Detection, tampering.Judged]:
    """Look for marks of tampering, and for a current that does not flow, row by row."""
    zero, biased = state.zero, current_bias.NOTHING
    scale = current_bias.scale_of(pack)
    if scale is not None:
        zero, biased = current_bias.look(state.zero, rows, scale)
    trace, repeated = replay.look(state.trace, rows, pack.resistance_ohm, scale)
    exchange, exchanged = tampering.judge(state.exchange, part, swapped)
    # A row is looked at when its window has closed, and no sooner.
    ends = part.end_second[part.end_second.searchsorted([t for t, _ in (*biased, *repeated)])]
    found = tuple(
        (float(end), (verdict,))
        for end, (_, verdict) in zip(ends, (*biased, *repeated), strict=True)
    )
    state = state._replace(
        zero=zero, trace=trace, exchange=exchange, parity=parity.look(state.parity, rows)
    )
    return state, (*found, *exchanged)


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
    yield from drift.judge(memory)
    yield from imbalance.judge(memory, found)
    yield from spikes.judge(memory)
    yield from temperature.judge(period.windows)
    yield from pack_sum.judge(period.windows)


def _reference(memory: Memory) -> np.ndarray:
    rows = np.where(memory.state_rows >= _REFERENCE_ROWS_MIN, memory.state_rows, np.nan)
    return np.asarray(memory.state_moment / rows[:, None])


def concatenate(*batches: SampleBatch) -> SampleBatch:
    """Put batches of one vehicle with the same channels one after the other, at least one."""
    if len(batches) == 1:
        return batches[0]
    last = batches[-1]
    for batch in batches:
        assert batch.vehicle_id == last.vehicle_id
        assert batch.cells == last.cells and batch.probes == last.probes
        assert batch.scalar.keys() == last.scalar.keys()
    return SampleBatch(
        vehicle_id=last.vehicle_id,
        unix_time_second=np.concatenate([b.unix_time_second for b in batches]),
        cell_voltage_volt=np.concatenate([b.cell_voltage_volt for b in batches]),
        cell_quality=np.concatenate([b.cell_quality for b in batches]),
        probe_temperature_celsius=np.concatenate([b.probe_temperature_celsius for b in batches]),
        probe_quality=np.concatenate([b.probe_quality for b in batches]),
        scalar={k: np.concatenate([b.scalar[k] for b in batches]) for k in last.scalar},
        scalar_quality={
            k: np.concatenate([b.scalar_quality[k] for b in batches]) for k in last.scalar_quality
        },
        cell_names=last.cell_names,
        probe_names=last.probe_names,
    )
