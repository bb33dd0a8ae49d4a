"""Telemetry of one vehicle as a struct of arrays, time leading."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from jaxtyping import Float, UInt8

from voltherd.types.channel import cell_column, probe_column


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SampleBatch:
    """Samples of one vehicle in time order; a value that may not be used is NaN, its flag says why.

    Attributes:
        vehicle_id: Whose samples these are.
        unix_time_second: Seconds since 1970-01-01 UTC, never decreasing [s].
        cell_voltage_volt: One column per cell in string order [V].
        cell_quality: ``Quality`` of each cell voltage.
        probe_temperature_celsius: One column per probe [°C].
        probe_quality: ``Quality`` of each probe temperature.
        scalar: Further channels by canonical name (``types.channel.SCALARS``); current is
            positive while charging.
        scalar_quality: ``Quality`` of each scalar, same keys.
        cell_names: The source's own name of each cell column, for people.
        probe_names: The source's own name of each probe column.
    """

    vehicle_id: str
    unix_time_second: Float[np.ndarray, "time"]
    cell_voltage_volt: Float[np.ndarray, "time cells"]
    cell_quality: UInt8[np.ndarray, "time cells"]
    probe_temperature_celsius: Float[np.ndarray, "time probes"]
    probe_quality: UInt8[np.ndarray, "time probes"]
    scalar: Mapping[str, Float[np.ndarray, "time"]]
    scalar_quality: Mapping[str, UInt8[np.ndarray, "time"]]
    cell_names: tuple[str, ...] = ()
    probe_names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        rows = self.rows
        assert self.cell_voltage_volt.shape == self.cell_quality.shape
        assert self.probe_temperature_celsius.shape == self.probe_quality.shape
        assert len(self.cell_voltage_volt) == len(self.probe_temperature_celsius) == rows
        assert self.scalar.keys() == self.scalar_quality.keys()
        assert all(len(values) == rows for values in self.scalar.values())

    @property
    def rows(self) -> int:
        """Number of sample times."""
        return len(self.unix_time_second)

    @property
    def cells(self) -> int:
        """Number of cell columns."""
        return int(self.cell_voltage_volt.shape[1])

    @property
    def probes(self) -> int:
        """Number of temperature probes."""
        return int(self.probe_temperature_celsius.shape[1])

    def cell_name(self, index: int) -> str:
        """The source's name of a cell counted from 1, the canonical one where it has none."""
        return self.cell_names[index - 1] if self.cell_names else cell_column(index)

    def probe_name(self, index: int) -> str:
        """The source's name of a probe counted from 1, the canonical one where it has none."""
        return self.probe_names[index - 1] if self.probe_names else probe_column(index)

    def between(self, start: int, stop: int) -> "SampleBatch":
        """Give rows ``start`` to ``stop`` (exclusive) as views, nothing copied."""
        cut = slice(start, stop)
        return replace(
            self,
            unix_time_second=self.unix_time_second[cut],
            cell_voltage_volt=self.cell_voltage_volt[cut],
            cell_quality=self.cell_quality[cut],
            probe_temperature_celsius=self.probe_temperature_celsius[cut],
            probe_quality=self.probe_quality[cut],
            scalar={name: values[cut] for name, values in self.scalar.items()},
            scalar_quality={name: flags[cut] for name, flags in self.scalar_quality.items()},
        )

    def copied(self) -> "SampleBatch":
        """Give the same rows on their own: views would keep alive all rows they were cut from."""
        return replace(
            self,
            unix_time_second=self.unix_time_second.copy(),
            cell_voltage_volt=self.cell_voltage_volt.copy(),
            cell_quality=self.cell_quality.copy(),
            probe_temperature_celsius=self.probe_temperature_celsius.copy(),
            probe_quality=self.probe_quality.copy(),
            scalar={name: values.copy() for name, values in self.scalar.items()},
            scalar_quality={name: flags.copy() for name, flags in self.scalar_quality.items()},
        )


def empty_batch(vehicle_id: str, cells: int = 0, probes: int = 0) -> SampleBatch:
    """Give a batch without rows.

    >>> empty_batch("bus-7", cells=96).cells
    96
    """
    return SampleBatch(
        vehicle_id=vehicle_id,
        unix_time_second=np.empty(0),
        cell_voltage_volt=np.empty((0, cells), np.float32),
        cell_quality=np.empty((0, cells), np.uint8),
        probe_temperature_celsius=np.empty((0, probes), np.float32),
        probe_quality=np.empty((0, probes), np.uint8),
        scalar={},
        scalar_quality={},
    )
