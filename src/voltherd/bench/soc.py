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
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from importlib.util import module_from_spec, spec_from_file_location
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, NamedTuple, final

import numpy as np

from voltherd.bench.compose import read_columns
from voltherd.bench.soc_league import Trained, league, learned, numbers_of
from voltherd.bench.soc_protocol import (
    CONDITIONS,
    LATE_SECOND,
    SCORED,
    START_SIGMA,
    SocRow,
    even,
    scored,
)
from voltherd.errors import InputError, UsageError
from voltherd.estimation.cell_sample import CellSample, SensorError
from voltherd.estimation.identify import Drive, identify
from voltherd.estimation.soc_coulomb import SocCoulomb
from voltherd.estimation.soc_ekf import SocEkf
from voltherd.estimation.soc_map import SocMapEkf
from voltherd.estimation.widening import SIGMAS, widening
from voltherd.numerics.cell_map import CellMap
from voltherd.numerics.cell_parameters import CellParameters
from voltherd.numerics.presets import NCA, NMC

PRIMARY: Final = "soc_map"
SENSORS: Final = SensorError(voltage_volt=0.005, current_ampere=0.05, current_fraction=0.005)
GOALS: Final = {"lg_hg2": {"rmse": 1.0, "weighted": 1.8, "max": 4.0}, "panasonic": {"rmse": 1.0}}
FLOORS: Final = {"lg_hg2": 2.30, "panasonic": 1.96}


class Dataset(NamedTuple):
    """A recorded cell."""

    file: str
    base: CellParameters


DATASETS: Final[Mapping[str, Dataset]] = {
    "lg_hg2": Dataset("lg_hg2/drive_cycles_1hz.parquet", NMC.resized(2.778)),
    "panasonic": Dataset("panasonic_18650pf/drive_cycles_1hz.parquet", NCA.resized(2.9)),
}


class Cycle(NamedTuple):
    """A recorded discharge."""

    name: str
    temperature: float
    drive: Drive


class Job(NamedTuple):
    """One estimator on one cycle, under some conditions."""

    dataset: str
    cycle: Cycle
    name: str
    cell: CellMap
    own: str
    conditions: tuple[str, ...]
    trained: Trained | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SocTable:
    """What was measured: rows, and by dataset and estimator what they come to."""

    rows: tuple[SocRow, ...]
    summary: dict[str, dict[str, Any]]

    def to_json(self) -> str:
        """Give rows and summary as JSON; what was not run is null."""
        plain = {**asdict(self), "rows": [row._asdict() for row in self.rows]}
        return json.dumps(_finite(plain), indent=1) + "\n"


def measure(
    train: Path | None,
    test: Path | None,
    progress: Callable[[str], None],
    own: str = "",
    *,
    further: bool = False,
    learn: bool = False,
    quick: bool = False,
    only: tuple[str, ...] = (),
) -> SocTable:
    """Identify the cells, run every estimator on every cycle.

    Args:
        train: Folder to identify from; ``VOLTHERD_DATA`` where not given.
        test: Folder of the same layout to test on; every other cycle of ``train`` where not given.
        progress: Told where it stands.
        own: A further estimator as ``file.py:Class``; made with ``cell=`` the identified cell.
        further: Also slow sampling, gain, voltage offset and lost samples, which are not scored.
        learn: Also train estimators that learn, on the cycles that the cell is identified from.
        quick: Only the records as they are; there is no weighted score then.
        only: Estimators to run beside the primary one; all where none is named.

    Raises:
        InputError: There is no recorded cell in a folder.
        UsageError: The further estimator cannot be made, one named is not there, or the extra
            ``learn`` is missing.
    """
    folder = train or Path(os.environ.get("VOLTHERD_DATA", "../shared/data"))
    conditions = ("clean",) if quick else tuple(CONDITIONS if further else SCORED)
    jobs: list[Job] = []
    for dataset, fitted, tested in _splits(folder, test):
        progress(f"{dataset}: identifying the cell from {len(fitted)} cycles")
        cell = calibrated(fitted, DATASETS[dataset].base, dataset)
        drives = [cycle.drive for cycle in fitted]
        trained = learned(cell, drives, progress) if learn else None
        names = _chosen(list(estimators_of(cell, own, trained)), only)
        jobs += [
            Job(dataset, cycle, name, cell, own, conditions, trained)
            for cycle in tested
            for name in names
        ]
    rows: list[SocRow] = []
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        for done, found in enumerate(pool.map(run_job, jobs), start=1):
            rows += found
            progress(f"{done} of {len(jobs)} runs")
    return SocTable(rows=tuple(rows), summary=summary_of(rows))


