"""A chunk gives its samples back bit for bit."""

import numpy as np

from tests.contract.test_store import assert_same, batch
from voltherd.wire.chunk import decode_chunk, decode_summary, encode_chunk


def test_a_chunk_gives_its_samples_back():
    made = batch(1.7e9 + np.arange(60.0))
    body = encode_chunk(made)
    assert_same(decode_chunk(body, "bus-7"), made)
    summary = decode_summary(body)
    assert (summary.rows, summary.cells, summary.probes) == (60, 3, 2)
    assert summary.cell_voltage_volt_min == np.nanmin(made.cell_voltage_volt)
