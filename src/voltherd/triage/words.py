"""Findings in plain words: what was found, where, and where it is going."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np

from voltherd.detection.plating import SHOULDERS_MIN
from voltherd.detection.switches import FLOWS_AMPERE
from voltherd.detection.temperature import APART_OPERATING_CELSIUS
from voltherd.detection.verdict import Alarm
from voltherd.triage.hindsight import Trend
from voltherd.types.estimate import NORMAL_90
from voltherd.types.event import Finding, LocationKind, Phenomenon
from voltherd.types.stage import Stage
from voltherd.units import SECOND_PER_DAY, SECOND_PER_HOUR

STEADY_PERCENT_PER_WEEK: Final = 1.0
"""Half-width of the interval up to which "steady" says something."""


def where(finding: Finding) -> str:
    """Name the place as a person would."""
    place = finding.location
    if place.kind is LocationKind.PACK:
        return "The pack"
    if place.kind is LocationKind.CHANNEL:
        return f"Channel {place.channel}"
    if place.kind is LocationKind.MODULE:
        return f"Cells {place.cells[0]}–{place.cells[-1]}"
    if place.indices:
        return f"Probes {ranges(place.indices)}"
    name = f" ({place.channel})" if place.channel else ""
    if len(place.cells) == 2:
        return f"Cells {place.cells[0]} and {place.cells[1]}"
    return f"{place.kind.value.capitalize()} {place.index}{name}"


def ranges(indices: Sequence[int]) -> str:
    """List rising numbers, runs of them by their ends.

    >>> ranges((3, 8, 9, 10, 14, 15))
    '3, 8–10, 14–15'
    """
    runs: list[list[int]] = []
    for index in indices:
        if runs and index == runs[-1][-1] + 1:
            runs[-1].append(index)
        else:
            runs.append([index])
    return ", ".join(str(r[0]) if len(r) == 1 else f"{r[0]}–{r[-1]}" for r in runs)


def summary(finding: Finding, alarm: Alarm, singled: bool) -> str:
    """Say in one or two sentences what was found, and whether it still is.

    Args:
        finding: All but its words.
        alarm: The one that names it.
        singled: Whether cells of the same vehicle are named singly too.
    """
    return f"{_found(finding, alarm, singled)}{_since(finding, alarm)}"


def _since(finding: Finding, alarm: Alarm) -> str:
    if alarm.event:
        return ""
    if not alarm.streaks[0]:
        return " The latest data do not confirm it."
    if alarm.verdict.severity < finding.severity:
        return f" It has been worse: by its present size it is {alarm.verdict.severity.word}."
    return ""


def _found(finding: Finding, alarm: Alarm, singled: bool) -> str:
    place, n = where(finding), alarm.telling.numbers
    if finding.phenomenon is Phenomenon.DATA_TAMPERED:
        return f"The record {_tampered(n)}"
    teller = _TELLERS.get(finding.phenomenon)
    if teller is not None:
        return f"{place} {teller(n)}"
    match finding.phenomenon:
        case Phenomenon.SOC_IMBALANCE | Phenomenon.STRING_GRADIENT:
            return _imbalance_words(finding, n, singled)
        case Phenomenon.PACK_VOLTAGE_MISMATCH:
            return (
                f"The cells add up to {abs(n['volt']):.1f} V {'less' if n['volt'] < 0 else 'more'} "
                f"than the pack voltage says ({_signed(n['share'] * 100, 1)} %)."
            )
        case Phenomenon.THERMAL_RUNAWAY:
            told = f"{_runaway_words(n)}, within a minute: this is a thermal runaway."
            return told[:1].upper() + told[1:]
        case Phenomenon.THERMAL_STAGE:
            probe = (
                f": probe {n['probe']:.0f} is at {n['celsius']:.0f} °C" if "celsius" in n else ""
            )
            return (
                f"The pack shows signs of stage {n['stage']:.0f} of 5 on the way to a thermal "
                f"runaway, {Stage(int(n['stage'])).words}{probe}. When the next one comes, or "
                "whether, cannot be told."
            )
        case Phenomenon.COOLING_BLOCKED:
            return (
                f"{place}: {n['probes']:.0f} neighbouring probes have become "
                f"{n['excess_kelvin']:.1f} K warmer than their own past explains: this part of the "
                "cooling fails."
            )
        case Phenomenon.LITHIUM_PLATING:
            return _plating_words(n)
        case Phenomenon.HOT_USE:
            return _hot_words(n)
        case Phenomenon.IMPACT:
            return f"The vehicle reported a crash (code {n['code']:.0f}): inspect the pack."
        case Phenomenon.SELF_CHECK_FAILED:
            return (
                f"The battery management reports a failed self-check (code {n['code']:.0f}): what "
                "guards the pack cannot be relied upon."
            )
        case Phenomenon.INSULATION_LOW:
            return f"Insulation fell to {n['ohm_per_volt']:.0f} Ω/V."
        case Phenomenon.PACK_PRESSURE:
            rise = f"{n['rise'] / 1e3:.1f} kPa"
            return f"The pressure inside the pack jumped by {rise}, as it does when a cell vents."
        case Phenomenon.HUMIDITY_HIGH:
            driest = f"{n['driest'] * 100:.0f} %"
            return (
                f"The air inside the pack stays damp: in its driest hours, too, it is at {driest}."
            )
        case Phenomenon.VIBRATION_HIGH:
            return (
                f"The pack is shaken {n['factor']:.1f} times as much as it was at the same speeds."
            )
        case Phenomenon.SOC_MISREPORTED:
            return f"The reported state of charge {_GAUGE[next(iter(n))](n)}"
        case Phenomenon.CHANNEL_INVALID:
            name = f" ({finding.location.channel})" if finding.location.indices else ""
            return f"{place}{name} gave no valid value in {_hours(n)} h observed."
        case _:
            return f"{place}: {finding.phenomenon.value.replace('_', ' ')}."


def _runaway_words(n: Mapping[str, float]) -> str:
    told = []
    if "volt" in n:
        told.append(f"cell {n['cell']:.0f} fell {abs(n['volt']):.1f} V below its siblings")
    if "celsius" in n:
        told.append(f"probe {n['probe']:.0f} reached {n['celsius']:.0f} °C")
    if "ohm" in n:
        told.append(f"insulation broke down to {n['ohm'] / 1e3:.0f} kΩ")
    return " and ".join(told)


def _plating_words(n: Mapping[str, float]) -> str:
    told = (
        f"{n['charges']:.0f} charge(s) of the last two weeks pushed in {n['dose_ah']:.1f} Ah "
        f"({n['dose_share'] * 100:.1f} % of the capacity) faster than a model anode takes lithium "
        "at that temperature and charge."
    )
    if n["shown"] >= SHOULDERS_MIN:
        return (
            f"{told} After {n['shown']:.0f} of {n['rests']:.0f} of them the resting voltage held "
            "up and then dropped, as it does when plated lithium dissolves."
        )
    if n["rests"]:
        return f"{told} The voltage at rest afterwards shows no sign of it."
    return f"{told} Whether lithium plated cannot be told: no rest after them was sampled closely."


def _hot_words(n: Mapping[str, float]) -> str:
    own = f"; its own usual is {n['usual']:.1f} times" if "usual" in n else ""
    return (
        f"In the last week the pack's calendar life went by {n['factor']:.1f} times as fast as at "
        f"25 °C{own}: {n['hot_hours']:.0f} of {n['hours']:.0f} h were above 40 °C, "
        f"{n['hidden_hours']:.0f} of them unseen while it was parked."
    )


def _weak(n: Mapping[str, float]) -> str:
    return (
        f"has about {n['capacity'] * 100:.0f} % less capacity than its siblings; the pack can use "
        f"{n['loss'] * 100:.0f} % less because of it."
    )


def _imbalanced(n: Mapping[str, float]) -> str:
    less = "less" if n["charge"] < 0.0 else "more"
    return (
        f"holds {abs(n['charge']) * 100:.1f} % {less} charge than the median cell "
        f"({_signed(n['volt'] * 1e3)} mV), in every operating state seen."
    )


def _biased(n: Mapping[str, float]) -> str:
    if "kelvin" in n:
        return (
            f"stepped by {_signed(n['kelvin'], 1)} K from one reading to the next, and its "
            "siblings did not: its measurement or connection changed."
        )
    if "since_second" in n:
        return (
            f"stepped by {_signed(n['volt'] * 1e3)} mV from one reading to the next, which neither "
            "current nor siblings explain: its measurement or connection changed."
        )
    if "ampere" in n:
        return _zero_moved(n)
    read = f"reads {abs(n['volt']) * 1e3:.0f} mV {_side(n)}"
    if "sigma_volt" in n:
        return (
            f"{read} what its own past predicts, from one half hour to the next: its measurement "
            "or connection changed."
        )
    return f"{read} its siblings at any charge: its measurement is off rather than the cell."


def _drifting(n: Mapping[str, float]) -> str:
    if "nights" in n:
        course = f"{_signed(n['kelvin_per_day'], 2)} K a day over {n['nights']:.0f} rests"
        what = "its reading drifts"
        if n["kelvin"] > 0.0:
            what += ", or the place heats by itself, more each day"
        return f"slides away from its siblings at rest by {course}: {what}."
    course = f"{_signed(n['volt_per_day'] * 1e3, 1)} mV a day, alike at any charge"
    return f"slides away from its siblings by {course}: its reading drifts, the cell does not."


def _zero_moved(n: Mapping[str, float]) -> str:
    side = "charging" if n["ampere"] > 0.0 else "discharging"
    why = {
        "idle": "its level at idle has moved and stays moved",
        "stop": "so it reads at stops between two stretches of driving",
        "rest": "the resting cells do not move as they would if it flowed",
        "open": "so it reads with the contactors open",
    }[next(iter(n))]
    return f"reads {abs(n['ampere']):.1f} A {side} that do not flow: {why}."


def _tampered(n: Mapping[str, float]) -> str:
    if "ago_second" in n:
        return (
            "repeats, value for value, what it sent "
            f"{n['ago_second'] / SECOND_PER_HOUR:.1f} h before: a replay, or a buffer sent twice."
        )
    if "expected_volt" in n:
        moved = n["expected_volt"] * 1e3
        must = f" that must have moved its cells by {moved:.0f} mV" if moved >= 1.0 else ""
        return f"stood still to the last digit during use{must}: an old row sent again and again."
    if "first" in n:
        return (
            f"has cells {n['first']:.0f} and {n['second']:.0f} change places in the middle of use, "
            "where no hand reaches a connector."
        )
    step = f"stepped by {_signed(n['volt'] * 1e3)} mV together from one row to the next"
    alone = "with the pack voltage" if n["both"] else "though the pack voltage did not"
    return f"has all its cells {step}, without a current and {alone}: no battery does that."


def _apart(n: Mapping[str, float]) -> str:
    return (
        f"stands {abs(n['volt']) * 1e3:.0f} mV {_side(n)} its siblings; whether it is charge or "
        "the sensor cannot be told yet."
    )


def _resisting(n: Mapping[str, float]) -> str:
    share = n["added_ohm"] / n["own_ohm"] * 100
    return (
        f"has {n['added_ohm'] * 1e3:.2f} mΩ more than its siblings ({share:.0f} % of a healthy "
        "cell): the cell itself or its connection."
    )


def _leaking(n: Mapping[str, float]) -> str:
    return (
        f"loses {n['loss_per_day'] * 100:.1f} % of its charge a day against its siblings: "
        "self-discharge, suspected internal short."
    )


def _module(n: Mapping[str, float]) -> str:
    return (
        f"read {abs(n['volt']) * 1e3:.0f} mV {_side(n)} the other modules together: one cause, "
        "not many weak cells."
    )


def _spiking(n: Mapping[str, float]) -> str:
    if "count" in n:
        times = f", {n['count']:.0f} times so far" if n["count"] > 1.0 else ""
        return (
            f"strayed by {_signed(n['volt'] * 1e3)} mV for a single reading and came back"
            f"{times}; its siblings did not."
        )
    return f"jumps and returns in {n['share'] * 100:.1f} % of its readings, its siblings do not."


def _stuck(n: Mapping[str, float]) -> str:
    if "rows" in n:
        return f"kept one voltage through {n['rows']:.0f} readings in which its siblings moved."
    moved = n["sibling_range_volt"] * 1e3
    return f"gave one voltage only while its siblings moved by {moved:.0f} mV."


def _swapped(n: Mapping[str, float]) -> str:
    apart = n["apart_volt"] * 1e3
    return f"exchanged their signatures, {apart:.0f} mV apart: their channels are swapped."


def _astray(n: Mapping[str, float]) -> str:
    if abs(n["apart_celsius"]) < APART_OPERATING_CELSIUS:
        return f"is at {n['celsius']:.0f} °C, and its siblings are hardly cooler."
    warm = "hotter" if n["apart_celsius"] > 0 else "colder"
    return (
        f"is {abs(n['apart_celsius']):.0f} K {warm} than the median probe ({n['celsius']:.0f} °C)."
    )


def _heating(n: Mapping[str, float]) -> str:
    return (
        f"is {n['excess_kelvin']:.1f} K warmer than current, surroundings and its own past explain "
        f"({n['celsius']:.0f} °C), whatever the current: something there heats by itself."
    )


def _joint(n: Mapping[str, float]) -> str:
    return (
        f"is {n['excess_kelvin']:.1f} K warmer than its own past explains ({n['celsius']:.0f} °C), "
        "and the heat goes with the square of the current: a joint or a cell's resistance."
    )


def _frozen(n: Mapping[str, float]) -> str:
    return f"gave nothing but {n['value']:,.6g} in {_hours(n)} h observed."


def _standing(n: Mapping[str, float]) -> str:
    return (
        f"has stood at {n['stand_soc'] * 100:.0f} % while {n['stand_ah']:.0f} Ah moved, "
        f"{n['stand'] * 100:.0f} % of the pack's capacity."
    )


def _changed(n: Mapping[str, float]) -> str:
    side = "more" if n["change"] > 0.0 else "less"
    course = f", and {abs(n['per_day']) * 100:.1f} points further each day" if n["per_day"] else ""
    return (
        f"shows {abs(n['change']) * 100:.0f} points {side} than it used to at the same resting "
        f"voltage{course}."
    )


def _off(n: Mapping[str, float]) -> str:
    side = "above" if n["offset"] > 0.0 else "below"
    return (
        f"lies {abs(n['offset']) * 100:.0f} points {side} what the resting cells' voltage stands "
        "for."
    )


def _jumped(n: Mapping[str, float]) -> str:
    return (
        f"jumped by {_signed(n['jump'] * 100)} points while next to nothing flowed: it was wrong "
        "before, or is now."
    )


def _pinned(n: Mapping[str, float]) -> str:
    end = "full" if n["pinned_soc"] > 0.5 else "empty"
    return (
        f"stayed at {n['pinned_soc'] * 100:.0f} % while {n['pinned_ah']:.0f} Ah moved, "
        f"{n['pinned'] * 100:.0f} % of the pack's capacity: it says {end} too early."
    )


_GAUGE: Final[Mapping[str, Callable[[Mapping[str, float]], str]]] = {
    "stand": _standing,
    "change": _changed,
    "offset": _off,
    "jump": _jumped,
    "pinned": _pinned,
}
"""By the number that the leading witness speaks of, the first of a verdict."""


def _hours(n: Mapping[str, float]) -> str:
    return f"{n['observed_second'] / SECOND_PER_HOUR:.1f}"


def _welded(n: Mapping[str, float]) -> str:
    if "milliohm" in n:
        return "answers the current though its switch is told to bypass it: it is stuck closed."
    volt = f"the voltage beyond them is {n['outlet_volt']:.0f} V" if "outlet_volt" in n else ""
    flow = f"{abs(n['ampere']):.1f} A flow" if abs(n["ampere"]) >= FLOWS_AMPERE else ""
    shown = " and ".join(part for part in (volt, flow) if part)
    return f"has contactors that do not open: told to be open, {shown}. They are welded."


def _unclosed(n: Mapping[str, float]) -> str:
    if "milliohm" in n:
        return "does not answer the current though its switch is told to be in: it is stuck open."
    if "outlet_volt" in n:
        return (
            f"has contactors that do not close: told to be closed, the voltage beyond them stays "
            f"at {n['outlet_volt']:.0f} V of {n['sum_volt']:.0f} V."
        )
    return (
        "has contactors that do not close: the vehicle drives, and told to be closed nothing flows."
    )


def _reset(n: Mapping[str, float]) -> str:
    return f"fell {n['rows']:.0f} times, though it may only grow."


_TELLERS: Final[Mapping[Phenomenon, Callable[[Mapping[str, float]], str]]] = {
    Phenomenon.WEAK_CELL: _weak,
    Phenomenon.CELL_IMBALANCE: _imbalanced,
    Phenomenon.SENSOR_BIAS: _biased,
    Phenomenon.SENSOR_DRIFT: _drifting,
    Phenomenon.CELL_OUTLIER: _apart,
    Phenomenon.CONTACT_RESISTANCE: _resisting,
    Phenomenon.INTERNAL_SHORT: _leaking,
    Phenomenon.MODULE_OFFSET: _module,
    Phenomenon.SENSOR_SPIKES: _spiking,
    Phenomenon.SENSOR_STUCK: _stuck,
    Phenomenon.CHANNEL_SWAP: _swapped,
    Phenomenon.TEMPERATURE_OUTLIER: _astray,
    Phenomenon.SELF_HEATING: _heating,
    Phenomenon.JOINT_HEATING: _joint,
    Phenomenon.CHANNEL_FROZEN: _frozen,
    Phenomenon.COUNTER_RESET: _reset,
    Phenomenon.SWITCH_STUCK_CLOSED: _welded,
    Phenomenon.SWITCH_STUCK_OPEN: _unclosed,
}


def trend_words(alarm: Alarm, change: Trend, last_second: float) -> str:
    """Say where it is going, with its uncertainty."""
    if alarm.event:
        return "an event, not a course"
    silent = last_second - alarm.last_second
    if alarm.missed > 6 and silent > SECOND_PER_HOUR:
        if silent < 2 * SECOND_PER_DAY:
            return f"not seen for the last {silent / SECOND_PER_HOUR:.0f} h"
        return f"not seen for the last {silent / SECOND_PER_DAY:.0f} days"
    if not np.isfinite(change.per_day):
        return "cannot tell yet"
    week, error = change.per_day * 700, NORMAL_90 * change.sigma_per_day * 700
    if abs(week) < max(2.0 * error, 0.1):
        word = "steady" if error <= STEADY_PERCENT_PER_WEEK else "no clear trend"
        if max(abs(week), error) < 0.05:
            return f"{word} (within 0.1 % of charge a week)"
        return f"{word} ({_signed(week, 1)} ± {error:.1f} % of charge a week)"
    word = "growing" if week > 0 else "receding"
    return f"{word} by {abs(week):.1f} ± {error:.1f} % of charge a week"


def _signed(value: float, digits: int = 0) -> str:
    """Write a number with its sign, minus as a minus.

    >>> _signed(-25.2), _signed(0.94, 1)
    ('−25', '+0.9')
    """
    return f"{value:+.{digits}f}".replace("-", "−")


def _side(n: Mapping[str, float]) -> str:
    return "below" if n["volt"] < 0.0 else "above"


def _imbalance_words(finding: Finding, n: Mapping[str, float], singled: bool) -> str:
    size = f"{n['width'] * 100:.1f} % of charge ({n['width_volt'] * 1e3:.0f} mV)"
    ah = f", about {n['capacity_ah'] * n['width']:.1f} Ah" if "capacity_ah" in n else ""
    if finding.phenomenon is Phenomenon.STRING_GRADIENT:
        return (
            f"The cells' deviations follow the string by {n['width_volt'] * 1e3:.0f} mV whatever "
            "the charge: a measuring error, not imbalance."
        )
    order = ""
    if abs(n["spearman"]) >= 0.7:
        climbs, end = ("climbs", "last") if n["spearman"] > 0 else ("falls", "first")
        order = f"; charge {climbs} along the string, the {end} cells hold most"
    cause = "Most likely charge; that it is not the sensors cannot be told yet"
    if n["is_charge"] == 1.0:
        cause = "It follows the slope of the open-circuit voltage, so it is charge, not sensors"
    if n["is_charge"] == 0.0:
        cause = "It does not follow the slope of the open-circuit voltage: sensors more than charge"
    blame = "cells beyond it are named singly" if singled else "no single cell is to blame"
    return f"The pack's cells differ by {size}{ah}{order}. {cause}; {blame}."
