"""The report page in a real Chromium: it fits, loads nothing, reads well, and prints."""

from pathlib import Path

import axe_core_python
import pytest

AXE = Path(axe_core_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
NAMES = ("triage", "quiet", "empty", "large")
WIDTHS = (390, 1440)
UNFOLD = "document.querySelectorAll('details').forEach(part => part.open = true)"

every_page = pytest.mark.parametrize("name", NAMES)
every_width = pytest.mark.parametrize("width", WIDTHS)


@every_page
@pytest.mark.parametrize("width", [320, *WIDTHS])
def test_nothing_reaches_beyond_the_screen(browser, pages, name, width):
    browser.show(pages[name], width)
    browser.value(UNFOLD)
    assert browser.value("innerWidth") == width
    assert browser.value("document.documentElement.scrollWidth") <= width
    beyond = browser.value(
        "[...document.querySelectorAll('body *')].filter(part => !part.closest('.skip') && "
        "part.getBoundingClientRect().right > innerWidth + 0.5).map(part => part.outerHTML)"
    )
    assert beyond == []


LOOKED_AT = [
    *((name, width, dark) for name in NAMES[:3] for width in WIDTHS for dark in (False, True)),
    ("large", 1440, False),  # the same elements many times over
]


@pytest.mark.parametrize(("name", "width", "dark"), LOOKED_AT)
def test_axe_finds_no_violation(browser, pages, name, width, dark):
    browser.show(pages[name], width, dark=dark)
    browser.value(UNFOLD)
    browser.value(AXE + ";0")
    result = browser.value(
        "axe.run(document, {resultTypes: ['violations', 'incomplete']}).then(result => ({"
        "passes: result.passes.length, violations: result.violations.map(found => [found.id, "
        "found.help, found.nodes.map(node => node.html)])}))"
    )
    assert result["violations"] == []
    assert result["passes"] > 15, "axe has looked at the page"


def test_axe_would_see_a_violation(browser, pages, tmp_path):
    """The check above can fail: quiet letters on a tinted ground do."""
    text = pages["triage"].read_text(encoding="utf-8")
    bad = tmp_path / "bad.html"
    bad.write_text(text.replace("--quiet:#556070", "--quiet:#c8ccd2"), encoding="utf-8")
    browser.show(bad, 1440)
    browser.value(AXE + ";0")
    found = browser.value("axe.run().then(result => result.violations.map(found => found.id))")
    assert "color-contrast" in found


@every_page
def test_the_page_asks_for_nothing_but_itself(browser, pages, name):
    browser.show(pages[name], 1440)
    assert browser.requests == [pages[name].as_uri()]
    assert browser.value("performance.getEntriesByType('resource').length") == 0
    links = browser.value(
        "[...document.querySelectorAll('[src], [href], [action], [data], [srcset]')].map(part => "
        "part.getAttribute('src') ?? part.getAttribute('href') ?? part.outerHTML)"
    )
    assert links
    assert all(link.startswith("#") for link in links)


@every_page
def test_every_link_leads_somewhere(browser, pages, name):
    browser.show(pages[name], 1440)
    lost = browser.value(
        "[...document.querySelectorAll('a')].map(link => link.getAttribute('href').slice(1))"
        ".filter(target => !document.getElementById(target))"
    )
    assert lost == []
    ids = browser.value("[...document.querySelectorAll('[id]')].map(part => part.id)")
    assert len(ids) == len(set(ids))


def test_the_page_says_the_same_without_scripts(browser, pages):
    browser.show(pages["triage"], 390)
    told = browser.value("document.body.innerText")
    browser.show(pages["triage"], 390, script=False)
    assert "3 of 6 vehicles need attention today" in told
    assert browser.value("document.body.innerText") == told
    assert browser.value("document.scripts.length") == 0


def test_a_hostile_name_is_only_a_name(browser, pages, sample):
    browser.show(pages["triage"], 1440)
    names = browser.value(
        "[...document.querySelectorAll('.vehicle h3')].map(part => part.textContent)"
    )
    assert sample.HOSTILE in names
    assert browser.value("document.querySelectorAll('.place b').length") > 0
    assert browser.value("document.querySelectorAll('.place b b, main script').length") == 0


@every_width
def test_no_letter_of_a_plot_leaves_it_or_covers_another(browser, pages, width):
    browser.show(pages["triage"], width)
    browser.value(UNFOLD)
    clashes = browser.value(
        """[...document.querySelectorAll('svg.plot')].flatMap(plot => {
          const frame = plot.getBoundingClientRect();
          const boxes = [...plot.querySelectorAll('text')].map(part =>
            [part.textContent, part.getBoundingClientRect()]);
          const out = boxes.filter(([, box]) => box.left < frame.left - 1 || box.right >
            frame.right + 1 || box.bottom > frame.bottom + 1 || box.top < frame.top - 1);
          const over = boxes.flatMap(([text, box], n) => boxes.slice(n + 1).filter(([, other]) =>
            box.left < other.right - 1 && other.left < box.right - 1 &&
            box.top < other.bottom - 4 && other.top < box.bottom - 4)
            .map(([other]) => text + ' / ' + other));
          return [...out.map(([text]) => text), ...over];
        })"""
    )
    assert clashes == []


def test_small_letters_stay_readable_on_a_phone(browser, pages):
    browser.show(pages["triage"], 390)
    browser.value(UNFOLD)
    smallest = browser.value(
        "Math.min(...[...document.querySelectorAll('svg.plot')].map(plot => "
        "parseFloat(getComputedStyle(plot).fontSize) * plot.getBoundingClientRect().width / 380))"
    )
    assert smallest >= 10.0
    sizes = browser.value(
        "[...document.querySelectorAll('main :not(svg *)')].map(part => "
        "parseFloat(getComputedStyle(part).fontSize))"
    )
    assert min(sizes) >= 13.0


def test_the_page_prints_in_ink_on_white_with_its_evidence_unfolded(browser, pages):
    browser.show(pages["triage"], 1440, dark=True)
    browser.value("document.querySelectorAll('details').forEach(part => part.open = false)")
    shown = "document.querySelector('.why').offsetHeight > 300"
    ground = "getComputedStyle(document.body).backgroundColor"
    assert not browser.value(shown)
    browser.as_printed()
    assert browser.value(shown)
    assert browser.value(ground) == "rgb(255, 255, 255)"
