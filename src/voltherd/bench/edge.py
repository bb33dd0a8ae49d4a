"""How long does the edge compute for one cycle, and where does the time go?

Question: time from the frames of a 96-cell pack (31 messages: 96 cells, 24 probes, the vehicle) to
limits given to the actuator, and to records handed to the bus, in the shipped configuration: every
sample estimated, detected and protected in its cycle, ten a second, a chunk a minute into an outbox
flushed to disk; the slow detectors run in the cloud.  A cycle is the control's turn, which
``voltherd edge`` runs in a thread of its own; the courier's turn (chunks, disk, bus) is told beside
it.  CPU time of the thread, which a busy neighbour does not lengthen, and wall time, which it does.
"""

import json
import os
import platform
import resource
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from math import inf
from pathlib import Path
from typing import Final, NamedTuple, final

import numpy as np

from voltherd.bench.compose import EdgeWorld
from voltherd.detection import runaway
from voltherd.edge import image
from voltherd.edge.control import Pace
from voltherd.edge.courier import Sending
from voltherd.edge.cycle import Plan
from voltherd.edge.decode import Rows, decode
from voltherd.edge.guess import guess_profile
from voltherd.edge.runtime import EdgeRuntime, Ports
from voltherd.edge.selection import for_pack
from voltherd.edge.wiring import wire_up
from voltherd.estimation.cell_sample import CellSample, samples
from voltherd.estimation.soc_bar_delta import BarDeltaState, SocBarDelta
from voltherd.estimation.soc_pack import PackSoc, pack_soc
from voltherd.numerics.cell_map import preset_map
from voltherd.numerics.presets import NMC
from voltherd.protection import contactor, watch
from voltherd.protection.contactor import Contactor, ContactorState
from voltherd.protection.gate import permit
from voltherd.protection.limits import PackLimits, pack_limits
from voltherd.protection.watch import Measured
from voltherd.sim.can_dbc import dbc_text, pack_messages
from voltherd.sim.can_frames import frames
from voltherd.types.asset import CellType, Chemistry, PackLayout
from voltherd.types.frame import CanFrame, MessageFrames, MessageLayout
from voltherd.types.sample import SampleBatch

CELLS: Final = 96
PROBES: Final = 24
PERIOD_SECOND: Final = 0.1
START_SECOND: Final = 1_740_974_400.0
WARM_CYCLES: Final = 200
STAGE_CYCLES: Final = 1_000
CAPACITY_AH: Final = 150.0
GOAL_SECOND: Final = 5e-3
SHARES: Final = (0.5, 0.99, 0.999)
_CELL: Final = CellType(
    name="block",
    chemistry=Chemistry.NMC,
    capacity_nominal_ah=CAPACITY_AH,
    voltage_volt_min=2.8,
    voltage_volt_max=4.2,
)


class Spread(NamedTuple):
    """Durations of one thing [s]: median, 99 %, 99.9 %, longest."""

    p50: float
    p99: float
    p999: float
    longest: float


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeTable:
    """What was measured.

    Attributes:
        cycles: How many cycles.
        rows: Samples that came of them.
        control_cpu: The control's turn, CPU time of its thread.
        control_wall: The same, wall time.
        courier_wall: The courier's turn, disk included, wall time.
        stages: Median CPU time of each stage of a cycle by itself [s].
        records: Records that were kept, sent and acknowledged.
        rss_growth_byte: Growth of the process from the first to the last tenth of the run [B].
        rss_byte: Size of the process at the end [B].
        machine: Where.
    """

    cycles: int
    rows: int
    control_cpu: Spread
    control_wall: Spread
    courier_wall: Spread
    stages: dict[str, float]
    records: int
    rss_growth_byte: int
    rss_byte: int
    machine: str

    def to_json(self) -> str:
        """Give everything as JSON."""
        return json.dumps(asdict(self), indent=1) + "\n"


