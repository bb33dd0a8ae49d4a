"""The numbers and small plots behind a finding."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from voltherd.detection import (
    cell_step,
    cells,
    channels,
    contact,
    current_bias,
    drift,
    freeze,
    glitch,
    heating,
    humidity,
    imbalance,
    impact,
    insulation,
    jump,
    modules,
    pack_sum,
    plating,
    pressure,
    probe_step,
    runaway,
    short,
    soc_report,
    spikes,
    stages,
    stuck,
    swap,
    switches,
    tampering,
    temperature,
    vibration,
    warmth,
)
from voltherd.detection.charge_scale import SLOPE_UNCERTAINTY
from voltherd.detection.engine import Detection
from voltherd.detection.verdict import Alarm, Verdict
from voltherd.triage.evidence_environment import (
    humidity_evidence,
    pressure_evidence,
    vibration_evidence,
)
from voltherd.triage.evidence_gauge import gauge_evidence
from voltherd.triage.evidence_record import current_evidence, record_evidence
from voltherd.triage.evidence_sensor import (
    cell_step_evidence,
    drift_evidence,
    freeze_evidence,
    glitch_evidence,
    probe_step_evidence,
)
from voltherd.triage.evidence_switch import switch_evidence
from voltherd.triage.evidence_thermal import (
    heating_evidence,
    plating_evidence,
    signal_evidence,
    stage_evidence,
    warmth_evidence,
)
from voltherd.triage.plots import plot_of
from voltherd.types.channel import SCALARS
from voltherd.types.estimate import NORMAL_90
from voltherd.types.event import Evidence, Phenomenon
from voltherd.units import SECOND_PER_DAY, SECOND_PER_HOUR

_AMONG_SIBLINGS: Final = (
    cells.CAUSE,
    modules.CAUSE,
    jump.CAUSE,
    cell_step.CAUSE,
    probe_step.CAUSE,
    contact.CAUSE,
    short.CAUSE,
    spikes.CAUSE,
    temperature.CAUSE,
)
"""Causes whose score is a distance from siblings; others are measured against a limit."""


def evidence_of(
    group: Sequence[Alarm], state: Detection, names: Sequence[str]
) -> tuple[Evidence, ...]:
    """Give the evidence of every alarm of one finding, the leading one's first."""
    told: list[Evidence] = []
    seen: set[str] = set()
    for alarm in group:
        verdict = alarm.verdict
        if verdict.cause in seen:
            continue
        seen.add(verdict.cause)
        told += _TELLERS[verdict.cause.split(".")[0]](alarm, state)
        told += _standing(alarm)
    if not group[0].verdict.cause.startswith(channels.CAUSE):
        told += _warnings(state)
    plot = plot_of(group[0].verdict, state, names)
    if plot is not None and told:
        told[0] = replace(told[0], plot=plot)
    return tuple(told)


def _standing(alarm: Alarm) -> list[Evidence]:
    if alarm.verdict.cause not in _AMONG_SIBLINGS:
        return []
    return [
        Evidence(
            name="distance from the siblings",
            value=round(abs(alarm.telling.score), 1),
            unit="σ",
            basis=f"robust standard deviations, renewed {alarm.count} times",
        )
    ]


def _warnings(state: Detection) -> list[Evidence]:
    """Give the vehicle's own opinion, beside the finding and never behind it."""
    if not state.watch.warnings:
        return []
    level = max(state.watch.warnings)
    ago = (state.last_second - state.watch.warnings[level]) / SECOND_PER_DAY
    return [
        Evidence(
            name="the vehicle's own warning level, at most",
            value=float(level),
            unit="",
            basis=f"context only, the finding does not rest on it; first {ago:.1f} days before "
            "the last data",
        )
    ]


def _observed(state: Detection) -> str:
    return f"{state.watch.observed_second / SECOND_PER_HOUR:.1f} h observed"


