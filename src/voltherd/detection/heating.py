"""Heat that current, coolant and siblings do not explain: a thermal model of each probe's place.

The place of a probe is one lumped body; what is followed is its distance D from the median probe::

    D' = a I² − b D + c T_med' + d (T_med − T_air) + e

with a its heat beyond the siblings' per square ampere, b its coupling to its surroundings, c how it
lags behind the pack, d how it lies in the cold, e a heat of its own.  The five are learned from the
vehicle's healthy past by recursive least squares that forgets over months, bounded, and not learned
from while the place is suspected.  What the model leaves unexplained is added up (Page's cumulative
sum, Biometrika 41 (1954) 100), and the model runs on by itself to say by how much the place is too
warm.  Heat that goes with I² is a joint's; heat that several neighbours have alike is missing
cooling; the rest makes itself.

A probe that jumps by kelvins from one row to the next is no heat: a body of kilograms cannot.

Source: lumped balance after Bernardi, Pawlikowski, Newman, J. Electrochem. Soc. 132 (1985) 5.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from voltherd.detection.verdict import Verdict
from voltherd.detection.windows import Windows
from voltherd.numerics.robust import median
from voltherd.types.asset import PackLayout
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity
from voltherd.types.sample import SampleBatch

CAUSE: Final = "heating"
ZONE_CAUSE: Final = "heating.zone"
TERMS: Final = 5
STEP_SECOND: Final = 300.0
GAP_SECOND_MAX: Final = 900.0
"""Between the middles of two windows; after longer the model has lost the thread [s]."""
LOAD_AMPERE2: Final = 1e4
"""Unit of the square of the current: what keeps the five numbers alike in size [A²]."""
JUMP_KELVIN: Final = 3.0
JUMP_SECOND_MAX: Final = 60.0
FORGET: Final = 0.9995
"""Of a step: two thousand of them, a week of driving, weigh most."""
LEARNED_STEPS: Final = 60.0
"""Steps of five minutes in a row that make a model: five hours."""
SIBLINGS_MIN: Final = 4
SIGMA_FLOOR_KELVIN: Final = 0.25
"""A probe sent in whole degrees is wrong by as much in the mean of a window [K]."""
SLACK: Final = 0.5
"""Standard deviations of a step that are never added up."""
ALARM: Final = 12.0
"""Standard deviations added up at which a place is suspected."""
RELEASE: Final = 4.0
CEILING: Final = 40.0
"""Beyond it nothing is added: a mended place is to be released within the hour."""
WARM_OPERATING_KELVIN: Final = 2.5
WARM_RECOMMENDED_KELVIN: Final = 5.0
ZONE_SHARE: Final = 0.4
"""A place as warm as this share of the warmest neighbour belongs to the same zone."""
ZONE_PROBES_MIN: Final = 3
LOAD_SHARE: Final = 0.6
"""Of the unexplained heat that must follow the square of the current to be a joint's."""
_PRIOR_COUPLING: Final = 0.1
_PRIOR_WEIGHT: Final = np.array([1.0, 10.0, 1.0, 10.0, 1.0])
_BOUND_LOW: Final = np.array([-50.0, 0.01, -1.5, -0.5, -2.0])
_BOUND_HIGH: Final = np.array([50.0, 1.0, 1.5, 0.5, 2.0])


class Means(NamedTuple):
    """Means over windows, one row each.

    Attributes:
        second: Middle of the window [unix s].
        celsius: Each probe; NaN where unknown.  Once judged, less what it has jumped by [°C].
        leapt: Probes that jumped in it.
        load: Square of the current [``LOAD_AMPERE2``].
        air_celsius: Around the vehicle [°C].
    """

    second: Float[np.ndarray, " w"]
    celsius: Float[np.ndarray, "w p"]
    leapt: Bool[np.ndarray, "w p"]
    load: Float[np.ndarray, " w"]
    air_celsius: Float[np.ndarray, " w"]


