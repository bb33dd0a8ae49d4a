"""Set-up finds a Python that fits, and refuses what it does not know."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def find_python(**settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", ROOT / "scripts" / "find-python"],
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_named_python_is_taken_and_an_activated_environment_is_seen_through():
    done = find_python(PYTHON=sys.executable)
    assert done.returncode == 0
    assert Path(done.stdout.strip()).samefile(sys._base_executable)
    assert ROOT / ".venv" not in Path(done.stdout.strip()).parents


def test_a_name_that_leads_nowhere_is_passed_over(tmp_path):
    shim = tmp_path / "python3"
    shim.write_text("#!/bin/sh\necho 'no such version' >&2\nexit 127\n")
    shim.chmod(0o755)
    done = find_python(PYTHON="", PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert done.returncode == 0
    assert done.stdout.strip() != str(shim)


def test_a_purpose_nobody_knows_is_a_usage_error():
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "setup.py", "dance"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "base|test|lint" in done.stderr
