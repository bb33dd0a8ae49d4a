"""Made-up records of a pack whose cells follow the current as a resistance does, with noise."""

import numpy as np

from voltherd.types.sample import SampleBatch

CELLS = 12
OHM = 1e-3


def record(rng, ampere, *, every=10.0, speed=40.0, cells=CELLS, slope_volt=0.8, capacity_ah=150.0):
    """A record of a current; ``speed`` is one number or a row each."""
    rows = len(ampere)
    time = 1.7e9 + every * np.arange(rows)
    charge = np.cumsum(ampere) * every / 3600.0 / capacity_ah
    volt = (3.7 + slope_volt * charge + OHM * ampere)[:, None] + rng.normal(
        0.0, 1e-3, (rows, cells)
    )
    volt = np.round(volt, 3).astype(np.float32)
    scalar = {
        "current_ampere": np.round(np.asarray(ampere, float), 1),
        "voltage_volt": np.round(volt.sum(axis=1, dtype=float) + rng.normal(0, 0.03, rows), 1),
        "speed_kilometre_per_hour": np.broadcast_to(speed, rows).astype(float),
    }
    return SampleBatch(
        vehicle_id="v",
        unix_time_second=time,
        cell_voltage_volt=volt,
        cell_quality=np.zeros(volt.shape, np.uint8),
        probe_temperature_celsius=np.empty((rows, 0), np.float32),
        probe_quality=np.empty((rows, 0), np.uint8),
        scalar=scalar,
        scalar_quality={name: np.zeros(rows, np.uint8) for name in scalar},
    )


def driven(rng, rows):
    """A lively current."""
    return rng.normal(-20.0, 40.0, rows)
