"""The depot over HTTP: tonight's plan, another night without a trace, and what cannot be."""

import httpx2
import pytest

from voltherd.cloud.depot_example import EXAMPLE

BASE = "/api/v1/depot"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site file of the running cloud."""
    path = tmp_path_factory.mktemp("depot") / "site.yaml"
    path.write_text(EXAMPLE)
    return path


@pytest.fixture(scope="module")
def client(start_of_module, filled, clock, site):
    running = start_of_module(filled, clock, depot={"site": str(site)})
    with httpx2.Client(base_url=running.url, timeout=30.0) as client:
        yield client


def ask(client, path="", status=200, **query):
    answer = client.get(BASE + path, params=query)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_tonights_plan_is_told_with_its_certificate(client):
    plan = ask(client)
    assert plan["ready"] == len(plan["vehicles"]) == 4
    assert plan["gap"] <= 1e-4
    assert plan["bound_eur"] <= plan["cost_eur"] + 1e-9
    assert max(plan["course"]["site_kilowatt"]) <= 60.0 + 1e-6
    assert len(plan["course"]["time"]) == 96


def test_another_night_changes_nothing(client):
    before = ask(client)
    without = ask(client, "/what-if", v2g=False)
    assert without["wear_eur"] == 0.0
    assert without["cost_eur"] > before["cost_eur"]
    every = ask(client, "/what-if", v2g=True)
    assert every["cost_eur"] <= before["cost_eur"] + 1e-6
    tight = ask(client, "/what-if", limit_kilowatt=40)
    assert max(tight["course"]["site_kilowatt"]) <= 40.0 + 1e-6
    longer = ask(client, "/what-if", longer_hour=2.0)
    assert longer["vehicles"][0]["departure"] == "2026-11-27T06:30:00Z"
    dear = ask(client, "/what-if", buy_eur_per_kwh=[0.5] * 24)
    assert set(dear["course"]["price_eur_per_kwh"]) == {0.5}
    assert ask(client) == before


@pytest.mark.parametrize(
    ("query", "status", "told"),
    [
        ({"limit_kilowatt": 5}, 409, "below the base load"),
        ({"buy_eur_per_kwh": [0.1] * 7}, 409, "7 prices for 24 hours or 96 steps"),
        ({"limit_kilowatt": -1}, 422, "limit_kilowatt"),
        ({"longer_hour": 100}, 422, "longer_hour"),
        ({"buy_eur_per_kwh": "much"}, 422, "buy_eur_per_kwh"),
    ],
)
def test_a_night_that_cannot_be_says_why(client, query, status, told):
    assert told in str(ask(client, "/what-if", status=status, **query))


def test_a_file_that_changes_is_read_anew_and_a_broken_one_is_told(client, site):
    first = ask(client)
    site.write_text(EXAMPLE.replace("limit_kilowatt: 60", "limit_kilowatt: 50"))
    assert max(ask(client)["course"]["limit_kilowatt"]) == 50.0
    site.write_text("site: [")
    assert "not a readable site file" in ask(client, status=409)["detail"]
    site.unlink()
    assert "No such file" in ask(client, status=409)["detail"]
    site.write_text(EXAMPLE)
    assert ask(client) == first


def test_without_a_site_file_there_is_no_depot(start_of, filled_anew, clock):
    running = start_of(filled_anew(), clock)
    with httpx2.Client(base_url=running.url, timeout=30.0) as client:
        assert "site file" in ask(client, status=404)["detail"]


def test_without_a_depot_that_runs_there_is_nothing_to_tell_of_now(client):
    problem = ask(client, "/now", 404)
    assert problem["type"].endswith("depot-idle")
