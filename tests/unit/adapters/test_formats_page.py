"""What docs/formats.md says of columns and suffixes is what the code has."""

from pathlib import Path

from voltherd.adapters.files.reader import SUFFIXES
from voltherd.types.channel import (
    CELL_VOLTAGE,
    PROBE_TEMPERATURE,
    SCALARS,
    cell_column,
    probe_column,
)

PAGE = Path(__file__).resolve().parents[3] / "docs" / "formats.md"


def column_table() -> list[str]:
    """The table of canonical columns, from the one in the code."""
    specs = {
        f"`{cell_column(1)}` …": CELL_VOLTAGE,
        f"`{probe_column(1)}` …": PROBE_TEMPERATURE,
        **{f"`{name}`": spec for name, spec in SCALARS.items()},
    }
    return [
        f"| {name} | {s.unit} | {s.minimum:.10g} … {s.maximum:.10g} | ± {s.accuracy:g} "
        f"| {s.meaning} |"
        for name, s in specs.items()
    ]


def test_the_table_of_columns_is_the_one_in_the_code():
    shown = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    assert [line for line in shown if "| ± " in line] == column_table()


def test_every_suffix_that_is_read_is_named():
    text = PAGE.read_text()
    assert [suffix for suffix in SUFFIXES if suffix not in text] == []
