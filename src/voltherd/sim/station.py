"""A simulated charging station with vehicles that come and go, and its bad habits.

It knows no protocol: it tells events, is asked for things, and does them.  Its meter is exact to
the watt-hour it has delivered, so that what a central system books can be compared with the truth.
"""

from collections import deque
from dataclasses import dataclass
from math import floor
from typing import Final, Literal, final

from voltherd.sim.charging_limits import (
    Installed,
    Situation,
    cleared,
    composite,
    installed,
    limit_watt,
)
from voltherd.sim.station_spec import StationSpec, Visit, Wish
from voltherd.types.station import (
    BEGIN,
    END,
    ENERGY,
    PERIODIC,
    POWER,
    SOC,
    Booted,
    ChargingProfile,
    MeterReading,
    NeedsTold,
    StationAnswer,
    StationEvent,
    StatusTold,
    TransactionAnswer,
    TransactionTold,
)
from voltherd.types.station_command import (
    ClearProfiles,
    GetSchedule,
    GetSettings,
    Outcome,
    RemoteStart,
    RemoteStop,
    ScheduleTold,
    SetProfile,
    SetSetting,
    SettingsTold,
    StationCommand,
    StationResult,
    Trigger,
)

STEP_SECOND: Final = 5.0
"""The longest time over which power is taken as constant [s]."""
_SAMPLING: Final = ("MeterValueSampleInterval", "SampledDataCtrlr.TxUpdatedInterval")
_DOABLE: Final = (
    "Unlock",
    "SetAvailability",
    "Reserve",
    "CancelReservation",
    "ClearCache",
    "SendTokens",
    "UpdateFirmware",
    "GetDiagnostics",
    "Reset",
)


@dataclass(slots=True)
class _Session:
    """A visit while it lasts."""

    visit: Visit
    key: str
    start_second: float
    start_wh: float
    soc_fraction: float
    seq_no: int = 0
    sampled_second: float = 0.0
    power_watt: float = 0.0
    is_stopped: bool = False


