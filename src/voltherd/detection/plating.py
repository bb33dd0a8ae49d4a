"""Lithium plating: current beyond what the anode takes, and lithium that dissolves again at rest.

**Dose.**  How fast graphite takes lithium at a temperature and charge is read from a table, made
with an open electrochemical model (``LIMIT``); what a charge in the cold pushed in beyond it is
added up as Ah.
It is a model's word about a model cell: no anode was measured.

**Voltage.**  Lithium that was plated dissolves within an hour of rest and holds the voltage up
until it is gone: a plateau, then a drop, where a healthy cell's relaxation only slows down (Uhlmann
et al., J. Power Sources 279 (2015) 428; von Lüders et al., J. Power Sources 342 (2017) 17).  Small,
and other things look alike: alone it says nothing.

One without the other is worth knowing at most; both after the same charges call for a visit.
"""

from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from voltherd.detection.verdict import Verdict
from voltherd.detection.windows import (
    GAP_SECOND_MAX,
    REST_AMPERE,
    STANDING_KILOMETRE_PER_HOUR,
)
from voltherd.types.asset import Chemistry
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity
from voltherd.types.sample import SampleBatch
from voltherd.units import SECOND_PER_DAY, SECOND_PER_HOUR

CAUSE: Final = "plating"
LIMIT_CELSIUS: Final = np.array([-10.0, 0.0, 10.0, 20.0])
LIMIT_SOC: Final = np.array([0.1, 0.2, 0.4, 0.6, 0.8, 1.0])
LIMIT: Final = np.array(
    [
        [0.72, 0.56, 0.42, 0.32, 0.18, 0.10],
        [0.99, 0.79, 0.52, 0.38, 0.27, 0.20],
        [1.38, 1.12, 0.71, 0.57, 0.44, 0.30],
        [1.85, 1.55, 0.99, 0.83, 0.67, 0.50],
    ]
)
"""Charging current at which the anode's potential against lithium reaches 0 V at the separator, in
capacities per hour: rows by temperature, columns by state of charge.  From constant-current charges
of the LG M50 set OKane2022 (Phys. Chem. Chem. Phys. 24 (2022) 7909) in PyBaMM's single-particle
model with electrolyte; other cells, and aged ones, have other limits."""
COLD_CELSIUS: Final = 15.0
"""Warmer than this nothing is added up: there cells made for power and for energy differ too much
for one table."""
COLD_QUARTER: Final = 4
"""The temperature is that of the coldest quarter of the probes."""
CHARGES_KEPT: Final = 64
RECENT_SECOND: Final = 14.0 * SECOND_PER_DAY
DOSE_SHARE_MIN: Final = 0.01
"""Of the capacity, pushed in beyond the limit within two weeks, for rests to bear it out."""
DOSE_ALONE_SHARE_MIN: Final = 0.05
"""The same without such a rest, to be worth telling: cells differ, and the limit is a model's."""
CHARGE_SHARE_MIN: Final = 0.002
"""Of the capacity, beyond the limit in one charge, for its rest to be looked at."""
REST_SECOND_MAX: Final = 3600.0
REST_SECOND_MIN: Final = 1500.0
PAUSE_SECOND: Final = 300.0
"""A shorter rest is a pause of the same charge [s]."""
BIN_SECOND: Final = 180.0
SHOULDER_VOLT: Final = 0.0015
"""Drop of a bin beyond what the bins before it had: what sums of rounded cells cannot make."""
SHOULDERS_MIN: Final = 2
"""Charges whose rest must show it."""


class Charge(NamedTuple):
    """One charge: when it ended [unix s], Ah beyond the limit, and its rest's shoulder, NaN [V]."""

    end_second: float
    dose_ah: float
    shoulder_volt: float


class Rested(NamedTuple):
    """One row of a rest: since its charge [s], mean cell without its ohmic part [V]."""

    second: float
    volt: float


class Plating(NamedTuple):
    """What is known of it.

    Attributes:
        last_second: The row before [unix s].
        dose_ah: Beyond the limit in the charge under way.
        charging: Whether one is.
        end_second: When the last charge ended, NaN where its rest is over [unix s].
        rest: Its rest.
        charges: Charges that went beyond the limit, the latest ones.
        capacity_ah: That the limit was scaled by, NaN while unknown.
    """

    last_second: float
    dose_ah: float
    charging: bool
    end_second: float
    rest: tuple[Rested, ...]
    charges: tuple[Charge, ...]
    capacity_ah: float


