"""Who may ask: users with a password and a session, machines with a token.

Passwords are hashed with scrypt (RFC 7914; N = 2¹⁵, r = 8, p = 1, as OWASP's cheat sheet lists),
tokens and sessions are 32 random bytes of which only a SHA-256 is kept.  On loopback nobody need
sign in; a token or session that is sent is looked at all the same, so that actions carry a name.
"""

import hashlib
import hmac
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, Protocol, runtime_checkable

from voltherd.cloud.problems import ProblemError
from voltherd.errors import UsageError

COOKIE: Final = "voltherd_session"
SESSION_SECOND: Final = 12 * 3600
"""A session ends so long after its last use, at most a week after signing in [s]."""
SESSION_SECOND_MAX: Final = 7 * 86_400
TRIES_MAX: Final = 5
"""Failures after which a name, or an address, has to wait."""
WAIT_SECOND: Final = 1.0
WAIT_SECOND_MAX: Final = 300.0
_REMEMBERED: Final = 10_000
PASSWORD_LENGTH_MIN: Final = 10
_SCRYPT: Final = (1 << 15, 8, 1)


@runtime_checkable
class Accounts(Protocol):
    """Where users and tokens are kept, hashed."""

    def password_hash(self, name: str) -> str | None:
        """Give a user's password hash, None where there is no such user."""
        ...

    def token_name(self, digest: str) -> str | None:
        """Give the name of the machine whose token has this digest, None for none."""
        ...

    def users(self) -> int:
        """Count users."""
        ...


class _Session(NamedTuple):
    name: str
    until: float
    at_most: float


class _Tries(NamedTuple):
    failed: int
    until: float


def hash_password(password: str) -> str:
    """Hash a password with a new salt.

    Raises:
        UsageError: It is too short to be one.
    """
    if len(password) < PASSWORD_LENGTH_MIN:
        raise UsageError(
            "the password is too short", mend=f"take {PASSWORD_LENGTH_MIN} characters or more"
        )
    salt = secrets.token_bytes(16)
    cost, block, lanes = _SCRYPT
    return f"scrypt${cost}${block}${lanes}${salt.hex()}${_derived(password, salt, *_SCRYPT).hex()}"


def password_fits(password: str, kept: str) -> bool:
    """Say whether a password is the one that was hashed; takes equally long either way."""
    _, cost, block, lanes, salt, key = kept.split("$")
    found = _derived(password, bytes.fromhex(salt), int(cost), int(block), int(lanes))
    return hmac.compare_digest(found, bytes.fromhex(key))


def _derived(password: str, salt: bytes, cost: int, block: int, lanes: int) -> bytes:
    memory = 256 * cost * block
    text = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(text, salt=salt, n=cost, r=block, p=lanes, maxmem=memory, dklen=32)


def new_token() -> tuple[str, str]:
    """Make a machine's token: the token, shown once, and the digest to keep."""
    token = "vh_" + secrets.token_urlsafe(32)
    return token, digest(token)


def digest(secret: str) -> str:
    """Give what is kept of a token or session; they are random, so one hash is enough."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class Access:
    """Knows who may ask.

    Args:
        accounts: Users and tokens.
        needed: Whether everybody has to sign in.
        secure: Whether cookies are sent over TLS only.
        monotonic: Time for waiting and sessions [s].
    """

    session_second = SESSION_SECOND

    def __init__(
        self, accounts: Accounts, needed: bool, secure: bool, monotonic: Callable[[], float]
    ) -> None:
        self.needed = needed
        self.secure = secure
        self._accounts = accounts
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._hashing = threading.Semaphore(2)
        self._sessions: OrderedDict[str, _Session] = OrderedDict()
        self._tries: OrderedDict[str, _Tries] = OrderedDict()
        self._nobody = hash_password(secrets.token_hex(16))

    def sign_in(self, name: str, password: str, client: str) -> str:
        """Begin a session; gives its secret.

        Raises:
            ProblemError: Wrong, or tried too often.
        """
        with self._lock:
            self._wait_over(f"name {name}", f"from {client}")
        kept = self._accounts.password_hash(name)
        # An unknown name takes as long as a wrong password, so that it does not give itself away.
        with self._hashing:  # each takes 32 MB for a tenth of a second
            fits = password_fits(password, kept or self._nobody) and kept is not None
        with self._lock:
            for who in (f"name {name}", f"from {client}"):
                if fits:
                    self._tries.pop(who, None)
                else:
                    self._failed(who)
            if not fits:
                raise ProblemError("sign-in-refused", headers={"WWW-Authenticate": "Bearer"})
            secret = secrets.token_urlsafe(32)
            now = self._monotonic()
            self._sessions[digest(secret)] = _Session(
                name, now + SESSION_SECOND, now + SESSION_SECOND_MAX
            )
            while len(self._sessions) > _REMEMBERED:
                self._sessions.popitem(last=False)
        return secret

    def sign_out(self, secret: str) -> None:
        """End a session."""
        with self._lock:
            self._sessions.pop(digest(secret), None)

    def who(self, authorization: str, session: str) -> str:
        """Name who asks; empty for nobody.

        Args:
            authorization: The header of this name.
            session: The cookie's value.
        """
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() == "bearer" and token:
            return self._accounts.token_name(digest(token.strip())) or ""
        if not session:
            return ""
        key, now = digest(session), self._monotonic()
        with self._lock:
            found = self._sessions.get(key)
            if found is None:
                return ""
            if now > min(found.until, found.at_most):
                del self._sessions[key]
                return ""
            self._sessions[key] = found._replace(until=now + SESSION_SECOND)
        # A user who was removed is out at once.
        return found.name if self._accounts.password_hash(found.name) else ""

    def _wait_over(self, *whose: str) -> None:
        now = self._monotonic()
        wait = max((self._tries[who].until - now for who in whose if who in self._tries), default=0)
        if wait > 0.0:
            raise ProblemError("too-many-tries", headers={"Retry-After": f"{int(wait) + 1}"})

    def _failed(self, who: str) -> None:
        failed = self._tries.pop(who, _Tries(0, 0.0)).failed + 1
        over = failed - TRIES_MAX
        pause = min(WAIT_SECOND * 2.0 ** min(over, 20), WAIT_SECOND_MAX) if over >= 0 else 0.0
        self._tries[who] = _Tries(failed, self._monotonic() + pause)
        while len(self._tries) > _REMEMBERED:
            self._tries.popitem(last=False)


def client_of(scope: Mapping[str, Any]) -> str:
    """Give the address a request comes from."""
    client = scope.get("client")
    return str(client[0]) if client else "unknown"
