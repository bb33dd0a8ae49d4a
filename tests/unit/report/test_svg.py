import math
import re
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voltherd.report.axis import nice_step, number_axis, time_axis
from voltherd.report.svg import HEIGHT, POINTS_MAX, WIDTH, plot_svg
from voltherd.types.event import Plot

ORDINATE = st.one_of(st.none(), st.floats())


def drawn(plot):
    return ElementTree.fromstring(plot_svg(plot, "k").text)


def texts(root):
    return ["".join(node.itertext()) for node in root.iter("text")]


def test_axes_carry_their_units_and_the_pointed_values_are_printed(sample):
    root = drawn(sample.weak_plot())
    told = texts(root)
    assert "Deviation while driving [mV]" in told and "Cell in the string" in told
    assert "2: −61.2\N{NO-BREAK SPACE}mV" in told and "81: −48.9\N{NO-BREAK SPACE}mV" in told
    bars = [node for node in root.iter("rect") if "bar" in node.get("class")]
    assert len(bars) == 96
    assert [n for n, node in enumerate(bars) if "hot" in node.get("class")] == [1, 80]
    assert sum(node.get("class") == "point" for node in root.iter("path")) == 2


def test_many_pointed_bars_print_only_the_largest_number(sample):
    told = texts(drawn(sample.imbalance_plot()))
    assert sum("mV" in text and ":" in text for text in told) == 1


def test_a_plot_has_a_title_and_says_in_words_what_it_shows(sample):
    root = drawn(sample.drift_plot())
    assert root.get("role") == "img"
    title, description = root.find("title"), root.find("desc")
    assert root.get("aria-labelledby").split() == [title.get("id"), description.get("id")]
    assert title.text == sample.drift_plot().title
    assert "2024-02-12 08:00 UTC to 2024-05-12 08:00 UTC" in description.text
    assert "cell 41: −" in description.text


def test_a_gap_breaks_the_line(sample):
    path = next(n for n in drawn(sample.drift_plot()).iter("path") if "s0" in n.get("class"))
    assert path.get("d").count("M") == 2


def test_time_is_told_in_utc_with_its_year(sample):
    told = texts(drawn(sample.drift_plot()))
    assert "Time [UTC], 2024" in told
    assert any(re.fullmatch(r"\d+ (Feb|Mar|Apr|May)", text) for text in told)
    assert {"12:00", "11 May"} <= set(texts(drawn(sample.probe_plot())))


def test_a_bar_begins_at_zero():
    plot = Plot(
        title="t", x_label="x", y_label="y", x=(1.0, 2.0), series=(("a", (5.0, 6.0)),), kind="bar"
    )
    root = drawn(plot)
    zero = next(node for node in root.iter("line") if node.get("class") == "zero")
    for bar in root.iter("rect"):
        foot = float(bar.get("y")) + float(bar.get("height"))
        assert math.isclose(foot, float(zero.get("y1")), abs_tol=0.11)


def test_a_long_series_is_thinned_but_keeps_its_extremes():
    xs = tuple(float(n) for n in range(50_000))
    ys = tuple(-900.0 if n == 31_337 else math.sin(n) for n in range(50_000))
    plot = Plot(title="t", x_label="x", y_label="y", x=xs, series=(("a", ys),))
    path = next(n for n in drawn(plot).iter("path") if "s0" in n.get("class")).get("d")
    points = re.findall(r"[ML]([\d.]+) ([\d.]+)", path)
    assert len(points) <= 2 * POINTS_MAX
    flat = replace(plot, series=(("a", (-900.0, *ys[1:])),))
    path_flat = next(n for n in drawn(flat).iter("path") if "s0" in n.get("class")).get("d")
    lowest = max(float(y) for _, y in points)
    assert lowest == max(float(y) for _, y in re.findall(r"[ML]([\d.]+) ([\d.]+)", path_flat))
    assert lowest > 150.0


def test_a_title_from_outside_is_text():
    evil = "</title></svg><script>alert(1)</script>"
    plot = Plot(
        title=evil, x_label=evil, y_label=evil, x=(0.0, 1.0), series=((evil, (0.0, 1.0)),) * 2
    )
    root = drawn(plot)
    assert not list(root.iter("script"))
    assert root.find("title").text == evil


@pytest.mark.parametrize("values", [(), (None, None), (math.nan, None)])
def test_without_values_the_plot_says_so(values):
    plot = Plot(title="t", x_label="x", y_label="y", x=(0.0, 1.0), series=(("a", values),))
    assert "no values to show" in texts(drawn(plot))


@given(
    st.lists(st.tuples(st.floats(-1e9, 4e9), ORDINATE, ORDINATE), max_size=40),
    st.sampled_from(["line", "bar"]),
    st.booleans(),
    st.lists(st.integers(-2, 50), max_size=6),
)
def test_any_plot_stays_inside_its_frame(points, kind, x_is_time, highlight):
    points = sorted(points, key=lambda point: point[0])
    plot = Plot(
        title="t",
        x_label="x",
        y_label="y [mV]",
        x=tuple(x for x, _, _ in points),
        series=(("a", tuple(a for _, a, _ in points)), ("b", tuple(b for _, _, b in points))),
        kind=kind,
        x_is_time=x_is_time,
        highlight=tuple(highlight),
    )
    text = plot_svg(plot, "k").text
    assert "nan" not in text and "inf" not in text
    root = ElementTree.fromstring(text)
    for node in root.iter():
        for key, limit in (
            ("x", WIDTH),
            ("cx", WIDTH),
            ("x1", WIDTH),
            ("y", HEIGHT),
            ("y1", HEIGHT),
        ):
            if node.get(key):
                assert -1.0 <= float(node.get(key)) <= limit + 1.0, (node.tag, key, node.get(key))


@given(st.floats(1e-6, 1e9), st.integers(2, 8))
def test_steps_are_round_and_about_as_many_as_asked(span, steps):
    step = nice_step(span, steps)
    assert span / step <= 1.6 * steps
    assert span / step >= steps / 1.6
    digit = step / 10.0 ** math.floor(math.log10(step) + 1e-9)
    assert any(math.isclose(digit, nice) for nice in (1.0, 2.0, 5.0))


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_an_axis_holds_its_values_and_has_ticks(one, other):
    low, high = min(one, other), max(one, other)
    axis = number_axis(low, high, 0.0, 100.0)
    slack = 1e-9 * max(1e-3, abs(low), abs(high))
    assert axis.low <= low + slack and high <= axis.high + slack
    assert len(axis.ticks) >= 2


@given(st.integers(0, 4_000_000_000).map(float), st.integers(0, 300_000_000).map(float))
def test_times_are_ticked_a_few_times(start, span):
    axis = time_axis(start, start + span, 0.0, 300.0)
    assert 1 <= len(axis.ticks) <= 7
    assert all(axis.low <= time <= axis.high for time, _ in axis.ticks)
    assert all(one[1] != after[1] for one, after in pairwise(axis.ticks))
