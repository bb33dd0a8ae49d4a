"""``/api/v1/depot/stations``: how charging stations do, and what went through them."""

from fastapi import APIRouter

from voltherd.charging.station_health import Span
from voltherd.charging.transactions import Transaction
from voltherd.cloud.problems import ProblemError, answers
from voltherd.cloud.routes_vehicles import CloudNow
from voltherd.cloud.schema_stations import (
    ConnectorNow,
    FaultSpell,
    FaultToCome,
    LimitCourse,
    Oddity,
    PowerCourse,
    SessionDetail,
    SessionLine,
    Share,
    Silence,
    StationDetail,
    StationLine,
    StationList,
)
from voltherd.cloud.service import Cloud
from voltherd.cloud.stations import Stations, StationState
from voltherd.report.words import rfc3339

router = APIRouter(prefix="/api/v1/depot/stations", tags=["depot"])


@router.get("", response_model=StationList, responses=answers(404))
def stations(cloud: CloudNow) -> StationList:
    """Tell how every charging station does."""
    known, now = _known(cloud), cloud.clock.unix_second()
    states = [known.state(each, now) for each in known.ids()]
    return StationList(items=[_line(state) for state in states if state])


@router.get("/{station_id}", response_model=StationDetail, responses=answers(404))
def station(cloud: CloudNow, station_id: str) -> StationDetail:
    """Tell how one charging station does and did."""
    known = _known(cloud)
    state = known.state(station_id, cloud.clock.unix_second())
    if state is None:
        raise ProblemError("station-unknown", f"no station is called {station_id[:80]!r}")
    return StationDetail(
        **dict(_line(state)),
        fault_spells=[
            FaultSpell(
                begin=rfc3339(one.begin_second),
                end=None if one.end_second is None else rfc3339(one.end_second),
                evse=one.evse_id,
                error=one.error,
            )
            for one in reversed(state.faults)
        ],
        silence_spells=[
            Silence(begin=rfc3339(one.start_second), end=rfc3339(one.stop_second))
            for one in reversed(state.silences)
        ],
        odd=[
            Oddity(text=one.text, times=one.times, last=rfc3339(one.last_second))
            for one in state.deviations
        ],
        sessions=[_session(one) for one in known.sessions(station_id)],
    )


@router.get(
    "/{station_id}/sessions/{session_id}", response_model=SessionDetail, responses=answers(404)
)
def session(cloud: CloudNow, station_id: str, session_id: str) -> SessionDetail:
    """Tell of one charging session: energy by the meter, power against what was allowed, cost."""
    found = _known(cloud).session(station_id, session_id, cloud.clock.unix_second())
    if found is None:
        raise ProblemError("session-unknown", f"no session {session_id[:80]!r} at that station")
    one = found.transaction
    ends = (found.course[0], found.course[-1]) if found.course else (None, None)
    meter = [None if end is None else end.energy_wh / 1000.0 for end in ends]
    return SessionDetail(
        **dict(_session(one)),
        station=station_id,
        meter_begin_kwh=meter[0],
        meter_end_kwh=meter[1],
        power=PowerCourse(
            time=[rfc3339(second) or "" for second, _ in found.drawn],
            kilowatt=[watt / 1000.0 for _, watt in found.drawn],
        ),
        allowed=LimitCourse(
            time=[rfc3339(second) or "" for second, _ in found.allowed],
            kilowatt=[None if watt is None else watt / 1000.0 for _, watt in found.allowed],
        ),
        cost_eur=found.cost_eur,
        efficiency=_share(found.efficiency),
        missing=one.missing,
        flags=sorted(one.flags),
        offline=one.offline,
    )


def _known(cloud: Cloud) -> Stations:
    if cloud.stations is None:
        raise ProblemError("stations-unknown", "the configuration names no journal of stations")
    return cloud.stations


def _line(state: StationState) -> StationLine:
    book, about, coming = state.book, state.book.about, state.outlook
    return StationLine(
        station=book.station_id,
        maker=about.vendor if about else "",
        model=about.model if about else "",
        firmware=about.firmware if about else "",
        protocol="OCPP 2.0.1 or later" if book.later else "OCPP 1.6",
        heard=rfc3339(book.heard_second),
        connectors=[
            ConnectorNow(
                evse=one.evse_id,
                connector=one.connector_id,
                status=one.status,
                since=rfc3339(one.time_second),
                error=one.error,
            )
            for place, one in sorted(book.statuses.items())
            if all(place)
        ],
        available_fraction=state.served,
        known_since=None if state.known_second is None else rfc3339(state.known_second),
        faults=len(state.faults),
        silences=len(state.silences),
        oddities=sum(one.times for one in state.deviations),
        outlook=FaultToCome(chance=_share(coming.chance), text=coming.text, faults=coming.faults),
    )


def _session(one: Transaction) -> SessionLine:
    return SessionLine(
        session=one.transaction_id,
        evse=one.evse_id,
        who=one.id_token,
        begin=None if one.start_second is None else rfc3339(one.start_second),
        end=None if one.stop is None else rfc3339(one.stop.time_second),
        energy_kwh=one.energy_wh / 1000.0,
        ended_by=one.stop.word if one.stop else "",
    )


def _share(span: Span | None) -> Share | None:
    return None if span is None else Share(value=span.value, low=span.low, high=span.high)
