"""The simulated fleet: reproducible to the bit, physical, and as untidy as a healthy fleet is."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest

from voltherd.sim.fleet import FleetSpec, SimulatedDay, fleet_spec, simulate
from voltherd.types.asset import Chemistry
from voltherd.types.quality import INVALID, Quality

pytestmark = pytest.mark.long

NMC = ((Chemistry.NMC, 1.0),)


def of_vehicle(days: Sequence[SimulatedDay], number: int) -> list[SimulatedDay]:
    return [day for day in days if day.number == number]


def joined(days: Sequence[SimulatedDay]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Time, deviation of each cell from the pack's median [V], and current."""
    volt = np.concatenate([day.batch.cell_voltage_volt for day in days]).astype(np.float64)
    deviation = volt - np.median(volt, axis=1, keepdims=True)
    current = np.concatenate([day.batch.scalar["current_ampere"] for day in days])
    return np.concatenate([day.batch.unix_time_second for day in days]), deviation, current


@pytest.fixture(scope="module")
def healthy() -> list[SimulatedDay]:
    return list(simulate(fleet_spec(vehicles=8, days=3, seed=11)))


def assert_equal(a: SimulatedDay, b: SimulatedDay) -> None:
    assert (a.number, a.day, a.vehicle) == (b.number, b.day, b.vehicle)
    np.testing.assert_array_equal(a.batch.unix_time_second, b.batch.unix_time_second)
    np.testing.assert_array_equal(a.batch.cell_voltage_volt, b.batch.cell_voltage_volt)
    np.testing.assert_array_equal(
        a.batch.probe_temperature_celsius, b.batch.probe_temperature_celsius
    )
    for name, values in a.batch.scalar.items():
        np.testing.assert_array_equal(values, b.batch.scalar[name])
    np.testing.assert_array_equal(a.truth.cell_soc_end, b.truth.cell_soc_end)


def test_a_vehicle_is_the_same_bits_in_any_company(healthy: list[SimulatedDay]) -> None:
    alone = list(simulate(fleet_spec(vehicles=40, days=3, seed=11), only=[5]))
    spec = fleet_spec(vehicles=8, days=3, seed=11)
    in_pairs = list(simulate(spec, only=[8, 2, 5], together=2))
    paired_days = of_vehicle(in_pairs, 5)
    for day, by_itself, paired in zip(of_vehicle(healthy, 5), alone, paired_days, strict=True):
        assert_equal(day, by_itself)
        assert_equal(day, paired)


def test_what_a_vehicle_does_at_the_end_of_its_charge_hangs_on_nobody(
    healthy: list[SimulatedDay],
) -> None:
    """While vehicle 2 stands full at its charger, others end their day; it is the same alone."""
    alone = list(simulate(fleet_spec(vehicles=2, days=1, seed=11), only=[2]))
    assert (alone[0].batch.scalar["charge_state"] == 4.0).any()
    assert_equal(of_vehicle(healthy, 2)[0], alone[0])


def test_a_longer_record_begins_with_the_shorter_one(healthy: list[SimulatedDay]) -> None:
    longer = list(simulate(fleet_spec(vehicles=8, days=5, seed=11), only=[3]))
    for day, again in zip(of_vehicle(healthy, 3), longer[:3], strict=True):
        assert_equal(day, again)


def test_another_seed_is_another_fleet(healthy: list[SimulatedDay]) -> None:
    other = next(simulate(fleet_spec(vehicles=1, days=1, seed=12)))
    assert other.truth.capacity_ah[0] != healthy[0].truth.capacity_ah[0]


def test_a_fault_changes_no_other_vehicle(healthy: list[SimulatedDay]) -> None:
    spec = fleet_spec(vehicles=8, days=3, seed=11, faults="weak_cell:30%@vehicle=2,day=1")
    for day in simulate(spec, only=[1, 3]):
        assert_equal(of_vehicle(healthy, day.number)[day.day], day)


def test_time_climbs_from_day_to_day_and_has_gaps(healthy: list[SimulatedDay]) -> None:
    for number in range(1, 9):
        time, _, _ = joined(of_vehicle(healthy, number))
        step = np.diff(time)
        assert (step > 0.0).all()
        assert np.median(step) == 10.0
        assert step.max() > 600.0


def test_silence_while_parked_can_be_chosen() -> None:
    spec = fleet_spec(vehicles=3, days=2, seed=11, park_period_second=0.0)
    awake = next(simulate(fleet_spec(vehicles=3, days=2, seed=11, park_period_second=600.0)))
    silent = next(simulate(spec))
    assert silent.batch.rows < awake.batch.rows
    assert np.diff(silent.batch.unix_time_second).max() > 3600.0


