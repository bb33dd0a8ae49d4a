"""How a pack is charged: the largest current that no limit forbids, followed over time.

The vehicle's limit is the lowest of what the charger gives, what the cell may carry, its voltage,
its temperature, the onset of plating and, where a power estimator is given, its state of power.
Which one binds is named at every step.  Constant current, then constant voltage, is what the
voltage limit makes of a constant request.  At that limit equation 10 of the source holds, current
positive while charging::

    I = (V_b - V_c) / R      V_b at the terminals, V_c inside (rest and polarisation), R in series

The cell is the project's own (:mod:`voltherd.numerics.cell_plant`), the onset of plating the table
of :mod:`voltherd.detection.plating`: a model's word about a model cell, and at its value of 20 °C
where it is warmer.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias, final

import numpy as np
from jaxtyping import Float, Int

from voltherd.charging.wear import Wear, WearPrice
from voltherd.detection.plating import LIMIT, LIMIT_CELSIUS, LIMIT_SOC
from voltherd.estimation.sop import PlatingTable, PowerBounds, PowerEstimator
from voltherd.numerics.cell_parameters import CellParameters
from voltherd.numerics.cell_plant import Plant, PlantState
from voltherd.types.asset import Chemistry
from voltherd.units import (
    GAS_CONSTANT_JOULE_PER_MOLE_KELVIN,
    KELVIN_AT_ZERO_CELSIUS,
    SECOND_PER_HOUR,
)

LIMITS: Final = ("request", "charger", "current", "voltage", "temperature", "plating", "power")
"""What can bind, in the order of ``Course.limit``."""
HEAT_SECOND: Final = 120.0
"""The temperature must not pass its limit within this time [s]."""
POWER_SECOND: Final = 30.0
TAPER_PER_HOUR: Final = 0.05
"""A charge ends when its current has fallen to this [capacities per hour]."""
STEP_SECOND: Final = 10.0
SECOND_MAX: Final = 24.0 * SECOND_PER_HOUR
Request: TypeAlias = Callable[[float, float], float]
"""The current asked for at a state of charge and temperature [°C], in capacities per hour."""
PerStep = Float[np.ndarray, " steps"]


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pack:
    """Cells in series with what they may bear.

    Attributes:
        cell: One of them; a parallel group counts as one.
        cells: How many.
        bounds: What one may bear.
        soh: Capacity left.
        resistance_scale: Resistance over that of a new cell.
        power: Estimator of what power it may take, where there is one.
    """

    cell: CellParameters
    cells: int
    bounds: PowerBounds
    soh: float = 1.0
    resistance_scale: float = 1.0
    power: PowerEstimator | None = None

    @property
    def capacity_ah(self) -> float:
        """Of one cell [Ah]."""
        return self.cell.capacity_ah * self.soh

    @property
    def energy_kwh(self) -> float:
        """That it holds [kWh]."""
        return self.capacity_ah * float(self.cell.ocv_volt.mean()) * self.cells / 1000.0

    @property
    def plant(self) -> Plant:
        """The cell that is charged."""
        return Plant(
            parameters=self.cell,
            capacity_scale=self.soh,
            resistance_scale=self.resistance_scale,
        )


class Course(NamedTuple):
    """A charge as it went, step by step; states at the ends of the steps.

    Attributes:
        second: Since its beginning [s].
        soc: State of charge.
        volt: Of a cell [V].
        ampere: During the step [A].
        watt: Of the pack at its terminals, during the step [W].
        celsius: Of the cell [°C].
        limit: What bound, a place in ``LIMITS``.
        heat_watt_hour: That all cells gave off so far [Wh].
        plated_ah: Charge beyond the onset of plating so far, of a cell [Ah].
    """

    second: PerStep
    soc: PerStep
    volt: PerStep
    ampere: PerStep
    watt: PerStep
    celsius: PerStep
    limit: Int[np.ndarray, " steps"]
    heat_watt_hour: PerStep
    plated_ah: PerStep

    @property
    def limit_name(self) -> list[str]:
        """Name what bound."""
        return [LIMITS[at] for at in self.limit.tolist()]


class TradeOff(NamedTuple):
    """What a way of charging costs in time, heat, lithium and life."""

    name: str
    minute: float
    celsius_max: float
    heat_watt_hour: float
    plated_share: float
    wear: WearPrice


def plating_table(
    capacity_ah: float, chemistry: Chemistry, kept: float = 1.0
) -> PlatingTable | None:
    """Give the onset of plating of a cell; none for titanate, which does not plate.

    Args:
        capacity_ah: Of the cell [Ah].
        chemistry: Its own.
        kept: Share of the onset that may be used.
    """
    if chemistry is Chemistry.LTO:
        return None
    return PlatingTable(celsius=LIMIT_CELSIUS, soc=LIMIT_SOC, ampere=kept * capacity_ah * LIMIT)


def constant_voltage_ampere(terminal_volt: float, inside_volt: float, ohm: float) -> float:
    """Give the current at a voltage held: equation 10, positive charging [A].

    >>> constant_voltage_ampere(4.2, 4.1, 0.01).__round__(6)
    10.0
    """
    return (terminal_volt - inside_volt) / ohm


def constant(rate_per_hour: float) -> Request:
    """Ask for one current throughout: with the voltage limit, CC-CV."""
    return lambda _soc, _celsius: rate_per_hour


def stepped(steps: Sequence[tuple[float, float]]) -> Request:
    """Ask for a current up to a state of charge, then for the next: multi-step constant current.

    >>> request = stepped([(0.4, 2.0), (1.0, 1.0)])
    >>> request(0.1, 25.0), request(0.4, 25.0), request(0.9, 25.0)
    (2.0, 1.0, 1.0)
    """
    ends = [end for end, _ in steps[:-1]]
    return lambda soc, _celsius: steps[int(np.searchsorted(ends, soc, side="right"))][1]


def along_onset(pack: Pack, share: float) -> Request:
    """Ask for a share of the current at which plating sets in."""
    table = plating_table(1.0, pack.cell.chemistry)
    assert table is not None, "a cell that does not plate has no onset"
    return lambda soc, celsius: share * _at(table, soc, celsius)


def in_steps_along_onset(pack: Pack, share: float, width: float = 0.1) -> Request:
    """Ask for what the onset allows at the end of each step of charge: multi-step, few currents."""
    smooth = along_onset(pack, share)
    return lambda soc, celsius: smooth(width * (math.floor(soc / width + 1e-9) + 1.0), celsius)


def _at(table: PlatingTable, soc: float, celsius: float) -> float:
    return float(table.at(np.array([soc]), np.array([celsius]))[0])


def allowed(
    pack: Pack,
    state: PlantState,
    request_ampere: float,
    ambient_celsius: float,
    charger_watt: float,
    step_second: float = STEP_SECOND,
) -> tuple[float, int]:
    """Give the largest current that all limits leave of a request, and which one binds.

    Args:
        pack: The pack.
        state: Of one cell.
        request_ampere: What is asked for [A].
        ambient_celsius: Around the cells [°C].
        charger_watt: That the charger gives [W].
        step_second: For which it is held [s].

    Returns:
        Current, not negative [A], and a place in ``LIMITS``.
    """
    bounds, celsius = pack.bounds, float(state.temperature_celsius[0])
    soc = float(state.soc[0])
    found = {
        "request": request_ampere,
        "current": min(bounds.charge_ampere, bounds.contact_ampere),
        "temperature": _heat_ampere(pack, celsius, ambient_celsius),
        "plating": math.inf if bounds.plating is None else _at(bounds.plating, soc, celsius),
        "power": _power_ampere(pack, soc, celsius),
    }

    def volt(ampere: float) -> float:
        _, after = pack.plant.step(state, np.array([ampere]), ambient_celsius, step_second)
        return float(after[0])

    found["voltage"] = _voltage_ampere(volt, bounds.volt_max, max(min(found.values()), 0.0))
    most = max(min(found.values()), 0.0)
    found["charger"] = _charger_ampere(volt, most, charger_watt / pack.cells)
    binding = min(found, key=lambda name: found[name])
    return max(found[binding], 0.0), LIMITS.index(binding)


def _charger_ampere(volt: Callable[[float], float], most_ampere: float, watt: float) -> float:
    """Give the current that a power of a cell comes to, if that is less [A]."""
    if math.isinf(watt):
        return math.inf
    ampere = most_ampere
    for _ in range(3):  # the voltage falls with the current: settles at once
        ampere = min(most_ampere, watt / volt(ampere))
    return math.inf if ampere == most_ampere else ampere


def _voltage_ampere(volt: Callable[[float], float], limit: float, most_ampere: float) -> float:
    """Give the current at which a cell just reaches its highest voltage, if that is less [A]."""
    low, high = 0.0, most_ampere
    if volt(high) <= limit:
        return math.inf
    if volt(0.0) >= limit:
        return 0.0
    for _ in range(20):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if volt(middle) <= limit else (low, middle)
    return low


def _ohm(pack: Pack, celsius: float) -> float:
    """Give a cell's whole resistance at a temperature [Ω]."""
    cell, kelvin = pack.cell, celsius + KELVIN_AT_ZERO_CELSIUS
    arrhenius = cell.activation_joule_per_mole / GAS_CONSTANT_JOULE_PER_MOLE_KELVIN
    warm = math.exp(arrhenius * (1.0 / kelvin - 1.0 / 298.15))
    return pack.resistance_scale * warm * (cell.r0_ohm + cell.r1_ohm + cell.r2_ohm)


