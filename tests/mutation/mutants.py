"""Small wrongs put into a source, one at a time, to see whether the tests notice.

    python -m tests.mutation.mutants MODULE TESTS...

Operators of comparison, logic and arithmetic are exchanged, numbers and truth values changed,
branches swapped.  Every mutant runs in a fork of one warm process.  Prints the survivors, one a
line, as ``line: before => after``; what nobody can tell from the original is for the caller to
know.  The idea: DeMillo, Lipton and Sayward, Hints on Test Data Selection (1978).
"""

import ast
import copy
import importlib
import importlib.abc
import importlib.util
import os
import sys
from collections.abc import Iterator
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


def survives(name: str, text: str, tests: list[str]) -> bool:
    """Run the tests on a mutant in a fork; whether they all passed."""
    child = os.fork()
    if child == 0:
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, 1)
        os.dup2(sink, 2)
        code = 1
        try:
            import pytest

            sys.meta_path.insert(0, _Mutated(name, text))
            plain = ["-x", "-q", "--noconftest", "-o", "addopts=--import-mode=importlib"]
            plugin = f"{tests[0].replace('/', '.')}.conftest"
            code = int(pytest.main([*plain, "-p", "no:cacheprovider", "-p", plugin, *tests]))
        finally:
            os._exit(min(code, 99))
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == 0


def main(name: str, *tests: str) -> int:
    """Print the survivors of a module."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    for warm in ("numpy", "pytest", "_pytest.assertion.rewrite", "voltherd.types.record"):
        importlib.import_module(warm)  # so that forks are quick
    path = SRC.joinpath(*name.split(".")).with_suffix(".py")
    text = path.read_text(encoding="utf-8")
    if not survives(name, text, list(tests)):
        print("the tests fail on the source as it is")
        return 2
    every = list(mutants(text))
    left = [what for what, mutant in every if survives(name, mutant, list(tests))]
    print("\n".join([*left, f"{len(every)} mutants"]))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
