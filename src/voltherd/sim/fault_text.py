"""The text of ``--faults``: ``weak_cell:0.15,contact_resistance:0.5mohm@vehicle=3,cell=17,day=2``.

::

    faults  = "none" | "demo" | "live" | fault {"," fault}
    fault   = kind [":" size] ["@" option {"," option}]
    size    = number [unit] | "frozen"   unit: % %/day mohm ohm kohm megohm mV V mV/day mA A K K/day
                                               W Pa kPa
    option  = vehicle | cell | module | probe | channel | other | day | growth | chemistry | prefer
              | count "=" value

Vehicles, cells, modules, probes and days count from 1.  What is not written is drawn from the
fleet's seed, or is the table's default (``voltherd.sim.faults.KINDS``).
"""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, final

from voltherd.errors import UsageError
from voltherd.sim.drivers import DRIVERS
from voltherd.sim.faults import KINDS, size_rules
from voltherd.types.asset import Chemistry
from voltherd.types.event import LocationKind, Phenomenon

DEMO: Final = (
    "weak_cell:20%@chemistry=NMC,contact_resistance:0.6mohm,"
    "internal_short:1.5%/day@chemistry=NMC,sensor_stuck,soc_imbalance:7%@chemistry=NMC"
)
"""The five faults that ``--faults demo`` hides."""
LIVE: Final = (
    "weak_cell:20%@chemistry=NMC,prefer=taxi,contact_resistance:0.6mohm,"
    "internal_short:1.5%/day@chemistry=NMC,prefer=taxi,sensor_stuck,"
    "soc_imbalance:7%@chemistry=NMC,soc_misreported:12%@chemistry=NMC"
)
"""What the living fleet hides: five faults, and a vehicle that lies about its charge."""
NAMED: Final = {"demo": DEMO, "live": LIVE}

COUNT_MAX: Final = 1000
_UNITS: Final = {
    "%": ("1", 0.01),
    "%/day": ("1/day", 0.01),
    "/day": ("1/day", 1.0),
    "uohm": ("ohm", 1e-6),
    "mohm": ("ohm", 1e-3),
    "ohm": ("ohm", 1.0),
    "kohm": ("ohm", 1e3),
    "megohm": ("ohm", 1e6),
    "mv": ("V", 1e-3),
    "v": ("V", 1.0),
    "mv/day": ("V/day", 1e-3),
    "v/day": ("V/day", 1.0),
    "ma": ("A", 1e-3),
    "a": ("A", 1.0),
    "k": ("K", 1.0),
    "k/day": ("K/day", 1.0),
    "w": ("W", 1.0),
    "pa": ("Pa", 1.0),
    "kpa": ("Pa", 1e3),
}
_NUMBER: Final = re.compile(r"^([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*(\D*)$")
FROZEN: Final = "frozen"
"""Written for a size where a channel may also simply stay as it is."""
_INTEGERS: Final = ("vehicle", "cell", "module", "probe", "other", "count")
_OPTIONS: Final = (*_INTEGERS, "channel", "day", "growth", "chemistry", "prefer")
_PLACE_OPTIONS: Final = {
    "cell": LocationKind.CELL,
    "module": LocationKind.MODULE,
    "probe": LocationKind.PROBE,
    "channel": LocationKind.CHANNEL,
}


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRequest:
    """A fault as asked for; None means: draw it.

    Attributes:
        phenomenon: What to plant.
        place: What ``index`` counts.
        size: How large, in ``unit``.
        unit: Canonical unit of the size, empty for none.
        growth_per_day: Growth of the size per day.
        vehicle: Vehicle counted from 1.
        index: Cell, module or probe counted from 1.
        other: Second cell of a swap.
        channel: Scalar channel, where one is meant.
        day: Day counted from 1 on which it begins; a fraction is a time of that day.
        chemistry: Only in a vehicle of this chemistry.
        prefer: Kind of driver in whose vehicle it sits where there is one.
    """

    phenomenon: Phenomenon
    place: LocationKind
    size: float
    unit: str
    growth_per_day: float = 0.0
    vehicle: int | None = None
    index: int | None = None
    other: int | None = None
    channel: str | None = None
    day: float | None = None
    chemistry: Chemistry | None = None
    prefer: str | None = None


