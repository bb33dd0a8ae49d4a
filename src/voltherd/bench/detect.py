"""What does diagnosis find, how soon, and how often does it cry wolf?

Questions: of faults put into recorded driving and planted in simulated fleets, how many are found
at their place and after how long, by kind and size, beside fixed thresholds and the plain sibling
score on the same rows; what is said of recorded vehicles as they are, and how long before the
sibling score; and how many findings of severity recommended or above healthy vehicles get for each
thousand vehicle-days.  Batch and stream are the same function of the same rows, which
``tests/unit/detection/test_engine.py`` holds to the bit, so one of them is measured.
"""

import json
import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, final

from voltherd.bench import detect_forest, detect_recorded, detect_simulated
from voltherd.bench.alarms import CONFIDENCE
from voltherd.bench.detect_cases import CELLS, CONTACTS, RECORDED, SENSORS, SHORTS, Case
from voltherd.bench.detect_parts import PARTS as FURTHER
from voltherd.bench.detect_parts import Asked, Told, recorded_folder, told
from voltherd.bench.detect_peers import Raised, fixed_thresholds, sibling_scores
from voltherd.bench.detect_recorded import Outcome, Vehicle, at, first_second
from voltherd.bench.detect_simulated import Healthy
from voltherd.bench.plain import finite
from voltherd.errors import InputError
from voltherd.numerics.counts import poisson_upper
from voltherd.types.event import Location, LocationKind
from voltherd.units import SECOND_PER_HOUR

Progress = Callable[[str], None]
REFUSED_SHOWN: Final = 5
METHODS: Final = ("voltherd", "fixed thresholds", "sibling score", detect_forest.NAME)
"""The forest only where scikit-learn is installed, and at cells."""
PARTS: Final = ("recorded", "simulated", *FURTHER)
SIMULATED: Final = (
    (detect_simulated.NMC_10, (*SHORTS[:6], SHORTS[9], *CONTACTS, *CELLS, *SENSORS)),
    (detect_simulated.NMC_30, (SHORTS[1], SHORTS[2], SHORTS[4], CONTACTS[1], CELLS[2])),
    (detect_simulated.LFP_10, (SHORTS[2], SHORTS[4], CONTACTS[1], CELLS[2])),
)
"""What is planted in which fleet."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One kind and size of fault in one source, by one method.

    Attributes:
        source: A recorded vehicle or a simulated design.
        injected: Always true: nobody's vehicle failed this way.
        phenomenon: Its kind.
        size: In ``unit``.
        unit: As in ``sim.faults``.
        method: Who looked.
        planted: How many.
        found: How many it raised an alarm for, at their place, after they began.
        named: How many of these under the fault's own name; None for peers, who name nothing.
        recommended: How many at severity recommended or above; None for peers.
        median_hour: Median time to the first alarm of those found, None without any [h].
        worst_hour: Longest such time [h].
        goal_hour: By when it was to be found, None where no goal is set [h].
        holds: Whether all were found by then; None where no goal is set, or where a record ends
            before its time has come.
    """

    source: str
    injected: bool
    phenomenon: str
    size: float
    unit: str
    method: str
    planted: int
    found: int
    named: int | None
    recommended: int | None
    median_hour: float | None
    worst_hour: float | None
    goal_hour: float | None
    holds: bool | None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class AsRecorded:
    """What is said of one cell of a recorded vehicle as it is.

    Attributes:
        vehicle: Which.
        channel: The source's name of the place.
        cell: Its number, None for other places.
        phenomenon: What voltherd calls it.
        severity: How urgent.
        raised_hour: When it was first raised, from the start of the record [h].
        sibling_score_hour: When the plain sibling score first raised the same cell, None for never.
        thresholds_hour: When fixed thresholds did.
        summary: The finding in words.
    """

    vehicle: str
    channel: str | None
    cell: int | None
    phenomenon: str
    severity: str
    raised_hour: float
    sibling_score_hour: float | None
    thresholds_hour: float | None
    summary: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class FalseAlarms:
    """What healthy vehicles were accused of.

    Attributes:
        method: Who accused.
        vehicle_days: Simulated healthy vehicle-days.
        false: Alarms on them; of voltherd those of severity recommended or above.
        per_thousand: For each 1,000 vehicle-days.
        per_thousand_max: Its 95 % upper bound.
    """

    method: str
    vehicle_days: int
    false: int
    per_thousand: float
    per_thousand_max: float


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class DetectTable:
    """What was measured.

    Attributes:
        rows: Injected and planted faults.
        recorded: Recorded vehicles as they are.
        false: Healthy vehicles.
        equal_recall: What an imbalance limit set to find as many costs, by source and fault.
        examples: False findings in words.
        refused: Files that could not be used.
        further: What the further parts say, by name.
        seed: Of the run.
    """

    rows: tuple[Row, ...]
    recorded: tuple[AsRecorded, ...]
    false: tuple[FalseAlarms, ...]
    equal_recall: tuple[dict[str, Any], ...]
    examples: tuple[str, ...]
    refused: tuple[str, ...]
    further: dict[str, Told]
    seed: int

    def to_json(self) -> str:
        """Give the table as JSON."""
        told = asdict(replace(self, further={}))
        told["further"] = {name: part.table for name, part in self.further.items()}
        return json.dumps(finite(told), indent=1) + "\n"