def _heat_ampere(pack: Pack, celsius: float, ambient_celsius: float) -> float:
    """Give the current whose heat does not carry a cell over its temperature limit soon [A]."""
    cell = pack.cell
    room = (pack.bounds.celsius_max - celsius) * cell.heat_capacity_joule_per_kelvin / HEAT_SECOND
    leaves = (celsius - ambient_celsius) / cell.thermal_resistance_kelvin_per_watt
    return math.sqrt(max(room + leaves, 0.0) / _ohm(pack, celsius))


def _power_ampere(pack: Pack, soc: float, celsius: float) -> float:
    """Give the current that the state of power allows a cell [A]."""
    if pack.power is None:
        return math.inf
    cells = pack.power.rested(np.array([soc]), np.zeros(1), np.array([celsius]))
    return float(pack.power.power(cells, charging=True, horizons=(POWER_SECOND,)).ampere[0])


def charge(  # long: one loop that follows a charge
    pack: Pack,
    request: Request,
    soc: float,
    celsius: float,
    soc_end: float,
    charger_watt: float = math.inf,
    ambient_celsius: float | None = None,
    step_second: float = STEP_SECOND,
) -> Course:
    """Follow a charge to its end: full enough, tapered off, or a day over.

    Args:
        pack: The pack.
        request: What is asked for.
        soc: Where it begins.
        celsius: Of the cells at the beginning [°C].
        soc_end: Where it ends.
        charger_watt: That the charger gives [W].
        ambient_celsius: Around the cells; as warm as they were if not given [°C].
        step_second: Length of a step; of a minute, heat comes out 5 % higher [s].
    """
    plant, table = pack.plant, plating_table(pack.capacity_ah, pack.cell.chemistry)
    ambient = celsius if ambient_celsius is None else ambient_celsius
    state = plant.init(np.array([soc]), celsius)
    rows: list[tuple[float, ...]] = []
    nodes = np.linspace(0.0, 1.0, len(pack.cell.ocv_volt))
    heat, plated, second = 0.0, 0.0, 0.0
    while float(state.soc[0]) < soc_end and second < SECOND_MAX:
        at, warm = float(state.soc[0]), float(state.temperature_celsius[0])
        asked = request(at, warm) * pack.capacity_ah
        ampere, limit = allowed(pack, state, asked, ambient, charger_watt, step_second)
        weak = charger_watt > 0.0 and LIMITS[limit] == "charger"  # that is no battery that is full
        if ampere < min(TAPER_PER_HOUR * pack.capacity_ah, asked) and not weak:
            break
        state, volt = plant.step(state, np.array([ampere]), ambient, step_second)
        rest = float(np.interp(0.5 * (at + float(state.soc[0])), nodes, pack.cell.ocv_volt))
        second += step_second
        heat += ampere * (float(volt[0]) - rest) * pack.cells * step_second / SECOND_PER_HOUR
        if table is not None:
            beyond = max(ampere - _at(table, at, warm), 0.0)
            plated += beyond * step_second / SECOND_PER_HOUR
        watt = ampere * float(volt[0]) * pack.cells
        rows.append(
            (
                second,
                float(state.soc[0]),
                float(volt[0]),
                ampere,
                watt,
                float(state.temperature_celsius[0]),
                float(limit),
                heat,
                plated,
            )
        )
    columns = np.array(rows, dtype=np.float64).reshape(len(rows), len(Course._fields)).T
    named = dict(zip(Course._fields, columns, strict=True))
    return Course(**named | {"limit": named["limit"].astype(np.int64)})


