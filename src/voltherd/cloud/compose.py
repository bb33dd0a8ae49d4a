"""The only file of the cloud that knows adapters: from a configuration to a running service."""

import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Final, NamedTuple

from voltherd.adapters.files.calibration import calibration_document
from voltherd.adapters.files.depot_now import read_now
from voltherd.adapters.http.client import post
from voltherd.adapters.ocpp.schemas import schema_check
from voltherd.adapters.records.retention import Retention
from voltherd.adapters.records.store import RecordStore
from voltherd.adapters.sqlite.accounts import AccountBook
from voltherd.adapters.sqlite.assets import AssetBook
from voltherd.adapters.sqlite.calls import CallBook
from voltherd.adapters.sqlite.outgoing import FILE as OUTGOING
from voltherd.adapters.sqlite.outgoing import OutgoingBook
from voltherd.cloud.access import Access
from voltherd.cloud.api import application
from voltherd.cloud.budget import Budget
from voltherd.cloud.chain import ApiFigures, BusFigures, ChainWatch, Sources
from voltherd.cloud.clocks import WallClock
from voltherd.cloud.commands import Commands
from voltherd.cloud.config import (
    LOOPBACK,
    CloudConfig,
    MqttSection,
    StoreSection,
    WebhookSection,
    secret_of,
)
from voltherd.cloud.depot_plan import Depot, known_prices
from voltherd.cloud.fleet import Change, Fleet
from voltherd.cloud.guard import Guard
from voltherd.cloud.ingest import Ingest
from voltherd.cloud.kpis import Board
from voltherd.cloud.lags import Lags
from voltherd.cloud.metrics import Metrics
from voltherd.cloud.running import Address, Duty, Part, Running
from voltherd.cloud.schema_service import Health, Truth
from voltherd.cloud.service import About, Cloud
from voltherd.cloud.stations import Stations
from voltherd.cloud.stores.compose import BookJournal, CommittedStore, Kept, opened
from voltherd.cloud.stream import Hub
from voltherd.cloud.telling import Teller
from voltherd.cloud.view import FleetView
from voltherd.cloud.watching import Watching
from voltherd.cloud.webhooks import Target, Webhooks
from voltherd.cloud.workflow import Workflow
from voltherd.errors import StoreError, UsageError
from voltherd.ports import Bus, Clock
from voltherd.triage.calibration import from_plain
from voltherd.types.event import Severity
from voltherd.types.record import Record

logger: Final = logging.getLogger(__name__)
COMPACT_SECOND: Final = 60.0
COMPACT_CHUNKS_MIN: Final = 60


def bus_of(section: MqttSection) -> Bus:
    """Connect to the broker."""
    from voltherd.adapters.mqtt.bus import MqttBus
    from voltherd.adapters.mqtt.settings import MqttSettings, MqttVersion, client_id

    plain = section.model_dump(exclude={"password_file", "version"})
    password = secret_of(section.password_file) if section.password_file else ""
    settings = MqttSettings(**plain, version=MqttVersion(section.version), password=password)
    return MqttBus(settings, client_id("voltherd-cloud", secrets.randbits(48)))


def check_open(config: CloudConfig, accounts: AccountBook) -> None:
    """Refuse to be reached from elsewhere without encryption and somebody who may sign in.

    Raises:
        UsageError: With what is missing.
    """
    http = config.http
    if bool(http.tls_cert) != bool(http.tls_key):
        raise UsageError(
            "a certificate and its key come together", where="[http]", mend="set both or neither"
        )
    for path in (http.tls_cert, http.tls_key):
        if path is not None and not path.is_file():
            raise UsageError("no such file", where=str(path), mend="name a PEM file")
    if not config.open_to_others:
        return
    where = f"[http] host = {http.host}"
    if not http.tls_cert:
        raise UsageError(
            "refused to listen beyond this machine without TLS",
            where=where,
            mend='set tls_cert and tls_key, or host = "127.0.0.1"',
        )
    if not accounts.users():
        raise UsageError(
            "refused to listen beyond this machine while nobody can sign in",
            where=where,
            mend="add a user with: voltherd cloud user add NAME --config FILE",
        )


class Given(NamedTuple):
    """What a caller brings along instead of what the configuration says.

    Attributes:
        bus: The bus; None connects to the broker of the configuration, if any.
        clock: The fleet's time; None for the machine's.
        about: What the service says of itself; None for the plain truth.
        truth: Tells a demo's truth beside what was found.
        log: The record store, open already; None opens the configuration's.
    """

    bus: Bus | None = None
    clock: Clock | None = None
    about: About | None = None
    truth: Callable[[FleetView], Truth] | None = None
    log: RecordStore | None = None


