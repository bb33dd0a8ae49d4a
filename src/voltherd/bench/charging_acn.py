"""The common depot charged by acnportal's earliest deadline first, where that package is installed.

A station of 1,000 V makes an ampere a kilowatt, as acnportal counts in amperes.  Its limits do not
change with time, so the site's is set anew before each of its decisions.
"""

import time
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np

from voltherd.charging.problem import Problem
from voltherd.charging.sheet import site_cost_eur
from voltherd.errors import UsageError
from voltherd.units import SECOND_PER_HOUR

_VOLT = 1000.0
_BEGIN = datetime(2022, 5, 21, 12)  # only its difference to itself matters


class AcnCharged(NamedTuple):
    """What it made of a depot.

    Attributes:
        cpu_second: CPU time [s].
        drawn_kwh: Energy [kWh].
        cost_eur: For it [EUR].
    """

    cpu_second: float
    drawn_kwh: float
    cost_eur: float


def charged(problem: Problem) -> AcnCharged:
    """Let acnportal charge a depot of one limit.

    Raises:
        UsageError: acnportal is not installed.
    """
    try:
        from acnportal import acnsim, algorithms
    except ImportError as error:
        raise UsageError(
            "acnportal is not installed: its row is left out", mend="pip install acnportal"
        ) from error
    begin = time.process_time()
    headroom = problem.site.headroom_kilowatt

    class Limited(algorithms.SortedSchedulingAlgo):  # type: ignore[misc]
        """Sets the site's limit of the step, then decides."""

        def run(self) -> Any:  # noqa: ANN401
            network.magnitudes = np.array([headroom[self.interface.current_time]])
            return super().run()

    network = _network(acnsim, problem)
    simulator = acnsim.Simulator(
        network,
        Limited(algorithms.earliest_deadline_first),
        acnsim.EventQueue(_events(acnsim, problem)),
        _BEGIN,
        period=problem.site.step_hour * SECOND_PER_HOUR / 60.0,
        verbose=False,
    )
    simulator.run()
    second = time.process_time() - begin
    power = np.zeros((problem.fleet.size, problem.site.steps))
    rates = np.asarray(simulator.charging_rates)
    steps = min(rates.shape[1], problem.site.steps)
    place = [int(name) for name in network.station_ids]
    power[place, :steps] = rates[:, :steps] * _VOLT / 1000.0
    drawn = float(power.sum()) * problem.site.step_hour
    return AcnCharged(second, drawn, site_cost_eur(problem, power))


def _network(acnsim: Any, problem: Problem) -> Any:  # noqa: ANN401
    network = acnsim.ChargingNetwork()
    names = [str(n) for n in range(problem.fleet.size)]
    for name, most in zip(names, problem.fleet.power_max_kilowatt.tolist(), strict=True):
        network.register_evse(acnsim.EVSE(name, max_rate=most), _VOLT, 0)
    network.add_constraint(acnsim.Current(names), float(problem.site.headroom_kilowatt[0]), "site")
    return network


def _events(acnsim: Any, problem: Problem) -> list[Any]:  # noqa: ANN401
    fleet = problem.fleet
    events = []
    for n in range(fleet.size):
        energy, most = float(problem.reachable_kwh[n]), float(fleet.power_max_kilowatt[n])
        battery = acnsim.Battery(energy, 0.0, most)
        arrival, departure = int(fleet.arrival_step[n]), int(fleet.departure_step[n])
        vehicle = acnsim.EV(arrival, departure, energy, str(n), f"s{n}", battery)
        events.append(acnsim.PluginEvent(arrival, vehicle))
    return events
