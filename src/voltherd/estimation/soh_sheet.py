"""The health of one vehicle on one page: three kinds that never share a name, and their needs."""

import math
from typing import Final, NamedTuple

from voltherd.errors import InputError
from voltherd.estimation.pack_trace import PackTrace
from voltherd.estimation.soh_capacity import (
    FADE_SIGMA,
    CapacityEstimate,
    PartialCharge,
    SohAwtls,
    SohWindow,
)
from voltherd.estimation.soh_charges import Anchors, anchors, partial_charges, readings
from voltherd.estimation.soh_energy import energy_estimate
from voltherd.estimation.soh_resistance import (
    ACTIVATION_SIGMA,
    UNKNOWN_WARMTH,
    ResistanceEstimate,
    resistance_blocks,
    resistance_estimate,
    usual_interval,
)
from voltherd.numerics.cell_parameters import CellParameters
from voltherd.numerics.presets import PRESETS
from voltherd.types.asset import Chemistry
from voltherd.types.estimate import NORMAL_90
from voltherd.types.event import Plot
from voltherd.types.health import Figure, HealthSheet
from voltherd.units import SECOND_PER_DAY

CURVE_VOLT: Final = 0.015
"""How far a curve of the right chemistry may be off for good, standard uncertainty [V]."""
GUESSED_VOLT: Final = 0.025
"""The same where the chemistry is only what the voltages look like."""
OFFSET_SIGMA: Final = 0.3
"""Of a vehicle's current: half an ampere is the channel's declared accuracy [A]."""
GAIN_SIGMA: Final = 0.006
"""Of its gain: one percent is the declared accuracy."""
WAKING_OHM: Final = 1e-3
"""Resistance of a cell block before it has been measured [Ω]."""
POWER_RATE: Final = 1.0 / 3.0
"""Reference power: what a third of the capacity an hour is at the nominal voltage."""


class PackFacts(NamedTuple):
    """What is known of a pack besides its telemetry.

    Attributes:
        vehicle_id: Whose.
        chemistry: By which curve voltages are read.
        told: Whether the owner says so; else the voltages look like it.
        cells: In series; 0 where unknown.
        capacity_ah: Nameplate; None where unknown [Ah].
        records_joined: Whether records of unknown distance in time were laid end to end.
        present: Whether the capacity is known to be the present one, not only the nameplate's.
    """

    vehicle_id: str
    chemistry: Chemistry
    told: bool
    cells: int
    capacity_ah: float | None
    records_joined: bool
    present: bool = False

    @property
    def cell(self) -> CellParameters:
        """The parameter set of the chemistry; NMC stands in for its relatives."""
        preset = PRESETS.get(self.chemistry, PRESETS[Chemistry.NMC])
        return preset.resized(self.capacity_ah or 100.0)

    @property
    def curve_volt(self) -> float:
        """How far the curve may be off for good [V]."""
        return CURVE_VOLT if self.told else GUESSED_VOLT


class Capacities(NamedTuple):
    """Capacity by an independent way and by the vehicle's own state of charge.

    Attributes:
        own: Through rests and full charges.
        recursive: The same charges through the recursive estimator.
        implied: Through the vehicle's readings.
        at: Rests and full charges.
        charges: Partial charges between them.
    """

    own: CapacityEstimate
    recursive: CapacityEstimate
    implied: CapacityEstimate
    at: Anchors
    charges: tuple[PartialCharge, ...]


def check(trace: PackTrace, vehicle_id: str) -> None:
    """Refuse a record that nothing can be told from.

    Raises:
        InputError: There is no current, or neither voltage nor state of charge.
    """
    columns = trace._asdict()
    known = {name: bool((column == column).any()) for name, column in columns.items()}
    if not known["current_ampere"]:
        raise InputError(
            "no current: charge cannot be counted",
            where=vehicle_id,
            mend="name the current's column with --profile; voltherd inspect FILE tells more",
        )
    if not (known["cell_volt"] or known["string_volt"] or known["soc_reported"]):
        raise InputError(
            "neither a cell voltage nor a state of charge",
            where=vehicle_id,
            mend="name their columns with --profile, or give --series where only the pack's "
            "voltage is there",
        )


