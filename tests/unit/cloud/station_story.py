"""Two stations with a past, told to a real central system: faults, sessions, silences, habits."""

from voltherd.adapters.ocpp.schemas import schema_check
from voltherd.charging.central import Rules
from voltherd.cloud.depot import Depot
from voltherd.types.station import (
    END,
    ENERGY,
    POWER,
    Booted,
    ChargingPeriod,
    ChargingProfile,
    ChargingSchedule,
    MeterReading,
    MeterTold,
    NeedsTold,
    StatusTold,
    TokenVerdict,
    TransactionTold,
)
from voltherd.types.station_command import (
    GetSchedule,
    Outcome,
    ScheduleTold,
    SetProfile,
    StationCall,
)
from voltherd.wire.ocpp import DIALECTS

DAY, HOUR = 86_400.0, 3_600.0
EVENING = 1_795_723_200.0
"""2026-11-26 20:00 UTC, 21:00 at the example site, where the price falls from 0.42 to 0.24."""
FAULT_DAYS = (27.0, 21.5, 19.0, 12.0, 9.5, 4.0)
RULES = Rules(tokens={"CARD-1": TokenVerdict("Accepted"), "CARD-2": TokenVerdict("Accepted")})


class Told:
    """Tells a desk what stations say."""

    def __init__(self, journal):
        self.desk = Depot(journal, RULES, schema_check)
        self._number = 0

    def tell(self, station_id, version, second, event, *, odd=None):
        action, payload = DIALECTS[version].encode_event(event)
        self._number += 1
        payload |= odd or {}
        call = StationCall(station_id, version, str(self._number), action, payload, second)
        return self.desk.take([call])[0]

    def profile(self, station_id, profile, held):
        self.desk.answered(station_id, SetProfile(1, profile), Outcome("Accepted"))
        self.desk.answered(station_id, GetSchedule(1, 3600, "W"), ScheduleTold("Accepted", held))


def tell_story(journal, now, evening=EVENING):
    """Keep the story of two stations in a journal, with a session around an evening before now."""
    told = Told(journal)
    _faulty(told, now)
    _metered(told, evening)
    _going_on(told, now)
    return told.desk


def _faulty(told, now):
    def status(day, word, error=""):
        event = StatusTold(1, 1, word, now - day * DAY, error)
        told.tell("S01", "1.6", now - day * DAY, event)

    told.tell("S01", "1.6", now - 29 * DAY, Booted("Maker", "Post 22", "7", "1.4.2"))
    status(29.0, "Available")
    for day in FAULT_DAYS:
        status(day, "Faulted", "GroundFailure")
        status(day - 0.25, "Available")


def _metered(told, evening):
    """Two hours at 11 kW, then 4 kW, as allowed; what it says it holds is more."""
    begin = evening - HOUR
    start = TransactionTold(
        "started",
        "",
        begin,
        evse_id=1,
        connector_id=1,
        id_token="CARD-1",
        readings=_energy(begin, 1e6),
    )
    number = told.tell("S01", "1.6", begin, start).payload["transactionId"]
    periods = (ChargingPeriod(0, 11_000.0), ChargingPeriod(3600, 4_140.0))
    plan = ChargingSchedule("W", periods, begin, 7200)
    held = plan._replace(periods=(ChargingPeriod(0, 11_000.0),))
    told.profile("S01", ChargingProfile(11, "transaction", 1, plan, str(number)), held)
    energy = 1e6
    for step in range(1, 9):
        energy += 2_750.0 if step <= 4 else 1_000.0
        at = begin + 900.0 * step
        power = MeterReading(at, POWER, 11_000.0 if step <= 4 else 4_000.0, "W")
        told.tell("S01", "1.6", at, MeterTold(1, (*_energy(at, energy), power), str(number)))
    end = begin + 2 * HOUR
    stop = TransactionTold(
        "ended", str(number), end, reason="EVDisconnected", readings=_energy(end, energy, END)
    )
    told.tell("S01", "1.6", end, stop)


def _going_on(told, now):
    """A vehicle that says how full it is, at a station that is silent for a while."""
    begin = now - 1.5 * HOUR

    def tell(minute, event, **more):
        told.tell("S02", "2.0.1", begin + 60.0 * minute, event, **more)

    def event(minute, kind, number, soc, energy, **more):
        at = begin + 60.0 * minute
        soc_told = MeterReading(at, "SoC", soc, "1")
        readings = (*_energy(at, energy), soc_told)
        return TransactionTold(kind, "tx-9", at, number, 1, 1, readings=readings, **more)

    tell(-60, Booted("Other", "Pole", "", "2.0", "PowerUp"))
    tell(-59, StatusTold(1, 1, "Available", begin - 3540.0))
    tell(-1, NeedsTold(1, "DC", begin + 8 * HOUR, 30e3, 22e3, 60e3, 0.3))
    tell(0, event(0, "started", 0, 0.30, 0.0, id_token="CARD-2"))
    tell(1, StatusTold(1, 1, "Occupied", begin + 60.0), odd={"vendorError": "E7"})
    tell(30, event(30, "updated", 1, 0.45, 10_000.0))
    tell(60, event(60, "updated", 3, 0.60, 20_000.0))


def _energy(second, energy_wh, context="Sample.Periodic"):
    return (MeterReading(second, ENERGY, energy_wh, "Wh", "", context),)