def parse_faults(text: str) -> tuple[FaultRequest, ...]:
    """Read the text of ``--faults``.

    Args:
        text: See the module's grammar; ``none`` and the empty text ask for no fault.

    Returns:
        One request per fault, in the order written.

    Raises:
        UsageError: If the text cannot be understood; the message names the part and the mend.

    >>> [request] = parse_faults("contact_resistance:0.5mohm@vehicle=3,cell=17,day=2")
    >>> request.size, request.unit, request.vehicle, request.index, request.day
    (0.0005, 'ohm', 3, 17, 2.0)
    >>> len(parse_faults("demo")), parse_faults("none")
    (5, ())
    """
    text = text.strip()
    if text.lower() in ("", "none"):
        return ()
    text = NAMED.get(text.lower(), text)
    requests: list[FaultRequest] = []
    for head, options in _grouped(text):
        requests += _requests(head, options)
        if len(requests) > COUNT_MAX:
            raise UsageError(f"more than {COUNT_MAX} faults", where="--faults", mend="ask for less")
    return tuple(requests)


def format_faults(requests: Iterable[FaultRequest]) -> str:
    """Write requests as text that ``parse_faults`` reads back unchanged.

    >>> format_faults(parse_faults("weak_cell:15%@cell=3"))
    'weak_cell:0.15@cell=3'
    """
    return ",".join(map(_format, requests)) or "none"


def _format(request: FaultRequest) -> str:
    options: dict[str, object] = {"vehicle": request.vehicle}
    if request.place is LocationKind.CHANNEL:
        options["channel"] = request.channel
    elif request.index is not None:
        options[request.place.value] = request.index
    elif request.place is not KINDS[request.phenomenon].places[0]:
        options[request.place.value] = "any"
    options |= {"other": request.other, "day": request.day, "chemistry": request.chemistry}
    options["prefer"] = request.prefer
    unit = "" if request.unit == "1" else request.unit.removeprefix("1")
    if request.growth_per_day:
        plain = "" if unit.endswith("/day") else unit  # a rate's growth is written bare
        options["growth"] = f"{request.growth_per_day!r}{plain}"
    written = ",".join(f"{name}={value}" for name, value in options.items() if value is not None)
    size = f":{request.size!r}{unit}" if request.unit else ""
    if not request.unit and KINDS[request.phenomenon].sizes[0].unit:
        size = f":{FROZEN}"
    return f"{request.phenomenon}{size}" + (f"@{written}" if written else "")


def _grouped(text: str) -> list[tuple[str, list[str]]]:
    """Give each fault its options: a part with '=' and no '@' goes on with the fault before it."""
    groups: list[tuple[str, list[str]]] = []
    for part in text.split(","):
        head, at, option = (piece.strip() for piece in part.partition("@"))
        if not at and "=" in head:
            if not groups:
                raise _error(f"option {head!r} comes before any fault", part)
            groups[-1][1].append(head)
        elif not head:
            raise _error("a fault is missing between two commas" if not at else "no fault", part)
        else:
            groups.append((head, [option] if at else []))
    return groups


def _requests(head: str, options: list[str]) -> list[FaultRequest]:
    name, colon, size_text = (piece.strip() for piece in head.partition(":"))
    phenomenon = _phenomenon(name)
    kind = KINDS[phenomenon]
    given = dict(_option(phenomenon, option) for option in options)
    if len(given) < len(options):
        raise _error("an option is given twice", f"{head}@{','.join(options)}")
    count = int(given.pop("count", "1"))
    place, index, channel = _place(phenomenon, given)
    rules = size_rules(phenomenon, place, channel)
    size, unit = rules[0].default, rules[0].unit
    if colon:
        size, unit = _size(size_text, tuple(rule.unit for rule in rules), head)
    rule = next(rule for rule in rules if rule.unit == unit)
    if not rule.low <= size <= rule.high:
        raise _error(
            f"size {size:g} {unit} is outside {rule.low:g} to {rule.high:g} {unit}",
            head,
            f"{phenomenon} is the {kind.meaning}",
        )
    growth = 0.0
    if "growth" in given:
        growth, _ = _size(given["growth"].removesuffix("/day"), (unit,), f"growth of {head}")
    day = float(given["day"]) if "day" in given else None
    request = FaultRequest(
        phenomenon=phenomenon,
        place=place,
        size=size,
        unit=unit,
        growth_per_day=growth,
        vehicle=int(given["vehicle"]) if "vehicle" in given else None,
        index=index,
        other=int(given["other"]) if "other" in given else None,
        channel=channel,
        day=day,
        chemistry=Chemistry(given["chemistry"]) if "chemistry" in given else None,
        prefer=given.get("prefer"),
    )
    return [replace(request)] * count


def _phenomenon(name: str) -> Phenomenon:
    known = [str(phenomenon) for phenomenon in KINDS]
    if name.lower() in known:
        return Phenomenon(name.lower())
    if name.lower() in [str(phenomenon) for phenomenon in Phenomenon]:
        raise _error(f"{name!r} cannot be planted", name, "choose from " + ", ".join(known))
    close = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    mend = f"did you mean {close[0]!r}?" if close else "choose from " + ", ".join(known)
    raise _error(f"no fault is called {name!r}", name, mend)


