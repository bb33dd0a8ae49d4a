"""How right is the state of power, against a full electrochemical simulation?

Question: for states of charge, temperatures and horizons that the map has no node at, by how many
percent the estimated power differs from the largest that the simulated cell bears for so long, and
how often it promises more than five percent too much.  A simulation is the truth here: on a real
cell each answer would cost a test that may hurt it.  Where recorded pulses are at hand, what
the same map makes of them is told too.

How often the 90 % interval holds the truth is asked of states of charge that are told as far off
as their uncertainty says: at twenty quantiles of its normal distribution, so that nothing is drawn.
"""

import json
import math
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import NormalDist
from typing import Any, Final, NamedTuple, final

import numpy as np
from jaxtyping import Float

from voltherd.bench.plain import finite
from voltherd.bench.sop_cases import (
    BOUNDS,
    FIRST_SECOND,
    FULL,
    HORIZONS,
    NOMINAL_AH,
    Grid,
    Piece,
    cell_of,
    simulated,
)
from voltherd.bench.sop_energy import (
    DATASET,
    EnergyRow,
    energy_lines,
    energy_summary,
    recorded_energies,
)
from voltherd.bench.sop_pulses import PulseRow, asked_for, recorded_pulses
from voltherd.bench.sop_score import (
    OVER,
    PRIMARY,
    UNSURE,
    SopRow,
    share,
    summary_of,
    verdict,
)
from voltherd.bench.sop_truth import SETS
from voltherd.errors import UsageError
from voltherd.estimation.sop import CellState, PowerBounds, PowerEstimator, PowerState
from voltherd.numerics.resistance_map import Pulse, ResistanceMap, resistance_map
from voltherd.types.estimate import NORMAL_90
from voltherd.units import SECOND_PER_HOUR

SOC_OFF: Final = 0.02
_TOLD: Final = 20
"""In so many ways a state is told where the intervals are tried."""
_OFF: Final = tuple(NormalDist().inv_cdf((at + 0.5) / _TOLD) for at in range(_TOLD))
ONE_RATE: Final = 1.8
_PAIRS: Final = (10.0, 100.0)


class Known(NamedTuple):
    """What is simulated of one cell."""

    dataset: str
    capacity_ah: float
    ocv_volt: Float[np.ndarray, "nodes"]
    found: dict[Piece, dict[str, Any]]
    grid: Grid


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SopTable:
    """What was measured.

    Attributes:
        rows: A power of a state under a condition, by an estimator.
        summary: By dataset and estimator what they come to.
        pulses: What recorded pulses say.
        unasked: By dataset, how many states had no power asked of them, as the load before broke
            a limit.
        energies: How the energy of recorded discharges was met.
    """

    rows: tuple[SopRow, ...]
    summary: dict[str, dict[str, Any]]
    pulses: tuple[PulseRow, ...]
    unasked: dict[str, int]
    energies: tuple[EnergyRow, ...]

    def to_json(self) -> str:
        """Give rows and summary as JSON; what was not run is null."""
        plain = asdict(self)
        for name in ("rows", "pulses", "energies"):
            plain[name] = [row._asdict() for row in getattr(self, name)]
        return json.dumps(finite(plain), indent=1) + "\n"


