"""The current's sign, zero and unit, from what charge does to cells.

Charge raises the state of charge and, through the resistance, the voltage at once.  Three
independent votes are taken: steps of voltage against steps of current, change of SOC against
current counted over time, and the direction while the vehicle drives.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.intake.temperature import Scale
from voltherd.units import SECOND_PER_HOUR

_STEP_SECOND_MAX: Final = 120.0
_SKEW_SECOND: Final = 2.0
"""Changes are taken over at least this long: several times the skew that buses have."""
_WINDOW_ROWS: Final = 64
_ZEROS: Final = (
    10_000.0, 1_000.0, 500.0, 5_000.0, 3_000.0, 32_768.0, 32_767.0, 2_000.0, 400.0, 800.0, 1_600.0,
    16_384.0, 20_000.0, 30_000.0, 32_000.0,
)  # fmt: skip
_PEAK_AMPERE: Final = 1300.0
"""Hardly any road vehicle's pack gives more."""
_ENOUGH: Final = 3.0
"""Summed evidence at which a sign counts as found: odds of twenty to one."""


class SignEvidence(NamedTuple):
    """What the record says about the current's direction.

    Attributes:
        sign: +1 where the source counts charging positive, -1 where discharging.
        confidence: Probability that the sign is right; 0.5 where it cannot be told.
        why: The votes, for people.
        capacity_hour: Charge for the whole SOC range, in source current units times hours;
            NaN where it cannot be told.
    """

    sign: float
    confidence: float
    why: str
    capacity_hour: float


def find_sign(
    second: Float[np.ndarray, "time"],
    current: Float[np.ndarray, "time"],
    voltage: Float[np.ndarray, "time"] | None,
    soc: Float[np.ndarray, "time"] | None,
    speed: Float[np.ndarray, "time"] | None,
) -> SignEvidence:
    """Weigh the three votes.

    Args:
        second: Time of each row, NaN where unknown [s].
        current: Source current, its zero removed.
        voltage: Pack or mean cell voltage in any unit, where there is one.
        soc: State of charge in any unit, where there is one.
        speed: Speed in any unit, where there is one.

    Returns:
        The sign and how sure; +1 at 0.5 where nothing tells.
    """
    votes: list[tuple[float, str]] = []
    capacity = float("nan")
    if voltage is not None and (vote := _by_steps(second, current, voltage)) is not None:
        votes.append((vote[0], f"voltage follows current steps (r = {vote[1]:+.2f})"))
    if soc is not None and (found := _by_charge(second, current, soc)) is not None:
        votes.append((found[0], f"SOC follows counted charge (r = {found[1]:+.2f})"))
        capacity = found[2]
    elif soc is None and voltage is not None and (found := _by_charge(second, current, voltage)):
        votes.append((found[0], f"voltage climbs with counted charge (r = {found[1]:+.2f})"))
    if speed is not None and (drive := _by_driving(current, speed)) is not None:
        votes.append((drive, "driving discharges"))
    total = sum(vote for vote, _ in votes)
    if abs(total) < _ENOUGH:
        why = "the record cannot tell" + (": " + ", ".join(w for _, w in votes) if votes else "")
        return SignEvidence(1.0, 0.5, why, capacity)
    agree = [why for vote, why in votes if vote * total > 0]
    against = [why for vote, why in votes if vote * total < 0 and abs(vote) > 1.0]
    why = ", ".join(agree) + (f"; against it: {', '.join(against)}" if against else "")
    return SignEvidence(
        1.0 if total > 0 else -1.0,
        float(1.0 / (1.0 + np.exp(-min(abs(total), 30.0)))),
        why,
        capacity,
    )