def capacities(trace: PackTrace, facts: PackFacts, resistance_ohm: float) -> Capacities:
    """Tell the capacity both ways."""
    at = anchors(trace, facts.cell, facts.curve_volt, resistance_ohm, facts.records_joined)
    charges = partial_charges(trace, at, facts.records_joined)
    window = SohWindow(offset_sigma=OFFSET_SIGMA, gain_sigma=GAIN_SIGMA)
    recursive = SohAwtls(offset_sigma=OFFSET_SIGMA, gain_sigma=GAIN_SIGMA)
    state = recursive.init()
    for charge in charges:
        state, _ = recursive.step(state, charge)
    told = partial_charges(trace, readings(trace), facts.records_joined)
    return Capacities(
        own=_windowed(window, charges),
        recursive=recursive.estimate(state),
        implied=_windowed(window, told),
        at=at,
        charges=charges,
    )


def resistance_of(trace: PackTrace, facts: PackFacts) -> ResistanceEstimate:
    """Tell the resistance."""
    activation = facts.cell.activation_joule_per_mole
    return resistance_estimate(resistance_blocks(trace), activation, usual_interval(trace))


def health_sheet(trace: PackTrace, facts: PackFacts) -> HealthSheet:
    """Write a vehicle's page.

    Args:
        trace: The record.
        facts: What is known besides.

    Raises:
        InputError: The record has no current, or nothing to hold it against.
    """
    check(trace, facts.vehicle_id)
    resistance = resistance_of(trace, facts)
    ohm = resistance.resistance_ohm if resistance.known else WAKING_OHM
    told = capacities(trace, facts, ohm)
    figures = (
        _capacity(told, facts),
        _implied(told.implied, facts),
        _resistance(resistance, facts.cell.activation_joule_per_mole),
        _energy(told, resistance, facts),
    )
    return HealthSheet(
        vehicle_id=facts.vehicle_id,
        rows=trace.rows,
        first_second=float(trace.unix_time_second[0]),
        last_second=float(trace.unix_time_second[-1]),
        headline=_headline(told, facts),
        figures=figures,
        verdict="disputed" if told.own.disputed else "none",
        attention=told.own.disputed,
        assumed=assumed(facts),
    )


def assumed(facts: PackFacts) -> tuple[str, ...]:
    """Say what was taken for granted."""
    by = "as told" if facts.told else "as the voltages look like; --chemistry tells it"
    lines = [f"chemistry {facts.chemistry}, {by}; its curve is a preset, not this vehicle's own"]
    if facts.chemistry not in PRESETS:
        lines.append(f"there is no preset of {facts.chemistry}; that of NMC stands in")
    if facts.records_joined:
        lines.append(
            "records of unknown distance in time lie end to end, so no silence counts as a rest"
        )
    return tuple(lines)


def counted(total: int, noun: str) -> str:
    """Write a count with its noun.

    >>> counted(1, "rest"), counted(0, "rest")
    ('1 rest', '0 rests')
    """
    return f"{total} {noun}" + ("" if total == 1 else "s")


def _windowed(window: SohWindow, charges: tuple[PartialCharge, ...]) -> CapacityEstimate:
    return window.estimate(charges[-window.charges_max :])


def _headline(told: Capacities, facts: PackFacts) -> str:
    own = told.own
    if not own.known:
        return f"Capacity: {own.told}."
    if facts.capacity_ah:
        share = [
            100.0 * end / facts.capacity_ah for end in (own.capacity_ah, own.low_ah, own.high_ah)
        ]
        told_share = f"{share[0]:.0f} % of the nameplate capacity is left"
        return f"{told_share} ({share[1]:.0f} to {share[2]:.0f} %)."
    return f"Capacity {own.told}; a percentage needs the nameplate capacity."


