"""From alarms to findings: one per cause and place, told in words, ordered by urgency."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from voltherd.detection import (
    cell_step,
    cells,
    channels,
    contact,
    drift,
    freeze,
    glitch,
    heating,
    imbalance,
    jump,
    modules,
    probe_step,
    runaway,
    short,
    soc_report,
    spikes,
    stages,
    stuck,
    swap,
    temperature,
)
from voltherd.detection.engine import Detection
from voltherd.detection.memory import HISTORY_PERIODS, days
from voltherd.detection.verdict import Alarm, Verdict, confidence
from voltherd.numerics.robust import median
from voltherd.triage.advice import ACTION, CONFIRM, STAGE_ACTIONS
from voltherd.triage.cause_sight import Sight
from voltherd.triage.causes import causes_of
from voltherd.triage.evidence import evidence_of
from voltherd.triage.hindsight import Trend, ramp_onset, step_onset, swing_onset, trend, widths
from voltherd.triage.words import summary, trend_words
from voltherd.types.event import Cause, Finding, Location, LocationKind, Phenomenon, Severity
from voltherd.types.stage import Stage
from voltherd.units import SECOND_PER_DAY

PRECEDENCE: Final = (
    stuck.CAUSE,
    freeze.CAUSE,
    swap.CAUSE,
    swap.CAUSE_AT_ONCE,
    spikes.CAUSE,
    glitch.CAUSE,
    short.CAUSE,
    drift.CAUSE,
    contact.CAUSE,
    cells.CAUSE,
    jump.CAUSE,
    cell_step.CAUSE,
)
"""What explains what when one cell has several alarms: an earlier cause makes the later ones."""
_UNREAD: Final = (stuck.CAUSE, freeze.CAUSE, swap.CAUSE, swap.CAUSE_AT_ONCE)
"""What leaves a cell without a reading of its own."""
CHANNEL_CONFIDENCE: Final = 0.99
"""Of findings that are plain facts of the record: a code, a constant, a counter that fell."""

UNTOLD_CONFIDENCE: Final = 0.66
"""At most, where a finding names a cause that the data cannot yet tell from another: "likely"."""

UNCAUSED: Final = frozenset(
    {Phenomenon.HOT_USE, Phenomenon.IMPACT, Phenomenon.SELF_CHECK_FAILED, Phenomenon.VIBRATION_HIGH}
)
"""Findings that say themselves what happened: no cause behind them is asked for."""


class Told(NamedTuple):
    """A finding and the alarms it tells of, the leading ones first."""

    finding: Finding
    alarms: tuple[Alarm, ...]


def findings(
    state: Detection, names: Sequence[str] = (), prior: Mapping[Cause, float] | None = None
) -> tuple[Finding, ...]:
    """Give everything that was raised for one vehicle, most urgent first.

    Args:
        state: After the last row.
        names: The source's names of the cells, in order.
        prior: What a fleet knows better than ``cause_table`` of its root causes' frequency.

    Returns:
        One finding per cause and place.
    """
    return tuple(each.finding for each in told(state, names, prior))


def told(
    state: Detection, names: Sequence[str] = (), prior: Mapping[Cause, float] | None = None
) -> tuple[Told, ...]:
    """Give the same with the alarms behind each finding, for whoever follows them over time."""
    raised = [alarm for alarm in state.book.values() if alarm.severity is not None]
    merged = _merge_modules(_merge_warm(_merge_whole(_merge_cells(raised))))
    singled = any(group[0].verdict.location.kind is LocationKind.CELL for group in merged)
    every = [
        Told(_with_causes(_tell(group, state, names, singled), state, prior), group)
        for group in merged
    ]
    return tuple(sorted(every, key=lambda each: urgency(each.finding)))


def urgency(finding: Finding) -> tuple[float, float, float]:
    """Order by severity, then confidence, then age (what has stood longest first)."""
    return -float(finding.severity), -round(finding.confidence, 2), finding.raised_second


def _merge_cells(alarms: Sequence[Alarm]) -> list[tuple[Alarm, ...]]:
    """Group the alarms of one cell, the one that explains the others first."""
    groups: dict[int, list[Alarm]] = {}
    alone: list[tuple[Alarm, ...]] = []
    by_cause = sorted(
        alarms,
        key=lambda a: PRECEDENCE.index(a.verdict.cause) if a.verdict.cause in PRECEDENCE else -1,
    )
    module = [a.verdict for a in alarms if a.verdict.cause == modules.CAUSE]
    for alarm in by_cause:
        place = alarm.verdict.location
        if alarm.verdict.cause not in PRECEDENCE or place.index is None:
            alone.append((alarm,))
            continue
        speaks = alarm.verdict.cause in (cells.CAUSE, jump.CAUSE)
        if speaks and any(modules.explains(m, alarm.verdict) for m in module):
            continue  # the module speaks for it
        known = next((groups[c] for c in place.cells if c in groups), None)
        if known is None:
            known = []
            groups.update(dict.fromkeys(place.cells, known))
        known.append(alarm)
    unique = {id(group): tuple(group) for group in groups.values() if group}
    return [*alone, *unique.values()]


def _merge_whole(groups: list[tuple[Alarm, ...]]) -> list[tuple[Alarm, ...]]:
    """Join what has one cause wherever it shows: dead probes, the signals of a runaway."""
    joint = [f"{channels.CAUSE}.{Phenomenon.CHANNEL_INVALID.value}", runaway.CAUSE]
    if any(group[0].verdict.cause == runaway.CAUSE for group in groups):
        joint.append(stages.CAUSE)  # the runaway is what the stages were on the way to
    others: list[tuple[Alarm, ...]] = []
    joined: dict[tuple[str, bool], list[Alarm]] = {}
    for group in groups:
        cause = group[0].verdict.cause
        if cause in joint:  # what is over is told apart from what still is
            ours = runaway.CAUSE if cause == stages.CAUSE else cause
            joined.setdefault((ours, group[0].streaks[0] > 0), []).extend(group)
        else:
            others.append(group)
    for same in joined.values():
        # The alarm that knows a cell leads: the place to look at.
        same.sort(key=lambda a: (a.verdict.cause == stages.CAUSE, not a.verdict.location.cells))
    return [*others, *(tuple(same) for same in joined.values())]


def _merge_warm(groups: list[tuple[Alarm, ...]]) -> list[tuple[Alarm, ...]]:
    """Join what is said of the warmth of one probe: heat explains why it stands apart."""
    order = (heating.ZONE_CAUSE, heating.CAUSE, temperature.CAUSE)
    warm = [group for group in groups if group[0].verdict.cause in order]
    joined: list[list[Alarm]] = []
    for alarm, *_ in sorted(warm, key=lambda group: order.index(group[0].verdict.cause)):
        mine = _probes(alarm)
        known = next((j for j in joined if mine & _probes(j[0])), None)
        if known is None:
            joined.append([alarm])
        else:
            known.append(alarm)
    others = [group for group in groups if group[0].verdict.cause not in order]
    return [*others, *(tuple(same) for same in joined)]


def _probes(alarm: Alarm) -> set[int]:
    place = alarm.verdict.location
    return set(place.indices) or {place.index or 0}


def _merge_modules(groups: list[tuple[Alarm, ...]]) -> list[tuple[Alarm, ...]]:
    """Join modules that overlap: without a layout, one cause may show in several divisions."""
    others: list[tuple[Alarm, ...]] = []
    joined: list[list[Alarm]] = []
    for group in groups:
        alarm = group[0]
        if alarm.verdict.cause != modules.CAUSE:
            others.append(group)
            continue
        mine = set(alarm.verdict.location.cells)
        known = next((j for j in joined if mine & set(j[0].verdict.location.cells)), None)
        if known is None:
            joined.append([alarm])
        else:
            known.append(alarm)
    return [*others, *(tuple(same) for same in joined)]


def _tell(
    group: tuple[Alarm, ...], state: Detection, names: Sequence[str], singled: bool
) -> Finding:
    lead = _lead(group)
    # What a frozen or exchanged channel makes of its cell is its consequence, not a second cause.
    explained = lead.verdict.cause in _UNREAD
    standing = tuple(a for a in group if a.streaks[0] or a is lead)
    speaking = (lead,) if explained else standing
    severity = max(a.severity for a in speaking if a.severity is not None)
    reached = [a.raised_second[severity - 1] for a in speaking if a.severity == severity]
    raised = min(time for time in reached if time is not None)
    onset, change = _hindsight(lead, state)
    certain = lead.verdict.cause.startswith(channels.CAUSE)
    verdict = lead.telling
    location = _named(verdict.location, state, names)
    indices = tuple(sorted(set().union(*map(_probes, group))))
    if len(indices) > 1 and location.kind is LocationKind.PROBE:
        first, last = (state.open_rows.probe_name(index) for index in (indices[0], indices[-1]))
        location = replace(location, index=indices[0], indices=indices, channel=f"{first} … {last}")
    finding = Finding(
        vehicle_id=state.open_rows.vehicle_id,
        location=location,
        phenomenon=verdict.phenomenon,
        severity=severity,
        raised_second=raised,
        onset_second=min(onset, raised),
        last_seen_second=max(a.last_second for a in group),
        confidence=CHANNEL_CONFIDENCE
        if certain
        else _confidence(verdict, state, sum(a.count for a in group)),
        trend=trend_words(lead, change, state.last_second),
        summary="",
        action="",
        confirm="",
        evidence=evidence_of((lead, *(a for a in group if a is not lead)), state, names),
        score=_score(a for a in speaking if a.severity == severity),
    )
    return replace(
        finding,
        summary=summary(finding, lead, singled),
        action=_action(finding.phenomenon, group),
        confirm=CONFIRM[finding.phenomenon],
    )


def _with_causes(
    finding: Finding, state: Detection, prior: Mapping[Cause, float] | None
) -> Finding:
    if finding.phenomenon in UNCAUSED:
        return finding
    sight = Sight(state, finding.location, finding.onset_second, finding.phenomenon)
    return replace(finding, causes=causes_of(sight, prior))


def _score(alarms: Iterable[Alarm]) -> float:
    """Give how far the strongest verdict of some alarms stood from its siblings."""
    scores = [abs((alarm.peak or alarm.verdict).score) for alarm in alarms]
    return float(max((score for score in scores if np.isfinite(score)), default=0.0))


def _action(phenomenon: Phenomenon, group: Sequence[Alarm]) -> str:
    """Say what to do; on the way to a runaway, what its stage asks for."""
    stage = next((a.telling.numbers["stage"] for a in group if a.verdict.cause == stages.CAUSE), 0)
    return " ".join(STAGE_ACTIONS[Stage(int(stage))]) or ACTION[phenomenon]


def _named(place: Location, state: Detection, names: Sequence[str]) -> Location:
    """Add the source's own name of a cell or probe."""
    if place.kind is LocationKind.CELL and place.index and names:
        return replace(place, channel=names[place.index - 1])
    if place.kind is LocationKind.PROBE and place.index:
        return replace(place, channel=state.open_rows.probe_name(place.index))
    return place


