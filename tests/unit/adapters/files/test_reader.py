"""Files and folders: what is chosen, what is passed over, and how refusals read."""

import os
import stat
from pathlib import Path

import numpy as np
import pytest

from voltherd.adapters.files.reader import read, read_file
from voltherd.errors import InputError


def write(path: Path, text: str = "t,v\n1,2\n3,4\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_folder_gives_every_supported_file_in_order_and_names_the_rest(tmp_path):
    for name in ("b.csv", "a/c.tsv", "a/b.CSV", "notes.docx", ".hidden.csv", "pack.dbc"):
        write(tmp_path / name)
    tables = list(read(tmp_path))
    assert [Path(t.source).name for t in tables] == ["b.CSV", "c.tsv", "b.csv"]
    assert [note.examples for note in tables[0].notes] == [("notes.docx",)]


@pytest.mark.parametrize(
    ("names", "message"), [([], "empty folder"), (["a.docx"], r"found \.docx")]
)
def test_a_folder_without_data_is_refused(tmp_path, names, message):
    for name in names:
        write(tmp_path / name)
    with pytest.raises(InputError, match=message):
        list(read(tmp_path))


def test_content_decides_where_the_suffix_is_wrong(tmp_path):
    import duckdb

    path = tmp_path / "a.csv"
    with duckdb.connect() as con:
        con.execute(f"COPY (SELECT 1.5 AS v) TO '{path}' (FORMAT parquet)")
    np.testing.assert_array_equal(read_file(path).columns["v"], [1.5])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.xlsx", b"PK\x03\x04rest", "Excel workbook.*save it as CSV"),
        ("a.csv.gz", b"\x1f\x8brest", "gzip.*unpack"),
        ("a.parquet", b"t,v\n1,2\n", "not Parquet"),
        ("a.blf", b"t,v\n1,2\n", "not BLF"),
        ("a.mf4", b"MDF     4.10", "MDF"),
        ("a.csv", b"", "empty file"),
        ("a.csv", b"\n\n \n", "no data"),
    ],
)
def test_what_is_no_telemetry_is_refused_with_the_mend(tmp_path, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(Exception, match=message) as raised:
        read_file(
            path, dbc=write(tmp_path / "p.dbc", 'BO_ 1 M: 8 X\n SG_ S : 0|8@1+ (1,0) [0|1] "" X\n')
        )
    assert isinstance(raised.value, InputError) and name in str(raised.value)


def test_a_path_to_nothing_is_told(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.csv: no such file"):
        list(read(tmp_path / "nowhere.csv"))


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(InputError, match="pipe"):
        read_file(tmp_path / "pipe.csv")


@pytest.mark.parametrize("locked", ["file", "folder"])
def test_a_missing_permission_is_told(tmp_path, locked):
    path = write(tmp_path / "sub" / "a.csv")
    target = path if locked == "file" else path.parent
    target.chmod(0)
    try:
        if os.access(path, os.R_OK):  # the superuser may read everything: ask as somebody else
            assert_refused_to_nobody(tmp_path, path)
        else:
            with pytest.raises(InputError, match="may not be read"):
                read_file(path)
    finally:
        target.chmod(stat.S_IRWXU)


def assert_refused_to_nobody(folder: Path, path: Path) -> None:
    """Read in a child that has given its rights away."""
    read_file(write(folder / "first.csv"))  # everything is imported before the rights are gone
    folder.chmod(0o755)
    above = [parent for parent in folder.parents if parent.name.startswith("pytest-")]
    modes = {parent: parent.stat().st_mode for parent in above}
    for parent in above:
        parent.chmod(0o755)
    child = os.fork()
    if child == 0:
        os.setuid(65_534)
        try:
            read_file(path)
        except InputError as error:
            os._exit(0 if "may not be read" in str(error) else 3)
        finally:
            os._exit(4)
    _, status = os.waitpid(child, 0)
    for parent, mode in modes.items():
        parent.chmod(mode)
    assert os.waitstatus_to_exitcode(status) == 0
