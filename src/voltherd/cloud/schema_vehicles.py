"""Vehicles, their cells, pasts and key figures, as the API tells them."""

from typing import Literal

from voltherd.cloud.schema import Estimated, Kpi, Mode, Number, Quantity, Severity, Shape, Time
from voltherd.cloud.schema_findings import FindingRow


class VehicleRow(Shape):
    """One vehicle of the fleet: what is wrong, how sure, what to do, and where it stands."""

    vehicle_id: str
    site_id: str
    model: str
    online: bool | None
    """Whether its edge is connected; null where nobody has said."""
    simulated: bool
    last_seen_time: Time | None
    mode: Mode
    cells: int
    reported_soc_fraction: Number
    """State of charge as the vehicle itself reports it."""
    current_ampere: Number
    """Positive while charging."""
    voltage_volt: Number
    cell_voltage_volt_min: Number
    cell_voltage_volt_max: Number
    temperature_celsius_max: Number
    odometer_kilometre: Number
    severity: Severity | None
    """Worst of the findings that are not resolved."""
    findings: int
    """How many findings are not resolved."""
    finding_id: str | None
    """The most urgent of them."""
    headline: str | None
    """What and where it is."""
    action: str | None
    """What to do."""
    confidence: Number
    """How sure: probability that the most urgent finding is right."""
    pending_records: int | None
    """Records the edge still holds; null where it has not said."""
    lag_second: Number
    """From the last frame at the edge to its commit in the cloud, newest record [s]."""
    catching_up: bool
    """Whether late or restored data are being worked through; what is shown may change."""
    soc: Quantity
    age_second: Number
    """How old the newest sample is [s]."""


class Module(Shape):
    """A module's cells, from 1, both included."""

    first_cell: int
    last_cell: int


class Layout(Shape):
    """How cells are joined."""

    series: int
    parallel: int
    modules: list[Module]
    """Empty where the division is unknown."""


class Twin(Shape):
    """How well the live twin follows the vehicle."""

    rmse_volt: Number
    """Root mean square of measured less predicted terminal voltage of cells that are as their
    siblings are, last hour [V]."""
    lag_second: Number
    """How far the twin is behind now [s]."""
    samples: int
    """Samples behind ``rmse_volt``."""
    time: Time | None
    """The sample it has reached."""
    method: str


class PackSoc(Shape):
    """State of charge of the string: its weakest cells decide."""

    value: Number
    low: Number
    high: Number
    lowest_cell: int | None
    highest_cell: int | None
    lowest_soc: Number
    highest_soc: Number
    named: bool
    """Whether the lowest cell stands apart by more than both are unsure."""


class VehicleKpis(Shape):
    """Key figures of one vehicle."""

    vehicle_id: str
    kpis: list[Kpi]


class Kpis(Shape):
    """Key figures of the fleet and of every vehicle."""

    fleet: list[Kpi]
    vehicles: list[VehicleKpis]
    next_cursor: str | None = None


class History(Shape):
    """What is kept of a vehicle."""

    first_time: Time | None
    last_time: Time | None
    rows: int
    days: float


class VehicleDetail(VehicleRow):
    """Everything known of one vehicle."""

    chemistry: str | None
    capacity_nominal_ah: Number
    layout: Layout | None
    channels: list[str]
    """What ``series`` can show."""
    twin: Twin
    soc_pack: PackSoc
    open_findings: list[FindingRow]
    """Unresolved ones, most urgent first."""
    epochs: list[int]
    """Boots of its edge of which there are records."""
    history: History
    kpis: list[Kpi]


class Cell(Shape):
    """One cell now."""

    index: int
    """From 1, in string order."""
    name: str
    """The source's own name."""
    module: int | None
    voltage_volt: Number
    deviation_volt: Number
    """Less the median cell."""
    soc: Estimated
    quality: list[str]
    """Flags of the voltage; empty where all is well."""
    suspicious: bool
    finding_id: str | None


class Probe(Shape):
    """One temperature probe now."""

    index: int
    name: str
    module: int | None
    temperature_celsius: Number
    quality: list[str]
    suspicious: bool
    finding_id: str | None


class Cells(Shape):
    """Every cell and probe of a vehicle at its newest sample."""

    vehicle_id: str
    time: Time | None
    age_second: Number
    cells: list[Cell]
    probes: list[Probe]


class SeriesChannel(Shape):
    """A channel and its unit."""

    channel: str
    unit: str


class SeriesLine(Shape):
    """Lowest and highest value of each point; equal where a point is one sample."""

    channel: str
    min: list[Number]
    max: list[Number]


class Gap(Shape):
    """A span without data."""

    start_second: float
    stop_second: float
    reason: str


class Series(Shape):
    """Channels over time, never more points than asked for; extremes are kept."""

    vehicle_id: str
    channels: list[SeriesChannel]
    time_second: list[float]
    """First sample of each point [unix s]."""
    series: list[SeriesLine]
    points: int
    rows: int
    """Samples behind the points."""
    downsampled: bool
    source: Literal["rows", "slices"]
    """``slices``: made of slices of five minutes, whose extremes are exact."""
    gaps: list[Gap]


class Event(Shape):
    """Something of a vehicle's life: the whole fault record is a list of these."""

    time: Time | None
    unix_second: float
    kind: Literal["event", "finding", "gap", "document"]
    severity: Severity | None
    code: str
    """``noun.condition`` of an edge's event, a finding's phenomenon, a gap's reason, a document's
    kind."""
    raised: bool
    text: str
    cells: list[int]
    value: Number
    unit: str
    finding_id: str | None
    by: str | None


class LiveCells(Shape):
    """Event ``cells`` of the stream: one live sample of the watched vehicle."""

    vehicle_id: str
    time: Time
    unix_second: float
    mode: Mode
    current_ampere: Number
    voltage_volt: Number
    reported_soc_fraction: Number
    soc: Estimated
    cell_voltage_volt: list[Number]
    cell_soc: list[Number]
    probe_temperature_celsius: list[Number]
    lag_second: Number
    """From the frame at the edge to this event, wall clock [s]."""
