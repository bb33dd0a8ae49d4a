"""The faults that ``voltherd bench detect`` plants, and how soon each one is to be found."""

from typing import Final, NamedTuple

from voltherd.types.event import Phenomenon

P = Phenomenon
HOUR_PER_DAY: Final = 24.0


class Case(NamedTuple):
    """One kind and size of fault.

    Attributes:
        phenomenon: Its kind.
        size: In ``unit``.
        unit: As in ``sim.faults.Fault``.
        goal_hour: By when it is to be found, None where no goal is set [h].
    """

    phenomenon: Phenomenon
    size: float
    unit: str
    goal_hour: float | None = None

    @property
    def text(self) -> str:
        """The fault as ``--faults`` spells it.

        >>> Case(Phenomenon.INTERNAL_SHORT, 0.006, "1/day").text
        'internal_short:0.6%/day'
        """
        if not self.unit:
            return self.phenomenon.value
        spelt = [(self.size * factor, unit) for factor, unit in _SPELT[self.unit]]
        size, unit = next((s for s in spelt if abs(s[0]) >= 0.05), spelt[-1])
        # A sensor's fault sits at a cell where no place is named.
        place = "@probe=any" if self.unit == "K/day" else ""
        return f"{self.phenomenon.value}:{size:g}{unit}{place}"

    @property
    def of_probe(self) -> bool:
        """Whether it sits at a temperature probe."""
        return self.unit in ("K", "K/day")


_SPELT: Final = {
    "1/day": ((100.0, "%/day"),),
    "1": ((100.0, "%"),),
    "ohm": ((1.0, "ohm"), (1e3, "mohm")),
    "V": ((1.0, "V"), (1e3, "mV")),
    "V/day": ((1e3, "mV/day"),),
    "K": ((1.0, "K"),),
    "K/day": ((1.0, "K/day"),),
    "A": ((1.0, "A"),),
}

SHORTS: Final = (
    Case(P.INTERNAL_SHORT, 0.0018, "1/day"),
    Case(P.INTERNAL_SHORT, 0.0035, "1/day", 72.0),
    Case(P.INTERNAL_SHORT, 0.006, "1/day", 48.0),
    Case(P.INTERNAL_SHORT, 0.018, "1/day"),
    Case(P.INTERNAL_SHORT, 0.06, "1/day", 12.0),
    Case(P.INTERNAL_SHORT, 200.0, "ohm"),
    Case(P.INTERNAL_SHORT, 100.0, "ohm"),
    Case(P.INTERNAL_SHORT, 50.0, "ohm"),
    Case(P.INTERNAL_SHORT, 20.0, "ohm"),
    Case(P.INTERNAL_SHORT, 10.0, "ohm"),
    Case(P.INTERNAL_SHORT, 5.0, "ohm"),
    Case(P.INTERNAL_SHORT, 1.0, "ohm"),
)
CONTACTS: Final = (
    Case(P.CONTACT_RESISTANCE, 5e-5, "ohm", 120.0),
    Case(P.CONTACT_RESISTANCE, 1e-4, "ohm", 120.0),
    Case(P.CONTACT_RESISTANCE, 3e-4, "ohm"),
    Case(P.CONTACT_RESISTANCE, 1e-3, "ohm"),
)
CELLS: Final = (
    Case(P.WEAK_CELL, 0.05, "1"),
    Case(P.WEAK_CELL, 0.10, "1"),
    Case(P.WEAK_CELL, 0.20, "1"),
    Case(P.CELL_IMBALANCE, -0.03, "1"),
    Case(P.CELL_IMBALANCE, -0.06, "1"),
)
SENSORS: Final = (
    Case(P.SENSOR_BIAS, 0.005, "V", 1.0 / 6.0),
    Case(P.SENSOR_BIAS, 0.01, "V", 1.0 / 6.0),
    Case(P.SENSOR_BIAS, 0.03, "V", 1.0 / 6.0),
    Case(P.SENSOR_DRIFT, 0.001, "V/day"),
    Case(P.SENSOR_DRIFT, 0.003, "V/day"),
    Case(P.SENSOR_DRIFT, 0.3, "K/day"),
    Case(P.SENSOR_STUCK, 0.0, ""),
    Case(P.SENSOR_SPIKES, 0.2, "V"),
    Case(P.CHANNEL_SWAP, 0.0, ""),
    Case(P.TEMPERATURE_OUTLIER, 2.0, "K", 1.0 / 6.0),
    Case(P.TEMPERATURE_OUTLIER, 15.0, "K"),
)
RECORDED: Final = (*SHORTS, *CONTACTS, *CELLS, *SENSORS)
