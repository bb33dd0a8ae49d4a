"""A chunk gives every bit of its samples back, tells the truth in its summary, and is small."""

import json
import math
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings

from tests.unit.wire.samples import START, assert_same, batch_of, driven, parts
from voltherd.errors import UsageError
from voltherd.sim.fleet import fleet_spec, simulate
from voltherd.types.channel import SCALARS
from voltherd.types.quality import Quality
from voltherd.wire import envelope_pb2 as pb
from voltherd.wire.chunk import ChunkSummary, decode_chunk, decode_summary, encode_chunk


def there_and_back(batch):
    body = encode_chunk(batch)
    assert_same(decode_chunk(body, batch.vehicle_id), batch)
    return body


@given(parts())
@settings(max_examples=150)
def test_any_batch_comes_back_bit_for_bit(made):
    there_and_back(batch_of(**made))


@given(parts(rows_min=240, rows_max=300, sensors_max=2))
@settings(max_examples=20)
def test_long_batches_come_back_bit_for_bit(made):
    there_and_back(batch_of(**made))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("step", [0.005, 0.001, 1e-4, 1e-5])
@pytest.mark.parametrize("noise", [0.0, 0.001, 0.05])
def test_a_pack_at_work_comes_back_in_any_steps(dtype, step, noise):
    there_and_back(driven(step=step, noise=noise, dtype=dtype, probes=24))


def test_jumps_missing_cells_and_dead_cells_come_back():
    batch = driven(probes=24)
    volts = batch.cell_voltage_volt.copy()
    flags = batch.cell_quality.copy()
    volts[:, 40] = np.nan  # a dead channel
    volts[7, :] = np.nan  # a lost row
    volts[20, 3] += 0.05
    volts[21, 3] += 0.9
    volts[22:, 5] = 0.0
    volts[30, 6] = np.float32(3.60001)  # between two counts
    flags[np.isnan(volts)] = int(Quality.MISSING)
    body = there_and_back(replace(batch, cell_voltage_volt=volts, cell_quality=flags))
    assert len(body) < 1.25 * len(encode_chunk(batch))


def test_a_single_row_and_a_single_cell_come_back():
    there_and_back(driven(rows=1, probes=3))
    there_and_back(driven(cells=1))
    there_and_back(batch_of([[3.7]]))
    there_and_back(batch_of(np.empty((3, 0), np.float32)))


def test_a_whole_day_of_rows_comes_back():
    there_and_back(driven(rows=86_400, cells=96, scalars=False))


def test_scalars_as_a_bus_scales_them_come_back_small():
    """0.1 · k - 3000, what readers of a database make of a count, is not the nearest decimal."""
    rng = np.random.default_rng(3)
    counts = np.cumsum(rng.integers(-20, 20, 60)) + 30_000.0
    batch = driven()
    told = {"current_ampere": -(counts * 0.1 - 3000.0), "voltage_volt": counts * 0.1}
    rough = {name: rng.normal(size=60) for name in told}
    flags = {name: np.zeros(60, np.uint8) for name in told}
    small = there_and_back(replace(batch, scalar=told, scalar_quality=flags))
    large = there_and_back(replace(batch, scalar=rough, scalar_quality=flags))
    assert len(small) < len(large) - 600


@pytest.fixture(scope="module")
def day():
    """A simulated vehicle's day at one second, as its telematics would have sent it."""
    stuck = "sensor_stuck@vehicle=1,cell=9,day=1"
    spec = fleet_spec(vehicles=1, days=1, seed=1, period_second=1.0, faults=stuck)
    [simulated] = simulate(spec)
    return simulated.batch


def minutes(batch):
    """Cut a batch as an edge does: sixty rows, and at every gap of more than a minute."""
    gap = np.flatnonzero(np.diff(batch.unix_time_second) > 60.0) + 1
    for start, stop in pairwise([0, *gap.tolist(), batch.rows]):
        for first in range(start, stop, 60):
            yield batch.between(first, min(first + 60, stop))


def test_a_simulated_day_streams_through_chunks(day):
    parts_of_day = list(minutes(day))
    assert len(parts_of_day) > 200
    for part in parts_of_day[::3]:
        assert_same(decode_chunk(encode_chunk(part), day.vehicle_id), part)


def as_json(batch) -> bytes:
    """One object a sample, numbers as short as they can be written."""
    rows = [
        json.dumps(
            {
                "t": time,
                "v": [round(v, 4) for v in cells.tolist()],
                "T": probes.tolist(),
                **{name: values[k] for name, values in batch.scalar.items()},
            },
            separators=(",", ":"),
        )
        for k, (time, cells, probes) in enumerate(
            zip(
                batch.unix_time_second.tolist(),
                batch.cell_voltage_volt,
                batch.probe_temperature_celsius,
                strict=True,
            )
        )
    ]
    return "\n".join(rows).encode()


