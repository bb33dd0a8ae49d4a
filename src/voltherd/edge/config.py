"""``edge.toml``: what an edge is to do, checked when it is read."""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from voltherd.errors import UsageError
from voltherd.intake.profile import did_you_mean
from voltherd.types.asset import Chemistry

Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
Magnitude = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Levels = list[Finite]


class Section(BaseModel):
    """Ground of every section: values do not change, unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


_Kind = TypeVar("_Kind", bound=Section)


class VehicleSection(Section):
    """Whose edge this is."""

    id: str
    """Name of the vehicle on the bus."""
    site: str
    """Name of the site it belongs to."""


class PackSection(Section):
    """The pack; without it nothing is estimated and no current is permitted."""

    chemistry: Chemistry
    capacity_ah: Positive
    """Of a cell block: all cells in parallel together [Ah]."""
    cell_voltage_volt_min: Positive
    cell_voltage_volt_max: Positive
    cell_file: Path | None = None
    """What ``voltherd identify`` wrote of the cell; the chemistry's preset where not given."""
    cells_parallel: Annotated[int, Field(ge=1)] = 1
    """How many cells of ``cell_file`` make a block."""
    charge_ampere_max: Positive | None = None
    """Most charging current; 2.5 times the capacity per hour where not given [A]."""
    discharge_ampere_max: Positive | None = None
    """Most discharging current, a magnitude; 5 times the capacity per hour where not given [A]."""


class CanSection(Section):
    """The vehicle's bus."""

    interface: str = "socketcan"
    """As python-can names it."""
    channel: str = "can0"
    bitrate: Annotated[int, Field(gt=0)] | None = None
    """Where the interface sets it; SocketCAN's is set when the bus is brought up [bit/s]."""
    fd: bool = False
    dbc: Path
    """DBC, KCD or ARXML of the bus."""
    profile: Path | None = None
    """Which signal is which channel; guessed by the signals' names where not given."""
    stamped: bool = True
    """Whether the interface stamps frames with dates; else they bear the time of hearing."""
    missing_second: Positive = 5.0
    """A message silent for longer has no value [s]."""
    row_second_min: Magnitude = 0.05
    """Least distance of two samples; 0 keeps every one [s]."""


class CycleSection(Section):
    """The pace."""

    period_second: Annotated[float, Field(ge=0.01, le=60.0)] = 0.1
    watchdog_second: Positive = 2.0
    """A loop that stands still for longer permits nothing [s]."""
    silent_second: Positive = 5.0
    """A bus silent for longer while in use is told of [s]."""


class OutboxSection(Section):
    """Where records wait for the cloud."""

    path: Path
    """Folder; made where it is not there."""
    bytes_max: Annotated[int, Field(ge=1_000_000)] = 256_000_000
    """On the medium: then the oldest telemetry is thinned, then dropped."""
    memory_bytes_max: Annotated[int, Field(ge=100_000)] = 2_000_000
    """In memory, while the medium refuses."""


class SendSection(Section):
    """How samples are sent."""

    mode: Literal["stream", "event"] = "stream"
    """Until the cloud says otherwise."""
    chunk_second: Annotated[float, Field(ge=1.0, le=3600.0)] = 60.0
    event_chunk_second: Annotated[float, Field(ge=60.0, le=86_400.0)] = 21_600.0


class EventModeSection(Section):
    """What event mode sends; levels not given are the pack's limits and tenths of its charge."""

    cell_voltage_volt: Levels | None = None
    temperature_celsius: Levels | None = None
    current_ampere: Levels | None = None
    soc_fraction: Levels | None = None
    spacing_second: Positive = 900.0
    """Rows of mere movement come no closer [s]."""
    heartbeat_second: Positive = 10_800.0
    """A row goes at least this often [s]."""


class MqttSection(Section):
    """How the broker is reached."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65_535)] = 1883
    version: Literal["5", "3.1.1"] = "5"
    username: str = ""
    password_file: Path | None = None
    """A file whose first line is the password, so that it stands in no configuration."""
    tls: bool = False
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None


class ActuatorSection(Section):
    """The CAN message that tells limits; without this section voltherd only advises."""

    interface: str = "socketcan"
    channel: str = "can0"
    dbc: Path
    message: str
    charge_ampere_max: str
    """Name of its signal."""
    discharge_ampere_max: str
    contactors_closed: str = ""


class EdgeConfig(Section):
    """All of it."""

    vehicle: VehicleSection
    can: CanSection
    outbox: OutboxSection
    pack: PackSection | None = None
    cycle: CycleSection = CycleSection()
    send: SendSection = SendSection()
    event_mode: EventModeSection = EventModeSection()
    mqtt: MqttSection = MqttSection()
    actuator: ActuatorSection | None = None
    placement: dict[str, str] = {}
    """Tasks that run elsewhere than ``voltherd.placement`` has them."""


EXAMPLE: Final = """\
# voltherd edge --config edge.toml

[vehicle]
id = "bus-7"                    # letters, digits and . _ ~ -
site = "depot-1"

[can]
interface = "socketcan"         # any of python-can: socketcan, pcan, kvaser, vector, slcan ...
channel = "can0"
# bitrate = 500000              # where the interface sets it
dbc = "vehicle.dbc"             # DBC, KCD or ARXML
# profile = "profile.toml"      # which signal is which channel; best made from a recorded log:
                                #   voltherd import LOG --dbc DBC --dry-run --save-profile FILE
