"""Stations built on the ``ocpp`` package, not on anything here: it validates all that we say."""

import asyncio
import json

import pytest
from ocpp.routing import on
from ocpp.v16 import ChargePoint as Station16
from ocpp.v16 import call as call16
from ocpp.v16 import call_result as result16
from ocpp.v201 import ChargePoint as Station20
from ocpp.v201 import call as call20
from ocpp.v201 import call_result as result20
from websockets.asyncio.client import connect

from tests.unit.adapters.ocpp.depot_world import depot_on, flat, served, until
from voltherd.cloud.reprofile import Order, reprofile
from voltherd.types.station_command import RemoteStop, Reset
from voltherd.wire.ocpp_time import read_time

pytestmark = pytest.mark.long
AT = "2026-03-29T12:00:00Z"
LATER = "2026-03-29T13:00:00Z"


class Old(Station16):
    """A station of 1.6 with one profile, which it repeats when asked."""

    held = None

    @on("GetConfiguration")
    def get_configuration(self, key=None):
        entry = {"key": "ChargingScheduleMaxPeriods", "readonly": True, "value": "6"}
        return result16.GetConfiguration([entry], [])

    @on("SetChargingProfile")
    def set_charging_profile(self, connector_id, cs_charging_profiles):
        self.profile = cs_charging_profiles
        self.held = json.loads(json.dumps(cs_charging_profiles["charging_schedule"], default=float))
        return result16.SetChargingProfile("Accepted")

    @on("GetCompositeSchedule")
    def get_composite_schedule(self, connector_id, duration, charging_rate_unit=None):
        return result16.GetCompositeSchedule(
            "Accepted", connector_id, self.held["start_schedule"], self.held
        )

    @on("Reset")
    def reset(self, type):  # noqa: A002
        return result16.Reset("Rejected")

    async def live(self):
        boot = await self.call(call16.BootNotification("Post", "Maker"))
        await self.call(call16.StatusNotification(1, "NoError", "Preparing", AT))
        start = await self.call(call16.StartTransaction(1, "CARD-1", 1000, AT))
        values = [{"timestamp": AT, "sampled_value": [{"value": "1200", "unit": "Wh"}]}]
        await self.call(call16.MeterValues(1, values, start.transaction_id))
        return boot.status, start.id_tag_info["status"], start.transaction_id

    async def leave(self, number):
        await self.call(call16.StopTransaction(9000, LATER, number))


class New(Station20):
    """The same of 2.0.1."""

    held = None

    @on("GetVariables")
    def get_variables(self, get_variable_data):
        answers = [
            {
                "attribute_status": "Accepted",
                "attribute_value": "6" if one["variable"]["name"] == "PeriodsPerSchedule" else "W",
                "component": one["component"],
                "variable": one["variable"],
            }
            for one in get_variable_data
        ]
        return result20.GetVariables(answers)

    @on("SetChargingProfile")
    def set_charging_profile(self, evse_id, charging_profile):
        self.profile = charging_profile
        self.held = charging_profile["charging_schedule"][0]
        return result20.SetChargingProfile("Accepted")

    @on("GetCompositeSchedule")
    def get_composite_schedule(self, duration, evse_id, charging_rate_unit=None):
        schedule = {
            "evse_id": evse_id,
            "duration": duration,
            "schedule_start": self.held["start_schedule"],
            "charging_rate_unit": self.held["charging_rate_unit"],
            "charging_schedule_period": self.held["charging_schedule_period"],
        }
        return result20.GetCompositeSchedule("Accepted", schedule=schedule)

    @on("Reset")
    def reset(self, type):  # noqa: A002
        return result20.Reset("Rejected")

    async def live(self):
        station = {"model": "Post", "vendor_name": "Maker"}
        boot = await self.call(call20.BootNotification(station, "PowerUp"))
        await self.call(call20.StatusNotification(AT, "Occupied", 1, 1))
        start = await self._event("Started", AT, 0, 1000.0)
        await self._event("Updated", AT, 1, 1200.0)
        return boot.status, start.id_token_info["status"], "tx-1"

    async def leave(self, number):
        await self._event("Ended", LATER, 2, 9000.0)

    async def _event(self, kind, timestamp, seq_no, energy_wh):
        values = [{"timestamp": timestamp, "sampled_value": [{"value": energy_wh}]}]
        token = {"id_token": "CARD-1", "type": "ISO14443"} if kind == "Started" else None
        return await self.call(
            call20.TransactionEvent(
                kind,
                timestamp,
                "MeterValuePeriodic",
                seq_no,
                {"transaction_id": "tx-1"},
                meter_value=values,
                evse={"id": 1, "connector_id": 1},
                id_token=token,
            )
        )


async def visit(kind, protocol):
    desk, _ = depot_on()
    async with (
        served(desk) as server,
        connect(
            f"ws://127.0.0.1:{server.port}/ocpp/P1", subprotocols=[protocol], proxy=None
        ) as socket,
    ):
        station = kind("P1", socket)
        listening = asyncio.create_task(station.start())
        status = await station.live()
        await until(lambda: desk.central.stations["P1"].settings)
        plan = flat(4140.0, 1_774_785_600.0, 5400)
        done = await reprofile(server.ask, desk.central, Order("P1", 1, plan))
        refused = await server.ask("P1", Reset())
        unknown = await server.ask("P1", RemoteStop("1" if kind is Old else "tx-1"))
        await station.leave(status[2])
        begin, end = (read_time(station.profile[name]) for name in ("valid_from", "valid_to"))
        assert end - begin == 5400.0, "an absolute profile says how long it is valid"
        assert not listening.done(), "our words break its reading"
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
    return status, done, refused, unknown, desk


@pytest.mark.parametrize(("kind", "protocol"), [(Old, "ocpp1.6"), (New, "ocpp2.0.1")])
def test_a_station_of_another_make_charges_under_our_profile(kind, protocol):
    status, done, refused, unknown, desk = asyncio.run(visit(kind, protocol))
    assert status[:2] == ("Accepted", "Accepted")
    assert done.verdict == "accepted" and done.comparison.covered_second == 5400.0, done
    assert refused.status == "Rejected"
    assert unknown.code in ("NotImplemented", "NotSupported"), "it knows no remote stop"
    [transaction] = desk.central.stations["P1"].transactions.values()
    assert (transaction.energy_wh, transaction.is_open) == (8000.0, False)
    assert desk.remark_counts == {}