_NOTHING_GIVEN: Final = Given()
Loop = Callable[[threading.Event], None]


class Counted:
    """Counts answers; from one thread only, the server's."""

    def __init__(self) -> None:
        self.answers = 0
        self.failures = 0

    def add(self, status: int) -> None:
        """Count one."""
        self.answers += 1
        self.failures += status >= 500


class _Core(NamedTuple):
    """What every cloud has."""

    kept: Kept
    log: RecordStore | None
    journal: BookJournal
    workflow: Workflow
    budget: Budget
    hub: Hub
    teller: Teller
    fleet: Fleet
    clock: Clock
    about: About
    webhooks: Webhooks | None
    parts: tuple[Part, ...]


class _Line(NamedTuple):
    """What a cloud has that receives."""

    bus: Bus
    commands: Commands
    ingest: Ingest


def compose(config: CloudConfig, given: Given = _NOTHING_GIVEN) -> Running:
    """Put a cloud together; nothing runs yet.

    Raises:
        UsageError: It may not run like this.
        StoreError: The store cannot be used.
    """
    accounts = AccountBook(config.accounts_path)
    check_open(config, accounts)
    core = _core(config, given)
    line = _line(core, config, given)
    access = Access(
        accounts, config.open_to_others, config.http.tls_cert is not None, time.monotonic
    )
    counted = Counted()
    watch = ChainWatch(_sources(core, line, counted), core.clock)
    metrics = Metrics(watch.chain)
    depot = Depot(config.depot.site) if config.depot else None
    cloud = _cloud(core, line, watch, given.truth, depot=depot, sign_in=access.needed)
    if config.depot and config.depot.stations:
        journal = config.depot.stations
        cloud = replace(
            cloud,
            stations=_stations(journal, depot),
            depot_now=partial(read_now, journal.parent),
        )

    def answered(method: str, status: int) -> None:
        counted.add(status)
        metrics.answered(method, status)

    def look() -> None:
        watch.look()
        core.teller.chain(watch.chain())

    duties = [Duty("looking at the chain", 1.0, look)]
    loops: list[Loop] = []
    parts: list[Part] = []
    if core.webhooks is not None:
        core.webhooks.delivered = metrics.delivered
        loops += core.webhooks.loops()
    if line is not None:
        watching = Watching(core.hub, line.commands, lambda: core.fleet.view, core.about.speed)
        duties += [Duty("watching", 0.5, watching.watch), Duty("pinging", 5.0, watching.ping)]
        loops += [line.ingest.run, upkeep(core.log, config.store, core.clock)]
        parts += [] if given.bus is not None else [line.bus]
    parts += core.parts
    app = application(cloud, access, metrics)
    guarded = Guard(app, access, _hosts(config), answered)
    return Running(cloud, guarded, _address(config), loops, duties, parts)


def _core(config: CloudConfig, given: Given) -> _Core:
    receives = given.bus is not None or config.mqtt is not None
    kept: Kept
    log: RecordStore | None
    if given.log is not None:
        kept, log = CommittedStore(given.log), given.log
    else:
        kept, log = opened(config.store.path, receives=receives)
    clock, wall = given.clock or WallClock(), WallClock()
    book = AssetBook(config.store.path)
    journal = BookJournal(book)
    workflow = Workflow(journal)
    hub = Hub(secrets.token_hex(4), config.http.streams_max)
    teller = Teller(hub, clock, wall.unix_second, time.monotonic)
    parts: list[Part] = []
    committed = kept if isinstance(kept, CommittedStore) else None
    shelf = committed.shelf if committed else None
    parts += [part for part in (committed, log) if part is not None]
    webhooks = None
    if config.webhook:
        outgoing = OutgoingBook(config.store.path / OUTGOING)
        parts.append(outgoing)
        webhooks = Webhooks(
            [_target(section) for section in config.webhook],
            outgoing,
            post,
            workflow.steps,
            wall.unix_second,
            clock.unix_second,
        )

    def changed(change: Change) -> None:
        teller.changed(change)
        if webhooks is not None:
            webhooks.changed(change)

    budget = Budget(journal, workflow, from_plain(calibration_document()), lambda: fleet.view)
    fleet = Fleet(
        kept,
        book,
        workflow,
        clock,
        shelf,
        committed,
        changed,
        teller.live,
        budget.judge,
    )
    about = given.about or About(version=version("voltherd"), started_second=clock.unix_second())
    return _Core(
        kept,
        log,
        journal,
        workflow,
        budget,
        hub,
        teller,
        fleet,
        clock,
        about,
        webhooks,
        tuple(parts),
    )


