"""Offsets added to recorded drives are found, and drives without one are not accused."""

import pytest

from voltherd.bench.current_bias import measure, render
from voltherd.errors import InputError


@pytest.mark.recorded
@pytest.mark.long
def test_recorded_drives_with_an_offset_are_told_from_those_without(recorded):
    table = measure(recorded, each=1)
    assert sum(table.false.values()) == 0
    seen = {(row.half, row.every_second, row.size): row for row in table.rows}
    assert seen["unseen", 1, 0.05].found == seen["unseen", 1, 0.05].cases == 6
    assert "false alarms" in render(table)


def test_without_the_drives_it_says_so(tmp_path):
    with pytest.raises(InputError, match="no drives"):
        measure(tmp_path)
