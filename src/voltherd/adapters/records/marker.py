"""The file that says what a folder is."""

import json
from pathlib import Path
from typing import Any, Final

from voltherd.errors import StoreError

MARKER: Final = "voltherd.json"
FORMAT: Final = "voltherd-records"
LAYOUT_VERSION: Final = 1


def is_record_store(root: Path) -> bool:
    """Say whether a folder is a record store, of whatever version."""
    return _marker(root).get("format") == FORMAT


def check_marker(root: Path) -> None:
    """Refuse a folder that is another kind of store, or of a newer layout.

    Raises:
        StoreError: With what to do.
    """
    found = _marker(root)
    if found.get("format") != FORMAT:
        raise StoreError(
            "not a record store" if found else "the store's marker is missing or damaged",
            where=str(root / MARKER),
            mend=f"name another folder, or restore the marker; it reads {marker_text().strip()}",
        )
    if found.get("schema") != LAYOUT_VERSION:
        raise StoreError(
            f"layout version {found.get('schema')}; this voltherd knows {LAYOUT_VERSION}",
            where=str(root / MARKER),
            mend="use the voltherd that wrote it; nothing was changed",
        )


def marker_text() -> str:
    """Write the marker of a record store."""
    return json.dumps({"format": FORMAT, "schema": LAYOUT_VERSION}) + "\n"


def _marker(root: Path) -> dict[str, Any]:
    try:
        found = json.loads((root / MARKER).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
