"""A vehicle that can take its energy from several sources at once: which one gives what, when.

Each source has a power and a price in every step and loses a share of what it gives; what the
battery takes in is limited over all of them.  Energy is bought where a kWh that arrives costs
least.  Limits on single sources lie within that on their sum, in each step by itself, so that
buying the cheapest first is the best there is (such limits make a polymatroid: Edmonds 1970).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.errors import InputError

PerStep = Float[np.ndarray, " steps"]


class Source(NamedTuple):
    """Where energy comes from.

    Attributes:
        name: For people.
        kilowatt: Most that it gives, before its losses, by step [kW].
        eur_per_kwh: What a kWh of that costs, by step [EUR/kWh].
        efficiency: What arrives in the battery of it.
    """

    name: str
    kilowatt: PerStep
    eur_per_kwh: PerStep
    efficiency: float


class Mix(NamedTuple):
    """What each source gives.

    Attributes:
        kilowatt: Before losses, by source and step [kW].
        intake_kilowatt: That arrives in the battery, by step [kW].
        stored_kwh: The same over all steps [kWh].
        cost_eur: Of all [EUR].
    """

    kilowatt: Float[np.ndarray, "sources steps"]
    intake_kilowatt: PerStep
    stored_kwh: float
    cost_eur: float


def mixed(
    sources: Sequence[Source], need_kwh: float, intake_kilowatt: PerStep, step_hour: float
) -> Mix:
    """Choose the source of each step at the least cost.

    Where all together are too little, all is taken.  Of equal prices the earlier step comes first,
    then the source that is named first.

    Args:
        sources: At least one.
        need_kwh: Wanted in the battery [kWh].
        intake_kilowatt: Most that the battery takes in from all sources, by step [kW].
        step_hour: Length of a step [h].

    Raises:
        InputError: A value that makes no sense.
    """
    if not sources:
        raise InputError("there is no source to charge from")
    power = np.stack([source.kilowatt for source in sources])
    price = np.stack([source.eur_per_kwh for source in sources])
    into = np.array([[source.efficiency] for source in sources])
    limits = np.concatenate([power.ravel(), intake_kilowatt, [need_kwh]])
    if not (np.isfinite(limits).all() and (limits >= 0.0).all() and step_hour > 0.0):
        raise InputError("powers, limits and needs are numbers, none below 0")
    if not (np.isfinite(price).all() and ((into > 0.0) & (into <= 1.0)).all()):
        raise InputError("prices are numbers; efficiencies lie above 0 and are 1 at the most")
    stored = _cheapest_first(power * into, price / into, need_kwh / step_hour, intake_kilowatt)
    given = stored / into
    return Mix(
        given,
        np.asarray(stored.sum(axis=0)),
        float(stored.sum()) * step_hour,
        float((given * price).sum()) * step_hour,
    )


def _cheapest_first(
    most: Float[np.ndarray, "sources steps"],
    price: Float[np.ndarray, "sources steps"],
    need: float,
    room: PerStep,
) -> Float[np.ndarray, "sources steps"]:
    """Fill up by price, each source and step up to its own and the common limit, until enough."""
    taken, left = np.zeros_like(most), room.astype(np.float64)
    source, step = np.meshgrid(*(np.arange(n) for n in most.shape), indexing="ij")
    for at in np.lexsort((source.ravel(), step.ravel(), price.ravel())).tolist():
        place = np.unravel_index(at, most.shape)
        given = min(float(most[place]), float(left[place[1]]), need)
        if given > 0.0:
            taken[place] = given
            left[place[1]] -= given
            need -= given
        if need <= 0.0:
            break
    return taken
