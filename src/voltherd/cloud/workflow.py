"""What people do about findings: acknowledged, planned, resolved, with what came of it.

Every step is a document of the asset book, written before anybody is told, so it survives restarts,
joins with telemetry in one query, and later learning can read what each finding turned out to be.
A resolved finding stays resolved until the vehicle gives a new reason: it becomes worse, grows by
half, or ends and begins again.
"""

import hashlib
import json
import secrets
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol, final, runtime_checkable

from voltherd.cloud.finding_names import Known
from voltherd.errors import UsageError
from voltherd.types.event import Severity

KIND: Final = "finding."
"""Documents of these kinds are steps: ``finding.acknowledge``, ``finding.resolve`` …"""
STEPS: Final = ("acknowledge", "note", "work_order", "resolve", "reopen")
OUTCOMES: Final = ("confirmed", "dismissed", "repaired")
GROWN: Final = 1.5
"""A resolved finding whose score has grown by this factor since is to be looked at again."""
VOLTHERD: Final = "voltherd"
"""Who reopens a finding when the vehicle gives a new reason."""


@runtime_checkable
class Kept(Protocol):
    """One document as it was kept."""

    @property
    def vehicle_id(self) -> str:
        """Whose."""
        ...

    @property
    def unix_time_second(self) -> float:
        """When [unix s]."""
        ...

    @property
    def kind(self) -> str:
        """What it is."""
        ...

    @property
    def body(self) -> Mapping[str, Any]:
        """What it says."""
        ...


@runtime_checkable
class Journal(Protocol):
    """Where steps are written down for good."""

    def write(
        self, vehicle_id: str, unix_time_second: float, kind: str, body: Mapping[str, Any]
    ) -> None:
        """Keep a document; durable when this returns.

        Raises:
            StoreError: It could not be kept.
        """
        ...

    def every(self, kind: str) -> Iterable[Kept]:
        """Give every vehicle's documents whose kind begins so, in order of time."""
        ...

    def of_vehicle(self, vehicle_id: str) -> Iterable[Kept]:
        """Give a vehicle's documents in order of time."""
        ...


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing done about a finding.

    Attributes:
        note_id: Its name.
        finding_id: About which.
        vehicle_id: Of which vehicle.
        keys: Names of the alarms behind the finding then.
        kind: One of ``STEPS``.
        unix_time_second: When [unix s].
        by: Who.
        text: What was said.
        outcome: What it turned out to be, empty where nobody has said.
        planned_second: When work is planned, None where it is not [unix s].
        severity: Of the finding then.
        request: Name that the sender gave the request, to be carried out once.
        content: Digest of the request, so that a reused name is noticed.
        phenomenon: Of the finding then, empty in steps of earlier versions.
        score: Of the finding then, 0 in steps of earlier versions.
    """

    note_id: str
    finding_id: str
    vehicle_id: str
    keys: tuple[str, ...]
    kind: str
    unix_time_second: float
    by: str
    text: str
    outcome: str
    planned_second: float | None
    severity: Severity
    request: str
    content: str
    phenomenon: str = ""
    score: float = 0.0


class Standing(NamedTuple):
    """What became of a finding so far.

    Attributes:
        status: ``open``, ``acknowledged`` or ``resolved``.
        acknowledged: The step that acknowledged it, None while open.
        outcome: What it turned out to be, empty where nobody has said.
        planned_second: When work on it is planned.
        notes: Steps so far.
    """

    status: str
    acknowledged: Step | None
    outcome: str
    planned_second: float | None
    notes: int


UNTOUCHED: Final = Standing("open", None, "", None, 0)


class Request(NamedTuple):
    """What somebody wants done.

    Attributes:
        kind: One of ``STEPS``.
        by: Who.
        text: What they say.
        outcome: One of ``OUTCOMES``, or empty.
        planned_second: When work is planned [unix s].
        name: The sender's name of the request; empty for none.
    """

    kind: str
    by: str
    text: str = ""
    outcome: str = ""
    planned_second: float | None = None
    name: str = ""


class Workflow:
    """All steps of a fleet; safe to use from several threads."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lock = threading.Lock()
        self._steps: dict[str, tuple[Step, ...]] = {}
        self._adopted: dict[str, str] = {}
        self._requests: dict[str, Step] = {}
        for document in journal.every(KIND):
            self._enter(_step(document))

    def adopted(self) -> Mapping[str, str]:
        """Give alarm's name to finding's name for all findings that were acted upon."""
        return self._adopted

    def steps(self, finding_id: str) -> tuple[Step, ...]:
        """Give the steps of a finding, oldest first."""
        return self._steps.get(finding_id, ())

    def every(self) -> tuple[Step, ...]:
        """Give all steps of all findings."""
        return tuple(step for steps in list(self._steps.values()) for step in steps)

    def standing(self, finding_id: str) -> Standing:
        """Say what became of a finding so far."""
        return standing(self.steps(finding_id))

    def act(self, known: Known, request: Request, now_second: float) -> Step:
        """Do something about a finding, durably, once per named request.

        Raises:
            UsageError: The request's name was used for something else, or it says nothing.
            StoreError: It could not be written down; nothing has changed.
        """
        if request.kind in ("note", "work_order") and not request.text and not request.outcome:
            raise UsageError("a note without a text", mend="say something in text")
        content = _digest([known.finding_id, *request[:5]])
        with self._lock:
            before = self._requests.get(request.name) if request.name else None
            if before is not None:
                if before.content != content:
                    raise UsageError(
                        f"the request name {request.name[:80]!r} was used for another request",
                        mend="give every request its own Idempotency-Key",
                    )
                return before
            step = Step(
                note_id=secrets.token_hex(8),
                finding_id=known.finding_id,
                vehicle_id=known.finding.vehicle_id,
                keys=known.keys,
                kind=request.kind,
                unix_time_second=now_second,
                by=request.by,
                text=request.text,
                outcome=request.outcome,
                planned_second=request.planned_second,
                severity=known.finding.severity,
                request=request.name,
                content=content,
                phenomenon=known.finding.phenomenon.value,
                score=known.finding.score,
            )
            self._journal.write(step.vehicle_id, now_second, KIND + step.kind, _body(step))
            self._enter(step)
        return step

    def reopened(self, known: Sequence[Known], now_second: float) -> tuple[Step, ...]:
        """Reopen resolved findings that the vehicle has given a new reason for.

        Raises:
            StoreError: It could not be written down.
        """
        done = []
        for each in known:
            why = new_reason(each, self.steps(each.finding_id))
            if why:
                done.append(self.act(each, Request("reopen", VOLTHERD, why), now_second))
        return tuple(done)

    def _enter(self, step: Step) -> None:
        steps = (*self._steps.get(step.finding_id, ()), step)
        self._steps[step.finding_id] = steps
        for key in step.keys:
            self._adopted.setdefault(key, step.finding_id)  # whoever came first keeps it
        if step.request:
            self._requests[step.request] = step


