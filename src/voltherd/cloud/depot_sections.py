"""What ``site.yaml`` may say: its sections, their keys and what each value can be."""

from datetime import datetime, time
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from voltherd.cloud.depot_meter import MeterSection
from voltherd.types.asset import Chemistry

PHASES: Final = ("L1", "L2", "L3")
START_CURRENT_AMPERE: Final = 6.0
"""Least current that IEC 61851-1 lets a station offer."""
VEHICLES_MAX: Final = 100_000
_MINUTES: Final = 60


def _clock(value: object) -> object:
    """Read 18:05, which YAML takes for 1085 in sixties, as the time of day it is."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= _MINUTES:
        hour, minute = divmod(value, _MINUTES)
        return f"{hour:02d}:{minute:02d}"
    return value


Clock = Annotated[time, BeforeValidator(_clock)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1)]
Course = float | list[float | None] | dict[Clock, float]
"""One number, one for each hour or step from the start on, or one from each time of day on."""


class Section(BaseModel):
    """Ground of every section: values do not change, unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class PowerTierSection(Section):
    """Power from the grid beyond this costs more."""

    above_kilowatt: NotNegative
    added_eur_per_kwh: NotNegative


class VolumeTierSection(Section):
    """Energy from the grid beyond this costs more: of a day, a month, whatever is counted."""

    above_kwh: NotNegative
    used_kwh: NotNegative = 0.0
    """Of it before the plan begins [kWh]."""
    added_eur_per_kwh: NotNegative


class ConnectionSection(Section):
    """What the site may draw, and draws and makes without vehicles."""

    limit_kilowatt: Course
    phase_limit_ampere: Positive | None = None
    """Of each phase, where that is limited, too [A]."""
    voltage_volt: Positive = 230.0
    """Phase to neutral [V]."""
    base_kilowatt: Course = 0.0
    """What draws beside the vehicles [kW]."""
    pv_kilowatt: Course = 0.0
    demand_eur_per_kilowatt: NotNegative = 0.0
    power_tiers: list[PowerTierSection] = []


class PricesSection(Section):
    """What energy costs."""

    buy_eur_per_kwh: Course
    sell_eur_per_kwh: Course | None = None
    """Paid for surplus; the price of buying where not given."""
    volume_tiers: list[VolumeTierSection] = []


class GroupSection(Section):
    """Chargers behind one fuse or transformer."""

    name: str
    chargers: list[str]
    limit_kilowatt: Course


class ChargerSection(Section):
    """A station."""

    id: str
    power_kilowatt: Positive
    phases: Annotated[int, Field(ge=1, le=3)] = 3
    phase: str = "L1"
    """Which one, where it has one or a vehicle is charged on one."""
    discharge_kilowatt: NotNegative = 0.0
    """What it can take back from a vehicle [kW]."""
    station: str | None = None
    """The OCPP identity it connects with; its id where not given."""
    evse: Annotated[int, Field(ge=1)] = 1
    """Which EVSE of that station it is."""
    default_ampere: NotNegative | None = None
    """What it falls back to when the central system is gone, per phase; 0, as where not given,
    stops it. One that is started and stopped goes on with its full current [A]."""
    metered: bool = True
    """Whether it reports what it draws; a lower limit then counts only once it is seen."""
    control: Literal["profile", "start_stop"] = "profile"
    """Whether it follows charging profiles, or only starts and stops from afar."""
    tells_plug: bool = True
    """Whether ``Available`` of one that is started and stopped means that the vehicle has left;
    else it is taken to be there until its departure."""
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    """Where it is, north positive (WGS 84): whoever books the nearest one wants to know [deg]."""
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None
    """East positive [deg]."""

    @property
    def switched(self) -> bool:
        """Whether it is off or at full power, and nothing between."""
        return self.control == "start_stop"


def full_ampere(charger: ChargerSection, volt: float) -> float:
    """Give the most that a charger gives, on each of its phases [A]."""
    return charger.power_kilowatt * 1000.0 / (volt * charger.phases)


class BatterySection(Section):
    """What wear is priced by."""

    chemistry: Chemistry
    price_per_kwh: NotNegative
    """Of a new battery less what an old one brings."""
    celsius: Annotated[float, Field(ge=-40, le=80)] = 25.0
    """Of its cells while it stays [degrees C]."""
    soh_end: Annotated[float, Field(gt=0, lt=1)] = 0.8
    """At which it is worth no more."""
    soh: Annotated[float, Field(gt=0.1, le=1.2)] = 1.0
    """Share of ``battery_kwh`` that it still holds."""
    limits: bool = False
    """Whether the voltage, temperature and onset of plating of a cell of its chemistry, as warm and
    as old as it is, limit what it takes."""


