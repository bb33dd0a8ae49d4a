"""``voltherd depot``: the example can be planned, in every form, and mistakes are one line."""

import json

from typer.testing import CliRunner

from voltherd.cli.main import app

RUN = CliRunner()


def test_the_example_is_planned_in_every_form(tmp_path):
    site = tmp_path / "site.yaml"
    site.write_text(RUN.invoke(app, ["depot", "example"]).stdout)
    asked = ["depot", "plan", str(site), "--html", str(tmp_path / "p.html")]
    done = RUN.invoke(app, [*asked, "--json", str(tmp_path / "p.json")])
    assert done.exit_code == 0, done.output
    assert "4 of 4 vehicles ready at departure" in done.stdout
    plan = json.loads((tmp_path / "p.json").read_text())
    assert plan["gap"] <= 1e-4
    assert plan["bound_eur"] <= plan["cost_eur"] < plan["uncontrolled"]["cost_eur"]
    assert max(plan["course"]["site_kilowatt"]) <= 60.0 + 1e-6
    assert "Who charges when" in (tmp_path / "p.html").read_text()


def test_a_mistake_is_one_line(tmp_path):
    site = tmp_path / "site.yaml"
    site.write_text("site: x\n")
    done = RUN.invoke(app, ["depot", "plan", str(site)])
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1
    assert "is missing; voltherd depot example shows one" in done.stderr


def test_recorded_sessions_are_charged_in_every_way(tmp_path):
    table = tmp_path / "sessions.csv"
    rows = [
        f"2024-05-{day:02d} {hour:02d}:00,2024-05-{day:02d} 23:00,{6 + hour},s{hour}"
        for day in (12, 13)
        for hour in (13, 14, 16)
    ]
    lines = ["start,end,energy_kwh,station", *rows, "2024-05-13 15:00,2024-05-13 14:00,3,s9"]
    table.write_text("\n".join(lines) + "\n")
    site = tmp_path / "site.yaml"
    site.write_text(RUN.invoke(app, ["depot", "example"]).stdout)
    asked = ["depot", "replay", str(table), "--site", str(site), "--days", "2"]
    done = RUN.invoke(app, [*asked, "--json", str(tmp_path / "r.json")])
    assert done.exit_code == 0, done.output
    told = json.loads((tmp_path / "r.json").read_text())
    assert told["days"] == 2
    assert told["left_out"] == {"ended before they began": 1}
    cost = {way["name"]: way["cost_eur"] for way in told["ways"]}
    assert cost["planned, all known"] < cost["uncontrolled"]
    assert "not knowing who comes costs" in done.stdout


def test_sessions_in_the_json_of_acn_data_are_read(tmp_path):
    item = {"connectionTime": "Wed, 25 Apr 2018 18:08:04 GMT", "kWhDelivered": 9.0}
    item |= {"disconnectTime": "Thu, 26 Apr 2018 04:00:00 GMT", "timezone": "Europe/Berlin"}
    file, site = tmp_path / "acn.json", tmp_path / "site.yaml"
    file.write_text(json.dumps({"_items": [item]}))
    site.write_text(RUN.invoke(app, ["depot", "example"]).stdout)
    done = RUN.invoke(app, ["depot", "replay", str(file), "--site", str(site)])
    assert done.exit_code == 0 and "1 recorded day, 9 kWh wanted" in done.stdout
    file.write_text("[]")
    done = RUN.invoke(app, ["depot", "replay", str(file), "--site", str(site)])
    assert done.exit_code == 2 and "holds no list of sessions" in done.stderr
