"""What a person is told while a depot runs: who came, who left with what, and how it stands."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final, final
from zoneinfo import ZoneInfo

from voltherd.charging.stays import STAY_SECOND_MAX
from voltherd.cloud.depot_live import LiveDepot
from voltherd.types.depot import Account

STATUS_SECOND: Final = 900.0
"""How often it is said how things stand [s]."""


@final
class Teller:
    """Tells what has changed since it was asked last.

    Args:
        live: The depot.
    """

    def __init__(self, live: LiveDepot) -> None:
        self.live = live
        self._zone = ZoneInfo(live.file.timezone)
        self._open: set[tuple[str, str]] = set()
        self._stays: frozenset[tuple[str, str, bool]] = frozenset()
        self._online: frozenset[str] = frozenset()
        self._astray: frozenset[str] = frozenset()
        self._said_second = float("-inf")

    def news(self, now_second: float, online: tuple[str, ...]) -> Iterator[str]:
        """Give what is to be said, a line each.

        Args:
            now_second: [unix s].
            online: Stations that are connected.
        """
        clock = datetime.fromtimestamp(now_second, self._zone).strftime("%H:%M:%S")
        for line in self._changes(frozenset(online), now_second):
            yield f"{clock}  {line}"
        if now_second - self._said_second >= STATUS_SECOND:
            self._said_second = now_second - now_second % STATUS_SECOND
            yield f"{clock}  {self.status()}"

    def status(self) -> str:
        """Say in a line how things stand."""
        live, orders = self.live, self.live.orders
        accounts = live.accounts()
        there = [account for account in accounts if account.stop_second is None]
        ready = sum(account.ready for account in accounts)
        parts = [f"{len(there)} charging or waiting, {ready} of {len(accounts)} ready"]
        if orders is not None:
            told = sum(
                ampere * live.file.connection.voltage_volt * len(charger.phases) / 1000.0
                for ampere, charger in zip(orders.limit_ampere.tolist(), live.chargers, strict=True)
            )
            spare = float(orders.spare_ampere[0].min())
            parts.append(f"{told:.1f} kW allowed, {spare:.0f} A left at the connection")
        if live.plan is not None:
            cost = f"{live.plan.cost_eur:.2f} {live.file.currency}"
            parts.append(f"what is planned costs {cost}, within {live.plan.gap:.3%} of the best")
        return "; ".join(parts)

    def _changes(self, online: frozenset[str], now_second: float) -> Iterator[str]:
        for station in sorted(online - self._online):
            yield f"{station} is connected"
        for station in sorted(self._online - online):
            yield f"{station} is gone; it goes on with its limit, then with its safe default"
        self._online = online
        astray = self.live.astray
        for charger in sorted(astray - self._astray):
            yield f"{charger} does not follow its limit; it counts with all that it can draw"
        for charger in sorted(self._astray - astray):
            yield f"{charger} follows its limit again"
        self._astray = astray
        stays = self.live.stays()
        if stays == self._stays:
            return
        self._stays = stays
        for account in self.live.accounts(now_second - STAY_SECOND_MAX):
            key = (account.charger, account.transaction_id)
            if account.stop_second is None and key not in self._open:
                self._open.add(key)
                yield self._came(account)
            elif account.stop_second is not None and key in self._open:
                self._open.discard(key)
                yield self._left(account)

    def _came(self, account: Account) -> str:
        until = datetime.fromtimestamp(account.departure_second, self._zone).strftime("%H:%M")
        return (
            f"{account.vehicle} is at {account.charger}, wants {account.wanted_kwh:.1f} kWh "
            f"by {until}"
        )

    def _left(self, account: Account) -> str:
        left = f"{account.vehicle} left {account.charger} with {account.drawn_wh / 1000.0:.3f} kWh"
        ready = "ready"
        if not account.ready:
            got = f"{account.stored_kwh:.1f} of {account.wanted_kwh:.1f} kWh"
            ready = f"not ready: {got}; {account.why}"
        flags = f" ({', '.join(account.flags)})" if account.flags else ""
        return f"{left}, {ready}{flags}"
