"""The project's own text keeps its rules."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.tidy import rules

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "voltherd"
MODULES = [
    rules.Module(".".join(path.relative_to(SOURCE.parent).with_suffix("").parts), path.read_text())
    for path in sorted(SOURCE.rglob("*.py"))
    if not path.stem.endswith("_pb2")  # generated; tests/unit/wire holds it to its source
]
HEAVY = {
    "numpy",
    "duckdb",
    "cantools",
    "can",
    "numba",
    "filterpy",
    "scipy",
    "matplotlib",
    "highspy",
}
LOCKS = {"uv.lock", "poetry.lock", "Pipfile.lock", "pdm.lock", "pylock.toml"}
REGISTRY = re.compile(
    r"pythonhosted\.org|pypi\.org/simple|index-url|find-links|resolution-markers"
    r"|https?://\S+\.(?:whl|tar\.gz)\b"
)


@pytest.mark.parametrize("rule", rules.EACH, ids=lambda rule: rule.__name__)
def test_every_module_keeps_the_rule(rule):
    assert [wrong for module in MODULES for wrong in rule(module)] == []


@pytest.mark.parametrize("rule", rules.ALL_TOGETHER, ids=lambda rule: rule.__name__)
def test_the_source_as_a_whole_keeps_the_rule(rule):
    assert rule(MODULES) == []


def test_the_architecture_shows_the_same_import_table():
    """Each room's line in ARCHITECTURE.md lists what the checked table allows."""
    page = (ROOT / "ARCHITECTURE.md").read_text()
    shown = {
        room: set(allowed.replace("`", "").replace(",", " ").split())
        for room, allowed in re.findall(r"^\| `(\w+)` \| (.*?) \|", page, re.MULTILINE)
    }
    assert shown == {
        room: set(allowed) or {"nothing"} for room, allowed in rules.MAY_IMPORT.items()
    }


def test_every_room_that_exists_is_in_the_table():
    rooms = {module.room for module in MODULES if module.room}
    assert rooms <= rules.MAY_IMPORT.keys()


def test_the_command_line_starts_without_heavy_packages():
    """Help and errors must come at once; commands import what they use when they run."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import voltherd.cli.main"],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = {line.rpartition("|")[2].strip().split(".")[0] for line in done.stderr.splitlines()}
    assert "voltherd" in loaded
    assert loaded & HEAVY == set()


def tracked() -> list[Path]:
    """Files that travel with the project: git's list, or all where this is no checkout."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode == 0 and listed.stdout:
        found = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        hidden = re.compile(r"/(\.|build/|dist/|htmlcov/)")
        found = [
            path for path in ROOT.rglob("*") if not hidden.search(f"/{path.relative_to(ROOT)}")
        ]
    return [path for path in found if path.is_file()]


def test_no_lock_file_and_no_registry_address_is_tracked():
    """Whoever installs chooses where from; the project names no host."""
    files = tracked()
    assert [path for path in files if path.name in LOCKS] == []
    named = []
    for path in files:
        if path.suffix in {".md", ".toml", ".txt", ".py", ".cfg", ".yml", ".yaml", ".json", ""}:
            text = path.read_text(errors="replace")
            if path != Path(__file__).resolve() and (match := REGISTRY.search(text)):
                named.append(f"{path.relative_to(ROOT)}: {match[0]}")
    assert named == []


def test_pins_are_exact_and_hashed():
    """What make installs cannot wander: one version each, and its hashes."""
    for page in sorted((ROOT / "requirements").glob("*.txt")):
        entries = re.split(r"\n(?=[a-z0-9])", page.read_text())[1:]
        assert len(entries) > 20
        for entry in entries:
            assert re.match(r"[a-z0-9._-]+==\S+ ", entry), entry.splitlines()[0]
            assert "--hash=sha256:" in entry, entry.splitlines()[0]


def test_tracked_files_are_small():
    vendored = {
        "swagger-ui-bundle.js": 2_000_000
    }  # somebody else's, whole, so that none is fetched
    heavy = [path for path in tracked() if path.stat().st_size > vendored.get(path.name, 1_000_000)]
    assert heavy == []
