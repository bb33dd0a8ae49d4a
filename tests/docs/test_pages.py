"""What the documents claim is so."""

import re
import shlex
from pathlib import Path

import pytest

from scripts import reference
from voltherd.types.event import Phenomenon

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
MAKE_TARGET = re.compile(r"^([a-z]+):", re.MULTILINE)


def shell_lines(page: Path) -> list[str]:
    """Lines of the page's shell blocks, comments cut."""
    blocks = re.findall(r"```(?:sh|bash|console)\n(.*?)```", page.read_text(), re.DOTALL)
    lines = [line.removeprefix("$ ") for block in blocks for line in block.splitlines()]
    return [line.split(" #")[0].strip() for line in lines if line.strip()]


def test_the_reference_pages_say_what_the_code_says():
    assert reference.stale() == [], "run make docs"


def test_every_phenomenon_is_documented_with_a_meaning():
    page = (ROOT / "docs" / "phenomena.md").read_text()
    for member in Phenomenon:
        assert re.search(rf"^\| `{member.value}` \| \S.+ \|$", page, re.MULTILINE), member


def test_every_command_is_shown_in_readme_or_docs():
    told = "\n".join(page.read_text() for page in PAGES if page.name != "cli.md")
    missing = [words for words, _ in reference.commands() if words not in told]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_and_options_that_a_page_shows_exist(page):
    known = dict(reference.commands())
    targets = set(MAKE_TARGET.findall((ROOT / "Makefile").read_text()))
    for line in shell_lines(page):
        words = shlex.split(line)
        if words[0] == "make":
            named = {word for word in words[1:] if "=" not in word}
            assert named <= targets, line
        if words[0] != "voltherd" or words[1:] in (["--help"], ["--version"]):
            continue
        command = known.get(" ".join(words[:2])) or known.get(" ".join(words[:3]))
        assert command is not None, line
        options = {o for p in command.params for o in (*p.opts, *p.secondary_opts)} | {"--help"}
        used = {word.split("=")[0] for word in words if word.startswith("-") and word != "-"}
        assert used <= options, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_within_the_project_lead_somewhere(page):
    targets = [target for target in LINK.findall(page.read_text()) if "://" not in target]
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_list_of_decisions_is_complete_and_in_order():
    folder = ROOT / "docs" / "adr"
    index = (folder / "README.md").read_text()
    written = sorted(path.name for path in folder.glob("[0-9]*.md"))
    assert re.findall(r"\]\((\d{4}-[a-z0-9-]+\.md)\)", index) == written
    assert [int(name[:4]) for name in written] == list(range(1, len(written) + 1))
    for name in written:
        text = (folder / name).read_text()
        title = text.splitlines()[0]
        assert title.startswith(f"# {name[:4]}: ")
        assert title.removeprefix(f"# {name[:4]}: ") in index
        for heading in ("## Context", "## Options", "## Decision", "## Consequences"):
            assert heading in text, f"{name} lacks {heading}"


def test_the_map_stays_readable():
    assert len((ROOT / "ARCHITECTURE.md").read_text().splitlines()) <= 300


def test_doctests_are_part_of_every_run(pytestconfig):
    assert pytestconfig.getoption("doctestmodules")
    assert "src" in pytestconfig.getini("testpaths")
