"""Looks for each piece of evidence of the fault tree in what detection knows of a place.

Every observer gives True (it is there), False (it was looked for and is not) or None (cannot be
told from this data): a short record or a missing channel must not speak against a cause.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from jaxtyping import Float

from voltherd.detection import (
    cell_step,
    channels,
    contact,
    current_bias,
    drift,
    freeze,
    glitch,
    heating,
    humidity,
    imbalance,
    insulation,
    jump,
    modules,
    pack_sum,
    plating,
    probe_step,
    runaway,
    short,
    soc_report,
    spikes,
    stuck,
    swap,
    switches,
    tampering,
    temperature,
)
from voltherd.detection.cells import CAPACITY_OPERATING, CORRELATION, SPAN_MIN, VOLT_MIN
from voltherd.detection.cells import CAUSE as CELL_APART
from voltherd.detection.engine import Detection
from voltherd.detection.memory import cell_resistance_ohm, days
from voltherd.numerics.presets import LFP
from voltherd.numerics.robust import median
from voltherd.triage.cause_sight import (
    Shape,
    Sight,
    alarms_at,
    called,
    first_raised,
    raised,
    same_place,
)
from voltherd.triage.cause_table import TOLD
from voltherd.triage.hindsight import step_onset, swing_onset
from voltherd.triage.origin import origin
from voltherd.types.asset import Chemistry
from voltherd.types.event import LocationKind, Phenomenon, Severity
from voltherd.units import SECOND_PER_HOUR

DAYS_TO_LEAK: Final = 3.0
"""Readable days after which a leak that matters would have been seen."""
ROWS_MIN: Final = 8
"""Half hours observed since the beginning below which its kind is not judged."""
LOG_ODDS: Final = 3.0
"""By which one explanation must beat another; periods repeat each other's errors, so not more."""
SWING_SIGMA: Final = 4.0
LEAN_SIGMA: Final = 2.0
APART_VOLT: Final = VOLT_MIN
"""Less than this has neither sign nor kind [V]."""
WARM_KELVIN: Final = 3.0
COMPANY_SECOND: Final = 3.0 * SECOND_PER_HOUR
_MEASURED: Final = (
    jump.CAUSE,
    cell_step.CAUSE,
    stuck.CAUSE,
    freeze.CAUSE,
    swap.CAUSE,
    swap.CAUSE_AT_ONCE,
    spikes.CAUSE,
    glitch.CAUSE,
    CELL_APART,
    pack_sum.CAUSE,
    soc_report.CAUSE,
    current_bias.CAUSE,
    temperature.CAUSE,
    probe_step.CAUSE,
    drift.CAUSE,
    drift.PROBE_CAUSE,
    *tampering.CAUSES,
)
"""Causes of alarms that may come of one hand in the data.

Not heat and plating: they are added up over hours, so when they were raised says little.
"""
OWN: Final[Mapping[Phenomenon, frozenset[str]]] = {
    Phenomenon.DATA_TAMPERED: frozenset({"forged"}),
    Phenomenon.LITHIUM_PLATING: frozenset({"dosed", "shoulder"}),
}
"""Findings about the whole pack that only their own evidence bears on, not their neighbours'."""
_PLATED: Final = OWN[Phenomenon.LITHIUM_PLATING]


_FLAT_SOC: Final = np.linspace(0.0, 1.0, len(LFP.ocv_volt))
_FLAT_SLOPE: Final = np.gradient(np.asarray(LFP.ocv_volt, float), _FLAT_SOC)


def observed(sight: Sight) -> dict[str, bool | None]:
    """Look for every piece of evidence that the table has for this kind of place."""
    if sight.place.cells:
        sight = sight._replace(shape=shape(sight))
    return {
        row.name: _OBSERVERS[row.name](sight)
        for row in TOLD
        if sight.place.kind in row.places and _bears(row.name, sight.phenomenon)
    }


def _bears(name: str, phenomenon: Phenomenon | None) -> bool:
    own = OWN.get(phenomenon) if phenomenon else None
    return name in own if own else name not in _PLATED


