"""Charges of simulated fleets with their planted truth, and of the public set, for fleet models."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

import numpy as np

from voltherd.bench.compose import public_columns, public_snippets
from voltherd.detection.engine import Detection, init, step
from voltherd.errors import InputError
from voltherd.learning.snippets import CHANNELS, SAMPLES, Snippets, charging_snippets, joined
from voltherd.sim.fleet import fleet_spec, simulate
from voltherd.sim.spec import FleetSpec
from voltherd.triage.findings import findings
from voltherd.types.asset import Chemistry, PackLayout

Progress = Callable[[str], None]
FAULTS: Final = (
    "weak_cell:15%",
    "contact_resistance:0.6mohm",
    "internal_short:1.5%/day",
    "cell_imbalance:-5%",
    "sensor_bias:20mV",
    "module_offset:15mV",
    "soc_imbalance:7%",
    "temperature_outlier:10K",
    "soc_misreported:6%",
)
"""Near what triage finds about half of or more: anything grosser would compare nothing."""
START_DAY: Final = 2.0
SNIPPETS_MAX: Final = 200
"""Of a vehicle of the public set, drawn by chance: half a million would not fit a small machine."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """A kind of vehicle: what a brand is in the public set.

    Attributes:
        name: For people.
        chemistry: Of its cells.
        modules: Modules of twelve cells in series, three probes each.
    """

    name: str
    chemistry: Chemistry
    modules: int

    @property
    def layout(self) -> PackLayout:
        """Give the layout of its pack."""
        probe = tuple(one for one in range(1, self.modules + 1) for _ in range(3))
        return PackLayout(
            series=12 * self.modules, module_series=(12,) * self.modules, probe_module=probe
        )


# Drives ask for a car's power: packs of few modules would be run hot and empty.
FIRST: Final = Design(name="NMC, 96 cells", chemistry=Chemistry.NMC, modules=8)
SECOND: Final = Design(name="NCA, 108 cells", chemistry=Chemistry.NCA, modules=9)


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FleetCharges:
    """Vehicles with their charges and what is known of them.

    Attributes:
        fault: Kind of fault of each vehicle, empty for a healthy one.
        triage: Score of the most urgent finding of each vehicle, where detectors ran.
        snippets: All charges.
    """

    fault: Mapping[str, str]
    triage: Mapping[str, float]
    snippets: Snippets

    @property
    def healthy(self) -> tuple[str, ...]:
        """Names of healthy vehicles, in order."""
        return tuple(sorted(name for name, fault in self.fault.items() if not fault))

    @property
    def faulty(self) -> tuple[str, ...]:
        """Names of faulty vehicles, in order."""
        return tuple(sorted(name for name, fault in self.fault.items() if fault))


def simulated_charges(
    design: Design, *, vehicles: int, days: int, seed: int, each: int, progress: Progress
) -> FleetCharges:
    """Simulate a fleet of a design: healthy vehicles, and some with one fault each.

    Args:
        design: Of all vehicles.
        vehicles: Healthy ones.
        days: Length of each record.
        seed: Of the fleet.
        each: Vehicles per kind of fault.
        progress: Told where it stands.
    """
    planted = [
        f"{fault}@vehicle={vehicles + 1 + at * each + one},day={START_DAY:g}"
        for at, fault in enumerate(FAULTS)
        for one in range(each)
    ]
    spec = fleet_spec(
        vehicles=vehicles + len(planted),
        days=days,
        seed=seed,
        faults=",".join(planted) or "none",
        chemistry=((design.chemistry, 1.0),),
        layout=design.layout,
        period_second=30.0,
        park_period_second=3600.0,
        charge_period_second=60.0,
    )
    kind = {
        f"sim-{vehicles + 1 + at * each + one:04d}": fault
        for at, fault in enumerate(FAULTS)
        for one in range(each)
    }
    return _gathered(spec, kind, f"{design.name}: ", progress)


def _gathered(
    spec: FleetSpec, kind: Mapping[str, str], title: str, progress: Progress
) -> FleetCharges:
    """Run through the days once: charges for the models, detectors for triage."""
    parts: list[Snippets] = []
    states: dict[str, Detection] = {}
    for day in simulate(spec):
        name = day.batch.vehicle_id
        progress(f"{title}day {day.day + 1}/{spec.days} of {name}")
        parts.append(charging_snippets(day.batch))
        state = states.get(name)
        if state is None:
            state = init(name, day.batch.cells, day.batch.probes, asset=day.vehicle)
        states[name] = step(state, day.batch)
    return FleetCharges(
        fault={name: kind.get(name, "") for name in states},
        triage={name: urgency_score(state) for name, state in states.items()},
        snippets=joined(parts),
    )


def urgency_score(state: Detection) -> float:
    """Give severity and confidence of the most urgent finding as one number, 0 for none."""
    return max((float(one.severity) + one.confidence for one in findings(state)), default=0.0)


def public_charges(folder: Path, progress: Progress, seed: int = 0) -> FleetCharges:
    """Read a brand of the public set of 347 vehicles.

    Args:
        folder: A ``battery_brand`` folder, as published.
        progress: Told where it stands.
        seed: Draws which snippets of a vehicle are kept, where there are many.

    Raises:
        InputError: The folder is laid out in another way, or values are not physical.
    """
    chance = np.random.default_rng(seed)
    columns, where = public_columns(folder), str(folder)
    kept: dict[str, list[np.ndarray]] = {}
    seen: dict[str, int] = {}
    fault: dict[str, str] = {}
    for number, one in enumerate(public_snippets(folder)):
        if number % 5000 == 0:
            progress(f"{where}: {number} snippets read")
        mine = kept.setdefault(one.vehicle, [])
        count = seen[one.vehicle] = seen.get(one.vehicle, 0) + 1
        place = len(mine) if len(mine) < SNIPPETS_MAX else int(chance.integers(count))
        fault[one.vehicle] = "" if one.healthy and not fault.get(one.vehicle) else "labelled"
        if place < SNIPPETS_MAX and len(one.values) == SAMPLES:
            mine[place : place + 1] = [one.values]
    snippets = _of_columns(kept.items(), columns, where)
    return FleetCharges(fault=fault, triage={}, snippets=snippets)


def _of_columns(
    kept: Iterable[tuple[str, list[np.ndarray]]], columns: tuple[str, ...], where: str
) -> Snippets:
    """Bring public columns to this project's channels, signs and units."""
    names = ("volt", "current", "soc", "max_single_volt", "min_single_volt", "max_temp", "min_temp")
    missing = [name for name in (*names, "timestamp") if name not in columns]
    if missing:
        raise InputError(f"has no column {', '.join(missing)}", where=where)
    pairs = [(vehicle, values) for vehicle, some in kept for values in some]
    table = np.array([values for _, values in pairs]).reshape(-1, SAMPLES, len(columns))
    time = table[:, :, columns.index("timestamp")]
    pack, current, soc, high, low, hot, cold = (table[:, :, columns.index(one)] for one in names)
    middle = 0.5 * (high + low)
    if not 1.5 < float(np.median(middle)) < 5.0:
        raise InputError("cell voltages are not in volts", where=where)
    # The set does not say how many cells a pack has: the pack's voltage over a cell's does.
    cells = max(round(float(np.median(pack / middle))), 1)
    charging = 1.0 if float(np.median(current)) >= 0.0 else -1.0  # all snippets are charges
    percent = 100.0 if float(soc.max()) > 1.5 else 1.0
    nothing = np.full(pack.shape, np.nan)
    series = [pack / cells, charging * current, soc / percent, high, low, hot, cold, nothing]
    assert len(series) == len(CHANNELS)
    return Snippets(
        vehicle=np.array([vehicle for vehicle, _ in pairs], dtype=np.str_),
        start_second=time[:, 0].copy(),
        duration_second=time[:, -1] - time[:, 0],
        values=np.stack(series, axis=2),
    )
