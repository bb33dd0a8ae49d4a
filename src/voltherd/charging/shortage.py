"""Why not all energy can be delivered: which limits, which vehicles, by how much.

The least that any plan must leave undrawn is a plan of its own, in which energy costs nothing and
what is left undrawn one: its bound is a proof, and its multipliers say what a kW more of a limit
would deliver.  Limits with none are not in the way.
"""

from dataclasses import dataclass, replace
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Float, Int

from voltherd.charging.decomposition import Effort, Market, decompose
from voltherd.charging.limits import NONE, Limits
from voltherd.charging.oracle import Profiles
from voltherd.charging.problem import Problem
from voltherd.charging.vehicles import oracle

ROUNDING_KWH: Final = 1e-6
"""Energy below this is rounding."""
_ROUNDING_SHARE: Final = 1e-6
_BINDS: Final = 1e-7
"""Multipliers above this name a limit [kWh/kW]."""


class Obstacle(NamedTuple):
    """A limit that keeps energy from being delivered.

    Attributes:
        name: Of the limit.
        steps: In which it does.
        kwh_per_kilowatt: What a kW more would deliver there [kWh/kW].
    """

    name: str
    steps: Int[np.ndarray, "binding"]
    kwh_per_kilowatt: Float[np.ndarray, "binding"]


class Least(NamedTuple):
    """What every plan must leave undrawn at least [kWh], and the limits in the way."""

    kwh: float
    obstacles: tuple[Obstacle, ...]


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shortage:
    """Why not all energy is delivered.

    Attributes:
        missing_kwh: Energy that the plan leaves out of batteries, by vehicle [kWh].
        own_kwh: How much of it their own power and stay cannot bring, whatever the limits [kWh].
        drawn_kwh: Not drawn for want of room under the limits, all vehicles together [kWh].
        least_kwh: No plan can leave less than this undrawn; below ``drawn_kwh`` where the effort
            ended early or a least power keeps energy out [kWh].
        obstacles: The limits in the way, with the steps; none where all could be drawn.
    """

    missing_kwh: Float[np.ndarray, "vehicles"]
    own_kwh: Float[np.ndarray, "vehicles"]
    drawn_kwh: float
    least_kwh: float
    obstacles: tuple[Obstacle, ...]

    @property
    def vehicles(self) -> Int[np.ndarray, "short"]:
        """Those that go short, the worst first."""
        order = np.argsort(-self.missing_kwh, kind="stable")
        return np.asarray(order[self.missing_kwh[order] > ROUNDING_KWH])


def rounding_kwh(problem: Problem) -> float:
    """Give the energy of a whole depot that is rounding [kWh]."""
    return max(ROUNDING_KWH, _ROUNDING_SHARE * float(problem.drawn_kwh.sum()))


def least_missing(
    problem: Problem, class_of: Int[np.ndarray, "vehicles"], limits: Limits, effort: Effort
) -> Least:
    """Bound from below the energy that no plan can draw, and name the limits in the way.

    Args:
        problem: What is planned.
        class_of: Class of each vehicle.
        limits: Of the site; what money can widen is no limit here.
        effort: When to stop.
    """
    problem = replace(problem, waiting_eur_per_kwh_hour=None)
    if problem.discharge is not None:  # vehicles may fill each other, at whatever wear
        unworn = np.zeros_like(problem.discharge.tier_wear_eur_per_kwh)
        problem = replace(
            problem, discharge=replace(problem.discharge, tier_wear_eur_per_kwh=unworn)
        )
    hard = limits._replace(
        room_kilowatt=np.where(limits.relief == NONE, limits.room_kilowatt, np.inf),
        relief=np.full(limits.relief.shape, NONE),
        relief_eur=np.zeros(0),
        constant_eur=0.0,
    )
    market = Market(
        oracle(problem, class_of, 1.0),
        hard,
        np.zeros(problem.site.steps),
        problem.site.step_hour,
        1e-3 * float(problem.drawn_kwh.sum()),
    )
    bound = decompose(market, effort).bound
    obstacles = tuple(
        Obstacle(name, np.flatnonzero(row > _BINDS), row[row > _BINDS])
        for name, row in zip(limits.names, bound.multiplier, strict=True)
        if (row > _BINDS).any()
    )
    return Least(max(bound.eur, 0.0), obstacles)


def shortage(problem: Problem, profiles: Profiles, least: Least) -> Shortage | None:
    """Say what a plan leaves out, and why; nothing where it leaves nothing out."""
    efficiency = problem.fleet.charge_efficiency
    own = (problem.drawn_kwh - problem.reachable_kwh) * efficiency
    own = np.where(own > ROUNDING_KWH, own, 0.0)
    missing = float(profiles.unserved_kwh.sum())
    if missing <= rounding_kwh(problem) and not own.any():
        return None
    return Shortage(
        missing_kwh=profiles.unserved_kwh * efficiency + own,
        own_kwh=own,
        drawn_kwh=missing if missing > rounding_kwh(problem) else 0.0,
        least_kwh=least.kwh,
        obstacles=least.obstacles,
    )
