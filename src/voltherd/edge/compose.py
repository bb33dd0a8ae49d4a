"""The only file of the edge that knows adapters: from a configuration to a running edge."""

import json
import logging
import secrets
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from voltherd.adapters.can.layout import read_layout
from voltherd.adapters.can.source import CanSource, filters, open_bus
from voltherd.adapters.clock.system import SystemClock
from voltherd.adapters.memory.actuator import MemoryActuator
from voltherd.adapters.sqlite.outbox import SqliteOutbox
from voltherd.edge.config import (
    ActuatorSection,
    CanSection,
    EdgeConfig,
    EventModeSection,
    MqttSection,
    PackSection,
    secret_of,
)
from voltherd.edge.control import Pace
from voltherd.edge.courier import Sending
from voltherd.edge.cycle import Plan
from voltherd.edge.guess import guess_profile
from voltherd.edge.runtime import EdgeRuntime, Ports, Room
from voltherd.edge.selection import Boundary, Selection, for_pack
from voltherd.edge.wiring import Wiring, wire_up
from voltherd.errors import StoreError, UsageError
from voltherd.estimation.cell_file import cell_from
from voltherd.estimation.soc_bar_delta import SocBarDelta
from voltherd.intake.profile import Profile, from_plain
from voltherd.numerics.cell_map import CellMap, preset_map
from voltherd.numerics.presets import PRESETS
from voltherd.placement import Level, placed
from voltherd.ports import Actuator, Bus, LastWill
from voltherd.protection.limits import PackLimits, pack_limits
from voltherd.topics import topic
from voltherd.types.asset import CellType
from voltherd.types.frame import MessageLayout
from voltherd.types.record import EdgeState
from voltherd.wire.envelope import encode

_LOG: Final = logging.getLogger(__name__)
_ANY_CELL: Final = Selection(
    cell_voltage_volt=Boundary(levels=(2.5, 3.65, 4.2), back=0.01, step=0.05),
    temperature_celsius=Boundary(levels=(0.0, 50.0), back=1.0, step=5.0),
    current_ampere=Boundary(levels=(), back=10.0, step=50.0),
    soc_fraction=Boundary(levels=(0.1, 0.2, 0.5, 0.8, 0.9), back=0.02, step=0.05),
)
"""What event mode sends of a pack of which nothing is known."""
_CAPACITY_APART_MAX: Final = 0.1
"""A block whose identified capacity is further from the declared one is another block."""


def compose(config: EdgeConfig) -> EdgeRuntime:
    """Put an edge together.

    Args:
        config: As ``read_config`` gives it.

    Returns:
        An edge that has counted its start and opened everything; ``close`` lets go of it.

    Raises:
        UsageError: Something in the configuration cannot work.
        InputError: The database cannot be used.
        StoreError: The outbox cannot be opened.
    """
    layout = read_layout(config.can.dbc)
    plan = plan_of(config, layout)
    topic(config.vehicle.site, config.vehicle.id, "state")  # refuses names before anything opens
    mqtt = _mqtt_settings(config.mqtt)
    with ExitStack() as opened:
        outbox = SqliteOutbox(config.outbox.path)
        opened.callback(outbox.close)
        epoch = start(outbox)
        opener = partial(
            open_bus, config.can.interface, config.can.channel, **_bus(config.can, plan.wiring)
        )
        source = CanSource(opener(), stamped=config.can.stamped, reopen=opener)
        opened.callback(source.close)
        actuator, close = _actuator(config.actuator)
        opened.callback(close)
        bus = _mqtt(config, mqtt, epoch)
        opened.callback(bus.close)
        clock = SystemClock()
        edge = EdgeRuntime(
            plan,
            _sending(config, plan),
            Ports(
                source=source,
                actuator=actuator,
                outbox=outbox,
                bus=bus,
                clock=clock,
                wall=clock,
                closers=(source.close, close),
            ),
            epoch,
            pace=Pace(
                period_second=config.cycle.period_second,
                watchdog_second=config.cycle.watchdog_second,
            ),
            room=Room(
                outbox_bytes_max=config.outbox.bytes_max,
                memory_bytes_max=config.outbox.memory_bytes_max,
            ),
            mode=config.send.mode,
        )
        opened.pop_all()
    return edge


