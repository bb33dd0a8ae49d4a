"""The central system at work: dies anywhere, hears anything, and loses nothing it answered."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.cloud.depot_dying import RULES, batches, books, live
from tests.unit.wire.ocpp_samples import NOON
from voltherd.adapters.memory.calls import MemoryCalls
from voltherd.adapters.ocpp.schemas import schema_check
from voltherd.adapters.sqlite.calls import CallBook
from voltherd.cloud.depot import Depot
from voltherd.errors import StoreError
from voltherd.types.station_command import GetSettings, Reserve, SettingsTold, StationCall

ROOT = Path(__file__).resolve().parents[3]
STEPS = 41
"""Steps of a life; a test holds it to that."""


def deaths(folder, how, numbers):
    if not hasattr(os, "fork"):
        pytest.skip("needs a system with fork")
    program = [sys.executable, "-m", "tests.unit.cloud.depot_dying", str(folder), how]
    done = subprocess.run(
        program + [str(number) for number in numbers],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_whoever_dies_at_a_step_has_lost_nothing_and_can_go_on(tmp_path):
    told, errors = deaths(tmp_path, "step", range(1, STEPS + 2))
    assert [death for death in told if death["problems"]] == [], errors[-3000:]
    assert [death["code"] for death in told] == [9] * STEPS + [0]


def test_whoever_dies_amid_a_write_has_lost_nothing_and_can_go_on(tmp_path):
    told, errors = deaths(tmp_path, "torn", range(33_000, 120_000, 4_001))
    assert [death for death in told if death["problems"]] == [], errors[-3000:]
    assert sum(death["code"] < 0 for death in told) > len(told) / 3


class _Refusing:
    """A journal whose medium refuses for a while."""

    def __init__(self):
        self.inner, self.refuses = MemoryCalls(), False

    def append(self, calls):
        if self.refuses:
            raise StoreError("the medium is full")
        return self.inner.append(calls)

    def __getattr__(self, name):
        return getattr(self.inner, name)


def test_what_cannot_be_kept_is_not_answered_and_changes_nothing(caplog):
    journal = _Refusing()
    desk = Depot(journal, RULES, schema_check)
    first, second, *_ = batches()
    desk.take(first)
    before = desk.central
    journal.refuses = True
    replies = desk.take(second)
    assert [reply.payload.code for reply in replies] == ["InternalError"] * 2
    assert desk.central is before
    journal.refuses = False
    assert [r.payload.get("transactionId") for r in desk.take(second)] == [1, None]


def test_the_books_written_down_and_what_was_told_since_give_the_same_books(tmp_path):
    desk, _ = live(tmp_path / "a.sqlite", tmp_path / "told", books_every=3)
    for every in (1, 3, 10_000):
        again = Depot(CallBook(tmp_path / "a.sqlite"), RULES, schema_check, every)
        assert books(again) == books(desk)


def test_books_of_another_version_are_made_again_from_what_was_told(tmp_path):
    desk, _ = live(tmp_path / "a.sqlite", tmp_path / "told")
    journal = CallBook(tmp_path / "a.sqlite")
    for body in (b"[1, 2]", b"no json", b""):
        journal.keep_books(7, body)
        assert books(Depot(journal, RULES, schema_check)) == books(desk)


def told(desk, action, payload, version="1.6", station_id="A"):
    [reply] = desk.take([StationCall(station_id, version, "1", action, payload, NOON)])
    return reply


@pytest.fixture
def desk():
    return Depot(MemoryCalls(), RULES, schema_check)


@pytest.mark.parametrize(
    ("action", "version", "code"),
    [
        ("MakeCoffee", "1.6", "NotImplemented"),
        ("voltherd:reserved", "2.0.1", "NotImplemented"),
        ("Reset", "1.6", "NotSupported"),
        ("NotifyEvent", "1.6", "NotImplemented"),
        ("VatNumberValidation", "2.1", "NotSupported"),
        ("StopTransaction", "1.6", "OccurrenceConstraintViolation"),
    ],
)
def test_what_is_not_done_is_refused_by_name(desk, action, version, code):
    assert told(desk, action, {}, version).payload.code == code
    assert desk.central.stations == {} or code == "NotSupported"


def test_what_breaks_the_schema_is_used_and_remarked_on(desk):
    sample = {"value": "50.02", "measurand": "Frequency", "unit": "Hz"}
    group = {"timestamp": "2026-03-29T12:00:00Z", "sampledValue": [sample]}
    reply = told(desk, "MeterValues", {"connectorId": 1, "meterValue": [group], "more": 1})
    assert reply.payload == {}
    assert desk.central.stations["A"].readings[1]["Frequency", ""].value == 50.02
    texts = [remark.text for remark in desk.remarks("A")]
    assert texts == [
        "meterValue.sampledValue.unit: 'Hz' is not among the choices",
        "more: not in the schema",
    ]
    assert desk.remark_counts["A"] == 2


def test_remarks_are_bounded(desk):
    for _ in range(40):
        told(desk, "MeterValues", {"meterValue": [{"sampledValue": [{"odd": 1}] * 99}]})
    assert len(desk.remarks("A")) == 50


def test_what_a_station_says_of_its_settings_survives(tmp_path):
    for _ in range(2):
        desk = Depot(CallBook(tmp_path / "a.sqlite"), RULES, schema_check)
        reply = told(desk, "BootNotification", {"chargePointVendor": "M", "chargePointModel": "P"})
        assert isinstance(reply.commands[0], GetSettings)
        desk.answered("A", reply.commands[0], SettingsTold({"ChargingScheduleMaxPeriods": "9"}))
    again = Depot(CallBook(tmp_path / "a.sqlite"), RULES, schema_check)
    assert again.central.stations["A"].settings == {"ChargingScheduleMaxPeriods": "9"}
    assert again.central.stations["A"].boots == 2


def test_a_station_that_does_not_answer_a_reservation_has_made_none(desk):
    told(
        desk,
        "StatusNotification",
        {"connectorId": 1, "errorCode": "NoError", "status": "Available"},
    )
    wish = Reserve(7, 1, "CARD-1", NOON + 60.0)
    assert desk.reserve("A", wish, NOON).command == wish
    assert desk.reserve("A", wish._replace(reservation_id=8), NOON).command is None
    desk.answered("A", wish, None)
    assert desk.reserve("A", wish._replace(reservation_id=8), NOON).command is not None
