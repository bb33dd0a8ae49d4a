"""State of power: what a string of cells can take or give for a while before a limit breaks.

The current is sought that, held for the horizon, brings one of the limits exactly about: a cell's
voltage, current, temperature or charge, the contacts' current, and on charge the onset of plating.
Voltages come from the resistance over that horizon (:mod:`voltherd.numerics.resistance_map`) and
from what earlier loads have left.  A power held is not a current held: as the voltage gives way
the current grows (or, charging, shrinks), which the answer allows for.

What is published is what still holds if the state of charge is as far off as its uncertainty
says, to the unfavourable side; the weakest cell limits the string.  Nothing is promised of a cell
whose state is not known, or at which the map has no resistance.

Source: Plett, IEEE Trans. Vehicular Technology 53 (2004) 1586; Battery Test Manual for Electric
Vehicles, INL (2015), section 4.3.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Float, Int

from voltherd.errors import UsageError
from voltherd.numerics.cell_map import place
from voltherd.numerics.resistance_map import ResistanceMap
from voltherd.types.estimate import NORMAL_90
from voltherd.units import SECOND_PER_HOUR

HORIZONS: Final = (2.0, 10.0, 30.0, 60.0, 300.0)
LIMITS: Final = (
    "voltage",
    "current",
    "contact",
    "charge",
    "temperature",
    "plating",
    "not identified",
    "not known",
)
"""What can bind, in the order of ``PowerState.limit``.

