"""Requests of the cloud: who may ask what, for how long, and once.

A command is refused when it is too old, was sent before this edge started (an answer from then
would be lost), was heard before, or asks for what there is not.  What it limits only tightens, and
ends by itself; the gate (``protection.gate``) has the last word.
"""

from math import inf
from typing import Final, NamedTuple

from voltherd.edge.events import of_command
from voltherd.protection.gate import COMMAND_VALID_SECOND_MAX, holds
from voltherd.types.record import Command, CommandKind, EdgeEvent

STREAM: Final = "stream"
EVENT: Final = "event"
MODES: Final = (STREAM, EVENT)
WATCH_SECOND_MAX: Final = 3600.0
REMEMBERED: Final = 256
CEILINGS_MAX: Final = 64
CLOCKS_APART_SECOND: Final = 5.0
"""So far may the cloud's wall clock run ahead of the edge's [s]."""


class Ceiling(NamedTuple):
    """A limit of current that the cloud asked for.

    Attributes:
        charge_ampere: Most charging current, infinity where none is asked [A].
        discharge_ampere: Most discharging current, a magnitude [A].
        until_nanosecond: Wall clock from which it no longer holds [ns].
    """

    charge_ampere: float
    discharge_ampere: float
    until_nanosecond: int


class Desk(NamedTuple):
    """What was asked and still matters.

    Attributes:
        started_nanosecond: Wall clock when the edge started [ns].
        mode: ``stream`` or ``event``.
        seen: Correlation ids heard lately, oldest first.
        ceilings: Limits that hold.
        watch_until_nanosecond: Wall clock until which live samples are sent [ns].
    """

    started_nanosecond: int
    mode: str = STREAM
    seen: tuple[str, ...] = ()
    ceilings: tuple[Ceiling, ...] = ()
    watch_until_nanosecond: int = 0


def hear(
    desk: Desk, command: Command, wall_nanosecond: int, unix_second: float
) -> tuple[Desk, EdgeEvent]:
    """Carry a command out, or refuse it.

    Args:
        desk: Left as it is.
        command: The request.
        wall_nanosecond: Wall clock now [ns].
        unix_second: The vehicle's clock now [unix s].

    Returns:
        What holds now, and the answer.
    """
    refusal = _refusal(desk, command, wall_nanosecond)
    if refusal:
        return _remember(desk, command), of_command(command, unix_second, refusal)
    desk = _remember(desk, command)
    match command.kind:
        case CommandKind.WATCH:
            until = wall_nanosecond + int(1e9 * command.number)
            desk = desk._replace(watch_until_nanosecond=until)
            answer = f"live samples for {command.number:g} s"
        case CommandKind.MODE:
            answer = f"{command.text} mode, {desk.mode} before"
            desk = desk._replace(mode=command.text)
        case CommandKind.CURRENT_LIMIT:
            ceiling = _ceiling(command)
            desk = desk._replace(ceilings=(*_holding(desk, wall_nanosecond), ceiling))
            answer = f"at most {abs(command.number):g} A {_direction(command.number)}"
        case CommandKind.PING:
            answer = f"heard at {wall_nanosecond} ns"
    return desk, of_command(command, unix_second, "", answer)


def ceilings(desk: Desk, wall_nanosecond: int) -> tuple[Desk, float, float]:
    """Give the lowest limits of charging and discharging current that still hold [A]."""
    holding = _holding(desk, wall_nanosecond)
    if len(holding) < len(desk.ceilings):
        desk = desk._replace(ceilings=holding)
    return (
        desk,
        min((c.charge_ampere for c in holding), default=inf),
        min((c.discharge_ampere for c in holding), default=inf),
    )


def watched(desk: Desk, wall_nanosecond: int) -> bool:
    """Whether somebody watches."""
    return wall_nanosecond < desk.watch_until_nanosecond


def _refusal(desk: Desk, command: Command, wall_nanosecond: int) -> str:
    """Say why a command is not carried out, nothing where it is."""
    age = 1e-9 * (wall_nanosecond - command.sent_nanosecond)
    if command.correlation_id in desk.seen:
        return "a repetition; the first one was answered"
    if command.sent_nanosecond < desk.started_nanosecond - int(1e9 * CLOCKS_APART_SECOND):
        return "sent before this edge started"
    if not holds(max(age, 0.0) if age > -CLOCKS_APART_SECOND else age, command.valid_second):
        return f"too old: sent {age:.1f} s ago, valid for {command.valid_second:g} s"
    if command.kind is CommandKind.MODE and command.text not in MODES:
        return f"no mode {command.text[:40]!r}; there are {' and '.join(MODES)}"
    if command.kind is CommandKind.WATCH and not 0.0 <= command.number <= WATCH_SECOND_MAX:
        return f"{command.number:g} s is not in 0 to {WATCH_SECOND_MAX:g}"
    if command.kind is CommandKind.CURRENT_LIMIT and not abs(command.number) < inf:
        return f"{command.number} A is no current"
    if command.kind is CommandKind.CURRENT_LIMIT and len(desk.ceilings) >= CEILINGS_MAX:
        return f"{CEILINGS_MAX} limits hold already; wait until some have ended"
    return ""


def _remember(desk: Desk, command: Command) -> Desk:
    if command.correlation_id in desk.seen:
        return desk
    return desk._replace(seen=(*desk.seen, command.correlation_id)[-REMEMBERED:])


def _holding(desk: Desk, wall_nanosecond: int) -> tuple[Ceiling, ...]:
    return tuple(c for c in desk.ceilings if wall_nanosecond < c.until_nanosecond)


def _ceiling(command: Command) -> Ceiling:
    """Limit one direction; zero limits both."""
    valid = min(command.valid_second, COMMAND_VALID_SECOND_MAX)
    return Ceiling(
        charge_ampere=command.number if command.number >= 0.0 else inf,
        discharge_ampere=-command.number if command.number <= 0.0 else inf,
        until_nanosecond=command.sent_nanosecond + int(1e9 * valid),
    )


def _direction(ampere: float) -> str:
    if ampere == 0.0:
        return "either way"
    return "charging" if ampere > 0.0 else "discharging"
