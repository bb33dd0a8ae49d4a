"""Write the reference pages that come from the code, so that they cannot drift from it.

python scripts/reference.py            write docs/cli.md, docs/phenomena.md and docs/openapi.json
python scripts/reference.py --check    say which of them is out of date; exit 1 if any
"""

import ast
import inspect
import itertools
import json
import sys
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import typer

from voltherd.cli import main as command_line
from voltherd.cloud.api import described
from voltherd.types import event

DOCS = Path(__file__).resolve().parent.parent / "docs"
NOTE = "<!-- Written by `make docs` from {source}; edit there. -->\n"


def commands() -> Iterator[tuple[str, Any]]:
    """Every command a user can type, in full, with its parsed form."""
    app = command_line.app

    def walk(words: str, command: Any) -> Iterator[tuple[str, Any]]:
        if hasattr(command, "commands"):
            if getattr(command, "invoke_without_command", False) and words != "voltherd":
                yield words, command
            given = [p.name.upper() for p in command.params if p.param_type_name == "argument"]
            for name, inner in command.commands.items():
                yield from walk(" ".join([words, *given, name]), inner)
        elif not command.hidden:
            yield words, command

    yield from walk("voltherd", typer.main.get_command(app))


def meanings(enumeration: type[Enum]) -> dict[str, str]:
    """Each member's value and the docstring written below it."""
    body = ast.parse(inspect.getsource(enumeration)).body[0].body
    said = {}
    for member, text in itertools.pairwise(body):
        if isinstance(member, ast.Assign) and isinstance(text, ast.Expr):
            name = getattr(member.targets[0], "id", "")
            said[name] = inspect.cleandoc(ast.literal_eval(text.value))
    return {member.name: " ".join(said.get(member.name, "").split()) for member in enumeration}


def _cell(text: str) -> str:
    """Text as it may stand in one field of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def cli_page() -> str:
    """Every command with its arguments and options."""
    lines = [NOTE.format(source="the commands' own help"), "# Commands\n"]
    lines.append(
        "Exit status: 0 done · 1 the check found something (`--fail-on`, `doctor`) · 2 usage or "
        "unusable input · 3 a service out of reach · 130 interrupted.\n"
    )
    for words, command in commands():
        lines += [f"## `{words}`\n", inspect.cleandoc(command.help or "") + "\n"]
        rows = []
        for parameter in command.params:
            hidden = getattr(parameter, "hidden", False)
            if parameter.name == "help" or hidden:
                continue
            spelled = ", ".join([*parameter.opts, *parameter.secondary_opts])
            if parameter.param_type_name == "argument":
                spelled = (parameter.metavar or parameter.name).upper().strip("[]")
            told = _cell(getattr(parameter, "help", None) or "")
            usual = parameter.default
            if isinstance(usual, str | int | float | Path) and not isinstance(usual, bool):
                told += f" Default: `{usual}`."
            rows.append(f"| `{spelled}` | {told} |")
        if rows:
            lines += ["| | |", "|---|---|", *rows, ""]
    return "\n".join(lines).rstrip() + "\n"


def phenomena_page() -> str:
    """Everything a finding can be about, how urgent it can be, and where."""
    lines = [NOTE.format(source="`src/voltherd/types/event.py`"), "# What a finding can say\n"]
    lines.append("Reports, JSON and `truth.json` share these words.\n")
    for enumeration, title, key in (
        (event.Phenomenon, "Phenomenon", lambda member: member.value),
        (event.Severity, "Severity", lambda member: member.word),
        (event.LocationKind, "Location", lambda member: member.value),
    ):
        said = meanings(enumeration)
        lines.append(f"## {title}\n")
        if any(said.values()):
            lines += ["| word | meaning |", "|---|---|"]
            lines += [f"| `{key(m)}` | {_cell(said[m.name])} |" for m in enumeration]
        else:
            lines.append(", ".join(f"`{key(member)}`" for member in enumeration))
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def api_document() -> str:
    """The HTTP API as OpenAPI 3.1."""
    return json.dumps(described().openapi(), indent=1, ensure_ascii=False) + "\n"


def pages() -> dict[Path, str]:
    """Each page and what it should say."""
    return {
        DOCS / "cli.md": cli_page(),
        DOCS / "phenomena.md": phenomena_page(),
        DOCS / "openapi.json": api_document(),
    }


def stale() -> list[Path]:
    """The pages that do not say what the code says."""
    return [
        path
        for path, text in pages().items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def main(arguments: list[str]) -> int:
    """Write the pages, or with ``--check`` only compare them."""
    old = stale()
    for path in old:
        if "--check" in arguments:
            print(f"{path.name} is out of date: run make docs", file=sys.stderr)
        else:
            path.write_text(pages()[path], encoding="utf-8")
            print(f"wrote docs/{path.name}")
    return int(bool(old) and "--check" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
