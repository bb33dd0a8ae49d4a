"""How to reach a broker, and what is refused before a byte is sent."""

import ipaddress
import ssl
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final, final

from voltherd.errors import UsageError

SECURE_HOW: Final = "set tls, and username with password or cert_file with key_file"


class MqttVersion(StrEnum):
    """What is spoken with the broker."""

    V5 = "5"
    V311 = "3.1.1"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class MqttSettings:
    """How to reach a broker.

    Attributes:
        host: Name or address of the broker.
        port: Its port.
        version: What is spoken with it.
        username: Of this client; empty for none.
        password: Of this client.
        tls: Whether the connection is encrypted (TLS 1.3) and the broker's certificate checked.
        ca_file: Who signed the broker's certificate; None trusts what the system trusts.
        cert_file: This client's certificate, where the broker wants one.
        key_file: Its key.
        keepalive_second: A connection silent for longer is given up [s].
        queue_messages: What may wait for the broker before publishing is refused.
        queue_bytes: The same in bytes [B].
        retry_second_min: First pause before connecting again; doubles, and varies by half [s].
        retry_second_max: Longest pause [s].
    """

    host: str = "127.0.0.1"
    port: int = 1883
    version: MqttVersion = MqttVersion.V5
    username: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    keepalive_second: int = 30
    queue_messages: int = 1_000
    queue_bytes: int = 32 << 20
    retry_second_min: float = 0.5
    retry_second_max: float = 30.0

    @property
    def where(self) -> str:
        """Host and port, for messages."""
        return f"MQTT broker {self.host}:{self.port}"


def client_id(name: str, epoch: int) -> str:
    """Name a client so that two of one name never throw each other off the broker.

    >>> client_id("bus-7", (3 << 32) | 0xBEEF)
    'bus-7-30000beef'
    """
    return f"{name}-{epoch:x}"


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine, without asking anybody.

    >>> [is_loopback(host) for host in ("localhost", "127.3.2.1", "::1", "10.0.0.1", "broker")]
    [True, True, True, False, False]
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check(settings: MqttSettings) -> None:
    """Refuse what cannot work or is not safe.

    Raises:
        UsageError: Another machine without encryption or credentials, or settings that contradict
            each other.
    """
    where = settings.where
    if not settings.host or not 0 < settings.port < 65_536:
        raise UsageError("no broker can be there", where=where, mend="name a host and a port")
    if not settings.tls and (settings.ca_file or settings.cert_file or settings.key_file):
        raise UsageError("certificates without tls", where=where, mend="set tls = true")
    if bool(settings.cert_file) != bool(settings.key_file):
        raise UsageError(
            "a certificate and its key come together", where=where, mend="set both or neither"
        )
    if settings.password and not settings.username:
        raise UsageError("a password without a username", where=where, mend="set username")
    if is_loopback(settings.host):
        return
    if not settings.tls:
        raise UsageError(
            "refused to send telemetry unencrypted to another machine", where=where, mend=SECURE_HOW
        )
    if not settings.cert_file and not (settings.username and settings.password):
        raise UsageError(
            "refused to connect to another machine without credentials",
            where=where,
            mend=SECURE_HOW,
        )


def tls_context(settings: MqttSettings) -> ssl.SSLContext | None:
    """Make what encrypts the connection; None where nothing does.

    Raises:
        UsageError: A file that is missing or holds no certificate or key.
    """
    if not settings.tls:
        return None
    files = [f for f in (settings.ca_file, settings.cert_file, settings.key_file) if f is not None]
    for path in files:
        if not path.is_file():
            raise UsageError("no such file", where=str(path), mend="name a PEM file")
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        if settings.cert_file:
            context.load_cert_chain(settings.cert_file, settings.key_file)
    except (ssl.SSLError, OSError) as error:
        raise UsageError(
            f"no usable certificate or key ({error})",
            where=", ".join(map(str, files)),
            mend="give PEM files: ca_file, and cert_file with its key_file",
        ) from error
    return context
