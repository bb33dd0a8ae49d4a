"""voltherd identify, from files to a cell that can be used."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.unit.estimation.known_cell import CELL, driven, ohm
from voltherd.cli.main import app
from voltherd.estimation.cell_file import cell_from

pytestmark = pytest.mark.long
ROWS = 3600


def run(*words):
    return CliRunner().invoke(app, ["identify", *map(str, words)])


def told(done):
    return " ".join(done.output.split())


@pytest.fixture(scope="module")
def drives():
    return {name: driven(seed, 25.0, ROWS, mean=-1.8) for seed, name in enumerate("ab")}


def written(path, drives, header, change=lambda columns: columns):
    """Write drives as one CSV, a group column first."""
    lines = [
        ",".join([name, *(f"{value:.6f}" for value in row)])
        for name, drive in drives.items()
        for row in zip(*change(drive), strict=True)
    ]
    lines.insert(0, header)
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def known(tmp_path, drives):
    header = "test,Test Time / s,Current / A,Voltage / V,Surface Temperature / degC,soc_pct"
    return written(
        tmp_path / "known.csv", drives, header, lambda drive: (*drive[:4], 100.0 * drive.soc)
    )


def test_a_cell_comes_from_a_file_whose_columns_say_what_they_are(known, tmp_path):
    out, report = tmp_path / "cell.json", tmp_path / "report.json"
    done = run(known, "--cell", "mine", "--chemistry", "nmc", "--out", out, "--json", report)
    assert done.exit_code == 0, done.output
    document = json.loads(out.read_text())
    cell = cell_from(document, "cell.json")
    assert cell.base.name == "mine" and cell.base.chemistry.value == "NMC"
    assert cell.base.capacity_ah == pytest.approx(CELL.capacity_ah, rel=0.002)
    assert cell.at(np.array([0.5]), 26.0).r0[0] == pytest.approx(ohm(26.0)[0], rel=0.05)
    heat = document["identification"]["heat_capacity_joule_per_kelvin"]["value"]
    assert cell.base.heat_capacity_joule_per_kelvin == (
        CELL.heat_capacity_joule_per_kelvin if heat is None else heat
    )
    plain = json.loads(report.read_text())
    assert plain == document["identification"]
    assert plain["intervals_tried"] and plain["rows"] == 2 * ROWS
    assert [one["drives"] for one in plain["unseen"]] == [2]
    for words in ("from 2 drives", "voltage on drives left out", "does not tell", "written to"):
        assert words in told(done)


def test_charge_is_counted_from_a_full_start_where_no_column_tells_it(drives, tmp_path):
    header = "test,time_second,current_ampere,voltage_volt,temperature_celsius"
    half = {**drives, "half": drives["a"]._replace(voltage_volt=drives["a"].voltage_volt - 0.5)}
    file = written(tmp_path / "counted.csv", half, header, lambda drive: drive[:4])
    words = (file, "--cell", "x", "--chemistry", "NMC", "--out", tmp_path / "c.json")
    done = run(*words, "--no-intervals")
    assert done.exit_code == 2 and "without a capacity it cannot be counted" in told(done)
    done = run(*words, "--no-intervals", "--capacity", 3.0, "--json", "-")
    assert done.exit_code == 0, done.output
    plain = json.loads(done.output)
    assert plain["drives"] == 2 and not plain["intervals_tried"]
    assert "left out: counted half begins at" in plain["notes"][0]
    cell = cell_from(json.loads((tmp_path / "c.json").read_text()), "c.json")
    assert cell.at(np.array([0.5]), 26.0).r0[0] == pytest.approx(ohm(26.0)[0], rel=0.05)


def test_the_other_sign_is_noticed_and_turned_on_request(drives, tmp_path):
    header = "test,t_s,current_a,voltage_v,temp_c,soc"
    file = written(
        tmp_path / "turned.csv",
        drives,
        header,
        lambda drive: drive._replace(current_ampere=-drive.current_ampere),
    )
    words = (file, "--cell", "x", "--chemistry", "NMC", "--out", tmp_path / "c.json")
    done = run(*words, "--no-intervals")
    assert done.exit_code == 2
    assert "voltage falls while the current is called charging" in told(done)
    assert "--discharge-positive" in told(done)
    assert run(*words, "--no-intervals", "--discharge-positive").exit_code == 0


@pytest.mark.parametrize(
    ("header", "words", "said"),
    [
        ("test,t_s,current_a,voltage_v,chamber_c,soc", (), "no column of temperature"),
        ("cell,t_s,current_a,voltage_v,temp_c,soc", (), "records of 2 cells (a, b"),
        ("test,t_s,current_a,voltage_v,temp_c,soc", ("--chemistry", "LTO"), "known are NMC, NCA"),
        *(
            ("test,t_s,current_a,voltage_v,temp_c,soc", ("--capacity", told), f"{told} Ah is no")
            for told in ("-1", "nan", "inf", "1e+06", "0.001")
        ),
        ("test,t_s,current_a,voltage_v,temp_c,soc", ("--base", "no.json"), "cannot be read"),
        ("test,t_s,current_a,voltage_v,temp_c,soc", ("--bpx", "o.json"), "it lacks electrode area"),
    ],
)
def test_what_cannot_be_done_is_said(drives, tmp_path, header, words, said):
    short = {name: type(one)(*(part[:200] for part in one)) for name, one in drives.items()}
    file = written(tmp_path / "bad.csv", short, header)
    done = run(file, "--cell", "x", "--chemistry", "NMC", "--out", tmp_path / "c.json", *words)
    assert done.exit_code == 2 and said in told(done), done.output
    assert not (tmp_path / "c.json").exists()


@pytest.mark.parametrize(
    ("size", "words", "said"),
    [
        (0.0, (), "no current flows in any row"),
        (0.0, ("--capacity", 3.0), "no current flows in any row"),
        (0.004, ("--capacity", 3.0), "0.02 C of a cell of 3 Ah"),
        (np.nan, (), "no number in the column of current"),
    ],
)
def test_records_that_no_resistance_shows_in_are_refused(drives, tmp_path, size, words, said):
    def faint(drive):
        drive = type(drive)(*(part[:400] for part in drive))
        return drive._replace(current_ampere=size * drive.current_ampere)

    header, out = "test,t_s,current_a,voltage_v,temp_c,soc", tmp_path / "c.json"
    file = written(tmp_path / "faint.csv", drives, header, faint)
    done = run(file, "--cell", "x", "--chemistry", "NMC", "--out", out, *words)
    assert done.exit_code == 2 and said in told(done), done.output
    assert "record" in told(done) and not out.exists()


def test_the_halves_of_a_single_drive_stand_for_drives_left_out(drives, tmp_path):
    header = "t_s,current_a,voltage_v,temp_c,soc"
    file = tmp_path / "one.csv"
    rows = [",".join(f"{value:.6f}" for value in row) for row in zip(*drives["a"], strict=True)]
    file.write_text("\n".join([header, *rows]) + "\n")
    words = ("--cell", "x", "--chemistry", "NMC", "--out", tmp_path / "c.json", "--json", "-")
    done = run(file, *words)
    assert done.exit_code == 0, done.output
    plain = json.loads(done.output)
    assert plain["drives"] == 1 and plain["intervals_tried"]
    assert sum(one["drives"] for one in plain["unseen"]) == 2
    assert any("its halves stand for drives left out" in note for note in plain["notes"])
    cell = cell_from(json.loads((tmp_path / "c.json").read_text()), "c.json")
    # In sample the voltage is off by the noise of 1 mV; half a discharge foretells the other worse.
    assert cell.model_volt.max() > 0.004
    assert (cell.widening != 1.0).any()


def test_a_curve_and_a_bpx_document_are_begun_with(known, tmp_path):
    grid = np.linspace(0.0, 1.0, 101)
    curve = tmp_path / "curve" / "ocv.csv"
    curve.parent.mkdir()
    curve.write_text(
        "soc,ocv_charge,ocv_discharge\n"
        + "".join(
            f"{soc:.2f},{volt + 0.012:.5f},{volt - 0.012:.5f}\n"
            for soc, volt in zip(grid, CELL.ocv_volt, strict=True)
        )
    )
    electrodes = {
        "Positive electrode": {"x": grid.tolist(), "y": CELL.ocv_volt[::-1].tolist()},
        "Negative electrode": 0.0,
    }
    document = {
        "Header": {"BPX": "1.0.0", "Title": "A cell"},
        "Parameterisation": {
            "Cell": {
                "Nominal cell capacity [A.h]": 3.0,
                "Lower voltage cut-off [V]": 2.5,
                "Upper voltage cut-off [V]": 4.2,
            },
            **{
                name: {"OCP [V]": ocp, "Minimum stoichiometry": 0, "Maximum stoichiometry": 1}
                for name, ocp in electrodes.items()
            },
        },
    }
    (tmp_path / "a.bpx.json").write_text(json.dumps(document))
    words = (known, "--cell", "x", "--chemistry", "NMC", "--no-intervals")
    out, bpx = tmp_path / "c.json", tmp_path / "out.bpx.json"
    done = run(*words, "--out", out, "--base", tmp_path / "a.bpx.json", "--bpx", bpx)
    assert done.exit_code == 0, done.output
    cell = cell_from(json.loads(out.read_text()), "c.json")
    np.testing.assert_allclose(cell.base.ocv_volt, CELL.ocv_volt, atol=1e-12)
    user = json.loads(bpx.read_text())["Parameterisation"]["User-defined"]
    assert user["Equivalent circuit fast time constant [s]"] == cell.tau1_second
    done = run(*words, "--out", out, "--ocv", curve)
    assert done.exit_code == 0, done.output
    cell = cell_from(json.loads(out.read_text()), "c.json")
    assert cell.base.hysteresis_volt == pytest.approx(0.012, abs=1e-4)
    np.testing.assert_allclose(cell.base.ocv_volt, CELL.ocv_volt, atol=2e-4)


def test_a_recorded_cell_is_identified(recorded, tmp_path):
    folder = recorded / "lfp_flat_tao"
    words = ("--cell", "LFP", "--chemistry", "LFP", "--ocv", folder / "ocv_hysteresis.parquet")
    done = run(folder, *words, "--out", tmp_path / "c.json", "--no-intervals", "--json", "-")
    assert done.exit_code == 0, done.output
    plain = json.loads(done.output)
    assert plain["drives"] == 2 and plain["capacity_ah"] == pytest.approx(1.2, abs=0.01)
    assert plain["unseen"][0]["voltage_rms_volt"] < 0.010
    assert plain["heat_capacity_joule_per_kelvin"]["value"] is None
    assert "ocv_hysteresis.parquet: no column of time" in plain["notes"][0]
