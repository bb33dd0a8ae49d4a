"""A real Mosquitto on a free port, to be killed and started again, and a wire that can be cut."""

import contextlib
import os
import shutil
import signal
import socket
import struct
import subprocess
import threading
import time
from pathlib import Path

import pytest

HOST = "127.0.0.1"
START_SECOND = 10.0


def find_mosquitto() -> str | None:
    """Debian puts it where only root looks."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


def need_mosquitto() -> str:
    found = find_mosquitto()
    if found is None:
        reason = "no Mosquitto found: apt-get install mosquitto"
        if os.environ.get("VOLTHERD_NO_SKIP"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


class Mosquitto:
    """One broker process; ``kill`` and ``start`` as often as wanted, always on the same port."""

    def __init__(self, folder: Path, *, persist=False, lines=(), listener_lines=()):
        self.binary = need_mosquitto()
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.persist = persist
        self.lines = tuple(lines) or ("allow_anonymous true",)
        self.listener_lines = tuple(listener_lines)
        self.port = 0
        self.process = None

    def start(self):
        for _ in range(5):
            port = self.port or free_port()
            if self._start_on(port):
                self.port = port
                return self
        raise AssertionError(f"Mosquitto does not start:\n{self.log()}")

    def kill(self):
        """Kill -9: nothing is saved, nobody is told."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def save(self):
        """Make it write its persistence file, and wait for it."""
        file = self.folder / "mosquitto.db"
        before = file.stat().st_mtime_ns if file.exists() else 0
        self.process.send_signal(signal.SIGUSR1)
        until(lambda: file.exists() and file.stat().st_mtime_ns != before)

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()

    def log(self) -> str:
        path = self.folder / "mosquitto.log"
        return path.read_text() if path.exists() else ""

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def _start_on(self, port) -> bool:
        config = self.folder / "mosquitto.conf"
        config.write_text(
            "\n".join(
                [
                    "per_listener_settings false",
                    "user root" if os.geteuid() == 0 else "",
                    f"persistence {'true' if self.persist else 'false'}",
                    f"persistence_location {self.folder}/",
                    "autosave_interval 3600",
                    "max_queued_messages 100000",
                    f"log_dest file {self.folder}/mosquitto.log",
                    "log_type error",
                    "log_type warning",
                    "log_type notice",
                    *self.lines,
                    f"listener {port} {HOST}",
                    *self.listener_lines,
                    "",
                ]
            )
        )
        self.process = subprocess.Popen(
            [self.binary, "-c", str(config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + START_SECOND
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection((HOST, port), 0.2):
                # Somebody else's listener would answer too; ours is still alive then.
                time.sleep(0.02)
                return self.process.poll() is None
            time.sleep(0.01)
        self.stop()
        return False


class Wire:
    """A TCP wire to a port that can be cut, or go dead without either end noticing."""

    def __init__(self, target_port: int):
        self.target_port = target_port
        self.listener = socket.create_server((HOST, 0))
        self.port = self.listener.getsockname()[1]
        self.whole = True
        self.flowing = threading.Event()
        self.flowing.set()
        self.ended = False
        self.pairs: list[tuple[socket.socket, socket.socket]] = []
        self.threads = [threading.Thread(target=self._accept, daemon=True)]
        self.threads[0].start()

    def cut(self):
        """Reset every connection, and every new one until healed."""
        self.whole = False
        for pair in self.pairs:
            for end in pair:
                _reset(end)
        self.pairs.clear()

    def heal(self):
        self.whole = True

    def stall(self):
        """Carry nothing more, and say nothing."""
        self.flowing.clear()

    def flow(self):
        self.flowing.set()

    def close(self):
        self.ended = True
        self.flowing.set()
        self.cut()
        with contextlib.suppress(OSError):
            socket.create_connection((HOST, self.port), 1).close()
        self.listener.close()
        for thread in self.threads:
            thread.join(5)

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            if self.ended:
                near.close()
                return
            if not self.whole:
                _reset(near)
                continue
            try:
                far = socket.create_connection((HOST, self.target_port), 2)
            except OSError:
                _reset(near)
                continue
            far.settimeout(None)
            self.pairs.append((near, far))
            for source, sink in ((near, far), (far, near)):
                thread = threading.Thread(target=self._carry, args=(source, sink), daemon=True)
                self.threads.append(thread)
                thread.start()

    def _carry(self, source, sink):
        try:
            while data := source.recv(65_536):
                self.flowing.wait()
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


def _reset(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        end.shutdown(socket.SHUT_RDWR)
    end.close()


def until(condition, second=15.0):
    """Wait for something that other threads or processes bring about."""
    deadline = time.monotonic() + second
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.005)