def _capacity(told: Capacities, facts: PackFacts) -> Figure:
    own, nameplate = told.own, facts.capacity_ah
    fulls = len(told.at.row) - told.at.rests
    evidence = [
        f"{counted(own.charges, 'partial charge')} between {counted(told.at.rests, 'rest')} of an "
        f"hour and more and {counted(fulls, 'full charge')}",
    ]
    if own.charges > 1:
        evidence.append(
            f"over {own.window_second / SECOND_PER_DAY:.0f} days, {own.throughput_ah:.0f} Ah "
            f"moved, largest change {100.0 * own.soc_span_max:.0f} % of the charge"
        )
    if own.questioned:
        evidence.append(f"{own.questioned} of them contradict the others and weigh less")
    if own.disputed:
        evidence.append("the latest contradict it: a swap, a new sensor or a wrong beginning")
    if told.recursive.known:
        evidence.append(f"the recursive estimator (soh_awtls) says {told.recursive.told}")
    evidence.append(CAVEAT)
    needs = [] if nameplate else ["the nameplate capacity (--capacity AH) for a percentage"]
    if not own.known:
        needs.append(
            "rests of an hour before and after drives and charges, with nothing unrecorded between"
        )
    if not facts.told:
        needs.append("the chemistry (--chemistry), for a narrower interval")
    if own.known and nameplate:
        value, low, high = (end / nameplate for end in (own.capacity_ah, own.low_ah, own.high_ah))
        evidence.insert(0, f"{own.told} of {nameplate:g} Ah")
    else:
        value, low, high = own.capacity_ah, own.low_ah, own.high_ah
    return Figure(
        name="capacity",
        title="Capacity" + (" of the nameplate's" if nameplate and own.known else ""),
        unit="1" if nameplate and own.known else "Ah",
        value=value if own.known else None,
        low=low if own.known else None,
        high=high if own.known else None,
        cannot="" if own.known else own.told,
        method=own.method,
        evidence=tuple(evidence),
        trend=_trend(own),
        needs=tuple(needs),
        last_second=own.unix_time_second if own.charges else None,
        plot=_plot(told.charges),
    )


CAVEAT: Final = (
    "the gain of the current sensor cannot be seen from within: an error of 1 % of it is an error "
    "of 1 % of the capacity, and part of the interval"
)


def _implied(implied: CapacityEstimate, facts: PackFacts) -> Figure:
    evidence = (
        "not independent: what the vehicle's own state of charge takes the capacity to be",
        f"{implied.charges} changes of that reading, {implied.throughput_ah:.0f} Ah moved",
        "its scale may be off by some percent either way, which no number of changes can tell; "
        "part of the interval",
    )
    return Figure(
        name="capacity_implied",
        title="Capacity that the vehicle's own state of charge implies",
        unit="Ah",
        value=implied.capacity_ah if implied.known else None,
        low=implied.low_ah if implied.known else None,
        high=implied.high_ah if implied.known else None,
        cannot="" if implied.known else implied.told.replace("partial charges", "changes"),
        method="soh_window on the reading",
        evidence=evidence if implied.charges else (),
        trend="not told: it would be the trend of the gauge",
        last_second=implied.unix_time_second if implied.charges else None,
    )


def _resistance(found: ResistanceEstimate, activation_joule_per_mole: float) -> Figure:
    half = NORMAL_90 * found.sigma_ohm
    evidence = (
        f"median of {found.blocks} quarters of an hour of the latest week of data "
        f"({found.blocks_all} in all), "
        + (f"measured around {found.celsius:.0f} °C" if found.warm else "no temperature recorded"),
        f"response within {found.horizon_second:.0f} s of a step of the current, of the pack's own "
        "voltage by cells where there is one, so busbars and contactors are in it",
        _brought(found, activation_joule_per_mole),
    )
    trend = "cannot tell yet: it takes 90 days"
    if math.isfinite(found.per_year):
        wide = NORMAL_90 * found.per_year_sigma
        ends = [
            100.0 * end for end in (found.per_year, found.per_year - wide, found.per_year + wide)
        ]
        trend = f"{ends[0]:+.0f} % a year ({ends[1]:+.0f} to {ends[2]:+.0f} %)"
    return Figure(
        name="resistance",
        title="Resistance of a cell at 25 °C and half charge"
        if found.warm or not found.known
        else "Resistance of a cell at half charge, its temperature unknown",
        unit="mΩ",
        value=1e3 * found.resistance_ohm if found.known else None,
        low=1e3 * (found.resistance_ohm - half) if found.known else None,
        high=1e3 * (found.resistance_ohm + half) if found.known else None,
        cannot="" if found.known else found.told,
        method=found.method,
        evidence=evidence if found.known else (),
        trend=trend if found.known else "",
        needs=(
            *(() if found.warm else ("a temperature, to bring it to 25 °C",)),
            "the resistance when new, measured the same way, for a percentage",
        )
        if found.known
        else (
            "current and voltage at least every 15 s while driving; --series N where only the "
            "pack's voltage is there",
        ),
        last_second=found.unix_time_second if found.blocks_all else None,
    )


