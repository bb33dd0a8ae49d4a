"""Which questions the data at hand can answer, and which column would unlock the next."""

from typing import Final, NamedTuple

import numpy as np

from voltherd.types.quality import INVALID
from voltherd.types.report import Answer
from voltherd.types.sample import SampleBatch

_SHARE_MIN: Final = 0.05
"""A channel counts as present when at least this share of its rows is valid."""


class _Question(NamedTuple):
    """One question and what it takes.

    Attributes:
        name: Stable identifier.
        title: For people.
        channels: Scalars needed.
        cells: Cell columns needed.
        probes: Probes needed.
        hours: Shortest record [h].
        interval: Longest usual interval between rows [s].
        soc_span: Smallest span of SOC.
        swing: Smallest swing of current [A].
    """

    name: str
    title: str
    channels: tuple[str, ...] = ()
    cells: int = 0
    probes: int = 0
    hours: float = 0.0
    interval: float = float("inf")
    soc_span: float = 0.0
    swing: float = 0.0


_QUESTIONS: Final = (
    _Question("triage_cell_deviation", "Which cell stands apart from its siblings?", cells=4,
              hours=1.0),
    _Question("imbalance", "Is the pack out of balance, and by how much charge?", cells=4,
              hours=1.0),
    _Question("pack_sum_check", "Do the cells add up to the pack voltage?", ("voltage_volt",),
              cells=2),
    _Question("contact_resistance", "Is a cell or a joint gaining resistance?", ("current_ampere",),
              cells=4, hours=1.0, interval=60.0, swing=5.0),
    _Question("short_detection", "Does a cell lose charge by itself?", ("current_ampere",), cells=4,
              hours=24.0),
    _Question("thermal", "Does a part of the pack run hot?", probes=2, hours=1.0),
    _Question("insulation", "Is the high-voltage bus well insulated?",
              ("insulation_resistance_ohm",)),
    _Question("soc_audit", "Is the reported state of charge right?",
              ("current_ampere", "soc_fraction"), hours=1.0, interval=60.0),
    _Question("capacity_soh", "How much charge does the pack still hold?",
              ("current_ampere", "soc_fraction"), hours=1.0, interval=60.0, soc_span=0.3),
    _Question("resistance_soh", "How much has the pack's resistance grown?",
              ("current_ampere", "voltage_volt"), hours=0.25, interval=15.0, swing=5.0),
    _Question("energy_use", "How much energy does a kilometre take?",
              ("current_ampere", "voltage_volt", "speed_kilometre_per_hour"), hours=0.25,
              interval=60.0),
)  # fmt: skip
_WORDS: Final = {
    "current_ampere": "a current column",
    "voltage_volt": "a pack voltage column",
    "soc_fraction": "a state-of-charge column",
    "speed_kilometre_per_hour": "a speed column",
    "insulation_resistance_ohm": "an insulation resistance column that varies",
}


class Survey(NamedTuple):
    """What some record of one vehicle holds, as far as questions ask for it.

    Attributes:
        channels: Scalars that are there.
        cells: Cell columns with values.
        probes: Probes with values.
        hours: Time observed, long gaps left out [h].
        interval: Usual interval between rows [s].
        soc: Lowest and highest SOC; NaN where unknown.
        current: Lowest and highest usual current [A]; NaN where unknown.
    """

    channels: frozenset[str]
    cells: int
    probes: int
    hours: float
    interval: float
    soc: tuple[float, float]
    current: tuple[float, float]


def answers(batch: SampleBatch) -> tuple[Answer, ...]:
    """Tell which questions a batch can answer.

    Args:
        batch: Canonical samples of one vehicle.

    Returns:
        Possible answers first; then those that miss least, what they miss in order of help.

    >>> from voltherd.types.sample import empty_batch
    >>> [a.name for a in answers(empty_batch("bus-7")) if a.possible]
    []
    """
    return answers_of(survey(batch))


def answers_of(facts: Survey) -> tuple[Answer, ...]:
    """Tell which questions a record can answer; see ``answers``."""
    found = [(question, _missing(question, facts)) for question in _QUESTIONS]
    found.sort(key=lambda pair: len(pair[1]))
    return tuple(
        Answer(name=question.name, title=question.title, possible=not needs, needs=needs)
        for question, needs in found
    )


