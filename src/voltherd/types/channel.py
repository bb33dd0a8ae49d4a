"""THE table of channels: canonical name, unit, range, accuracy and rate.

Names are the Battery Data Format's machine names where it has one.  BDF knows one cell per file, so
a pack's cells and probes carry a 1-based suffix as the vehicle numbers them:
``voltage_volt_cell_001``, ``temperature_celsius_probe_001``.
"""

import re
from dataclasses import dataclass
from typing import Final, final


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelSpec:
    """What a channel is declared to be able to show.

    Attributes:
        name: Canonical name, unit included.
        unit: Unit symbol for people.
        minimum: Lowest value that can be physical.
        maximum: Highest value that can be physical.
        accuracy: Half-width of the declared error, in the channel's unit.
        rate_hertz: Declared sampling rate, or None where none is declared.
        meaning: One clause for people.
    """

    name: str
    unit: str
    minimum: float
    maximum: float
    accuracy: float
    rate_hertz: float | None = None
    meaning: str = ""


TIME: Final = "unix_time_second"
CELL_VOLTAGE: Final = ChannelSpec(
    name="voltage_volt_cell",
    unit="V",
    minimum=0.5,
    maximum=5.0,
    accuracy=0.005,
    meaning="voltage of one cell block in the string",
)
PROBE_TEMPERATURE: Final = ChannelSpec(
    name="temperature_celsius_probe",
    unit="°C",
    minimum=-50.0,
    maximum=200.0,
    accuracy=1.0,
    meaning="one temperature probe of the pack",
)

_SCALARS: Final = (
    ("voltage_volt", "V", 0.0, 1500.0, 1.0, "pack voltage"),
    ("current_ampere", "A", -3000.0, 3000.0, 0.5, "pack current, positive charging"),
    ("soc_fraction", "1", 0.0, 1.0, 0.05, "state of charge as the vehicle reports it"),
    ("speed_kilometre_per_hour", "km/h", 0.0, 300.0, 1.0, "vehicle speed"),
    ("odometer_kilometre", "km", 0.0, 3_000_000.0, 1.0, "distance the vehicle has covered"),
    ("ambient_temperature_celsius", "°C", -60.0, 70.0, 1.0, "air around the vehicle"),
    ("insulation_resistance_ohm", "Ω", 0.0, 1e9, 5e4, "insulation of the high-voltage bus"),
    ("warning_level", "1", 0.0, 15.0, 0.0, "the vehicle's own warning level (context only)"),
    ("charge_state", "1", 0.0, 15.0, 0.0, "the vehicle's own charging state (context only)"),
    ("cell_voltage_volt_max", "V", 0.5, 5.0, 0.005, "highest cell as the vehicle reports it"),
    ("cell_voltage_volt_min", "V", 0.5, 5.0, 0.005, "lowest cell as the vehicle reports it"),
    ("temperature_celsius_max", "°C", -50.0, 200.0, 1.0, "hottest probe as reported"),
    ("temperature_celsius_min", "°C", -50.0, 200.0, 1.0, "coldest probe as reported"),
    ("relative_humidity_fraction", "1", 0.0, 1.0, 0.05, "relative humidity inside the pack"),
    ("pressure_pascal", "Pa", 0.0, 2e6, 1e3, "pressure inside the pack"),
    (
        "vibration_metre_per_second_squared",
        "m/s²",
        0.0,
        1000.0,
        0.1,
        "vibration of the pack, root mean square over the sample",
    ),
    ("airbag_state", "1", 0.0, 15.0, 0.0, "airbags or crash sensor, 0 calm, else triggered"),
    ("self_check_state", "1", 0.0, 255.0, 0.0, "failed self-check of the BMS, 0 for none"),
    ("contactor_command_state", "1", 0.0, 15.0, 0.0, "main contactors as commanded, 0 open"),
    ("outlet_voltage_volt", "V", 0.0, 1500.0, 1.0, "voltage beyond the main contactors"),
)
SCALARS: Final = {
    name: ChannelSpec(
        name=name, unit=unit, minimum=low, maximum=high, accuracy=accuracy, meaning=meaning
    )
    for name, unit, low, high, accuracy, meaning in _SCALARS
}
"""The channels of which a vehicle has at most one."""

_INDEXED = re.compile(r"^(voltage_volt_cell|temperature_celsius_probe)_(\d{3,})$")


def cell_column(index: int) -> str:
    """Give the column of a cell, counted from 1 as the vehicle numbers it.

    >>> cell_column(81)
    'voltage_volt_cell_081'
    """
    return f"{CELL_VOLTAGE.name}_{index:03d}"


def probe_column(index: int) -> str:
    """Give the column of a temperature probe, counted from 1.

    >>> probe_column(7)
    'temperature_celsius_probe_007'
    """
    return f"{PROBE_TEMPERATURE.name}_{index:03d}"


def spec(column: str) -> ChannelSpec | None:
    """Find the declaration of a canonical column, None for anything else.

    >>> spec("voltage_volt_cell_081").unit, spec("soc_fraction").maximum, spec("V_81")
    ('V', 1.0, None)
    """
    match = _INDEXED.match(column)
    if match is None:
        return SCALARS.get(column)
    return CELL_VOLTAGE if match[1] == CELL_VOLTAGE.name else PROBE_TEMPERATURE
