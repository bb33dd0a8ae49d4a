"""Further ways to health, small: on simulated cells in the layout of the recorded ones."""

import json

import pytest

from tests.unit.bench.test_soh import records
from voltherd.bench import soh_paths
from voltherd.bench.soh import SohTable, render
from voltherd.bench.soh_paths import PathRow, measure_paths
from voltherd.errors import InputError

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    folder = records(tmp_path_factory.mktemp("cells"), range(8), 12)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(soh_paths, "CELLS", 2)
        patch.setattr(soh_paths, "SEEN", soh_paths.SEEN[:1])
        patch.setattr("voltherd.learning.regressors.TREES", 20)
        return measure_paths(folder, lambda _: None)


def test_every_way_tells_its_errors(rows):
    assert [row.path for row in rows] == ["three rounds"] * 8 + ["lasso"] * 6 + [
        "modes of ageing"
    ] * 4
    assert all(0.0 < row.mae <= row.max for row in rows), rows
    counts = [int(row.condition.split(" ")[1]) for row in rows[:8:2]]
    assert counts == sorted(counts, reverse=True) and counts[0] == 12 > counts[-1]


def test_noise_and_fewer_cells_to_learn_from_make_errors_larger(rows):
    rounds, lasso = rows[:8], rows[8:14]
    assert all(
        noisy.mae > still.mae for still, noisy in zip(rounds[::2], rounds[1::2], strict=True)
    )
    assert lasso[4].mae > lasso[0].mae


def test_modes_of_a_cell_whose_curves_are_known_come_back(rows):
    assert all(row.mae < 1.0 for row in rows[14:])


def test_they_are_printed_and_in_the_json():
    row = PathRow("lasso", "4 folds", "least squares", 2.5, 10.0)
    table = SohTable(rows=(), summary={}, conditions={}, dropped={}, paths=(row,))
    assert "4 folds" in render(table) and "least squares" in render(table)
    assert json.loads(table.to_json())["paths"] == [row._asdict()]


def test_a_folder_without_charges_is_refused(tmp_path):
    with pytest.raises(InputError, match="no recorded charges"):
        measure_paths(tmp_path, lambda _: None)
