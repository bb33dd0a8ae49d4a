"""The only file of the benchmarks that knows adapters."""

from pathlib import Path

import numpy as np

from voltherd.types.table import RawTable


def read_table(file: Path) -> RawTable:
    """Read a file as the command line does."""
    from voltherd.adapters.files.reader import read_file

    return read_file(file)


def read_columns(file: Path) -> dict[str, np.ndarray]:
    """Read every column of a Parquet file into arrays by DuckDB alone: the peer."""
    import duckdb

    with duckdb.connect() as connection:
        columns: dict[str, np.ndarray] = connection.read_parquet(str(file)).fetchnumpy()
        return columns