def measure(
    test: Path | None,
    *,
    parts: Sequence[str],
    only: Sequence[str],
    each: int,
    vehicles: int,
    days: int,
    seed: int,
    vehicle_days: int = 100_000,
    folder: Path | None = None,
    progress: Progress,
) -> DetectTable:
    """Measure.

    Args:
        test: Folder of recorded vehicles; ``VOLTHERD_DATA``/baticm_ev_faults where not given.
        parts: Which of ``PARTS``.
        only: Kinds of fault; none for all.
        each: Faults of each kind and size, in each source.
        vehicles: Healthy vehicles of each design.
        days: Days of each of these.
        seed: Another draw of places, times and fleets.
        vehicle_days: Healthy vehicle-days in all that the part ``healthy`` goes on to.
        folder: Where that part keeps what is done.
        progress: Told where it stands.

    Raises:
        InputError: The folder has no recorded vehicle with cell voltages.
        UsageError: A part needs what was not given or is not installed.
    """
    rows: list[Row] = []
    recorded: tuple[AsRecorded, ...] = ()
    refused: tuple[str, ...] = ()
    if "recorded" in parts:
        seen, refused = detect_recorded.vehicles_of(test or recorded_folder() / "baticm_ev_faults")
        recorded = tuple(said for vehicle in seen for said in _as_recorded(vehicle))
        wanted = _wanted(RECORDED, only)
        outcomes = list(detect_recorded.outcomes(seen, wanted, each, seed, progress))
        rows += _rows(outcomes, wanted)
    false: tuple[FalseAlarms, ...] = ()
    equal: list[dict[str, Any]] = []
    examples: tuple[str, ...] = ()
    if "simulated" in parts:
        designs = [design for design, _ in SIMULATED]
        calm = detect_simulated.healthy(designs, vehicles, days, seed, progress)
        false = tuple(
            _false(m, calm.vehicle_days, calm.false[m]) for m in METHODS if m in calm.false
        )
        examples = calm.examples
        for design, cases in SIMULATED:
            for number, case in enumerate(_wanted(cases, only)):
                done, furthest = detect_simulated.planted(
                    design, case, each, seed + 100 + number, progress, calm.forests.get(design.name)
                )
                rows += _rows(done, (case,))
                found = sum(not math.isnan(o.found_hour["voltherd"]) for o in done)
                limit, accused = detect_simulated.equal_recall(found, furthest, calm.furthest_volt)
                equal.append(_equal(design.name, case, found, limit, accused, calm))
    asked = Asked(recorded_folder(), each, seed, vehicle_days, folder)
    return DetectTable(
        rows=tuple(rows),
        recorded=recorded,
        false=false,
        equal_recall=tuple(equal),
        examples=examples,
        refused=refused,
        further={name: told(name, asked, progress) for name in parts if name in FURTHER},
        seed=seed,
    )


