"""A store as a folder or one file elsewhere, taken while the cloud runs, and back.

Commits go on meanwhile: the databases are copied as of one moment, and the chunk files that count
at that moment never change.  A manifest names every file with its digest; what is given back is
compared with it before it stands in its place.
"""

import glob
import hashlib
import io
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, Final, NamedTuple

from voltherd.adapters.records import catalogue
from voltherd.adapters.records.compaction import Progress
from voltherd.adapters.records.files import BUSY_SECOND, Files
from voltherd.adapters.records.layout import LOCK, PART_SUFFIX, sync
from voltherd.adapters.records.schema import version_of
from voltherd.errors import StoreError

MANIFEST: Final = "manifest.json"
_FORMAT: Final = "voltherd-backup"
_VERSION: Final = 1
_BLOCK: Final = 1 << 20


class Member(NamedTuple):
    """A file of a backup: its place in the store, size and digest."""

    name: str
    bytes: int
    blake2b: str


class Backup(NamedTuple):
    """What a backup holds.

    Attributes:
        unix_time_second: When it was taken [unix s].
        schema: Version of the database.
        members: Its files.
    """

    unix_time_second: float
    schema: int
    members: tuple[Member, ...]


def backup(files: Files, out: Path, now_second: float, progress: Progress) -> Backup:
    """Write a backup; call it within ``Files.upkeep``.

    Args:
        files: The store.
        out: A new folder, or a new file whose name ends in ``.tar``.
        now_second: When [unix s].
        progress: Is told where it stands.

    Raises:
        StoreError: Something is there already, or cannot be written; nothing of it is left.
    """
    if out.exists():
        raise StoreError("there is something already", where=str(out), mend="name a new place")
    with files.told():
        out.parent.mkdir(parents=True, exist_ok=True)
        stage = _stage(out)
        try:
            databases = _databases(files, stage)
            with closing(sqlite3.connect(stage / files.database.name)) as con:
                schema = version_of(con)
                kept = [file.name for file in catalogue.files_of(con, "kept = 1")]
            sources = {name: stage / name for name in databases}
            sources |= {name: files.root / name for name in (*_plain(files.root), *kept)}
            if out.suffix == ".tar":
                return _as_tar(sources, stage, out, (now_second, schema), progress)
            return _as_folder(sources, stage, out, (now_second, schema), progress)
        finally:
            shutil.rmtree(stage, ignore_errors=True)


def _stage(target: Path) -> Path:
    """Make a folder beside a new place, and remove what a death has left of earlier ones."""
    for left in target.parent.glob(f".{glob.escape(target.name)}.*{PART_SUFFIX}"):
        shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=PART_SUFFIX, dir=target.parent))


def _databases(files: Files, stage: Path) -> list[str]:
    """Copy every database as of one moment."""
    names = sorted(path.name for path in files.root.glob("*.sqlite"))
    for name in names:
        files.step("database copied")
        with (
            closing(sqlite3.connect(files.root / name, timeout=BUSY_SECOND)) as source,
            closing(sqlite3.connect(stage / name)) as target,
        ):
            source.backup(target)
    return names


def _plain(root: Path) -> list[str]:
    """Name the other files at the top of the store."""
    return sorted(
        path.name
        for path in root.iterdir()
        if path.is_file()
        and path.name != LOCK
        and ".sqlite" not in path.name
        and path.suffix != PART_SUFFIX
    )


def _as_folder(
    sources: dict[str, Path], stage: Path, out: Path, facts: tuple[float, int], progress: Progress
) -> Backup:
    members = []
    for at, (name, source) in enumerate(sources.items(), start=1):
        progress(f"copying {at}/{len(sources)} {name}")
        target = stage / name
        if source != target:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        sync(target)
        with target.open("rb") as file:
            members.append(Member(name, target.stat().st_size, _digest(file)))
    made = Backup(*facts, tuple(members))
    (stage / MANIFEST).write_text(_manifest(made))
    sync(stage / MANIFEST)
    stage.chmod(0o755)
    os.rename(stage, out)
    sync(out.parent)
    return made