def _cell(alarm: Alarm, state: Detection) -> list[Evidence]:
    n = alarm.telling.numbers
    scatter = _scatter(state, alarm.verdict)
    millivolt, charge = n["volt"] * 1e3, n["charge"] * 100
    told = [
        Evidence(
            name="voltage against the median cell",
            value=round(millivolt, 1),
            unit="mV",
            low=None if scatter is None else round(millivolt - NORMAL_90 * scatter * 1e3, 1),
            high=None if scatter is None else round(millivolt + NORMAL_90 * scatter * 1e3, 1),
            basis=f"mean over {_observed(state)}, "
            + (
                "too few periods for an interval"
                if scatter is None
                else "90 % interval from its scatter between periods"
            ),
        ),
        Evidence(
            name="the same as charge",
            value=round(charge, 2),
            unit="% of the cell's charge",
            low=round(charge - abs(charge) * SLOPE_UNCERTAINTY, 2),
            high=round(charge + abs(charge) * SLOPE_UNCERTAINTY, 2),
            basis=f"by the {state.memory.chemistry.value} curve's slope, ±30 % between makers",
        ),
    ]
    told += [
        Evidence(
            name=f"at {name}",
            value=round(n[f"volt_{name}"] * 1e3, 1),
            unit="mV",
            basis="mean deviation in that operating state",
        )
        for name in ("rest", "drive", "charge")
        if f"volt_{name}" in n and "current_ampere" in state.watch.lowest
    ]
    if alarm.telling.phenomenon is Phenomenon.WEAK_CELL:
        spread = NORMAL_90 * n["capacity_sigma"] * 100
        told.insert(
            0,
            Evidence(
                name="capacity missing",
                value=round(n["capacity"] * 100, 1),
                unit="%",
                low=round(n["capacity"] * 100 - spread, 1),
                high=round(n["capacity"] * 100 + spread, 1),
                basis=f"how the deviation grows as the pack empties, {_observed(state)}",
            ),
        )
    return told


def _contact(alarm: Alarm, state: Detection) -> list[Evidence]:
    n = alarm.telling.numbers
    added, spread = n["added_ohm"] * 1e3, NORMAL_90 * n["sigma_ohm"] * 1e3
    return [
        Evidence(
            name="added resistance",
            value=round(added, 3),
            unit="mΩ",
            low=round(added - spread, 3),
            high=round(added + spread, 3),
            basis="slope of the cell's deviation on current; 90 % interval from the siblings",
        ),
        Evidence(
            name="a healthy cell here has",
            value=round(n["own_ohm"] * 1e3, 3),
            unit="mΩ",
            basis="slope of the median cell's voltage on current",
        ),
    ]


def _short(alarm: Alarm, state: Detection) -> list[Evidence]:
    n = alarm.telling.numbers
    loss, spread = n["loss_per_day"] * 100, NORMAL_90 * n["sigma_per_day"] * 100
    return [
        Evidence(
            name="charge lost against the siblings",
            value=round(loss, 2),
            unit="% per day",
            low=round(loss - spread, 2),
            high=round(loss + spread, 2),
            basis=f"slope over the last {n['window_day']:.1f} days",
        )
    ]


def _imbalance(alarm: Alarm, state: Detection) -> list[Evidence]:
    n = alarm.telling.numbers
    width = n["width"] * 100
    told = [
        Evidence(
            name="width of the middle 80 % of cells",
            value=round(width, 1),
            unit="% of charge",
            low=round(width * (1 - SLOPE_UNCERTAINTY), 1),
            high=round(width * (1 + SLOPE_UNCERTAINTY), 1),
            basis=f"by the {state.memory.chemistry.value} curve's slope, ±30 % between makers",
        ),
        Evidence(
            name="the same as voltage",
            value=round(n["width_volt"] * 1e3, 1),
            unit="mV",
            basis=f"mean over {_observed(state)}",
        ),
        Evidence(
            name="left unexplained by charge",
            value=round(n["left_charge"] * 100, 1),
            unit="%",
            basis=f"a constant measuring error would leave {n['left_offset'] * 100:.1f} %",
        ),
        Evidence(
            name="order along the string",
            value=round(n["spearman"], 2),
            unit="ρ",
            basis="rank correlation with the cell number; ±1 is a clean climb",
        ),
    ]
    if "capacity_ah" in n:
        spread_ah = n["capacity_ah"] * n["width"]
        told.append(
            Evidence(
                name="charge to move",
                value=round(spread_ah, 1),
                unit="Ah",
                low=round(spread_ah * (1 - SLOPE_UNCERTAINTY), 1),
                high=round(spread_ah * (1 + SLOPE_UNCERTAINTY), 1),
                basis=f"of {n['capacity_ah']:.0f} Ah as current and the vehicle's own gauge tell",
            )
        )
    return told