def _confidence(verdict: Verdict, state: Detection, renewals: int) -> float:
    """Give the chance that it is right; the more siblings, the likelier one strays by chance."""
    cells_of_it = max(len(verdict.location.cells), 1)
    siblings = {
        LocationKind.CELL: len(state.memory.square),
        LocationKind.MODULE: len(state.memory.square) // cells_of_it,
        LocationKind.PROBE: len(state.watch.seen),
    }.get(verdict.location.kind, 1)
    told = confidence(verdict.score, max(siblings, 1), renewals)
    untold = np.isnan(verdict.numbers.get("is_charge", 1.0))
    return min(told, UNTOLD_CONFIDENCE) if untold else told


def _lead(group: tuple[Alarm, ...]) -> Alarm:
    """Give the alarm that names the finding: standing before past, severe before mild.

    A cell that leaked until it could no longer be read is no broken channel: what was a matter of
    safety before then names it.
    """
    unread = [a for a in group if a.verdict.cause in _UNREAD]
    grave = [a for a in group if a.severity is Severity.SAFETY and a not in unread]
    since = min((a.raised_second[-1] or np.inf for a in grave), default=np.inf)
    first = [a for a in unread if (a.raised_second[0] or np.inf) <= since]
    if first:
        return first[0]
    return max(
        grave if unread else group,
        key=lambda a: (a.streaks[0] > 0, a.severity or 0, -group.index(a)),
    )


