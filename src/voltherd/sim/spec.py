"""Everything a simulated fleet depends on, as one value."""

from dataclasses import dataclass, field
from typing import Final, final

from voltherd.sim.activity import Sampling
from voltherd.sim.faults import Fault
from voltherd.sim.load import Load
from voltherd.types.asset import Chemistry, PackLayout
from voltherd.units import SECOND_PER_DAY

START_SECOND: Final = 1_740_974_400.0
"""2025-03-03T04:00:00Z, a Monday; the day begins at 04:00, when the night's charge is done."""
DAY_BEGINS_SECOND: Final = 4.0 * 3600.0
"""By the drivers' clocks [s since midnight]."""
DEFAULT_LAYOUT: Final = PackLayout(
    series=96,
    module_series=(12,) * 8,
    probe_module=tuple(module for module in range(1, 9) for _ in range(3)),
)
DEFAULT_CHEMISTRY: Final = ((Chemistry.NMC, 0.5), (Chemistry.NCA, 0.2), (Chemistry.LFP, 0.3))


def drivers_offset(start_second: float) -> float:
    """Give what the drivers' clocks are ahead of UTC if their day begins then, at most half a day.

    >>> drivers_offset(START_SECOND), drivers_offset(START_SECOND + 3600.0)
    (0.0, -3600.0)
    """
    half = 0.5 * SECOND_PER_DAY
    return (DAY_BEGINS_SECOND - start_second + half) % SECOND_PER_DAY - half


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class FleetSpec:
    """Everything a simulated fleet depends on.

    Attributes:
        vehicles: How many.
        days: How many days each.
        seed: Not negative.
        start_second: First instant of the record [unix s].
        sampling: How telematics samples.
        chemistry: Share of each chemistry; the shares add up to 1.
        layout: Layout of every pack.
        faults: What is planted; ``fleet_spec`` makes them from text.
        utc_offset_second: What the drivers' clocks are ahead of UTC [s].
        environment: Whether packs measure pressure, humidity and vibration.
        contactors: Whether packs record their contactors' command and the voltage beyond them.
        load: Recorded drives that trips replay, None for synthetic roads.
    """

    vehicles: int = 10
    days: int = 14
    seed: int = 1
    start_second: float = START_SECOND
    sampling: Sampling = field(default_factory=Sampling)
    chemistry: tuple[tuple[Chemistry, float], ...] = DEFAULT_CHEMISTRY
    layout: PackLayout = DEFAULT_LAYOUT
    faults: tuple[Fault, ...] = ()
    utc_offset_second: float = 0.0
    environment: bool = False
    contactors: bool = False
    load: Load | None = None
