"""What the API says and takes, as pydantic models; ``docs/openapi.json`` is made of them.

Names carry their units, times are RFC 3339 in UTC, ratios are fractions, charging is positive.
What is not known is ``null``, never NaN.  Keys may be added under ``/api/v1``; a key that changes
meaning or goes away makes a ``v2``.
"""

import math
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Item = TypeVar("Item")


def _finite(value: Any) -> Any:  # noqa: ANN401 (pydantic hands over anything)
    """Tell NaN and infinity as null: JSON knows neither."""
    if value is None or isinstance(value, str | bool):
        return value
    return float(value) if math.isfinite(value) else None


Number = Annotated[float | None, BeforeValidator(_finite)]
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
Severity = Literal["operating", "recommended", "safety"]
Status = Literal["open", "acknowledged", "resolved"]
Outcome = Literal["confirmed", "dismissed", "repaired"]
Mode = Literal["driving", "charging", "parked", "unknown"]


class Shape(BaseModel):
    """Ground of every model: values do not change, and attribute docstrings become the API's."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class Page(Shape, Generic[Item]):
    """Some items of a list, and where the rest begins."""

    items: list[Item]
    next_cursor: str | None = None
    """Give it back as ``cursor`` for the next items; null where there are none."""


class Problem(Shape):
    """What went wrong (RFC 9457)."""

    type: str
    """Where the problem is explained; stable, so that programs may tell problems by it."""
    title: str
    status: int
    detail: str = ""
    instance: str = ""
    errors: list[dict[str, Any]] | None = None
    """Which parts of the request are wrong, where that can be said."""


class Quantity(Shape):
    """A number with its interval, method, evidence and age; ``value`` null means cannot tell."""

    value: Number
    low: Number
    """Lower end of the 90 % interval."""
    high: Number
    """Upper end of the 90 % interval."""
    unit: str
    method: str
    """The estimator's name."""
    evidence: str
    """What it rests on; where ``value`` is null, why it cannot be told."""
    age_second: Number = None
    """How old the newest sample behind it is [s]."""


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
    """Root mean square of measured less predicted terminal voltage, per cell, last hour [V]."""
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


class Kpi(Shape):
    """A key figure of one vehicle or the fleet."""

    name: str
    title: str
    value: Number
    low: Number
    high: Number
    unit: str
    formula: str
    """As it is computed, for people."""
    evidence: str
    """What it rests on; where ``value`` is null, why it cannot be told yet."""


class VehicleKpis(Shape):
    """Key figures of one vehicle."""

    vehicle_id: str
    kpis: list[Kpi]


class Kpis(Shape):
    """Key figures of the fleet and of every vehicle."""

    fleet: list[Kpi]
    vehicles: list[VehicleKpis]
    next_cursor: str | None = None


class Location(Shape):
    """Where in a vehicle; indices from 1."""

    kind: Literal["cell", "module", "probe", "pack", "channel"]
    index: int | None
    cells: list[int]
    channel: str | None
    label: str
    """For people."""


class FindingRow(Shape):
    """One cause in one vehicle, and what became of it."""

    finding_id: str
    vehicle_id: str
    phenomenon: str
    title: str
    severity: Severity
    confidence: float
    location: Location
    raised_time: Time | None
    onset_time: Time | None
    """Where hindsight puts the beginning."""
    last_seen_time: Time | None
    age_second: Number
    """How long ago its evidence was last renewed [s]."""
    holds: bool
    """Whether the latest judgement still says so."""
    trend: str
    summary: str
    action: str
    confirm: str
    """What would confirm or refute it."""
    status: Status
    acknowledged_by: str | None
    acknowledged_time: Time | None
    outcome: Outcome | None
    work_order_time: Time | None
    """When work on it is planned."""
    notes: int


class Note(Shape):
    """What somebody did about a finding, or what became of it by itself."""

    note_id: str
    kind: Literal["acknowledge", "note", "work_order", "resolve", "reopen"]
    time: Time | None
    by: str
    text: str
    outcome: Outcome | None
    planned_time: Time | None
    """When the work is planned (work orders)."""


class PlotSeries(Shape):
    """One line or row of bars."""

    name: str
    values: list[Number]


