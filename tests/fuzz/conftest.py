"""Whole files to be damaged, made once."""

import csv
import io

import can
import duckdb
import pytest

DBC = """VERSION ""
BS_:
BU_: B
BO_ 256 Pack: 8 B
 SG_ Voltage : 0|16@1+ (0.1,0) [0|1000] "V" B
 SG_ Current : 16|16@1- (0.1,0) [-3000|3000] "A" B
BO_ 512 Cells: 8 B
 SG_ Page M : 0|8@1+ (1,0) [0|3] "" B
 SG_ Cell1 m0 : 8|16@1+ (0.001,0) [0|5] "V" B
 SG_ Cell2 m1 : 15|16@0+ (0.001,0) [0|5] "V" B
"""


@pytest.fixture(scope="session")
def whole(tmp_path_factory) -> dict[str, bytes]:
    """One valid file of every kind, by suffix."""
    folder = tmp_path_factory.mktemp("whole")
    messages = [
        can.Message(
            timestamp=1.7e9 + k / 10,
            arbitration_id=0x200 if k % 3 else 0x100,
            is_extended_id=False,
            data=[k % 2, 0x40, 0x0E, 0x41, 0x0E, 0, 0, k % 256],
        )
        for k in range(60)
    ]
    for suffix in (".asc", ".blf", ".log"):
        writer = can.Logger(str(folder / f"a{suffix}"))
        for message in messages:
            writer(message)
        writer.stop()
    with duckdb.connect() as con:
        con.execute(
            "COPY (SELECT TIMESTAMP '2024-01-01' + to_seconds(x) AS t, x::FLOAT / 7 AS v, "
            "[x, x + 1]::FLOAT[] AS cells, 'text' || x AS s, nullif(x % 3, 0) AS n "
            f"FROM range(300) r(x)) TO '{folder}/a.parquet' (FORMAT parquet)"
        )
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["time", "V_1", "note", "I [A]"])
    rows.writerows(
        [f"2024-01-01 00:00:{k % 60:02d}", 3.6 + k / 1e3, 'a "b"', -k] for k in range(80)
    )
    (folder / "a.csv").write_text(text.getvalue())
    (folder / "a.dbc").write_text(DBC)
    return {path.suffix: path.read_bytes() for path in folder.iterdir()}
