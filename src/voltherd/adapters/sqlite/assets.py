"""Asset facts and event documents: what a fleet knows of a vehicle beside its telemetry.

One SQLite file (write-ahead log) in the store's folder.  Facts are rows, documents are JSON with a
vehicle, a time and a kind; the same document given twice is kept once.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from math import inf, isfinite
from pathlib import Path
from typing import Any, Final, NamedTuple, final
from urllib.parse import quote

from voltherd.errors import StoreError
from voltherd.types.asset import CellType, Chemistry, PackLayout, Vehicle

FILE: Final = "assets.sqlite"
SCHEMA_VERSION: Final = 1
DRIVER: Final = "driver"
"""Kind of the documents that say who drove when."""
_BUSY_SECOND: Final = 10.0
_SCHEMA: Final = """
CREATE TABLE vehicle (
    vehicle_id TEXT PRIMARY KEY,
    model TEXT NOT NULL,
    capacity_nominal_ah REAL,
    series INTEGER,
    parallel INTEGER,
    chemistry TEXT,
    facts TEXT NOT NULL          -- all of Vehicle as JSON; the columns above are for questions
) STRICT;
CREATE TABLE document (
    digest TEXT PRIMARY KEY,
    vehicle_id TEXT NOT NULL,
    unix_time_second REAL NOT NULL,
    kind TEXT NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX document_by_vehicle ON document (vehicle_id, unix_time_second);
"""


class Document(NamedTuple):
    """One event as somebody told it.

    Attributes:
        vehicle_id: Whose.
        unix_time_second: When it happened [unix s].
        kind: What it is, such as ``workshop`` or ``finding``.
        body: What it says; any JSON object.
    """

    vehicle_id: str
    unix_time_second: float
    kind: str
    body: Mapping[str, Any]


class Drive(NamedTuple):
    """Who drove a vehicle when.

    Attributes:
        vehicle_id: Which.
        driver_id: Who; a pseudonym does.
        start_second: From when [unix s].
        stop_second: Until when; infinite for 'still' [unix s].
    """

    vehicle_id: str
    driver_id: str
    start_second: float
    stop_second: float = inf


@final
@dataclass(frozen=True, slots=True)
class AssetBook:
    """Facts and documents of a fleet.

    Attributes:
        root: The store's folder; made on the first write.
    """

    root: Path

    def put_vehicle(self, vehicle: Vehicle) -> None:
        """Write a vehicle's facts down, in place of what was there.

        Raises:
            StoreError: The file is damaged, of another version, or cannot be written.
        """
        layout, cell = vehicle.layout, vehicle.cell_type
        row = (
            vehicle.vehicle_id,
            vehicle.model,
            vehicle.capacity_nominal_ah,
            layout.series if layout else None,
            layout.parallel if layout else None,
            cell.chemistry.value if cell else None,
            json.dumps(asdict(vehicle)),
        )
        with self._writing() as con:
            con.execute("INSERT OR REPLACE INTO vehicle VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def vehicle(self, vehicle_id: str) -> Vehicle | None:
        """Give a vehicle's facts, None where none are known.

        Raises:
            StoreError: As above.
        """
        with self._reading() as con:
            row = con.execute(
                "SELECT facts FROM vehicle WHERE vehicle_id = ?", (vehicle_id,)
            ).fetchone()
        return None if row is None else _vehicle(row[0], self.root / FILE)

    def put_document(self, document: Document) -> bool:
        """Keep a document; say whether it was new.

        Raises:
            StoreError: As above, or its time is not finite or its body no JSON.
        """
        try:
            body = json.dumps(document.body, sort_keys=True, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise StoreError(
                f"a document that is no JSON ({error})",
                where=document.vehicle_id,
                mend="give text, numbers, lists and objects only",
            ) from error
        if not isfinite(document.unix_time_second):
            raise StoreError(
                "a document without a time", where=document.vehicle_id, mend="give its time"
            )
        row = (document.vehicle_id, float(document.unix_time_second), document.kind, body)
        digest = hashlib.sha256(json.dumps(row).encode()).hexdigest()
        with self._writing() as con:
            done = con.execute(
                "INSERT OR IGNORE INTO document VALUES (?, ?, ?, ?, ?)", (digest, *row)
            )
            return done.rowcount == 1

    def documents(
        self, vehicle_id: str, start_second: float = -inf, stop_second: float = inf
    ) -> tuple[Document, ...]:
        """Give a vehicle's documents in time order, ``stop_second`` excluded.

        Raises:
            StoreError: As above.
        """
        with self._reading() as con:
            rows = con.execute(
                "SELECT vehicle_id, unix_time_second, kind, body FROM document "
                "WHERE vehicle_id = ? AND unix_time_second >= ? AND unix_time_second < ? "
                "ORDER BY unix_time_second, digest",
                (vehicle_id, start_second, stop_second),
            ).fetchall()
        return tuple(Document(v, t, kind, json.loads(body)) for v, t, kind, body in rows)

    def put_drive(self, drive: Drive) -> bool:
        """Write down who drove a vehicle when, as a document of kind ``driver``.

        Raises:
            StoreError: As above.
        """
        body = drive._asdict() | {"stop_second": _finite_or_none(drive.stop_second)}
        del body["vehicle_id"]
        return self.put_document(Document(drive.vehicle_id, drive.start_second, DRIVER, body))

    def drives(self, driver_id: str) -> tuple[Drive, ...]:
        """Give the times in which somebody drove, in time order.

        Raises:
            StoreError: As above, or a document of kind ``driver`` tells no times.
        """
        with self._reading() as con:
            rows = con.execute(
                "SELECT vehicle_id, body FROM document WHERE kind = ? "
                "AND CAST(json_extract(body, '$.driver_id') AS TEXT) = ? "
                "ORDER BY unix_time_second, digest",
                (DRIVER, driver_id),
            ).fetchall()
        return tuple(_drive(vehicle_id, body, self.root / FILE) for vehicle_id, body in rows)

    def forget_driver(self, driver_id: str) -> int:
        """Delete every document that names a driver; say how many.

        Raises:
            StoreError: As above.
        """
        if not (self.root / FILE).exists():
            return 0
        with self._writing() as con:
            return con.execute(
                "DELETE FROM document WHERE EXISTS "
                "(SELECT 1 FROM json_tree(document.body) WHERE CAST(atom AS TEXT) = ?)",
                (driver_id,),
            ).rowcount

    def every_document(self, kind: str = "") -> tuple[Document, ...]:
        """Give every vehicle's documents whose kind begins so, in time order.

        Raises:
            StoreError: As above.
        """
        with self._reading() as con:
            rows = con.execute(
                "SELECT vehicle_id, unix_time_second, kind, body FROM document "
                "WHERE substr(kind, 1, ?) = ? ORDER BY unix_time_second, digest",
                (len(kind), kind),
            ).fetchall()
        return tuple(Document(v, t, kind, json.loads(body)) for v, t, kind, body in rows)

    def tables(self) -> dict[str, tuple[tuple[str, ...], list[tuple[Any, ...]]]]:
        """Give both tables as names of columns and rows, for a query that joins them.

        Raises:
            StoreError: As above.
        """
        found: dict[str, tuple[tuple[str, ...], list[tuple[Any, ...]]]] = {}
        with self._reading() as con:
            for table in ("vehicle", "document"):
                cursor = con.execute(f"SELECT * FROM {table}")
                names = tuple(column[0] for column in cursor.description)
                found[table] = (names, cursor.fetchall())
        return found

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Open the file within a transaction, making it where it is missing."""
        path = self.root / FILE
        with _told(path):
            self.root.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(path, timeout=_BUSY_SECOND)) as con:
                _prepare(con, path)
                with con:
                    yield con

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """Open the file as it is; nothing is made, and a medium may be read-only."""
        path = self.root / FILE
        with _told(path), closing(_opened(path)) as con:
            _prepare(con, path)
            yield con


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Tell SQLite's errors as ours."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StoreError(
            f"the asset book refused ({error})",
            where=str(path),
            mend="check free space and permissions, or restore the file",
        ) from error


