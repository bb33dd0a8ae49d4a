"""Make ``.venv`` ready for a purpose: all the set-up ``make`` needs, in the standard library.

    python scripts/setup.py base|test|lint ...

Each purpose is a file of exact versions and hashes in ``requirements/``.  What is in place is
recorded in ``.venv/voltherd-setup.json``; where that matches, nothing is done.  While work is under
way a marker lies beside the environment, so that one left half-made by an interruption is known and
made again.  Nothing outside the checkout is touched, and root is never needed.
"""

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
MARKER = ROOT / ".venv.incomplete"
RECORD = VENV / "voltherd-setup.json"
PURPOSES = ("base", "test", "lint")
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
REDIRECTS = ("PYTHONPATH", "PYTHONHOME", "PIP_USER", "PIP_TARGET", "PIP_PREFIX")
"""What in a caller's environment would make pip install somewhere else."""


class SetupError(Exception):
    """One line for a person: what is wrong and what to do."""


def run(*command: str | Path, quiet: bool = False) -> bool:
    """Run a command in the checkout; say whether it succeeded."""
    sink = subprocess.DEVNULL if quiet else None
    words = [str(word) for word in command]
    clean = {name: value for name, value in os.environ.items() if name not in REDIRECTS}
    done = subprocess.run(words, cwd=ROOT, env=clean, stdout=sink, stderr=sink, check=False)
    return done.returncode == 0


def usable() -> bool:
    """Whether the environment runs, can install, and was finished."""
    return (
        not MARKER.exists()
        and PYTHON.exists()
        and run(PYTHON, "-c", "import sys, pip; sys.exit(sys.version_info < (3, 11))", quiet=True)
    )


def made_by_uv() -> bool:
    """Whether uv made the environment; where it could not, it is not asked again."""
    settings = VENV / "pyvenv.cfg"
    return settings.exists() and "\nuv = " in "\n" + settings.read_text()


def wanted(purpose: str) -> str:
    """Digest of everything that decides what is installed, the place included."""
    digest = hashlib.sha256(str(ROOT).encode())
    for path in (ROOT / "pyproject.toml", ROOT / "requirements" / f"{purpose}.txt"):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def recorded() -> dict[str, str]:
    """What an earlier run put in place; nothing where that cannot be told."""
    try:
        record = json.loads(RECORD.read_text())
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def ways_to_make() -> Iterator[tuple[str, bool]]:
    """Try one way after another to make an empty environment that has pip."""
    python = sys.executable
    uv = shutil.which("uv")
    if uv:
        by_uv = run(uv, "venv", "--clear", "--seed", "--python", python, VENV, quiet=True)
        yield "uv", by_uv
    yield "venv", run(python, "-m", "venv", "--clear", VENV, quiet=True)
    # Debian ships venv without ensurepip: an outer pip of 22.3 or newer can serve the inner Python.
    bare = run(python, "-m", "venv", "--clear", "--without-pip", VENV, quiet=True)
    yield (
        "venv and pip",
        bare and run(python, "-m", "pip", "--python", PYTHON, "install", "-q", "pip", quiet=True),
    )
    with tempfile.TemporaryDirectory() as place:
        shutil.rmtree(VENV, ignore_errors=True)
        got = run(python, "-m", "pip", "install", "-q", "--target", place, "virtualenv", quiet=True)
        start = (
            "import sys; sys.path.insert(0, sys.argv[1]); "
            "import virtualenv; virtualenv.cli_run(sys.argv[2:])"
        )
        yield "virtualenv", got and run(python, "-c", start, place, VENV, quiet=True)


def make_environment() -> None:
    """Make ``.venv`` anew, by whichever way this machine allows."""
    for way, made in ways_to_make():
        if made and PYTHON.exists() and run(PYTHON, "-m", "pip", "--version", quiet=True):
            print(f"made .venv with {way} from {sys.executable}", flush=True)
            return
        shutil.rmtree(VENV, ignore_errors=True)
    raise SetupError(
        f"{sys.executable} can make no environment (no venv, no pip): "
        "install one, for example apt-get install python3-venv, then run make again"
    )


def install(purposes: list[str]) -> None:
    """Install the pinned packages of each purpose, then voltherd itself, editable."""
    uv = shutil.which("uv") if made_by_uv() else None
    # What is imported is compiled then; all of it would take longer than the rest of the install.
    pip = (PYTHON, "-m", "pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check")
    for purpose in purposes:
        pins = f"requirements/{purpose}.txt"
        print(f"installing {pins} (once; a minute or two on a slow line)", flush=True)
        what = ("--require-hashes", "-r", pins)
        by_uv = uv and run(uv, "pip", "install", "--python", PYTHON, *what, quiet=True)
        if not by_uv and not run(*pip, *what):
            raise SetupError(
                f"the packages of {pins} could not be installed (see above): "
                "check the network and free disk, then run make again"
            )
    if not run(*pip, "--no-deps", "--no-build-isolation", "-e", "."):
        raise SetupError("voltherd itself could not be installed (see above)")


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Let two runs of make in one checkout follow each other, where the system can lock."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    with (ROOT / ".venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def prepare(purposes: list[str]) -> None:
    """Bring ``.venv`` to what the purposes ask; at once where it is already."""
    with alone():
        target = {purpose: wanted(purpose) for purpose in purposes}
        known = recorded() if usable() else None
        missing = [name for name in purposes if (known or {}).get(name) != target[name]]
        if not missing:
            return
        fresh = known is None
        stale = bool(known) and any(known.get(name) != wanted(name) for name in known)
        MARKER.touch()
        if fresh:
            make_environment()
        install(missing)
        kept = {} if stale else (known or {})
        partial = RECORD.with_suffix(".part")
        partial.write_text(json.dumps({**kept, **target}, indent=1))
        partial.replace(RECORD)
        MARKER.unlink()


def main(arguments: list[str]) -> int:
    """Prepare the purposes named; 1 with one line where that cannot be done."""
    unknown = [name for name in arguments if name not in PURPOSES]
    if unknown or not arguments:
        print(f"usage: setup.py {'|'.join(PURPOSES)} ...", file=sys.stderr)
        return 2
    try:
        prepare(arguments)
    except SetupError as error:
        print(f"voltherd: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"voltherd: cannot write {error.filename or ROOT}: {error.strerror}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; the next make starts the set-up again", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
