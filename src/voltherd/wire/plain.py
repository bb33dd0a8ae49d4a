"""Values of NamedTuples and dataclasses as plain JSON and back, by their types.

For snapshots of a state that this version wrote; what another version wrote is refused, and the
state is made again from its journal.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from math import inf
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from voltherd.errors import UnreadableError

_INFINITE = {inf: "inf", -inf: "-inf"}


def to_plain(value: Any) -> Any:  # noqa: ANN401
    """Turn a value into what JSON can hold.

    >>> to_plain({("a", 1): frozenset({2.5}), ("b", 2): -float("inf")})
    [[['a', 1], [2.5]], [['b', 2], '-inf']]
    """
    if is_dataclass(value) and not isinstance(value, type):
        return [to_plain(getattr(value, part.name)) for part in fields(value)]
    if isinstance(value, Mapping):
        return [[to_plain(key), to_plain(item)] for key, item in value.items()]
    if isinstance(value, frozenset):
        return [to_plain(item) for item in sorted(value)]
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    return _INFINITE.get(value, value) if isinstance(value, float) else value


def from_plain(kind: Any, plain: Any) -> Any:  # noqa: ANN401
    """Turn what ``to_plain`` gave back into a value of a type.

    Args:
        kind: The type, as an annotation says it.
        plain: What JSON held.

    Returns:
        A value of that type.

    Raises:
        UnreadableError: It does not fit.
    """
    try:
        return _value(kind, plain)
    except (TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
        raise UnreadableError(f"no {getattr(kind, '__name__', kind)} ({error})") from error


def _value(kind: Any, plain: Any) -> Any:  # noqa: ANN401
    origin = get_origin(kind)
    if origin in (UnionType, Union):
        return _one_of(get_args(kind), plain)
    if origin is Literal:
        if plain not in get_args(kind):
            raise ValueError(f"{plain!r} is none of the choices")
        return plain
    if origin is tuple:
        inner = get_args(kind)
        if inner[-1] is Ellipsis:
            return tuple(_value(inner[0], item) for item in plain)
        return tuple(_value(k, item) for k, item in zip(inner, plain, strict=True))
    if origin is frozenset:
        return frozenset(_value(get_args(kind)[0], item) for item in plain)
    if origin is not None and issubclass(origin, Mapping):
        of_key, of_item = get_args(kind)
        return {_value(of_key, key): _value(of_item, item) for key, item in plain}
    hints = _hints(kind)
    if hints:
        parts = zip(hints.values(), plain, strict=True)
        return kind(*(_value(inner, item) for inner, item in parts))
    return _simple(kind, plain)


def _one_of(kinds: tuple[Any, ...], plain: Any) -> Any:  # noqa: ANN401
    if plain is None and NoneType in kinds:
        return None
    [kind] = [kind for kind in kinds if kind is not NoneType]
    return _value(kind, plain)


def _simple(kind: Any, plain: Any) -> Any:  # noqa: ANN401
    if kind is float and isinstance(plain, int | float | str) and not isinstance(plain, bool):
        return float(plain)
    if type(plain) is not kind:
        raise TypeError(f"{type(plain).__name__} where {kind.__name__} is due")
    return plain


@cache
def _hints(kind: Any) -> dict[str, Any]:  # noqa: ANN401
    """Give the fields of a NamedTuple or dataclass with their types; nothing for others."""
    if not (is_dataclass(kind) or hasattr(kind, "_fields")):
        return {}
    hints = get_type_hints(kind)
    names = kind._fields if hasattr(kind, "_fields") else [part.name for part in fields(kind)]
    return {name: hints[name] for name in names}
