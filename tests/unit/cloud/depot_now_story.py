"""A depot at work, to be shown: one car charges, one waits, one charger is deaf, one stay ended."""

from math import nan

from voltherd.types.depot import Account
from voltherd.types.depot_now import DepotNow, Place, Stretch

STEP = 900.0


def stay(vehicle, charger, begin, departure, stored_kwh, wanted_kwh, stop=None, why=""):
    ready = stored_kwh >= 0.99 * wanted_kwh
    drawn = stored_kwh / 0.95 * 1000.0
    return Account(
        *(vehicle, charger, "tx-1", begin, stop, departure, drawn),
        *(stored_kwh, wanted_kwh, ready, why, ()),
    )


def depot_now_story(now):
    """Tell it for a moment [unix s]."""
    begin = now - now % STEP
    bus = stay("bus-1", "CP-01", now - 7200.0, now + 20_000.0, 21.0, 66.0)
    van = stay("van-1", "CP-03", now - 3600.0, now + 20_000.0, 0.0, 18.0)
    left = "it left 95 min before it was to"
    gone = stay("van-2", "CP-04", now - 9000.0, now + 3600.0, 12.0, 30.0, now - 2100.0, left)
    chance = begin + 8 * STEP
    return DepotNow(
        now_second=now,
        site="North depot",
        zone="Europe/Berlin",
        step_second=STEP,
        kilowatt=31.5,
        is_metered=True,
        limit_kilowatt=60.0,
        spare_kilowatt=4.5,
        plan_second=begin,
        plan_eur=12.5,
        plan_gap=1e-5,
        places=(
            Place("CP-01", "S01", True, bus, 13.5, 4.0, 14.0, 14.0, 14.0, "as planned", now),
            Place("CP-02", "S02", False, None, nan, nan, 4.1, 0.0, 22.0, "no car asks", nan),
            Place("CP-03", "S03", True, van, nan, 400.0, 0.0, 0.0, 11.0, "does not follow", chance),
            Place("CP-04", "S03", True, None, 0.0, 0.0, 0.0, 0.0, 0.0, "no car asks", nan),
        ),
        left=(gone,),
        past=tuple(
            Stretch(begin - n * STEP, 13.5, 31.5, 60.0, 0.3, 33.0, 900)
            for n in range(12, -1, -1)
            if n != 5  # it was off for a while
        ),
        next=tuple(
            Stretch(begin + n * STEP, 40.0, 58.0, 60.0, 0.16 if n > 6 else 0.42, 58.0)
            for n in range(40)
        ),
    )
