"""The telemetry that the cloud's tests share."""

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data():
    """The module that makes telemetry."""
    path = Path(__file__).resolve().parent / "vehicle_data.py"
    spec = importlib.util.spec_from_file_location("voltherd_cloud_vehicle_data", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