def _opened(path: Path) -> sqlite3.Connection:
    """Open for reading; where nothing was ever written, an empty book in memory."""
    if not path.exists():
        return sqlite3.connect(":memory:")
    where = "file:" + quote(str(path.absolute()))
    con = sqlite3.connect(f"{where}?mode=ro", uri=True, timeout=_BUSY_SECOND)
    try:
        version = _version(con)
    except sqlite3.OperationalError:
        # A write-ahead log wants files beside it, which a read-only folder does not allow.
        con.close()
        con = sqlite3.connect(f"{where}?immutable=1", uri=True)
        version = _version(con)
    except sqlite3.Error:
        con.close()
        raise
    if version:
        return con
    con.close()
    return sqlite3.connect(":memory:")


def _version(con: sqlite3.Connection) -> int:
    return int(con.execute("PRAGMA user_version").fetchone()[0])


def _prepare(con: sqlite3.Connection, path: Path) -> None:
    """Bring a new file to our schema, and refuse another's."""
    if _version(con) == 0:
        con.execute("PRAGMA journal_mode = WAL")
        con.execute("BEGIN IMMEDIATE")
        if _version(con) == 0:  # nobody else was faster
            for statement in _SCHEMA.split(";\n"):
                con.execute(statement)
            con.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        con.commit()
    if (version := _version(con)) != SCHEMA_VERSION:
        raise StoreError(
            f"unknown schema version {version}; this voltherd knows {SCHEMA_VERSION}",
            where=str(path),
            mend="use the voltherd that wrote it",
        )


def _finite_or_none(value: float) -> float | None:
    """Tell infinity as JSON can."""
    return value if isfinite(value) else None


def _drive(vehicle_id: str, body: str, path: Path) -> Drive:
    """Read who drove when back; times are what matters, so none may be guessed."""
    told = json.loads(body)
    start, stop = told.get("start_second"), told.get("stop_second", inf)
    stop = inf if stop is None else stop
    if not all(isinstance(second, int | float) for second in (start, stop)):
        raise StoreError(
            "a document of kind driver that does not say when (start_second, stop_second)",
            where=f"{path}, {vehicle_id}",
            mend="enter it with both times",
        )
    return Drive(vehicle_id, str(told["driver_id"]), float(start), float(stop))


def _vehicle(text: str, path: Path) -> Vehicle:
    """Read a vehicle's facts back."""
    try:
        facts = json.loads(text)
        layout, cell = facts.pop("layout"), facts.pop("cell_type")
        return Vehicle(
            layout=layout
            and PackLayout(
                **layout | {key: tuple(layout[key]) for key in ("module_series", "probe_module")}
            ),
            cell_type=cell and CellType(**cell | {"chemistry": Chemistry(cell["chemistry"])}),
            **facts,
        )
    except (ValueError, TypeError, KeyError, AssertionError) as error:
        raise StoreError(
            f"facts that cannot be read ({error})", where=str(path), mend="enter them again"
        ) from error