class Heating(NamedTuple):
    """What is known of each probe's place.

    Attributes:
        means: The last window judged and those since.
        last_celsius: Last reading of each probe [°C].
        last_second: When [unix s].
        jumped: What each probe has jumped by in all [K].
        before: Its distance from the median before a jump that is still to be measured, else NaN
            [K].
        gram: Forgetting sums of the features' products.
        moment: Forgetting sums of features times changes.
        steps: Steps learned from.
        square: Forgetting sum of squared residuals [K²].
        weight: Forgetting count behind it.
        model: The five numbers.
        excess: By how much each place is warmer than its model says [K].
        peak: The same at its highest since the last judgement, under suspicion [K].
        total: Unexplained residuals added up, in standard deviations.
        run: Since the total was last 0: steps, sums of residual, load, their product, load squared.
        named: Places under suspicion.
    """

    means: Means
    last_celsius: Float[np.ndarray, " p"]
    last_second: float
    jumped: Float[np.ndarray, " p"]
    before: Float[np.ndarray, " p"]
    gram: Float[np.ndarray, "p 5 5"]
    moment: Float[np.ndarray, "p 5"]
    steps: Float[np.ndarray, " p"]
    square: Float[np.ndarray, " p"]
    weight: Float[np.ndarray, " p"]
    model: Float[np.ndarray, "p 5"]
    excess: Float[np.ndarray, " p"]
    peak: Float[np.ndarray, " p"]
    total: Float[np.ndarray, " p"]
    run: Float[np.ndarray, "5 p"]
    named: Bool[np.ndarray, " p"]


def init(probes: int) -> Heating:
    """Know nothing yet."""
    prior = np.zeros((probes, TERMS))
    prior[:, 1] = _PRIOR_COUPLING
    nothing = np.zeros(probes)
    return Heating(
        means=Means(
            np.empty(0),
            np.empty((0, probes)),
            np.empty((0, probes), bool),
            np.empty(0),
            np.empty(0),
        ),
        last_celsius=np.full(probes, np.nan, np.float32),
        last_second=np.nan,
        jumped=nothing,
        before=np.full(probes, np.nan),
        gram=np.zeros((probes, TERMS, TERMS)) + np.diag(_PRIOR_WEIGHT),
        moment=prior * _PRIOR_WEIGHT,
        steps=nothing,
        square=nothing,
        weight=nothing,
        model=prior,
        excess=nothing,
        peak=nothing,
        total=nothing,
        run=np.zeros((5, probes)),
        named=np.zeros(probes, bool),
    )


def look(
    heat: Heating, windows: Windows, batch: SampleBatch, ends: Int[np.ndarray, " w"]
) -> Heating:
    """Take windows into account.

    Args:
        heat: What was known.
        windows: The windows.
        batch: Their rows.
        ends: Last row of each.
    """
    if batch.probes < SIBLINGS_MIN:
        return heat
    begin = np.concatenate([[0], ends[:-1] + 1])
    celsius, leapt = _probe_means(heat, batch, begin)
    current = batch.scalar.get("current_ampere")
    fresh = Means(
        second=0.5 * (windows.start_second + windows.end_second),
        celsius=celsius,
        leapt=leapt,
        load=_means(None if current is None else current**2 / LOAD_AMPERE2, begin),
        air_celsius=_means(batch.scalar.get("ambient_temperature_celsius"), begin),
    )
    joined = (np.concatenate(pair) for pair in zip(heat.means, fresh, strict=True))
    last = batch.probe_temperature_celsius[-1]
    return heat._replace(
        means=Means(*joined),
        last_celsius=np.where(np.isfinite(last), last, heat.last_celsius),
        last_second=float(batch.unix_time_second[-1]),
    )


def _means(
    values: Float[np.ndarray, "t ..."] | None, begin: Int[np.ndarray, " w"]
) -> Float[np.ndarray, "w ..."]:
    if values is None:
        return np.full(len(begin), np.nan)
    known = np.isfinite(values)
    if known.all():
        count = np.concatenate([begin[1:], [len(values)]]) - begin
        total = np.add.reduceat(values, begin, axis=0, dtype=np.float64)
        return np.asarray(total / count.reshape(-1, *(1,) * (values.ndim - 1)))
    count = np.add.reduceat(known, begin, axis=0, dtype=np.float64)
    total = np.add.reduceat(np.where(known, values, 0.0), begin, axis=0, dtype=np.float64)
    return np.where(count > 0.0, total / np.maximum(count, 1.0), np.nan)


