"""The edge over long stretches of virtual time, each in an interpreter of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.sim.edge_scenarios import SCENARIOS

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[2]


LONGEST = {"a_month_without_a_cloud", "an_hour_at_ten_a_second"}


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=pytest.mark.nightly) if n in LONGEST else n for n in SCENARIOS],
)
def test_the_edge_lives_through(name):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.sim.edge_scenarios", name],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
