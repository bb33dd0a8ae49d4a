"""A record store's folder, opened: one connection that writes, others that read, DuckDB, locks."""

import os
import shutil
import sqlite3
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, final
from urllib.parse import quote

from voltherd.adapters.records.layout import (
    DATABASE,
    LOCK,
    PART_SUFFIX,
    sync,
)
from voltherd.adapters.records.marker import MARKER, check_marker, marker_text
from voltherd.adapters.records.schema import (
    SCHEMA_VERSION,
    check_version,
    migrate,
    prepare,
)
from voltherd.errors import StoreError

if TYPE_CHECKING:
    import duckdb

Step = Callable[[str], None]
"""Is told the name of every step that changes the medium, before it is made."""
BUSY_SECOND: Final = 15.0
"""How long one process waits for another's write before it gives up."""
MAINTENANCE_SECOND: Final = 120.0
_FULL: Final = "check free space and permissions; what was stored before is unharmed"


def no_step(_: str) -> None:
    """Do nothing between steps, as in every process but a test's."""


@final
class Files:
    """The open folder.  Threads share it; so may processes."""

    def __init__(self, root: Path, step: Step = no_step) -> None:
        self.root = root
        self.step = step
        self._writer_lock = threading.RLock()
        self._upkeep_lock = threading.RLock()
        self._duck_lock = threading.Lock()
        self.generation = 0
        """Counts what makes things remembered of the database untrue; changed under its lock."""
        self._open: dict[str, Any] = {}  # what has to be closed, by what it is
        self._finalizer = weakref.finalize(self, _close, self._open)

    def close(self) -> None:
        """Close everything; it opens again by itself when used."""
        with self._writer_lock, self._duck_lock:
            self.generation += 1
            _close(self._open)

    @property
    def database(self) -> Path:
        """The database's file."""
        return self.root / DATABASE

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Give the connection that writes, within one transaction: all of it or nothing.

        Raises:
            StoreError: The medium or another process refuses; nothing was kept.
        """
        with self._writer_lock, self.told():
            con = self._writer()
            con.execute("BEGIN IMMEDIATE")
            try:
                yield con
                self.step("commit")
                con.execute("COMMIT")
            except BaseException:
                self.generation += 1
                if con.in_transaction:
                    con.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give a connection that sees one moment of the database; an empty one where none is."""
        with self.told(), closing(self._reader()) as con:
            con.execute("BEGIN")
            yield con

    @contextmanager
    def alone(self) -> Iterator[sqlite3.Connection]:
        """Give the connection that writes, outside of a transaction: for VACUUM and the like."""
        with self._writer_lock, self.told():
            yield self._writer()

    @contextmanager
    def upkeep(self) -> Iterator[None]:
        """Let one thread of one process at a time change which files count.

        Raises:
            StoreError: Another process has been at it for long.
        """
        with self._upkeep_lock, self.told():
            self._make()
            with (self.root / LOCK).open("a") as lock:
                self._wait_for(lock.fileno())
                yield  # closing the file gives the lock back

    @contextmanager
    def duck(self) -> Iterator["duckdb.DuckDBPyConnection"]:
        """Give a connection to DuckDB, which fetches nothing from the network.

        Raises:
            StoreError: A file cannot be read or written.
        """
        import duckdb

        with self._duck_lock:
            if "duck" not in self._open:
                self._open["spill"] = tempfile.mkdtemp(prefix="voltherd-")
                self._open["duck"] = duckdb.connect(
                    config={
                        "autoinstall_known_extensions": "false",
                        "autoload_known_extensions": "false",
                        "temp_directory": self._open["spill"],
                        "enable_external_file_cache": "false",
                    }
                )
            con = self._open["duck"].cursor()
        try:
            yield con
        except (RuntimeError, duckdb.InterruptException) as error:
            if "interrupted" in str(error).lower():  # how DuckDB passes Ctrl-C on
                raise KeyboardInterrupt from error
            raise
        except duckdb.Error as error:
            raise _refused(error, self.root) from error
        finally:
            con.close()

    @contextmanager
    def told(self) -> Iterator[None]:
        """Tell the errors of SQLite and of the medium as ours."""
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise _refused(error, self.root) from error
        except UnicodeEncodeError as error:
            raise StoreError(
                "an identifier that is no text", where=str(self.root), mend="check its spelling"
            ) from error

    def drop(self, names: "list[str]") -> None:
        """Remove files that no longer count, and folders that they leave empty."""
        folders = set()
        for name in names:
            self.step("unlink")
            path = self.root / name
            path.unlink(missing_ok=True)
            folders.add(path.parent)
        for folder in folders:
            for empty in (folder, folder.parent):
                with suppress(OSError):  # not empty, or gone already
                    empty.rmdir()

    def checkpoint(self, *, cut: bool) -> bool:
        """Move the write-ahead log into the database; say whether all of it went.

        Args:
            cut: Cut its file too; others wait for that, and it waits for readers.
        """
        if not self.database.exists():
            return True
        self.step("checkpoint")
        with self.told(), closing(sqlite3.connect(self.database, timeout=BUSY_SECOND)) as con:
            how = "TRUNCATE" if cut else "PASSIVE"
            busy, there, moved = con.execute(f"PRAGMA wal_checkpoint({how})").fetchone()
        return not busy and there == moved

    def _make(self) -> None:
        """Make the store, or refuse what is none of ours."""
        if (self.root / MARKER).exists():
            check_marker(self.root)
            return
        if self.database.exists():
            check_marker(self.root)  # a store whose marker is gone: say so
        self.root.mkdir(parents=True, exist_ok=True)
        part = self.root / f"{MARKER}.{os.getpid()}{PART_SUFFIX}"
        try:
            self.step("marker")
            part.write_text(marker_text())
            sync(part)
            self.step("marker renamed")
            os.replace(part, self.root / MARKER)
        except BaseException:
            part.unlink(missing_ok=True)
            if not (self.root / MARKER).exists():  # nobody else was faster
                raise
        sync(self.root)

    def _writer(self) -> sqlite3.Connection:
        con: sqlite3.Connection | None = self._open.get("writer")
        if con is None:
            self._make()
            con = sqlite3.connect(
                self.database,
                timeout=BUSY_SECOND,
                isolation_level=None,
                check_same_thread=False,  # the lock sees to it that one thread at a time uses it
            )
            try:
                self.step("schema")
                prepare(con, str(self.database))
            except BaseException:
                con.close()
                raise
            self._open["writer"] = con
        return con

    def _reader(self) -> sqlite3.Connection:
        if (self.root / MARKER).exists():
            check_marker(self.root)
        if not self.database.exists():
            return _empty()
        con = _opened(self.database)
        try:
            version = check_version(con, str(self.database))
        except BaseException:
            con.close()
            raise
        if 0 < version < SCHEMA_VERSION:
            con.close()
            with self._writer_lock:
                self._writer()
            return _opened(self.database)
        if version:
            return con
        con.close()  # another process is just making it
        return _empty()

    def _wait_for(self, handle: int) -> None:
        try:
            import fcntl
        except ImportError:  # no such lock on this system; one process is the owner's promise
            return
        until = time.monotonic() + MAINTENANCE_SECOND
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > until:
                    raise StoreError(
                        "another process has been rewriting this store for "
                        f"{MAINTENANCE_SECOND:.0f} s",
                        where=str(self.root),
                        mend="wait for it, or stop it, and try again",
                    ) from None
                time.sleep(0.02)
            else:
                return


