"""A state that was written down and read again goes on as if nothing had happened."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from vehicles import run, same_state, vehicle

from voltherd.detection.engine import init, step
from voltherd.detection.snapshot import dump, load
from voltherd.errors import UnreadableError

FAULTS = "weak_cell:25%@cell=17,day=1,sensor_stuck@cell=40,day=1"


@pytest.mark.long
@given(st.integers(0, 5000), st.integers(0, 40))
@settings(max_examples=10, deadline=None, phases=(Phase.explicit, Phase.generate))
def test_a_restored_state_goes_on_exactly_as_the_original(cut, single):
    batch = vehicle(FAULTS, days=3)
    cut = min(cut, batch.rows - single)
    state = run(batch.between(0, cut))
    for row in range(cut, cut + single):  # leaves single rows waiting
        state = step(state, batch.between(row, row + 1))
    restored = load(dump(state))
    same_state(restored, state)
    rest = batch.between(cut + single, batch.rows)
    same_state(step(restored, rest), step(state, rest))


def test_the_bytes_are_the_same_for_the_same_state():
    state = run(vehicle(FAULTS, days=2))
    assert dump(load(dump(state))) == dump(state)
    assert len(dump(state)) < 1_000_000


def test_a_state_that_has_seen_nothing_can_be_kept():
    state = init("v", 96, 0)
    same_state(load(dump(state)), state)


def test_a_restored_state_owns_its_arrays():
    state = load(dump(run(vehicle(FAULTS, days=1))))
    arrays = [part for part in state.memory if isinstance(part, np.ndarray)]
    assert all(array.flags.owndata for array in arrays)


def test_damaged_bytes_are_refused():
    data = bytearray(dump(run(vehicle(FAULTS, days=1))))
    data[len(data) // 2] ^= 1
    with pytest.raises(UnreadableError, match="damaged"):
        load(bytes(data))


def test_bytes_of_another_version_are_refused(monkeypatch):
    data = dump(init("v", 4, 0))
    monkeypatch.setattr("voltherd.detection.snapshot.VERSION", 2)
    with pytest.raises(UnreadableError, match="another version"):
        load(data)


def test_names_and_warnings_are_kept():
    batch = vehicle("none", days=1)
    named = replace(batch, cell_names=tuple(f"Zelle {n}" for n in range(1, batch.cells + 1)))
    assert load(dump(run(named))).open_rows.cell_names[16] == "Zelle 17"
