"""How soon is a current sensor's offset found in recorded drives, and how often wrongly?

Question: recorded discharges of one cell, whose current gets an offset at three drawn moments, both
signs.  The cell idles at the steady current of its profile, so a change of that level is the sensor
(``detection.current_bias``).  The recorded current is a laboratory's, so noise and steps as of a
vehicle's sensor are added.  The detector's numbers were fixed on the first half of the drives
(those that ``soc_data.halved`` calls the first); the second half is told apart.
"""

import json
import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, final

import numpy as np
from jaxtyping import Float

from voltherd.bench.soc_data import Cycle, cycles_of, halved
from voltherd.detection.current_bias import CHANNEL, Scale, init, look
from voltherd.errors import InputError
from voltherd.types.sample import SampleBatch
from voltherd.units import SECOND_PER_HOUR

DATASET: Final = "lg_hg2"
NOMINAL_AH: Final = 3.0
SIZES: Final = (0.01, 0.02, 0.05, 0.1)
"""Offsets over the current that empties the cell in an hour."""
EVERY_SECOND: Final = (1, 10)
MOMENTS: Final = 3
NOISE: Final = 0.0007
STEP: Final = 0.001
"""Of a vehicle's sensor, over the same current: 0.1 A of 150 A."""
SLOPE_VOLT: Final = 0.8


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class BiasRow:
    """What became of offsets of one size.

    Attributes:
        half: Which half of the drives.
        every_second: Sampling [s].
        size: Offset, over the current of an hour's discharge.
        cases: How many.
        found: How many were found before the drive ended.
        median_minute: Time to the alarm, median, those not found counted as never [min].
        ninth_minute: The same for nine in ten [min].
    """

    half: str
    every_second: int
    size: float
    cases: int
    found: int
    median_minute: float
    ninth_minute: float


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class BiasTable:
    """What was measured.

    Attributes:
        rows: One per half, sampling and size.
        hours: Driving without an offset, by half and sampling [h].
        false: Drives without an offset that raised an alarm, by half and sampling.
    """

    rows: tuple[BiasRow, ...]
    hours: dict[str, float]
    false: dict[str, int]

    def to_json(self) -> str:
        """Give the table as JSON."""
        return json.dumps(asdict(self), indent=1) + "\n"


def measure(folder: Path, seed: int = 1, each: int | None = None) -> BiasTable:
    """Add offsets to recorded drives.

    Args:
        folder: The recorded data.
        seed: Of moments and noise.
        each: So many drives of each half only; all where not given.

    Raises:
        InputError: The drives are not there.
    """
    cycles = cycles_of(folder, DATASET)
    if not cycles:
        raise InputError(f"no drives of {DATASET}", where=str(folder), mend="see docs/data.md")
    rows: list[BiasRow] = []
    hours: dict[str, float] = {}
    false: dict[str, int] = {}
    for half, drives in zip(("fixed on", "unseen"), halved(cycles), strict=True):
        for every in EVERY_SECOND:
            name = f"{half}, every {every} s"
            found: dict[float, list[float]] = {size: [] for size in SIZES}
            hours[name], false[name] = 0.0, 0
            for number, cycle in enumerate(drives[:each]):
                rng = np.random.default_rng([seed, number])
                time, ampere, volt = _read(cycle, every, rng)
                hours[name] += float(time[-1] - time[0]) / SECOND_PER_HOUR
                false[name] += bool(_alarms(time, ampere, volt))
                for size, begin, offset in _offsets(time, rng):
                    alarms = _alarms(time, ampere + offset, volt)
                    after = [second - begin for second in alarms if second >= begin]
                    found[size].append(min(after, default=math.inf) / 60.0)
            rows += [_row(half, every, size, minutes) for size, minutes in found.items()]
    return BiasTable(rows=tuple(rows), hours=hours, false=false)


def _read(cycle: Cycle, every: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    drive = cycle.drive
    ampere = drive.current_ampere[::every]
    noisy = ampere + rng.normal(0.0, NOISE * NOMINAL_AH, len(ampere))
    stepped = np.round(noisy / (STEP * NOMINAL_AH)) * (STEP * NOMINAL_AH)
    return drive.time_second[::every], stepped, drive.voltage_volt[::every]


def _offsets(
    time: Float[np.ndarray, " t"], rng: np.random.Generator
) -> Iterator[tuple[float, float, Float[np.ndarray, " t"]]]:
    """Give size, beginning and offset of every case of a drive."""
    for share in rng.uniform(0.25, 0.75, MOMENTS):
        begin = float(time[0] + share * (time[-1] - time[0]))
        for size in SIZES:
            for sign in (1.0, -1.0):
                yield size, begin, np.where(time >= begin, sign * size * NOMINAL_AH, 0.0)


def _alarms(
    time: Float[np.ndarray, " t"], ampere: Float[np.ndarray, " t"], volt: Float[np.ndarray, " t"]
) -> list[float]:
    rows = len(time)
    batch = SampleBatch(
        vehicle_id=DATASET,
        unix_time_second=time,
        cell_voltage_volt=volt[:, None].astype(np.float32),
        cell_quality=np.zeros((rows, 1), np.uint8),
        probe_temperature_celsius=np.empty((rows, 0), np.float32),
        probe_quality=np.empty((rows, 0), np.uint8),
        scalar={CHANNEL: ampere},
        scalar_quality={CHANNEL: np.zeros(rows, np.uint8)},
    )
    _, judged = look(init(), batch, Scale(NOMINAL_AH, SLOPE_VOLT, steady=True))
    return [second for second, _ in judged]


def _row(half: str, every: int, size: float, minutes: Sequence[float]) -> BiasRow:
    ordered = sorted(minutes)
    return BiasRow(
        half=half,
        every_second=every,
        size=size,
        cases=len(minutes),
        found=sum(math.isfinite(m) for m in minutes),
        median_minute=statistics.median_high(ordered),
        ninth_minute=ordered[math.ceil(0.9 * len(ordered)) - 1],
    )


def render(table: BiasTable) -> str:
    """Give the table for people."""
    rows = [f"{'drives':<20}{'offset':>8}{'cases':>7}{'found':>7}{'median':>10}{'9 of 10':>10}"]
    for row in table.rows:
        name = f"{row.half}, every {row.every_second} s"
        rows.append(
            f"{name:<20}{row.size:>8.0%}{row.cases:>7}{row.found:>7}"
            f"{row.median_minute:>6.1f} min{row.ninth_minute:>6.1f} min"
        )
    rows += [
        f"{name}: {table.false[name]} false alarms in {hours:.0f} h without an offset"
        for name, hours in table.hours.items()
    ]
    return "\n".join(rows)
