"""What was said in a depot, as text: a line a message."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from voltherd.types.depot_trace import Message


def render_trace(messages: Sequence[Message], zone: str) -> str:
    """Write messages, a line each.

    Args:
        messages: In the order of time.
        zone: Time zone to tell times in.
    """
    if not messages:
        return "nothing was said\n"
    place = ZoneInfo(zone)
    station, way, action = (
        max(len(column) for column in columns)
        for columns in zip(*((m.station, m.way, m.action) for m in messages), strict=True)
    )
    lines = [
        f"{datetime.fromtimestamp(one.second, place):%d %b %H:%M:%S}  {one.station:{station}}  "
        f"{one.way:{way}}  {one.action:{action}}  {one.text}".rstrip()
        for one in messages
    ]
    return "\n".join(lines) + "\n"