@pytest.mark.parametrize(("period", "park"), [(2.0, 60.0), (60.0, 0.0), (600.0, 86_400.0)])
def test_any_period_of_sampling_can_be_chosen(period: float, park: float) -> None:
    spec = fleet_spec(days=1, seed=11, period_second=period, park_period_second=park)
    for day in simulate(spec, only=[3]):
        step = np.diff(day.batch.unix_time_second)
        assert (step > 0.0).all()
        assert (step >= min(period, 60.0)).mean() > 0.98
        assert np.isfinite(day.batch.cell_voltage_volt).all()


def test_charging_can_be_sampled_in_its_own_period() -> None:
    spec = fleet_spec(vehicles=3, days=1, seed=11, charge_period_second=60.0)
    charging = 0
    for day in simulate(spec):
        state, step = day.batch.scalar["charge_state"], np.diff(day.batch.unix_time_second)
        within = (state[1:] == 1.0) & (state[:-1] == 1.0)
        assert (step[within] == 60.0).all()
        charging += int(within.sum())
        driving = day.batch.scalar["speed_kilometre_per_hour"] > 5.0
        assert (step[driving[1:] & driving[:-1]] == 10.0).all()
    assert charging > 100


def test_the_fleet_rests_drives_and_charges(healthy: list[SimulatedDay]) -> None:
    for number in range(1, 9):
        days = of_vehicle(healthy, number)
        _, _, current = joined(days)
        speed = np.concatenate([day.batch.scalar["speed_kilometre_per_hour"] for day in days])
        assert (speed > 5.0).any()
        assert (current < -30.0).any()
        assert ((np.abs(current) < 2.0) & (speed == 0.0)).any()
    states = np.concatenate([day.batch.scalar["charge_state"] for day in healthy])
    assert {1.0, 3.0, 4.0} <= set(states.tolist())


def test_healthy_data_are_valid_and_physical(healthy: list[SimulatedDay]) -> None:
    for day in healthy:
        batch = day.batch
        assert not (batch.cell_quality & INVALID).any()
        assert np.isfinite(batch.cell_voltage_volt).all()
        low, high = (2.0, 3.75) if "LFP" in day.vehicle.model else (2.5, 4.26)
        assert low < batch.cell_voltage_volt.min()
        assert batch.cell_voltage_volt.max() < high
        assert batch.probe_temperature_celsius.min() > -20.0
        assert batch.probe_temperature_celsius.max() < 60.0
        assert day.truth.soc_fraction.min() > 0.02
        assert day.truth.soc_fraction.max() < 1.02


def test_charge_is_conserved(healthy: list[SimulatedDay]) -> None:
    """What went through the pack is what the cells gained, but for self-discharge and bleeding."""
    for number in range(1, 9):
        days = of_vehicle(healthy, number)
        for before, after in pairwise(days):
            gained_ah = (
                after.truth.cell_soc_end - before.truth.cell_soc_end
            ) * after.truth.capacity_ah
            lost_ah = after.truth.net_charge_ah - gained_ah
            # Self-discharge of 3e-4 a day of some 160 Ah, plus up to 0.1 A of bleeding.
            assert lost_ah.min() > 0.0
            assert lost_ah.max() < 24 * 0.1


def test_charging_raises_voltage_and_state_of_charge(healthy: list[SimulatedDay]) -> None:
    seen = 0
    for day in healthy:
        charging = day.batch.scalar["charge_state"] == 1.0
        current = day.batch.scalar["current_ampere"]
        rows = np.flatnonzero(charging & (current > 5.0))
        if len(rows) > 200:
            volt = day.batch.cell_voltage_volt.mean(axis=1)
            # At one and the same current: the taper towards full lets the ohmic part fall.
            first = rows[10]
            alike = rows[np.abs(current[rows] - current[first]) < 0.05 * current[first]]
            assert day.truth.soc_fraction[rows[-1]] > day.truth.soc_fraction[first]
            if day.truth.soc_fraction[alike[-1]] < day.truth.soc_fraction[first] + 0.1:
                continue
            assert volt[alike[-1]] > volt[first]
            seen += 1
    assert seen > 3


def test_the_vehicle_reports_what_its_sensors_say(healthy: list[SimulatedDay]) -> None:
    for day in healthy:
        batch = day.batch
        total = batch.cell_voltage_volt.sum(axis=1)
        assert np.median(np.abs(total - batch.scalar["voltage_volt"])) < 2.0
        wrong = batch.scalar["soc_fraction"] - day.truth.soc_fraction
        assert np.abs(wrong).max() < 0.08
        assert (np.diff(batch.scalar["odometer_kilometre"]) >= 0.0).all()
        np.testing.assert_array_equal(
            batch.scalar["cell_voltage_volt_max"], batch.cell_voltage_volt.max(axis=1)
        )


