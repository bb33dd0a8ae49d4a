"""The buffered socket gives and takes exactly what a socket would, in fewer calls."""

import socket
from contextlib import closing, suppress

import numpy as np
import pytest

from voltherd.adapters.mqtt.wire import UNSENT_BYTES_MAX, Wire, Wiring


class Counted(socket.socket):
    """A socket that counts the calls of the system."""

    def __init__(self, **of):
        super().__init__(**of)
        self.calls = {"recv": 0, "send": 0}

    def recv(self, *args):
        self.calls["recv"] += 1
        return super().recv(*args)

    def send(self, *args):
        self.calls["send"] += 1
        return super().send(*args)


@pytest.fixture
def ends():
    near, far = socket.socketpair()
    counted = Counted(fileno=near.detach())
    counted.setblocking(False)
    with closing(counted), closing(far):
        yield Wire(counted), far, counted.calls


def test_small_reads_share_a_call(ends):
    wire, far, calls = ends
    sent = np.random.default_rng(1).bytes(1_000)
    far.sendall(sent)
    got = b"".join(wire.recv(size) for size in (1, 1, 1, 500, 497))
    assert got == sent and calls["recv"] == 1 and wire.pending() == 0


def test_a_read_gives_what_is_there_and_raises_where_nothing_is(ends):
    wire, far, _ = ends
    far.sendall(b"abcdef")
    assert wire.recv(4) == b"abcd" and wire.pending() == 2
    assert wire.recv(100) == b"ef"
    with pytest.raises(BlockingIOError):
        wire.recv(1)
    far.close()
    assert wire.recv(1) == b""


def test_a_large_message_passes_in_any_pieces(ends):
    wire, far, _ = ends
    sent, got, at = np.random.default_rng(2).bytes(3_000_000), b"", 0
    far.setblocking(False)
    while len(got) < len(sent):
        with suppress(BlockingIOError):
            at += far.send(sent[at : at + 100_000])
        with suppress(BlockingIOError):
            got += wire.recv(len(sent) - len(got))
    assert got == sent


def test_writes_share_a_call_and_wait_for_the_flush(ends):
    wire, far, calls = ends
    for number in range(100):
        assert wire.send(b"%02d" % number) == 2
    assert calls["send"] == 0
    assert wire.flush()
    assert calls["send"] == 1
    assert far.recv(1_000) == b"".join(b"%02d" % number for number in range(100))


def test_what_the_system_does_not_take_waits_in_bounds_and_in_order(ends):
    wire, far, _ = ends
    sent = bytearray()
    block = np.random.default_rng(3).bytes(50_000)
    with suppress(BlockingIOError):
        for _ in range(1_000):
            wire.send(block)
            sent += block
            wire.flush()
    assert len(sent) < 20_000_000, "it went on taking"
    assert len(wire._unsent) <= UNSENT_BYTES_MAX + len(block)
    got = bytearray()
    while len(got) < len(sent):
        got += far.recv(1 << 20)
        wire.flush()
    assert got == sent and wire.flush()


def test_closing_sends_a_last_word_if_it_can(ends):
    wire, far, _ = ends
    wire.send(b"goodbye")
    wire.close()
    assert far.recv(100) == b"goodbye" and far.recv(100) == b""


def test_without_encryption_the_wiring_only_buffers():
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as sock,
        closing(server.accept()[0]) as taken,
    ):
        wiring = Wiring(None)
        wire = wiring.wrap_socket(sock, server_hostname="here", do_handshake_on_connect=False)
        wire.do_handshake()
        assert wiring.wire is wire
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        wire.send(b"hello")
        wire.flush()
        assert taken.recv(10) == b"hello"
