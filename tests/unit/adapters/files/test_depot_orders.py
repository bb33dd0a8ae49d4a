"""Orders pass from one process to another: whole, once, under their giver's name, or not at all."""

import json
import os
import pwd

import pytest

from voltherd.adapters.files.depot_orders import BYTES_MAX, OrderFolder
from voltherd.errors import UsageError
from voltherd.types.depot_order import Answered


@pytest.fixture
def orders(tmp_path):
    made = OrderFolder(tmp_path)
    made.open()
    return made


def test_an_order_is_taken_once_and_answered_once(orders, tmp_path):
    first = orders.give("A", "unlock", {"evse": "1"}, 30.0)
    second = orders.give("B", "reset", {}, 20.0)
    [one, two] = orders.take(9)
    assert (one.order_id, one.station_id, one.what, one.words) == (
        first,
        "A",
        "unlock",
        {"evse": "1"},
    )
    assert (two.order_id, two.end_second - two.asked_second) == (second, 20.0)
    assert one.by == pwd.getpwuid(os.getuid()).pw_name
    assert orders.take(9) == [] and not orders.take_back(first)
    assert orders.answer_to(first) is None
    orders.answer(first, Answered("refused", "no"))
    assert orders.answer_to(first) == Answered("refused", "no")
    assert orders.answer_to(first) is None
    assert [one.order_id for one in OrderFolder(tmp_path).unfinished()] == [second]


def test_what_is_taken_back_in_time_is_never_carried_out(orders):
    given = [orders.give("A", "reset", {}, 30.0) for _ in range(3)]
    assert orders.take_back(given[1])
    assert [one.order_id for one in orders.take(1)] == [given[0]]
    assert [one.order_id for one in orders.take(9)] == [given[2]]


NAME = "01700000000000000000-0123abcd"
SOUND = {
    "asked_second": 1.0,
    "timeout_second": 2.0,
    "station_id": "A",
    "what": "reset",
    "words": {},
    "by": "root",
}


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        json.dumps(SOUND | {"what": 7}),
        json.dumps(SOUND | {"words": [1]}),
        json.dumps({name: told for name, told in SOUND.items() if name != "station_id"}),
        json.dumps(SOUND | {"what": "x" * BYTES_MAX}),
        "\x00",
        "[" * (BYTES_MAX - 1),
        json.dumps(SOUND).replace("1.0", "1" + "0" * 400),
    ],
)
def test_what_is_no_order_is_answered_and_carried_out_by_nobody(orders, tmp_path, text):
    (tmp_path / "commands" / f"{NAME}.json").write_text(text)
    assert orders.take(9) == []
    answered = orders.answer_to(NAME)
    assert answered is not None and answered.verdict == "invalid"
    assert orders.unfinished() == []


def test_who_gave_it_is_said_by_the_medium_and_a_link_is_no_order(orders, tmp_path):
    place = tmp_path / "commands" / f"{NAME}.json"
    place.write_text(json.dumps(SOUND))
    [one] = orders.take(9)
    assert one.by == pwd.getpwuid(os.getuid()).pw_name  # whatever the file says
    orders.answer(NAME, Answered("done", ""))
    (tmp_path / "elsewhere").write_text(json.dumps(SOUND))
    place.symlink_to(tmp_path / "elsewhere")
    assert orders.take(9) == []


def test_what_else_lies_there_is_left_alone(orders, tmp_path):
    for name in ("notes.txt", ".x.json.new", "1.json", f"{NAME}.json.bak"):
        (tmp_path / "commands" / name).write_text("{}")
    assert orders.take(9) == []


def test_answers_that_nobody_came_for_are_forgotten_after_a_day(orders, tmp_path):
    for number, age in enumerate((0.0, 90_000.0)):
        name = f"{NAME[:-1]}{number}"
        orders.answer(name, Answered("done", ""))
        path = tmp_path / "commands" / f"{name}.answer.json"
        os.utime(path, (path.stat().st_atime - age, path.stat().st_mtime - age))
    orders.open()
    assert [orders.answer_to(f"{NAME[:-1]}{number}") is None for number in (0, 1)] == [False, True]


def test_where_no_depot_has_run_nothing_is_given(tmp_path):
    with pytest.raises(UsageError, match="no depot has run there"):
        OrderFolder(tmp_path / "nowhere").give("A", "reset", {}, 9.0)
