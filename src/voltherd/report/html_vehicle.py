"""One vehicle's data: what it can answer, what would unlock the next, and what import noticed."""

from voltherd.report.gather import (
    Remarked,
    amount,
    mapping_runs,
    next_unlock,
    pace,
    remark_groups,
    spans,
)
from voltherd.report.glyph import glyph, severity_name
from voltherd.report.html_finding import capitalised
from voltherd.report.markup import Markup, element, joined
from voltherd.report.standing import Standing
from voltherd.report.words import clean, count, day_in_words
from voltherd.types.report import Answer, ImportReport


def vehicle_card(standing: Standing, key: str, links: tuple[tuple[str, str], ...]) -> Markup:
    """Write a vehicle.

    Args:
        standing: The vehicle and its findings.
        key: Its id in the page.
        links: Id and title of each of its findings in the page.

    Returns:
        A folded ``details`` element.
    """
    vehicle = standing.vehicle
    quiet = "not checked, too little data" if standing.unchecked else "nothing found"
    found = count(len(standing.findings), "finding") if standing.findings else quiet
    facts = f"{count(vehicle.rows, 'sample')} of {count(vehicle.cells, 'cell')}"
    if vehicle.rows and vehicle.first_second == vehicle.first_second:
        first, last = day_in_words(vehicle.first_second), day_in_words(vehicle.last_second)
        facts += f", {first} to {last}" if first != last else f", {first}"
    listed = (
        element(
            "p",
            "Findings: ",
            joined(
                joined(["; " if place else None, element("a", title, href=f"#{target}")])
                for place, (target, title) in enumerate(links)
            ),
        )
        if links
        else None
    )
    return element(
        "details",
        element(
            "summary",
            glyph("dash" if standing.unchecked else severity_name(standing.worst)),
            element("h3", vehicle.vehicle_id),
            element("span", f"{found}; {facts}", class_="quiet"),
        ),
        element(
            "div",
            listed,
            _answers(vehicle.answers),
            *(_source(source) for source in vehicle.imports),
            class_="inner",
        ),
        class_="card vehicle",
        id=key,
    )


def _answers(answers: tuple[Answer, ...]) -> Markup | None:
    if not answers:
        return None
    able = [answer for answer in answers if answer.possible]
    unable = [answer for answer in answers if not answer.possible]
    unlock = next_unlock(answers)
    hint = None
    if unlock is not None:
        need, unlocked = unlock
        titles = " ".join(clean(answer.title) for answer in unlocked)
        hint = element(
            "p",
            element("b", "What would help most: "),
            f" {clean(need)}. It is wanted for: {titles}",
            class_="next",
        )
    halves = []
    if able:
        items = (element("li", glyph("none"), answer.title) for answer in able)
        halves.append(
            element("div", element("h4", "Looked at"), element("ul", *items, class_="ticks"))
        )
    if unable:
        items = (
            element("li", glyph("dash"), answer.title, element("span", _needs(answer)))
            for answer in unable
        )
        halves.append(
            element("div", element("h4", "Cannot tell yet"), element("ul", *items, class_="ticks"))
        )
    return joined([element("div", *halves, class_="halves"), hint])


def _needs(answer: Answer) -> str:
    needs = ", and ".join(clean(need) for need in answer.needs)
    return f"Needs {needs}." if needs else "The data at hand do not allow it."


def _source(source: ImportReport) -> Markup:
    facts = [f"{count(source.rows_read, 'row')} read, {source.rows_kept:,} used"]
    if source.rate_hertz:
        facts.append(pace(source.rate_hertz))
    if source.timezone:
        facts.append(f"times: {clean(source.timezone)}")
    groups = remark_groups(source.remarks)
    remarks = (
        element("ul", *(_remark(group) for group in groups), class_="lines")
        if groups
        else element("p", "Nothing to remark on the quality of these data.", class_="quiet")
    )
    return element(
        "section",
        element("h4", f"Data quality of {clean(source.source)}"),
        element("p", "; ".join(facts) + ".", class_="quiet small"),
        remarks,
        _mapping(source),
        class_="source",
    )


def _remark(group: Remarked) -> Markup:
    remark = group.remark
    share = amount(group)
    examples = "; ".join(clean(example) for example in remark.examples[:3])
    title = capitalised(clean(remark.reason).replace("_", " "))
    return element(
        "li",
        element("b", title + (f", {group.channels}" if group.channels else "")),
        f": {share}" if share else ".",
        element("span", capitalised(clean(remark.detail)) + "."),
        element("span", f"For example {examples}.") if examples else None,
        element("span", f"To mend: {clean(remark.mend)}.") if remark.mend else None,
    )


def _mapping(source: ImportReport) -> Markup | None:
    runs = mapping_runs(source.mapping)
    if not runs:
        return None
    rows = (
        element(
            "tr",
            element("th", run.source, scope="row"),
            element(
                "td",
                run.canonical + (f" ({run.columns} columns)" if run.columns > 1 else ""),
                element("span", run.conversion),
            ),
        )
        for run in runs
    )
    columns = sum(run.columns for run in runs)
    unused = f"Not used: {spans(source.unused)}." if source.unused else None
    return element(
        "details",
        element("summary", f"What was recognised: {count(columns, 'column')}"),
        element(
            "table",
            element(
                "thead",
                element(
                    "tr",
                    element("th", "Source", scope="col"),
                    element("th", "Became, and how", scope="col"),
                ),
            ),
            element("tbody", *rows),
        ),
        element("p", unused, class_="quiet small") if unused else None,
    )
