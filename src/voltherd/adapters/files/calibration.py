"""The calibration that voltherd ships, or another one a fleet has measured for itself."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from voltherd.errors import InputError


def calibration_document(path: Path | None = None) -> dict[str, Any]:
    """Read a calibration as JSON values.

    Args:
        path: Another one than the package's own.

    Raises:
        InputError: It cannot be read, or is no JSON object.
    """
    source = path or files("voltherd.triage") / "calibration.json"
    try:
        plain = json.loads(source.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(
            f"no readable calibration ({error})",
            where=str(source),
            mend="scripts/calibration.py writes one",
        ) from error
    if not isinstance(plain, dict):
        raise InputError("no JSON object", where=str(source))
    return plain
