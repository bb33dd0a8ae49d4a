"""What a request leaves open is drawn from the seed; what does not exist is refused."""

import pytest

from voltherd.errors import UsageError
from voltherd.sim.fleet import fleet_spec, vehicles
from voltherd.types.event import LocationKind


def test_the_same_seed_hides_faults_in_the_same_places() -> None:
    assert fleet_spec(vehicles=9, faults="demo", seed=4) == fleet_spec(
        vehicles=9, faults="demo", seed=4
    )


def test_another_seed_hides_them_elsewhere() -> None:
    places = {
        (fault.vehicle, fault.location.index)
        for seed in range(8)
        for fault in fleet_spec(vehicles=50, faults="weak_cell", seed=seed).faults
    }
    assert len(places) > 5


def test_faults_avoid_each_other_while_there_is_room() -> None:
    faults = fleet_spec(vehicles=6, faults="sensor_stuck@count=5,weak_cell@vehicle=2").faults
    assert len({fault.vehicle for fault in faults}) == 6


def test_an_undated_fault_begins_early_enough_to_be_found() -> None:
    spec = fleet_spec(vehicles=6, days=20, faults="sensor_stuck@count=40")
    days = [(fault.start_second - spec.start_second) / 86400 for fault in spec.faults]
    assert min(days) > 0.0
    assert max(days) < 7.1


def test_a_wanted_chemistry_is_kept_to() -> None:
    spec = fleet_spec(vehicles=30, faults="weak_cell@chemistry=LFP,count=5")
    facts = vehicles(spec)
    for fault in spec.faults:
        cell_type = facts[fault.vehicle - 1].cell_type
        assert cell_type is not None
        assert cell_type.chemistry == "LFP"


def test_a_preferred_driver_is_found_where_there_is_one() -> None:
    spec = fleet_spec(vehicles=30, faults="weak_cell@prefer=taxi,chemistry=NMC,count=3")
    facts = vehicles(spec)
    assert {facts[fault.vehicle - 1].model for fault in spec.faults} == {"simulated taxi NMC"}


def test_a_preference_that_nobody_meets_stops_nothing() -> None:
    spec = fleet_spec(vehicles=1, faults="weak_cell@prefer=taxi")
    assert "taxi" not in vehicles(spec)[0].model
    assert [fault.vehicle for fault in spec.faults] == [1]


def test_a_module_fault_names_its_cells() -> None:
    [fault] = fleet_spec(faults="module_offset@module=2").faults
    assert fault.location.kind is LocationKind.MODULE
    assert fault.location.cells == tuple(range(13, 25))


def test_a_swap_names_two_different_cells() -> None:
    for seed in range(30):
        [fault] = fleet_spec(faults="channel_swap@cell=96", seed=seed).faults
        first, second = fault.location.cells
        assert first == 96
        assert 1 <= second < 96


@pytest.mark.parametrize(
    ("faults", "told"),
    [
        ("weak_cell@vehicle=4", "the fleet has 3"),
        ("weak_cell@cell=97", "the pack has 96"),
        ("sensor_stuck@probe=25", "the pack has 24"),
        ("module_offset@module=9", "the pack has 8"),
        ("weak_cell@day=15", "the record has 14 days"),
        ("channel_swap@cell=3,other=3", "with itself"),
        ("weak_cell@chemistry=LTO", "no vehicle of this fleet is LTO"),
    ],
)
def test_a_place_that_does_not_exist_is_refused(faults: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        fleet_spec(vehicles=3, faults=faults)


@pytest.mark.parametrize(
    "wrong", [{"vehicles": 0}, {"days": 0}, {"seed": -1}, {"period_second": 0.5}]
)
def test_numbers_without_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="is not in"):
        fleet_spec(**wrong)  # type: ignore[arg-type]
