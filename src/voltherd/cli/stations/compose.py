"""From a site file to the central system of its stations, or to simulated stations around one."""

import json
import logging
import math
import os
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final

from voltherd.adapters.files.depot_now import read_now, write_now
from voltherd.adapters.files.depot_orders import OrderFolder
from voltherd.adapters.http.fleet import FleetApi
from voltherd.adapters.modbus.meter import ModbusMeter
from voltherd.adapters.ocpp.schemas import schema_check
from voltherd.adapters.ocpp.security import Security, checker, hash_password
from voltherd.adapters.ocpp.server import StationServer
from voltherd.adapters.ocpp.station import StationClient
from voltherd.adapters.sqlite.calls import FILE, CallBook
from voltherd.charging.central import Rules
from voltherd.charging.live import Metered
from voltherd.cloud.depot import Depot
from voltherd.cloud.depot_sections import SiteFile
from voltherd.demo.depot import DepotWorld, Make, stations_of
from voltherd.errors import StoreError, UsageError
from voltherd.ports import Clock
from voltherd.sim.station import SimulatedStation
from voltherd.types.depot import BatteryNow
from voltherd.types.depot_now import DepotNow, Stretch
from voltherd.types.station import TokenVerdict

log = logging.getLogger(__name__)
PASSWORD_LENGTH_MIN: Final = 16
HELD: Final = "held.json"


def depot_desk(file: SiteFile, folder: Path) -> Depot:
    """Open the books of a depot's stations: who may charge is what the site file says.

    Raises:
        StoreError: The folder cannot be written.
    """
    known = [one.token or one.id for one in file.vehicles] + file.visitors.tokens
    rules = Rules(
        tokens={token: TokenVerdict("Accepted") for token in known},
        stations=frozenset(charger.station or charger.id for charger in file.chargers),
    )
    return Depot(CallBook(folder / FILE), rules, schema_check)


def depot_server(file: SiteFile, desk: Depot, clock: Clock, port: int) -> StationServer:
    """Make the server that stations connect to.

    Raises:
        UsageError: A password in the site file is none that ``voltherd depot password`` made.
    """
    central = file.central
    try:
        hashes = {name: bytes.fromhex(told) for name, told in central.passwords.items()}
    except ValueError as error:
        raise UsageError(
            "a password is not what was made of it",
            where="central.passwords",
            mend="let voltherd depot password make it",
        ) from error
    security = Security(
        profile=central.security_profile,
        check_password=checker(hashes),
        cert_file=central.certificate,
        key_file=central.key,
        ca_file=central.authority,
    )
    return StationServer(desk, clock, host=central.host, port=port, security=security)


def site_meter(file: SiteFile, clock: Clock) -> Callable[[], Metered | None]:
    """Give what reads the connection's meter: currents of its phases, else its power evenly.

    Raises:
        ServiceError: When it is called and the meter cannot be read.
        UsageError: The meter's registers say neither currents nor power.
    """
    if file.meter is None:
        return lambda: None
    told, volt = file.meter, file.connection.voltage_volt
    phases = [f"current_l{number}_ampere" for number in (1, 2, 3)]
    if "power_watt" not in told.registers and not set(phases) <= told.registers.keys():
        raise UsageError(
            "neither power_watt nor the current of every phase is read",
            where="meter.registers",
            mend=f"name {', '.join(phases)}",
        )
    meter = ModbusMeter(told.host, told.port, told.unit, told.values())

    def read() -> Metered | None:
        found = meter.read()
        even = found.get("power_watt", math.nan) / (len(phases) * volt)
        one, two, three = (found.get(name, even) for name in phases)
        return Metered((one, two, three), clock.unix_second())

    return read


