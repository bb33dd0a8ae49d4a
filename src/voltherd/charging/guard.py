"""The guard: once a second, limits for all stations that together exceed nothing.

It knows no prices and no batteries.  The planner's setpoints are wishes to it, which it can only
lower; whatever is missing, old, negative or not a number is answered by denying.  Two sums are
kept for every phase of every limit:

* what stations *might* draw (:mod:`voltherd.charging.guard_hold`) plus the worst of all other
  loads stays below the limit.  A station gets more only out of what this sum leaves;
* what they are *asked* to draw, those that do not answer counted in full, stays below it too.
  Limits that fall and meters that show too much are answered by this one, at once and in
  proportion.

While limits are constant and ``others_rise_ampere_per_second`` is infinite, the first sum holds
whatever stations refuse, miss, delay or forget.  With a finite rise the meter may be believed
between its readings, which gives more room and leaves a gap: loads that rise faster, and stations
that go deaf just then, are answered within ``patience_second``, not before.
"""

from dataclasses import dataclass
from typing import Final, NamedTuple, final

import numpy as np
from jaxtyping import Bool, Float, Int

from voltherd.charging.guard_hold import Heard, Hold, Patience, hear, is_stuck, might_draw, send
from voltherd.charging.guard_hold import start as start_hold
from voltherd.charging.guard_share import Turns, admit, fill, order_of, turned
from voltherd.charging.guard_site import PHASES, SLACK_AMPERE, Site

PerStation = Float[np.ndarray, " stations"]
PerRow = Float[np.ndarray, " rows"]
Flags = Bool[np.ndarray, " stations"]
REASONS: Final = (
    "as planned",
    "equal share: no fresh plan",
    "less than planned: shared",
    "waits for others to give way",
    "waits its turn",
    "the plan gives none",
    "no car asks",
    "does not follow",
)
"""Why a station has its limit, in the order of ``Orders.reason``."""


PATIENCE: Final = Patience()
_ABSURD: Final = 2.0
"""No station draws that many times its hardware: a meter that says so says nothing."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the guard behaves.

    Attributes:
        patience: With stations.
        plan_age_second_max: An older plan is none [s].
        meter_age_second_max: An older reading of a limit's meter is none [s].
        current_age_second_max: The same for a station's current [s].
        skew_second_max: A station's current is taken off a meter's reading only if both were
            measured within this [s].
        others_rise_ampere_per_second: How fast other loads may rise; infinite: assume their most,
            whatever the meter says [A/s].
        recover_ampere_per_second: How fast a limit's stations get back what a meter's excess took
            from them [A/s].
        raise_pause_second: Between two raises of a station [s].
        turn_second: For which a station keeps its place where not all may charge [s].
        call_second_max: The guard's clock moves by no more than this from call to call [s].
    """

    patience: Patience = PATIENCE
    plan_age_second_max: float = 900.0
    meter_age_second_max: float = 5.0
    current_age_second_max: float = 60.0
    skew_second_max: float = 0.5
    others_rise_ampere_per_second: float = np.inf
    recover_ampere_per_second: float = 0.2
    raise_pause_second: float = 10.0
    turn_second: float = 900.0
    call_second_max: float = 2.0


class Seen(NamedTuple):
    """What is known at a call; NaN where nothing is.

    Attributes:
        now_second: Of a clock that only moves forward [s].
        plan_ampere: The plan's setpoints [A].
        plan_age_second: [s].
        limit_ampere: Of each limit and phase; can only tighten the site's own [A].
        meter_ampere: Of each limit and phase, imports positive [A].
        meter_age_second: Of each limit [s].
        current_ampere: Of each station and phase, by the grid's phases [A].
        current_age_second: Of each station [s].
        asks: Where a car is that wants to charge.
        answered_serial: Number of the limit that a station last answered; -1 for none.
        accepted: Whether that answer was yes.
    """

    now_second: float
    plan_ampere: PerStation
    plan_age_second: float
    limit_ampere: Float[np.ndarray, "limits 3"]
    meter_ampere: Float[np.ndarray, "limits 3"]
    meter_age_second: Float[np.ndarray, " limits"]
    current_ampere: Float[np.ndarray, "stations 3"]
    current_age_second: PerStation
    asks: Flags
    answered_serial: Int[np.ndarray, " stations"]
    accepted: Flags


