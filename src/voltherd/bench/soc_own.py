"""A user's own estimators beside the shipped ones: from a file, or from an installed package.

A package offers one under the entry point group ``voltherd.estimators``.  Either is a class made
with ``cell=`` the identified cell, with ``init`` and ``step`` as every estimator has them.
"""

from importlib.metadata import entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, Final

from voltherd.errors import UsageError
from voltherd.numerics.cell_map import CellMap

GROUP: Final = "voltherd.estimators"


def own_estimators(cell: CellMap, own: str) -> dict[str, Any]:
    """Make the estimators of installed packages, and one from a file.

    Args:
        cell: Handed to each.
        own: ``FILE.py:CLASS``, or nothing.

    Raises:
        UsageError: There is no such file or class, or it cannot be made; the message says why.
    """
    offered = {entry.name: entry for entry in entry_points(group=GROUP)}
    made = {
        name: _made(entry.load, name, f"entry point {entry.value}", cell)
        for name, entry in offered.items()
    }
    if own:
        file, _, name = own.rpartition(":")
        if not file.endswith(".py") or not Path(file).is_file():
            raise UsageError("no such estimator", where=own, mend="give FILE.py:CLASS")
        made[name] = _made(lambda: _class_in(file, name), name, file, cell)
    return made


def _class_in(file: str, name: str) -> Any:  # noqa: ANN401
    spec = spec_from_file_location("voltherd_own_estimator", file)
    assert spec is not None, "its name ends in .py"
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    if not hasattr(module, name):
        raise UsageError(f"no class {name} in it", where=file)
    return getattr(module, name)


def _made(load: Any, name: str, where: str, cell: CellMap) -> Any:  # noqa: ANN401
    """Load a class and make it, its faults told as its own."""
    try:
        estimator = load()(cell=cell)
    except UsageError:
        raise
    except Exception as error:
        raise UsageError(
            f"{name} cannot be made: {type(error).__name__}: {error}",
            where=where,
            mend="it is called with cell= the identified cell",
        ) from error
    missing = [part for part in ("init", "step") if not callable(getattr(estimator, part, None))]
    if missing:
        raise UsageError(f"{name} has no {' and no '.join(missing)}", where=where)
    return estimator
