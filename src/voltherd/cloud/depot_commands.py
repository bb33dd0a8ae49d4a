"""What a person may have a station of a depot do: what is named here, and nothing else.

None of it raises a limit.  Profiles are the guard's alone and have no name here, a transaction that
is begun waits for the guard like any other, chargers that follow no limits are begun by nobody, and
of a station's settings only those can be set that touch neither what it draws nor what it tells of
that.
"""

import secrets
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, time, timedelta
from math import isfinite
from typing import Final, NamedTuple
from urllib.parse import urlsplit, urlunsplit
from zoneinfo import ZoneInfo

from voltherd.charging.central import Central, verdict_of
from voltherd.errors import UsageError
from voltherd.types.station_command import (
    CancelReservation,
    GetDiagnostics,
    GetSchedule,
    RemoteStart,
    RemoteStop,
    Reset,
    SetAvailability,
    SetSetting,
    StationCommand,
    Unlock,
    UpdateFirmware,
)

NUMBER_MAX: Final = (1 << 31) - 1
"""OCPP numbers are 32 bits with a sign."""
URL_LENGTH_MAX: Final = 512
_SCHEMES: Final = ("ftp", "ftps", "http", "https", "sftp")
_VALUE_LENGTH_MAX: Final = 500
SETTABLE: Final = frozenset(
    {
        # OCPP 1.6 edition 2, 9
        "AllowOfflineTxForUnknownId",
        "AuthorizationCacheEnabled",
        "AuthorizeRemoteTxRequests",
        "BlinkRepeat",
        "ConnectionTimeOut",
        "HeartbeatInterval",
        "LightIntensity",
        "LocalAuthListEnabled",
        "LocalAuthorizeOffline",
        "LocalPreAuthorize",
        "ResetRetries",
        "StopTransactionOnEVSideDisconnect",
        "StopTransactionOnInvalidId",
        "UnlockConnectorOnEVSideDisconnect",
        "WebSocketPingInterval",
        # OCPP 2.0.1 edition 3, part 2, referenced components and variables
        "AuthCacheCtrlr.Enabled",
        "AuthCacheCtrlr.LifeTime",
        "AuthCtrlr.AuthorizeRemoteStart",
        "AuthCtrlr.LocalAuthorizeOffline",
        "AuthCtrlr.LocalPreAuthorize",
        "AuthCtrlr.OfflineTxForUnknownIdEnabled",
        "LocalAuthListCtrlr.Enabled",
        "OCPPCommCtrlr.HeartbeatInterval",
        "OCPPCommCtrlr.ResetRetries",
        "OCPPCommCtrlr.UnlockOnEVSideDisconnect",
        "OCPPCommCtrlr.WebSocketPingInterval",
        "TxCtrlr.EVConnectionTimeOut",
        "TxCtrlr.StopTxOnEVSideDisconnect",
        "TxCtrlr.StopTxOnInvalidId",
    }
)
"""Settings that touch neither what a station draws nor what it tells of that."""


class Here(NamedTuple):
    """What a command is understood by.

    Attributes:
        central: The books.
        station_id: Whom it is for.
        evses: Which EVSEs it has, by the site file.
        zone: Of the site.
        now_second: [unix s].
        switched: Those that follow no profile: begun from afar they draw all that they can.
    """

    central: Central
    station_id: str
    evses: Collection[int]
    zone: ZoneInfo
    now_second: float
    switched: Collection[int] = ()


Words = Mapping[str, str]


def command_of(what: str, words: Words, here: Here) -> StationCommand:
    """Make a command of what a person typed.

    Args:
        what: Its name.
        words: Its arguments by name.
        here: What it is understood by.

    Raises:
        UsageError: There is none of that name, or it makes no sense there.
    """
    found = COMMANDS.get(what)
    if found is None:
        raise UsageError(f"no command is called {what[:40]!r}", mend=f"take {', '.join(COMMANDS)}")
    names, make = found
    for name in words.keys() - names:
        raise UsageError(f"{what} takes no {name[:40]!r}")
    return make(words, here)


def moment_told(text: str, zone: ZoneInfo, now_second: float) -> float:
    """Read a time of day, which is the next one, or a date with a time [unix s].

    Args:
        text: As 18:30, 2026-05-01T18:30 or with a zone of its own.
        zone: Of the site, where the text names none.
        now_second: [unix s].

    Raises:
        UsageError: It is neither.
    """
    now = datetime.fromtimestamp(now_second, UTC).astimezone(zone)
    try:
        if "T" not in text and " " not in text.strip():
            clock = time.fromisoformat(text.strip())
            days = (now.date() + timedelta(days=n) for n in range(3))
            here = clock.tzinfo or zone
            at = (datetime.combine(day, clock, here) for day in days)
            both = (one.replace(fold=fold).timestamp() for one in at for fold in (0, 1))
            return next(second for second in both if second > now_second)
        told = datetime.fromisoformat(text.strip())
        return (told if told.tzinfo else told.replace(tzinfo=zone)).timestamp()
    except (ValueError, OverflowError) as error:
        raise UsageError(
            f"{text[:40]!r} is no time", mend="give 18:30, or 2026-05-01T18:30"
        ) from error


def token_told(words: Words, central: Central, now_second: float) -> str:
    """Read who is to charge.

    Raises:
        UsageError: Nobody, or somebody who may not.
    """
    token = words.get("token", "")
    status = verdict_of(central, token, now_second).status
    if status != "Accepted":
        raise UsageError(
            f"token {token[:40]!r} may not charge here ({status})",
            mend="the site file names vehicles' tokens and those of visitors",
        )
    return token


