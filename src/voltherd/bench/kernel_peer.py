"""The peer: what one would write per cell with filterpy and plain Python, no better and no worse.

The same two-RC cell with hysteresis, heat and Arrhenius, the same noise; only filterpy's update
has no answer to outliers, so the peer has none.
"""

from math import exp
from typing import Any

import numpy as np
from jaxtyping import Float

from voltherd.numerics.cell_model import Constants
from voltherd.numerics.cell_parameters import CellParameters
from voltherd.units import GAS_CONSTANT_JOULE_PER_MOLE_KELVIN as GAS
from voltherd.units import REFERENCE_TEMPERATURE_CELSIUS, kelvin_from_celsius

REFERENCE_KELVIN = kelvin_from_celsius(REFERENCE_TEMPERATURE_CELSIUS)


class FilterpyCell:
    """One cell and its extended Kalman filter."""

    def __init__(
        self,
        parameters: CellParameters,
        c: Constants,
        state: Float[np.ndarray, "11"],
        inverse_capacity: float,
        resistance_scale: float,
    ) -> None:
        from filterpy.kalman import ExtendedKalmanFilter

        self.p, self.c = parameters, c
        self.ocv = parameters.ocv_volt.tolist()
        self.inverse_capacity, self.scale = inverse_capacity, resistance_scale
        self.h, self.theta = float(state[3]), float(state[4])
        self.filter: Any = ExtendedKalmanFilter(dim_x=3, dim_z=1)
        zz, z1, z2, p11, p12, p22 = state[5:]
        self.filter.x = state[:3].copy()
        self.filter.P = np.array([[zz, z1, z2], [z1, p11, p12], [z2, p12, p22]])
        self.filter.F = np.diag([1.0, c.decay1, c.decay2])
        self.filter.Q = np.diag([c.q_charge, c.q_polarisation, c.q_polarisation])
        self.slope, self.expected = 0.0, 0.0

    def step(self, current: float, voltage: float, ambient: float) -> float:
        """Advance one sample; give the state of charge."""
        c, p, f = self.c, self.p, self.filter
        dz = current * c.charge * self.inverse_capacity
        keep = exp(-abs(p.hysteresis_rate * dz))
        sign = (current > 0.0) - (current < 0.0)
        self.h = keep * self.h + (1.0 - keep) * sign
        kelvin = REFERENCE_KELVIN + self.theta
        arrhenius = exp(p.activation_joule_per_mole / GAS * (1.0 / kelvin - 1.0 / REFERENCE_KELVIN))
        drive = current * self.scale * arrhenius
        f.x[0] += dz
        f.x[1] = c.decay1 * f.x[1] + c.rise1 * drive
        f.x[2] = c.decay2 * f.x[2] + c.rise2 * drive
        f.P = f.F @ f.P @ f.F.T + f.Q
        x = min(max(f.x[0] * 100.0, 0.0), 99.0)
        k = int(x)
        self.slope = (self.ocv[k + 1] - self.ocv[k]) * 100.0
        ocv = self.ocv[k] + self.slope * (f.x[0] - k / 100.0)
        over = c.hysteresis_volt * self.h + f.x[1] + f.x[2] + c.r0 * drive
        self.expected = ocv + over
        self.theta = (
            c.thermal_decay * self.theta + c.thermal_rise * ambient + c.heating * current * over
        )
        if voltage == voltage:
            before = f.x[0]
            f.update(
                voltage, self._jacobian, self._predicted, R=c.r_voltage + c.r_drive * drive * drive
            )
            f.P[0, 0] += c.doubt * (f.x[0] - before) ** 2
            f.x[0] = min(max(f.x[0], 0.0), 1.0)
        return float(f.x[0])

    def _jacobian(self, _: Float[np.ndarray, "3"]) -> Float[np.ndarray, "1 3"]:
        return np.array([[self.slope, 1.0, 1.0]])

    def _predicted(self, _: Float[np.ndarray, "3"]) -> Float[np.ndarray, "1"]:
        return np.array([self.expected])


def run_peer(
    parameters: CellParameters,
    c: Constants,
    state: Float[np.ndarray, "11 cells"],
    current: Float[np.ndarray, "time cells"],
    voltage: Float[np.ndarray, "time cells"],
    ambient: Float[np.ndarray, "time"],
    inverse_capacity: Float[np.ndarray, "cells"],
    resistance_scale: Float[np.ndarray, "cells"],
) -> Float[np.ndarray, "time cells"]:
    """Run every cell through all time steps with one filter object each.

    Args and result are those of ``NumpyFilter.history``.
    """
    cells = [
        FilterpyCell(parameters, c, state[:, j], float(inverse_capacity[j]), float(scale))
        for j, scale in enumerate(resistance_scale)
    ]
    soc = np.empty(voltage.shape)
    for t, around in enumerate(ambient.tolist()):
        amperes, volts = current[t].tolist(), voltage[t].tolist()
        for j, cell in enumerate(cells):
            soc[t, j] = cell.step(amperes[j], volts[j], around)
    return soc
