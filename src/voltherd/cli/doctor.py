"""Look at the machine before it disappoints: what voltherd needs, can use, and finds in its way.

``examine`` looks, ``render`` tells, ``exit_code`` sums up.  Nothing is changed, and nothing leaves
the machine.
"""

import importlib
import importlib.metadata
import os
import platform
import re
import shutil
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from typing import Final, final

PYTHON_MIN: Final = (3, 11)
RELEASE_YEAR: Final = 2026
DISK_BYTE_MIN: Final = 100_000_000
DISK_BYTE_COMFORT: Final = 2_000_000_000
MEMORY_BYTE_COMFORT: Final = 1_000_000_000
"""Triage of two vehicles, eleven million cell readings, stays below this."""
IMPORT_NAME: Final = {
    "paho-mqtt": "paho.mqtt",
    "prometheus-client": "prometheus_client",
    "protobuf": "google.protobuf",
    "pyyaml": "yaml",
    "python-can": "can",
}
"""Distributions that are imported by another name."""
PORTS: Final = ((8600, "the dashboard"), (1883, "the message broker"))
PROGRAMS: Final = (
    (("chromium", "chromium-browser", "google-chrome"), "looking at HTML reports in tests"),
    (("mosquitto",), "a production message broker"),
    (("postgres", "psql"), "a shared store for large fleets"),
)


class Standing(IntEnum):
    """How a check came out; a higher one is worse."""

    OK = 0
    ABSENT = 1
    """An optional part is not there; nothing asked for it yet."""
    WARNING = 2
    """Works, but something may go wrong."""
    MISSING = 3
    """Needed, and not there."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing looked at.

    Attributes:
        name: What was looked at.
        standing: How it came out.
        found: What was found, in a few words.
        mend: What to do about it; empty where nothing is to be done.
    """

    name: str
    standing: Standing
    found: str
    mend: str = ""


def examine(folder: Path | None = None) -> list[Check]:
    """Look at this machine.

    Args:
        folder: Where data is to be written; the working directory where not given.

    Returns:
        One check a line, needed parts first.
    """
    place = Path.cwd() if folder is None else folder
    return [
        *_interpreter(),
        *_needed_packages(),
        *_machine(),
        *_clock(time.time()),
        _writable(place),
        _disk(place),
        _temporary(),
        *(_port(number, purpose) for number, purpose in PORTS),
        *_optional(),
    ]


def render(checks: Sequence[Check]) -> str:
    """Tell the checks as a table, each with its mend, and a last line that sums up.

    >>> tight = Check(name="disk", standing=Standing.WARNING, found="1 GB", mend="make room")
    >>> print(render([tight]))
    warning  disk  1 GB
                   -> make room
    1 warning; voltherd can run
    """
    name_width = max((len(check.name) for check in checks), default=0)
    lines = []
    for check in checks:
        lines.append(f"{check.standing.name.lower():<7}  {check.name:<{name_width}}  {check.found}")
        if check.mend:
            lines.append(" " * (name_width + 11) + f"-> {check.mend}")
    warnings = sum(check.standing is Standing.WARNING for check in checks)
    missing = sum(check.standing is Standing.MISSING for check in checks)
    counted = [f"{warnings} warning{'s' * (warnings > 1)}"] * (warnings > 0)
    counted += [f"{missing} needed part{'s' * (missing > 1)} missing"] * (missing > 0)
    verdict = "voltherd cannot run" if missing else "voltherd can run"
    lines.append("; ".join([", ".join(counted) or "nothing in the way", verdict]))
    return "\n".join(lines)


def exit_code(checks: Sequence[Check]) -> int:
    """Give 1 where something needed is missing, 0 otherwise, warnings included."""
    return int(any(check.standing is Standing.MISSING for check in checks))


def _check(name: str, fine: bool, found: str, mend: str, worse: Standing) -> Check:
    """A check that is fine, or stands worse and says what to do."""
    return Check(
        name=name,
        standing=Standing.OK if fine else worse,
        found=found,
        mend="" if fine else mend,
    )