class VehicleSection(Section):
    """A vehicle and tonight's stay."""

    id: str
    charger: str
    arrives: Clock | datetime
    departs: Clock | datetime
    battery_kwh: Positive
    soc_arrival: Share
    soc_departure: Share
    power_kilowatt: Positive | None = None
    """Most it takes, where that is less than the charger gives [kW]."""
    phases: Annotated[int, Field(ge=1, le=3)] | None = None
    single_phase: bool = False
    """Whether it may be charged on the charger's phase alone instead of three; the plan picks."""
    power_curve: dict[Share, NotNegative] = {}
    """Most it takes from a state of charge on, straight between them; any power below [kW]."""
    efficiency: Annotated[float, Field(gt=0, le=1)] = 0.95
    """Energy in the battery per energy drawn."""
    v2g: bool = False
    """Whether it may give energy back."""
    token: str | None = None
    """What it shows at the station; its id where not given."""
    soc_reserve: Share = 0.0
    """It gives nothing back below this."""
    battery: BatterySection | None = None
    """Where it is known, wear follows from ageing models."""


class V2gSection(Section):
    """What giving back wears."""

    wear_eur_per_kwh: Annotated[list[NotNegative], Field(min_length=1)] = [0.05]
    """Of each kWh given, from the gentlest share of the power to the last [EUR/kWh]; of vehicles
    whose battery is known the models say it, in as many tiers."""
    efficiency: Annotated[float, Field(gt=0, le=1)] = 0.95


class ReserveSection(Section):
    """Power kept ready for the grid's frequency, up and down alike."""

    kilowatt: Course
    eur_per_kilowatt_hour: Course
    """Paid for each kW kept ready for an hour [EUR/kW/h]."""


class OutageSection(Section):
    """A time without a grid."""

    begins: Clock | datetime
    ends: Clock | datetime
    shed_eur_per_kwh: NotNegative = 5.0
    """What a kWh of base load costs that goes without [EUR/kWh]."""


class StorageSection(Section):
    """A battery of the site, always there; it ends as full as it begins."""

    name: str = "storage"
    capacity_kwh: Positive
    power_kilowatt: Positive
    """Most it draws, and gives where no other is said [kW]."""
    discharge_kilowatt: Positive | None = None
    soc: Share = 0.5
    """At the plan's begin and end."""
    soc_min: Share = 0.1
    """Below this it gives nothing."""
    efficiency: Annotated[float, Field(gt=0, le=1)] = 0.95
    """Each way."""
    wear_eur_per_kwh: Annotated[list[NotNegative], Field(min_length=1)] = [0.03]
    """Of each kWh given, from the gentlest share of the power to the last [EUR/kWh]."""


class FleetSection(Section):
    """Where what is known of vehicles' batteries comes from; vehicles are known by their ids."""

    cloud: Annotated[str, Field(pattern=r"^https?://[^\s/]+/?$")] | None = None
    """Address of ``voltherd cloud``: state of charge and temperature, asked while a depot runs."""
    token_file: Path | None = None
    """A file whose first line is the token it asks for."""
    health: Path | None = None
    """What ``voltherd soh --json`` wrote: the share of its capacity that each battery holds."""


class VisitorSection(Section):
    """Vehicles that nobody announced: who may charge, and what is then expected of them."""

    tokens: list[str] = []
    energy_kwh: Positive = 20.0
    stay_hours: Positive = 8.0


class RunSection(Section):
    """What a depot that runs keeps in hand for what no plan knows."""

    ready_early_minutes: Annotated[float, Field(ge=0, le=240)] = 15
    """Before they leave, vehicles are planned to be ready: they take less when nearly full."""
    haste_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.01
    """Of the mean price, that energy is worth more an hour sooner: what is put off may not come."""
    margin_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.04
    """Of what limits leave, kept free: one vehicle gives way before another gets more."""


class CentralSection(Section):
    """Where stations connect to, and what they must show."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 9000
    security_profile: Annotated[int, Field(ge=0, le=3)] = 0
    """0 for a network of one's own, 1 password, 2 password and TLS, 3 certificates."""
    passwords: dict[str, str] = {}
    """By station: what ``voltherd depot password`` made of each."""
    certificate: Path | None = None
    key: Path | None = None
    authority: Path | None = None
    """Who signs stations' certificates; for profile 3."""


class SiteFile(Section):
    """All of it."""

    site: str
    timezone: str = "UTC"
    start: datetime
    """Local time at which the plan begins."""
    hours: Annotated[int, Field(ge=1, le=192)] = 24
    """Length of the plan on the clock; hours that pass may be one more or less [h]."""
    step_minutes: Annotated[int, Field(ge=1, le=60)] = 15
    currency: str = "EUR"
    connection: ConnectionSection
    prices: PricesSection
    chargers: Annotated[list[ChargerSection], Field(min_length=1)]
    groups: list[GroupSection] = []
    vehicles: Annotated[list[VehicleSection], Field(max_length=VEHICLES_MAX)]
    v2g: V2gSection = V2gSection()
    storage: list[StorageSection] = []
    meter: MeterSection | None = None
    fleet: FleetSection = FleetSection()
    visitors: VisitorSection = VisitorSection()
    run: RunSection = RunSection()
    central: CentralSection = CentralSection()
    reserve: ReserveSection | None = None
    outage: OutageSection | None = None
