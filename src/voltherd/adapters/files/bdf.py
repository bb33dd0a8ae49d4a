"""Battery Data Format: read with machine names or human labels, written back one cell per file.

BDF knows one cell per file and requires ``test_time_second``, ``voltage_volt`` and
``current_ampere``.  The extended names of ``types.channel`` are for packs and our own; what leaves
as BDF is plain BDF.

Source: Battery Data Alliance, battery-data-format 0.1.0 (names, labels, required columns).
"""

import errno
import os
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from voltherd.adapters.files.duck import connection, literal, quoted
from voltherd.errors import StoreError, UsageError
from voltherd.types.report import Remark
from voltherd.types.sample import SampleBatch
from voltherd.types.table import RawTable

_UNIT_WORDS: Final = {
    "s": "second",
    "v": "volt",
    "a": "ampere",
    "ah": "ah",
    "wh": "wh",
    "w": "watt",
    "ohm": "ohm",
    "degc": "celsius",
    "°c": "celsius",
    "pa": "pa",
    "1": "",
}
_LABEL = re.compile(r"^([A-Za-z][A-Za-z0-9 ]*?)\s*/\s*(\S+)$")
_SURFACE_PROBES: Final = 5
"""BDF names five surface temperatures, T1 to T5."""


def machine_name(label: str) -> str | None:
    """Give the machine name of a human BDF label, None for anything else.

    >>> machine_name("Test Time / s"), machine_name("Surface Temperature T1 / degC")
    ('test_time_second', 'temperature_t1_celsius')
    >>> machine_name("Step Count / 1"), machine_name("V_1"), machine_name("U / furlong")
    ('step_count', None, None)
    """
    match = _LABEL.match(label.strip())
    if match is None or match[2].lower() not in _UNIT_WORDS:
        return None
    words = match[1].lower().removeprefix("surface ").split()
    return "_".join([*words, _UNIT_WORDS[match[2].lower()]]).rstrip("_")


def with_machine_names(table: RawTable) -> RawTable:
    """Rename a BDF table's human labels, and say so; other columns keep their names."""
    names = {name: machine_name(name) or name for name in table.columns}
    changed = {old: new for old, new in names.items() if new != old}
    if not changed or len(set(names.values())) < len(names):
        return table
    note = Remark(
        reason="bdf_label",
        channel="",
        count=len(changed),
        total=len(names),
        detail="human BDF labels were read as the machine names they stand for",
        examples=tuple(f"{old} → {new}" for old, new in list(changed.items())[:5]),
    )
    return replace(
        table,
        columns={names[name]: values for name, values in table.columns.items()},
        units={names[name]: unit for name, unit in table.units.items()},
        utc=frozenset(names[name] for name in table.utc),
        notes=(*table.notes, note),
    )


def export_bdf(batch: SampleBatch, folder: Path, suffix: str = ".bdf.parquet") -> tuple[Path, ...]:
    """Write one plain BDF file per cell, and one for the pack where its voltage is known.

    Rows are those of the batch; a value that may not be used is left empty.  The pack's file also
    carries the first five probes, which is all that BDF has names for.

    Args:
        batch: What to write.
        folder: Where to; made where missing.
        suffix: ``.bdf.parquet`` or ``.bdf.csv``.

    Returns:
        The files, cells first.

    Raises:
        UsageError: The batch has no rows or no current, which BDF requires, or the suffix is none
            of BDF's.
        StoreError: The folder cannot be written.
    """
    if suffix not in (".bdf.parquet", ".bdf.csv"):
        raise UsageError(f"no BDF suffix: {suffix}", mend="use .bdf.parquet or .bdf.csv")
    if not batch.rows or "current_ampere" not in batch.scalar:
        missing = "current" if batch.rows else "rows"
        raise UsageError(
            f"{batch.vehicle_id} has no {missing}, which BDF requires",
            mend="export canonical Parquet instead",
        )
    stamp = batch.unix_time_second
    shared = {
        "test_time_second": stamp - stamp[0],
        "unix_time_second": stamp,
        "current_ampere": batch.scalar["current_ampere"],
    }
    if "ambient_temperature_celsius" in batch.scalar:
        shared["ambient_temperature_celsius"] = batch.scalar["ambient_temperature_celsius"]
    stem = re.sub(r"[^A-Za-z0-9._-]", "_", batch.vehicle_id)[:100] or "vehicle"
    tables: dict[str, Mapping[str, np.ndarray]] = {}
    for cell in range(batch.cells):
        name = f"{stem}__cell_{cell + 1:03d}{suffix}"
        tables[name] = shared | {"voltage_volt": batch.cell_voltage_volt[:, cell]}
    if "voltage_volt" in batch.scalar:
        probes = {
            f"temperature_t{k + 1}_celsius": batch.probe_temperature_celsius[:, k]
            for k in range(min(batch.probes, _SURFACE_PROBES))
        }
        pack = shared | {"voltage_volt": batch.scalar["voltage_volt"]} | probes
        tables[f"{stem}__pack{suffix}"] = pack
    return _write(tables, folder)


def _write(tables: Mapping[str, Mapping[str, np.ndarray]], folder: Path) -> tuple[Path, ...]:
    """Write each table beside its name and move it there when it is whole."""
    import duckdb

    written: list[Path] = []
    part = folder / "bdf.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with connection() as con:
            for name, columns in tables.items():
                con.register("samples", {n: np.ascontiguousarray(v) for n, v in columns.items()})
                select = ", ".join(map(quoted, columns))
                kind = "parquet" if name.endswith("parquet") else "csv, header true"
                con.execute(
                    f"COPY (SELECT {select} FROM samples) TO {literal(str(part))} (FORMAT {kind})"
                )
                con.unregister("samples")
                os.replace(part, folder / name)
                written.append(folder / name)
    except (OSError, duckdb.Error) as error:
        part.unlink(missing_ok=True)
        raise StoreError(
            f"could not write BDF ({_reason(error)})",
            where=str(folder),
            mend="check the free space and the permission",
        ) from error
    return tuple(written)


def _reason(error: Exception) -> str:
    """Say why in the operating system's words where DuckDB quotes them among its own."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    known = (os.strerror(code) for code in (errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EDQUOT))
    text = str(error)
    return next((words for words in known if words[:12] in text), text.splitlines()[0][:160])
