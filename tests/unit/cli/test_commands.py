"""The command line as a user meets it: real processes, real files."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import jsonschema
import numpy as np
import pytest

import voltherd.report

SCHEMA = Path(voltherd.report.__file__).parent / "triage.schema.json"


def voltherd_run(*words, cwd=None, env=None):
    return subprocess.run(
        [sys.executable, "-m", "voltherd", *map(str, words)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "120", **(env or {})},
        timeout=120,
    )


def words(told):
    """Undo the breaks into lines, which fall where a path happens to be long."""
    return " ".join(told.split())


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    out = tmp_path_factory.mktemp("fleet") / "store"
    faults = "weak_cell:25%@vehicle=2,cell=17,day=1,chemistry=NMC"
    done = voltherd_run(
        "simulate",
        "fleet",
        "--vehicles",
        3,
        "--days",
        5,
        "--seed",
        4,
        "--faults",
        faults,
        "--out",
        out,
    )
    assert done.returncode == 0, done.stderr
    return out


def test_a_budget_tells_what_stands_behind_it_and_hides_nothing(fleet, tmp_path):
    document = tmp_path / "r.json"
    done = voltherd_run("triage", fleet, "--budget", 20, "--json", document)
    assert done.returncode == 0, done.stderr
    report = json.loads(document.read_text())
    jsonschema.validate(report, json.loads(SCHEMA.read_text()))
    made = report["decision"]
    assert made["false_alarms"]["proof"] == "kept"
    assert made["false_alarms"]["per_thousand_max"] <= 20
    assert len(report["findings"]) + len(made["held"]) == 1
    assert (
        "the budget of 20 false alarms per 1,000 vehicle-days is kept" in words(done.stdout).lower()
    )


@pytest.mark.parametrize(
    "wrong", [("--budget", 0), ("--cost-miss", 5), ("--cost-miss", 5, "--cost-visit", 5)]
)
def test_a_policy_that_makes_no_sense_is_a_usage_error(fleet, wrong):
    done = voltherd_run("triage", fleet, *wrong)
    assert done.returncode == 2
    assert done.stderr.startswith("voltherd: ")


def test_the_planted_cell_is_named_in_valid_json_and_on_a_page(fleet, tmp_path):
    page, document = tmp_path / "r.html", tmp_path / "r.json"
    done = voltherd_run("triage", fleet, "--html", page, "--json", document)
    assert done.returncode == 0, done.stderr
    report = json.loads(document.read_text())
    jsonschema.validate(report, json.loads(SCHEMA.read_text()))
    [truth] = json.loads((fleet / "truth.json").read_text())["faults"]
    [finding] = report["findings"]
    assert (finding["vehicle_id"], finding["phenomenon"]) == (truth["vehicle_id"], "weak_cell")
    assert finding["location"]["index"] == truth["location"]["index"]
    assert "sim-0002" in page.read_text()
    assert "1 of 3 vehicles" in done.stdout


def test_fail_on_sets_the_exit_code_by_severity(fleet):
    assert voltherd_run("triage", fleet, "--fail-on", "recommended").returncode == 1
    assert voltherd_run("triage", fleet, "--fail-on", "safety").returncode == 0


def test_json_can_go_to_standard_output_alone(fleet):
    done = voltherd_run("triage", fleet, "--json", "-")
    assert json.loads(done.stdout)["vehicles"]


def test_simulating_again_into_the_same_store_adds_nothing_and_another_fleet_is_refused(fleet):
    words = ("simulate", "fleet", "--vehicles", 3, "--days", 5, "--seed", 4, "--out", fleet)
    same = ("--faults", "weak_cell:25%@vehicle=2,cell=17,day=1,chemistry=NMC")
    before = sorted((p.name, p.stat().st_size) for p in fleet.rglob("*.parquet"))
    assert voltherd_run(*words, *same).returncode == 0
    assert sorted((p.name, p.stat().st_size) for p in fleet.rglob("*.parquet")) == before
    other = voltherd_run(*words, "--faults", "none")
    assert other.returncode == 2
    assert "another fleet" in other.stderr


def vendor_csv(path, rows=900, day=0.0, cells=8):
    rng = np.random.default_rng(1)
    time = 1.75e9 + 86_400.0 * day + 10.0 * np.arange(rows)
    amps = 40.0 * np.sin(np.arange(rows) / 30.0) + rng.normal(0, 1, rows)  # discharge positive
    soc = 80.0 - np.cumsum(amps) * 10.0 / 3600.0 / 100.0 * 100.0
    volt = 3400 + 8.0 * soc[:, None] - 0.9 * amps[:, None] + rng.normal(0, 1.0, (rows, cells))
    names = ["Zeit", "Strom_A", "SOC_%", *(f"Zelle_{i:02d}_mV" for i in range(1, cells + 1))]
    lines = [";".join(names)]
    for t, i, s, v in zip(time, amps, soc, volt, strict=True):
        stamp = np.datetime64(int(t), "s").astype(str).replace("T", " ")
        numbers = [f"{i:.1f}", f"{s:.1f}", *(f"{x:.0f}" for x in v)]
        lines.append(";".join([stamp, *(n.replace(".", ",") for n in numbers)]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_messy_csv_comes_in_canonical_and_says_what_it_made_of_it(tmp_path):
    vendor_csv(tmp_path / "bus7.csv")
    dry = voltherd_run("import", tmp_path / "bus7.csv", "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert "Zelle_01_mV … Zelle_08_mV" in words(dry.stdout)
    assert not (tmp_path / "store").exists()
    done = voltherd_run("import", tmp_path / "bus7.csv", "--out", tmp_path / "store")
    assert done.returncode == 0, done.stderr
    files = str(tmp_path / "store" / "vehicle=*" / "*" / "*.parquet")
    rows, low, high, corr = duckdb.sql(
        f"select count(*), min(voltage_volt_cell_001), max(voltage_volt_cell_001), "
        f"corr(current_ampere, voltage_volt_cell_001 - 8 * soc_fraction * 0.1) "
        f"from read_parquet('{files}')"
    ).fetchall()[0]
    assert rows == 900
    assert 3.0 < low < high < 4.5
    assert corr > 0.8  # charging is positive: voltage rises with the current


def test_importing_twice_writes_nothing_twice(tmp_path):
    vendor_csv(tmp_path / "bus7.csv")
    words = ("import", tmp_path / "bus7.csv", "--out", tmp_path / "store")
    assert "900 new rows" in voltherd_run(*words).stdout
    assert "0 new rows" in voltherd_run(*words).stdout


def test_files_of_one_vehicle_may_come_in_any_order(tmp_path):
    for name, day in (("b_first", 0.0), ("a_second", 1.0)):
        vendor_csv(tmp_path / f"{name}.csv", day=day)
        text = (tmp_path / f"{name}.csv").read_text().splitlines()
        lines = [f"vin;{text[0]}", *(f"BUS7;{line}" for line in text[1:])]
        (tmp_path / f"{name}.csv").write_text("\n".join(lines) + "\n")
    done = voltherd_run("triage", tmp_path, "--json", "-")
    [vehicle] = json.loads(done.stdout)["vehicles"]
    assert vehicle["vehicle_id"] == "BUS7"
    assert vehicle["rows"] == 1800


def test_a_day_that_tells_nothing_of_the_sign_is_read_like_its_neighbours(tmp_path):
    vendor_csv(tmp_path / "b_busy.csv")
    names, *lines = (tmp_path / "b_busy.csv").read_text().splitlines()
    still = [[line.split(";")[0], "3,0", *lines[0].split(";")[2:]] for line in lines[:300]]
    text = "\n".join([names, *(";".join(row) for row in still)]) + "\n"
    (tmp_path / "a_idle.csv").write_text(text)
    done = voltherd_run("import", tmp_path, "--out", tmp_path / "store")
    assert done.returncode == 0, done.stderr
    assert "told by another file, current_ampere" in done.stdout
    files = str(tmp_path / "store" / "vehicle=a_idle" / "*" / "*.parquet")
    found = duckdb.sql(f"select distinct current_ampere from read_parquet('{files}')").fetchall()
    assert found == [(-3.0,)]


def test_a_profile_that_was_saved_can_be_given_back(tmp_path):
    vendor_csv(tmp_path / "bus7.csv")
    profile = tmp_path / "bus.toml"
    saved = voltherd_run("import", tmp_path / "bus7.csv", "--dry-run", "--save-profile", profile)
    assert saved.returncode == 0, saved.stderr
    again = voltherd_run("import", tmp_path / "bus7.csv", "--dry-run", "--profile", profile)
    assert again.returncode == 0, again.stderr
    assert "Zelle_01_mV … Zelle_08_mV" in words(again.stdout)


def test_a_bad_file_in_a_folder_is_refused_with_its_reason_and_the_rest_is_told(tmp_path):
    vendor_csv(tmp_path / "bus7.csv")
    (tmp_path / "torn.parquet").write_bytes(b"PAR1 not really")
    done = voltherd_run("triage", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "".join(done.stdout.split()).count("torn.parquet") == 1


MISTAKES = [
    (("triage", "nowhere.csv"), "nowhere.csv"),
    (("triage", "empty.csv"), "empty.csv"),
    (("triage", "empty-folder"), "empty"),
    (("triage", "binary.csv"), "binary.csv"),
    (("triage", "words.csv"), "words.csv"),
    (("triage", "words.csv", "--timezone", "Mars/Olympus"), "Mars/Olympus"),
    (("triage", "words.csv", "--fail-on", "panic"), "panic"),
    (("triage", "words.csv", "--profile", "no.toml"), "no.toml"),
    (("import", "words.csv"), "--out"),
    (("simulate", "fleet", "--out", "x", "--faults", "weak_sell:10%"), "weak_cell"),
    (("bench", "triage", "--data", "nowhere"), "nowhere"),
    (("triage", "words.csv", "--profile", "odd.toml"), "odd.toml, profile: unknown key 'vehicel'"),
    (("triage", "pack.dbc"), "give it with --dbc"),
    (("triage", "export.json"), "it is JSON"),
    (("import", "words.csv", "--out", "binary.csv"), "a file, not a folder"),
    (("import", "words.csv", "--out", "."), "no store, but a folder that holds other files"),
]


@pytest.mark.parametrize(("words", "named"), MISTAKES, ids=[" ".join(w) for w, _ in MISTAKES])
def test_a_mistake_gives_one_message_that_names_it_and_no_traceback(words, named, tmp_path):
    (tmp_path / "empty.csv").touch()
    (tmp_path / "empty-folder").mkdir()
    (tmp_path / "binary.csv").write_bytes(bytes(range(256)) * 20)
    (tmp_path / "words.csv").write_text("a,b\nhello,world\n")
    (tmp_path / "odd.toml").write_text('vehicel = "vin"\n')
    (tmp_path / "pack.dbc").write_text('VERSION ""\nBO_ 256 PACK: 8 BMS\n')
    (tmp_path / "export.json").write_text('[{"time": 1, "v": 2}]')
    done = voltherd_run(*words, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert named in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 6


def test_the_report_cannot_be_written_where_there_is_no_room(fleet, tmp_path):
    done = voltherd_run("triage", fleet, "--html", tmp_path / "file" / "r.html")
    assert done.returncode == 0  # folders are made
    (tmp_path / "plain").touch()
    done = voltherd_run("triage", fleet, "--html", tmp_path / "plain" / "r.html")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


@pytest.mark.nightly
def test_triage_of_a_simulated_fleet_finds_what_was_hidden_in_it(tmp_path):
    fleet = tmp_path / "fleet"
    made = voltherd_run(
        "simulate", "fleet", "--vehicles", 8, "--days", 14, "--faults", "demo", "--out", fleet
    )
    assert made.returncode == 0, made.stderr
    done = voltherd_run(
        "triage", fleet, "--json", tmp_path / "report.json", "--html", tmp_path / "report.html"
    )
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "report.json").read_text())
    truth = json.loads((fleet / "truth.json").read_text())
    hidden = {(f["vehicle_id"], f["phenomenon"]) for f in truth["faults"]}
    found = {(f["vehicle_id"], f["phenomenon"]) for f in report["findings"]}
    assert len(hidden) == 5
    assert hidden <= found
    assert all(vehicle in done.stdout for vehicle, _ in hidden)
    assert (tmp_path / "report.html").stat().st_size > 10_000


def test_files_that_no_reader_takes_are_named(tmp_path):
    vendor_csv(tmp_path / "bus7.csv")
    (tmp_path / "notes.docx").write_bytes(b"words")
    done = voltherd_run("triage", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "1 file is of no supported kind: notes.docx" in " ".join(done.stdout.split())


def test_an_inspection_ends_with_what_the_data_can_answer(tmp_path):
    vendor_csv(tmp_path / "bus7.csv")
    done = voltherd_run("inspect", tmp_path / "bus7.csv")
    assert "questions" in done.stdout
    assert "what would help most: " in done.stdout


def test_guesses_to_confirm_stand_in_the_triage_itself(tmp_path):
    vendor_csv(tmp_path / "bus7.csv")
    text = (tmp_path / "bus7.csv").read_text()
    (tmp_path / "bus7.csv").write_text(re.sub(r"2025-06-\d\d", "06/05/2025", text))
    done = voltherd_run("triage", tmp_path / "bus7.csv")
    assert done.returncode == 0, done.stderr
    told = " ".join(done.stdout.split())
    assert "? a guess to confirm: Zeit (text)" in told


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("extra", [(), ("--json", "-")], ids=["table", "json"])
def test_a_full_disk_behind_standard_output_gives_one_message(fleet, extra):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "voltherd", "triage", str(fleet), *extra],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
        )
    assert done.returncode == 2
    assert done.stderr.startswith("voltherd: the output cannot be written (No space left")
    assert len(done.stderr.splitlines()) == 1


def test_a_store_named_twice_is_read_once_and_for_all(fleet, tmp_path):
    done = voltherd_run("triage", fleet, fleet, "--json", tmp_path / "twice.json")
    assert done.returncode == 0, done.stderr
    once = voltherd_run("triage", fleet, "--json", tmp_path / "once.json")
    assert once.returncode == 0, once.stderr
    twice, single = (
        json.loads((tmp_path / name).read_text()) for name in ("twice.json", "once.json")
    )
    assert twice["findings"] == single["findings"]
    assert [v["rows"] for v in twice["vehicles"]] == [v["rows"] for v in single["vehicles"]]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["x" * 300], "File name too long"),
        (["{fleet}", "--html", "."], "a folder, not a file"),
        (["{fleet}", "--json", "/"], "a folder, not a file"),
    ],
)
def test_a_path_no_file_can_have_is_refused_in_one_line(fleet, words, told):
    done = voltherd_run("triage", *[word.format(fleet=fleet) for word in words])
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert "output" not in done.stderr


def test_day_files_without_a_vehicle_column_are_one_vehicle_when_told_whose_they_are(tmp_path):
    vendor_csv(tmp_path / "2025-06-01.csv", day=0.0)
    vendor_csv(tmp_path / "2025-06-02.csv", day=1.0)
    done = voltherd_run("triage", tmp_path, "--vehicle", "bus 7", "--json", "-")
    [vehicle] = json.loads(done.stdout)["vehicles"]
    assert (vehicle["vehicle_id"], vehicle["rows"]) == ("bus 7", 1800)
