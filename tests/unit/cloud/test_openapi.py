"""The description of the API that is committed, and what it promises of itself."""

import json
from pathlib import Path

import pytest

from voltherd.cloud.api import described

PAGE = Path(__file__).resolve().parents[3] / "docs" / "openapi.json"


@pytest.fixture(scope="module")
def document():
    return described().openapi()


def operations(document):
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_the_committed_description_is_the_one_the_code_gives(document):
    assert json.loads(PAGE.read_text()) == document, "run make docs"


def test_it_is_openapi_3_1(document):
    assert document["openapi"].startswith("3.1")


def test_every_route_under_api_may_answer_that_signing_in_is_needed(document):
    silent = [
        name
        for name, operation in operations(document)
        if "/api/" in name and "401" not in operation["responses"]
    ]
    assert silent == []


def test_every_problem_is_documented_as_a_problem(document):
    for name, operation in operations(document):
        for status, answer in operation["responses"].items():
            if int(status) >= 400 and "/api/" in name:
                assert list(answer["content"]) == ["application/problem+json"], (name, status)


def test_every_reference_leads_somewhere(document):
    text = json.dumps(document)
    named = {part.split('"')[0] for part in text.split('"$ref": "#/components/schemas/')[1:]}
    assert named <= document["components"]["schemas"].keys()


def test_every_number_of_an_answer_carries_its_unit(document):
    """A number's name ends in its unit, or its model has a unit beside it."""
    plain = {
        "value", "low", "high", "min", "max", "values", "x", "confidence", "cells", "findings",
        "notes", "points", "rows", "samples", "status", "speed", "series", "parallel", "index",
        "indices", "highlight", "highlighted", "module", "first_cell", "last_cell", "days",
        "lowest_cell", "highest_cell", "lowest_soc", "highest_soc", "p50", "p99", "pending",
        "epochs", "vehicles", "vehicles_online", "vehicles_offline", "cell_soc", "figures",
        "probability", "unexplained", "expected", "vehicles_with_findings", "probability_low",
        "probability_high", "shown", "shown_now", "held", "confirmed", "dismissed",
        # money, in whatever currency a budget was written in
        "cost", "miss_cost", "visit_cost", "recall_cost", "visits_cost", "left_cost",
        # shares of one, and vehicles counted, in a depot's plan
        "gap", "own_share", "ready", "soc_arrival", "soc_planned", "soc_wanted", "plan_gap",
        "own_used_share", "own_used_share_uncontrolled", "soc", "batteries", "models", "looks",
        # places of a charging station by their numbers, and what is counted of it
        "evse", "connector", "faults", "silences", "oddities", "times", "missing",
    }  # fmt: skip
    units = (
        "_second", "_volt", "_ampere", "_celsius", "_fraction", "_ah", "_kilometre", "_records",
        "_per_second", "_days", "per_thousand", "per_thousand_max", "_volt_min", "_volt_max",
        "_celsius_max", "kilowatt", "_kwh", "_eur", "_eur_per_kwh", "_hour",
    )  # fmt: skip

    def numeric(schema):
        kinds = [schema, *schema.get("anyOf", []), schema.get("items", {})]
        kinds += schema.get("items", {}).get("anyOf", [])
        return any(kind.get("type") in ("number", "integer") for kind in kinds)

    bare = [
        f"{model}.{name}"
        for model, shape in document["components"]["schemas"].items()
        for name, schema in shape.get("properties", {}).items()
        if numeric(schema) and name not in plain and not name.endswith(units)
    ]
    assert bare == []