def measure(cycles: int = 12_000) -> EdgeTable:
    """Measure everything in one run.

    Args:
        cycles: How many; 99.9 % of fewer than some thousands says little.
    """
    messages = pack_messages(PackLayout(series=CELLS, probe_module=(1,) * PROBES))
    sent = frames(_batch(), messages)
    with tempfile.TemporaryDirectory() as folder:
        text = dbc_text(messages, PERIOD_SECOND)
        world = EdgeWorld(Path(folder), text, sent, START_SECOND)
        plan = _plan(world.layout)
        taken: list[tuple[float, float, float]] = []
        size: list[int] = []
        edge = _edge(plan, world.ports)
        for k in range(WARM_CYCLES + cycles):
            world.feed(_heard(world, sent, k), PERIOD_SECOND * k)
            taken.append(_turn(edge))
            world.answer()
            if k % 100 == 0:
                size.append(_resident())
        rows, records = edge.control.rows, edge.spool.head_seq
        edge.close()
        stages = _stages(plan, [_heard(world, sent, k) for k in range(STAGE_CYCLES)])
    cpu, wall, carried = (list(column) for column in zip(*taken[WARM_CYCLES:], strict=True))
    tenth = max(1, len(size) // 10)
    return EdgeTable(
        cycles=cycles,
        rows=rows,
        control_cpu=_spread(cpu),
        control_wall=_spread(wall),
        courier_wall=_spread(carried),
        stages=stages,
        records=records,
        rss_growth_byte=int(np.median(size[-tenth:]) - np.median(size[tenth : 2 * tenth])),
        rss_byte=size[-1],
        machine=f"{platform.machine()}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}, NumPy {np.__version__}",
    )


def _turn(edge: EdgeRuntime) -> tuple[float, float, float]:
    """Run a cycle and carry what came of it; CPU and wall time of it, wall time of that [s]."""
    wall, cpu = time.perf_counter(), time.thread_time()
    edge.control.poll()
    spent, passed = time.thread_time() - cpu, time.perf_counter() - wall
    wall = time.perf_counter()
    edge.courier.poll()
    return spent, passed, time.perf_counter() - wall


def _plan(layout: Sequence[MessageLayout]) -> Plan:
    return Plan(
        vehicle_id="bus-7",
        wiring=wire_up(layout, guess_profile(layout)),
        limits=pack_limits(_CELL),
        soc_filter=SocBarDelta(cell=preset_map(NMC.resized(CAPACITY_AH))),
    )


def _edge(plan: Plan, ports: Ports) -> EdgeRuntime:
    selection = for_pack(_CELL, pack_limits(_CELL))
    sending = Sending(site_id="bench", vehicle_id=plan.vehicle_id, selection=selection)
    return EdgeRuntime(plan, sending, ports, 1 << 32 | 1, pace=Pace(period_second=PERIOD_SECOND))


def _batch() -> SampleBatch:
    """Give a minute of a pack that is driven: 1 mV of noise on 1 mV data, a current that swings."""
    random = np.random.default_rng(1)
    rows = round(60.0 / PERIOD_SECOND)
    time_second = START_SECOND + PERIOD_SECOND * np.arange(rows)
    current = np.round(-40.0 + 60.0 * np.sin(0.05 * np.arange(rows)), 1)
    spread = random.normal(0.0, 0.005, CELLS)
    volt = 3.7 + spread + 1e-4 * current[:, None] + random.normal(0.0, 0.001, (rows, CELLS))
    celsius = np.round(25.0 + random.normal(0.0, 1.0, PROBES)) + np.zeros((rows, 1))
    scalar = {
        "current_ampere": current,
        "voltage_volt": np.round(volt.sum(axis=1), 1),
        "soc_fraction": np.full(rows, 0.6),
        "speed_kilometre_per_hour": np.round(50.0 + 20.0 * np.sin(0.01 * np.arange(rows)), 1),
        "odometer_kilometre": np.round(1000.0 + 0.0014 * np.arange(rows), 1),
        "insulation_resistance_ohm": 1000.0 * random.integers(1500, 1600, rows),
    }
    return SampleBatch(
        vehicle_id="bus-7",
        unix_time_second=time_second,
        cell_voltage_volt=np.round(volt, 3).astype(np.float32),
        cell_quality=np.zeros(volt.shape, np.uint8),
        probe_temperature_celsius=celsius.astype(np.float32),
        probe_quality=np.zeros(celsius.shape, np.uint8),
        scalar=scalar,
        scalar_quality={name: np.zeros(rows, np.uint8) for name in scalar},
    )


def _heard(world: EdgeWorld, sent: Sequence[MessageFrames], cycle: int) -> list[CanFrame]:
    """Give the frames of a cycle; the minute begins anew when it is over."""
    rows = len(sent[0].second)
    row, minutes = cycle % rows, cycle // rows
    return [
        CanFrame(
            identifier,
            payload[row].tobytes(),
            float(part.second[row]) + 60.0 * minutes,
            int(1e9 * (START_SECOND + PERIOD_SECOND * cycle)),
        )
        for (identifier, payload), part in zip(world.encoded, sent, strict=True)
    ]


def _stages(plan: Plan, cycles: Sequence[Sequence[CanFrame]]) -> dict[str, float]:
    """Give the median CPU time of each stage by itself [s]."""
    taken: dict[str, list[float]] = {}

    def timed(name: str, run: Callable[[], object]) -> object:
        begin = time.thread_time()
        result = run()
        taken.setdefault(name, []).append(time.thread_time() - begin)
        return result

    assembly = image.init(plan.wiring)
    rows: list[Rows] = []
    for heard in cycles:
        before = assembly
        assembly, found = image.step(plan.wiring, before, heard)
        if len(found.images) == 1:
            timed("frames to image", partial(image.step, plan.wiring, before, heard))
            decoded = timed(
                "image to sample", partial(decode, plan.wiring, plan.vehicle_id, found.images)
            )
            assert isinstance(decoded, Rows)
            rows.append(decoded)
    _look_at(plan, rows, timed)
    return {name: statistics.median(times) for name, times in taken.items()}


def _look_at(
    plan: Plan, rows: Sequence[Rows], timed: Callable[[str, Callable[[], object]], object]
) -> None:
    """Take rows through estimation, detection, protection and the gate."""
    assert plan.soc_filter is not None and plan.limits is not None
    guard = runaway.init(CELLS, PROBES)
    [first] = samples(rows[0].batch)
    held = plan.soc_filter.init(first)
    remembered = watch.init(plan.limits, first.unix_time_second)
    for one in rows:
        [sample] = samples(one.batch)
        timed("estimate", partial(_estimated, plan.soc_filter, held, sample))
        held, _ = plan.soc_filter.step(held, sample)
        timed("detect", partial(runaway.look, guard, one.batch))
        guard, _ = runaway.look(guard, one.batch)
        measured = Measured(
            sample.unix_time_second,
            sample.cell_voltage_volt,
            one.batch.probe_temperature_celsius[0].astype(np.float64),
            sample.current_ampere,
        )
        timed("protect", partial(watch.step, plan.limits, remembered, measured))
        remembered, standing, _ = watch.step(plan.limits, remembered, measured)
        timed("gate", partial(_ask, plan.limits, standing))


def _estimated(filter_: SocBarDelta, state: BarDeltaState, sample: CellSample) -> PackSoc:
    return pack_soc(filter_.step(state, sample)[1])


def _ask(limits: PackLimits, standing: watch.Standing) -> tuple[float, float]:
    now, closed = standing.time_second, Contactor.CLOSED
    contactor.step(ContactorState(closed, now), standing, limits)
    return (
        permit(inf, standing, closed, limits, now),
        permit(-inf, standing, closed, limits, now),
    )


def _spread(seconds: Sequence[float]) -> Spread:
    p50, p99, p999 = (float(q) for q in np.quantile(seconds, SHARES))
    return Spread(p50, p99, p999, max(seconds))


def _resident() -> int:
    """Give the size of this process in memory [B], 0 where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, ValueError):
        return 0
    return pages * resource.getpagesize()


def render(table: EdgeTable) -> str:
    """Lay the table out for a terminal.

    Args:
        table: As from :func:`measure`.
    """
    lines = [
        f"one cycle of the edge, {CELLS} cells and {PROBES} probes in 31 CAN frames, "
        f"{table.cycles} cycles at {1.0 / PERIOD_SECOND:.0f} a second",
        table.machine,
        "",
        f"{'milliseconds':34s} {'p50':>8s} {'p99':>8s} {'p99.9':>8s} {'longest':>8s}",
    ]
    for name, spread in (
        ("control, CPU time", table.control_cpu),
        ("control, wall time", table.control_wall),
        ("courier (disk, bus), wall time", table.courier_wall),
    ):
        lines.append(f"{name:34s} " + " ".join(f"{1e3 * value:8.3f}" for value in spread))
    lines += ["", "stages of the control by themselves, median CPU time"]
    lines += [f"  {name:24s} {1e6 * second:9.0f} µs" for name, second in table.stages.items()]
    lines.append(f"  {'all of them':24s} {1e6 * sum(table.stages.values()):9.0f} µs")
    met = "met" if table.control_cpu.p999 < GOAL_SECOND else "NOT met"
    lines += [
        "",
        f"goal: 99.9 % within {1e3 * GOAL_SECOND:.0f} ms of computing: {met}",
        f"{table.rows} samples, {table.records} records kept, sent and acknowledged",
        f"memory {table.rss_byte / 1e6:.0f} MB, {table.rss_growth_byte / 1e6:+.1f} MB from the "
        "first to the last tenth of the run",
    ]
    return "\n".join(lines)
