"""Nothing that keeps people safe waits for the cloud, and a task moves by one line."""

import importlib
from dataclasses import replace

import pytest

from voltherd import placement
from voltherd.errors import UsageError
from voltherd.placement import TASKS, Level, needs_cloud, placed


@pytest.mark.parametrize("name", [name for name, task in TASKS.items() if task.critical])
def test_no_critical_task_needs_the_cloud(name):
    assert not needs_cloud(name, TASKS)


def test_the_check_would_notice_a_critical_task_that_needs_the_cloud():
    moved = dict(TASKS) | {"sense": replace(TASKS["sense"], level=Level.CLOUD,
                                            may_run=frozenset(Level))}  # fmt: skip
    assert needs_cloud("permit", moved)


def test_a_move_that_makes_a_critical_task_need_the_cloud_is_refused(monkeypatch):
    loose = dict(TASKS) | {"protect": replace(TASKS["protect"], may_run=frozenset(Level))}
    monkeypatch.setattr(placement, "TASKS", loose)
    with pytest.raises(UsageError, match="critical"):
        placed({"protect": "cloud"})


@pytest.mark.parametrize("name", [name for name, task in TASKS.items() if task.function])
def test_every_task_names_a_function_that_is_there(name):
    module, _, attribute = TASKS[name].function.partition(":")
    assert callable(getattr(importlib.import_module(module), attribute))


def test_what_a_task_needs_is_in_the_table_before_it():
    names = list(TASKS)
    for name, task in TASKS.items():
        assert all(names.index(needed) < names.index(name) for needed in task.needs)


@pytest.mark.parametrize(
    ("moves", "said"),
    [
        ({"detecton": "edge"}, "no such task"),
        ({"soc": "moon"}, "is no place for it; use cloud or edge"),
        ({"permit": "cloud"}, "is no place for it; use edge"),
    ],
)
def test_a_move_that_makes_no_sense_is_refused_with_what_would(moves, said):
    with pytest.raises(UsageError, match=said):
        placed(moves)


def test_a_move_changes_one_row():
    after = placed({"soc": "cloud"})
    changed = [name for name in TASKS if after[name] != TASKS[name]]
    assert changed == ["soc"]
