"""Says things once: 96 cell columns as one line, eight probes with one fault as one remark."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, final

from voltherd.report.words import clean, count, duration, number, percent
from voltherd.types.report import Answer, ImportReport, Remark, VehicleSummary

_LAST_NUMBER = re.compile(r"^(.*?)(\d+)(\D*)$")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """Neighbouring source columns that became neighbouring canonical ones in the same way.

    Attributes:
        source: First and last source column.
        canonical: First and last canonical column.
        columns: How many.
        conversion: How they were converted.
    """

    source: str
    canonical: str
    columns: int
    conversion: str


def _split(name: str) -> tuple[str, int | None, str]:
    match = _LAST_NUMBER.match(name)
    return (match[1], int(match[2]), match[3]) if match else (name, None, "")


def _follows(name: str, before: str) -> bool:
    head, index, tail = _split(name)
    head_before, index_before, tail_before = _split(before)
    return (
        index is not None
        and index_before is not None
        and index == index_before + 1
        and (head, tail) == (head_before, tail_before)
    )


def span(names: list[str]) -> str:
    """Name a run by its ends.

    >>> span(["V_1", "V_2", "V_3"]), span(["V_1", "V_2"]), span(["soc"])
    ('V_1 … V_3', 'V_1, V_2', 'soc')
    """
    return f"{names[0]} … {names[-1]}" if len(names) > 2 else ", ".join(names)


def spans(names: Iterable[str]) -> str:
    """Name many channels by the runs they form.

    >>> spans(["T_8", "T_9", "T_10", "mileage"])
    'T_8 … T_10, mileage'
    """
    runs: list[list[str]] = []
    for name in map(clean, names):
        if runs and _follows(name, runs[-1][-1]):
            runs[-1].append(name)
        else:
            runs.append([name])
    return ", ".join(span(run) for run in runs)


def mapping_runs(mapping: tuple[tuple[str, str, str], ...]) -> tuple[Mapped, ...]:
    """Join neighbouring columns that were converted alike.

    Args:
        mapping: Source column, canonical column, conversion, as in ``ImportReport``.

    Returns:
        One entry per run, in the order in which its canonical name first appears.
    """
    order: dict[str, int] = {}
    for _, canonical, _ in mapping:
        order.setdefault(_split(canonical)[0], len(order))
    ordered = sorted(mapping, key=lambda m: (order[_split(m[1])[0]], _split(m[1])[1] or 0))
    runs: list[list[tuple[str, str, str]]] = []
    for entry in ordered:
        last = runs[-1][-1] if runs else None
        if (
            last is not None
            and entry[2] == last[2]
            and _follows(entry[1], last[1])
            and (_follows(entry[0], last[0]) or entry[0] == last[0])
        ):
            runs[-1].append(entry)
        else:
            runs.append([entry])
    return tuple(
        Mapped(
            source=span(list(dict.fromkeys(clean(entry[0]) for entry in run))),
            canonical=span([clean(entry[1]) for entry in run]),
            columns=len(run),
            conversion=clean(run[0][2]),
        )
        for run in runs
    )


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Remarked:
    """Remarks that say the same of several channels.

    Attributes:
        channels: Which, as runs; empty for whole rows.
        channel_count: How many.
        remark: The first of them, with the counts of all.
    """

    channels: str
    channel_count: int
    remark: Remark


def remark_groups(remarks: tuple[Remark, ...]) -> tuple[Remarked, ...]:
    """Join remarks that differ in channel, counts and examples only; those that touch most first.

    >>> one, two = (Remark(reason="stuck", channel=f"T_{k}", count=k, total=10, detail="d")
    ...             for k in (1, 2))
    >>> [(g.channels, g.remark.count, g.remark.total) for g in remark_groups((one, two))]
    [('T_1, T_2', 3, 20)]
    """
    alike: dict[tuple[str, str, str, bool], list[Remark]] = {}
    for remark in remarks:
        key = (remark.reason, remark.detail, remark.mend, bool(remark.channel))
        alike.setdefault(key, []).append(remark)
    groups = []
    for same in alike.values():
        first = same[0]
        groups.append(
            Remarked(
                channels=spans(remark.channel for remark in same if remark.channel),
                channel_count=len(same) if first.channel else 0,
                remark=Remark(
                    reason=first.reason,
                    channel=first.channel,
                    count=sum(remark.count for remark in same),
                    total=sum(remark.total for remark in same),
                    detail=first.detail,
                    examples=first.examples,
                    mend=first.mend,
                ),
            )
        )
    return tuple(
        sorted(groups, key=lambda g: -g.remark.count / g.remark.total if g.remark.total else 0.0)
    )


_OF_A_FILE: Final = {
    "encoding": "",
    "no_header": "column",
    "column_renamed": "column",
    "bdf_label": "column",
    "decimal_comma": "column",
    "lines_before_data": "line",
    "file_passed_over": "file",
}
"""What is counted where a remark is about a file, not about values or rows."""


def amount(group: Remarked) -> str:
    r"""Say how many values, rows or columns a remark is about; empty where nothing is counted.

    >>> note = Remark(reason="lines_before_data", channel="", count=2, total=2, detail="")
    >>> amount(remark_groups((note,))[0])
    '2 lines'
    """
    remark = group.remark
    noun = _OF_A_FILE.get(remark.reason, "value" if group.channels else "row")
    if not remark.count or not noun:
        return ""
    if noun != "row" and noun != "value" and remark.count == remark.total:
        return count(remark.count, noun)
    share = percent(min(1.0, remark.count / remark.total)) if remark.total else ""
    return f"{remark.count:,} of {count(remark.total, noun)}" + (f" ({share})" if share else "")


def pace(rate_hertz: float) -> str:
    """Say how often a source usually has a row.

    >>> pace(0.1), pace(1.0), pace(12.5)
    ('usually a row every 10 seconds', 'usually a row every second', 'usually 12.5 rows a second')
    """
    if 0.99 < rate_hertz < 1.01:
        return "usually a row every second"
    if rate_hertz < 0.5:
        return f"usually a row every {duration(1.0 / rate_hertz)}"
    return f"usually {number(rate_hertz)} rows a second"


def vehicles_by_answers(
    vehicles: Iterable[VehicleSummary],
) -> tuple[tuple[tuple[VehicleSummary, ...], tuple[Answer, ...]], ...]:
    """Join vehicles whose data allow the same answers; the largest group first."""
    alike: dict[tuple[Answer, ...], list[VehicleSummary]] = {}
    for vehicle in vehicles:
        alike.setdefault(vehicle.answers, []).append(vehicle)
    groups = [(tuple(members), answers) for answers, members in alike.items()]
    return tuple(sorted(groups, key=lambda group: -len(group[0])))


def next_unlock(answers: tuple[Answer, ...]) -> tuple[str, tuple[Answer, ...]] | None:
    """Find the one missing thing that would unlock the most answers.

    A thing counts for an answer where it is all that the answer lacks; where no single thing
    unlocks an answer, the one wanted most often is given.

    Returns:
        The thing and the answers that want it; None where every answer is possible.
    """
    wanted = [answer for answer in answers if not answer.possible and answer.needs]
    if not wanted:
        return None
    single = [answer for answer in wanted if len(answer.needs) == 1]
    votes: dict[str, list[Answer]] = {}
    for answer in single or wanted:
        for need in answer.needs:
            votes.setdefault(need, []).append(answer)
    need = max(votes, key=lambda name: len(votes[name]))
    return need, tuple(votes[need])


def timezones(imports: tuple[ImportReport, ...]) -> tuple[str, ...]:
    """How time stamps were read, each way once."""
    return tuple(dict.fromkeys(clean(source.timezone) for source in imports if source.timezone))
