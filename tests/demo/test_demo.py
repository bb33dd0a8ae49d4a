"""The whole chain in one process, as a stranger starts it: the hidden is found, nothing is lost."""

import json
import subprocess
import sys
import time
import urllib.request

import pytest

from voltherd.demo.compose import compose
from voltherd.demo.spec import DemoSpec

PATIENCE_SECOND = 300.0


def asked(url, path, body=None):
    request = urllib.request.Request(
        url + path.removeprefix("/"),
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


def until(chain, condition, patience=PATIENCE_SECOND):
    deadline = time.monotonic() + patience
    while not condition():
        chain.wait(time.monotonic() + 0.5)
        assert time.monotonic() < deadline, "it did not come about in time"


@pytest.fixture
def begins():
    return time.time() // 60 * 60


def test_a_demo_that_is_kept_goes_on_and_remembers_what_was_acknowledged(tmp_path, begins):
    spec = DemoSpec(vehicles=3, history_days=4, faults="sensor_stuck@vehicle=2,cell=7,day=1")
    chain = compose(spec, tmp_path, 0, begins, lambda _: None)
    try:
        until(chain, lambda: asked(chain.url, "api/v1/findings")["items"])
        finding = asked(chain.url, "api/v1/findings")["items"][0]
        name = finding["finding_id"]
        asked(
            chain.url,
            f"api/v1/findings/{name}/acknowledge",
            {"by": "Ada", "text": "seen"},
        )
        until(chain, lambda: (chain.lived_second or 0.0) > begins + 300.0)
        first = chain.end()
        lived = chain.lived_second
    finally:
        chain.close()
    again = compose(spec, tmp_path, 0, begins, lambda _: None, lived)
    try:
        until(again, lambda: (again.lived_second or 0.0) > lived + 120.0)
        until(again, lambda: asked(again.url, "api/v1/findings")["items"])
        [kept] = [
            f for f in asked(again.url, "api/v1/findings?status=all")["items"]
            if f["finding_id"] == name
        ]  # fmt: skip
        until(again, lambda: asked(again.url, "api/v1/chain")["committed_records"] > 3)
        second = again.end()
    finally:
        again.close()
    assert (kept["status"], kept["acknowledged_by"]) == ("acknowledged", "Ada")
    for made in (first, second):
        assert made["acknowledged"] > 0
        assert made["lost"] == made["duplicate_effects"] == 0


def voltherd(*words, cwd):
    return subprocess.run(
        [sys.executable, "-m", "voltherd", *map(str, words)],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECOND,
    )


def test_the_five_faults_and_the_lying_management_are_found_under_their_names(tmp_path):
    done = voltherd("demo", "--headless", "--duration", 60, "--json", "made.json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    made = json.loads((tmp_path / "made.json").read_text())
    assert {planted["phenomenon"] for planted in made["planted"]} == {
        "weak_cell",
        "contact_resistance",
        "internal_short",
        "sensor_stuck",
        "soc_imbalance",
        "soc_misreported",
    }
    assert made["missed"] == made["false"] == [], done.stdout
    assert len(made["found"]) == 6
    assert made["acknowledged"] > 20
    assert made["lost"] == made["duplicate_effects"] == 0
    assert made["committed"] >= made["acknowledged"]
    assert 0.0 < made["lag_second"]["p50"] <= made["lag_second"]["p99"]


def test_headless_it_reports_as_json_and_leaves_nothing_behind(tmp_path):
    done = voltherd(
        "demo", "--headless", "--vehicles", 6, "--duration", 5, "--json", "made.json", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    made = json.loads((tmp_path / "made.json").read_text())
    assert {"acknowledged", "committed", "lost", "duplicate_effects", "planted"} <= made.keys()
    assert made["lag_second"].keys() == {"p50", "p99"}
    assert len(made["planted"]) == 6
    assert [path.name for path in tmp_path.iterdir()] == ["made.json"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--vehicles", 0), "--vehicles: 0 is not in 1 to 200"),
        (("--speed", 1e9), "--speed"),
        (("--vehicles", 1), "fault"),
        (("--data", "nowhere"), "nowhere"),
    ],
)
def test_what_cannot_be_is_told_in_one_message(tmp_path, words, said):
    done = voltherd("demo", "--headless", "--duration", 1, *words, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("x")
    done = voltherd("demo", "--headless", "--duration", 1, "--out", tmp_path, cwd=tmp_path)
    assert done.returncode == 2
    assert "no folder of a demo" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