def fleet_asked(file: SiteFile, folder: Path) -> Callable[[], dict[str, BatteryNow]]:
    """Give what asks the fleet's cloud for vehicles' batteries; nothing is known without one.

    Args:
        file: The site.
        folder: Where its own files lie.

    Raises:
        ServiceError: When it is called and does not answer.
        UsageError: The token cannot be read.
    """
    told = file.fleet
    if told.cloud is None:
        return dict
    token = ""
    if told.token_file is not None:
        try:
            token = (folder / told.token_file).read_text(encoding="utf-8").split("\n")[0].strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"no token can be read ({error})", where="fleet.token_file") from error
    return FleetApi(told.cloud, token).batteries


def has_books(folder: Path) -> bool:
    """Say whether a depot has run with a folder."""
    return (folder / FILE).exists()


def held_before(folder: Path) -> dict[str, float]:
    """Give what chargers may hold since before [A]; nothing where nothing is known for sure."""
    try:
        plain = json.loads((folder / HELD).read_text(encoding="utf-8"))
        return {str(name): float(ampere) for name, ampere in plain.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def keep_held(folder: Path, held: Mapping[str, float]) -> None:
    """Keep what chargers may hold; durable when this returns.

    Where it cannot be kept nothing is: after a restart each then counts with all that it can draw.

    Raises:
        StoreError: What was kept before can be neither replaced nor removed.
    """
    path, fresh = folder / HELD, folder / f"{HELD}.new"
    try:
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(dict(held), file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        log.warning("what chargers hold is not kept: %s", error)
        try:
            path.unlink(missing_ok=True)
        except OSError as stuck:
            raise StoreError("what chargers hold cannot be kept", where=str(path)) from stuck


def now_before(folder: Path) -> DepotNow | None:
    """Give what a depot told of itself last; None where it never ran there."""
    found = read_now(folder)
    return None if found is None else found[0]


def past_before(folder: Path, step_second: float) -> tuple[Stretch, ...]:
    """Give what a depot drew before it was started anew; nothing of steps of another length [s]."""
    now = now_before(folder)
    return now.past if now is not None and now.step_second == step_second else ()


def journal_before(folder: Path) -> CallBook:
    """Open what a depot's stations told.

    Raises:
        UsageError: No depot ever ran there.
        StoreError: It cannot be read.
    """
    if not (folder / FILE).is_file():
        raise UsageError(
            "no depot ran there",
            where=str(folder),
            mend="give the folder of voltherd depot run: site.depot beside site.yaml, or --folder",
        )
    return CallBook(folder / FILE)


def tell_now(folder: Path, now: DepotNow) -> None:
    """Write down how a depot does, for whoever looks."""
    write_now(folder, now)


def orders_in(folder: Path) -> OrderFolder:
    """Give what passes orders to the depot that runs there, and its answers back."""
    return OrderFolder(folder)


def hashed_password(password: str, salt: bytes) -> str:
    """Make of a station's password what a site file holds.

    Raises:
        UsageError: It is too short to be one.
    """
    if len(password) < PASSWORD_LENGTH_MIN:
        raise UsageError(
            "a station's password is too short",
            mend=f"take {PASSWORD_LENGTH_MIN} characters or more (OCPP 2.0.1 part 2, A00.FR.205)",
        )
    return hash_password(password.encode(), salt).hex()


def simulated_depot(file: SiteFile, where: str, folder: Path) -> DepotWorld:
    """Make a depot whose stations are simulated, with real connections between them and us."""

    def client(
        station: SimulatedStation,
        port: int,
        clock: Clock,
        pause: Callable[[float], Awaitable[None]],
    ) -> StationClient:
        spec = station.spec
        return StationClient(
            station,
            f"ws://127.0.0.1:{port}/ocpp",
            spec.station_id,
            "2.0.1" if spec.later else "1.6",
            clock.unix_second,
            pause=pause,
        )

    make = Make(
        desk=lambda: depot_desk(file, folder),
        server=lambda desk, clock, port: StationServer(desk, clock, port=port, ping_second=None),
        client=client,
    )
    return DepotWorld(file, where, stations_of(file, where, telling=True), make)