def _option(phenomenon: Phenomenon, text: str) -> tuple[str, str]:
    name, equals, value = (piece.strip() for piece in text.partition("="))
    name = name.lower()
    if name not in _OPTIONS:
        close = difflib.get_close_matches(name, _OPTIONS, n=1, cutoff=0.5)
        mend = f"did you mean {close[0]!r}?" if close else "choose from " + ", ".join(_OPTIONS)
        raise _error(f"{phenomenon} has no option {name!r}", text, mend)
    if not equals or not value:
        raise _error(f"option {name!r} has no value", text, f"write {name}=…")
    if value == "any" and name in _PLACE_OPTIONS:
        return name, value
    if name in _INTEGERS and not (value.isascii() and value.isdigit() and 0 < int(value) < 10**9):
        raise _error(f"{name}={value} is no count from 1", text)
    if name == "count" and int(value) > COUNT_MAX:
        raise _error(f"{name}={value} is more than {COUNT_MAX}", text)
    if name == "day" and not (re.fullmatch(r"\d+(\.\d+)?", value, re.ASCII) and float(value) >= 1):
        raise _error(f"day={value} is no day counted from 1", text, "the first day is day=1")
    if name == "chemistry":
        value = value.upper()
        if value not in [str(chemistry) for chemistry in Chemistry]:
            raise _error(f"no chemistry is called {value!r}", text, "for instance NMC, NCA, LFP")
    if name == "prefer":
        value = value.lower()
        known = [driver.name for driver in DRIVERS]
        if value not in known:
            raise _error(f"no driver is called {value!r}", text, f"one of {', '.join(known)}")
    if name == "other" and phenomenon is not Phenomenon.CHANNEL_SWAP:
        raise _error(f"{phenomenon} has no second cell", text, "only channel_swap has")
    return name, value


def _place(
    phenomenon: Phenomenon, given: dict[str, str]
) -> tuple[LocationKind, int | None, str | None]:
    kind = KINDS[phenomenon]
    named = [name for name in _PLACE_OPTIONS if name in given]
    allowed = [name for name, place in _PLACE_OPTIONS.items() if place in kind.places]
    if len(named) > 1:
        raise _error(f"{phenomenon} is given two places: {' and '.join(named)}", str(phenomenon))
    place = _PLACE_OPTIONS[named[0]] if named else kind.places[0]
    if named and place not in kind.places:
        mend = f"it takes {' or '.join(allowed)}" if allowed else "it concerns the whole pack"
        raise _error(f"{phenomenon} has no {named[0]!r}", f"{named[0]}={given[named[0]]}", mend)
    value = given[named[0]] if named else "any"
    if place is LocationKind.CHANNEL:
        channel = next(iter(kind.channels)) if value == "any" else value
        if channel not in kind.channels:
            close = difflib.get_close_matches(channel, kind.channels, n=1, cutoff=0.3)
            mend = f"did you mean {close[0]!r}?" if close else "one of " + ", ".join(kind.channels)
            raise _error(f"{phenomenon} cannot sit at channel {channel!r}", channel, mend)
        return place, None, channel
    return place, None if value == "any" else int(value), None


def _size(text: str, units: tuple[str, ...], where: str) -> tuple[float, str]:
    if units[0] == "":
        raise _error(f"size {text!r}, but this fault has no size", where, "leave the size out")
    if text.lower() == FROZEN and "" in units:
        return 0.0, ""
    match = _NUMBER.match(text)
    suffix = match[2].strip().lower().replace("ω", "ohm").replace("°c", "k") if match else ""
    if match is None or (suffix and suffix not in _UNITS):
        known = ", ".join(name for name, (unit, _) in _UNITS.items() if unit in units)
        raise _error(f"{text!r} is no size", where, f"write a number and a unit of: {known}")
    unit, factor = _UNITS[suffix] if suffix else (units[0], 1.0)
    if unit == "1" and units[0] == "1/day":  # "1%" of a short can only mean per day
        unit = "1/day"
    if unit not in units:
        known = ", ".join(name for name, (known, _) in _UNITS.items() if known in units)
        raise _error(f"{text!r} has the wrong unit", where, f"use one of: {known}")
    return float(match[1]) * factor, unit


def _error(what: str, part: str, mend: str = "see `voltherd simulate fleet --help`") -> UsageError:
    return UsageError(what, where=f"--faults {part.strip()}", mend=mend)