def _probe_means(
    heat: Heating, batch: SampleBatch, begin: Int[np.ndarray, " w"]
) -> tuple[Float[np.ndarray, "w p"], Bool[np.ndarray, "w p"]]:
    """Give each probe's mean in windows, and whether it jumped in them."""
    celsius = batch.probe_temperature_celsius
    before = np.concatenate([heat.last_celsius[None], celsius[:-1]])
    leaps = np.abs(celsius - before) >= JUMP_KELVIN
    if leaps.any():
        soon = np.diff(batch.unix_time_second, prepend=heat.last_second) <= JUMP_SECOND_MAX
        leaps &= soon[:, None]
    return _means(celsius, begin), np.logical_or.reduceat(leaps, begin, axis=0)


def _steadied(heat: Heating) -> Heating:
    """Take what probes have jumped by out of the windows that are new, and measure new jumps.

    By how much one jumped is read from the windows before and after: a spike leaves nothing.
    """
    celsius = heat.means.celsius.copy()
    jumped, before = heat.jumped, heat.before
    if not heat.means.leapt[1:].any() and not np.isfinite(before).any():
        celsius[1:] -= jumped
        return heat._replace(means=heat.means._replace(celsius=celsius))
    for k in range(1, len(celsius)):
        leapt = heat.means.leapt[k]
        place = celsius[k] - jumped
        off = place - float(median(place, axis=0)) - before
        settled = ~leapt & np.isfinite(off)
        jumped = jumped + np.where(settled & (np.abs(off) >= 0.5 * JUMP_KELVIN), off, 0.0)
        celsius[k] = np.where(leapt, np.nan, celsius[k] - jumped)
        last = celsius[k - 1] - float(median(celsius[k - 1], axis=0))
        waiting = np.where(np.isfinite(before), before, last)
        before = np.where(leapt, waiting, np.where(settled, np.nan, before))
    means = heat.means._replace(celsius=celsius)
    return heat._replace(means=means, jumped=jumped, before=before)


def _sigma(heat: Heating) -> Float[np.ndarray, " p"]:
    """Give each probe's usual residual of a step [K]."""
    floor = SIGMA_FLOOR_KELVIN
    return np.maximum(np.sqrt((heat.square + floor**2) / (heat.weight + 1.0)), floor)


class _Steps(NamedTuple):
    """What happened between windows that follow each other closely."""

    x: Float[np.ndarray, "w p 5"]
    change: Float[np.ndarray, "w p"]
    known: Bool[np.ndarray, "w p"]
    length: Float[np.ndarray, " w"]


def _steps(means: Means) -> _Steps:
    centre = median(means.celsius, axis=1)
    deviation = means.celsius - centre[:, None]
    passed = means.second[1:] - means.second[:-1]
    load = 0.5 * (means.load[1:] + means.load[:-1])
    length = passed / STEP_SECOND
    outside = 0.01 * (centre[1:] - means.air_celsius[1:])
    change = deviation[1:] - deviation[:-1]
    some = np.isfinite(means.celsius).sum(axis=1) >= SIBLINGS_MIN
    usable = (passed > 0.0) & (passed <= GAP_SECOND_MAX) & np.isfinite(load) & some[1:] & some[:-1]
    known = np.isfinite(change) & usable[:, None]
    x = np.empty((*change.shape, TERMS))
    x[:, :, 0] = (load * length)[:, None]
    x[:, :, 1] = -deviation[:-1] * length[:, None]
    x[:, :, 2] = (centre[1:] - centre[:-1])[:, None]
    x[:, :, 3] = (np.where(np.isnan(outside), 0.0, outside) * length)[:, None]
    x[:, :, 4] = length[:, None]
    x[~known], change[~known] = 0.0, 0.0
    return _Steps(x, change, known, length)


