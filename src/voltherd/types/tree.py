"""Values as bytes and back: records of plain numbers, texts, arrays, mappings and enumerations.

Nothing is executed to read them: the bytes name classes, but only those that the reader hands in
are made, from their own fields.  Layout::

    b"VTT1" | CRC-32 of the rest | length of the text | text (JSON) | arrays, one after the other

with both numbers four bytes, little endian.  In the text, null, booleans, integers and texts are
themselves, and everything else is a list that begins with what it is.  A number comes back to the
last bit, an array with its type, shape and order in memory, on which sums depend.
"""

import json
import math
import struct
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Final

import numpy as np

from voltherd.errors import UnreadableError

MAGIC: Final = b"VTT1"
_HEAD: Final = struct.Struct("<4sII")
_ALIGN: Final = 8
_KINDS: Final = frozenset("biuf")
"""Of arrays: booleans, integers, floating point; no objects."""


def packed(value: object, classes: Iterable[type]) -> bytes:
    """Give a value as bytes.

    Args:
        value: None, a boolean, number, text, array, or a tuple, mapping, named tuple, dataclass or
            enumeration of such.
        classes: Every class of the latter three that may occur.
    """
    arrays = bytearray()
    plain = [_shape_of(classes), _plain(value, frozenset(classes), arrays)]
    text = json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    body = struct.pack("<I", len(text)) + text + b"\0" * (-len(text) % _ALIGN) + arrays
    return MAGIC + struct.pack("<I", zlib.crc32(body)) + body


def unpacked(data: bytes, classes: Iterable[type]) -> object:
    """Give the value back.

    Args:
        data: From ``packed`` with the same classes.
        classes: As there.

    Raises:
        UnreadableError: The bytes are damaged, or of a version whose classes had other fields.
    """
    if len(data) < _HEAD.size or not data.startswith(MAGIC):
        raise UnreadableError("not a packed value")
    _, checksum, length = _HEAD.unpack_from(data)
    if zlib.crc32(memoryview(data)[8:]) != checksum:
        raise UnreadableError("a packed value that is damaged")
    known = {each.__name__: each for each in classes}
    try:
        shape, plain = json.loads(data[_HEAD.size : _HEAD.size + length])
        if shape == _shape_of(known.values()):
            start = _HEAD.size + length + -length % _ALIGN
            return _value(plain, known, memoryview(data)[start:])
    except (ValueError, TypeError, LookupError, RecursionError, OverflowError) as error:
        raise UnreadableError(f"a packed value that makes no sense ({error})") from error
    raise UnreadableError("a packed value of another version", mend="make it anew from the data")


def _shape_of(classes: Iterable[type]) -> int:
    """Give a number that changes with the classes' names and fields."""
    told = sorted(f"{each.__name__}({','.join(_names(each))})" for each in classes)
    return zlib.crc32(";".join(told).encode())


def _names(kind: type) -> tuple[str, ...]:
    if issubclass(kind, Enum):
        return tuple(str(member.value) for member in kind)
    if is_dataclass(kind):
        return tuple(field.name for field in fields(kind))
    names: tuple[str, ...] = getattr(kind, "_fields")  # noqa: B009  # of a named tuple
    return names


def _plain(value: object, classes: frozenset[type], arrays: bytearray) -> object:
    if isinstance(value, Enum):
        assert type(value) in classes, type(value)
        return ["enum", type(value).__name__, value.value]
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):  # NumPy's double is one
        return ["float", float(value) if math.isfinite(value) else str(float(value))]
    if isinstance(value, np.ndarray):
        return _array(value, arrays)
    if type(value) in classes:
        kind, parts = (
            ["record", type(value).__name__],
            [getattr(value, name) for name in _names(type(value))],
        )
    elif isinstance(value, Mapping):
        kind, parts = ["mapping"], [part for item in value.items() for part in item]
    else:
        assert type(value) is tuple, f"{type(value)} cannot be packed"
        kind, parts = ["tuple"], [*value]
    return [*kind, *(_plain(part, classes, arrays) for part in parts)]


def _array(value: np.ndarray, arrays: bytearray) -> list[object]:
    assert value.dtype.kind in _KINDS, value.dtype
    fortran = value.flags.f_contiguous and not value.flags.c_contiguous
    place = len(arrays)
    arrays += value.tobytes(order="F" if fortran else "C")
    arrays += b"\0" * (-len(arrays) % _ALIGN)
    return ["array", value.dtype.str, [*value.shape], "F" if fortran else "C", place]


def _value(plain: object, classes: Mapping[str, type], arrays: memoryview) -> object:
    match plain:
        case ["float", float() | str() as number]:
            return float(number)
        case ["array", str() as kind, [*shape], ("C" | "F") as order, int() as place]:
            return _array_of(np.dtype(kind), shape, order == "F", arrays[place:])
        case ["enum", str() as name, value]:
            return classes[name](value)
        case ["record", str() as name, *content]:
            parts = (_value(part, classes, arrays) for part in content)
            return classes[name](**dict(zip(_names(classes[name]), parts, strict=True)))
        case ["mapping", *content]:
            parts = (_value(part, classes, arrays) for part in content)
            return dict(zip(parts, parts, strict=True))
        case ["tuple", *content]:
            return tuple(_value(part, classes, arrays) for part in content)
        case None | bool() | int() | str():
            return plain
    raise ValueError("an unknown kind of value")


def _array_of(
    dtype: np.dtype, shape: list[object], fortran: bool, content: memoryview
) -> np.ndarray:
    sizes = [size for size in shape if isinstance(size, int) and size >= 0]
    if dtype.kind not in _KINDS or len(sizes) != len(shape):
        raise ValueError(f"no array of {dtype} has the shape {shape}")
    flat = np.frombuffer(content[: math.prod(sizes) * dtype.itemsize], dtype)
    order: Final = "F" if fortran else "C"
    return flat.reshape(sizes, order=order).copy(order=order)
