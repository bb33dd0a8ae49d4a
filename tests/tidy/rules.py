"""The rules of the source text, each a pure function from modules to violations.

``test_rules.py`` shows for each rule a text that breaks it; ``test_source.py`` holds the project
itself to all of them.  The import table is the one in ARCHITECTURE.md.
"""

import ast
import re
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

GROUND = frozenset({"units", "errors", "types"})
PURE_CORE = GROUND | {"numerics"}
PURE = PURE_CORE | {
    "topics",
    "placement",
    "wire",
    "intake",
    "estimation",
    "detection",
    "triage",
    "learning",
    "charging",
    "report",
    "protection",
}
EVERYTHING_BELOW = PURE | {"ports"}
MAY_IMPORT: Mapping[str, frozenset[str]] = {
    "units": frozenset(),
    "errors": frozenset(),
    "types": GROUND,
    "ports": GROUND,
    "topics": GROUND,
    "placement": GROUND,
    "numerics": GROUND,
    "wire": GROUND,
    "protection": GROUND,
    "intake": PURE_CORE,
    "estimation": PURE_CORE,
    "detection": PURE_CORE,
    "report": PURE_CORE,
    "triage": PURE_CORE | {"detection"},
    "learning": PURE_CORE | {"estimation"},
    "charging": PURE_CORE | {"detection", "estimation"},
    "adapters": GROUND | {"ports", "wire"},
    "sim": PURE_CORE | {"ports"},
    "edge": EVERYTHING_BELOW,
    "cloud": EVERYTHING_BELOW,
    "demo": EVERYTHING_BELOW | {"sim", "edge", "cloud"},
    "bench": EVERYTHING_BELOW | {"sim", "edge", "cloud"},
    "cli": EVERYTHING_BELOW | {"sim", "edge", "cloud", "demo", "bench"},
    "__main__": frozenset({"cli"}),
}
"""Room to the rooms it may import; its own is always allowed, adapters only where composed."""
COMPOSED = frozenset({"bench", "cli", "cloud", "demo", "edge"})

CLOCK_AND_CHANCE = {"locale", "platform", "random", "secrets", "time", "uuid"}
FILES = {"ctypes", "duckdb", "fcntl", "glob", "mmap", "os", "pickle", "shelve", "shutil", "sqlite3"}
NETWORK = {"aiohttp", "can", "cantools", "ftplib", "http", "requests", "socket", "ssl", "urllib"}
PROCESS = {"asyncio", "importlib", "logging", "multiprocessing", "select", "signal"}
WORLD = (
    CLOCK_AND_CHANCE | FILES | NETWORK | PROCESS | {"subprocess", "sys", "tempfile", "threading"}
)
"""Modules that pure code does not import: each reads or changes the world, or a hidden state."""
WORLD_NAMES = {
    "pathlib": {"Path"},
    "io": {"open", "FileIO"},
    "concurrent.futures": {"ThreadPoolExecutor", "ProcessPoolExecutor"},  # an Executor is passed in
}
WORLD_CALLS = frozenset({"open", "print", "input", "exec", "eval", "breakpoint"})
CLOCK_CALLS = frozenset({"now", "utcnow", "today", "fromtimestamp"})
RANDOM_TYPES = frozenset({"Generator", "SeedSequence", "BitGenerator"})

LINES_MAX = 500
LINES_MEDIAN = 250
FUNCTION_LINES_MAX = 70
BANNED_WORDS = frozenset({"Manager", "Helper", "Helpers", "Util", "Utils", "Base"})