def _by_steps(
    second: np.ndarray, current: np.ndarray, voltage: np.ndarray
) -> tuple[float, float] | None:
    """Correlate changes over a few rows, so that skew between channels does no harm."""
    if len(second) < 8:
        return None
    steps = np.diff(second)
    usual = float(np.median(steps[steps > 0.0])) if np.any(steps > 0.0) else 1.0
    wide = int(np.clip(np.ceil(_SKEW_SECOND / usual), 3, len(second) // 2))
    step = current[wide:] - current[:-wide]
    rise = voltage[wide:] - voltage[:-wide]
    apart = second[wide:] - second[:-wide]
    good = (apart > 0.0) & (apart <= 3.0 * _STEP_SECOND_MAX) & np.isfinite(step) & np.isfinite(rise)
    if good.sum() < 8:
        return None
    step, rise = step[good], rise[good]
    span = float(np.ptp(np.quantile(current[np.isfinite(current)], (0.002, 0.998))))
    large = np.abs(step) > max(0.1 * span, 1e-12)
    if large.sum() < 4:
        return None
    step, rise = step[large], rise[large]
    rise = np.clip(rise, *np.quantile(rise, (0.005, 0.995)))
    norm = float(np.sqrt((step @ step) * (rise @ rise)))
    if norm <= 0.0:
        return None
    r = float(step @ rise) / norm
    # rows whose channels were not sampled together carry a faint correlation of either sign
    weight = min(1.0, (r / 0.2) ** 2)
    return float(np.clip(2.0 * r * weight * np.sqrt(len(step)), -15.0, 15.0)), r


def _by_charge(
    second: np.ndarray, current: np.ndarray, soc: np.ndarray
) -> tuple[float, float, float] | None:
    """Correlate the change of SOC with the counted charge over windows without gaps."""
    steps = np.diff(second)
    forward = steps[steps > 0]
    if forward.size < _WINDOW_ROWS:
        return None
    usual = float(np.median(forward))
    # hold a window open long enough for SOC, which is coarse, to move
    window = int(
        np.clip(np.ceil(600.0 / usual), _WINDOW_ROWS, max(len(second) // 16, _WINDOW_ROWS))
    )
    whole = (steps >= 0) & (steps <= max(20.0 * usual, 60.0))
    flow = np.where(whole, 0.5 * (current[1:] + current[:-1]) * steps, 0.0)
    counted = np.concatenate(([0.0], np.cumsum(np.nan_to_num(flow))))
    broken = np.concatenate(([0], np.cumsum(~whole | ~np.isfinite(flow))))
    edges = np.arange(0, len(second), window)
    moved, charge = np.diff(soc[edges]), np.diff(counted[edges])
    good = np.isfinite(moved) & (np.diff(broken[edges]) <= 0.02 * window)
    good &= np.abs(moved) < 0.5 * max(_span(soc), 1e-9) + 1e-9
    if good.sum() < 4:
        return None
    moved, charge = moved[good], charge[good]
    norm = float(np.sqrt((moved @ moved) * (charge @ charge)))
    if norm <= 0.0 or np.count_nonzero(moved) < 3:
        return None
    r = float(moved @ charge) / norm
    capacity = abs(float(charge @ charge) / float(moved @ charge)) if r != 0.0 else float("nan")
    vote = float(np.clip(2.0 * r * np.sqrt(len(moved)), -15.0, 15.0))
    return vote, r, capacity / SECOND_PER_HOUR


def _span(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(np.ptp(known)) if known.size else 0.0


def _by_driving(current: np.ndarray, speed: np.ndarray) -> float | None:
    top = np.nanmax(speed) if np.isfinite(speed).any() else 0.0
    moving = (speed > 0.1 * top) & np.isfinite(current)
    if moving.sum() < 60:
        return None
    drawn = current[moving]
    spread = float(np.std(drawn))
    if spread == 0.0:
        return None
    # neighbouring rows repeat one another: count one in twenty
    return float(np.clip(-np.mean(drawn) / spread * np.sqrt(moving.sum() / 20.0), -6.0, 6.0))


def find_zero(current: Float[np.ndarray, "time"]) -> tuple[float, str]:
    """Find the source value that means no current, where the source counts from a raised zero.

    Args:
        current: Source current.

    Returns:
        The value, and why for people; 0 and nothing where the source already counts from zero.
    """
    known = current[np.isfinite(current)]
    if known.size < 8:
        return 0.0, ""
    low, high = np.quantile(known, (0.005, 0.995))
    if low <= 0.0 or low < 0.5 * (high - low) or low < 100.0:
        return 0.0, ""
    distinct, count = np.unique(known, return_counts=True)
    mode = float(distinct[int(np.argmax(count))])
    inside = [
        zero for zero in _ZEROS if low - 0.1 * (high - low) <= zero <= high + 0.1 * (high - low)
    ]
    if inside:
        zero = min(inside, key=lambda value: abs(value - mode))
        return (
            zero,
            f"values never come near zero and gather at {mode:g}; {zero:g} means no current",
        )
    return (
        mode,
        f"values never come near zero; the most frequent, {mode:g}, is taken for no current",
    )


def find_scale(
    current: Float[np.ndarray, "time"],
    pack_volt: float,
    capacity_hour: float,
    declared: str,
    consumption: float,
    zero: float = 0.0,
) -> Scale:
    """Find amperes per source unit from what packs can hold and give.

    Args:
        current: Source current, its zero removed.
        pack_volt: Typical voltage of the record [V]; NaN where unknown.
        capacity_hour: Charge for the whole SOC range in source units times hours; NaN if unknown.
        declared: Unit the source declares, empty where none.
        consumption: Energy while driving per distance, for one ampere per unit [Wh/km], or NaN.
        zero: Source value that means no current; a high one goes with tenths of A.

    Returns:
        The scale and how sure.
    """
    scales = ((1.0, "A"), (0.1, "tenths of A"), (0.01, "hundredths of A"), (1e-3, "mA"))
    told = {"A": 1.0, "mA": 1e-3}.get(declared)
    if declared == "kA":
        return Scale(1e3, 0.0, "in kA", 0.98, "declared by the source")
    known = current[np.isfinite(current)]
    if not known.size or not np.isfinite(pack_volt):
        return Scale(told or 1.0, 0.0, f"taken as {declared or 'A'}", 0.98 if told else 0.7, "")
    peak = float(np.quantile(np.abs(known), 0.999))
    ragged = float(np.mean(np.abs(known - np.round(known)) > 1e-3)) > 0.02
    vehicle, raised = pack_volt > 40.0, zero >= 5000.0
    energy, power = ((5e4, 0.9), (1e5, 0.9)) if vehicle else ((30.0, 2.2), (60.0, 2.2))
    scores = []
    for scale, _ in scales:
        score = 0.0 if scale == 1.0 else (-2.5 if ragged else -1.5)
        score -= 3.0 / (1.0 + (_PEAK_AMPERE / max(peak * scale, 1e-9)) ** 8)
        score += 5.0 * (scale == told)
        score -= _odds(pack_volt * capacity_hour * scale, *energy)
        score -= _odds(capacity_hour * scale, 120.0, 0.75) if vehicle else 0.0
        score += 3.0 * (raised and scale == 0.1)
        score -= _odds(pack_volt * peak * scale, *power)
        score -= _odds(consumption * scale, 250.0, 0.8)
        scores.append(score)
    best = int(np.argmax(scores))
    sure = float(1.0 / np.exp(np.array(scores) - scores[best]).sum())
    why = f"peak {peak * scales[best][0]:.4g} A"
    if np.isfinite(capacity_hour):
        why += f", capacity about {capacity_hour * scales[best][0]:.3g} Ah"
    return Scale(scales[best][0], 0.0, f"in {scales[best][1]}", sure, why)


def _odds(value: float, usual: float, spread: float) -> float:
    """Penalty of a value for being unusual, on a logarithmic scale; none where unknown."""
    if not np.isfinite(value) or value <= 0.0:
        return 0.0
    return 0.25 * float(np.log(value / usual) / spread) ** 2
