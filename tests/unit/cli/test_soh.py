"""``voltherd soh`` and ``voltherd audit-soc`` as a user meets them, with real files."""

import json

import duckdb
import numpy as np
import pytest

from tests.unit.cli.in_process import voltherd_run


def parquet(folder, **columns):
    """A file of one vehicle, a row every ten seconds."""
    rows = len(next(iter(columns.values())))
    told = {"unix_time_second": 1.7e9 + 10.0 * np.arange(rows), **columns}
    path = folder / "van.parquet"
    lists = {name: [None if v != v else float(v) for v in col] for name, col in told.items()}
    table = ", ".join(
        f"unnest({col}::double[]) as {name}".replace("None", "NULL") for name, col in lists.items()
    )
    duckdb.sql(f"copy (select {table}) to '{path}' (format parquet)")
    return path


def driven(rows=400):
    wave = 40.0 * np.sin(np.arange(rows) / 3.0) - 5.0
    return {
        "current_ampere": wave,
        "voltage_volt_cell_001": 3.7 + 1e-3 * wave,
        "voltage_volt_cell_002": 3.69 + 1e-3 * wave,
        "soc_fraction": np.linspace(0.62, 0.61, rows).round(2),
    }


@pytest.mark.parametrize("command", ["soh", "audit-soc"])
def test_a_short_record_says_what_is_missing_in_every_form(command, tmp_path):
    path = parquet(tmp_path, **driven())
    page, document = tmp_path / "p.html", tmp_path / "d.json"
    done = voltherd_run(command, path, "--html", page, "--json", document)
    assert done.exit_code == 0, done.stderr
    told = done.stdout + done.stderr
    assert "cannot" in told.lower() and "--capacity" in told
    assert "Traceback" not in told
    sheet = json.loads(document.read_text())["vehicles"][0]
    assert sheet["vehicle_id"] == "van" and sheet["attention"] is False
    assert "<html" in page.read_text()


@pytest.mark.parametrize("command", ["soh", "audit-soc"])
@pytest.mark.parametrize(
    ("without", "said"),
    [("current_ampere", "no current"), ("everything", "no current")],
)
def test_data_that_tell_nothing_are_refused_in_one_message(command, without, said, tmp_path):
    columns = driven()
    if without == "everything":
        columns["current_ampere"] = np.full(400, np.nan)
    else:
        del columns[without]
    done = voltherd_run(command, parquet(tmp_path, **columns))
    assert done.exit_code == 2, done.stdout
    assert said in done.stderr and "Traceback" not in done.stderr


def test_an_audit_of_a_vehicle_without_a_reading_says_so(tmp_path):
    columns = driven()
    del columns["soc_fraction"]
    done = voltherd_run("audit-soc", parquet(tmp_path, **columns))
    assert done.exit_code == 2 and "no state of charge" in done.stderr


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--capacity", "-3", "no capacity"),
        ("--chemistry", "unobtainium", "choose from"),
        ("--series", "0", "make no pack"),
    ],
)
def test_options_that_make_no_sense_are_refused(option, value, said, tmp_path):
    done = voltherd_run("soh", tmp_path, option, value)
    assert done.exit_code == 2 and said in done.stderr