def _interpreter() -> Iterator[Check]:
    """The Python that runs this."""
    yield _check(
        "python",
        sys.version_info >= PYTHON_MIN,
        f"{platform.python_implementation()} {platform.python_version()} at {sys.executable}",
        "install Python 3.11 or newer",
        Standing.MISSING,
    )
    bits = struct.calcsize("P") * 8
    yield _check(
        "word size",
        bits == 64,
        f"{bits}-bit",
        "use a 64-bit operating system and Python: the analytical engine has no 32-bit build",
        Standing.MISSING,
    )


def _needed_packages() -> Iterator[Check]:
    """Every package that voltherd declares as needed: is it there, and does it load?"""
    try:
        version = importlib.metadata.version("voltherd")
        declared = importlib.metadata.requires("voltherd") or []
    except importlib.metadata.PackageNotFoundError:
        mend = "install it: pip install voltherd, or pip install -e . in a checkout"
        yield Check(name="voltherd", standing=Standing.MISSING, found="not installed", mend=mend)
        return
    yield Check(name="voltherd", standing=Standing.OK, found=version)
    for requirement in declared:
        name, _, extra = requirement.partition(";")
        if "extra" not in extra:
            yield package(re.split(r"[^A-Za-z0-9._-]", name.strip())[0], requirement)


def package(name: str, requirement: str) -> Check:
    """Look whether a needed package is installed and loads.

    Args:
        name: Distribution name.
        requirement: The requirement as declared, for the mend.

    Returns:
        Its version, or why it cannot be used.
    """
    mend = f"pip install '{requirement.strip()}'"
    try:
        version = importlib.metadata.version(name)
        importlib.import_module(IMPORT_NAME.get(name, name))
    except importlib.metadata.PackageNotFoundError:
        return Check(name=name, standing=Standing.MISSING, found="not installed", mend=mend)
    except ImportError as error:
        found = f"installed, but does not load: {error}"
        return Check(name=name, standing=Standing.MISSING, found=found, mend=mend)
    return Check(name=name, standing=Standing.OK, found=version)


def _machine() -> Iterator[Check]:
    """Operating system, cores, memory, and what the terminal can show."""
    cores = os.cpu_count() or 1
    system = f"{platform.system()} {platform.release()}, {platform.machine()}, {cores} cores"
    yield Check(name="platform", standing=Standing.OK, found=system)
    byte = memory_byte()
    if byte is not None:
        yield _check(
            "memory",
            byte >= MEMORY_BYTE_COMFORT,
            f"{byte / 1e9:.1f} GB available",
            "close other programs, or triage fewer vehicles at once",
            Standing.WARNING,
        )
    encoding = sys.stdout.encoding or "unknown"
    yield _check(
        "terminal",
        encoding.lower().replace("-", "") == "utf8",
        encoding,
        "set LANG=C.UTF-8 (or PYTHONUTF8=1) so that units and plots can be shown",
        Standing.WARNING,
    )


def memory_byte(
    meminfo: Path = Path("/proc/meminfo"), limit: Path = Path("/sys/fs/cgroup/memory.max")
) -> int | None:
    """Memory that can still be used, a container's limit included; None where it cannot be told.

    Args:
        meminfo: The kernel's table.
        limit: The container's limit, ``max`` where there is none.

    Returns:
        Bytes.
    """
    try:
        found = re.search(r"MemAvailable:\s+(\d+) kB", meminfo.read_text())
    except OSError:
        return None
    if found is None:
        return None
    available = int(found[1]) * 1024
    try:
        return min(available, int(limit.read_text()))
    except (OSError, ValueError):
        return available


