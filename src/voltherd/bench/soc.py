"""How right are the estimators of the state of charge, on recorded cells, under stress?

Question: RMSE of every estimator on drive cycles it was not fitted to, by temperature and under the
conditions of ``soc_protocol``, with how often its 90 % interval held the truth and what a sample
costs.  Training sees one folder, testing another; without a second one every other cycle of each
temperature is held back for testing.
"""

import json
import math
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, NamedTuple, final

import numpy as np

from voltherd.bench.plain import finite
from voltherd.bench.soc_data import (
    DATASETS,
    Cycle,
    base_of,
    charges_of,
    cycles_of,
    halved,
    splittable,
)
from voltherd.bench.soc_league import LEARNED, Trained, league, learned, numbers_of
from voltherd.bench.soc_own import own_estimators
from voltherd.bench.soc_protocol import (
    BANDS,
    CHARGING,
    CONDITIONS,
    FLAT,
    FLAT_CLEAN,
    FURTHER,
    LATE_SECOND,
    RMSE_OF,
    SCORED,
    SocRow,
    even,
    mean,
    scored,
)
from voltherd.errors import InputError, UsageError
from voltherd.estimation.calibration import START_SIGMA, calibrated, calibrated_apart, followed
from voltherd.estimation.cell_sample import CellSample, SensorError
from voltherd.estimation.identify import Drive, identified, separable, simulated
from voltherd.estimation.soc_coulomb import SocCoulomb
from voltherd.estimation.soc_ekf import SocEkf
from voltherd.estimation.soc_map import SocMapEkf
from voltherd.numerics.cell_map import CellMap, preset_map
from voltherd.numerics.presets import NMC
from voltherd.types.estimate import NORMAL_90
from voltherd.units import SECOND_PER_HOUR

PRIMARY: Final = "soc_map"
ALWAYS: Final = ("soc_ekf", "soc_coulomb")
"""Estimators of every run, beside the primary one."""
LEAVE_OUT_MIN: Final = 4
"""Fewer cycles leave too little to identify from when one is left out."""
SENSORS: Final = SensorError(voltage_volt=0.005, current_ampere=0.05, current_fraction=0.005)
GOALS: Final = {
    "lg_hg2": {"rmse": 1.0, "weighted": 1.8, "max": 4.0},
    "panasonic_18650pf": {"rmse": 1.0},
    "lfp_flat_tao": {"rmse": 2.5},
}
FLOORS: Final = {"lg_hg2": "2.30", "panasonic_18650pf": "1.96", "lfp_flat_tao": "3.1"}
GOALS_BY_TEMPERATURE: Final = {"lg_hg2": {25.0: 0.5, 0.0: 0.9, -10.0: 1.5, -20.0: 2.5}}
GOALS_MILLIVOLT: Final = {"lg_hg2": {25.0: 14.0, 0.0: 30.0}}


class Job(NamedTuple):
    """One estimator on one cycle, under some conditions."""

    dataset: str
    cycle: Cycle
    name: str
    cell: CellMap
    own: str
    conditions: tuple[str, ...]
    trained: Trained | None = None


class Prepared(NamedTuple):
    """A dataset ready to run: the identified cell and what it is tried on.

    For each cycle there is a cell that was identified without it; charges are never identified
    from, ``cell`` is for them.
    """

    dataset: str
    cell: CellMap
    cycles: tuple[Cycle, ...]
    cells: tuple[CellMap, ...]
    charges: tuple[Cycle, ...]
    fitted: tuple[Drive, ...]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SocTable:
    """What was measured.

    Attributes:
        rows: A cycle under a condition, by an estimator.
        summary: By dataset and estimator what they come to.
        model_millivolt: By dataset and temperature, root mean square error of the identified
            cell's voltage on the cycles tested, at their known charge.
    """

    rows: tuple[SocRow, ...]
    summary: dict[str, dict[str, Any]]
    model_millivolt: dict[str, dict[str, float]]

    def to_json(self) -> str:
        """Give rows and summary as JSON; what was not run is null."""
        plain = {**asdict(self), "rows": [row._asdict() for row in self.rows]}
        return json.dumps(finite(plain), indent=1) + "\n"


