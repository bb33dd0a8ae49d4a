"""How right a finding is likely to be: scores of healthy and of faulty vehicles, and base rates.

Per phenomenon two tails are kept, of findings on healthy vehicles and of planted faults that were
found.  Above the lowest score seen a tail is taken as Pareto: its log excess is exponential, so
that number, sum of log excesses and exposure are all that matters (Hill, Annals of Statistics 3,
1975), and rate and shape have conjugate gamma priors.  Bayes' rule then gives the odds that a
finding is a true fault.  A tail that is no Pareto's makes the odds poorer, never a budget wrong:
that is checked on other vehicles (``triage.decision``).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, final

from voltherd.errors import InputError
from voltherd.numerics.counts import poisson_lower, poisson_upper
from voltherd.types.decision import Probability
from voltherd.types.event import Finding, Phenomenon, Severity

FORMAT: Final = 1
FAULTY_VEHICLES: Final = (0.0004, 0.0006, 0.0008)
"""Share of vehicles that become faulty in a year, least, middle and most: 0.038–0.075 % are faulty
in the fleets of Zhang et al., Nature Communications 14, 2023, and no fleet has published more.
"""
DAYS_PER_YEAR: Final = 365.25
CONFIDENCE: Final = 0.95
HEALTHY_SHAPE: Final = 4.0
"""Before any data: the tail of Student's t with four degrees, as for a finding's confidence."""
FAULTY_SHAPE: Final = 1.0
"""Before any data: faults come in all sizes."""
SHAPE_WEIGHT: Final = 2.0
"""The two shapes before any data count as so many findings."""
SCORE_MIN: Final = 6.0
"""Where a tail begins of which nothing was ever seen."""
FEEDBACK_MOST: Final = math.log(10.0)
"""What people said moves log odds by at most so much, either way."""
FACTS: Final = frozenset(
    (
        Phenomenon.CHANNEL_INVALID,
        Phenomenon.CHANNEL_FROZEN,
        Phenomenon.COUNTER_RESET,
        Phenomenon.CLOCK_FAULT,
        Phenomenon.RATE_DEVIATION,
    )
)
"""Plain facts of the record: they have no tail to be far out in, and are as sure as they say."""


class Seen(NamedTuple):
    """A finding on a healthy vehicle of the calibration."""

    phenomenon: Phenomenon
    severity: Severity
    score: float


class Tail(NamedTuple):
    """What is known of the scores on one side: sums, so that more data are added.

    Attributes:
        number: Findings.
        log_excess: Sum of the logarithms of score over reference.
        exposure: Vehicle-days, or planted faults.
    """

    number: int
    log_excess: float
    exposure: float

    def shape(self, prior: float) -> float:
        """Give the Pareto shape: the mean of its gamma posterior."""
        return (SHAPE_WEIGHT + self.number) / (SHAPE_WEIGHT / prior + self.log_excess)


class Signature(NamedTuple):
    """Scores of one phenomenon.

    Attributes:
        reference: Where both tails begin.
        healthy: On healthy vehicles, per vehicle-day.
        faulty: Of planted faults, per fault planted.
    """

    reference: float
    healthy: Tail
    faulty: Tail


class Feedback(NamedTuple):
    """What people said of one phenomenon in their own fleet.

    Attributes:
        confirmed: Findings that were right, repaired ones among them.
        dismissed: Findings that were not.
        log_excess: Sum of log score over reference of the dismissed ones.
        vehicle_days: Watched so far.
    """

    confirmed: int = 0
    dismissed: int = 0
    log_excess: float = 0.0
    vehicle_days: float = 0.0


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Everything that turns scores into odds, and a budget into a cut.

    Attributes:
        version: Of voltherd whose detectors were measured.
        seed: Of the healthy fleet.
        fit_vehicle_days: Healthy vehicle-days that the odds rest on.
        check_vehicle_days: Other healthy vehicle-days, on which a cut is checked.
        check: Findings on those, recommended or above, one per vehicle and phenomenon.
        signatures: By phenomenon; one for each.
    """

    version: str
    seed: int
    fit_vehicle_days: float
    check_vehicle_days: float
    check: tuple[Seen, ...]
    signatures: Mapping[Phenomenon, Signature]


def calibration(
    *,
    version: str,
    seed: int,
    fit: Sequence[Seen],
    fit_vehicle_days: float,
    check: Sequence[Seen],
    check_vehicle_days: float,
    planted: Mapping[Phenomenon, tuple[int, Sequence[float]]],
) -> Calibration:
    """Join what was measured.

    Args:
        version: Of voltherd.
        seed: Of the healthy fleet.
        fit: Findings on the healthy vehicles that the odds are to rest on; only those recommended
            or above count.
        fit_vehicle_days: Of those vehicles.
        check: The same of the vehicles a cut is checked on.
        check_vehicle_days: Of those.
        planted: Per phenomenon, how many faults were planted and the scores of those found.
    """
    signatures = {}
    for phenomenon in Phenomenon:
        false = [s.score for s in fit if s.phenomenon is phenomenon and _grave(s.severity)]
        number, right = planted.get(phenomenon, (0, ()))
        reference = min((s for s in (*false, *right) if s > 0.0), default=SCORE_MIN)
        signatures[phenomenon] = Signature(
            reference,
            _tail(false, reference, fit_vehicle_days),
            _tail(right, reference, float(number)),
        )
    return Calibration(
        version=version,
        seed=seed,
        fit_vehicle_days=fit_vehicle_days,
        check_vehicle_days=check_vehicle_days,
        check=tuple(s for s in check if _grave(s.severity)),
        signatures=signatures,
    )


