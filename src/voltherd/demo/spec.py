"""What a demo is to be."""

from dataclasses import dataclass
from typing import Final, final

from voltherd.errors import UsageError
from voltherd.sim.fleet import fleet_spec
from voltherd.sim.live import LiveSpec, live_sampling, record_start, working_day_offset
from voltherd.sim.spec import FleetSpec

FAULTS: Final = "live"
"""Five faults and a battery management that lies about its state of charge."""
HISTORY_DAYS: Final = 14
HISTORY_PERIOD_SECOND: Final = 30.0
"""Sampling of the history: coarser than live, so that weeks are there within seconds [s]."""
SITE: Final = "demo"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class DemoSpec:
    """A demo.

    Attributes:
        vehicles: How many.
        speed: Simulated seconds per second.
        seed: Which fleet.
        history_days: Days that lie behind it when it begins.
        faults: What is planted, in the words of ``voltherd simulate fleet --faults``.
    """

    vehicles: int = 20
    speed: float = 60.0
    seed: int = 1
    history_days: int = HISTORY_DAYS
    faults: str = FAULTS

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("--vehicles", self.vehicles, 1, 200),
            ("--speed", self.speed, 0.1, 3600.0),
            ("--history-days", self.history_days, 1, 365),
        ):
            if not low <= value <= high:
                raise UsageError(f"{value:g} is not in {low:g} to {high:g}", where=name)


def live_spec(spec: DemoSpec, begins_second: float) -> LiveSpec:
    """Give the fleet whose history ends, and whose life begins, at an instant.

    Args:
        spec: The demo.
        begins_second: When the vehicles begin to send [unix s].

    Raises:
        UsageError: A fleet that cannot be, or is too small for its faults.
    """
    start_second = record_start(begins_second, spec.history_days)
    fleet: FleetSpec = fleet_spec(
        vehicles=spec.vehicles,
        days=spec.history_days,
        seed=spec.seed,
        faults=spec.faults,
        start_second=start_second,
        utc_offset_second=working_day_offset(start_second, spec.history_days),
        period_second=HISTORY_PERIOD_SECOND,
    )
    return LiveSpec(fleet=fleet, sampling=live_sampling(spec.speed))
