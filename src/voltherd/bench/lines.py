"""Results of a long run, a JSON line each: one that was stopped goes on behind the last line.

The first line says what was measured, and lines of another run are never joined to it.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from voltherd.errors import InputError, StoreError, UsageError


def begun(path: Path, head: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give the lines of earlier runs behind the head; begin the file where there is none.

    Half a line, of a run that was stopped, is cut off.

    Raises:
        UsageError: The file is headed otherwise.
        InputError: It is no such file.
        StoreError: It cannot be written.
    """
    found = lines(path) if path.exists() else []
    if not found:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        keep(path, head)
        return []
    if found[0] != head:
        raise UsageError(
            f"measured as {found[0]}, asked for {dict(head)}",
            where=str(path),
            mend="name another folder, or delete this file",
        )
    whole = path.read_bytes().rfind(b"\n") + 1
    with path.open("r+b") as file:
        file.truncate(whole)
    return found[1:]


def lines(path: Path) -> list[dict[str, Any]]:
    """Give the lines that were written to their end, the head first.

    Raises:
        InputError: It cannot be read, or a line is no JSON object.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read ({error})", where=str(path)) from error
    found = []
    for number, line in enumerate(text[: text.rfind("\n") + 1].splitlines(), start=1):
        try:
            plain = json.loads(line)
        except json.JSONDecodeError:
            plain = None
        if not isinstance(plain, dict):
            raise InputError(
                f"line {number} is no JSON object",
                where=str(path),
                mend="delete the file and measure again",
            )
        found.append(plain)
    return found


def keep(path: Path, plain: Mapping[str, Any]) -> None:
    """Append a line; it is on the medium when this returns.

    Raises:
        StoreError: It cannot be written.
    """
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(plain) + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise StoreError(
            f"cannot be written ({error.strerror})", where=str(path), mend="choose another folder"
        ) from error