def from_plain(plain: Mapping[str, Any]) -> Calibration:
    """Read a calibration from JSON values.

    Raises:
        InputError: They are no calibration of this format.
    """
    try:
        if plain["format"] != FORMAT:
            raise InputError(f"a calibration of format {plain['format']}, not {FORMAT}")
        return calibration(
            version=str(plain["version"]),
            seed=int(plain["seed"]),
            fit=_seen(plain["fit"]),
            fit_vehicle_days=float(plain["fit"]["vehicle_days"]),
            check=_seen(plain["check"]),
            check_vehicle_days=float(plain["check"]["vehicle_days"]),
            planted={
                Phenomenon(name): (int(each["planted"]), [float(s) for s in each["scores"]])
                for name, each in plain["planted"].items()
            },
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"no calibration ({error})", mend="write one with scripts/calibration.py"
        ) from error


def _seen(part: Mapping[str, Any]) -> list[Seen]:
    return [
        Seen(Phenomenon(name), Severity[str(severity).upper()], float(score))
        for name, severity, score in part["findings"]
    ]


def _grave(severity: Severity) -> bool:
    return severity >= Severity.RECOMMENDED


def _tail(scores: Sequence[float], reference: float, exposure: float) -> Tail:
    return Tail(len(scores), sum(excess(s, reference) for s in scores), exposure)


def excess(score: float, reference: float) -> float:
    """Give the logarithm of a score over its reference, never below nought.

    >>> excess(3.0, 6.0), round(excess(12.0, 6.0), 3)
    (0.0, 0.693)
    """
    return math.log(max(score / reference, 1.0))


def log_odds(
    known: Calibration, phenomenon: Phenomenon, score: float, said: Feedback | None = None
) -> float:
    """Give the logarithm of the odds that a finding is a true fault, by Bayes' rule.

    One false finding beyond those seen is shared among all phenomena.  More score never means
    less: where faults show no heavier tail than health, the score says nothing.
    """
    signature = known.signatures[phenomenon]
    told = _odds(signature, score, FAULTY_VEHICLES[1], 1.0 / len(Phenomenon))
    if said is None:
        return told
    moved = _odds(_informed(signature, said), score, FAULTY_VEHICLES[1], 1.0 / len(Phenomenon))
    moved += math.log(_confirmed(said))
    return told + min(max(moved - told, -FEEDBACK_MOST), FEEDBACK_MOST)


def _odds(signature: Signature, score: float, faulty: float, beyond: float) -> float:
    healthy, right = signature.healthy, signature.faulty
    false_rate = (healthy.number + beyond) / healthy.exposure
    found = (right.number + 1.0) / (
        right.exposure + 1.0
    )  # the mean of its beta posterior, at most 1
    true_rate = faulty / DAYS_PER_YEAR / len(Phenomenon) * found
    steep, flat = healthy.shape(HEALTHY_SHAPE), right.shape(FAULTY_SHAPE)
    flat = min(flat, steep)
    lead = math.log(true_rate * flat / (false_rate * steep))
    return lead + (steep - flat) * excess(score, signature.reference)


def _informed(signature: Signature, said: Feedback) -> Signature:
    """Add dismissed findings and days watched to the healthy side: the conjugate update."""
    before = signature.healthy
    return signature._replace(
        healthy=Tail(
            before.number + said.dismissed,
            before.log_excess + said.log_excess,
            before.exposure + said.vehicle_days,
        )
    )


def _confirmed(said: Feedback) -> float:
    """Give by what factor confirmed findings change the rate of true faults.

    The rate before counts as one fault in the time in which one is expected.
    """
    expected = said.vehicle_days * FAULTY_VEHICLES[1] / DAYS_PER_YEAR / len(Phenomenon)
    return (1.0 + said.confirmed) / (1.0 + expected)


def probability(known: Calibration, finding: Finding, said: Feedback | None = None) -> Probability:
    """Give the probability that a finding is a true fault, with its interval.

    The interval spans what the counts cannot exclude: the false rate between its one-sided bounds,
    the rate of faults between the least and the most published.  Where nothing like it was ever
    false, the upper end is 1.
    """
    if finding.phenomenon in FACTS:
        sure = finding.confidence
        return Probability(value=sure, low=sure, high=1.0, basis="a plain fact of the record")
    signature = known.signatures[finding.phenomenon]
    middle = log_odds(known, finding.phenomenon, finding.score, said)
    count, exposure = signature.healthy.number, signature.healthy.exposure
    count += said.dismissed if said else 0
    mean = count + 1.0 / len(Phenomenon)
    least, usual, most = FAULTY_VEHICLES
    low = middle - math.log(poisson_upper(count, CONFIDENCE) / mean) + math.log(least / usual)
    fewest = poisson_lower(count, CONFIDENCE)
    high = middle + math.log(mean / fewest) + math.log(most / usual) if count else math.inf
    found = signature.faulty
    basis = (
        f"{signature.healthy.number} false in {exposure:,.0f} healthy simulated vehicle-days, "
        f"{found.number} of {found.exposure:.0f} planted faults found, "
        f"{100 * least:g}–{100 * most:g} % of vehicles faulty in a year"
    )
    if said and (said.confirmed or said.dismissed):
        basis += f"; in this fleet {said.confirmed} confirmed, {said.dismissed} dismissed"
    return Probability(value=logistic(middle), low=logistic(low), high=logistic(high), basis=basis)


def logistic(log_odds: float) -> float:
    """Give the probability of log odds.

    >>> logistic(0.0), round(logistic(4.595), 3), logistic(float("inf"))
    (0.5, 0.99, 1.0)
    """
    return 1.0 / (1.0 + math.exp(-log_odds)) if log_odds > -700.0 else 0.0
