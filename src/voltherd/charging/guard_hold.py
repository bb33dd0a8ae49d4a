"""What each station may draw at most: not what it was asked for, but what it may still hold.

A higher limit counts from when it is sent, a lower one only when the station has accepted it, has
had time to follow and, if it reports its current, has been seen to.  A refusal frees nothing, nor
does silence.  A station that is seen to draw more than it holds counts with its hardware, and is
not believed again for a while; one that falls back to its hardware's most was never believed, so
that it is stopped as any other though its meter reads a little above that.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from voltherd.charging.guard_site import Site

PerStation = Float[np.ndarray, " stations"]
Flags = Bool[np.ndarray, " stations"]


class Hold(NamedTuple):
    """What stations were asked for and what they hold, times by the guard's own clock [s].

    Attributes:
        sent_ampere: The limit last sent [A].
        serial: Its number; a new limit has a new one.
        sent_second: When it was sent last.
        accepted_second: When the station was heard to accept it, NaN before.
        held_ampere: The highest limit that may be in force [A].
        held_second: Since when none above it is.
        owing_second: Since when it holds more than it was asked for, infinite while it does not.
        believed_second: From when on it is believed.
    """

    sent_ampere: PerStation
    serial: Int[np.ndarray, " stations"]
    sent_second: PerStation
    accepted_second: PerStation
    held_ampere: PerStation
    held_second: PerStation
    owing_second: PerStation
    believed_second: PerStation


class Heard(NamedTuple):
    """What came from the stations.

    Attributes:
        serial: Number of the limit last answered; -1 for none.
        accepted: Whether it was accepted.
        peak_ampere: The highest of its phases, NaN where not known [A].
        peak_second: When it was measured, by the guard's clock; NaN where not known or too old.
    """

    serial: Int[np.ndarray, " stations"]
    accepted: Flags
    peak_ampere: PerStation
    peak_second: PerStation


class Patience(NamedTuple):
    """How long a station may take [s], and how far it may be off [A].

    Attributes:
        settle_second: From accepting a limit to following it; a car may take 5 s (IEC 61851-1).
        patience_second: For all of it; then it counts as one that does not answer.
        distrust_second: After it drew more than it held.
        tolerance_ampere: Of its meter.
    """

    settle_second: float = 6.0
    patience_second: float = 15.0
    distrust_second: float = 3600.0
    tolerance_ampere: float = 0.5


def start(site: Site, held_ampere: PerStation, serial: Int[np.ndarray, " stations"]) -> Hold:
    """Begin with what stations may hold; anything unclear counts as the hardware's most."""
    known = site.obeys & (held_ampere >= 0.0) & (held_ampere <= site.hardware_ampere)
    held = np.where(known, held_ampere, site.hardware_ampere)
    count = len(held)
    return Hold(
        sent_ampere=held,
        serial=serial,
        sent_second=np.zeros(count),
        accepted_second=np.full(count, np.nan),
        held_ampere=held,
        held_second=np.zeros(count),
        owing_second=np.full(count, np.inf),
        believed_second=np.full(count, -np.inf),
    )


def hear(hold: Hold, site: Site, heard: Heard, clock: float, patience: Patience) -> Hold:
    """Take answers and currents into account."""
    answered = heard.serial == hold.serial
    accepted = np.where(np.isnan(hold.accepted_second), clock, hold.accepted_second)
    accepted = np.where(heard.accepted, accepted, np.nan)
    accepted = np.where(answered, accepted, hold.accepted_second)
    followed = accepted + patience.settle_second
    most = np.maximum(hold.held_ampere, site.default_ampere)
    above = heard.peak_ampere > most + patience.tolerance_ampere
    # What falls back to all that it has counts with that or what it is seen to draw at any time.
    in_full = site.default_ampere >= site.hardware_ampere
    broken = above & (heard.peak_second >= hold.held_second) & ~in_full
    believed = np.where(broken, clock + patience.distrust_second, hold.believed_second)
    seen = heard.peak_ampere <= hold.sent_ampere + patience.tolerance_ampere
    shown = ~site.metered | (seen & (heard.peak_second >= followed))
    credit = shown & (clock >= followed) & site.obeys & (clock >= believed)
    lower = credit & (hold.sent_ampere < hold.held_ampere)
    held = np.where(lower, hold.sent_ampere, hold.held_ampere)
    return hold._replace(
        accepted_second=accepted,
        held_ampere=np.where(broken, site.hardware_ampere, held),
        held_second=np.where(lower, followed, hold.held_second),
        believed_second=believed,
    )


def might_draw(hold: Hold, site: Site, heard: Heard) -> PerStation:
    """Give the most that each station may draw: held, fallen back to, or seen [A]."""
    seen = np.where(np.isnan(heard.peak_second), 0.0, heard.peak_ampere)
    return np.asarray(np.maximum(np.maximum(hold.held_ampere, site.default_ampere), seen))


def is_stuck(hold: Hold, site: Site, clock: float, patience: Patience) -> Flags:
    """Tell which stations no lower limit has reached in time, or will soon."""
    late: Flags = clock - hold.owing_second >= patience.patience_second
    return np.asarray(~site.obeys | late | (clock < hold.believed_second))


def send(
    hold: Hold, limit_ampere: PerStation, clock: float, patience: Patience
) -> tuple[Hold, Flags]:
    """Ask for new limits, and again for those that nothing came of.

    Returns:
        What is held then, and to whom something is to be sent.
    """
    changed = limit_ampere != hold.sent_ampere
    held = np.maximum(hold.held_ampere, limit_ampere)
    accepted = np.where(changed, np.nan, hold.accepted_second)
    owing = held > limit_ampere
    late = clock - hold.sent_second >= patience.patience_second
    again = ~changed & late & (owing | np.isnan(accepted))
    sending = changed | again
    asked = hold._replace(
        sent_ampere=limit_ampere,
        serial=hold.serial + changed,
        sent_second=np.where(sending, clock, hold.sent_second),
        accepted_second=accepted,
        held_ampere=held,
        owing_second=np.where(owing, np.minimum(hold.owing_second, clock), np.inf),
    )
    return asked, sending
