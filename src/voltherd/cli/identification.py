"""What ``voltherd identify`` does: records in, a cell and its report out."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, final

import numpy as np

from voltherd.cli.screen import output
from voltherd.errors import InputError, UsageError, VoltherdError

if TYPE_CHECKING:
    from voltherd.estimation.identification_report import IdentificationReport
    from voltherd.estimation.identify import Drive
    from voltherd.intake.cell_record import CellRecord
    from voltherd.numerics.cell_map import CellMap
    from voltherd.numerics.cell_parameters import CellParameters

FULL_FROM: Final = 0.9
"""A record that begins below the curve here did not begin full."""
SURE: Final = 0.95
_MOVED_MIN: Final = 0.2
CAPACITY_AH: Final = (0.01, 1e5)
"""From a button cell to the largest block [Ah]."""
Progress = Callable[[str], None]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked.

    Attributes:
        data: Files and folders of one cell.
        cell: Its name.
        chemistry: As ``Chemistry`` spells it.
        capacity_ah: As the person gives it; None where the record is to tell [Ah].
        base: A BPX document to take the curve from.
        ocv: A measured curve.
        discharge_positive: Whether the source counts discharging positive.
        intervals: Whether the filter's intervals are tried.
    """

    data: tuple[Path, ...]
    cell: str
    chemistry: str
    capacity_ah: float | None = None
    base: Path | None = None
    ocv: Path | None = None
    discharge_positive: bool = False
    intervals: bool = True


class Answer(NamedTuple):
    """What came of it.

    Attributes:
        cell: The identified cell.
        report: As numbers, texts, lists and dictionaries.
        text: For people.
    """

    cell: "CellMap"
    report: dict[str, Any]
    text: str


def no_document() -> UsageError:
    """Say why a circuit alone makes no BPX document."""
    from voltherd.numerics.bpx import NOT_IN_A_CIRCUIT

    return UsageError(
        f"an equivalent circuit alone is no BPX document: it lacks {'; '.join(NOT_IN_A_CIRCUIT)}",
        where="--bpx",
        mend="give the cell's BPX document with --base, and the circuit is put into it",
    )


