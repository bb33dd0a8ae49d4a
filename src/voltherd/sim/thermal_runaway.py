"""A row of cells of which one is heated until its own reactions take over: a thermal runaway.

Each cell is one lumped body with four decomposition reactions (film on the anode, anode with
electrolyte, cathode, electrolyte), whose rates, heats and contents are those that Kim, Pesaran and
Spotnitz (Journal of Power Sources 170 (2007) 476) collected for cells with a cobalt cathode, after
Hatchard, MacNeil, Basu and Dahn (J. Electrochem. Soc. 148 (2001) A755).  When the separator fails,
what charge the cell holds turns into heat as well.  Neighbours touch through their faces, each cell
its coolant; a barrier is a smaller conductance between faces.  A cell vents when it is hot enough
for its electrolyte's vapour to open the disc.

Kept simple: no vent gas, no flames and no ejected matter carry heat, so that spread through gas is
not in it, and a barrier that holds here need not hold in a pack.

Reactions are advanced exactly over a step at its temperature, so that no step can burn more than
there is; steps shrink as the temperature runs.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Bool, Float, Int

from voltherd.sim.environment import vented
from voltherd.sim.spec import START_SECOND
from voltherd.sim.streams import Purpose, stream
from voltherd.types.sample import SampleBatch
from voltherd.types.stage import Stage
from voltherd.units import GAS_CONSTANT_JOULE_PER_MOLE_KELVIN, KELVIN_AT_ZERO_CELSIUS

RATE_PER_SECOND: Final = np.array([1.667e15, 2.5e13, 6.667e13, 5.14e25])
"""Frequency factors of film, anode, cathode and electrolyte [1/s]."""
ACTIVATION_JOULE_PER_MOLE: Final = np.array([1.3508e5, 1.3508e5, 1.396e5, 2.74e5])
HEAT_JOULE_PER_KILOGRAM: Final = np.array([2.57e5, 1.714e6, 3.14e5, 1.55e5])
CONTENT_KILOGRAM_PER_CUBIC_METRE: Final = np.array([610.4, 610.4, 1221.0, 406.9])
FRACTION: Final = np.array([0.15, 0.75, 0.04, 1.0])
"""What is there at first: of the cathode, what has reacted already."""
FILM_THICKNESS: Final = 0.033
DENSITY_HEAT_JOULE_PER_CUBIC_METRE_KELVIN: Final = 2580.0 * 830.0
STEP_SECOND_MAX: Final = 2.0
STEP_KELVIN: Final = 2.0
"""A step is so short that the temperature moves by no more than about this in it."""
SHORT_SECOND: Final = 20.0
"""Within this time a failed separator lets most of the charge out."""
ABNORMAL_KELVIN: Final = 5.0
SELF_HEATING_KELVIN_PER_SECOND: Final = 0.02 / 60.0
"""Heat of its own reactions by which a calorimeter calls a cell self-heating."""
RUNAWAY_KELVIN_PER_SECOND: Final = 1.0
FILM, ANODE, CATHODE, ELECTROLYTE = range(4)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One row of cells and what is done to it.

    Attributes:
        cells: How many.
        heat_capacity_joule_per_kelvin: Of each.
        face_watt_per_kelvin: From cell to cell; some 10 bare, about 1 with a barrier.
        coolant_watt_per_kelvin: From each cell to the coolant.
        energy_joule: Electrical energy that turns to heat inside a cell whose separator fails; half
            of a full 150 Ah block's, as much leaves it with what it ejects.
        coolant_celsius: Temperature of the coolant, and of all at first.
        cell: The cell that is heated, from 1.
        heater_watt: Heat put into it, until it runs away [W].
        heater_second: When the heat begins [s].
        heater_ramp_second: Within what time it comes up [s].
        separator_celsius: Where the separator fails.
        vent_celsius: Where the disc opens.
        duration_second: How long it is followed at most [s].
    """

    cells: int = 12
    heat_capacity_joule_per_kelvin: float = 2000.0
    face_watt_per_kelvin: float = 5.0
    coolant_watt_per_kelvin: float = 3.0
    energy_joule: float = 1.0e6
    coolant_celsius: float = 25.0
    cell: int = 6
    heater_watt: float = 1500.0
    heater_second: float = 600.0
    heater_ramp_second: float = 300.0
    separator_celsius: float = 150.0
    vent_celsius: float = 130.0
    duration_second: float = 7200.0


class Course(NamedTuple):
    """What happened, once a second.

    Attributes:
        second: Since the beginning [s].
        celsius: Temperature of each cell [°C].
        rate: How fast it climbs [K/s].
        reaction: How fast its own reactions alone would warm it [K/s].
        vented: Whether its disc is open.
        shorted: Whether its separator has failed.
    """

    second: Float[np.ndarray, " t"]
    celsius: Float[np.ndarray, "t c"]
    rate: Float[np.ndarray, "t c"]
    reaction: Float[np.ndarray, "t c"]
    vented: Bool[np.ndarray, "t c"]
    shorted: Bool[np.ndarray, "t c"]


