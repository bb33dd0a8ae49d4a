"""Makes vendors' tables out of clean batches: other names, units, signs, codes, clocks and losses.

Every import of such a table can be checked, because it is known what was done to which row.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Float, Int

from voltherd.types.sample import SampleBatch
from voltherd.types.table import RawTable
from voltherd.units import SECOND_PER_HOUR

CELL: Final = "voltage_volt_cell"
PROBE: Final = "temperature_celsius_probe"


class TimeForm(Enum):
    """How a vendor writes time."""

    UNIX_SECOND = "seconds since 1970"
    UNIX_MILLISECOND = "milliseconds since 1970"
    LOCAL_TEXT = "text of the local clock, no zone"
    UTC_STAMP = "datetime64, UTC"


class Scale(NamedTuple):
    """From our unit to the vendor's: ``per_unit * value + offset``."""

    per_unit: float = 1.0
    offset: float = 0.0


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Vendor:
    """How one vendor writes telemetry.

    Attributes:
        time_name: Column of the time stamps.
        time_form: How they are written.
        utc_offset_hour: By how much the local clock is ahead of UTC.
        cell_name: Pattern of the cell columns; without a place for ``index``, one array column.
        probe_name: Pattern of the probe columns, likewise.
        names: Column of each scalar channel; channels that are not named are left out.
        scales: Units, by channel; ``CELL`` and ``PROBE`` for the indexed ones.
        codes: Code that stands for 'no value', in the vendor's unit, by channel.
    """

    time_name: str
    time_form: TimeForm
    utc_offset_hour: float = 0.0
    cell_name: str
    probe_name: str
    names: Mapping[str, str]
    scales: Mapping[str, Scale] = field(default_factory=lambda: MappingProxyType({}))
    codes: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """What goes wrong on the way, each as a fraction of rows or values.

    Attributes:
        lost: Rows that never arrive.
        repeated: Rows that arrive twice.
        displaced: Rows that arrive a few places too late.
        missing: Values that are empty.
        coded: Values that are replaced by the vendor's code, where the channel has one.
    """

    lost: float = 0.0
    repeated: float = 0.0
    displaced: float = 0.0
    missing: float = 0.0
    coded: float = 0.0


class Messy(NamedTuple):
    """A vendor's table, and what was done to it."""

    table: RawTable
    source_row: Int[np.ndarray, "rows"]
    """Row of the batch that each row of the table came from."""
    lost: int
    """Rows that never arrived."""
    repeated: int
    """Rows that arrived twice."""
    displaced: int
    """Rows that arrived after a later one."""
    missing: Mapping[str, int]
    """Values emptied, by column."""
    coded: Mapping[str, int]
    """Values replaced by a code, by column."""


CLOUD: Final = Vendor(
    time_name="tboxTime",
    time_form=TimeForm.LOCAL_TEXT,
    utc_offset_hour=8.0,
    cell_name="V_{index}",
    probe_name="T_{index}",
    names=MappingProxyType(
        {
            "voltage_volt": "PackVoltage",
            "current_ampere": "PackCurrent",
            "soc_fraction": "PackSOC",
            "speed_kilometre_per_hour": "vehSpeed",
            "odometer_kilometre": "vehOdo",
            "insulation_resistance_ohm": "InsulationResistance_kOhm",
        }
    ),
    scales=MappingProxyType(
        {
            "current_ampere": Scale(per_unit=-1.0),
            "soc_fraction": Scale(per_unit=100.0),
            "insulation_resistance_ohm": Scale(per_unit=1e-3),
            PROBE: Scale(offset=40.0),
        }
    ),
    codes=MappingProxyType({PROBE: 255.0, CELL: 65.535, "soc_fraction": 255.0}),
)
"""Discharge positive, percent, °C + 40, 255 for 'no value', the clock of UTC+8."""

LOGGER: Final = Vendor(
    time_name="timestamp_ms",
    time_form=TimeForm.UNIX_MILLISECOND,
    cell_name="cell_voltage_mv_{index:02d}",
    probe_name="temp_degF_{index:02d}",
    names=MappingProxyType(
        {
            "voltage_volt": "pack_voltage",
            "current_ampere": "pack_current_dA",
            "soc_fraction": "soc",
            "speed_kilometre_per_hour": "speed",
        }
    ),
    scales=MappingProxyType(
        {
            "current_ampere": Scale(per_unit=10.0),
            CELL: Scale(per_unit=1000.0),
            PROBE: Scale(per_unit=1.8, offset=32.0),
        }
    ),
    codes=MappingProxyType({CELL: 65535.0}),
)
"""Millivolts, tenths of an ampere, °F, 0xFFFF for 'no value'."""

