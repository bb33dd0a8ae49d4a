"""How right is the state of power, against a full electrochemical simulation?

Question: for states of charge, temperatures and horizons that the map has no node at, by how many
percent the estimated power differs from the largest that the simulated cell bears for so long, and
how often it promises more than five percent too much.  A simulation is the truth here: on a real
cell each answer would cost a test that may hurt it.  Where recorded pulses are at hand, what
the same map makes of them is told too.
"""

import json
import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple, final

import numpy as np
from jaxtyping import Float

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
from voltherd.bench.sop_pulses import PulseRow, recorded_pulses
from voltherd.bench.sop_truth import SETS
from voltherd.errors import UsageError
from voltherd.estimation.sop import CellState, PowerBounds, PowerEstimator
from voltherd.estimation.widening import SIGMAS
from voltherd.numerics.resistance_map import Pulse, ResistanceMap, resistance_map
from voltherd.units import SECOND_PER_HOUR

PRIMARY: Final = "sop_map"
HEADLINE: Final = 10.0
OVER: Final = 0.05
"""What counts as promising too much."""
GOALS: Final = {"mae_discharge": 3.0, "mae_charge": 6.0, "over5": 2.0}
FLOORS: Final = {"mae_discharge": 3.4, "mae_charge": 8.9}
SOC_OFF: Final = 0.02
ONE_RATE: Final = 1.8
_PAIRS: Final = (10.0, 100.0)


class SopRow(NamedTuple):
    """One power of one state, by one estimator; charging positive."""

    dataset: str
    estimator: str
    condition: str
    direction: str
    second: float
    soc: float
    celsius: float
    limit: str
    limit_told: str
    watt: float
    watt_told: float
    error: float


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
    """What was measured: rows, what they come to, and what recorded pulses say."""

    rows: tuple[SopRow, ...]
    summary: dict[str, dict[str, Any]]
    pulses: tuple[PulseRow, ...]

    def to_json(self) -> str:
        """Give rows and summary as JSON; what was not run is null."""
        plain = asdict(self)
        for name in ("rows", "pulses"):
            plain[name] = [row._asdict() for row in getattr(self, name)]
        return json.dumps(_finite(plain), indent=1) + "\n"


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
        UsageError: PyBaMM is not installed, or a set is not among those.
    """
    folder = cache or cache_folder()
    rows: list[SopRow] = []
    for name in sets:
        if name not in SETS:
            raise UsageError(f"no parameter set {name}", mend=f"choose of {', '.join(SETS)}")
        found = simulated(name, grid, folder, progress)
        cell = cell_of(name, BOUNDS)
        rows += rows_of(Known(f"dfn_{name.lower()}", cell.capacity_ah, cell.ocv_volt, found, grid))
    recorded = train or Path(os.environ.get("VOLTHERD_DATA", "../shared/data"))
    told = recorded_pulses(recorded, test or recorded)
    return SopTable(rows=tuple(rows), summary=summary_of(rows), pulses=tuple(told))


def cache_folder() -> Path:
    """Name the folder for what is simulated."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "voltherd" / "sop"


def rows_of(known: Known) -> list[SopRow]:
    """Ask every estimator about every state."""
    rows: list[SopRow] = []
    estimators = estimators_of(known)
    for piece, truth in known.found.items():
        if piece.pulse:
            continue
        for name, estimator in estimators.items():
            told_of = conditions_of(piece, truth, estimator, known.grid, sure=name != PRIMARY)
            for condition, cells in told_of.items():
                told = estimator.power(cells, charging=piece.charging, horizons=HORIZONS)
                for at, second in enumerate(HORIZONS):
                    watt = truth["watt"][at]
                    rows.append(
                        SopRow(
                            dataset=known.dataset,
                            estimator=name,
                            condition=condition,
                            direction="charge" if piece.charging else "discharge",
                            second=second,
                            soc=truth["soc"],
                            celsius=truth["celsius"],
                            limit=truth["limit"][at],
                            limit_told=told.limit_name[at],
                            watt=watt,
                            watt_told=float(told.watt[at]),
                            error=100.0 * (float(told.watt[at]) / watt - 1.0),
                        )
                    )
    return rows