def shape(sight: Sight) -> Shape | None:
    """Fit what a cell, or several cells' median, has done since the beginning; None if too short.

    The slope of the open-circuit voltage at each half hour is taken from what all cells'
    deviations say there in volts and as charge; of iron phosphate, where most half hours cannot be
    read as charge, from the preset curve at the reported charge.
    """
    memory = sight.state.memory
    columns = [cell - 1 for cell in sight.place.cells]
    own = median(memory.history_volt[:, columns].astype(np.float64), axis=1)
    rows = np.isfinite(own) & np.isfinite(memory.history_soc)
    rows &= memory.history_second > sight.onset_second - 0.5 * SECOND_PER_HOUR
    # An early alarm may have been another's: what began later is looked at from there on.
    rows[: step_onset(own) or swing_onset(memory.history_soc, own)] = False
    if rows.sum() < ROWS_MIN:
        return None
    own, soc, age = own[rows], memory.history_soc[rows], days(memory)[rows]
    if memory.chemistry is Chemistry.LFP:
        slope = np.interp(soc, _FLAT_SOC, _FLAT_SLOPE)
    else:
        charge = np.nan_to_num(memory.history_charge[rows].astype(np.float64))
        volt = np.nan_to_num(memory.history_volt[rows].astype(np.float64))
        shared = (volt * charge).sum(axis=1)
        slope = shared / np.maximum((charge * charge).sum(axis=1), 1e-9)
    _, left_charge, _ = _fitted(slope[:, None], own)
    _, left_constant, _ = _fitted(np.ones((len(own), 1)), own)
    both = np.stack([slope, slope * (soc - 0.5)], axis=1)
    terms, _, sigma = _fitted(both, own)
    drift, _, drift_sigma = _fitted(np.stack([slope, slope * (age - age.mean())], axis=1), own)
    independent = len(own) / CORRELATION
    return Shape(
        constant_odds=0.5 * independent * float(np.log(left_charge / left_constant)),
        capacity=float(terms[1]),
        capacity_sigma=float(np.sqrt(CORRELATION) * sigma[1]),
        volt=float(own.mean()),
        per_day=float(drift[1]),
        per_day_sigma=float(np.sqrt(CORRELATION) * drift_sigma[1]),
        soc_span=float(soc.max() - soc.min()),
    )


def _fitted(
    x: Float[np.ndarray, "n k"], y: Float[np.ndarray, " n"]
) -> tuple[Float[np.ndarray, " k"], float, Float[np.ndarray, " k"]]:
    """Give terms, mean square left over and standard uncertainties of a least-squares fit."""
    inverse = np.linalg.inv(x.T @ x + 1e-9 * np.eye(x.shape[1]))
    terms = inverse @ (x.T @ y)
    left = max(float(((y - x @ terms) ** 2).mean()), 1e-7)
    return terms, left, np.sqrt(left * np.diag(inverse))


def _apart(sight: Sight) -> bool | None:
    if alarms_at(sight, CELL_APART):
        return True
    found = sight.shape
    return None if found is None else abs(found.volt) >= 2.0 * VOLT_MIN


def _leaks(sight: Sight) -> bool | None:
    if alarms_at(sight, short.CAUSE):
        return True
    memory = sight.state.memory
    columns = [cell - 1 for cell in sight.place.cells]
    rows = np.isfinite(memory.history_charge[:, columns]).all(axis=1)
    rows &= memory.history_second >= sight.onset_second
    age = days(memory)[rows] if rows.any() else np.zeros(0)
    return False if len(age) >= short.ROWS_MIN and age[-1] - age[0] >= DAYS_TO_LEAK else None


def _slides(sight: Sight) -> bool | None:
    if alarms_at(sight, short.CAUSE):
        return None  # said already, and with more care
    found = sight.shape
    if found is None:
        return None
    if found.per_day <= -max(short.LOSS_MIN_PER_DAY[-1], SWING_SIGMA * found.per_day_sigma):
        return True
    clear = found.per_day - LEAN_SIGMA * found.per_day_sigma > -short.PER_DAY_RECOMMENDED
    return False if clear else None


def _constant(sight: Sight) -> bool | None:
    if sight.place.kind is LocationKind.PACK and not alarms_at(sight, imbalance.CAUSE):
        return None
    found = sight.shape
    if found is None or abs(found.volt) < APART_VOLT or abs(found.constant_odds) < LOG_ODDS:
        return None
    return found.constant_odds > 0.0


