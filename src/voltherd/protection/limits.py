"""The limits of a pack as a table: one row per quantity, three levels each, one delay per level.

The levels are named as the industry names them: maximum operating limit (``OPERATING``, told),
recommended safety limit (``RECOMMENDED``, current in the harmful direction fades to nothing) and
maximum safety limit (``SAFETY``, the contactors open).  A row is data: a new limit is a new row,
and the boundary sweeps of the tests pick it up.
"""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, final

from voltherd.types.asset import CellType, Chemistry
from voltherd.types.event import Severity


class Quantity(StrEnum):
    """What is watched."""

    CELL_VOLTAGE = "cell_voltage"
    """Every cell [V]."""
    PROBE_TEMPERATURE = "probe_temperature"
    """Every probe [°C]."""
    CURRENT = "current"
    """The pack's current, positive charging [A]."""
    INSULATION = "insulation"
    """Insulation of the high-voltage bus [Ω]; a pack may have no such sensor."""


class Harm(StrEnum):
    """Which current makes it worse."""

    CHARGE = "charge"
    DISCHARGE = "discharge"
    BOTH = "both"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One row.

    Attributes:
        quantity: What is watched.
        above: Whether values above the level break it, else values below.
        levels: Where each severity begins, mildest first, in the quantity's unit.
        delay_second: For how long each must be broken before it counts [s].
        hysteresis: How far back a value must come before the level clears, in the same unit.
        harm: Which current is taken away.
        charging_only: Whether it is judged only while charging (cold cells must not be charged).
    """

    quantity: Quantity
    above: bool
    levels: tuple[float, float, float]
    delay_second: tuple[float, float, float]
    hysteresis: float
    harm: Harm
    charging_only: bool = False

    def __post_init__(self) -> None:
        ordered = self.levels if self.above else self.levels[::-1]
        assert ordered[0] <= ordered[1] <= ordered[2]
        assert min(self.delay_second) >= 0.0 and self.hysteresis >= 0.0

    @property
    def code(self) -> str:
        """The event's name.

        >>> [row.code for row in pack_limits(CellType(name="c", chemistry=Chemistry.NMC,
        ...     capacity_nominal_ah=150.0, voltage_volt_min=2.8, voltage_volt_max=4.2)).rows][:2]
        ['cell_voltage.high', 'cell_voltage.low']
        """
        side = "high" if self.above else "low"
        return f"{self.quantity.value}.{side}{'_charging' if self.charging_only else ''}"

    def level(self, severity: Severity) -> float:
        """Where a severity begins."""
        return self.levels[severity - 1]

    def delay(self, severity: Severity) -> float:
        """For how long it must be broken before it counts [s]."""
        return self.delay_second[severity - 1]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PackLimits:
    """Everything protection depends on.

    Attributes:
        rows: The table.
        charge_ampere_max: Most current into the pack, a magnitude [A].
        discharge_ampere_max: Most current out of the pack, a magnitude [A].
        age_second_max: A sample older than this permits nothing [s].
        blind_second_max: For how long a cell, probe or the current may go unmeasured [s].
        fade_second: Time in which a current that is taken away fades to nothing [s].
        break_ampere: Below this magnitude contactors open without waiting [A].
    """

    rows: tuple[Limit, ...]
    charge_ampere_max: float
    discharge_ampere_max: float
    age_second_max: float = 5.0
    blind_second_max: float = 30.0
    fade_second: float = 4.0
    break_ampere: float = 5.0

    def __post_init__(self) -> None:
        assert 0.0 <= self.charge_ampere_max < math.inf
        assert 0.0 <= self.discharge_ampere_max < math.inf
        assert self.age_second_max > 0.0 and self.fade_second > 0.0


CHARGE_RATE_MAX: Final = 2.5
DISCHARGE_RATE_MAX: Final = 5.0
"""Multiples of the nominal capacity per hour: engineering assumptions for traction packs."""


def pack_limits(cell: CellType) -> PackLimits:
    """Give limits to start from, where only the data sheet of the cell block is known.

    Voltages come from the data sheet, temperatures are customary for lithium-ion cells of any
    chemistry here (charge from 0 °C, stop at 55 °C, open at 65 °C), rates are assumptions; a
    pack's own table replaces them.

    Args:
        cell: The block, its capacity that of the parallel group.

    >>> nmc = CellType(name="c", chemistry=Chemistry.NMC, capacity_nominal_ah=150.0,
    ...                voltage_volt_min=2.8, voltage_volt_max=4.2)
    >>> pack_limits(nmc).rows[0].levels
    (4.21, 4.25, 4.3)
    """
    charge, discharge = (
        rate * cell.capacity_nominal_ah for rate in (CHARGE_RATE_MAX, DISCHARGE_RATE_MAX)
    )
    return PackLimits(
        rows=(*_voltage_rows(cell), *_TEMPERATURE_ROWS, *_current_rows(charge, discharge)),
        charge_ampere_max=charge,
        discharge_ampere_max=discharge,
    )


def _voltage_rows(cell: CellType) -> tuple[Limit, Limit]:
    low, high = cell.voltage_volt_min, cell.voltage_volt_max
    rise = (0.05, 0.15, 0.25) if cell.chemistry is Chemistry.LFP else (0.01, 0.05, 0.10)
    return (
        Limit(
            quantity=Quantity.CELL_VOLTAGE,
            above=True,
            levels=(round(high + rise[0], 6), round(high + rise[1], 6), round(high + rise[2], 6)),
            delay_second=(2.0, 2.0, 1.0),
            hysteresis=0.05,
            harm=Harm.CHARGE,
        ),
        Limit(
            quantity=Quantity.CELL_VOLTAGE,
            above=False,
            levels=(low, round(low - 0.2, 6), round(low - 0.5, 6)),
            delay_second=(2.0, 2.0, 1.0),
            hysteresis=0.1,
            harm=Harm.DISCHARGE,
        ),
    )


_TEMPERATURE_ROWS: Final = (
    Limit(
        quantity=Quantity.PROBE_TEMPERATURE,
        above=True,
        levels=(50.0, 55.0, 65.0),
        delay_second=(5.0, 5.0, 2.0),
        hysteresis=3.0,
        harm=Harm.BOTH,
    ),
    Limit(
        quantity=Quantity.PROBE_TEMPERATURE,
        above=False,
        levels=(0.0, -10.0, -30.0),
        delay_second=(5.0, 5.0, 5.0),
        hysteresis=2.0,
        harm=Harm.CHARGE,
        charging_only=True,
    ),
)


def _current_rows(charge: float, discharge: float) -> tuple[Limit, Limit]:
    return (
        Limit(
            quantity=Quantity.CURRENT,
            above=True,
            levels=(charge, round(1.1 * charge, 6), round(1.3 * charge, 6)),
            delay_second=(5.0, 2.0, 0.5),
            hysteresis=0.05 * charge,
            harm=Harm.CHARGE,
        ),
        Limit(
            quantity=Quantity.CURRENT,
            above=False,
            levels=(-discharge, round(-1.1 * discharge, 6), round(-1.3 * discharge, 6)),
            delay_second=(5.0, 2.0, 0.5),
            hysteresis=0.05 * discharge,
            harm=Harm.DISCHARGE,
        ),
    )
