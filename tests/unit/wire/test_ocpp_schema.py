"""The compiled schemas say what a validator says, for every schema there is."""

import copy
import json
from functools import cache

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.wire.ocpp_samples import COMMANDS, EVENTS
from voltherd.adapters.ocpp.schemas import _folder, actions, schema_check
from voltherd.errors import UsageError
from voltherd.wire.ocpp import DIALECTS
from voltherd.wire.ocpp_schema import compiled

VALUES = st.sampled_from(
    [None, True, 0, -1, 7, 1.5, 0.3, 10**30, "", "x" * 600, "Accepted", "W", [], {}, [{}], [1]]
)


@cache
def validator(version, action):
    name = action if version == "1.6" else f"{action}Request"
    text = _folder(version) / f"{name}.json"
    return jsonschema.Draft4Validator(json.loads(text.read_text(encoding="utf-8-sig")))


def payloads():
    for version, source in (("1.6", "1.6"), ("2.0.1", "2.0.1"), ("2.1", "2.0.1")):
        dialect = DIALECTS[version]
        for event in EVENTS[source]:
            yield version, *dialect.encode_event(event)
        for command, _ in COMMANDS:
            yield version, *dialect.encode_command(command)


PAYLOADS = list(payloads())


def places(value, path=()):
    """Every place within a payload."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in inner if isinstance(value, dict | list) else ():
        yield from places(item, (*path, key)) if isinstance(item, dict | list) else [(*path, key)]


@settings(max_examples=150)
@given(st.sampled_from(PAYLOADS), st.data())
def test_a_changed_payload_is_judged_as_a_validator_judges_it(sample, data):
    version, action, payload = sample
    changed = copy.deepcopy(payload)
    where = data.draw(st.sampled_from(list(places(changed))[1:] or [("new",)]))
    inside = changed
    for key in where[:-1]:
        inside = inside[key]
    how = data.draw(st.sampled_from(["set", "remove", "add"]))
    if how == "set":
        inside[where[-1]] = data.draw(VALUES)
    elif how == "remove" and where != ("new",):
        del inside[where[-1]]
    elif isinstance(inside, dict):
        inside["another"] = data.draw(VALUES)
    found = schema_check(version, action, "request")(changed)
    complaints = [said for said in found if not said.endswith("is no time")]
    assert bool(complaints) == refused(validator(version, action), changed), complaints


def refused(judge, payload):
    """What jsonschema says, but for what binary fractions and times cannot be asked of it."""
    try:
        errors = list(judge.iter_errors(payload))
    except OverflowError:  # it cannot divide an endless integer
        return True
    odd = [
        e for e in errors if e.validator == "multipleOf" and abs(e.instance * 10 % 1 - 0.5) > 0.4
    ]
    return len(errors) > len(odd)


@pytest.mark.parametrize("version", ["1.6", "2.0.1", "2.1"])
def test_every_schema_compiles(version):
    names = actions(version)
    assert len(names) in (39, 64, 90)
    for name in names:
        assert schema_check(version, name, "request") is not None
        assert schema_check(version, name, "response") is not None
    assert schema_check(version, "MakeCoffee", "request") is None


def test_times_are_checked_too():
    check = schema_check("2.0.1", "TransactionEvent", "request")
    _, payload = DIALECTS["2.0.1"].encode_event(EVENTS["2.0.1"][10])
    assert check(payload) == ()
    assert check({**payload, "timestamp": "noon"}) == ("timestamp: 'noon' is no time",)


def test_a_schema_that_is_not_understood_is_refused():
    with pytest.raises(UsageError, match="pattern"):
        compiled({"type": "string", "pattern": "a*"})


def test_complaints_are_bounded():
    check = schema_check("1.6", "MeterValues", "request")
    found = check({"meterValue": [{"sampledValue": [{"odd": 1}] * 500}]})
    assert len(found) == 20
