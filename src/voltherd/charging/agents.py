"""Charging by learned agents: what they see of a step, and how what they want becomes power.

Every vehicle is an agent, all act alike, and the harness gives the site's room to who wants it
most: a limit is never passed, whatever was learned.  What is seen of a vehicle in a step: how long
it could still wait, how many steps left of its stay are cheaper than this one, and how much of the
site's room until it leaves those that are there need.  Prices of the day are known, vehicles that
have not come are not.
"""

from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from voltherd.charging.baselines import Depot, Now, PerVehicle, in_order
from voltherd.charging.problem import Problem

WAIT_HOUR: Final = np.array([0.25, 1.0, 2.0, 4.0])
CHEAPER: Final = np.array([0.05, 0.25, 0.5, 0.75])
CROWD: Final = np.array([0.3, 0.6, 0.8, 1.0])
STATES: Final = (len(WAIT_HOUR) + 1) * (len(CHEAPER) + 1) * (len(CROWD) + 1)
FEATURES: Final = 7


class Seen(NamedTuple):
    """What is seen of each vehicle in a step.

    Attributes:
        wait_hour: How long it could wait and still be ready at full power [h].
        cheaper: Share of the steps left of its stay that are cheaper than this one.
        crowd: What all that are there need, over the site's room until it leaves.
    """

    wait_hour: PerVehicle
    cheaper: PerVehicle
    crowd: PerVehicle


def seen(problem: Problem, depot: Depot, now: Now) -> Seen:
    """Look at a step."""
    price = problem.site.price_eur_per_kwh
    step = np.arange(now.step, len(price))
    staying = step < depot.departure[:, None]
    below = (staying & (price[now.step :] < price[now.step])).sum(axis=1)
    left = np.maximum(depot.departure - now.step, 1)
    at_full = now.need_kwh / np.maximum(depot.power_max_kilowatt, 1e-9)
    room = np.maximum(depot.site_cap_kilowatt[now.step :], 0.0).cumsum() * depot.step_hour
    until = room[np.minimum(left, len(room)) - 1]
    crowd = now.need_kwh.sum() / np.maximum(until, 1e-9)
    return Seen(left * depot.step_hour - at_full, below / left, crowd)


def state(of: Seen) -> Int[np.ndarray, " vehicles"]:
    """Give the number of each vehicle's state."""
    wait = np.searchsorted(WAIT_HOUR, of.wait_hour)
    cheaper = np.searchsorted(CHEAPER, of.cheaper)
    crowd = np.searchsorted(CROWD, of.crowd)
    return np.asarray(
        (wait * (len(CHEAPER) + 1) + cheaper) * (len(CROWD) + 1) + crowd, dtype=np.int64
    )


def features(of: Seen) -> Float[np.ndarray, "vehicles features"]:
    """Give each vehicle's state as numbers near one."""
    wait = np.clip(of.wait_hour / 8.0, -0.25, 1.0)
    crowd = np.minimum(of.crowd, 2.0)
    urgent = (of.wait_hour <= 0.25) * 1.0
    return np.column_stack(
        [np.ones(len(wait)), wait, of.cheaper, crowd, urgent, wait * of.cheaper, crowd * wait]
    )


def shared(depot: Depot, now: Now, share: PerVehicle, keen: PerVehicle) -> PerVehicle:
    """Give power to those who want it, the keenest first, within the room.

    Args:
        depot: Where.
        now: The step.
        share: Of what it could draw each vehicle asks for.
        keen: Who is keener comes first.
    """
    asked = now._replace(want_kilowatt=now.want_kilowatt * share)
    return in_order(depot, asked, -keen)
