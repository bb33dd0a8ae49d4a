"""Alarm floods: many findings of one kind at one time have one cause, and are one finding.

A firmware that reads a sensor wrongly, a cold night, a bad calibration of a charging site: each
makes many vehicles say the same within days.  Coincidence is excluded first: there must be far more
of them than the phenomenon's own rates explain.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from voltherd.numerics.counts import poisson_lower
from voltherd.triage.calibration import DAYS_PER_YEAR, FAULTY_VEHICLES, Calibration
from voltherd.types.decision import Decided, Flood, Policy
from voltherd.types.event import Phenomenon, Severity
from voltherd.units import SECOND_PER_DAY

WITHIN_SECOND: Final = 3.0 * SECOND_PER_DAY
"""Findings raised within so long of the first belong together."""
VEHICLES_MIN: Final = 3
PLACES_MIN: Final = 4
"""So many places of one vehicle saying the same are one matter of the vehicle."""
CHANCE: Final = 0.999
"""Confidence that more than chance is at work."""
Groups = Mapping[str, Sequence[str]]
"""By vehicle, what it shares with others, in words such as ``model X`` or ``site north``."""


class _Member(NamedTuple):
    position: int
    decided: Decided


def floods(
    decided: Sequence[Decided], policy: Policy, groups: Groups, known: Calibration
) -> tuple[Flood, ...]:
    """Find what belongs together; a finding belongs to one flood at most.

    Args:
        decided: All findings of the fleet.
        policy: What a recall, visits and misses cost.
        groups: What vehicles share; vehicles that are not named share the fleet only.
        known: Tells how often the phenomenon is raised for other reasons.
    """
    size: dict[str, int] = {}
    for shares in groups.values():
        for share in {*shares, _FLEET}:
            size[share] = size.get(share, 0) + 1
    asking = [
        _Member(place, each)
        for place, each in enumerate(decided)
        if each.finding.severity > Severity.OPERATING
    ]
    found: list[Flood] = []
    taken: set[int] = set()
    for phenomenon in Phenomenon:
        mine = [m for m in asking if m.decided.finding.phenomenon is phenomenon]
        runs = _runs(mine, groups)
        # The largest first; of equal ones the smallest group, which names the cause best.
        runs.sort(key=lambda run: (-len(_vehicles(run[1])), size.get(run[0], 0), run[0]))
        for share, members in runs:
            free = [m for m in members if m.position not in taken]
            vehicles = _vehicles(free)
            of = max(size.get(share, 0), len(vehicles))
            if len(vehicles) >= VEHICLES_MIN and _beyond_chance(
                len(vehicles), of, phenomenon, known
            ):
                taken |= {m.position for m in free}
                found.append(_flood(phenomenon, share, free, of, policy))
        found += _crowded(phenomenon, [m for m in mine if m.position not in taken])
    return tuple(sorted(found, key=lambda flood: flood.first_second))


_FLEET: Final = "the fleet"


def _runs(members: Sequence[_Member], groups: Groups) -> list[tuple[str, list[_Member]]]:
    """Give, per thing shared, findings raised within the time of the first."""
    by_share: dict[str, list[_Member]] = {}
    for member in members:
        for share in {*groups.get(member.decided.finding.vehicle_id, ()), _FLEET}:
            by_share.setdefault(share, []).append(member)
    runs = []
    for share, every in by_share.items():
        every.sort(key=_raised)
        run: list[_Member] = []
        for member in every:
            if run and _raised(member) - _raised(run[0]) > WITHIN_SECOND:
                runs.append((share, run))
                run = []
            run.append(member)
        runs.append((share, run))
    return runs


def _raised(member: _Member) -> float:
    return member.decided.finding.raised_second


def _vehicles(members: Sequence[_Member]) -> tuple[str, ...]:
    return tuple(sorted({m.decided.finding.vehicle_id for m in members}))


def _beyond_chance(count: int, vehicles: int, phenomenon: Phenomenon, known: Calibration) -> bool:
    tail = known.signatures[phenomenon].healthy
    by_itself = (tail.number + 1.0) / tail.exposure + FAULTY_VEHICLES[-1] / DAYS_PER_YEAR
    expected = by_itself * vehicles * WITHIN_SECOND / SECOND_PER_DAY
    return poisson_lower(count, CHANCE) > expected


def _flood(
    phenomenon: Phenomenon, share: str, members: Sequence[_Member], of: int, policy: Policy
) -> Flood:
    vehicles = _vehicles(members)
    first, last = _raised(members[0]), _raised(members[-1])
    hours = (last - first) / 3600.0
    name = phenomenon.value.replace("_", " ")
    return Flood(
        phenomenon=phenomenon,
        shared=share,
        vehicles=vehicles,
        positions=tuple(m.position for m in members),
        first_second=first,
        last_second=last,
        summary=f"{len(vehicles)} of {of} vehicles of {share} say {name} within {hours:.0f} h: "
        "one cause outside the single vehicle is likelier than so many faults at once.",
        action=_action(members, len(vehicles), policy),
    )


def _action(members: Sequence[_Member], vehicles: int, policy: Policy) -> str:
    ask = "Look at one of them first, and at what they share: software, weather, charging site."
    if policy.visit_cost is None or policy.recall_cost is None:
        return ask
    visits = vehicles * policy.visit_cost
    left = sum(m.decided.cost or 0.0 for m in members)
    cheaper = "a recall" if policy.recall_cost < visits else "single visits"
    return (
        f"{ask} Leaving them costs {left:,.0f} to be expected, visits to all {visits:,.0f}, a "
        f"recall {policy.recall_cost:,.0f}: if it is the vehicles, choose {cheaper}."
    )


def _crowded(phenomenon: Phenomenon, members: Sequence[_Member]) -> list[Flood]:
    """Join what one vehicle says of many of its places."""
    found = []
    for vehicle in _vehicles(members):
        mine = sorted((m for m in members if m.decided.finding.vehicle_id == vehicle), key=_raised)
        near = [m for m in mine if _raised(m) - _raised(mine[0]) <= WITHIN_SECOND]
        if len(near) < PLACES_MIN:
            continue
        name = phenomenon.value.replace("_", " ")
        found.append(
            Flood(
                phenomenon=phenomenon,
                shared=vehicle,
                vehicles=(vehicle,),
                positions=tuple(m.position for m in near),
                first_second=_raised(near[0]),
                last_second=_raised(near[-1]),
                summary=f"{len(near)} places of {vehicle} say {name} within "
                f"{(_raised(near[-1]) - _raised(near[0])) / 3600.0:.0f} h: one cause for all is "
                "likelier than so many faults at once.",
                action="Look at what these places share first: module, harness, measuring board.",
            )
        )
    return found
