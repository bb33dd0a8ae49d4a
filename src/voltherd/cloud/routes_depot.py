"""``/api/v1/depot``: tonight's charging plan, and what another night would be."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query

from voltherd.cloud.depot_plan import LONGER_HOUR_MAX, Depot, Other
from voltherd.cloud.problems import ProblemError, answers
from voltherd.cloud.routes_vehicles import CloudNow
from voltherd.cloud.schema_depot import DepotNow, DepotPlan
from voltherd.cloud.service import Cloud
from voltherd.errors import InputError, UsageError
from voltherd.report.depot_document import depot_document
from voltherd.report.depot_now import now_document
from voltherd.types.depot import DepotSheet

router = APIRouter(prefix="/api/v1/depot", tags=["depot"])
PRICES_MAX = 4 * 192


@router.get("", response_model=DepotPlan, responses=answers(404, 409))
def depot(cloud: CloudNow) -> DepotPlan:
    """Tell who charges when tonight, at what cost, and how near the best possible that is."""
    return _told(cloud, lambda depot: depot.sheet())


@router.get("/now", response_model=DepotNow, responses=answers(404))
def now(cloud: CloudNow) -> DepotNow:
    """Tell how the depot does that runs: drawn in the last day, now, and planned next."""
    told = cloud.depot_now() if cloud.depot_now else None
    if told is None:
        raise ProblemError("depot-idle", "no depot has run where the configuration looks")
    return DepotNow.model_validate(now_document(*told))


@router.get("/what-if", response_model=DepotPlan, responses=answers(400, 404, 409))
def what_if(
    cloud: CloudNow,
    v2g: bool | None = None,
    limit_kilowatt: Annotated[float | None, Query(gt=0.0, le=1e6)] = None,
    longer_hour: Annotated[float | None, Query(ge=0.0, le=LONGER_HOUR_MAX)] = None,
    buy_eur_per_kwh: Annotated[list[float] | None, Query(max_length=PRICES_MAX)] = None,
) -> DepotPlan:
    """Plan the same night with something different; nothing is changed."""
    prices = tuple(buy_eur_per_kwh) if buy_eur_per_kwh else None
    other = Other(v2g, limit_kilowatt, longer_hour, prices)
    return _told(cloud, lambda depot: depot.what_if(other))


def _told(cloud: Cloud, ask: Callable[[Depot], DepotSheet]) -> DepotPlan:
    if cloud.depot is None:
        raise ProblemError("depot-unknown", "the configuration names no site file")
    try:
        return DepotPlan.model_validate(depot_document(ask(cloud.depot)))
    except (InputError, UsageError) as error:
        raise ProblemError("depot-senseless", str(error)) from error
