"""How early is heat found, how well are the stages of a runaway told, what is said of plating?

Four questions on simulated vehicles:

* heat planted at one place (by itself, at a joint, for want of cooling): how much of it is found,
  after how long, and how hot the hottest probe was by then, against 60 °C;
* a heated cell among its neighbours, drawn anew for each case: at which share of the seconds the
  stage told is the true one, whether the collapse is alarmed within one sample, and what a barrier
  between the cells changes;
* the same fleet in winter and in summer: who is told to charge too fast in the
  cold;
* and how often the healthy among them are told of any of these.

Simulated heat is not real heat: the detectors' thresholds were set on other seeds of the same
simulation, and the first figure is what they make of it.
"""

import json
import statistics
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Final, final

import numpy as np
from jaxtyping import Float, Int

from voltherd.detection.engine import Detection, init, step
from voltherd.sim.fleet import fleet_spec, simulate
from voltherd.sim.scoring import same_place
from voltherd.sim.spec import START_SECOND, FleetSpec
from voltherd.sim.thermal_runaway import Scenario, Telemetry, run, runaway_second, telemetry
from voltherd.triage.findings import findings
from voltherd.types.asset import Chemistry
from voltherd.types.event import Finding, Phenomenon, Severity
from voltherd.types.stage import Stage
from voltherd.units import SECOND_PER_DAY, SECOND_PER_HOUR

PLANTED: Final = (
    "self_heating:12W@growth=6",
    "self_heating:20W",
    "joint_heating:3mohm",
    "cooling_blocked:85%",
)
DAYS: Final = 12
START_DAY: Final = 5.0
WINTER_SECOND: Final = START_SECOND - 55.0 * SECOND_PER_DAY
SUMMER_SECOND: Final = START_SECOND + 130.0 * SECOND_PER_DAY
BARE_WATT_PER_KELVIN: Final = (2.0, 8.0)
BARRIER_WATT_PER_KELVIN: Final = 0.3
"""An aerogel sheet of some millimetres between cells of three hundred square centimetres."""
CASE_SECOND: Final = 3600.0
AFTER_SPREADING_SECOND: Final = 300.0
"""So long after the second cell a case is followed: what comes then is easy to tell."""
OURS: Final = (
    Phenomenon.SELF_HEATING,
    Phenomenon.JOINT_HEATING,
    Phenomenon.COOLING_BLOCKED,
    Phenomenon.THERMAL_STAGE,
    Phenomenon.THERMAL_RUNAWAY,
    Phenomenon.LITHIUM_PLATING,
    Phenomenon.HOT_USE,
)
Progress = Callable[[str], None]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """What became of one kind of planted heat.

    Attributes:
        fault: Kind and size, as planted.
        planted: How many.
        found: How many have a finding at their place, raised after they began.
        named: How many of these carry the fault's own name.
        recommended: How many of these reach severity recommended.
        median_hour: Median time from the beginning to the first alarm, None where none is found.
        worst_hour: Longest such time.
        hottest_celsius: The hottest any probe was before an alarm at severity recommended, or the
            first one where it stays below.
    """

    fault: str
    planted: int
    found: int
    named: int
    recommended: int
    median_hour: float | None
    worst_hour: float | None
    hottest_celsius: float | None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class StageScore:
    """How well the stages of heated cells are told.

    Attributes:
        probe: Whether a probe sits on the heated cell, or how many cells away.
        period_second: Between two samples.
        pressure: Whether the pack measures its pressure.
        cases: How many cells were heated.
        agreement: Share of all samples at which the stage told is the true one.
        event_agreement: The same over those samples at which it is not normal in truth.
        neighbour_agreement: Share of the latter told right or one stage off.
        at_once: Collapses alarmed in their own sample or the next.
        collapses: How many there were.
        confusion: Samples by true stage and stage told.
    """

    probe: str
    period_second: int
    pressure: bool
    cases: int
    agreement: float
    event_agreement: float
    neighbour_agreement: float
    at_once: int
    collapses: int
    confusion: tuple[tuple[int, ...], ...]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ThermalTable:
    """What was measured.

    Attributes:
        heat: One row per kind of planted heat.
        stages: One row per place of the probe and way of sampling.
        spread_bare: Neighbours, of all beside a burning cell, that burn as well without a barrier.
        spread_barrier: The same with one.
        winter_told: Vehicles told to charge too fast in the cold, in winter.
        summer_told: In summer.
        season_vehicles: Vehicles of each season.
        healthy_days: Vehicle-days without a fault, of both seasons.
        false: Findings on them by these detectors at severity recommended or above.
        false_operating: At severity operating, plating left out.
    """

    heat: tuple[Heat, ...]
    stages: tuple[StageScore, ...]
    spread_bare: float
    spread_barrier: float
    winter_told: int
    summer_told: int
    season_vehicles: int
    healthy_days: int
    false: int
    false_operating: int

    def to_json(self) -> str:
        """Give the table as JSON."""
        return json.dumps(asdict(self), indent=1) + "\n"