def start(outbox: SqliteOutbox) -> int:
    """Count a start and give its epoch.

    Where the medium refuses, chance alone tells this start from the next one.
    """
    try:
        count = outbox.boot()
    except StoreError as error:
        _LOG.warning("this start could not be counted: %s", error)
        count = outbox.starts() + 1
    return count << 32 | secrets.randbits(32)


def plan_of(config: EdgeConfig, layout: Sequence[MessageLayout]) -> Plan:
    """Say what a cycle depends on.

    Raises:
        UsageError: The profile does not fit the database, the cell is of no known chemistry, or a
            task is to run where it cannot.
    """
    profile = read_profile(config.can.profile) if config.can.profile else guess_profile(layout)
    wiring = wire_up(layout, profile, config.can.missing_second)
    longest = max(slot.timeout_second for slot in wiring.slots if slot.telling)
    limits = _limits(config.pack)
    if limits is not None:
        # Who declares to send rarely is believed for as long.
        limits = replace(limits, age_second_max=max(limits.age_second_max, longest))
    on_edge = placed(config.placement)["soc"].level is Level.EDGE
    return Plan(
        vehicle_id=config.vehicle.id,
        wiring=wiring,
        limits=limits,
        soc_filter=_filter(config.pack) if on_edge else None,
        row_second_min=config.can.row_second_min,
        silent_second=max(config.cycle.silent_second, longest),
    )


def read_profile(path: Path) -> Profile:
    """Read a profile from TOML.

    Raises:
        UsageError: The file cannot be read, is no TOML, or says what no profile says.
    """
    import tomllib

    try:
        plain = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        told = error.strerror if isinstance(error, OSError) else error
        raise UsageError(f"not a readable profile ({told})", where=str(path)) from error
    return from_plain(plain)


def _cell(pack: PackSection) -> CellType:
    return CellType(
        name="block",
        chemistry=pack.chemistry,
        capacity_nominal_ah=pack.capacity_ah,
        voltage_volt_min=pack.cell_voltage_volt_min,
        voltage_volt_max=pack.cell_voltage_volt_max,
    )


def _limits(pack: PackSection | None) -> PackLimits | None:
    if pack is None:
        return None
    limits = pack_limits(_cell(pack))
    return replace(
        limits,
        charge_ampere_max=pack.charge_ampere_max or limits.charge_ampere_max,
        discharge_ampere_max=pack.discharge_ampere_max or limits.discharge_ampere_max,
    )


def _filter(pack: PackSection | None) -> SocBarDelta | None:
    if pack is None:
        return None
    if pack.cell_file is not None:
        return SocBarDelta(cell=_identified(pack, pack.cell_file))
    preset = PRESETS.get(pack.chemistry)
    if preset is None:
        raise UsageError(
            f"no parameters of {pack.chemistry} cells are known",
            where="[pack] chemistry",
            mend=f"known are {', '.join(PRESETS)}",
        )
    return SocBarDelta(cell=preset_map(preset.resized(pack.capacity_ah)))