def _followed(heat: Heating) -> Heating:
    """Add up what the model leaves unexplained, and learn from what is not suspected."""
    heat = _steadied(heat)
    steps = _steps(heat.means)
    residual = steps.change - (steps.x * heat.model).sum(axis=2)
    sigma = _sigma(heat)
    ready = heat.steps >= LEARNED_STEPS
    judged = steps.known & ready
    decay = np.exp(-heat.model[:, 1] * np.minimum(steps.length, 3.0)[:, None])
    scaled = residual / sigma - SLACK * steps.length[:, None]
    decay[~judged] = 1.0
    excess, total = _added_up(heat, decay, residual * judged, scaled * judged)
    peak = np.maximum.reduce(excess * (total >= np.where(heat.named, RELEASE, ALARM)), initial=0.0)
    run, alive = heat.run, total > 0.0
    if alive.any() or run.any():
        load = steps.x[:, :, 0]
        told = np.empty((len(load), *run.shape))
        told[:, 0], told[:, 1], told[:, 2] = 1.0, residual, load
        told[:, 3], told[:, 4] = residual * load, load**2
        for fresh, lives in zip(told * judged[:, None], alive, strict=True):
            run = (run + fresh) * lives
    learns = (total < 0.5 * ALARM) & steps.known
    heat = heat._replace(excess=excess[-1], peak=peak, total=total[-1], run=run)
    reach = 3.0 * sigma
    tamed = np.minimum(np.maximum(residual, -reach), reach)
    change = np.where(ready, steps.change - residual + tamed, steps.change)
    return _learned(heat, steps.x * learns[:, :, None], change, tamed * learns, learns)


def _added_up(
    heat: Heating,
    decay: Float[np.ndarray, "w p"],
    residual: Float[np.ndarray, "w p"],
    scaled: Float[np.ndarray, "w p"],
) -> tuple[Float[np.ndarray, "w p"], Float[np.ndarray, "w p"]]:
    """Give by how much each place is too warm after each step, and the total of residuals."""
    excess, total = np.empty_like(residual), np.empty_like(scaled)
    warm, most = heat.excess, heat.total
    for k in range(len(residual)):
        excess[k] = warm = warm * decay[k] + residual[k]
        total[k] = most = np.minimum(np.maximum(most + scaled[k], 0.0), CEILING)
    return excess, total


def _learned(
    heat: Heating,
    x: Float[np.ndarray, "w p 5"],
    change: Float[np.ndarray, "w p"],
    residual: Float[np.ndarray, "w p"],
    learns: Bool[np.ndarray, "w p"],
) -> Heating:
    """Learn from the steps, older ones fading; the prior stays as strong as it was."""
    count = learns.sum(axis=0)
    fade = FORGET**count
    by_probe = x.transpose(1, 2, 0)
    kept = (1.0 - fade)[:, None] * _PRIOR_WEIGHT
    gram = heat.gram * fade[:, None, None] + by_probe @ by_probe.transpose(0, 2, 1)
    moment = heat.moment * fade[:, None] + (by_probe @ change.T[:, :, None])[:, :, 0]
    moment[:, 1] += kept[:, 1] * _PRIOR_COUPLING
    gram.reshape(-1, TERMS * TERMS)[:, :: TERMS + 1] += kept  # the diagonals
    model = np.linalg.solve(gram, moment[:, :, None])[:, :, 0]
    return heat._replace(
        gram=gram,
        moment=moment,
        steps=heat.steps + count,
        square=heat.square * fade + (residual**2).sum(axis=0),
        weight=heat.weight * fade + count,
        model=np.minimum(np.maximum(model, _BOUND_LOW), _BOUND_HIGH),
    )


def judge(heat: Heating, layout: PackLayout | None) -> tuple[Heating, tuple[Verdict, ...]]:
    """Name the places that heat by themselves, and learn their models anew.

    Args:
        heat: What is known when a period ends.
        layout: At which module each probe sits, where known.

    Returns:
        What is known now; and the verdicts.
    """
    if len(heat.means.second) < 2:
        return heat, ()
    heat = _followed(heat)
    named = heat.peak >= WARM_OPERATING_KELVIN
    heat = heat._replace(named=named, means=Means(*(values[-1:] for values in heat.means)))
    if not named.any():
        return heat, ()
    zones = _zones(heat, layout)
    apart = np.setdiff1d(np.flatnonzero(named), np.concatenate([[-1], *zones]))
    verdicts = [_zone_verdict(heat, zone, layout) for zone in zones]
    verdicts += [_probe_verdict(heat, int(probe)) for probe in apart]
    return heat, tuple(verdicts)


