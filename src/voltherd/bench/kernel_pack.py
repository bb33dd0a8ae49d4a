"""What the whole estimator of a pack costs: a step at the edge, a pack-day over the fleet.

Question: time of one 96-cell step of the live chain's filter (goal 1 ms at 99 %), and CPU seconds
to estimate one pack's day anew, 86,400 samples of 96 cells (goals 0.5 s by NumPy over the fleet's
axis, 0.05 s by Numba).
"""

import json
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Final, NamedTuple

import numpy as np

from voltherd.estimation.cell_sample import CellSample
from voltherd.estimation.soc_bar_delta import (
    C_RATE_MAX,
    MODEL_VOLT,
    PERIOD_SECOND,
    WITNESS_SECOND,
    SocBarDelta,
)
from voltherd.estimation.soc_map import constants_of
from voltherd.numerics.cell_map import preset_map
from voltherd.numerics.engines import pack_history
from voltherd.numerics.engines.pack_history import PackRecord, PackSetting, PackState
from voltherd.numerics.presets import NMC

DAY_SECOND: Final = 86_400
CELLS: Final = 96
PACKS: Final = 600
STEPS: Final = 61
ROUNDS: Final = 5
GOALS: Final = {"edge": 1000.0, "NumPy": 0.5, "Numba": 0.05}


class PackCost(NamedTuple):
    """What was measured.

    Attributes:
        edge_microsecond: One 96-cell step, median and 99 % [µs].
        day_second: CPU seconds of a pack's day by engine, medians.
        apart: Largest relative difference of two engines' charges.
    """

    edge_microsecond: tuple[float, float]
    day_second: dict[str, float]
    apart: float


def measure() -> PackCost:
    """Measure both engines on the same packs."""
    kept = SocBarDelta(cell=preset_map(NMC.resized(150.0)))
    record = record_of(PACKS, CELLS, STEPS)
    given = kept.cell, setting_of(kept), start_of(kept, record), record
    engines: dict[str, Callable[..., tuple[PackState, np.ndarray]]] = {
        "NumPy": pack_history.run_packs
    }
    if find_spec("numba") is not None:
        from voltherd.numerics.engines import pack_numba

        engines["Numba"] = pack_numba.run_packs
    told = {name: run(*given)[1] for name, run in engines.items()}  # compiles, too
    taken: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(ROUNDS):
        for name, run in engines.items():
            began = time.process_time()
            run(*given)
            taken[name].append(time.process_time() - began)
    share = DAY_SECOND / (PACKS * (STEPS - 1))
    first = told["NumPy"]
    return PackCost(
        edge_microsecond=_edge(kept),
        day_second={name: share * float(np.median(times)) for name, times in taken.items()},
        apart=max(float(np.abs(one / first - 1.0).max()) for one in told.values()),
    )


def render(cost: PackCost) -> str:
    """Tell it beside the goals."""
    median, late = cost.edge_microsecond
    lines = [
        "",
        "the live chain's estimator of a pack of 96 cells",
        f"  one step at the edge: {median:.0f} µs, 99 % {late:.0f} µs, goal {GOALS['edge']:.0f}: "
        f"{_word(late, GOALS['edge'])}",
    ]
    lines += [
        f"  a pack's day by {name}: {second:.3f} CPU-s, goal {GOALS[name]}: "
        f"{_word(second, GOALS[name])}"
        for name, second in cost.day_second.items()
    ]
    lines.append(f"  engines apart by {cost.apart:.0e}, goal 1e-10: {_word(cost.apart, 1e-10)}")
    return "\n".join(lines)


def beside(kernels: str, cost: PackCost) -> str:
    """Add the costs, with their goals, to the JSON of the kernels."""
    return json.dumps({**json.loads(kernels), "pack": {**cost._asdict(), "goals": GOALS}}) + "\n"


def _word(value: float, goal: float) -> str:
    return "holds" if value <= goal else "MISSED"


def record_of(packs: int, cells: int, steps: int, seed: int = 1) -> PackRecord:
    """Make a record with the spread of real packs: driving currents, millivolts of noise."""
    random = np.random.default_rng(seed)
    current = np.repeat(random.normal(-20.0, 60.0, (steps // 10 + 1, packs)), 10, axis=0)[:steps]
    celsius = 20.0 + 5.0 * random.random((steps, packs))
    volt = 3.7 + 0.0005 * current[:, :, None] + random.normal(0.0, 0.003, (steps, packs, cells))
    return PackRecord(current, celsius, volt)


def setting_of(kept: SocBarDelta, second: float = 1.0) -> PackSetting:
    """Give what a run over even samples holds constant."""
    middle, sensor = kept.middle, kept.sensors.voltage_sigma**2
    return PackSetting(
        constants=constants_of(kept.cell, second, middle.walk, middle.resistance),
        noise=kept.noise,
        trust=middle.trust,
        sensor_variance=sensor,
        delta_variance=(sensor + MODEL_VOLT**2) * (WITNESS_SECOND / PERIOD_SECOND),
        look_steps=round(PERIOD_SECOND / second),
        look_second=PERIOD_SECOND,
        calm_ampere=C_RATE_MAX * kept.cell.base.capacity_ah,
    )


def start_of(kept: SocBarDelta, record: PackRecord) -> PackState:
    """Begin at the first row of a record."""
    states = [
        kept.init(CellSample(0.0, float(ampere), volt, float(celsius)))
        for ampere, volt, celsius in zip(
            record.current_ampere[0],
            record.cell_voltage_volt[0],
            record.temperature_celsius[0],
            strict=True,
        )
    ]
    return PackState(
        mean=np.concatenate([state.mean for state in states], axis=1),
        covariance=np.concatenate([state.covariance for state in states], axis=1),
        lean=np.concatenate([state.lean for state in states]),
        delta=np.stack([state.delta for state in states], axis=1),
        delta_covariance=np.stack([state.delta_covariance for state in states], axis=1),
    )


def _edge(kept: SocBarDelta) -> tuple[float, float]:
    record = record_of(1, CELLS, 2000)
    state, taken = kept.init(CellSample(0.0, 0.0, record.cell_voltage_volt[0, 0], 20.0)), []
    for second in range(1, 2000):
        sample = CellSample(
            float(second),
            float(record.current_ampere[second, 0]),
            record.cell_voltage_volt[second, 0],
            float(record.temperature_celsius[second, 0]),
        )
        began = time.perf_counter()
        state, _ = kept.step(state, sample)
        taken.append(1e6 * (time.perf_counter() - began))
    return float(np.median(taken)), float(np.quantile(taken, 0.99))
