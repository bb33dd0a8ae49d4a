"""What was recognised in a recorded log serves the live bus: the same values as the import's."""

import numpy as np
import pytest

from voltherd.adapters.can.layout import read_layout
from voltherd.adapters.can.writer import write_log
from voltherd.adapters.files.can_frames import read_log
from voltherd.cli.compose import Reading, read_file, recognised, write_profile
from voltherd.edge import image
from voltherd.edge.compose import read_profile
from voltherd.edge.decode import decode
from voltherd.edge.wiring import wire_up
from voltherd.sim.can_dbc import dbc_text, pack_messages
from voltherd.sim.can_frames import frames
from voltherd.sim.fleet import fleet_spec, simulate
from voltherd.types.asset import PackLayout
from voltherd.types.frame import CanFrame


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """A simulated drive as a log with its database."""
    folder = tmp_path_factory.mktemp("log")
    layout = PackLayout(series=16, module_series=(8, 8), probe_module=(1, 1, 2, 2))
    day = next(simulate(fleet_spec(vehicles=1, days=1, seed=4, period_second=10.0, layout=layout)))
    messages = pack_messages(layout)
    (folder / "pack.dbc").write_text(dbc_text(messages, 10.0))
    batch = day.batch.between(0, 600)
    path = folder / "drive.blf"
    write_log(path, "blf", folder / "pack.dbc", [frames(batch, messages)])
    return path, folder / "pack.dbc"


def test_live_values_are_those_of_the_import(log, tmp_path):
    path, dbc = log
    reading = Reading(dbc=dbc)
    write_profile(recognised(path, reading).profile, tmp_path / "profile.toml")
    [(imported, _)] = read_file(path, reading)
    wiring = wire_up(read_layout(dbc), read_profile(tmp_path / "profile.toml"))
    recorded = read_log(path)
    heard = sorted(
        (
            CanFrame(key.identifier, data, second, 0, key.extended)
            for key, times in recorded.second.items()
            for second, data in zip(times, recorded.payload[key], strict=True)
        ),
        key=lambda frame: frame.second,
    )
    _, found = image.step(wiring, image.init(wiring), heard, now_second=1e12)
    live = decode(wiring, "x", found.images).batch
    assert live.cells == imported.cells == 16 and live.probes == imported.probes == 4
    _, here, there = np.intersect1d(
        np.round(live.unix_time_second, 4),
        np.round(imported.unix_time_second, 4),
        return_indices=True,
    )
    assert len(here) >= 0.99 * imported.rows
    np.testing.assert_allclose(
        live.cell_voltage_volt[here], imported.cell_voltage_volt[there], rtol=0.0, atol=1e-6
    )
    np.testing.assert_allclose(
        live.probe_temperature_celsius[here], imported.probe_temperature_celsius[there]
    )
    for name in ("current_ampere", "soc_fraction", "voltage_volt", "insulation_resistance_ohm"):
        np.testing.assert_allclose(
            live.scalar[name][here], imported.scalar[name][there], rtol=1e-9, atol=1e-9
        )
