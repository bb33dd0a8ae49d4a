"""What vehicles, stations, the depot and the grid said to each other, from what a depot kept.

Stations' calls and what they answered to limits are in the journal, limits and power of the
connection in what a depot that runs tells of itself.  What a depot answers to a call is not kept.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from voltherd.cloud.depot import (
    COMMANDED,
    HELD,
    LEARNED,
    PAUSED,
    PROFILED,
    RESERVED,
    SETTLED,
    SILENT,
)
from voltherd.errors import UnreadableError
from voltherd.ports import CallJournal
from voltherd.types.depot_now import DepotNow
from voltherd.types.depot_trace import (
    DEPOT,
    FROM_GRID,
    OPERATOR,
    STATION,
    TO_GRID,
    VEHICLE,
    Message,
)
from voltherd.types.station import (
    ENERGY,
    POWER,
    SOC,
    Booted,
    ChargingProfile,
    ChargingSchedule,
    MeterReading,
    MeterTold,
    NeedsTold,
    StationEvent,
    StatusTold,
    TokenAsked,
    TransactionTold,
)
from voltherd.types.station_command import Reserve, StationCall
from voltherd.wire.ocpp import DIALECTS
from voltherd.wire.ocpp_fields import UnusableError
from voltherd.wire.plain import from_plain

_AT_ONCE: Final = 1000
_PERIODS: Final = 3
_VEHICLE_SAYS: Final = frozenset({"NotifyEVChargingNeeds", "NotifyEVChargingSchedule"})
_KINDS: Final = {"started": "charging begins", "updated": "", "ended": "charging ends"}


def traced(
    journal: CallJournal, now: DepotNow | None, station: str | None, last: int | None
) -> list[Message]:
    """Give what was said, in the order of time.

    Args:
        journal: What stations told.
        now: What the depot told of itself last; without it nothing is known of the grid.
        station: Only what one station says or is told; all, and the grid, where None.
        last: So many messages at most, the latest.
    """
    zone = ZoneInfo("UTC" if now is None else now.zone)
    kept: deque[Message] = deque(maxlen=last)
    for call in _calls(journal, station):
        kept.extend(_messages(call, zone))
    grid = [] if now is None or station is not None else _grid(now)
    found = sorted([*kept, *grid], key=lambda one: one.second)
    return found if last is None else found[-last:]


def _calls(journal: CallJournal, station: str | None) -> Iterator[StationCall]:
    """Give calls, those without a time of their own with that of the call before."""
    number, second = 0, 0.0
    while calls := journal.calls(number, _AT_ONCE):
        for number, call in calls:  # noqa: B007  the last number goes on
            second = call.heard_second or second
            if station in (None, call.station_id):
                yield call._replace(heard_second=second)


def _messages(call: StationCall, zone: ZoneInfo) -> Iterator[Message]:
    """Give what was said as one entry of the journal says it."""
    own = _OWN.get(call.action)
    if own is None:
        way = VEHICLE if call.action in _VEHICLE_SAYS else STATION
        said = [(way, call.action, _heard(call, zone))]
    else:
        try:
            said = own(call.payload, zone)
        except (UnreadableError, LookupError, TypeError, ValueError):
            said = [(STATION, call.action, "kept by another version")]
    for way, action, text in said:
        yield Message(call.heard_second, call.station_id, way, action, text)


def _grid(now: DepotNow) -> Iterator[Message]:
    """Give what the connection allowed and cost, and what was drawn from it, step by step."""
    for one in now.past:
        allowed = f"up to {one.limit_kilowatt:.1f} kW, {one.price_eur_per_kwh:.3f} EUR/kWh"
        yield Message(one.begin_second, "", FROM_GRID, "limit", allowed)
        end = min(one.begin_second + now.step_second, now.now_second)
        drawn = f"{one.site_kilowatt:.1f} kW drawn, {one.highest_kilowatt:.1f} at most"
        text = f"{drawn}; vehicles {one.vehicles_kilowatt:.1f} kW"
        yield Message(end, "", TO_GRID, "drawn", text)


def _heard(call: StationCall, zone: ZoneInfo) -> str:
    """Say what a station says in a call."""
    try:
        read = DIALECTS[call.version].decode_event(call.action, call.payload, call.heard_second)
    except UnusableError as error:
        return f"not understood: {error.what}"
    return "" if read is None else _event(read[0], zone)


def _event(event: StationEvent, zone: ZoneInfo) -> str:
    match event:
        case Booted():
            return _joined(f"{event.vendor} {event.model} {event.firmware}".strip(), event.reason)
        case TokenAsked():
            return f"may {event.id_token} charge?"
        case StatusTold():
            return _joined(f"EVSE {event.evse_id}", event.status, event.error)
        case MeterTold():
            return _joined(f"EVSE {event.evse_id}", _readings(event.readings))
        case NeedsTold():
            return _needs(event, zone)
        case TransactionTold():
            return _joined(
                f"EVSE {event.evse_id}" if event.evse_id else "",
                _KINDS[event.kind],
                event.id_token,
                event.reason,
                event.state,
                _readings(event.readings),
                "told later" if event.offline else "",
            )
    return ""


def _needs(event: NeedsTold, zone: ZoneInfo) -> str:
    """Say what a vehicle asks for; what it does not tell is left out."""
    departs, wants, most = event.departure_second, event.energy_wh, event.power_watt_max
    holds, soc = event.capacity_wh, event.soc_fraction
    return _joined(
        f"EVSE {event.evse_id}",
        event.transfer,
        "" if departs is None else f"leaves {datetime.fromtimestamp(departs, zone):%d %b %H:%M}",
        "" if wants is None else f"wants {wants / 1000.0:.1f} kWh",
        "" if most is None else f"takes up to {most / 1000.0:.1f} kW",
        "" if holds is None else f"holds {holds / 1000.0:.1f} kWh",
        "" if soc is None else f"battery at {100.0 * soc:.0f} %",
    )


def _readings(readings: Sequence[MeterReading]) -> str:
    """Say the last power, energy and state of charge of some readings, all phases together."""
    found = {one.quantity: one.value for one in readings if not one.phase}
    return _joined(
        f"{found[POWER] / 1000.0:.1f} kW" if POWER in found else "",
        f"meter at {found[ENERGY] / 1000.0:.3f} kWh" if ENERGY in found else "",
        f"battery at {100.0 * found[SOC]:.0f} %" if SOC in found else "",
    )


def _joined(*words: str) -> str:
    return ", ".join(word for word in words if word)


Said = list[tuple[str, str, str]]
"""From whom to whom, the action, and what it says."""


def _profiled(body: Mapping[str, Any], zone: ZoneInfo) -> Said:
    profile: ChargingProfile = from_plain(ChargingProfile, body["profile"])
    start, duration = profile.schedule.start_second, profile.schedule.duration_second
    until = ""
    if start is not None and duration is not None:
        until = f"until {datetime.fromtimestamp(start + duration, zone):%H:%M:%S}"
    text = _joined(f"EVSE {body['evse']}", _limits(profile.schedule), until)
    name = "SetChargingProfile"
    return [(DEPOT, name, text), (STATION, name, str(body["status"]))]


def _held(body: Mapping[str, Any], _zone: ZoneInfo) -> Said:
    plain = body["schedule"]
    holds = "nothing" if plain is None else _limits(from_plain(ChargingSchedule, plain))
    return [(STATION, "GetCompositeSchedule", _joined(f"EVSE {body['evse']}", f"holds {holds}"))]


def _limits(schedule: ChargingSchedule) -> str:
    """Say the first limits of a schedule."""
    scale, unit = (1000.0, "kW") if schedule.unit == "W" else (1.0, "A")
    words = []
    for period in schedule.periods[:_PERIODS]:
        limit = f"{period.limit / scale:.1f} {unit}"
        words.append(limit if not period.start_second else f"after {period.start_second} s {limit}")
    if len(schedule.periods) > _PERIODS:
        words.append(f"{len(schedule.periods) - _PERIODS} more")
    return ", ".join(words)


def _reserved(body: Mapping[str, Any], zone: ZoneInfo) -> Said:
    wish = Reserve(*body["wish"])
    until = datetime.fromtimestamp(wish.expiry_second, zone)
    return [(DEPOT, "ReserveNow", f"EVSE {wish.evse_id} for {wish.id_token} until {until:%H:%M}")]


def _settled(body: Mapping[str, Any], _zone: ZoneInfo) -> Said:
    name = "CancelReservation" if body["what"] == "cancel" else "ReserveNow"
    return [(STATION, name, str(body["status"]))]


def _stopped(body: Mapping[str, Any], _zone: ZoneInfo) -> Said:
    name = "RequestStopTransaction"
    return [(DEPOT, name, str(body["id"])), (STATION, name, "Accepted")]


def _learned(body: Mapping[str, Any], _zone: ZoneInfo) -> Said:
    told = ", ".join(f"{name} = {value}" for name, value in body["values"].items())
    return [(STATION, "GetVariables", told)]


def _silent(body: Mapping[str, Any], zone: ZoneInfo) -> Said:
    since = datetime.fromtimestamp(float(body["since"]), zone)
    return [(STATION, "silence", f"heard again; the last time was {since:%H:%M:%S}")]


def _commanded(body: Mapping[str, Any], _zone: ZoneInfo) -> Said:
    return [(OPERATOR, str(body["what"]), f"{body['verdict']}: {body['text']}")]


_OWN: Final[Mapping[str, Callable[[Mapping[str, Any], ZoneInfo], Said]]] = {
    PROFILED: _profiled,
    HELD: _held,
    RESERVED: _reserved,
    SETTLED: _settled,
    PAUSED: _stopped,
    LEARNED: _learned,
    SILENT: _silent,
    COMMANDED: _commanded,
}
"""What the central system keeps beside stations' own calls, and what was said by it."""
