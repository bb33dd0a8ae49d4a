"""Power a cell can give or take, by a full electrochemical simulation: the truth of ``sop``.

The cell is PyBaMM's Doyle-Fuller-Newman model with a lumped temperature.  A load is held until the
first limit breaks; the largest power that lasts a horizon is found between one that does and one
that does not.  PyBaMM counts discharging positive: the sign is turned here and nowhere else.

Source: Doyle, Fuller, Newman, J. Electrochem. Soc. 140 (1993) 1526; Sulzer et al., Journal of Open
Research Software 9 (2021) 14; Chen et al., J. Electrochem. Soc. 167 (2020) 080534; O'Kane et al.,
Phys. Chem. Chem. Phys. 24 (2022) 7909.
"""

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, final

import numpy as np
from jaxtyping import Float

from voltherd.errors import UsageError
from voltherd.numerics.cell_parameters import OCV_NODES
from voltherd.units import kelvin_from_celsius

SETS: Final = ("Chen2020", "OKane2022")
"""The first is quick; in the second every property depends on temperature, which costs double."""
POINTS: Final = {"x_n": 20, "x_s": 10, "x_p": 20, "r_n": 20, "r_p": 20}
CLOSE: Final = 1.003
"""Ratio of a power that does not last to one that does, below which their mean is taken."""
SOLVES_MAX: Final = 14
NOTHING: Final = 1e-6
"""Where not even this share of the least power lasts, none does."""
_SEEN: Final = 1.2
"""Loads are followed for as many times the longest horizon."""
_STEEP: Final = 500.0
_WANTED: Final = ("Voltage [V]", "Current [A]", "Volume-averaged cell temperature [K]")
Samples = Float[np.ndarray, "n"]


class Bounds(NamedTuple):
    """What must not be passed, of one cell.

    Attributes:
        volt: Least and most [V].
        ampere: Most, either way [A].
        celsius: Most [°C].
    """

    volt: tuple[float, float]
    ampere: float
    celsius: float


class Before(NamedTuple):
    """Where a load begins.

    Attributes:
        soc: State of charge before the preload.
        celsius: Temperature of cell and surroundings [°C].
        preload: Held first, charging positive; in the unit of the load [A or W].
        second: For how long; 0 for a rested cell [s].
    """

    soc: float
    celsius: float
    preload: float = 0.0
    second: float = 0.0


class Trace(NamedTuple):
    """What a load did, from its own beginning; cut short where a limit broke.

    Attributes:
        second: Since the load began [s].
        volt: At the terminals [V].
        ampere: Charging positive [A].
        celsius: Of the cell [°C].
        limit: What ended it; empty where nothing did.
    """

    second: Samples
    volt: Samples
    ampere: Samples
    celsius: Samples
    limit: str


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dfn:
    """A simulated cell, ready to be loaded.

    Attributes:
        name: PyBaMM's parameter set.
        capacity_ah: Between the two ends of the charge, at rest [Ah].
        ocv_volt: Open-circuit voltage at equally spaced SOC 0…1 [V].
        current: Simulation under a current.
        power: Simulation under a power.
        ends: Concentrations of both electrodes at SOC 0 and SOC 1 [mol/m³].
        bounds: What ends a load.
    """

    name: str
    capacity_ah: float
    ocv_volt: Float[np.ndarray, "nodes"]
    current: Any
    power: Any
    ends: dict[str, tuple[float, float]]
    bounds: Bounds

    def load(self, before: Before, value: float, seconds: Samples, *, power: bool) -> Trace:
        """Hold a current or a power.

        Args:
            before: Where it begins.
            value: Charging positive [A or W].
            seconds: Times wanted, ascending [s].
            power: Whether the value is a power.
        """
        import pybamm

        kelvin = kelvin_from_celsius(before.celsius)
        inputs = {name: low + before.soc * (high - low) for name, (low, high) in self.ends.items()}
        inputs |= {"Ambient temperature [K]": kelvin, "Initial temperature [K]": kelvin}
        inputs |= {"load": -value, "preload": -before.preload}
        inputs["begins"] = before.second if before.second else -1.0
        times = before.second + seconds
        times = np.concatenate([[0.0], times[times > 0.0]])
        simulation = self.power if power else self.current
        try:
            stops = np.array(sorted({0.0, before.second, float(times[-1])}))
            solved = simulation.solve(stops, t_interp=times, inputs=inputs)
        except pybamm.SolverError as error:
            if "non-positive at initial" not in str(error):
                raise
            nothing = np.empty(0)
            return Trace(nothing, nothing, nothing, nothing, _named(str(error)))
        kept = solved.t >= before.second
        volt, ampere, warm = (np.asarray(solved[name].data)[kept] for name in _WANTED)
        ended = "" if solved.termination == "final time" else _named(solved.termination)
        warmth = warm - kelvin_from_celsius(0.0)
        return Trace(solved.t[kept] - before.second, volt, -ampere, warmth, ended)


