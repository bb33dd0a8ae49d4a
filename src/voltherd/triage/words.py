"""Findings in plain words: what was found, where, and where it is going."""

from collections.abc import Mapping

import numpy as np

from voltherd.detection.verdict import Alarm
from voltherd.triage.hindsight import Trend
from voltherd.types.event import Finding, LocationKind, Phenomenon
from voltherd.units import SECOND_PER_DAY, SECOND_PER_HOUR


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
        return f"Probes {place.indices[0]}–{place.indices[-1]}"
    name = f" ({place.channel})" if place.channel else ""
    if len(place.cells) == 2:
        return f"Cells {place.cells[0]} and {place.cells[1]}"
    return f"{place.kind.value.capitalize()} {place.index}{name}"


def summary(finding: Finding, alarm: Alarm) -> str:
    """Say in one or two sentences what was found."""
    n = alarm.telling.numbers
    place = where(finding)
    match finding.phenomenon:
        case Phenomenon.WEAK_CELL:
            return (
                f"{place} has about {n['capacity'] * 100:.0f} % less capacity than its siblings; "
                f"the pack can use {n['loss'] * 100:.0f} % less because of it."
            )
        case Phenomenon.CELL_IMBALANCE:
            return f"{place} {_charge_words(n)}, in every operating state."
        case Phenomenon.SENSOR_BIAS if "sigma_volt" in n:
            return (
                f"{place} reads {abs(n['volt']) * 1e3:.0f} mV {_side(n)} what its own past "
                "predicts, from one half hour to the next: its measurement or connection changed."
            )
        case Phenomenon.SENSOR_BIAS:
            return (
                f"{place} reads {abs(n['volt']) * 1e3:.0f} mV {_side(n)} at any charge: its "
                "measurement is off rather than the cell."
            )
        case Phenomenon.CELL_OUTLIER:
            return (
                f"{place} stands {abs(n['volt']) * 1e3:.0f} mV {_side(n)} its siblings; whether "
                "it is charge or the sensor cannot be told yet."
            )
        case Phenomenon.CONTACT_RESISTANCE:
            share = n["added_ohm"] / n["own_ohm"] * 100
            return (
                f"{place} has {n['added_ohm'] * 1e3:.2f} mΩ more than its siblings ({share:.0f} % "
                "of a healthy cell): the cell itself or its connection."
            )
        case Phenomenon.INTERNAL_SHORT:
            return (
                f"{place} loses {n['loss_per_day'] * 100:.1f} % of its charge a day against its "
                "siblings: self-discharge, suspected internal short."
            )
        case Phenomenon.SOC_IMBALANCE | Phenomenon.STRING_GRADIENT:
            return _imbalance_words(finding, n)
        case Phenomenon.MODULE_OFFSET:
            return (
                f"{place}, one module, read {abs(n['volt']) * 1e3:.0f} mV {_side(n)} the other "
                "modules together: one cause, not many weak cells."
            )
        case Phenomenon.SENSOR_STUCK:
            moved = n["sibling_range_volt"] * 1e3
            return (
                f"{place} gave one and the same voltage while its siblings moved by {moved:.0f} mV."
            )
        case Phenomenon.CHANNEL_SWAP:
            return f"{place} exchanged their signatures: their channels are swapped."
        case Phenomenon.TEMPERATURE_OUTLIER:
            warm = "hotter" if n["apart_celsius"] > 0 else "colder"
            return (
                f"{place} is {abs(n['apart_celsius']):.0f} K {warm} than the median probe "
                f"({n['celsius']:.0f} °C)."
            )
        case Phenomenon.PACK_VOLTAGE_MISMATCH:
            return (
                f"The cells add up to {abs(n['volt']):.1f} V {'less' if n['volt'] < 0 else 'more'} "
                f"than the pack voltage says ({n['share'] * 100:+.1f} %)."
            )
        case Phenomenon.INSULATION_LOW:
            return f"Insulation fell to {n['ohm_per_volt']:.0f} Ω/V."
        case Phenomenon.CHANNEL_INVALID:
            return f"{place} ({finding.location.channel}) never gave a valid value."
        case Phenomenon.CHANNEL_FROZEN:
            return f"{place} has said {n['value']:g} since the beginning and never moved."
        case Phenomenon.COUNTER_RESET:
            return f"{place} fell {n['rows']:.0f} times, though it may only grow."
        case _:
            return f"{place}: {finding.phenomenon.value.replace('_', ' ')}."


def trend_words(alarm: Alarm, change: Trend, last_second: float) -> str:
    """Say where it is going, with its uncertainty."""
    silent = last_second - alarm.last_second
    if alarm.missed > 6 and silent > SECOND_PER_HOUR:
        if silent < 2 * SECOND_PER_DAY:
            return f"not seen for the last {silent / SECOND_PER_HOUR:.0f} h"
        return f"not seen for the last {silent / SECOND_PER_DAY:.0f} days"
    if not np.isfinite(change.per_day):
        return "cannot tell yet"
    week, error = change.per_day * 700, 1.645 * change.sigma_per_day * 700
    if abs(week) < max(2.0 * error, 0.1):
        return f"steady ({week:+.1f} ± {error:.1f} % of charge a week)"
    word = "growing" if week > 0 else "receding"
    return f"{word} by {abs(week):.1f} ± {error:.1f} % of charge a week"


def _side(n: Mapping[str, float]) -> str:
    return "below" if n["volt"] < 0.0 else "above"


def _charge_words(n: Mapping[str, float]) -> str:
    less = "less" if n["charge"] < 0.0 else "more"
    return (
        f"holds {abs(n['charge']) * 100:.1f} % {less} charge than the median cell "
        f"({n['volt'] * 1e3:+.0f} mV)"
    )


def _imbalance_words(finding: Finding, n: Mapping[str, float]) -> str:
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
    told = n["left_charge"] < 0.8 * n["left_offset"]
    cause = (
        "It follows the slope of the open-circuit voltage, so it is charge, not sensors"
        if told
        else "Most likely charge; that it is not the sensors cannot be told yet"
    )
    return f"The pack's cells differ by {size}{ah}{order}. {cause}; no single cell is to blame."
