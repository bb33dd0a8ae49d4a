"""What every stay came to, as text: the bill's energy, and who left without what it wanted."""

from collections.abc import Sequence
from datetime import datetime
from textwrap import wrap
from zoneinfo import ZoneInfo

from voltherd.types.depot import Account


def render_accounts(accounts: Sequence[Account], zone: str, width: int) -> str:
    """Write what every stay came to.

    Args:
        accounts: The stays.
        zone: Time zone to tell times in.
        width: Columns to write in.
    """
    if not accounts:
        return "no vehicle has charged\n"
    place = ZoneInfo(zone)
    longest = max(len("vehicle"), *(len(one.vehicle) for one in accounts))
    where = max(len("charger"), *(len(one.charger) for one in accounts))
    head = f"{'vehicle':{longest}}  {'charger':{where}}  {'from':11}  {'until':11}"
    lines = [f"{head}  {'kWh':>9}  {'in battery':>10}  {'wanted':>6}  ready"]
    for one in accounts:
        since = _clock(one.start_second, place)
        until = "there yet" if one.stop_second is None else _clock(one.stop_second, place)
        ready = "yes" if one.ready else "not yet" if one.stop_second is None else "no"
        lines.append(
            f"{one.vehicle:{longest}}  {one.charger:{where}}  {since:11}  {until:11}  "
            f"{one.drawn_wh / 1000.0:9.3f}  {one.stored_kwh:10.1f}  {one.wanted_kwh:6.1f}  {ready}"
        )
        told = "; ".join(filter(None, (one.why, ", ".join(one.flags))))
        lines += [f"    {line}" for line in wrap(told, width - 4)]
    total = sum(one.drawn_wh for one in accounts)
    count = sum(one.ready for one in accounts)
    lines.append(f"{count} of {len(accounts)} ready; {total / 1000.0:.3f} kWh by the meters")
    return "\n".join(lines) + "\n"


def _clock(second: float, place: ZoneInfo) -> str:
    return datetime.fromtimestamp(second, place).strftime("%d %b %H:%M")
