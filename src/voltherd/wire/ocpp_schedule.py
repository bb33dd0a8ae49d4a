"""Charging profiles and schedules as OCPP writes them; 1.6 and 2.0.1 differ in names alone."""

from collections.abc import Mapping
from math import floor
from typing import Any, Final

from voltherd.types.station import (
    ChargingPeriod,
    ChargingProfile,
    ChargingSchedule,
    Purpose,
    RateUnit,
)
from voltherd.wire.ocpp_fields import Fields, UnusableError
from voltherd.wire.ocpp_time import write_time

PURPOSES_16: Final[Mapping[Purpose, str]] = {
    "station": "ChargePointMaxProfile",
    "default": "TxDefaultProfile",
    "transaction": "TxProfile",
}
PURPOSES_20: Final[Mapping[Purpose, str]] = {**PURPOSES_16, "station": "ChargingStationMaxProfile"}


def round_limit(limit: float) -> float:
    """Round a limit down to the tenth that every station takes, never up.

    What binary fractions lack is forgiven: 0.3 stays 0.3 though 3 × 0.1 is a little more.

    >>> [round_limit(limit) for limit in (6.25, 3 * 0.1, 10.9999999999, 10.999)]
    [6.2, 0.3, 11.0, 10.9]
    """
    return floor(limit * 10.0 + 1e-7) / 10.0


def write_profile(profile: ChargingProfile, *, later: bool) -> dict[str, Any]:
    """Write a profile.

    Args:
        profile: Its purpose decides which other fields a station wants.
        later: As 2.0.1 and 2.1 want it; else as 1.6 does.
    """
    schedule = profile.schedule
    kind = "Relative" if schedule.start_second is None else "Absolute"
    purposes = PURPOSES_20 if later else PURPOSES_16
    written = write_schedule(schedule)
    body: dict[str, Any] = {
        "id" if later else "chargingProfileId": profile.profile_id,
        "stackLevel": profile.stack_level,
        "chargingProfilePurpose": purposes[profile.purpose],
        "chargingProfileKind": kind,
        "chargingSchedule": [{"id": 1, **written}] if later else written,
    }
    if profile.transaction_id:
        number = profile.transaction_id
        body["transactionId"] = number if later else int(number)
    if profile.valid_from_second is not None:
        body["validFrom"] = write_time(profile.valid_from_second)
    if profile.valid_to_second is not None:
        body["validTo"] = write_time(profile.valid_to_second)
    return body


def read_profile(fields: Fields) -> ChargingProfile:
    """Read a profile of either version.

    Raises:
        UnusableError: It has no number, no purpose or no limits.
    """
    named = fields.text("chargingProfilePurpose")
    found = [
        p for table in (PURPOSES_16, PURPOSES_20) for p, name in table.items() if name == named
    ]
    if not found:
        raise UnusableError("PropertyConstraintViolation", f"no purpose is called {named[:40]!r}")
    number = fields.integer("chargingProfileId")
    schedules = [read_schedule(inner) for inner in fields.each("chargingSchedule")]
    read = [schedule for schedule in schedules if schedule is not None]
    if not read:
        raise UnusableError("OccurrenceConstraintViolation", "chargingSchedule is needed")
    return ChargingProfile(
        fields.needed_integer("id") if number is None else number,
        found[0],
        fields.integer("stackLevel") or 0,
        read[0],
        fields.identifier("transactionId"),
        fields.time_if_any("validFrom"),
        fields.time_if_any("validTo"),
    )


def write_schedule(schedule: ChargingSchedule, start_name: str = "startSchedule") -> dict[str, Any]:
    """Write a schedule, its limits rounded down to tenths."""
    body: dict[str, Any] = {"chargingRateUnit": schedule.unit}
    body["chargingSchedulePeriod"] = [_write_period(period) for period in schedule.periods]
    if schedule.start_second is not None:
        body[start_name] = write_time(schedule.start_second)
    if schedule.duration_second is not None:
        body["duration"] = schedule.duration_second
    return body


def read_schedule(fields: Fields, start_name: str = "startSchedule") -> ChargingSchedule | None:
    """Read a schedule; None where it has no period that can be used."""
    unit: RateUnit = "A" if fields.text("chargingRateUnit") == "A" else "W"
    periods = []
    for inner in fields.each("chargingSchedulePeriod"):
        start, limit = inner.integer("startPeriod"), inner.number("limit")
        if start is not None and limit is not None and start >= 0:
            periods.append(ChargingPeriod(start, limit, inner.integer("numberPhases")))
    if not periods:
        return None
    return ChargingSchedule(
        unit,
        tuple(sorted(periods, key=lambda period: period.start_second)),
        fields.time_if_any(start_name),
        fields.integer("duration"),
    )


def _write_period(period: ChargingPeriod) -> dict[str, Any]:
    body: dict[str, Any] = {"startPeriod": period.start_second, "limit": round_limit(period.limit)}
    if period.phases is not None:
        body["numberPhases"] = period.phases
    return body
