"""What cannot be planned is refused with the vehicle or step and the mend."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.charging.depots import depot
from voltherd.charging.checks import checked
from voltherd.charging.problem import Problem, Taper
from voltherd.errors import InputError


def put(array, value):
    """The array with the third value replaced."""
    changed = np.array(array)
    changed[2] = value
    return changed


def fleet(name, value):
    def spoil(problem):
        return replace(
            problem,
            fleet=replace(problem.fleet, **{name: put(getattr(problem.fleet, name), value)}),
        )

    return spoil


def site(name, value):
    def spoil(problem):
        return replace(
            problem, site=replace(problem.site, **{name: put(getattr(problem.site, name), value)})
        )

    return spoil


def discharge(name, value):
    def spoil(problem):
        changed = put(getattr(problem.discharge, name), value)
        return replace(problem, discharge=replace(problem.discharge, **{name: changed}))

    return spoil


WRONG = {
    "leaves before it comes": (fleet("departure_step", 0), "vehicle 2: it departs before"),
    "stays too long": (fleet("departure_step", 99), "vehicle 2: its stay reaches beyond"),
    "comes before the plan": (fleet("arrival_step", -1), "vehicle 2: its stay reaches beyond"),
    "wants more than fits": (
        fleet("energy_kwh", 1e4),
        "vehicle 2: more energy .* lower energy_kwh",
    ),
    "negative power": (fleet("power_max_kilowatt", -7.4), "vehicle 2: power_max_kilowatt is neg"),
    "no power": (fleet("power_max_kilowatt", np.nan), "vehicle 2: power_max_kilowatt is negative"),
    "less energy than it has": (fleet("energy_kwh", -1e4), "vehicle 2: energy_kwh is negative"),
    "no energy": (fleet("energy_kwh", np.nan), "vehicle 2: energy_kwh is negative or no number"),
    "no battery": (fleet("battery_kwh", 0.0), "vehicle 2: .*battery"),
    "two phases": (fleet("phases", 2), "vehicle 2: phases is neither 1 nor 3"),
    "fourth phase": (fleet("phase", 3), "vehicle 2: phase is none of"),
    "gains energy": (fleet("charge_efficiency", 1.1), "vehicle 2: charge_efficiency"),
    "least above most": (fleet("power_min_kilowatt", 99.0), "vehicle 2: its least power"),
    "price missing": (site("price_eur_per_kwh", np.nan), "step 2: price_eur_per_kwh is missing"),
    "base load too high": (site("base_kilowatt", 1e6), "step 2: the site's limit is missing, neg"),
    "limit missing": (site("limit_kilowatt", np.nan), "step 2: the site's limit is missing"),
    "surplus paid more": (site("feed_in_eur_per_kwh", 9.0), "step 2: surplus is paid more"),
    "negative discharge": (discharge("limit_kilowatt", -1.0), "vehicle 2: its discharge limit"),
    "gains on discharge": (discharge("efficiency", 2.0), "vehicle 2: its discharge efficiency"),
}


@pytest.fixture
def good() -> Problem:
    return depot(1, vehicles=6, room=3.0, gives=True, solar=True, phased=True, grouped=True)


def test_a_good_problem_is_given_back(good):
    assert checked(good) is good


def test_what_cannot_give_back_cannot_leave_with_less_than_it_has(good):
    less = fleet("energy_kwh", -0.5)(good)
    assert checked(less) is less
    with pytest.raises(InputError, match="vehicle 2: energy_kwh is negative"):
        checked(replace(less, discharge=None))


def test_a_peak_below_nothing_is_refused(good):
    wrong = replace(good, site=replace(good.site, peak_kilowatt=-1.0))
    with pytest.raises(InputError, match="peak_kilowatt is negative"):
        checked(wrong)


@pytest.mark.parametrize("case", WRONG)
def test_nonsense_is_refused_where_it_is(good, case):
    spoil, message = WRONG[case]
    with pytest.raises(InputError, match=message):
        checked(spoil(good))


def test_the_name_of_a_vehicle_is_said_and_how_many_more_are_wrong(good):
    named = replace(good.fleet, names=tuple("ABCDEF"), departure_step=np.zeros(6, dtype=int))
    with pytest.raises(InputError, match=r"A: it departs .* \(and 5 more vehicles\)"):
        checked(replace(good, fleet=named))


@pytest.mark.long  # shapes are checked in tests only, and would speak first
def test_arrays_of_other_lengths_are_refused(good):
    short = replace(good, fleet=replace(good.fleet, battery_kwh=np.ones(5)))
    with pytest.raises(InputError, match="battery_kwh has 5 values for 6 vehicles"):
        checked(short)
    late = replace(good, site=replace(good.site, limit_kilowatt=np.ones(3)))
    with pytest.raises(InputError, match="limit_kilowatt has 3 values for 16 steps"):
        checked(late)


def test_wear_that_falls_or_does_not_fill_the_limit_is_refused(good):
    falls = replace(good.discharge, tier_wear_eur_per_kwh=np.tile([0.06, 0.02], (6, 1)))
    with pytest.raises(InputError, match="wear falls"):
        checked(replace(good, discharge=falls))
    half = replace(good.discharge, tier_fraction=np.array([0.4, 0.1]))
    with pytest.raises(InputError, match="do not fill"):
        checked(replace(good, discharge=half))


def test_a_bend_that_rises_ends_early_or_belongs_to_what_gives_back_is_refused(good):
    some = good.of(np.flatnonzero(good.discharge.limit_kilowatt == 0))
    one = np.ones((some.fleet.size, 1))
    checked(replace(some, taper=Taper(40.0 * one, 0.01 * one)))
    for lines, message in (
        (Taper(40.0 * one, -one), "rises as it fills"),
        (Taper(40.0 * one, 99.0 * one), "no power before its battery is full"),
    ):
        with pytest.raises(InputError, match=message):
            checked(replace(some, taper=lines))
    both = Taper(np.full((6, 1), 10.0), np.full((6, 1), 0.1))
    with pytest.raises(InputError, match="both together are not planned yet"):
        checked(replace(good, taper=both))


def test_an_empty_depot_is_refused(good):
    none = {name: getattr(good.fleet, name)[:0] for name in good.fleet.__slots__ if name != "names"}
    with pytest.raises(InputError, match="no vehicle"):
        checked(replace(good, fleet=replace(good.fleet, **none)))
