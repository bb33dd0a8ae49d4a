"""Who may use the cloud: users with hashed passwords, machines with hashed tokens.

One SQLite file that only its owner can read.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

from voltherd.errors import StoreError, UsageError

FILE: Final = "accounts.sqlite"
SCHEMA_VERSION: Final = 1
_BUSY_SECOND: Final = 10.0
_SCHEMA: Final = """
CREATE TABLE user (
    name TEXT PRIMARY KEY,
    password TEXT NOT NULL,      -- scrypt, with its parameters and salt
    added_second REAL NOT NULL
) STRICT;
CREATE TABLE token (
    name TEXT PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE, -- SHA-256 of the token
    added_second REAL NOT NULL
) STRICT;
"""


@final
@dataclass(frozen=True, slots=True)
class AccountBook:
    """Users and tokens.

    Attributes:
        path: The file; made on the first write.
    """

    path: Path

    def put_user(self, name: str, password_hash: str, added_second: float) -> None:
        """Add a user, or give one a new password.

        Raises:
            StoreError: The file is damaged, of another version, or cannot be written.
        """
        with self._writing() as con:
            con.execute(
                "INSERT OR REPLACE INTO user VALUES (?, ?, ?)", (name, password_hash, added_second)
            )

    def put_token(self, name: str, digest: str, added_second: float) -> None:
        """Add a machine's token, or give one a new token.

        Raises:
            StoreError: As above.
        """
        with self._writing() as con:
            con.execute(
                "INSERT OR REPLACE INTO token VALUES (?, ?, ?)", (name, digest, added_second)
            )

    def remove(self, kind: str, name: str) -> None:
        """Remove a user or a token.

        Raises:
            UsageError: There is none of this name.
            StoreError: As above.
        """
        assert kind in ("user", "token")
        with self._writing() as con:
            done = con.execute(f"DELETE FROM {kind} WHERE name = ?", (name,))
            if done.rowcount == 0:
                raise UsageError(f"no {kind} {name!r}", where=str(self.path))

    def names(self, kind: str) -> tuple[str, ...]:
        """Name all users or tokens, sorted."""
        assert kind in ("user", "token")
        with self._reading() as con:
            return tuple(r[0] for r in con.execute(f"SELECT name FROM {kind} ORDER BY name"))

    def password_hash(self, name: str) -> str | None:
        """Give a user's password hash, None where there is no such user."""
        return self._one("SELECT password FROM user WHERE name = ?", name)

    def token_name(self, digest: str) -> str | None:
        """Give the name of the machine whose token has this digest, None for none."""
        return self._one("SELECT name FROM token WHERE digest = ?", digest)

    def users(self) -> int:
        """Count users."""
        return len(self.names("user"))

    def _one(self, sql: str, key: str) -> str | None:
        with self._reading() as con:
            row = con.execute(sql, (key.encode("utf-8", "replace").decode(),)).fetchone()
        return None if row is None else str(row[0])

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with self._told():
            where = self.path if self.path.exists() else ":memory:"
            with closing(sqlite3.connect(where, timeout=_BUSY_SECOND)) as con:
                self._prepare(con)
                yield con

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._told():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            with closing(sqlite3.connect(self.path, timeout=_BUSY_SECOND)) as con:
                self._prepare(con)
                with con:
                    yield con

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tell SQLite's errors as ours."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StoreError(
                f"the account book refused ({error})",
                where=str(self.path),
                mend="check free space and permissions, or restore the file",
            ) from error

    def _prepare(self, con: sqlite3.Connection) -> None:
        """Bring a new file to our schema, and refuse another's."""
        version = int(con.execute("PRAGMA user_version").fetchone()[0])
        if version == 0:
            con.executescript(
                f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
            )
        elif version != SCHEMA_VERSION:
            raise StoreError(
                f"unknown schema version {version}; this voltherd knows {SCHEMA_VERSION}",
                where=str(self.path),
                mend="use the voltherd that wrote it",
            )
