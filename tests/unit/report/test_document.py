import copy
import json
import math
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from voltherd.report import document
from voltherd.report.document import SCHEMA_ID, dumps, to_document
from voltherd.types.event import Cause, Evidence, LocationKind, Phenomenon, Severity

SCHEMA = json.loads(Path(document.__file__).with_name("triage.schema.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def validator():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    return jsonschema.Draft202012Validator(SCHEMA)


def test_every_report_is_valid_under_the_published_schema(sample, validator):
    for report in (sample.triage_report(), sample.quiet_report(), sample.empty_report()):
        validator.validate(json.loads(dumps(report)))


def test_the_schema_names_its_version_and_knows_every_word():
    assert SCHEMA["$id"] == SCHEMA_ID == SCHEMA["properties"]["schema"]["const"]
    assert SCHEMA["$defs"]["phenomenon"]["enum"] == [p.value for p in Phenomenon]
    assert SCHEMA["$defs"]["cause"]["enum"] == [cause.value for cause in Cause]
    assert SCHEMA["$defs"]["severity"]["enum"] == [s.word for s in sorted(Severity)]
    kinds = SCHEMA["$defs"]["location"]["properties"]["kind"]["enum"]
    assert set(kinds) == {kind.value for kind in LocationKind}


def _properties(node):
    if isinstance(node, dict):
        if "properties" in node and "required" in node:
            yield node
        for value in node.values():
            yield from _properties(value)


def test_every_required_key_is_declared_and_described():
    for node in _properties(SCHEMA):
        assert set(node["required"]) <= set(node["properties"])


def test_every_key_we_write_is_in_the_schema(sample):
    """An undeclared key would be undocumented."""
    written = to_document(sample.triage_report())

    def check(value, schema):
        schema = SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
        if "oneOf" in schema:
            if value is not None:
                check(value, schema["oneOf"][1])
        elif isinstance(value, dict):
            assert set(value) <= set(schema["properties"]), set(value) - set(schema["properties"])
            for key, child in value.items():
                check(child, schema["properties"][key])
        elif isinstance(value, list):
            for child in value:
                check(child, schema["items"])

    check(written, SCHEMA)


def _set(path, value):
    def change(data):
        *parents, last = path
        for key in parents:
            data = data[key]
        data[last] = value

    return change


def _drop(path):
    def change(data):
        *parents, last = path
        for key in parents:
            data = data[key]
        del data[last]

    return change


FINDING = ("findings", 0)
WRONG = {
    "another version": _set(("schema",), "urn:voltherd:triage:2"),
    "no schema": _drop(("schema",)),
    "no vehicles": _drop(("vehicles",)),
    "local time": _set(("generated",), "2024-05-12T08:00:00+02:00"),
    "time as a number": _set(("generated",), 1715500800),
    "negative rows": _set(("vehicles", 0, "rows"), -1),
    "no answers": _drop(("vehicles", 0, "answers_possible")),
    "unknown severity": _set((*FINDING, "severity"), "critical"),
    "severity as a number": _set((*FINDING, "severity"), 3),
    "unknown phenomenon": _set((*FINDING, "phenomenon"), "haunted"),
    "confidence in percent": _set((*FINDING, "confidence"), 96.2),
    "no onset": _drop((*FINDING, "onset")),
    "onset unknown": _set((*FINDING, "onset"), None),
    "cell zero": _set((*FINDING, "location", "index"), 0),
    "unknown place": _set((*FINDING, "location", "kind"), "wheel"),
    "a pack with an index": _set((*FINDING, "location", "kind"), "pack"),
    "cells as text": _set((*FINDING, "location", "cells"), "41"),
    "nothing to do": _set((*FINDING, "action"), ""),
    "evidence without unit": _drop((*FINDING, "evidence", 0, "unit")),
    "a pie chart": _set((*FINDING, "evidence", 0, "plot", "kind"), "pie"),
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_the_schema_rejects_a_wrong_document(sample, validator, change):
    written = copy.deepcopy(to_document(sample.triage_report()))
    validator.validate(written)
    change(written)
    assert not validator.is_valid(written)


def test_a_new_key_is_no_error(sample, validator):
    written = to_document(sample.triage_report())
    validator.validate(written | {"later": 1})


def test_times_are_utc_and_places_as_the_vehicle_numbers_them(sample):
    finding = to_document(sample.triage_report())["findings"][0]
    assert finding["onset"] == "2024-03-21T08:00:00Z"
    assert finding["location"] == {
        "kind": "cell",
        "index": 41,
        "cells": [41],
        "channel": "CellVolt[40]",
    }


def test_answers_possible_names_only_what_the_data_allow(sample):
    vehicle = to_document(sample.triage_report())["vehicles"][0]
    assert vehicle["answers_possible"] == [a.name for a in sample.ANSWERS if a.possible]
    assert {a["name"] for a in vehicle["answers"]} == {a.name for a in sample.ANSWERS}


def test_what_is_not_known_is_null(sample, validator):
    report = sample.triage_report()
    odd = Evidence(name="ratio", value=math.nan, unit="1", low=-math.inf, high=None)
    nowhere = replace(report.vehicles[0], rows=0, first_second=math.nan, last_second=math.nan)
    report = replace(
        report,
        vehicles=(nowhere, *report.vehicles[1:]),
        findings=(replace(report.findings[0], evidence=(odd,)),),
    )
    text = dumps(report)
    assert "NaN" not in text and "Infinity" not in text
    written = json.loads(text)
    validator.validate(written)
    assert written["vehicles"][0]["first"] is None
    assert written["findings"][0]["evidence"][0]["value"] is None


def test_the_same_report_gives_the_same_bytes(sample):
    assert dumps(sample.triage_report()) == dumps(sample.triage_report())
    assert dumps(sample.triage_report()).endswith("}\n")


def test_a_lone_surrogate_in_a_file_name_can_be_written(sample):
    report = replace(sample.empty_report(), refused=(("bad\udcff.csv", "empty"),))
    dumps(report).encode("ascii")