class Guard(NamedTuple):
    """What the guard remembers.

    Attributes:
        now_second: Of the last call, by the caller's clock [s].
        clock_second: Its own clock, which neither stands back nor leaps [s].
        hold: What stations were asked for and hold.
        turns: Who charges and who waits.
        raised_second: When each was last raised.
        ceiling_ampere: What a meter's excess has left to a row's stations; infinite without.
        cut_second: When it did.
    """

    now_second: float
    clock_second: float
    hold: Hold
    turns: Turns
    raised_second: PerStation
    ceiling_ampere: PerRow
    cut_second: PerRow


class Orders(NamedTuple):
    """What stations are to be told.

    Attributes:
        limit_ampere: The limit of each, per phase [A].
        send: To whom it is to be sent now.
        serial: By which its answer is known.
        reason: Why, a place in ``REASONS``.
        might_ampere: The most that each may draw until it has followed [A].
        spare_ampere: What every limit's phase has left beside all that might be drawn; below 0
            where the limit cannot be promised [A].
    """

    limit_ampere: PerStation
    send: Flags
    serial: Int[np.ndarray, " stations"]
    reason: Int[np.ndarray, " stations"]
    might_ampere: PerStation
    spare_ampere: Float[np.ndarray, "limits 3"]


class _Room(NamedTuple):
    """What a row leaves its stations, and the memory of excesses."""

    room_ampere: PerRow
    ceiling_ampere: PerRow
    cut_second: PerRow


class _Share(NamedTuple):
    """What each is to have in the end, if all follow."""

    target: PerStation
    wish: PerStation
    wants: Flags
    admitted: Flags
    order: Int[np.ndarray, " asking"]
    fresh: bool


def start(
    site: Site,
    now_second: float,
    held_ampere: PerStation | None = None,
    serial: Int[np.ndarray, " stations"] | None = None,
) -> Guard:
    """Begin; after a restart with what the last guard's ``hold`` says.

    Args:
        site: The site.
        now_second: By the caller's clock [s].
        held_ampere: Limits that the stations may still hold; without it every station counts with
            its hardware until it has confirmed less.
        serial: The numbers last used, or answers to them could be taken for answers to new ones.
    """
    count, rows = len(site.stations), len(site.limit_ampere)
    held = site.hardware_ampere if held_ampere is None else held_ampere
    used = np.zeros(count, dtype=np.int64) if serial is None else serial + 1
    nobody = np.full(count, np.nan)
    return Guard(
        now_second=now_second,
        clock_second=0.0,
        hold=start_hold(site, held, used),
        turns=Turns(nobody, nobody, nobody),
        raised_second=np.full(count, -np.inf),
        ceiling_ampere=np.full(rows, np.inf),
        cut_second=np.full(rows, -np.inf),
    )


def step(guard: Guard, site: Site, seen: Seen, settings: Settings) -> tuple[Guard, Orders]:
    """Take a second's news into account, and give every station its limit.

    Args:
        guard: What was remembered.
        site: The site.
        seen: The news.
        settings: How to behave.

    Returns:
        What is to be remembered, also over a restart, and what is to be sent.
    """
    passed = min(max(seen.now_second - guard.now_second, 0.0), settings.call_second_max)
    passed = passed if passed >= 0.0 else 0.0  # NaN: time stands still
    clock = guard.clock_second + passed
    heard = _heard(site, seen, settings, clock)
    hold = hear(guard.hold, site, heard, clock, settings.patience)
    might = might_draw(hold, site, heard)
    room = _room(guard, site, seen, settings, might, (clock, passed))
    stuck = is_stuck(hold, site, clock, settings.patience)
    share = _share(guard, site, seen, settings, (hold, might, stuck, room.room_ampere, clock))
    limit, raised = _allowed(guard, site, settings, share, (hold, might, stuck, room, clock))
    hold, sending = send(hold, limit, clock, settings.patience)
    might = might_draw(hold, site, heard)
    after = Guard(
        now_second=seen.now_second if np.isfinite(seen.now_second) else guard.now_second,
        clock_second=clock,
        hold=hold,
        turns=turned(guard.turns, share.wants, share.admitted, clock, settings.turn_second),
        raised_second=raised,
        ceiling_ampere=room.ceiling_ampere,
        cut_second=room.cut_second,
    )
    spare = room.room_ampere - site.member @ might
    reason = _reason(share, limit, stuck, seen.asks)
    orders = Orders(limit, sending, hold.serial, reason, might, spare.reshape(-1, PHASES))
    return after, orders


