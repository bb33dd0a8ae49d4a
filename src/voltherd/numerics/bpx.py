"""Battery Parameter eXchange (BPX): a cell's curve read from it, an identified cell put into it.

BPX describes a cell by its electrodes and electrolyte.  An equivalent circuit takes three things
from it: the open-circuit voltage, which is the difference of the electrodes' potentials between
their stoichiometry limits, the capacity, and heat.  It has no resistances to give: those come from
the preset that is read into, and from identification.

Source: BPX standard of the Faraday Institution, versions 0.1 to 1.x; the sections read here are
the same in all of them, but for the surroundings, which 1.0 moved to ``State``.
"""

import re
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from typing import Any, Final, NamedTuple

import numpy as np
from jaxtyping import Float

from voltherd.errors import InputError
from voltherd.numerics.cell_map import CellMap
from voltherd.numerics.cell_parameters import OCV_NODES, CellParameters
from voltherd.numerics.expression import evaluated

NOT_IN_A_CIRCUIT: Final = (
    "electrode area and number of electrode pairs",
    "thickness, porosity and transport efficiency of electrodes and separator",
    "particle radius, surface area, diffusivity, conductivity and reaction rate of each electrode",
    "open-circuit potential and stoichiometry limits of each electrode apart",
    "concentration, diffusivity, conductivity and transference number of the electrolyte",
)
"""What BPX requires and an equivalent circuit lacks: no record at the terminals tells it."""
_ELECTRODES: Final = ("Negative electrode", "Positive electrode")
_USER: Final = "User-defined"
_PREFIX: Final = "Equivalent circuit "
_CURVE_CLIMB_MIN: Final = 1e-9
Nodes = Float[np.ndarray, "nodes"]


class BpxCell(NamedTuple):
    """What an equivalent circuit takes from a BPX document.

    Attributes:
        parameters: Curve, capacity and, where given, heat; the rest is the preset's.
        voltage_volt_min: Lower cut-off [V].
        voltage_volt_max: Upper cut-off [V].
    """

    parameters: CellParameters
    voltage_volt_min: float
    voltage_volt_max: float


def read_bpx(document: object, preset: CellParameters, where: str) -> BpxCell:
    """Take a cell from a BPX document.

    Args:
        document: As ``json.loads`` gives it.
        preset: What the document does not tell: chemistry, resistances, hysteresis.
        where: The document's name, for errors and for the record.

    Raises:
        InputError: It is no BPX document, or says what this cannot be read from.
    """
    whole = _section(document, "", where)
    header = _section(whole, "Header", where)
    version = str(header.get("BPX", ""))
    if not re.fullmatch(r"[01](\.\d+)*", version):
        raise InputError(
            f"Header.BPX is {version or 'missing'}",
            where=where,
            mend="versions 0 and 1 of Battery Parameter eXchange are read",
        )
    parts = _section(whole, "Parameterisation", where)
    cell = _section(parts, "Cell", where)
    capacity = _positive(cell, "Nominal cell capacity [A.h]", where)
    low, high = (_positive(cell, f"{end} voltage cut-off [V]", where) for end in ("Lower", "Upper"))
    if low >= high:
        raise InputError(
            f"cut-offs from {low:g} to {high:g} V", where=where, mend="the lower one is first"
        )
    title = str(header.get("Title", "")) or "a cell"
    sized = preset.resized(capacity)
    heat, cooling, told = _heat(whole, cell, sized, where)
    parameters = replace(
        sized,
        name=title,
        ocv_volt=_curve(parts, where),
        heat_capacity_joule_per_kelvin=heat,
        thermal_resistance_kelvin_per_watt=cooling,
        source=f"OCV{told}: BPX {version}, {title}; the rest: {preset.source}",
    )
    return BpxCell(parameters, low, high)


def _curve(parts: Mapping[str, Any], where: str) -> Nodes:
    """Join the electrodes: full is a full negative and an empty positive electrode."""
    negative, positive = (_section(parts, name, where) for name in _ELECTRODES)
    volts = []
    for name, electrode, up in (
        (_ELECTRODES[1], positive, False),
        (_ELECTRODES[0], negative, True),
    ):
        at = f"{where}: {name}"
        if "Particle" in electrode:
            raise InputError(
                "an electrode blended of several materials",
                where=at,
                mend="give the measured curve of the cell with --ocv",
            )
        low, high = (_number(electrode, f"{end}imum stoichiometry", at) for end in ("Min", "Max"))
        if not 0.0 <= low < high <= 1.0:
            raise InputError(f"stoichiometry from {low:g} to {high:g}", where=at)
        window = np.linspace(low, high, OCV_NODES)
        potential = _function(electrode.get("OCP [V]"), window, f"{at}: OCP [V]")
        volts.append(potential if up else potential[::-1])
    curve = np.asarray(volts[0] - volts[1])
    falls = np.diff(curve) < _CURVE_CLIMB_MIN
    if falls.any():
        raise InputError(
            f"the open-circuit voltage does not climb at {np.argmax(falls)} % state of charge",
            where=where,
            mend="check the potentials and their stoichiometry limits",
        )
    return curve