def without_password(words: Words) -> dict[str, str]:
    """Give words as they may be kept: what an upload's address says of passwords is not."""
    kept = dict(words)
    if "url" in kept:
        try:
            parts = urlsplit(kept["url"])
        except ValueError:
            return kept | {"url": "..."}
        if parts.username is not None:
            netloc = f"...@{parts.netloc.rpartition('@')[2]}"
            kept["url"] = urlunsplit(parts._replace(netloc=netloc))
    return kept


def new_number() -> int:
    """Give a number that nobody else has: chance makes twice the same unlikely."""
    return secrets.randbelow(NUMBER_MAX) + 1


def _start(words: Words, here: Here) -> StationCommand:
    token = token_told(words, here.central, here.now_second)
    evse = _evse(words, here, 1)
    if evse in here.switched:
        raise UsageError(
            f"{here.station_id} EVSE {evse} follows no limits, so the depot alone starts it",
            mend="show the card there; control is start_stop in the site file",
        )
    return RemoteStart(token, evse, new_number())


def _stop(words: Words, here: Here) -> StationCommand:
    if words.get("transaction"):
        return RemoteStop(words["transaction"])
    book = here.central.stations.get(here.station_id)
    running = sorted(book.open_ids) if book is not None else []
    if len(running) != 1:
        told = f"these go on: {', '.join(running)}" if running else "none goes on there"
        raise UsageError(f"which transaction is to stop? {told}", mend="give --transaction")
    return RemoteStop(running[0])


def _availability(words: Words, here: Here) -> StationCommand:
    told = words.get("to", "")
    if told not in ("operative", "inoperative"):
        raise UsageError(f"{told[:40]!r} is no availability", mend="say operative or inoperative")
    return SetAvailability(_evse(words, here, 0), told == "operative")


def _cancel(words: Words, here: Here) -> StationCommand:
    number = _whole(words, "reservation")
    book = here.central.stations.get(here.station_id)
    if book is None or number not in book.reservations:
        raise UsageError(f"no reservation {number} at {here.station_id}")
    return CancelReservation(number)


def _firmware(words: Words, here: Here) -> StationCommand:
    at = words.get("at")
    second = here.now_second if at is None else moment_told(at, here.zone, here.now_second)
    return UpdateFirmware(_url(words), second, new_number())


def _setting(words: Words, here: Here) -> StationCommand:
    name, value = words.get("name", ""), words.get("value", "")
    if name not in SETTABLE:
        raise UsageError(
            f"{name[:50]!r} is not set from here",
            mend="only settings that touch neither power nor meters are",
        )
    if not value or len(value) > _VALUE_LENGTH_MAX or not value.isprintable():
        raise UsageError(f"no value of {name}", mend="give 1 to 500 printable characters")
    return SetSetting(name, value)


def _schedule(words: Words, here: Here) -> StationCommand:
    hours = words.get("hours", "24")
    try:
        seconds = float(hours) * 3600.0
    except ValueError:
        seconds = -1.0
    if not (isfinite(seconds) and 1.0 <= seconds <= 7 * 86_400.0):
        raise UsageError(f"{hours[:40]!r} are no hours", mend="give up to 168")
    return GetSchedule(_evse(words, here, 1), int(seconds))


def _evse(words: Words, here: Here, usual: int) -> int:
    """Read an EVSE; 0 is the whole station where that makes sense."""
    evse = _whole(words, "evse") if "evse" in words else usual
    if evse not in here.evses and (evse or usual):
        known = ", ".join(str(one) for one in sorted(here.evses))
        raise UsageError(f"{here.station_id} has no EVSE {evse}", mend=f"the site file has {known}")
    return evse


def _whole(words: Words, name: str) -> int:
    text = words.get(name, "")
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= NUMBER_MAX):
        raise UsageError(f"{text[:40]!r} is no number", where=name, mend="give a whole one, from 0")
    return int(text)


def _url(words: Words) -> str:
    """Read an address for files."""
    url = words.get("url", "")
    try:
        parts = urlsplit(url)
        sound = bool(parts.hostname) and parts.scheme in _SCHEMES and parts.port != 0
    except ValueError:
        sound = False
    plain = url.isascii() and url.isprintable() and " " not in url and len(url) <= URL_LENGTH_MAX
    if not (sound and plain):
        raise UsageError(
            f"{without_password(words).get('url', '')[:80]!r} is no address for files",
            mend=f"begin it with {', '.join(_SCHEMES)} and name a host",
        )
    return url


COMMANDS: Final[Mapping[str, tuple[frozenset[str], Callable[[Words, Here], StationCommand]]]] = {
    "availability": (frozenset({"to", "evse"}), _availability),
    "cancel": (frozenset({"reservation"}), _cancel),
    "diagnostics": (frozenset({"url"}), lambda w, _: GetDiagnostics(_url(w), new_number())),
    "firmware": (frozenset({"url", "at"}), _firmware),
    "reset": (frozenset({"hard"}), lambda w, _: Reset(immediate="hard" in w)),
    "schedule": (frozenset({"evse", "hours"}), _schedule),
    "setting": (frozenset({"name", "value"}), _setting),
    "start": (frozenset({"token", "evse"}), _start),
    "stop": (frozenset({"transaction"}), _stop),
    "unlock": (frozenset({"evse"}), lambda w, h: Unlock(_evse(w, h, 1))),
}
"""Every command, with the names of its arguments and what makes it."""
