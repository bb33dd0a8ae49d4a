"""Main contactors: what they are told, what they do, and the voltage beyond them.

Told to be closed while the vehicle is on, drives or charges; open while it is parked.  Contacts
that are welded let the bus draw on while it is parked; contacts that no longer close leave the
vehicle where it is.  Both change what the battery does: they act on its rows, before the physics.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from jaxtyping import Float

from voltherd.sim.activity import Mode, Rows
from voltherd.sim.faults import Fault
from voltherd.types.event import Phenomenon

COMMAND: Final = "contactor_command_state"
OUTLET: Final = "outlet_voltage_volt"
STEPS: Final = {COMMAND: 1.0, OUTLET: 0.1}
"""Steps in which each is sent."""
_FLOAT_VOLT: Final = 2.0
"""What an open outlet reads at most: a divider's leak."""
_NOISE_VOLT: Final = 0.2


def switched(rows: Rows, faults: Sequence[Fault]) -> Rows:
    """Let a vehicle's contactors do what their faults make of its rows.

    Args:
        rows: What it was to do.
        faults: Of this vehicle.

    Returns:
        What it does.
    """
    for fault in faults:
        begun = fault.active(rows.unix_time_second)
        if fault.phenomenon is Phenomenon.SWITCH_STUCK_CLOSED:
            draws = begun & (rows.mode == Mode.PARK)
            watt = np.where(draws, -fault.size_at(rows.unix_time_second), 0.0)
            rows = rows._replace(
                power_mean_watt=rows.power_mean_watt + watt,
                power_now_watt=rows.power_now_watt + watt,
                power_next_watt=rows.power_next_watt + watt,
            )
        if fault.phenomenon is Phenomenon.SWITCH_STUCK_OPEN:
            stands = ~begun
            rows = rows._replace(
                power_mean_watt=rows.power_mean_watt * stands,
                power_now_watt=rows.power_now_watt * stands,
                power_next_watt=rows.power_next_watt * stands,
                speed_kilometre_per_hour=rows.speed_kilometre_per_hour * stands,
                distance_kilometre=_stopped(rows.distance_kilometre, stands),
                charge_watt=rows.charge_watt * stands,
            )
    return rows


def _stopped(distance: Float[np.ndarray, "time"], runs: np.ndarray) -> Float[np.ndarray, "time"]:
    """Give the distance of a vehicle that stands from some row on."""
    last = int(runs.sum())
    return distance if last == len(distance) else np.minimum(distance, distance[max(last - 1, 0)])


def contactor_channels(
    rng: np.random.Generator,
    rows: Rows,
    terminal_volt: Float[np.ndarray, "time"],
    faults: Sequence[Fault],
) -> dict[str, Float[np.ndarray, "time"]]:
    """Measure what the contactors are told, and the voltage beyond them.

    Args:
        rng: A stream of its own.
        rows: What the vehicle does.
        terminal_volt: Pack voltage before the contactors [V].
        faults: Of this vehicle.

    Returns:
        The two channels by their names.
    """
    told = rows.mode != Mode.PARK
    joined = told.copy()
    for fault in faults:
        begun = fault.active(rows.unix_time_second)
        if fault.phenomenon is Phenomenon.SWITCH_STUCK_CLOSED:
            joined |= begun
        if fault.phenomenon is Phenomenon.SWITCH_STUCK_OPEN:
            joined &= ~begun
    beyond = np.where(joined, terminal_volt, rng.uniform(0.0, _FLOAT_VOLT, len(told)))
    beyond = np.maximum(beyond + rng.normal(0.0, _NOISE_VOLT, len(told)), 0.0)
    return {COMMAND: told.astype(np.float64), OUTLET: beyond}
