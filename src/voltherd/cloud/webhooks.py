"""Other services are told of findings: signed, in order, again and again until they have answered.

A notice is on the medium before anything is sent, under a name that says what it is about, so a
restart neither loses nor repeats one.  Headers and signature follow the Standard Webhooks
specification 1.0.0 (``webhook-id``, ``webhook-timestamp``, ``webhook-signature: v1,…``), which
libraries in many languages check.
"""

import base64
import hashlib
import hmac
import json
import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol, final, runtime_checkable

from voltherd.cloud.finding_names import Known
from voltherd.cloud.findings import finding_row
from voltherd.cloud.fleet import Change
from voltherd.cloud.view import VehicleView
from voltherd.cloud.workflow import Step
from voltherd.errors import ServiceError, StoreError
from voltherd.report.words import rfc3339
from voltherd.types.event import Severity

log = logging.getLogger(__name__)
STATED_SECOND: Final = 5.0
"""Within so long a service that answers has been told, once a finding is raised [s]."""
RETRY_SECOND_MIN: Final = 1.0
RETRY_SECOND_MAX: Final = 300.0
GIVE_UP_SECOND: Final = 3 * 86_400.0
"""A notice that nobody wanted for so long is given up, and kept as given up [s]."""
_AT_ONCE: Final = 50
_IDLE_SECOND: Final = 1.0
_GONE: Final = 410


@runtime_checkable
class Message(Protocol):
    """A message on its way."""

    @property
    def number(self) -> int:
        """Its number."""
        ...

    @property
    def name(self) -> str:
        """What it is about, and for whom."""
        ...

    @property
    def body(self) -> bytes:
        """What it says."""
        ...

    @property
    def made_second(self) -> float:
        """When it was made [unix s]."""
        ...

    @property
    def tries(self) -> int:
        """How often it was tried."""
        ...