def _fresh(age: Float[np.ndarray, " any"], most: float) -> Bool[np.ndarray, " any"]:
    """Tell which ages are ages, and none too high."""
    return np.asarray((age >= 0.0) & (age <= most))


def _heard(site: Site, seen: Seen, settings: Settings, clock: float) -> Heard:
    """Reduce currents to what can be believed of them."""
    believable = _ABSURD * site.hardware_ampere[:, None]
    sound = (seen.current_ampere >= 0.0) & (seen.current_ampere < believable)
    fresh = _fresh(seen.current_age_second, settings.current_age_second_max)
    known = fresh & (sound | ~site.on_phase).all(axis=1)
    peak = np.where(site.on_phase & sound, seen.current_ampere, 0.0).max(axis=1)
    return Heard(
        serial=seen.answered_serial,
        accepted=seen.accepted,
        peak_ampere=np.where(known, peak, np.nan),
        peak_second=np.where(known, clock - seen.current_age_second, np.nan),
    )


def _room(
    guard: Guard,
    site: Site,
    seen: Seen,
    settings: Settings,
    might: PerStation,
    times: tuple[float, float],
) -> _Room:
    """Give what each row leaves its stations."""
    clock, passed = times
    given = np.where(seen.limit_ampere >= 0.0, seen.limit_ampere, 0.0).ravel()
    limit = np.minimum(site.limit_ampere, given)
    fresh = _fresh(seen.meter_age_second, settings.meter_age_second_max)
    age = np.repeat(np.where(fresh, seen.meter_age_second, np.nan), PHASES)
    told = seen.meter_ampere.ravel()
    meter = np.where(np.isfinite(age) & np.isfinite(told), told, np.nan)
    others = _others(site, seen, settings, might, meter, age)
    # Answered once, an excess is given time to go before it is answered again.
    over = (meter > limit) & (clock - guard.cut_second >= settings.patience.patience_second)
    drawn = _drawn(guard, site, seen, settings)
    ceiling = np.where(
        over,
        np.maximum(drawn - (np.nan_to_num(meter) - limit), 0.0),
        guard.ceiling_ampere
        + np.where(meter > limit, 0.0, passed * settings.recover_ampere_per_second),
    )
    return _Room(
        np.minimum(limit - others, ceiling), ceiling, np.where(over, clock, guard.cut_second)
    )


def _others(
    site: Site, seen: Seen, settings: Settings, might: PerStation, meter: PerRow, age: PerRow
) -> PerRow:
    """Give the most that other loads may draw until the next answer takes effect [A]."""
    known = np.isfinite(seen.current_ampere) & (seen.current_ampere >= 0.0)
    current = np.where(known & site.on_phase, seen.current_ampere, 0.0)
    current = np.minimum(current, might[:, None])
    apart = np.abs(seen.current_age_second - seen.meter_age_second[:, None])
    together = site.behind * (apart <= settings.skew_second_max) * site.metered
    least = np.maximum(meter - (together @ current).ravel(), 0.0)
    horizon = age + settings.patience.patience_second
    most = least + settings.others_rise_ampere_per_second * horizon
    return np.asarray(np.fmin(most, site.others_ampere))


def _drawn(guard: Guard, site: Site, seen: Seen, settings: Settings) -> PerRow:
    """Give what each row's stations draw: what they report, else what they were asked for [A]."""
    fresh = _fresh(seen.current_age_second, settings.current_age_second_max)
    known = fresh[:, None] & (seen.current_ampere >= 0.0)
    asked = guard.hold.sent_ampere[:, None]
    current = np.where(known, np.minimum(seen.current_ampere, asked), asked) * site.on_phase
    return np.asarray((site.behind @ current).ravel())


