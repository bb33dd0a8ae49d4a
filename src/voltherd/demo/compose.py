"""The only file of the demo that knows adapters: from a specification to a running chain."""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Final, final

from voltherd.adapters.amqtt.broker import LocalBroker
from voltherd.adapters.can.layout import read_layout
from voltherd.adapters.can.player import CanPlayer, messages_of
from voltherd.adapters.can.source import CanSource, open_bus
from voltherd.adapters.clock.system import SystemClock
from voltherd.adapters.mqtt.bus import MqttBus
from voltherd.adapters.mqtt.settings import MqttSettings, MqttVersion, client_id
from voltherd.adapters.records.store import RecordStore
from voltherd.adapters.sqlite.assets import AssetBook
from voltherd.adapters.sqlite.outbox import SqliteOutbox
from voltherd.cloud import compose as cloud
from voltherd.cloud.config import CloudConfig, DepotSection, HttpSection, StoreSection
from voltherd.cloud.depot_example import example
from voltherd.cloud.service import About
from voltherd.demo.chain import Chain, Parts, Tell
from voltherd.demo.clock import StartingClock
from voltherd.demo.driver import Driver, VirtualVehicle
from voltherd.demo.spec import SITE, DemoSpec, live_spec
from voltherd.demo.truth import truth
from voltherd.edge.control import Pace
from voltherd.edge.courier import Sending
from voltherd.edge.cycle import Plan
from voltherd.edge.guess import guess_profile
from voltherd.edge.runtime import EdgeRuntime, Ports
from voltherd.edge.selection import Boundary, Selection
from voltherd.edge.wiring import wire_up
from voltherd.estimation.soc_bar_delta import SocBarDelta
from voltherd.numerics.cell_map import preset_map
from voltherd.numerics.presets import PRESETS
from voltherd.ports import Clock, LastWill
from voltherd.protection.limits import pack_limits
from voltherd.sim.can_dbc import dbc_text, pack_messages
from voltherd.sim.can_frames import frames
from voltherd.sim.clock import ScaledClock
from voltherd.sim.fleet import vehicles
from voltherd.sim.live import LiveSpec, LiveState, can_period_second
from voltherd.topics import topic
from voltherd.types.actuation import Actuation
from voltherd.types.asset import Vehicle
from voltherd.types.frame import MessageFrames
from voltherd.types.record import EdgeState
from voltherd.types.sample import SampleBatch
from voltherd.wire.envelope import encode

VERSION: Final = version("voltherd")
ToFrames = Callable[[SampleBatch], tuple[MessageFrames, ...]]


def _site_file(place: Path, begins_second: float) -> Path:
    """Give the demo's depot, an example of a site; one that was changed stays as it is."""
    path = place / "site.yaml"
    if not path.exists():
        path.write_text(example(begins_second), encoding="utf-8")
    return path


@final
class BusPlayer:
    """The driver's ``Player``: samples to frames, frames to the vehicle's bus."""

    def __init__(self, player: CanPlayer, to_frames: ToFrames) -> None:
        self._player, self._to_frames = player, to_frames

    def load(self, batch: SampleBatch) -> None:
        """Take samples to be played."""
        self._player.add(self._to_frames(batch))

    def play_due(self, now_second: float) -> int:
        """Play what is due."""
        return self._player.play_due(now_second)


@final
class Unheeded:
    """An ``Actuator`` of a vehicle whose driver and charger do as they please.

    The simulated plant follows its own day; what the gate permits is kept for whoever asks.
    """

    def __init__(self) -> None:
        self.last: Actuation | None = None

    def apply(self, actuation: Actuation) -> None:
        """Keep what may flow."""
        self.last = actuation


def compose(
    spec: DemoSpec,
    place: Path,
    port: int,
    begins_second: float,
    tell: Tell,
    resume_second: float = 0.0,
) -> Chain:
    """Put a demo together and start it; its page answers when this returns.

    Args:
        spec: The demo.
        place: Folder for store and outboxes; what is there already is gone on with.
        port: Of the page; 0 takes a free one.
        begins_second: When the vehicles begin, by the fleet's clock [unix s].
        tell: Told where it stands.
        resume_second: Up to here an earlier run in this folder has lived [unix s].

    Raises:
        VoltherdError: It cannot be.
    """
    live = live_spec(spec, begins_second)
    facts = vehicles(live.fleet)
    names = tuple(vehicle.vehicle_id for vehicle in facts)
    broker = LocalBroker()
    broker.start()
    settings = MqttSettings(port=broker.port, version=MqttVersion.V311)
    store = place / "store"
    book = AssetBook(store)
    log = RecordStore(store)
    for vehicle in facts:
        book.put_vehicle(vehicle)
    clock = StartingClock(max(begins_second, resume_second), SystemClock())
    bus = MqttBus(settings, client_id("cloud", time.time_ns()))
    given = cloud.Given(
        bus=bus,
        clock=clock,
        about=_about(spec, begins_second),
        truth=partial(truth, live.fleet.faults, names),
        log=log,
    )
    config = CloudConfig(
        store=StoreSection(path=store),
        http=HttpSection(port=port),
        depot=DepotSection(site=_site_file(place, begins_second)),
    )
    running = cloud.compose(config, given)
    running.start()

    def begin(second: float) -> Mapping[str, VirtualVehicle]:
        system = SystemClock()
        clock.start(ScaledClock(second, spec.speed, system.monotonic_second, system.sleep))
        yard = _Yard(spec, live, place, settings, clock)
        return {vehicle.vehicle_id: yard.vehicle(vehicle) for vehicle in facts}

    def driver(state: LiveState, fleet: Mapping[str, VirtualVehicle]) -> Driver:
        return Driver(state, fleet, clock, spec.speed)

    def stop() -> None:
        bus.close()
        broker.stop()

    parts = Parts(running, log, running.cloud.fleet.committed, begin, stop)
    return Chain(parts, live, names, resume_second, driver, tell)