@runtime_checkable
class Outgoing(Protocol):
    """Where messages wait, restart or not."""

    def put(self, name: str, target: str, vehicle_id: str, body: bytes, now_second: float) -> bool:
        """Keep a message to be delivered; say whether it was new."""
        ...

    def due(self, target: str, now_second: float, limit: int) -> Sequence[Message]:
        """Give a target's messages that are due, the oldest first."""
        ...

    def tried(self, number: int, state: str, trouble: str = "", due_second: float = 0.0) -> None:
        """Note what became of a try: ``delivered``, ``given_up`` or still ``waiting``."""
        ...


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A service to be told.

    Attributes:
        url: Where it is.
        secret: Signs what is sent.
        severity: Findings milder than this are not told.
    """

    url: str
    secret: str
    severity: Severity


class Notice(NamedTuple):
    """A message before it is kept.

    Attributes:
        name: What it is about, and for whom: nobody is told twice.
        target: Where it goes.
        vehicle_id: Of which vehicle.
        body: What it says.
    """

    name: str
    target: str
    vehicle_id: str
    body: bytes


Post = Callable[[str, Mapping[str, str], bytes], int]


class Webhooks:
    """Tells services.

    Args:
        targets: Whom.
        outgoing: Where notices wait.
        post: Sends one; gives the status of the answer.
        steps: Gives what people did about a finding.
        now: Wall time [unix s].
        fleet_now: The fleet's time [unix s].

    Attributes:
        delivered: Told how long each delivery took [s].
    """

    def __init__(
        self,
        targets: Sequence[Target],
        outgoing: Outgoing,
        post: Post,
        steps: Callable[[str], Sequence[Step]],
        now: Callable[[], float],
        fleet_now: Callable[[], float],
    ) -> None:
        self.delivered: Callable[[float], None] = lambda _: None
        self._targets = targets
        self._outgoing = outgoing
        self._post = post
        self._steps = steps
        self._now = now
        self._fleet_now = fleet_now
        self._unkept: deque[Notice] = deque()
        self._news = {target.url: threading.Event() for target in targets}

    def changed(self, change: Change) -> None:
        """Put notices of findings that are new, worse or open again, and within the budget."""
        for view, name in change.findings:
            known = next((each for each in view.known if each.finding_id == name), None)
            if known is None or view.standings[name].status != "open" or not view.asks(name):
                continue
            for target in self._targets:
                if known.finding.severity >= target.severity:
                    self._put(view, known, target)

    def _put(self, view: VehicleView, known: Known, target: Target) -> None:
        reopened = sum(step.kind == "reopen" for step in self._steps(known.finding_id))
        severity = known.finding.severity.word
        name = f"{known.finding_id}.{severity}.{reopened}"
        row = finding_row(view, known, self._fleet_now())
        plain = {
            "type": "finding.reopened" if reopened else "finding.raised",
            "timestamp": rfc3339(self._now()),
            "data": row.model_dump(mode="json"),
        }
        body = json.dumps(plain, allow_nan=False).encode()
        self.keep(Notice(f"{name} {target.url}", target.url, view.vehicle_id, body))

    def keep(self, notice: Notice) -> None:
        """Keep a notice; where the medium refuses, until it accepts again."""
        try:
            self._keep(notice)
        except StoreError as error:
            log.error("%s", error)
            self._unkept.append(notice)

    def _keep(self, notice: Notice) -> None:
        if self._outgoing.put(*notice, self._now()):
            self._news[notice.target].set()

    def loops(self) -> list[Callable[[threading.Event], None]]:
        """Give what delivers, one loop a target: a slow one holds up no other."""
        return [self._loop(target) for target in self._targets]

    def _loop(self, target: Target) -> Callable[[threading.Event], None]:
        def loop(stop: threading.Event) -> None:
            news = self._news[target.url]
            while not stop.is_set():
                news.clear()
                try:
                    busy = self.deliver(target)
                except StoreError as error:
                    log.error("%s", error)
                    busy = False
                if not busy:
                    news.wait(_IDLE_SECOND)

        return loop

    def deliver(self, target: Target) -> bool:
        """Try the notices of a target that are due; say whether there were any.

        Raises:
            StoreError: The medium refuses; nothing was lost.
        """
        while self._unkept:  # what the medium refused before
            self._keep(self._unkept[0])
            self._unkept.popleft()
        due = self._outgoing.due(target.url, self._now(), _AT_ONCE)
        for message in due:
            trouble = ""
            status = 0
            try:
                status = self._post(target.url, self._headers(target, message), message.body)
            except ServiceError as error:
                trouble = str(error)
            now = self._now()
            if 200 <= status < 300:
                self._outgoing.tried(message.number, "delivered")
                self.delivered(now - message.made_second)
                continue
            trouble = trouble or f"answered {status}"
            if status == _GONE or now - message.made_second > GIVE_UP_SECOND:
                log.error("%s gave up telling %s: %s", target.url, message.name, trouble)
                self._outgoing.tried(message.number, "given_up", trouble)
                continue
            pause = min(RETRY_SECOND_MIN * 2.0**message.tries, RETRY_SECOND_MAX)
            self._outgoing.tried(message.number, "waiting", trouble, now + pause)
            break  # those behind wait, too: order is kept, and a service in trouble is left alone
        return bool(due)

    def _headers(self, target: Target, message: Message) -> dict[str, str]:
        stamp = str(int(self._now()))
        identity = "msg_" + hashlib.sha256(message.name.encode()).hexdigest()[:24]
        return {
            "Content-Type": "application/json",
            "User-Agent": "voltherd",
            "webhook-id": identity,
            "webhook-timestamp": stamp,
            "webhook-signature": signature(target.secret, identity, stamp, message.body),
        }


def signature(secret: str, identity: str, timestamp: str, body: bytes) -> str:
    """Sign a message as Standard Webhooks 1.0.0 says.

    Args:
        secret: Any text; one that begins with ``whsec_`` is base64 after that.
        identity: The header ``webhook-id``.
        timestamp: The header ``webhook-timestamp``.
        body: What is sent.

    The specification's own example:

    >>> signature(
    ...     "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    ...     "msg_p5jXN8AQM9LWM0D4loKWxJek",
    ...     "1614265330",
    ...     b'{"test": 2432232314}',
    ... )
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    prefix = "whsec_"
    key = base64.b64decode(secret[len(prefix) :]) if secret.startswith(prefix) else secret.encode()
    signed = f"{identity}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