def _chosen(names: list[str], only: tuple[str, ...]) -> list[str]:
    """Give the primary estimator and those asked for."""
    missing = sorted(set(only) - set(names))
    if missing:
        raise UsageError(f"no estimator {', '.join(missing)}", mend=f"there are {', '.join(names)}")
    return [name for name in names if not only or name in (PRIMARY, *only)]


def summary_of(rows: list[SocRow]) -> dict[str, dict[str, Any]]:
    """Sum up by dataset and estimator."""
    told: dict[str, dict[str, Any]] = {}
    for dataset in dict.fromkeys(row.dataset for row in rows):
        here = [row for row in rows if row.dataset == dataset]
        names = dict.fromkeys(row.estimator for row in here)
        told[dataset] = {n: scored(r for r in here if r.estimator == n) for n in names}
        told[dataset]["primary"] = PRIMARY
    return told


def calibrated(cycles: list[Cycle], base: CellParameters, source: str) -> CellMap:
    """Identify a cell; its intervals by runs on cycles that each half was not fitted to."""
    halves = halved(cycles)
    errors, sigmas, warmth = [], [], []
    for fitted, tested in (halves, halves[::-1]):
        part = identify([cycle.drive for cycle in fitted], base, source)
        for cycle in tested:
            value, sigma, _ = followed(SocMapEkf(cell=part, sensors=SENSORS), cycle.drive)
            errors.append(value - cycle.drive.soc)
            sigmas.append(sigma)
            warmth.append(cycle.drive.temperature_celsius)
    whole = identify([cycle.drive for cycle in cycles], base, source)
    error, sigma, celsius = (np.concatenate(part) for part in (errors, sigmas, warmth))
    wide = widening(error, sigma, celsius, whole.temperature_celsius)
    return replace(whole, widening=wide)


def halved(cycles: list[Cycle]) -> tuple[list[Cycle], list[Cycle]]:
    """Let the cycles of each temperature take turns."""
    order = sorted(cycles, key=lambda cycle: (cycle.temperature, cycle.name))
    return order[::2], order[1::2]


def run_job(job: Job) -> list[SocRow]:
    """Run one estimator on one cycle under its conditions."""
    rows = []
    estimator = estimators_of(job.cell, job.own, job.trained)[job.name]
    first = job.cycle.drive
    opening = CellSample(
        float(first.time_second[0]), float(first.current_ampere[0]), first.voltage_volt[:1]
    )
    numbers = numbers_of(estimator.init(opening, soc=1.0, sigma=START_SIGMA))
    for condition in job.conditions:
        drive = CONDITIONS[condition](job.cycle.drive)
        if drive is None:
            continue
        value, sigma, second = followed(estimator, drive)
        error = 100.0 * (value - drive.soc)
        late = drive.time_second - drive.time_second[0] >= LATE_SECOND
        rows.append(
            SocRow(
                dataset=job.dataset,
                cycle=job.cycle.name,
                temperature=job.cycle.temperature,
                condition=condition,
                estimator=job.name,
                rmse=float(np.sqrt(np.mean(error**2))),
                mae=float(np.mean(np.abs(error))),
                max=float(np.abs(error[late]).max()) if late.any() else math.nan,
                coverage90=float(np.mean(np.abs(error) <= 100.0 * SIGMAS * sigma)),
                microsecond=1e6 * second / len(error),
                numbers=numbers,
            )
        )
    return rows


def followed(estimator: Any, drive: Drive) -> tuple[np.ndarray, np.ndarray, float]:  # noqa: ANN401
    """Take an estimator through a drive; gives SOC, its uncertainty, and the CPU time [s]."""
    samples = [
        CellSample(second, ampere, volt, celsius)
        for second, ampere, volt, celsius in zip(
            drive.time_second.tolist(),
            drive.current_ampere.tolist(),
            drive.voltage_volt[:, None],
            drive.temperature_celsius.tolist(),
            strict=True,
        )
    ]
    told = np.empty((2, len(samples)))
    told[:, 0] = 1.0, START_SIGMA
    began = time.process_time()
    state = estimator.init(samples[0], soc=1.0, sigma=START_SIGMA)
    for row, sample in enumerate(samples[1:], start=1):
        state, estimate = estimator.step(state, sample)
        told[:, row] = estimate.value[0], estimate.sigma[0]
    return told[0], told[1], time.process_time() - began