def _swings(sight: Sight) -> bool | None:
    found = sight.shape
    if found is None or found.soc_span < SPAN_MIN or found.constant_odds >= LOG_ODDS:
        return None
    if found.capacity >= max(CAPACITY_OPERATING, SWING_SIGMA * found.capacity_sigma):
        return True
    clear = found.capacity + LEAN_SIGMA * found.capacity_sigma < 2.0 * CAPACITY_OPERATING
    return False if clear else None


def _leans(sight: Sight) -> bool | None:
    found = sight.shape
    unclear = found is not None and found.soc_span >= SPAN_MIN
    if (
        found is None
        or not unclear
        or found.constant_odds >= LOG_ODDS
        or _swings(sight) is not None
    ):
        return None
    return found.capacity >= LEAN_SIGMA * found.capacity_sigma


def _jumped(sight: Sight) -> bool | None:
    """Say only that it jumped: what crept in, or began before the record, had no jump to show."""
    return True if alarms_at(sight, jump.CAUSE, cell_step.CAUSE) else None


def _follows(sight: Sight) -> bool | None:
    if alarms_at(sight, contact.CAUSE):
        return True
    memory = sight.state.memory
    cell = sight.place.cells[0] - 1
    if min(memory.follow.ampere2, memory.follow.cell_ampere2[cell]) < contact.AMPERE2_MIN:
        return None
    own = memory.follow.pack_watt / memory.follow.ampere2
    if own < contact.PLAUSIBLE_OHM:
        return None
    ohm = cell_resistance_ohm(memory)
    return bool(ohm[cell] - median(ohm, axis=0) >= contact.SHARE_OPERATING * own)


def _low(sight: Sight) -> bool | None:
    found = sight.shape
    return None if found is None or abs(found.volt) < APART_VOLT else found.volt < 0.0


def _company(sight: Sight) -> bool | None:
    """Whether another measurement was first said to have changed when this one was."""
    mine = alarms_at(sight, *_MEASURED)
    if not mine:
        return None
    first = min(first_raised(alarm) for alarm in mine)
    return any(
        abs(first_raised(alarm) - first) <= COMPANY_SECOND
        for alarm in sight.state.book.values()
        if alarm.severity is not None
        and alarm.verdict.cause in _MEASURED
        and not same_place(alarm.verdict.location, sight.place)
    )


def _warm(sight: Sight) -> bool | None:
    """Whether the probes at the place's module are warmer than the median one, now or in alarm."""
    layout = sight.state.layout
    probes = sight.state.watch.seen
    if layout is None or len(layout.probe_module) != len(probes):
        return None
    module = layout.module_of_cell(sight.place.cells[0])
    here = [probe for probe, at in enumerate(layout.probe_module, start=1) if at == module]
    apart = _probe_alarms(sight.state)
    if any(apart.get(probe, 0.0) > 0.0 for probe in here):
        return True
    celsius = sight.state.guard.probe_celsius.astype(np.float64)
    own = median(celsius[[probe - 1 for probe in here]], axis=0) if here else np.nan
    warmer = float(own - median(celsius, axis=0))
    return None if np.isnan(warmer) else warmer >= WARM_KELVIN


def _probe_alarms(state: Detection) -> Mapping[int, float]:
    """Give by how much each probe that was raised stood apart [K]."""
    return {
        alarm.verdict.location.index or 0: alarm.telling.numbers["apart_celsius"]
        for alarm in state.book.values()
        if alarm.severity is not None and alarm.verdict.cause == temperature.CAUSE
    }


def _alone(sight: Sight) -> bool | None:
    layout, place = sight.state.layout, sight.place
    if not alarms_at(sight, temperature.CAUSE):
        return None
    if layout is None or len(layout.probe_module) != len(sight.state.watch.seen):
        return None
    mine = set(place.indices or (place.index,))
    at = {layout.probe_module[probe - 1] for probe in mine if probe}
    mates = {p for p, m in enumerate(layout.probe_module, start=1) if m in at} - mine
    if not mates:
        return None
    return not mates & _probe_alarms(sight.state).keys()


