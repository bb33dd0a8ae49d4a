"""The parts of ``voltherd bench charging``: each a question of its own, asked by its name.

Numbers that have a goal are judged together at the end, whichever part measured them.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, final

from voltherd.bench import (
    charging,
    charging_acn,
    charging_cases,
    charging_compare,
    charging_forecast,
    charging_learned,
    charging_link,
    charging_recorded,
    ocpp,
)
from voltherd.bench.charging_goals import Goal, render_goals
from voltherd.bench.depot_instance import depot
from voltherd.bench.plain import finite
from voltherd.charging.forecast import lines as told_scores
from voltherd.charging.plan import planned
from voltherd.errors import InputError, UsageError

Progress = Callable[[str], None]
MESSAGES: Final = (500, 2000)
"""Meter values in a round, usually and in full."""
STATIONS: Final = (100, 500)
"""That get a new profile, usually and in full."""
ASKED_STATIONS: Final = (100, 1000)
"""That are connected while answers are timed, usually and in full."""
EARLIER: Final = {
    ("energy only", 50_000): (5.8, "OR-Tools network, earlier run"),
    ("three phases", 5000): (7.4, "HiGHS PDLP, earlier run"),
    ("gives back, wear", 5000): (358.0, "HiGHS IPM, earlier run, unfinished"),
}
"""CPU seconds of others where none is asked in this run, of a quiet machine with two cores."""
ACN_VEHICLES: Final = (50, 5000)


class Asked(NamedTuple):
    """What parts are asked with.

    Attributes:
        recorded: Folder of recorded data.
        full: Whether everything is measured at its full size.
    """

    recorded: Path
    full: bool


class Told(NamedTuple):
    """One part's answer, for people and for programs, and its numbers that have goals."""

    text: str
    table: Any
    goals: tuple[Goal, ...] = ()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PartsTable:
    """What all parts said, in the order asked, and the CPU time each took [s]."""

    parts: Mapping[str, Told]
    cpu_second: Mapping[str, float]

    @property
    def goals(self) -> tuple[Goal, ...]:
        """Of all parts."""
        return tuple(goal for told in self.parts.values() for goal in told.goals)

    def to_json(self) -> str:
        """Give the table as JSON."""
        document = {
            "parts": {name: told.table for name, told in self.parts.items()},
            "cpu_second": dict(self.cpu_second),
            "goals": [goal._asdict() | {"verdict": goal.verdict} for goal in self.goals],
        }
        return json.dumps(finite(document), indent=1) + "\n"


def measure(parts: Sequence[str], asked: Asked, progress: Progress) -> PartsTable:
    """Ask parts; one that lacks what it needs says so in a line and is left out."""
    told, second = {}, {}
    for name in parts:
        progress(f"part {name}")
        began = time.process_time()
        try:
            told[name] = PARTS[name](asked, progress)
        except InputError as error:
            told[name] = Told(f"part {name} left out: {error}", {"left_out": str(error)})
        second[name] = time.process_time() - began
    return PartsTable(parts=told, cpu_second=second)


def render(table: PartsTable) -> str:
    """Give all parts as text, and what has a goal at the end."""
    lines = [line for told in table.parts.values() for line in (told.text, "")]
    took = ", ".join(f"{name} {second:.0f}" for name, second in table.cpu_second.items())
    goals = [render_goals(table.goals), ""] if table.goals else []
    return "\n".join([*lines, *goals, f"CPU seconds: {took}"])


def _plans(asked: Asked, progress: Progress) -> Told:
    table = charging.measure(full=asked.full, progress=progress)
    text, document = charging.render(table), json.loads(table.to_json())
    vehicles = ACN_VEHICLES[asked.full]
    progress(f"acnportal, {vehicles} vehicles")
    try:
        peer = charging_acn.charged(depot(vehicles))
    except UsageError as error:
        return Told(f"{text}\n{error}", document, _plan_goals(table))
    ours = planned(depot(vehicles))
    document["acnportal"] = {"vehicles": vehicles, **peer._asdict()}
    dearer = (peer.cost_eur / peer.drawn_kwh) / (
        ours.cost_eur / float(depot(vehicles).reachable_kwh.sum())
    ) - 1.0
    line = (
        f"acnportal's earliest deadline, {vehicles:,} vehicles: {peer.cpu_second:.1f} CPU s, "
        f"{peer.drawn_kwh:,.1f} kWh for {peer.cost_eur:,.2f} EUR, {dearer:+.1%} a kWh"
    )
    return Told(f"{text}\n{line}", document, _plan_goals(table))


def _plan_goals(table: charging.ChargingTable) -> tuple[Goal, ...]:
    made = []
    for row in table.rows:
        if row.goal_second is None:
            continue
        name = f"{row.name}, {row.vehicles:,}"
        best, of = EARLIER.get((row.name, row.vehicles), (None, ""))
        if row.highs_second is not None:
            best, of = row.highs_second, "HiGHS IPM"
        made += [
            Goal(f"{name}: plan", row.cpu_second, "CPU s", best, of, row.goal_second),
            Goal(f"{name}: certified gap", row.gap, "share", None, "", row.gap_wanted),
        ]
        if row.again_second is not None and row.goal_again_second is not None:
            made.append(
                Goal(f"{name}: again", row.again_second, "CPU s", None, "", row.goal_again_second)
            )
    return tuple(made)


