"""What a fleet can bear, and what follows from it for every finding."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, final

from voltherd.errors import UsageError
from voltherd.types.event import Finding, Phenomenon

BUDGET_PER_THOUSAND_MAX: Final = 1000.0


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One budget for all phenomena: false alarms, or money.

    Attributes:
        budget_per_thousand: False alarms that may be shown per 1,000 vehicle-days, None for no
            limit.
        miss_cost: What a fault costs that nobody was told of, in any currency, None where unknown.
        visit_cost: What looking at a vehicle costs, in the same currency, None where unknown.
        recall_cost: What looking at all vehicles of a kind at once costs, None where unknown.

    Raises:
        UsageError: Numbers that make no sense together.
    """

    budget_per_thousand: float | None = None
    miss_cost: float | None = None
    visit_cost: float | None = None
    recall_cost: float | None = None

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        budget = self.budget_per_thousand
        if budget is not None and not 0.0 < budget <= BUDGET_PER_THOUSAND_MAX:
            raise UsageError(
                f"a budget of {budget:g} false alarms per 1,000 vehicle-days",
                where="budget",
                mend=f"give more than 0 and at most {BUDGET_PER_THOUSAND_MAX:g}",
            )
        costs = (self.miss_cost, self.visit_cost, self.recall_cost)
        if any(cost is not None and not (0.0 < cost < math.inf) for cost in costs):
            raise UsageError("a cost is a positive number", where="costs")
        if (self.miss_cost is None) != (self.visit_cost is None):
            raise UsageError(
                "one cost alone decides nothing",
                where="costs",
                mend="give the cost of a miss and the cost of a visit",
            )
        if self.recall_cost is not None and self.visit_cost is None:
            raise UsageError(
                "a recall is weighed against visits and misses",
                where="costs",
                mend="give the costs of a miss and of a visit, too",
            )
        if self.miss_cost is not None and self.visit_cost is not None:
            self._check_order(self.miss_cost, self.visit_cost)

    def _check_order(self, miss: float, visit: float) -> None:
        if miss <= visit:
            raise UsageError(
                "a miss that costs no more than a visit: no visit would ever pay",
                where="costs",
                mend="give a miss its full cost: the repair, the standstill, the danger",
            )
        if self.recall_cost is not None and self.recall_cost < visit:
            raise UsageError(
                "a recall that costs less than one visit", where="costs", mend="check both numbers"
            )

    @property
    def empty(self) -> bool:
        """Whether it says nothing, so that everything is shown."""
        return self.budget_per_thousand is None and self.miss_cost is None


class Proof(StrEnum):
    """What stands behind a limit of the rate of false alarms."""

    NOT_ASKED = "not_asked"
    """No budget was set."""
    KEPT = "kept"
    """The upper bound of the calibration lies within the budget."""
    CANNOT_TELL = "cannot_tell"
    """Too few healthy vehicle-days to bound so small a rate."""
    EXCEEDED = "exceeded"
    """Safety findings alone, which are never held back, may exceed the budget."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Where findings begin to be shown.

    Attributes:
        log_odds: Findings above it are shown; minus infinity shows all.
        proof: What stands behind it.
        per_thousand: Estimate of the false alarms shown per 1,000 vehicle-days.
        per_thousand_max: Upper confidence bound of the same.
        confidence: Of the bound.
        vehicle_days: Healthy vehicle-days it was checked on.
        told: The same in words.
    """

    log_odds: float
    proof: Proof
    per_thousand: float
    per_thousand_max: float
    confidence: float
    vehicle_days: float
    told: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Probability:
    """That a finding is a true fault, at the true rate of faults.

    Attributes:
        value: Best estimate.
        low: By the largest false rate and the smallest rate of faults that cannot be excluded.
        high: By the smallest false rate and the largest rate of faults.
        basis: What it rests on.
    """

    value: float
    low: float
    high: float
    basis: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A finding and what the policy makes of it.

    Attributes:
        finding: What was found.
        shown: Whether somebody is asked to do something; a finding held back stays visible.
        reason: Why.
        probability: That it is a true fault.
        cost: Expected cost of leaving it, None where no costs are known.
    """

    finding: Finding
    shown: bool
    reason: str
    probability: Probability
    cost: float | None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Flood:
    """Many findings that most likely have one cause outside the single vehicle or cell.

    Attributes:
        phenomenon: What all of them say.
        shared: What they share, in words: a model, a site, a vehicle.
        vehicles: Whose they are.
        positions: Their positions among the decided findings.
        first_second: First raise [unix s].
        last_second: Last raise [unix s].
        summary: The finding about the fleet, in one or two sentences.
        action: What to do first.
    """

    phenomenon: Phenomenon
    shared: str
    vehicles: tuple[str, ...]
    positions: tuple[int, ...]
    first_second: float
    last_second: float
    summary: str
    action: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Decisions:
    """What a policy makes of all findings.

    Attributes:
        policy: The policy.
        cut: Where findings begin to be shown by the budget.
        decided: All findings, what costs most to leave first.
        floods: Findings that belong together.
    """

    policy: Policy
    cut: Cut
    decided: tuple[Decided, ...]
    floods: tuple[Flood, ...]

    @property
    def held(self) -> tuple[Decided, ...]:
        """What is watched, but asks for nobody."""
        return tuple(each for each in self.decided if not each.shown)