def _cold(sight: Sight) -> bool | None:
    found = alarms_at(sight, temperature.CAUSE)
    return found[0].telling.numbers["apart_celsius"] < 0.0 if found else None


def _climbs(sight: Sight) -> bool | None:
    wide = alarms_at(sight, imbalance.CAUSE)
    if not wide:
        return None
    return abs(wide[0].telling.numbers["spearman"]) >= imbalance.STRING_CORRELATION


def _disagrees(sight: Sight) -> bool | None:
    if alarms_at(sight, pack_sum.CAUSE):
        return True
    return False if channels.moved(sight.state.watch, "voltage_volt") else None


def _leaky(sight: Sight) -> bool | None:
    if alarms_at(sight, insulation.CAUSE):
        return True
    return False if channels.moved(sight.state.watch, "insulation_resistance_ohm") else None


def _damp(sight: Sight) -> bool | None:
    if alarms_at(sight, humidity.CAUSE):
        return True
    return False if "relative_humidity_fraction" in sight.state.open_rows.scalar else None


def _drifts(sight: Sight) -> bool | None:
    return True if alarms_at(sight, drift.CAUSE, drift.PROBE_CAUSE) else None


def _stepped(sight: Sight) -> bool | None:
    return True if alarms_at(sight, probe_step.CAUSE) else None


def _heats(phenomenon: Phenomenon) -> Callable[[Sight], bool | None]:
    """Observe whether a probe's place warms in one way; unknown before its ways are learned."""

    def look(sight: Sight) -> bool | None:
        found = called(phenomenon)(sight)
        indices = sight.place.indices or (sight.place.index or 0,)
        if found or sight.place.kind is not LocationKind.PROBE:
            return found
        known = sight.state.heat.steps[[index - 1 for index in indices]] >= heating.LEARNED_STEPS
        return False if known.all() else None

    return look


def _forged(sight: Sight) -> bool | None:
    """Whether the signs raised within a day of the place's alarms speak of an attack."""
    if sight.phenomenon is Phenomenon.DATA_TAMPERED:
        return True
    mine = alarms_at(sight, *_MEASURED)
    if not mine:
        return None
    return any(origin(sight.state, alarm.first_second).word == "attack" for alarm in mine)


def _shoulder(sight: Sight) -> bool | None:
    found = alarms_at(sight, plating.CAUSE)
    if not found or not found[0].telling.numbers["rests"]:
        return None
    return found[0].telling.severity >= Severity.RECOMMENDED


def _disobeys(sight: Sight) -> bool | None:
    """Whether contactors contradict their command; unknown where it is not recorded."""
    if alarms_at(sight, *switches.CAUSES):
        return True
    return False if switches.COMMAND in sight.state.open_rows.scalar else None


_OBSERVERS: Final[Mapping[str, Callable[[Sight], bool | None]]] = {
    "apart": _apart,
    "leaks": _leaks,
    "drifts": _drifts,
    "slides": _slides,
    "constant": _constant,
    "swings": _swings,
    "leans": _leans,
    "follows": _follows,
    "jumped": _jumped,
    "frozen": called(Phenomenon.SENSOR_STUCK),
    "spikes": called(Phenomenon.SENSOR_SPIKES),
    "exchanged": raised(swap.CAUSE, swap.CAUSE_AT_ONCE),
    "low": _low,
    "company": _company,
    "warm": _warm,
    "together": raised(modules.CAUSE),
    "wide": raised(imbalance.CAUSE),
    "climbs": _climbs,
    "disagrees": _disagrees,
    "leaky": _leaky,
    "damp": _damp,
    "strays": raised(temperature.CAUSE),
    "alone": _alone,
    "cold": _cold,
    "silent": raised(channels.CAUSE),
    "astray": raised(soc_report.CAUSE),
    "collapsed": raised(runaway.CAUSE),
    "biased": raised(current_bias.CAUSE),
    "forged": _forged,
    "dosed": raised(plating.CAUSE),
    "disobeys": _disobeys,
    "shoulder": _shoulder,
    "stepped": _stepped,
    "smoulders": _heats(Phenomenon.SELF_HEATING),
    "glows": _heats(Phenomenon.JOINT_HEATING),
    "zone": _heats(Phenomenon.COOLING_BLOCKED),
}
