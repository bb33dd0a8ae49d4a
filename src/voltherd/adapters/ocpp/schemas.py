"""The schemas of OCPP, from the package that carries them, compiled when first used."""

import json
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Literal

from voltherd.errors import ServiceError
from voltherd.wire.ocpp_frame import Version
from voltherd.wire.ocpp_schema import compiled

Direction = Literal["request", "response"]
Complaints = Callable[[Any], tuple[str, ...]]
_FOLDERS: Final[dict[Version, str]] = {"1.6": "v16", "2.0.1": "v201", "2.1": "v21"}


@cache
def schema_check(version: Version, action: str, direction: Direction) -> Complaints | None:
    """Give what checks a payload; None where the version has no such action.

    Args:
        version: Of OCPP.
        action: As the version names it.
        direction: Whose payload.

    Returns:
        A function from a payload to complaints.

    Raises:
        ServiceError: The package with the schemas is not installed.
    """
    if action not in actions(version):
        return None
    request = "" if version == "1.6" else "Request"
    name = f"{action}{request if direction == 'request' else 'Response'}.json"
    path = _folder(version) / name
    return compiled(json.loads(path.read_text(encoding="utf-8-sig"))) if path.is_file() else None


@cache
def actions(version: Version) -> frozenset[str]:
    """Name every action of a version."""
    names = (path.stem for path in _folder(version).glob("*Response.json"))
    return frozenset(name.removesuffix("Response") for name in names)


@cache
def _folder(version: Version) -> Path:
    found = find_spec("ocpp")  # only found, not imported: its modules are not needed
    places = [] if found is None else list(found.submodule_search_locations or ())
    for place in places:
        folder = Path(place) / _FOLDERS[version] / "schemas"
        if folder.is_dir():
            return folder
    raise ServiceError(
        f"the schemas of OCPP {version} are not there",
        where="package ocpp",
        mend="pip install ocpp",
    )