@final
class SimulatedStation:
    """A station over time: the ``ChargePoint`` port, and what drives it.

    Args:
        spec: What it is.
        start_second: When it is switched on [unix s].
    """

    def __init__(self, spec: StationSpec, start_second: float) -> None:
        self.spec = spec
        self.needs_boot = True
        self.reboots = 0
        self.delivered_wh: dict[tuple[int, float], float] = {}
        self.power_peak_watt = 0.0
        self._sample_second = spec.sample_second
        self._now = start_second
        self._profiles: tuple[Installed, ...] = ()
        self._meter_wh = dict.fromkeys({visit.evse_id for visit in spec.visits}, 0.0)
        self._sessions: dict[int, _Session] = {}
        self._waiting: deque[StationEvent] = deque()
        self._numbers: dict[str, str] = {}
        self._jumped = False

    def advance(self, now_second: float) -> None:
        """Let time pass: vehicles come, charge and go, and the meter is read [unix s]."""
        while self._now < now_second:
            step = min(STEP_SECOND, now_second - self._now)
            self._visits(self._now)
            for evse_id, session in self._sessions.items():
                self._charge(evse_id, session, step)
            self._now += step
            self._misbehave()
            for evse_id, session in self._sessions.items():
                if self._now - session.sampled_second >= self._sample_second:
                    self._sample(evse_id, session)
        self._visits(self._now)

    @property
    def power_watt(self) -> float:
        """What its vehicles draw now [W]."""
        return sum((session.power_watt for session in self._sessions.values()), 0.0)

    @property
    def _clock(self) -> float:
        """What time it believes it is [unix s]."""
        return self._now + self.spec.habits.clock_ahead_second

    def is_online(self) -> bool:
        """Whether it has a connection."""
        begin, end = self.spec.habits.offline_second
        return not begin <= self._now < end

    def next_event(self) -> StationEvent | None:
        """Give what is to be told next, again until ``told`` says that it was heard."""
        if self.needs_boot:
            reason = "PowerUp" if self.spec.later else ""
            return Booted("voltherd", "Simulated", self.spec.station_id, "1.0", reason)
        if not self._waiting:
            return None
        event = self._waiting[0]
        if isinstance(event, TransactionTold) and not self.spec.later and event.kind != "started":
            return event._replace(transaction_id=self._numbers[event.transaction_id])
        if isinstance(event, TransactionTold) and not self.spec.later:
            return event._replace(transaction_id="")
        return event

    def told(self, event: StationEvent, answer: StationAnswer) -> None:
        """Take in what was answered; see ``ChargePoint.told``."""
        if isinstance(event, Booted):
            self.needs_boot = False
            for evse_id in self._meter_wh:
                self._tell_status(evse_id)
            return
        head = self._waiting.popleft()
        if not isinstance(answer, TransactionAnswer) or not isinstance(head, TransactionTold):
            return
        if head.kind == "started" and not self.spec.later:
            self._numbers[head.transaction_id] = answer.transaction_id
        refused = answer.verdict is not None and answer.verdict.status != "Accepted"
        if head.kind == "started" and refused:
            for evse_id, session in self._sessions.items():
                if session.key == head.transaction_id:
                    self._stop(evse_id, session, "DeAuthorized")

    def asked(self, command: StationCommand) -> StationResult | None:
        """Do what it is asked; see ``ChargePoint.asked``."""
        if isinstance(command, SetProfile):
            return self._set_profile(command)
        if isinstance(command, ClearProfiles):
            left = cleared(self._profiles, command)
            found, self._profiles = len(left) < len(self._profiles), left
            return Outcome("Accepted" if found else "Unknown")
        if isinstance(command, GetSchedule):
            here = self._situation(command.evse_id, self._sessions.get(command.evse_id))
            unit = command.unit or self.spec.unit
            told = composite(self._profiles, here, self._clock, command.duration_second, unit)
            return ScheduleTold("Accepted", told, command.evse_id)
        if isinstance(command, GetSettings):
            return self._settings(command)
        if isinstance(command, SetSetting):
            return self._set_setting(command)
        if isinstance(command, RemoteStop):
            return self._remote_stop(command)
        if isinstance(command, RemoteStart):
            return self._remote_start(command)
        if isinstance(command, Trigger):
            return Outcome("NotImplemented")
        return Outcome("Accepted" if type(command).__name__ in _DOABLE else "Rejected")

    def _visits(self, now_second: float) -> None:
        """Let vehicles go and come."""
        for evse_id, session in list(self._sessions.items()):
            if session.visit.leave_second <= now_second:
                self._stop(evse_id, session, "EVDisconnected")
                del self._sessions[evse_id]
                self._tell_status(evse_id)
        for visit in self.spec.visits:
            key = (visit.evse_id, visit.arrive_second)
            here = visit.arrive_second <= now_second < visit.leave_second
            if here and visit.evse_id not in self._sessions and key not in self.delivered_wh:
                self._begin(visit, now_second)

    def _begin(self, visit: Visit, now_second: float, before: _Session | None = None) -> None:
        """Begin a transaction, the first of a visit or, with one before it, another."""
        key = f"{self.spec.station_id}-{visit.evse_id}-{visit.arrive_second:.0f}"
        key = key if before is None else f"{key}-{now_second:.0f}"
        self.delivered_wh.setdefault((visit.evse_id, visit.arrive_second), 0.0)
        session = _Session(
            visit,
            key,
            self._clock,
            self._register(visit.evse_id),
            visit.vehicle.soc_fraction if before is None else before.soc_fraction,
            sampled_second=now_second,
        )
        self._sessions[visit.evse_id] = session
        self._tell_status(visit.evse_id)
        self._tell(visit.evse_id, session, "started", BEGIN)
        if visit.wish is not None and self.spec.later:
            self._waiting.append(self._needs(session, visit.wish))

    def _charge(self, evse_id: int, session: _Session, step_second: float) -> None:
        vehicle = session.visit.vehicle
        limit = self._limit(evse_id, session)
        power = min(limit, vehicle.wants_watt(session.soc_fraction), self.spec.power_watt)
        if session.is_stopped or limit < vehicle.power_watt_min:
            power = 0.0
        energy = power * step_second / 3600.0
        room = (1.0 - session.soc_fraction) * vehicle.capacity_wh / vehicle.efficiency_fraction
        energy = min(energy, room)
        session.power_watt = power
        session.soc_fraction += energy * vehicle.efficiency_fraction / vehicle.capacity_wh
        self._meter_wh[evse_id] += energy
        self.delivered_wh[evse_id, session.visit.arrive_second] += energy
        self.power_peak_watt = max(self.power_peak_watt, self.power_watt)

    def _limit(self, evse_id: int, session: _Session) -> float:
        here = self._situation(evse_id, session)
        habits = self.spec.habits
        limit = limit_watt(self._profiles, here, self._clock)
        if habits.rounds_watt > 0.0:
            limit = floor(limit / habits.rounds_watt) * habits.rounds_watt
        return limit

    def _situation(self, evse_id: int, session: _Session | None) -> Situation:
        in_use = max(len(self._sessions), 1)
        if session is None:
            return Situation(evse_id, self.spec.power_watt, in_use)
        number = session.key if self.spec.later else self._numbers.get(session.key, session.key)
        return Situation(evse_id, self.spec.power_watt, in_use, number, session.start_second)

    def _misbehave(self) -> None:
        habits = self.spec.habits
        if 0.0 < habits.jump_second <= self._now and not self._jumped:
            self._jumped = True
            self._meter_wh = {evse: wh + habits.jump_wh for evse, wh in self._meter_wh.items()}
        if 0.0 < habits.reboot_second <= self._now and not self.reboots:
            self.reboots, self.needs_boot = 1, True
            self._waiting = deque(e for e in self._waiting if isinstance(e, TransactionTold))

    def _sample(self, evse_id: int, session: _Session) -> None:
        session.sampled_second = self._now
        if not session.is_stopped and not self.spec.habits.tells_no_samples:
            self._tell(evse_id, session, "updated", PERIODIC)

    def _stop(self, evse_id: int, session: _Session, reason: str) -> None:
        if not session.is_stopped:
            session.is_stopped = True
            session.power_watt = 0.0
            self._tell(evse_id, session, "ended", END, reason)

    def _register(self, evse_id: int) -> float:
        """Read the meter, which counts whole watt-hours [Wh]."""
        return float(round(self._meter_wh[evse_id]))

    def _tell(
        self,
        evse_id: int,
        session: _Session,
        kind: Literal["started", "updated", "ended"],
        context: str,
        reason: str = "",
    ) -> None:
        second = self._clock
        energy = MeterReading(second, ENERGY, self._register(evse_id), "Wh", "", context)
        power = MeterReading(second, POWER, round(session.power_watt, 1), "W", "", context)
        readings = [energy] if kind == "started" and not self.spec.later else [power, energy]
        wish = session.visit.wish
        if wish is not None and wish.tells_soc and self.spec.later:
            soc = round(session.soc_fraction, 2)  # vehicles tell whole per cent
            readings.append(MeterReading(second, SOC, soc, "1", "", context))
        event = TransactionTold(
            kind,
            session.key,
            second,
            session.seq_no if self.spec.later else None,
            evse_id,
            1,
            session.visit.id_token if kind != "updated" else "",
            tuple(readings),
            reason,
            "Charging" if self.spec.later and session.power_watt else "",
            offline=self.spec.later and not self.is_online(),
        )
        session.seq_no += 1
        self._waiting.append(event)

    def _needs(self, session: _Session, wish: Wish) -> NeedsTold:
        """Give what a vehicle asks for by itself; it tells times as from now on."""
        visit, vehicle, soc = session.visit, session.visit.vehicle, session.soc_fraction
        return NeedsTold(
            visit.evse_id,
            wish.transfer,
            self._clock + visit.leave_second - self._now,
            max(wish.soc_fraction - soc, 0.0) * vehicle.capacity_wh,
            vehicle.power_watt,
            vehicle.capacity_wh if wish.tells_soc else None,
            soc if wish.tells_soc else None,
        )

    def _tell_status(self, evse_id: int) -> None:
        session = self._sessions.get(evse_id)
        plugged = "Finishing" if session is not None and session.is_stopped else "Charging"
        occupied = "Occupied" if self.spec.later else plugged
        status = "Available" if session is None else occupied
        second = self._clock
        self._waiting.append(StatusTold(evse_id, 1, status, second))

    def _set_profile(self, command: SetProfile) -> StationResult | None:
        habits = self.spec.habits
        if habits.is_deaf_to_profiles:
            return None
        if habits.refuses_profiles or not self._holds(command.profile):
            return Outcome("Rejected")
        if not habits.ignores_profiles:
            profile = _rounded(command.profile, habits.rounds_watt)
            self._profiles = installed(self._profiles, command.evse_id, profile)
        return Outcome("Accepted")

    def _holds(self, profile: ChargingProfile) -> bool:
        """Say whether it is able to hold a profile; a transaction's needs the transaction."""
        if len(profile.schedule.periods) > self.spec.periods_max:
            return False
        running = {self._situation(e, s).transaction_id for e, s in self._sessions.items()}
        return profile.purpose != "transaction" or profile.transaction_id in running

    def _settings(self, command: GetSettings) -> SettingsTold:
        rate = "Power" if self.spec.unit == "W" else "Current"
        known = {
            "ChargingScheduleMaxPeriods": str(self.spec.periods_max),
            "ChargingScheduleAllowedChargingRateUnit": rate,
            "ChargeProfileMaxStackLevel": "10",
            "SmartChargingCtrlr.PeriodsPerSchedule": str(self.spec.periods_max),
            "SmartChargingCtrlr.RateUnit": self.spec.unit,
        }
        found = {name: known[name] for name in command.names if name in known}
        return SettingsTold(found, tuple(n for n in command.names if n not in known))

    def _set_setting(self, command: SetSetting) -> Outcome:
        if command.name not in _SAMPLING or not command.value.isdigit():
            return Outcome("Rejected")
        self._sample_second = max(float(command.value), STEP_SECOND)
        return Outcome("Accepted")

    def _remote_stop(self, command: RemoteStop) -> Outcome:
        for evse_id, session in self._sessions.items():
            if self._situation(evse_id, session).transaction_id == command.transaction_id:
                if session.is_stopped:
                    return Outcome("Rejected")
                self._stop(evse_id, session, "Remote")
                self._tell_status(evse_id)
                return Outcome("Accepted")
        return Outcome("Rejected")

    def _remote_start(self, command: RemoteStart) -> Outcome:
        """Go on with a vehicle that waits plugged in."""
        for evse_id, session in self._sessions.items():
            if session.is_stopped and command.evse_id in (None, evse_id):
                self._begin(session.visit, self._now, session)
                return Outcome("Accepted")
        return Outcome("Rejected")


def _rounded(profile: ChargingProfile, rounds_watt: float) -> ChargingProfile:
    if rounds_watt <= 0.0 or profile.schedule.unit != "W":
        return profile
    periods = tuple(
        period._replace(limit=floor(period.limit / rounds_watt) * rounds_watt)
        for period in profile.schedule.periods
    )
    return profile._replace(schedule=profile.schedule._replace(periods=periods))