def test_noise_of_one_count_takes_under_half_a_byte_everything_included():
    batch = driven(rows=60, cells=96)
    body = encode_chunk(batch)
    assert len(body) < 0.45 * batch.cell_voltage_volt.size
    assert len(as_json(batch)) > 14 * len(body)


def test_a_simulated_day_takes_under_half_a_byte_everything_included(day):
    """24 probes and 13 more channels ride along with the 96 cells."""
    full = [part for part in minutes(day) if part.rows == 60][::3]
    size = sum(len(encode_chunk(part)) for part in full)
    assert size < 0.5 * sum(part.cell_voltage_volt.size for part in full)


def numpy_summary(batch) -> ChunkSummary:
    """The same numbers from the samples themselves."""

    def known(values):
        values = np.asarray(values, np.float64).ravel()
        return values[np.isfinite(values)]

    def extremes(values):
        values = known(values)
        if not values.size:
            return (math.nan,) * 3
        return values.min(), values.max(), values.mean()

    def last(name):
        values = known(batch.scalar.get(name, ()))
        return values[-1] if values.size else math.nan

    current = np.asarray(batch.scalar.get("current_ampere", ()), np.float64)
    charge = math.nan
    if known(current).size:
        pairs = zip(pairwise(current), pairwise(batch.unix_time_second), strict=True)
        parts = [(a + b) / 2 * min(t - s, 60.0) for (a, b), (s, t) in pairs]
        charge = sum(part for part in parts if math.isfinite(part)) / 3600.0
    return ChunkSummary(
        batch.rows,
        batch.cells,
        batch.probes,
        tuple(batch.scalar),
        batch.unix_time_second[0],
        batch.unix_time_second[-1],
        *extremes(batch.cell_voltage_volt),
        *extremes(batch.probe_temperature_celsius)[:2],
        *extremes(current),
        charge,
        last("soc_fraction"),
        last("odometer_kilometre"),
    )


def assert_tells(batch) -> None:
    told, wanted = decode_summary(encode_chunk(batch)), numpy_summary(batch)
    assert told[:4] == wanted[:4]
    assert told[4:6] == wanted[4:6]
    np.testing.assert_allclose(told[6:], wanted[6:], rtol=1e-6, atol=1e-6)


def test_the_summary_says_what_numpy_finds(day):
    assert_tells(driven(probes=5))
    for part in list(minutes(day))[::40]:
        assert_tells(part)


def test_the_summary_passes_over_what_is_unknown():
    batch = driven(probes=3)
    holes = batch.scalar["current_ampere"].copy()
    holes[[0, 7, 30]] = np.nan
    volts = batch.cell_voltage_volt.copy()
    volts[3, 5] = np.nan
    soc = np.full(60, np.nan)
    soc[10] = 0.43
    scalar = {"current_ampere": holes, "soc_fraction": soc, "odometer_kilometre": soc * np.nan}
    flags = {name: np.zeros(60, np.uint8) for name in scalar}
    time = batch.unix_time_second + np.where(np.arange(60) > 30, 7200.0, 0.0)
    made = replace(
        batch, cell_voltage_volt=volts, scalar=scalar, scalar_quality=flags, unix_time_second=time
    )
    assert_tells(made)
    told = decode_summary(encode_chunk(made))
    assert told.soc_fraction_last == pytest.approx(0.43) and math.isnan(
        told.odometer_kilometre_last
    )


def test_a_chunk_without_cells_knows_none():
    told = decode_summary(encode_chunk(batch_of(np.empty((2, 0), np.float32))))
    assert math.isnan(told.cell_voltage_volt_min) and math.isnan(told.charge_ah)
    assert (told.rows, told.cells, told.first_second) == (2, 0, START)


@pytest.mark.parametrize(
    ("batch", "why"),
    [
        (driven().between(0, 0), "1 to 86400 rows"),
        (driven(rows=86_401, cells=1), "1 to 86400 rows"),
        (driven(rows=60_000, cells=300, scalars=False), "too large"),
        (batch_of(np.full((1, 5000), 3.7, np.float32)), "too many columns"),
        (batch_of([[3.7], [3.7]], time=[2.0, 1.0]), "not in order"),
        (batch_of([[3.7], [3.7]], time=[1.0, np.nan]), "not in order"),
        (batch_of([[3.7]], time=[np.inf]), "no times"),
        (batch_of([[3.7]], scalar={"Current [A]": np.zeros(1)}), "name of a channel"),
        (batch_of([[3.7]], cell_names=["V" * 2000]), "more than 1024 bytes"),
    ],
)
def test_what_no_chunk_can_hold_is_refused(batch, why):
    with pytest.raises(UsageError, match=why):
        encode_chunk(batch)


def test_every_scalar_has_a_number_for_ever():
    """A new channel gets the next number in envelope.proto; numbers never change."""
    known = {name.lower(): number for name, number in pb.Channel.items()}
    assert [name for name in SCALARS if name not in known] == []
    assert known["current_ampere"] == 2 and known["vibration_metre_per_second_squared"] == 16
    assert max(known.values()) < 256
