"""A truth file gives back what was planted, to the microsecond."""

import json

import jsonschema
import pytest

from voltherd.errors import InputError, UnrecognisedError
from voltherd.sim.faults import KINDS
from voltherd.sim.fleet import fleet_spec, truth
from voltherd.sim.truth import faults_from_document, truth_from_document

SHAPE = {
    "type": "object",
    "required": ["schema", "seed", "start", "end", "days", "vehicles", "faults"],
    "properties": {
        "faults": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["vehicle_id", "phenomenon", "location", "start", "size", "size_unit"],
                "properties": {
                    "location": {
                        "type": "object",
                        "required": ["kind", "index", "cells", "channel"],
                    },
                    "start": {"type": "string", "pattern": "^....-..-..T..:..:..(\\.\\d+)?Z$"},
                },
            },
        }
    },
}


def test_every_kind_of_fault_survives_the_file() -> None:
    spec = fleet_spec(vehicles=30, days=9, seed=5, faults=",".join(KINDS))
    document = json.loads(json.dumps(truth(spec)))
    jsonschema.validate(document, SHAPE)
    back = truth_from_document(document)
    assert [fault.start_second for fault in back.faults] == pytest.approx(
        [fault.start_second for fault in spec.faults], abs=1e-5
    )
    assert len(back.vehicle_ids) == 30
    assert back.end_second - back.start_second == 9 * 86400
    for read, planted in zip(faults_from_document(document), spec.faults, strict=True):
        assert (read.vehicle, read.phenomenon, read.location) == (
            planted.vehicle,
            planted.phenomenon,
            planted.location,
        )
        assert (read.size, read.unit) == (planted.size, planted.unit)


def test_another_document_is_not_mistaken_for_a_truth() -> None:
    with pytest.raises(UnrecognisedError, match="not a truth document"):
        truth_from_document({"schema": "urn:voltherd:report:1"})


@pytest.mark.parametrize("key", ["seed", "start", "vehicles", "faults"])
def test_a_document_with_a_part_missing_is_refused(key: str) -> None:
    document = truth(fleet_spec(faults="demo"))
    del document[key]
    with pytest.raises(InputError, match="damaged"):
        truth_from_document(document)


def test_a_fault_in_an_unknown_vehicle_is_refused() -> None:
    document = truth(fleet_spec(faults="demo"))
    document["faults"][0]["vehicle_id"] = "nobody"
    with pytest.raises(InputError, match="damaged"):
        truth_from_document(document)