def _wanted(cases: Sequence[Case], only: Sequence[str]) -> tuple[Case, ...]:
    kinds = {case.phenomenon.value for case in RECORDED}
    unknown = [name for name in only if name not in kinds]
    if unknown:
        raise InputError(
            f"no fault is called {', '.join(unknown)}", mend="one of " + ", ".join(sorted(kinds))
        )
    return tuple(case for case in cases if not only or case.phenomenon.value in only)


def _rows(outcomes: Sequence[Outcome], cases: Sequence[Case]) -> list[Row]:
    sources = dict.fromkeys(outcome.vehicle for outcome in outcomes)
    return [
        _row(source, case, method, same)
        for source in sources
        for case in cases
        for same in [[o for o in outcomes if o.vehicle == source and o.case == case]]
        if same
        for method in METHODS
        if any(method in o.found_hour for o in same)
    ]


def _row(source: str, case: Case, method: str, outcomes: Sequence[Outcome]) -> Row:
    times = [o.found_hour.get(method, math.nan) for o in outcomes]
    found = [t for t in times if not math.isnan(t)]
    ours = method == METHODS[0]
    return Row(
        source=source,
        injected=True,
        phenomenon=case.phenomenon.value,
        size=case.size,
        unit=case.unit,
        method=method,
        planted=len(times),
        found=len(found),
        named=sum(o.named for o in outcomes) if ours else None,
        recommended=sum(o.recommended for o in outcomes) if ours else None,
        median_hour=statistics.median(found) if found else None,
        worst_hour=max(found, default=None),
        goal_hour=case.goal_hour,
        holds=_holds(case.goal_hour, times, [o.seen_hour for o in outcomes]) if ours else None,
    )


def _holds(
    goal_hour: float | None, found_hour: Sequence[float], seen_hour: Sequence[float]
) -> bool | None:
    """Say whether all were found in time; None where the records that did not tell end sooner.

    >>> _holds(48.0, [20.0, 50.0], [300.0, 300.0]), _holds(48.0, [20.0, math.nan], [300.0, 30.0])
    (False, None)
    """
    if goal_hour is None:
        return None
    late = [
        seen for found, seen in zip(found_hour, seen_hour, strict=True) if not found <= goal_hour
    ]
    return False if any(seen >= goal_hour for seen in late) else None if late else True


def _as_recorded(vehicle: Vehicle) -> list[AsRecorded]:
    start = float(vehicle.batch.unix_time_second[0])
    peers = [look(vehicle.batch) for look in (sibling_scores, fixed_thresholds)]

    def first(raised: Sequence[Raised], place: Location) -> float | None:
        times = [r.unix_time_second for r in raised if at(r.location, place)]
        return (min(times) - start) / SECOND_PER_HOUR if times else None

    return [
        AsRecorded(
            vehicle=vehicle.name,
            channel=f.location.channel,
            cell=f.location.index if f.location.kind is LocationKind.CELL else None,
            phenomenon=f.phenomenon.value,
            severity=f.severity.word,
            raised_hour=(first_second(each) - start) / SECOND_PER_HOUR,
            sibling_score_hour=first(peers[0], f.location),
            thresholds_hour=first(peers[1], f.location),
            summary=f.summary,
        )
        for each in vehicle.told
        for f in [each.finding]
    ]


def _false(method: str, vehicle_days: int, false: int) -> FalseAlarms:
    return FalseAlarms(
        method=method,
        vehicle_days=vehicle_days,
        false=false,
        per_thousand=1000.0 * false / vehicle_days,
        per_thousand_max=1000.0 * poisson_upper(false, CONFIDENCE) / vehicle_days,
    )


def _equal(
    source: str, case: Case, found: int, limit_volt: float, accused: int, calm: Healthy
) -> dict[str, Any]:
    return {
        "source": source,
        "fault": case.text,
        "found": found,
        "limit_volt": limit_volt,
        "healthy_vehicles_accused": accused,
        "false_per_thousand_vehicle_days": 1000.0 * accused / calm.vehicle_days,
    }