# missing_second = 5.0          # a message silent for longer has no value
# row_second_min = 0.05         # least distance of two samples; 0 keeps every one

[pack]                          # without it nothing is estimated and no current is permitted
chemistry = "NMC"               # NMC, NCA, LFP
capacity_ah = 150.0             # of a cell block: all cells in parallel together
cell_voltage_volt_min = 2.8     # as the cell's data sheet has it
cell_voltage_volt_max = 4.2
# cell_file = "cell.json"       # as voltherd identify wrote it; else the chemistry's preset
# cells_parallel = 3            # how many such cells make a block
# charge_ampere_max = 375.0     # else 2.5 times the capacity per hour
# discharge_ampere_max = 750.0  # else 5 times

# [placement]                   # a slow edge leaves the estimate of charge to the cloud
# soc = "cloud"

[cycle]
# period_second = 0.1
# watchdog_second = 2.0         # a loop that stands still for longer permits nothing
# silent_second = 5.0           # a bus silent for longer while in use is told of

[outbox]
path = "outbox"                 # records wait here until the cloud has them
bytes_max = 256000000           # then the oldest telemetry is thinned, then dropped; events never

[send]
mode = "stream"                 # every sample in a chunk a minute; or "event"
# chunk_second = 60.0

[event_mode]                    # boundaries that must not be crossed unseen
# cell_voltage_volt = [2.8, 4.2]
# temperature_celsius = [0.0, 50.0]
# current_ampere = [-750.0, 375.0]
# soc_fraction = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]

[mqtt]
host = "127.0.0.1"              # elsewhere, tls and credentials are needed
port = 1883
version = "5"                   # or "3.1.1"
# tls = true
# ca_file = "ca.pem"
# username = "bus-7"
# password_file = "mqtt-password"

# [actuator]                    # a CAN message that tells limits; else voltherd only advises
# dbc = "vehicle.dbc"
# message = "VH_Limits"         # every signal of it is named here
# charge_ampere_max = "ChargeCurrentMax"
# discharge_ampere_max = "DischargeCurrentMax"
# contactors_closed = "ContactorsClosed"
"""


def read_config(path: Path) -> EdgeConfig:
    """Read a configuration; paths in it are as seen from its folder.

    Raises:
        UsageError: It cannot be read, is no TOML, or says what no configuration says.
    """
    try:
        plain = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        told = error.strerror if isinstance(error, OSError) else error
        raise UsageError(
            f"not a readable configuration ({told})",
            where=str(path),
            mend="voltherd edge --example prints one to begin with",
        ) from error
    return moved(parse(plain, str(path)), path.absolute().parent)


def parse(plain: dict[str, Any], where: str) -> EdgeConfig:
    """Check a configuration.

    Raises:
        UsageError: With the first thing that is wrong, and what may be meant.
    """
    try:
        config = EdgeConfig.model_validate(plain)
    except ValidationError as error:
        found = error.errors()
        # A misspelt key is told before the one that it leaves missing.
        first = next((e for e in found if e["type"] == "extra_forbidden"), found[0])
        at = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise _unknown(first["loc"], at, where) from error
        if first["type"] == "missing":
            raise UsageError(
                f"{at} is missing", where=where, mend="voltherd edge --example shows one"
            ) from error
        raise UsageError(f"{at}: {first['msg']}", where=where) from error
    pack = config.pack
    if pack is not None and pack.cell_voltage_volt_min >= pack.cell_voltage_volt_max:
        raise UsageError(
            f"a cell from {pack.cell_voltage_volt_min:g} to {pack.cell_voltage_volt_max:g} V",
            where=f"{where} [pack]",
            mend="give the lower voltage as cell_voltage_volt_min",
        )
    return config


def moved(section: _Kind, folder: Path) -> _Kind:
    """Give a section with its paths, and those of sections in it, as seen from a folder."""
    found: dict[str, object] = {}
    for name in type(section).model_fields:
        value = getattr(section, name)
        if isinstance(value, Path):
            found[name] = folder / value
        elif isinstance(value, Section):
            found[name] = moved(value, folder)
    return section.model_copy(update=found)


def secret_of(path: Path) -> str:
    """Read a secret: the first line of a file.

    Raises:
        UsageError: It cannot be read or is empty.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        told = error.strerror if isinstance(error, OSError) else "it is no text"
        raise UsageError(f"a secret that cannot be read ({told})", where=str(path)) from error
    if not lines or not lines[0].strip():
        raise UsageError("a secret that is empty", where=str(path), mend="write it on one line")
    return lines[0].strip()


def _unknown(loc: tuple[int | str, ...], at: str, where: str) -> UsageError:
    section: type[BaseModel] = EdgeConfig
    for part in loc[:-1]:
        section = _SECTIONS[str(part)]
    mend = did_you_mean(str(loc[-1]), tuple(section.model_fields))
    return UsageError(f"unknown key {at}", where=where, mend=mend)


_SECTIONS: Final[dict[str, type[BaseModel]]] = {
    "vehicle": VehicleSection,
    "pack": PackSection,
    "can": CanSection,
    "cycle": CycleSection,
    "outbox": OutboxSection,
    "send": SendSection,
    "event_mode": EventModeSection,
    "mqtt": MqttSection,
    "actuator": ActuatorSection,
}
