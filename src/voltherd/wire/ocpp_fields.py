"""Reading payloads of stations that keep the letter of no specification.

What can be used is used; what cannot is left out with a remark.  Only where a message makes no
sense without a field is it refused.
"""

import json
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any, Final, TypeVar, final

from voltherd.errors import UnreadableError
from voltherd.types.station import BEGIN, ENERGY, PERIODIC, MeterReading
from voltherd.wire.ocpp_time import read_time, write_time

_T = TypeVar("_T")
TEXT_MAX: Final = 512
READINGS_MAX: Final = 4096
"""Of one message; more are dropped with a remark."""
_NUMBER_MAX: Final = 1e15
_SCALES: Final = {
    "kW": ("W", 1e3),
    "kWh": ("Wh", 1e3),
    "kvar": ("var", 1e3),
    "kvarh": ("varh", 1e3),
    "kVA": ("VA", 1e3),
    "Percent": ("1", 1 / 100.0),
    "Celcius": ("Celsius", 1.0),
    "Hz": ("Hertz", 1.0),
    "mA": ("A", 1e-3),
    "mV": ("V", 1e-3),
}
_UNITS: Final = (
    ("Energy.Reactive", "varh"),
    ("Energy.Apparent", "VAh"),
    ("Energy", "Wh"),
    ("Power.Factor", "1"),
    ("Power.Reactive", "var"),
    ("Power", "W"),
    ("Current", "A"),
    ("Voltage", "V"),
    ("SoC", "Percent"),
    ("Frequency", "Hertz"),
    ("Temperature", "Celsius"),
)


class UnusableError(UnreadableError):
    """A message that makes no sense without what is missing.

    Attributes:
        code: How a protocol error names it, in the spelling of 2.0.1.
    """

    def __init__(self, code: str, what: str) -> None:
        super().__init__(what)
        self.code = code


@final
class Fields:
    """A payload while it is read.

    Args:
        payload: An object of JSON.
        remarks: Where what could not be used is noted.
    """

    def __init__(self, payload: Mapping[str, Any], remarks: list[str]) -> None:
        self._payload = payload
        self.remarks = remarks

    def has(self, name: str) -> bool:
        """Say whether a field is there at all."""
        return self._payload.get(name) is not None

    def text(self, name: str, default: str = "") -> str:
        """Give a text; numbers are taken as they are written."""
        value = self._payload.get(name)
        if isinstance(value, str):
            text = value[:TEXT_MAX]
            return text if text.isascii() else text.encode("utf-8", "replace").decode()
        if value is None:
            return default
        if isinstance(value, int | float) and not isinstance(value, bool):
            self.remarks.append(f"{name}: a number where a text is due")
            return str(value)[:TEXT_MAX]
        return self._odd(name, default)

    def identifier(self, name: str) -> str:
        """Give an id, a number in 1.6 and a text later, as text; empty where there is none."""
        value = self._payload.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < _NUMBER_MAX:
            return str(value)
        return self.text(name)

    def flag(self, name: str) -> bool:
        """Say whether a flag is set."""
        return self._payload.get(name) in (True, "true", "True")

    def any(self, name: str) -> str:
        """Give whatever is there as text: as it is, or as JSON."""
        value = self._payload.get(name)
        return value if isinstance(value, str) else "" if value is None else json.dumps(value)

    def number(self, name: str) -> float | None:
        """Give a number; texts of numbers are taken."""
        value = self._payload.get(name)
        if value is None:
            return None
        number = read_number(value)
        if number is None:
            return self._odd(name, None)
        return number

    def integer(self, name: str) -> int | None:
        """Give a whole number; a fraction is cut off with a remark."""
        number = self.number(name)
        if number is None:
            return None
        if number != int(number):
            self.remarks.append(f"{name}: {number:g} where a whole number is due")
        return int(number)

    def time(self, name: str, default: float) -> float:
        """Give a time, or the default with a remark where there is none."""
        time = read_time(self._payload.get(name))
        if time is None:
            self.remarks.append(f"{name}: no time")
            return default
        return time

    def time_if_any(self, name: str) -> float | None:
        """Give a time; None where there is none."""
        if not self.has(name):
            return None
        time = read_time(self._payload[name])
        return self._odd(name, None) if time is None else time

    def inside(self, name: str) -> "Fields":
        """Give an object within; an empty one where there is none."""
        value = self._payload.get(name)
        if value is not None and not isinstance(value, dict):
            self.remarks.append(f"{name}: no object")
        return Fields(value if isinstance(value, dict) else {}, self.remarks)

    def each(self, name: str) -> "Iterator[Fields]":
        """Give the objects of a list; a lone object counts as a list of one."""
        value = self._payload.get(name)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                yield Fields(item, self.remarks)
            elif item is not None:
                self.remarks.append(f"{name}: no object in the list")

    def texts(self, name: str) -> tuple[str, ...]:
        """Give the texts of a list."""
        value = self._payload.get(name)
        return (
            tuple(t[:TEXT_MAX] for t in value if isinstance(t, str))
            if isinstance(value, list)
            else ()
        )

    def needed_integer(self, name: str) -> int:
        """Give a whole number.

        Raises:
            UnusableError: There is none.
        """
        value = self.integer(name)
        if value is None:
            raise self._missing(name)
        return value

    def needed_text(self, name: str) -> str:
        """Give a text.

        Raises:
            UnusableError: There is none.
        """
        value = self.text(name)
        if not value:
            raise self._missing(name)
        return value

    def _missing(self, name: str) -> UnusableError:
        code = "TypeConstraintViolation" if self.has(name) else "OccurrenceConstraintViolation"
        return UnusableError(code, f"{name} is needed")

    def _odd(self, name: str, default: _T) -> _T:
        self.remarks.append(f"{name}: {type(self._payload[name]).__name__} cannot be used")
        return default


