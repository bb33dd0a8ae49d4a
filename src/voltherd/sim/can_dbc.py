"""The messages of a simulated pack, and the DBC that describes them.

Four cells to a message, eight probes to a message, as many control units do it; 11-bit identifiers,
Intel byte order, every value unsigned with an offset.  A field of ones alone is 'not available'.
The current is positive while discharging, as most vehicles send it: whoever reads it has to notice.
The text is ASCII, since readers of DBC do not agree on an encoding.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from voltherd.errors import UsageError
from voltherd.types.asset import PackLayout
from voltherd.types.channel import CELL_VOLTAGE, cell_column, probe_column, spec

CELLS_PER_MESSAGE: Final = 4
PROBES_PER_MESSAGE: Final = 8
NOT_AVAILABLE: Final = "Not available"
_READER: Final = "Logger"
_CELLS_FROM, _PROBES_FROM, _PACK_FROM = 0x300, 0x400, 0x110
_CELL_MESSAGES_MAX: Final = _PROBES_FROM - _CELLS_FROM
_PROBE_MESSAGES_MAX: Final = 0x100


class Signal(NamedTuple):
    """A value within a message.

    Attributes:
        name: As the DBC calls it.
        channel: Canonical channel that it carries.
        start: Least significant bit.
        length: Bits.
        scale: Units per count.
        offset: Value of zero counts.
        minimum: Lowest value.
        maximum: Highest value.
        unit: As the DBC writes it.
        factor: What the channel is multiplied by, for unit and sign of the bus.
        comment: For people.
        states: Meaning of single counts.
    """

    name: str
    channel: str
    start: int
    length: int
    scale: float
    offset: float
    minimum: float
    maximum: float
    unit: str
    factor: float
    comment: str
    states: Mapping[int, str]

    @property
    def not_available(self) -> int:
        """The count that stands for 'no value': all ones."""
        return (1 << self.length) - 1


class Message(NamedTuple):
    """A message of the pack.

    Attributes:
        identifier: 11 bits.
        name: As the DBC calls it.
        sender: Control unit that sends it.
        comment: For people.
        signals: Its values, in order of their bits.
    """

    identifier: int
    name: str
    sender: str
    comment: str
    signals: tuple[Signal, ...]

    @property
    def length(self) -> int:
        """Bytes of its payload."""
        return max(signal.start + signal.length + 7 for signal in self.signals) // 8


class _Kind(NamedTuple):
    """A kind of value: how wide, how fine, in which unit."""

    length: int
    scale: float
    offset: float
    minimum: float
    maximum: float
    unit: str
    factor: float = 1.0


_CELL: Final = _Kind(16, 0.0001, 0.0, 0.0, 6.5, "V")
_PROBE: Final = _Kind(8, 1.0, -50.0, -50.0, 200.0, "degC")
_STATE: Final = _Kind(4, 1.0, 0.0, 0.0, 14.0, "")
_CHARGE_STATES: Final = {1: "Charging", 3: "Not charging", 4: "Charge complete"}
_WARNING_LEVELS: Final = {0: "None", 1: "Notice", 2: "Warning", 3: "Alarm"}
_Entry = tuple[str, str, _Kind, str, Mapping[int, str]]
_MOTION: Final[tuple[_Entry, ...]] = (
    ("VehicleSpeed", "speed_kilometre_per_hour", _Kind(16, 0.1, 0.0, 0.0, 300.0, "km/h"),
     "Speed of the vehicle", {}),
    ("Odometer", "odometer_kilometre", _Kind(32, 0.1, 0.0, 0.0, 3e6, "km"),
     "Distance the vehicle has covered", {}),
    ("AmbientTemperature", "ambient_temperature_celsius",
     _Kind(8, 0.5, -60.0, -60.0, 65.0, "degC"), "Air around the vehicle", {}),
)  # fmt: skip
_INSULATION: Final[tuple[_Entry, ...]] = (
    ("InsulationResistance", "insulation_resistance_ohm",
     _Kind(16, 1.0, 0.0, 0.0, 65_000.0, "kOhm", 1e-3),
     "Insulation of the high-voltage bus against the body", {}),
)  # fmt: skip
_ENVIRONMENT: Final[tuple[_Entry, ...]] = (
    ("PackPressure", "pressure_pascal", _Kind(16, 0.05, 0.0, 0.0, 2000.0, "kPa", 1e-3),
     "Absolute pressure inside the housing", {}),
    ("PackHumidity", "relative_humidity_fraction", _Kind(8, 0.5, 0.0, 0.0, 100.0, "%", 100.0),
     "Relative humidity inside the housing", {}),
    ("PackVibration", "vibration_metre_per_second_squared",
     _Kind(16, 0.01, 0.0, 0.0, 600.0, "m/s^2"), "Root mean square over the cycle", {}),
)  # fmt: skip
_EXTREMES: Final[tuple[_Entry, ...]] = (
    ("CellVoltageMax", "cell_voltage_volt_max", _CELL, "Highest cell of the pack", {}),
    ("CellVoltageMin", "cell_voltage_volt_min", _CELL, "Lowest cell of the pack", {}),
    ("ProbeTemperatureMax", "temperature_celsius_max", _PROBE, "Hottest probe of the pack", {}),
    ("ProbeTemperatureMin", "temperature_celsius_min", _PROBE, "Coldest probe of the pack", {}),
)
_PACK: Final[tuple[_Entry, ...]] = (
    ("PackVoltage", "voltage_volt", _Kind(16, 0.1, 0.0, 0.0, 1500.0, "V"),
     "Voltage of the whole pack, by its own sensor", {}),
    ("PackCurrent", "current_ampere", _Kind(16, 0.1, -3000.0, -3000.0, 3000.0, "A", -1.0),
     "Current of the pack, positive while DISCHARGING", {}),
    ("StateOfCharge", "soc_fraction", _Kind(16, 0.1, 0.0, 0.0, 100.0, "%", 100.0),
     "State of charge as the vehicle reckons it", {}),
    ("ChargeState", "charge_state", _STATE, "Whether the pack is being charged", _CHARGE_STATES),
    ("WarningLevel", "warning_level", _STATE, "The vehicle's own warning, by spread of the cells",
     _WARNING_LEVELS),
)  # fmt: skip


def pack_messages(layout: PackLayout, *, environment: bool = False) -> tuple[Message, ...]:
    """Give the messages of a pack, in the order in which each cycle sends them.

    Args:
        layout: Cells and probes.
        environment: Whether the pack measures pressure, humidity and vibration.

    Returns:
        Cells and probes group by group, then what the vehicle makes of them, the pack at last.

    Raises:
        UsageError: There are more cells or probes than identifiers.

    >>> [m.name for m in pack_messages(PackLayout(series=8, probe_module=(1, 1)))][:4]
    ['BMS_Cells_001_004', 'BMS_Cells_005_008', 'BMS_Probes_01_02', 'VCU_Motion']
    """
    cells = _groups(layout.series, CELLS_PER_MESSAGE)
    probes = _groups(len(layout.probe_module), PROBES_PER_MESSAGE)
    if len(cells) > _CELL_MESSAGES_MAX or len(probes) > _PROBE_MESSAGES_MAX:
        raise UsageError(
            f"{layout.series} cells and {len(layout.probe_module)} probes are more than there are "
            "identifiers for",
            mend=f"at most {_CELL_MESSAGES_MAX * CELLS_PER_MESSAGE} cells and "
            f"{_PROBE_MESSAGES_MAX * PROBES_PER_MESSAGE} probes",
        )
    around = ("BMS_Environment", "BMS", "What surrounds the cells", _ENVIRONMENT)
    return (
        *(_cells(number, group) for number, group in enumerate(cells)),
        *(_probes(number, group) for number, group in enumerate(probes)),
        _message(_PACK_FROM + 2, "VCU_Motion", "VCU", "How the vehicle moves", _MOTION),
        _message(_PACK_FROM + 3, "BMS_Insulation", "BMS", "High-voltage safety", _INSULATION),
        *((_message(_PACK_FROM + 4, *around),) if environment else ()),
        _message(_PACK_FROM + 1, "BMS_Extremes", "BMS", "What stands out in the pack", _EXTREMES),
        _message(_PACK_FROM, "BMS_Pack", "BMS", "The pack as a whole, last of a cycle", _PACK),
    )


def _groups(count: int, most: int) -> list[range]:
    return [range(k + 1, min(k + most, count) + 1) for k in range(0, count, most)]


def _cells(number: int, group: range) -> Message:
    return _message(
        _CELLS_FROM + number,
        f"BMS_Cells_{group[0]:03d}_{group[-1]:03d}",
        "BMS",
        f"Cells {group[0]} to {group[-1]} of the string",
        [(f"CellVoltage{k:03d}", cell_column(k), _CELL, f"Voltage of cell {k}", {}) for k in group],
    )


def _probes(number: int, group: range) -> Message:
    return _message(
        _PROBES_FROM + number,
        f"BMS_Probes_{group[0]:02d}_{group[-1]:02d}",
        "BMS",
        f"Temperature probes {group[0]} to {group[-1]}",
        [
            (f"ProbeTemperature{k:02d}", probe_column(k), _PROBE, f"Temperature of probe {k}", {})
            for k in group
        ],
    )


def _message(
    identifier: int, name: str, sender: str, comment: str, entries: Sequence[_Entry]
) -> Message:
    """Lay values side by side."""
    signals: list[Signal] = []
    for signal_name, channel, kind, told, states in entries:
        start = signals[-1].start + signals[-1].length if signals else 0
        signals.append(Signal(signal_name, channel, start, *kind, told, states))
    return Message(identifier, name, sender, comment, tuple(signals))


def dbc_text(messages: Sequence[Message], period_second: float) -> str:
    """Write a DBC.

    Args:
        messages: What there is on the bus.
        period_second: Distance of two frames of a message [s].

    Returns:
        The text, ASCII.
    """
    lines = [
        'VERSION "1"',
        "",
        "NS_ :",
        "",
        "BS_:",
        "",
        f"BU_: {' '.join(dict.fromkeys([*(m.sender for m in messages), _READER]))}",
        "",
    ]
    for message in sorted(messages):
        lines += [
            f"BO_ {message.identifier} {message.name}: {message.length} {message.sender}",
            *map(_signal_line, message.signals),
            "",
        ]
    channels = [signal.channel for message in messages for signal in message.signals]
    cells = sum(spec(channel) is CELL_VOLTAGE for channel in channels)
    lines.append(
        f'CM_ "A simulated pack of {cells} cells in series. All ones: not available. '
        'The current is positive while discharging.";'
    )
    for message in sorted(messages):
        lines.append(f'CM_ BO_ {message.identifier} "{message.comment}";')
        lines += [f'CM_ SG_ {message.identifier} {s.name} "{s.comment}";' for s in message.signals]
    return "\n".join([*lines, *_attributes(messages, period_second), *_states(messages), ""])


def _signal_line(signal: Signal) -> str:
    return (
        f" SG_ {signal.name} : {signal.start}|{signal.length}@1+ "
        f"({signal.scale:.10g},{signal.offset:.10g}) "
        f'[{signal.minimum:.10g}|{signal.maximum:.10g}] "{signal.unit}" {_READER}'
    )


def _attributes(messages: Sequence[Message], period_second: float) -> Iterator[str]:
    yield 'BA_DEF_ "BusType" STRING ;'
    yield 'BA_DEF_ BO_ "GenMsgCycleTime" INT 0 3600000;'
    yield 'BA_DEF_DEF_ "BusType" "CAN";'
    yield 'BA_DEF_DEF_ "GenMsgCycleTime" 0;'
    yield 'BA_ "BusType" "CAN";'
    for message in sorted(messages):
        cycle = round(1e3 * period_second)
        yield f'BA_ "GenMsgCycleTime" BO_ {message.identifier} {cycle};'


def _states(messages: Sequence[Message]) -> Iterator[str]:
    for message in sorted(messages):
        for signal in message.signals:
            states = {**signal.states, signal.not_available: NOT_AVAILABLE}
            told = " ".join(f'{count} "{meaning}"' for count, meaning in states.items())
            yield f"VAL_ {message.identifier} {signal.name} {told} ;"
