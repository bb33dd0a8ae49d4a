"""Orders for a depot that runs in another process: a file each, in a folder beside its books.

Who may write that folder may command the depot, and is named by the file's owner.  An order is
taken by renaming its file before anybody is asked, so a death leaves it taken, and it is carried
out at most once; whoever waits for it may take it back until then.
"""

import json
import logging
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, final

from voltherd.errors import StoreError, UnreadableError, UsageError
from voltherd.types.depot_order import Answered, Asked
from voltherd.wire.plain import from_plain

log = logging.getLogger(__name__)
FOLDER: Final = "commands"
BYTES_MAX: Final = 16 << 10
FORGOTTEN_SECOND: Final = 86_400.0
"""An answer that nobody has read for so long is removed [s]."""
_GIVEN, _TAKEN, _ANSWER = ".json", ".taken.json", ".answer.json"
_NAME: Final = re.compile(r"(\d{20}-[0-9a-f]{8})(\.json|\.taken\.json|\.answer\.json)")


@final
class OrderFolder:
    """Both sides of the folder: a person's, who gives orders, and the depot's, which takes them.

    Args:
        folder: The depot's.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER

    def open(self) -> None:
        """Make the folder where it is not there, and forget answers that nobody came for.

        Raises:
            StoreError: It cannot be made.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for _, path in self._files(_ANSWER):
                if time.time() - path.stat().st_mtime > FORGOTTEN_SECOND:
                    path.unlink(missing_ok=True)
        except OSError as error:
            raise self._refused(error) from error

    # A person's side.

    def give(
        self, station_id: str, what: str, words: Mapping[str, str], timeout_second: float
    ) -> str:
        """Give an order; it is whole and on the medium when this returns.

        Args:
            station_id: Whom it is for; empty where that is to be found.
            what: Its name.
            words: Its arguments.
            timeout_second: After which it is not carried out any more [s].

        Returns:
            Its id.

        Raises:
            UsageError: No depot has run there.
            StoreError: It cannot be written.
        """
        if not self._folder.is_dir():
            raise UsageError(
                "no depot has run there",
                where=str(self._folder.parent),
                mend="give the folder of voltherd depot run, beside the site file",
            )
        order_id = f"{time.time_ns():020d}-{secrets.token_hex(4)}"
        plain = {
            "asked_second": time.time(),
            "timeout_second": timeout_second,
            "station_id": station_id,
            "what": what,
            "words": dict(words),
        }
        self._write(order_id, _GIVEN, plain)
        return order_id

    def answer_to(self, order_id: str) -> Answered | None:
        """Give what became of an order, once; None while that is not known.

        Raises:
            StoreError: The answer cannot be read.
        """
        path = self._path(order_id, _ANSWER)
        try:
            told = json.loads(path.read_bytes())
            path.unlink()
            answered: Answered = from_plain(Answered, [told["verdict"], told["text"]])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, UnreadableError) as error:
            raise self._refused(error) from error
        return answered

    def take_back(self, order_id: str) -> bool:
        """Take an order back; say whether it was in time, so that it is never carried out."""
        try:
            self._path(order_id, _GIVEN).unlink()
        except OSError:
            return False
        return True

    # The depot's side.

    def take(self, limit: int) -> list[Asked]:
        """Take orders, oldest first, each once; what is none is answered and logged.

        Raises:
            StoreError: The folder cannot be read.
        """
        taken: list[Asked] = []
        try:
            for order_id, path in list(self._files(_GIVEN))[:limit]:
                mine = self._path(order_id, _TAKEN)
                path.rename(mine)
                self._read(order_id, mine, taken)
        except FileNotFoundError:
            pass  # somebody has just taken it back
        except OSError as error:
            raise self._refused(error) from error
        return taken

    def unfinished(self) -> list[Asked]:
        """Give orders that a depot had taken when it ended.

        Raises:
            StoreError: The folder cannot be read.
        """
        found: list[Asked] = []
        try:
            for order_id, path in self._files(_TAKEN):
                self._read(order_id, path, found)
        except OSError as error:
            raise self._refused(error) from error
        return found

    def answer(self, order_id: str, answered: Answered) -> None:
        """Say what became of an order.

        Raises:
            StoreError: It cannot be written.
        """
        self._write(order_id, _ANSWER, answered._asdict())
        self._path(order_id, _TAKEN).unlink(missing_ok=True)

    def _read(self, order_id: str, path: Path, into: list[Asked]) -> None:
        """Read a taken order; one that is none is answered at once."""
        try:
            into.append(_asked(order_id, path))
        except (OSError, ValueError, OverflowError, RecursionError, UnreadableError) as error:
            log.warning("%s is no order: %s", path, error)
            with suppress(StoreError):  # those taken beside it are carried out all the same
                self.answer(order_id, Answered("invalid", f"this is no order ({error})"))

    def _files(self, kind: str) -> Iterator[tuple[str, Path]]:
        for path in sorted(self._folder.iterdir()):
            found = _NAME.fullmatch(path.name)
            if found and found[2] == kind:
                yield found[1], path

    def _path(self, order_id: str, kind: str) -> Path:
        return self._folder / f"{order_id}{kind}"

    def _write(self, order_id: str, kind: str, plain: Mapping[str, Any]) -> None:
        fresh = self._folder / f".{order_id}{kind}.new"
        try:
            with fresh.open("w", encoding="utf-8") as file:
                json.dump(plain, file)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._path(order_id, kind))
        except OSError as error:
            raise self._refused(error) from error

    def _refused(self, error: Exception) -> StoreError:
        return StoreError(
            f"orders cannot be passed on ({error})",
            where=str(self._folder),
            mend="check free space and who may write there",
        )


def _asked(order_id: str, path: Path) -> Asked:
    """Read an order; who gave it is said by the medium, not by the file."""
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode) or found.st_size > BYTES_MAX:
        raise UnreadableError("no plain file of that size")
    try:
        by = path.owner()
    except (KeyError, NotImplementedError):
        by = str(found.st_uid)
    told = json.loads(path.read_bytes())
    try:
        parts = [told[name] for name in ("asked_second", "timeout_second", "station_id", "what")]
        words = list(told["words"].items())
    except (KeyError, TypeError, AttributeError) as error:
        raise UnreadableError(f"without what one says: {error}") from error
    asked: Asked = from_plain(Asked, [order_id, by, *parts, words])
    return asked
