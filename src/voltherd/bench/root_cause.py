"""Is the cause that triage names first the one that was planted?

Question: single faults are planted in simulated packs (NMC and LFP, ten-second samples) and
triaged; of those found, how often is the true cause named first, and how often is it among the
three?  ``count`` makes the frequencies that ``triage/cause_counts.py`` holds, from other seeds than
are measured.  Plating and switch faults cannot be planted yet: their rows are judgements, and they
take part only as wrong answers.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Final, NamedTuple, final

import numpy as np

from voltherd.bench.root_cause_faults import forged, tampered
from voltherd.detection.engine import Detection, init, step
from voltherd.sim.faults import Fault
from voltherd.sim.fleet import SimulatedDay, fleet_spec, simulate
from voltherd.triage.cause_evidence import observed
from voltherd.triage.cause_sight import Sight
from voltherd.triage.findings import findings
from voltherd.types.asset import Chemistry
from voltherd.types.event import Cause, Causes, Finding, Location, LocationKind, Phenomenon
from voltherd.types.sample import SampleBatch
from voltherd.units import SECOND_PER_DAY

DAYS: Final = 12
START_DAY: Final = 3
CALIBRATED_SEED: Final = 102
"""The fleet that the table was counted on; never measured on."""
CALIBRATED_EACH: Final = 4
CHEMISTRY: Final = ((Chemistry.NMC, 0.6), (Chemistry.LFP, 0.4))
TAMPERED: Final = "two cells' readings forged"
ATTACKED: Final = {
    "record replayed": "replay",
    "record frozen": "freeze",
}
"""Brief attacks on the whole record, by name in ``sim.attacks``."""
HEALTHY: Final = "healthy"
PLANTED: Final[Mapping[str, Cause]] = {
    "internal_short:0.7%/day": Cause.INTERNAL_SHORT,
    "internal_short:1.5%/day": Cause.INTERNAL_SHORT,
    "internal_short:5%/day": Cause.INTERNAL_SHORT,
    "contact_resistance:0.3mohm": Cause.CONTACT,
    "contact_resistance:0.6mohm": Cause.CONTACT,
    "contact_resistance:1mohm": Cause.CONTACT,
    "weak_cell:10%": Cause.WEAK_CELL,
    "weak_cell:15%": Cause.WEAK_CELL,
    "weak_cell:25%": Cause.WEAK_CELL,
    "cell_imbalance:-5%": Cause.IMBALANCE,
    "cell_imbalance:5%": Cause.IMBALANCE,
    "cell_imbalance:-10%": Cause.IMBALANCE,
    "soc_imbalance:7%": Cause.IMBALANCE,
    "sensor_bias:20mV": Cause.SENSOR,
    "sensor_bias:-40mV": Cause.SENSOR,
    "sensor_stuck": Cause.SENSOR,
    "sensor_spikes": Cause.SENSOR,
    "channel_swap": Cause.SENSOR,
    "module_offset:20mV": Cause.SENSOR,
    "string_gradient:60mV": Cause.SENSOR,
    "pack_voltage_mismatch": Cause.SENSOR,
    "temperature_outlier:12K": Cause.SENSOR,
    "soc_misreported:12%": Cause.SENSOR,
    "insulation_low": Cause.INGRESS,
    "humidity_high": Cause.INGRESS,
    "self_heating:20W": Cause.INTERNAL_SHORT,
    "joint_heating:3mohm": Cause.CONTACT,
    "cooling_blocked:85%": Cause.COOLING,
    "sensor_bias:6A@channel=current_ampere": Cause.SENSOR,
    TAMPERED: Cause.TAMPERING,
    **dict.fromkeys(ATTACKED, Cause.TAMPERING),
}
"""What is planted, and what a perfect answer is."""
Progress = Callable[[str], None]


class Case(NamedTuple):
    """One vehicle with one fault.

    Attributes:
        planted: Key of ``PLANTED``, or ``HEALTHY``.
        chemistry: Of its cells.
        found: The most urgent finding at the fault's place, None where there is none.
        evidence: What was observed there; of a healthy vehicle at some of its places.
    """

    planted: str
    chemistry: Chemistry
    found: Finding | None
    evidence: tuple[Mapping[str, bool | None], ...]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CauseScore:
    """What became of one kind of fault or of one cause.

    Attributes:
        name: The fault or the cause.
        planted: How many.
        found: How many have a finding at their place; the others are detection's to find.
        first: In how many of these the true cause is named first.
        among: In how many it is among the three.
        said: What was named first, and how often.
    """

    name: str
    planted: int
    found: int
    first: int
    among: int
    said: Mapping[str, int]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RootCauseTable:
    """What was measured.

    Attributes:
        seed: Of the fleet.
        each: Vehicles per kind and size of fault.
        days: Length of each record [day].
        faults: One row per kind and size.
        causes: One row per true cause.
        told: Found faults whose first cause is sure enough to be named.
        told_right: Those of them in which it is right.
        mean_probability: Mean probability of the causes named first, beside the share that is
            right: how well the numbers hold.
    """

    seed: int
    each: int
    days: int
    faults: tuple[CauseScore, ...]
    causes: tuple[CauseScore, ...]
    told: int
    told_right: int
    mean_probability: float

    @property
    def found(self) -> int:
        """Found faults."""
        return sum(score.found for score in self.faults)

    @property
    def first(self) -> float:
        """Share of the found faults whose true cause is named first."""
        return sum(score.first for score in self.faults) / max(self.found, 1)

    @property
    def among(self) -> float:
        """Share of the found faults whose true cause is among the three."""
        return sum(score.among for score in self.faults) / max(self.found, 1)

    def to_json(self) -> str:
        """Give the table as JSON."""
        shares = {"found": self.found, "first": self.first, "among": self.among}
        return json.dumps(asdict(self) | shares, indent=1) + "\n"


def measure(*, each: int, seed: int, progress: Progress = lambda _: None) -> RootCauseTable:
    """Plant faults in a simulated fleet and hold the causes named to the truth.

    Args:
        each: Vehicles per kind and size of fault.
        seed: Of the fleet; not the one that the table was counted on.
        progress: Told where it stands.
    """
    assert seed != CALIBRATED_SEED, "the table was counted on this fleet"
    return scored(cases(each=each, seed=seed, healthy=0, progress=progress), each, seed)


def scored(found: Iterable[Case], each: int, seed: int) -> RootCauseTable:
    """Score cases."""
    every = [case for case in found if case.planted != HEALTHY]
    named = [case for case in every if _named(case) is not None]
    told = [case for case in named if _causes(case).told]
    sure = [_causes(case).ranked[0].probability for case in named]
    return RootCauseTable(
        seed=seed,
        each=each,
        days=DAYS,
        faults=tuple(_score(name, [c for c in every if c.planted == name]) for name in PLANTED),
        causes=tuple(
            _score(cause.value, [c for c in every if PLANTED[c.planted] is cause])
            for cause in dict.fromkeys(PLANTED.values())
        ),
        told=len(told),
        told_right=sum(_named(case) is PLANTED[case.planted] for case in told),
        mean_probability=float(np.mean(sure)) if sure else 0.0,
    )


def _causes(case: Case) -> Causes:
    assert case.found is not None and case.found.causes is not None
    return case.found.causes


def _named(case: Case) -> Cause | None:
    if case.found is None or not _causes(case).ranked:
        return None
    return _causes(case).ranked[0].cause


def _score(name: str, members: list[Case]) -> CauseScore:
    found = [case for case in members if case.found is not None]
    said = Counter(cause.value if (cause := _named(case)) else "none" for case in found)
    return CauseScore(
        name=name,
        planted=len(members),
        found=len(found),
        first=sum(_named(case) is PLANTED[case.planted] for case in found),
        among=sum(
            PLANTED[case.planted] in {each.cause for each in _causes(case).ranked} for case in found
        ),
        said=dict(said.most_common()),
    )


def count(
    found: Iterable[Case],
) -> tuple[dict[str, dict[str, tuple[int, int]]], dict[str, tuple[int, int]]]:
    """Count how often each cause, and no cause, shows each piece of evidence: (seen, looked)."""
    by_cause: dict[str, dict[str, tuple[int, int]]] = {}
    healthy: dict[str, tuple[int, int]] = {}
    for case in found:
        if case.planted == HEALTHY:
            counts = healthy
        elif case.found is None:
            continue
        else:
            counts = by_cause.setdefault(PLANTED[case.planted].value, {})
        for evidence in case.evidence:
            for name, seen in evidence.items():
                if seen is not None:
                    before = counts.get(name, (0, 0))
                    counts[name] = (before[0] + seen, before[1] + 1)
    return by_cause, healthy


def cases(*, each: int, seed: int, healthy: int, progress: Progress) -> Iterator[Case]:
    """Simulate a fleet in which every vehicle but the healthy ones has one fault.

    Args:
        each: Vehicles per kind and size of fault.
        seed: Of the fleet and of what is drawn here.
        healthy: Vehicles without.
        progress: Told where it stands.
    """
    kinds = [name for name in PLANTED for _ in range(each)] + [HEALTHY] * healthy
    text = ",".join(
        f"{kind}{',' if '@' in kind else '@'}vehicle={number},day={START_DAY}"
        for number, kind in enumerate(kinds, start=1)
        if kind not in (TAMPERED, *ATTACKED, HEALTHY)
    )
    spec = fleet_spec(
        vehicles=len(kinds),
        days=DAYS,
        seed=seed,
        faults=text,
        environment=True,
        chemistry=CHEMISTRY,
    )
    start = spec.start_second + (START_DAY - 1) * SECOND_PER_DAY
    rng = np.random.default_rng(seed)
    cells = {number: int(rng.integers(1, 97)) for number in range(1, len(kinds) + 1)}
    states: dict[int, Detection] = {}
    for day in simulate(spec):
        progress(f"day {day.day + 1}/{spec.days} of vehicle {day.number}/{len(kinds)}")
        number, kind = day.number, kinds[day.number - 1]
        batch = day.batch
        if kind == TAMPERED:
            batch = tampered(batch, _pair(cells[number]), start)
        elif kind in ATTACKED and day.day == START_DAY - 1:
            batch = forged(batch, ATTACKED[kind], np.random.default_rng([seed, number]))
        states[number] = step(states.get(number) or _begun(day, batch), batch)
    faults = {fault.vehicle: fault for fault in spec.faults}
    for number, kind in enumerate(kinds, start=1):
        places = _places(kind, cells[number], faults.get(number))
        yield _case(kind, states[number], places, start)


def _begun(day: SimulatedDay, batch: SampleBatch) -> Detection:
    return init(batch.vehicle_id, batch.cells, batch.probes, asset=day.vehicle)


def _pair(cell: int) -> tuple[int, int]:
    return cell, (cell + 16) % 96 + 1


def _places(kind: str, cell: int, fault: Fault | None) -> tuple[Location, ...]:
    """Give where a fault sits; of a healthy vehicle, one place of each kind."""
    if fault is not None and fault.phenomenon is Phenomenon.COOLING_BLOCKED:
        return fault.location, *_probes((fault.location.index or 1) - 1)
    if fault is not None:
        return (fault.location,)
    if kind == TAMPERED:
        return tuple(
            Location(kind=LocationKind.CELL, index=c, cells=(c,)) for c in sorted(_pair(cell))
        )
    if kind in ATTACKED:
        return (Location(kind=LocationKind.PACK),)
    module = (cell - 1) // 12
    return (
        *(
            Location(kind=LocationKind.CELL, index=c, cells=(c,))
            for c in range(1 + cell % 8, 97, 8)
        ),
        Location(
            kind=LocationKind.MODULE,
            index=module + 1,
            cells=tuple(range(12 * module + 1, 12 * module + 13)),
        ),
        *_probes(module),
        Location(kind=LocationKind.PACK),
        Location(kind=LocationKind.CHANNEL, channel="soc_fraction"),
    )


def _probes(module: int) -> tuple[Location, ...]:
    """Give the places of the probes of a module, counted from 0."""
    return tuple(Location(kind=LocationKind.PROBE, index=3 * module + k) for k in (1, 2, 3))


def _case(kind: str, state: Detection, places: tuple[Location, ...], start_second: float) -> Case:
    chemistry = state.memory.chemistry
    if kind == HEALTHY:
        seen = tuple(observed(Sight(state, place, state.first_second)) for place in places)
        return Case(kind, chemistry, None, seen)
    found = next(
        (
            f
            for f in findings(state)
            if f.raised_second >= start_second and any(_at(f, place) for place in places)
        ),
        None,
    )
    if found is None:
        return Case(kind, chemistry, None, ())
    sight = Sight(state, found.location, found.onset_second, found.phenomenon)
    return Case(kind, chemistry, found, (observed(sight),))


def _at(finding: Finding, place: Location) -> bool:
    there = finding.location
    if place.kind is LocationKind.PROBE:  # a zone's finding knows its probes, too
        own = (there.index,) if there.kind is place.kind else ()
        return place.index in (there.indices or own)
    if there.kind is not place.kind:
        return False
    if place.kind is LocationKind.CHANNEL:
        return there.channel == place.channel
    return there.index == place.index or bool(set(there.cells) & set(place.cells))


def render(table: RootCauseTable) -> str:
    """Tell the table."""
    lines = [
        f"root causes of {sum(s.planted for s in table.faults)} single faults planted on day "
        f"{START_DAY} of {table.days}, NMC and LFP, seed {table.seed}: {table.found} found",
        f"true cause first: {table.first:.1%}; among the three: {table.among:.1%}; sure enough to "
        f"be named: {table.told}, right in {table.told_right}; mean probability of the first: "
        f"{table.mean_probability:.1%}",
        "",
        f"{'cause or fault':<32}{'planted':>8}{'found':>7}{'first':>7}{'among 3':>9}  named first",
    ]
    for score in (*table.causes, *table.faults):
        said = ", ".join(f"{name} {number}" for name, number in score.said.items())
        lines.append(
            f"{score.name:<32}{score.planted:>8}{score.found:>7}{score.first:>7}{score.among:>9}"
            f"  {said}"
        )
    return "\n".join(lines)
