"""Small wrongs put into a source, one at a time, to see whether the tests notice.

    python -m tests.mutation.mutants MODULE TESTS...

Operators of comparison, logic and arithmetic are exchanged, numbers and truth values changed,
branches swapped.  Every mutant runs in a fork of one warm process, as many at a time as there are
processors.  Prints the survivors, one a line, as ``line: before => after``; what nobody can tell
from the original is for the caller to know.  The idea: DeMillo, Lipton and Sayward, Hints on Test
Data Selection (1978).
"""

import ast
import copy
import gc
import importlib.abc
import importlib.util
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

SRC = Path(__file__).resolve().parents[2] / "src"
COMPARISONS = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
ARITHMETIC = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}
CALLS = {"min": "max", "max": "min", "any": "all", "all": "any", "flatnonzero": "isnan"}


def expressions(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node that computes: no annotations, no docstrings, no assurances."""
    for field, value in ast.iter_fields(tree):
        if field in {"annotation", "returns", "decorator_list", "type_params"}:
            continue
        for node in value if isinstance(value, list) else [value]:
            if isinstance(node, ast.keyword) and node.arg == "strict":
                continue  # of a zip: says what holds already
            if isinstance(node, ast.AST):
                yield node
                yield from expressions(node)


def changes(node: ast.AST) -> Iterator[tuple[str, object]]:
    """What may be put in place of a field of this node."""
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            for other in COMPARISONS.get(type(operator), ()):
                yield "ops", [*node.ops[:place], other(), *node.ops[place + 1 :]]
    elif isinstance(node, ast.BoolOp):
        yield "op", ast.And() if isinstance(node.op, ast.Or) else ast.Or()
        for place in range(len(node.values)):
            yield "values", [*node.values[:place], *node.values[place + 1 :]]
    elif isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
        yield "op", ARITHMETIC[type(node.op)]()
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield "op", ast.UAdd() if isinstance(node.op, ast.USub) else ast.Invert()
    elif isinstance(node, ast.IfExp | ast.If):
        yield "test", ast.UnaryOp(ast.Not(), node.test)
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield "value", not node.value
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield "value", node.value + 1
        if node.value:
            yield "value", node.value * 0.99
    elif isinstance(node, ast.Name) and node.id in CALLS:
        yield "id", CALLS[node.id]


def mutants(text: str) -> Iterator[tuple[str, str]]:
    """Every mutant as what it changes (for people) and its text."""
    count = len(list(expressions(ast.parse(text))))
    for index in range(count):
        whole = ast.parse(text)
        for field, value in list(changes(list(expressions(whole))[index])):
            tree = copy.deepcopy(whole)
            node = list(expressions(tree))[index]
            before, line = ast.unparse(node), getattr(node, "lineno", 0)
            setattr(node, field, value)
            after = ast.unparse(node)
            told = f"{line}: {before.splitlines()[0]} => {after.splitlines()[0]}"
            yield told, ast.unparse(ast.fix_missing_locations(tree))


class _Mutated(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads one module from a text."""

    def __init__(self, name: str, text: str) -> None:
        self.name, self.text = name, text

    def find_spec(self, name, path=None, target=None):
        return importlib.util.spec_from_loader(name, self) if name == self.name else None

    def exec_module(self, module):
        exec(compile(self.text, f"<mutant of {self.name}>", "exec"), module.__dict__)


def tested(tests: list[str], *more: str) -> int:
    """Run tests of one folder, the last, in this process till one fails; 0 where all pass."""
    import pytest

    plain = ["-x", "--noconftest", "-o", "addopts=--import-mode=importlib"]
    without = ["-p", "no:cacheprovider", "-p", "no:terminal"]
    plugin = f"{tests[-1].replace('/', '.')}.conftest"
    return int(pytest.main([*plain, *without, "-p", plugin, *more, *tests]))


def warm(tests: list[str]) -> None:
    """Import what tests need, so that forks are quick, and forget all that mutants may change."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    tested(tests, "--collect-only")
    for name in [name for name in sys.modules if name.startswith(("voltherd", "tests.unit"))]:
        del sys.modules[name]
    gc.collect()
    gc.freeze()  # what is here already, no fork looks through


def forked(name: str, text: str, tests: list[str]) -> int:
    """Run the tests on a mutant in a fork, which says nothing; gives the process."""
    child = os.fork()
    if child:
        return child
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 1)
    os.dup2(sink, 2)
    code = 1
    try:
        sys.meta_path.insert(0, _Mutated(name, text))
        own = Path(tests[-1]) / f"test_{name.rpartition('.')[2]}.py"  # which most mutants fail
        code = tested([*([str(own)] if own.exists() else []), *tests])
    finally:
        os._exit(min(code, 99))


def passing(name: str, texts: Sequence[str], tests: list[str]) -> list[bool]:
    """Which mutants pass the tests; as many run at a time as there are processors."""
    at_work: dict[int, int] = {}
    passed = [False] * len(texts)

    def await_one() -> None:
        child, status = os.wait()
        passed[at_work.pop(child)] = os.waitstatus_to_exitcode(status) == 0

    for place, text in enumerate(texts):
        if len(at_work) == (os.cpu_count() or 1):
            await_one()
        at_work[forked(name, text, tests)] = place
    while at_work:
        await_one()
    return passed


def main(name: str, *tests: str) -> int:
    """Print the survivors of a module."""
    path = SRC.joinpath(*name.split(".")).with_suffix(".py")
    text = path.read_text(encoding="utf-8")
    warm([*tests])
    if passing(name, [text], [*tests]) != [True]:
        print("the tests fail on the source as it is")
        return 2
    told, texts = zip(*mutants(text), strict=True)
    left = [
        what for what, passed in zip(told, passing(name, texts, [*tests]), strict=True) if passed
    ]
    print("\n".join([*left, f"{len(texts)} mutants"]))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
