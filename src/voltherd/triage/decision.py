"""What to show: one budget for all phenomena, kept with a stated confidence.

All findings stand on one scale, the odds of being a true fault.  A cut on that scale allots the
budget among phenomena as Neyman and Pearson would: for the false alarms allowed, as many true
faults as the odds can tell are shown.  Where the cut lies is decided on healthy vehicles that the
odds have not seen: the number of findings that may pass is settled by budget, vehicle-days and
confidence before any score is looked at, so the exact Poisson bound holds for the cut, however good
or bad the odds are (as in the risk-controlling sets of Bates et al., Journal of the ACM 68, 2021).

Severity safety is above all this: it is never held back.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from voltherd.numerics.counts import count_allowed, poisson_upper
from voltherd.triage.calibration import (
    CONFIDENCE,
    Calibration,
    Feedback,
    Seen,
    excess,
    log_odds,
    probability,
)
from voltherd.triage.floods import Groups, floods
from voltherd.types.decision import Cut, Decided, Decisions, Policy, Probability, Proof
from voltherd.types.event import Finding, Phenomenon, Severity

TIGHTER_MOST: Final = 10.0
"""Where a fleet dismisses more than its budget, the budget is taken as so much smaller at most."""
Said = Mapping[Phenomenon, Feedback]
_NOTHING_SAID: Final[Said] = {}


class Outcome(NamedTuple):
    """What a finding turned out to be."""

    phenomenon: Phenomenon
    score: float
    right: bool


def decide(
    findings: Sequence[Finding],
    policy: Policy,
    known: Calibration,
    said: Said = _NOTHING_SAID,
    groups: Groups | None = None,
) -> Decisions:
    """Say of every finding whether it is shown, and why.

    Args:
        findings: Of any number of vehicles.
        policy: What the fleet can bear.
        known: The calibration.
        said: What people said of earlier findings, by phenomenon.
        groups: What vehicles share (model, site …), by vehicle; for floods.

    Returns:
        The same findings, what costs most to leave first; nothing is left out.
    """
    cut = cut_of(policy, known, said)
    ranked = tuple(sorted(judged(findings, policy, cut, known, said), key=_rank))
    return Decisions(
        policy=policy,
        cut=cut,
        decided=ranked,
        floods=floods(ranked, policy, groups or {}, known),
    )


def judged(
    findings: Sequence[Finding],
    policy: Policy,
    cut: Cut,
    known: Calibration,
    said: Said = _NOTHING_SAID,
) -> tuple[Decided, ...]:
    """Say the same of findings by a cut that was made before, in their own order."""
    return tuple(_decided(finding, policy, cut, known, said) for finding in findings)


def cut_of(policy: Policy, known: Calibration, said: Said = _NOTHING_SAID) -> Cut:
    """Turn a budget into a cut on the odds.

    Where the budget cannot be kept or proved, the cut is the strictest that the data can tell:
    above the most telling finding that a healthy vehicle ever had.
    """
    scale = 1000.0 / known.check_vehicle_days
    rest = [seen for seen in known.check if seen.severity < Severity.SAFETY]
    safety = len(known.check) - len(rest)
    odds = sorted((_odds(seen, known, said) for seen in rest), reverse=True)
    budget = policy.budget_per_thousand
    place, proof = len(odds), Proof.NOT_ASKED
    if budget is not None:
        allowed = count_allowed(
            budget / _tighter(budget, said) / scale, CONFIDENCE, len(known.check)
        )
        proof = Proof.EXCEEDED if safety > allowed else Proof.KEPT
        proof = Proof.CANNOT_TELL if allowed < 0 else proof
        # The finding that would be one too many is the first to be held back.
        place = max(allowed - safety, 0)
    cut = odds[place] if place < len(odds) else -math.inf
    passing = safety + sum(each > cut for each in odds)
    made = Cut(
        log_odds=cut,
        proof=proof,
        per_thousand=passing * scale,
        per_thousand_max=poisson_upper(passing, CONFIDENCE) * scale,
        confidence=CONFIDENCE,
        vehicle_days=known.check_vehicle_days,
        told="",
    )
    return replace(made, told=_told(made, passing, budget))


def feedback(
    outcomes: Sequence[Outcome], known: Calibration, vehicle_days: float
) -> dict[Phenomenon, Feedback]:
    """Sum up what people said of findings of severity recommended or above.

    Args:
        outcomes: What became of each.
        known: Tells where the tails of the scores begin.
        vehicle_days: Watched so far, of all vehicles.
    """
    every = {}
    for phenomenon in Phenomenon:
        reference = known.signatures[phenomenon].reference
        mine = [each for each in outcomes if each.phenomenon is phenomenon]
        wrong = [each.score for each in mine if not each.right]
        every[phenomenon] = Feedback(
            confirmed=len(mine) - len(wrong),
            dismissed=len(wrong),
            log_excess=sum(excess(score, reference) for score in wrong),
            vehicle_days=vehicle_days,
        )
    return every


def _tighter(budget: float, said: Said) -> float:
    """Say how much more often this fleet dismisses than its budget allows, 1 where it does not."""
    days = max((each.vehicle_days for each in said.values()), default=0.0)
    if days == 0.0:
        return 1.0
    dismissed = sum(each.dismissed for each in said.values())
    expected = budget / 1000.0 * days
    return min(max((1.0 + dismissed) / (1.0 + expected), 1.0), TIGHTER_MOST)


def _odds(seen: Seen | Finding, known: Calibration, said: Said) -> float:
    return log_odds(known, seen.phenomenon, seen.score, said.get(seen.phenomenon))


def _decided(finding: Finding, policy: Policy, cut: Cut, known: Calibration, said: Said) -> Decided:
    right = probability(known, finding, said.get(finding.phenomenon))
    why = _held_back(finding, policy, right, _odds(finding, known, said) > cut.log_odds)
    return Decided(
        finding=finding,
        shown=not why,
        reason=why or _shown_for(finding, policy),
        probability=right,
        cost=None if policy.miss_cost is None else right.value * policy.miss_cost,
    )


def _held_back(finding: Finding, policy: Policy, right: Probability, passes: bool) -> str:
    """Say why a finding is held back, nothing where it is shown."""
    if finding.severity is not Severity.RECOMMENDED:
        return ""
    if policy.miss_cost is not None and policy.visit_cost is not None:
        saved = right.high * policy.miss_cost
        if saved < policy.visit_cost:
            return (
                f"watched, below your budget: at most {100 * right.high:.2g} % of such findings "
                f"are right, so a visit saves at most {saved:,.0f} and costs "
                f"{policy.visit_cost:,.0f}"
            )
    if not passes:
        return (
            f"watched, below your budget: healthy vehicles of the calibration reach what a score "
            f"of {finding.score:.1f} tells too often"
        )
    return ""


def _shown_for(finding: Finding, policy: Policy) -> str:
    if finding.severity is Severity.SAFETY:
        return "severity safety is never held back"
    if finding.severity is Severity.OPERATING:
        return "worth knowing; it asks for no visit, so it spends no budget"
    return "no budget is set: everything is shown" if policy.empty else "within your budget"


def _rank(each: Decided) -> tuple[int, float, float]:
    """Safety first, then what costs most to leave, then what is held back or asks for nothing."""
    finding = each.finding
    asks = finding.severity > Severity.OPERATING
    place = 0 if finding.severity is Severity.SAFETY else 1 + (not each.shown) + 2 * (not asks)
    return place, -each.probability.value, finding.raised_second


def _told(cut: Cut, passing: int, budget: float | None) -> str:
    seen = (
        f"{passing} false in {cut.vehicle_days:,.0f} healthy simulated vehicle-days, at most "
        f"{cut.per_thousand_max:.2g} per 1,000 ({100 * cut.confidence:.0f} %)"
    )
    if budget is None:
        return f"no budget of false alarms is set: {seen}"
    asked = f"the budget of {budget:g} false alarms per 1,000 vehicle-days"
    return {
        Proof.KEPT: f"{asked} is kept: {seen}",
        Proof.EXCEEDED: f"{asked} cannot be kept: safety findings, which are never held back, "
        f"may need more by themselves; {seen}",
    }.get(cut.proof, f"cannot tell whether {asked} is kept: {seen}")
