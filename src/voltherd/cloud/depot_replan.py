"""The plan of a depot that runs: made anew of who is there, who is to come and who obeys."""

from collections.abc import Mapping, Sequence
from math import inf
from typing import Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.charging.central import Central
from voltherd.charging.live import Charger, Setpoints
from voltherd.charging.plan import Plan, planned
from voltherd.charging.sheet import site_cost_eur
from voltherd.cloud.depot_file import Night
from voltherd.cloud.depot_sections import SiteFile
from voltherd.cloud.depot_tonight import Guest, hasty, tonight, wanted

_SHORT_KWH: Final = 0.05
_NONE_KILOWATT: Final = 1e-6


class Known(NamedTuple):
    """What a plan is made of.

    Attributes:
        guests: Who is there.
        gone: When vehicles that have left came, by id [unix s].
        astray: What chargers may draw that follow no limit [kW].
        now_second: [unix s].
    """

    guests: Sequence[Guest]
    gone: Mapping[str, float]
    astray: Mapping[str, float]
    now_second: float


class Planned(NamedTuple):
    """A plan and whom it is for.

    Attributes:
        setpoints: What chargers are to give.
        guests: Who was there, by ``Guest.key``, and what the meter is to have counted for each when
            it has what it wants [Wh].
        astray: Chargers that followed no limit.
        short: What limits leave out, by ``Guest.key``, in words, empty for nothing; not of those
            that are about to leave.
        cost_eur: What it costs at the prices as they are [EUR].
        gap: How much dearer it is than the best, at most, as a share of its cost.
    """

    setpoints: Setpoints
    guests: Mapping[str, float]
    short: Mapping[str, str]
    astray: frozenset[str]
    cost_eur: float = 0.0
    gap: float = 0.0


def replanned(file: SiteFile, chargers: Sequence[Charger], known: Known, where: str) -> Planned:
    """Plan the hours from now on.

    Args:
        file: The site.
        chargers: Its places.
        known: What the plan is made of.
        where: For messages.

    Raises:
        InputError: What the file says makes no sense together.
    """
    now, wild = known.now_second, frozenset(known.astray)
    step = file.step_minutes * 60.0
    night = tonight(file, now, known.guests, known.gone, known.astray, where)
    if night is None:
        empty = np.zeros((len(chargers), 1))
        return Planned(Setpoints(now, now - now % step, step, empty), {}, {}, wild)
    plan = planned(hasty(night.problem, file.run.haste_fraction), minimum=True)
    drawn_kwh = plan.power_kilowatt.sum(axis=1) * night.problem.site.step_hour
    until, short = {}, {}
    for row, guest in enumerate(known.guests):
        transaction, stay = guest.transaction, wanted(file, guest)
        target_wh = 1000.0 * stay.energy_kwh / stay.section.efficiency
        until[guest.key] = target_wh
        if stay.departure_second < night.start_second + step:
            continue  # it is planned as if it stayed on, so nothing can be said
        left = (target_wh - transaction.energy_wh) / 1000.0 - float(drawn_kwh[row])
        told = f"limits leave {left:.1f} kWh out" if left > _SHORT_KWH else ""
        short[guest.key] = told
    ampere = _ampere(file, chargers, night, plan)
    cost = site_cost_eur(night.problem, plan.power_kilowatt)
    setpoints = Setpoints(now, night.start_second, step, ampere)
    return Planned(setpoints, until, short, wild, cost, max(plan.gap, 0.0))


def _ampere(
    file: SiteFile, chargers: Sequence[Charger], night: Night, plan: Plan
) -> Float[np.ndarray, "chargers steps"]:
    """Turn a plan's powers into currents; where little is planned it comes at the least current."""
    fleet = night.problem.fleet
    to_ampere = 1000.0 / (file.connection.voltage_volt * fleet.phases[:, None])
    power = np.maximum(plan.power_kilowatt, 0.0)
    lifted = np.maximum(power, fleet.power_min_kilowatt[:, None])
    ampere = np.where(power > _NONE_KILOWATT, lifted, 0.0) * to_ampere
    place = {charger.name: number for number, charger in enumerate(chargers)}
    highest = np.zeros((len(chargers), ampere.shape[1]))
    np.maximum.at(highest, [place[name] for name in night.chargers], ampere)
    return highest


def gone(central: Central, file: SiteFile) -> dict[str, float]:
    """Give when vehicles of the file that have left came, by id [unix s]."""
    names = {one.token: one.id for one in file.vehicles if one.token}
    found: dict[str, float] = {}
    for book in central.stations.values():
        for transaction in book.transactions.values():
            if not transaction.is_open and transaction.start_second is not None:
                name = names.get(transaction.id_token, transaction.id_token)
                found[name] = max(found.get(name, -inf), transaction.start_second)
    return found