def run(scenario: Scenario) -> Course:
    """Follow the cells second by second."""
    cells = scenario.cells
    volume = scenario.heat_capacity_joule_per_kelvin / DENSITY_HEAT_JOULE_PER_CUBIC_METRE_KELVIN
    kelvin = np.full(cells, scenario.coolant_celsius + KELVIN_AT_ZERO_CELSIUS)
    left = np.repeat(FRACTION[:, None], cells, axis=1)
    film, charge = np.full(cells, FILM_THICKNESS), np.full(cells, scenario.energy_joule)
    opened, shorted = np.zeros(cells, bool), np.zeros(cells, bool)
    rows = int(scenario.duration_second) + 1
    kept = [np.empty((rows, cells)) for _ in range(3)]
    marks = [np.empty((rows, cells), bool) for _ in range(2)]
    fastest = 0.0
    for row in range(rows):
        passed, before, reacted = 0.0, kelvin, np.zeros(cells)
        while passed < 1.0:
            step = min(1.0 - passed, STEP_SECOND_MAX, STEP_KELVIN / max(fastest, 0.1))
            left, film, heat = _react(left, film, kelvin, step)
            heat = heat * volume
            burnt = shorted * charge * -np.expm1(-step / SHORT_SECOND)
            charge = charge - burnt
            flow = _flow_watt(scenario, kelvin, row + passed, bool(shorted[scenario.cell - 1]))
            rise = (heat + burnt + flow * step) / scenario.heat_capacity_joule_per_kelvin
            kelvin = kelvin + rise
            reacted = reacted + (heat + burnt) / scenario.heat_capacity_joule_per_kelvin
            shorted = shorted | (kelvin >= scenario.separator_celsius + KELVIN_AT_ZERO_CELSIUS)
            opened = opened | (kelvin >= scenario.vent_celsius + KELVIN_AT_ZERO_CELSIUS)
            fastest = float(np.abs(rise).max()) / step
            passed += step
        kept[0][row], kept[1][row], kept[2][row] = kelvin, kelvin - before, reacted
        marks[0][row], marks[1][row] = opened, shorted
    return Course(np.arange(rows) + 1.0, kept[0] - KELVIN_AT_ZERO_CELSIUS, *kept[1:], *marks)


def _flow_watt(
    scenario: Scenario, kelvin: Float[np.ndarray, " c"], second: float, over: bool
) -> Float[np.ndarray, " c"]:
    """Give the heat that flows into each cell from neighbours, coolant and heater [W]."""
    between = scenario.face_watt_per_kelvin * np.diff(kelvin)
    coolant = scenario.coolant_celsius + KELVIN_AT_ZERO_CELSIUS
    flow = scenario.coolant_watt_per_kelvin * (coolant - kelvin)
    flow[:-1] += between
    flow[1:] -= between
    since = second - scenario.heater_second
    if since > 0.0 and not over:
        flow[scenario.cell - 1] += scenario.heater_watt * min(
            since / scenario.heater_ramp_second, 1.0
        )
    return flow


def _react(
    left: Float[np.ndarray, "4 c"],
    film: Float[np.ndarray, " c"],
    kelvin: Float[np.ndarray, " c"],
    step: float,
) -> tuple[Float[np.ndarray, "4 c"], Float[np.ndarray, " c"], Float[np.ndarray, " c"]]:
    """Let the reactions go on; gives what is left, the film, and the heat [J/m³]."""
    gas = GAS_CONSTANT_JOULE_PER_MOLE_KELVIN
    rate = RATE_PER_SECOND[:, None] * np.exp(-ACTIVATION_JOULE_PER_MOLE[:, None] / (gas * kelvin))
    rate[ANODE] *= np.exp(-film / FILM_THICKNESS)
    rate = np.minimum(rate * step, 50.0)
    gone = np.exp(-rate)
    after = left * gone
    # The cathode's is autocatalytic: a logistic curve, at this temperature exactly.
    grown = left[CATHODE] / gone[CATHODE]
    after[CATHODE] = grown / (1.0 - left[CATHODE] + grown)
    burnt = left - after
    burnt[CATHODE] = after[CATHODE] - left[CATHODE]
    heat = HEAT_JOULE_PER_KILOGRAM * CONTENT_KILOGRAM_PER_CUBIC_METRE
    return after, film + burnt[ANODE], heat @ burnt


def stages(course: Course) -> Int[np.ndarray, " t"]:
    """Give the true stage at each second, which never goes back.

    Abnormal heating: a cell 5 K above the median one.  Self-heating: its own reactions warm it by
    0.02 K/min, where accelerating-rate calorimetry says so.  Venting: a disc is open.  Runaway: a
    cell climbs by 1 K/s (both limits: Feng et al., Energy Storage Materials 10 (2018) 246).
    Propagation: a second one does.
    """
    above = course.celsius - np.median(course.celsius, axis=1)[:, None]
    running = np.logical_or.accumulate(course.rate >= RUNAWAY_KELVIN_PER_SECOND, axis=0)
    running &= np.logical_or.accumulate(course.shorted, axis=0)
    told = np.zeros(len(course.second), np.int64)
    for stage, mark in (
        (Stage.ABNORMAL_HEATING, (above >= ABNORMAL_KELVIN).any(axis=1)),
        (Stage.SELF_HEATING, (course.reaction >= SELF_HEATING_KELVIN_PER_SECOND).any(axis=1)),
        (Stage.VENTING, course.vented.any(axis=1)),
        (Stage.RUNAWAY, running.any(axis=1)),
        (Stage.PROPAGATION, running.sum(axis=1) >= 2),
    ):
        told = np.where(mark, np.maximum(told, stage), told)
    return np.asarray(np.maximum.accumulate(told))


