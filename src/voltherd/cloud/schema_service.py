"""The chain and the service itself, as the API tells them."""

from typing import Literal

from pydantic import ConfigDict, Field

from voltherd.cloud.schema import Location, Number, Shape, Time


class Percentiles(Shape):
    """Of the newest thousand or so [s]."""

    p50: Number
    p99: Number
    samples: int


class Layer(Shape):
    """One layer of the chain now."""

    layer: Literal["vehicle", "edge", "bus", "cloud", "store", "api"]
    title: str
    state: Literal["ok", "warning", "down", "unknown"]
    text: str
    """What the state rests on, for people."""
    messages_per_second: Number
    bytes_per_second: Number
    lag_second: Percentiles | None
    pending: int | None
    figures: dict[str, float | int | str | None]
    """Further figures of this layer, names with units."""


class RoundTrip(Shape):
    """Sensor to cloud and back."""

    sensor_to_cloud_second: Percentiles
    """Frame at the edge to commit in the cloud, wall clock."""
    live_second: Percentiles
    """Frame at the edge to the cloud's live sample, wall clock."""
    cloud_to_edge_second: Percentiles
    """Command sent to its answer received, wall clock."""


class Chain(Shape):
    """The whole chain's traffic, lag and losses."""

    time: Time
    layers: list[Layer]
    round_trip: RoundTrip
    vehicles_online: int
    vehicles_offline: int
    outbox_records: int
    """What edges still hold, as they say."""
    committed_records: int
    duplicate_records: int
    conflict_records: int
    hole_records: int
    """Known to be missing and asked for."""
    lost_records: int
    """Given up: edges had to drop them and said so."""


class Meta(Shape):
    """What this service is."""

    name: str
    version: str
    demo: bool
    speed: float
    """Simulated seconds per second; 1 in real time."""
    can_period_second: Number
    """Between frames, where the demo had to lower the rate."""
    time: Time
    """The fleet's clock; simulated in a demo."""
    started_time: Time
    message: str
    vehicles: int
    signed_in_as: str | None
    sign_in: bool
    """Whether signing in is asked for."""


class Planted(Shape):
    """A fault that a demo has hidden."""

    vehicle_id: str
    phenomenon: str
    location: Location
    finding_id: str | None


class Truth(Shape):
    """What a demo has planted, beside what was found."""

    planted: list[Planted]
    found: list[Planted]
    missed: list[Planted]
    false: list[Planted]


class SignIn(Shape):
    """Who wants to sign in."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    name: str = Field(max_length=120)
    password: str = Field(max_length=1000)


class Session(Shape):
    """Who is signed in."""

    name: str


class Health(Shape):
    """Whether the service lives, or is ready."""

    status: Literal["ok", "starting", "failing"]
    text: str = ""