def together(first: Survey, second: Survey) -> Survey:
    """Join what two parts of one vehicle's record hold, as files of single days do."""
    longer = first if first.hours >= second.hours else second
    return Survey(
        channels=first.channels | second.channels,
        cells=max(first.cells, second.cells),
        probes=max(first.probes, second.probes),
        hours=first.hours + second.hours,
        interval=longer.interval,
        soc=_wider(first.soc, second.soc),
        current=_wider(first.current, second.current),
    )


def _wider(first: tuple[float, float], second: tuple[float, float]) -> tuple[float, float]:
    low, high = np.fmin(first[0], second[0]), np.fmax(first[1], second[1])
    return float(low), float(high)


def survey(batch: SampleBatch) -> Survey:
    """See what a batch holds."""
    steps = np.diff(batch.unix_time_second)
    forward = steps[steps > 0.0]
    usual = float(np.median(forward)) if forward.size else float("inf")
    observed = float(steps[steps <= 5.0 * usual].sum()) / 3600.0 if forward.size else 0.0
    present = set()
    for name, flag in batch.scalar_quality.items():
        valid = (flag & int(INVALID)) == 0
        if not valid.size or valid.mean() < _SHARE_MIN:
            continue
        if name == "insulation_resistance_ohm" and _constant(batch.scalar[name]):
            continue
        present.add(name)
    return Survey(
        channels=frozenset(present),
        cells=_live(batch.cell_voltage_volt),
        probes=_live(batch.probe_temperature_celsius),
        hours=observed,
        interval=usual,
        soc=_ends(batch, "soc_fraction"),
        current=_ends(batch, "current_ampere"),
    )


def _constant(values: np.ndarray) -> bool:
    known = values[np.isfinite(values)]
    return bool(known.size > 60 and np.all(known == known[0]))


def _live(values: np.ndarray) -> int:
    """Count places with a value in at least one of a thousand rows spread over the record."""
    if not len(values):
        return 0
    rows = np.unique(np.linspace(0, len(values) - 1, 1000).astype(int))
    return int(np.isfinite(values[rows]).any(axis=0).sum())


def _ends(batch: SampleBatch, name: str) -> tuple[float, float]:
    nothing = float("nan"), float("nan")
    if name not in batch.scalar:
        return nothing
    values = batch.scalar[name]
    known = values[np.isfinite(values)]
    if not known.size:
        return nothing
    low, high = np.partition(known, [len(known) // 200, len(known) - 1 - len(known) // 200])[
        [len(known) // 200, len(known) - 1 - len(known) // 200]
    ]
    return float(low), float(high)


def _span(ends: tuple[float, float]) -> float:
    return ends[1] - ends[0] if np.isfinite(ends).all() else 0.0


def _length(hours: float) -> str:
    """Write a length of record.

    >>> _length(24.0), _length(0.25), _length(0.01)
    ('24 h', '15 min', '36 s')
    """
    if hours >= 1.0:
        return f"{hours:.2g} h"
    return f"{60.0 * hours:.2g} min" if hours >= 1.0 / 60.0 else f"{3600.0 * hours:.2g} s"


def _missing(question: _Question, facts: Survey) -> tuple[str, ...]:
    needs = [_WORDS[name] for name in question.channels if name not in facts.channels]
    if facts.cells < question.cells:
        have = f"only {facts.cells} there" if facts.cells else "none there"
        needs.append(f"at least {question.cells} cell voltage columns ({have})")
    if facts.probes < question.probes:
        needs.append(f"at least {question.probes} temperature probes ({facts.probes} there)")
    if facts.interval > question.interval:
        have = f"one every {facts.interval:.3g} s" if facts.interval < 1e9 else "one time only"
        needs.append(f"a row at least every {question.interval:g} s ({have} there)")
    if facts.hours < question.hours:
        needs.append(f"{_length(question.hours)} of record ({_length(facts.hours)} there)")
    if "soc_fraction" in facts.channels and _span(facts.soc) < question.soc_span:
        needs.append(
            f"a charge or drive over {question.soc_span:.0%} of SOC ({_span(facts.soc):.0%} there)"
        )
    if "current_ampere" in facts.channels and _span(facts.current) < question.swing:
        needs.append(
            f"current that changes by {question.swing:g} A ({_span(facts.current):.2g} A there)"
        )
    return tuple(needs)
