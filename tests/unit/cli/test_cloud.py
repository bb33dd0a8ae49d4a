"""``voltherd cloud`` as a user meets it, short of serving."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from voltherd.adapters.sqlite.accounts import AccountBook
from voltherd.cli.cloud import configured
from voltherd.cloud.access import digest, password_fits
from voltherd.cloud.config import EXAMPLE
from voltherd.errors import UsageError
from voltherd.types.sample import empty_batch

PASSWORD = "correct horse battery"


def call(*words, given=None):
    done = subprocess.run(
        [sys.executable, "-m", "voltherd", "cloud", *map(str, words)],
        input=given or "",
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "Traceback" not in done.stderr
    return done


def test_an_example_is_printed_to_begin_with():
    done = call("--example")
    assert done.returncode == 0
    assert done.stdout == EXAMPLE


def test_without_a_store_it_says_what_to_give():
    done = call()
    assert done.returncode == 2
    assert "voltherd cloud --example" in done.stderr


def test_a_mistake_in_the_file_is_told_without_a_traceback(tmp_path):
    path = tmp_path / "cloud.toml"
    path.write_text('[store]\npath = "s"\n[http]\nprt = 1\n')
    done = call("--config", path)
    assert done.returncode == 2
    assert "did you mean port?" in done.stderr


def test_a_port_that_is_taken_is_told(tmp_path):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        done = call("--store", tmp_path / "s", "--no-bus", "--port", taken.getsockname()[1])
    assert done.returncode == 2
    assert "cannot listen there" in done.stderr


def test_it_does_not_listen_beyond_this_machine_without_tls(tmp_path):
    path = tmp_path / "cloud.toml"
    path.write_text('[store]\npath = "s"\n[http]\nhost = "0.0.0.0"\n')
    done = call("--config", path, "--no-bus")
    assert done.returncode == 2
    assert "without TLS" in done.stderr


def test_a_folder_of_other_things_is_no_store(tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    done = call("--store", tmp_path, "--no-bus")
    assert done.returncode == 2
    assert "letter.txt" in done.stderr


def test_a_store_of_imports_takes_in_nothing(tmp_path):
    from voltherd.adapters.parquet.store import ParquetStore

    batch = empty_batch("bus-1")
    rows = replace(
        batch,
        unix_time_second=np.array([1e9]),
        cell_voltage_volt=np.empty((1, 0), np.float32),
        cell_quality=np.empty((1, 0), np.uint8),
        probe_temperature_celsius=np.empty((1, 0), np.float32),
        probe_quality=np.empty((1, 0), np.uint8),
    )
    ParquetStore(tmp_path / "s").append(rows)
    path = tmp_path / "cloud.toml"
    path.write_text('[store]\npath = "s"\n[mqtt]\n')
    done = call("--config", path)
    assert done.returncode == 2
    assert "takes in no records" in done.stderr


def test_a_user_is_added_and_removed(tmp_path):
    done = call("user", "add", "ada", "--store", tmp_path, given=PASSWORD + "\n")
    assert done.returncode == 0, done.stderr
    book = AccountBook(tmp_path / "accounts.sqlite")
    assert password_fits(PASSWORD, book.password_hash("ada"))
    assert PASSWORD not in done.stdout + done.stderr
    assert call("user", "remove", "ada", "--store", tmp_path).returncode == 0
    assert book.users() == 0
    assert call("user", "remove", "ada", "--store", tmp_path).returncode == 2


@pytest.mark.parametrize("name", ["", " ", "a" * 65, "a\nb"], ids=repr)
def test_a_name_that_is_none_is_refused(tmp_path, name):
    assert call("user", "add", name, "--store", tmp_path, given=PASSWORD + "\n").returncode == 2


def test_a_short_password_is_refused(tmp_path):
    done = call("user", "add", "ada", "--store", tmp_path, given="short\n")
    assert done.returncode == 2
    assert "too short" in done.stderr


def test_a_token_is_shown_once_and_kept_as_a_digest(tmp_path):
    path = tmp_path / "cloud.toml"
    path.write_text('[store]\npath = "s"\n[accounts]\npath = "who.sqlite"\n')
    done = call("token", "add", "historian", "--config", path)
    assert done.returncode == 0, done.stderr
    token = done.stdout.strip()
    book = AccountBook(tmp_path / "who.sqlite")
    assert book.token_name(digest(token)) == "historian"
    assert token.encode() not in book.path.read_bytes()
    assert call("token", "remove", "historian", "--config", path).returncode == 0
    assert book.token_name(digest(token)) is None


def test_the_command_line_comes_before_the_file(tmp_path):
    path = tmp_path / "cloud.toml"
    path.write_text('[store]\npath = "s"\n[http]\nport = 1\n[mqtt]\n')
    found = configured(path, tmp_path / "other", 0, bus=False)
    assert found.store.path == tmp_path / "other"
    assert found.http.port == 0
    assert found.mqtt is None
    assert configured(path, None, None, bus=True).mqtt is not None
    with pytest.raises(UsageError, match="no port"):
        configured(path, None, 70_000, bus=True)