def _module(alarm: Alarm, state: Detection) -> list[Evidence]:
    n = alarm.telling.numbers
    return [
        Evidence(
            name="median of its cells against the other modules",
            value=round(n["volt"] * 1e3, 1),
            unit="mV",
            basis=f"mean over {_observed(state)}",
        )
    ]


def _jump(alarm: Alarm, state: Detection) -> list[Evidence]:
    n = alarm.telling.numbers
    volt, spread = n["volt"] * 1e3, NORMAL_90 * n["sigma_volt"] * 1e3
    return [
        Evidence(
            name="jumped, against its own past, by",
            value=round(volt, 1),
            unit="mV",
            low=round(volt - spread, 1),
            high=round(volt + spread, 1),
            basis="half an hour observed against what charge and current predict; "
            "90 % interval from the siblings",
        )
    ]


def _runaway(alarm: Alarm, state: Detection) -> list[Evidence]:
    n = alarm.telling.numbers
    shown = (
        ("volt", "a cell against the median cell", "V"),
        ("celsius", "hottest probe", "°C"),
        ("ohm", "insulation", "Ω"),
    )
    return [
        Evidence(name=name, value=round(n[key], 2), unit=unit, basis="in the row of the alarm")
        for key, name, unit in shown
        if key in n
    ]


def _spikes(alarm: Alarm, state: Detection) -> list[Evidence]:
    n = alarm.telling.numbers
    spread = NORMAL_90 * np.sqrt(n["spikes"]) / n["spikes"] * n["share"]
    return [
        Evidence(
            name="readings that jump and return",
            value=round(n["share"] * 100, 2),
            unit="%",
            low=round((n["share"] - spread) * 100, 2),
            high=round((n["share"] + spread) * 100, 2),
            basis="by more than 50 mV while the siblings stay; 90 % interval of the count",
        )
    ]


def _stuck(alarm: Alarm, state: Detection) -> list[Evidence]:
    moved = alarm.telling.numbers["sibling_range_volt"] * 1e3
    return [
        Evidence(
            name="siblings moved meanwhile by",
            value=round(moved, 1),
            unit="mV",
            basis="median range within a window in which this channel gave one value",
        ),
    ]


def _swap(alarm: Alarm, state: Detection) -> list[Evidence]:
    apart = alarm.telling.numbers["apart_volt"] * 1e3
    return [
        Evidence(
            name="the two differed by",
            value=round(apart, 1),
            unit="mV",
            basis="and changed places between two windows",
        ),
    ]


def _temperature(alarm: Alarm, state: Detection) -> list[Evidence]:
    n = alarm.telling.numbers
    spread = NORMAL_90 * n["sigma_celsius"]
    return [
        Evidence(
            name="distance from the median probe",
            value=round(n["apart_celsius"], 1),
            unit="K",
            low=round(n["apart_celsius"] - spread, 1),
            high=round(n["apart_celsius"] + spread, 1),
            basis="median over half an hour observed, 90 % interval from the siblings",
        ),
        Evidence(
            name="temperature",
            value=round(n["celsius"], 1),
            unit="°C",
            basis="at the strongest deviation",
        ),
    ]


