"""A charging station that gets worse: told from its own history before it fails.

Five things are watched day by day: sessions that fail, errors, starts, silences, and power that
falls short of what its vehicles should get.  Each is weighed by a cumulative sum of the logarithm
of likelihoods' ratios.  Counts, of Poisson's kind: tripled, against the station's own past, shrunk
towards its siblings' (gamma prior).  Power: a cap that holds down vehicles which can take more,
against none; where a session may also be of a vehicle that came nearly full.  The sums are added:
many small signs tell as much as one large one.  No day adds much, so that one bad day alone is
never told; what most stations show on one day is the network's or an update's, and left out.

Source: Lucas, Counted data CUSUMs, Technometrics 27 (1985) 129; Page, Biometrika 41 (1954) 100.
"""

from collections.abc import Iterable, Sequence
from math import log, pi, sqrt
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.charging.station_history import StationDay
from voltherd.units import SECOND_PER_DAY

SIGNS: Final = ("failed sessions", "errors", "starts", "silences", "power")
COUNTED: Final = 4
TIMES: Final = 3.0
"""How many times as often as before counts as worse."""
RATE_LEAST: Final = 0.01
"""Rates are not told apart more finely: once in a hundred days."""
CAPS: Final = (-0.08, -0.16, -0.3)
"""Logarithms of the share of power that a station may have been capped at."""
POWER_SIGMA: Final = 0.03
"""Scatter of sessions about what they should get."""
FULL_SHARE: Final = 0.2
"""Sessions of vehicles that came nearly full, or waited: any power below is as likely."""
FULL_WIDTH: Final = 1.5
OUTLIER: Final = 0.01
"""Density of shares above what a session should get: a wrong offer, a meter's error."""
DAY_MOST: Final = 2.5
"""What one day adds at most, of all signs together."""
PRIOR_DAYS: Final = 10.0
"""Days that the siblings' rate is worth."""
LEARN_DAYS: Final = 21
"""Days before anything is said."""
ALARM: Final = 9.0
QUIET: Final = 0.3 * ALARM
"""Above it nothing is learned, and what was told still stands."""
COMMON_SHARE: Final = 0.5
SIBLINGS_MIN: Final = 4


class Siblings(NamedTuple):
    """What stations of a kind usually do: failed sessions for each begun, the others for each day.

    Attributes:
        failed: Sessions that fail.
        errors: Errors.
        boots: Starts.
        silences: Silences.
    """

    failed: float
    errors: float
    boots: float
    silences: float


class Power(NamedTuple):
    """One session's logarithm of the share of power it got, and should get."""

    got: float
    should: float


class Decline(NamedTuple):
    """What is known of one station.

    Attributes:
        days: Days taken in.
        exposure: Sessions begun, and days, behind the usual counts.
        counts: The usual counts.
        sums: Each count's cumulative sum.
        caps: Each cap's.
        since_second: When the present rise began; NaN while there is none [unix s].
        is_told: Whether it was told and has not fallen back.
    """

    days: int
    exposure: Float[np.ndarray, "4"]
    counts: Float[np.ndarray, "4"]
    sums: Float[np.ndarray, "4"]
    caps: Float[np.ndarray, "3"]
    since_second: float
    is_told: bool


class Worsening(NamedTuple):
    """A station that gets worse.

    Attributes:
        second: End of the day that told [unix s].
        since_second: When it began to [unix s].
        score: Sum of the logarithms of likelihoods' ratios.
        signs: What tells it, strongest first, with its share of the score.
    """

    second: float
    since_second: float
    score: float
    signs: tuple[tuple[str, float], ...]


def init() -> Decline:
    """Know nothing of a station yet."""
    nothing = np.zeros(COUNTED)
    return Decline(0, nothing, nothing, nothing, np.zeros(len(CAPS)), float("nan"), is_told=False)


def repaired(decline: Decline) -> Decline:
    """Begin anew after a repair, or after a fault: the station's usual is kept, its rise is not."""
    return decline._replace(
        sums=np.zeros(COUNTED), caps=np.zeros(len(CAPS)), since_second=float("nan"), is_told=False
    )


def siblings(days: Iterable[StationDay]) -> Siblings:
    """Give what stations usually do, from days in which most of them were well."""
    every = list(days)
    total = np.sum([_counts(day) for day in every], axis=0)
    exposure = np.sum([_exposure(day) for day in every], axis=0)
    return Siblings(*np.maximum(total / np.maximum(exposure, 1.0), RATE_LEAST).tolist())


