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
                told = {row["vehicle_id"]: _battery(row) for row in page["items"]}
                cursor = page["next_cursor"]
            except (ValueError, LookupError, TypeError) as error:
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
    celsius = row["temperature_celsius_max"]
    return BatteryNow(second, nan if soc is None else soc, nan if celsius is None else celsius, nan)
