"""A simulated pack on a bus: its database, its wiring, and samples as frames."""

from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import cantools.database
import numpy as np

from voltherd.adapters.can.encode import encode
from voltherd.adapters.can.layout import read_layout
from voltherd.edge.cycle import Plan
from voltherd.edge.guess import guess_profile
from voltherd.edge.wiring import Wiring, wire_up
from voltherd.estimation.soc_bar_delta import SocBarDelta
from voltherd.numerics.cell_map import preset_map
from voltherd.numerics.presets import NMC
from voltherd.protection.limits import pack_limits
from voltherd.sim.can_dbc import dbc_text, pack_messages
from voltherd.sim.can_frames import frames
from voltherd.types.asset import CellType, Chemistry, PackLayout
from voltherd.types.frame import CanFrame, MessageLayout
from voltherd.types.sample import SampleBatch

START = 1_740_974_400.0
CELLS, PROBES = 12, 4
FRAMES = 8
"""Of a cycle: three of cells, one of probes, four of the vehicle."""
CELL = CellType(
    name="cell",
    chemistry=Chemistry.NMC,
    capacity_nominal_ah=150.0,
    voltage_volt_min=2.8,
    voltage_volt_max=4.2,
)


@lru_cache
def database(cells: int, probes: int, period_second: float = 1.0):
    """Give the database as cantools sees it, as text, and as layouts."""
    messages = pack_messages(PackLayout(series=cells, probe_module=(1,) * probes))
    text = dbc_text(messages, period_second)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "pack.dbc"
        path.write_text(text)
        return cantools.database.load_file(str(path)), text, read_layout(path), messages


def layouts(cells: int = CELLS, probes: int = PROBES) -> tuple[MessageLayout, ...]:
    return database(cells, probes)[2]


def wired(cells: int = CELLS, probes: int = PROBES, **options) -> Wiring:
    known = layouts(cells, probes)
    return wire_up(known, guess_profile(known), **options)


def plan(cells: int = CELLS, probes: int = PROBES, **options) -> Plan:
    return Plan(
        vehicle_id="bus-7",
        wiring=wired(cells, probes),
        limits=pack_limits(CELL),
        soc_filter=SocBarDelta(cell=preset_map(NMC.resized(150.0))),
        **options,
    )


def heard(
    batch: SampleBatch, *, every: dict[str, int] | None = None, skip: int = 0
) -> list[CanFrame]:
    """Give a batch as frames in order of time.

    Args:
        batch: What the vehicle measured.
        every: Messages, by the beginning of their name, that are sent in each n-th cycle only.
        skip: Rows that were sent before: they only tell the distance of the first one.
    """
    known, _, _, messages = database(batch.cells, batch.probes)
    by_name = {message.name: message for message in known.messages}
    found = []
    for part in frames(batch, messages):
        message = by_name[part.message]
        payload = encode(part, message).payload
        step = next((n for head, n in (every or {}).items() if part.message.startswith(head)), 1)
        for k in range(skip, batch.rows, step):
            second = float(part.second[k])
            found.append(
                CanFrame(message.frame_id, payload[k].tobytes(), second, int(second * 1e9))
            )
    return sorted(found, key=lambda frame: frame.second)


def batch(
    rows: int,
    *,
    cells: int = CELLS,
    probes: int = PROBES,
    period_second: float = 1.0,
    start_second: float = START,
    seed: int = 0,
    current_ampere: float = 0.0,
) -> SampleBatch:
    """Give a pack that hardly lives: noise on what can be sent exactly."""
    rng = np.random.default_rng(seed)
    time = start_second + period_second * np.arange(rows)
    volt = np.round(3.7 + rng.normal(0.0, 0.002, (rows, cells)), 4).astype(np.float32)
    celsius = np.round(20.0 + rng.normal(0.0, 1.0, (rows, probes))).astype(np.float32)
    scalar = {
        "current_ampere": np.round(current_ampere + rng.normal(0.0, 1.0, rows), 1),
        "voltage_volt": np.round(volt.sum(axis=1, dtype=np.float64), 1),
        "soc_fraction": np.round(np.linspace(0.5, 0.55, rows), 3),
        "speed_kilometre_per_hour": np.zeros(rows),
        "insulation_resistance_ohm": 1000.0 * rng.integers(1500, 1600, rows),
    }
    return SampleBatch(
        vehicle_id="bus-7",
        unix_time_second=time,
        cell_voltage_volt=volt,
        cell_quality=np.zeros(volt.shape, np.uint8),
        probe_temperature_celsius=celsius,
        probe_quality=np.zeros(celsius.shape, np.uint8),
        scalar=scalar,
        scalar_quality={name: np.zeros(rows, np.uint8) for name in scalar},
    )