def _function(told: object, x: Nodes, where: str) -> Nodes:
    """Work out what BPX gives as a number, a formula or a table."""
    if isinstance(told, str):
        return evaluated(told, x, where)
    if isinstance(told, int | float) and not isinstance(told, bool):
        return np.full(len(x), float(told))
    if isinstance(told, dict) and set(told) == {"x", "y"}:
        try:
            along, values = (np.array(told[axis], np.float64) for axis in ("x", "y"))
        except (TypeError, ValueError):
            along, values = np.zeros(0), np.zeros(0)
        whole = along.ndim == 1 and along.shape == values.shape and len(along) >= 2
        if whole and np.isfinite([along, values]).all() and (np.diff(along) > 0.0).all():
            return np.asarray(np.interp(x, along, values))
    raise InputError(
        "neither a number, a formula nor a table",
        where=where,
        mend="a table is two lists of equal length, x climbing, y finite",
    )


def _heat(
    whole: Mapping[str, Any], cell: Mapping[str, Any], sized: CellParameters, where: str
) -> tuple[float, float, str]:
    """Give heat capacity [J/K], thermal resistance [K/W] and what was told of them."""
    heat, cooling = sized.heat_capacity_joule_per_kelvin, sized.thermal_resistance_kelvin_per_watt
    told = ""
    names = "Specific heat capacity [J.K-1.kg-1]", "Density [kg.m-3]", "Volume [m3]"
    if all(name in cell for name in names):
        heat = float(np.prod([_positive(cell, name, where) for name in names]))
        told = " and heat capacity"
    state = whole.get("State", {})
    around = state.get("Thermal environment", {}) if isinstance(state, dict) else {}
    transfer, area = "Heat transfer coefficient [W.m-2.K-1]", "External surface area [m2]"
    if isinstance(around, dict) and transfer in around and area in cell:
        cooling = 1.0 / (_positive(around, transfer, where) * _positive(cell, area, where))
        told += " and cooling"
    return heat, cooling, told


def with_cell(document: object, cell: CellMap, where: str) -> dict[str, Any]:
    """Put an identified circuit into the BPX document that its curve came from.

    BPX has no place of its own for a circuit; ``User-defined`` takes numbers and tables of one
    variable, so each quantity is a table over state of charge at each temperature.

    Args:
        document: A BPX document; it is not changed.
        cell: The circuit.
        where: The document's name, for errors.

    Raises:
        InputError: It is no BPX document.
    """
    read_bpx(document, cell.base, where)
    whole = deepcopy(_section(document, "", where))
    parts = _section(whole, "Parameterisation", where)
    kept = {
        key: value
        for key, value in parts.get(_USER, {}).items()
        if not key.startswith(_PREFIX)  # of an earlier export
    }
    parts[_USER] = kept | _user_defined(cell)
    return whole


def _user_defined(cell: CellMap) -> dict[str, Any]:
    told: dict[str, Any] = {
        f"{_PREFIX}capacity [A.h]": cell.base.capacity_ah,
        f"{_PREFIX}fast time constant [s]": cell.tau1_second,
        f"{_PREFIX}slow time constant [s]": cell.tau2_second,
    }
    if cell.hysteresis_rate:
        told[f"{_PREFIX}hysteresis rate"] = cell.hysteresis_rate
    grid = np.linspace(0.0, 1.0, OCV_NODES)
    rows = zip(cell.temperature_celsius, *cell.flat.reshape(5, -1, OCV_NODES), strict=True)
    names = (
        "series resistance [Ohm]",
        "fast pair resistance [Ohm]",
        "slow pair resistance [Ohm]",
        "open-circuit voltage [V]",
        "hysteresis half-gap [V]",
    )
    for celsius, *tables in rows:
        at = f"at {celsius + 273.15:g} K"
        for name, table in zip(names, tables, strict=True):
            told[f"{_PREFIX}{name} {at}"] = {"x": grid.tolist(), "y": table.tolist()}
    return told


def _section(holder: object, name: str, where: str) -> dict[str, Any]:
    """Give a section; the empty name gives the document itself."""
    found = holder.get(name) if name and isinstance(holder, dict) else holder
    if not isinstance(found, dict):
        raise InputError(
            f"section {name!r} is missing" if name else "not a BPX document",
            where=where,
            mend="give a JSON file of Battery Parameter eXchange",
        )
    return found


def _number(section: Mapping[str, Any], name: str, where: str) -> float:
    value = section.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        told = "is missing" if value is None else f"is {value!r}"
        raise InputError(f"{name!r} {told}", where=where, mend="a finite number is wanted")
    return float(value)


def _positive(section: Mapping[str, Any], name: str, where: str) -> float:
    value = _number(section, name, where)
    if value <= 0.0:
        raise InputError(f"{name!r} is {value:g}", where=where, mend="it must be above 0")
    return value
