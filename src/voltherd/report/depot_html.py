"""A depot's plan as one HTML page: the site against its limit, each station's night, the bill."""

from collections.abc import Sequence
from typing import Final

from voltherd.report.axis import Axis, number_axis
from voltherd.report.depot import (
    certificate,
    charge_words,
    clock,
    comparison,
    headline,
    local,
    money,
)
from voltherd.report.glyph import glyph
from voltherd.report.html_page import brand, page
from voltherd.report.markup import Markup, element, joined
from voltherd.types.depot import Course, DepotSheet, Spell, Stay
from voltherd.units import SECOND_PER_HOUR

WIDTH: Final = 760.0
_LEFT: Final = 96.0
_RIGHT: Final = 748.0
_TOP: Final = 30.0
_COURSE: Final = 150.0
"""Height of the site's course."""
_ROW: Final = 26.0
_HOURS: Final = (1, 2, 3, 4, 6, 12, 24)
_TICKS_MAX: Final = 9


def render_depot_html(sheet: DepotSheet, generated_second: float) -> str:
    """Write a plan as a self-contained page.

    Args:
        sheet: The plan; every text in it is treated as foreign and escaped.
        generated_second: When it was made [unix s].

    Returns:
        A whole HTML document, UTF-8 declared.
    """
    top = [
        brand("voltherd", generated_second),
        element("h1", headline(sheet)),
        element("p", certificate(sheet), class_="lede"),
        element("p", comparison(sheet), class_="lede"),
    ]
    main = [_short(sheet), _notes(sheet), _night(sheet), _vehicles(sheet)]
    foot = element(
        "p",
        f"Charging is positive; times are {sheet.zone}. The bound is proved by prices on the "
        "limits: no plan that delivers as much energy under the same limits costs less.",
    )
    return page(f"{sheet.site} – voltherd", "night", joined(top), joined(main), foot)


def _short(sheet: DepotSheet) -> Markup | None:
    if not sheet.short:
        return None
    items = [element("li", text) for text in sheet.short]
    return element(
        "section",
        element("h2", "Not all of it can be delivered", id="short"),
        element("div", element("ul", *items, class_="lines inner"), class_="card recommended"),
        aria_labelledby="short",
    )


def _notes(sheet: DepotSheet) -> Markup | None:
    if not sheet.notes:
        return None
    return element("ul", *(element("li", text) for text in sheet.notes), class_="lines")


def _night(sheet: DepotSheet) -> Markup:
    stations = sorted({stay.charger for stay in sheet.stays})
    return element(
        "section",
        element("h2", "The night", id="night"),
        element(
            "figure",
            element(
                "figcaption",
                "Power from the grid: planned, without a plan, and the limit",
            ),
            element("div", _course(sheet), class_="scroll", tabindex="0"),
        ),
        element(
            "figure",
            element(
                "figcaption",
                "Who charges when: a bar's height is its power, dashed where it gives back",
            ),
            element("div", _gantt(sheet, stations), class_="scroll", tabindex="0"),
        )
        if stations
        else None,
        aria_labelledby="night",
    )


def _across(sheet: DepotSheet) -> Axis:
    """Give the axis of time, ticked at round local hours."""
    begin = sheet.course.second[0]
    end = sheet.course.second[-1] + sheet.step_second
    step = next(
        (h for h in _HOURS if (end - begin) / SECOND_PER_HOUR / h <= _TICKS_MAX), _HOURS[-1]
    )
    ticks = [
        (second, clock(second, sheet.zone))
        for second in sheet.course.second
        if (at := local(second, sheet.zone)).minute == 0 and at.hour % step == 0
    ]
    return Axis(low=begin, high=end, start=_LEFT, stop=_RIGHT, ticks=tuple(ticks))


