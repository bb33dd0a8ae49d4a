"""The edge's benchmark runs the shipped configuration and says what it measured."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.long


def test_every_cycle_makes_a_sample_and_every_stage_is_told():
    command = [sys.executable, "-W", "error", "-m", "voltherd", "bench", "edge"]
    done = subprocess.run(
        [*command, "--cycles", "700", "--json", "-"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    table = json.loads(done.stdout)
    assert table["rows"] == 900, "200 cycles to warm up, and every one made a sample"
    assert table["records"] >= 2, "a start, and a chunk of the first minute"
    assert set(table["stages"]) == {
        "frames to image",
        "image to sample",
        "estimate",
        "detect",
        "protect",
        "gate",
    }
    assert all(second > 0.0 for second in table["stages"].values())
    for name in ("control_cpu", "control_wall", "courier_wall"):
        assert table[name][0] > 0.0 and table[name] == sorted(table[name])
