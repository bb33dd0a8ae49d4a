"""Modbus TCP as far as reading a meter needs it: requests, answers, and numbers in registers.

Source: MODBUS Application Protocol Specification V1.1b3, 6.3, 6.4 and 7; MODBUS Messaging on TCP/IP
Implementation Guide V1.0b, 3.1.3.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import Final, Literal, NamedTuple

from voltherd.errors import UnreadableError

Table = Literal["holding", "input"]
Kind = Literal["int16", "uint16", "int32", "uint32", "float32"]
WORDS: Final[Mapping[Kind, int]] = {
    "int16": 1, "uint16": 1, "int32": 2, "uint32": 2, "float32": 2
}  # fmt: skip
REGISTERS_MAX: Final = 125
"""So many registers fit into one answer."""
HEADER_BYTES: Final = 6
"""What comes before the unit: transaction, protocol, and how many bytes follow."""
_FUNCTIONS: Final[Mapping[Table, int]] = {"holding": 3, "input": 4}
_FORMATS: Final[Mapping[Kind, str]] = {
    "int16": ">h", "uint16": ">H", "int32": ">i", "uint32": ">I", "float32": ">f"
}  # fmt: skip
_REASONS: Final = {
    1: "it does not know the function",
    2: "it has no such register",
    3: "the request makes no sense to it",
    4: "it failed",
    6: "it is busy",
    10: "no path to the unit",
    11: "the unit does not answer",
}


class RegisterValue(NamedTuple):
    """Where a value stands.

    Attributes:
        address: Of its first register, from 0.
        kind: How its registers are to be read.
        scale: What one count is worth, in the value's unit.
        table: Which of the meter's tables.
        low_word_first: Whether the second register is the more significant one.
    """

    address: int
    kind: Kind = "float32"
    scale: float = 1.0
    table: Table = "holding"
    low_word_first: bool = False


class Read(NamedTuple):
    """Registers to be read at once."""

    table: Table
    address: int
    size: int


def reads(values: Sequence[RegisterValue]) -> tuple[Read, ...]:
    """Give the fewest reads of neighbouring registers that cover values.

    >>> reads([RegisterValue(2), RegisterValue(0), RegisterValue(9, "int16")])
    (Read(table='holding', address=0, size=4), Read(table='holding', address=9, size=1))
    """
    found: list[Read] = []
    for value in sorted(values, key=lambda value: (value.table, value.address)):
        end = value.address + WORDS[value.kind]
        last = found[-1] if found else None
        joins = last is not None and last.table == value.table
        if last and joins and value.address <= last.address + last.size:
            size = max(end - last.address, last.size)
            if size <= REGISTERS_MAX:
                found[-1] = last._replace(size=size)
                continue
        found.append(Read(value.table, value.address, end - value.address))
    return tuple(found)


def write_request(number: int, unit: int, read: Read) -> bytes:
    """Write a request.

    >>> write_request(1, 17, Read("holding", 107, 3)).hex(" ")
    '00 01 00 00 00 06 11 03 00 6b 00 03'
    """
    body = struct.pack(">BBHH", unit, _FUNCTIONS[read.table], read.address, read.size)
    return struct.pack(">HHH", number, 0, len(body)) + body


def read_answer(frame: bytes, number: int, unit: int, read: Read) -> tuple[int, ...]:
    """Give the registers that an answer holds.

    Args:
        frame: The whole of it.
        number: Of the request.
        unit: Who was asked.
        read: What for.

    Raises:
        UnreadableError: It answers something else, or says no.
    """
    if len(frame) < HEADER_BYTES + 3:
        raise UnreadableError("a meter's answer is cut short")
    told, protocol, length, who, function, told_bytes = struct.unpack(">HHHBBB", frame[:9])
    if (told, protocol, who) != (number, 0, unit) or length != len(frame) - HEADER_BYTES:
        raise UnreadableError("a meter answers something that was not asked")
    if function == _FUNCTIONS[read.table] | 0x80:
        raise UnreadableError(f"a meter refuses: {_REASONS.get(told_bytes, f'code {told_bytes}')}")
    wanted = (_FUNCTIONS[read.table], 2 * read.size, 2 * read.size + 3)
    if (function, told_bytes, length) != wanted:
        raise UnreadableError("a meter answers something that was not asked")
    return struct.unpack(f">{read.size}H", frame[9:])


def read_value(value: RegisterValue, read: Read, registers: Sequence[int]) -> float:
    """Give a value out of registers that were read; NaN where the meter says that it has none.

    >>> read_value(RegisterValue(1, "int32", 0.001), Read("holding", 0, 3), (7, 0xFFFF, 0xFFFE))
    -0.002
    """
    begin = value.address - read.address
    words = list(registers[begin : begin + WORDS[value.kind]])
    if value.low_word_first:
        words.reverse()
    (number,) = struct.unpack(_FORMATS[value.kind], struct.pack(f">{len(words)}H", *words))
    return float(number) * value.scale
