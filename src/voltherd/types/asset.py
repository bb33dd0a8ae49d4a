"""What is known of a pack and its cells before the first sample."""

from dataclasses import dataclass
from enum import StrEnum
from typing import final


class Chemistry(StrEnum):
    """Positive-electrode family, which decides the shape of the OCV."""

    NMC = "NMC"
    NCA = "NCA"
    LFP = "LFP"
    LMO = "LMO"
    LTO = "LTO"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CellType:
    """A cell as its data sheet gives it.

    Attributes:
        name: Maker's designation.
        chemistry: Positive-electrode family.
        capacity_nominal_ah: Rated capacity of one cell [Ah].
        voltage_volt_min: Lowest permitted voltage [V].
        voltage_volt_max: Highest permitted voltage [V].
    """

    name: str
    chemistry: Chemistry
    capacity_nominal_ah: float
    voltage_volt_min: float
    voltage_volt_max: float


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PackLayout:
    """How cells are joined and where probes sit.

    Attributes:
        series: Cell blocks in series; a block is one voltage channel.
        parallel: Cells in parallel in each block.
        module_series: Blocks per module along the string; empty where unknown.
        probe_module: Module (from 1) at which each probe sits; empty where unknown.
    """

    series: int
    parallel: int = 1
    module_series: tuple[int, ...] = ()
    probe_module: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        assert self.series > 0 and self.parallel > 0
        assert not self.module_series or sum(self.module_series) == self.series

    def module_of_cell(self, index: int) -> int | None:
        """Give the module (from 1) of a cell counted from 1, None where unknown.

        >>> PackLayout(series=96, module_series=(12,) * 8).module_of_cell(13)
        2
        """
        end = 0
        for module, blocks in enumerate(self.module_series, start=1):
            end += blocks
            if index <= end:
                return module
        return None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Vehicle:
    """Asset facts of one vehicle.

    Attributes:
        vehicle_id: Key that telemetry carries.
        layout: Pack layout, None where unknown.
        cell_type: Cell type, None where unknown.
        capacity_nominal_ah: Rated capacity of the pack, None where unknown [Ah].
        model: Vehicle model for people.
    """

    vehicle_id: str
    layout: PackLayout | None = None
    cell_type: CellType | None = None
    capacity_nominal_ah: float | None = None
    model: str = ""
