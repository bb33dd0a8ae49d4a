"""``voltherd simulate``: a fleet, or the CAN frames of one vehicle, whose truth is known."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from voltherd.cli.compose import (
    CAN_FORMATS,
    TRUTH_FILE,
    Progress,
    Reading,
    open_store,
    put_vehicles,
    read_file,
    write_can_log,
    write_text,
)
from voltherd.errors import UsageError
from voltherd.sim.can_dbc import Message, dbc_text, pack_messages
from voltherd.sim.can_frames import frames
from voltherd.sim.fault_text import format_faults, parse_faults
from voltherd.sim.fleet import fleet_spec
from voltherd.sim.fleet import simulate as simulate_days
from voltherd.sim.fleet import truth as truth_of
from voltherd.sim.fleet import vehicles as vehicles_of
from voltherd.sim.load import Load, load_of
from voltherd.sim.spec import FleetSpec
from voltherd.sim.truth import truth_document
from voltherd.types.frame import MessageFrames

DBC_FILE: Final = "pack.dbc"


def simulate_fleet(
    out: Path,
    *,
    vehicles: int,
    days: int,
    seed: int,
    faults: str,
    period_second: float,
    environment: bool = False,
    cycle: Path | None = None,
    cycle_capacity_ah: float | None = None,
    progress: Progress,
) -> str:
    """Simulate into a store, with the truth beside it.

    Raises:
        UsageError: A number or the text of the faults makes no sense, or the store holds the
            truth of another fleet.
        InputError: The recorded drives cannot be read, or are none.
        StoreError: The store cannot be written.
    """
    spec = fleet_spec(
        vehicles=vehicles,
        days=days,
        seed=seed,
        faults=faults,
        period_second=period_second,
        environment=environment,
        load=recorded_load(cycle, cycle_capacity_ah),
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
    text = _truth_text(truth_of(spec), out)
    began, written = time.monotonic(), 0
    store = open_store(out)
    write_text(out / TRUTH_FILE, text)
    put_vehicles(out, vehicles_of(spec))
    for day in simulate_days(spec):
        progress(f"simulating day {day.day + 1}/{spec.days} of {day.vehicle.vehicle_id}")
        store.append(day.batch)
        written += 1
        last_of_day = day.number == spec.vehicles
        if last_of_day and time.monotonic() - began > duration_second:
            break
    return written


def _truth_text(truth: Mapping[str, Any], out: Path) -> str:
    """Give the text of ``truth.json``; refuse where it would hide another truth."""
    text = json.dumps(truth, indent=1, ensure_ascii=False) + "\n"
    there = out / TRUTH_FILE
    if there.exists() and there.read_text(encoding="utf-8") != text:
        raise UsageError(
            "there is another fleet here already", where=str(out), mend="choose an empty folder"
        )
    return text


def simulate_can(
    out: Path,
    *,
    vehicle: int,
    days: int,
    seed: int,
    faults: str,
    period_second: float,
    log_format: str,
    environment: bool = False,
    cycle: Path | None = None,
    cycle_capacity_ah: float | None = None,
    progress: Progress,
) -> str:
    """Simulate one vehicle's CAN log, with its database and the truth beside it.

    Raises:
        UsageError: A number, the format or the text of the faults makes no sense, or the folder
            holds the truth of something else.
        InputError: The recorded drives cannot be read, or are none.
        StoreError: The folder cannot be written.
    """
    if log_format not in CAN_FORMATS:
        raise UsageError(
            f"no log format {log_format!r}",
            where="--format",
            mend=f"choose from {', '.join(CAN_FORMATS)}",
        )
    spec = fleet_spec(
        vehicles=vehicle,
        days=days,
        seed=seed,
        faults=_of_vehicle(faults, vehicle),
        period_second=period_second,
        environment=environment,
        load=recorded_load(cycle, cycle_capacity_ah),
    )
    facts = vehicles_of(spec)[-1]
    truth = truth_document(
        seed=seed,
        start_second=spec.start_second,
        days=days,
        vehicles=[facts],
        faults=[replace(fault, vehicle=1) for fault in spec.faults],
    )
    messages = pack_messages(spec.layout, environment=spec.environment)
    write_text(out / TRUTH_FILE, _truth_text(truth, out))
    dbc, log = out / DBC_FILE, out / f"{facts.vehicle_id}.{log_format}"
    write_text(dbc, dbc_text(messages, period_second))
    written = write_can_log(log, log_format, dbc, _sent(spec, vehicle, messages, progress))
    beyond = f" ({written.beyond} values outside their signal's range)" if written.beyond else ""
    planted = len(spec.faults)
    return (
        f"{written.frames} CAN frames of {facts.vehicle_id} written to {log}{beyond}, {planted} "
        f"fault{'' if planted == 1 else 's'} planted; the truth is in {out / TRUTH_FILE}\n"
        f"next: voltherd triage {log} --dbc {dbc}"
    )


def recorded_load(cycle: Path | None, capacity_ah: float | None) -> Load | None:
    """Read the drives of whatever file ``voltherd import`` reads, None where none is named."""
    if cycle is None:
        if capacity_ah is not None:
            raise UsageError(
                "the capacity of a recording that is not named",
                where="--cycle-capacity",
                mend="name it with --cycle",
            )
        return None
    batches = [batch for batch, _ in read_file(cycle, Reading())]
    return load_of(batches, capacity_ah)


def _of_vehicle(faults: str, vehicle: int) -> str:
    """Plant everything in the one vehicle that is written."""
    if faults.strip().lower() == "demo":
        raise UsageError(
            "'demo' hides its faults in several vehicles, and this is one",
            where="--faults",
            mend="name a fault, as sensor_stuck or weak_cell:20%",
        )
    requests = parse_faults(faults)
    for request in requests:
        if request.vehicle not in (None, vehicle):
            raise UsageError(
                f"vehicle={request.vehicle}, but the log is of vehicle {vehicle}",
                where=f"--faults {request.phenomenon}",
                mend="leave vehicle= out, or choose the vehicle with --vehicle",
            )
    return format_faults(replace(request, vehicle=vehicle) for request in requests)


def _sent(
    spec: FleetSpec, vehicle: int, messages: Sequence[Message], progress: Progress
) -> Iterator[Sequence[MessageFrames]]:
    for day in simulate_days(spec, only=[vehicle]):
        progress(f"simulating day {day.day + 1}/{spec.days} of {day.vehicle.vehicle_id}")
        yield frames(day.batch, messages)