The map binds where it is not identified: above its largest pulse, and in states that it does not
span.  Of a cell whose state is not known no power is.
"""
_NOT_IDENTIFIED: Final = LIMITS.index("not identified")
_NOT_KNOWN: Final = LIMITS.index("not known")
_HALVINGS: Final = 30
PerCell = Float[np.ndarray, "cells"]
PerHorizon = Float[np.ndarray, "cells horizons"]


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlatingTable:
    """Largest charging current that plates no lithium.

    Attributes:
        celsius: Nodes of temperature, ascending [°C].
        soc: Nodes of state of charge, ascending.
        ampere: At the nodes; between them bilinear, beyond them as at the edge [A].
    """

    celsius: Float[np.ndarray, "temperatures"]
    soc: Float[np.ndarray, "nodes"]
    ampere: Float[np.ndarray, "temperatures nodes"]

    def at(self, soc: PerCell, celsius: PerCell) -> PerCell:
        """Look the current up [A]."""
        row, down = place(self.celsius, celsius)
        node, along = place(self.soc, soc)
        low, high = (
            self.ampere[row + step, node]
            + along * (self.ampere[row + step, node + 1] - self.ampere[row + step, node])
            for step in (0, 1)
        )
        return np.asarray(low + down * (high - low))


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PowerBounds:
    """What one cell and its path may bear.

    Attributes:
        volt_min: Of a cell [V].
        volt_max: Of a cell [V].
        charge_ampere: Of a cell [A].
        discharge_ampere: Of a cell [A].
        contact_ampere: Of contacts and fuse, either way [A].
        celsius_max: Of a cell [°C].
        soc_min: Least charge.
        soc_max: Most charge.
        heat_capacity_joule_per_kelvin: Of a cell [J/K].
        thermal_resistance_kelvin_per_watt: From a cell to surroundings as warm as it is now; where
            not given no heat is taken to leave it [K/W].
        plating: Limit of charging by temperature and charge; none where not known.
    """

    volt_min: float
    volt_max: float
    charge_ampere: float
    discharge_ampere: float
    contact_ampere: float = math.inf
    celsius_max: float = 60.0
    soc_min: float = 0.0
    soc_max: float = 1.0
    heat_capacity_joule_per_kelvin: float = math.inf
    thermal_resistance_kelvin_per_watt: float = math.inf
    plating: PlatingTable | None = None

    def kelvin_per_watt(self, second: float) -> float:
        """Give how warm a heat makes the cell within a time [K/W]."""
        capacity, path = (
            self.heat_capacity_joule_per_kelvin,
            self.thermal_resistance_kelvin_per_watt,
        )
        if math.isinf(path):
            return second / capacity
        return -path * math.expm1(-second / (path * capacity))


class CellState(NamedTuple):
    """Where cells in series stand.

    Attributes:
        soc: State of charge.
        sigma: Its standard uncertainty.
        celsius: Temperature [°C].
        left_volt: What earlier loads still add to the voltage at each horizon of the map, if
            nothing more flowed; 0 after a rest [V].
    """

    soc: PerCell
    sigma: PerCell
    celsius: PerCell
    left_volt: PerHorizon


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PowerState:
    """What a string can do, by horizon; charging positive, discharging negative.

    Attributes:
        second: The horizons [s].
        watt: Power that can be held: the published value; 0 where that cannot be told [W].
        ampere: Current it comes to at the limit, of the string [A].
        limit: Which limit binds, a place in ``LIMITS``.
        cell: Which cell binds, from 1.
        expected_watt: The power if the state of charge is exactly as estimated; NaN where that
            cannot be told [W].
        hopeful_watt: The power if it is off to the favourable side: with ``watt`` the ends of the
            90 % interval; NaN where that cannot be told [W].
    """

    second: Float[np.ndarray, "asked"]
    watt: Float[np.ndarray, "asked"]
    ampere: Float[np.ndarray, "asked"]
    limit: Int[np.ndarray, "asked"]
    cell: Int[np.ndarray, "asked"]
    expected_watt: Float[np.ndarray, "asked"]
    hopeful_watt: Float[np.ndarray, "asked"]

    @property
    def limit_name(self) -> list[str]:
        """Name what binds."""
        return [LIMITS[at] for at in self.limit]


class _Held(NamedTuple):
    """What a mean current leads to within a horizon, cell by cell."""

    volt: PerCell
    mean_volt: PerCell
    ampere: PerCell
    celsius: PerCell
    soc: PerCell


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PowerEstimator:
    """Finds the power of a string from the state of its cells.

    Attributes:
        map: The cells' resistances by horizon.
        bounds: What they may bear.
        margin: Share of the power that is held back for what the map gets wrong, and that the
            other end of the interval allows for.
    """

    map: ResistanceMap
    bounds: PowerBounds
    margin: float = 0.02

    def rested(self, soc: PerCell, sigma: PerCell, celsius: PerCell) -> CellState:
        """Describe cells that nothing has loaded for long."""
        return CellState(soc, sigma, celsius, np.zeros((len(soc), len(self.map.second))))

    def power(
        self, cells: CellState, *, charging: bool, horizons: Sequence[float] = HORIZONS
    ) -> PowerState:
        """Find the power by horizon, one way.

        Args:
            cells: Where the cells in series stand.
            charging: Which way.
            horizons: Among those of the map [s].

        Returns:
            Powers of the string; 0 where a limit is broken already, or where nothing is known.

        Raises:
            UsageError: The map has no such horizon.
        """
        doubt = NORMAL_90 * cells.sigma * (1.0 if charging else -1.0)
        asked = [self._place(horizon) for horizon in horizons]
        low, high = self.map.soc[0], self.map.soc[-1]
        socs = (
            np.clip(cells.soc + doubt, 0.0, 1.0),
            np.clip(cells.soc, 0.0, 1.0),
            np.clip(cells.soc - doubt, low, high),
        )
        found = [
            [self._string(cells._replace(soc=soc), at, charging) for at in asked] for soc in socs
        ]
        kept = 1.0 - self.margin
        watt, expected, hopeful = (
            np.array([share * one[0] for one in row], dtype=np.float64)
            for share, row in zip((kept, kept, 1.0 + self.margin), found, strict=True)
        )
        if self._gap(cells._replace(soc=socs[1])):
            expected, hopeful = np.full_like(watt, np.nan), np.full_like(watt, np.nan)
        _, ampere, limit, cell = zip(*found[0], strict=True)
        return PowerState(
            second=self.map.second[asked],
            watt=watt,
            ampere=kept * np.array(ampere, dtype=np.float64),
            limit=np.array(limit),
            cell=np.array(cell),
            expected_watt=expected,
            hopeful_watt=hopeful,
        )

    def _place(self, horizon: float) -> int:
        known = self.map.second
        at = int(np.abs(known - horizon).argmin())
        if not math.isclose(known[at], horizon, rel_tol=1e-6):
            there = ", ".join(f"{second:g}" for second in known)
            raise UsageError(f"the map has no horizon of {horizon:g} s", mend=f"it has {there} s")
        return at

    def _gap(self, cells: CellState) -> tuple[int, int] | None:
        """Give what is missing for an answer, and in which cell; none where nothing is."""
        known = np.isfinite([cells.soc, cells.sigma, cells.celsius]).all(axis=0)
        known &= np.isfinite(cells.left_volt).all(axis=1) & (cells.sigma >= 0.0)
        for limit, fine in (
            (_NOT_KNOWN, known),
            (_NOT_IDENTIFIED, self.map.spans(cells.soc, cells.celsius)),
        ):
            if not fine.all():
                return limit, int(np.argmin(fine)) + 1
        return None

    def _string(
        self, cells: CellState, horizon: int, charging: bool
    ) -> tuple[float, float, int, int]:
        """Give power, current, binding limit and binding cell of a string."""
        gap = self._gap(cells)
        if gap:
            return 0.0, 0.0, *gap
        log_ohm = self.map.log_ohm(cells.soc, cells.celsius, charging=charging)
        low, high = np.zeros(len(cells.soc)), np.full(len(cells.soc), 1.5 * self.map.ampere_max)
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            held = self._held(cells, log_ohm, middle, horizon, charging)
            fine = (self._room(cells, held, charging) >= 0.0).all(axis=0)
            low, high = np.where(fine, middle, low), np.where(fine, high, middle)
        weakest = int(np.argmin(low))
        broken = self._room(cells, self._held(cells, log_ohm, high, horizon, charging), charging)[
            :, weakest
        ]
        if low[weakest] == 0.0 or high[weakest] < 1e-6 * self.map.ampere_max:
            return 0.0, 0.0, int(np.argmin(broken)), weakest + 1
        held = self._held(cells, log_ohm, np.full(len(low), low[weakest]), horizon, charging)
        sign = 1.0 if charging else -1.0
        watt = sign * low[weakest] * float(held.mean_volt.sum())
        return watt, sign * float(held.ampere[weakest]), int(np.argmin(broken)), weakest + 1

    def _held(
        self,
        cells: CellState,
        log_ohm: Float[np.ndarray, "cells currents horizons"],
        mean: PerCell,
        horizon: int,
        charging: bool,
    ) -> _Held:
        """Follow a power whose mean current within the horizon is given.

        The map's pulses hold their current.  A power's current is its mean times the mean voltage
        over the voltage; how far its end lies from its mean is taken to act by the first
        horizon's resistance alone.
        """
        sign = 1.0 if charging else -1.0
        second = self.map.second[: horizon + 1]
        moved = sign * mean[:, None] * second / (SECOND_PER_HOUR * self.map.capacity_ah)
        ohm = self.map.ohm(log_ohm, mean)[:, : horizon + 1]
        rest = self.map.open_circuit(cells.soc[:, None] + moved)
        over = cells.left_volt[:, : horizon + 1] + sign * ohm * mean[:, None]
        volt = np.maximum(rest + over, _VOLT_MIN)
        mean_volt = _mean(second, volt)
        drift = mean[:, None] * (mean_volt[:, None] / volt - 1.0)
        end = np.maximum(volt[:, -1] + sign * ohm[:, 0] * drift[:, -1], _VOLT_MIN)
        heat = mean * _mean(second, np.abs(over))
        return _Held(
            volt=end,
            mean_volt=mean_volt,
            ampere=mean + drift.max(axis=1),
            celsius=cells.celsius + heat * self.bounds.kelvin_per_watt(float(second[-1])),
            soc=cells.soc + moved[:, -1],
        )

    def _room(self, cells: CellState, held: _Held, charging: bool) -> Float[np.ndarray, "7 cells"]:
        """Give how far each limit is, as a share of itself; below 0 where it is broken."""
        bounds = self.bounds
        ampere = bounds.charge_ampere if charging else bounds.discharge_ampere
        plates = np.full(len(cells.soc), math.inf)
        if charging and bounds.plating is not None:
            plates = bounds.plating.at(held.soc, cells.celsius)
        edge = bounds.volt_max if charging else bounds.volt_min
        sign = 1.0 if charging else -1.0
        full = (bounds.soc_max - held.soc) if charging else (held.soc - bounds.soc_min)
        return np.stack(
            [
                sign * (edge - held.volt) / edge,
                1.0 - held.ampere / ampere,
                1.0 - held.ampere / bounds.contact_ampere,
                full,
                1.0 - held.celsius / bounds.celsius_max,
                1.0 - held.ampere / plates,
                1.0 - held.ampere / (self.map.ampere_max * (1.0 + 1e-9)),
            ]
        )


_VOLT_MIN: Final = 0.1
"""Keeps a current that no cell could give from dividing by nothing [V]."""


def _mean(second: Float[np.ndarray, "times"], values: PerHorizon) -> PerCell:
    """Average over time, the first value as from the beginning."""
    steps = np.diff(second)
    area = (0.5 * (values[:, 1:] + values[:, :-1]) * steps).sum(axis=1)
    return np.asarray((area + values[:, 0] * second[0]) / second[-1])


def relaxing(
    pair_volt: Float[np.ndarray, "cells pairs"],
    tau_second: Sequence[float],
    second: Float[np.ndarray, "horizons"],
) -> PerHorizon:
    """Give what a filter's polarisation voltages still add at each horizon if nothing flows [V].

    Args:
        pair_volt: Voltages of the RC pairs now [V].
        tau_second: Their time constants [s].
        second: The horizons [s].
    """
    kept = np.exp(-second[None, :] / np.asarray(tau_second)[:, None])
    return np.asarray(pair_volt @ kept)