def _identified(pack: PackSection, path: Path) -> CellMap:
    """Take the identified cell, as the block that the pack is said to be made of.

    Raises:
        InputError: The file is no cell file.
        UsageError: It cannot be read, or is of another chemistry or size than the pack.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        told = error.strerror if isinstance(error, OSError) else "it is no JSON"
        raise UsageError(
            f"not a readable cell ({told})", where=str(path), mend="voltherd identify writes one"
        ) from error
    cell = cell_from(document, str(path))
    if cell.base.chemistry is not pack.chemistry:
        raise UsageError(
            f"{cell.base.name} is {cell.base.chemistry}, the pack is said to be {pack.chemistry}",
            where="[pack] cell_file",
            mend="give the cell of this pack, or mend chemistry",
        )
    block = cell.in_parallel(pack.cells_parallel)
    if abs(block.base.capacity_ah / pack.capacity_ah - 1.0) > _CAPACITY_APART_MAX:
        raise UsageError(
            f"{pack.cells_parallel} × {cell.base.name} make {block.base.capacity_ah:.4g} Ah, a "
            f"block is said to have {pack.capacity_ah:.4g} Ah",
            where="[pack] cell_file",
            mend="mend cells_parallel or capacity_ah",
        )
    return block


def _sending(config: EdgeConfig, plan: Plan) -> Sending:
    return Sending(
        site_id=config.vehicle.site,
        vehicle_id=config.vehicle.id,
        selection=_selection(config.event_mode, config.pack, plan.limits),
        chunk_second=config.send.chunk_second,
        event_chunk_second=config.send.event_chunk_second,
        version=version("voltherd"),
    )


def _selection(
    section: EventModeSection, pack: PackSection | None, limits: PackLimits | None
) -> Selection:
    """Take the levels that are given, and those of the pack for the others."""
    usual = _ANY_CELL if pack is None or limits is None else for_pack(_cell(pack), limits)
    given = {
        name: replace(getattr(usual, name), levels=tuple(sorted(levels)))
        for name in ("cell_voltage_volt", "temperature_celsius", "current_ampere", "soc_fraction")
        if (levels := getattr(section, name)) is not None
    }
    return replace(
        usual,
        **given,
        spacing_second=section.spacing_second,
        heartbeat_second=section.heartbeat_second,
    )


def _bus(section: CanSection, wiring: Wiring) -> dict[str, Any]:
    """Give what opening the bus depends on."""
    settings: dict[str, Any] = {}
    if section.bitrate is not None:
        settings["bitrate"] = section.bitrate
    if section.fd:
        settings["fd"] = True
    if section.interface == "virtual":
        settings["preserve_timestamps"] = True
    wanted = filters(wiring.routes)
    if section.interface == "socketcan" and wanted is not None:
        settings["can_filters"] = wanted  # the kernel filters; elsewhere it would cost time here
    return settings


def _actuator(section: ActuatorSection | None) -> tuple[Actuator, Callable[[], None]]:
    if section is None:
        return MemoryActuator(), lambda: None
    from voltherd.adapters.can.actuator import ActuatorSignals, CanActuator

    signals = ActuatorSignals(
        section.message,
        section.charge_ampere_max,
        section.discharge_ampere_max,
        section.contactors_closed,
    )
    actuator = CanActuator(open_bus(section.interface, section.channel), section.dbc, signals)
    return actuator, actuator.close


def _mqtt_settings(section: MqttSection) -> Any:  # noqa: ANN401 (the adapter's own)
    """Check how the broker is reached, before anything is opened.

    Raises:
        UsageError: Another machine without encryption or credentials.
    """
    from voltherd.adapters.mqtt.settings import MqttSettings, MqttVersion, check

    plain = section.model_dump(exclude={"password_file", "version"})
    password = secret_of(section.password_file) if section.password_file else ""
    settings = MqttSettings(**plain, version=MqttVersion(section.version), password=password)
    check(settings)
    return settings


def _mqtt(config: EdgeConfig, settings: Any, epoch: int) -> Bus:  # noqa: ANN401 (see above)
    from voltherd.adapters.mqtt.bus import MqttBus
    from voltherd.adapters.mqtt.settings import client_id

    vehicle = config.vehicle
    gone = EdgeState(vehicle_id=vehicle.id, site_id=vehicle.site, online=False, epoch=epoch)
    will = LastWill(topic(vehicle.site, vehicle.id, "state"), encode(gone))
    return MqttBus(settings, client_id(vehicle.id, epoch), will)
