"""Shapes are checked in every test run; recorded data is found or the test is skipped with a reason."""

import os
from pathlib import Path

import pytest
from jaxtyping import install_import_hook

install_import_hook("voltherd", "beartype.beartype")


@pytest.fixture(scope="session")
def recorded() -> Path:
    """The folder of recorded data."""
    here = Path(__file__).resolve().parent.parent
    folder = Path(os.environ.get("VOLTHERD_DATA", here.parent / "shared" / "data"))
    if not folder.is_dir():
        reason = f"recorded data not found at {folder}; set VOLTHERD_DATA"
        if os.environ.get("VOLTHERD_NO_SKIP"):
            pytest.fail(reason)
        pytest.skip(reason)
    return folder