def _hindsight(alarm: Alarm, state: Detection) -> tuple[float, Trend]:
    """Give the time a deviation began, and its trend, from the history of that cell."""
    memory, place = state.memory, alarm.verdict.location
    unknown = Trend(np.nan, np.nan)
    since_start = (Phenomenon.CHANNEL_FROZEN, Phenomenon.CHANNEL_INVALID)
    if alarm.verdict.phenomenon in since_start:
        return state.first_second, unknown
    if alarm.verdict.cause == soc_report.CAUSE:
        return _gauge_hindsight(alarm)
    forgotten = len(memory.history_second) >= HISTORY_PERIODS  # then its first row is the limit
    start = float(memory.history_second[0]) if forgotten else state.first_second
    if alarm.verdict.cause == imbalance.CAUSE and memory.periods >= 2:
        course = widths(memory.history_charge)
        row = step_onset(course)
        started = float(memory.history_second[row - 1]) if row else start
        return started, trend(days(memory), course)
    if alarm.verdict.cause in (cell_step.CAUSE, probe_step.CAUSE):
        return alarm.telling.numbers["since_second"], unknown
    if place.kind not in (LocationKind.CELL, LocationKind.MODULE) or memory.periods < 2:
        return alarm.first_second, unknown
    shown = (*_UNREAD, spikes.CAUSE, glitch.CAUSE, jump.CAUSE, heating.ZONE_CAUSE)
    if alarm.verdict.cause in shown:
        return alarm.first_second, unknown
    columns = [cell - 1 for cell in place.cells]
    series = median(memory.history_charge[:, columns].astype(np.float64), axis=1)
    change = trend(days(memory), series)
    if alarm.verdict.cause in (short.CAUSE, drift.CAUSE):
        row = ramp_onset(days(memory), series)
    elif alarm.verdict.cause == contact.CAUSE:
        return alarm.first_second, unknown
    elif alarm.telling.phenomenon is Phenomenon.WEAK_CELL:
        row = swing_onset(memory.history_soc, series)
    else:
        row = step_onset(series)
    # A period's values stand for the half hour before its end.
    return (float(memory.history_second[row - 1]) if row else start), change


def _gauge_hindsight(alarm: Alarm) -> tuple[float, Trend]:
    """Give the time a gauge began to be wrong, and by how much it drifts."""
    n = alarm.telling.numbers
    begun = n.get("since_second", alarm.first_second)
    days = max((alarm.last_second - begun) / SECOND_PER_DAY, 1.0)
    if "change" not in n:
        return begun, Trend(np.nan, np.nan)
    away = n["per_day"] * np.sign(n["change"])
    return begun, Trend(float(away), soc_report.CHANGE_SIGMA / days)


def worst(found: Sequence[Finding]) -> Severity | None:
    """Give the highest severity among findings, None without any."""
    return max((finding.severity for finding in found), default=None)
