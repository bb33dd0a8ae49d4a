"""``voltherd depot run`` and ``voltherd depot password`` as a person meets them."""

import pytest
from typer.testing import CliRunner

from voltherd.adapters.ocpp.security import checker
from voltherd.cli.main import app
from voltherd.cli.stations.compose import held_before, keep_held, orders_in
from voltherd.cloud.depot_example import EXAMPLE
from voltherd.types.depot_order import Answered


@pytest.fixture
def site(tmp_path):
    path = tmp_path / "site.yaml"
    path.write_text(EXAMPLE + "\ncentral: {port: 0}\n")
    return path


def run(*arguments, **more):
    return CliRunner().invoke(app, ["depot", *map(str, arguments)], **more)


@pytest.mark.long
def test_simulated_stations_charge_by_plan_and_every_stay_is_accounted_for(site):
    cold = "power_kilowatt: 6.6, battery: {chemistry: NMC, price_per_kwh: 0, celsius: -30}"
    site.write_text(site.read_text().replace("power_kilowatt: 6.6", cold))
    found = run("run", "--config", site, "--simulated", 1e9, "--hours", 18)
    assert found.exit_code == 0, found.output
    assert "van-1 is at CP-03, wants 18.0 kWh by 06:45" in found.output
    assert "3 of 4 ready" in found.output.splitlines()[-1]
    assert "not ready: 28" in found.output  # nobody said that the cold limits it, but it is told
    assert "the car took less than it was offered" in found.output


def test_without_stations_it_waits_for_them_and_ends(site):
    found = run("run", "--config", site, "--hours", 0.0004)
    assert found.exit_code == 0, found.output
    assert "stations connect to ws://127.0.0.1:" in found.output
    assert found.output.endswith("no vehicle has charged\n")
    assert (site.with_suffix(".depot") / "stations.sqlite").exists()
    assert run("run", "--config", site, "--hours", 0.0004).exit_code == 0  # and again


@pytest.mark.parametrize("more", [(), ("--simulated", 1)])
def test_orders_are_taken_while_it_runs(site, more):
    folder = site.with_suffix(".depot")
    orders = orders_in(folder)
    orders.open()
    given = [orders.give("CP-09", "reset", {}, 60.0)]
    if not more:  # simulated stations are there at once
        given.append(orders.give("CP-01", "unlock", {}, 60.0))
    run("run", "--config", site, "--folder", folder, "--hours", 0.0006, *more)
    told = [orders.answer_to(one) for one in given]
    assert told[0] is not None and "no station 'CP-09' here; the site file" in told[0].text
    assert told[1:] in ([], [Answered("away", "CP-01 is not connected")])


def test_a_simulated_day_is_not_begun_upon_the_books_of_another(site, tmp_path):
    folder = tmp_path / "tried"
    told = ("run", "--config", site, "--folder", folder, "--simulated", 1e9, "--hours", 0.01)
    assert run(*told).exit_code == 0
    again = run(*told)
    assert again.exit_code == 2
    assert "there are books of a depot already" in again.output


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("central: {security_profile: 1, passwords: {CP-01: secret}}", "depot password"),
        ("central: {security_profile: 3}", "certificates are missing"),
        ("central: {host: 203.0.113.7}", "cannot listen there"),
    ],
)
def test_what_cannot_run_is_said_in_a_line(tmp_path, more, told):
    path = tmp_path / "site.yaml"
    path.write_text(f"{EXAMPLE}\n{more}\n")
    found = run("run", "--config", path, "--hours", 0.0001)
    assert found.exit_code != 0
    assert told in found.output


def test_defaults_that_do_not_fit_are_refused(tmp_path):
    path = tmp_path / "site.yaml"
    wild = EXAMPLE.replace("power_kilowatt: 22}", "power_kilowatt: 22, default_ampere: 31}")
    path.write_text(wild.replace("limit_kilowatt: 60 ", "limit_kilowatt: 24 "))
    found = run("run", "--config", path, "--hours", 0.0001)
    assert "left alone, the stations may exceed" in found.output


def test_what_chargers_hold_is_kept_or_nothing_is(tmp_path):
    assert held_before(tmp_path) == {}
    keep_held(tmp_path, {"CP-01": 16.0})
    keep_held(tmp_path, {"CP-01": 6.5, "CP-02": 0.0})
    assert held_before(tmp_path) == {"CP-01": 6.5, "CP-02": 0.0}
    (tmp_path / "held.json.new").mkdir()  # it cannot be written any more
    keep_held(tmp_path, {"CP-01": 32.0})
    assert held_before(tmp_path) == {}
    (tmp_path / "held.json").write_text("[1, 2")
    assert held_before(tmp_path) == {}


def test_a_password_is_turned_into_what_a_site_file_holds():
    found = run("password", input="a long enough password\n")
    assert found.exit_code == 0
    check = checker({"CP-01": bytes.fromhex(found.output.split()[-1])})
    assert check("CP-01", b"a long enough password")
    assert not check("CP-01", b"another one, as long as that")
    assert "too short" in run("password", input="short\n").output
