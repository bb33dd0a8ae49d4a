"""What a life adds up to, by hand-made rows whose sums are known."""

from math import isnan

import numpy as np
import pytest

from voltherd.cloud.usage import (
    FRESH_SECOND_MAX,
    SPAN_SECOND,
    Usage,
    add,
    covered,
    unready_second,
)
from voltherd.types.sample import SampleBatch

START = 1_767_225_600.0
NONE = np.empty((0, 2))


def rows(time, **scalar):
    time = np.asarray(time, float) + START
    count = len(time)
    values = {name: np.broadcast_to(np.asarray(v, float), count) for name, v in scalar.items()}
    return SampleBatch(
        vehicle_id="bus-1",
        unix_time_second=time,
        cell_voltage_volt=np.empty((count, 0), np.float32),
        cell_quality=np.empty((count, 0), np.uint8),
        probe_temperature_celsius=np.empty((count, 0), np.float32),
        probe_quality=np.empty((count, 0), np.uint8),
        scalar={name: v.copy() for name, v in values.items()},
        scalar_quality={name: np.zeros(count, np.uint8) for name in values},
    )


def test_charge_and_energy_are_counted_by_direction():
    hour = np.arange(0.0, 3601.0, 60.0)
    usage = add(Usage(), rows(hour, current_ampere=-20.0, voltage_volt=400.0))
    usage = add(usage, rows(hour + 3660.0, current_ampere=50.0, voltage_volt=400.0))
    assert usage.charge_out_ah == pytest.approx(20.0)
    assert usage.charge_in_ah == pytest.approx(50.0 * 61 / 60)
    assert usage.energy_out_kwh == pytest.approx(8.0)
    assert usage.energy_in_kwh == pytest.approx(20.0 * 61 / 60)


def test_nothing_is_counted_across_a_silence():
    usage = add(Usage(), rows([0.0, 10_000.0], current_ampere=-20.0, voltage_volt=400.0))
    assert usage.charge_out_ah == 0.0


def test_energy_for_driving_counts_braking_back_and_not_charging():
    usage = add(
        Usage(),
        rows(
            np.arange(0.0, 241.0, 60.0),
            current_ampere=[0.0, -60.0, -60.0, 30.0, 100.0],
            voltage_volt=400.0,
            speed_kilometre_per_hour=[0.0, 50.0, 50.0, 50.0, 0.0],
        ),
    )
    assert usage.drive_kwh == pytest.approx((60 + 60 - 30) * 400 / 60 / 1000)


def test_distance_is_the_sum_of_steps_forward():
    usage = add(Usage(), rows([0, 60, 120, 180], odometer_kilometre=[100.0, 101.0, 7.0, 9.0]))
    usage = add(usage, rows([240, 300], odometer_kilometre=[np.nan, 10.5]))
    assert usage.distance_kilometre == pytest.approx(1.0 + 2.0 + 1.5)
    assert usage.odometer_kilometre == 10.5


def test_values_that_are_missing_change_nothing():
    usage = add(Usage(), rows([0, 60, 120], current_ampere=np.nan, soc_fraction=np.nan))
    assert usage.charge_in_ah == usage.charge_out_ah == 0.0
    assert isnan(usage.soc_first)
    assert usage.rows == 3


def test_silence_is_a_span_and_short_ones_are_none():
    long = FRESH_SECOND_MAX + 600.0
    usage = add(Usage(), rows([0.0, 1800.0, 1800.0 + long]))
    assert (usage.silent - START).tolist() == [[1800.0, 1800.0 + long]]


def test_a_silence_between_two_batches_is_seen():
    usage = add(add(Usage(), rows([0.0])), rows([FRESH_SECOND_MAX * 2]))
    assert (usage.silent - START).tolist() == [[0.0, FRESH_SECOND_MAX * 2]]


def test_time_below_the_reserve_joins_over_batches():
    usage = add(Usage(), rows([0, 60, 120], soc_fraction=[0.5, 0.1, 0.1]))
    usage = add(usage, rows([180, 240], soc_fraction=[0.1, 0.5]))
    assert (usage.low - START).tolist() == [[0.0, 180.0]]


def test_availability_joins_all_reasons_and_knows_mere_silence():
    usage = add(Usage(), rows([0, 3600, 7200], soc_fraction=[0.5, 0.1, 0.5]))
    unsafe = np.array([[START + 1800.0, START + 5400.0]])
    now = START + 7200.0 + FRESH_SECOND_MAX + 1000.0
    span, unready, unheard = unready_second(usage, unsafe, now)
    assert span == pytest.approx(now - START)
    assert unheard == pytest.approx(FRESH_SECOND_MAX + 1000.0)
    assert unready == pytest.approx(5400.0 + unheard)


def test_only_the_last_thirty_days_count():
    usage = add(Usage(), rows([0.0, 60.0]))
    span, unready, _ = unready_second(usage, NONE, START + 2 * SPAN_SECOND)
    assert span == pytest.approx(SPAN_SECOND)
    assert unready == pytest.approx(SPAN_SECOND)


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        (NONE, 0.0),
        (np.array([[0.0, 100.0]]), 10.0),
        (np.array([[12.0, 14.0], [13.0, 15.0]]), 3.0),
        (np.array([[13.0, 14.0], [11.0, 18.0]]), 7.0),
    ],
    ids=["none", "around", "overlapping", "within another"],
)
def test_covered_counts_each_moment_once(spans, expected):
    assert covered(spans, 10.0, 20.0) == expected
