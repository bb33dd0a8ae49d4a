"""What is found of faults planted in simulated fleets, and what is raised on healthy ones.

Faults begin at a time of day drawn by seed, so that the hours a vehicle stands unseen count in the
time to detect.  Beside each the conventional alarms look at the same rows; and the imbalance limit
at which those would find as many is asked how often it is passed by healthy vehicles.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.bench import detect_forest
from voltherd.bench.detect_cases import Case
from voltherd.bench.detect_peers import Raised, fixed_thresholds, furthest_volt, sibling_scores
from voltherd.bench.detect_recorded import Outcome, at, first_second, hours
from voltherd.detection.engine import Detection, init, step
from voltherd.sim.faults import Fault
from voltherd.sim.fleet import SimulatedDay, fleet_spec, simulate
from voltherd.sim.spec import FleetSpec
from voltherd.triage.findings import Told, told
from voltherd.types.asset import Chemistry
from voltherd.types.event import Severity
from voltherd.types.sample import SampleBatch

Progress = Callable[[str], None]
START_DAY: Final = 7.3
DAYS: Final = 14
PEERS: Final[tuple[tuple[str, Callable[[SampleBatch], tuple[Raised, ...]]], ...]] = (
    ("fixed thresholds", fixed_thresholds),
    ("sibling score", sibling_scores),
)


class Design(NamedTuple):
    """A kind of fleet.

    Attributes:
        name: For people.
        chemistry: Of every pack.
        period_second: Sampling while on or charging [s].
    """

    name: str
    chemistry: Chemistry
    period_second: float


NMC_10: Final = Design("NMC, 10 s", Chemistry.NMC, 10.0)
NMC_30: Final = Design("NMC, 30 s", Chemistry.NMC, 30.0)
LFP_10: Final = Design("LFP, 10 s", Chemistry.LFP, 10.0)


class Followed(NamedTuple):
    """A simulated vehicle after its last day.

    Attributes:
        number: From 1.
        state: What detection knows.
        raised: What each peer raised first at each place.
        furthest_volt: How far each cell ever stood from the median cell since the fault [V].
        courses: What its cells did, day by day; empty where no forest is grown.
    """

    number: int
    state: Detection
    raised: dict[str, tuple[Raised, ...]]
    furthest_volt: Float[np.ndarray, " c"]
    courses: tuple[detect_forest.Course, ...] = ()


class Healthy(NamedTuple):
    """What was raised on healthy vehicles.

    Attributes:
        vehicle_days: So many.
        false: Findings of severity recommended or above, by method.
        examples: What voltherd's say.
        furthest_volt: Each vehicle's furthest cell [V].
        forests: By design: grown on half of the vehicles, its limit set on the others so that it
            raises as many as voltherd; empty without scikit-learn.
    """

    vehicle_days: int
    false: dict[str, int]
    examples: tuple[str, ...]
    furthest_volt: Float[np.ndarray, " vehicles"]
    forests: dict[str, detect_forest.Forest]


def followed(
    spec: FleetSpec, since_second: float, peers: bool, progress: Progress
) -> Iterator[Followed]:
    """Follow every vehicle of a fleet through its days; nothing is kept of a day but the state."""
    vehicles: dict[int, Followed] = {}
    for day in simulate(spec):
        progress(f"day {day.day + 1} of {spec.days}, {day.batch.vehicle_id}")
        vehicles[day.number] = _day(vehicles.get(day.number), day, since_second, peers)
    yield from (vehicles[number] for number in sorted(vehicles))


def _day(before: Followed | None, day: SimulatedDay, since_second: float, peers: bool) -> Followed:
    batch = day.batch
    if before is None:
        state = init(batch.vehicle_id, batch.cells, batch.probes, asset=day.vehicle)
        before = Followed(day.number, state, {}, np.zeros(batch.cells))
    raised, furthest = before.raised, before.furthest_volt
    if peers:
        raised = {name: (*raised.get(name, ()), *(r for r in look(batch))) for name, look in PEERS}
        first = int(np.searchsorted(batch.unix_time_second, since_second))
        if first < batch.rows:
            furthest = np.maximum(furthest, furthest_volt(batch.between(first, batch.rows)))
    courses = before.courses
    if peers and detect_forest.is_there():
        courses = (*courses, detect_forest.course(batch))
    return Followed(day.number, step(before.state, batch), raised, furthest, courses)


def planted(
    design: Design,
    case: Case,
    each: int,
    seed: int,
    progress: Progress,
    forest: detect_forest.Forest | None = None,
) -> tuple[list[Outcome], Float[np.ndarray, " n"]]:
    """Plant one case in a fleet of its own.

    Returns:
        What became of each; and how far the faulty cell stood from the median cell at most [V].
    """
    start_day = START_DAY + (seed * 0.37 + case.size * 7.0) % 0.6
    options = f"count={each},day={start_day:.2f}"
    spec = fleet_spec(
        vehicles=each,
        days=DAYS,
        seed=seed,
        faults=f"{case.text}{',' if '@' in case.text else '@'}{options}",
        chemistry=((design.chemistry, 1.0),),
        period_second=design.period_second,
    )
    planted_at = {fault.vehicle: fault for fault in spec.faults}
    outcomes, furthest = [], []
    for vehicle in followed(spec, spec.faults[0].start_second, True, progress):
        fault = planted_at[vehicle.number]
        if forest is not None and not case.of_probe:
            raised = detect_forest.forest_alarms(forest, detect_forest.joined(vehicle.courses))
            vehicle = vehicle._replace(raised={**vehicle.raised, detect_forest.NAME: raised})
        outcomes.append(_outcome(design, case, fault, vehicle))
        own = vehicle.furthest_volt[np.array(fault.location.cells, int) - 1]
        furthest.append(float(own.max()) if len(own) else math.nan)
    return outcomes, np.array(furthest)


def _outcome(design: Design, case: Case, fault: Fault, vehicle: Followed) -> Outcome:
    every = told(vehicle.state)
    hits = [e for e in every if at(e.finding.location, fault.location)]
    hits = [e for e in hits if first_second(e) >= fault.start_second]
    others = [e for e in every if e not in hits and e.finding.severity >= Severity.RECOMMENDED]
    found = {"voltherd": hours(min(map(first_second, hits), default=math.nan), fault)}
    for name, raised in vehicle.raised.items():
        times = [r.unix_time_second for r in raised if at(r.location, fault.location)]
        first = min(times, default=math.nan)
        found[name] = hours(first, fault) if first >= fault.start_second else math.nan
    return Outcome(
        case=case,
        vehicle=design.name,
        location=fault.location,
        found_hour=found,
        named=any(e.finding.phenomenon is fault.phenomenon for e in hits),
        recommended=any(e.finding.severity >= Severity.RECOMMENDED for e in hits),
        others=len(others),
        seen_hour=hours(vehicle.state.last_second, fault),
    )


def healthy(
    designs: Sequence[Design], vehicles: int, days: int, seed: int, progress: Progress
) -> Healthy:
    """Follow healthy fleets, one of each design."""
    false = dict.fromkeys(("voltherd", *(name for name, _ in PEERS)), 0)
    examples: list[str] = []
    furthest = []
    forests = {}
    for number, design in enumerate(designs):
        spec = fleet_spec(
            vehicles=vehicles,
            days=days,
            seed=seed + number,
            chemistry=((design.chemistry, 1.0),),
            period_second=design.period_second,
        )
        courses, accused = [], 0
        for vehicle in followed(spec, spec.start_second, True, progress):
            courses.append(vehicle.courses)
            grave = [e for e in told(vehicle.state) if _grave(e)]
            accused += len(grave)
            examples += [f"{design.name}: {e.finding.summary}" for e in grave]
            for name, raised in vehicle.raised.items():
                false[name] += len({(r.location.kind, r.location.index) for r in raised})
            furthest.append(float(vehicle.furthest_volt.max()))
        false["voltherd"] += accused
        if detect_forest.is_there():
            whole = [detect_forest.joined(own) for own in courses]
            forest = detect_forest.grown(whole[::2], whole[1::2] or whole, accused // 2, seed)
            alarms = sum(len(detect_forest.forest_alarms(forest, own)) for own in whole)
            false[detect_forest.NAME] = false.get(detect_forest.NAME, 0) + alarms
            forests[design.name] = forest
    total = vehicles * days * len(designs)
    return Healthy(total, false, tuple(examples[:5]), np.array(furthest), forests)


def _grave(each: Told) -> bool:
    return each.finding.severity >= Severity.RECOMMENDED


def equal_recall(
    found: int, furthest_volt: Float[np.ndarray, " n"], healthy_volt: Float[np.ndarray, " v"]
) -> tuple[float, int]:
    """Set a limit of imbalance so that it finds as many, and count whom it then accuses.

    Args:
        found: How many were found.
        furthest_volt: How far each faulty cell stood from the median cell at most [V].
        healthy_volt: The same of each healthy vehicle's furthest cell [V].

    Returns:
        The limit [V]; and how many healthy vehicles pass it.

    >>> equal_recall(2, np.array([0.05, 0.02, 0.01]), np.array([0.015, 0.03]))
    (0.02, 1)
    """
    reached = np.sort(furthest_volt[np.isfinite(furthest_volt)])[::-1]
    if not 0 < found <= len(reached):
        return math.nan, 0
    limit = float(reached[found - 1])
    return limit, int((healthy_volt >= limit).sum())
