"""An identified cell as a plain document, ``cell.json``, and back: nothing is rounded.

Keys carry their unit.  What a person or another program has changed in such a file is checked
before anything is estimated with it.
"""

import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from voltherd.errors import InputError
from voltherd.numerics.cell_map import CellMap
from voltherd.numerics.cell_parameters import OCV_NODES, CellParameters
from voltherd.types.asset import Chemistry

FORMAT: Final = "voltherd-cell"
VERSION: Final = 1
_ABOVE, _FROM, _ANY = "above 0", "0 or above", "finite"
_CLIMBING: Final = "finite and climbing"
_CELL: Final = {
    "capacity_ah": _ABOVE,
    "r0_ohm": _ABOVE,
    "r1_ohm": _ABOVE,
    "r2_ohm": _ABOVE,
    "tau1_second": _ABOVE,
    "tau2_second": _ABOVE,
    "hysteresis_volt": _FROM,
    "hysteresis_rate": _FROM,
    "activation_joule_per_mole": _ANY,
    "heat_capacity_joule_per_kelvin": _ABOVE,
    "thermal_resistance_kelvin_per_watt": _ABOVE,
}
_NUMBERS: Final = {
    "hysteresis_rate": _FROM,
    "tau1_second": _ABOVE,
    "tau2_second": _ABOVE,
    "model_second": _ABOVE,
}
_TABLES: Final = {
    "r0_ohm": _ABOVE,
    "r1_ohm": _FROM,
    "r2_ohm": _FROM,
    "shift_volt": _ANY,
    "hysteresis_volt": _FROM,
}
"""One value by temperature and by state of charge."""
_BY_TEMPERATURE: Final = {"model_volt": _ABOVE, "curve_volt": _ABOVE, "widening": _ABOVE}
_LARGEST: Final = 1e300
_MEND: Final = "write it again with voltherd identify"


def plain(cell: CellMap, report: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Write a cell down.

    Args:
        cell: The tables and what they begin from.
        report: What identification said of it, kept beside.

    Returns:
        A document of numbers, texts, lists and dictionaries; ``cell_from`` reads it.
    """
    base = cell.base
    return {
        "format": FORMAT,
        "version": VERSION,
        "source": cell.source,
        "base": {
            "name": base.name,
            "chemistry": base.chemistry.value,
            "source": base.source,
            **{key: getattr(base, key) for key in _CELL},
            "ocv_volt": base.ocv_volt.tolist(),
        },
        "temperature_celsius": cell.temperature_celsius.tolist(),
        "soc_fraction": cell.soc.tolist(),
        **{key: getattr(cell, key) for key in _NUMBERS},
        **{key: getattr(cell, key).tolist() for key in (*_TABLES, *_BY_TEMPERATURE)},
        "identification": dict(report or {}),
    }


def cell_from(document: object, where: str) -> CellMap:
    """Read a cell back.

    Args:
        document: As ``json.loads`` gives it.
        where: Its name, for errors.

    Raises:
        InputError: It is no such document, or a value in it is missing, no number, out of its
            range or out of order.
    """
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise InputError(
            "not a cell file", where=where, mend=f"its 'format' must be {FORMAT!r}; {_MEND}"
        )
    if document.get("version") != VERSION:
        raise InputError(
            f"version {document.get('version')!r} of the cell file",
            where=where,
            mend=f"version {VERSION} is read here; {_MEND}",
        )
    base = _base(document.get("base"), f"{where}: base")
    celsius = _array(document, "temperature_celsius", (None,), _CLIMBING, where)
    soc = _array(document, "soc_fraction", (None,), _CLIMBING, where)
    if soc[0] < 0.0 or soc[-1] > 1.0:
        raise _wrong("soc_fraction", f"from {soc[0]:g} to {soc[-1]:g}", "within 0 and 1", where)
    shape = len(celsius), len(soc)
    told: dict[str, Any] = {
        key: _number(document, key, rule, where) for key, rule in _NUMBERS.items()
    }
    for rules, size in ((_TABLES, shape), (_BY_TEMPERATURE, shape[:1])):
        told |= {key: _array(document, key, size, rule, where) for key, rule in rules.items()}
    source = _text(document, "source", where)
    return CellMap(
        base=base,
        temperature_celsius=celsius,
        soc=soc,
        source=source,
        **told,
    )


def _base(section: object, where: str) -> CellParameters:
    if not isinstance(section, dict):
        raise InputError("the section is missing", where=where, mend=_MEND)
    word = _text(section, "chemistry", where)
    if word not in {one.value for one in Chemistry}:
        raise _wrong("chemistry", repr(word), " or ".join(one.value for one in Chemistry), where)
    return CellParameters(
        name=_text(section, "name", where),
        chemistry=Chemistry(word),
        source=_text(section, "source", where),
        ocv_volt=_array(section, "ocv_volt", (OCV_NODES,), _CLIMBING, where),
        **{key: _number(section, key, rule, where) for key, rule in _CELL.items()},
    )


def _number(section: Mapping[str, Any], key: str, rule: str, where: str) -> float:
    value = section.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(key, "missing" if value is None else repr(value), f"a number, {rule}", where)
    number = math.inf if abs(value) > _LARGEST else float(value)
    if not _holds(np.array([number]), rule):
        raise _wrong(key, f"{number:g}", rule, where)
    return number


def _array(
    section: Mapping[str, Any], key: str, shape: tuple[int | None, ...], rule: str, where: str
) -> np.ndarray:
    """Give numbers of a shape; ``None`` in it is two or more."""
    told = section.get(key)
    if told is None:
        raise _wrong(key, "missing", "a list of numbers", where)
    try:
        values = np.array(told)
    except ValueError:
        values = np.array("")
    fits = values.ndim == len(shape) and all(
        have >= 2 if want is None else have == want
        for have, want in zip(values.shape, shape, strict=True)
    )
    if not fits or values.dtype.kind not in "if":
        size = " × ".join("2 or more" if one is None else str(one) for one in shape)
        raise _wrong(key, "something else", f"{size} numbers", where)
    numbers = values.astype(np.float64)
    if not _holds(numbers, rule):
        raise _wrong(key, "a value that is not so", f"{rule}, all of it", where)
    return numbers


def _holds(values: np.ndarray, rule: str) -> bool:
    if not bool(np.isfinite(values).all()):
        return False
    if rule == _CLIMBING:
        return bool((np.diff(values) > 0.0).all())
    least = float(values.min())
    return {_ABOVE: least > 0.0, _FROM: least >= 0.0}.get(rule, True)


def _text(section: Mapping[str, Any], key: str, where: str) -> str:
    value = section.get(key)
    if not isinstance(value, str):
        raise _wrong(key, "missing" if value is None else repr(value), "a text", where)
    return value


def _wrong(key: str, is_so: str, wanted: str, where: str) -> InputError:
    return InputError(f"{key} is {is_so}", where=where, mend=f"wanted is {wanted}; {_MEND}")