class Plot(Shape):
    """A small series that shows evidence."""

    title: str
    kind: Literal["line", "bar"]
    x_label: str
    y_label: str
    x_is_time: bool
    """Whether ``x`` is unix seconds."""
    x: list[Number]
    series: list[PlotSeries]
    highlight: list[int]
    """Positions in ``x`` to point at."""


class Evidence(Shape):
    """One number behind a finding."""

    name: str
    value: Number
    low: Number
    high: Number
    unit: str
    basis: str
    plot: Plot | None


class SiblingMeasure(Shape):
    """One quantity of every sibling, in string order."""

    name: str
    unit: str
    basis: str
    values: list[Number]


class Siblings(Shape):
    """The place of a finding beside its siblings."""

    kind: Literal["cell", "probe", "none"]
    names: list[str]
    highlighted: list[int]
    """Indices, from 1."""
    measures: list[SiblingMeasure]


class FindingDetail(FindingRow):
    """A finding with all that is behind it."""

    evidence: list[Evidence]
    journal: list[Note]
    """What was done about it, oldest first."""
    siblings: Siblings


class Action(Shape):
    """What somebody does about a finding."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    by: str = Field(default="", max_length=120)
    """Who; where signing in is asked for, the name signed in with is taken instead."""
    text: str = Field(default="", max_length=4000)
    outcome: Outcome | None = None
    """What it turned out to be (when resolving)."""
    planned_time: Time | None = Field(default=None, max_length=40)
    """When work is planned; makes a note a work order."""


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


class Estimated(Shape):
    """A value with its 90 % interval."""

    value: Number
    low: Number
    high: Number


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
    source: Literal["rows", "summaries"]
    """``summaries``: made of chunks' own extremes, which are exact but dated to a minute or so."""
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


class Percentiles(Shape):
    """Of the newest thousand or so [s]."""

    p50: Number
    p99: Number
    samples: int


class Layer(Shape):
    """One layer of the chain now."""

    layer: Literal["vehicle", "edge", "bus", "cloud", "store", "api"]
    title: str
    state: Literal["ok", "warning", "down", "unknown"]
    text: str
    """What the state rests on, for people."""
    messages_per_second: Number
    bytes_per_second: Number
    lag_second: Percentiles | None
    pending: int | None
    figures: dict[str, float | int | str | None]
    """Further figures of this layer, names with units."""


class RoundTrip(Shape):
    """Sensor to cloud and back."""

    sensor_to_cloud_second: Percentiles
    """Frame at the edge to commit in the cloud, wall clock."""
    live_second: Percentiles
    """Frame at the edge to the cloud's live sample, wall clock."""
    cloud_to_edge_second: Percentiles
    """Command sent to its answer received, wall clock."""


class Chain(Shape):
    """The whole chain's traffic, lag and losses."""

    time: Time
    layers: list[Layer]
    round_trip: RoundTrip
    vehicles_online: int
    vehicles_offline: int
    outbox_records: int
    """What edges still hold, as they say."""
    committed_records: int
    duplicate_records: int
    conflict_records: int
    hole_records: int
    """Known to be missing and asked for."""
    lost_records: int
    """Given up: edges had to drop them and said so."""


class Meta(Shape):
    """What this service is."""

    name: str
    version: str
    demo: bool
    speed: float
    """Simulated seconds per second; 1 in real time."""
    can_period_second: Number
    """Between frames, where the demo had to lower the rate."""
    time: Time
    """The fleet's clock; simulated in a demo."""
    started_time: Time
    message: str
    vehicles: int
    signed_in_as: str | None
    sign_in: bool
    """Whether signing in is asked for."""


class Planted(Shape):
    """A fault that a demo has hidden."""

    vehicle_id: str
    phenomenon: str
    location: Location
    finding_id: str | None


class Truth(Shape):
    """What a demo has planted, beside what was found."""

    planted: list[Planted]
    found: list[Planted]
    missed: list[Planted]
    false: list[Planted]


class SignIn(Shape):
    """Who wants to sign in."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    name: str = Field(max_length=120)
    password: str = Field(max_length=1000)


class Session(Shape):
    """Who is signed in."""

    name: str


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


class Health(Shape):
    """Whether the service lives, or is ready."""

    status: Literal["ok", "starting", "failing"]
    text: str = ""
