"""What signatures say is checked in tests: wrong shapes and types are refused, in and out."""

from dataclasses import dataclass

import numpy as np
import pytest
from beartype.roar import BeartypeCallHintViolation
from jaxtyping import Float

from tests import shapes
from voltherd.units import kelvin_from_celsius

THREE, FOUR = np.zeros(3), np.zeros(4)


@pytest.fixture(autouse=True)
def checks():
    shapes.switch(on=True)
    yield
    shapes.switch(on=True)


@shapes.checked(typechecker=None)
def doubled(one: Float[np.ndarray, "n"], other: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    return np.zeros(2 * len(one)) if other.any() else one + other


@shapes.checked(typechecker=None)
@dataclass(frozen=True)
class Pair:
    one: Float[np.ndarray, "n"]
    other: Float[np.ndarray, "n"]
    name: str = ""


@pytest.mark.parametrize("made", [doubled, Pair])
def test_a_name_is_one_size_within_a_call_and_another_in_the_next(made):
    made(THREE, THREE)
    made(FOUR, FOUR)
    with pytest.raises(BeartypeCallHintViolation):
        made(THREE, FOUR)
    with pytest.raises(BeartypeCallHintViolation):
        made(THREE, np.zeros(3, int))


def test_what_comes_back_is_checked_by_what_went_in():
    with pytest.raises(BeartypeCallHintViolation):
        doubled(THREE, np.ones(3))


def test_types_are_checked_too_and_nothing_is_once_switched_off():
    with pytest.raises(BeartypeCallHintViolation):
        Pair(THREE, THREE, 3)
    shapes.switch(on=False)
    assert Pair(THREE, FOUR, 3).name == 3


def test_all_that_is_imported_is_checked():
    with pytest.raises(BeartypeCallHintViolation):
        kelvin_from_celsius("warm")
