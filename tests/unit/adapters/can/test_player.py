"""Frames played on a virtual bus, heard by a second one and decoded by cantools."""

import itertools
from math import inf

import can
import cantools
import numpy as np
import pytest

from voltherd.adapters.can.player import CanPlayer, messages_of, play
from voltherd.errors import ServiceError
from voltherd.sim.can_dbc import dbc_text, pack_messages
from voltherd.sim.can_frames import frames
from voltherd.sim.clock import ScaledClock, VirtualClock
from voltherd.sim.fleet import fleet_spec
from voltherd.sim.live import LiveSpec, advance, begin, is_live
from voltherd.types.channel import cell_column, probe_column
from voltherd.types.frame import MessageFrames

_CHANNELS = (f"player-{k}" for k in itertools.count())
SPEC = LiveSpec(
    fleet=fleet_spec(vehicles=2, days=1, seed=3, faults="channel_invalid@vehicle=1,cell=5,day=1")
)
MESSAGES = pack_messages(SPEC.fleet.layout)
DBC = dbc_text(MESSAGES, 1.0)


@pytest.fixture(scope="module")
def segments():
    """Two segments of two vehicles."""
    state = begin(SPEC)
    while not is_live(state):
        state, _ = advance(state)
    state, first = advance(state)
    _, second = advance(state)
    return [[s.batch for s in stretches] for stretches in (first, second)]


@pytest.fixture
def wire():
    """A bus to play on and a second one that listens; times are kept as sent."""
    channel = next(_CHANNELS)
    buses = [can.Bus(channel, interface="virtual", preserve_timestamps=True) for _ in range(2)]
    yield buses
    for bus in buses:
        bus.shutdown()


def heard(bus):
    return list(iter(lambda: bus.recv(0), None))


def test_what_is_heard_is_what_the_vehicle_measured(segments, wire):
    """Every channel of every row, within the resolution its signal has."""
    batch = segments[0][0]
    player = CanPlayer(wire[0], messages_of(DBC))
    assert player.add(frames(batch, MESSAGES)) == batch.rows * len(MESSAGES)
    assert player.play_due(inf) == batch.rows * len(MESSAGES)
    database = cantools.database.load_string(DBC, "dbc")
    values, times = {}, {}
    for message in heard(wire[1]):
        assert not message.is_extended_id
        spec = database.get_message_by_frame_id(message.arbitration_id)
        times.setdefault(spec.name, []).append(message.timestamp)
        for name, value in spec.decode(bytes(message.data), decode_choices=False).items():
            values.setdefault(name, []).append(value)
    assert times["BMS_Pack"] == batch.unix_time_second.tolist()
    sent = {
        **{cell_column(k + 1): batch.cell_voltage_volt[:, k] for k in range(96)},
        **{probe_column(k + 1): batch.probe_temperature_celsius[:, k] for k in range(24)},
        **batch.scalar,
    }
    checked = 0
    for signal in (s for message in MESSAGES for s in message.signals):
        wanted = signal.factor * np.asarray(sent[signal.channel], float)
        got = np.array(values[signal.name], float)
        missing = np.isnan(wanted)
        none = signal.not_available * signal.scale + signal.offset
        np.testing.assert_allclose(got[missing], none)
        np.testing.assert_allclose(got[~missing], wanted[~missing], atol=0.51 * signal.scale)
        checked += 1
    assert checked == 96 + 24 + 3 + 1 + 4 + 5
    assert np.isnan(sent[cell_column(5)]).all()


def test_nothing_is_sent_before_its_time(segments, wire):
    batch = segments[0][0]
    player = CanPlayer(wire[0], messages_of(DBC))
    player.add(frames(batch, MESSAGES))
    assert player.next_second < batch.unix_time_second[0]
    assert player.play_due(player.next_second - 1e-6) == 0
    moment = float(batch.unix_time_second[3])
    sent = player.play_due(moment)
    times = [message.timestamp for message in heard(wire[1])]
    assert len(times) == sent == 4 * len(MESSAGES)
    assert times == sorted(times)
    assert times[-1] == moment
    assert player.pending == (batch.rows - 4) * len(MESSAGES)
    assert player.play_due(moment) == 0


def test_segments_join_without_a_seam(segments, wire):
    player = CanPlayer(wire[0], messages_of(DBC))
    times = []
    for batches in segments:
        player.add(frames(batches[1], MESSAGES))
        player.play_due(float(batches[1].unix_time_second[-2]))
        times += [message.timestamp for message in heard(wire[1])]
    player.play_due(inf)
    times += [message.timestamp for message in heard(wire[1])]
    assert times == sorted(times)
    rows = sum(batches[1].rows for batches in segments)
    assert len(times) == rows * len(MESSAGES)
    assert player.next_second == inf


