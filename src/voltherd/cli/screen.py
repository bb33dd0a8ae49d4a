"""What commands share towards the person before them: progress, output, width, colour."""

import os
import shutil
import sys
from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[Path | None, typer.Option("--json", help="Write JSON; - for standard output.")]


def width() -> int:
    """Columns to write in."""
    return max(60, min(shutil.get_terminal_size((100, 24)).columns, 140))


def colour() -> bool:
    """Whether to colour what is written."""
    plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
    return sys.stdout.isatty() and not plain


def progress(text: str) -> None:
    """Show where long work stands, on terminals only."""
    if sys.stderr.isatty():
        cut = text[: width() - 1]
        sys.stderr.write(f"\r\x1b[2K{cut}" if text else "\r\x1b[2K")
        sys.stderr.flush()


def output(path: Path, text: str) -> None:
    """Write to a file, or to standard output for ``-``."""
    from voltherd.cli.compose import write_text

    if str(path) == "-":
        sys.stdout.write(text)
        sys.stdout.flush()
    else:
        write_text(path, text)
