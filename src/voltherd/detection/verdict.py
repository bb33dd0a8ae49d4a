"""What a detector says about one place at one time, and the book that keeps alarms honest.

A verdict is an opinion on the evidence so far; an alarm is raised only when a verdict persists, at
the time of the sample that made it so, and remembers when each severity was first reached.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import final

import numpy as np

from voltherd.types.event import Location, Phenomenon, Severity


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One detector's opinion.

    Attributes:
        cause: What ties verdicts to one alarm; the phenomenon may be refined under the same cause.
        phenomenon: The best name for it now.
        location: Where.
        severity: By size of effect.
        score: How far from its siblings, in robust standard deviations.
        persistence: Consecutive verdicts needed before it counts.
        event: Whether it happens once, so that later silence does not contradict it.
        numbers: Further numbers for the evidence, by name.
    """

    cause: str
    phenomenon: Phenomenon
    location: Location
    severity: Severity
    score: float
    persistence: int = 2
    event: bool = False
    numbers: Mapping[str, float] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, int | None, str | None]:
        """What makes two verdicts speak of the same thing."""
        return self.cause, self.location.kind.value, self.location.index, self.location.channel


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """A verdict's history.

    Attributes:
        verdict: The latest.
        first_second: When the current run of verdicts began [unix s].
        last_second: When it was last renewed [unix s].
        raised_second: When each severity was first reached, lowest first [unix s].
        streaks: Length of the current run at or above each severity, lowest first.
        count: Verdicts in all.
        missed: Judgements since the last verdict.
        peak: The strongest verdict at the highest severity raised.
    """

    verdict: Verdict
    first_second: float
    last_second: float
    raised_second: tuple[float | None, float | None, float | None] = (None, None, None)
    streaks: tuple[int, int, int] = (0, 0, 0)
    count: int = 0
    missed: int = 0
    peak: Verdict | None = None

    @property
    def severity(self) -> Severity | None:
        """The highest severity ever raised, None while nothing is."""
        reached = [s for s in Severity if self.raised_second[s - 1] is not None]
        return reached[-1] if reached else None

    @property
    def event(self) -> bool:
        """Whether it tells of something that happened rather than of something that is."""
        return self.verdict.event

    @property
    def telling(self) -> Verdict:
        """The verdict to tell of: the latest while it stands, else the strongest."""
        return self.verdict if self.streaks[0] or self.peak is None else self.peak


Book = Mapping[tuple[str, str, int | None, str | None], Alarm]
"""Every place a verdict was ever spoken about; as large as the pack at most."""


def note(book: Book, verdicts: Iterable[Verdict], now_second: float, judged: Iterable[str]) -> Book:
    """Enter the verdicts of one judgement.

    Args:
        book: What was known; not changed.
        verdicts: All verdicts of this judgement.
        now_second: The sample that completed the evidence [unix s].
        judged: Causes that were judged now; their alarms without a verdict lose their streak.

    Returns:
        The new book.
    """
    fresh = {verdict.key: verdict for verdict in verdicts}
    causes = set(judged)
    silent = [key for key in book if key[0] in causes and key not in fresh]
    if not fresh and not silent:
        return book
    updated = dict(book)
    for key in silent:
        alarm = book[key]
        updated[key] = replace(alarm, streaks=(0, 0, 0), missed=alarm.missed + 1)
    for key, verdict in fresh.items():
        updated[key] = _renew(book.get(key), verdict, now_second)
    return updated


def _renew(alarm: Alarm | None, verdict: Verdict, now: float) -> Alarm:
    before = alarm or Alarm(verdict=verdict, first_second=now, last_second=now)
    first = now if before.streaks[0] == 0 else before.first_second
    grade = int(verdict.severity)
    streaks = [n + 1 if place < grade else 0 for place, n in enumerate(before.streaks)]
    raised = [
        now if time is None and streak >= verdict.persistence else time
        for time, streak in zip(before.raised_second, streaks, strict=True)
    ]
    reached = max((n for n, time in enumerate(raised, start=1) if time is not None), default=0)
    peak = before.peak
    if 0 < reached <= grade:
        milder = peak is not None and (peak.severity, abs(peak.score)) > (
            verdict.severity,
            abs(verdict.score),
        )
        peak = peak if milder else verdict
    return Alarm(
        verdict=verdict,
        first_second=first,
        last_second=now,
        raised_second=(raised[0], raised[1], raised[2]),
        streaks=(streaks[0], streaks[1], streaks[2]),
        count=before.count + 1,
        missed=0,
        peak=peak,
    )


def confidence(score: float, siblings: int, renewals: int) -> float:
    """Give the probability that a verdict is not chance among its siblings.

    The chance that the worst of n siblings strays so far is bounded by n times the tail of
    Student's t with 4 degrees of freedom: real packs have heavier tails than a normal one.
    Renewals over time are anything but independent, so each doubling of their number halves the
    remaining doubt only.

    Args:
        score: Robust standard deviations from the siblings.
        siblings: How many there are.
        renewals: How often the verdict was renewed.

    >>> round(confidence(12.0, 96, 20), 2), round(confidence(4.0, 96, 2), 2)
    (0.99, 0.37)
    """
    t = abs(score)
    # Closed form of the t tail with four degrees of freedom.
    u = t / np.sqrt(4.0 + t * t)
    tail = 0.5 * (1.0 - u * (1.5 - 0.5 * u * u))
    doubt = min(1.0, 2.0 * siblings * tail)
    return float(min(1.0 - doubt / max(1.0, np.log2(renewals + 1)), 0.99))
