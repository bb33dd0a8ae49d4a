"""How often does triage cry wolf?  A long run over simulated healthy vehicles that may be stopped.

Every finished group of vehicles is one JSON line of a file; a run that was stopped, or asks for
more vehicle-days, goes on behind the last whole line.  Which detectors were measured stands in the
first line: lines of another version or seed are never joined.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, final

from voltherd.bench.lines import begun, keep, lines
from voltherd.detection.engine import Detection, init, step
from voltherd.errors import InputError, UsageError
from voltherd.numerics.counts import poisson_lower, poisson_upper
from voltherd.sim.fleet import fleet_spec, simulate
from voltherd.sim.spec import FleetSpec
from voltherd.triage.findings import findings
from voltherd.types.event import Finding, Severity

FILE: Final = "healthy.jsonl"
DAYS: Final = 28
"""Length of every vehicle's record: slow detectors need weeks before they say anything [day]."""
TOGETHER: Final = 12
"""Vehicles of a line: some CPU-minutes, so that little is lost when a run is stopped."""
CONFIDENCE: Final = 0.95
_FORMAT: Final = 1
Progress = Callable[[str], None]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class HealthyFinding:
    """A finding on a vehicle that has nothing: false by construction.

    Attributes:
        vehicle: Number in the simulated fleet.
        phenomenon: What was said.
        severity: Its word.
        score: How far from its siblings, in robust standard deviations.
        summary: What it said.
    """

    vehicle: int
    phenomenon: str
    severity: str
    score: float
    summary: str

    @property
    def grave(self) -> bool:
        """Whether it asks somebody to do something."""
        return Severity[self.severity.upper()] >= Severity.RECOMMENDED


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Healthy:
    """What was measured so far.

    Attributes:
        vehicle_days: Simulated, all of them of healthy vehicles.
        vehicles: How many vehicles these are.
        days: Length of each record [day].
        seed: Of the fleet.
        version: Of voltherd.
        findings: All that was said of them.
    """

    vehicle_days: int
    vehicles: int
    days: int
    seed: int
    version: str
    findings: tuple[HealthyFinding, ...]

    @property
    def false(self) -> tuple[HealthyFinding, ...]:
        """Findings of severity recommended or above."""
        return tuple(each for each in self.findings if each.grave)

    @property
    def per_thousand(self) -> float:
        """False findings, recommended or above, per 1,000 vehicle-days."""
        return 1000.0 * len(self.false) / self.vehicle_days

    @property
    def per_thousand_bounds(self) -> tuple[float, float]:
        """One-sided 95 % bounds of the same: the rate is above the first, and below the second."""
        count, scale = len(self.false), 1000.0 / self.vehicle_days
        return poisson_lower(count, CONFIDENCE) * scale, poisson_upper(count, CONFIDENCE) * scale

    @property
    def scores(self) -> Mapping[str, tuple[float, ...]]:
        """Scores of false findings by phenomenon, the highest first."""
        names = sorted({each.phenomenon for each in self.false})
        return {
            name: tuple(sorted((f.score for f in self.false if f.phenomenon == name), reverse=True))
            for name in names
        }


def measure(vehicle_days: int, seed: int, folder: Path, progress: Progress) -> Healthy:
    """Simulate and triage healthy vehicles until there are so many vehicle-days.

    Args:
        vehicle_days: At least so many in all, those of earlier runs counted.
        seed: Of the fleet.
        folder: Where the lines are kept; made where it is not there.
        progress: Told where it stands.

    Raises:
        UsageError: Nothing is asked for, or the folder holds the lines of another version or seed.
        InputError: What the folder holds is no such file.
        StoreError: It cannot be written.
    """
    if vehicle_days < 1:
        raise UsageError("no vehicle-day asked for", where="vehicle-days", mend="ask for some")
    path = folder / FILE
    head = {"format": _FORMAT, "version": version("voltherd"), "seed": seed, "days": DAYS}
    done = begun(path, head)
    groups = -(-vehicle_days // (DAYS * TOGETHER))
    spec = fleet_spec(vehicles=max(groups, len(done), 1) * TOGETHER, days=DAYS, seed=seed)
    for group in range(len(done), groups):
        line = _group(spec, group, progress)
        keep(path, line)
        done.append(line)
        progress(f"{len(done) * TOGETHER * DAYS:,} of {vehicle_days:,} vehicle-days")
    return _measured(head, done)


def read(folder: Path) -> Healthy:
    """Give what an earlier run has measured.

    Raises:
        InputError: There is nothing, or it is no such file.
    """
    head, *done = lines(folder / FILE) or ({},)
    if not done:
        raise InputError("no vehicle-day was measured yet", where=str(folder / FILE))
    return _measured(head, done)


def triaged(
    spec: FleetSpec, only: Sequence[int], progress: Progress
) -> Iterator[tuple[int, tuple[Finding, ...]]]:
    """Triage some vehicles of a simulated fleet without writing it: number and findings."""
    states: dict[int, Detection] = {}
    for day in simulate(spec, only=only):
        progress(f"day {day.day + 1} of {spec.days}, vehicle {day.number}")
        state = states.get(day.number)
        if state is None:
            batch = day.batch
            state = init(batch.vehicle_id, batch.cells, batch.probes, asset=day.vehicle)
        states[day.number] = step(state, day.batch)
    for number, state in states.items():
        yield number, findings(state)


def _group(spec: FleetSpec, group: int, progress: Progress) -> dict[str, Any]:
    first = group * TOGETHER + 1
    found = [
        {
            "vehicle": number,
            "phenomenon": each.phenomenon.value,
            "severity": each.severity.word,
            "score": round(each.score, 4),
            "summary": each.summary,
        }
        for number, every in triaged(spec, range(first, first + TOGETHER), progress)
        for each in every
    ]
    return {"group": group, "vehicles": TOGETHER, "findings": found}


def _measured(head: Mapping[str, Any], done: list[dict[str, Any]]) -> Healthy:
    vehicles = sum(int(line["vehicles"]) for line in done)
    return Healthy(
        vehicle_days=vehicles * int(head["days"]),
        vehicles=vehicles,
        days=int(head["days"]),
        seed=int(head["seed"]),
        version=str(head["version"]),
        findings=tuple(HealthyFinding(**each) for line in done for each in line["findings"]),
    )