def dfn(name: str, bounds: Bounds) -> Dfn:
    """Build the simulation of a cell.

    Args:
        name: One of PyBaMM's parameter sets.
        bounds: What ends a load.

    Raises:
        UsageError: PyBaMM is not installed.
    """
    # It would otherwise report its use to its makers.
    os.environ["PYBAMM_DISABLE_TELEMETRY"] = "true"
    try:
        import pybamm
    except ImportError as error:
        raise UsageError(
            "the electrochemical simulation is not installed", mend="pip install 'voltherd[twin]'"
        ) from error
    pybamm.set_logging_level("ERROR")
    values = pybamm.ParameterValues(name)
    x0, x1, y1, y0 = pybamm.lithium_ion.get_min_max_stoichiometries(values)
    ends = {}
    for side, low, high in (("negative", x0, x1), ("positive", y0, y1)):
        most = values[f"Maximum concentration in {side} electrode [mol.m-3]"]
        ends[f"Initial concentration in {side} electrode [mol.m-3]"] = (most * low, most * high)
    shares = np.linspace(0.0, 1.0, OCV_NODES)
    ocv = [
        _potential(values, "Positive", y0 + z * (y1 - y0))
        - _potential(values, "Negative", x0 + z * (x1 - x0))
        for z in shares
    ]
    soh = pybamm.lithium_ion.ElectrodeSOHSolver(values, pybamm.LithiumIonParameters())
    capacity = soh.solve({key: values.evaluate(part) for key, part in _lithium(pybamm).items()})
    return Dfn(
        name=name,
        capacity_ah=float(capacity["Capacity [A.h]"]),
        ocv_volt=np.array(ocv),
        current=_simulation(values, bounds, ends, "current"),
        power=_simulation(values, bounds, ends, "power"),
        ends=ends,
        bounds=bounds,
    )


def _lithium(pybamm: Any) -> dict[str, Any]:  # noqa: ANN401
    cell = pybamm.LithiumIonParameters()
    return {"Q_Li": cell.Q_Li_particles_init, "Q_n": cell.n.Q_init, "Q_p": cell.p.Q_init}


def _potential(values: Any, side: str, stoichiometry: float) -> float:  # noqa: ANN401
    import pybamm

    curve = values[f"{side} electrode OCP [V]"](pybamm.Scalar(stoichiometry))
    return float(np.asarray(values.evaluate(curve)).item())


def _simulation(
    values: Any,  # noqa: ANN401
    bounds: Bounds,
    ends: dict[str, tuple[float, float]],
    mode: str,
) -> Any:  # noqa: ANN401
    import pybamm

    model = pybamm.lithium_ion.DFN({"thermal": "lumped", "operating mode": mode})
    said = model.variables
    kelvin = kelvin_from_celsius(bounds.celsius)
    model.events += [
        pybamm.Event("current", bounds.ampere - abs(said["Current [A]"])),
        pybamm.Event("temperature", kelvin - said["Volume-averaged cell temperature [K]"]),
    ]

    def load(t: Any) -> Any:  # noqa: ANN401
        # A step of some milliseconds: a sharp one would make the solver begin anew.
        begun = (1.0 + pybamm.tanh(_STEEP * (t - pybamm.InputParameter("begins")))) / 2.0
        first, then = pybamm.InputParameter("preload"), pybamm.InputParameter("load")
        return first + (then - first) * begun

    given = values.copy()
    inputs = dict.fromkeys([*ends, "Ambient temperature [K]", "Initial temperature [K]"], "[input]")
    low, high = bounds.volt
    cut = {"Lower voltage cut-off [V]": low, "Upper voltage cut-off [V]": high}
    key = "Current function [A]" if mode == "current" else "Power function [W]"
    given.update({**inputs, **cut, key: load}, check_already_exists=False)
    solver = pybamm.IDAKLUSolver(rtol=1e-5, atol=1e-7, output_variables=list(_WANTED))
    return pybamm.Simulation(model, parameter_values=given, solver=solver, var_pts=POINTS)


