"""The made-up report that every test of this room looks at."""

import importlib.util
from pathlib import Path

import pytest


def _load():
    path = Path(__file__).with_name("sample.py")
    spec = importlib.util.spec_from_file_location("voltherd_report_sample", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def sample():
    """The module of sample values."""
    return _load()
