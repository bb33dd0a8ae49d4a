"""What a vehicle or site may be called on the bus: a level of a topic, a word in a message."""

import re
from typing import Final

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,63}")


def is_bus_name(name: str) -> bool:
    r"""Say whether a topic can hold a name.

    >>> is_bus_name("bus-7"), is_bus_name("bus/7"), is_bus_name("bus-7\n")
    (True, False, False)
    """
    return _NAME.fullmatch(name) is not None
