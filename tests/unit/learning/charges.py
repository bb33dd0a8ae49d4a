"""Charges drawn without a simulator: a voltage over charge, spread cells, slow heat, noise."""

import numpy as np

from voltherd.learning.snippets import SAMPLES, Snippets


def drawn_charges(
    chance: np.random.Generator, vehicles: int, each: int, *, low_volt: float = 0.0, name: str = "v"
) -> Snippets:
    """Charges of vehicles whose lowest cell lies lower by so much towards the end of a charge."""
    count = vehicles * each
    along = np.linspace(0.0, 1.0, SAMPLES)
    start, gain = chance.uniform(0.1, 0.3, (count, 1)), chance.uniform(0.5, 0.65, (count, 1))
    soc = start + gain * along
    ampere = chance.uniform(30.0, 60.0, (count, 1)) * (1.0 + 0.02 * np.sin(9.0 * along))
    mean = 3.4 + 0.7 * soc + 5e-4 * ampere + chance.normal(0.0, 3e-4, soc.shape)
    own = np.repeat(chance.uniform(0.008, 0.014, (vehicles, 2)), each, axis=0)
    high = mean + own[:, :1] + chance.normal(0.0, 5e-4, soc.shape)
    low = mean - own[:, 1:] - low_volt * along + chance.normal(0.0, 5e-4, soc.shape)
    cold = chance.uniform(10.0, 25.0, (count, 1)) + 4.0 * along
    hot = cold + 1.5 + chance.normal(0.0, 0.2, soc.shape)
    deviation = 0.005 + chance.normal(0.0, 2e-4, soc.shape)
    return Snippets(
        vehicle=np.repeat([f"{name}{number:03d}" for number in range(vehicles)], each),
        start_second=np.arange(count) * 9e4,
        duration_second=np.full(count, 9000.0),
        values=np.stack([mean, ampere, soc, high, low, hot, cold, deviation], axis=2),
    )
