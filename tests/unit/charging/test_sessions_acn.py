"""ACN-Data's JSON becomes sessions in the site's own time; what is wrong is said of which."""

import json

import numpy as np
import pytest

from voltherd.charging.sessions import sessions_of, usable
from voltherd.charging.sessions_acn import acn_table
from voltherd.errors import InputError

ITEM = {
    "_id": "x",
    "connectionTime": "Wed, 25 Apr 2018 11:08:04 GMT",
    "disconnectTime": "Wed, 25 Apr 2018 13:20:10 GMT",
    "doneChargingTime": None,
    "kWhDelivered": 7.932,
    "stationID": "2-39-79-379",
    "timezone": "America/Los_Angeles",
    "userInputs": [{"kWhRequested": 20.0}],
}


def told(**change):
    return json.dumps({"_meta": {}, "_items": [ITEM, ITEM | change]})


def test_sessions_are_in_the_sites_own_time():
    table = acn_table(told(), "acn.json")
    assert str(table.columns["start"][0]) == "2018-04-25T04:08:04"
    sessions = sessions_of(table)
    assert sessions.energy_kwh.tolist() == [7.932, 7.932]
    assert sessions.station[0] == "2-39-79-379"
    assert usable(sessions)[0].all()


def test_a_list_alone_and_iso_times_do_as_well():
    item = ITEM | {"connectionTime": "2018-04-25T11:08:04Z"}
    table = acn_table(json.dumps([item]), "acn.json")
    assert str(table.columns["start"][0]) == "2018-04-25T04:08:04"


def test_what_is_null_is_not_known_and_not_planned():
    sessions = sessions_of(acn_table(told(disconnectTime=None, kWhDelivered=None), "acn.json"))
    assert np.isnan(sessions.end_second[1]) and np.isnan(sessions.energy_kwh[1])
    assert usable(sessions)[0].tolist() == [True, False]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no JSON"),
        ("{}", "holds no list of sessions"),
        ("[]", "holds no list of sessions"),
        ("[3]", "session 1: is no session"),
        (told(timezone="Mars"), "session 2: no time zone is called Mars"),
        (told(kWhDelivered="much"), "session 2: kWhDelivered is no number"),
        (told(connectionTime="noon"), "session 2: connectionTime is no time"),
        (told(connectionTime="2018-04-25 11:08"), "session 2: connectionTime is no time"),
        (json.dumps([{"connectionTime": None}]), "session 1: has no disconnectTime"),
    ],
)
def test_something_else_is_refused(text, message):
    with pytest.raises(InputError, match=message):
        acn_table(text, "acn.json")
