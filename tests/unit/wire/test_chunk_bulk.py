"""Cells of many chunks in one table are those of each chunk, whatever runs the loops."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from tests.unit.wire.samples import batch_of, driven, parts, same_bits
from voltherd.errors import UnreadableError
from voltherd.wire.chunk import encode_chunk
from voltherd.wire.chunk_bulk import NUMPY, decode_cells


def numba_engine():
    pytest.importorskip("numba", reason="pip install 'voltherd[fast]'")
    from voltherd.wire.chunk_numba import NUMBA

    return NUMBA


ENGINES = {"numpy": lambda: NUMPY, "numba": numba_engine}


@pytest.fixture(params=ENGINES.values(), ids=ENGINES)
def engine(request):
    return request.param()


def hard(seed: int):
    """A minute with whatever a table of cells can hold."""
    batch = driven(seed=seed, probes=3, noise=0.001 * seed)
    volts = batch.cell_voltage_volt.copy()
    if seed % 2:
        volts[3:9, 7] = np.nan
        volts[20, 11] += 1.0
        volts[30, 12] += 0.1
    if seed == 4:
        volts[:] = np.random.default_rng(1).normal(3.7, 0.1, volts.shape)
    if seed == 5:
        volts[5, 5] = -0.0
    current = batch.scalar["current_ampere"].copy()
    if seed == 2:
        current[5:9] = np.nan
    scalar = {"soc_fraction": current / 7.0, "current_ampere": current}
    flags = {name: np.zeros(60, np.uint8) for name in scalar}
    time = batch.unix_time_second + 60.0 * seed
    return replace(
        batch, cell_voltage_volt=volts, scalar=scalar, scalar_quality=flags, unix_time_second=time
    )


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_many_chunks_give_one_table(engine, kind):
    batches = [hard(seed) for seed in range(7)]
    rows = decode_cells([encode_chunk(b) for b in batches], ["current_ampere"], kind, engine)
    volts = np.concatenate([b.cell_voltage_volt for b in batches])
    same_bits(rows.cell_voltage_volt, volts.astype(kind), "cells")
    same_bits(rows.unix_time_second, np.concatenate([b.unix_time_second for b in batches]), "time")
    current = np.concatenate([b.scalar["current_ampere"] for b in batches])
    same_bits(rows.scalar["current_ampere"], current, "current")


@given(parts())
@settings(max_examples=100)
def test_any_chunk_gives_its_cells(made):
    batch = batch_of(**made)
    body = encode_chunk(batch)
    for make in ENGINES.values():
        rows = decode_cells([body], ["current_ampere", "fan_2"], np.float64, make())
        with np.errstate(all="ignore"):
            volts = batch.cell_voltage_volt.astype(np.float64)
        same_bits(rows.cell_voltage_volt, volts, "cells")
        same_bits(rows.unix_time_second, batch.unix_time_second, "time")
        for name, values in rows.scalar.items():
            given_values = batch.scalar.get(name, np.full(batch.rows, np.nan))
            same_bits(values, given_values.astype(np.float64), name)


def test_a_channel_that_a_chunk_lacks_is_unknown_there(engine):
    first, second = driven(), replace(driven(), scalar={}, scalar_quality={})
    rows = decode_cells(
        [encode_chunk(b) for b in (first, second)], ["current_ampere"], engine=engine
    )
    same_bits(rows.scalar["current_ampere"][:60], first.scalar["current_ampere"], "current")
    assert np.isnan(rows.scalar["current_ampere"][60:]).all()


def test_packs_of_other_size_do_not_mix(engine):
    with pytest.raises(UnreadableError, match="different numbers of cells"):
        decode_cells([encode_chunk(driven(cells=n)) for n in (3, 4)], engine=engine)


def test_a_damaged_chunk_is_refused(engine):
    body = bytearray(encode_chunk(driven()))
    body[-1] ^= 1
    with pytest.raises(UnreadableError, match="checksum"):
        decode_cells([bytes(body)], engine=engine)


def test_chunks_may_come_in_any_order(engine):
    """Rows stay in the order of the chunks; who asks sorts."""
    late, early = hard(3), hard(1)
    rows = decode_cells([encode_chunk(b) for b in (late, early)], engine=engine)
    times = np.concatenate([late.unix_time_second, early.unix_time_second])
    same_bits(rows.unix_time_second, times, "time")