def dumped(plain: dict[str, Any]) -> str:
    """Give a document as JSON."""
    return json.dumps(plain, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def write(answer: Answer, out: Path, bpx: Path | None, base: Path | None) -> None:
    """Write the cell, and the document with it where one is wanted."""
    from voltherd.estimation.cell_file import plain
    from voltherd.numerics.bpx import with_cell

    output(out, dumped(plain(answer.cell, answer.report)))
    if bpx is not None and base is not None:
        output(bpx, dumped(with_cell(read_json(base), answer.cell, str(base))))


def identify_cell(question: Question, progress: Progress) -> Answer:
    """Read, fit, report.

    Raises:
        InputError: The records cannot be used.
        UsageError: What is asked cannot be done.
    """
    from voltherd.cli.identify_text import render
    from voltherd.estimation.calibration import calibrated
    from voltherd.estimation.cell_sample import SensorError
    from voltherd.estimation.identification_report import report_of
    from voltherd.estimation.identify import identified, separable
    from voltherd.report.words import count

    records, notes = read_records(question.data, progress)
    records = signed(records, discharge_positive=question.discharge_positive)
    need_current(records, 0.0)
    parameters = base_of(question, records)
    need_current(records, parameters.capacity_ah)
    whole, left_out = charged(records, parameters)
    drives = separable(whole)
    notes = [*notes, *left_out]
    if len(whole) == 1:
        notes.append("there is one drive only: its halves stand for drives left out")
    rows = sum(len(drive.soc) for drive in drives)
    progress(f"fitting {count(len(whole), 'drive')}, {rows:,} rows")
    source = f"{question.cell}: {count(len(whole), 'drive')}, {rows:,} rows"
    found = identified(drives, parameters, source)
    if question.intervals:
        sensors = SensorError(
            voltage_volt=0.005,
            current_ampere=0.02 * parameters.capacity_ah,
            current_fraction=0.005,
        )
        found = found._replace(cell=calibrated(found, drives, sensors, progress))
    report = replace(report_of(found, drives), drives=len(whole))
    cell = with_heat(found.cell, report)
    plain = {
        "cell": question.cell,
        "chemistry": parameters.chemistry.value,
        "capacity_ah": parameters.capacity_ah,
        "rows": rows,
        **report.plain(),
        "intervals_tried": question.intervals,
        "notes": notes,
    }
    return Answer(cell, plain, render(cell, report, rows, notes))


def with_heat(cell: "CellMap", report: "IdentificationReport") -> "CellMap":
    """Give the cell the thermal parameters that the record told, where it did."""
    heat, cooling = report.heat_capacity.value, report.thermal_resistance.value
    if heat is None or cooling is None:
        return cell
    base = replace(
        cell.base,
        heat_capacity_joule_per_kelvin=heat,
        thermal_resistance_kelvin_per_watt=cooling,
        source=f"heat: identified from its records; {cell.base.source}",
    )
    return replace(cell, base=base)


def read_records(paths: Sequence[Path], progress: Progress) -> tuple[list["CellRecord"], list[str]]:
    """Read every test of the cell; a file of a folder that is no record is passed over and told.

    Raises:
        InputError: There is no record, or a file that was named is none.
    """
    from voltherd.cli.compose import Reading, files_at, read_table
    from voltherd.intake.cell_record import ROWS_MIN, cell_records

    records: list[CellRecord] = []
    notes: list[str] = []
    for path in paths:
        files = files_at(path)
        for number, file in enumerate(files, start=1):
            progress(f"reading {number}/{len(files)} {file.name}")
            try:
                found = cell_records(read_table(file, Reading()), file.stem)
            except VoltherdError as error:
                if file == path:
                    raise
                notes.append(f"passed over: {error}")
                continue
            records += found
            if not found:
                notes.append(f"passed over: {file}: no test of {ROWS_MIN} whole rows")
    if not records:
        raise InputError(
            "; ".join(notes[:3]) or "nothing there",
            where=str(paths[0]),
            mend="wanted are records of one cell with time, current, voltage and temperature",
        )
    return records, notes


def signed(records: Sequence["CellRecord"], *, discharge_positive: bool) -> list["CellRecord"]:
    """Turn the current so that charging is positive, and hold it against the voltage.

    Raises:
        UsageError: The voltage says that the sign is the other one.
    """
    from voltherd.intake.current import find_sign

    turn = -1.0 if discharge_positive else 1.0
    turned = [one._replace(current_ampere=turn * one.current_ampere) for one in records]
    against = []
    for one in turned:
        soc = one.soc if len(one.soc) else None
        told = find_sign(one.time_second, one.current_ampere, one.voltage_volt, soc, None)
        if told.confidence >= SURE and told.sign < 0.0:
            against.append(f"{one.name}: {told.why}")
    if 2 * len(against) > len(turned):
        raise UsageError(
            f"the voltage falls while the current is called charging ({against[0]}; in "
            f"{len(against)} of {len(turned)} records)",
            mend="leave out --discharge-positive" if discharge_positive else "--discharge-positive",
        )
    return turned


def need_current(records: Sequence["CellRecord"], capacity_ah: float) -> None:
    """Refuse records that no resistance shows in.

    Args:
        records: All of them.
        capacity_ah: Of the cell; 0 where it is not known yet [Ah].

    Raises:
        InputError: No current flows, or none that moves the voltage.
    """
    from voltherd.estimation.identification_report import DRIVEN

    most = max(float(np.abs(one.current_ampere).max()) for one in records)
    if most > DRIVEN * capacity_ah:
        return
    told = f"the current never exceeds {most:g} A, {DRIVEN:g} C of a cell of {capacity_ah:g} Ah"
    raise InputError(
        told if most > 0.0 else "no current flows in any row: no resistance shows",
        where=records[0].name,
        mend="record drives or pulses of 0.2 C and more, with their current in ampere",
    )


def base_of(question: Question, records: Sequence["CellRecord"]) -> "CellParameters":
    """Put together what is begun with: chemistry, capacity and curve.

    Raises:
        UsageError: No such chemistry, or neither a state of charge nor a capacity.
        InputError: A document or a curve cannot be used.
    """
    from voltherd.numerics.bpx import read_bpx
    from voltherd.numerics.presets import PRESETS

    known = {chemistry.value: preset for chemistry, preset in PRESETS.items()}
    if question.chemistry.upper() not in known:
        raise UsageError(
            f"no parameters of {question.chemistry} cells are known",
            where="--chemistry",
            mend=f"known are {', '.join(known)}",
        )
    low, high = CAPACITY_AH
    if question.capacity_ah is not None and not low <= question.capacity_ah <= high:
        raise UsageError(
            f"{question.capacity_ah:g} Ah is no capacity of a cell",
            where="--capacity",
            mend=f"give {low:g} to {high:g} Ah",
        )
    base = known[question.chemistry.upper()]
    capacity = question.capacity_ah or capacity_of(records)
    if capacity is None and any(not len(one.soc) for one in records):
        raise UsageError(
            "no column tells the state of charge, and without a capacity it cannot be counted",
            mend="give a column soc, or --capacity AH for records that begin full",
        )
    if question.base is not None:
        base = read_bpx(read_json(question.base), base, str(question.base)).parameters
    elif capacity is None:
        raise UsageError(
            "the state of charge moves too little to tell the capacity", mend="give --capacity AH"
        )
    base = base.resized(capacity) if capacity else base
    base = with_measured(base, question.ocv) if question.ocv else base
    return replace(base, name=question.cell)


def with_measured(base: "CellParameters", path: Path) -> "CellParameters":
    """Take a measured curve, with its hysteresis, instead of the preset's.

    Raises:
        InputError: A column is missing, no number or out of order.
    """
    from voltherd.cli.compose import Reading, read_table
    from voltherd.intake.numbers import to_numbers
    from voltherd.numerics.ocv import measured_curve

    columns = read_table(path, Reading()).columns
    wanted = "soc", "ocv_charge", "ocv_discharge"
    missing = [name for name in wanted if name not in columns]
    if missing:
        raise InputError(
            f"no column {missing[0]}", where=str(path), mend=f"wanted are {', '.join(wanted)}"
        )
    parts = np.array([to_numbers(columns[name]).astype(np.float64) for name in wanted])
    soc, charge, discharge = parts[:, np.isfinite(parts).all(axis=0)]
    if len(soc) < 2 or bool((np.diff(soc) <= 0.0).any()) or soc[0] < 0.0 or soc[-1] > 1.0:
        raise InputError("soc must climb within 0 and 1", where=str(path), mend="sort its rows")
    mean, gap = measured_curve(soc, charge, discharge)
    return replace(
        base,
        ocv_volt=mean,
        hysteresis_volt=max(gap, 0.0),
        source=f"OCV and hysteresis: measured, {path.name}; the rest: {base.source}",
    )


def capacity_of(records: Sequence["CellRecord"]) -> float | None:
    """Tell the capacity by how far the recorded state of charge moves with counted charge [Ah].

    Returns:
        The median over records whose charge moved by a fifth; None where there is none.
    """
    told = []
    for one in records:
        if len(one.soc) and float(np.ptp(one.soc)) >= _MOVED_MIN:
            moved, counted = one.soc - one.soc.mean(), counted_ah(one)
            told.append(float(moved @ (counted - counted.mean())) / float(moved @ moved))
    told = [one for one in told if one > 0.0]
    return float(np.median(told)) if told else None


def counted_ah(record: "CellRecord") -> np.ndarray:
    """Count the charge since a record's start [Ah]."""
    passed = np.diff(record.time_second, prepend=record.time_second[:1]) / 3600.0
    current = record.current_ampere
    before = np.concatenate([current[:1], current[:-1]])
    return np.asarray(np.cumsum(0.5 * (current + before) * passed))


def charged(
    records: Sequence["CellRecord"], base: "CellParameters"
) -> tuple[list["Drive"], list[str]]:
    """Give records their state of charge: as recorded, else counted from a full start.

    Raises:
        InputError: No record begins full.
    """
    from voltherd.estimation.identify import Drive, curve_at

    drives, left_out = [], []
    full = float(curve_at(base, np.array([FULL_FROM]))[0])
    for one in records:
        soc = one.soc
        if not len(soc):
            if float(one.voltage_volt[0]) < full:
                left_out.append(
                    f"left out: {one.name} begins at {one.voltage_volt[0]:.3f} V, which is not full"
                )
                continue
            soc = 1.0 + counted_ah(one) / base.capacity_ah
        drives.append(Drive(*one[1:5], soc))
    if not drives:
        raise InputError(
            "no record begins full, so no state of charge can be counted",
            where=records[0].name,
            mend="give a column soc",
        )
    return drives, left_out


def read_json(path: Path) -> object:
    """Read a JSON file.

    Raises:
        InputError: It cannot be read, or is no JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, ValueError, RecursionError) as error:
        told = error.strerror if isinstance(error, OSError) else "it is no JSON"
        raise InputError(f"cannot be read ({told})", where=str(path)) from error