def cycles_of(folder: Path, dataset: str) -> list[Cycle]:
    """Read the recorded discharges of a cell; nothing where they are not there."""
    file = folder / DATASETS[dataset].file
    if not file.is_file():
        return []
    columns = read_columns(file)
    count = len(columns["t_s"])
    usable = columns.get("ok", np.ones(count, bool)).astype(bool)
    place = columns["folder" if "folder" in columns else "set_temp_c"].astype(str)
    names = np.char.add(np.char.add(place, " "), columns["test"].astype(str))
    found = []
    for name in dict.fromkeys(names[usable].tolist()):
        rows = np.flatnonzero(usable & (names == name))
        rows = rows[np.argsort(columns["t_s"][rows], kind="stable")]
        wanted = ("t_s", "current_a", "voltage_v", "temp_c", "soc_ref")
        parts = np.array([columns[key][rows].astype(np.float64) for key in wanted])
        whole = np.isfinite(parts).all(axis=0)
        celsius = float(name.split(" ")[0].removesuffix("degC"))
        found.append(Cycle(name, celsius, Drive(*parts[:, whole])))
    return found


def _splits(train: Path, test: Path | None) -> Iterator[tuple[str, list[Cycle], list[Cycle]]]:
    seen = False
    for dataset in DATASETS:
        known = cycles_of(train, dataset)
        tested = cycles_of(test, dataset) if test else []
        if len(known) < 2 or (test and not tested):
            continue
        seen = True
        fitted, held = (known, tested) if test else halved(known)
        yield dataset, fitted, held
    if not seen:
        files = ", ".join(dataset.file for dataset in DATASETS.values())
        raise InputError(
            "no recorded cell is there", where=str(test or train), mend=f"wanted is one of {files}"
        )


def estimators_of(cell: CellMap, own: str, trained: Trained | None = None) -> dict[str, Any]:
    """Make every estimator of the table, and one from a file.

    Raises:
        UsageError: There is no such file or class.
    """
    made: dict[str, Any] = {
        "soc_map": SocMapEkf(cell=cell, sensors=SENSORS),
        "soc_ekf": SocEkf(parameters=cell.base, sensors=SENSORS),
        "soc_coulomb": SocCoulomb(parameters=cell.base, sensors=SENSORS),
        **league(cell, SENSORS, trained),
    }
    if own:
        file, _, name = own.rpartition(":")
        spec = spec_from_file_location("voltherd_own_estimator", file) if file else None
        if spec is None or spec.loader is None or not Path(file).is_file():
            raise UsageError("no such estimator", where=own, mend="give FILE.py:CLASS")
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        if not hasattr(module, name):
            raise UsageError(f"no class {name} in it", where=file)
        made[name] = getattr(module, name)(cell=cell)
    return made


def render(table: SocTable) -> str:
    """Tell the tables."""
    lines = [
        "state of charge on recorded cells, cycles the estimator was not fitted to; RMSE in percent"
    ]
    for dataset, estimators in table.summary.items():
        here = [row for row in table.rows if row.dataset == dataset]
        warmth = sorted({row.temperature for row in here}, reverse=True)
        head = "".join(f"{celsius:>7.0f}°" for celsius in warmth)
        lines += [
            "",
            f"{dataset:<20}{head}{'all':>7}{'weighted':>10}{'max':>6}{'90 %':>7}{'µs':>6}"
            f"{'state':>7}",
        ]
        for name, told in estimators.items():
            if name == "primary":
                continue
            own = [row for row in here if row.estimator == name]
            by = [even([r for r in own if r.temperature == celsius], "clean") for celsius in warmth]
            cost = float(np.median([row.microsecond for row in own]))
            lines.append(
                f"{name:<20}{''.join(f'{value:>8.2f}' for value in by)}{told['rmse']:>7.2f}"
                f"{told['weighted']:>10.2f}{told['max']:>6.1f}{told['coverage90']:>7.0%}{cost:>6.0f}"
                f"{own[0].numbers:>7}"
            )
        lines += _conditions(here)
        lines += _verdict(dataset, estimators[PRIMARY])
    return "\n".join(lines)


def _conditions(rows: list[SocRow]) -> list[str]:
    """Tell how the primary estimator does under each condition."""
    own = [row for row in rows if row.estimator == PRIMARY]
    told = [f"{name} {even(own, name):.2f}" for name in dict.fromkeys(row.condition for row in own)]
    return [f"  {PRIMARY}: {'; '.join(told)}"]


def _verdict(dataset: str, told: Mapping[str, float]) -> list[str]:
    lines = []
    for name, goal in GOALS[dataset].items():
        word = "holds" if told[name] <= goal else "MISSED"
        floor = f", to beat {FLOORS[dataset]:.2f}" if name == "rmse" else ""
        lines.append(f"  {name} {told[name]:.2f}, goal {goal:.1f}: {word}{floor}")
    return lines


def _finite(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
