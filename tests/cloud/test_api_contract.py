"""Whatever is asked within the description, the API answers as it describes (schemathesis).

The service is a process of its own, as a user starts it: its threads and the inputs' generator know
nothing of each other.
"""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings

EXAMPLES = int(os.environ.get("VOLTHERD_API_EXAMPLES", "15"))
STARTED_SECOND = 60.0


@pytest.fixture(scope="module")
def service(filled_for_module):
    """The command, serving a store on a free port."""
    command = [sys.executable, "-m", "voltherd", "cloud", "--store", str(filled_for_module)]
    with subprocess.Popen(
        [*command, "--no-bus", "--as-of-last", "--port", "0"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        told = process.stderr.readline()
        match = re.search(r"http://\S+", told)
        assert match, told + process.stderr.read()
        url = match[0].rstrip("/")
        wait(url)
        yield url
        process.terminate()
        rest = process.stderr.read()
        assert process.wait(20.0) in (0, -15), rest
    assert "Traceback" not in rest


def wait(url):
    until = time.monotonic() + STARTED_SECOND
    while time.monotonic() < until:
        try:
            items = httpx2.get(f"{url}/api/v1/vehicles", timeout=5.0).json()["items"]
        except httpx2.HTTPError:
            items = []
        if items and not any(row["catching_up"] for row in items):
            return
        time.sleep(0.2)
    raise AssertionError("the service does not come up")


@pytest.fixture(scope="module")
def names(service):
    """A vehicle and a finding that are there, so that not all is answered by 404."""
    [row] = httpx2.get(f"{service}/api/v1/findings", timeout=5.0).json()["items"]
    return {"vehicle_id": row["vehicle_id"], "finding_id": row["finding_id"]}


PAGE = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"
schema = schemathesis.openapi.from_dict(json.loads(PAGE.read_text())).exclude(
    path_regex="stream$"  # never ends
)
BOUNDED = settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@schema.parametrize()
@BOUNDED
def test_every_answer_is_as_described(case, service):
    case.call_and_validate(base_url=service, timeout=20.0)


@schema.include(path_regex="_id}").parametrize()
@BOUNDED
def test_every_answer_about_something_that_is_there_is_as_described(case, service, names):
    for name in case.path_parameters.keys() & names.keys():  # no depot is there
        case.path_parameters[name] = names[name]
    case.call_and_validate(base_url=service, timeout=20.0)


def test_the_stream_begins_as_described(service):
    with httpx2.stream("GET", f"{service}/api/v1/stream", timeout=20.0) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert next(answer.iter_lines()).startswith("retry: ")
