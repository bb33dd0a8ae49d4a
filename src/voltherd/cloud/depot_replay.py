"""Recorded sessions as days to be planned under a site's limits and prices."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from voltherd.charging.online import DAYS
from voltherd.charging.problem import Problem
from voltherd.charging.sessions import days, fleet_of, sessions_of, usable
from voltherd.charging.sessions_acn import acn_table
from voltherd.cloud.depot_file import Night
from voltherd.errors import InputError
from voltherd.intake.numbers import as_text
from voltherd.intake.stamps import parse_stamps
from voltherd.types.table import RawTable
from voltherd.units import SECOND_PER_HOUR


class Recorded(NamedTuple):
    """Days to be planned.

    Attributes:
        days: Each with the days before it, the latest last.
        left_out: How many sessions could not be planned, by reason.
    """

    days: tuple[tuple[Problem, tuple[Problem, ...]], ...]
    left_out: Mapping[str, int]


def recorded_days(table: RawTable, night: Night, power_kilowatt: float, last: int) -> Recorded:
    """Cut sessions into days that begin when the site's plan does.

    Args:
        table: Of sessions; times without a zone are the site's.
        night: The site, whose prices and limits hold on every day.
        power_kilowatt: Of a station [kW].
        last: How many days, counted from the end.

    Raises:
        InputError: There is no session to be planned.
    """
    sessions = sessions_of(_dated(table))
    chosen, left_out = usable(sessions)
    begun = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=night.start_second)).astimezone(
        ZoneInfo(night.zone)
    )
    cut = list(days(sessions, chosen, begun.hour * SECOND_PER_HOUR + begun.minute * 60.0))
    if not cut:
        raise InputError("no session can be planned", where=table.source)
    site = night.problem.site
    site = replace(site, groups=(), phase_limit_kilowatt=None)
    problems = [
        Problem(
            fleet=fleet_of(
                sessions, day, site.steps, site.step_hour * SECOND_PER_HOUR, power_kilowatt
            ),
            site=site,
        )
        for day in cut[-last - DAYS :]
    ]
    pairs = [(day, tuple(problems[max(n - DAYS, 0) : n])) for n, day in enumerate(problems)]
    return Recorded(tuple(pairs[-last:]), left_out)


def acn_sessions(file: Path) -> RawTable:
    """Read sessions in the JSON of ACN-Data.

    Raises:
        InputError: The file cannot be read or holds something else.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read ({error})", where=str(file)) from error
    return acn_table(text, str(file))


def _dated(table: RawTable) -> RawTable:
    """Read columns of text that are dates and times as such; other text stays text."""
    columns = {}
    for name, values in table.columns.items():
        columns[name] = values
        if values.ndim == 1 and values.dtype.kind in "OUS":
            second = parse_stamps(as_text(values)).second
            if np.isfinite(second).any():
                known = np.where(np.isfinite(second), second, 0.0).astype("datetime64[s]")
                columns[name] = np.where(np.isfinite(second), known, np.datetime64("NaT"))
    return replace(table, columns=columns)