def test_healthy_cells_deviate_as_healthy_cells_do(healthy: list[SimulatedDay]) -> None:
    """A few millivolts in the middle, tens at the edges, and rare dips that prove nothing."""
    worst = 0.0
    for number in range(1, 9):
        days = of_vehicle(healthy, number)
        _, deviation, _ = joined(days)
        typical = 1e3 * np.median(np.abs(deviation))
        assert 0.5 < typical < 8.0
        assert 1e3 * np.abs(np.median(deviation, axis=0)).max() < 30.0
        if "LFP" not in days[0].vehicle.model:
            worst = max(worst, 1e3 * np.abs(deviation).max())
            assert (np.abs(deviation) > 0.1).mean() < 1e-4
    assert worst > 80.0


def run(faults: str, *, days: int = 4, seed: int = 2, vehicle: int = 1) -> list[SimulatedDay]:
    spec: FleetSpec = fleet_spec(
        vehicles=vehicle, days=days, seed=seed, faults=faults, chemistry=NMC
    )
    return list(simulate(spec, only=[vehicle]))


@pytest.fixture(scope="module")
def plain() -> list[SimulatedDay]:
    return run("none")


def test_a_weak_cell_falls_away_when_empty_and_rises_when_full(plain: list[SimulatedDay]) -> None:
    weak = run("weak_cell:25%@vehicle=1,cell=40,day=1")
    soc = np.concatenate([day.truth.soc_fraction for day in weak])
    time, deviation, current = joined(weak)
    sound_time, sound, _ = joined(plain)
    # The weak cell ends a charge a little earlier: compare the rows that both have.
    _, here, there = np.intersect1d(time, sound_time, return_indices=True)
    assert len(here) > 0.95 * len(time)
    change = deviation[here, 39] - sound[there, 39]
    calm, soc = np.abs(current[here]) < 60.0, soc[here]
    first = soc[0]
    empty, full = calm & (soc < first - 0.15), calm & (soc > first + 0.1)
    assert empty.sum() > 20
    assert full.sum() > 20
    assert np.median(change[empty]) < -0.01
    assert np.median(change[full]) > 0.005


def test_contact_resistance_follows_the_current(plain: list[SimulatedDay]) -> None:
    added = run("contact_resistance:0.5mohm@vehicle=1,cell=40,day=1")
    _, deviation, current = joined(added)
    _, sound, _ = joined(plain)
    change = deviation[:, 39] - sound[:, 39]
    moving = np.abs(current) > 50.0
    ohm = np.median(change[moving] / current[moving])
    assert ohm == pytest.approx(5e-4, rel=0.05)
    still = np.abs(current) < 1.0
    assert np.abs(np.median(change[still])) < 1e-3


def test_contact_resistance_can_grow() -> None:
    days = run("contact_resistance:0.2mohm@vehicle=1,cell=40,day=1,growth=0.2mohm", days=5)
    _, deviation, current = joined(days[:1])
    early = np.polyfit(current, deviation[:, 39], 1)[0]
    _, deviation, current = joined(days[-1:])
    late = np.polyfit(current, deviation[:, 39], 1)[0]
    assert late - early == pytest.approx(8e-4, rel=0.35)


def test_a_short_drains_its_cell_at_the_rate_of_its_resistance(plain: list[SimulatedDay]) -> None:
    """V / (R Q): 10 ohm at 3.7 V is 0.37 A, 8.9 Ah a day."""
    days = run("internal_short:10ohm@vehicle=1,cell=40,day=1")
    behind = plain[-1].truth.cell_soc_end[39] - days[-1].truth.cell_soc_end[39]
    rate = behind * days[-1].truth.capacity_ah[39] / len(days)
    assert rate == pytest.approx(3.75 / 10.0 * 24.0, rel=0.08)


def test_a_short_given_by_rate_drains_at_that_rate(plain: list[SimulatedDay]) -> None:
    days = run("internal_short:2%/day@vehicle=1,cell=40,day=1")
    behind = plain[-1].truth.cell_soc_end[39] - days[-1].truth.cell_soc_end[39]
    assert behind / len(days) == pytest.approx(0.02, rel=0.25)  # of the nominal capacity