def _brought(found: ResistanceEstimate, activation_joule_per_mole: float) -> str:
    """Say what the resistance was brought to."""
    charge = "to half charge with the vehicle's own map"
    if not found.warm:
        return (
            "not brought to 25 °C, as no temperature was recorded; a standard uncertainty of "
            f"{UNKNOWN_WARMTH:.0%} is for that" + (f"; brought {charge}" if found.mapped else "")
        )
    return (
        f"brought to 25 °C with an activation energy of {activation_joule_per_mole / 1e3:.0f} "
        f"kJ/mol, give or take {ACTIVATION_SIGMA:.0%}" + (f", and {charge}" if found.mapped else "")
    )


def _energy(told: Capacities, resistance: ResistanceEstimate, facts: PackFacts) -> Figure:
    independent = told.own.known
    best = told.own if independent else told.implied
    missing = [
        word
        for word, there in (
            ("the capacity", best.known),
            ("the resistance", resistance.known),
            ("the number of cells in series (--series N)", facts.cells > 0),
        )
        if not there
    ]
    title = "Usable energy at a steady power"
    if missing:
        return Figure(
            name="energy",
            title=title,
            unit="kWh",
            cannot=f"cannot tell: {' and '.join(missing)} must be known first",
        )
    cell = facts.cell
    minutes = (cell.r0_ohm + cell.r1_ohm + cell.r2_ohm) / cell.r0_ohm
    half = NORMAL_90 * resistance.sigma_ohm
    ohm = resistance.resistance_ohm
    power = POWER_RATE * best.capacity_ah * float(cell.ocv_volt[len(cell.ocv_volt) // 2])
    found = energy_estimate(
        cell,
        (best.capacity_ah, max(best.low_ah, 1e-3), best.high_ah),
        (minutes * ohm, minutes * (ohm - half), minutes * (ohm + half)),
        power,
    )
    source = "measured" if independent else "that the vehicle's own state of charge implies"
    pack = facts.cells / 1000.0
    return Figure(
        name="energy",
        title=title,
        unit="kWh",
        value=pack * found.energy_wh,
        low=pack * found.low_wh,
        high=pack * found.high_wh,
        method=found.method,
        evidence=(
            f"from full to {found.voltage_volt_min:.2f} V a cell at {pack * power:.1f} kW and "
            + ("25 °C" if resistance.warm else "an unknown temperature")
            + f", {facts.cells} cells in series",
            f"from the capacity {source} and the resistance, times {minutes:.1f} for a load of "
            "minutes, as the preset of the chemistry has it",
            "the maker keeps some of it back at either end",
        ),
        trend="that of the capacity and the resistance",
        needs=("the usable energy when new for a percentage",),
        last_second=best.unix_time_second,
    )


def _trend(own: CapacityEstimate) -> str:
    """Tell a trend only where the charges say more of it than was assumed."""
    if not own.known:
        return ""
    if own.per_year_sigma > 0.6 * FADE_SIGMA * own.capacity_ah:
        return f"cannot tell yet from {own.window_second / SECOND_PER_DAY:.0f} days"
    half = NORMAL_90 * own.per_year_sigma
    low, high = own.per_year_ah - half, own.per_year_ah + half
    return f"{own.per_year_ah:+.1f} Ah a year ({low:+.1f} to {high:+.1f})"


def _plot(charges: tuple[PartialCharge, ...]) -> Plot | None:
    """Show how the estimate settles charge by charge."""
    window = SohWindow(offset_sigma=OFFSET_SIGMA, gain_sigma=GAIN_SIGMA)
    step = max(1, len(charges) // 60)
    told = [_windowed(window, charges[:n]) for n in range(5, len(charges) + 1, step)]
    if len(told) < 2:
        return None
    return Plot(
        title="Capacity as it was told after each partial charge, with its 90 % interval",
        x_label="time",
        y_label="capacity [Ah]",
        x=tuple(one.unix_time_second for one in told),
        series=(
            ("told", tuple(one.capacity_ah for one in told)),
            ("interval, 5 %", tuple(one.low_ah for one in told)),
            ("interval, 95 %", tuple(one.high_ah for one in told)),
        ),
        x_is_time=True,
    )
