"""A profile: which source column becomes which canonical one, and how it is converted.

It is guessed by ``recognise``, and can be saved, edited and given back::

    schema = "voltherd.profile/1"
    vehicle = "vin"
    ignore = ["checksum"]

    [time]
    columns = ["tboxTime"]
    kind = "datetime"              # datetime, unix, elapsed, excel, text
    second_per_unit = 1.0
    order = "ymd"                  # text only: ymd, dmy, mdy
    zone = "UTC"                   # of stamps that name none

    [cells]
    columns = ["V_1", "V_2"]       # or one array column
    indices = [1, 2]               # as the vehicle numbers them, from 1
    scale = 0.001                  # canonical = source * scale + offset
    offset = 0.0
    sentinels = [65.535]           # source values that stand for 'no value'

    [scalar.current_ampere]
    column = "BMSBatteryCurrent"
    scale = -1.0
"""

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, final

from voltherd.errors import UsageError
from voltherd.types.channel import SCALARS

SCHEMA: Final = "voltherd.profile/1"


class TimeKind(StrEnum):
    """How a source tells time."""

    DATETIME = "datetime"
    UNIX = "unix"
    ELAPSED = "elapsed"
    EXCEL = "excel"
    TEXT = "text"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TimeRule:
    """Where time is and how it is told.

    Attributes:
        columns: One column, or a date and a time of day.
        kind: How it is told.
        second_per_unit: Length of one unit of a number [s].
        order: Order of year, month and day in text.
        zone: IANA zone of stamps that name none.
    """

    columns: tuple[str, ...]
    kind: TimeKind
    second_per_unit: float = 1.0
    order: str = "ymd"
    zone: str = "UTC"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRule:
    """One source column that becomes one scalar: canonical = source * scale + offset.

    Attributes:
        column: Source column.
        scale: Canonical units per source unit; negative turns the sign.
        offset: Added after scaling, in the canonical unit.
        sentinels: Source values that stand for 'no value'.
    """

    column: str
    scale: float = 1.0
    offset: float = 0.0
    sentinels: tuple[float, ...] = ()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRule:
    """Source columns that become the cells or the probes, in order.

    Attributes:
        columns: Source columns in order of index, or one two-dimensional column.
        indices: Index of each as the vehicle numbers them, from 1, rising.
        scale: Canonical units per source unit.
        offset: Added after scaling, in the canonical unit.
        sentinels: Source values that stand for 'no value'.
    """

    columns: tuple[str, ...]
    indices: tuple[int, ...]
    scale: float = 1.0
    offset: float = 0.0
    sentinels: tuple[float, ...] = ()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The whole mapping of one kind of source.

    Attributes:
        time: How time is told, None where it is to be guessed.
        cells: Cell voltages.
        probes: Temperature probes.
        scalar: Rules by canonical name.
        vehicle: Column that names the vehicle.
        ignore: Source columns to leave out on purpose.
    """

    time: TimeRule | None = None
    cells: GroupRule | None = None
    probes: GroupRule | None = None
    scalar: Mapping[str, ChannelRule] = field(default_factory=lambda: MappingProxyType({}))
    vehicle: str | None = None
    ignore: tuple[str, ...] = ()

    def sources(self) -> frozenset[str]:
        """Give every source column that the profile names."""
        groups = [group.columns for group in (self.time, self.cells, self.probes) if group]
        names = {name for group in groups for name in group}
        names |= {rule.column for rule in self.scalar.values()} | set(self.ignore)
        return frozenset(names | ({self.vehicle} if self.vehicle else set()))


def to_plain(profile: Profile) -> dict[str, Any]:
    """Give a profile as plain strings, numbers, lists and tables, ready for TOML.

    >>> to_plain(Profile(vehicle="vin"))
    {'schema': 'voltherd.profile/1', 'vehicle': 'vin'}
    """
    plain: dict[str, Any] = {"schema": SCHEMA}
    if profile.vehicle is not None:
        plain["vehicle"] = profile.vehicle
    if profile.ignore:
        plain["ignore"] = list(profile.ignore)
    if (time := profile.time) is not None:
        plain["time"] = {
            "columns": list(time.columns),
            "kind": str(time.kind),
            "second_per_unit": time.second_per_unit,
            "order": time.order,
            "zone": time.zone,
        }
    for name, group in (("cells", profile.cells), ("probes", profile.probes)):
        if group is not None:
            plain[name] = {
                "columns": list(group.columns),
                "indices": list(group.indices),
                "scale": group.scale,
                "offset": group.offset,
                "sentinels": list(group.sentinels),
            }
    if profile.scalar:
        plain["scalar"] = {
            name: {
                "column": rule.column,
                "scale": rule.scale,
                "offset": rule.offset,
                "sentinels": list(rule.sentinels),
            }
            for name, rule in profile.scalar.items()
        }
    return plain


def from_plain(plain: Mapping[str, Any]) -> Profile:
    """Read a profile from plain tables, the inverse of ``to_plain``.

    Args:
        plain: Tables as a TOML reader gives them.

    Returns:
        The profile.

    Raises:
        UsageError: When a key is unknown or a value is of the wrong kind; it names the key.

    >>> from_plain({"scalar": {"current": {"column": "I"}}})
    Traceback (most recent call last):
        ...
    voltherd.errors.UsageError: profile [scalar]: unknown key 'current'; did you mean ...
    """
    _known(plain, ("schema", "vehicle", "ignore", "time", "cells", "probes", "scalar"), "")
    if (schema := plain.get("schema", SCHEMA)) != SCHEMA:
        raise UsageError(
            f"schema {schema!r} is not {SCHEMA!r}", where="profile", mend="write it anew"
        )
    scalar = _table(plain.get("scalar", {}), "scalar")
    _known(scalar, tuple(SCALARS), "scalar")
    return Profile(
        time=_time(plain["time"]) if "time" in plain else None,
        cells=_group(plain["cells"], "cells") if "cells" in plain else None,
        probes=_group(plain["probes"], "probes") if "probes" in plain else None,
        scalar={name: _channel(rule, f"scalar.{name}") for name, rule in scalar.items()},
        vehicle=_text(plain["vehicle"], "vehicle") if "vehicle" in plain else None,
        ignore=_texts(plain.get("ignore", []), "ignore"),
    )


def did_you_mean(wrong: str, known: Collection[str]) -> str:
    """Suggest the nearest known word, or list them all.

    >>> did_you_mean("colums", ("columns", "kind"))
    "did you mean 'columns'?"
    """
    folded = {word.lower(): word for word in known}
    inside = [word for word in known if wrong and wrong.lower() in word.lower()]
    if near := inside[:1] or difflib.get_close_matches(wrong.lower(), folded, n=1, cutoff=0.5):
        return f"did you mean '{folded.get(near[0], near[0])}'?"
    return f"known: {', '.join(list(known)[:20])}"


def _time(plain: object) -> TimeRule:
    table = _table(plain, "time")
    _known(table, ("columns", "kind", "second_per_unit", "order", "zone"), "time")
    kind = _text(table.get("kind", ""), "time.kind")
    if kind not in tuple(TimeKind):
        mend = did_you_mean(kind, tuple(TimeKind))
        raise UsageError(f"unknown kind {kind!r}", where="profile [time]", mend=mend)
    order = _text(table.get("order", "ymd"), "time.order")
    if order not in ("ymd", "dmy", "mdy"):
        raise UsageError(f"unknown order {order!r}", where="profile [time]", mend="ymd, dmy or mdy")
    return TimeRule(
        columns=_texts(table.get("columns", []), "time.columns"),
        kind=TimeKind(kind),
        second_per_unit=_number(table.get("second_per_unit", 1.0), "time.second_per_unit"),
        order=order,
        zone=_text(table.get("zone", "UTC"), "time.zone"),
    )


def _group(plain: object, where: str) -> GroupRule:
    table = _table(plain, where)
    _known(table, ("columns", "indices", "scale", "offset", "sentinels"), where)
    columns = _texts(table.get("columns", []), f"{where}.columns")
    given = _numbers(table.get("indices", range(1, len(columns) + 1)), f"{where}.indices")
    indices = tuple(int(index) for index in given)
    if not columns or any(b <= a for a, b in zip((0, *indices), indices, strict=False)):
        raise UsageError(
            "columns must not be empty and indices must rise from 1",
            where=f"profile [{where}]",
            mend="list the columns in the order of the cells",
        )
    if len(columns) > 1 and len(columns) != len(indices):
        raise UsageError(
            f"{len(columns)} columns but {len(indices)} indices",
            where=f"profile [{where}]",
            mend="give one index per column",
        )
    return GroupRule(
        columns=columns,
        indices=indices,
        scale=_number(table.get("scale", 1.0), f"{where}.scale"),
        offset=_number(table.get("offset", 0.0), f"{where}.offset"),
        sentinels=_numbers(table.get("sentinels", []), f"{where}.sentinels"),
    )


def _channel(plain: object, where: str) -> ChannelRule:
    table = _table(plain, where)
    _known(table, ("column", "scale", "offset", "sentinels"), where)
    return ChannelRule(
        column=_text(table.get("column", None), f"{where}.column"),
        scale=_number(table.get("scale", 1.0), f"{where}.scale"),
        offset=_number(table.get("offset", 0.0), f"{where}.offset"),
        sentinels=_numbers(table.get("sentinels", []), f"{where}.sentinels"),
    )


def _known(table: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in known:
            place = f"profile [{where}]" if where else "profile"
            raise UsageError(f"unknown key {key!r}", where=place, mend=did_you_mean(key, known))


def _wrong(where: str, wanted: str, got: object) -> UsageError:
    return UsageError(
        f"{wanted} expected, got {got!r}", where=f"profile {where}", mend="correct it"
    )


def _table(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(where, "a table", value)
    return value


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise _wrong(where, "a name", value)
    return value


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _wrong(where, "a number", value)
    return float(value)


def _texts(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise _wrong(where, "a list of names", value)
    return tuple(_text(item, where) for item in value)


def _numbers(value: object, where: str) -> tuple[float, ...]:
    if not isinstance(value, list | tuple | range):
        raise _wrong(where, "a list of numbers", value)
    return tuple(_number(item, where) for item in value)
