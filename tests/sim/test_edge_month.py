"""The edge over long stretches of virtual time, each in an interpreter of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.sim.edge_scenarios import SCENARIOS

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_edge_lives_through(name):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.sim.edge_scenarios", name],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