def measure(
    train: Path | None,
    test: Path | None,
    progress: Callable[[str], None],
    own: str = "",
    *,
    further: bool = False,
    learn: bool = False,
    quick: bool = False,
    leave_out: bool = False,
    each: int = 0,
    only: tuple[str, ...] = ALWAYS,
) -> SocTable:
    """Identify the cells, run every estimator on every cycle.

    Args:
        train: Folder to identify from; ``VOLTHERD_DATA`` where not given.
        test: Folder of the same layout to test on; every other cycle of ``train`` where not given.
        progress: Told where it stands.
        own: A further estimator as ``file.py:Class``; made with ``cell=`` the identified cell.
        further: Also slow sampling, gain, voltage offset and lost samples, which are not scored.
        learn: Also train the estimators that learn; some minutes each.
        quick: Only the records as they are, without a score.
        leave_out: Test on every cycle of ``train``, each time identifying from all others.
        each: Test on the first so many cycles of each temperature; on all where 0.
        only: Estimators beside the primary one and ``own``; all there are where empty, for hours.

    Raises:
        InputError: There is no recorded cell in a folder, or a cycle is in both.
        UsageError: The further estimator cannot be made, one named is not there, or the extra
            ``learn`` is missing.
    """
    if leave_out and (test or learn):
        raise UsageError(
            "leaving out one cycle in turn needs neither --test nor --learned",
            mend="with --test the cycles are apart already; networks are not trained so often",
        )
    names = taking_part(own, only, learn=learn)
    folder = train or Path(os.environ.get("VOLTHERD_DATA", "../shared/data"))
    there = [name for name in DATASETS if splittable(folder, test, name)]
    if not there:
        files = ", ".join(f"{name}/{dataset.file}" for name, dataset in DATASETS.items())
        raise InputError(
            "no recorded cell is there", where=str(test or folder), mend=f"wanted is one of {files}"
        )
    rows: list[SocRow] = []
    volts: dict[str, dict[str, float]] = {}
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        progress(f"identifying {len(there)} cells, some minutes")
        jobs: list[Job] = []
        given = ([one] * len(there) for one in (folder, test))
        for ready in pool.map(prepared, *given, there, [leave_out] * len(there)):
            progress(f"{ready.dataset}: identified")
            ready = _first(ready, each) if each else ready
            volts[ready.dataset] = model_millivolt(ready)
            trained = learned(ready.cell, ready.fitted, progress) if learn else None
            jobs += _jobs(ready, own, trained, names, further=further, quick=quick)
        for done, found in enumerate(pool.map(run_job, jobs), start=1):
            rows += found
            progress(f"{done} of {len(jobs)} runs")
    return SocTable(rows=tuple(rows), summary=summary_of(rows), model_millivolt=volts)


def prepared(train: Path, test: Path | None, name: str, leave_out: bool = False) -> Prepared:
    """Read a dataset, identify its cell and try its intervals.

    Args:
        train: Folder to identify from.
        test: Folder to test on, if another.
        name: Of the dataset.
        leave_out: Test on every cycle, each by the cell identified from all others, where there
            are enough.

    Raises:
        InputError: A cycle stands in both folders.
    """
    known, base = cycles_of(train, name), base_of(train, name)
    charges = tuple(charges_of(test or train, name))
    if leave_out and not test and len(known) >= LEAVE_OUT_MIN:
        drives = [cycle.drive for cycle in known]
        found = identified(drives, base, name)
        cell, cells = calibrated_apart(found, drives, SENSORS)
        return Prepared(name, cell, tuple(known), cells, charges, tuple(drives))
    fitted, tested = (known, cycles_of(test, name)) if test else halved(known)
    _apart(fitted, tested, name)
    drives = separable([cycle.drive for cycle in fitted])
    cell = calibrated(identified(drives, base, name), drives, SENSORS)
    return Prepared(name, cell, tuple(tested), (cell,) * len(tested), charges, tuple(drives))


def _first(ready: Prepared, each: int) -> Prepared:
    """Keep the first cycles of each temperature."""
    seen: dict[float, int] = {}
    kept = []
    for place, cycle in enumerate(ready.cycles):
        seen[cycle.temperature] = seen.get(cycle.temperature, 0) + 1
        if seen[cycle.temperature] <= each:
            kept.append(place)
    return ready._replace(
        cycles=tuple(ready.cycles[place] for place in kept),
        cells=tuple(ready.cells[place] for place in kept),
        charges=ready.charges[:each],
    )


def _apart(fitted: list[Cycle], tested: list[Cycle], name: str) -> None:
    """Refuse to test on what was trained on."""
    seen = {cycle.drive.voltage_volt.tobytes() for cycle in fitted}
    both = [cycle.name for cycle in tested if cycle.drive.voltage_volt.tobytes() in seen]
    if both:
        raise InputError(
            f"{len(both)} cycles are to train and to test on, as {both[0]}",
            where=name,
            mend="give other cycles with --test, or leave it out: cycles are then held back",
        )


def model_millivolt(ready: Prepared) -> dict[str, float]:
    """Say how far the identified cell's voltage is off on cycles it was not fitted to [mV]."""
    by: dict[str, list[float]] = {}
    for cycle, cell in zip(ready.cycles, ready.cells, strict=True):
        off = simulated(cell, cycle.drive) - cycle.drive.voltage_volt
        rms = 1000.0 * float(np.sqrt(np.mean(off**2)))
        by.setdefault(f"{cycle.temperature:g}", []).append(rms)
    return {celsius: float(np.mean(rms)) for celsius, rms in by.items()}


