"""What is found of faults put into recorded driving, and what is said of it as it is.

The vehicles are read as ``voltherd triage`` reads them.  Cells and probes that triage says anything
about in the record as it is are left alone; a fault is put into one of the others, drawn by seed,
from a time between a quarter and half of the record on.  The detectors see a record, not what was
done to it.  Every row of the result says that the fault was injected.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Int

from voltherd.bench import detect_forest
from voltherd.bench.compose import read_table
from voltherd.bench.detect_cases import Case
from voltherd.bench.detect_peers import Raised, fixed_thresholds, sibling_scores
from voltherd.detection.engine import Detection, init, step
from voltherd.detection.memory import capacity_ah, resistance_ohm
from voltherd.errors import InputError, VoltherdError
from voltherd.intake.build import build
from voltherd.intake.recognise import recognise
from voltherd.numerics.presets import LFP, NMC
from voltherd.sim.faults import Fault
from voltherd.sim.recorded_fault import Cell, injected
from voltherd.triage.findings import Told, told
from voltherd.types.asset import Chemistry
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity
from voltherd.types.sample import SampleBatch
from voltherd.units import SECOND_PER_HOUR

Progress = Callable[[str], None]
CAPACITY_GUESS_AH: Final = 150.0
"""Of a car whose record does not tell; it only scales what an ohm leaks."""
BEGIN_SHARE: Final = (0.25, 0.5)
SUFFIXES: Final = (".parquet", ".csv")


class Vehicle(NamedTuple):
    """A recorded vehicle, and what is said of it as it is.

    Attributes:
        name: Its file.
        batch: The record.
        told: Findings on the record as it is.
        cell: What moves a cell along its curve.
        cells: Cells nothing is said of, from 1.
        probes: Probes nothing is said of, from 1.
        forest: Grown on its first quarter, with a limit that none of these cells passes in the
            record as it is; None without scikit-learn.
    """

    name: str
    batch: SampleBatch
    told: tuple[Told, ...]
    cell: Cell
    cells: Int[np.ndarray, " n"]
    probes: Int[np.ndarray, " m"]
    forest: detect_forest.Forest | None


class Outcome(NamedTuple):
    """What became of one planted fault.

    Attributes:
        case: Kind and size.
        vehicle: Where.
        location: The place.
        found_hour: Hours from its beginning to the first alarm there, by method; NaN for none.
        named: Whether a finding there carries its name.
        recommended: Whether one reaches severity recommended.
        others: Further cells at recommended or above that the record as it is does not have.
        seen_hour: How long the record goes on after the beginning [h].
    """

    case: Case
    vehicle: str
    location: Location
    found_hour: dict[str, float]
    named: bool
    recommended: bool
    others: int
    seen_hour: float


def vehicles_of(folder: Path) -> tuple[tuple[Vehicle, ...], tuple[str, ...]]:
    """Read and triage every vehicle of a folder.

    Returns:
        The vehicles; and the files that could not be used, with the reason.

    Raises:
        InputError: Nothing usable is there.
    """
    files = sorted(f for f in folder.rglob("*") if f.suffix in SUFFIXES) if folder.is_dir() else []
    vehicles, refused = [], []
    for file in files:
        try:
            table = read_table(file)
            for batch, _ in build(table, recognise(table)):
                if batch.rows and batch.cells >= 2:
                    vehicles.append(_seen(file, batch))
                else:
                    refused.append(f"{file.name}: no cell voltages")
        except VoltherdError as error:
            refused.append(f"{file.name}: {error}")
    if not vehicles:
        raise InputError(
            "no recorded vehicle with cell voltages is there",
            where=str(folder),
            mend="give --test FOLDER with one file a vehicle, as voltherd triage reads them",
        )
    return tuple(vehicles), tuple(refused)


def followed(batch: SampleBatch) -> Detection:
    """Follow a whole record."""
    return step(init(batch.vehicle_id, batch.cells, batch.probes), batch)


def _seen(file: Path, batch: SampleBatch) -> Vehicle:
    state = followed(batch)
    every = told(state, batch.cell_names)
    spoken = {c for each in every for c in each.finding.location.cells}
    dead = np.isfinite(batch.cell_voltage_volt).mean(axis=0) < 0.5
    cells = [c for c in range(1, batch.cells + 1) if c not in spoken and not dead[c - 1]]
    silent = np.isfinite(batch.probe_temperature_celsius).mean(axis=0) < 0.5
    named = {
        index
        for each in every
        if each.finding.location.kind is LocationKind.PROBE
        for index in (each.finding.location.index, *each.finding.location.indices)
    }
    probes = [p for p in range(1, batch.probes + 1) if p not in named and not silent[p - 1]]
    preset = LFP if state.memory.chemistry is Chemistry.LFP else NMC
    return Vehicle(
        name=file.stem,
        batch=batch,
        told=every,
        cell=Cell(
            np.asarray(preset.ocv_volt, float),
            resistance_ohm(state.memory),
            capacity_ah(state.memory) or CAPACITY_GUESS_AH,
        ),
        cells=np.array(cells, np.int64),
        probes=np.array(probes, np.int64),
        forest=_forest(batch, cells) if detect_forest.is_there() and cells else None,
    )


def _forest(batch: SampleBatch, quiet: Sequence[int]) -> detect_forest.Forest | None:
    whole = detect_forest.course(batch)
    first = int(BEGIN_SHARE[0] * len(whole.second))
    if first < detect_forest.HELD:
        return None
    calm = whole.raw[:, np.array(quiet) - 1]
    return detect_forest.grown(
        [detect_forest.Course(whole.second[:first], whole.raw[:first])],
        [detect_forest.Course(whole.second, calm)],
        0,
        1,
    )


def outcomes(
    vehicles: Sequence[Vehicle], cases: Sequence[Case], each: int, seed: int, progress: Progress
) -> Iterator[Outcome]:
    """Put every case so many times into every vehicle, and see what is said."""
    for vehicle in vehicles:
        for number, case in enumerate(cases):
            rng = np.random.default_rng([seed, number, len(vehicle.batch.unix_time_second)])
            for turn in range(each):
                progress(f"{vehicle.name}: {case.text}, {turn + 1} of {each}")
                fault = planted(vehicle, case, rng)
                if fault is not None:
                    yield _outcome(vehicle, case, fault, seed + turn)


def planted(vehicle: Vehicle, case: Case, rng: np.random.Generator) -> Fault | None:
    """Draw place and beginning of a fault; None where the record has no place for it."""
    time = vehicle.batch.unix_time_second
    row = int(rng.uniform(*BEGIN_SHARE) * len(time))
    probe = case.of_probe
    places = vehicle.probes if probe else vehicle.cells
    if len(places) < 2:
        return None
    first, second = (int(p) for p in rng.choice(places, 2, replace=False))
    swapped = case.phenomenon is Phenomenon.CHANNEL_SWAP
    cells = () if probe else tuple(sorted((first, second))) if swapped else (first,)
    return Fault(
        vehicle=1,
        phenomenon=case.phenomenon,
        location=Location(
            kind=LocationKind.PROBE if probe else LocationKind.CELL,
            index=cells[0] if cells else first,
            cells=cells,
        ),
        start_second=float(time[row]),
        size=case.size,
        unit=case.unit,
    )


def _outcome(vehicle: Vehicle, case: Case, fault: Fault, seed: int) -> Outcome:
    batch = injected(vehicle.batch, fault, vehicle.cell, seed)
    every = told(followed(batch), batch.cell_names)
    hits = [each for each in every if at(each.finding.location, fault.location)]
    hits = [each for each in hits if first_second(each) >= fault.start_second]
    before = {place(e) for e in vehicle.told if e.finding.severity >= Severity.RECOMMENDED}
    now = {place(e) for e in every if e.finding.severity >= Severity.RECOMMENDED and e not in hits}
    return Outcome(
        case=case,
        vehicle=vehicle.name,
        location=fault.location,
        found_hour={
            "voltherd": hours(min(map(first_second, hits), default=np.nan), fault),
            "fixed thresholds": _peer(fixed_thresholds(batch), fault),
            "sibling score": _peer(sibling_scores(batch), fault),
            **_by_forest(vehicle.forest, case, batch, fault),
        },
        named=any(e.finding.phenomenon is fault.phenomenon for e in hits),
        recommended=any(e.finding.severity >= Severity.RECOMMENDED for e in hits),
        others=len(now - before),
        seen_hour=hours(float(batch.unix_time_second[-1]), fault),
    )


def _by_forest(
    forest: detect_forest.Forest | None, case: Case, batch: SampleBatch, fault: Fault
) -> dict[str, float]:
    """Give when a forest first raised the place; nothing where none can."""
    if forest is None or case.of_probe:
        return {}
    raised = detect_forest.forest_alarms(forest, detect_forest.course(batch))
    return {detect_forest.NAME: _peer(raised, fault)}


def place(each: Told) -> tuple[str, int | None]:
    """Give what tells one place from another."""
    return each.finding.location.kind.value, each.finding.location.index


def first_second(each: Told) -> float:
    """Give when a finding was first raised, at whatever severity [unix s]."""
    times = [t for alarm in each.alarms for t in alarm.raised_second if t is not None]
    return min(times, default=np.nan)


def at(found: Location, planted_at: Location) -> bool:
    """Tell whether a finding speaks of the place."""
    if found.kind is not planted_at.kind:
        return False
    if found.kind is LocationKind.PROBE:
        return planted_at.index in (found.index, *found.indices)
    return found.index == planted_at.index or bool(set(found.cells) & set(planted_at.cells))


def hours(unix_time_second: float, fault: Fault) -> float:
    """Give the time since the fault began, NaN for never [h]."""
    return (unix_time_second - fault.start_second) / SECOND_PER_HOUR


def _peer(raised: Sequence[Raised], fault: Fault) -> float:
    """Give when a peer first raised the place, NaN for never, or before the fault [h]."""
    times = [r.unix_time_second for r in raised if at(r.location, fault.location)]
    first = min(times, default=np.nan)
    return hours(first, fault) if first >= fault.start_second else np.nan
