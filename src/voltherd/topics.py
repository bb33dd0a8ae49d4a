"""THE table of topics between edge and cloud: who speaks, how surely, what stays.

``voltherd/v1/{site}/{vehicle}/{leaf}``.  One producer per topic.  Nothing depends on a feature that
MQTT 3.1.1 lacks; correlation travels in the envelope (``voltherd.wire``).
"""

from dataclasses import dataclass
from typing import Final, NamedTuple, final

from voltherd.errors import UsageError
from voltherd.types.bus_name import is_bus_name

ROOT: Final = "voltherd/v1"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TopicSpec:
    """One row of the table.

    Attributes:
        leaf: Last level of the topic.
        producer: ``edge`` or ``cloud``.
        qos: MQTT quality of service; live samples go with 0.
        retain: Whether the broker keeps the last one.
        kept_on_edge: Whether the edge keeps it until the cloud has committed it.
        rate: How often, for people.
        content: What its envelopes hold, for people.
    """

    leaf: str
    producer: str
    qos: int
    retain: bool
    kept_on_edge: bool
    rate: str
    content: str


TOPICS: Final = {
    spec.leaf: spec
    for spec in (
        TopicSpec(
            leaf="telemetry",
            producer="edge",
            qos=1,
            retain=False,
            kept_on_edge=True,
            rate="one chunk a minute; live samples at the cycle's rate while somebody watches",
            content="telemetry records; live samples (not kept, quality of service 0)",
        ),
        TopicSpec(
            leaf="event",
            producer="edge",
            qos=1,
            retain=False,
            kept_on_edge=True,
            rate="as it happens",
            content="event and gap records",
        ),
        TopicSpec(
            leaf="state",
            producer="edge",
            qos=1,
            retain=True,
            kept_on_edge=False,
            rate="on connection, on change, every 30 s; the last will says offline",
            content="what the edge says of itself",
        ),
        TopicSpec(
            leaf="command",
            producer="cloud",
            qos=1,
            retain=False,
            kept_on_edge=False,
            rate="as asked",
            content="requests; the edge's gate decides",
        ),
        TopicSpec(
            leaf="ack",
            producer="cloud",
            qos=1,
            retain=False,
            kept_on_edge=False,
            rate="after each commit",
            content="what is committed, what is missing",
        ),
    )
}


class Address(NamedTuple):
    """A topic taken apart."""

    site_id: str
    vehicle_id: str
    leaf: str


def topic(site_id: str, vehicle_id: str, leaf: str) -> str:
    """Name a topic.

    Raises:
        UsageError: A name that a topic cannot hold.

    >>> topic("depot-1", "bus-7", "telemetry")
    'voltherd/v1/depot-1/bus-7/telemetry'
    """
    assert leaf in TOPICS
    for what, name in (("site", site_id), ("vehicle", vehicle_id)):
        if not is_bus_name(name):
            raise UsageError(
                f"{name[:80]!r} cannot be the name of a {what} on the bus",
                mend="use 1 to 64 letters, digits and . _ ~ -, beginning with a letter or digit",
            )
    return f"{ROOT}/{site_id}/{vehicle_id}/{leaf}"


def address(text: str) -> Address | None:
    """Take a topic apart, None for what is none of ours.

    >>> address("voltherd/v1/depot-1/bus-7/ack")
    Address(site_id='depot-1', vehicle_id='bus-7', leaf='ack')
    >>> address("voltherd/v1/+/bus-7/ack") is None
    True
    """
    parts = text.split("/")
    if len(parts) != 5 or "/".join(parts[:2]) != ROOT or parts[4] not in TOPICS:
        return None
    if not (is_bus_name(parts[2]) and is_bus_name(parts[3])):
        return None
    return Address(*parts[2:])


def every_vehicle(leaf: str) -> str:
    """Give the filter under which a leaf of all vehicles is heard.

    >>> every_vehicle("event")
    'voltherd/v1/+/+/event'
    """
    assert leaf in TOPICS
    return f"{ROOT}/+/+/{leaf}"
