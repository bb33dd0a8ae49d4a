"""A vehicle that lies about its state of charge, and about nothing else."""

import numpy as np
import pytest

from voltherd.sim.fleet import SimulatedDay, fleet_spec, simulate, vehicles
from voltherd.sim.live import LiveSpec, advance, begin, is_live
from voltherd.sim.truth import faults_from_document, truth_document
from voltherd.types.asset import Chemistry
from voltherd.types.event import LocationKind, Phenomenon

NMC = ((Chemistry.NMC, 1.0),)
STEP = 0.0101
"""This vehicle reports whole per cents."""


def run(faults: str, days: int = 2) -> list[SimulatedDay]:
    return list(simulate(fleet_spec(vehicles=1, days=days, seed=2, faults=faults, chemistry=NMC)))


@pytest.fixture(scope="module")
def plain() -> list[SimulatedDay]:
    return run("none")


def reported(days: list[SimulatedDay]) -> np.ndarray:
    return np.concatenate([day.batch.scalar["soc_fraction"] for day in days])


def age_day(days: list[SimulatedDay]) -> np.ndarray:
    time = np.concatenate([day.batch.unix_time_second for day in days])
    return (time - fleet_spec().start_second) / 86_400.0


def test_everything_but_the_reported_charge_is_as_it_was(plain):
    for lied, sound in zip(run("soc_misreported@day=1"), plain, strict=True):
        np.testing.assert_array_equal(lied.batch.cell_voltage_volt, sound.batch.cell_voltage_volt)
        np.testing.assert_array_equal(lied.truth.soc_fraction, sound.truth.soc_fraction)
        for name, values in lied.batch.scalar.items():
            if name != "soc_fraction":
                np.testing.assert_array_equal(values, sound.batch.scalar[name])


def test_an_offset_is_there_from_its_day_on_and_ends_at_full(plain):
    told, sound = reported(run("soc_misreported:30%@day=2")), reported(plain)
    begun = age_day(plain) >= 1.0
    np.testing.assert_array_equal(told[~begun], sound[~begun])
    np.testing.assert_allclose(told[begun], np.minimum(sound[begun] + 0.3, 1.0), atol=STEP)
    assert told.max() == 1.0


def test_a_drift_adds_up_day_by_day(plain):
    off = reported(run("soc_misreported:-8%/day@day=1")) - reported(plain)
    np.testing.assert_allclose(off, -0.08 * age_day(plain), atol=STEP)


def test_a_drift_may_grow_faster(plain):
    off = reported(run("soc_misreported:-5%/day@day=1,growth=-4%")) - reported(plain)
    age = age_day(plain)
    np.testing.assert_allclose(off, -0.05 * age - 0.02 * age**2, atol=STEP)


def test_a_frozen_report_keeps_its_value_over_days_and_into_live(plain):
    spec = LiveSpec(
        fleet=fleet_spec(
            vehicles=1, days=2, seed=2, faults="soc_misreported:frozen@day=2", chemistry=NMC
        )
    )
    state, values = begin(spec), []
    while not is_live(state):
        state, (stretch,) = advance(state)
        values.append(stretch.batch.scalar["soc_fraction"])
    _, (stretch,) = advance(state)
    np.testing.assert_array_equal(values[0], plain[0].batch.scalar["soc_fraction"])
    later = np.concatenate([*values[1:], stretch.batch.scalar["soc_fraction"]])
    assert set(later.tolist()) == {plain[1].batch.scalar["soc_fraction"][0]}


@pytest.mark.parametrize("size", ["-9%", "1.5%/day", "frozen"])
def test_the_truth_names_channel_and_kind_and_reads_back(size):
    spec = fleet_spec(vehicles=1, faults=f"soc_misreported:{size}@day=3", chemistry=NMC)
    [fault] = spec.faults
    assert fault.phenomenon is Phenomenon.SOC_MISREPORTED
    assert (fault.location.kind, fault.location.channel) == (LocationKind.CHANNEL, "soc_fraction")
    document = truth_document(
        seed=1, start_second=spec.start_second, days=14, vehicles=vehicles(spec), faults=spec.faults
    )
    [entry] = document["faults"]
    assert entry["size_unit"] == {"-9%": "1", "1.5%/day": "1/day", "frozen": None}[size]
    assert faults_from_document(document) == (fault,)
