"""What charging stations are asked for and answer, and calls as they travel."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from voltherd.types.station import ChargingProfile, ChargingSchedule, Purpose, RateUnit

# What the central system asks for.


class SetProfile(NamedTuple):
    """Hold to a profile."""

    evse_id: int
    profile: ChargingProfile


class ClearProfiles(NamedTuple):
    """Forget profiles: the one of a number, or all that fit what is given."""

    profile_id: int | None = None
    evse_id: int | None = None
    purpose: Purpose | None = None
    stack_level: int | None = None


class GetSchedule(NamedTuple):
    """Say which limits hold from now on."""

    evse_id: int
    duration_second: int
    unit: RateUnit | None = None


class RemoteStart(NamedTuple):
    """Begin a transaction."""

    id_token: str
    evse_id: int | None
    remote_start_id: int
    profile: ChargingProfile | None = None


class RemoteStop(NamedTuple):
    """End a transaction."""

    transaction_id: str


class Unlock(NamedTuple):
    """Let go of a plug."""

    evse_id: int
    connector_id: int = 1


class Reset(NamedTuple):
    """Start anew, at once or when nobody charges."""

    immediate: bool = False


class SetAvailability(NamedTuple):
    """Serve, or do not."""

    evse_id: int
    operative: bool


class Reserve(NamedTuple):
    """Keep an EVSE for somebody."""

    reservation_id: int
    evse_id: int
    id_token: str
    expiry_second: float


class CancelReservation(NamedTuple):
    """Keep it no longer."""

    reservation_id: int


class GetSettings(NamedTuple):
    """Say how the station is set; 2.0.1 names are ``Component.Variable``."""

    names: tuple[str, ...]


class SetSetting(NamedTuple):
    """Set the station; 2.0.1 names are ``Component.Variable``."""

    name: str
    value: str


class Trigger(NamedTuple):
    """Send a message now, named as OCPP names it."""

    message: str
    evse_id: int | None = None


class ClearCache(NamedTuple):
    """Forget who was allowed."""


class SendTokens(NamedTuple):
    """Allow these without asking, in place of the list of before."""

    version: int
    tokens: tuple[str, ...]


class GetTokensVersion(NamedTuple):
    """Say which list of tokens is there."""


class UpdateFirmware(NamedTuple):
    """Fetch firmware and install it."""

    location: str
    retrieve_second: float
    request_id: int = 0


class GetDiagnostics(NamedTuple):
    """Upload logs."""

    location: str
    request_id: int = 0


class SendData(NamedTuple):
    """A vendor's own message."""

    vendor: str
    message: str = ""
    data: str = ""


StationCommand = (
    SetProfile
    | ClearProfiles
    | GetSchedule
    | RemoteStart
    | RemoteStop
    | Unlock
    | Reset
    | SetAvailability
    | Reserve
    | CancelReservation
    | GetSettings
    | SetSetting
    | Trigger
    | ClearCache
    | SendTokens
    | GetTokensVersion
    | UpdateFirmware
    | GetDiagnostics
    | SendData
)


# What a station answers.


class Outcome(NamedTuple):
    """``Accepted``, ``Rejected`` or another of the protocol's words."""

    status: str
    detail: str = ""


class ScheduleTold(NamedTuple):
    """The limits a station says it holds to; None where it says none."""

    status: str
    schedule: ChargingSchedule | None = None
    evse_id: int = 0


class SettingsTold(NamedTuple):
    """How a station is set, by name, and the names it does not know."""

    values: Mapping[str, str]
    unknown: tuple[str, ...] = ()


class TokensVersionTold(NamedTuple):
    """Which list of tokens a station has."""

    version: int


StationResult = Outcome | ScheduleTold | SettingsTold | TokensVersionTold


class Refused(NamedTuple):
    """A protocol error in place of an answer."""

    code: str
    description: str = ""


# Calls as they travel, before anybody has understood them.


class StationCall(NamedTuple):
    """A station's request as it was heard.

    Attributes:
        station_id: Whose.
        version: Of OCPP.
        message_id: Of the frame.
        action: What it asks for.
        payload: With what.
        heard_second: When it was heard [unix s].
    """

    station_id: str
    version: Literal["1.6", "2.0.1", "2.1"]
    message_id: str
    action: str
    payload: Mapping[str, Any]
    heard_second: float


class StationReply(NamedTuple):
    """What is answered, and what the station is to be asked for afterwards."""

    payload: Mapping[str, Any] | Refused
    commands: tuple[StationCommand, ...] = ()