def init() -> Plating:
    """Have seen no charge yet."""
    return Plating(np.nan, 0.0, False, np.nan, (), (), np.nan)


def limit_per_hour(
    celsius: Float[np.ndarray, " t"], soc: Float[np.ndarray, " t"]
) -> Float[np.ndarray, " t"]:
    """Give the charging current beyond which lithium plates, in capacities per hour.

    Between the table's nodes linear, beyond its edges as at the edge.

    >>> limit_per_hour(np.array([0.0, 20.0]), np.array([0.5, 0.2])).round(2)
    array([0.45, 1.55])
    """
    row, over = _between(LIMIT_CELSIUS, celsius)
    column, right = _between(LIMIT_SOC, soc)
    lower = LIMIT[row, column] * (1.0 - right) + LIMIT[row, column + 1] * right
    upper = LIMIT[row + 1, column] * (1.0 - right) + LIMIT[row + 1, column + 1] * right
    return np.asarray(lower * (1.0 - over) + upper * over)


def _between(
    nodes: Float[np.ndarray, " n"], at: Float[np.ndarray, " t"]
) -> tuple[np.ndarray, Float[np.ndarray, " t"]]:
    place = np.interp(at, nodes, np.arange(len(nodes), dtype=np.float64))
    left = np.minimum(place.astype(np.int64), len(nodes) - 2)
    return left, place - left


def look(
    plating: Plating,
    batch: SampleBatch,
    ends: Int[np.ndarray, " w"],
    capacity_ah: float | None,
    chemistry: Chemistry,
    resistance_ohm: float,
) -> Plating:
    """Take rows into account.

    Args:
        plating: What was known.
        batch: Rows of whole windows.
        ends: Last row of each.
        capacity_ah: Of the pack, None while unknown [Ah].
        chemistry: Titanate anodes do not plate.
        resistance_ohm: Of a cell [Ω].
    """
    current, soc = batch.scalar.get("current_ampere"), batch.scalar.get("soc_fraction")
    unknown = capacity_ah is None or current is None or soc is None or not batch.probes
    if unknown or chemistry is Chemistry.LTO:
        return plating._replace(last_second=float(batch.unix_time_second[-1]))
    assert capacity_ah is not None and current is not None and soc is not None
    second = batch.unix_time_second
    before = np.concatenate([[plating.last_second], second[:-1]])
    speed = batch.scalar.get("speed_kilometre_per_hour")
    standing = True if speed is None else ~(speed > STANDING_KILOMETRE_PER_HOUR)
    charging = (current > REST_AMPERE) & standing
    plating = plating._replace(last_second=float(second[-1]), capacity_ah=capacity_ah)
    if not (charging.any() or plating.charging or np.isfinite(plating.end_second)):
        return plating
    step = np.where(np.isnan(before), 0.0, np.minimum(second - before, GAP_SECOND_MAX)) * charging
    beyond = _beyond(batch, current, soc, step, capacity_ah)
    kind = charging * 2 + (np.abs(current) <= REST_AMPERE)
    # Windows are cut as well, so that sums do not depend on the pieces.
    changes = np.flatnonzero(kind[1:] != kind[:-1]) + 1
    cuts = sorted({0, len(kind), *changes.tolist(), *(ends[:-1] + 1).tolist()})
    for begin, end in pairwise(cuts):
        rows = slice(begin, end)
        if charging[begin]:
            plating = _charged(plating, float(beyond[rows].sum()))
        elif kind[begin]:
            plating = _rested(plating, batch, rows, resistance_ohm)
        else:
            plating = _over(plating)
    return plating


