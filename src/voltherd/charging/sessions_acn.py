"""Sessions in the JSON of ACN-Data, as its web interface and ``acnportal`` give them.

Times there are UTC, each session names its zone; here they become the site's own, as everywhere in
recorded sessions.  What drivers asked for is not read: it is the charging that came about which is
replayed.  Format: Lee, Li, Low, ACN-Data, Proc. ACM e-Energy (2019) 139.
"""

import json
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np

from voltherd.errors import InputError
from voltherd.types.table import RawTable

_ITEMS: Final = "_items"


def acn_table(text: str, source: str) -> RawTable:
    """Read sessions: a list of them, or a document that holds the list under ``_items``.

    Args:
        text: JSON.
        source: For messages.

    Raises:
        InputError: It is something else, or a session lacks what it must have.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise InputError(f"is no JSON ({error})", where=source) from error
    items = document.get(_ITEMS) if isinstance(document, dict) else document
    if not isinstance(items, list) or not items:
        raise InputError(
            "holds no list of sessions", where=source, mend=f"give the document with {_ITEMS}"
        )
    rows = [_session(item, f"{source}, session {n}") for n, item in enumerate(items, start=1)]
    start, end, energy, station = zip(*rows, strict=True)
    return RawTable(
        source=source,
        columns={
            "start": np.array(start, "datetime64[s]"),
            "end": np.array(end, "datetime64[s]"),
            "energy_kwh": np.array(energy, float),
            "station": np.array(station, object),
        },
    )


def _session(item: Any, where: str) -> tuple[np.datetime64, np.datetime64, float, str]:  # noqa: ANN401
    """Give start, end, energy and station; what is null is not known."""
    if not isinstance(item, dict):
        raise InputError("is no session", where=where)
    zone = _zone(item.get("timezone") or "UTC", where)
    energy = item.get("kWhDelivered")
    if energy is not None and (isinstance(energy, bool) or not isinstance(energy, int | float)):
        raise InputError("kWhDelivered is no number", where=where)
    return (
        _local(item, "connectionTime", zone, where),
        _local(item, "disconnectTime", zone, where),
        float("nan") if energy is None else float(energy),
        str(item.get("stationID") or item.get("spaceID") or ""),
    )


def _zone(name: object, where: str) -> ZoneInfo:
    try:
        return ZoneInfo(str(name))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputError(f"no time zone is called {name}", where=where) from error


def _local(item: dict[str, Any], key: str, zone: ZoneInfo, where: str) -> np.datetime64:
    """Give a time as clocks at the site showed it."""
    if key not in item:
        raise InputError(f"has no {key}", where=where)
    if item[key] is None:
        return np.datetime64("NaT")
    told = _moment(str(item[key]))
    if told is None or told.tzinfo is None:
        raise InputError(
            f"{key} is no time ({item[key]})",
            where=where,
            mend="write Wed, 25 Apr 2018 11:08:04 GMT or 2018-04-25T11:08:04Z",
        )
    return np.datetime64(told.astimezone(zone).replace(tzinfo=None), "s")


def _moment(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
