"""Findings: what is wrong, where, since when, how sure, and what to do."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import final


class Severity(IntEnum):
    """Three levels, named as the limits they stand for; a higher one is more urgent."""

    OPERATING = 1
    """Worth knowing; the vehicle works."""
    RECOMMENDED = 2
    """Plan a visit: range, life or reliability suffers, or soon will."""
    SAFETY = 3
    """Act now: a limit that keeps people safe is at stake."""

    @property
    def word(self) -> str:
        """The name in JSON and on screen.

        >>> Severity.SAFETY.word
        'safety'
        """
        return self.name.lower()


class Phenomenon(StrEnum):
    """Everything a finding can be about; the one enumeration that reports and truth files share."""

    WEAK_CELL = "weak_cell"
    """One cell has less capacity than its siblings: it falls away as the pack empties."""
    CELL_IMBALANCE = "cell_imbalance"
    """One cell holds less or more charge than its siblings, steadily."""
    SOC_IMBALANCE = "soc_imbalance"
    """The pack's cells hold different charge, no single cell being to blame."""
    CONTACT_RESISTANCE = "contact_resistance"
    """One cell's voltage follows the current too strongly: resistance or connection."""
    INTERNAL_SHORT = "internal_short"
    """One cell loses charge against its siblings day by day."""
    MODULE_OFFSET = "module_offset"
    """A whole module stands apart from the others."""
    STRING_GRADIENT = "string_gradient"
    """The deviation climbs along the string without being charge."""
    CELL_OUTLIER = "cell_outlier"
    """One cell stands apart from its siblings and the data cannot yet say why."""
    SENSOR_BIAS = "sensor_bias"
    """One measurement is off by a constant while what it measures is not."""
    SENSOR_DRIFT = "sensor_drift"
    """One measurement slides away day by day while what it measures does not."""
    SENSOR_STUCK = "sensor_stuck"
    """One measurement no longer moves while its siblings do."""
    SENSOR_SPIKES = "sensor_spikes"
    """One measurement jumps and returns while its siblings do not."""
    CHANNEL_SWAP = "channel_swap"
    """Two channels are exchanged."""
    CHANNEL_INVALID = "channel_invalid"
    """A channel reports codes that stand for 'no value'."""
    CHANNEL_FROZEN = "channel_frozen"
    """A channel that should vary never does."""
    COUNTER_RESET = "counter_reset"
    """A counter that may only grow fell."""
    PACK_VOLTAGE_MISMATCH = "pack_voltage_mismatch"
    """The cells' sum and the pack voltage disagree."""
    SOC_MISREPORTED = "soc_misreported"
    """The state of charge that the vehicle reports is not the one its battery has."""
    TEMPERATURE_OUTLIER = "temperature_outlier"
    """One probe is hotter or colder than its siblings."""
    SELF_HEATING = "self_heating"
    """One place in the pack makes more heat than current, coolant and siblings explain."""
    JOINT_HEATING = "joint_heating"
    """One place heats with the square of the current, more than it used to: a joint."""
    COOLING_BLOCKED = "cooling_blocked"
    """Neighbouring probes have become warmer together: their part of the cooling fails."""
    THERMAL_STAGE = "thermal_stage"
    """The pack shows signs of a stage on the way to a thermal runaway."""
    THERMAL_RUNAWAY = "thermal_runaway"
    """Two within a minute: a cell collapses, a probe shoots up, insulation breaks down."""
    INSULATION_LOW = "insulation_low"
    """The high-voltage bus is poorly insulated from the body."""
    PACK_PRESSURE = "pack_pressure"
    """The pressure inside the pack jumps, as it does when a cell vents."""
    HUMIDITY_HIGH = "humidity_high"
    """The air inside the pack stays damp: water condenses, or comes in."""
    VIBRATION_HIGH = "vibration_high"
    """The pack is shaken far more than it was at the same speeds before."""
    LITHIUM_PLATING = "lithium_plating"
    """The pack is charged faster than its anodes take lithium at their temperature."""
    HOT_USE = "hot_use"
    """The pack spends so many hours hot, seen or unseen, that it costs much of its life."""
    IMPACT = "impact"
    """The vehicle reports a crash: the pack may be damaged without showing it."""
    SELF_CHECK_FAILED = "self_check_failed"
    """A self-check of the battery management fails: the guard cannot be relied upon."""
    SWITCH_STUCK_CLOSED = "switch_stuck_closed"
    """A switch conducts although it is told to be open: its contacts are welded."""
    SWITCH_STUCK_OPEN = "switch_stuck_open"
    """A switch does not conduct although it is told to be closed."""
    DATA_TAMPERED = "data_tampered"
    """The record was changed on its way: it repeats, stands still, or moves as no battery can."""
    CLOCK_FAULT = "clock_fault"
    """Time stamps jump, repeat or run backwards."""
    RATE_DEVIATION = "rate_deviation"
    """Samples arrive far from the declared or usual rate."""