def test_one_thread_plays_many_vehicles_in_step_with_the_clock(segments):
    clock = VirtualClock(SPEC.live_second)
    buses, players, listeners = [], [], []
    for batch in segments[0]:
        channel = next(_CHANNELS)
        pair = [can.Bus(channel, interface="virtual", preserve_timestamps=True) for _ in range(2)]
        players.append(CanPlayer(pair[0], messages_of(DBC)))
        players[-1].add(frames(batch, MESSAGES))
        listeners.append(pair[1])
        buses += pair
    until = SPEC.live_second + 120.0
    sent = play(players, clock, until)
    got = [[message.timestamp for message in heard(bus)] for bus in listeners]
    assert sent == sum(map(len, got))
    assert all(times == sorted(times) and times[-1] <= until for times in got)
    assert until - 60.0 < clock.unix_second() <= until
    for batch, times in zip(segments[0], got, strict=True):
        due = int((batch.unix_time_second <= until).sum())
        assert due * len(MESSAGES) <= len(times) < (due + 1) * len(MESSAGES)
    for bus in buses:
        bus.shutdown()


def test_frames_keep_to_a_clock_that_runs_faster(wire):
    real = VirtualClock()
    clock = ScaledClock(1000.0, 60.0, real.monotonic_second, real.sleep)
    player = CanPlayer(wire[0], messages_of(DBC))
    player.add([MessageFrames("BMS_Insulation", np.array([1060.0, 1120.0]), {})])
    assert play([player], clock, 1060.0) == 1
    assert real.monotonic_second() == pytest.approx(1.0)
    assert play([player], clock, 2000.0) == 1
    assert real.monotonic_second() == pytest.approx(2.0)


def test_every_listener_hears_a_message_of_its_own(wire):
    third = can.Bus(wire[0].channel_id, interface="virtual", preserve_timestamps=True)
    player = CanPlayer(wire[0], messages_of(DBC))
    player.add([MessageFrames("BMS_Insulation", np.array([5.0]), {})])
    player.play_due(5.0)
    (one,), (other,) = heard(wire[1]), heard(third)
    one.data[0] ^= 0xFF
    assert other.data != one.data
    assert (other.timestamp, other.arbitration_id, other.channel) == (5.0, 0x113, third.channel_id)
    assert other.is_rx
    assert heard(wire[0]) == []
    third.shutdown()


def test_a_listener_without_room_loses_frames_and_they_are_counted():
    channel = next(_CHANNELS)
    bus = can.Bus(channel, interface="virtual")
    slow = can.Bus(channel, interface="virtual", rx_queue_size=2)
    player = CanPlayer(bus, messages_of(DBC))
    player.add([MessageFrames("BMS_Insulation", np.arange(5.0), {})])
    assert player.play_due(10.0) == 5
    assert player.lost == 3
    assert [message.timestamp for message in heard(slow)] == [0.0, 1.0]
    bus.shutdown()
    slow.shutdown()


class Wire(can.BusABC):
    """Another interface of python-can: keeps what it is sent, until the cable is out."""

    def __init__(self):
        super().__init__("wire")
        self.sent, self.broken = [], False

    def send(self, msg, timeout=None):
        if self.broken:
            raise can.CanOperationError("cable out")
        self.sent.append(msg)


def test_other_interfaces_are_served_by_their_own_send():
    bus = Wire()
    player = CanPlayer(bus, messages_of(DBC))
    values = {"InsulationResistance": np.array([2000.0])}
    player.add([MessageFrames("BMS_Insulation", np.array([5.0]), values)])
    assert player.play_due(5.0) == 1
    (message,) = bus.sent
    assert (message.timestamp, message.arbitration_id) == (5.0, 0x113)
    assert not message.is_extended_id
    assert int.from_bytes(message.data, "little") == 2000
    bus.shutdown()


def test_a_bus_that_is_gone_is_said_so():
    bus = Wire()
    bus.broken = True
    player = CanPlayer(bus, messages_of(DBC))
    player.add([MessageFrames("BMS_Insulation", np.array([5.0]), {})])
    with pytest.raises(ServiceError, match="cable out"):
        player.play_due(5.0)
    bus.shutdown()


def test_values_beyond_their_range_are_counted(wire):
    player = CanPlayer(wire[0], messages_of(DBC))
    player.add(
        [
            MessageFrames(
                "BMS_Insulation", np.array([5.0]), {"InsulationResistance": np.array([1e9])}
            )
        ]
    )
    assert player.beyond == 1