def _jobs(
    ready: Prepared,
    own: str,
    trained: Trained | None,
    names: tuple[str, ...],
    *,
    further: bool,
    quick: bool,
) -> list[Job]:
    flat = ready.dataset == "lfp_flat_tao"
    driving = tuple({**FLAT_CLEAN, **FLAT} if flat else SCORED) + tuple(FURTHER if further else ())
    if quick:
        driving = tuple(FLAT if flat else ("clean",))
    drives = [(*pair, driving) for pair in zip(ready.cycles, ready.cells, strict=True)]
    charges = [(cycle, ready.cell, tuple(CHARGING)) for cycle in ready.charges]
    return [
        Job(ready.dataset, cycle, name, cell, own, conditions, trained)
        for cycle, cell, conditions in (*drives, *charges)
        for name in names
    ]


def summary_of(rows: list[SocRow]) -> dict[str, dict[str, Any]]:
    """Sum up by dataset and estimator."""
    told: dict[str, dict[str, Any]] = {}
    for dataset in dict.fromkeys(row.dataset for row in rows):
        here = [row for row in rows if row.dataset == dataset]
        names = dict.fromkeys(row.estimator for row in here)
        told[dataset] = {n: scored(r for r in here if r.estimator == n) for n in names}
        told[dataset]["primary"] = PRIMARY
    return told


def run_job(job: Job) -> list[SocRow]:
    """Run one estimator on one cycle under its conditions."""
    estimator = estimators_of(job.cell, job.own, job.trained)[job.name]
    rows = []
    for name in job.conditions:
        drive = CONDITIONS[name].change(job.cycle.drive)
        if drive is not None:
            rows.append(_row(job, name, estimator, drive))
    return rows


def _row(job: Job, name: str, estimator: Any, drive: Drive) -> SocRow:  # noqa: ANN401
    began = time.process_time()
    told = CONDITIONS[name].told(drive)
    value, sigma = followed(estimator, drive, told, START_SIGMA)
    second = time.process_time() - began
    error = 100.0 * (value - drive.soc)
    late = drive.time_second - drive.time_second[0] >= LATE_SECOND
    held = np.abs(error) <= 100.0 * NORMAL_90 * sigma
    band = np.clip(np.searchsorted(BANDS, drive.soc, "right") - 1, 0, len(BANDS) - 2)
    return SocRow(
        dataset=job.dataset,
        cycle=job.cycle.name,
        temperature=job.cycle.temperature,
        condition=name,
        estimator=job.name,
        rmse=float(np.sqrt(np.mean(error**2))),
        mae=float(np.mean(np.abs(error))),
        max=float(np.abs(error[late]).max()) if late.any() else math.nan,
        coverage90=float(np.mean(held)),
        microsecond=1e6 * second / len(error),
        numbers=numbers_of(_began(estimator, drive)),
        held=tuple(np.bincount(band[held], minlength=len(BANDS) - 1).tolist()),
        rows=tuple(np.bincount(band, minlength=len(BANDS) - 1).tolist()),
        hours=float(drive.time_second[-1] - drive.time_second[0]) / SECOND_PER_HOUR,
        swing=float(np.std(drive.current_ampere)) / job.cell.base.capacity_ah,
    )


def _began(estimator: Any, drive: Drive) -> Any:  # noqa: ANN401
    second, ampere, volt, celsius, _ = (part[:1] for part in drive)
    sample = CellSample(float(second[0]), float(ampere[0]), volt, float(celsius[0]))
    return estimator.init(sample, soc=1.0, sigma=START_SIGMA)


def estimators_of(cell: CellMap, own: str, trained: Trained | None = None) -> dict[str, Any]:
    """Make every estimator of the table, and the user's own.

    Raises:
        UsageError: One of the user's cannot be made.
    """
    return {
        "soc_map": SocMapEkf(cell=cell, sensors=SENSORS),
        "soc_ekf": SocEkf(parameters=cell.base, sensors=SENSORS),
        "soc_coulomb": SocCoulomb(parameters=cell.base, sensors=SENSORS),
        **league(cell, SENSORS, trained),
        **own_estimators(cell, own),
    }


def taking_part(own: str, only: tuple[str, ...], *, learn: bool) -> tuple[str, ...]:
    """Say which estimators run, before anything is identified or trained.

    Raises:
        UsageError: One named is not there, or the user's own cannot be made.
    """
    names = [*estimators_of(preset_map(NMC), own), *(LEARNED if learn else ())]
    missing = sorted(set(only) - set(names))
    if missing:
        learned_too = "" if learn else f"; with --learned {', '.join(LEARNED)}"
        raise UsageError(
            f"no estimator {', '.join(missing)}", mend=f"there are {', '.join(names)}{learned_too}"
        )
    mine = own.rpartition(":")[2]
    return tuple(n for n in names if not only or n in (PRIMARY, mine, *only))


