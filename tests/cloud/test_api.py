"""The API's answers, over HTTP."""

import csv
import io
from urllib.parse import quote

import numpy as np
import pytest

from voltherd.cloud.rows import ORDERS
from voltherd.types.quality import Quality

PROBLEM = "application/problem+json"


def get(client, path, status=200, **query):
    answer = client.get(path, params=query)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_the_fleet_is_listed_most_urgent_first(client):
    page = get(client, "/api/v1/vehicles")
    rows = page["items"]
    assert [row["vehicle_id"] for row in rows] == ["bus-1", "bus 3/ü", "bus-2"]
    worst = rows[0]
    assert worst["severity"] == "recommended"
    assert worst["headline"] == "sensor stuck: cell 4"
    assert worst["action"].startswith("Have the measuring channel repaired")
    assert worst["confidence"] == pytest.approx(0.99)
    assert worst["findings"] == 1
    assert worst["mode"] in ("driving", "charging", "parked")
    assert 1700 < worst["age_second"] < 2000
    assert worst["soc"]["low"] <= worst["soc"]["value"] <= worst["soc"]["high"]
    assert worst["soc"]["method"] == "soc_bar_delta"
    assert worst["online"] is None
    assert rows[1]["severity"] is None
    assert page["next_cursor"] is None


