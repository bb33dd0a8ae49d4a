"""The text of --faults says what to plant, and says clearly when it does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voltherd.errors import UsageError
from voltherd.sim.fault_text import FaultRequest, format_faults, parse_faults
from voltherd.sim.faults import KINDS, size_rules
from voltherd.types.asset import Chemistry
from voltherd.types.event import LocationKind, Phenomenon


def test_two_faults_with_options_are_told_apart() -> None:
    weak, contact = parse_faults(
        "weak_cell:0.15,contact_resistance:0.5mohm@vehicle=3,cell=17,day=2"
    )
    assert (weak.phenomenon, weak.size, weak.unit) == (Phenomenon.WEAK_CELL, 0.15, "1")
    assert weak.vehicle is None
    assert weak.index is None
    assert contact.size == pytest.approx(5e-4)
    assert (contact.vehicle, contact.index, contact.day) == (3, 17, 2.0)


def test_an_option_belongs_to_the_fault_before_it() -> None:
    first, second = parse_faults("weak_cell@vehicle=1,cell=2,sensor_stuck@vehicle=2,probe=3")
    assert (first.index, second.index) == (2, 3)
    assert second.place is LocationKind.PROBE


@pytest.mark.parametrize(
    ("text", "size", "unit"),
    [
        ("weak_cell:15%", 0.15, "1"),
        ("contact_resistance:500uohm", 5e-4, "ohm"),
        ("contact_resistance:0.5 mΩ", 5e-4, "ohm"),
        ("internal_short:1%/day", 0.01, "1/day"),
        ("internal_short:2%", 0.02, "1/day"),
        ("internal_short:20ohm", 20.0, "ohm"),
        ("sensor_bias:-20mV", -0.02, "V"),
        ("sensor_bias:3a@channel=current_ampere", 3.0, "A"),
        ("sensor_bias:5°C@probe=2", 5.0, "K"),
        ("insulation_low:80kohm", 8e4, "ohm"),
        ("sensor_stuck", 0.0, ""),
        ("soc_misreported", 0.12, "1"),
        ("soc_misreported:-8%", -0.08, "1"),
        ("soc_misreported:1%/day", 0.01, "1/day"),
        ("soc_misreported:Frozen", 0.0, ""),
    ],
)
def test_sizes_are_read_with_their_units(text: str, size: float, unit: str) -> None:
    [request] = parse_faults(text)
    assert request.size == pytest.approx(size)
    assert request.unit == unit


def test_count_asks_for_several() -> None:
    assert len(parse_faults("weak_cell:0.2@count=7")) == 7


@pytest.mark.parametrize("text", ["", "none", " None "])
def test_nothing_asked_for_is_nothing(text: str) -> None:
    assert parse_faults(text) == ()


def test_the_living_fleet_hides_the_demos_kinds_and_a_lie() -> None:
    live = {request.phenomenon for request in parse_faults("live")}
    assert live == {
        *(request.phenomenon for request in parse_faults("demo")),
        Phenomenon.SOC_MISREPORTED,
    }


def test_the_demo_hides_five_different_faults() -> None:
    demo = parse_faults("demo")
    assert len({request.phenomenon for request in demo}) == 5


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("weakcell:0.1", "did you mean 'weak_cell'?"),
        ("cell_outlier", "cannot be planted"),
        ("weak_cell:15mohm", "wrong unit"),
        ("weak_cell:2", "outside 0.01 to 0.6"),
        ("weak_cell:lots", "is no size"),
        ("weak_cell:", "is no size"),
        ("sensor_stuck:3", "has no size"),
        ("weak_cell@cel=3", "did you mean 'cell'?"),
        ("weak_cell@cell=0", "no count from 1"),
        ("weak_cell@cell=3,cell=4", "twice"),
        ("weak_cell@cell=3,probe=4", "two places"),
        ("weak_cell@probe=3", "it takes cell"),
        ("soc_imbalance@cell=3", "whole pack"),
        ("sensor_bias@channel=curent_ampere", "did you mean 'current_ampere'?"),
        ("weak_cell@day=0.5", "no day counted from 1"),
        ("weak_cell@other=5", "only channel_swap"),
        ("weak_cell@chemistry=NIMH", "no chemistry"),
        ("weak_cell@cell", "has no value"),
        ("vehicle=3", "before any fault"),
        ("weak_cell,,weak_cell", "missing between two commas"),
        ("weak_cell@count=1001", "more than 1000"),
        ("weak_cell@growth=1ohm", "wrong unit"),
        ("weak_cell:frozen", "is no size"),
        ("soc_misreported@cell=3", "it takes channel"),
        ("soc_misreported:60%", "outside -0.5 to 0.5"),
        ("weak_cell@prefer=pilot", "one of commuter, van, taxi"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_the_mend(text: str, told: str) -> None:
    with pytest.raises(UsageError, match="--faults") as caught:
        parse_faults(text)
    assert told in str(caught.value)


# Listed beforehand: the shape checks draw numbers, which a strategy must not.
SPOTS = [
    (phenomenon, place, channel, rule)
    for phenomenon, kind in KINDS.items()
    for place in kind.places
    for channel in (sorted(kind.channels) if place is LocationKind.CHANNEL else [None])
    for rule in size_rules(phenomenon, place, channel)
]


@st.composite
def requests(draw: st.DrawFn) -> FaultRequest:
    phenomenon, place, channel, rule = draw(st.sampled_from(SPOTS))
    counted = place not in (LocationKind.CHANNEL, LocationKind.PACK)
    index = draw(st.none() | st.integers(1, 500)) if counted else None
    return FaultRequest(
        phenomenon=phenomenon,
        place=place,
        size=draw(st.floats(rule.low, rule.high)),
        unit=rule.unit,
        growth_per_day=draw(st.floats(-1.0, 1.0)) if rule.unit else 0.0,
        vehicle=draw(st.none() | st.integers(1, 10**6)),
        index=index,
        other=draw(st.none() | st.integers(1, 96))
        if phenomenon is Phenomenon.CHANNEL_SWAP
        else None,
        channel=channel,
        day=draw(st.none() | st.floats(1.0, 1000.0).map(lambda day: round(day, 3))),
        chemistry=draw(st.none() | st.sampled_from(sorted(Chemistry))),
        prefer=draw(st.none() | st.sampled_from(["commuter", "van", "taxi"])),
    )


@given(st.lists(requests(), max_size=4))
def test_written_requests_read_back_unchanged(asked: list[FaultRequest]) -> None:
    assert parse_faults(format_faults(asked)) == tuple(asked)


def refusal(text: str) -> str | None:
    try:
        parse_faults(text)
    except UsageError as error:
        return str(error)
    return None


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    assert (refusal(text) or "--faults").startswith("--faults")


@given(st.text(alphabet="weak_cell:0.15%@=,;vday mohm", max_size=60))
def test_nearly_right_text_is_read_or_refused_in_words(text: str) -> None:
    assert (refusal(text) or "--faults").startswith("--faults")
