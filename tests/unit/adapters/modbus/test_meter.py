"""A meter over real sockets: numbers of every kind, refusals, silence, nonsense, a lost line."""

import contextlib
import math
import socket
import struct
import threading

import pytest
from pydantic import ValidationError

from voltherd.adapters.modbus.meter import ModbusMeter
from voltherd.cloud.depot_meter import MeterSection
from voltherd.errors import ServiceError, UnreadableError
from voltherd.wire.modbus import Read, RegisterValue, read_answer, reads, write_request


def words(form, number):
    packed = struct.pack(form, number)
    return list(struct.unpack(f">{len(packed) // 2}H", packed))


HOLDING = dict(enumerate(words(">f", 16.5) + words(">f", -3.25) + words(">f", math.nan), start=100))
INPUT = dict(enumerate(words(">i", -12_345) + words(">I", 3_000_000_000)[::-1] + [65_535], start=7))


class Server:
    """A Modbus TCP server of tables of registers; ``bend`` changes what it answers."""

    def __init__(self, bend=lambda frame: frame):
        self.bend = bend
        self.requests = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listening.accept()
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection):
        with connection, contextlib.suppress(OSError):
            while request := connection.recv(12):
                number, _, _, unit, function, address, count = struct.unpack(">HHHBBHH", request)
                self.requests.append((function, address, count))
                table = {3: HOLDING, 4: INPUT}[function]
                places = range(address, address + count)
                if all(place in table for place in places):
                    held = struct.pack(f">{count}H", *(table[place] for place in places))
                    body = struct.pack(">BBB", unit, function, len(held)) + held
                else:
                    body = struct.pack(">BBB", unit, function | 0x80, 2)
                answer = self.bend(struct.pack(">HHH", number, 0, len(body)) + body)
                if answer is None:
                    return
                connection.sendall(answer)

    def close(self):
        self._listening.close()


@pytest.fixture
def served():
    made = []

    def start(bend=lambda frame: frame):
        made.append(Server(bend))
        return made[-1]

    yield start
    for server in made:
        server.close()


VALUES = {
    "current_l1_ampere": RegisterValue(100),
    "current_l2_ampere": RegisterValue(102),
    "current_l3_ampere": RegisterValue(104),
    "power_watt": RegisterValue(7, "int32", 0.1, "input"),
    "energy_import_wh": RegisterValue(9, "uint32", 1.0, "input", low_word_first=True),
    "frequency_hertz": RegisterValue(11, "uint16", 0.01, "input"),
}


def meter(port, values=VALUES, second=1.0):
    return ModbusMeter("127.0.0.1", port, 1, values, second)


def test_numbers_of_every_kind_are_read_with_few_requests(served):
    server = served()
    with contextlib.closing(meter(server.port)) as read:
        told = read.read()
    assert math.isnan(told.pop("current_l3_ampere"))
    assert told == pytest.approx(
        {
            "current_l1_ampere": 16.5,
            "current_l2_ampere": -3.25,
            "power_watt": -1234.5,
            "energy_import_wh": 3e9,
            "frequency_hertz": 655.35,
        }
    )
    assert server.requests == [(3, 100, 6), (4, 7, 5)]


def test_frames_are_those_of_the_specification():
    read = Read("holding", 107, 3)
    assert write_request(1, 17, read).hex() == "0001000000061103006b0003"
    answer = bytes.fromhex("0001 0000 0009 11 03 06 022b 0000 0064")
    assert read_answer(answer, 1, 17, read) == (555, 0, 100)
    for cut in range(len(answer)):
        with pytest.raises(UnreadableError):
            read_answer(answer[:cut], 1, 17, read)


def test_a_register_that_is_not_there_is_said(served):
    values = {"power_watt": RegisterValue(9000)}
    with pytest.raises(ServiceError, match="it has no such register"):
        meter(served().port, values).read()


@pytest.mark.parametrize(
    "bend",
    [
        lambda frame: None,
        lambda frame: frame[:7],
        lambda frame: b"\xff\xff" + frame[2:],
        lambda frame: frame[:4] + b"\xff\xff" + frame[6:],
        lambda frame: frame[:7] + b"\x10" + frame[8:],
        lambda frame: b"HTTP/1.1 400",
    ],
)
def test_nonsense_is_an_error_and_the_next_reading_is_good(served, bend):
    server = served(bend)
    read = meter(server.port, second=0.2)
    with pytest.raises(ServiceError, match="the meter cannot be read"):
        read.read()
    server.bend = lambda frame: frame
    assert read.read()["current_l1_ampere"] == 16.5
    read.close()


def test_a_meter_that_is_away_is_an_error_at_once():
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(ServiceError, match="cannot be read"):
        meter(port).read()


def test_no_read_is_longer_than_an_answer_may_be():
    found = reads([RegisterValue(address) for address in range(0, 400, 2)])
    assert [read.size for read in found] == [124, 124, 124, 28]


def test_a_site_file_names_a_meter(served):
    plain = {
        "host": "127.0.0.1",
        "port": served().port,
        "registers": {"power_watt": {"address": 7, "kind": "int32", "table": "input"}},
    }
    named = MeterSection(**plain)
    read = ModbusMeter(named.host, named.port, named.unit, named.values())
    with contextlib.closing(read):
        assert read.read() == {"power_watt": -12_345.0}
    with pytest.raises(ValidationError, match="float32"):
        MeterSection(**plain | {"registers": {"power_watt": {"address": 7, "kind": "bcd"}}})
