"""The public set's files are read in each of their forms, and a hostile one runs nothing."""

import io
import pickle
import zipfile
from collections import OrderedDict

import numpy as np
import pytest

from voltherd.adapters.files import snippet_files
from voltherd.adapters.files.snippet_files import read_brand, read_columns, read_plain
from voltherd.errors import InputError, UnreadableError

COLUMNS = ["volt", "current", "soc", "max_single_volt", "min_single_volt"]
COLUMNS += ["max_temp", "min_temp", "timestamp"]
FACTS = OrderedDict(label="00", car=7, charge_segment="3", mileage=np.float64(1234.5))


def bare(value, protocol=2):
    return pickle.dumps(value, protocol=protocol)


def zipped(value):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("archive/data.pkl", bare(value))
        archive.writestr("archive/version", "3")
    return held.getvalue()


def in_a_row(value):
    parts = (snippet_files.TORCH_MAGIC, 1001, {"little_endian": True}, value, [])
    return b"".join(bare(part) for part in parts)


@pytest.mark.parametrize("form", [bare, zipped, in_a_row])
@pytest.mark.parametrize("kind", ["<f8", "<f4", ">f8", "<i4"])
def test_every_form_and_kind_of_number_is_read(form, kind):
    values = np.arange(12.0).reshape(4, 3).astype(kind)
    told, facts = read_plain(form((values, FACTS)), "a.pkl")
    assert np.array_equal(told, values)
    assert facts["mileage"] == 1234.5
    assert facts["car"] == 7
    by_column, _ = read_plain(form((np.asfortranarray(values), FACTS)), "a.pkl")
    assert np.array_equal(by_column, values)


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4])
def test_every_protocol_is_read_or_refused_with_a_message(protocol):
    told, _ = read_plain(bare((np.arange(6.0).reshape(2, 3), FACTS), protocol), "a.pkl")
    assert told.shape == (2, 3)


class Runs:
    """Runs a command when it is unpickled."""

    def __init__(self, call, *told):
        self.call, self.told = call, told

    def __reduce__(self):
        return self.call, self.told


def hostile(tmp_path):
    import os
    import subprocess

    mark = str(tmp_path / "run")
    yield Runs(os.system, f"touch {mark}")
    yield Runs(subprocess.check_output, ["touch", mark])
    yield Runs(eval, f"open({mark!r}, 'w')")
    yield Runs(exec, f"open({mark!r}, 'w')")
    yield Runs(getattr, [], "append")
    yield Runs(np.save, mark, np.zeros(1))
    yield Runs(np.load, mark)
    yield Runs(pickle.loads, b"N.")
    yield (np.zeros((128, 8)), {"label": Runs(os.system, f"touch {mark}")})


@pytest.mark.parametrize("form", [bare, zipped, in_a_row])
def test_a_hostile_pickle_runs_nothing(form, tmp_path):
    for attack in hostile(tmp_path):
        with pytest.raises(UnreadableError, match="asks for"):
            read_plain(form(attack), "evil.pkl")
    assert not (tmp_path / "run").exists()


def test_names_with_dots_reach_no_further():
    text = b"\x80\x04\x8c\x05numpy\x8c\x0bndarray.ptp\x93."
    with pytest.raises(UnreadableError, match=r"asks for numpy\.ndarray\.ptp"):
        read_plain(text, "evil.pkl")


def test_a_pickle_cannot_write_to_what_it_is_given():
    # GLOBAL _codecs encode, then state for it: (None, {"__doc__": "x"}).
    text = b"\x80\x02c_codecs\nencode\nN}X\x07\x00\x00\x00__doc__X\x01\x00\x00\x00xs\x86b."
    before = snippet_files._bytes_of.__doc__
    with pytest.raises(UnreadableError):
        read_plain(text, "evil.pkl")
    assert snippet_files._bytes_of.__doc__ == before
    for stands in ("_Array", "_Type", "_Number"):
        assert "__setstate__" in dir(getattr(snippet_files, stands))


def test_arrays_of_objects_are_refused():
    with pytest.raises(UnreadableError, match="other things than numbers"):
        read_plain(bare(np.array([1, "a", None], dtype=object)), "a.pkl")


def test_what_is_shared_many_times_is_built_once():
    nested = [1.0]
    for _ in range(60):
        nested = [nested, nested]  # 2 to the 60 leaves, if each were built
    told = read_plain(bare(nested), "a.pkl")
    assert told[0] is told[1]


def test_a_list_that_holds_itself_is_refused():
    ring = []
    ring.append(ring)
    with pytest.raises(UnreadableError):
        read_plain(bare(ring), "a.pkl")


@pytest.mark.parametrize("cut", [0, 1, 10, 60, 200])
def test_a_damaged_file_gives_one_clear_message(cut):
    data = bare((np.zeros((128, 8)), FACTS))
    with pytest.raises(UnreadableError, match=r"^a\.pkl: is no pickle of numbers and arrays"):
        read_plain(data[:cut], "a.pkl")


def test_a_brand_is_read_from_its_folders(tmp_path):
    folder = tmp_path / "battery_brand1"
    for name, label in (("train", "00"), ("test", "10")):
        (folder / name).mkdir(parents=True)
        facts = OrderedDict(FACTS, label=label, car=1 if name == "train" else 2)
        (folder / name / "0.pkl").write_bytes(zipped((np.ones((128, 8)), facts)))
    (folder / "column.pkl").write_bytes(bare(COLUMNS))
    assert read_columns(folder) == tuple(COLUMNS)
    found = list(read_brand(folder))
    assert [one.vehicle for one in found] == ["battery_brand1:1", "battery_brand1:2"]
    assert [one.healthy for one in found] == [True, False]
    assert found[0].values.shape == (128, 8)


def test_a_folder_laid_out_otherwise_is_told(tmp_path):
    with pytest.raises(InputError, match="no snippets in train, test or data"):
        list(read_brand(tmp_path))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "0.pkl").write_bytes(bare((np.ones((128, 8)), FACTS)))
    with pytest.raises(InputError, match=r"no column\.pkl"):
        list(read_brand(tmp_path))
    (tmp_path / "column.pkl").write_bytes(bare(COLUMNS))
    (tmp_path / "data" / "1.pkl").write_bytes(bare((np.ones((128, 8)), {"car": 1})))
    with pytest.raises(InputError, match=r"1\.pkl: is not a pair of samples and facts"):
        list(read_brand(tmp_path))
