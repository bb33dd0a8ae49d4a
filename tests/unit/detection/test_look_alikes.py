"""What looks like a fault of one kind and is another, or none."""

from dataclasses import replace

import numpy as np
import pytest
from windows_of import CELLS, batch_of, windows_of

from voltherd.detection import channels, modules, pack_sum, short, swap
from voltherd.detection.cells import tells
from voltherd.detection.memory import gather, init, remember
from voltherd.detection.verdict import Verdict
from voltherd.detection.windows import DRIVE
from voltherd.types.event import Location, LocationKind, Phenomenon, Severity
from voltherd.units import SECOND_PER_DAY

DAYS = np.linspace(0.0, 6.0, 96)
SOC = 0.5 + 0.35 * np.sin(2 * np.pi * DAYS / 1.3)
SLOPE_VOLT = 0.6 + 0.3 * DAYS / 6.0


def remembered(charge, offset_volt=0.0):
    """Six days of a pack whose cell 1 has a course of its own."""
    rng = np.random.default_rng(0)
    own = np.zeros((len(DAYS), CELLS))
    own[:, 0] = charge
    volt = own * SLOPE_VOLT[:, None] + 2e-4 * rng.standard_normal(own.shape)
    volt[:, 0] += offset_volt
    return init(CELLS)._replace(
        periods=len(DAYS),
        history_second=DAYS * SECOND_PER_DAY,
        history_charge=(volt / SLOPE_VOLT[:, None]).astype(np.float32),
        history_volt=volt.astype(np.float32),
        history_soc=SOC,
    )


def test_a_cell_that_loses_charge_every_day_leaks():
    found = short.judge(remembered(-0.006 * DAYS))
    assert [v.location.index for v in found] == [1]
    assert found[0].numbers["loss_per_day"] == pytest.approx(0.006, rel=0.15)


def test_a_leaking_cell_read_with_a_constant_error_still_leaks():
    assert [v.location.index for v in short.judge(remembered(-0.006 * DAYS, 0.01))] == [1]


def test_a_constant_error_read_through_a_growing_slope_is_no_leak():
    memory = remembered(0.0, 0.05)
    slides = float(memory.history_charge[0, 0] - memory.history_charge[-1, 0]) / 6.0
    assert slides > 0.004
    assert short.without_offset(memory, 7.0, 0) < short.OWN_SHARE_MIN * slides
    assert short.judge(memory) == ()


@pytest.mark.parametrize("when", [2.0, 3.0, 4.5])
def test_a_step_is_no_leak(when):
    memory = remembered(np.where(when < DAYS, -0.03, 0.0))
    assert short.jumps(memory, 7.0, 0)
    assert short.judge(memory) == ()


def test_a_weak_cell_that_passes_a_low_siblings_usual_place_is_no_swap():
    memory, rng = init(CELLS), np.random.default_rng(3)
    lows = np.zeros(CELLS)
    lows[9] = -0.030

    def driven(charge):
        """Cell 4 lacks capacity; cell 10 lacks charge; at its cliff a pack spreads both."""
        deviation = np.tile(lows, (6, 3, 1)) + rng.normal(0.0, 0.0005, (6, 3, CELLS))
        deviation[:, :, 3] += 0.15 * (charge - 1.0)
        soc, volt = np.full(6, charge), np.full((6, 3), np.nan)
        volt[:, DRIVE] = 3.3 + 0.8 * charge
        return windows_of(
            deviation_volt=deviation.astype(np.float32), soc_fraction=soc, cell_volt=volt
        )

    for charge in np.tile(np.linspace(0.95, 0.4, 12), 3):
        memory = remember(memory, gather(memory, driven(charge)))
    reference = np.full((3, CELLS), np.nan)
    reference[DRIVE] = memory.state_moment[DRIVE] / memory.state_rows[DRIVE]
    now = driven(0.8)
    weak = np.asarray(now.deviation_volt).copy()
    # where each would land if the two were exchanged, by their long mean alone
    weak[:, DRIVE, 3] = reference[DRIVE, 9]
    weak[:, DRIVE, 9] = reference[DRIVE, 3]
    exchanged = now._replace(deviation_volt=weak)
    assert all(v for _, v in swap.judge(exchanged, reference))
    empty = driven(0.8)._replace(
        deviation_volt=driven(0.4).deviation_volt, soc_fraction=np.full(6, 0.4),
        cell_volt=np.where(np.isnan(now.cell_volt), np.nan, 3.62),
    )  # fmt: skip
    low = np.asarray(empty.deviation_volt).copy()
    low[:, DRIVE, 9] = low[:, DRIVE, 3] * 0.0 + reference[DRIVE, 3]
    low[:, DRIVE, 3] = -0.09
    assert not any(v for _, v in swap.judge(empty._replace(deviation_volt=low), reference, memory))


def cell_verdict(cell, volt):
    return Verdict(
        cause="cell",
        phenomenon=Phenomenon.CELL_OUTLIER,
        location=Location(kind=LocationKind.CELL, index=cell, cells=(cell,)),
        severity=Severity.RECOMMENDED,
        score=9.0,
        numbers={"volt": volt},
    )


def test_a_module_explains_its_cells_but_not_one_far_beyond_them():
    module = Verdict(
        cause="module",
        phenomenon=Phenomenon.MODULE_OFFSET,
        location=Location(kind=LocationKind.MODULE, index=1, cells=(1, 2, 3, 4)),
        severity=Severity.OPERATING,
        score=7.0,
        numbers={"volt": -0.007},
    )
    single = [cell_verdict(1, -0.008), cell_verdict(2, -0.03), cell_verdict(3, 0.01)]
    left = modules.without([*single, cell_verdict(9, -0.008)], [module])
    assert [v.location.index for v in left] == [2, 3, 9]
    weak = replace(cell_verdict(1, -0.008), phenomenon=Phenomenon.WEAK_CELL)
    assert modules.without([weak], [module]) == (weak,)


def test_a_kind_is_named_by_a_clear_margin_over_many_periods_only():
    short_record, long_record = init(CELLS)._replace(rows=6.0), init(CELLS)._replace(rows=120.0)
    assert not tells(short_record, 0.3, 0.5)
    assert tells(long_record, 0.3, 0.5)
    assert not tells(long_record, 0.45, 0.5)


def test_a_pack_voltage_without_cells_mismatches_nothing():
    windows = windows_of(cells=0, sum_volt=np.zeros(6), pack_volt=np.full(6, 350.0))
    assert pack_sum.judge(windows) == ()


def test_when_a_channel_moved_does_not_depend_on_the_pieces():
    values = np.full(12, 500.0)
    values[7:] = 400.0
    batch = batch_of(np.arange(12.0), np.full((12, 1), 3.7), insulation_resistance_ohm=values)
    ends = np.array([2, 5, 8, 11])
    whole = channels.moved_by(channels.init(0), batch, ends, "insulation_resistance_ohm")
    watch = channels.look(channels.init(0), batch.between(0, 6), 1.0, 1.0)
    rest = channels.moved_by(
        watch, batch.between(6, 12), np.array([2, 5]), "insulation_resistance_ohm"
    )
    assert whole.tolist() == [False, False, True, True]
    assert rest.tolist() == whole[2:].tolist()
