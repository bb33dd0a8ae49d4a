"""How a depot does, from the process that runs it to whoever looks: one small file, made anew."""

import json
import logging
import time
from pathlib import Path
from typing import Final

from voltherd.errors import UnreadableError
from voltherd.types.depot_now import DepotNow
from voltherd.wire.plain import from_plain, to_plain

log = logging.getLogger(__name__)
FILE: Final = "now.json"


def write_now(folder: Path, now: DepotNow) -> None:
    """Write down how a depot does; a folder that refuses costs nothing but the look at it."""
    path, fresh = folder / FILE, folder / f"{FILE}.new"
    try:
        fresh.write_text(json.dumps(to_plain(now)), encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        log.warning("how the depot does is not told: %s", error)


def read_now(folder: Path) -> tuple[DepotNow, float] | None:
    """Read how a depot does, and how long ago it was written [s].

    Returns:
        None where it never ran there, or another version of it did.
    """
    path = folder / FILE
    try:
        age = time.time() - path.stat().st_mtime
        plain = json.loads(path.read_text(encoding="utf-8"))
        now: DepotNow = from_plain(DepotNow, plain)
    except (OSError, ValueError, UnreadableError):
        return None
    return now, max(age, 0.0)
