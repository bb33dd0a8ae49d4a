"""The switches that CI relies on: skips forbidden, and sweeps left to the night."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parent.parent / "conftest.py"
SKIPS = {
    "marked": "import pytest\n@pytest.mark.skip(reason='no broker')\ndef test_it(): pass\n",
    "called": "import pytest\ndef test_it(): pytest.skip('no broker')\n",
    "module": "import pytest\npytest.skip('no broker', allow_module_level=True)\n",
    "fixture": (
        "import pytest\n@pytest.fixture\ndef broker(): pytest.skip('no broker')\n"
        "def test_it(broker): pass\n"
    ),
}


def run(folder: Path, source: str, **settings: str) -> subprocess.CompletedProcess[str]:
    shutil.copy(CONFTEST, folder / "conftest.py")
    (folder / "tests").mkdir(exist_ok=True)
    shutil.copy(CONFTEST.parent / "shapes.py", folder / "tests")
    (folder / "test_sample.py").write_text(source)
    environment = {k: v for k, v in os.environ.items() if k != "VOLTHERD_NO_SKIP"} | settings
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "--rootdir",
            folder,
            folder,
        ],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("kind", SKIPS)
def test_a_skip_fails_the_run_and_says_why_where_skips_are_forbidden(tmp_path, kind):
    done = run(tmp_path, SKIPS[kind], VOLTHERD_NO_SKIP="1")
    assert done.returncode in (1, 2)
    assert "no broker" in done.stdout


def test_a_skip_is_a_skip_elsewhere(tmp_path):
    done = run(tmp_path, SKIPS["called"])
    assert done.returncode == 0
    assert "1 skipped" in done.stdout


def test_an_expected_failure_is_no_skip(tmp_path):
    source = "import pytest\n@pytest.mark.xfail(strict=True)\ndef test_it(): assert False\n"
    assert run(tmp_path, source, VOLTHERD_NO_SKIP="1").returncode == 0


def test_a_sweep_is_left_to_the_night_and_counted(tmp_path):
    source = "import pytest\ndef test_it(): pass\n@pytest.mark.nightly\ndef test_more(): pass\n"
    ini = tmp_path / "pytest.ini"
    ini.write_text("[pytest]\nmarkers = nightly: a sweep\n")
    assert "1 passed, 1 deselected" in run(tmp_path, source).stdout
    assert "2 passed" in run(tmp_path, source, VOLTHERD_NIGHTLY="1").stdout
