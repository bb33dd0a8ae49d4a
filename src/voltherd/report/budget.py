"""What a budget makes of the findings, in sentences that every form of the report shares."""

from typing import Final, NamedTuple

from voltherd.report.words import TITLE, clean, percent, where
from voltherd.types.decision import Decided, Decisions, Policy
from voltherd.types.event import Severity

UNTOLD: Final = 0.9
"""A probability whose interval is wider than this tells nothing."""


class Part(NamedTuple):
    """A few sentences under a title."""

    title: str
    lines: tuple[str, ...]


def parts(decisions: Decisions) -> tuple[Part, ...]:
    """Say what the budget is, what keeps it, what belongs together and what is held back."""
    asking = [d for d in decisions.decided if d.shown and d.finding.severity > Severity.OPERATING]
    every = (
        Part("Your budget", (policy_words(decisions.policy), _sentence(decisions.cut.told))),
        Part(
            "What belongs together",
            tuple(f"{flood.summary} {flood.action}" for flood in decisions.floods),
        ),
        Part("How likely each is right, what costs most to leave first", tuple(map(_odds, asking))),
        Part("Watched, below your budget", tuple(map(_held, decisions.held))),
    )
    return tuple(part for part in every if part.lines)


def policy_words(policy: Policy) -> str:
    """Say what a policy asks for.

    >>> policy_words(Policy(budget_per_thousand=0.1, miss_cost=9000.0, visit_cost=300.0))
    'At most 0.1 false alarms per 1,000 vehicle-days; a miss costs 9,000, a visit 300.'
    """
    words = []
    if policy.budget_per_thousand is not None:
        words.append(f"at most {policy.budget_per_thousand:g} false alarms per 1,000 vehicle-days")
    if policy.miss_cost is not None:
        words.append(f"a miss costs {policy.miss_cost:,.0f}, a visit {policy.visit_cost:,.0f}")
    if policy.recall_cost is not None:
        words.append(f"a recall {policy.recall_cost:,.0f}")
    return _sentence("; ".join(words) or "no budget is set: everything is shown")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _name(each: Decided) -> str:
    finding = each.finding
    return f"{clean(finding.vehicle_id)}, {where(finding.location)}: {TITLE[finding.phenomenon]}"


def _odds(each: Decided) -> str:
    right = each.probability
    cost = f"; leaving it costs {each.cost:,.0f} to be expected" if each.cost is not None else ""
    between = f"{percent(right.low)} to {percent(right.high)}; {right.basis}"
    if right.high - right.low > UNTOLD:
        return f"{_name(each)}: cannot tell yet how likely ({between}); {each.reason}"
    likely = f"a true fault with {percent(right.value)} ({between})"
    return f"{_name(each)}: {likely}{cost}; {each.reason}"


def _held(each: Decided) -> str:
    return f"{_name(each)}: {each.reason}"
