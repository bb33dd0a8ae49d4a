"""Station classes beside their claims, and a link that obeys its circuit."""

import math

import numpy as np
import pytest

from voltherd.charging.sources import (
    Link,
    class_of,
    fitted_exponent,
    linked,
    mutual_henry,
    printed_watt,
    road_watt_hour,
)
from voltherd.errors import InputError

PLACES = np.array([0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 4.0])
NONE = np.zeros(len(PLACES))


def test_powers_fall_into_their_classes():
    assert [class_of(kw).name for kw in (1.4, 3.7, 7.0, 22.0, 43.0, 50.0, 350.0, 1000.0)] == [
        *["Level 1"] * 2,
        *["Level 2"] * 3,
        *["Level 3"] * 3,
    ]
    for wrong in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(InputError, match="is none"):
            class_of(wrong)


def test_an_exponent_is_recovered_from_noisy_powers():
    r = np.random.default_rng(5)
    away = np.linspace(0.05, 0.5, 40)
    exact = np.array([printed_watt(0.01, 400.0, 350.0, d, 2.6) for d in away.tolist()])
    assert fitted_exponent(away, exact).n == pytest.approx(2.6)
    noisy = fitted_exponent(away, exact * np.exp(r.normal(0.0, 0.05, len(away))))
    assert abs(noisy.n - 2.6) < 3.0 * noisy.sigma < 0.2
    assert noisy.residual == pytest.approx(0.05, rel=0.4)
    for wrong in ((away[:2], exact[:2]), (away, -exact), (-away, exact)):
        with pytest.raises(InputError):
            fitted_exponent(*wrong)


def test_one_exponent_does_not_do_for_a_circuit():
    """Power rises with distance near by and falls with its sixth power far away."""
    near, far = np.linspace(0.1, 0.3, 20), np.linspace(6.0, 9.0, 20)
    assert fitted_exponent(near, linked(Link(), near, np.zeros(20)).watt).n < -1.0
    assert fitted_exponent(far, linked(Link(), far, np.zeros(20)).watt).n == pytest.approx(
        6.0, abs=0.1
    )


def test_equation_3_as_printed():
    assert printed_watt(3.0, 2.0, 5.0, 1.0, 4.0) == 30.0
    assert printed_watt(3.0, 2.0, 5.0, 2.0, 2.0) == 7.5
    for wrong in (0.0, -1.0, math.nan):
        with pytest.raises(InputError, match="distance"):
            printed_watt(1.0, 1.0, 1.0, wrong, 2.0)


def test_the_link_solves_its_circuit():
    """The two loop equations, with complex impedances at resonance, solved apart."""
    link = Link()
    given = linked(link, PLACES, NONE)
    omega = 2 * math.pi * link.hertz
    for place, mutual in enumerate(mutual_henry(link, PLACES, NONE).tolist()):
        loops = np.array(
            [
                [link.first_ohm, -1j * omega * mutual],
                [1j * omega * mutual, -(link.second_ohm + link.load_ohm)],
            ]
        )
        first, second = np.linalg.solve(loops, np.array([link.source_volt, 0.0]))
        watt = abs(second) ** 2 * link.load_ohm
        lost = abs(first) ** 2 * link.first_ohm + abs(second) ** 2 * link.second_ohm
        assert given.watt[place] == pytest.approx(watt, rel=1e-9)
        assert given.efficiency[place] == pytest.approx(watt / (watt + lost), rel=1e-9)


def test_coupling_falls_with_distance_and_misalignment_and_efficiency_with_it():
    link = Link()
    assert (np.diff(mutual_henry(link, PLACES, NONE)) < 0.0).all()
    assert (np.diff(linked(link, PLACES, NONE).efficiency) < 0.0).all()
    aside = np.linspace(0.0, 0.6, 7)
    near = np.full(7, 0.2)
    assert (np.diff(mutual_henry(link, near, aside)) < 0.0).all()
    assert (np.diff(linked(link, near, aside).efficiency) < 0.0).all()


def test_far_away_coils_are_dipoles():
    link = Link()
    far = mutual_henry(link, np.array([50.0, 100.0]), np.zeros(2))
    assert far[0] / far[1] == pytest.approx(8.0, rel=1e-3)


def test_power_does_not_fall_with_distance_as_the_printed_equation_says():
    watt = linked(Link(), PLACES, NONE).watt
    assert watt[0] < watt[1] < watt[2] < watt[3]
    assert watt[-1] < watt[-2]


def test_a_road_gives_more_to_a_slow_vehicle_and_to_more_coils():
    link, coils = Link(), np.arange(0.0, 100.0)
    slow, fast = (road_watt_hour(link, coils, 0.2, speed, 20e3) for speed in (5.0, 25.0))
    assert slow == pytest.approx(5.0 * fast)
    assert road_watt_hour(link, coils[:50], 0.2, 5.0, 20e3) == pytest.approx(0.5 * slow)
    capped = road_watt_hour(link, coils, 0.2, 5.0, 1e3)
    assert capped == pytest.approx(100 * 1e3 * 0.6 / 5.0 / 3600.0, rel=1e-6)
    with pytest.raises(InputError, match="stands"):
        road_watt_hour(link, coils, 0.2, 0.0, 1e3)


def test_a_road_gives_what_adding_up_moments_gives():
    """A vehicle followed in steps of 5 mm over coils that lie anywhere, but not over each other."""
    link, speed, gap, most = Link(), 20.0, 0.2, 4000.0
    coils = np.cumsum(np.random.default_rng(2).uniform(0.7, 2.0, 12))
    place = np.arange(coils[0] - 1.0, coils[-1] + 1.0, 0.005)
    aside = np.abs(place[:, None] - coils).min(axis=1)
    over = aside <= link.radius_metre
    watt = np.zeros(len(place))
    watt[over] = np.minimum(linked(link, np.full(over.sum(), gap), aside[over]).watt, most)
    numeric = float(watt.sum()) * 0.005 / speed / 3600.0
    assert road_watt_hour(link, coils, gap, speed, most) == pytest.approx(numeric, rel=0.01)
