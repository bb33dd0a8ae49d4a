"""Transactions, put together from what stations tell in any order and any number of times.

What was told of one transaction is joined by operations that commute and change nothing when
repeated: the earliest start, the latest stop, the outermost readings of the meter.  So messages
that come late, twice or before others lead to the same transaction and the same energy.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from math import inf
from typing import Final, NamedTuple, TypeVar, final

from voltherd.types.station import BEGIN, END, ENERGY, MeterReading, TransactionTold

JUMP_WATT: Final = 500e3
"""No plug of a depot delivers more: a register that rises faster has jumped [W]."""
SKEW_SECOND: Final = 300.0
"""A station's clock that is ahead by more is flagged [s]."""
SEQUENCE_MAX: Final = 1 << 20
Ranges = tuple[tuple[int, int], ...]
_Ordered = TypeVar("_Ordered", int, float, "Register", "Said")


class Register(NamedTuple):
    """The meter's energy register at a moment.

    Attributes:
        time_second: When [unix s].
        rank: Of two of one moment, the start's counts first and the end's last.
        energy_wh: What it showed [Wh].
    """

    time_second: float
    rank: int
    energy_wh: float


class Said(NamedTuple):
    """A word and when it was said, so that the order of hearing does not decide [unix s]."""

    time_second: float
    word: str


@final
@dataclass(frozen=True, slots=True)
class Transaction:
    """One transaction as far as it was told.

    Attributes:
        transaction_id: The station's or ours.
        evse_id: Where; 0 while not told.
        connector_id: Which plug; 0 while not told.
        token: Who began it, and when that was said; None while not told.
        start_second: When it began; None while not told [unix s].
        stop: When it ended [unix s] and why; None while not told.
        state: ``Charging`` …, as last told; None while not told.
        first: The first reading of the energy register; None while there is none.
        last: The last one.
        lowest_wh: The lowest reading of all [Wh].
        highest_wh: The highest reading of all [Wh].
        sequence: Numbers of the events that were told, as ascending ranges.
        reservation_id: What it used up.
        remote_start_id: Which request it followed.
        offline: Whether part of it was told late.
        flags: ``meter_jump``, ``clock_ahead``: what is to be looked at.
        follows: The one before it there, if of the same token; empty for none.
        is_paused: Whether the central system had it ended, to go on with another.
        left_second: When its plug was told to be free afterwards; None while not [unix s].
    """

    transaction_id: str
    evse_id: int = 0
    connector_id: int = 0
    token: Said | None = None
    start_second: float | None = None
    stop: Said | None = None
    state: Said | None = None
    first: Register | None = None
    last: Register | None = None
    lowest_wh: float = inf
    highest_wh: float = -inf
    sequence: Ranges = ()
    reservation_id: int | None = None
    remote_start_id: int | None = None
    offline: bool = False
    flags: frozenset[str] = frozenset()
    follows: str = ""
    is_paused: bool = False
    left_second: float | None = None

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.stop is None

    @property
    def id_token(self) -> str:
        """Who began it; empty while not told."""
        return "" if self.token is None else self.token.word

    @property
    def energy_wh(self) -> float:
        """What went into the vehicle so far, by the meter [Wh]; 0 while it cannot be told."""
        if self.first is None or self.last is None:
            return 0.0
        return self.last.energy_wh - self.first.energy_wh

    @property
    def missing(self) -> int:
        """How many numbered events up to the last were not told, yet."""
        if not self.sequence:
            return 0
        gaps = sum(after[0] - before[1] - 1 for before, after in pairwise(self.sequence))
        return gaps + self.sequence[0][0]


def drawn_since_plugged_wh(known: Mapping[str, Transaction], last: Transaction | None) -> float:
    """Give what a vehicle has drawn up to a transaction, with those before it [Wh].

    Args:
        known: All of its station.
        last: The latest; None where none is.
    """
    drawn_wh = 0.0
    while last is not None:
        drawn_wh += last.energy_wh
        before = known.get(last.follows)
        last = None if before is None or before.left_second is not None else before
    return drawn_wh