def _zones(heat: Heating, layout: PackLayout | None) -> list[Int[np.ndarray, " n"]]:
    """Find neighbouring probes that have all become warmer by about as much."""
    probes = len(heat.steps)
    placed = layout is not None and len(layout.probe_module) == probes
    module = np.array(layout.probe_module) if layout is not None and placed else np.ones(probes)
    warm = np.maximum(heat.peak, heat.excess * (heat.total >= 0.5 * ALARM))
    zones: list[Int[np.ndarray, " n"]] = []
    for peak in np.flatnonzero(heat.named):
        if any(peak in zone for zone in zones):
            continue
        alike = (warm >= ZONE_SHARE * warm[peak]) & (module == module[peak])
        low = high = int(peak)
        while low > 0 and alike[low - 1]:
            low -= 1
        while high + 1 < probes and alike[high + 1]:
            high += 1
        whole = placed and high - low + 1 == int((module == module[peak]).sum())
        if high - low + 1 >= (2 if whole else ZONE_PROBES_MIN):
            zones.append(np.arange(low, high + 1))
    return zones


def _severity(excess: float) -> Severity:
    return Severity.RECOMMENDED if excess >= WARM_RECOMMENDED_KELVIN else Severity.OPERATING


def _zone_verdict(heat: Heating, zone: Int[np.ndarray, " n"], layout: PackLayout | None) -> Verdict:
    warm = np.maximum(heat.peak, heat.excess)[zone]
    excess = float(median(warm, axis=0))
    indices = tuple(int(probe) + 1 for probe in zone)
    place = Location(kind=LocationKind.PROBE, index=indices[0], indices=indices)
    if layout is not None and layout.probe_module and layout.module_series:
        module = layout.probe_module[indices[0] - 1]
        before = sum(layout.module_series[: module - 1])
        cells = tuple(range(before + 1, before + layout.module_series[module - 1] + 1))
        place = Location(kind=LocationKind.MODULE, index=module, cells=cells, indices=indices)
    return Verdict(
        cause=ZONE_CAUSE,
        phenomenon=Phenomenon.COOLING_BLOCKED,
        location=place,
        severity=_severity(excess),
        score=float(heat.total[zone].max()),
        persistence=1,
        numbers=_numbers(heat, int(zone[np.argmax(warm)]))
        | {"excess_kelvin": excess, "probes": float(len(zone))},
    )


def _probe_verdict(heat: Heating, probe: int) -> Verdict:
    return Verdict(
        cause=CAUSE,
        phenomenon=Phenomenon.JOINT_HEATING
        if _load_share(heat, probe) >= LOAD_SHARE
        else Phenomenon.SELF_HEATING,
        location=Location(kind=LocationKind.PROBE, index=probe + 1),
        severity=_severity(float(heat.peak[probe])),
        score=float(heat.total[probe]),
        persistence=1,
        numbers=_numbers(heat, probe),
    )


def _numbers(heat: Heating, probe: int) -> dict[str, float]:
    return {
        "excess_kelvin": float(heat.peak[probe]),
        "celsius": float(heat.means.celsius[-1, probe] + heat.jumped[probe]),
        "sigma_kelvin": float(_sigma(heat)[probe]),
        "load_share": _load_share(heat, probe),
        "steps": float(heat.steps[probe]),
    }


def _load_share(heat: Heating, probe: int) -> float:
    """Give the share of the unexplained heat that goes with the square of the current."""
    n, rest, load, both, square = heat.run[:, probe].tolist()
    spread = square - load * load / n if n else 0.0
    if spread <= 0.0 or rest <= 0.0:
        return 0.0
    slope = (both - rest * load / n) / spread
    return float(np.clip(slope * load / rest, 0.0, 1.0))