def render(table: SocTable) -> str:
    """Tell the tables."""
    lines = [
        "state of charge on recorded cells, cycles the estimator was not fitted to; RMSE in percent"
    ]
    for dataset, estimators in table.summary.items():
        here = [row for row in table.rows if row.dataset == dataset]
        core = [row for row in here if row.condition in RMSE_OF]
        warmth = sorted({row.temperature for row in core}, reverse=True)
        head = "".join(f"{celsius:>7.0f}°" for celsius in warmth)
        lines += [
            "",
            f"{dataset:<20}{head}{'all':>7}{'weighted':>10}{'max':>6}{'90 %':>7}{'µs':>6}"
            f"{'state':>7}",
        ]
        for name in (one for one in estimators if one != "primary"):
            own = [row for row in core if row.estimator == name]
            lines.append(_line(name, estimators[name], own, warmth))
        lines += _conditions(here)
        lines += _bands(estimators[PRIMARY])
        lines += _verdict(dataset, estimators[PRIMARY], core)
        lines += _model(dataset, table.model_millivolt.get(dataset, {}))
    return "\n".join(lines)


def _line(name: str, told: Mapping[str, Any], rows: list[SocRow], warmth: list[float]) -> str:
    by = [mean([row.rmse for row in rows if row.temperature == celsius]) for celsius in warmth]
    cost = float(np.median([row.microsecond for row in rows]))
    return (
        f"{name:<20}{''.join(f'{value:>8.2f}' for value in by)}{told['rmse']:>7.2f}"
        f"{_or_dash(told['weighted']):>10}{told['max']:>6.1f}{told['coverage90']:>7.0%}{cost:>6.0f}"
        f"{rows[0].numbers:>7}"
    )


def _or_dash(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "–"


def _conditions(rows: list[SocRow]) -> list[str]:
    """Tell how the primary estimator does under each condition."""
    own = [row for row in rows if row.estimator == PRIMARY]
    told = [f"{name} {even(own, name):.2f}" for name in dict.fromkeys(row.condition for row in own)]
    return [f"  {PRIMARY}: {'; '.join(told)}"]


def _bands(told: Mapping[str, Any]) -> list[str]:
    """Tell how the error goes with length and liveliness of a record, wrong starts among them."""
    named = {"hours": told["rmse_by_hours"], "current's deviation in C": told["rmse_by_swing"]}
    parts = [
        f"by {name} " + ", ".join(f"{band}: {value:.2f}" for band, value in by.items())
        for name, by in named.items()
        if by
    ]
    return [f"  clean and wrongly started, {'; '.join(parts)}"] if parts else []


def _verdict(dataset: str, told: Mapping[str, Any], rows: list[SocRow]) -> list[str]:
    lines = []
    known = {name: goal for name, goal in GOALS[dataset].items() if math.isfinite(told[name])}
    for name, goal in known.items():
        floor = f", to beat {FLOORS[dataset]}" if name == "rmse" else ""
        lines.append(
            f"  {name} {told[name]:.2f}, goal {goal:.1f}: {_word(told[name], goal)}{floor}"
        )
    own = [row for row in rows if row.estimator == PRIMARY]
    for celsius, goal in GOALS_BY_TEMPERATURE.get(dataset, {}).items():
        value = mean([row.rmse for row in own if row.temperature == celsius])
        lines.append(f"  at {celsius:.0f} °C {value:.2f}, goal {goal:.1f}: {_word(value, goal)}")
    share, by = told["coverage90"], told["coverage90_by_temperature"].values()
    holds = 0.88 <= share <= 0.92 and all(0.80 <= one <= 0.97 for one in by)
    lines.append(
        f"  90 % intervals held {share:.1%} (goal 88 to 92 %), by temperature {min(by):.0%} to "
        f"{max(by):.0%} (goal 80 to 97 %): {'holds' if holds else 'MISSED'}; by charge "
        + ", ".join(f"{band}: {one:.0%}" for band, one in told["coverage90_by_soc"].items())
    )
    return lines


def _model(dataset: str, millivolt: Mapping[str, float]) -> list[str]:
    """Tell how far the identified cell's voltage is off."""
    goals = GOALS_MILLIVOLT.get(dataset, {})
    told = []
    for celsius, value in millivolt.items():
        goal = goals.get(float(celsius))
        tail = f" (goal {goal:.0f}: {_word(value, goal)})" if goal else ""
        told.append(f"{float(celsius):.0f} °C {value:.1f}{tail}")
    return [f"  voltage of the identified cell, RMSE in mV: {', '.join(told)}"]


def _word(value: float, goal: float) -> str:
    return "holds" if value <= goal else "MISSED"