def read_number(value: object) -> float | None:
    """Read a number of sensible size, from a number or its text; None where it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, int) and abs(value) > _NUMBER_MAX:
        return None  # float() of an endless integer raises
    try:
        number = float(value)
    except ValueError:
        return None
    return number if isfinite(number) and abs(number) <= _NUMBER_MAX else None


def read_meter(fields: Fields, name: str, heard_second: float) -> tuple[MeterReading, ...]:
    """Read the values of a meter; lists may have their names of OCPP 1.5.

    Args:
        fields: What holds the list.
        name: Of the list.
        heard_second: The time of values that have none [unix s].

    Returns:
        Readings in W, Wh, A, V and fractions, in the order they were written; values that are no
        numbers (signed data) are left out with a remark.
    """
    readings: list[MeterReading] = []
    for group in fields.each(_name_of(fields, name, "values")):
        time_second = group.time("timestamp", heard_second)
        for sample in group.each(_name_of(group, "sampledValue", "value", "values")):
            reading = _reading(sample, time_second)
            if reading is not None:
                readings.append(reading)
            if len(readings) >= READINGS_MAX:
                fields.remarks.append(
                    f"{name}: more than {READINGS_MAX} values; the rest is dropped"
                )
                return tuple(readings)
    return tuple(readings)


def _name_of(fields: Fields, name: str, *older: str) -> str:
    """Give the name that a list goes by: its own, or with a remark an older one."""
    found = next((one for one in (name, *older) if fields.has(one)), name)
    if found != name:
        fields.remarks.append(f"{name}: called {found}")
    return found


def _reading(sample: Fields, time_second: float) -> MeterReading | None:
    value = sample.number("value")
    if value is None:
        return None
    quantity = sample.text("measurand", ENERGY)
    if sample.has("unitOfMeasure"):
        inner = sample.inside("unitOfMeasure")
        unit, multiplier = inner.text("unit"), inner.number("multiplier") or 0.0
    else:
        unit, multiplier = sample.text("unit"), 0.0
    if abs(multiplier) > 12.0:
        sample.remarks.append(f"multiplier: {multiplier:g} cannot be meant")
        return None
    if not unit:
        unit = next((unit for start, unit in _UNITS if quantity.startswith(start)), "")
    if multiplier:
        value *= 10.0**multiplier
    if unit in _SCALES:
        unit, scale = _SCALES[unit]
        # Divided where it can be: 47 / 100 is 0.47, 47 * 0.01 is not.
        value = value / round(1.0 / scale) if scale < 1.0 else value * scale
    phase, context = sample.text("phase"), sample.text("context", PERIODIC)
    return MeterReading(time_second, quantity, value, unit, phase, context)


def write_meter(readings: tuple[MeterReading, ...], *, as_text: bool) -> list[dict[str, Any]]:
    """Write readings, those of one time together.

    Args:
        readings: In W, Wh, A, V and fractions.
        as_text: As 1.6 wants values; else numbers with a unit of their own, as 2.0.1 does.
    """
    groups: dict[float, list[dict[str, Any]]] = {}
    for reading in readings:
        percent = reading.unit == "1" and reading.quantity == "SoC"
        value = round(reading.value * 100.0 if percent else reading.value, 3)
        unit = "Percent" if percent else reading.unit
        sample: dict[str, Any] = {"value": f"{value:.10g}" if as_text else value}
        sample |= {"measurand": reading.quantity, "context": reading.context}
        if reading.phase:
            sample["phase"] = reading.phase
        if unit not in ("", "1"):
            sample |= {"unit": unit} if as_text else {"unitOfMeasure": {"unit": unit}}
        groups.setdefault(reading.time_second, []).append(sample)
    return [
        {"timestamp": write_time(second), "sampledValue": samples}
        for second, samples in groups.items()
    ]


def energy_reading(time_second: float, energy_wh: float, context: str = BEGIN) -> MeterReading:
    """Make a reading of the meter's energy register."""
    return MeterReading(time_second, ENERGY, energy_wh, "Wh", "", context)