def runaway_second(course: Course) -> Float[np.ndarray, " c"]:
    """Give when each cell ran away, NaN for those that did not [s]."""
    running = (course.rate >= RUNAWAY_KELVIN_PER_SECOND) & course.shorted
    return np.where(running.any(axis=0), course.second[running.argmax(axis=0)], np.nan)


class Telemetry(NamedTuple):
    """What a vehicle sends of it, and the truth.

    Attributes:
        batch: Its rows.
        stage: The true stage at each row.
        collapse_second: When the first separator failed, NaN for never [unix s].
    """

    batch: SampleBatch
    stage: Int[np.ndarray, " t"]
    collapse_second: float


def telemetry(
    course: Course, seed: int, *, period_second: int = 1, pressure: bool = True
) -> Telemetry:
    """Measure a parked vehicle of which one module is the row of cells.

    Eight modules of as many cells with three probes each, sent in whole degrees, ten seconds late;
    above 200 degrees a probe gives no value.  A shorted cell's voltage is gone within seconds;
    insulation breaks down when a cell has burnt through.

    Args:
        course: What happened.
        seed: Of the noise.
        period_second: Between two rows [s].
        pressure: Whether the pack measures its pressure.
    """
    rng = stream(seed, Purpose.SENSOR_DAY, 0)
    cells = course.celsius.shape[1]
    own = slice(3 * cells, 4 * cells)
    rows = np.arange(0, len(course.second), period_second)
    count = len(rows)
    volt = 3.9 + rng.normal(0.0, 0.003, 8 * cells) + rng.normal(0.0, 0.001, (count, 8 * cells))
    since = course.second[:, None] - _first(course.shorted, course.second)
    volt[:, own] *= np.where(since >= 0.0, np.exp(-np.maximum(since, 0.0) / 2.0), 1.0)[rows]
    probes = 24 + rng.normal(0.0, 0.4, 24) + (course.celsius[0].mean() - 24.0)
    celsius = probes + rng.normal(0.0, 0.15, (count, 24))
    places = (2 * np.arange(3) + 1) * cells // 6
    felt = _late(course.celsius[:, places], 10.0)[rows]
    celsius[:, 9:12] += felt - course.celsius[0, places]
    celsius = np.round(celsius)
    burnt = course.second - np.nanmin(np.append(runaway_second(course), np.inf)) - 3.0
    ohm = np.where(burnt[rows] >= 0.0, rng.uniform(2e3, 4e4, count), rng.normal(3e6, 1e5, count))
    scalar = {
        "current_ampere": np.round(rng.normal(0.0, 0.1, count), 1),
        "voltage_volt": np.round(volt.sum(axis=1), 1),
        "soc_fraction": np.full(count, 0.8),
        "insulation_resistance_ohm": np.round(ohm, -3),
    }
    if pressure:
        age = course.second[:, None] - _first(course.vented, course.second)
        gas = 2e4 * vented(np.nan_to_num(age, nan=-1.0).ravel()).reshape(age.shape).sum(axis=1)
        scalar["pressure_pascal"] = 1e5 + gas[rows] + rng.normal(0.0, 60.0, count)
    batch = SampleBatch(
        vehicle_id=f"runaway-{seed}",
        unix_time_second=START_SECOND + course.second[rows],
        cell_voltage_volt=np.where(volt < 0.5, np.nan, np.round(volt, 3)).astype(np.float32),
        cell_quality=np.zeros(volt.shape, np.uint8),
        probe_temperature_celsius=np.where(celsius > 200.0, np.nan, celsius).astype(np.float32),
        probe_quality=np.zeros(celsius.shape, np.uint8),
        scalar=scalar,
        scalar_quality={name: np.zeros(count, np.uint8) for name in scalar},
    )
    collapse = float(np.nanmin(np.append(_first(course.shorted, course.second), np.inf)))
    return Telemetry(batch, stages(course)[rows], START_SECOND + collapse)


def _first(
    marks: Bool[np.ndarray, "t c"], second: Float[np.ndarray, " t"]
) -> Float[np.ndarray, " c"]:
    """Give when each was first marked, NaN for never [s]."""
    return np.where(marks.any(axis=0), second[marks.argmax(axis=0)], np.nan)


def _late(values: Float[np.ndarray, "t n"], second: float) -> Float[np.ndarray, "t n"]:
    """Give values once a second through a first-order lag."""
    felt, share = values.copy(), -np.expm1(-1.0 / second)
    for row in range(1, len(values)):
        felt[row] = felt[row - 1] + share * (values[row] - felt[row - 1])
    return felt