@pytest.mark.parametrize("order", [sign + order for order in ORDERS for sign in ("", "-")])
def test_every_order_pages_through_everybody_once(client, order):
    whole = [row["vehicle_id"] for row in get(client, "/api/v1/vehicles", sort=order)["items"]]
    assert sorted(whole) == ["bus 3/ü", "bus-1", "bus-2"]
    seen, cursor = [], None
    while True:
        query = {"sort": order, "limit": 1} | ({"cursor": cursor} if cursor else {})
        page = get(client, "/api/v1/vehicles", **query)
        seen += [row["vehicle_id"] for row in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == whole


def test_the_other_way_round_is_the_other_way_round(client):
    up = [
        r["reported_soc_fraction"]
        for r in get(client, "/api/v1/vehicles", sort="reported_soc")["items"]
    ]
    down = [
        r["reported_soc_fraction"]
        for r in get(client, "/api/v1/vehicles", sort="-reported_soc")["items"]
    ]
    assert up == sorted(up)
    assert down == up[::-1]


def test_the_fleet_can_be_searched_and_filtered(client):
    assert [r["vehicle_id"] for r in get(client, "/api/v1/vehicles", q="STUCK cell")["items"]] == [
        "bus-1"
    ]
    assert get(client, "/api/v1/vehicles", q="no such words")["items"] == []
    assert [
        r["vehicle_id"] for r in get(client, "/api/v1/vehicles", severity="recommended")["items"]
    ] == ["bus-1"]
    assert len(get(client, "/api/v1/vehicles", severity="none")["items"]) == 2


def test_a_cursor_of_another_list_is_refused(client):
    cursor = get(client, "/api/v1/vehicles", sort="soc", limit=1)["next_cursor"]
    for wrong in (cursor, "nonsense", "W10", "e30"):
        problem = get(client, "/api/v1/vehicles", 404, sort="age", cursor=wrong)
        assert problem["type"] == "/api/problems/cursor-unknown"


def test_a_vehicle_is_told_in_full(client):
    told = get(client, "/api/v1/vehicles/bus-1")
    assert told["layout"] == {
        "series": 12,
        "parallel": 1,
        "modules": [{"first_cell": 1, "last_cell": 6}, {"first_cell": 7, "last_cell": 12}],
    }
    assert told["chemistry"] == "NMC"
    assert told["capacity_nominal_ah"] == 50.0
    assert told["epochs"] == [1 << 32]
    assert told["history"]["rows"] == 1080
    assert told["open_findings"][0]["title"] == "sensor stuck"
    assert told["twin"]["rmse_volt"] < 0.01, "a stuck sensor makes the twin no worse"
    assert told["twin"]["lag_second"] < 2000
    assert told["soc_pack"]["lowest_cell"] != 4, "a stuck sensor decides nothing"
    assert {kpi["name"] for kpi in told["kpis"]} >= {"availability", "equivalent_full_cycles"}
    assert "voltage_volt_cell_012" in told["channels"]


def test_a_name_that_needs_quoting_is_a_name(client):
    assert get(client, f"/api/v1/vehicles/{quote('bus 3/ü', safe='')}")["vehicle_id"] == "bus 3/ü"


def test_cells_are_told_with_the_suspicious_one(client):
    told = get(client, "/api/v1/vehicles/bus-1/cells")
    assert [cell["index"] for cell in told["cells"]] == list(range(1, 13))
    suspicious = [cell for cell in told["cells"] if cell["suspicious"]]
    assert [cell["index"] for cell in suspicious] == [4]
    finding = get(client, "/api/v1/findings", vehicle_id="bus-1")["items"][0]
    assert suspicious[0]["finding_id"] == finding["finding_id"]
    assert [cell["module"] for cell in told["cells"]] == [1] * 6 + [2] * 6
    assert all(cell["soc"]["low"] <= cell["soc"]["high"] for cell in told["cells"])
    assert len(told["probes"]) == 2
    assert abs(np.median([cell["deviation_volt"] for cell in told["cells"]])) < 1e-3
    assert {flag for cell in told["cells"] for flag in cell["quality"]} <= {
        q.name.lower() for q in Quality
    }


def test_series_keep_extremes(client, data):
    rows = data.drive("bus-2", hours=3.0, period=10.0, seed=1)
    told = get(
        client,
        "/api/v1/vehicles/bus-2/series",
        channel=["current_ampere", "voltage_volt_cell_003"],
        points=50,
    )
    assert told["downsampled"]
    assert told["rows"] == rows.rows
    assert 0 < told["points"] <= 50
    current, cell = told["series"]
    assert min(current["min"]) == pytest.approx(rows.scalar["current_ampere"].min())
    assert max(current["max"]) == pytest.approx(rows.scalar["current_ampere"].max())
    assert min(cell["min"]) == pytest.approx(rows.cell_voltage_volt[:, 2].min(), abs=1e-6)
    assert [c["unit"] for c in told["channels"]] == ["A", "V"]


def test_series_of_few_rows_are_the_rows(client, data):
    start = data.START + 1800.0
    told = get(
        client,
        "/api/v1/vehicles/bus-2/series",
        channel="current_ampere",
        start="2026-01-01T00:30:00Z",
        stop=str(start + 600.0),
    )
    assert told["time_second"] == [start + 10.0 * i for i in range(60)]
    assert told["series"][0]["min"] == told["series"][0]["max"]
    assert not told["downsampled"]


def test_series_tell_what_edges_have_lost(client):
    told = get(client, "/api/v1/vehicles/bus-1/series", channel="current_ampere")
    assert [gap["reason"] for gap in told["gaps"]] == ["the edge's outbox was full"]


@pytest.mark.parametrize(
    ("start", "stop"),
    [("1", "2"), ("20", "10"), ("2100-01-01T00:00:00Z", "2101-01-01T00:00:00+02:00")],
)
def test_series_of_a_time_without_rows_are_empty(client, start, stop):
    told = get(
        client, "/api/v1/vehicles/bus-1/series", channel="current_ampere", start=start, stop=stop
    )
    assert told["points"] == 0
    assert told["series"] == [{"channel": "current_ampere", "min": [], "max": []}]


def test_series_serve_spreadsheets_and_dashboards(client):
    answer = client.get(
        "/api/v1/vehicles/bus-2/series",
        params={"channel": ["current_ampere", "soc_fraction"], "points": 20, "format": "csv"},
    )
    assert answer.headers["content-type"].startswith("text/csv")
    table = list(csv.DictReader(io.StringIO(answer.text)))
    assert 0 < len(table) <= 20
    assert table[0]["time"] == "2026-01-01T00:00:00Z"
    assert float(table[0]["current_ampere_min"]) <= float(table[0]["current_ampere_max"])


@pytest.mark.parametrize(
    ("query", "status", "kind"),
    [
        ({"channel": "no_such"}, 404, "channel-unknown"),
        ({}, 422, "invalid-request"),
        ({"channel": "current_ampere", "points": 0}, 422, "invalid-request"),
        ({"channel": "current_ampere", "start": "yesterday"}, 422, "invalid-request"),
        ({"channel": "current_ampere", "start": "nan"}, 422, "invalid-request"),
        ({"channel": "current_ampere", "stop": "1e300"}, 422, "invalid-request"),
    ],
    ids=str,
)
def test_series_that_cannot_be_are_told_why(client, query, status, kind):
    problem = get(client, "/api/v1/vehicles/bus-1/series", status, **query)
    assert problem["type"] == f"/api/problems/{kind}"


def test_a_life_is_a_list_newest_first(client):
    page = get(client, "/api/v1/vehicles/bus-1/events")
    kinds = {event["kind"] for event in page["items"]}
    assert kinds == {"event", "finding", "gap", "document"}
    times = [event["unix_second"] for event in page["items"]]
    assert times == sorted(times, reverse=True)
    [edge] = [event for event in page["items"] if event["kind"] == "event"]
    assert (edge["code"], edge["cells"], edge["value"]) == ("cell_voltage.high", [3], 4.25)
    [workshop] = [event for event in page["items"] if event["code"] == "workshop"]
    assert (workshop["text"], workshop["by"]) == ("coolant topped up", "Cy")
    [gap] = [event for event in page["items"] if event["kind"] == "gap"]
    assert gap["text"].startswith("5 records with 30 rows")


def test_events_page_through_each_once(client):
    whole = get(client, "/api/v1/vehicles/bus-1/events")["items"]
    seen, cursor = [], None
    while True:
        query = {"limit": 1} | ({"cursor": cursor} if cursor else {})
        page = get(client, "/api/v1/vehicles/bus-1/events", **query)
        seen += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == whole
    assert [
        e["kind"] for e in get(client, "/api/v1/vehicles/bus-1/events", kind="gap")["items"]
    ] == ["gap"]


def test_a_finding_is_told_with_evidence_and_siblings(client):
    row = get(client, "/api/v1/findings")["items"][0]
    told = get(client, f"/api/v1/findings/{row['finding_id']}")
    assert told["phenomenon"] == "sensor_stuck"
    assert told["location"]["label"] == "cell 4"
    assert told["holds"]
    assert told["evidence"][0]["unit"] == "mV"
    assert told["siblings"]["kind"] == "cell"
    assert told["siblings"]["highlighted"] == [4]
    for measure in told["siblings"]["measures"]:
        assert len(measure["values"]) == 12
        assert measure["unit"] in ("%", "mV")


def test_a_finding_tells_its_probable_causes_and_the_fleet_its_most_frequent(client):
    row = get(client, "/api/v1/findings")["items"][0]
    first = row["causes"]["ranked"][0]
    assert row["causes"]["told"]
    assert (first["cause"], first["title"]) == ("sensor", "measurement")
    assert first["probability"] > 0.9 and first["supporting"]
    assert get(client, f"/api/v1/findings/{row['finding_id']}")["causes"] == row["causes"]
    counts = get(client, "/api/v1/findings/causes")["items"]
    fleet = [each for each in counts if each["by"] == "fleet"]
    assert [(each["cause"], each["findings"], each["vehicles"]) for each in fleet] == [
        ("sensor", 1, 1)
    ]
    assert {each["by"] for each in counts} <= {"fleet", "model", "site"}
    assert any(each["by"] == "model" and each["group"] for each in counts)


def test_key_figures_carry_formula_and_evidence(client):
    told = get(client, "/api/v1/kpis")
    assert {v["vehicle_id"] for v in told["vehicles"]} == {"bus-1", "bus-2", "bus 3/ü"}
    for kpi in (*told["fleet"], *(k for v in told["vehicles"] for k in v["kpis"])):
        assert kpi["formula"]
        assert kpi["evidence"]
        if kpi["value"] is not None:
            assert kpi["low"] <= kpi["value"] <= kpi["high"], kpi
    availability = next(k for k in told["fleet"] if k["name"] == "availability")
    assert 0.0 < availability["value"] <= 1.0
    first = get(client, "/api/v1/kpis", limit=2)
    rest = get(client, "/api/v1/kpis", limit=2, cursor=first["next_cursor"])
    assert len(first["vehicles"]) + len(rest["vehicles"]) == 3
    assert rest["next_cursor"] is None


def test_the_chain_is_told_layer_by_layer(client):
    told = get(client, "/api/v1/chain")
    assert [layer["layer"] for layer in told["layers"]] == [
        "vehicle", "edge", "bus", "cloud", "store", "api"]  # fmt: skip
    assert told["committed_records"] > 30
    bus = told["layers"][2]
    assert (bus["state"], bus["text"]) == ("unknown", "this cloud is connected to no bus")


def test_the_service_says_what_it_is(client, running):
    told = get(client, "/api/v1/meta")
    assert told["name"] == "voltherd"
    assert told["vehicles"] == 3
    assert told["demo"] is False
    assert told["sign_in"] is False
    assert told["time"].startswith("2026-01-01T03:")
    assert get(client, "/healthz") == {"status": "ok", "text": ""}
    assert get(client, "/readyz")["status"] == "ok"


def test_there_is_no_truth_outside_a_demo(client):
    assert get(client, "/api/v1/demo/truth", 404)["title"] == "Nothing is here"


def test_metrics_can_be_scraped(client):
    from prometheus_client.parser import text_string_to_metric_families

    answer = client.get("/metrics")
    families = {f.name: f for f in text_string_to_metric_families(answer.text)}
    assert families["voltherd_committed_records"].samples[0].value > 30
    assert families["voltherd_http_answers"].samples
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/api/v1/vehicles/nobody", "vehicle-unknown"),
        ("/api/v1/vehicles/nobody/cells", "vehicle-unknown"),
        ("/api/v1/findings/0000", "finding-unknown"),
        ("/api/v1/nothing", "not-found"),
        ("/api/v1/stream?vehicle_id=nobody", "vehicle-unknown"),
    ],
)
def test_what_is_not_there_is_a_problem_that_explains_itself(client, path, kind):
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == PROBLEM
    problem = answer.json()
    assert problem["type"] == f"/api/problems/{kind}"
    assert problem["status"] == 404
    page = client.get(problem["type"])
    assert page.status_code == 200
    assert problem["title"] in page.text


