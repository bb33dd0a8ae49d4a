"""A pack that is driven or charged, sample by sample, as its telematics would send it."""

from dataclasses import replace

import numpy as np
from windows_of import batch_of

CELLS, PROBES = 48, 12


def driven(
    rows=240,
    *,
    period_second=10.0,
    volt_step=0.001,
    kelvin_step=1.0,
    ampere=60.0,
    charging=False,
    seed=0,
):
    """Give a batch of healthy readings.

    Cells differ in offset and resistance, are read a little apart, and read in steps of
    ``volt_step``; probes warm up at different rates and read in steps of ``kelvin_step``.
    """
    rng = np.random.default_rng(seed)
    time = 1.6e9 + period_second * np.arange(rows)
    current = np.full(rows, ampere) if charging else -ampere * rng.gamma(1.0, 1.0, rows)
    charge = np.cumsum(current) * period_second / 3600.0 / 150.0
    late = np.repeat(np.linspace(0.0, 0.3, CELLS // 12), 12) * rng.normal(0.0, 5.0, (rows, 1))
    ohm = 6e-4 * (1.0 + 0.03 * rng.standard_normal(CELLS))
    volt = 3.7 + 0.5 * charge[:, None] + (current[:, None] + late) * ohm
    volt += rng.normal(0.0, 0.004, CELLS) + rng.normal(0.0, 0.001, (rows, CELLS))
    warmth = 25.0 + np.linspace(0.0, 3.0, rows)[:, None] * rng.uniform(0.7, 1.3, PROBES)
    warmth += rng.normal(0.0, 0.4, PROBES) + rng.normal(0.0, 0.15, (rows, PROBES))
    batch = batch_of(
        time,
        np.round(volt / volt_step) * volt_step,
        current_ampere=current,
        soc_fraction=0.6 + charge,
        speed_kilometre_per_hour=np.full(rows, 0.0 if charging else 50.0),
    )
    return replace(
        batch,
        probe_temperature_celsius=(np.round(warmth / kelvin_step) * kelvin_step).astype(np.float32),
        probe_quality=np.zeros((rows, PROBES), np.uint8),
    )


def with_cell(batch, cell, change):
    """The same with the readings of one cell, from 1, changed by a function of them."""
    volt = batch.cell_voltage_volt.copy()
    volt[:, cell - 1] = change(volt[:, cell - 1].astype(float))
    return replace(batch, cell_voltage_volt=volt)


def with_probe(batch, probe, change):
    """The same with the readings of one probe, from 1, changed by a function of them."""
    celsius = batch.probe_temperature_celsius.copy()
    celsius[:, probe - 1] = change(celsius[:, probe - 1].astype(float))
    return replace(batch, probe_temperature_celsius=celsius)


def raised(state, cause):
    """Give place, severity and time of each alarm of one cause."""
    return {
        alarm.verdict.location.index: (alarm.severity, alarm.raised_second[0])
        for alarm in state.book.values()
        if alarm.verdict.cause == cause and alarm.severity is not None
    }