def _as_tar(
    sources: dict[str, Path], stage: Path, out: Path, facts: tuple[float, int], progress: Progress
) -> Backup:
    members = []
    part = stage / out.name
    with tarfile.open(part, "w") as tar:
        for at, (name, source) in enumerate(sources.items(), start=1):
            progress(f"copying {at}/{len(sources)} {name}")
            with source.open("rb") as file:
                members.append(Member(name, source.stat().st_size, _digest(file)))
            tar.add(source, arcname=name, recursive=False)
        made = Backup(*facts, tuple(members))
        text = _manifest(made).encode()
        told = tarfile.TarInfo(MANIFEST)
        told.size = len(text)
        tar.addfile(told, io.BytesIO(text))
    sync(part)
    os.rename(part, out)
    sync(out.parent)
    return made


def _digest(file: io.BufferedReader) -> str:
    digest = hashlib.blake2b(digest_size=32)
    while block := file.read(_BLOCK):
        digest.update(block)
    return digest.hexdigest()


def _manifest(made: Backup) -> str:
    return json.dumps(
        {
            "format": _FORMAT,
            "version": _VERSION,
            "unix_time_second": made.unix_time_second,
            "schema": made.schema,
            "files": [member._asdict() for member in made.members],
        },
        indent=1,
    )


def restore(source: Path, root: Path, progress: Progress) -> Backup:
    """Put a backup in a store's place.

    Args:
        source: What ``backup`` wrote.
        root: Where the store shall be; nothing may be there.
        progress: Is told where it stands.

    Raises:
        StoreError: It is no backup, is damaged, or something is there already; nothing is changed.
    """
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise StoreError(
            "there is something already", where=str(root), mend="name a new or empty folder"
        )
    try:
        with _opened(source) as read:
            made = _parsed(read(MANIFEST), source)
            root.parent.mkdir(parents=True, exist_ok=True)
            stage = _stage(root)
            try:
                for at, member in enumerate(made.members, start=1):
                    progress(f"restoring {at}/{len(made.members)} {member.name}")
                    _put(read(member.name), stage / member.name, member, source)
                stage.chmod(0o755)
                if root.exists():
                    root.rmdir()
                os.rename(stage, root)
                sync(root.parent)
            finally:
                shutil.rmtree(stage, ignore_errors=True)
    except (OSError, KeyError, tarfile.TarError) as error:
        raise StoreError(
            f"the backup cannot be restored ({error})",
            where=str(source),
            mend="check its place and free space, or take another backup",
        ) from error
    return made


@contextmanager
def _opened(source: Path) -> Iterator[Any]:
    """Give what opens a backup's files by name."""
    if source.is_dir():
        yield lambda name: (source / name).open("rb")
        return
    with tarfile.open(source, "r:") as tar:

        def read(name: str) -> io.BufferedReader:
            file = tar.extractfile(name)
            if not isinstance(file, io.BufferedReader):
                raise KeyError(name)
            return file

        yield read


def _parsed(file: io.BufferedReader, source: Path) -> Backup:
    with file:
        text = file.read()
    try:
        found = json.loads(text)
        assert found["format"] == _FORMAT and found["version"] == _VERSION
        members = tuple(
            Member(str(m["name"]), int(m["bytes"]), str(m["blake2b"])) for m in found["files"]
        )
        made = Backup(float(found["unix_time_second"]), int(found["schema"]), members)
        assert all(_is_within(member.name) for member in members)
    except (ValueError, KeyError, TypeError, AssertionError) as error:
        raise StoreError(
            "no backup of a record store, or one of another version",
            where=str(source),
            mend="name what voltherd store backup wrote",
        ) from error
    return made


def _is_within(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts


def _put(file: io.BufferedReader, target: Path, member: Member, source: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with file, target.open("wb") as out:
        shutil.copyfileobj(file, out, _BLOCK)
        out.flush()
        os.fsync(out.fileno())
    with target.open("rb") as written:
        if _digest(written) != member.blake2b:
            raise StoreError(
                f"{member.name} is not what was backed up",
                where=str(source),
                mend="the backup is damaged; take another",
            )