def join(transaction: Transaction, told: TransactionTold, heard_second: float) -> Transaction:
    """Add what was told to a transaction.

    Args:
        transaction: As it stands.
        told: About it.
        heard_second: When it was heard [unix s].

    Returns:
        The transaction; the very same where nothing is new.
    """
    registers = _registers(told.readings)
    flags = set(transaction.flags)
    if told.time_second - heard_second > SKEW_SECOND:
        flags.add("clock_ahead")  # while what is told of the past may just be late
    if _rose_too_fast(transaction.last, registers):
        flags.add("meter_jump")
    start = told.time_second if told.kind == "started" else None
    # Who is named at the start counts before who is named later: somebody else may end it.
    named = Said(-inf if start is not None else told.time_second, told.id_token)
    ended = Said(told.time_second, told.reason) if told.kind == "ended" else None
    joined = replace(
        _with_registers(transaction, registers),
        evse_id=max(transaction.evse_id, told.evse_id),
        connector_id=max(transaction.connector_id, told.connector_id),
        token=_least(transaction.token, named if told.id_token else None),
        start_second=_least(transaction.start_second, start),
        stop=_greatest(transaction.stop, ended),
        state=_greatest(
            transaction.state, Said(told.time_second, told.state) if told.state else None
        ),
        sequence=_with_number(transaction.sequence, told.seq_no),
        reservation_id=_least(transaction.reservation_id, told.reservation_id),
        remote_start_id=_least(transaction.remote_start_id, told.remote_start_id),
        offline=transaction.offline or told.offline,
        flags=frozenset(flags),
    )
    joined = replace(joined, flags=joined.flags | {"meter_jump"}) if _ran_back(joined) else joined
    return transaction if joined == transaction else joined


def _registers(readings: tuple[MeterReading, ...]) -> list[Register]:
    ranks = {BEGIN: 0, END: 2}
    return sorted(
        Register(r.time_second, ranks.get(r.context, 1), r.value)
        for r in readings
        if r.quantity == ENERGY and r.unit == "Wh" and not r.phase
    )


def _with_registers(transaction: Transaction, registers: list[Register]) -> Transaction:
    if not registers:
        return transaction
    energies = [register.energy_wh for register in registers]
    return replace(
        transaction,
        first=_least(transaction.first, registers[0]),
        last=_greatest(transaction.last, registers[-1]),
        lowest_wh=min(transaction.lowest_wh, *energies),
        highest_wh=max(transaction.highest_wh, *energies),
    )


def _rose_too_fast(last: Register | None, registers: list[Register]) -> bool:
    known = registers if last is None else [last, *registers]
    return any(
        after.energy_wh - before.energy_wh
        > JUMP_WATT * (abs(after.time_second - before.time_second) + 1.0) / 3600.0
        for before, after in pairwise(known)
    )


def _ran_back(transaction: Transaction) -> bool:
    """Say whether the register left what lies between its first and its last reading."""
    if transaction.first is None or transaction.last is None:
        return False
    below = transaction.lowest_wh < transaction.first.energy_wh
    return below or transaction.highest_wh > transaction.last.energy_wh


def _least(known: _Ordered | None, told: _Ordered | None) -> _Ordered | None:
    return min((x for x in (known, told) if x is not None), default=None)


def _greatest(known: _Ordered | None, told: _Ordered | None) -> _Ordered | None:
    return max((x for x in (known, told) if x is not None), default=None)


def _with_number(ranges: Ranges, number: int | None) -> Ranges:
    """Add a number to ranges of numbers."""
    if number is None or not 0 <= number <= SEQUENCE_MAX:
        return ranges
    merged: list[tuple[int, int]] = []
    for low, high in sorted((*ranges, (number, number))):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    return tuple(merged)