def standing(steps: Sequence[Step]) -> Standing:
    """Say what became of a finding by its steps, oldest first."""
    status, acknowledged, outcome, planned = "open", None, "", None
    for step in steps:
        if step.kind == "acknowledge":
            status, acknowledged = "acknowledged", step
        elif step.kind == "resolve":
            status, planned = "resolved", None
        elif step.kind == "reopen":
            status, acknowledged, outcome = "open", None, ""
        elif step.kind == "work_order":
            planned = step.planned_second
        outcome = step.outcome or outcome
    return Standing(status, acknowledged, outcome, planned, len(steps))


def new_reason(known: Known, steps: Sequence[Step]) -> str:
    """Say why a resolved finding is to be looked at again, nothing where it is not."""
    resolved = next((step for step in reversed(steps) if step.kind in ("resolve", "reopen")), None)
    if resolved is None or resolved.kind == "reopen" or not known.holds:
        return ""
    if known.finding.severity > resolved.severity:
        return f"worse: {known.finding.severity.word}, was {resolved.severity.word}"
    if resolved.score > 0.0 and known.finding.score >= GROWN * resolved.score:
        return f"grown: a score of {known.finding.score:.1f}, was {resolved.score:.1f}"
    if known.begun_second > resolved.unix_time_second:
        return "it had ended and has begun again"
    return ""


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def _body(step: Step) -> dict[str, Any]:
    return {
        "note_id": step.note_id,
        "finding_id": step.finding_id,
        "keys": list(step.keys),
        "by": step.by,
        "text": step.text,
        "outcome": step.outcome,
        "planned_second": step.planned_second,
        "severity": step.severity.word,
        "request": step.request,
        "content": step.content,
        "phenomenon": step.phenomenon,
        "score": step.score,
    }


def _step(document: Kept) -> Step:
    body = document.body
    return Step(
        note_id=str(body["note_id"]),
        finding_id=str(body["finding_id"]),
        vehicle_id=document.vehicle_id,
        keys=tuple(map(str, body["keys"])),
        kind=document.kind.removeprefix(KIND),
        unix_time_second=document.unix_time_second,
        by=str(body["by"]),
        text=str(body["text"]),
        outcome=str(body["outcome"]),
        planned_second=body["planned_second"],
        severity=Severity[str(body["severity"]).upper()],
        request=str(body["request"]),
        content=str(body["content"]),
        phenomenon=str(body.get("phenomenon", "")),
        score=float(body.get("score", 0.0)),
    )
