"""The most frequent root causes of a fleet, of each model and of each site."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

from voltherd.types.asset import Vehicle
from voltherd.types.event import Cause, Finding
from voltherd.types.report import CauseCount

KINDS: Final = ("fleet", "model", "site")


def most_frequent(
    findings: Iterable[Finding],
    assets: Mapping[str, Vehicle] | None = None,
    sites: Mapping[str, str] | None = None,
) -> tuple[CauseCount, ...]:
    """Count root causes.

    Args:
        findings: All findings; those without a cause asked for are left out.
        assets: Asset records by vehicle, which know its model.
        sites: Where each vehicle belongs.

    Returns:
        The fleet first, then models, then sites, each by name; in each group the most frequent
        cause first, and last what cannot be told yet.
    """
    groups: dict[tuple[int, str], list[Finding]] = {}
    for finding in findings:
        if finding.causes is None:
            continue
        asset = (assets or {}).get(finding.vehicle_id)
        names = ("", asset.model if asset else "", (sites or {}).get(finding.vehicle_id, ""))
        for order, name in enumerate(names):
            if order == 0 or name:
                groups.setdefault((order, name), []).append(finding)
    return tuple(
        each
        for (order, name), members in sorted(groups.items())
        for each in _counted(KINDS[order], name, members)
    )


def _counted(by: str, group: str, members: list[Finding]) -> list[CauseCount]:
    named = [
        (f.causes.ranked[0].cause if f.causes.told else None, f.vehicle_id)
        for f in members
        if f.causes is not None
    ]
    expected: dict[Cause, float] = {}
    for finding in members:
        for each in finding.causes.ranked if finding.causes else ():
            expected[each.cause] = expected.get(each.cause, 0.0) + each.probability
    total = len({finding.vehicle_id for finding in members})
    told = Counter(cause for cause, _ in named)
    order = sorted(told, key=lambda cause: (cause is None, -told[cause], cause or ""))
    return [
        CauseCount(
            by=by,
            group=group,
            cause=cause,
            findings=told[cause],
            expected=expected.get(cause, 0.0) if cause else 0.0,
            vehicles=len({vehicle for own, vehicle in named if own is cause}),
            vehicles_with_findings=total,
        )
        for cause in order
    ]
