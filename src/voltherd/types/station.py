"""What a charging station tells and is answered, whatever protocol carries it.

Times are unix seconds, energy is in watt hours, power in watts; charging is positive.  Ids of EVSEs
count from 1; 0 means the whole station.
"""

from typing import Final, Literal, NamedTuple

ENERGY: Final = "Energy.Active.Import.Register"
POWER: Final = "Power.Active.Import"
SOC: Final = "SoC"
BEGIN: Final = "Transaction.Begin"
END: Final = "Transaction.End"
PERIODIC: Final = "Sample.Periodic"

TransactionKind = Literal["started", "updated", "ended"]
RateUnit = Literal["W", "A"]
Purpose = Literal["station", "default", "transaction"]
"""Whom a profile limits: the whole station, every transaction to come, or one transaction."""


class MeterReading(NamedTuple):
    """One value of a meter.

    Attributes:
        time_second: When it was taken [unix s].
        quantity: What was measured, as OCPP names measurands.
        value: In ``unit``.
        unit: ``W``, ``Wh``, ``A``, ``V``, ``1`` (a fraction) or what the station wrote.
        phase: ``L1`` …; empty for all together.
        context: Why it was taken, as OCPP names contexts.
    """

    time_second: float
    quantity: str
    value: float
    unit: str
    phase: str = ""
    context: str = PERIODIC


class ChargingPeriod(NamedTuple):
    """A limit from a start to the next period's start.

    Attributes:
        start_second: Since the schedule's start [s].
        limit: Of the whole EVSE in watts, or per phase in amperes, as the schedule's unit says.
        phases: How many phases may be used; None leaves it to the station.
    """

    start_second: int
    limit: float
    phases: int | None = None


class ChargingSchedule(NamedTuple):
    """Limits over time.

    Attributes:
        unit: Of the limits.
        periods: Ascending by start, the first at 0.
        start_second: When it begins; None for the transaction's start [unix s].
        duration_second: How long it holds; None for ever [s].
    """

    unit: RateUnit
    periods: tuple[ChargingPeriod, ...]
    start_second: float | None = None
    duration_second: int | None = None


class ChargingProfile(NamedTuple):
    """A schedule with its place among others.

    Attributes:
        profile_id: A number; a profile of the same number is replaced.
        purpose: Whom it limits.
        stack_level: Of profiles of one purpose the one of the highest level counts.
        schedule: The limits.
        transaction_id: The transaction it is for; empty for none.
        valid_from_second: When it begins to count; None for at once [unix s].
        valid_to_second: When it ceases to count; None for never [unix s].
    """

    profile_id: int
    purpose: Purpose
    stack_level: int
    schedule: ChargingSchedule
    transaction_id: str = ""
    valid_from_second: float | None = None
    valid_to_second: float | None = None


# What a station tells.


class Booted(NamedTuple):
    """A station has started."""

    vendor: str
    model: str
    serial: str = ""
    firmware: str = ""
    reason: str = ""


class Alive(NamedTuple):
    """A station is still there."""


class TokenAsked(NamedTuple):
    """Somebody wants to charge."""

    id_token: str


class StatusTold(NamedTuple):
    """How a connector stands."""

    evse_id: int
    connector_id: int
    status: str
    time_second: float
    error: str = ""


class TransactionTold(NamedTuple):
    """Something about a transaction.

    Attributes:
        kind: Whether it began, went on or ended.
        transaction_id: Empty where the central system is to give one.
        time_second: When it happened, by the station's clock [unix s].
        seq_no: The station's count of events; None where it has none.
        evse_id: Where; 0 where not told.
        connector_id: Which plug; 0 where not told.
        id_token: Who; empty where not told.
        readings: Of the meter.
        reason: Why it ended.
        state: ``Charging``, ``SuspendedEV`` …; empty where not told.
        offline: Whether it happened without a connection.
        reservation_id: The reservation it uses up.
        remote_start_id: The request it follows.
    """

    kind: TransactionKind
    transaction_id: str
    time_second: float
    seq_no: int | None = None
    evse_id: int = 0
    connector_id: int = 0
    id_token: str = ""
    readings: tuple[MeterReading, ...] = ()
    reason: str = ""
    state: str = ""
    offline: bool = False
    reservation_id: int | None = None
    remote_start_id: int | None = None


class MeterTold(NamedTuple):
    """Values of a meter; the transaction is empty where none runs."""

    evse_id: int
    readings: tuple[MeterReading, ...]
    transaction_id: str = ""


class ProgressTold(NamedTuple):
    """How far an update or an upload is."""

    what: Literal["firmware", "diagnostics", "log"]
    status: str
    request_id: int | None = None


class SecurityTold(NamedTuple):
    """Something that touches security."""

    kind: str
    time_second: float
    detail: str = ""


class NeedsTold(NamedTuple):
    """What a vehicle asks for (ISO 15118, passed on by its station).

    Attributes:
        evse_id: Where it stands.
        transfer: ``DC``, ``AC_three_phase`` …
        departure_second: When it leaves; None where not told [unix s].
        energy_wh: How much it wants; None where not told [Wh].
        power_watt_max: The most it takes; None where not told [W].
        capacity_wh: Of its battery; None where not told [Wh].
        soc_fraction: Now; None where not told.
        drawn_wh: What it had drawn by then since it came: it may ask anew while it charges.  Found
            by the central system, told by no station [Wh].
    """

    evse_id: int
    transfer: str
    departure_second: float | None = None
    energy_wh: float | None = None
    power_watt_max: float | None = None
    capacity_wh: float | None = None
    soc_fraction: float | None = None
    drawn_wh: float = 0.0


class ReservationTold(NamedTuple):
    """A reservation has come to an end at the station."""

    reservation_id: int
    status: str


class DataTold(NamedTuple):
    """A vendor's own message."""

    vendor: str
    message: str = ""
    data: str = ""


class Noted(NamedTuple):
    """A valid message that changes nothing in the books."""

    action: str


StationEvent = (
    Booted
    | Alive
    | TokenAsked
    | StatusTold
    | TransactionTold
    | MeterTold
    | ProgressTold
    | SecurityTold
    | NeedsTold
    | ReservationTold
    | DataTold
    | Noted
)


# What the central system answers.


class TokenVerdict(NamedTuple):
    """Whether somebody may charge: ``Accepted``, ``Blocked``, ``Expired`` or another such word.

    ``expiry_second`` is when that ends [unix s], ``group`` whom it belongs to.
    """

    status: str
    expiry_second: float | None = None
    group: str = ""


class BootAnswer(NamedTuple):
    """Whether a station is accepted, when it is to say that it is alive, and what time it is."""

    status: Literal["Accepted", "Pending", "Rejected"]
    interval_second: int
    time_second: float


class TimeAnswer(NamedTuple):
    """What time it is [unix s]."""

    time_second: float


class TransactionAnswer(NamedTuple):
    """The number of a transaction, and whether who asked may charge (None: nobody asked)."""

    transaction_id: str
    verdict: TokenVerdict | None = None


class StatusAnswer(NamedTuple):
    """A word."""

    status: str


class PlainAnswer(NamedTuple):
    """Heard."""


StationAnswer = (
    BootAnswer | TimeAnswer | TokenVerdict | TransactionAnswer | StatusAnswer | PlainAnswer
)
