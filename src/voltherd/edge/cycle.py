"""One cycle of the edge as a pure function: frames and requests in; samples, events, limits out.

``step`` is called at a fixed rate with whatever frames have come.  It closes images of the bus,
decodes them, and takes each row through estimation, quick detection and protection; then the gate
says what may flow.  State is a value, so the same frames replayed give the same estimates and
events bit for bit.

Two clocks meet here.  Rows carry the vehicle's clock, which may jump.  Estimation and protection
count time by a steady one: the vehicle's, with its jumps taken out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf
from typing import Final, NamedTuple, final

import numpy as np

from voltherd.detection import runaway
from voltherd.detection.verdict import Verdict
from voltherd.edge import commands, events, image
from voltherd.edge.commands import Desk
from voltherd.edge.decode import Rows, decode
from voltherd.edge.image import Assembly
from voltherd.edge.wiring import Wiring
from voltherd.estimation.cell_sample import CellSample, samples
from voltherd.estimation.soc_bar_delta import BarDeltaState, SocBarDelta
from voltherd.estimation.soc_pack import PackSoc, pack_soc
from voltherd.protection import contactor, watch
from voltherd.protection.contactor import Contactor, ContactorState
from voltherd.protection.gate import permit
from voltherd.protection.limits import PackLimits
from voltherd.protection.watch import Measured, Standing, Watch
from voltherd.types.actuation import NOTHING_FLOWS, Actuation
from voltherd.types.estimate import Estimate
from voltherd.types.frame import CanFrame
from voltherd.types.record import Command, EdgeEvent

JUMP_SECOND: Final = 30.0
"""So far ahead of the edge's own clock the vehicle's must get to have jumped [s]."""
DRIFT: Final = 1e-3
"""Clocks run apart by no more than this share."""
RUNAWAY_HOLD_SECOND: Final = 600.0
"""A suspected runaway is over after so long without a further sign [s]."""
_MOVING_KILOMETRE_PER_HOUR: Final = 1.0
_FLOWING_AMPERE: Final = 5.0


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """What a cycle depends on and never changes.

    Attributes:
        vehicle_id: Whose edge this is.
        wiring: Where channels lie in frames.
        limits: The pack's limits, None where unknown: then nothing is permitted.
        soc_filter: Estimator of the cells' state of charge, None where the cell is unknown.
        row_second_min: Least distance of two rows [s].
        silent_second: A bus silent for longer is watched no more [s].
    """

    vehicle_id: str
    wiring: Wiring
    limits: PackLimits | None = None
    soc_filter: SocBarDelta | None = None
    row_second_min: float = 0.05
    silent_second: float = 5.0


class State(NamedTuple):
    """Everything that is carried from cycle to cycle.

    Attributes:
        assembly: The bus.
        offset_second: Edge's clock less steady clock, at its least: frames are never early [s].
        compared_second: Edge's clock when that was last compared [s].
        unix_second: Vehicle's clock at the last row, 0 for none [unix s].
        filter: Filter, None before the first row.
        soc: The pack's state of charge, None before the first row or where it is not estimated.
        guard: What the last row told of a runaway.
        runaway_second: Steady clock at the last sign of a runaway, -infinity for none [s].
        watch: What protection remembers, None before the first row.
        standing: What the limits leave, None before the first row.
        contactor: Where the contactors are.
        in_use: Whether current flowed or the vehicle moved at the last row.
        silent: Whether the bus fell silent in use.
        desk: Requests that hold.
    """

    assembly: Assembly
    offset_second: float
    compared_second: float
    unix_second: float
    filter: BarDeltaState | None
    soc: PackSoc | None
    guard: runaway.Guard
    runaway_second: float
    watch: Watch | None
    standing: Standing | None
    contactor: ContactorState
    in_use: bool
    silent: bool
    desk: Desk


class Input(NamedTuple):
    """What a cycle is given.

    Attributes:
        frames: Heard since the last cycle, in order.
        requests: Commands of the cloud, in order.
        monotonic_second: The edge's own clock [s].
        wall_nanosecond: Wall clock, by which commands grow old [ns].
    """

    frames: Sequence[CanFrame]
    requests: Sequence[Command]
    monotonic_second: float
    wall_nanosecond: int


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CycleResult:
    """What a cycle gives.

    Attributes:
        segments: New rows; apart where the vehicle's clock jumped between them.
        events: In order.
        actuation: What may flow.
        estimates: State of charge of every cell at each new row, in order.
    """

    segments: tuple[Rows, ...]
    events: tuple[EdgeEvent, ...]
    actuation: Actuation
    estimates: tuple[Estimate, ...] = field(default=())


def init(plan: Plan, started_nanosecond: int = 0, mode: str = commands.STREAM) -> State:
    """Start knowing nothing, which permits nothing."""
    return State(
        assembly=image.init(plan.wiring),
        offset_second=inf,
        compared_second=-inf,
        unix_second=0.0,
        filter=None,
        soc=None,
        guard=runaway.init(plan.wiring.cells, plan.wiring.probes),
        runaway_second=-inf,
        watch=None,
        standing=None,
        contactor=ContactorState(Contactor.CLOSED, -inf),
        in_use=False,
        silent=False,
        desk=Desk(started_nanosecond, mode),
    )


def step(plan: Plan, state: State, given: Input) -> tuple[State, CycleResult]:
    """Run one cycle.

    Args:
        plan: What it depends on.
        state: Left as it is.
        given: Frames and requests.

    Returns:
        State, and what comes of it.
    """
    state, segments, told = _hear(plan, state, given)
    estimates: list[Estimate] = []
    for rows in segments:
        state = _estimate(plan, state, rows, estimates)
        state, noticed = _detect(state, rows)
        state, broken = _protect(plan, state, rows)
        state = state._replace(unix_second=float(rows.batch.unix_time_second[-1]))
        told += [*noticed, *broken]
    state, silence = _silence(plan, state, given)
    told += silence
    desk = state.desk
    for request in given.requests:
        desk, answer = commands.hear(desk, request, given.wall_nanosecond, state.unix_second)
        told.append(answer)
    desk, charge, discharge = commands.ceilings(desk, given.wall_nanosecond)
    state = state._replace(desk=desk)
    actuation = _gate(plan, state, now_second(state, given), charge, discharge)
    return state, CycleResult(
        segments=segments, events=tuple(told), actuation=actuation, estimates=tuple(estimates)
    )


def now_second(state: State, given: Input) -> float:
    """Give the time now by the steady clock [s]."""
    return given.monotonic_second - state.offset_second if state.offset_second < inf else 0.0


def _hear(
    plan: Plan, state: State, given: Input
) -> tuple[State, tuple[Rows, ...], list[EdgeEvent]]:
    """Close images and decode them, parted where the clock jumped."""
    before = state.assembly
    now = now_second(state, given)
    forward = inf
    if given.frames and before.last_second > -inf:
        ahead = given.frames[-1].second + before.correction_second - now
        forward = ahead / 2.0 if ahead > JUMP_SECOND else inf
    assembly, found = image.step(
        plan.wiring,
        before,
        given.frames,
        row_second_min=plan.row_second_min,
        forward_second=forward,
        now_second=now,
    )
    if given.frames:
        state = _compared(state, assembly, given.monotonic_second)
    edges = [0, *(jump.row for jump in found.jumps), len(found.images)]
    segments = tuple(
        decode(plan.wiring, plan.vehicle_id, found.images[first:stop])
        for first, stop in pairwise(edges)
        if stop > first
    )
    return state._replace(assembly=assembly), segments, [events.of_jump(j) for j in found.jumps]


def _compared(state: State, assembly: Assembly, monotonic_second: float) -> State:
    """Compare the clocks: the least offset is that of frames which came without delay."""
    latest = assembly.last_second + assembly.correction_second
    if latest == -inf:
        return state
    grown = DRIFT * max(monotonic_second - state.compared_second, 0.0)
    allowed = state.offset_second + grown if state.offset_second < inf else inf
    return state._replace(
        offset_second=min(monotonic_second - latest, allowed), compared_second=monotonic_second
    )


def _estimate(plan: Plan, state: State, rows: Rows, estimates: list[Estimate]) -> State:
    """Take every row through the filter."""
    if plan.soc_filter is None or not rows.batch.cells:
        return state
    held, estimate = state.filter, None
    for sample, second in zip(samples(rows.batch), rows.steady_second.tolist(), strict=True):
        steady = CellSample(second, *sample[1:])
        if held is None:
            held = plan.soc_filter.init(steady)
        held, estimate = plan.soc_filter.step(held, steady)
        estimates.append(estimate)
    assert estimate is not None
    return state._replace(filter=held, soc=pack_soc(estimate))


def _detect(state: State, rows: Rows) -> tuple[State, list[EdgeEvent]]:
    """Look at every row for a runaway; tell its beginning and its end."""
    guard, found = runaway.look(state.guard, rows.batch)
    verdicts: dict[float, Verdict] = dict(found)
    last = state.runaway_second
    told: list[EdgeEvent] = []
    if verdicts or last > -inf:
        for second, steady in zip(
            rows.batch.unix_time_second.tolist(), rows.steady_second.tolist(), strict=True
        ):
            verdict = verdicts.get(second)
            if verdict is not None:
                if last == -inf:
                    told.append(events.of_runaway(verdict, second))
                last = steady
            elif last > -inf and steady - last > RUNAWAY_HOLD_SECOND:
                told.append(events.of_runaway(None, second))
                last = -inf
    return state._replace(guard=guard, runaway_second=last), told


def _protect(plan: Plan, state: State, rows: Rows) -> tuple[State, list[EdgeEvent]]:
    """Hold every row against the limits."""
    batch = rows.batch
    unknown = np.full(batch.rows, np.nan)
    current = batch.scalar.get("current_ampere", unknown)
    speed = batch.scalar.get("speed_kilometre_per_hour", unknown)
    ohm = batch.scalar.get("insulation_resistance_ohm", unknown)
    in_use = bool(abs(current[-1]) > _FLOWING_AMPERE or speed[-1] > _MOVING_KILOMETRE_PER_HOUR)
    state = state._replace(in_use=in_use)
    if plan.limits is None:
        return state, []
    told: list[EdgeEvent] = []
    remembered, standing, joint = state.watch, state.standing, state.contactor
    for row, steady in enumerate(rows.steady_second.tolist()):
        measured = Measured(
            time_second=steady,
            cell_voltage_volt=batch.cell_voltage_volt[row].astype(np.float64),
            probe_temperature_celsius=batch.probe_temperature_celsius[row].astype(np.float64),
            current_ampere=float(current[row]),
            insulation_ohm=float(ohm[row]),
        )
        if remembered is None:
            remembered = watch.init(plan.limits, steady)
        remembered, standing, changes = watch.step(plan.limits, remembered, measured)
        joint = contactor.step(joint, standing, plan.limits)
        second = float(batch.unix_time_second[row])
        told += [events.of_limit(change, second) for change in changes]
    return state._replace(watch=remembered, standing=standing, contactor=joint), told


def _silence(plan: Plan, state: State, given: Input) -> tuple[State, list[EdgeEvent]]:
    """Notice that the bus fell silent in use, and that it speaks again.

    A parked vehicle's bus sleeps; that is no event, and permits nothing either, since the gate
    takes no old sample.
    """
    heard = state.assembly.last_second
    age = now_second(state, given) - (heard + state.assembly.correction_second)
    if not state.silent and state.in_use and age > plan.silent_second:
        silent = True
    elif state.silent and given.frames and age <= plan.silent_second:
        silent = False
    else:
        return state, []
    second = heard + plan.silent_second if silent else heard
    return state._replace(silent=silent), [events.of_silence(silent, second, plan.silent_second)]


def _gate(plan: Plan, state: State, now: float, charge: float, discharge: float) -> Actuation:
    """Ask the gate for as much as it lets through, either way.

    A suspected runaway ends charging; discharging is left, so that a vehicle can still be driven
    to where people can leave it.
    """
    standing, limits = state.standing, plan.limits
    closed = state.contactor.contactor is not Contactor.OPEN
    if standing is None or limits is None:
        return NOTHING_FLOWS._replace(unix_time_second=state.unix_second, contactors_closed=closed)
    if state.runaway_second > -inf:
        charge = 0.0
    joint = state.contactor.contactor
    return Actuation(
        unix_time_second=state.unix_second,
        charge_ampere_max=permit(inf, standing, joint, limits, now, (charge,)),
        discharge_ampere_max=abs(permit(-inf, standing, joint, limits, now, (discharge,))),
        contactors_closed=closed,
    )