def _course(sheet: DepotSheet) -> Markup:
    course, across = sheet.course, _across(sheet)
    lines = (course.site_kilowatt, course.uncontrolled_kilowatt, course.limit_kilowatt)
    values = [value for line in lines for value in line] + [0.0]
    bottom = _TOP + _COURSE
    up = number_axis(min(values), max(values), bottom, _TOP, steps=4)
    names = ("planned", "without a plan", "limit")
    parts = [_grid(across, _TOP, bottom), _levels(up, "kW")]
    parts += [
        element("path", d=_stairs(course, line, sheet.step_second, across, up), class_=f"line s{n}")
        for n, line in enumerate(lines)
    ]
    parts += [_named(names), _prices(sheet, across, bottom + 44.0)]
    height = bottom + 44.0 + 66.0
    said = f"Planned at most {max(course.site_kilowatt):.1f} kW, {names[1]} at most " + (
        f"{max(course.uncontrolled_kilowatt):.1f} kW, limit at least "
        f"{min(course.limit_kilowatt):.1f} kW; prices from {min(course.price_eur_per_kwh):.3f} to "
        f"{max(course.price_eur_per_kwh):.3f} EUR/kWh."
    )
    return _drawing("course", "Power from the grid and price", said, height, parts)


def _prices(sheet: DepotSheet, across: Axis, top: float) -> Markup:
    course = sheet.course
    values = [*course.price_eur_per_kwh, 0.0]
    up = number_axis(min(values), max(values), top + 60.0, top, steps=2)
    line = _stairs(course, course.price_eur_per_kwh, sheet.step_second, across, up)
    return joined([_levels(up, "EUR/kWh"), element("path", d=line, class_="line s1")])


def _named(names: Sequence[str]) -> Markup:
    parts = []
    for place, name in enumerate(names):
        x = _LEFT + 110.0 + 150.0 * place
        parts.append(
            element(
                "line", x1=f"{x:g}", x2=f"{x + 26:g}", y1="12", y2="12", class_=f"line s{place}"
            )
        )
        parts.append(element("text", name, x=f"{x + 32:g}", y="12", dy="0.35em"))
    return joined(parts)


def _levels(up: Axis, unit: str) -> Markup:
    parts = []
    for value, label in up.ticks:
        y = f"{up.place(value):.1f}"
        style = "zero" if value == 0.0 else "grid"
        parts.append(element("line", x1=f"{_LEFT:g}", x2=f"{_RIGHT:g}", y1=y, y2=y, class_=style))
        parts.append(element("text", label, x=f"{_LEFT - 6:g}", y=y, dy="0.35em", class_="end"))
    at = (up.start + up.stop) / 2.0
    parts.append(element("text", unit, x="2", y=f"{at:.1f}", dy="0.35em", class_="name"))
    return joined(parts)


def _grid(across: Axis, top: float, bottom: float) -> Markup:
    parts = []
    for value, label in across.ticks:
        x = f"{across.place(value):.1f}"
        parts.append(
            element("line", x1=x, x2=x, y1=f"{top:g}", y2=f"{bottom + 4:g}", class_="grid")
        )
        parts.append(element("text", label, x=x, y=f"{bottom + 18:g}", class_="mid"))
    return joined(parts)


def _stairs(
    course: Course, line: Sequence[float], step_second: float, across: Axis, up: Axis
) -> str:
    """Give a path that stays level within each step."""
    path = ""
    for second, value in zip(course.second, line, strict=True):
        y = up.place(value)
        left, right = across.place(second), across.place(second + step_second)
        path += f"{'L' if path else 'M'}{left:.1f} {y:.1f}H{right:.1f}"
    return path


