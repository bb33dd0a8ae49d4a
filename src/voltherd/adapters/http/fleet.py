"""What a cloud's estimators say of vehicles' batteries, asked over its API."""

import json
from datetime import datetime
from math import nan
from typing import Any, Final, final
from urllib.parse import quote

from voltherd.adapters.http.client import get
from voltherd.errors import ServiceError
from voltherd.types.depot import BatteryNow

PAGE: Final = 1000
CELSIUS: Final = (-40.0, 80.0)
"""What a battery's temperature can be, as in a site file."""


@final
class FleetApi:
    """The vehicles of ``voltherd cloud``.

    Args:
        url: Where it is, such as ``http://127.0.0.1:8321``.
        token: That it asks for; empty where it asks for none.
    """

    def __init__(self, url: str, token: str = "") -> None:
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def batteries(self) -> dict[str, BatteryNow]:
        """Give what is known of every vehicle's battery that is known at all.

        Raises:
            ServiceError: It does not answer, or not as it should.
        """
        found: dict[str, BatteryNow] = {}
        cursor: str | None = ""
        while cursor is not None:
            try:
                page = json.loads(self._page(cursor))
                told = {str(row["vehicle_id"]): _battery(row) for row in page["items"]}
                before, cursor = cursor, page["next_cursor"]
                if cursor is not None and (not cursor or str(cursor) == before or not told):
                    raise ValueError("its pages go nowhere")
            except (ValueError, LookupError, TypeError, OverflowError, RecursionError) as error:
                raise ServiceError("its answer is no list of vehicles", where=self._url) from error
            found |= {name: battery for name, battery in told.items() if battery is not None}
        return found

    def _page(self, cursor: str) -> bytes:
        going_on = f"&cursor={quote(cursor)}" if cursor else ""
        status, answer = get(f"{self._url}/api/v1/vehicles?limit={PAGE}{going_on}", self._headers)
        if status != 200:
            why = "it asks for a token" if status in (401, 403) else f"it answers {status}"
            raise ServiceError(f"vehicles are not told: {why}", where=self._url)
        return answer


def _battery(row: Any) -> BatteryNow | None:  # noqa: ANN401 (JSON)
    """Take what is known; times are those of the samples, not of the answer."""
    seen, soc = row["last_seen_time"], row["soc"]["value"]
    if seen is None:
        return None
    second = datetime.fromisoformat(seen).timestamp()
    celsius = _within(row["temperature_celsius_max"], *CELSIUS)
    return BatteryNow(second, _within(soc, 0.0, 1.0), celsius, nan)


def _within(value: Any, low: float, high: float) -> float:  # noqa: ANN401 (JSON)
    """Give a number that can be; NaN for whatever else is told."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return nan
    return float(value) if low <= value <= high else nan