@dataclass(frozen=True)
class Module:
    """One source file: its dotted name, its text and what it says."""

    name: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def is_package(self) -> bool:
        return self.name.endswith(".__init__") or self.name == "__init__"

    @property
    def parts(self) -> tuple[str, ...]:
        """Dotted parts below the package's root, ``__init__`` dropped."""
        parts = tuple(self.name.removesuffix(".__init__").split("."))
        return parts[1:]

    @property
    def room(self) -> str:
        return self.parts[0] if self.parts else ""

    def imported(self) -> Iterator[tuple[int, str]]:
        """Line and dotted name of every import, those inside functions too."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = "." * node.level + (node.module or "")
                yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def import_table(module: Module) -> list[str]:
    """Rooms import only what the table allows, adapters only in compose.py, none each other."""
    wrong = []
    for line, name in module.imported():
        if name.startswith("."):
            wrong.append(f"{module.name}:{line}: relative import; name the defining module")
            continue
        root, *rest = name.split(".")
        if root != "voltherd" or not rest or not module.room:
            continue
        there = rest[0]
        if any(part.startswith("_") for part in rest):
            wrong.append(f"{module.name}:{line}: reaches into {name}")
        if module.room not in MAY_IMPORT:
            wrong.append(f"{module.name}:{line}: room {module.room} is not in the import table")
        elif there == "adapters" == module.room:
            if rest[1:2] != list(module.parts[1:2]):
                wrong.append(f"{module.name}:{line}: an adapter imports another: {name}")
        elif there == "adapters":
            if not (module.room in COMPOSED and module.parts[-1] == "compose"):
                wrong.append(f"{module.name}:{line}: adapters are imported in compose.py only")
        elif there != module.room and there not in MAY_IMPORT[module.room]:
            wrong.append(f"{module.name}:{line}: {module.room} may not import {there}")
    return wrong


def purity(module: Module) -> list[str]:
    """Pure rooms touch no clock, no chance, no file, no network, no process."""
    if module.room not in PURE:
        return []
    wrong = []
    for line, name in module.imported():
        root, _, last = name.rpartition(".")
        if name.split(".")[0] in WORLD or last in WORLD_NAMES.get(root, ()):
            wrong.append(f"{module.name}:{line}: pure code imports {name}")
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in {"np.random", "random"}:
            if node.attr not in RANDOM_TYPES:
                wrong.append(f"{module.name}:{node.lineno}: chance is passed in, not made here")
        elif isinstance(node, ast.Call):
            wrong += [f"{module.name}:{node.lineno}: {why}" for why in _world_calls(node)]
    return wrong


def _world_calls(node: ast.Call) -> Iterator[str]:
    """What a call in pure code does to the world."""
    if isinstance(node.func, ast.Name) and node.func.id in WORLD_CALLS:
        yield f"pure code calls {node.func.id}()"
    if isinstance(node.func, ast.Attribute):
        owner = ast.unparse(node.func.value).split(".")[-1]
        zoned = len(node.args) > 1 or any(k.arg == "tz" for k in node.keywords)
        reads_clock = node.func.attr != "fromtimestamp" or not zoned  # a naive one reads the zone
        if owner in {"datetime", "date"} and node.func.attr in CLOCK_CALLS and reads_clock:
            yield f"pure code asks the machine for the time or its zone: {owner}.{node.func.attr}()"


def cycles(modules: list[Module]) -> list[str]:
    """No module imports itself by way of others."""
    known = {".".join(("voltherd", *module.parts)) for module in modules}
    graph: dict[str, set[str]] = {}
    for module in modules:
        here = ".".join(("voltherd", *module.parts))
        reached = set()
        for _, name in module.imported():
            reached |= {n for n in (name, name.rpartition(".")[0]) if n in known}
        graph[here] = reached - {here}
    wrong = []
    while graph:
        leaves = [name for name, reached in graph.items() if not reached & graph.keys()]
        if not leaves:  # what is left holds a cycle: walk until a module comes again
            path = [min(graph)]
            while path[-1] not in path[:-1]:
                path.append(min(graph[path[-1]] & graph.keys()))
            wrong.append("import cycle: " + " -> ".join(path[path.index(path[-1]) :]))
            leaves = path
        for name in set(leaves):
            del graph[name]
    return wrong


def sizes(modules: list[Module]) -> list[str]:
    """No module over 500 lines, the median under 250 (empty packages do not count)."""
    lines = {m.name: m.text.count("\n") for m in modules if not m.is_package}
    wrong = [f"{name}: {n} lines, over {LINES_MAX}" for name, n in lines.items() if n > LINES_MAX]
    if lines and statistics.median(lines.values()) >= LINES_MEDIAN:
        wrong.append(f"the median module has {statistics.median(lines.values()):.0f} lines")
    return wrong


def function_length(module: Module) -> list[str]:
    """No function over 70 lines unless its signature says ``# long: reason``."""
    wrong = []
    text = module.text.splitlines()
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        signature = "\n".join(text[node.lineno - 1 : max(node.body[0].lineno - 1, node.lineno)])
        if length > FUNCTION_LINES_MAX and not re.search(r"# long: \S", signature):
            wrong.append(f"{module.name}:{node.lineno}: {node.name} has {length} lines")
    return wrong


def docstrings(module: Module) -> list[str]:
    """Every module and every public class, function and method says what it is."""
    wrong = [] if ast.get_docstring(module.tree) else [f"{module.name}:1: module without docstring"]

    def visit(body: list[ast.stmt], inside: str) -> None:
        for node in body:
            if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if node.name.startswith("_"):
                continue
            if not ast.get_docstring(node):
                wrong.append(f"{module.name}:{node.lineno}: {inside}{node.name} has no docstring")
            if isinstance(node, ast.ClassDef):
                visit(node.body, f"{node.name}.")

    visit(module.tree.body, "")
    return wrong


def names(module: Module) -> list[str]:
    """No class or module is called after what it is not: Manager, Helper, Util, Base."""
    wrong = []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ClassDef):
            words = set(re.findall(r"[A-Z][a-z0-9]*", node.name)) & BANNED_WORDS
            wrong += [f"{module.name}:{node.lineno}: {word} in {node.name}" for word in words]
    said = {word.capitalize() for part in module.parts for word in part.split("_")}
    wrong += [f"{module.name}:1: {word} in the module's name" for word in said & BANNED_WORDS]
    return wrong


def promises(module: Module) -> list[str]:
    """No promise without an issue's number behind it."""
    marks = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX)\b")
    return [
        f"{module.name}:{number}: {match[1]} without an issue's number"
        for number, line in enumerate(module.text.splitlines(), start=1)
        if (match := marks.search(line)) and not re.search(r"#\d+", line)
    ]


def empty_package(module: Module) -> list[str]:
    """An ``__init__.py`` holds a docstring and nothing else."""
    if not module.is_package or module.tree.body[1:] == []:
        return []
    return [f"{module.name}:{module.tree.body[1].lineno}: code in __init__.py"]


def values_are_frozen(module: Module) -> list[str]:
    """A public dataclass is a value, frozen and final, unless it says ``# mutable: reason``."""
    wrong = []
    text = module.text.splitlines()
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.ClassDef) or node.name.startswith("_"):
            continue
        marks = [ast.unparse(mark) for mark in node.decorator_list]
        data = [mark for mark in marks if mark.startswith(("dataclass", "dataclasses.dataclass"))]
        excused = re.search(r"# mutable: \S", text[node.lineno - 1])
        if data and not excused and ("frozen=True" not in data[0] or "final" not in marks):
            wrong.append(f"{module.name}:{node.lineno}: {node.name} is not frozen and final")
    return wrong


EACH = (
    import_table,
    purity,
    function_length,
    docstrings,
    names,
    promises,
    empty_package,
    values_are_frozen,
)
"""Rules that look at one module at a time."""
ALL_TOGETHER = (cycles, sizes)
"""Rules that look at the whole source."""
