"""The database's schema: an ordered list of migrations, and the table that says which were made."""

import sqlite3
from typing import Final, NamedTuple

from voltherd.errors import StoreError


class Migration(NamedTuple):
    """One step of the schema.

    Attributes:
        what: What it brings, for people.
        statements: SQL, each on its own.
    """

    what: str
    statements: tuple[str, ...]


MIGRATIONS: Final = (
    Migration(
        "records, ranges and files",
        (
            """
            CREATE TABLE vehicle (
                number INTEGER PRIMARY KEY AUTOINCREMENT,
                vehicle_id TEXT NOT NULL UNIQUE
            ) STRICT
            """,
            # Telemetry until it is moved into a file; events and gaps for good.
            """
            CREATE TABLE record (
                arrival INTEGER PRIMARY KEY,
                vehicle INTEGER NOT NULL,
                epoch INTEGER NOT NULL,
                seq INTEGER NOT NULL,
                kind INTEGER NOT NULL,
                first_second REAL NOT NULL,
                last_second REAL NOT NULL,
                heard_first_nanosecond INTEGER NOT NULL,
                heard_last_nanosecond INTEGER NOT NULL,
                digest BLOB NOT NULL,
                entry BLOB,              -- of telemetry alone
                body BLOB NOT NULL
            ) STRICT
            """,
            "CREATE UNIQUE INDEX record_key ON record (vehicle, epoch, seq)",
            "CREATE INDEX record_by_time ON record (vehicle, kind, first_second)",
            # Sequence numbers that are closed: committed once, or given up by a gap.
            """
            CREATE TABLE span (
                vehicle INTEGER NOT NULL,
                epoch INTEGER NOT NULL,
                given_up INTEGER NOT NULL,
                first INTEGER NOT NULL,
                last INTEGER NOT NULL,
                PRIMARY KEY (vehicle, epoch, given_up, first)
            ) STRICT, WITHOUT ROWID
            """,
            # A file counts only if it stands here.  Without its bodies it is no longer on the
            # medium (kept = 0), and its entries are all that is left of it.
            """
            CREATE TABLE file (
                number INTEGER PRIMARY KEY AUTOINCREMENT,
                vehicle INTEGER NOT NULL,
                day TEXT NOT NULL,
                kept INTEGER NOT NULL,
                first_second REAL NOT NULL,
                last_second REAL NOT NULL,
                epoch_first INTEGER NOT NULL,
                epoch_last INTEGER NOT NULL,
                seq_first INTEGER NOT NULL,
                seq_last INTEGER NOT NULL,
                chunks INTEGER NOT NULL,
                samples INTEGER NOT NULL,
                cell_values INTEGER NOT NULL,
                bytes INTEGER NOT NULL,
                digest BLOB NOT NULL,    -- of the file, empty where it is not kept
                entries BLOB NOT NULL
            ) STRICT
            """,
            "CREATE INDEX file_by_vehicle ON file (vehicle, first_second)",
            """
            CREATE TABLE latest (
                vehicle INTEGER PRIMARY KEY,
                epoch INTEGER NOT NULL,
                seq INTEGER NOT NULL,
                entry BLOB NOT NULL
            ) STRICT
            """,
        ),
    ),
    Migration(
        "what was removed, and what must not come again",
        (
            # Without a vehicle where that was erased.
            """
            CREATE TABLE removal (
                unix_time_second REAL NOT NULL,
                reason TEXT NOT NULL,
                kind INTEGER NOT NULL,
                vehicle INTEGER,
                records INTEGER NOT NULL,
                forgotten INTEGER NOT NULL,      -- of these, keys of which nothing is left
                bytes INTEGER NOT NULL,
                first_second REAL,
                last_second REAL
            ) STRICT
            """,
            "CREATE TABLE salt (salt BLOB NOT NULL) STRICT",
            "INSERT INTO salt VALUES (randomblob(32))",
            """
            CREATE TABLE erased (
                name BLOB NOT NULL,              -- keyed hash of vehicle and epoch
                first INTEGER NOT NULL,
                last INTEGER NOT NULL,
                PRIMARY KEY (name, first)
            ) STRICT, WITHOUT ROWID
            """,
        ),
    ),
)
SCHEMA_VERSION: Final = len(MIGRATIONS)
PAGE_BYTES: Final = 16_384
"""Five chunks to a page: a quarter less space and half the time of SQLite's own 4,096."""


def version_of(con: sqlite3.Connection) -> int:
    """Give the schema version of a database, 0 for a new one."""
    known = con.execute("SELECT 1 FROM sqlite_schema WHERE name = 'version'").fetchone()
    if known is None:
        return 0
    return int(con.execute("SELECT coalesce(max(number), 0) FROM version").fetchone()[0])


def check_version(con: sqlite3.Connection, where: str) -> int:
    """Give the schema version, and refuse one that a newer voltherd made.

    Raises:
        StoreError: With what to do.
    """
    version = version_of(con)
    if version > SCHEMA_VERSION:
        raise StoreError(
            f"schema version {version}; this voltherd knows versions up to {SCHEMA_VERSION}",
            where=where,
            mend="use a newer voltherd, at least the one that wrote it; nothing was changed",
        )
    return version


def migrate(con: sqlite3.Connection, where: str) -> int:
    """Bring a database to the present schema, each step whole or not at all.

    Args:
        con: Open for writing, not within a transaction.
        where: Its file, for messages.

    Returns:
        How many steps were made.

    Raises:
        StoreError: It is newer than this voltherd.
    """
    made = 0
    while check_version(con, where) < SCHEMA_VERSION:
        con.execute("BEGIN IMMEDIATE")
        try:
            at = version_of(con)  # somebody else may have been faster
            if at < SCHEMA_VERSION:
                _step(con, at)
                made += 1
            con.execute("COMMIT")
        except BaseException:
            if con.in_transaction:
                con.execute("ROLLBACK")
            raise
    return made


def _step(con: sqlite3.Connection, at: int) -> None:
    if at == 0:
        con.execute("CREATE TABLE version (number INTEGER PRIMARY KEY, what TEXT NOT NULL) STRICT")
    what, statements = MIGRATIONS[at]
    for statement in statements:
        con.execute(statement)
    con.execute("INSERT INTO version VALUES (?, ?)", (at + 1, what))


def prepare(con: sqlite3.Connection, where: str) -> int:
    """Set a connection up for writing, and bring its database to the present schema.

    Every commit waits for the medium; a process that dies loses nothing that was committed, a
    machine that dies neither.

    Returns:
        How many migrations were made.
    """
    if version_of(con) == 0:
        con.execute(f"PRAGMA page_size = {PAGE_BYTES}")
    con.execute("PRAGMA journal_mode = WAL")
    con.execute("PRAGMA synchronous = FULL")
    con.execute("PRAGMA wal_autocheckpoint = 4000")  # 64 MB; compaction empties it before that
    con.execute(f"PRAGMA journal_size_limit = {4000 * PAGE_BYTES}")
    con.execute("PRAGMA cache_size = -32768")
    con.execute("PRAGMA secure_delete = FAST")  # erasing rewrites the whole database anyway
    return migrate(con, where)
