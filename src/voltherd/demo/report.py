"""What a demo has done, counted where it happened: at the edges, in the intake, in the store.

Two numbers are checked against the store itself, key by key: records whose acknowledgement an edge
has heard and that are not there (lost), and records or rows that are there twice (duplicate
effects).
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from voltherd.cloud.schema_service import Chain
from voltherd.ports import RecordLog
from voltherd.sim.scoring import Score
from voltherd.types.ranges import holds
from voltherd.types.record import RecordKind, SeqRange
from voltherd.wire.chunk import decode_chunk


class EdgeAccount(NamedTuple):
    """What an edge says of its records at the end.

    Attributes:
        epoch: Of its boot.
        head_seq: Last number given.
        pending: Numbers not yet acknowledged.
    """

    epoch: int
    head_seq: int
    pending: tuple[SeqRange, ...]


class Audit(NamedTuple):
    """What the store tells of the edges' records."""

    acknowledged: int
    lost: int
    duplicate_effects: int


def audit(edges: Mapping[str, EdgeAccount], log: RecordLog) -> Audit:
    """Hold the edges' accounts to the store."""
    acknowledged = lost = twice = 0
    for name, edge in edges.items():
        closed = log.committed(name).get(edge.epoch, ())
        for seq in range(1, edge.head_seq + 1):
            if not holds(edge.pending, seq):
                acknowledged += 1
                lost += not holds(closed, seq)
        twice += _twice(name, edge.epoch, log)
    return Audit(acknowledged, lost, twice)


def _twice(name: str, epoch: int, log: RecordLog) -> int:
    """Count keys and rows of a vehicle's live records that are there more than once."""
    mine = [record for record in log.records(name) if record.key.epoch == epoch]
    keys = len(mine) - len({record.key for record in mine})
    times = [
        second
        for record in mine
        if record.kind is RecordKind.TELEMETRY
        for second in decode_chunk(record.body, name).unix_time_second.tolist()
    ]
    return keys + len(times) - len(set(times))


def report(
    told: Score, audited: Audit, chain: Chain, figures: Mapping[str, float | int]
) -> dict[str, Any]:
    """Put the report together, ready for JSON."""
    lag = chain.round_trip.sensor_to_cloud_second
    return {
        "acknowledged": audited.acknowledged,
        "committed": chain.committed_records,
        "lost": audited.lost,
        "duplicate_effects": audited.duplicate_effects,
        "duplicates_refused": chain.duplicate_records,
        "lag_second": {"p50": lag.p50, "p99": lag.p99},
        "planted": [one.plain() for one in told.planted],
        "found": [one.plain() for one in told.found],
        "missed": [one.plain() for one in told.missed],
        "false": [one.plain() for one in told.false],
        "layers": [layer.model_dump(mode="json") for layer in chain.layers],
        "round_trip": chain.round_trip.model_dump(mode="json"),
        **figures,
    }


def dumps(made: Mapping[str, Any]) -> str:
    """Write it; what is not known is null."""
    return json.dumps(made, indent=1, allow_nan=False) + "\n"


def text(made: Mapping[str, Any]) -> str:
    """Tell it to a person."""
    lag = made["lag_second"]
    rows = [
        f"{made['committed']:,} records committed, {made['acknowledged']:,} acknowledged to live "
        f"edges, {made['lost']} of these lost, {made['duplicates_refused']} duplicates refused, "
        f"{made['duplicate_effects']} counted twice.",
        "From a frame at the edge to its commit: "
        f"p50 {_second(lag['p50'])}, p99 {_second(lag['p99'])} (chunks of a simulated minute).",
        f"{len(made['found'])} of {len(made['planted'])} planted faults found under their name, "
        f"{len(made['missed'])} missed, {len(made['false'])} false.",
    ]
    for name, mark in (("found", "found"), ("missed", "MISSED"), ("false", "FALSE")):
        rows += [f"  {mark:<7}{_one(one)}" for one in made[name]]
    return "\n".join(rows)


def _second(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.2f} s"


def _one(one: Mapping[str, Any]) -> str:
    place = one["location"]
    where = place["channel"] if place["kind"] == "channel" else place["kind"]
    if place["index"] and place["kind"] != "channel":
        where = f"{where} {place['index']}"
    seen = f" (seen as {', '.join(one['seen_as'])})" if one.get("seen_as") else ""
    return f"{one['vehicle_id']}  {one['phenomenon']}, {where}{seen}"