def _share(
    guard: Guard,
    site: Site,
    seen: Seen,
    settings: Settings,
    known: tuple[Hold, PerStation, Flags, PerRow, float],
) -> _Share:
    """Share the room among those who want to charge."""
    hold, might, stuck, room, clock = known
    fresh = 0.0 <= seen.plan_age_second <= settings.plan_age_second_max
    planned = np.where(np.isfinite(seen.plan_ampere), seen.plan_ampere, 0.0)
    wish = np.minimum(planned if fresh else site.hardware_ampere, site.hardware_ampere)
    wants = seen.asks & ~stuck & (wish >= site.least_ampere)
    in_full = site.default_ampere >= site.hardware_ampere  # so counted, or with more if seen
    left = room - site.member @ np.where(stuck | in_full, might, site.default_ampere)
    cornered = (left < -SLACK_AMPERE) @ site.member > 0.0
    held_back = np.where(cornered & site.obeys, site.default_ampere, np.inf)
    least = np.maximum(site.least_ampere, site.default_ampere)
    need = least - site.default_ampere
    order = order_of(guard.turns, wants, site.on_phase.sum(axis=1), clock)
    admitted = admit(order, need, site.member, left)
    left = left - site.member @ (need * admitted)
    more = np.maximum(wish - least, 0.0) * admitted
    extra = fill(more if fresh else np.ones(len(more)), more, site.member, left)
    target = _stepped(site, np.minimum(wish, least + extra)) * admitted
    target = np.where(stuck, np.minimum(hold.sent_ampere, held_back), target)
    return _Share(target, wish, wants, admitted, order, fresh)


def _stepped(site: Site, ampere: PerStation) -> PerStation:
    """Round down to what a station is asked for; what no car charges at becomes nothing."""
    whole = np.floor(ampere / site.step_ampere + SLACK_AMPERE) * site.step_ampere
    return np.where(whole >= site.least_ampere, whole, 0.0)


def _allowed(
    guard: Guard,
    site: Site,
    settings: Settings,
    share: _Share,
    known: tuple[Hold, PerStation, Flags, _Room, float],
) -> tuple[PerStation, PerStation]:
    """Lower at once, raise only out of what nobody might draw."""
    hold, might, stuck, room, clock = known
    waits = (hold.held_ampere > hold.sent_ampere) & ~stuck
    within = np.where(share.target <= might, share.target, hold.sent_ampere)
    limit = np.where(waits, np.minimum(share.target, hold.sent_ampere), within)
    spare = room.room_ampere - site.member @ might
    raised = guard.raised_second.copy()
    may = ~waits & (share.target > might) & (clock - raised >= settings.raise_pause_second)
    for place in share.order[may[share.order]].tolist():
        rows = site.member[:, place] > 0.0
        most = min(float(share.target[place]), float(might[place] + spare[rows].min()))
        steps = np.floor(most / site.step_ampere[place] + SLACK_AMPERE)
        asked = float(steps * site.step_ampere[place])
        if asked >= site.least_ampere[place] and asked > might[place]:
            limit[place], raised[place] = asked, clock
            spare[rows] -= asked - might[place]
    return limit, raised


def _reason(
    share: _Share, limit: PerStation, stuck: Flags, asks: Flags
) -> Int[np.ndarray, " stations"]:
    """Say why each has its limit."""
    whole = limit >= np.floor(share.wish)
    conditions = [
        stuck,
        ~asks,
        ~share.wants,
        ~share.admitted,
        limit < share.target,
        np.full(len(limit), not share.fresh),
        ~whole,
    ]
    names = (
        "does not follow",
        "no car asks",
        "the plan gives none",
        "waits its turn",
        "waits for others to give way",
        "equal share: no fresh plan",
        "less than planned: shared",
    )
    return np.select(conditions, [REASONS.index(name) for name in names], 0)