def common(days: Sequence[StationDay]) -> tuple[bool, bool, bool, bool]:
    """Say which counts most stations show on one day: the network, an update, the weather.

    Args:
        days: The same day of every station of a site, or of all.
    """
    if len(days) < SIBLINGS_MIN:
        return False, False, False, False
    shown = np.mean([_counts(day) > 0.0 for day in days], axis=0) > COMMON_SHARE
    return bool(shown[0]), bool(shown[1]), bool(shown[2]), bool(shown[3])


def step(
    decline: Decline,
    day: StationDay,
    powers: Sequence[Power],
    usual: Siblings,
    shared: tuple[bool, bool, bool, bool] = (False, False, False, False),
) -> tuple[Decline, Worsening | None]:
    """Take a day into account.

    Args:
        decline: What was known.
        day: The day.
        powers: Of its sessions, where it is known what they should get.
        usual: What its siblings do.
        shared: What most stations showed that day, from ``common``.

    Returns:
        What is known now; and a warning on the day on which it is first told.
    """
    away = np.array(shared)
    counts, exposure = (np.where(away, 0.0, part) for part in (_counts(day), _exposure(day)))
    gain = np.concatenate([_counted_gain(decline, counts, exposure, usual), _cap_gain(powers)])
    rise = float(np.maximum(gain[:COUNTED], 0.0).sum() + max(gain[COUNTED:].max(), 0.0))
    if rise > DAY_MOST:
        gain = np.where(gain > 0.0, gain * DAY_MOST / rise, gain)
    before = _score(decline)
    if decline.days >= LEARN_DAYS:
        decline = decline._replace(
            sums=np.maximum(decline.sums + gain[:COUNTED], 0.0),
            caps=np.maximum(decline.caps + gain[COUNTED:], 0.0),
        )
    score = _score(decline)
    since = decline.since_second if before > 0.0 else day.start_second
    warns = score >= ALARM and not decline.is_told
    decline = decline._replace(
        days=decline.days + 1,
        since_second=since if score > 0.0 else float("nan"),
        is_told=score >= ALARM or (decline.is_told and score > QUIET),
    )
    if score <= QUIET:  # what may be the fault is not to become the usual
        decline = decline._replace(
            exposure=decline.exposure + exposure, counts=decline.counts + counts
        )
    return decline, _warning(day, decline) if warns else None


def _score(decline: Decline) -> float:
    return float(decline.sums.sum() + decline.caps.max())


def _counts(day: StationDay) -> Float[np.ndarray, "4"]:
    return np.array([day.failed, day.errors, day.boots, day.silences], np.float64)


def _exposure(day: StationDay) -> Float[np.ndarray, "4"]:
    return np.array([day.begun, 1.0, 1.0, 1.0])


def _counted_gain(
    decline: Decline,
    counts: Float[np.ndarray, "4"],
    exposure: Float[np.ndarray, "4"],
    usual: Siblings,
) -> Float[np.ndarray, "4"]:
    """Give the logarithm of the ratio: tripled against as ever."""
    weight = PRIOR_DAYS * np.array([2.0, 1.0, 1.0, 1.0])  # a day has a session or two
    rate = (decline.counts + weight * np.array(usual)) / (decline.exposure + weight)
    expected = np.maximum(rate, RATE_LEAST) * exposure
    return np.asarray(counts * log(TIMES) - (TIMES - 1.0) * expected)


def _cap_gain(powers: Sequence[Power]) -> Float[np.ndarray, "3"]:
    """Give the logarithm of the ratio: each cap against none."""
    caps = np.array(CAPS)
    gain = np.zeros(len(caps))
    for power in powers:
        plain = _density(power.got, np.array([power.should]))[0]
        gain += np.log(_density(power.got, np.minimum(power.should, caps)) / plain)
    return gain


def _density(got: float, should: Float[np.ndarray, " k"]) -> Float[np.ndarray, " k"]:
    """Give how likely a session's share is: about what it should get, or anywhere below."""
    off = (got - should) / POWER_SIGMA
    about = np.exp(-0.5 * off**2) / (POWER_SIGMA * sqrt(2.0 * pi))
    below = np.where(off < 2.0, 1.0 / FULL_WIDTH, OUTLIER)
    return np.asarray((1.0 - FULL_SHARE) * about + FULL_SHARE * below)


def _warning(day: StationDay, decline: Decline) -> Worsening:
    sums = np.append(decline.sums, decline.caps.max())
    order = np.argsort(-sums, kind="stable")
    return Worsening(
        second=day.start_second + SECOND_PER_DAY,
        since_second=decline.since_second,
        score=_score(decline),
        signs=tuple(
            (SIGNS[sign], float(sums[sign]) / _score(decline))
            for sign in order.tolist()
            if sums[sign] > 0.0
        ),
    )