ARRAYS: Final = Vendor(
    time_name="time",
    time_form=TimeForm.UTC_STAMP,
    cell_name="cell_voltages",
    probe_name="temperatures",
    names=MappingProxyType({"current_ampere": "current", "soc_fraction": "soc"}),
    scales=MappingProxyType({PROBE: Scale(offset=273.15)}),
)
"""One array column for all cells, one for all probes, in kelvin."""


def make_messy(
    batch: SampleBatch,
    vendor: Vendor,
    damage: Damage | None = None,
    rng: np.random.Generator | None = None,
) -> Messy:
    """Write a batch as a vendor would, and damage it on the way.

    Args:
        batch: Clean telemetry; not changed.
        vendor: How it is written.
        damage: What goes wrong; nothing where not given.
        rng: Stream to draw the damage from; needed where there is any.

    Returns:
        The table, and what was done to it.
    """
    damage = damage or Damage()
    rng = rng or np.random.Generator(np.random.SFC64(0))
    row, displaced = _arrival(batch.rows, damage, rng)
    missing: dict[str, int] = {}
    coded: dict[str, int] = {}
    columns: dict[str, np.ndarray] = {vendor.time_name: _time(batch.unix_time_second[row], vendor)}

    def add(name: str, channel: str, values: Float[np.ndarray, "*shape"]) -> None:
        scale = vendor.scales.get(channel, Scale())
        written = np.asarray(scale.per_unit * values[row] + scale.offset, dtype=np.float64)
        # Arithmetic on decimals leaves crumbs a vendor would not write.
        written = np.round(written, 6)
        if code := vendor.codes.get(channel):
            hit = np.isnan(written) | (rng.random(written.shape) < damage.coded)
            written[hit] = code
            coded[name] = int(hit.sum())
        gone = rng.random(written.shape) < damage.missing
        written[gone] = np.nan
        missing[name] = int(gone.sum())
        columns[name] = written

    for channel, name in vendor.names.items():
        add(name, channel, batch.scalar[channel])
    for pattern, channel, block in (
        (vendor.cell_name, CELL, batch.cell_voltage_volt),
        (vendor.probe_name, PROBE, batch.probe_temperature_celsius),
    ):
        if pattern.format(index=1) == pattern:
            add(pattern, channel, block.astype(np.float64))
            continue
        for index in range(block.shape[1]):
            add(pattern.format(index=index + 1), channel, block[:, index].astype(np.float64))
    utc = vendor.time_form is TimeForm.UTC_STAMP
    table = RawTable(
        source=f"{batch.vehicle_id}.csv",
        columns=columns,
        utc=frozenset({vendor.time_name} if utc else ()),
    )
    kept = len(np.unique(row))
    return Messy(table, row, batch.rows - kept, len(row) - kept, displaced, missing, coded)


def _arrival(
    rows: int, damage: Damage, rng: np.random.Generator
) -> tuple[Int[np.ndarray, "arrived"], int]:
    """Draw which rows arrive, in which order; the first and the last always do."""
    kept = rng.random(rows) >= damage.lost
    kept[[0, -1]] = True
    row = np.flatnonzero(kept)
    twice = np.where(rng.random(len(row)) < damage.repeated, 2, 1)
    row = np.repeat(row, twice)
    late = rng.random(len(row)) < damage.displaced
    key = np.arange(len(row)) + np.where(late, rng.uniform(1.5, 5.0, len(row)), 0.0)
    row = row[np.argsort(key, kind="stable")]
    return row, int((row < np.maximum.accumulate(row)).sum())


def _time(unix_time_second: Float[np.ndarray, "rows"], vendor: Vendor) -> np.ndarray:
    if vendor.time_form is TimeForm.UNIX_SECOND:
        return unix_time_second
    milliseconds = np.rint(unix_time_second * 1e3).astype(np.int64)
    if vendor.time_form is TimeForm.UNIX_MILLISECOND:
        return milliseconds
    stamps = milliseconds.astype("datetime64[ms]")
    if vendor.time_form is TimeForm.UTC_STAMP:
        return stamps
    ahead = np.timedelta64(round(vendor.utc_offset_hour * SECOND_PER_HOUR), "s")
    text = np.datetime_as_string((stamps + ahead).astype("datetime64[s]"))
    return np.char.replace(text, "T", " ")