def _clock(unix_second: float) -> Iterator[Check]:
    """Whether reports will carry a believable time."""
    now = datetime.fromtimestamp(unix_second, tz=UTC)
    local = now.astimezone().strftime("%z")
    yield _check(
        "clock",
        RELEASE_YEAR <= now.year < RELEASE_YEAR + 50,
        f"{now:%Y-%m-%d %H:%M:%S} UTC, local time is UTC{local[:3]}:{local[3:5]}",
        "set the clock: reports and messages carry it",
        Standing.WARNING,
    )
    info = time.get_clock_info("monotonic")
    yield _check(
        "monotonic clock",
        info.monotonic and not info.adjustable,
        f"resolution {info.resolution * 1e9:.0f} ns",
        "intervals cannot be trusted on this machine",
        Standing.WARNING,
    )


def _writable(place: Path) -> Check:
    """Whether a file can be written where the user stands."""
    try:
        with tempfile.TemporaryFile(dir=place) as probe:
            probe.write(b"voltherd")
    except OSError as error:
        return Check(
            name="write permission",
            standing=Standing.WARNING,
            found=f"{place}: {error.strerror}",
            mend="write elsewhere with --out, or change the folder's permissions",
        )
    return Check(name="write permission", standing=Standing.OK, found=str(place))


def _disk(place: Path) -> Check:
    """Whether there is room for what imports and simulations write."""
    try:
        free = shutil.disk_usage(place).free
    except OSError as error:
        found = f"{place}: {error.strerror}"
        return Check(
            name="free disk", standing=Standing.WARNING, found=found, mend="name another folder"
        )
    worse = Standing.WARNING if free >= DISK_BYTE_MIN else Standing.MISSING
    mend = "make room: a simulated vehicle-day takes megabytes, an import as much as its source"
    return _check("free disk", free >= DISK_BYTE_COMFORT, f"{free / 1e9:.1f} GB", mend, worse)


def _temporary() -> Check:
    """Whether there is a directory for temporary files."""
    try:
        where = tempfile.gettempdir()
    except FileNotFoundError:
        return Check(
            name="temporary files",
            standing=Standing.MISSING,
            found="no directory can be written",
            mend="set TMPDIR to a directory that can be written",
        )
    return Check(name="temporary files", standing=Standing.OK, found=where)


def _port(number: int, purpose: str) -> Check:
    """Whether a port that later parts use is free on this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if os.name != "nt":  # there the option would let two programs share the port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", number))
        except OSError as error:
            return Check(
                name=f"port {number}",
                standing=Standing.WARNING,
                found=f"taken ({error.strerror}); {purpose} would use it",
                mend="stop what listens there, or choose another port when starting it",
            )
    return Check(name=f"port {number}", standing=Standing.OK, found=f"free, for {purpose}")


def _optional() -> Iterator[Check]:
    """Parts that voltherd uses where they are there."""
    yield _optional_package("numba", "fleet history at full speed", "voltherd[fast]")
    yield _optional_package("filterpy", "the peer in `voltherd bench kernel`", "voltherd[bench]")
    for programs, purpose in PROGRAMS:
        found = next((path for name in programs if (path := shutil.which(name))), None)
        yield Check(
            name=programs[0],
            standing=Standing.OK if found else Standing.ABSENT,
            found=found or f"not found; optional, for {purpose}",
            mend=""
            if found
            else f"apt-get install {programs[0].replace('postgres', 'postgresql')}",
        )
    named = os.environ.get("VOLTHERD_BDF_VALIDATOR", "bdf")
    validator = shutil.which(named)
    yield Check(
        name="BDF validator",
        standing=Standing.OK if validator else Standing.ABSENT,
        found=validator or "not found; optional, for checking Battery Data Format files in tests",
        mend=""
        if validator
        else "pip install batterydf in an environment of its own; VOLTHERD_BDF_VALIDATOR names bdf",
    )


def _optional_package(name: str, purpose: str, extra: str) -> Check:
    """Whether an optional package is installed; it is not loaded, for that can take seconds."""
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return Check(
            name=name,
            standing=Standing.ABSENT,
            found=f"not installed; optional, for {purpose}",
            mend=f"pip install '{extra}'",
        )
    return Check(name=name, standing=Standing.OK, found=f"{version}, for {purpose}")
