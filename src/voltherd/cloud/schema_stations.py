"""Charging stations and their sessions as the API tells them."""

from voltherd.cloud.schema import Shape, Time


class Share(Shape):
    """A share with what it lies between."""

    value: float
    low: float
    high: float


class ConnectorNow(Shape):
    """How a connector stands."""

    evse: int
    connector: int
    status: str
    since: Time | None
    error: str


class FaultToCome(Shape):
    """How likely a fault is within seven days."""

    chance: Share | None
    """With 90 % confidence; null while it cannot be told."""
    text: str
    """Why it cannot be told, or by which law it is."""
    faults: int
    """How many it rests on."""


class FaultSpell(Shape):
    """A time in which a connector was faulty."""

    begin: Time | None
    end: Time | None
    """Null while it is."""
    evse: int
    error: str


class Silence(Shape):
    """A time in which a station said nothing for longer than it may."""

    begin: Time | None
    end: Time | None


class Oddity(Shape):
    """Something that a station did otherwise than the protocol or its orders say."""

    text: str
    times: int
    last: Time | None


class SessionLine(Shape):
    """A charging session in a list."""

    session: str
    evse: int
    who: str
    begin: Time | None
    end: Time | None
    """Null while it goes on."""
    energy_kwh: float
    """By the meter."""
    ended_by: str
    """Why it ended, in the station's word."""


class StationLine(Shape):
    """A charging station in a list."""

    station: str
    maker: str
    model: str
    firmware: str
    protocol: str
    heard: Time | None
    """When it was last heard."""
    connectors: list[ConnectorNow]
    available_fraction: float | None
    """Share of the last 30 days, as far as known, in which connectors could be used."""
    known_since: Time | None
    faults: int
    silences: int
    oddities: int
    outlook: FaultToCome


class StationDetail(StationLine):
    """A charging station with its past."""

    fault_spells: list[FaultSpell]
    silence_spells: list[Silence]
    odd: list[Oddity]
    sessions: list[SessionLine]


class StationList(Shape):
    """All charging stations that were ever heard."""

    items: list[StationLine]


class PowerCourse(Shape):
    """Power over a session."""

    time: list[Time]
    kilowatt: list[float]


class LimitCourse(Shape):
    """What a station was told, as steps."""

    time: list[Time]
    kilowatt: list[float | None]
    """From the moment on; null where there was no limit."""


class SessionDetail(SessionLine):
    """One charging session."""

    station: str
    meter_begin_kwh: float | None
    """The register at the start."""
    meter_end_kwh: float | None
    """The register at the end, or as last told."""
    power: PowerCourse
    allowed: LimitCourse
    cost_eur: float | None
    """Of its energy; null while a price of its time is not known."""
    efficiency: Share | None
    """Share of the metered energy that arrived in the battery; null while that is not known."""
    missing: int
    """How many numbered messages of it were never heard."""
    flags: list[str]
    """``meter_jump``, ``clock_ahead``: what is to be looked at before it is billed."""
    offline: bool
    """Whether part of it was told late."""
