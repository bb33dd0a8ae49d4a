"""A depot's plan as a terminal shows it, and the words that all its forms share."""

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from voltherd.report.text import Column, Paint, indent, paint, table, wrap
from voltherd.report.words import clean, count, number
from voltherd.types.depot import DepotSheet, Stay

WIDTH_LEAST: Final = 60
NUMBERS: Final = 4
"""First column of the table that holds numbers."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def render_depot(sheet: DepotSheet, width: int, colour: bool) -> str:
    """Write a plan for a terminal.

    Args:
        sheet: The plan.
        width: Terminal columns; fewer than 60 are treated as 60.
        colour: Whether to use colour.

    Returns:
        Text that ends with a line feed.
    """
    width = max(WIDTH_LEAST, width)
    head = [paint(line, Paint.BOLD, colour) for line in wrap(headline(sheet), width)]
    for text in (certificate(sheet), comparison(sheet)):
        head += wrap(text, width)
    blocks = [head]
    if sheet.notes:
        blocks.append([line for text in sheet.notes for line in indent(clean(text), width, "· ")])
    if sheet.short:
        blocks.append([line for text in sheet.short for line in indent(clean(text), width, "! ")])
    if sheet.stays:
        blocks.append(_stays(sheet, width, colour))
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def headline(sheet: DepotSheet) -> str:
    """Say how many vehicles will be ready, and what it costs."""
    vehicles = count(len(sheet.stays), "vehicle")
    ready = f"{clean(sheet.site)}: {sheet.ready} of {vehicles} ready at departure"
    return f"{ready}, {money(sheet.cost_eur)}, peak {number(sheet.peak_kilowatt, 1)} kW."


def certificate(sheet: DepotSheet) -> str:
    """Say how near the plan is to the best there is."""
    wear = f" {money(sheet.wear_eur)} of its cost is wear." if sheet.wear_eur else ""
    dearer = f"{100 * max(sheet.gap, 0.0):.3f} %"
    return (
        f"No plan that delivers as much costs less than {money(sheet.bound_eur)}: this one is "
        f"dearer by at most {dearer}.{wear}"
    )


def comparison(sheet: DepotSheet) -> str:
    """Say what would happen without a plan."""
    plain = sheet.uncontrolled
    over = (
        f", {number(plain.over_hour, 2)} h above a limit" if plain.over_hour else ", within limits"
    )
    own = f" Own generation covers {100 * sheet.own_share:.0f} %." if sheet.own_share else ""
    if sheet.own_used_share is not None and sheet.own_used_share_uncontrolled is not None:
        own += (
            f" {100 * sheet.own_used_share:.0f} % of it is used here, "
            f"{100 * sheet.own_used_share_uncontrolled:.0f} % without a plan."
        )
    return (
        f"Without a plan: {money(plain.cost_eur)}, peak {number(plain.peak_kilowatt, 1)} kW{over}."
        + own
    )


def money(eur: float) -> str:
    """Write an amount.

    >>> money(-3.456)
    '−3.46 EUR'
    """
    return f"{eur:,.2f} EUR".replace("-", "−")


def clock(second: float, zone: str) -> str:
    """Give the local time of day.

    >>> clock(0.0, "Europe/Berlin")
    '01:00'
    """
    return local(second, zone).strftime("%H:%M")


def local(second: float, zone: str) -> datetime:
    """Give a time on a zone's clocks."""
    return (_EPOCH + timedelta(seconds=second)).astimezone(ZoneInfo(zone))


def charge_words(stay: Stay) -> str:
    """Say from where to where a vehicle's charge goes, and what is missing."""
    told = f"{100 * stay.soc_arrival:.0f} → {100 * stay.soc_planned:.0f} %"
    if stay.ready:
        return told
    return f"{told} of {100 * stay.soc_wanted:.0f} %, {stay.missing_kwh:.1f} kWh short"


def _stays(sheet: DepotSheet, width: int, colour: bool) -> list[str]:
    """One row a vehicle, and below it why it waits."""
    rows = [
        (
            stay.vehicle,
            stay.charger,
            f"{clock(stay.arrival_second, sheet.zone)}–{clock(stay.departure_second, sheet.zone)}",
            charge_words(stay),
            f"{stay.drawn_kwh:.1f}",
            f"{stay.given_kwh:.1f}",
            f"{stay.energy_eur + stay.wear_eur:.2f}".replace("-", "−"),
        )
        for stay in sheet.stays
    ]
    titles = ("VEHICLE", "AT", "STAYS", "CHARGE", "DRAWS kWh", "GIVES kWh", "EUR")
    columns = tuple(
        Column(header=title, cells=tuple(clean(row[n]) for row in rows), right=n >= NUMBERS)
        for n, title in enumerate(titles)
    )
    heading, *blocks = table(columns, width, colour)
    told = list(heading)
    for stay, block in zip(sheet.stays, blocks, strict=True):
        told += block
        if stay.waits:
            why = indent(f"waits: {stay.waits}", width, "    ")
            told += [paint(line, Paint.DIM, colour) for line in why]
    return told