def measure(each: int, seed: int, progress: Progress = lambda _: None) -> ThermalTable:
    """Plant, heat and charge.

    Args:
        each: Vehicles per kind of heat and per season, and heated cells per way of sampling.
        seed: Everything follows from it.
        progress: Told where it stands.
    """
    heat = tuple(_heat(fault, each, seed + n, progress) for n, fault in enumerate(PLANTED))
    stages = tuple(
        _stage_score(places, period, pressure, each, seed, progress)
        for places in ("on it", "one away", "two away")
        for period, pressure in ((1, True), (10, True), (1, False))
        if places == "on it" or (period, pressure) == (1, True)
    )
    winter = list(_season(each, seed, WINTER_SECOND, progress))
    summer = list(_season(each, seed, SUMMER_SECOND, progress))
    plating = Phenomenon.LITHIUM_PLATING
    others = [f for _, found in (*winter, *summer) for f in found if f.phenomenon in OURS]
    return ThermalTable(
        heat=heat,
        stages=stages,
        spread_bare=_spread(each, seed, None),
        spread_barrier=_spread(each, seed, BARRIER_WATT_PER_KELVIN),
        winter_told=sum(any(f.phenomenon is plating for f in found) for _, found in winter),
        summer_told=sum(any(f.phenomenon is plating for f in found) for _, found in summer),
        season_vehicles=each,
        healthy_days=2 * each * DAYS,
        false=sum(f.severity >= Severity.RECOMMENDED for f in others),
        false_operating=sum(
            f.severity < Severity.RECOMMENDED and f.phenomenon is not plating for f in others
        ),
    )


def _heat(fault: str, each: int, seed: int, progress: Progress) -> Heat:
    progress(f"planting {fault}")
    head, _, growth = fault.partition("@")
    options = ",".join(part for part in (growth, f"count={each}", f"day={START_DAY:g}") if part)
    spec = fleet_spec(
        vehicles=each,
        days=DAYS,
        seed=seed,
        faults=f"{head}@{options}",
        chemistry=((Chemistry.NMC, 1.0),),
    )
    hours, hottest, named, recommended = [], [], 0, 0
    by_vehicle = {name: (found, warm) for name, found, warm in _followed(spec)}
    for planted in spec.faults:
        found, (second, celsius) = by_vehicle[f"sim-{planted.vehicle:04d}"]
        hits = [f for f in found if same_place(f, planted) and f.phenomenon in OURS]
        if not hits:
            continue
        grave = [f for f in hits if f.severity >= Severity.RECOMMENDED]
        alarm = min((grave or hits), key=lambda f: f.raised_second).raised_second
        hours.append((min(f.raised_second for f in hits) - planted.start_second) / SECOND_PER_HOUR)
        hottest.append(float(np.nanmax(celsius[second <= alarm])))
        named += any(f.phenomenon is planted.phenomenon for f in hits)
        recommended += bool(grave)
    return Heat(
        fault=fault,
        planted=len(spec.faults),
        found=len(hours),
        named=named,
        recommended=recommended,
        median_hour=statistics.median(hours) if hours else None,
        worst_hour=max(hours, default=None),
        hottest_celsius=max(hottest, default=None),
    )


