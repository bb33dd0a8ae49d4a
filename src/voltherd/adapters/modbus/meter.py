"""A meter behind Modbus TCP: values by name, over one connection that is made anew when lost."""

import contextlib
import socket
import threading
from collections.abc import Mapping
from typing import Final, final

from voltherd.errors import ServiceError, UnreadableError
from voltherd.wire.modbus import (
    HEADER_BYTES,
    Read,
    RegisterValue,
    read_answer,
    read_value,
    reads,
    write_request,
)

ANSWER_SECOND: Final = 1.0
"""How long an answer may take; a guard asks every second [s]."""
_NUMBERS: Final = 1 << 16
_BYTES_MAX: Final = 260


@final
class ModbusMeter:
    """Reads a meter; safe to use from several threads, one after the other.

    Args:
        host: Of the meter or its gateway.
        port: Of Modbus TCP.
        unit: Behind the gateway.
        values: What is read, by name.
        answer_second: How long an answer may take [s].
    """

    def __init__(
        self,
        host: str,
        port: int,
        unit: int,
        values: Mapping[str, RegisterValue],
        answer_second: float = ANSWER_SECOND,
    ) -> None:
        self._place = (host, port)
        self._unit = unit
        self._values = dict(values)
        self._reads = reads(list(values.values()))
        self._answer_second = answer_second
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._number = 0

    def read(self) -> dict[str, float]:
        """Give all values as they are now; NaN where the meter says that it has none.

        Raises:
            ServiceError: It is out of reach, silent, or answers nonsense; the next call tries anew.
        """
        with self._lock:
            try:
                return self._read()
            except (OSError, UnreadableError) as error:
                self._close()
                where = f"{self._place[0]}:{self._place[1]}"
                raise ServiceError(f"the meter cannot be read ({error})", where=where) from error

    def close(self) -> None:
        """Let go of the connection."""
        with self._lock:
            self._close()

    def _read(self) -> dict[str, float]:
        held = {read: self._ask(read) for read in self._reads}
        found = {}
        for name, value in self._values.items():
            read = next(r for r in self._reads if _holds(r, value))
            found[name] = read_value(value, read, held[read])
        return found

    def _ask(self, read: Read) -> tuple[int, ...]:
        if self._socket is None:
            self._socket = socket.create_connection(self._place, self._answer_second)
        self._number = (self._number + 1) % _NUMBERS
        self._socket.sendall(write_request(self._number, self._unit, read))
        head = self._received(self._socket, HEADER_BYTES)
        length = int.from_bytes(head[4:6])
        if length > _BYTES_MAX:
            raise UnreadableError("a meter's answer is longer than any may be")
        frame = head + self._received(self._socket, length)
        return read_answer(frame, self._number, self._unit, read)

    @staticmethod
    def _received(connection: socket.socket, count: int) -> bytes:
        parts = b""
        while len(parts) < count:
            part = connection.recv(count - len(parts))
            if not part:
                raise UnreadableError("the meter hung up")
            parts += part
        return parts

    def _close(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
            self._socket = None


def _holds(read: Read, value: RegisterValue) -> bool:
    inside = read.address <= value.address < read.address + read.size
    return read.table == value.table and inside