def _named(termination: str) -> str:
    """Say which limit a termination means.

    >>> _named("event: Minimum voltage [V]")
    'voltage'
    """
    return next(
        name for name in ("voltage", "current", "temperature") if name in termination.lower()
    )


class Lasting(NamedTuple):
    """The largest power that lasts a horizon.

    Attributes:
        second: The horizon [s].
        watt: Charging positive [W].
        limit: What breaks first beyond it.
    """

    second: float
    watt: float
    limit: str


def lasting(
    ends: Callable[[float], tuple[float, str]],
    horizons: tuple[float, ...],
    least_watt: float,
    most_watt: float,
) -> list[Lasting]:
    """Find the largest power of each horizon from when loads end.

    Args:
        ends: When a power first breaks a limit, at most the longest horizon, and which [s].
        horizons: Ascending [s].
        least_watt: A power that lasts all of them, if any does; it is halved until it does [W].
        most_watt: One that lasts none of them; it is raised until it does not [W].
    """
    tried: dict[float, tuple[float, str]] = {}
    for watt, factor, wanted in ((least_watt, 0.5, True), (most_watt, 1.5, False)):
        tried[watt] = ends(watt)
        while (tried[watt][0] >= horizons[-1 if wanted else 0]) != wanted:
            watt *= factor
            assert watt > NOTHING * least_watt, "a limit is broken before the load begins"
            tried[watt] = ends(watt)
    return [_lasting(ends, tried, second) for second in horizons]


def _lasting(
    ends: Callable[[float], tuple[float, str]], tried: dict[float, tuple[float, str]], second: float
) -> Lasting:
    for _ in range(SOLVES_MAX):
        low = max(watt for watt, (end, _) in tried.items() if end >= second)
        high = min(watt for watt, (end, _) in tried.items() if end < second and watt > low)
        if high / low < CLOSE:
            break
        between = _between(low, high, tried[low][0] / second, tried[high][0] / second)
        tried[between] = ends(between)
    return Lasting(second, math.sqrt(low * high), tried[high][1])


def _between(low: float, high: float, late: float, early: float) -> float:
    """Choose a power to try next from how late and how early, in horizons, its neighbours end."""
    width = math.log(high / low)
    share = 0.5
    if late < _SEEN and early > 0.0:
        # Ends fall about as a power of the load.  Aim a little to the far side of the answer, so
        # that both ends close in.
        share = math.log(late) / math.log(late / early)
        aside = 0.4 * math.log(CLOSE) / width
        share += aside if share < 0.5 else -aside
    return low * math.exp(width * min(max(share, 0.05), 0.95))


def power_limits(
    cell: Dfn, before: Before, horizons: tuple[float, ...], *, charging: bool
) -> list[Lasting]:
    """Find the largest power of each horizon, one way.

    Args:
        cell: The cell.
        before: Where the load begins.
        horizons: Ascending [s].
        charging: Which way.
    """
    sign = 1.0 if charging else -1.0
    times = np.array([0.0, _SEEN * horizons[-1]])

    def ends(watt: float) -> tuple[float, str]:
        trace = cell.load(before, sign * watt, times, power=True)
        if not trace.limit:
            return float(times[-1]), ""
        return (float(trace.second[-1]) if len(trace.second) else 0.0), trace.limit

    most = cell.bounds.ampere * cell.bounds.volt[1]
    found = lasting(ends, horizons, 0.02 * most, most)
    return [one._replace(watt=sign * one.watt) for one in found]
