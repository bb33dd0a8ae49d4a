"""Who may connect: the security profiles of OCPP.

1: a password over an unencrypted connection; 2: a password over TLS; 3: a certificate of the
station's own.  Source: OCPP 1.6 security whitepaper edition 3, 2; OCPP 2.0.1 part 2, A00.
"""

import base64
import binascii
import hashlib
import hmac
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, final

from voltherd.errors import UsageError

PasswordCheck = Callable[[str, bytes], bool]
_COST: Final = 1 << 12
_SALT_BYTES: Final = 16


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Security:
    """What a connection must show.

    Attributes:
        profile: 0 for nothing, else a security profile of OCPP.
        check_password: Says whether a station's password is right; for profiles 1 and 2.
        cert_file: The central system's certificate chain; for profiles 2 and 3.
        key_file: Its key.
        ca_file: Who signs stations' certificates; for profile 3.
    """

    profile: int = 0
    check_password: PasswordCheck | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    ca_file: Path | None = None


def tls_context(security: Security) -> ssl.SSLContext | None:
    """Make what encrypts connections; None where nothing does.

    Raises:
        UsageError: What the profile needs is missing or no certificate.
    """
    if security.profile in (1, 2) and security.check_password is None:
        raise UsageError("passwords are needed", where=f"security profile {security.profile}")
    if security.profile < 2:
        return None
    if security.cert_file is None or (security.profile == 3 and security.ca_file is None):
        raise UsageError(
            "certificates are missing",
            where=f"security profile {security.profile}",
            mend="give cert_file and key_file, and for profile 3 ca_file",
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2  # the least that OCPP asks for
    try:
        context.load_cert_chain(security.cert_file, security.key_file)
        if security.profile == 3:
            context.load_verify_locations(security.ca_file)
            context.verify_mode = ssl.CERT_REQUIRED
    except (ssl.SSLError, OSError) as error:
        raise UsageError(
            f"no usable certificate or key ({error})", where=str(security.cert_file)
        ) from error
    return context


def may_connect(
    security: Security, station_id: str, authorization: str | None, tls: ssl.SSLObject | None
) -> bool:
    """Say whether a station may connect.

    Args:
        security: What must be shown.
        station_id: Who it says it is.
        authorization: The header of that name.
        tls: The encrypted connection, where it is one.
    """
    if security.profile == 0:
        return True
    if security.profile == 3:
        return tls is not None and station_id in _names(tls.getpeercert() or {})
    password = _password(authorization, station_id)
    check = security.check_password
    return password is not None and check is not None and check(station_id, password)


def _password(authorization: str | None, station_id: str) -> bytes | None:
    """Read a password of basic authentication; it may be bytes that are no text."""
    kind, _, word = (authorization or "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(word, validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    same = hmac.compare_digest(user, station_id.encode())
    return password if same else None


def _names(certificate: Mapping[str, Any]) -> set[str]:
    """Give the common names and DNS names of a certificate."""
    subject = [pair for part in certificate.get("subject", ()) for pair in part]
    names = {value for key, value in subject if key == "commonName"}
    return names | {value for kind, value in certificate.get("subjectAltName", ()) if kind == "DNS"}


def hash_password(password: bytes, salt: bytes) -> bytes:
    """Make what is kept of a password: the salt, and scrypt of both (RFC 7914)."""
    return salt[:_SALT_BYTES] + hashlib.scrypt(password, salt=salt[:_SALT_BYTES], n=_COST, r=8, p=1)


def checker(hashes: Mapping[str, bytes]) -> PasswordCheck:
    """Make what checks passwords against what is kept of them, by station."""
    nobody = hash_password(b"", bytes(_SALT_BYTES))

    def check(station_id: str, password: bytes) -> bool:
        kept = hashes.get(station_id, nobody)  # who is unknown takes as long as who is known
        same = hmac.compare_digest(kept, hash_password(password, kept[:_SALT_BYTES]))
        return same and station_id in hashes

    return check
