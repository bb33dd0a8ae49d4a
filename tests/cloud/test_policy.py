"""One budget for the fleet: tried on last month, set, kept, and never at the price of safety."""

import httpx2
import pytest

import voltherd.cloud.compose as cloud_compose

STRICT = {"budget_per_thousand": 0.5}


def poor(plain):
    """The shipped calibration, had healthy vehicles often said that a sensor is stuck."""
    false = [["sensor_stuck", "recommended", 1e7]] * 50
    check = {"vehicle_days": 20_000, "findings": false}
    return plain | {"fit": {"vehicle_days": 20_000, "findings": false}, "check": check}


@pytest.fixture
def start(start_of, filled_anew, clock, monkeypatch):
    """Starts a cloud whose calibration holds the planted fault back under a strict budget."""
    folder = filled_anew()
    shipped = cloud_compose.calibration_document()
    monkeypatch.setattr(cloud_compose, "calibration_document", lambda: poor(shipped))
    return lambda: start_of(folder, clock)


def asking(running):
    return httpx2.Client(base_url=running.url, timeout=30.0)


def ask(client, path, **query):
    answer = client.get(f"/api/v1/{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def put(client, status=200, **body):
    answer = client.put("/api/v1/policy", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


WRONG = (
    ({"miss_cost": 5.0}, 409),
    ({"miss_cost": 5.0, "visit_cost": 6.0}, 409),
    ({"budget_per_thousand": 0.0}, 422),
    ({"budget_per_thousand": -1.0}, 422),
    ({"budget_per_thousand": "much"}, 422),
    ({"bugdet": 1.0}, 422),
)


def test_at_first_nothing_is_held_back_and_nonsense_changes_nothing(start):
    with asking(start()) as client:
        for wrong, status in WRONG:
            put(client, status, by="Ada", **wrong)
        state = ask(client, "policy")
        assert state["policy"] == dict.fromkeys(state["policy"])
        assert state["false_alarms"]["proof"] == "not_asked"
        assert state["set_by"] is None
        [row] = ask(client, "findings")["items"]
        assert row["shown"]
        assert 0.0 <= row["probability"]["low"] <= row["probability"]["value"]
        assert row["probability"]["value"] <= row["probability"]["high"] <= 1.0

        # Costs are weighed.
        dear = ask(client, "policy/preview", miss_cost=1000, visit_cost=999.9)
        assert (dear["shown"], dear["held"]) == (0, 1)
        assert dear["visits_cost"] == 0.0
        assert dear["left_cost"] == pytest.approx(dear["items"][0]["cost"])
        cheap = ask(client, "policy/preview", miss_cost=1e12, visit_cost=1e-3)
        assert (cheap["shown"], cheap["visits_cost"]) == (1, 1e-3)


def test_a_policy_is_tried_before_it_is_set_and_holds_back_what_it_said_it_would(start):
    with asking(start()) as client:
        tried = ask(client, "policy/preview", **STRICT)
        assert (tried["findings"], tried["shown"], tried["held"], tried["shown_now"]) == (
            1,
            0,
            1,
            1,
        )
        assert tried["vehicles_held"] == ["bus-1"]
        [item] = tried["items"]
        assert item["reason"].startswith("watched, below your budget")
        assert ask(client, "policy")["policy"]["budget_per_thousand"] is None, "only tried"

        state = put(client, by="Ada", **STRICT)
        assert (state["set_by"], state["policy"]["budget_per_thousand"]) == ("Ada", 0.5)
        assert state["false_alarms"]["proof"] == "kept"
        [row] = ask(client, "findings")["items"]
        assert not row["shown"]
        assert row["reason"] == item["reason"]
        assert ask(client, "findings", shown="true")["items"] == []
        [held] = ask(client, "findings", shown="false", sort="cost")["items"]
        assert held["finding_id"] == row["finding_id"]
        vehicles = ask(client, "vehicles")["items"]
        assert [v["severity"] for v in vehicles] == [None] * 3, "nobody is asked for"
    with asking(start()) as client:
        assert ask(client, "policy")["set_by"] == "Ada", "it outlives a restart"
        assert not ask(client, "findings")["items"][0]["shown"]
        put(client, by="Bo")
        assert ask(client, "findings")["items"][0]["shown"]


def test_what_people_say_is_counted(start):
    with asking(start()) as client:
        [row] = ask(client, "findings")["items"]
        answer = client.post(
            f"/api/v1/findings/{row['finding_id']}/resolve",
            json={"by": "Cy", "text": "a loose plug of the logger", "outcome": "dismissed"},
        )
        assert answer.status_code == 200, answer.text
        state = ask(client, "policy")
        assert (state["confirmed"], state["dismissed"]) == (0, 1)
        assert "1 dismissed" in answer.json()["probability"]["evidence"]
        assert answer.json()["probability"]["value"] < row["probability"]["value"]
