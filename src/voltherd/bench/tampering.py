"""Is a record that was changed on its way told from a broken sensor and from a real event?

Question: of attacks, sensor faults and events that begin at a drawn moment of driving, how many are
found within a day, after how long, and is the origin named right; and how often is a healthy day
said to be tampered with.  Every vehicle is first followed for some healthy days, as in a fleet; the
last day is then lived once untouched and once with each incident.  Vehicles are simulated, sampled
every ten seconds; what an attacker does is what ``sim.attacks`` does, and nothing else.
"""

import json
import math
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final, final

import numpy as np

from voltherd.bench.alarms import CONFIDENCE
from voltherd.detection.engine import Detection, concatenate, init, step
from voltherd.numerics.counts import poisson_upper
from voltherd.sim.attacks import ATTACKS, AttackKind, attacked, in_use
from voltherd.sim.fleet import fleet_spec, simulate
from voltherd.sim.incidents import EVENTS, SENSOR_FAULTS
from voltherd.triage.origin import origin
from voltherd.types.asset import Vehicle
from voltherd.types.event import Severity
from voltherd.types.sample import SampleBatch
from voltherd.units import SECOND_PER_DAY, SECOND_PER_HOUR

LEARNT_DAYS: Final = 3
WATCHED_DAYS: Final = 2
ORIGINS: Final[Mapping[str, Mapping[str, AttackKind]]] = {
    "sensor": SENSOR_FAULTS,
    "attack": ATTACKS,
    "event": EVENTS,
}
Key = tuple[str, str, int | None, str | None]
Progress = Callable[[str], None]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What became of one incident.

    Attributes:
        origin: What it was: sensor, attack or event.
        kind: Its kind.
        size: Its size, in the kind's unit.
        second: Time from its beginning to the first alarm, NaN where none was raised [s].
        named: What it was taken for; empty where none was raised.
    """

    origin: str
    kind: str
    size: float
    second: float
    named: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TamperingTable:
    """What was measured.

    Attributes:
        cases: Every incident.
        healthy_days: Vehicle-days without any.
        driven_hours: Hours of driving in them.
        false_tampered: Vehicles of these said to be tampered with, or their current to be off.
        false_recommended: Findings of severity recommended or above in them, of any kind.
        per_day_max: 95 % upper bound of the former per 24 h of driving.
    """

    cases: tuple[Case, ...]
    healthy_days: int
    driven_hours: float
    false_tampered: int
    false_recommended: int
    per_day_max: float

    def to_json(self) -> str:
        """Give the table as JSON."""
        return json.dumps(asdict(self), indent=1) + "\n"


def measure(each: int, seed: int, progress: Progress = lambda _: None) -> TamperingTable:
    """Let every incident of every size happen to some vehicles.

    Args:
        each: Vehicles, each of which meets every incident once.
        seed: Of the fleet and of the moments.
        progress: Told where it stands.
    """
    cases: list[Case] = []
    driven, tampered, recommended = 0.0, 0, 0
    for number, vehicle, record in _records(each, seed):
        progress(f"vehicle {number} of {each}")
        begins = record.unix_time_second[0] + LEARNT_DAYS * SECOND_PER_DAY
        learnt = int(record.unix_time_second.searchsorted(begins))
        before = step(
            init(record.vehicle_id, record.cells, record.probes, asset=vehicle),
            record.between(0, learnt),
        )
        healthy = step(before, record.between(learnt, record.rows))
        driven += _driven_hours(record)
        tampered += any(
            key[0].startswith(("tampering", "current_bias")) for key in _raised(healthy)
        )
        recommended += sum(
            (alarm.severity or 0) >= Severity.RECOMMENDED for alarm in healthy.book.values()
        )
        rng = np.random.default_rng([seed, number])
        for name, kinds in ORIGINS.items():
            for kind, known in kinds.items():
                for size in known.sizes:
                    attack = attacked(record, known, size, rng, begins)
                    if attack is None:
                        continue
                    after = step(before, attack.batch.between(learnt, record.rows))
                    second, named = _seen(healthy, after, attack.begin_second)
                    cases.append(
                        Case(origin=name, kind=kind, size=size, second=second, named=named)
                    )
    days = each * (LEARNT_DAYS + WATCHED_DAYS)
    return TamperingTable(
        cases=tuple(cases),
        healthy_days=days,
        driven_hours=driven,
        false_tampered=tampered,
        false_recommended=recommended,
        per_day_max=poisson_upper(tampered, CONFIDENCE) / max(driven / 24.0, 1e-9),
    )


def _records(each: int, seed: int) -> Iterator[tuple[int, Vehicle, SampleBatch]]:
    spec = fleet_spec(vehicles=each, days=LEARNT_DAYS + WATCHED_DAYS, seed=seed)
    for number in range(1, each + 1):
        days = list(simulate(spec, only=[number]))
        yield number, days[0].vehicle, concatenate(*(day.batch for day in days))


def _driven_hours(record: SampleBatch) -> float:
    step_second = np.diff(record.unix_time_second, prepend=record.unix_time_second[0])
    return float(np.minimum(step_second, 60.0)[in_use(record)].sum()) / SECOND_PER_HOUR


def _raised(state: Detection) -> dict[Key, float]:
    return {
        key: min(second for second in alarm.raised_second if second is not None)
        for key, alarm in state.book.items()
        if alarm.severity is not None
    }


def _seen(healthy: Detection, after: Detection, begin_second: float) -> tuple[float, str]:
    """Give the time to the first alarm that the healthy day did not raise, and its origin."""
    known = _raised(healthy)
    fresh = {key: second for key, second in _raised(after).items() if key not in known}
    if not fresh:
        return float("nan"), ""
    second = min(fresh.values())
    return second - begin_second, origin(after, second).word


def render(table: TamperingTable) -> str:
    """Give the table for people."""
    rows = [
        f"{'incident':<26}{'size':>8}{'cases':>7}{'found':>7}{'median':>10}{'worst':>10}  named"
    ]
    groups: dict[tuple[str, str, float], list[Case]] = {}
    for case in table.cases:
        groups.setdefault((case.origin, case.kind, case.size), []).append(case)
    for (name, kind, size), cases in groups.items():
        minutes = [c.second / 60.0 for c in cases if not math.isnan(c.second)]
        told = ", ".join(f"{n} {sum(c.named == n for c in cases)}" for n in ORIGINS)
        median = f"{statistics.median(minutes):.1f} min" if minutes else "–"
        worst = f"{max(minutes):.0f} min" if minutes else "–"
        place = f"{name}: {kind}"
        rows.append(
            f"{place:<26}{size:>8g}{len(cases):>7}{len(minutes):>7}{median:>10}{worst:>10}  {told}"
        )
    rows += ["", *_confusion(table.cases), ""]
    rows.append(
        f"healthy: {table.healthy_days} vehicle-days, {table.driven_hours:.0f} h of driving; "
        f"{table.false_tampered} vehicles said to be tampered with or their current off (95 % "
        f"bound {table.per_day_max:.2g} per 24 h of driving); {table.false_recommended} findings "
        "of any kind recommended or above"
    )
    return "\n".join(rows)


def _confusion(cases: Sequence[Case]) -> list[str]:
    """Give the matrix of what was found: what it was, against what it was taken for."""
    rows = [f"{'was':<10}" + "".join(f"{name:>10}" for name in ORIGINS) + f"{'missed':>10}"]
    for name in ORIGINS:
        mine = [case for case in cases if case.origin == name]
        taken = [sum(case.named == other for case in mine) for other in ORIGINS]
        missed = sum(case.named == "" for case in mine)
        rows.append(f"{name:<10}" + "".join(f"{n:>10}" for n in (*taken, missed)))
    found = [case for case in cases if case.named]
    right = sum(case.named == case.origin for case in found)
    rows.append(
        f"found {len(found)} of {len(cases)} ({len(found) / max(len(cases), 1):.1%}), "
        f"named right {right} of {len(found)} ({right / max(len(found), 1):.1%})"
    )
    return rows
