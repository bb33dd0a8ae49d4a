"""A vehicle's life as a list: what its edge told, what was found and done, what was lost."""

from collections.abc import Iterable, Sequence
from math import inf
from typing import Final, Protocol, runtime_checkable

from voltherd.cloud.finding_names import Known
from voltherd.cloud.rows import headline
from voltherd.cloud.schema_vehicles import Event, Gap
from voltherd.cloud.workflow import KIND, Journal, Kept
from voltherd.report.words import clean, count, rfc3339
from voltherd.types.record import EdgeEvent, GapReason, Record, RecordKind
from voltherd.types.record import Gap as LostRecords
from voltherd.wire.envelope import decode_event, decode_gap

_WHY_LOST: Final = {
    GapReason.FULL: "the edge's outbox was full",
    GapReason.DISK: "the edge's disk refused to write",
    GapReason.THINNED: "the edge thinned raw samples; what remains was sent again",
}
_TEXT_MAX: Final = 2_000


@runtime_checkable
class Records(Protocol):
    """Records that are no telemetry."""

    def events(
        self, vehicle_id: str, start_second: float = -inf, stop_second: float = inf
    ) -> Iterable[Record]:
        """Give a vehicle's event and gap records that speak of a time span."""
        ...

    def epochs(self, vehicle_id: str) -> tuple[int, ...]:
        """Give the boots of its edge of which there are records, ascending."""
        ...


def life(
    records: Records, journal: Journal, vehicle_id: str, known: Sequence[Known]
) -> list[Event]:
    """Give everything that happened to a vehicle, newest first."""
    found = [
        *(_record(record) for record in records.events(vehicle_id)),
        *(_document(document) for document in journal.of_vehicle(vehicle_id)),
        *(_finding(each) for each in known),
    ]
    return sorted(found, key=lambda event: (-event.unix_second, event.kind, event.code))


def lost_spans(
    records: Records, vehicle_id: str, start_second: float, stop_second: float
) -> list[Gap]:
    """Give spans of which an edge said that they are lost for good."""
    gaps = [
        decode_gap(record.body)
        for record in records.events(vehicle_id, start_second, stop_second)
        if record.kind is RecordKind.GAP
    ]
    return [
        Gap(start_second=g.first_second, stop_second=g.last_second, reason=_WHY_LOST[g.reason])
        for g in gaps
        if g.reason is not GapReason.THINNED
    ]


def _record(record: Record) -> Event:
    if record.kind is RecordKind.GAP:
        return _gap(decode_gap(record.body))
    return _edge_event(decode_event(record.body))


def _edge_event(event: EdgeEvent) -> Event:
    return Event(
        time=rfc3339(event.unix_time_second),
        unix_second=event.unix_time_second,
        kind="event",
        severity=event.severity.word,  # type: ignore[arg-type]
        code=clean(event.code),
        raised=event.raised,
        text=clean(event.text)[:_TEXT_MAX],
        cells=list(event.cells),
        value=event.value,
        unit=clean(event.unit),
        finding_id=None,
        by=None,
    )


def _gap(gap: LostRecords) -> Event:
    records = sum(dropped.last - dropped.first + 1 for dropped in gap.dropped)
    return Event(
        time=rfc3339(gap.first_second),
        unix_second=gap.first_second,
        kind="gap",
        severity="operating",
        code=f"records.{gap.reason.name.lower()}",
        raised=True,
        text=f"{count(records, 'record')} with {count(gap.rows, 'row')}: {_WHY_LOST[gap.reason]}",
        cells=[],
        value=gap.last_second - gap.first_second,
        unit="s",
        finding_id=None,
        by=None,
    )


def _finding(known: Known) -> Event:
    finding = known.finding
    return Event(
        time=rfc3339(finding.raised_second),
        unix_second=finding.raised_second,
        kind="finding",
        severity=finding.severity.word,  # type: ignore[arg-type]
        code=finding.phenomenon.value,
        raised=known.holds,
        text=headline(known),
        cells=list(finding.location.cells),
        value=finding.confidence,
        unit="1",
        finding_id=known.finding_id,
        by=None,
    )


def _document(document: Kept) -> Event:
    body = document.body
    step = document.kind.startswith(KIND)
    text = body.get("text") or body.get("note") or ""
    return Event(
        time=rfc3339(document.unix_time_second),
        unix_second=document.unix_time_second,
        kind="document",
        severity=None,
        code=clean(document.kind),
        raised=True,
        text=clean(str(text))[:_TEXT_MAX],
        cells=[],
        value=None,
        unit="",
        finding_id=str(body["finding_id"]) if step else None,
        by=clean(str(body["by"])) if "by" in body else None,
    )
