"""Looking for an identifier in every name and every byte of a store's folder."""

import json
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import quote

BLOCK_BYTES: Final = 1 << 24
GUARD_BYTES: Final = 2_048
"""What of a block is looked at again with the next: longer than any identifier."""
SHORT_BYTES: Final = 5
"""A shorter identifier stands in compressed bytes by chance: one of four once in 4 GB."""


class Place(NamedTuple):
    """Where something was found.

    Attributes:
        where: File within the store; for a value in a database its table and column too.
        times: How often.
    """

    where: str
    times: int


def spellings(identifier: str) -> tuple[bytes, ...]:
    r"""Give every form in which a store writes an identifier.

    >>> spellings("bus 7"), spellings("ü")
    ((b'bus 7', b'bus%207'), (b'\xc3\xbc', b'\\u00fc', b'%C3%BC'))
    """
    forms = (identifier, json.dumps(identifier)[1:-1], quote(identifier, safe=""))
    return tuple(dict.fromkeys(form.encode() for form in forms))


def search(
    root: Path, identifier: str, others: Collection[str] = (), fingerprints: Sequence[bytes] = ()
) -> tuple[Place, ...]:
    """Look for an identifier, and for pieces of what belonged to it.

    Args:
        root: The folder.
        identifier: What to look for, in each of its spellings.
        others: Other identifiers; where ``bus-70`` stands, ``bus-7`` is not found.
        fingerprints: Bytes to look for as they are.

    Returns:
        Where something was found; nothing where all is gone.
    """
    needles = spellings(identifier)
    longer = [form for o in _longer(identifier, others) for form in spellings(o)]
    found: list[Place] = []
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if _is_named(path, identifier, needles, longer):
            found.append(Place(f"name of {name}", 1))
        if not path.is_file():
            continue
        binary = path.suffix == ".parquet" or ".sqlite" in path.name
        looked_for = () if binary and _is_short(identifier) else needles
        if times := _in_file(path, (*looked_for, *fingerprints), longer):
            found.append(Place(name, times))
        if path.suffix == ".sqlite":
            found += _in_values(path, name, identifier, others)
    return tuple(found)


def _longer(identifier: str, others: Collection[str]) -> list[str]:
    return [other for other in others if identifier in other and other != identifier]


def _is_named(
    path: Path, identifier: str, needles: Sequence[bytes], longer: Sequence[bytes]
) -> bool:
    """Say whether a file or folder is called after the identifier; a short one must stand alone."""
    name = path.name.encode("utf-8", "surrogateescape")
    if _is_short(identifier):
        return name.removeprefix(b"vehicle=") in needles
    return any(
        not _explained(name, at, needle, longer)
        for needle in needles
        for at in _places(name, needle)
    )


def _is_short(identifier: str) -> bool:
    return len(identifier.encode()) < SHORT_BYTES


def _places(data: bytes, needle: bytes) -> Iterator[int]:
    at = data.find(needle)
    while at >= 0:
        yield at
        at = data.find(needle, at + 1)


def _explained(data: bytes, at: int, needle: bytes, longer: Sequence[bytes]) -> bool:
    """Say whether what is found is part of a longer identifier."""
    return any(
        at >= inner and data[at - inner : at - inner + len(other)] == other
        for other in longer
        for inner in _places(other, needle)
    )


def _in_file(path: Path, needles: Sequence[bytes], longer: Sequence[bytes]) -> int:
    """Count the places of some bytes in a file, block by block."""
    times, data, counted = 0, b"", 0
    with path.open("rb") as file:
        while True:
            block = file.read(BLOCK_BYTES)
            data += block
            end = len(data) - (GUARD_BYTES if block else 0)
            for needle in needles:
                times += sum(
                    1
                    for at in _places(data, needle)
                    if counted <= at < end and not _explained(data, at, needle, longer)
                )
            if not block:
                return times
            keep = max(0, end - GUARD_BYTES)
            data, counted = data[keep:], max(0, end) - keep


def _in_values(path: Path, name: str, identifier: str, others: Collection[str]) -> Iterator[Place]:
    """Look through the texts of a database, which finds short identifiers too."""
    longer = _longer(identifier, others)
    with closing(sqlite3.connect(path, timeout=10.0)) as con:
        for table, column in _columns(con):
            rows = con.execute(
                f"SELECT {column} FROM {table} "
                f"WHERE typeof({column}) = 'text' AND instr({column}, ?) > 0",
                (identifier,),
            )
            times = sum(1 for (text,) in rows if _names(text, identifier, longer))
            if times:
                yield Place(f"{name}, {table}.{column}".replace('"', ""), times)


def _names(text: str, identifier: str, longer: Sequence[str]) -> bool:
    """Say whether a text names the identifier itself, and not only longer ones."""
    for other in sorted(longer, key=len, reverse=True):
        text = text.replace(other, "")
    if _is_short(identifier):
        return text == identifier or json.dumps(identifier) in text
    return identifier in text


def _columns(con: sqlite3.Connection) -> list[tuple[str, str]]:
    """Name every table and column of a database."""
    return con.execute(
        "SELECT '\"' || t.name || '\"', '\"' || c.name || '\"' FROM sqlite_schema AS t, "
        "pragma_table_info(t.name) AS c WHERE t.type = 'table'"
    ).fetchall()