def _target(section: WebhookSection) -> Target:
    return Target(
        url=section.url,
        secret=secret_of(section.secret_file),
        severity=Severity[section.severity.upper()],
    )


def _line(core: _Core, config: CloudConfig, given: Given) -> _Line | None:
    """Connect what receives."""
    if core.log is None or (given.bus is None and config.mqtt is None):
        return None
    wall = WallClock()
    bus = given.bus or bus_of(config.mqtt or MqttSection())
    commands = Commands(bus, wall, lambda: secrets.token_hex(8))

    def committed(records: list[Record]) -> None:
        core.fleet.committed(records)
        commands.hear(records)

    ingest = Ingest(
        core.log,
        bus,
        wall,
        on_committed=committed,
        on_live=core.fleet.live,
        on_state=core.fleet.state,
    )
    return _Line(bus, commands, ingest)


def _sources(core: _Core, line: _Line | None, counted: Counted) -> Sources:
    def bus() -> BusFigures:
        assert line is not None
        return _bus_figures(line.bus)

    return Sources(
        view=lambda: core.fleet.view,
        waiting=lambda: core.fleet.waiting,
        traffic=line.ingest if line else None,
        bus=bus if line else None,
        round_trips=line.commands.round_trips if line else Lags(1).summary,
        store=core.kept.figures,
        api=lambda: ApiFigures(counted.answers, counted.failures, core.hub.readers),
    )


def _cloud(
    core: _Core,
    line: _Line | None,
    watch: ChainWatch,
    tell: Callable[[FleetView], Truth] | None,
    *,
    depot: Depot | None,
    sign_in: bool,
) -> Cloud:
    def truth() -> Truth:
        assert tell is not None
        return tell(core.fleet.view)

    def health() -> Health:
        figures = _bus_figures(line.bus) if line else None
        if figures is not None and not figures.connected:
            return Health(status="failing", text=f"no connection to the bus: {figures.trouble}")
        if not core.fleet.alive:
            return Health(status="failing", text="the fleet is not followed")
        return Health(status="ok")

    return Cloud(
        fleet=core.fleet,
        workflow=core.workflow,
        budget=core.budget,
        journal=core.journal,
        records=core.kept,
        past=core.kept,
        hub=core.hub,
        board=Board(lambda: core.fleet.view, core.clock.unix_second),
        chain=watch.chain,
        health=health,
        clock=core.clock,
        about=core.about,
        truth=truth if tell else None,
        depot=depot,
        sign_in=sign_in,
    )


def _stations(path: Path, depot: Depot | None) -> Stations:
    return Stations(CallBook(path), schema_check, lambda: known_prices(depot))


def _bus_figures(bus: Bus) -> BusFigures:
    """Ask a bus how it is; one that cannot say is up once it has connected."""
    connected = getattr(bus, "connected", None)
    trouble = getattr(bus, "trouble", None)
    times = bus.connections()
    up = bool(connected()) if callable(connected) else times > 0
    return BusFigures(up, times, str(trouble()) if callable(trouble) and not up else "")


def upkeep(
    log: RecordStore | None, section: StoreSection, clock: Clock, pause: float = COMPACT_SECOND
) -> Loop:
    """Pack what has landed, now and then, and let go of what is too old.

    Args:
        log: The store; None where it takes in nothing.
        section: For how long what is kept.
        clock: The fleet's time, which ages are counted from.
        pause: Between two times [s].

    Raises:
        UsageError: Summaries would go before their samples.
    """
    policy = Retention(
        sample_day=section.sample_days,
        summary_day=section.summary_days,
        event_day=section.event_days,
    )

    def loop(stop: threading.Event) -> None:
        while log is not None and not stop.wait(pause):
            try:
                log.compact(chunks_min=COMPACT_CHUNKS_MIN)
                if policy != Retention():
                    log.retain(policy, clock.unix_second())
            except StoreError as error:
                logger.warning("upkeep is put off: %s", error)

    return loop


def _hosts(config: CloudConfig) -> set[str]:
    """Give the names under which the service may be reached."""
    names = {config.http.host, *config.http.hosts}
    return {name.lower() for name in (names if config.open_to_others else names | set(LOOPBACK))}


def _address(config: CloudConfig) -> Address:
    http = config.http
    return Address(
        http.host,
        http.port,
        str(http.tls_cert) if http.tls_cert else None,
        str(http.tls_key) if http.tls_key else None,
    )