def _about(spec: DemoSpec, begins_second: float) -> About:
    period = can_period_second(spec.speed)
    lowered = (
        f"; to keep up, each sends its values every {period:g} simulated seconds, not every second"
        if period > 1.0
        else ""
    )
    pace = "in real time" if spec.speed == 1.0 else f"{spec.speed:g} times as fast as real time"
    return About(
        version=VERSION,
        demo=True,
        speed=spec.speed,
        can_period_second=period,
        started_second=begins_second,
        message=f"Simulated vehicles, {pace}{lowered}.",
    )


@final
class _Yard:
    """Makes vehicles: bus, player and edge of each, alike but for what is drawn."""

    def __init__(
        self, spec: DemoSpec, live: LiveSpec, place: Path, settings: MqttSettings, clock: Clock
    ) -> None:
        self._spec, self._place, self._settings, self._clock = spec, place, settings, clock
        self._period = can_period_second(spec.speed)
        self._park = live.sampling.park_period_second
        self._messages = pack_messages(live.fleet.layout)
        dbc = place / "vehicle.dbc"
        text = dbc_text(self._messages, self._period)
        dbc.write_text(text, encoding="ascii")
        self._database = messages_of(text)
        layout = read_layout(dbc)
        self._wiring = wire_up(layout, guess_profile(layout), missing_second=3.0 * self._park)

    def vehicle(self, vehicle: Vehicle) -> VirtualVehicle:
        """Make one."""
        name = vehicle.vehicle_id
        there = open_bus("virtual", f"demo-{name}", preserve_timestamps=True)
        source = CanSource(open_bus("virtual", f"demo-{name}"), simulated=True)
        player = CanPlayer(there, self._database)
        outbox = SqliteOutbox(self._place / "edge" / name)
        epoch = outbox.boot() << 32 | secrets.randbits(32)
        gone = EdgeState(vehicle_id=name, site_id=SITE, online=False, epoch=epoch)
        bus = MqttBus(
            self._settings,
            client_id(name, epoch),
            LastWill(topic(SITE, name, "state"), encode(gone)),
        )
        ports = Ports(
            source=source,
            actuator=Unheeded(),
            outbox=outbox,
            bus=bus,
            clock=self._clock,
            wall=SystemClock(),
        )
        edge = EdgeRuntime(
            self._plan(vehicle),
            self._sending(vehicle),
            ports,
            epoch,
            pace=Pace(period_second=0.1 * self._spec.speed, watchdog_second=5.0 * self._spec.speed),
        )

        def close() -> None:
            edge.close()
            source.close()
            there.shutdown()

        bus_player = BusPlayer(player, partial(frames, messages=self._messages))
        return VirtualVehicle(bus_player, edge, close)

    def _plan(self, vehicle: Vehicle) -> Plan:
        cell = vehicle.cell_type
        assert cell is not None
        # What the current divides into is a block: all cells in parallel.
        capacity_ah = vehicle.capacity_nominal_ah or cell.capacity_nominal_ah
        limits = pack_limits(replace(cell, capacity_nominal_ah=capacity_ah))
        # In fast-forward a sample is as old as the frames are far apart.
        age = max(limits.age_second_max, 3.0 * self._period)
        return Plan(
            vehicle_id=vehicle.vehicle_id,
            wiring=self._wiring,
            limits=replace(limits, age_second_max=age),
            soc_filter=SocBarDelta(cell=preset_map(PRESETS[cell.chemistry].resized(capacity_ah))),
            silent_second=3.0 * self._park,
        )

    def _sending(self, vehicle: Vehicle) -> Sending:
        cell = vehicle.cell_type
        assert cell is not None
        low, high = cell.voltage_volt_min, cell.voltage_volt_max
        selection = Selection(
            cell_voltage_volt=Boundary(levels=(low, high), back=0.02, step=0.1),
            temperature_celsius=Boundary(levels=(0.0, 50.0), back=1.0, step=5.0),
            current_ampere=Boundary(levels=(), back=1.0, step=50.0),
            soc_fraction=Boundary(levels=(0.1,), back=0.01, step=0.05),
        )
        return Sending(
            site_id=SITE, vehicle_id=vehicle.vehicle_id, selection=selection, version=VERSION
        )