def as_fast_as(
    pack: Pack,
    course: Course,
    soc: float,
    celsius: float,
    soc_end: float,
    shape: Callable[[Pack, float], Request] = along_onset,
) -> float:
    """Give the share of the onset of plating that, asked for throughout, takes as long as a charge.

    At the same time it plates least where every part goes beyond the onset alike.
    """
    low, high = 0.05, 5.0
    for _ in range(12):
        middle = math.sqrt(low * high)
        other = charge(pack, shape(pack, middle), soc, celsius, soc_end)
        slow = other.soc[-1] < soc_end or other.second[-1] > course.second[-1]
        low, high = (middle, high) if slow else (low, middle)
    return high


def power_curve(
    pack: Pack, soc: Float[np.ndarray, " nodes"], celsius: float, charger_watt: float
) -> Float[np.ndarray, " nodes"]:
    """Give the power that a pack takes over its state of charge: what a plan may count on [W].

    As it comes out when it is charged as fast as all limits let it, beginning at the first node.
    """
    course = charge(pack, constant(100.0), float(soc[0]), celsius, float(soc[-1]), charger_watt)
    if not len(course.soc):
        return np.zeros_like(soc)
    return np.asarray(np.interp(soc, course.soc, course.watt, right=0.0))


def trade_off(name: str, course: Course, pack: Pack, soc: float, wear: Wear) -> TradeOff:
    """Sum a charge up: its time, heat, lithium beyond the onset, and price of wear."""
    whole = np.concatenate([[soc], course.soc])
    mean = float(course.celsius.mean())
    return TradeOff(
        name=name,
        minute=float(course.second[-1]) / 60.0,
        celsius_max=float(course.celsius.max()),
        heat_watt_hour=float(course.heat_watt_hour[-1]),
        plated_share=float(course.plated_ah[-1]) / pack.capacity_ah,
        wear=wear.stay(whole, mean, float(course.second[0]) / SECOND_PER_HOUR, pack.energy_kwh),
    )
