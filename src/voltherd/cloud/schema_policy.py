"""The fleet's budget as the API tells it and is told."""

from typing import Literal

from pydantic import ConfigDict, Field

from voltherd.cloud.schema import Number, Severity, Shape, Time


class PolicyNumbers(Shape):
    """What a fleet can bear; null for no limit, or where a cost is not known."""

    budget_per_thousand: float | None = Field(default=None, gt=0.0, le=1000.0)
    """False alarms that may be shown per 1,000 vehicle-days."""
    miss_cost: float | None = Field(default=None, gt=0.0, le=1e12)
    """Cost of a fault that nobody was told of; any currency."""
    visit_cost: float | None = Field(default=None, gt=0.0, le=1e12)
    """Cost of looking at a vehicle, in the same currency; less than a miss."""
    recall_cost: float | None = Field(default=None, gt=0.0, le=1e12)
    """Cost of looking at all vehicles of a kind at once; no less than a visit."""


class PolicyChange(PolicyNumbers):
    """Another policy; what is left out is not limited."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    by: str = Field(min_length=1, max_length=120, pattern=r"\S")
    """Who; where signing in is asked for, the name signed in with is taken instead."""


class FalseAlarms(Shape):
    """What stands behind a budget: false findings on healthy simulated vehicles."""

    per_thousand: Number
    """Estimate of the false alarms shown per 1,000 vehicle-days."""
    per_thousand_max: Number
    """Upper confidence bound of the same."""
    confidence: float
    vehicle_days: float
    """Healthy simulated vehicle-days it was checked on."""
    proof: Literal["not_asked", "kept", "cannot_tell", "exceeded"]
    told: str
    """The same in words."""


class PolicyState(Shape):
    """The policy that counts, and what stands behind it."""

    policy: PolicyNumbers
    set_by: str | None
    set_time: Time | None
    false_alarms: FalseAlarms
    confirmed: int
    """Findings that people said were right, recommended or above."""
    dismissed: int
    """Findings that people said were not."""
    vehicle_days: float
    """Watched so far in this fleet."""


class Tried(Shape):
    """One finding of last month, under the policy tried and under the one that counts."""

    finding_id: str
    vehicle_id: str
    title: str
    place: str
    severity: Severity
    raised_time: Time | None
    shown: bool
    """Under the policy tried."""
    shown_now: bool
    """Under the policy that counts."""
    reason: str
    probability: float
    """That it is a true fault, at the true rate of faults."""
    probability_low: float
    probability_high: float
    cost: Number
    """Expected cost of leaving it, null where no costs are given."""


class Flood(Shape):
    """Findings that most likely have one cause."""

    vehicles: list[str]
    summary: str
    action: str


class PolicyPreview(Shape):
    """What a policy would have made of last month's findings, had it counted."""

    days: float
    policy: PolicyNumbers
    false_alarms: FalseAlarms
    findings: int
    """Raised within these days, recommended or above."""
    shown: int
    held: int
    shown_now: int
    """Under the policy that counts."""
    vehicles_shown: list[str]
    vehicles_held: list[str]
    """Vehicles of which nothing would be shown, though something was found."""
    visits_cost: Number
    """Of a visit to every vehicle shown, null where no costs are given."""
    left_cost: Number
    """Expected cost of what is held back, null where no costs are given."""
    items: list[Tried]
    """What costs most to leave first, at most 1,000."""
    floods: list[Flood]
