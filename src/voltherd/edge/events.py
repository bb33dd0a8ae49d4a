"""What the edge tells of itself and of its vehicle, in words: one function per kind of event."""

from math import isfinite
from typing import Final

from voltherd.detection.verdict import Verdict
from voltherd.edge.image import Jump
from voltherd.protection.watch import Change
from voltherd.types.event import Severity
from voltherd.types.record import Command, EdgeEvent

RUNAWAY: Final = "thermal_runaway.suspected"
CLOCK: Final = "clock.jumped"
SILENT: Final = "bus.silent"
STALLED: Final = "edge.stalled"
STARTED: Final = "edge.started"
STORE_REFUSES: Final = "outbox.refuses"
STORE_FULL: Final = "outbox.full"
STORE_NEW: Final = "outbox.replaced"
DONE: Final = "command.done"
REFUSED: Final = "command.refused"
_QUANTITY: Final = {
    "cell_voltage": ("V", "cell"),
    "probe_temperature": ("°C", "probe"),
    "current": ("A", ""),
    "insulation": ("Ω", ""),
    "measurement": ("s", ""),
}


def of_limit(change: Change, second: float) -> EdgeEvent:
    """Tell that a limit began or ceased to be broken.

    >>> of_limit(Change("cell_voltage.high", Severity.RECOMMENDED, True, (7, 9), 4.26), 5.0).text
    'cell voltage high, recommended limit: 4.26 V at cells 7, 9'
    """
    unit, place = _QUANTITY.get(change.code.partition(".")[0], ("", ""))
    value = change.value if isfinite(change.value) else None
    text = change.code.replace("_", " ").replace(".", " ")
    text += f", {change.severity.word} limit"
    text += f": {value:.6g} {unit}" if value is not None else ""
    if change.places and place:
        shown = ", ".join(map(str, change.places[:8]))
        text += f" at {place}{'s' if len(change.places) > 1 else ''} {shown}"
        text += f" and {len(change.places) - 8} more" if len(change.places) > 8 else ""
    return EdgeEvent(
        unix_time_second=second,
        code=change.code,
        severity=change.severity,
        raised=change.raised,
        text=text,
        cells=change.places if place == "cell" else (),
        value=value,
        unit=unit if value is not None else "",
    )


def of_runaway(verdict: Verdict | None, second: float) -> EdgeEvent:
    """Tell that a thermal runaway is suspected, or (None) no longer is."""
    if verdict is None:
        return EdgeEvent(
            unix_time_second=second,
            code=RUNAWAY,
            severity=Severity.SAFETY,
            raised=False,
            text="no further sign of a thermal runaway; have the pack examined all the same",
        )
    numbers = verdict.numbers
    seen = [
        f"cell {numbers['cell']:.0f} is {-numbers['volt']:.2f} V below its siblings"
        if "volt" in numbers
        else "",
        f"probe {numbers['probe']:.0f} is at {numbers['celsius']:.0f} °C"
        if "probe" in numbers
        else "",
        f"insulation is down to {numbers['ohm']:.0f} Ω" if "ohm" in numbers else "",
    ]
    return EdgeEvent(
        unix_time_second=second,
        code=RUNAWAY,
        severity=Severity.SAFETY,
        text="signs of a thermal runaway at once: " + "; ".join(filter(None, seen)),
        cells=verdict.location.cells,
    )


def of_jump(jump: Jump) -> EdgeEvent:
    """Tell that the vehicle's clock jumped."""
    by = jump.to_second - jump.from_second
    return EdgeEvent(
        unix_time_second=jump.to_second,
        code=CLOCK,
        severity=Severity.OPERATING,
        text=f"the vehicle's clock jumped by {by:+.3f} s; samples keep the order they came in",
        value=by,
        unit="s",
    )


def of_silence(silent: bool, second: float, silent_second: float) -> EdgeEvent:
    """Tell that the bus fell silent while current flowed or the vehicle moved, or speaks again."""
    told = f"nothing heard for {silent_second:g} s while in use; no current is permitted"
    return EdgeEvent(
        unix_time_second=second,
        code=SILENT,
        severity=Severity.RECOMMENDED,
        raised=silent,
        text=told if silent else "the bus is heard again",
        value=silent_second if silent else None,
        unit="s" if silent else "",
    )


def of_command(command: Command, second: float, refusal: str, answer: str = "") -> EdgeEvent:
    """Answer a command: done, or refused and why."""
    return EdgeEvent(
        unix_time_second=second,
        code=REFUSED if refusal else DONE,
        severity=Severity.OPERATING,
        text=f"{command.kind.name.lower()}: {refusal or answer or 'done'}",
        value=command.number,
        correlation_id=command.correlation_id,
    )


def of_edge(
    code: str,
    second: float,
    text: str,
    *,
    severity: Severity = Severity.OPERATING,
    raised: bool = True,
    value: float | None = None,
    unit: str = "",
) -> EdgeEvent:
    """Tell something of the edge itself."""
    return EdgeEvent(
        unix_time_second=second,
        code=code,
        severity=severity,
        raised=raised,
        text=text,
        value=value,
        unit=unit,
    )
