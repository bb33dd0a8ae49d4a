"""Nothing leaves this machine unencrypted or unnamed, and secrets are not shown."""

from pathlib import Path

import pytest

from voltherd.adapters.mqtt.bus import MqttBus
from voltherd.adapters.mqtt.settings import MqttSettings, check, client_id, tls_context
from voltherd.errors import UsageError


@pytest.mark.parametrize("host", ["10.1.2.3", "broker.example", "0.0.0.0", "::", "localhost.evil"])
def test_another_machine_is_refused_without_encryption(host):
    with pytest.raises(UsageError, match="unencrypted to another machine; set tls, and username"):
        MqttBus(MqttSettings(host=host, username="a", password="b"), "a")


@pytest.mark.parametrize("more", [{}, {"username": "a"}])
def test_another_machine_is_refused_without_credentials(more):
    with pytest.raises(UsageError, match="without credentials; set tls"):
        check(MqttSettings(host="broker.example", tls=True, **more))


@pytest.mark.parametrize(
    "more",
    [{"username": "a", "password": "b"}, {"cert_file": Path("c.pem"), "key_file": Path("k.pem")}],
)
def test_another_machine_is_fine_with_both(more):
    check(MqttSettings(host="broker.example", tls=True, **more))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1"])
def test_this_machine_is_open(host):
    check(MqttSettings(host=host))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"port": 0}, "no broker can be there"),
        ({"host": ""}, "no broker can be there"),
        ({"ca_file": Path("ca.pem")}, "certificates without tls"),
        ({"tls": True, "cert_file": Path("c.pem")}, "a certificate and its key come together"),
        ({"password": "b"}, "a password without a username"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(wrong, said):
    with pytest.raises(UsageError, match=said):
        check(MqttSettings(**wrong))


def test_a_missing_or_useless_file_is_named(tmp_path):
    settings = MqttSettings(tls=True, ca_file=tmp_path / "ca.pem")
    with pytest.raises(UsageError, match=r"ca\.pem: no such file; name a PEM file"):
        tls_context(settings)
    (tmp_path / "ca.pem").write_text("nothing")
    with pytest.raises(UsageError, match="no usable certificate or key"):
        tls_context(settings)


def test_a_password_is_not_shown():
    assert "secret" not in repr(MqttSettings(username="a", password="secret"))


def test_client_ids_of_two_boots_differ():
    assert client_id("bus-7", 1 << 32) != client_id("bus-7", (1 << 32) + 1)