def _gantt(sheet: DepotSheet, stations: Sequence[str]) -> Markup:
    across = _across(sheet)
    most = max((abs(s.kilowatt) for stay in sheet.stays for s in stay.spells), default=1.0)
    bottom = _TOP + _ROW * len(stations)
    parts = [_grid(across, _TOP - 12.0, bottom)]
    for place, station in enumerate(stations):
        base = _TOP + _ROW * (place + 1) - 4.0
        parts.append(
            element("text", station, x=f"{_LEFT - 8:g}", y=f"{base - 6:g}", class_="end name")
        )
        there = (stay for stay in sheet.stays if stay.charger == station)
        parts += [_bars(stay, base, most, across, sheet.zone) for stay in there]
    said = "; ".join(
        f"{stay.vehicle} at {stay.charger}: {charge_words(stay)}" for stay in sheet.stays
    )
    return _drawing("gantt", "Who charges when", said[:2000], bottom + 26.0, parts)


def _bars(stay: Stay, base: float, most: float, across: Axis, zone: str) -> Markup:
    left, right = across.place(stay.arrival_second), across.place(stay.departure_second)
    told = f"{stay.vehicle}: {clock(stay.arrival_second, zone)} to " + clock(
        stay.departure_second, zone
    )
    parts = [
        element(
            "rect",
            element("title", told),
            x=f"{left:.1f}",
            y=f"{base - _ROW + 8:.1f}",
            width=f"{right - left:.1f}",
            height=f"{_ROW - 8:.1f}",
            rx="3",
            class_="stay",
        )
    ]
    parts += [_bar(spell, base, most, across, zone) for spell in stay.spells]
    return joined(parts)


def _bar(spell: Spell, base: float, most: float, across: Axis, zone: str) -> Markup:
    left, right = across.place(spell.begin_second), across.place(spell.end_second)
    height = max(2.0, (_ROW - 8.0) * abs(spell.kilowatt) / most)
    told = (
        f"{clock(spell.begin_second, zone)} to {clock(spell.end_second, zone)}: "
        f"{spell.kilowatt:.1f} kW".replace("-", "−")
    )
    return element(
        "rect",
        element("title", told),
        x=f"{left:.1f}",
        y=f"{base - height:.1f}",
        width=f"{max(right - left, 0.6):.1f}",
        height=f"{height:.1f}",
        class_="bar" if spell.kilowatt > 0 else "bar gives",
    )


def _drawing(key: str, title: str, said: str, height: float, parts: Sequence[Markup]) -> Markup:
    return element(
        "svg",
        element("title", title, id=f"{key}-t"),
        element("desc", said, id=f"{key}-d"),
        *parts,
        viewBox=f"0 0 {WIDTH:g} {height:g}",
        role="img",
        aria_labelledby=f"{key}-t {key}-d",
        class_="plot wide",
    )


def _vehicles(sheet: DepotSheet) -> Markup:
    rows = [_row(stay, sheet.zone) for stay in sheet.stays]
    titles = ("Vehicle", "Stays", "Charge", "Draws", "Gives", "Costs")
    head = element("thead", element("tr", *(element("th", t, scope="col") for t in titles)))
    return element(
        "section",
        element("h2", "Vehicles", id="vehicles"),
        element(
            "div",
            element(
                "div",
                element("table", head, element("tbody", *rows), class_="stays")
                if rows
                else element("p", "None."),
                class_="inner",
            ),
            class_="card",
        ),
        aria_labelledby="vehicles",
    )


def _row(stay: Stay, zone: str) -> Markup:
    tone = "none" if stay.ready else "recommended"
    wear = element("span", f"{money(stay.wear_eur)} of it wear") if stay.wear_eur else None
    return element(
        "tr",
        element(
            "th",
            glyph(tone),
            f" {stay.vehicle}",
            element("span", f"at {stay.charger}"),
            scope="row",
            class_=tone,
        ),
        element("td", f"{clock(stay.arrival_second, zone)}–{clock(stay.departure_second, zone)}"),
        element(
            "td",
            charge_words(stay),
            element("span", f"waits: {stay.waits}") if stay.waits else None,
        ),
        element("td", f"{stay.drawn_kwh:.1f} kWh", class_="n"),
        element("td", f"{stay.given_kwh:.1f} kWh", class_="n"),
        element("td", money(stay.energy_eur + stay.wear_eur), wear, class_="n"),
    )
