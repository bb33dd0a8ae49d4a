"""What simulated stations are: their vehicles, who comes when, and their bad habits."""

from bisect import bisect
from dataclasses import dataclass, field
from math import inf
from typing import Literal, final


@final
@dataclass(frozen=True, slots=True)
class Vehicle:
    """A battery behind a plug.

    Attributes:
        capacity_wh: Of its battery [Wh].
        soc_fraction: When it comes.
        power_watt: The most it takes, from the plug [W].
        curve_watt: States of charge, ascending, and what its battery lets it take there, from the
            plug, straight between them [W]; empty where that is never less than the most.
        power_watt_min: With less it does not charge (6 A on one phase) [W].
        efficiency_fraction: What arrives in the battery of what leaves the plug.
    """

    capacity_wh: float = 60_000.0
    soc_fraction: float = 0.3
    power_watt: float = 11_000.0
    curve_watt: tuple[tuple[float, float], ...] = ()
    power_watt_min: float = 1380.0
    efficiency_fraction: float = 0.9

    def wants_watt(self, soc_fraction: float) -> float:
        """Give the most it takes at a state of charge [W]."""
        if soc_fraction >= 1.0:
            return 0.0
        return min(self.power_watt, _between(self.curve_watt, soc_fraction))


def _between(curve: tuple[tuple[float, float], ...], at: float) -> float:
    """Give what lies on the straight lines through points, or at the nearer end of them."""
    place = bisect(curve, (at, inf))
    if not 0 < place < len(curve):
        return curve[min(place, len(curve) - 1)][1] if curve else inf
    (low, before), (high, after) = curve[place - 1 : place + 1]
    return before + (after - before) * (at - low) / (high - low)


@final
@dataclass(frozen=True, slots=True)
class Wish:
    """What a vehicle asks for by itself, through a station of 2.0.1 (ISO 15118).

    It tells when it leaves and how much it wants.  On direct current it tells its capacity, state
    of charge and power, too, and its station goes on telling its state of charge.

    Attributes:
        soc_fraction: What it wants to leave with.
        transfer: ``DC``, ``AC_three_phase`` or another of OCPP's energy transfers.
    """

    soc_fraction: float
    transfer: str = "DC"

    @property
    def tells_soc(self) -> bool:
        """Whether its station knows its state of charge."""
        return self.transfer == "DC"


@final
@dataclass(frozen=True, slots=True)
class Visit:
    """A vehicle at an EVSE from one moment to another [unix s]; without a wish it says nothing."""

    evse_id: int
    arrive_second: float
    leave_second: float
    id_token: str
    vehicle: Vehicle = field(default_factory=Vehicle)
    wish: Wish | None = None


@final
@dataclass(frozen=True, slots=True)
class Habits:
    """What a station does that it should not.

    Attributes:
        refuses_profiles: Says no to every profile.
        ignores_profiles: Says yes and does as it likes; tells the truth when asked.
        rounds_watt: Rounds limits down to a multiple of this; 0 for exact [W].
        is_deaf_to_profiles: Answers nothing to a profile.
        tells_no_samples: Reads its meter only where a transaction begins and ends.
        answer_second: How long it takes to answer [s].
        repeats_messages: Sends each message twice with one id.
        clock_ahead_second: By how much its clock is wrong [s].
        jump_second: When its meter jumps; 0 for never [unix s].
        jump_wh: By how much [Wh].
        reboot_second: When it starts anew; 0 for never [unix s].
        offline_second: When it loses its connection, and when it has it again [unix s].
    """

    refuses_profiles: bool = False
    ignores_profiles: bool = False
    rounds_watt: float = 0.0
    is_deaf_to_profiles: bool = False
    tells_no_samples: bool = False
    answer_second: float = 0.0
    repeats_messages: bool = False
    clock_ahead_second: float = 0.0
    jump_second: float = 0.0
    jump_wh: float = 0.0
    reboot_second: float = 0.0
    offline_second: tuple[float, float] = (0.0, 0.0)


@final
@dataclass(frozen=True, slots=True)
class StationSpec:
    """A station.

    Attributes:
        station_id: As it connects.
        later: Whether it speaks 2.0.1, so numbers its transactions itself.
        power_watt: Of each EVSE [W].
        visits: Who comes.
        sample_second: How often its meter is read [s].
        periods_max: Periods it holds in a profile.
        unit: Of limits it says it takes.
        habits: What it should not do.
    """

    station_id: str
    later: bool
    power_watt: float
    visits: tuple[Visit, ...]
    sample_second: float = 60.0
    periods_max: int = 24
    unit: Literal["W", "A"] = "W"
    habits: Habits = field(default_factory=Habits)
