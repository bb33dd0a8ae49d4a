"""From alarm to outcome over HTTP: attributed, once, and there after a restart (C7-20)."""

import httpx2
import pytest

from voltherd.adapters.sqlite.assets import AssetBook


@pytest.fixture
def start(start_of, filled_anew, clock):
    """Starts a cloud of a store that the test may change; may be called again."""
    folder = filled_anew()

    def started():
        return start_of(folder, clock)

    started.folder = folder
    return started


def finding_of(client):
    [row] = client.get("/api/v1/findings", params={"status": "all"}).json()["items"]
    return row["finding_id"]


def act(client, name, step, status=200, key=None, **body):
    headers = {"Idempotency-Key": key} if key else {}
    answer = client.post(f"/api/v1/findings/{name}/{step}", json=body, headers=headers)
    assert answer.status_code == status, answer.text
    return answer.json()


def asking(running):
    return httpx2.Client(base_url=running.url, timeout=30.0)


def test_alarm_acknowledgement_work_order_outcome_and_a_restart(start):
    with asking(start()) as client:
        name = finding_of(client)
        told = act(client, name, "acknowledge", by="Ada", text="on it")
        assert (told["status"], told["acknowledged_by"]) == ("acknowledged", "Ada")
        assert client.get(f"/api/v1/findings/{name}").json()["status"] == "acknowledged"
        told = act(
            client, name, "note", by="Ada", text="module 1 out", planned_time="2026-01-09T08:00:00Z"
        )
        assert told["work_order_time"] == "2026-01-09T08:00:00Z"
        row = client.get("/api/v1/vehicles").json()["items"][0]
        assert row["findings"] == 1, "work on it goes on"
    with asking(start()) as client:
        told = client.get(f"/api/v1/findings/{name}").json()
        assert [(n["kind"], n["by"]) for n in told["journal"]] == [
            ("acknowledge", "Ada"),
            ("work_order", "Ada"),
        ]
        told = act(client, name, "resolve", by="Bo", text="lead replaced", outcome="repaired")
        assert (told["status"], told["outcome"]) == ("resolved", "repaired")
        rows = client.get("/api/v1/vehicles").json()["items"]
        assert all(row["severity"] is None for row in rows)
        assert client.get("/api/v1/findings").json()["items"] == []
        resolved = client.get("/api/v1/findings", params={"status": "resolved"}).json()["items"]
        assert [row["finding_id"] for row in resolved] == [name]
        cells = client.get("/api/v1/vehicles/bus-1/cells").json()["cells"]
        assert not any(cell["suspicious"] for cell in cells)
    with asking(start()) as client:
        assert client.get(f"/api/v1/findings/{name}").json()["outcome"] == "repaired"
        events = client.get("/api/v1/vehicles/bus-1/events", params={"kind": "document"}).json()
        assert {e["code"] for e in events["items"]} >= {"finding.resolve", "workshop"}
        told = act(client, name, "reopen", by="Cy", text="it is back")
        assert told["status"] == "open"
    documents = AssetBook(start.folder).documents("bus-1")
    outcomes = [d.body["outcome"] for d in documents if d.kind == "finding.resolve"]
    assert outcomes == ["repaired"], "kept for whoever learns from it"


def test_a_repeated_request_is_one_request_even_after_a_restart(start):
    with asking(start()) as client:
        name = finding_of(client)
        first = act(client, name, "note", key="k1", by="Ada", text="heard a hum")
        again = act(client, name, "note", key="k1", by="Ada", text="heard a hum")
        assert first["journal"] == again["journal"]
        problem = act(client, name, "note", 409, key="k1", by="Ada", text="another")
        assert problem["type"] == "/api/problems/key-reused"
        problem = act(client, name, "resolve", 409, key="k1", by="Ada", text="heard a hum")
    with asking(start()) as client:
        again = act(client, name, "note", key="k1", by="Ada", text="heard a hum")
        assert len(again["journal"]) == 1


def test_what_makes_no_sense_is_refused(start):
    with asking(start()) as client:
        name = finding_of(client)
        assert "body.by" in act(client, name, "acknowledge", 422)["detail"]
        act(client, name, "acknowledge", 422, by=" ")
        act(client, name, "note", 422, by="Ada")
        act(client, name, "note", 422, by="Ada", text=" ")
        act(client, name, "note", 422, by="Ada", text="x", planned_time="next week")
        act(client, name, "resolve", 422, by="Ada", outcome="perhaps")
        act(client, name, "resolve", 422, by="Ada", colour="red")
        act(client, "0" * 16, "resolve", 404, by="Ada")
        answer = client.post(
            f"/api/v1/findings/{name}/note",
            content=b'{"by":"Ada","text":"x"}',
            headers={"Content-Type": "text/plain"},
        )
        assert answer.status_code == 422, "a form of another site could send this"
        assert client.get(f"/api/v1/findings/{name}").json()["notes"] == 0


def test_a_name_is_shown_as_text_only(start):
    with asking(start()) as client:
        told = act(client, finding_of(client), "note", by="A\u202eda\x1b[31m", text="hm")
        assert told["journal"][0]["by"] == "A\ufffdda\ufffd[31m"
