"""Names of channels in a chunk: numbers for scalars, a pattern for cells and probes."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from voltherd.errors import UnreadableError, UsageError
from voltherd.wire import envelope_pb2 as pb
from voltherd.wire.frame import parsed

NAME_BYTES_MAX: Final = 1024
_DIGITS_MAX: Final = 9
_SCALAR: Final = re.compile(r"[a-z][a-z0-9_]{0,99}")
_NUMBERED: Final = re.compile(r"(.*?)(\d{1,9})(\D*)", re.DOTALL)
_NUMBER: Final = {name.lower(): number for name, number in pb.Channel.items() if number}
_NAME: Final = {number: name for name, number in _NUMBER.items()}


@lru_cache(maxsize=64)
def channel_numbers(names: tuple[str, ...]) -> tuple[bytes, tuple[str, ...]]:
    r"""Give scalar channels as numbers, 0 for each that has none, and the names of those.

    >>> channel_numbers(("current_ampere", "coolant_flow"))
    (b'\x02\x00', ('coolant_flow',))

    Raises:
        UsageError: A name that none can be.
    """
    numbers = bytes(_NUMBER.get(name, 0) for name in names)
    other = tuple(name for name in names if name not in _NUMBER)
    for name in other:
        if not _SCALAR.fullmatch(name):
            raise UsageError(
                f"{name[:80]!r} cannot be the name of a channel",
                mend="use small letters, digits and _",
            )
    return numbers, other


@lru_cache(maxsize=64)
def channel_names(numbers: bytes, other: tuple[str, ...]) -> tuple[str, ...]:
    """Give the scalar channels' names back.

    Raises:
        UnreadableError: A number or a name that is none, or one twice.
    """
    rest = iter(other)
    names = tuple(_NAME.get(n, "") if n else next(rest, "") for n in numbers)
    if not all(names):
        raise UnreadableError(
            "chunk with channels that are unknown", mend="bring edge and cloud to the same version"
        )
    if next(rest, None) is not None or not all(map(_SCALAR.fullmatch, other)):
        raise UnreadableError("chunk damaged: names of channels that are none")
    if len(set(names)) != len(names):
        raise UnreadableError("chunk damaged: a channel twice")
    return names


@lru_cache(maxsize=64)
def pack_names(names: tuple[str, ...]) -> bytes:
    """Write the names of cells or probes; nothing where there are none.

    Raises:
        UsageError: A name is too long.
    """
    if not names:
        return b""
    coded = [name.encode("utf-8", "surrogatepass") for name in names]
    if max(map(len, coded)) > NAME_BYTES_MAX:
        raise UsageError(f"a column's name has more than {NAME_BYTES_MAX} bytes")
    pattern = _NUMBERED.fullmatch(names[0])
    if pattern:
        before, number, behind = pattern.groups()
        rule = pb.ChunkNames(
            before=before.encode("utf-8", "surrogatepass"),
            behind=behind.encode("utf-8", "surrogatepass"),
            first=int(number),
            digits=len(number),
        )
        if _spelled(rule, len(names)) == names:
            return _written(rule)
    return _written(pb.ChunkNames(name=coded))


@lru_cache(maxsize=64)
def unpack_names(packed: bytes, count: int) -> tuple[str, ...]:
    """Read the names of cells or probes back.

    Raises:
        UnreadableError: They are none, or not so many.
    """
    if not packed:
        return ()
    rule = parsed(pb.ChunkNames, packed, "list of names")
    try:
        if rule.name:
            names = tuple(name.decode("utf-8", "surrogatepass") for name in _bounded(rule.name))
        elif rule.digits <= _DIGITS_MAX and len(rule.before) + len(rule.behind) <= NAME_BYTES_MAX:
            names = _spelled(rule, count)
        else:
            raise UnreadableError("chunk damaged: names without end")
    except UnicodeDecodeError as error:
        raise UnreadableError("chunk damaged: names that are no text") from error
    if len(names) != count:
        raise UnreadableError(f"chunk damaged: {len(names)} names of {count} columns")
    return names


def _written(rule: pb.ChunkNames) -> bytes:
    packed: bytes = rule.SerializeToString()
    return packed


def _bounded(names: Sequence[bytes]) -> Sequence[bytes]:
    if max(map(len, names)) > NAME_BYTES_MAX:
        raise UnreadableError("chunk damaged: names without end")
    return names


def _spelled(rule: pb.ChunkNames, count: int) -> tuple[str, ...]:
    before = rule.before.decode("utf-8", "surrogatepass")
    behind = rule.behind.decode("utf-8", "surrogatepass")
    return tuple(f"{before}{rule.first + k:0{rule.digits}d}{behind}" for k in range(count))
