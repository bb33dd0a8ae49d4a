"""What an identification is worth: errors on drives not seen, and what the record cannot tell.

Also what else the record tells of the cell: how resistance depends on temperature, and heat.
Every number comes with its standard error, or with the reason why there is none.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, NamedTuple, final

import numpy as np
from jaxtyping import Bool, Float

from voltherd.estimation.heat import heat_of
from voltherd.estimation.identify import (
    HYSTERESIS_MIN,
    SOC_NODES,
    TAUS_SECOND,
    Drive,
    Identified,
    basis,
)
from voltherd.estimation.told import Told
from voltherd.numerics.cell_map import CellMap
from voltherd.units import GAS_CONSTANT_JOULE_PER_MOLE_KELVIN, KELVIN_AT_ZERO_CELSIUS

NAMED_SOC: Final = 0.5
SPAN_KELVIN_MIN: Final = 10.0
"""Less between the coldest and the warmest drive says nothing of temperature."""
SEEN_ROWS: Final = 20.0
"""Rows near a node, as many as this together, for it to count as seen."""
DRIVEN: Final = 0.02
"""Current from which a row says something of a resistance, of the capacity per hour."""
GROUP_KELVIN: Final = 5.0
"""Drives are grouped by the temperature they began at, to a multiple of this."""
_ZERO_OHM: Final = 1e-9
_LEAST_OHM: Final = 1.01e-4
_NODES_MIN: Final = 3


class Unseen(NamedTuple):
    """How far the voltage was off on drives near one temperature, each left out in turn.

    Attributes:
        temperature_celsius: At which they began [°C].
        drives: How many.
        rows: How many samples.
        voltage_rms_volt: Root mean square over all of them [V].
        worst_rms_volt: Of the worst drive [V].
    """

    temperature_celsius: float
    drives: int
    rows: int
    voltage_rms_volt: float
    worst_rms_volt: float


class Blind(NamedTuple):
    """Something that the record does not tell, and why."""

    what: str
    why: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class IdentificationReport:
    """What is known of an identified cell, and how well.

    Attributes:
        source: What it was identified from.
        drives: How many drives that were.
        unseen: By temperature; empty where there was one drive only.
        seen_fraction: Share of the nodes of temperature and charge that the record saw.
        blind: What it does not tell.
        activation: Activation energy of R0, R1 and R2 at half charge [J/mol].
        heat_capacity: Of the cell [J/K].
        thermal_resistance: From the cell to its surroundings [K/W].
    """

    source: str
    drives: int
    unseen: tuple[Unseen, ...]
    seen_fraction: float
    blind: tuple[Blind, ...]
    activation: dict[str, Told]
    heat_capacity: Told
    thermal_resistance: Told

    def plain(self) -> dict[str, Any]:
        """Give the report as numbers, texts, lists and dictionaries, units in the keys."""
        return {
            "source": self.source,
            "drives": self.drives,
            "unseen": [one._asdict() for one in self.unseen],
            "seen_fraction": self.seen_fraction,
            "not_identifiable": [one._asdict() for one in self.blind],
            "activation_joule_per_mole": {
                name: asdict(told) for name, told in self.activation.items()
            },
            "heat_capacity_joule_per_kelvin": asdict(self.heat_capacity),
            "thermal_resistance_kelvin_per_watt": asdict(self.thermal_resistance),
        }


def report_of(found: Identified, drives: Sequence[Drive]) -> IdentificationReport:
    """Say what an identification is worth.

    Args:
        found: What ``identified`` gave.
        drives: What it was given.
    """
    cell = found.cell
    seen = seen_nodes(cell, drives)
    capacity, cooling = heat_of(cell, drives)
    return IdentificationReport(
        source=cell.source,
        drives=len(drives),
        unseen=unseen_of(found, drives),
        seen_fraction=float(seen.mean()),
        blind=(*_blind_tables(cell, seen), *_blind_record(cell, drives)),
        activation=activation_of(cell, seen),
        heat_capacity=capacity,
        thermal_resistance=cooling,
    )


def unseen_of(found: Identified, drives: Sequence[Drive]) -> tuple[Unseen, ...]:
    """Sum up by temperature how far the voltage was off on the drive left out."""
    if len(drives) < 2:
        return ()
    grouped: dict[float, list[tuple[float, int]]] = {}
    for drive, rms in zip(drives, found.voltage_rms, strict=True):
        start = float(drive.temperature_celsius[0])
        grouped.setdefault(GROUP_KELVIN * round(start / GROUP_KELVIN), []).append(
            (rms, len(drive.soc))
        )
    told = []
    for celsius, parts in sorted(grouped.items()):
        rows = sum(count for _, count in parts)
        mean = math.sqrt(sum(rms**2 * count for rms, count in parts) / rows)
        told.append(Unseen(celsius, len(parts), rows, mean, max(rms for rms, _ in parts)))
    return tuple(told)


def seen_nodes(cell: CellMap, drives: Sequence[Drive]) -> Bool[np.ndarray, "temperatures nodes"]:
    """Say near which nodes of the tables current flowed."""
    shape = len(cell.temperature_celsius), len(SOC_NODES)
    weight = np.zeros(shape[0] * shape[1])
    for drive in drives:
        flows = np.abs(drive.current_ampere) >= DRIVEN * cell.base.capacity_ah
        weight += basis(drive, cell.temperature_celsius)[flows].sum(axis=0)
    return np.asarray(weight.reshape(shape) >= SEEN_ROWS)


def _blind_tables(cell: CellMap, seen: Bool[np.ndarray, "temperatures nodes"]) -> list[Blind]:
    told = []
    places = [
        f"{celsius:g} °C ({_ranges(SOC_NODES[~row])} % charge)"
        for celsius, row in zip(cell.temperature_celsius, seen, strict=True)
        if not row.all()
    ]
    if places:
        why = "current flowed there in too few rows; the values are carried over from neighbours"
        told.append(Blind(f"tables at {', '.join(places)}", why))
    for name, table, least in (
        ("R0", cell.r0_ohm, _LEAST_OHM),
        ("R1", cell.r1_ohm, _ZERO_OHM),
        ("R2", cell.r2_ohm, _ZERO_OHM),
    ):
        bound = (table <= least) & seen
        if bound.any():
            told.append(
                Blind(
                    f"{name} at {bound.sum()} of {seen.sum()} nodes seen",
                    f"the fit wanted less than {'0.1 mΩ' if name == 'R0' else '0'}, which no cell "
                    "has: the record does not tell it from the other resistances",
                )
            )
    return told


def _blind_record(cell: CellMap, drives: Sequence[Drive]) -> list[Blind]:
    told = []
    taus = cell.tau1_second, cell.tau2_second
    if taus in (TAUS_SECOND[0], TAUS_SECOND[-1]):
        side = "shortest" if taus == TAUS_SECOND[0] else "longest"
        told.append(
            Blind(
                f"time constants {taus[0]:g} s and {taus[1]:g} s",
                f"they are the {side} pair of {len(TAUS_SECOND)} tried: the cell's may lie beyond",
            )
        )
    charging = sum(
        int((drive.current_ampere > DRIVEN * cell.base.capacity_ah).sum()) for drive in drives
    )
    if cell.base.hysteresis_volt < HYSTERESIS_MIN:
        told.append(
            Blind(
                "hysteresis",
                f"not looked for: {1000.0 * cell.base.hysteresis_volt:.0f} mV of the chemistry is "
                "less than drives show; --ocv gives a measured gap",
            )
        )
    elif charging < SEEN_ROWS:
        told.append(Blind("hysteresis", "the record has no charging, so no second branch"))
    warmth = np.concatenate([drive.temperature_celsius for drive in drives])
    low, high = float(warmth.min()), float(warmth.max())
    told.append(
        Blind(
            f"below {low:.0f} °C and above {high:.0f} °C",
            "not recorded: the values stay as at that temperature",
        )
    )
    return told


def activation_of(cell: CellMap, seen: Bool[np.ndarray, "temperatures nodes"]) -> dict[str, Told]:
    """Give the activation energy of each resistance at half charge, by ln R over 1/T [J/mol].

    Source: Arrhenius law; the slope of an ordinary regression, its standard error from what the
    line leaves.
    """
    node = int(np.argmin(np.abs(SOC_NODES - NAMED_SOC)))
    kelvin = cell.temperature_celsius + KELVIN_AT_ZERO_CELSIUS
    told = {}
    for name, table in (("r0", cell.r0_ohm), ("r1", cell.r1_ohm), ("r2", cell.r2_ohm)):
        usable = seen[:, node] & (table[:, node] > _ZERO_OHM)
        told[name] = _slope(1.0 / kelvin[usable], np.log(table[usable, node]))
    return told


def _slope(per_kelvin: Float[np.ndarray, "n"], log_ohm: Float[np.ndarray, "n"]) -> Told:
    count = len(per_kelvin)
    span = float(np.ptp(1.0 / per_kelvin)) if count else 0.0
    if count < _NODES_MIN or span < SPAN_KELVIN_MIN:
        return Told(
            None,
            None,
            f"cannot tell: temperatures seen with current at half charge are {count} over "
            f"{span:.0f} K, wanted are {_NODES_MIN} over {SPAN_KELVIN_MIN:.0f} K",
        )
    apart = per_kelvin - per_kelvin.mean()
    slope = float(apart @ log_ohm / (apart @ apart))
    left = log_ohm - log_ohm.mean() - slope * apart
    error = math.sqrt(float(left @ left) / max(count - 2, 1) / float(apart @ apart))
    return Told(
        slope * GAS_CONSTANT_JOULE_PER_MOLE_KELVIN,
        error * GAS_CONSTANT_JOULE_PER_MOLE_KELVIN,
        f"line of ln R over 1/T at {count} temperatures over {span:.0f} K, half charge",
    )


def _ranges(soc: Float[np.ndarray, "nodes"]) -> str:
    """Say nodes as ranges.

    >>> _ranges(np.array([0.0, 0.05, 0.1, 0.9, 1.0]))
    '0–10, 90–100'
    """
    place = np.searchsorted(SOC_NODES, soc)
    runs = np.split(soc, np.flatnonzero(np.diff(place) > 1) + 1)
    parts = [
        f"{100.0 * run[0]:.0f}" + (f"–{100.0 * run[-1]:.0f}" if len(run) > 1 else "")
        for run in runs
    ]
    return ", ".join(parts)
