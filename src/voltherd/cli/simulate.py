"""``voltherd simulate``: a fleet whose truth is known."""

import json
import time
from pathlib import Path

from voltherd.cli.compose import TRUTH_FILE, Progress, open_store, put_vehicles, write_text
from voltherd.errors import UsageError
from voltherd.sim.fleet import FleetSpec, fleet_spec
from voltherd.sim.fleet import simulate as simulate_days
from voltherd.sim.fleet import truth as truth_of
from voltherd.sim.fleet import vehicles as vehicles_of


def simulate_fleet(
    out: Path,
    *,
    vehicles: int,
    days: int,
    seed: int,
    faults: str,
    period_second: float,
    progress: Progress,
) -> str:
    """Simulate into a store, with the truth beside it.

    Raises:
        UsageError: A number or the text of the faults makes no sense, or the store holds the
            truth of another fleet.
        StoreError: The store cannot be written.
    """
    spec = fleet_spec(
        vehicles=vehicles, days=days, seed=seed, faults=faults, period_second=period_second
    )
    written = write_fleet(spec, out, progress)
    planted = len(spec.faults)
    return (
        f"{written} vehicle-days of {vehicles} vehicles written to {out}, {planted} "
        f"fault{'' if planted == 1 else 's'} planted; the truth is in {out / TRUTH_FILE}"
    )


def write_fleet(
    spec: FleetSpec, out: Path, progress: Progress, duration_second: float = float("inf")
) -> int:
    """Write a fleet's telemetry, asset facts and truth; gives the vehicle-days written.

    Interrupted, the same call goes on: days that are there are not written twice.
    """
    text = json.dumps(truth_of(spec), indent=1, ensure_ascii=False) + "\n"
    truth = out / TRUTH_FILE
    if truth.exists() and truth.read_text(encoding="utf-8") != text:
        raise UsageError(
            "there is another fleet here already", where=str(out), mend="choose an empty folder"
        )
    began, written = time.monotonic(), 0
    store = open_store(out)
    write_text(truth, text)
    put_vehicles(out, vehicles_of(spec))
    for day in simulate_days(spec):
        progress(f"simulating day {day.day + 1}/{spec.days} of {day.vehicle.vehicle_id}")
        store.append(day.batch)
        written += 1
        last_of_day = day.number == spec.vehicles
        if last_of_day and time.monotonic() - began > duration_second:
            break
    return written
