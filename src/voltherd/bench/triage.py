"""How much more than reading the data does triage cost?

Question: the CPU time of ``voltherd triage`` on two recorded vehicles (eleven million cell
readings), stage by stage, as a multiple of what DuckDB needs to read the same columns into arrays,
warm, in the same run.  CPU time of the whole process, median over repetitions; peak memory from the
operating system's account of a fresh process that does the whole job once.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeVar, final

from voltherd.bench.compose import read_columns, read_table
from voltherd.detection.engine import init, step
from voltherd.errors import InputError
from voltherd.intake.build import build
from voltherd.intake.recognise import recognise
from voltherd.report.document import dumps
from voltherd.report.html import render_html
from voltherd.triage.findings import findings, urgency
from voltherd.types.event import Finding
from voltherd.types.report import TriageReport, VehicleSummary

FILES: Final = ("car1.parquet", "car3.parquet")
REPETITIONS: Final = 7
RATIO_MAX: Final = 15.0
MEMORY_BYTE_MAX: Final = 1_000_000_000
Result = TypeVar("Result")
STAGES: Final = ("read", "recognise", "build", "detect", "tell", "render")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TriageTable:
    """What was measured.

    Attributes:
        cell_readings: Cell voltages read.
        reference_second: DuckDB reading the same columns warm, CPU [s].
        stage_second: CPU of each stage, both vehicles [s].
        total_second: CPU of all stages [s].
        ratio: Total over reference.
        peak_byte: Peak memory of a fresh process doing the whole job.
        repetitions: Medians are over so many.
    """

    cell_readings: int
    reference_second: float
    stage_second: dict[str, float]
    total_second: float
    ratio: float
    peak_byte: int
    repetitions: int

    def to_json(self) -> str:
        """Give the table as JSON."""
        return json.dumps(asdict(self), indent=1) + "\n"


def measure(data: Path | None = None) -> TriageTable:
    """Measure on the recorded vehicles.

    Args:
        data: Folder that holds them; ``VOLTHERD_DATA``/baticm_ev_faults where not given.

    Raises:
        InputError: The recorded vehicles are not there.
    """
    folder = data or Path(os.environ.get("VOLTHERD_DATA", "../shared/data")) / "baticm_ev_faults"
    files = [folder / name for name in FILES]
    missing = [str(file) for file in files if not file.is_file()]
    if missing:
        raise InputError(
            "the recorded vehicles are not there", where=missing[0], mend="give --data FOLDER"
        )
    reference = [_cpu(lambda: [read_columns(file) for file in files])[0] for _ in range(3)]
    runs: list[dict[str, float]] = []
    readings = 0
    for _ in range(REPETITIONS):
        reference.append(_cpu(lambda: [read_columns(file) for file in files])[0])
        stages, readings = _stages(files)
        runs.append(stages)
    stage_second = {name: statistics.median(run[name] for run in runs) for name in STAGES}
    total = statistics.median(sum(run.values()) for run in runs)
    warm = statistics.median(reference[3:])
    return TriageTable(
        cell_readings=readings,
        reference_second=warm,
        stage_second=stage_second,
        total_second=total,
        ratio=total / warm,
        peak_byte=_peak_byte(files),
        repetitions=REPETITIONS,
    )


def render(table: TriageTable) -> str:
    """Tell the table."""
    rows = [
        f"triage of two recorded vehicles, {table.cell_readings / 1e6:.1f} million cell readings, "
        f"CPU time, median of {table.repetitions}",
        "",
        f"{'stage':<28}{'CPU s':>8}{'x DuckDB':>10}",
        f"{'DuckDB reads the columns':<28}{table.reference_second:>8.3f}{1.0:>10.1f}",
    ]
    rows += [
        f"{name:<28}{second:>8.3f}{second / table.reference_second:>10.1f}"
        for name, second in table.stage_second.items()
    ]
    verdict = "holds" if table.ratio <= RATIO_MAX else "MISSED"
    space = "holds" if table.peak_byte <= MEMORY_BYTE_MAX else "MISSED"
    rows += [
        f"{'all of triage':<28}{table.total_second:>8.3f}{table.ratio:>10.1f}"
        f"   at most {RATIO_MAX:.0f}: {verdict}",
        f"{'peak memory':<28}{table.peak_byte / 1e6:>5.0f} MB{'':>10}"
        f"   under {MEMORY_BYTE_MAX / 1e6:.0f} MB: {space}",
    ]
    return "\n".join(rows)


def _cpu(work: Callable[[], Result]) -> tuple[float, Result]:
    began = time.process_time()
    result = work()
    return time.process_time() - began, result


def _stages(files: list[Path]) -> tuple[dict[str, float], int]:
    """Run the stages one after another on every file; gives CPU seconds and cell readings."""
    spent = dict.fromkeys(STAGES, 0.0)
    told: list[Finding] = []
    vehicles: list[VehicleSummary] = []
    readings = 0
    for file in files:
        spent["read"], table = _added(spent["read"], partial(read_table, file))
        spent["recognise"], known = _added(spent["recognise"], partial(recognise, table))
        spent["build"], built = _added(spent["build"], partial(build, table, known))
        for batch, report in built:
            blank = init(batch.vehicle_id, batch.cells, batch.probes)
            spent["detect"], state = _added(spent["detect"], partial(step, blank, batch))
            spent["tell"], found = _added(spent["tell"], partial(findings, state, batch.cell_names))
            told += found
            readings += batch.rows * batch.cells
            vehicles.append(
                VehicleSummary(
                    vehicle_id=batch.vehicle_id,
                    rows=batch.rows,
                    first_second=state.first_second,
                    last_second=state.last_second,
                    cells=batch.cells,
                    answers=report.answers,
                    imports=(report,),
                )
            )
    document = TriageReport(
        generated_second=time.time(),
        vehicles=tuple(vehicles),
        findings=tuple(sorted(told, key=urgency)),
    )
    spent["render"], _ = _added(0.0, lambda: (render_html(document), dumps(document)))
    return spent, readings


def _added(before: float, work: Callable[[], Result]) -> tuple[float, Result]:
    second, result = _cpu(work)
    return before + second, result


def _peak_byte(files: list[Path]) -> int:
    """Give the peak memory of a fresh process that does the whole job."""
    command = [sys.executable, "-m", "voltherd", "triage", *map(str, files), "--json", "-"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
