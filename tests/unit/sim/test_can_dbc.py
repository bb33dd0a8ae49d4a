"""The database of the simulated bus, held against cantools and against what is sent."""

import cantools.database
import numpy as np
import pytest

from voltherd.errors import UsageError
from voltherd.sim.can_dbc import NOT_AVAILABLE, dbc_text, pack_messages
from voltherd.sim.can_frames import frames
from voltherd.sim.fleet import DEFAULT_LAYOUT, fleet_spec, simulate
from voltherd.types.asset import PackLayout
from voltherd.types.channel import SCALARS, cell_column, probe_column, spec

PLAIN = pack_messages(DEFAULT_LAYOUT)
MESSAGES = pack_messages(DEFAULT_LAYOUT, environment=True)
SIGNALS = [signal for message in MESSAGES for signal in message.signals]


def loaded(messages=MESSAGES, period_second=1.0):
    """Strict: no overlap, nothing outside its message."""
    return cantools.database.load_string(dbc_text(messages, period_second), "dbc", strict=True)


@pytest.mark.parametrize(
    "layout",
    [
        PackLayout(series=1),
        PackLayout(series=13, probe_module=(1,)),
        DEFAULT_LAYOUT,
        PackLayout(series=1024, probe_module=(1,) * 2048),
    ],
)
def test_a_strict_reader_takes_the_database_of_any_pack(layout):
    messages = pack_messages(layout)
    database = loaded(messages)
    assert len(database.messages) == len(messages)
    assert len({m.frame_id for m in database.messages}) == len(messages)
    assert all(m.frame_id < 0x800 and not m.is_extended_frame for m in database.messages)
    names = {signal.name for m in database.messages for signal in m.signals}
    assert {f"CellVoltage{k:03d}" for k in range(1, layout.series + 1)} <= names
    assert {f"ProbeTemperature{k:02d}" for k in range(1, len(layout.probe_module) + 1)} <= names


def test_the_database_says_what_the_table_of_messages_says():
    database = loaded(period_second=2.5)
    for message in MESSAGES:
        told = database.get_message_by_name(message.name)
        assert (told.frame_id, told.length) == (message.identifier, message.length)
        assert told.cycle_time == 2500
        assert told.senders == [message.sender]
        assert told.comment == message.comment
        for signal in message.signals:
            there = told.get_signal_by_name(signal.name)
            assert (there.start, there.length) == (signal.start, signal.length)
            assert (float(there.scale), float(there.offset)) == (signal.scale, signal.offset)
            assert (there.minimum, there.maximum) == (signal.minimum, signal.maximum)
            assert (there.unit or "") == signal.unit
            assert there.comment == signal.comment
            assert {int(n): str(v) for n, v in there.choices.items()} == {
                **signal.states,
                2**signal.length - 1: NOT_AVAILABLE,
            }


def test_every_channel_that_is_simulated_is_sent_once_and_in_range():
    [day] = simulate(fleet_spec(vehicles=1, days=1, seed=3, environment=True))
    carried = [signal.channel for signal in SIGNALS]
    assert len(carried) == len(set(carried))
    batch = day.batch
    assert set(carried) == {
        *(cell_column(k) for k in range(1, batch.cells + 1)),
        *(probe_column(k) for k in range(1, batch.probes + 1)),
        *batch.scalar,
    }
    sent = {name: values for f in frames(batch, MESSAGES) for name, values in f.signal.items()}
    for signal in SIGNALS:
        values = sent[signal.name]
        assert ((values >= signal.minimum) & (values <= signal.maximum)).all(), signal.name


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda signal: signal.name)
def test_a_range_fits_into_its_bits_and_leaves_the_code_for_no_value_free(signal):
    counts = (np.array([signal.minimum, signal.maximum]) - signal.offset) / signal.scale
    assert counts[0] > -0.5
    assert counts[1] < signal.not_available - 0.5
    assert not any(state > signal.maximum for state in signal.states)


@pytest.mark.parametrize("signal", SIGNALS[-23:], ids=lambda signal: signal.name)
def test_a_step_is_finer_than_the_channel_is_accurate(signal):
    declared = spec(signal.channel)
    assert declared is not None
    if signal.channel in SCALARS and declared.accuracy == 0.0:
        assert signal.scale == 1.0  # a code
    else:
        assert signal.scale / abs(signal.factor) / 2.0 <= declared.accuracy


def test_what_surrounds_the_cells_is_only_sent_where_it_is_measured():
    assert [m.name for m in MESSAGES if m not in PLAIN] == ["BMS_Environment"]
    assert [m for m in MESSAGES if m in PLAIN] == list(PLAIN)
    assert PLAIN[-1] == MESSAGES[-1]  # the pack ends the cycle either way


def test_the_text_needs_no_encoding():
    assert dbc_text(MESSAGES, 1.0).isascii()


def test_more_cells_than_identifiers_are_refused_with_the_limit():
    with pytest.raises(UsageError, match="at most 1024 cells"):
        pack_messages(PackLayout(series=1025))
