"""Resistance over a horizon: how far a load has pulled the voltage from rest after so many seconds.

A pulse of constant current ``i`` from rest leaves, worst within the first h seconds::

    v(h) = ocv(soc + i h / 3600 Q) + R(h, soc, T, |i|, direction) i

R is what was measured, not what a circuit with two time constants makes of it: fitted to drives and
asked for three times their current, such a circuit was wrong by -40 to +73 %.  Between nodes log R
is interpolated, over 1/T, the state of charge and the current; a current above the largest pulse
is not answered, nor a cell that is colder, fuller or emptier than any that was pulsed: continued
by Arrhenius to the next colder chamber, recorded resistances came out up to 30 % too low.

Source: pulse resistance of the HPPC test, Battery Test Manual for Electric Vehicles, INL (2015),
section 3.4; Arrhenius over temperature.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Bool, Float

from voltherd.errors import InputError
from voltherd.numerics.cell_map import place
from voltherd.units import KELVIN_AT_ZERO_CELSIUS, SECOND_PER_HOUR

OHM_MIN: Final = 1e-5
CONTINUED_VOLT: Final = 0.3
PULSES_MIN: Final = 2
"""Fewer states of charge or temperatures span nothing."""
Values = Float[np.ndarray, "n"]
Table = Float[np.ndarray, "temperatures nodes currents horizons"]
PerCell = Float[np.ndarray, "cells"]


class Pulse(NamedTuple):
    """A constant current from rest, as it was recorded.

    Attributes:
        soc: Where it began.
        celsius: Temperature at which it began [°C].
        ampere: Charging positive [A].
        second: Times of the samples, ascending from the first under load [s].
        volt: At the terminals [V].
    """

    soc: float
    celsius: float
    ampere: float
    second: Values
    volt: Values


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ResistanceMap:
    """Resistances of one cell by horizon.

    Attributes:
        capacity_ah: Of the cell [Ah].
        ocv_volt: Open-circuit voltage at equally spaced SOC 0…1 [V].
        celsius: Nodes of temperature, ascending [°C].
        soc: Nodes of state of charge, ascending.
        ampere: Nodes of current, above 0, ascending; no pulse was larger [A].
        second: Horizons, ascending; the first is the step itself [s].
        charge_ohm: Resistance to charging at the nodes [Ω].
        discharge_ohm: Resistance to discharging at the nodes [Ω].
        source: What the pulses are.
    """

    capacity_ah: float
    ocv_volt: Float[np.ndarray, "curve"]
    celsius: Float[np.ndarray, "temperatures"]
    soc: Float[np.ndarray, "nodes"]
    ampere: Float[np.ndarray, "currents"]
    second: Float[np.ndarray, "horizons"]
    charge_ohm: Table
    discharge_ohm: Table
    source: str

    def __post_init__(self) -> None:
        for nodes in (self.celsius, self.soc, self.ampere, self.second):
            assert bool((np.diff(nodes) > 0.0).all()), "nodes must ascend"
        assert self.ampere[0] > 0.0
        assert min(self.charge_ohm.min(), self.discharge_ohm.min()) > 0.0

    @property
    def ampere_max(self) -> float:
        """Largest current that was identified [A]."""
        return float(self.ampere[-1])

    def spans(self, soc: PerCell, celsius: PerCell) -> Bool[np.ndarray, "cells"]:
        """Say of which cells the resistance is known.

        A warmer cell resists less than at the warmest node: what the edge tells is on the safe
        side there.
        """
        charged = (soc >= self.soc[0]) & (soc <= self.soc[-1])
        return np.asarray(charged & (celsius >= self.celsius[0]))

    def open_circuit(self, soc: Float[np.ndarray, "*batch"]) -> Float[np.ndarray, "*batch"]:
        """Read the open-circuit voltage; beyond 0…1 as at the end [V]."""
        grid = np.linspace(0.0, 1.0, len(self.ocv_volt))
        return np.asarray(np.interp(soc, grid, self.ocv_volt))

    def log_ohm(
        self, soc: PerCell, celsius: PerCell, *, charging: bool
    ) -> Float[np.ndarray, "cells currents horizons"]:
        """Interpolate log R to the state of every cell, at the nodes of current and horizon.

        Args:
            soc: State of charge; beyond the nodes as at the edge, which :meth:`spans` tells.
            celsius: Temperature; likewise [°C].
            charging: Which way.
        """
        table = np.log(self.charge_ohm if charging else self.discharge_ohm)
        row, down = place(_inverse(self.celsius)[::-1], _inverse(celsius))
        row, down = len(self.celsius) - 2 - row, 1.0 - down
        node, along = place(self.soc, soc)
        low, high = (
            table[row + step, node] + along[:, None, None] * _rise(table, row + step, node)
            for step in (0, 1)
        )
        return np.asarray(low + down[:, None, None] * (high - low))

    def ohm(
        self, log_ohm: Float[np.ndarray, "cells currents horizons"], ampere: PerCell
    ) -> Float[np.ndarray, "cells horizons"]:
        """Interpolate to a current per cell.

        Args:
            log_ohm: As :meth:`log_ohm` gives it.
            ampere: Size of the current; below the smallest pulse as there, beyond the largest as
                there: whoever asks for more than ``ampere_max`` is not answered truly [A].
        """
        node, along = place(self.ampere, ampere)
        cells = np.arange(len(ampere))
        low, high = log_ohm[cells, node], log_ohm[cells, node + 1]
        return np.asarray(np.exp(low + along[:, None] * (high - low)))

    def left_over(
        self, soc: PerCell, celsius: PerCell, ampere: float, second: float
    ) -> Float[np.ndarray, "cells horizons"]:
        """Give what a current that has just ended leaves of its voltage at each horizon [V].

        Args:
            soc: State of charge now.
            celsius: Temperature now [°C].
            ampere: The current that was held, charging positive [A].
            second: For how long [s].

        Returns:
            By superposition: ``i (R(second + h) - R(h))``, R between horizons over log time.
        """
        log_ohm = self.log_ohm(soc, celsius, charging=ampere > 0.0)
        rows = self.ohm(log_ohm, np.full(len(soc), abs(ampere)))
        times = np.log(self.second)
        late = np.log(self.second + second)
        grown = np.array([np.interp(late, times, row) for row in rows])
        return np.asarray(ampere * np.maximum(grown - rows, 0.0))


def _inverse(celsius: Float[np.ndarray, "*batch"]) -> Float[np.ndarray, "*batch"]:
    return 1.0 / (celsius + KELVIN_AT_ZERO_CELSIUS)


def _rise(table: Table, row: np.ndarray, node: np.ndarray) -> np.ndarray:
    return np.asarray(table[row, node + 1] - table[row, node])


def resistance_map(
    pulses: Sequence[Pulse],
    capacity_ah: float,
    ocv_volt: Float[np.ndarray, "curve"],
    horizons: Sequence[float],
    source: str,
) -> ResistanceMap:
    """Identify the map from pulses.

    Args:
        pulses: Both ways, at several temperatures, states of charge and currents; where one is
            missing its neighbours' resistance, by current, charge, then temperature, is taken.
        capacity_ah: Of the cell [Ah].
        ocv_volt: Open-circuit voltage at equally spaced SOC 0…1 [V].
        horizons: Ascending; the first should be the shortest that was sampled [s].
        source: What the pulses are, for the record.

    Raises:
        InputError: The pulses do not span states of charge, temperatures, currents and directions.
    """
    soc, celsius, ampere = (
        np.array(sorted({values[field] for values in _keys(pulses)})) for field in range(3)
    )
    if min(len(soc), len(celsius), len(ampere)) < PULSES_MIN:
        raise InputError(
            "the pulses span no map",
            mend="give several states of charge, temperatures and currents",
        )
    second = np.asarray(horizons, dtype=np.float64)
    tables = np.full((2, len(celsius), len(soc), len(ampere), len(second)), np.nan)
    grid = np.linspace(0.0, 1.0, len(ocv_volt))
    for pulse, (z, warm, flow) in zip(pulses, _keys(pulses), strict=True):
        moved = pulse.ampere * second / (SECOND_PER_HOUR * capacity_ah)
        rest = np.interp(pulse.soc + moved, grid, ocv_volt)
        over = (worst(pulse, second) - rest) / pulse.ampere
        at = (
            int(pulse.ampere > 0.0),
            int(np.searchsorted(celsius, warm)),
            int(np.searchsorted(soc, z)),
            int(np.searchsorted(ampere, flow)),
        )
        tables[at] = np.maximum(over, OHM_MIN)
    if np.isnan(tables).all(axis=(1, 2, 3, 4)).any():
        raise InputError("the pulses go one way only", mend="give charging and discharging pulses")
    discharge, charge = (np.exp(_filled(np.log(table))) for table in tables)
    return ResistanceMap(
        capacity_ah=capacity_ah,
        ocv_volt=ocv_volt,
        celsius=celsius,
        soc=soc,
        ampere=ampere,
        second=second,
        charge_ohm=charge,
        discharge_ohm=discharge,
        source=source,
    )


def _keys(pulses: Sequence[Pulse]) -> list[tuple[float, float, float]]:
    return [(pulse.soc, pulse.celsius, abs(pulse.ampere)) for pulse in pulses]


def worst(pulse: Pulse, horizons: Values) -> Values:
    """Give the farthest that the voltage has gone within each horizon [V].

    Returns:
        A pulse that a limit ended is continued along its last two samples, by as much again as it
        had moved at the most: it is known to have gone at least that far.
    """
    ends = np.searchsorted(pulse.second, horizons * (1.0 + 1e-9), side="right")
    extreme = np.maximum if pulse.ampere > 0.0 else np.minimum
    so_far = extreme.accumulate(pulse.volt)
    known = so_far[np.maximum(ends, 1) - 1]
    if len(pulse.second) < 2:
        return np.asarray(known)
    slope = (pulse.volt[-1] - pulse.volt[-2]) / (pulse.second[-1] - pulse.second[-2])
    beyond = np.maximum(horizons - pulse.second[-1], 0.0)
    most = CONTINUED_VOLT
    return np.asarray(known + np.clip(beyond * slope, -most, most))


def _filled(log_ohm: Table) -> Table:
    """Fill gaps from neighbours along the current, then the charge, then the temperature."""
    out = log_ohm.copy()
    for axis in (2, 1, 0):
        moved = np.moveaxis(out, axis, 0)
        flat = moved.reshape(len(moved), -1)
        at = np.arange(len(moved))
        for column in range(flat.shape[1]):
            known = np.isfinite(flat[:, column])
            if known.any():
                flat[:, column] = np.interp(at, at[known], flat[known, column])
        out = np.moveaxis(flat.reshape(moved.shape), 0, axis)
    return out
