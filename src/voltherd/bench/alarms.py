"""How often does triage cry wolf, and what does it find of what was planted?

Question: findings of severity recommended or above on simulated healthy vehicles, as a rate with
its 95 % upper bound; and, per kind and size of planted fault, how many are found at their place,
how many are named for what they are, and after how long.  Simulated vehicles are not real ones: the
rate bounds what the detectors make of cell spread, noise, skewed sampling and gauge errors as
simulated, and nothing else.
"""

import json
import math
import statistics
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Final, final

from voltherd.detection.engine import Detection, init, step
from voltherd.numerics.counts import poisson_upper
from voltherd.sim.faults import Fault
from voltherd.sim.fleet import fleet_spec, simulate
from voltherd.sim.spec import FleetSpec
from voltherd.triage.findings import findings
from voltherd.types.asset import Chemistry
from voltherd.types.event import Finding, Severity
from voltherd.units import SECOND_PER_DAY

CONFIDENCE: Final = 0.95
START_DAY: Final = 4.0
PLANTED: Final = (
    "weak_cell:10%",
    "weak_cell:15%",
    "weak_cell:20%",
    "contact_resistance:0.3mohm",
    "contact_resistance:0.6mohm",
    "contact_resistance:1mohm",
    "internal_short:0.5%/day",
    "internal_short:1.5%/day",
    "internal_short:5%/day",
    "sensor_stuck",
    "sensor_bias:20mV",
    "sensor_bias:40mV",
    "cell_imbalance:-5%",
    "soc_imbalance:7%",
    "module_offset:15mV",
    "module_offset:30mV",
    "channel_swap",
    "temperature_outlier:10K",
    "temperature_outlier:15K",
    "insulation_low",
    "soc_misreported:6%",
    "soc_misreported:12%",
    "soc_misreported:1%/day",
    "soc_misreported:frozen",
    "pack_pressure",
    "humidity_high",
    "vibration_high",
    "switch_stuck_closed",
    "switch_stuck_open",
)
Progress = Callable[[str], None]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """What became of one kind and size of fault.

    Attributes:
        fault: Kind and size, as planted.
        planted: How many.
        found: How many have a finding at their place, raised after they began.
        named: How many of these carry the fault's own name.
        recommended: How many of these reach severity recommended.
        median_day: Median time from beginning to the first alarm, NaN where none is found [day].
        worst_day: Longest such time [day].
    """

    fault: str
    planted: int
    found: int
    named: int
    recommended: int
    median_day: float
    worst_day: float


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmTable:
    """What was measured.

    Attributes:
        vehicle_days: Healthy vehicle-days simulated.
        false: Findings on them of severity recommended or above.
        false_operating: Findings on them of severity operating.
        per_thousand_max: 95 % upper bound of the false rate per 1,000 vehicle-days.
        examples: What the false findings say.
        power: One row per kind and size.
        days: Length of each planted record [day].
    """

    vehicle_days: int
    false: int
    false_operating: int
    per_thousand_max: float
    examples: tuple[str, ...]
    power: tuple[Power, ...]
    days: int

    def to_json(self) -> str:
        """Give the table as JSON."""
        return json.dumps(asdict(self), indent=1) + "\n"


def measure(*, vehicles: int, days: int, seed: int, each: int, progress: Progress) -> AlarmTable:
    """Simulate healthy and faulty fleets and triage them.

    Args:
        vehicles: Healthy vehicles.
        days: Days of each vehicle's record.
        seed: Of the healthy fleet; the faulty ones follow from it.
        each: Vehicles per kind and size of fault.
        progress: Told where it stands.
    """
    healthy = fleet_spec(vehicles=vehicles, days=days, seed=seed)
    false = [f for _, found in triaged(healthy, progress) for f in found]
    grave = [f for f in false if f.severity >= Severity.RECOMMENDED]
    power = []
    for number, fault in enumerate(PLANTED):
        progress(f"planting {fault}")
        spec = fleet_spec(
            vehicles=each,
            days=days,
            seed=seed + 1 + number,
            faults=f"{fault}@count={each},day={START_DAY:g}",
            chemistry=((Chemistry.NMC, 1.0),),
        )
        power.append(_power(fault, spec, progress))
    return AlarmTable(
        vehicle_days=vehicles * days,
        false=len(grave),
        false_operating=len(false) - len(grave),
        per_thousand_max=1000.0 * poisson_upper(len(grave), CONFIDENCE) / (vehicles * days),
        examples=tuple(f"{f.vehicle_id}: {f.summary}" for f in grave[:5]),
        power=tuple(power),
        days=days,
    )


def triaged(spec: FleetSpec, progress: Progress) -> Iterator[tuple[str, tuple[Finding, ...]]]:
    """Triage a simulated fleet without writing it; gives each vehicle's findings."""
    states: dict[str, Detection] = {}
    for day in simulate(spec):
        name = day.batch.vehicle_id
        progress(f"day {day.day + 1}/{spec.days} of {name}")
        state = states.get(name)
        if state is None:
            state = init(name, day.batch.cells, day.batch.probes, asset=day.vehicle)
        states[name] = step(state, day.batch)
    for name, state in states.items():
        yield name, findings(state)


def _power(fault: str, spec: FleetSpec, progress: Progress) -> Power:
    by_vehicle = dict(triaged(spec, progress))
    delays: list[float] = []
    named = recommended = 0
    for planted in spec.faults:
        name = f"sim-{planted.vehicle:04d}"
        hits = [f for f in by_vehicle[name] if same_place(f, planted)]
        if not hits:
            continue
        first = min(hits, key=lambda f: f.raised_second)
        delays.append((first.raised_second - planted.start_second) / SECOND_PER_DAY)
        named += any(f.phenomenon is planted.phenomenon for f in hits)
        recommended += any(f.severity >= Severity.RECOMMENDED for f in hits)
    return Power(
        fault=fault,
        planted=len(spec.faults),
        found=len(delays),
        named=named,
        recommended=recommended,
        median_day=statistics.median(delays) if delays else math.nan,
        worst_day=max(delays, default=math.nan),
    )


def same_place(finding: Finding, planted: Fault) -> bool:
    """Say whether a finding speaks of a planted fault: at its place, and not before it began."""
    if finding.raised_second < planted.start_second:
        return False
    if finding.location.kind is not planted.location.kind:
        return False
    return finding.location.index == planted.location.index or bool(
        set(finding.location.cells) & set(planted.location.cells)
    )


def render(table: AlarmTable) -> str:
    """Tell the table."""
    rows = [
        f"healthy: {table.false} findings of severity recommended or above in "
        f"{table.vehicle_days:,} simulated vehicle-days: at most {table.per_thousand_max:.2f} per "
        f"1,000 vehicle-days (95 %); {table.false_operating} of severity operating",
        *(f"  false: {text}" for text in table.examples),
        "",
        f"planted in NMC packs on day {START_DAY:g} of {table.days}:",
        f"{'fault':<28}{'planted':>8}{'found':>7}{'named':>7}{'recomm.':>9}{'median day':>12}"
        f"{'worst':>8}",
    ]
    rows += [
        f"{p.fault:<28}{p.planted:>8}{p.found:>7}{p.named:>7}{p.recommended:>9}"
        + (f"{p.median_day:>12.1f}{p.worst_day:>8.1f}" if p.found else f"{'–':>12}{'–':>8}")
        for p in table.power
    ]
    return "\n".join(rows)
