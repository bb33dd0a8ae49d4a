"""Sets of sequence numbers as ranges: ascending, apart from each other, both ends included."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from voltherd.types.record import SeqRange


def merged(ranges: Iterable[SeqRange]) -> tuple[SeqRange, ...]:
    """Join ranges that overlap or touch.

    >>> merged([SeqRange(7, 9), SeqRange(1, 2), SeqRange(3, 3), SeqRange(8, 12)])
    (SeqRange(first=1, last=3), SeqRange(first=7, last=12))
    """
    out: list[SeqRange] = []
    for first, last in sorted(ranges):
        if out and first <= out[-1].last + 1:
            if last > out[-1].last:
                out[-1] = SeqRange(out[-1].first, last)
        else:
            out.append(SeqRange(first, last))
    return tuple(out)


def ranges_of(numbers: Iterable[int]) -> tuple[SeqRange, ...]:
    """Write numbers as ranges.

    >>> ranges_of([5, 1, 2, 6, 5])
    (SeqRange(first=1, last=2), SeqRange(first=5, last=6))
    """
    return merged(SeqRange(number, number) for number in numbers)


def holes(ranges: Sequence[SeqRange], first: int = 1) -> tuple[SeqRange, ...]:
    """Name what is missing from ``first`` up to the last of merged ranges.

    >>> holes((SeqRange(3, 4), SeqRange(9, 9)))
    (SeqRange(first=1, last=2), SeqRange(first=5, last=8))
    """
    missing = []
    wanted = first
    for start, last in ranges:
        if start > wanted:
            missing.append(SeqRange(wanted, start - 1))
        wanted = max(wanted, last + 1)
    return tuple(missing)


def touching(ranges: Sequence[SeqRange], some: Iterable[SeqRange]) -> tuple[SeqRange, ...]:
    """Give those of merged ranges in which ``some`` lie, each once, in their order.

    >>> touching((SeqRange(1, 8), SeqRange(11, 14)), [SeqRange(3, 3), SeqRange(5, 6)])
    (SeqRange(first=1, last=8),)
    """
    found = {bisect_right(ranges, first, key=_first) - 1 for first, _ in some}
    return tuple(ranges[at] for at in sorted(found) if at >= 0)


def holds(ranges: Sequence[SeqRange], number: int) -> bool:
    """Say whether merged ranges hold a number.

    >>> holds((SeqRange(1, 8), SeqRange(11, 14)), 9)
    False
    """
    at = bisect_right(ranges, number, key=_first) - 1
    return at >= 0 and number <= ranges[at].last


def count(ranges: Iterable[SeqRange]) -> int:
    """Count the numbers of ranges that lie apart.

    >>> count((SeqRange(1, 8), SeqRange(11, 11)))
    9
    """
    return sum(last - first + 1 for first, last in ranges)


def _first(a_range: SeqRange) -> int:
    return a_range.first
