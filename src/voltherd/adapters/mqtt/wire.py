"""A socket with buffers, and the place where paho takes it.

paho reads a message in five calls of the system and writes every acknowledgement in one; with
buffers between, a burst of messages costs one call each way.  paho asks its TLS context to wrap the
socket, so a context is where the buffers come in, with encryption or without.
"""

import socket
import ssl
from typing import Final, final

_READ_BYTES: Final = 1 << 18
UNSENT_BYTES_MAX: Final = 1 << 18
"""More than this waits at paho's, which knows that it is not sent."""


@final
class Wire:
    """What paho uses of a socket, buffered; owned by one thread."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._read = memoryview(b"")
        self._unsent = bytearray()

    def recv(self, size: int) -> bytes:
        """Give bytes that have come; raises as a socket does where there are none."""
        if not self._read:
            if size >= _READ_BYTES:
                return self._sock.recv(size)
            data = self._sock.recv(_READ_BYTES)
            if len(data) <= size:
                return data
            self._read = memoryview(data)
        part, self._read = self._read[:size], self._read[size:]
        return bytes(part)

    def pending(self) -> int:
        """Say how many bytes have come that nobody took."""
        more = self._sock.pending() if isinstance(self._sock, ssl.SSLSocket) else 0
        return len(self._read) + more

    def send(self, data: bytes | bytearray) -> int:
        """Take bytes to be sent by ``flush``."""
        if len(self._unsent) >= UNSENT_BYTES_MAX and not self.flush():
            raise BlockingIOError
        self._unsent += data
        return len(data)

    def flush(self) -> bool:
        """Send what was taken; say whether nothing is left.

        Raises:
            OSError: The connection is gone.
        """
        while self._unsent:
            try:
                sent = self._sock.send(self._unsent)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return False
            del self._unsent[:sent]
        return True

    def close(self) -> None:
        """Close, after a last attempt to send what was taken: a goodbye is among it."""
        try:
            self.flush()
        except OSError:
            self._unsent.clear()
        self._sock.close()

    def fileno(self) -> int:
        """Name the socket to the system."""
        return self._sock.fileno()

    def setblocking(self, flag: bool) -> None:
        """Set whether calls wait; see ``socket.setblocking``."""
        self._sock.setblocking(flag)

    def settimeout(self, second: float | None) -> None:
        """Set how long calls wait; see ``socket.settimeout``."""
        self._sock.settimeout(second)

    def do_handshake(self) -> None:
        """Agree on encryption, where there is any; paho forgets a socket that could not."""
        if not isinstance(self._sock, ssl.SSLSocket):
            return
        try:
            self._sock.do_handshake()
        except OSError:
            self._sock.close()
            raise


@final
class Wiring:
    """What paho takes for a TLS context: puts buffers around each socket.

    Attributes:
        check_hostname: Says to paho that names are checked already: by the context, as by default.
        wire: The last one made.
    """

    check_hostname: Final = True

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        self._tls = tls
        self.wire: Wire | None = None

    def wrap_socket(
        self, sock: socket.socket, *, server_hostname: str, do_handshake_on_connect: bool
    ) -> Wire:
        """Encrypt, where that is wanted, and put buffers around."""
        # An acknowledgement must not wait for more bytes to share a packet with.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is not None:
            sock = self._tls.wrap_socket(
                sock,
                server_hostname=server_hostname,
                do_handshake_on_connect=do_handshake_on_connect,
            )
        self.wire = Wire(sock)
        return self.wire
