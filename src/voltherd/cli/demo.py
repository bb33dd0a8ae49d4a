"""``voltherd demo``: the main job on a fleet made on the spot, with the truth beside it."""

import json
import shutil
import time
from pathlib import Path
from typing import Final

from voltherd.cli.compose import TRUTH_FILE, Progress, Reading, write_text
from voltherd.cli.simulate import write_fleet
from voltherd.cli.triage import triage
from voltherd.report.document import dumps
from voltherd.report.html import render_html
from voltherd.report.terminal import render_triage
from voltherd.sim.fleet import fleet_spec

VEHICLES: Final = 12
DAYS: Final = 14


def run(
    out: Path, seed: int, duration_second: float, width: int, colour: bool, progress: Progress
) -> str:
    """Simulate, triage and tell.

    Args:
        out: Folder for everything; what an earlier demo left there is replaced.
        seed: Which fleet.
        duration_second: Simulating stops at the end of the day after it [s].
        width: Columns of the terminal.
        colour: Whether to colour.
        progress: Told where it stands.

    Returns:
        What to show.
    """
    fleet = out / "fleet"
    if (fleet / TRUTH_FILE).is_file():
        shutil.rmtree(fleet)
    spec = fleet_spec(vehicles=VEHICLES, days=DAYS, seed=seed, faults="demo")
    began = time.monotonic()
    days = write_fleet(spec, fleet, progress, duration_second)
    made = time.monotonic()
    report = triage([fleet], Reading(), time.time(), progress)
    ready = time.monotonic()
    write_text(out / "report.html", render_html(report))
    write_text(out / "report.json", dumps(report))
    truth = json.loads((fleet / TRUTH_FILE).read_text(encoding="utf-8"))
    return "\n".join(
        [
            f"Demo data: {days} vehicle-days of {VEHICLES} simulated vehicles with five hidden "
            f"faults (seed {seed}), made in {made - began:.0f} s, triaged in {ready - made:.0f} s.",
            "",
            render_triage(report, width, colour),
            "",
            f"The truth ({fleet / TRUTH_FILE}):",
            *(_planted(fault) for fault in truth["faults"]),
            "",
            f"The same as a page: {out / 'report.html'}   as JSON: {out / 'report.json'}",
            "Your own data: voltherd triage FILE-OR-FOLDER",
        ]
    )


def _planted(fault: dict[str, object]) -> str:
    place = fault["location"]
    assert isinstance(place, dict)
    where = f"{place['kind']} {place['index']}" if place["index"] else str(place["kind"])
    start = str(fault["start"])[:16].replace("T", " ")
    return (
        f"  {fault['vehicle_id']}  {fault['phenomenon']}, {where}{_size(fault)}, from {start} UTC"
    )


def _size(fault: dict[str, object]) -> str:
    size, unit = fault["size"], str(fault["size_unit"])
    if not isinstance(size, float | int):
        return ""
    shown = {"1": (100.0, "%"), "1/day": (100.0, "% a day"), "ohm": (1e3, "mΩ"), "V": (1e3, "mV")}
    factor, symbol = shown.get(unit, (1.0, unit))
    return f", {size * factor:g} {symbol}"