def _followed(
    spec: FleetSpec,
) -> Iterator[
    tuple[str, tuple[Finding, ...], tuple[Float[np.ndarray, " t"], Float[np.ndarray, " t"]]]
]:
    """Triage a fleet; gives each vehicle's findings, and its hottest probe over time."""
    states: dict[str, Detection] = {}
    warm: dict[str, list[tuple[Float[np.ndarray, " t"], Float[np.ndarray, " t"]]]] = {}
    for day in simulate(spec):
        batch, name = day.batch, day.batch.vehicle_id
        state = states.get(name) or init(name, batch.cells, batch.probes, asset=day.vehicle)
        states[name] = step(state, batch)
        hottest = np.fmax.reduce(batch.probe_temperature_celsius, axis=1)
        warm.setdefault(name, []).append((batch.unix_time_second, hottest.astype(np.float64)))
    for name, state in states.items():
        second, celsius = (np.concatenate(parts) for parts in zip(*warm[name], strict=True))
        yield name, findings(state), (second, celsius)


def _season(
    each: int, seed: int, start_second: float, progress: Progress
) -> Iterator[tuple[str, tuple[Finding, ...]]]:
    progress("following a season")
    spec = fleet_spec(
        vehicles=each,
        days=DAYS,
        seed=seed,
        start_second=start_second,
        park_period_second=60.0,
        chemistry=((Chemistry.NMC, 1.0),),
    )
    return ((name, found) for name, found, _ in _followed(spec))


def drawn(seed: int, case: int, cell: int, face_watt_per_kelvin: float | None = None) -> Scenario:
    """Draw how a cell is heated.

    Args:
        seed: With ``case``, decides everything.
        case: A running number.
        cell: The cell, from 1.
        face_watt_per_kelvin: Between cells; drawn as without a barrier where not given [W/K].
    """
    rng = np.random.default_rng((seed, case))
    bare = float(rng.uniform(*BARE_WATT_PER_KELVIN))
    return Scenario(
        cell=cell,
        face_watt_per_kelvin=bare if face_watt_per_kelvin is None else face_watt_per_kelvin,
        coolant_celsius=float(rng.uniform(10.0, 35.0)),
        heater_watt=float(rng.uniform(900.0, 2000.0)),
        heater_ramp_second=float(rng.uniform(60.0, 900.0)),
        separator_celsius=float(rng.uniform(140.0, 170.0)),
        vent_celsius=float(rng.uniform(120.0, 140.0)),
        duration_second=CASE_SECOND,
    )


