"""What parked vehicles do for the grid: answer its frequency, and carry a site through an outage.

**Frequency response.**  Power follows the deviation of frequency beyond a dead band in proportion,
up to what was offered: at ``full`` hertz all of it.  A slow correction of the working point gives
back what was taken, so that over time no energy is moved but losses.

**Closed loop.**  A grid that suddenly lacks power slows down by its inertia, is caught by loads
that draw less, by governors and by what packs give, and is brought back by secondary control::

    2 H S / f0 · df/dt = Pm - missing - D S (f - f0) / f0 - Ps
    T · dPm/dt = -(f - f0) S / (R f0) - K ∫ (f - f0) S / f0 dt - Pm

One machine stands for all; lines, voltages and limits of plants are left out.

**Island.**  When the grid is gone, the packs serve the critical load, each down to the reserve that
its owner keeps, none above its power.

Sources: of the droop and its dead band Commission Regulation (EU) 2017/1485, annex V (frequency
containment reserve: full at 200 mHz); of the closed loop Kundur, Power System Stability and Control
(1994), section 11.1.
"""

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.errors import InputError

PerPack = Float[np.ndarray, " packs"]


class Droop(NamedTuple):
    """How power answers frequency.

    Attributes:
        offered_kilowatt: Most power, either way, beside the working point [kW].
        nominal_hertz: Of the grid [Hz].
        dead_hertz: Deviation that is not answered [Hz].
        full_hertz: Deviation at which all is given [Hz].
        recover_second: Time constant with which moved energy is given back; infinite: never [s].
        recover_share: Of what is offered that giving back may use at most.
    """

    offered_kilowatt: float
    nominal_hertz: float = 50.0
    dead_hertz: float = 0.01
    full_hertz: float = 0.2
    recover_second: float = 900.0
    recover_share: float = 0.2


class Response(NamedTuple):
    """What came of a course of frequency; charging positive.

    Attributes:
        power_kilowatt: Answer and giving back together, by step [kW].
        answer_kilowatt: The answer to frequency alone [kW].
        moved_kwh: Energy moved so far [kWh].
    """

    power_kilowatt: Float[np.ndarray, " steps"]
    answer_kilowatt: Float[np.ndarray, " steps"]
    moved_kwh: Float[np.ndarray, " steps"]


def droop_kilowatt(droop: Droop, hertz: Float[np.ndarray, " steps"]) -> Float[np.ndarray, " steps"]:
    """Give the answer to a frequency: too high charges more, too low less [kW].

    A frequency that is not known is not answered.

    >>> droop_kilowatt(Droop(10.0), np.array([50.0, 50.21, 49.895, 49.0, np.nan])).round(2)
    array([ 0., 10., -5., -10., 0.])
    """
    off = hertz - droop.nominal_hertz
    beyond = np.sign(off) * np.maximum(np.abs(off) - droop.dead_hertz, 0.0)
    share = np.clip(beyond / (droop.full_hertz - droop.dead_hertz), -1.0, 1.0)
    return np.asarray(np.nan_to_num(share) * droop.offered_kilowatt)


def respond(droop: Droop, hertz: Float[np.ndarray, " steps"], step_second: float) -> Response:
    """Follow a course of frequency, and give back slowly what it moved.

    Args:
        droop: How to answer.
        hertz: Frequency by step [Hz].
        step_second: Length of a step [s].
    """
    answer = droop_kilowatt(droop, hertz)
    power, moved = np.empty(len(hertz)), np.empty(len(hertz))
    energy = 0.0
    for step, asked in enumerate(answer.tolist()):
        power[step] = _given(droop, asked, energy)
        energy += power[step] * step_second / 3600.0
        moved[step] = energy
    return Response(power, answer, moved)


def _given(droop: Droop, asked_kilowatt: float, moved_kwh: float) -> float:
    """Give the power that answers, and gives back of what was moved [kW]."""
    most = droop.recover_share * droop.offered_kilowatt
    back = min(max(-moved_kwh * 3600.0 / droop.recover_second, -most), most)
    return min(max(asked_kilowatt + back, -droop.offered_kilowatt), droop.offered_kilowatt)


class Machine(NamedTuple):
    """A grid as one machine.

    Attributes:
        kilowatt: Its rating S [kW].
        nominal_hertz: Of the grid [Hz].
        inertia_second: H, energy that turns over the rating [s].
        damping: D, change of the load over that of the frequency, both as shares.
        governor_droop: R, change of the frequency over that of the governors' power, as shares.
        governor_second: T, after which governors and turbines follow [s].
        secondary_per_second: K, of secondary control [1/s].
    """

    kilowatt: float = 1e6
    nominal_hertz: float = 50.0
    inertia_second: float = 4.0
    damping: float = 1.0
    governor_droop: float = 0.05
    governor_second: float = 8.0
    secondary_per_second: float = 0.3


class Swing(NamedTuple):
    """How a grid went through a disturbance, by step.

    Attributes:
        second: Ends of the steps [s].
        hertz: Frequency [Hz].
        storage_kilowatt: What packs draw beside their working point, negative giving [kW].
        moved_kwh: That they drew so far [kWh].
    """

    second: Float[np.ndarray, " steps"]
    hertz: Float[np.ndarray, " steps"]
    storage_kilowatt: Float[np.ndarray, " steps"]
    moved_kwh: Float[np.ndarray, " steps"]

    def within_second(self, nominal_hertz: float, band_hertz: float) -> float:
        """Give when the frequency comes back into a band for good; infinite if never [s]."""
        outside = np.flatnonzero(np.abs(self.hertz - nominal_hertz) > band_hertz)
        if not len(outside):
            return 0.0
        last = int(outside[-1])
        return math.inf if last + 1 == len(self.hertz) else float(self.second[last])


