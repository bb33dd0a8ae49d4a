"""The doctor looks at a real machine: this one, and what can be arranged on it."""

import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from voltherd.cli import doctor
from voltherd.cli.doctor import Check, Standing


def named(checks: list[Check], name: str) -> Check:
    return next(check for check in checks if check.name == name)


def test_the_machine_that_runs_the_tests_can_run_voltherd(tmp_path):
    checks = doctor.examine(tmp_path)
    assert doctor.exit_code(checks) == 0
    assert {
        named(checks, name).standing for name in ("python", "word size", "numpy", "duckdb")
    } == {Standing.OK}


def test_every_needed_package_and_every_optional_part_is_looked_at(tmp_path):
    seen = {check.name for check in doctor.examine(tmp_path)}
    assert {"cantools", "jaxtyping", "python-can", "typer"} <= seen
    assert {"numba", "filterpy", "chromium", "mosquitto", "postgres", "BDF validator"} <= seen


def test_whatever_is_not_well_comes_with_a_mend(tmp_path):
    for check in doctor.examine(tmp_path):
        assert (check.standing is Standing.OK) == (check.mend == ""), check


def test_a_taken_port_is_a_warning_and_no_failure():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        check = doctor._port(listener.getsockname()[1], "the dashboard")
    assert check.standing is Standing.WARNING
    assert "taken" in check.found
    assert doctor.exit_code([check]) == 0


def test_a_package_that_is_not_there_is_missing_and_says_how_to_get_it():
    check = doctor.package("voltherd-of-another-world", "voltherd-of-another-world>=2")
    assert check.standing is Standing.MISSING
    assert check.mend == "pip install 'voltherd-of-another-world>=2'"
    assert doctor.exit_code([check]) == 1


@pytest.mark.parametrize("year", [1970, 2170])
def test_a_clock_from_another_age_is_a_warning(year):
    second = datetime(year, 1, 2, tzinfo=UTC).timestamp()
    assert next(doctor._clock(second)).standing is Standing.WARNING


def test_a_folder_that_is_not_there_is_a_warning(tmp_path):
    gone = tmp_path / "gone"
    assert doctor._writable(gone).standing is Standing.WARNING
    assert doctor._disk(gone).standing is Standing.WARNING


def test_a_containers_limit_counts_as_the_memory(tmp_path):
    meminfo, limit = tmp_path / "meminfo", tmp_path / "memory.max"
    meminfo.write_text("MemTotal: 9000000 kB\nMemAvailable:    8000000 kB\n")
    assert doctor.memory_byte(meminfo, limit) == 8_192_000_000
    limit.write_text("max\n")
    assert doctor.memory_byte(meminfo, limit) == 8_192_000_000
    limit.write_text("512000000\n")
    assert doctor.memory_byte(meminfo, limit) == 512_000_000
    assert doctor.memory_byte(Path("/nowhere"), limit) is None


def test_the_last_line_sums_up():
    missing = Check(name="numpy", standing=Standing.MISSING, found="not installed", mend="pip")
    absent = Check(name="numba", standing=Standing.ABSENT, found="not installed", mend="pip")
    assert doctor.render([missing, absent]).endswith("1 needed part missing; voltherd cannot run")
    assert doctor.render([absent]).endswith("nothing in the way; voltherd can run")