def _stage_score(
    places: str, period: int, pressure: bool, each: int, seed: int, progress: Progress
) -> StageScore:
    # Of twelve cells, probes sit on the third, the seventh and the eleventh.
    cells = {"on it": (3, 7, 11), "one away": (2, 6, 8, 10, 12), "two away": (1, 5, 9)}[places]
    confusion = np.zeros((len(Stage), len(Stage)), np.int64)
    at_once = collapses = 0
    for case in range(each):
        progress(f"heating a cell, the probe {places}")
        course = run(drawn(seed, case, cells[case % len(cells)]))
        told = telemetry(course, seed + case, period_second=period, pressure=pressure)
        seen = followed_stages(told)
        second = told.batch.unix_time_second
        spreading = np.flatnonzero(told.stage >= Stage.PROPAGATION)
        end = second[spreading[0]] + AFTER_SPREADING_SECOND if len(spreading) else np.inf
        kept = second <= end
        np.add.at(confusion, (told.stage[kept], seen[kept]), 1)
        if np.isfinite(told.collapse_second):
            collapses += 1
            rows = np.flatnonzero(second >= told.collapse_second)[:2]
            at_once += bool((seen[rows] >= Stage.RUNAWAY).any())
    event, total = confusion[1:], confusion.sum()
    near = sum(np.trace(confusion, offset) for offset in (-1, 0, 1)) - confusion[0, :2].sum()
    return StageScore(
        probe=places,
        period_second=period,
        pressure=pressure,
        cases=each,
        agreement=float(np.trace(confusion) / total),
        event_agreement=float(np.trace(confusion[1:, 1:]) / event.sum()),
        neighbour_agreement=float(near / event.sum()),
        at_once=at_once,
        collapses=collapses,
        confusion=tuple(tuple(int(n) for n in row) for row in confusion),
    )


def followed_stages(told: Telemetry) -> Int[np.ndarray, " t"]:
    """Give the stage that detection tells at each sample, one sample at a time."""
    batch = told.batch
    state = init(batch.vehicle_id, batch.cells, batch.probes)
    seen = np.empty(batch.rows, np.int64)
    for row in range(batch.rows):
        state = step(state, batch.between(row, row + 1))
        seen[row] = state.stages.stage
    return seen


def _spread(each: int, seed: int, face_watt_per_kelvin: float | None) -> float:
    """Give the share of cells beside a heated one that burn."""
    burnt = neighbours = 0
    for case in range(each):
        when = runaway_second(run(drawn(seed, case, 6, face_watt_per_kelvin)))
        if np.isfinite(when[5]):
            neighbours += 2
            burnt += int(np.isfinite(when[[4, 6]]).sum())
    return burnt / max(neighbours, 1)


def render(table: ThermalTable) -> str:
    """Tell the table."""
    rows = [
        f"heat planted in NMC packs on day {START_DAY:g} of {DAYS}; hottest probe at the alarm:",
        f"{'fault':<28}{'planted':>8}{'found':>7}{'named':>7}{'recomm.':>9}{'median h':>10}"
        f"{'worst h':>9}{'hottest °C':>12}",
    ]
    rows += [
        f"{h.fault:<28}{h.planted:>8}{h.found:>7}{h.named:>7}{h.recommended:>9}"
        f"{_or_dash(h.median_hour):>10}{_or_dash(h.worst_hour):>9}{_or_dash(h.hottest_celsius):>12}"
        for h in table.heat
    ]
    rows += [
        "",
        "stages of heated cells, share of samples told right (up to five minutes after a second",
        "cell burns):",
        f"{'probe':<10}{'every':>7}{'pressure':>10}{'cases':>7}{'all':>8}{'event':>8}"
        f"{'±1 stage':>10}{'collapse at once':>18}",
    ]
    rows += [
        f"{s.probe:<10}{s.period_second:>5} s{'yes' if s.pressure else 'no':>10}{s.cases:>7}"
        f"{s.agreement:>8.1%}{s.event_agreement:>8.1%}{s.neighbour_agreement:>10.1%}"
        f"{f'{s.at_once} of {s.collapses}':>18}"
        for s in table.stages
    ]
    rows += [
        "",
        f"neighbours of a burning cell that burn: {table.spread_bare:.0%} bare, "
        f"{table.spread_barrier:.0%} with a barrier of {BARRIER_WATT_PER_KELVIN:g} W/K",
        f"told to charge too fast in the cold: {table.winter_told} of {table.season_vehicles} in "
        f"winter, {table.summer_told} of {table.season_vehicles} in summer",
        f"healthy: {table.false} findings by these detectors at recommended or above, "
        f"{table.false_operating} at operating besides plating, in {table.healthy_days} "
        "vehicle-days",
    ]
    return "\n".join(rows)


def _or_dash(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"