def test_an_imbalanced_cell_stays_behind_by_what_was_taken(plain: list[SimulatedDay]) -> None:
    days = run("cell_imbalance:-5%@vehicle=1,cell=40,day=2")
    change = [
        a.truth.cell_soc_end[39] - b.truth.cell_soc_end[39]
        for a, b in zip(days, plain, strict=True)
    ]
    assert abs(change[0]) < 1e-3
    assert change[1:] == pytest.approx([-0.05] * 3, abs=0.006)


def test_an_imbalanced_string_climbs(plain: list[SimulatedDay]) -> None:
    days = run("soc_imbalance:6%@vehicle=1,day=1")
    change = days[0].truth.cell_soc_end - plain[0].truth.cell_soc_end
    assert change[-1] - change[0] == pytest.approx(0.06, abs=0.006)
    assert abs(change.mean()) < 0.006


def test_a_stuck_cell_keeps_its_value_over_days() -> None:
    days = run("sensor_stuck@vehicle=1,cell=40,day=2")
    values = np.concatenate([day.batch.cell_voltage_volt[:, 39] for day in days[1:]])
    assert len(set(values.tolist())) == 1
    assert len(set(days[0].batch.cell_voltage_volt[:, 39].tolist())) > 20


def test_a_biased_cell_is_off_by_the_bias(plain: list[SimulatedDay]) -> None:
    days = run("sensor_bias:20mV@vehicle=1,cell=40,day=1")
    change = days[0].batch.cell_voltage_volt[:, 39] - plain[0].batch.cell_voltage_volt[:, 39]
    np.testing.assert_allclose(change, 0.02, atol=1.1e-3)


def test_swapped_cells_carry_each_other(plain: list[SimulatedDay]) -> None:
    days = run("channel_swap@vehicle=1,cell=40,other=7,day=2")
    for day, sound in zip(days[1:], plain[1:], strict=True):
        swapped, own = day.batch.cell_voltage_volt, sound.batch.cell_voltage_volt
        np.testing.assert_array_equal(swapped[:, 39], own[:, 6])
        np.testing.assert_array_equal(swapped[:, 6], own[:, 39])


def test_spikes_hit_one_reading_in_fifty(plain: list[SimulatedDay]) -> None:
    days = run("sensor_spikes:200mV@vehicle=1,cell=40,day=1")
    spikes = np.concatenate(
        [
            np.abs(a.batch.cell_voltage_volt[:, 39] - b.batch.cell_voltage_volt[:, 39]) > 0.1
            for a, b in zip(days, plain, strict=True)
        ]
    )
    assert 0.01 < spikes.mean() < 0.03


def test_a_module_read_off_moves_as_a_whole(plain: list[SimulatedDay]) -> None:
    days = run("module_offset:15mV@vehicle=1,module=3,day=1")
    change = days[0].batch.cell_voltage_volt - plain[0].batch.cell_voltage_volt
    np.testing.assert_allclose(change[:, 24:36], 0.015, atol=1.1e-3)
    assert not change[:, :24].any()


def test_other_channels_can_fail_too(plain: list[SimulatedDay]) -> None:
    days = run(
        "temperature_outlier:12k@vehicle=1,probe=4,day=1,"
        "insulation_low:50kohm@vehicle=1,day=1,"
        "sensor_bias:4A@vehicle=1,channel=current_ampere,day=1,"
        "pack_voltage_mismatch:8V@vehicle=1,day=1,"
        "channel_invalid@vehicle=1,probe=9,day=1,"
        "string_gradient:40mV@vehicle=1,day=1,"
        "counter_reset@vehicle=1,day=2"
    )
    batch, sound = days[1].batch, plain[1].batch
    probe = batch.probe_temperature_celsius - sound.probe_temperature_celsius
    assert np.median(probe[:, 3]) == 12.0
    assert np.isnan(batch.probe_temperature_celsius[:, 8]).all()
    assert (batch.probe_quality[:, 8] == Quality.SENTINEL).all()
    assert batch.scalar["insulation_resistance_ohm"].max() < 7e4
    offset = batch.scalar["current_ampere"] - sound.scalar["current_ampere"]
    np.testing.assert_allclose(offset, 4.0, atol=0.101)
    off = batch.scalar["voltage_volt"] - sound.scalar["voltage_volt"]
    np.testing.assert_allclose(off, 8.0, atol=0.101)
    tilt = batch.cell_voltage_volt - sound.cell_voltage_volt
    assert np.median(tilt[:, -1] - tilt[:, 0]) == pytest.approx(0.04, abs=2e-3)
    assert batch.scalar["odometer_kilometre"][0] == 0.0
    assert days[0].batch.scalar["odometer_kilometre"][0] > 0.0
