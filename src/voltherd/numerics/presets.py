"""Parameter sets to start from when nothing is known but the chemistry.

What is published and what is assumed, set by set:

* **Open-circuit voltage**: differences of published half-cell fits (``ocv.py`` cites each) over
  stoichiometry windows.  NMC: the window of Chen et al. (2020), table of electrode balance.
  NCA: through the fully charged composition of Kim et al. (2011) as PyBaMM lists it
  (x = 0.63, y = 0.41) along their electrode balance (1.02 positive per negative), ended by us
  where the cell shows 4.2 V and 2.7 V.  LFP: both electrodes of Safari and Delacourt (2011); the
  graphite window 0.0085…0.78 is the one Schimpe et al., J. Electrochem. Soc. 165 (2018) A181, give
  for an LFP cell, the other is ours, so that the cell rests between 2.4 V and 3.6 V.
  Against recorded cells that none of this was fitted to, between 10 and 95 % SOC: NMC within
  12 mV rms of an LG HG2 discharged at C/20, LFP within 10 mV rms of the mean of a measured charge
  and discharge curve (the tests repeat both).
* **Everything else is an engineering assumption**, typical of automotive cells near 25 °C and
  stated per ampere-hour so that it scales: ohmic resistance times capacity 0.03 Ω·Ah (LFP) to
  0.075 Ω·Ah (NMC, NCA), RC time constants of 10 s and 300–400 s, 30 kJ/mol activation, 13 J/K per
  Ah of heat capacity (about 0.95 J/(g K) at 240 Wh/kg; LFP more), 50 K Ah/W to the coolant.
* **Hysteresis**: half-gap 20 mV for LFP (half-gaps of 17–26 mV are commonly measured along the
  plateau), 5 mV for graphite–SiOx NMC, 3 mV for NCA: assumptions.

They let a filter start and a simulator live.  They are not your cell: identified parameters beat
them, and the filter's measurement noise is set with that in mind.
"""

from typing import Final

import numpy as np
from jaxtyping import Float

from voltherd.numerics.cell_parameters import CellParameters
from voltherd.numerics.ocv import (
    full_cell,
    graphite_chen2020,
    graphite_kim2011,
    graphite_safari2011,
    lfp_safari2011,
    nca_kim2011,
    nmc811_chen2020,
)
from voltherd.types.asset import Chemistry


def _preset(
    name: str,
    chemistry: Chemistry,
    ocv_volt: Float[np.ndarray, "nodes"],
    ohm_ah: tuple[float, float, float],
    tau2_second: float,
    hysteresis_volt: float,
    heat_joule_per_kelvin_ah: float,
    source: str,
) -> CellParameters:
    """Fill a set of one ampere-hour; ``resized`` gives the cell wanted."""
    return CellParameters(
        name=name,
        chemistry=chemistry,
        capacity_ah=1.0,
        ocv_volt=ocv_volt,
        r0_ohm=ohm_ah[0],
        r1_ohm=ohm_ah[1],
        r2_ohm=ohm_ah[2],
        tau1_second=10.0,
        tau2_second=tau2_second,
        hysteresis_volt=hysteresis_volt,
        hysteresis_rate=30.0,
        activation_joule_per_mole=30_000.0,
        heat_capacity_joule_per_kelvin=heat_joule_per_kelvin_ah,
        thermal_resistance_kelvin_per_watt=50.0,
        source=source + "; resistances, heat and hysteresis are engineering assumptions",
    )


NMC: Final = _preset(
    "NMC811 against graphite-SiOx, 5 Ah",
    Chemistry.NMC,
    full_cell(nmc811_chen2020, graphite_chen2020, (0.9084, 0.2661), (0.0279, 0.9014)),
    (0.075, 0.030, 0.035),
    300.0,
    0.005,
    13.0,
    "OCV: Chen et al., J. Electrochem. Soc. 167 (2020) 080534",
).resized(5.0)

NCA: Final = _preset(
    "NCA against graphite, 2.9 Ah",
    Chemistry.NCA,
    full_cell(nca_kim2011, graphite_kim2011, (0.98304, 0.34212), (0.06820, 0.69655)),
    (0.075, 0.030, 0.035),
    300.0,
    0.003,
    13.0,
    "OCV: Kim et al., J. Electrochem. Soc. 158 (2011) A955",
).resized(2.9)

LFP: Final = _preset(
    "LFP against graphite, 100 Ah",
    Chemistry.LFP,
    full_cell(lfp_safari2011, graphite_safari2011, (0.97, 0.02), (0.0085, 0.78)),
    (0.030, 0.015, 0.030),
    400.0,
    0.020,
    18.0,
    "OCV: Safari and Delacourt, J. Electrochem. Soc. 158 (2011) A562",
).resized(100.0)

PRESETS: Final = {preset.chemistry: preset for preset in (NMC, NCA, LFP)}
"""By chemistry; LMO and LTO have no set yet."""