def _close(opened: dict[str, Any]) -> None:
    for what in ("writer", "duck"):
        if what in opened:
            opened.pop(what).close()
    if "spill" in opened:
        shutil.rmtree(opened.pop("spill"), ignore_errors=True)


def _empty() -> sqlite3.Connection:
    con = sqlite3.connect(":memory:", isolation_level=None)
    migrate(con, "memory")
    return con


def _opened(path: Path) -> sqlite3.Connection:
    """Open for reading.

    A process that died may have left a journal, which has to be worked through even to read; where
    the medium is read-only there is none.
    """
    writable = os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
    where = f"file:{quote(str(path.absolute()))}?{'mode=rw' if writable else 'immutable=1'}"
    con = sqlite3.connect(where, uri=True, timeout=BUSY_SECOND, isolation_level=None)
    try:
        con.execute("PRAGMA query_only = ON")
        con.execute("SELECT 1 FROM sqlite_schema").fetchone()
    except BaseException:
        con.close()
        raise
    return con


def _refused(error: Exception, where: Path) -> StoreError:
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    if isinstance(error, OSError) and error.strerror:
        first = error.strerror
    mend = _FULL
    if isinstance(error, sqlite3.OperationalError) and "locked" in first:
        mend = "another process is writing; wait for it, or stop it, and try again"
    elif isinstance(error, sqlite3.DatabaseError) and not isinstance(
        error, sqlite3.OperationalError
    ):
        mend = "voltherd store check says what is damaged; restore a backup"
    return StoreError(f"the record store refused ({first[:200]})", where=str(where), mend=mend)
