"""JSON schemas, compiled to closures: as strict as a validator, at a small part of its time.

Only what the schemas of OCPP 1.6, 2.0.1 and 2.1 use is known; a schema that uses more is refused
when it is compiled.  ``format: date-time`` is checked as the time it must be readable as.
"""

from collections.abc import Callable, Mapping
from functools import partial
from math import inf
from typing import Any, Final

from voltherd.errors import UsageError
from voltherd.wire.ocpp_time import read_time

Check = Callable[[Any, str, str, list[str]], None]
"""Takes a value, where it stands and under which name, and the list for complaints."""
COMPLAINTS_MAX: Final = 20
_ENDLESS: Final = 1 << 62

_IGNORED: Final = {
    "$schema",
    "$id",
    "id",
    "title",
    "comment",
    "description",
    "javaType",
    "default",
    "definitions",
    "additionalItems",
}
_KNOWN: Final = {
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "minItems",
    "maxItems",
    "maxLength",
    "minimum",
    "maximum",
    "multipleOf",
    "enum",
    "format",
    "$ref",
}
_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
}


def compiled(schema: Mapping[str, Any]) -> Callable[[Any], tuple[str, ...]]:
    """Compile a schema to a function from a value to complaints; none means valid.

    Args:
        schema: Of draft 4 or 6.

    Returns:
        A function; its complaints say where and what, at most ``COMPLAINTS_MAX``.

    Raises:
        UsageError: The schema uses what is not known here.

    >>> text = {"type": "string"}
    >>> check = compiled({"type": "object", "required": ["a"], "properties": {"a": text}})
    >>> check({"a": "b"}), check({"a": 1}), check({})
    ((), ('a: no string',), ('a: missing',))
    """
    return partial(_complaints, _check(schema, schema.get("definitions", {}), {}))


def _complaints(check: Check, value: Any) -> tuple[str, ...]:  # noqa: ANN401
    found: list[str] = []
    check(value, "", "", found)
    return tuple(found[:COMPLAINTS_MAX])


def _check(
    schema: Mapping[str, Any], definitions: Mapping[str, Any], made: dict[str, Check]
) -> Check:
    unknown = schema.keys() - _KNOWN - _IGNORED
    if unknown:
        raise UsageError(f"a schema uses {', '.join(sorted(unknown))}, which is not known here")
    if "$ref" in schema:
        return _referred(str(schema["$ref"]), definitions, made)
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        inner = {
            name: _check(part, definitions, made)
            for name, part in schema.get("properties", {}).items()
        }
        closed = schema.get("additionalProperties", True) is False
        return partial(_check_object, inner, frozenset(schema.get("required", ())), closed)
    if kind == "array":
        of_item = _check(schema.get("items", {}), definitions, made)
        return partial(
            _check_array, of_item, schema.get("minItems", 0), schema.get("maxItems", _ENDLESS)
        )
    choice = frozenset(schema["enum"]) if "enum" in schema else None
    return partial(_check_leaf, kind, _TYPES[kind] if kind else (object,), choice, _rest(schema))


def _referred(reference: str, definitions: Mapping[str, Any], made: dict[str, Check]) -> Check:
    name = reference.rpartition("/")[2]
    if name not in made:
        # Types refer to themselves nowhere in OCPP; a cycle would show as a RecursionError here.
        made[name] = _check(definitions[name], definitions, made)
    return made[name]


def _check_object(
    inner: dict[str, Check],
    required: frozenset[str],
    closed: bool,
    value: Any,  # noqa: ANN401
    where: str,
    name: str,
    found: list[str],
) -> None:
    path = _path(where, name)
    if not isinstance(value, dict):
        found.append(f"{path or 'payload'}: no object")
        return
    if not required <= value.keys():
        missing = sorted(required - value.keys())
        found.extend(f"{_path(path, inside)}: missing" for inside in missing)
    for inside, part in value.items():
        of_part = inner.get(inside)
        if of_part is not None:
            of_part(part, path, inside, found)
        elif closed:
            found.append(f"{_path(path, inside[:40])}: not in the schema")


def _path(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _check_array(
    of_item: Check,
    low: int,
    high: int,
    value: Any,  # noqa: ANN401
    where: str,
    name: str,
    found: list[str],
) -> None:
    if not isinstance(value, list):
        found.append(f"{_path(where, name)}: no array")
        return
    if not low <= len(value) <= high:
        found.append(f"{_path(where, name)}: {len(value)} items")
    for item in value:
        of_item(item, where, name, found)
        if len(found) > COMPLAINTS_MAX:
            return


def _check_leaf(
    kind: str | None,
    types: tuple[type, ...],
    choice: frozenset[str] | None,
    rest: Check | None,
    value: Any,  # noqa: ANN401
    where: str,
    name: str,
    found: list[str],
) -> None:
    if not isinstance(value, types) or (value.__class__ is bool and kind in ("integer", "number")):
        found.append(f"{_path(where, name)}: no {kind}")
    elif choice is not None:
        if value not in choice:
            found.append(f"{_path(where, name)}: {str(value)[:40]!r} is not among the choices")
    elif rest is not None:
        rest(value, where, name, found)


def _rest(schema: Mapping[str, Any]) -> Check | None:
    """Make what checks lengths, ranges, steps and times; None where there is nothing to check."""
    if schema.get("type") == "string":
        is_time, longest = schema.get("format") == "date-time", schema.get("maxLength", _ENDLESS)
        plain = not is_time and longest == _ENDLESS
        return None if plain else partial(_check_text, longest, is_time)
    low, high = schema.get("minimum", -inf), schema.get("maximum", inf)
    step = schema.get("multipleOf")
    plain = step is None and (low, high) == (-inf, inf)
    return None if plain else partial(_check_number, low, high, step)


def _check_text(
    longest: int, is_time: bool, value: str, where: str, name: str, found: list[str]
) -> None:
    if len(value) > longest:
        found.append(f"{_path(where, name)}: longer than {longest}")
    if is_time and read_time(value) is None:
        found.append(f"{_path(where, name)}: {value[:40]!r} is no time")


def _check_number(
    low: int | float,
    high: int | float,
    step: int | float | None,
    value: int | float,
    where: str,
    name: str,
    found: list[str],
) -> None:
    if not low <= value <= high:
        found.append(f"{_path(where, name)}: {str(value)[:40]} is out of range")
    if step is not None and not _is_multiple(value, step):
        found.append(f"{_path(where, name)}: {str(value)[:40]} is no multiple of {step}")


def _is_multiple(value: int | float, step: int | float) -> bool:
    """Say so but for the rounding of binary fractions: 21.4 is a multiple of 0.1."""
    if not -1e15 < value < 1e15:
        return False
    return abs(value / step - round(value / step)) < 1e-6
