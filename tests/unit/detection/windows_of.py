"""Hand-made windows and batches: a pack whose every number a test can set."""

import numpy as np

from voltherd.detection.windows import DRIVE, Windows
from voltherd.types.sample import SampleBatch

CELLS = 24


def windows_of(count=6, cells=CELLS, probes=6, **fields) -> Windows:
    """Windows of steady driving at half charge; any field may be given instead."""
    rows = np.zeros((count, 3), np.int64)
    rows[:, DRIVE] = 30
    per_state = np.full((count, 3), np.nan)
    volt, amps = per_state.copy(), per_state.copy()
    volt[:, DRIVE], amps[:, DRIVE] = 3.7, -20.0
    deviation = np.full((count, 3, cells), np.nan, np.float32)
    deviation[:, DRIVE] = 0.0
    end = 300.0 * np.arange(1, count + 1)
    usual = {
        "start_second": end - 300.0,
        "end_second": end,
        "observed_second": np.full(count, 300.0),
        "rows": rows,
        "deviation_volt": deviation,
        "cell_volt": volt,
        "current_ampere": amps,
        "soc_fraction": np.full(count, 0.5),
        "charge_ah": np.full(count, -1.5),
        "follow_ampere2": np.full(count, 2e4),
        "follow_cell_ampere2": np.full((count, cells), 2e4),
        "follow_watt": np.zeros((count, cells)),
        "follow_pack_watt": np.full(count, 20.0),
        "looked": np.full(count, 31),
        "spikes": np.zeros((count, cells), np.int64),
        "range_volt": np.full((count, cells), 0.03, np.float32),
        "probe_celsius": np.full((count, probes), 25.0, np.float32),
        "pack_volt": np.full(count, 3.7 * cells),
        "sum_volt": np.full(count, 3.7 * cells),
        "insulation_ohm": np.full(count, 3e6),
    }
    return Windows(**(usual | fields))


def batch_of(unix_time_second, cell_voltage_volt, **scalar) -> SampleBatch:
    """A batch without probes; every value is good."""
    time = np.asarray(unix_time_second, float)
    volt = np.asarray(cell_voltage_volt, np.float32)
    return SampleBatch(
        vehicle_id="v",
        unix_time_second=time,
        cell_voltage_volt=volt,
        cell_quality=np.zeros(volt.shape, np.uint8),
        probe_temperature_celsius=np.empty((len(time), 0), np.float32),
        probe_quality=np.empty((len(time), 0), np.uint8),
        scalar={name: np.asarray(values, float) for name, values in scalar.items()},
        scalar_quality={name: np.zeros(len(time), np.uint8) for name in scalar},
    )
