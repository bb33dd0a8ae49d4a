"""Records of a pack whose truth is known, made by the plant: drives, charges and rests."""

import numpy as np

from voltherd.estimation.pack_trace import PackTrace
from voltherd.numerics.cell_plant import Plant
from voltherd.numerics.presets import NMC

HOUR = 3600.0
SECOND = 20.0


def empty_trace(rows, **columns):
    """A trace without any value but those given."""
    nan = {name: np.full(rows, np.nan) for name in PackTrace._fields}
    return PackTrace(**{**nan, "unix_time_second": np.arange(rows) * 10.0 + 1.7e9, **columns})


def life(days=12, capacity_ah=100.0, seed=0, cell=NMC, second=SECOND, gauge=None):
    """A drive, a rest, a charge and a rest each day; the reading is true but for a gauge."""
    random = np.random.default_rng(seed)
    parameters = cell.resized(capacity_ah)
    plant = Plant(parameters=parameters)
    state = plant.init(np.array([0.9]))
    ampere = []
    for _ in range(days):
        depth = random.uniform(0.3, 0.6)
        drive = int(2.0 * HOUR / second)
        noise = 0.4 * capacity_ah * np.repeat(random.normal(0.0, 1.0, drive // 3 + 1), 3)[:drive]
        noise -= noise.mean() + depth * capacity_ah / 2.0
        charge = np.full(int(4.0 * HOUR / second), depth * capacity_ah / 4.0)
        rests = np.zeros(int(1.5 * HOUR / second)), np.zeros(int(1.5 * HOUR / second))
        ampere += [rests[0], noise, rests[1], charge]
    ampere.append(np.zeros(int(1.5 * HOUR / second)))
    current = np.concatenate(ampere)
    volt, soc = np.empty(len(current)), np.empty(len(current))
    for row, value in enumerate(current.tolist()):
        state, shown = plant.step(state, value, 25.0, second)
        volt[row], soc[row] = shown[0], state.soc[0]
    time = 1.7e9 + second * np.arange(len(current))
    measured = current + random.normal(0.0, 0.1, len(current))
    shown = volt + random.normal(0.0, 0.001, len(volt))
    reported = soc if gauge is None else gauge(time - time[0], current, soc)
    trace = empty_trace(
        len(current),
        unix_time_second=time,
        current_ampere=measured,
        cell_volt=shown,
        low_volt=shown,
        high_volt=shown,
        string_volt=shown,
        temperature_celsius=np.full(len(current), 25.0),
        soc_reported=np.clip(np.round(reported, 2), 0.0, 1.0),
    )
    return trace, parameters