def measure(
    train: Path | None,
    test: Path | None,
    progress: Callable[[str], None],
    sets: Iterable[str] = SETS[:1],
    grid: Grid = FULL,
    cache: Path | None = None,
) -> SopTable:
    """Simulate the cells, make their maps, ask for every power.

    Args:
        train: Folder with recorded pulses; ``VOLTHERD_DATA`` where not given.
        test: Folder with the pulses to predict from those of ``train``; else each state of charge
            is predicted from the others.
        progress: Told where it stands.
        sets: PyBaMM's parameter sets to simulate.
        grid: Where.
        cache: Folder for what is simulated; the user's cache where not given.

    Raises:
        InputError: A folder that was named has no pulses, or they are unreadable.
        UsageError: PyBaMM is not installed, or a set is not among those.
    """
    recorded = train or Path(os.environ.get("VOLTHERD_DATA", "../shared/data"))
    if train or test:
        asked_for(recorded)
    pulses = recorded_pulses(recorded, asked_for(test) if test else recorded)
    folder = cache or cache_folder()
    rows: list[SopRow] = []
    unasked: dict[str, int] = {}
    for name in sets:
        if name not in SETS:
            raise UsageError(f"no parameter set {name}", mend=f"choose of {', '.join(SETS)}")
        found = simulated(name, grid, folder, progress)
        cell = cell_of(name, BOUNDS)
        known = Known(f"dfn_{name.lower()}", cell.capacity_ah, cell.ocv_volt, found, grid)
        progress(f"{name}: asking the estimators")
        rows += rows_of(known)
        unasked[known.dataset] = sum("watt" in one and not one["watt"] for one in found.values())
    energies = recorded_energies(recorded, test, progress)
    summary = summary_of(rows)
    if energies:
        summary[DATASET] = energy_summary(energies)
    return SopTable(
        rows=tuple(rows),
        summary=summary,
        pulses=tuple(pulses),
        unasked=unasked,
        energies=tuple(energies),
    )