def conditions_of(
    piece: Piece,
    truth: Mapping[str, Any],
    estimator: PowerEstimator,
    grid: Grid,
    *,
    sure: bool,
) -> dict[str, CellState]:
    """Describe what an estimator is told of a state; what is off is within its 90 % interval."""
    soc, warm = np.array([truth["soc"]]), np.array([truth["celsius"]])
    rested = estimator.rested(soc, np.zeros(1), warm)
    if piece.preload:
        left = estimator.map.left_over(soc, warm, truth["ampere"], grid.preload_second)
        return {"after a load": rested._replace(left_volt=left)}
    if sure:
        return {"rested": rested}
    unsure = np.full(1, SOC_OFF / SIGMAS)
    return {
        "rested": rested,
        "SOC told 2 % too high": estimator.rested(soc + SOC_OFF, unsure, warm),
        "SOC told 2 % too low": estimator.rested(soc - SOC_OFF, unsure, warm),
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


def summary_of(rows: Iterable[SopRow]) -> dict[str, dict[str, Any]]:
    """Sum up by dataset and estimator."""
    rows = list(rows)
    told: dict[str, dict[str, Any]] = {}
    for dataset in dict.fromkeys(row.dataset for row in rows):
        here = [row for row in rows if row.dataset == dataset]
        names = dict.fromkeys(row.estimator for row in here)
        told[dataset] = {n: scored([r for r in here if r.estimator == n]) for n in names}
        told[dataset]["primary"] = PRIMARY
    return told


def scored(rows: list[SopRow]) -> dict[str, Any]:
    """Sum the rows of one estimator on one cell up; all in percent.

    Returns:
        ``mae_discharge`` and ``mae_charge`` over rested states at 10 s, with the same where the
        voltage is what limits; ``over5``, the share of all rested answers that promise more than
        five percent too much; ``kept`` and ``tight``, of the rested answers at 10 s, how many
        break no limit and how many would with five percent more; and all of it by condition.
    """
    rested = [row for row in rows if row.condition == "rested"]
    head = [row for row in rested if row.second == HEADLINE]
    told: dict[str, Any] = {}
    for way in ("discharge", "charge"):
        there = [row for row in head if row.direction == way]
        bound = [row for row in there if row.limit == "voltage"]
        told[f"mae_{way}"] = _mae(there)
        told[f"mae_{way}_voltage"], told[f"cases_{way}_voltage"] = _mae(bound), len(bound)
        told[f"cases_{way}"] = len(there)
    told["over5"] = _over(rested)
    told["kept"] = _share(row.error <= 0.0 for row in head)
    told["tight"] = _share((1.0 + OVER) * (100.0 + row.error) > 100.0 for row in head)
    told["conditions"] = {
        condition: {
            f"{way} {second:g} s": {"mae": _mae(some), "over5": _over(some), "cases": len(some)}
            for way in ("discharge", "charge")
            for second in HORIZONS
            if (some := [r for r in rows if r[2:5] == (condition, way, second)])
        }
        for condition in dict.fromkeys(row.condition for row in rows)
    }
    return told


def _mae(rows: list[SopRow]) -> float:
    return float(np.mean([abs(row.error) for row in rows])) if rows else math.nan


def _over(rows: list[SopRow]) -> float:
    return _share(row.error > 100.0 * OVER for row in rows)


def _share(facts: Iterable[bool]) -> float:
    known = list(facts)
    return 100.0 * sum(known) / len(known) if known else math.nan


def render(table: SopTable) -> str:
    """Tell the tables."""
    lines = ["state of power against a simulated cell; error of the power in percent"]
    for dataset, estimators in table.summary.items():
        head = "".join(f"{second:>8g} s" for second in HORIZONS)
        lines += ["", f"{dataset:<16}{'':<24}{'':<10}{head}{'over 5 %':>11}"]
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
                    lines.append(f"{name:<16}{condition:<24}{way:<10}{maes}{over:>9.1f} %")
        lines += _verdict(estimators[PRIMARY])
    if table.pulses:
        lines += ["", "recorded pulses, end of 10 s predicted from the other states of charge"]
        lines += [row.told() for row in table.pulses]
    return "\n".join(lines)


def _verdict(told: Mapping[str, Any]) -> list[str]:
    lines = []
    for name, goal in GOALS.items():
        word = "holds" if told[name] <= goal else "MISSED"
        floor = f", to beat {FLOORS[name]:.1f}" if name in FLOORS else ""
        at = " at 10 s" if name in FLOORS else ", all horizons,"
        lines.append(f"  {name}{at} {told[name]:.2f} %, goal {goal:.1f}: {word}{floor}")
    lines += [
        f"  {told[f'cases_{way}_voltage']} of {told[f'cases_{way}']} states end at the voltage "
        f"when asked for {way} over 10 s: there {told[f'mae_{way}_voltage']:.2f} %"
        for way in ("discharge", "charge")
    ]
    lines.append(
        f"  over 10 s {told['kept']:.0f} % of the powers break no limit, and {told['tight']:.0f} % "
        "would with 5 % more"
    )
    return lines


def _finite(value: Any) -> Any:  # noqa: ANN401
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
