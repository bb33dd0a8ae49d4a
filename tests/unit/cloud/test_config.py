"""The configuration: read strictly, refused in words."""

from pathlib import Path

import pytest

from voltherd.cloud.config import EXAMPLE, CloudConfig, parse, read_config, secret_of
from voltherd.errors import UsageError


def written(tmp_path, text):
    path = tmp_path / "cloud.toml"
    path.write_text(text)
    return path


def test_the_example_can_be_read(tmp_path):
    config = read_config(written(tmp_path, EXAMPLE))
    assert config.store.path == tmp_path / "store"
    assert config.http.port == 8600
    assert config.mqtt is not None
    assert not config.open_to_others


def test_the_example_with_everything_switched_on_can_be_read(tmp_path):
    lines = [line.removeprefix("# ") if " = " in line or line.startswith("# [") else line
             for line in EXAMPLE.splitlines()[2:]]  # fmt: skip
    config = read_config(written(tmp_path, "\n".join(lines)))
    assert config.webhook[0].url.startswith("https://")
    assert config.webhook[0].secret_file == tmp_path / "webhook-secret"
    assert config.mqtt.password_file == tmp_path / "mqtt-password"
    assert config.http.hosts == ["fleet.example"]
    assert config.depot.site == tmp_path / "site.yaml"


def test_paths_are_as_seen_from_the_file(tmp_path):
    config = read_config(written(tmp_path, '[store]\npath = "/data/fleet"\n'))
    assert config.store.path == Path("/data/fleet")
    assert config.accounts_path == Path("/data/fleet/accounts.sqlite")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[store]\npath = "s"\n[htpp]\nport = 1\n', "unknown key htpp; did you mean http?"),
        ('[store]\npath = "s"\n[http]\nprot = 1\n', "unknown key http.prot; did you mean port?"),
        ('[store]\npath = "s"\n[mqtt]\nuser = "x"\n', "did you mean username?"),
        ('[store]\npath = "s"\n[[webhook]]\nurl = "https://a"\nsecret_file = "b"\nx = 1\n',
         "unknown key webhook.0.x; known are url, secret_file, severity"),
        ("", "store is missing; voltherd cloud --example shows one"),
        ('[store]\npath = "s"\n[http]\nport = 99999\n', "http.port"),
        ('[store]\npath = "s"\n[[webhook]]\nurl = "ftp://a"\nsecret_file = "b"\n', "webhook.0.url"),
        ("[store\n", "not a readable configuration"),
    ],
    ids=["section", "key", "far key", "list", "missing", "range", "scheme", "no TOML"],
)  # fmt: skip
def test_what_is_wrong_is_told_with_what_may_be_meant(tmp_path, text, told):
    with pytest.raises(UsageError) as error:
        read_config(written(tmp_path, text))
    assert told in str(error.value)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(UsageError, match="--example"):
        read_config(tmp_path / "nothing.toml")


HOSTS = {
    "127.0.0.1": False,
    "::1": False,
    "localhost": False,
    "0.0.0.0": True,
    "10.1.2.3": True,
    "fleet.example": True,
}


@pytest.mark.parametrize(("host", "others"), HOSTS.items())
def test_it_knows_whether_others_can_reach_it(host, others):
    config = parse({"store": {"path": "s"}, "http": {"host": host}}, "test")
    assert config.open_to_others is others


def test_a_secret_is_the_first_line_of_its_file(tmp_path):
    path = tmp_path / "secret"
    path.write_text("  hunter2 \nnot this\n")
    assert secret_of(path) == "hunter2"


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe"], ids=["empty", "blank", "no text"])
def test_a_secret_that_is_none_is_refused(tmp_path, content):
    path = tmp_path / "secret"
    path.write_bytes(content)
    with pytest.raises(UsageError):
        secret_of(path)


def test_values_do_not_change():
    config = CloudConfig.model_validate({"store": {"path": "s"}})
    with pytest.raises(ValueError, match="frozen"):
        config.store = None