def _beyond(
    batch: SampleBatch,
    current: Float[np.ndarray, " t"],
    soc: Float[np.ndarray, " t"],
    step: Float[np.ndarray, " t"],
    capacity_ah: float,
) -> Float[np.ndarray, " t"]:
    """Give the charge beyond the limit at each row [Ah]."""
    beyond = np.zeros(batch.rows)
    rows = np.flatnonzero((step > 0.0) & np.isfinite(soc))
    celsius = np.sort(batch.probe_temperature_celsius[rows], axis=1)
    cold = celsius[:, batch.probes // COLD_QUARTER].astype(np.float64)
    rows, cold = rows[cold < COLD_CELSIUS], cold[cold < COLD_CELSIUS]
    most = capacity_ah * limit_per_hour(cold, soc[rows])
    beyond[rows] = np.maximum(current[rows] - most, 0.0) * step[rows] / SECOND_PER_HOUR
    return beyond


def _charged(plating: Plating, dose_ah: float) -> Plating:
    paused = not plating.rest or plating.rest[-1].second < PAUSE_SECOND
    if np.isfinite(plating.end_second) and paused:
        plating = plating._replace(charging=True, end_second=np.nan, rest=())
    plating = _over(plating)
    before = plating.dose_ah if plating.charging else 0.0
    return plating._replace(charging=True, dose_ah=before + dose_ah)


def _rested(plating: Plating, batch: SampleBatch, rows: slice, resistance_ohm: float) -> Plating:
    """Close the charge before, and keep its rest where it may tell something."""
    second = batch.unix_time_second[rows]
    if plating.charging:
        plating = plating._replace(charging=False, end_second=float(second[0]), rest=())
        if plating.dose_ah < CHARGE_SHARE_MIN * plating.capacity_ah:
            return plating._replace(end_second=np.nan)
    if np.isnan(plating.end_second):
        return plating
    since = second - plating.end_second
    volt = batch.cell_voltage_volt[rows]
    known = np.isfinite(volt).all(axis=1) & (since <= REST_SECOND_MAX)
    mean = volt[known].sum(axis=1, dtype=np.float64) / batch.cells
    mean = mean - resistance_ohm * batch.scalar["current_ampere"][rows][known]
    fresh = (Rested(*pair) for pair in zip(since[known].tolist(), mean.tolist(), strict=True))
    plating = plating._replace(rest=(*plating.rest, *fresh))
    return _over(plating) if since[-1] > REST_SECOND_MAX else plating


def _over(plating: Plating) -> Plating:
    """Judge the rest that has ended."""
    if np.isnan(plating.end_second):
        return plating
    charge = Charge(plating.end_second, plating.dose_ah, shoulder_volt(plating.rest))
    kept = (*plating.charges, charge)[-CHARGES_KEPT:]
    return plating._replace(end_second=np.nan, rest=(), dose_ah=0.0, charges=kept)


def shoulder_volt(rest: tuple[Rested, ...]) -> float:
    """Give by how much a rest's voltage falls faster after having fallen slowly.

    Args:
        rest: Rows after the end of a charge.

    Returns:
        The largest fall over three minutes less the smallest such fall before it, 0 for a
        relaxation that only slows down; NaN where the rest was too short or too thinly sampled [V].
    """
    if not rest or rest[-1].second < REST_SECOND_MIN:
        return float("nan")
    second = np.array([row.second for row in rest])
    volt = np.array([row.volt for row in rest])
    place = (second / BIN_SECOND).astype(np.int64)
    count = np.bincount(place)
    whole = slice(1, -1)  # the charge's own polarisation is in the first, the last is cut short
    if (count[whole] < 2).any():
        return float("nan")
    mean = np.bincount(place, volt)[whole] / count[whole]
    fall = -np.diff(mean)
    slowest = np.minimum.accumulate(fall)
    return float(max((fall[1:] - slowest[:-1]).max(), 0.0)) if len(fall) > 1 else float("nan")


def judge(plating: Plating) -> tuple[Verdict, ...]:
    """Say how much went beyond the limit in the last two weeks, and what the rests showed."""
    recent = [c for c in plating.charges if c.end_second >= plating.last_second - RECENT_SECOND]
    dose = sum(charge.dose_ah for charge in recent)
    if not recent or dose < DOSE_SHARE_MIN * plating.capacity_ah:
        return ()
    judged = [charge.shoulder_volt for charge in recent if np.isfinite(charge.shoulder_volt)]
    shown = [volt for volt in judged if volt >= SHOULDER_VOLT]
    both = len(shown) >= SHOULDERS_MIN and 2 * len(shown) >= len(judged)
    if not both and dose < DOSE_ALONE_SHARE_MIN * plating.capacity_ah:
        return ()
    return (
        Verdict(
            cause=CAUSE,
            phenomenon=Phenomenon.LITHIUM_PLATING,
            location=Location(kind=LocationKind.PACK),
            severity=Severity.RECOMMENDED if both else Severity.OPERATING,
            score=8.0 if both else 3.0,
            persistence=1,
            numbers={
                "dose_ah": dose,
                "dose_share": dose / plating.capacity_ah,
                "charges": float(len(recent)),
                "rests": float(len(judged)),
                "shown": float(len(shown)),
                "shoulder_volt": max(judged, default=float("nan")),
            },
        ),
    )