def cache_folder() -> Path:
    """Name the folder for what is simulated."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "voltherd" / "sop"


def rows_of(known: Known) -> list[SopRow]:
    """Ask every estimator about every state."""
    rows: list[SopRow] = []
    estimators = estimators_of(known)
    for piece, truth in known.found.items():
        if piece.pulse or not truth["watt"]:
            continue
        for name, estimator in estimators.items():
            told_of = conditions_of(piece, truth, estimator, known.grid, sure=name != PRIMARY)
            for condition, states in told_of.items():
                began = time.process_time()
                told = [
                    estimator.power(cells, charging=piece.charging, horizons=HORIZONS)
                    for cells in states
                ]
                cost = 1e6 * (time.process_time() - began) / len(told)
                certain = not states[0].sigma.any()
                answers = Answers(known.dataset, name, condition, piece, certain, told, cost)
                rows += [_row(answers, truth, at) for at in range(len(HORIZONS))]
    return rows


class Answers(NamedTuple):
    """What an estimator answers about a state, told to it once or in several ways."""

    dataset: str
    estimator: str
    condition: str
    piece: Piece
    certain: bool
    told: list[PowerState]
    microsecond: float


def _row(answers: Answers, truth: Mapping[str, Any], at: int) -> SopRow:
    """Score the answers for one horizon."""
    piece, told = answers.piece, answers.told
    watt = truth["watt"][at]
    powers, ends = (
        np.array([getattr(one, name)[at] for one in told]) for name in ("watt", "hopeful_watt")
    )
    error = 100.0 * (powers / watt - 1.0)
    held = (np.abs(powers) <= abs(watt)) & (abs(watt) <= np.abs(ends))
    limits = [one.limit_name[at] for one in told]
    return SopRow(
        dataset=answers.dataset,
        cycle=f"{piece.soc:.0%}" + (f" after {piece.preload:+g} W" if piece.preload else ""),
        temperature=truth["celsius"],
        condition=answers.condition,
        estimator=answers.estimator,
        rmse=float(np.sqrt(np.mean(error**2))),
        mae=float(np.mean(np.abs(error))),
        max=float(np.abs(error).max()),
        coverage90=math.nan if answers.certain else float(np.mean(held)),
        microsecond=answers.microsecond,
        direction="charge" if piece.charging else "discharge",
        second=HORIZONS[at],
        soc=truth["soc"],
        limit=truth["limit"][at],
        limit_told=max(dict.fromkeys(limits), key=limits.count),
        watt=watt,
        watt_told=float(np.mean(powers)),
        error=float(np.mean(error)),
        kept=float(np.mean(np.abs(powers) <= abs(watt))),
        over5=share((error > 100.0 * OVER).tolist()),
    )


def conditions_of(
    piece: Piece,
    truth: Mapping[str, Any],
    estimator: PowerEstimator,
    grid: Grid,
    *,
    sure: bool,
) -> dict[str, list[CellState]]:
    """Describe what an estimator is told of a state, once or in several ways."""
    soc, warm = np.array([truth["soc"]]), np.array([truth["celsius"]])
    rested = estimator.rested(soc, np.zeros(1), warm)
    if piece.preload:
        left = estimator.map.left_over(soc, warm, truth["ampere"], grid.preload_second)
        return {"after a load": [rested._replace(left_volt=left)]}
    if sure:
        return {"rested": [rested]}
    unsure = np.full(1, SOC_OFF / NORMAL_90)
    return {
        "rested": [rested],
        "SOC told 2 % too high": [estimator.rested(soc + SOC_OFF, unsure, warm)],
        "SOC told 2 % too low": [estimator.rested(soc - SOC_OFF, unsure, warm)],
        UNSURE: [estimator.rested(soc + off * unsure, unsure, warm) for off in _OFF],
    }


def estimators_of(known: Known) -> dict[str, PowerEstimator]:
    """Make the estimators: the map, and what is commonly done instead."""
    whole = resistance_map(
        pulses_of(known),
        known.capacity_ah,
        known.ocv_volt,
        (FIRST_SECOND, *HORIZONS),
        f"simulated pulses, {known.dataset}",
    )
    capacity, path = heat_of(known)
    bounds = PowerBounds(
        volt_min=BOUNDS.volt[0],
        volt_max=BOUNDS.volt[1],
        charge_ampere=BOUNDS.ampere,
        discharge_ampere=BOUNDS.ampere,
        celsius_max=BOUNDS.celsius,
        heat_capacity_joule_per_kelvin=capacity,
        thermal_resistance_kelvin_per_watt=path,
    )
    r0, settled = two_pairs(known, whole.second)
    maps = {
        PRIMARY: whole,
        "sop_one_rate": _one_rate(whole),
        "sop_2rc": _constant(whole, r0 + settled),
        "sop_r0": _constant(whole, np.full_like(settled, r0)),
    }
    return {name: PowerEstimator(map=one, bounds=bounds) for name, one in maps.items()}


def pulses_of(known: Known) -> list[Pulse]:
    """Take the pulses of the map, each from its first sample under load."""
    return [
        Pulse(piece.soc, piece.celsius, one["ampere"], *_loaded(one))
        for piece, told in known.found.items()
        for one in told.get("pulses", ())
    ]


def _loaded(one: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    second, volt = np.array(one["second"]), np.array(one["volt"])
    under = second > 0.0 if len(second) > 1 else np.ones(1, bool)
    return second[under], volt[under]


def _one_rate(whole: ResistanceMap) -> ResistanceMap:
    """Give the map that pulses of one moderate current make: the same resistance for all."""
    at = int(np.abs(whole.ampere - ONE_RATE * NOMINAL_AH).argmin())
    charge, discharge = (
        np.repeat(table[:, :, at : at + 1], len(whole.ampere), axis=2)
        for table in (whole.charge_ohm, whole.discharge_ohm)
    )
    return replace(whole, charge_ohm=charge, discharge_ohm=discharge)


def _constant(whole: ResistanceMap, ohm: Float[np.ndarray, "horizons"]) -> ResistanceMap:
    """Give the map of a circuit with fixed resistances."""
    table = np.broadcast_to(ohm, whole.charge_ohm.shape).copy()
    return replace(whole, charge_ohm=table, discharge_ohm=table)


def two_pairs(
    known: Known, second: Float[np.ndarray, "horizons"]
) -> tuple[float, Float[np.ndarray, "horizons"]]:
    """Fit a circuit with two pairs to a moderate pulse at half charge and 25 °C.

    Returns:
        Series resistance, and what the pairs add to it at each horizon [Ω].
    """

    def far(pulse: Pulse) -> float:
        rate = pulse.ampere / NOMINAL_AH
        return abs(pulse.soc - 0.5) + abs(pulse.celsius - 25.0) / 20.0 + abs(rate + ONE_RATE)

    pulse = min(pulses_of(known), key=far)
    rest = np.interp(
        pulse.soc + pulse.ampere * pulse.second / (SECOND_PER_HOUR * known.capacity_ah),
        np.linspace(0.0, 1.0, len(known.ocv_volt)),
        known.ocv_volt,
    )
    taus = np.array(_PAIRS)
    rising = 1.0 - np.exp(-pulse.second[:, None] / taus)
    sides = np.column_stack([np.ones(len(pulse.second)), rising])
    ohm, *_ = np.linalg.lstsq(sides, (pulse.volt - rest) / pulse.ampere)
    return float(ohm[0]), (1.0 - np.exp(-second[:, None] / taus)) @ ohm[1:]


def heat_of(known: Known) -> tuple[float, float]:
    """Identify heat capacity [J/K] and path to the surroundings [K/W] from how pulses warm."""
    capacities, paths = [], []
    grid = np.linspace(0.0, 1.0, len(known.ocv_volt))
    for piece, told in known.found.items():
        for one in told.get("pulses", ()):
            second, celsius = np.array(one["second"]), np.array(one["celsius"])
            if len(second) < 2 or second[-1] < HORIZONS[-1] or celsius[-1] - celsius[0] < 1.0:
                continue
            moved = one["ampere"] * second / (SECOND_PER_HOUR * known.capacity_ah)
            over = np.array(one["volt"]) - np.interp(piece.soc + moved, grid, known.ocv_volt)
            warmed = celsius - celsius[0]
            heat, lost = _summed(second, one["ampere"] * over), _summed(second, warmed)
            early = int(np.searchsorted(second, 30.0))
            capacities.append(heat[early] / warmed[early])
            paths.append(lost[-1] / max(heat[-1] - capacities[-1] * warmed[-1], 1e-9))
    return float(np.median(capacities)), float(np.median(paths))


def _summed(second: np.ndarray, value: np.ndarray) -> np.ndarray:
    steps = 0.5 * (value[1:] + value[:-1]) * np.diff(second)
    return np.concatenate([[0.0], np.cumsum(steps)])


def render(table: SopTable) -> str:
    """Tell the tables."""
    lines = ["state of power against a simulated cell; error of the power in percent"]
    for dataset in dict.fromkeys(row.dataset for row in table.rows):
        estimators = table.summary[dataset]
        head = "".join(f"{second:>8g} s" for second in HORIZONS)
        lines += ["", f"{dataset:<16}{'':<24}{'':<10}{head}{'over 5 %':>11}{'µs':>8}"]
        for name, told in estimators.items():
            if name == "primary":
                continue
            for condition, by in told["conditions"].items():
                for way in ("discharge", "charge"):
                    some = [by[f"{way} {second:g} s"] for second in HORIZONS]
                    over = np.average(
                        [s["over5"] for s in some], weights=[s["cases"] for s in some]
                    )
                    maes = "".join(f"{one['mae']:>10.2f}" for one in some)
                    lines.append(
                        f"{name:<16}{condition:<24}{way:<10}{maes}{over:>9.1f} %"
                        f"{told['microsecond']:>8.0f}"
                    )
        lines += verdict(estimators[PRIMARY])
        if table.unasked.get(dataset):
            lines.append(
                f"  {table.unasked[dataset]} states after a load had no power asked of them: the "
                "load itself broke a limit"
            )
    lines += ["", "recorded pulses, end of 10 s predicted from the other states of charge"]
    lines += [row.told() for row in table.pulses] or ["  none are there that could be predicted"]
    lines += energy_lines(table.energies)
    return "\n".join(lines)
