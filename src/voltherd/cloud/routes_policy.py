"""``/api/v1/policy``: the fleet's one budget, and what another would have made of last month."""

from collections.abc import Sequence
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request

from voltherd.cloud.finding_names import Known
from voltherd.cloud.problems import ProblemError, answers
from voltherd.cloud.routes_vehicles import CloudNow
from voltherd.cloud.schema_policy import (
    FalseAlarms,
    Flood,
    PolicyChange,
    PolicyNumbers,
    PolicyPreview,
    PolicyState,
    Tried,
)
from voltherd.cloud.service import Cloud
from voltherd.errors import UsageError
from voltherd.report.words import TITLE, clean, rfc3339, where
from voltherd.types.decision import Cut, Decided, Policy
from voltherd.types.event import Severity
from voltherd.units import SECOND_PER_DAY

router = APIRouter(prefix="/api/v1/policy", tags=["policy"])
DAYS: Final = 30.0
"""What "last month" is [day]."""
ITEMS_MAX: Final = 1000
_Cost = Annotated[float | None, Query(gt=0.0, le=1e12)]


@router.get("", response_model=PolicyState, responses=answers())
def policy(cloud: CloudNow) -> PolicyState:
    """Tell the policy that counts, what stands behind it, and what people said so far."""
    return _state(cloud)


@router.put("", response_model=PolicyState, responses=answers(400, 409, 413))
def set_policy(cloud: CloudNow, request: Request, change: PolicyChange) -> PolicyState:
    """Let another policy count, from now on and for all findings."""
    signed_in = getattr(request.state, "who", "")
    asked = _policy(change)
    cloud.budget.set(asked, clean(signed_in or change.by), cloud.clock.unix_second())
    for vehicle_id in cloud.fleet.view.vehicles:
        cloud.fleet.retell(vehicle_id)
    return _state(cloud)


@router.get("/preview", response_model=PolicyPreview, responses=answers(400, 409))
def preview(
    cloud: CloudNow,
    budget_per_thousand: Annotated[float | None, Query(gt=0.0, le=1000.0)] = None,
    miss_cost: _Cost = None,
    visit_cost: _Cost = None,
    recall_cost: _Cost = None,
) -> PolicyPreview:
    """Say what a policy would have made of last month's findings; nothing is changed."""
    tried = _policy(
        PolicyNumbers(
            budget_per_thousand=budget_per_thousand,
            miss_cost=miss_cost,
            visit_cost=visit_cost,
            recall_cost=recall_cost,
        )
    )
    since = cloud.clock.unix_second() - DAYS * SECOND_PER_DAY
    month = [
        known
        for view in cloud.fleet.view.vehicles.values()
        for known in view.known
        if known.finding.raised_second >= since and known.finding.severity >= Severity.RECOMMENDED
    ]
    return _preview(cloud, tried, month)


def _policy(numbers: PolicyNumbers) -> Policy:
    """Give a policy that makes sense."""
    try:
        return Policy(
            budget_per_thousand=numbers.budget_per_thousand,
            miss_cost=numbers.miss_cost,
            visit_cost=numbers.visit_cost,
            recall_cost=numbers.recall_cost,
        )
    except UsageError as error:
        raise ProblemError("costs-contradict", str(error)) from error


def _preview(cloud: Cloud, tried: Policy, month: Sequence[Known]) -> PolicyPreview:
    made = cloud.budget.tried(month, tried)
    now = cloud.budget.judge(month)
    names = {id(known.finding): known.finding_id for known in month}
    items = [_tried(names[id(d.finding)], d, now[names[id(d.finding)]].shown) for d in made.decided]
    shown = {item.vehicle_id for item in items if item.shown}
    left = [each.cost for each in made.held if each.cost is not None]
    return PolicyPreview(
        days=DAYS,
        policy=_numbers(tried),
        false_alarms=_false_alarms(made.cut),
        findings=len(items),
        shown=sum(item.shown for item in items),
        held=len(made.held),
        shown_now=sum(item.shown_now for item in items),
        vehicles_shown=sorted(shown),
        vehicles_held=sorted({item.vehicle_id for item in items} - shown),
        visits_cost=None if tried.visit_cost is None else len(shown) * tried.visit_cost,
        left_cost=None if tried.miss_cost is None else sum(left),
        items=items[:ITEMS_MAX],
        floods=[
            Flood(vehicles=list(f.vehicles), summary=f.summary, action=f.action)
            for f in made.floods
        ],
    )


def _tried(finding_id: str, decided: Decided, shown_now: bool) -> Tried:
    finding, right = decided.finding, decided.probability
    return Tried(
        finding_id=finding_id,
        vehicle_id=finding.vehicle_id,
        title=TITLE[finding.phenomenon],
        place=where(finding.location),
        severity=finding.severity.word,  # type: ignore[arg-type]
        raised_time=rfc3339(finding.raised_second),
        shown=decided.shown,
        shown_now=shown_now,
        reason=decided.reason,
        probability=right.value,
        probability_low=right.low,
        probability_high=right.high,
        cost=decided.cost,
    )


def _state(cloud: Cloud) -> PolicyState:
    setting = cloud.budget.setting
    cut, said = cloud.budget.applied()
    return PolicyState(
        policy=_numbers(setting.policy),
        set_by=setting.by or None,
        set_time=rfc3339(setting.unix_time_second) if setting.by else None,
        false_alarms=_false_alarms(cut),
        confirmed=sum(each.confirmed for each in said.values()),
        dismissed=sum(each.dismissed for each in said.values()),
        vehicle_days=max((each.vehicle_days for each in said.values()), default=0.0),
    )


def _numbers(policy: Policy) -> PolicyNumbers:
    return PolicyNumbers(
        budget_per_thousand=policy.budget_per_thousand,
        miss_cost=policy.miss_cost,
        visit_cost=policy.visit_cost,
        recall_cost=policy.recall_cost,
    )


def _false_alarms(cut: Cut) -> FalseAlarms:
    return FalseAlarms(
        per_thousand=cut.per_thousand,
        per_thousand_max=cut.per_thousand_max,
        confidence=cut.confidence,
        vehicle_days=cut.vehicle_days,
        proof=cut.proof.value,
        told=cut.told,
    )