def swing(
    machine: Machine,
    missing_kilowatt: Float[np.ndarray, " steps"],
    step_second: float,
    droop: Droop | None = None,
    delay_second: float = 1.0,
) -> Swing:
    """Follow a grid that lacks power, with packs that answer its frequency or without.

    Args:
        machine: The grid.
        missing_kilowatt: Power that it lacks, by step [kW].
        step_second: Length of a step, well below all time constants [s].
        droop: How packs answer; none do where it is not given.
        delay_second: After which they do [s].
    """
    base, late = machine.nominal_hertz, max(round(delay_second / step_second), 1)
    off, turned, summed, energy = 0.0, 0.0, 0.0, 0.0
    hertz, storage, moved = (np.zeros(len(missing_kilowatt)) for _ in range(3))
    for step, missing in enumerate((missing_kilowatt / machine.kilowatt).tolist()):
        if droop is not None:
            seen = hertz[step - late] if step >= late else base
            asked = float(droop_kilowatt(droop, np.array([seen]))[0])
            storage[step] = _given(droop, asked, energy)
            energy += storage[step] * step_second / 3600.0
        share = storage[step] / machine.kilowatt
        slope = (turned - missing - machine.damping * off - share) / (2.0 * machine.inertia_second)
        wanted = -off / machine.governor_droop - machine.secondary_per_second * summed
        turned += step_second * (wanted - turned) / machine.governor_second
        summed += step_second * off
        off += step_second * slope
        hertz[step], moved[step] = base * (1.0 + off), energy
    second = step_second * np.arange(1, len(hertz) + 1)
    return Swing(second, hertz, storage, moved)


class Island(NamedTuple):
    """What packs carry when the grid is gone.

    Attributes:
        hour: For which the critical load is served; infinite where there is no load [h].
        served_kwh: Energy delivered to it by then [kWh].
        left_soc: Of every pack then.
        limit: What ended it: ``"energy"``, ``"power"`` or ``"none"``.
    """

    hour: float
    served_kwh: float
    left_soc: PerPack
    limit: str


def island(
    soc: PerPack,
    capacity_kwh: PerPack,
    power_kilowatt: PerPack,
    reserve_soc: PerPack,
    load_kilowatt: Float[np.ndarray, " steps"],
    step_hour: float,
    efficiency: float = 0.93,
) -> Island:
    """Serve a critical load from packs for as long as all of it can be served.

    Power is drawn so that packs would all last alike: in proportion to the energy above their
    reserve, none above its power.

    Args:
        soc: Of each pack.
        capacity_kwh: Of each [kWh].
        power_kilowatt: That each may give, at its terminals [kW].
        reserve_soc: That each keeps for leaving.
        load_kilowatt: Critical load by step, sun taken off [kW].
        step_hour: Length of a step [h].
        efficiency: From a pack to the load.

    Raises:
        InputError: A value that makes no sense.
    """
    values = np.concatenate([soc, capacity_kwh, power_kilowatt, reserve_soc, load_kilowatt])
    if not (np.isfinite(values).all() and (values >= 0.0).all() and 0.0 < efficiency <= 1.0):
        raise InputError("packs, loads and efficiencies are numbers, none below 0")
    free = np.maximum(soc - reserve_soc, 0.0) * capacity_kwh
    begun, hour = free.sum(), 0.0
    for load in load_kilowatt.tolist():
        needed = load / efficiency
        most = np.minimum(power_kilowatt, free / step_hour)
        if most.sum() < needed - 1e-9:
            limit = "power" if power_kilowatt.sum() < needed else "energy"
            last = _lasts(power_kilowatt, free, needed, step_hour) if limit == "energy" else 0.0
            if last > 0.0:  # what is left serves a part of the step
                most = np.minimum(power_kilowatt, free / last)
                free = free - _drawn(most, free, needed) * last
            hour += last
            return _islanded(hour, begun, free, reserve_soc, soc, capacity_kwh, efficiency, limit)
        free = free - _drawn(most, free, needed) * step_hour
        hour += step_hour
    lasted = hour if load_kilowatt.any() else math.inf
    return _islanded(lasted, begun, free, reserve_soc, soc, capacity_kwh, efficiency, "none")


def _lasts(power_kilowatt: PerPack, free: PerPack, needed: float, step_hour: float) -> float:
    """Give for how much of a step a power can be kept up [h]."""
    low, high = 0.0, step_hour
    for _ in range(60):
        middle = 0.5 * (low + high)
        holds = np.minimum(power_kilowatt, free / middle).sum() >= needed
        low, high = (middle, high) if holds else (low, middle)
    return low


def _drawn(most: PerPack, free: PerPack, needed: float) -> PerPack:
    """Share a power in proportion to free energy, none above its most [kW]."""
    given = np.zeros(len(most))
    for _ in range(len(most)):
        open_ = given < most - 1e-12
        left = needed - given.sum()
        if left <= 1e-12 or not open_.any():
            break
        weight = np.where(open_, free, 0.0)
        given = np.minimum(given + left * weight / weight.sum(), most)
    return given


def _islanded(
    hour: float,
    begun: float,
    free: PerPack,
    reserve_soc: PerPack,
    soc: PerPack,
    capacity_kwh: PerPack,
    efficiency: float,
    limit: str,
) -> Island:
    held = np.minimum(soc, reserve_soc)
    left = held + np.maximum(free, 0.0) / np.maximum(capacity_kwh, 1e-12)
    return Island(hour, float(begun - free.sum()) * efficiency, left, limit)
