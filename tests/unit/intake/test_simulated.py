"""Simulated vehicles written as three vendors would, damaged on the way, come back the same."""

import numpy as np
import pytest

from voltherd.intake.build import build
from voltherd.intake.recognise import recognise
from voltherd.sim.fleet import fleet_spec, simulate
from voltherd.sim.mess import ARRAYS, CLOUD, LOGGER, Damage, make_messy
from voltherd.types.asset import Chemistry
from voltherd.types.channel import cell_column, probe_column
from voltherd.types.table import RawTable

VENDORS = {"cloud": (CLOUD, "Etc/GMT-8"), "logger": (LOGGER, "UTC"), "arrays": (ARRAYS, "UTC")}


@pytest.fixture(scope="module", params=["NMC", "LFP"])
def batches(request):
    kind = ((Chemistry(request.param), 1.0),)
    spec = fleet_spec(vehicles=3, days=1, seed=5, chemistry=kind)
    return [day.batch for day in simulate(spec)]


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_vendors_table_comes_back_to_the_batch_it_was_made_of(batches, vendor):
    written, zone = VENDORS[vendor]
    damage = Damage(lost=0.05, displaced=0.01, missing=0.002, coded=0.001)
    for batch in batches:
        messy = make_messy(batch, written, damage, np.random.default_rng(1))
        [(found, report)] = build(messy.table, recognise(messy.table, timezone=zone))
        rows = np.sort(messy.source_row)
        np.testing.assert_allclose(found.unix_time_second, batch.unix_time_second[rows], atol=1.0)
        for got, wanted, near in (
            (found.cell_voltage_volt, batch.cell_voltage_volt[rows], 2e-4),
            (found.probe_temperature_celsius, batch.probe_temperature_celsius[rows], 0.02),
            *(
                (found.scalar[name], batch.scalar[name][rows], 2e-3 * np.ptp(batch.scalar[name]))
                for name in written.names
                if name != "insulation_resistance_ohm"
            ),
        ):
            kept = np.isfinite(got)
            assert kept.mean() > 0.99
            np.testing.assert_allclose(got[kept], wanted[kept], atol=near)
        counted = {
            reason: sum(r.count for r in report.remarks if r.reason == reason)
            for reason in ("out_of_order", "missing", "sentinel")
        }
        assert counted["out_of_order"] == messy.displaced
        assert counted["missing"] == sum(messy.missing.values())
        if vendor == "logger":
            # a code may be emptied again on the way
            assert 0.9 * sum(messy.coded.values()) <= counted["sentinel"]


def test_canonical_columns_come_back_as_they_are(batches):
    for batch in batches:
        columns = {"unix_time_second": batch.unix_time_second, **batch.scalar}
        columns |= {cell_column(k + 1): v for k, v in enumerate(batch.cell_voltage_volt.T)}
        columns |= {probe_column(k + 1): v for k, v in enumerate(batch.probe_temperature_celsius.T)}
        table = RawTable(source="store.parquet", columns=columns, vehicle_id=batch.vehicle_id)
        [(found, _)] = build(table, recognise(table))
        assert found.vehicle_id == batch.vehicle_id
        np.testing.assert_array_equal(found.cell_voltage_volt, batch.cell_voltage_volt)
        np.testing.assert_array_equal(
            found.probe_temperature_celsius, batch.probe_temperature_celsius
        )
        assert found.scalar.keys() == batch.scalar.keys()
        for name, values in batch.scalar.items():
            np.testing.assert_allclose(found.scalar[name], values, err_msg=name)
