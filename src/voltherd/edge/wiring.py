"""From messages and a profile to tables: where in an image each channel's bits lie.

Everything that depends on the database alone is worked out once, here.  What is left for each cycle
is to copy payloads into their slots and to take all signals out of them with a few array
operations (``decode``).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isclose
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Bool, Float, Int, UInt64

from voltherd.errors import UsageError
from voltherd.intake.profile import ChannelRule, GroupRule, Profile, did_you_mean
from voltherd.types.channel import CELL_VOLTAGE, PROBE_TEMPERATURE, SCALARS, ChannelSpec
from voltherd.types.frame import MessageLayout, SignalLayout

WORD_BYTES: Final = 8
_DIGITS_MAX: Final = 9
_SLACK: Final = 1e-6
"""A scaled limit may round past itself, as on import."""
PERIODS_MISSED: Final = 3.0
"""After so many of its declared periods a silent message has no value."""
_WITH_SENDER: Final = re.compile(
    r"^(?P<head>[^@]+)@(?:[^/]*/)?(?P<id>[0-9A-Fa-f]+)(?:\.(?P<tail>.+))?$"
)
_TELLING: Final = ("current_ampere", "voltage_volt", "insulation_resistance_ohm")
"""Scalars of which every sample makes a row; of what else there is the last value counts."""


class Slot(NamedTuple):
    """Where the payload of a message, or of a part that a selector chooses, lies in the image.

    Attributes:
        message: Its name.
        offset: First byte.
        width: Bytes kept of a frame.
        timeout_second: Older values than this are no values [s].
        telling: Whether each of its frames makes a row; the last one counts otherwise.
    """

    message: str
    offset: int
    width: int
    timeout_second: float
    telling: bool


class Route(NamedTuple):
    """What a frame fills: some slots in any case, others by what its selectors say."""

    slots: tuple[int, ...]
    choices: tuple["Choice", ...] = ()


class Choice(NamedTuple):
    """A selector: bytes ``first`` to ``stop`` as a number, shifted and masked, choose the route."""

    first: int
    stop: int
    big_endian: bool
    shift: int
    mask: int
    routes: Mapping[int, Route]


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Columns:
    """How each mapped signal is taken out of an image; one entry per signal unless said.

    Attributes:
        slot: Its slot.
        index: Bytes of the image from the least significant one; one beyond the end is zero.
        wide: Which signals reach into a ninth byte.
        spill: That byte, for each of ``wide``.
        shift: Bits below the signal.
        mask: Its bits.
        bytes_needed: Shortest payload that holds it.
        signed: Which signals are signed.
        spare: Bits above each of ``signed``.
        floats: Which signals are floating-point numbers, by their bits.
        missing_code: Counts that are no value: a row for the first of each signal, and so on.
        coded: Whether a signal has such counts.
        missing_from: Counts from here up are no value.
        ranged: Whether that holds for it.
        scale: Units per count.
        offset: Value of zero counts.
        rule_scale: Canonical units per unit.
        rule_offset: Added after that.
        decimal: Which signals come in decimal steps.
        per_unit: The power of ten of each of ``decimal``, whose inverse all its values are
            multiples of.
        sentinel: Values in the database's unit that are no value, row by row, NaN for none.
        low: Lowest value that can be physical.
        high: Highest value that can be physical.
    """

    slot: Int[np.ndarray, "signals"]
    index: Int[np.ndarray, "signals 8"]
    wide: Int[np.ndarray, "wide"]
    spill: Int[np.ndarray, "wide"]
    shift: UInt64[np.ndarray, "signals"]
    mask: UInt64[np.ndarray, "signals"]
    bytes_needed: Int[np.ndarray, "signals"]
    signed: Int[np.ndarray, "signed"]
    spare: UInt64[np.ndarray, "signed"]
    floats: Mapping[int, Int[np.ndarray, "_"]]
    missing_code: UInt64[np.ndarray, "codes signals"]
    coded: Bool[np.ndarray, "signals"]
    missing_from: UInt64[np.ndarray, "signals"]
    ranged: Bool[np.ndarray, "signals"]
    scale: Float[np.ndarray, "signals"]
    offset: Float[np.ndarray, "signals"]
    rule_scale: Float[np.ndarray, "signals"]
    rule_offset: Float[np.ndarray, "signals"]
    decimal: Int[np.ndarray, "decimal"]
    per_unit: Float[np.ndarray, "decimal"]
    sentinel: Float[np.ndarray, "values signals"]
    low: Float[np.ndarray, "signals"]
    high: Float[np.ndarray, "signals"]


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Wiring:
    """Everything decoding needs to know of a bus.

    Attributes:
        routes: By identifier and whether it has 29 bits.
        groups: By J1939 parameter group, for 29-bit identifiers of any sender.
        slots: The image's parts.
        image_bytes: Size of the image.
        columns: Signals: cells first, then probes, then scalars.
        cells: Cell columns of a row.
        probes: Probe columns of a row.
        cell_place: Column of a row for each cell signal.
        probe_place: Column of a row for each probe signal.
        scalars: Canonical name of each scalar signal.
        timeout_second: Of each slot [s].
    """

    routes: Mapping[tuple[int, bool], Route]
    groups: Mapping[int, Route]
    slots: tuple[Slot, ...]
    image_bytes: int
    columns: Columns
    cells: int
    probes: int
    cell_place: Int[np.ndarray, "some"]
    probe_place: Int[np.ndarray, "others"]
    scalars: tuple[str, ...]
    timeout_second: Float[np.ndarray, "slots"]


class _Wire(NamedTuple):
    """A signal, the channel it becomes, and by what rule."""

    message: MessageLayout
    signal: SignalLayout
    spec: ChannelSpec
    rule: ChannelRule | GroupRule
    place: int


def wire_up(
    messages: Sequence[MessageLayout], profile: Profile, missing_second: float = 5.0
) -> Wiring:
    """Work out the tables.

    Args:
        messages: What the bus carries.
        profile: Which signal is which channel; columns are named as an imported log names them.
        missing_second: A message silent for longer has no value; longer where its declared period
            asks for it [s].

    Raises:
        UsageError: The profile names a signal that the database lacks, or nothing at all.
    """
    wires = list(_wires(messages, profile))
    if not any(w.spec is CELL_VOLTAGE or w.spec.name in _TELLING for w in wires):
        raise UsageError(
            "no cell voltage, current or pack voltage is mapped",
            where="profile",
            mend="make one with: voltherd import LOG --dbc DBC --dry-run --save-profile PROFILE",
        )
    mapped: dict[str, list[_Wire]] = {}
    for wire in wires:
        mapped.setdefault(wire.message.name, []).append(wire)
    builder = _Slots([], {}, 0, missing_second)
    routes: dict[tuple[int, bool], Route] = {}
    groups: dict[int, Route] = {}
    for message in messages:
        if message.name not in mapped:
            continue
        route = _route(message, "", mapped[message.name], builder)
        routes[message.arbitration_id, message.extended] = route
        if message.extended:
            groups[parameter_group(message.arbitration_id)] = route
    cells = [w for w in wires if w.spec is CELL_VOLTAGE]
    probes = [w for w in wires if w.spec is PROBE_TEMPERATURE]
    scalars = [w for w in wires if w.spec not in (CELL_VOLTAGE, PROBE_TEMPERATURE)]
    return Wiring(
        routes=routes,
        groups=groups,
        slots=tuple(builder.slots),
        image_bytes=builder.bytes,
        columns=_columns([*cells, *probes, *scalars], builder),
        cells=max((w.place for w in cells), default=0),
        probes=max((w.place for w in probes), default=0),
        cell_place=np.array([w.place - 1 for w in cells], np.int64),
        probe_place=np.array([w.place - 1 for w in probes], np.int64),
        scalars=tuple(w.spec.name for w in scalars),
        timeout_second=np.array([slot.timeout_second for slot in builder.slots]),
    )


def parameter_group(arbitration_id: int) -> int:
    """Give the J1939 parameter group number of a 29-bit identifier.

    >>> hex(parameter_group(0x18F00400)), hex(parameter_group(0x18EA2101))
    ('0xf004', '0xea00')

    Source: SAE J1939-21, 5.2: below 0xF0 the second byte addresses a receiver.
    """
    group = arbitration_id >> 8 & 0x3FFFF
    return group if group >> 8 & 0xFF >= 0xF0 else group & 0x3FF00


def _wires(messages: Sequence[MessageLayout], profile: Profile) -> Iterator[_Wire]:
    known = _named(messages)
    for spec, group in ((CELL_VOLTAGE, profile.cells), (PROBE_TEMPERATURE, profile.probes)):
        if group is not None:
            for place, name in zip(group.indices, group.columns, strict=True):
                yield _Wire(*_signal(name, known, messages), spec, group, place)
    for channel, rule in profile.scalar.items():
        yield _Wire(*_signal(rule.column, known, messages), SCALARS[channel], rule, 0)


def _named(
    messages: Sequence[MessageLayout],
) -> dict[str, list[tuple[MessageLayout, SignalLayout]]]:
    """Give signals by the names under which an imported log may carry them."""
    found: dict[str, list[tuple[MessageLayout, SignalLayout]]] = {}
    for message in messages:
        for signal in message.signals:
            for name in (signal.name, f"{message.name}.{signal.name}"):
                found.setdefault(name, []).append((message, signal))
    return found


def _signal(
    column: str,
    known: Mapping[str, list[tuple[MessageLayout, SignalLayout]]],
    messages: Sequence[MessageLayout],
) -> tuple[MessageLayout, SignalLayout]:
    match = _WITH_SENDER.match(column)
    name = column
    if match:  # message@channel/identifier.signal, or signal@channel/identifier
        name = f"{match['head']}.{match['tail']}" if match["tail"] else match["head"]
    choices = known.get(name, [])
    if match and len(choices) > 1:
        sender = int(match["id"], 16)
        choices = [c for c in choices if c[0].arbitration_id == sender] or choices
    if len(choices) == 1:
        return choices[0]
    if choices:
        raise UsageError(
            f"signal {column!r} is in {len(choices)} messages",
            where="profile",
            mend=f"name it as {choices[0][0].name}.{choices[0][1].name}",
        )
    raise UsageError(
        f"no signal {column!r} in the database's {len(messages)} messages",
        where="profile",
        mend=did_you_mean(column, tuple(known)),
    )


@final
@dataclass(slots=True)
class _Slots:
    """Slots as they are laid out."""

    slots: list[Slot]
    of_signal: dict[tuple[str, str], int]
    bytes: int
    missing_second: float

    def lay(self, message: MessageLayout, wires: Sequence[_Wire]) -> tuple[int, ...]:
        if not wires:
            return ()
        width = max(_bytes_needed(w.signal) for w in wires)
        periods = PERIODS_MISSED * (message.period_second or 0.0)
        telling = any(
            w.spec in (CELL_VOLTAGE, PROBE_TEMPERATURE) or w.spec.name in _TELLING for w in wires
        )
        timeout = max(self.missing_second, periods)
        self.slots.append(Slot(message.name, self.bytes, width, timeout, telling))
        self.bytes += width
        for w in wires:
            self.of_signal[message.name, w.signal.name] = len(self.slots) - 1
        return (len(self.slots) - 1,)


def _route(message: MessageLayout, selector: str, wires: Sequence[_Wire], slots: _Slots) -> Route:
    """Lay out what is there without a selector, then what each selector chooses."""
    here = [w for w in wires if not w.signal.selector]
    selectors = [s for s in message.signals if not s.selector and _selects(message, s)]
    return Route(
        slots.lay(message, here), tuple(_choice(message, s, wires, slots) for s in selectors)
    )


def _selects(message: MessageLayout, signal: SignalLayout) -> bool:
    return any(other.selector == signal.name for other in message.signals)


def _choice(
    message: MessageLayout, selector: SignalLayout, wires: Sequence[_Wire], slots: _Slots
) -> Choice:
    """Lay out the parts that one selector chooses; signals with the same counts share a slot."""
    chosen = [s for s in message.signals if s.selector == selector.name]
    routes: dict[int, Route] = {}
    for counts in dict.fromkeys(s.selected for s in chosen):
        part = [w for w in wires if w.signal.selector == selector.name]
        laid = slots.lay(message, [w for w in part if w.signal.selected == counts])
        nested = [s for s in chosen if s.selected == counts and _selects(message, s)]
        choices = tuple(_choice(message, s, wires, slots) for s in nested)
        for count in counts:
            before = routes.get(count, Route(()))
            routes[count] = Route((*before.slots, *laid), (*before.choices, *choices))
    first, last = _first_bit(selector) // 8, (_first_bit(selector) + selector.length - 1) // 8
    above = 8 * (last + 1) - _first_bit(selector) - selector.length
    return Choice(
        first=first,
        stop=last + 1,
        big_endian=selector.big_endian,
        shift=above if selector.big_endian else selector.start % 8,
        mask=(1 << selector.length) - 1,
        routes={count: route for count, route in routes.items() if route != Route(())},
    )


def _first_bit(signal: SignalLayout) -> int:
    """Where a signal begins, counting bits along the payload in its own byte order."""
    if not signal.big_endian:
        return signal.start
    return 8 * (signal.start // 8) + 7 - signal.start % 8


def _bytes_needed(signal: SignalLayout) -> int:
    return (_first_bit(signal) + signal.length + 7) // 8


def _columns(wires: Sequence[_Wire], slots: _Slots) -> Columns:
    """Turn signals into arrays."""
    signals = [w.signal for w in wires]
    slot = [slots.of_signal[w.message.name, w.signal.name] for w in wires]
    window = np.array(
        [
            _window(signal, slots.slots[k].offset, slots.bytes)
            for signal, k in zip(signals, slot, strict=True)
        ],
        np.int64,
    )
    wide = np.flatnonzero(window[:, WORD_BYTES] != slots.bytes)
    # A code never holds for a floating-point number; a signal without codes repeats another's.
    codes = [[] if s.is_float else [count & _mask(s) for count in s.not_available] for s in signals]
    signed = [k for k, s in enumerate(signals) if s.signed and not s.is_float]
    digits = [_digits(w.signal, w.rule) for w in wires]
    decimal = [k for k, d in enumerate(digits) if d is not None]
    extent = np.array([[w.spec.minimum, w.spec.maximum] for w in wires])
    slack = _SLACK * np.abs(extent).max(axis=1)
    return Columns(
        slot=np.array(slot, np.int64),
        index=window[:, :WORD_BYTES].copy(),
        wide=wide,
        spill=window[wide, WORD_BYTES],
        shift=np.array([_shift(s) for s in signals], np.uint64),
        mask=np.array([_mask(s) for s in signals], np.uint64),
        bytes_needed=np.array([_bytes_needed(s) for s in signals], np.int64),
        signed=np.array(signed, np.int64),
        spare=np.array([64 - signals[k].length for k in signed], np.uint64),
        floats=_floats(signals),
        missing_code=_rows(codes, 0).astype(np.uint64),
        coded=np.array([bool(row) for row in codes]),
        missing_from=np.array([s.not_available_from or 0 for s in signals], np.uint64),
        ranged=np.array([s.not_available_from is not None for s in signals]),
        scale=np.array([s.scale for s in signals]),
        offset=np.array([s.offset for s in signals]),
        rule_scale=np.array([w.rule.scale for w in wires]),
        rule_offset=np.array([w.rule.offset for w in wires]),
        decimal=np.array(decimal, np.int64),
        per_unit=np.array([10.0 ** (digits[k] or 0) for k in decimal]),
        sentinel=_rows([list(w.rule.sentinels) for w in wires], np.nan).astype(np.float64),
        low=extent[:, 0] - slack,
        high=extent[:, 1] + slack,
    )


def _digits(signal: SignalLayout, rule: ChannelRule | GroupRule) -> int | None:
    """Give the decimal places in which a channel's values come, None where in none.

    >>> _digits(SignalLayout("I", 0, 16, scale=0.1, offset=-3000.0), ChannelRule(column="I"))
    1
    >>> _digits(SignalLayout("T", 0, 8), ChannelRule(column="T", scale=1 / 1.8)) is None
    True
    """
    numbers = (signal.scale * rule.scale, signal.offset * rule.scale + rule.offset)
    for digits in range(_DIGITS_MAX + 1):
        rounded = [round(number, digits) for number in numbers]
        if all(isclose(a, b, rel_tol=1e-12) for a, b in zip(numbers, rounded, strict=True)):
            return None if signal.is_float else digits
    return None


def _rows(
    values: Sequence[Sequence[int]] | Sequence[Sequence[float]], filler: int | float
) -> np.ndarray:
    """Give the first value of each signal as a row, then the second ones, padded."""
    most = max(map(len, values), default=0)
    padded = [[*own, *[own[0] if own else filler] * (most - len(own))] for own in values]
    return np.array(padded, object).reshape(len(values), most).T


def _floats(signals: Sequence[SignalLayout]) -> dict[int, Int[np.ndarray, "_"]]:
    found = {
        bits: np.array([k for k, s in enumerate(signals) if s.is_float and s.length == bits])
        for bits in (16, 32, 64)
    }
    return {bits: which for bits, which in found.items() if len(which)}


def _mask(signal: SignalLayout) -> int:
    return (1 << signal.length) - 1


def _shift(signal: SignalLayout) -> int:
    if not signal.big_endian:
        return signal.start % 8
    return 8 * _bytes_needed(signal) - _first_bit(signal) - signal.length


def _window(signal: SignalLayout, offset: int, beyond: int) -> list[int]:
    """Give the nine bytes from a signal's least significant one up; what it lacks lies beyond."""
    first, stop = _first_bit(signal) // 8, _bytes_needed(signal)
    own = [offset + byte for byte in range(first, stop)]
    if signal.big_endian:
        own.reverse()
    return (own + [beyond] * (WORD_BYTES + 1))[: WORD_BYTES + 1]
