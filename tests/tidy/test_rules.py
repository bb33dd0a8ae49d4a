"""Each rule is shown a text that breaks it and one that keeps it, for it must be able to fail."""

import textwrap

import pytest

from tests.tidy import rules
from tests.tidy.rules import Module

LONG = "\n".join(["    x = 1"] * 80)

BREAKS = [
    (rules.import_table, "voltherd.numerics.ocv", "from voltherd.detection.verdict import f"),
    (rules.import_table, "voltherd.estimation.soc", "import voltherd.detection.verdict"),
    (rules.import_table, "voltherd.types.sample", "from voltherd.numerics import robust"),
    (rules.import_table, "voltherd.cli.main", "from voltherd.adapters.files.duck import f"),
    (rules.import_table, "voltherd.sim.compose", "from voltherd.adapters.files.duck import f"),
    (rules.import_table, "voltherd.cli.main", "def f():\n    import voltherd.adapters.files"),
    (rules.import_table, "voltherd.adapters.can.log", "from voltherd.adapters.files.duck import f"),
    (rules.import_table, "voltherd.adapters.can.log", "import voltherd.numerics.ocv"),
    (rules.import_table, "voltherd.triage.merge", "from voltherd.report.text import table"),
    (rules.import_table, "voltherd.detection.a", "from .b import c"),
    (rules.import_table, "voltherd.detection.a", "from voltherd.detection.b import _c"),
    (rules.import_table, "voltherd.cellar.a", "from voltherd.units import SECOND_PER_DAY"),
    (rules.purity, "voltherd.detection.a", "import time"),
    (rules.purity, "voltherd.detection.a", "from os.path import join"),
    (rules.purity, "voltherd.report.a", "from pathlib import Path"),
    (rules.purity, "voltherd.intake.a", "def f():\n    import logging"),
    (rules.purity, "voltherd.numerics.a", "from concurrent.futures import ThreadPoolExecutor"),
    (rules.purity, "voltherd.numerics.a", "import numpy as np\nx = np.random.default_rng()"),
    (rules.purity, "voltherd.report.a", "from datetime import datetime\nx = datetime.now()"),
    (rules.purity, "voltherd.report.a", "import datetime\nx = datetime.datetime.fromtimestamp(0)"),
    (rules.purity, "voltherd.report.a", "x = open('a')"),
    (rules.purity, "voltherd.units", "print(1)"),
    (rules.function_length, "voltherd.units", f"def f():\n{LONG}"),
    (rules.function_length, "voltherd.units", f"class A:\n  def f(self):  # long:\n{LONG}"),
    (rules.docstrings, "voltherd.units", "x = 1"),
    (rules.docstrings, "voltherd.units", "'''M.'''\ndef f(): pass"),
    (rules.docstrings, "voltherd.units", "'''M.'''\nclass A:\n    '''A.'''\n    def f(self): pass"),
    (rules.names, "voltherd.units", "class PackManager: pass"),
    (rules.names, "voltherd.units", "class BaseCell: pass"),
    (rules.names, "voltherd.report.text_utils", ""),
    (rules.promises, "voltherd.units", "x = 1  # TO" + "DO later"),
    (rules.empty_package, "voltherd.types.__init__", "'''T.'''\nfrom voltherd.types.a import b"),
    (rules.values_are_frozen, "voltherd.types.a", "@dataclass\nclass A: pass"),
    (rules.values_are_frozen, "voltherd.types.a", "@dataclass(frozen=True)\nclass A: pass"),
]

KEEPS = [
    (rules.import_table, "voltherd.cli.compose", "from voltherd.adapters.files.duck import f"),
    (rules.import_table, "voltherd.adapters.can.a", "from voltherd.adapters.can.b import c"),
    (rules.import_table, "voltherd.triage.merge", "from voltherd.detection.verdict import f"),
    (rules.import_table, "voltherd.numerics.a", "import numpy as np"),
    (rules.purity, "voltherd.detection.a", "from pathlib import PurePath"),
    (rules.purity, "voltherd.numerics.a", "from concurrent.futures import Executor"),
    (rules.purity, "voltherd.report.a", "x = datetime.fromtimestamp(0, tz=UTC)"),
    (rules.purity, "voltherd.numerics.a", "def f(r: np.random.Generator): return r.normal()"),
    (rules.purity, "voltherd.adapters.files.a", "import os"),
    (rules.function_length, "voltherd.units", f"def f():  # long: a table\n{LONG}"),
    (rules.docstrings, "voltherd.units", "'''M.'''\ndef _f(): pass"),
    (rules.names, "voltherd.units", "class Database: pass"),
    (rules.promises, "voltherd.units", "x = 1  # TO" + "DO (#12) later"),
    (rules.empty_package, "voltherd.types.__init__", "'''T.'''"),
    (
        rules.values_are_frozen,
        "voltherd.types.a",
        "@dataclass\nclass A:  # mutable: a tape\n  x: int",
    ),
    (rules.values_are_frozen, "voltherd.types.a", "@final\n@dataclass(frozen=True)\nclass A: pass"),
]


def module(name: str, text: str) -> Module:
    return Module(name, textwrap.dedent(text) + "\n")


@pytest.mark.parametrize(("rule", "name", "text"), BREAKS)
def test_a_rule_sees_what_breaks_it(rule, name, text):
    assert rule(module(name, text))


@pytest.mark.parametrize(("rule", "name", "text"), KEEPS)
def test_a_rule_lets_good_text_pass(rule, name, text):
    assert rule(module(name, text)) == []


def test_every_rule_for_one_module_is_shown_breaking_and_kept():
    assert {rule for rule, _, _ in BREAKS} == {rule for rule, _, _ in KEEPS} == set(rules.EACH)


def test_a_cycle_through_three_modules_is_found():
    ring = [
        module("voltherd.types.a", "from voltherd.types.b import x"),
        module("voltherd.types.b", "import voltherd.types.c"),
        module("voltherd.types.c", "def f():\n    from voltherd.types import a"),
        module("voltherd.types.d", "from voltherd.types import a"),
    ]
    assert rules.cycles(ring) == [
        "import cycle: voltherd.types.a -> voltherd.types.b -> voltherd.types.c -> voltherd.types.a"
    ]
    assert rules.cycles(ring[1:]) == []


def test_a_large_module_and_a_large_median_are_found():
    small, little = (module(f"voltherd.types.{name}", "\n" * 99) for name in "ab")
    large = module("voltherd.types.c", "\n" * 500)
    assert rules.sizes([small]) == []
    assert len(rules.sizes([small, little, large])) == 1
    assert len(rules.sizes([large])) == 2
