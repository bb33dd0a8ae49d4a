"""The judges that look at single windows: frozen, exchanged, insulation, temperature, sum."""

import numpy as np
import pytest
from windows_of import CELLS, windows_of

from voltherd.detection import insulation, pack_sum, stuck, swap, temperature
from voltherd.detection.windows import DRIVE
from voltherd.types.event import Phenomenon, Severity


def test_a_cell_that_stands_still_while_its_siblings_move_is_frozen():
    moved = np.full((6, CELLS), 0.03, np.float32)
    moved[2:, 4] = 0.0
    judged = stuck.judge(windows_of(range_volt=moved))
    named = [[v.location.index for v in verdicts] for _, verdicts in judged]
    assert named == [[], [], [5], [5], [5], [5]]


def test_a_parked_pack_cannot_tell_who_is_frozen():
    still = np.zeros((6, CELLS), np.float32)
    assert stuck.judge(windows_of(range_volt=still)) == ()


def test_slow_channels_that_stand_still_together_are_not_broken():
    moved = np.full((6, CELLS), 0.03, np.float32)
    moved[:, ::3] = 0.0
    assert all(not verdicts for _, verdicts in stuck.judge(windows_of(range_volt=moved)))


def signatures(rng):
    reference = np.full((3, CELLS), np.nan)
    reference[DRIVE] = rng.normal(0.0, 0.006, CELLS)
    return reference


def test_two_exchanged_channels_are_named_together_within_two_windows():
    rng = np.random.default_rng(1)
    reference = signatures(rng)
    reference[DRIVE, [3, 9]] = 0.011, -0.008
    seen = np.tile(reference, (6, 1, 1)) + rng.normal(0.0, 0.0003, (6, 3, CELLS))
    seen[2:, DRIVE, [3, 9]] = seen[2:, DRIVE, [9, 3]]
    judged = swap.judge(windows_of(deviation_volt=seen.astype(np.float32)), reference)
    assert [[v.location.cells for v in verdicts] for _, verdicts in judged] == [
        [],
        [],
        [(4, 10)],
        [(4, 10)],
        [(4, 10)],
        [(4, 10)],
    ]


def test_two_cells_that_move_apart_without_changing_places_are_no_swap():
    rng = np.random.default_rng(2)
    reference = signatures(rng)
    seen = np.tile(reference, (6, 1, 1))
    seen[:, DRIVE, 3] += 0.03
    seen[:, DRIVE, 9] -= 0.03
    judged = swap.judge(windows_of(deviation_volt=seen.astype(np.float32)), reference)
    assert len(judged) == 6
    assert all(not verdicts for _, verdicts in judged)


@pytest.mark.parametrize(
    ("ohm_per_volt", "severity"),
    [(50.0, Severity.SAFETY), (300.0, Severity.RECOMMENDED), (501.0, None), (2e4, None)],
)
def test_insulation_is_judged_by_the_limits_of_un_r100(ohm_per_volt, severity):
    pack = 3.7 * 96
    windows = windows_of(pack_volt=np.full(6, pack), insulation_ohm=np.full(6, ohm_per_volt * pack))
    found = [
        v.severity for _, verdicts in insulation.judge(windows, np.full(6, True)) for v in verdicts
    ]
    assert found == ([severity] * 6 if severity else [])


def test_an_insulation_channel_that_never_moved_is_not_believed():
    assert insulation.judge(windows_of(insulation_ohm=np.full(6, 10.0)), np.full(6, False)) == ()


def test_a_probe_far_from_its_siblings_is_named_and_a_gradient_is_not():
    celsius = np.tile(np.array([22.0, 23.0, 24.0, 25.0, 26.0, 27.0], np.float32), (6, 1))
    assert temperature.judge(windows_of(probe_celsius=celsius)) == ()
    celsius[:, 1] += 16.0
    [verdict] = temperature.judge(windows_of(probe_celsius=celsius))
    assert verdict.location.index == 2
    assert verdict.severity is Severity.RECOMMENDED
    assert verdict.numbers["apart_celsius"] == pytest.approx(13.5, abs=1.0)


def test_a_pack_that_is_too_hot_as_a_whole_is_a_matter_of_safety():
    celsius = np.full((6, 6), 70.0, np.float32)
    assert {v.severity for v in temperature.judge(windows_of(probe_celsius=celsius))} == {
        Severity.SAFETY
    }


def test_dead_probes_are_not_outliers():
    celsius = np.full((6, 6), 25.0, np.float32)
    celsius[:, 3:] = np.nan
    assert temperature.judge(windows_of(probe_celsius=celsius)) == ()


def test_a_missing_cell_shows_in_the_sum():
    windows = windows_of(pack_volt=np.full(6, 3.7 * (CELLS + 1)))
    [verdict] = pack_sum.judge(windows)
    assert verdict.phenomenon is Phenomenon.PACK_VOLTAGE_MISMATCH
    assert verdict.numbers["cells_missing"] == pytest.approx(1.0, abs=0.05)
    assert pack_sum.judge(windows_of(pack_volt=np.full(6, 3.7 * CELLS * 1.008))) == ()