def test_a_wrong_parameter_is_named(client):
    problem = get(client, "/api/v1/vehicles", 422, limit="many")
    assert problem["errors"][0]["where"] == "query.limit"
    problem = get(client, "/api/v1/vehicles", 422, sort="colour")
    assert problem["errors"][0]["where"] == "query.sort"


def test_a_wrong_method_is_a_problem(client):
    answer = client.delete("/api/v1/vehicles")
    assert answer.status_code == 405
    assert answer.headers["content-type"] == PROBLEM
    assert "GET" in answer.headers["allow"]


def test_the_documentation_is_served_from_here(client):
    page = client.get("/api/docs")
    assert page.status_code == 200
    assert "http://" not in page.text
    assert "https://" not in page.text
    for name in ("swagger-ui.css", "swagger-ui-bundle.js", "begin.js"):
        assert f"/api/docs/{name}" in page.text
        assert client.get(f"/api/docs/{name}").status_code == 200
    assert client.get("/api/docs/../pages.py").status_code == 404
    assert client.get("/api/openapi.json").json()["openapi"].startswith("3.1")


def test_the_dashboard_is_served_at_the_root(client):
    page = client.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert client.get("/vehicle/bus-1").status_code == 200, "an address within the dashboard"
    assert client.get("/no-such-file.js").status_code == 404


def test_every_answer_forbids_what_it_does_not_need(client):
    for path in ("/", "/api/v1/vehicles", "/api/v1/nothing", "/api/docs"):
        headers = client.get(path).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
    assert client.get("/api/v1/vehicles").headers["cache-control"] == "no-store"
