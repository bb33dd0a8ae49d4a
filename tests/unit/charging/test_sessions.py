"""Recorded sessions: what cannot be planned is counted, days are cut, stays are steps."""

import numpy as np
import pytest

from voltherd.charging.sessions import Sessions, days, fleet_of, sessions_of, usable
from voltherd.errors import InputError
from voltherd.types.table import RawTable

HOUR = 3600.0
DAY = 24 * HOUR


def sessions(*rows):
    start, end, energy = (np.array(column, float) for column in zip(*rows, strict=True))
    return Sessions(
        start_second=start,
        end_second=end,
        energy_kwh=energy,
        station=np.array([f"s{n}" for n in range(len(rows))]),
    )


def test_what_cannot_be_planned_is_counted_by_its_first_reason():
    given = sessions(
        (0.0, HOUR, 5.0),
        (np.nan, HOUR, 5.0),
        (HOUR, 0.0, 5.0),
        (0.0, HOUR, 0.0),
        (0.0, 60 * HOUR, 5.0),
        (0.0, HOUR, 900.0),
        (0.0, 2 * HOUR, np.nan),
    )
    chosen, why = usable(given)
    assert chosen.tolist() == [True, *[False] * 6]
    assert sum(why.values()) == 6
    assert why["without energy"] == 2


def test_days_begin_when_they_are_told_to():
    given = sessions(
        (11 * HOUR, 13 * HOUR, 1.0), (13 * HOUR, 14 * HOUR, 1.0), (40 * HOUR, 41 * HOUR, 1)
    )
    cut = list(days(given, np.ones(3, bool), 12 * HOUR))
    assert [day.start_second for day in cut] == [-12 * HOUR, 12 * HOUR, 36 * HOUR]
    assert [day.chosen.tolist() for day in cut] == [[0], [1], [2]]


def test_a_stay_is_whole_steps_and_power_is_enough_for_its_energy():
    given = sessions(
        (0.1 * HOUR, 2.1 * HOUR, 10.0), (0.0, HOUR, 40.0), (23.5 * HOUR, 25.5 * HOUR, 8.0)
    )
    [day, *_] = days(given, np.ones(3, bool), 0.0)
    fleet = fleet_of(given, day, 96, 900.0, 11.0)
    assert fleet.arrival_step.tolist() == [0, 0, 94]
    assert fleet.departure_step.tolist() == [9, 4, 96]
    assert fleet.power_max_kilowatt.tolist() == [11.0, 40.0, 11.0]
    # The last stays beyond the plan: by its end a quarter of it has passed.
    assert fleet.energy_kwh.tolist() == [10.0, 40.0, 2.0]


def table(**columns):
    return RawTable(source="s.csv", columns=columns)


def test_columns_are_found_by_their_names():
    stamp = np.array(["2024-05-12T08:00", "NaT"], "datetime64[s]")
    found = sessions_of(
        table(**{"Start Time": stamp, "End": stamp, "Energy (kWh)": np.array([1.0, 2.0])})
    )
    assert found.start_second[0] == 1_715_500_800.0
    assert np.isnan(found.start_second[1])
    assert found.station.tolist() == ["", ""]


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"start": "t", "energy_kwh": "x"}, "no column tells the end of a session"),
        ({"start": "x", "end": "t", "kwh": "x"}, "the start of a session is no date"),
        ({"start": "t", "end": "t", "kwh": "s"}, "the energy of a session is no number"),
    ],
)
def test_a_table_of_something_else_is_refused(columns, told):
    kinds = {
        "t": np.array(["2024-05-12T08:00"], "datetime64[s]"),
        "x": np.array([1.0]),
        "s": np.array(["much"], object),
    }
    with pytest.raises(InputError, match=told):
        sessions_of(table(**{name: kinds[kind] for name, kind in columns.items()}))
