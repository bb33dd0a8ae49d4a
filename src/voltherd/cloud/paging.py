"""Cursors: where a list goes on, opaque to whoever gives them back."""

import base64
import binascii
import json
from typing import Any, Final

from voltherd.cloud.problems import ProblemError

_BYTES_MAX: Final = 1_000


def cursor(*parts: Any) -> str:  # noqa: ANN401 (any JSON)
    """Write down where a list goes on.

    >>> place(cursor("soc", 0.5, "bus-7"))
    ['soc', 0.5, 'bus-7']
    """
    text = json.dumps(parts, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def place(text: str) -> list[Any]:
    """Read it back.

    Raises:
        ProblemError: It is no cursor.
    """
    try:
        if len(text) > _BYTES_MAX:
            raise ValueError(text)
        found = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error) as error:
        raise ProblemError("cursor-unknown") from error
    if not isinstance(found, list):
        raise ProblemError("cursor-unknown")
    return found