class LocationKind(StrEnum):
    """What an index counts."""

    CELL = "cell"
    MODULE = "module"
    PROBE = "probe"
    PACK = "pack"
    CHANNEL = "channel"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where in a vehicle; indices from 1 as the vehicle numbers its cells.

    Attributes:
        kind: What ``index`` counts.
        index: The cell, module or probe; None for pack and channel.
        cells: All cells concerned.
        channel: The source's name of a cell or probe, the canonical name of any other channel.
        indices: All of ``kind`` concerned, where one cause takes several.
    """

    kind: LocationKind
    index: int | None = None
    cells: tuple[int, ...] = ()
    channel: str | None = None
    indices: tuple[int, ...] = ()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A small series that shows the evidence.

    Attributes:
        title: What to look at, in one sentence.
        x_label: Axis label with unit.
        y_label: Axis label with unit.
        x: Abscissae; unix seconds where ``x_is_time``.
        series: Named ordinates, each as long as ``x``; None where unknown.
        x_is_time: Whether ``x`` is unix seconds.
        kind: ``line`` or ``bar``.
        highlight: Positions in ``x`` to point at.
    """

    title: str
    x_label: str
    y_label: str
    x: tuple[float, ...]
    series: tuple[tuple[str, tuple[float | None, ...]], ...]
    x_is_time: bool = False
    kind: str = "line"
    highlight: tuple[int, ...] = ()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One number behind a finding, with its interval and what it rests on.

    Attributes:
        name: What was measured, for people.
        value: The number.
        unit: Its unit symbol.
        low: Lower end of the interval, None where none can be given.
        high: Upper end of the interval.
        basis: What it rests on: method, how many windows, over which time.
        plot: A small series that shows it.
    """

    name: str
    value: float
    unit: str
    low: float | None = None
    high: float | None = None
    basis: str = ""
    plot: Plot | None = None


class Cause(StrEnum):
    """What may be behind a finding: the top of the fault tree."""

    INTERNAL_SHORT = "internal_short"
    """A path inside the cell discharges it."""
    CONTACT = "contact"
    """A joint, weld, busbar or fuse has too much resistance."""
    WEAK_CELL = "weak_cell"
    """The cell has lost capacity more than its siblings."""
    COOLING = "cooling"
    """Heat is not carried away there: coolant, pump, air or thermal paste."""
    SENSOR = "sensor"
    """The measurement is wrong: sensor, sense lead, converter, board or gauge."""
    PLATING = "plating"
    """Lithium was deposited while charging, fast or in the cold."""
    IMBALANCE = "imbalance"
    """Cells hold different charge because balancing is missing or has not had the time."""
    TAMPERING = "tampering"
    """Somebody changes what is reported."""
    SWITCH = "switch"
    """A contactor, a balancing switch or another switch does not do what it is told."""
    INGRESS = "ingress"
    """Water or dirt has come into the pack."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PossibleCause:
    """One cause that may be behind a finding.

    Attributes:
        cause: Which.
        probability: That it is there, 0…1; two may be there at once.
        supporting: What speaks for it, strongest first, in plain words.
        opposing: What speaks against it, strongest first.
    """

    cause: Cause
    probability: float
    supporting: tuple[str, ...] = ()
    opposing: tuple[str, ...] = ()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Causes:
    """What is probably behind a finding.

    Attributes:
        ranked: The most probable ones, at most three; empty where no cause explains it.
        told: Whether the first may be named; else it cannot be told yet.
        unexplained: Probability that it is none of the known causes, 0…1.
        decide: The test that would decide between the first two, in plain words; empty where
            there is nothing to decide.
        missing: What could not be seen and would help, most telling first.
    """

    ranked: tuple[PossibleCause, ...]
    told: bool
    unexplained: float
    decide: str = ""
    missing: tuple[str, ...] = ()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One cause in one vehicle.

    Attributes:
        vehicle_id: Whose.
        location: Where.
        phenomenon: What.
        severity: How urgent, by size of effect.
        raised_second: When a causal run first says so at this severity [unix s].
        onset_second: Where hindsight puts the beginning [unix s].
        last_seen_second: When the evidence was last renewed [unix s].
        confidence: Probability that the finding is right, 0…1.
        trend: Growing, steady or receding, in plain words.
        summary: One or two sentences for a person.
        action: What to do.
        confirm: What would confirm or refute it.
        evidence: The numbers behind it.
        causes: What is probably behind it, None where nobody has asked.
        score: How far from its siblings the strongest verdict of this severity stood, in robust
            standard deviations; 0 where nothing was scored.
    """

    vehicle_id: str
    location: Location
    phenomenon: Phenomenon
    severity: Severity
    raised_second: float
    onset_second: float
    last_seen_second: float
    confidence: float
    trend: str
    summary: str
    action: str
    confirm: str
    evidence: tuple[Evidence, ...] = ()
    causes: Causes | None = None
    score: float = 0.0
