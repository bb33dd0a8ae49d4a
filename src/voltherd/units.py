"""One sign, SI with °C and hours, and the constants every room shares.

Inside voltherd current and power are positive while charging, ratios are fractions 0…1, and names
carry their unit as the Battery Data Format spells it.  Conversions happen here and in the rooms
that meet the world (``intake``, ``adapters``), nowhere else.
"""

from typing import Final

SECOND_PER_HOUR: Final = 3600.0
SECOND_PER_DAY: Final = 86_400.0
KELVIN_AT_ZERO_CELSIUS: Final = 273.15
GAS_CONSTANT_JOULE_PER_MOLE_KELVIN: Final = 8.314_462_618
"""Source: CODATA 2018, molar gas constant."""
REFERENCE_TEMPERATURE_CELSIUS: Final = 25.0


def kelvin_from_celsius(celsius: float) -> float:
    """Convert to an absolute temperature, as Arrhenius terms need it.

    >>> kelvin_from_celsius(25.0)
    298.15
    """
    return celsius + KELVIN_AT_ZERO_CELSIUS
