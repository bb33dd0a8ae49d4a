"""What every test run shares: shapes are checked, recorded data is found, a skip can be forbidden.

With ``VOLTHERD_NO_SKIP`` set, as in CI, a test that would be skipped fails and says why: what was
not run is then never mistaken for what passed.  Hypothesis tries the same examples in every
run; ``VOLTHERD_EXPLORE`` makes it try new ones.  Shapes are checked where rooms are tested by
themselves: at every call, that takes twice as long.  ``VOLTHERD_NIGHTLY`` checks them in all tests
but those marked ``unchecked``, and runs those marked ``nightly``, too.
"""

import os
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

from tests import shapes

shapes.install()
# No deadline: a loaded machine is slow, which says nothing about the code.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None, print_blob=True)
settings.load_profile("explore" if os.environ.get("VOLTHERD_EXPLORE") else "steady")

ROOT = Path(__file__).resolve().parent.parent
NIGHTLY = bool(os.environ.get("VOLTHERD_NIGHTLY"))
MANY_AT_WORK = ("adapters", "bench", "cli", "cloud", "demo", "edge")
"""Rooms whose tests run many others."""


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """What the skip said of itself."""
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2])
    return str(report.longrepr)


def _forbid_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure; an expected failure is no skip."""
    if os.environ.get("VOLTHERD_NO_SKIP") and report.skipped and not hasattr(report, "wasxfail"):
        reason = _reason(report)
        report.outcome = "failed"
        report.longrepr = f"VOLTHERD_NO_SKIP is set, and this was not run: {reason}"


def _shapes_checked(item: pytest.Item) -> bool:
    """Whether a test is of one room, and short; of many at work, the rooms' own tests check."""
    if NIGHTLY:
        return not item.get_closest_marker("unchecked")
    place = item.path.relative_to(ROOT).parts
    together = place[0] == "tests" and place[1] not in ("contract", "unit")
    return not (
        together
        or (place[:2] == ("tests", "unit") and place[2] in MANY_AT_WORK)
        or item.get_closest_marker("long")
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave what is marked ``nightly`` to the night, and count it as left out."""
    if NIGHTLY:
        return
    later = [item for item in items if item.get_closest_marker("nightly")]
    items[:] = [item for item in items if item not in later]
    config.hook.pytest_deselected(items=later)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Check shapes where they are to be checked."""
    shapes.switch(on=_shapes_checked(item))
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Watch single tests."""
    report = yield
    _forbid_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Watch whole modules, which ``importorskip`` leaves out."""
    report = yield
    _forbid_skip(report)
    return report


@pytest.fixture(scope="session")
def recorded() -> Path:
    """The folder of recorded data."""
    folder = Path(os.environ.get("VOLTHERD_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"recorded data not found at {folder}; set VOLTHERD_DATA")
    return folder