def _pack_sum(alarm: Alarm, state: Detection) -> list[Evidence]:
    n = alarm.telling.numbers
    told = [
        Evidence(
            name="cells' sum less pack voltage",
            value=round(n["volt"], 2),
            unit="V",
            basis=f"{n['share'] * 100:.2f} % of it, median over half an hour observed",
        )
    ]
    if n["cells_missing"] > 0.0:
        told.append(
            Evidence(
                name="cells that would explain it",
                value=round(n["cells_missing"], 2),
                unit="cells",
                basis="missing from the record; near a whole number is telling",
            )
        )
    return told


def _insulation(alarm: Alarm, state: Detection) -> list[Evidence]:
    n = alarm.telling.numbers
    return [
        Evidence(
            name="insulation",
            value=round(n["ohm_per_volt"], 0),
            unit="Ω/V",
            low=round(max(n["ohm_per_volt"] - n["accuracy"], 0.0), 0),
            high=round(n["ohm_per_volt"] + n["accuracy"], 0),
            basis="interval from the channel's declared accuracy; limits are 100 and 500 Ω/V "
            "(UN R100, ISO 6469-3)",
        ),
    ]


def _channel(alarm: Alarm, state: Detection) -> list[Evidence]:
    n = alarm.telling.numbers
    if "rows" in n:
        return [
            Evidence(
                name="rows in which it fell",
                value=n["rows"],
                unit="rows",
                basis="a counter may only grow",
            )
        ]
    told = [
        Evidence(
            name="observed without a change" if "value" in n else "observed without a value",
            value=round(n["observed_second"] / SECOND_PER_HOUR, 1),
            unit="h",
            basis="time between samples, at most a minute of each",
        )
    ]
    if "value" in n:
        told.append(
            Evidence(
                name="it always says",
                value=n["value"],
                unit=_unit(alarm.verdict.location.channel),
                basis="in canonical units",
            )
        )
    return told


def _unit(channel: str | None) -> str:
    known = SCALARS.get(channel or "")
    return known.unit if known and known.unit != "1" else ""


_TELLERS: Final = {
    cells.CAUSE: _cell,
    modules.CAUSE: _module,
    jump.CAUSE: _jump,
    cell_step.CAUSE: cell_step_evidence,
    probe_step.CAUSE: probe_step_evidence,
    freeze.CAUSE: freeze_evidence,
    glitch.CAUSE: glitch_evidence,
    contact.CAUSE: _contact,
    short.CAUSE: _short,
    **dict.fromkeys((drift.CAUSE, drift.PROBE_CAUSE), drift_evidence),
    imbalance.CAUSE: _imbalance,
    spikes.CAUSE: _spikes,
    runaway.CAUSE: _runaway,
    stuck.CAUSE: _stuck,
    swap.CAUSE: _swap,
    swap.CAUSE_AT_ONCE: _swap,
    temperature.CAUSE: _temperature,
    pack_sum.CAUSE: _pack_sum,
    insulation.CAUSE: _insulation,
    channels.CAUSE: _channel,
    soc_report.CAUSE: gauge_evidence,
    pressure.CAUSE: pressure_evidence,
    humidity.CAUSE: humidity_evidence,
    vibration.CAUSE: vibration_evidence,
    heating.CAUSE: heating_evidence,
    stages.CAUSE: stage_evidence,
    plating.CAUSE: plating_evidence,
    warmth.CAUSE: warmth_evidence,
    **dict.fromkeys(impact.CAUSES.values(), signal_evidence),
    tampering.CAUSE: record_evidence,
    current_bias.CAUSE: current_evidence,
    **dict.fromkeys(switches.CAUSES, switch_evidence),
}


def _scatter(state: Detection, verdict: Verdict) -> float | None:
    """Give the standard error of a cell's mean deviation from its scatter between periods [V].

    None where fewer than two of the last periods have measured it.
    """
    columns = [cell - 1 for cell in verdict.location.cells]
    series = state.memory.history_volt[-48:, columns].mean(axis=1).astype(np.float64)
    series = series[np.isfinite(series)]
    if len(series) < 2:
        return None
    # Neighbouring periods are alike: a quarter of them count as independent.
    return float(np.std(series) / np.sqrt(max(len(series) / 4.0, 1.0)))