def _recorded(asked: Asked, progress: Progress) -> Told:
    rows = charging_recorded.measure(asked.recorded, full=asked.full, progress=progress)
    table = [
        {
            "window": row.window._asdict(),
            "ways": [way._asdict() for way in row.ways],
            "days_with_less": row.less,
            "days_dearer": row.dearer,
            "regret": row.regret,
        }
        for row in rows
    ]
    return Told(charging_recorded.render(rows), table, charging_recorded.goals(rows))


def _ocpp(asked: Asked, progress: Progress) -> Told:
    progress("meter values")
    speed = ocpp.measure(MESSAGES[asked.full], 5 if asked.full else 3)
    progress("new profiles")
    stations, waiting = STATIONS[asked.full], ASKED_STATIONS[asked.full]
    profiles = ocpp.measure_profiles(stations, 300)
    answers = profiles
    if waiting != stations:
        progress("answers")
        answers = ocpp.measure_profiles(waiting, 1000)
    lines = ["validated meter values per CPU second, text in, text out"]
    lines += [f"  {v:<6}{name:<38}{n:>9,.0f}" for (v, name), n in speed.per_cpu_second.items()]
    lines.append(
        f"{stations} stations re-profiled in {profiles.profile_second:.2f} s "
        f"({profiles.profile_cpu_second:.2f} CPU s), read back: {_verdicts(profiles.verdicts)}; "
        f"{waiting} stations: an answer takes {1e3 * answers.answer_second_median:.1f} ms, "
        f"99 % within {1e3 * answers.answer_second_p99:.1f} ms"
    )
    if not asked.full:
        lines.append(f"fewer stations than the goals speak of ({STATIONS[1]}, {ASKED_STATIONS[1]})")
    peer = "ocpp package, validation in the loop"
    goals = [
        Goal(
            f"OCPP {version}: validated meter values",
            speed.per_cpu_second[version, "voltherd"],
            "1/CPU s",
            speed.per_cpu_second[version, peer],
            "ocpp package",
            ocpp.GOAL_PER_CPU_SECOND,
            at_least=True,
        )
        for version in speed.ratios
    ]
    accepted = profiles.verdicts.get("accepted", 0)
    goals += [
        Goal(
            f"{stations} stations re-profiled",
            profiles.profile_second,
            "s",
            None,
            "",
            ocpp.GOAL_PROFILES_SECOND,
        ),
        Goal("read back equal", accepted, "stations", None, "", stations, at_least=True),
        Goal(
            f"{waiting} stations: 99 % of answers",
            answers.answer_second_p99,
            "s",
            None,
            "",
            ocpp.GOAL_P99_SECOND,
        ),
    ]
    table = {
        "per_cpu_second": {f"{v} {n}": x for (v, n), x in speed.per_cpu_second.items()},
        "ratios": speed.ratios,
        "profiles": asdict(profiles),
        "answers": asdict(answers),
    }
    return Told("\n".join(lines), table, tuple(goals))


def _verdicts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {word}" for word, count in counts.items())


def _learned(asked: Asked, progress: Progress) -> Told:
    del asked
    rows = charging_learned.measure(progress)
    return Told(charging_learned.render(rows), [row._asdict() for row in rows])


def _cases(asked: Asked, progress: Progress) -> Told:
    del asked
    rows = charging_cases.measure(progress)
    return Told(charging_cases.render(rows), [row._asdict() for row in rows])


def _forecast(asked: Asked, progress: Progress) -> Told:
    found = charging_forecast.measure(asked.recorded, full=asked.full, progress=progress)
    lines = ["public charges by the hour, a day ahead: loss of quantiles, and how wrong (kWh, 1/h)"]
    for what, scores in found.items():
        lines += [what, *(f"  {line}" for line in told_scores(scores))]
    table = {what: [one._asdict() for one in scores] for what, scores in found.items()}
    return Told("\n".join(lines), table, charging_forecast.goals(found))


def _link(asked: Asked, progress: Progress) -> Told:
    del asked
    rows = charging_link.measure(progress)
    return Told(charging_link.render(rows), [row._asdict() for row in rows])


def _compare(asked: Asked, progress: Progress) -> Told:
    del asked
    found = charging_compare.measure(progress)
    table = {name: sheet.plain() for name, sheet in found.items()}
    return Told(charging_compare.render(found), table, charging_compare.goals(found))


PARTS: Final[Mapping[str, Callable[[Asked, Progress], Told]]] = {
    "plans": _plans,
    "recorded": _recorded,
    "forecast": _forecast,
    "ocpp": _ocpp,
    "learned": _learned,
    "cases": _cases,
    "link": _link,
    "compare": _compare,
}
