"""The dashboard in the package is what its source gives: rebuilt, byte for byte the same."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from voltherd.report import words
from voltherd.types.event import Severity

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "web"
BUILT = ROOT / "src" / "voltherd" / "web" / "dist"
NO_NETWORK = re.compile(r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH")
NODE_MIN = (20, 19)


def run(folder, *command, patience=300):
    return subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=patience,
        check=False,
        env={**os.environ, "NO_COLOR": "1", "CI": "true"},
    )


@pytest.fixture(scope="session")
def workshop(tmp_path_factory):
    """A copy of the source beside an empty package, its tools installed from the lock file."""
    if shutil.which("npm") is None:
        pytest.skip("no npm found: install Node 20.19 or newer")
    version = tuple(map(int, run(ROOT, "node", "--version").stdout.strip("v\n").split(".")[:2]))
    if version < NODE_MIN:
        pytest.skip("Node is too old: install 20.19 or newer")
    root = tmp_path_factory.mktemp("workshop")
    shutil.copytree(WEB, root / "web", ignore=shutil.ignore_patterns("node_modules"))
    (root / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "openapi.json", root / "docs")
    done = run(root / "web", "npm", "ci", "--no-audit", "--no-fund")
    if done.returncode and NO_NETWORK.search(done.stderr):
        pytest.skip("no package registry can be reached: npm ci needs one")
    assert done.returncode == 0, done.stderr
    return root


def files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_rebuild_gives_the_committed_files(workshop):
    done = run(workshop / "web", "npm", "run", "build")
    assert done.returncode == 0, done.stdout + done.stderr
    rebuilt = files(workshop / "src" / "voltherd" / "web" / "dist")
    committed = files(BUILT)
    assert rebuilt.keys() == committed.keys()
    assert [name for name in rebuilt if rebuilt[name] != committed[name]] == []


def test_types_and_accessibility_have_no_warning(workshop):
    done = run(workshop / "web", "npm", "run", "check")
    assert done.returncode == 0, done.stdout


def test_the_types_are_those_of_the_api(workshop):
    committed = (WEB / "src" / "api" / "schema.d.ts").read_text()
    done = run(workshop / "web", "npm", "run", "types")
    assert done.returncode == 0, done.stderr
    assert (workshop / "web" / "src" / "api" / "schema.d.ts").read_text() == committed


def test_the_dashboard_is_small_and_says_whose_work_it_bundles():
    built = files(BUILT)
    assert "index.html" in built
    assert sum(map(len, built.values())) < 290_000
    licences = built["licences.md"].decode()
    notice = (ROOT / "NOTICE").read_text()
    bundled = re.findall(r"^## (\S+) - \S+ \((.+)\)$", licences, re.MULTILINE)
    assert {name for name, _ in bundled} >= {"svelte", "uplot"}
    for name, licence in bundled:
        assert re.search(rf"{name}\s+\({re.escape(licence)}\)", notice, re.IGNORECASE), name


def test_the_lock_file_names_no_registry():
    lock = json.loads((WEB / "package-lock.json").read_text())
    assert len(lock["packages"]) > 20
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
    assert all("integrity" in package for name, package in lock["packages"].items() if name)


SPOKEN = {
    "number": [-42.347, 0.00042, 0.0, 11_234_567.0, 3.7, 1234.5, 99.96, -0.0001],
    "percent": [0.973, 0.9999, 0.00001, 1.0, 0.0314, 0.0, 0.5, 0.995],
    "belief": [0.995, 0.8, 0.3, 0.9, 0.5, 0.66],
    "indices": [[1, 2, 3, 7, 9, 10], [5], [], [3, 1, 2]],
}
"""Cases by the name both sides give the function."""


def test_dashboard_and_report_say_the_same_words(workshop):
    """One voice: `web/src/words.ts` repeats `voltherd.report.words`."""
    script = (
        "import { runnerImport } from 'vite';"
        "const { module: words } = await runnerImport('./src/words.ts');"
        f"const cases = {json.dumps(SPOKEN)};"
        "const said = Object.fromEntries(Object.entries(cases).map(([name, values]) =>"
        " [name, values.map((value) => words[name](value))]));"
        "console.log(JSON.stringify({ said, urgency: words.URGENCY }));"
    )
    done = run(workshop / "web", "node", "--input-type=module", "-e", script)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["urgency"] == {severity.word: words.URGENCY[severity] for severity in Severity}
    expected = {
        name: [
            getattr(words, name)(tuple(case) if isinstance(case, list) else case) for case in cases
        ]
        for name, cases in SPOKEN.items()
    }
    assert told["said"] == expected