def render(table: DetectTable) -> str:
    """Tell the table."""
    lines: list[str] = []
    if table.recorded:
        lines += ["recorded vehicles as they are: hours from the start of the record", ""]
        lines += [f"{'':<42}{'voltherd':>10}{'z-score':>9}{'limits':>8}"]
        lines += [_said(said) for said in table.recorded]
        lines.append("")
    for source in dict.fromkeys(row.source for row in table.rows):
        lines += _block(source, [row for row in table.rows if row.source == source])
    if table.false:
        lines += ["healthy simulated vehicles"]
        lines += [
            f"  {f.method:<18}{f.false:>6} alarms in {f.vehicle_days:,} vehicle-days: "
            f"{f.per_thousand:.2f} per 1,000, at most {f.per_thousand_max:.2f} (95 %)"
            for f in table.false
        ]
        lines += [f"  false: {text}" for text in table.examples]
        lines += ["", "an imbalance limit that finds as many as voltherd, and what it costs"]
        lines += [
            f"  {e['source']:<12}{e['fault']:<32}{_millivolt(e['limit_volt']):>9}"
            f"{e['false_per_thousand_vehicle_days']:>9.1f} false per 1,000 vehicle-days"
            for e in table.equal_recall
            if e["found"]
        ]
    lines += _refused(table.refused)
    lines += [line for part in table.further.values() for line in ("", part.text)]
    return "\n".join(lines)


def _refused(refused: Sequence[str]) -> list[str]:
    """Name files that were not used, or count them where there are many."""
    if len(refused) <= REFUSED_SHOWN:
        return [f"not used: {text}" for text in refused]
    return [f"not used: {len(refused)} files that record no pack; --json names them and why"]


def _said(said: AsRecorded) -> str:
    where = said.channel or "pack"
    label = f"{said.vehicle} {where} {said.phenomenon}, {said.severity}"
    return (
        f"{label:<42.42}{said.raised_hour:>10.1f}{_hour(said.sibling_score_hour):>9}"
        f"{_hour(said.thresholds_hour):>8}"
    )


def _block(source: str, rows: Sequence[Row]) -> list[str]:
    lines = [
        f"injected into {source}: found of planted, median and worst hours to the first alarm",
        f"{'fault':<32}{'voltherd':>10}{'hours':>14}{'named':>7}{'recomm.':>8}"
        f"{'z-score':>18}{'limits':>18}{'forest':>18}",
    ]
    for ours in (row for row in rows if row.method == METHODS[0]):
        same = [r for r in rows if (r.phenomenon, r.size, r.unit) == _key(ours)]
        peers = {r.method: r for r in same}
        forest = _peer(peers[METHODS[3]]) if METHODS[3] in peers else "–"
        goal = "" if ours.holds is None else f"  {ours.goal_hour:.3g} h: "
        verdict = "" if ours.holds is None else "holds" if ours.holds else "MISSED"
        lines.append(
            f"{_text(ours):<32}{ours.found:>6}/{ours.planted:<3}{_times(ours):>14}"
            f"{ours.named:>7}{ours.recommended:>8}"
            f"{_peer(peers[METHODS[2]]):>18}{_peer(peers[METHODS[1]]):>18}{forest:>18}{goal}{verdict}"
        )
    return [*lines, ""]


def _key(row: Row) -> tuple[str, float, str]:
    return row.phenomenon, row.size, row.unit


def _text(row: Row) -> str:
    case = next(c for c in RECORDED if (c.phenomenon.value, c.size, c.unit) == _key(row))
    return case.text


def _times(row: Row) -> str:
    if row.median_hour is None or row.worst_hour is None:
        return "–"
    return f"{row.median_hour:.1f} {row.worst_hour:.1f}"


def _peer(row: Row) -> str:
    return f"{row.found}/{row.planted} {_times(row)}"


def _hour(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f}"


def _millivolt(volt: float) -> str:
    return "–" if math.isnan(volt) else f"{volt * 1e3:.0f} mV"
