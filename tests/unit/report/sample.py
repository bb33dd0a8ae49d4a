"""A triage report as a small fleet would give it, made up for the tests of this room."""

import math
import random
from dataclasses import replace

from voltherd.types.event import (
    Cause,
    Causes,
    Evidence,
    Finding,
    Location,
    LocationKind,
    Phenomenon,
    Plot,
    PossibleCause,
    Severity,
)
from voltherd.types.report import (
    Answer,
    CauseCount,
    ImportReport,
    Remark,
    TriageReport,
    VehicleSummary,
)

DAY = 86_400.0
END = 1_715_500_800.0  # 2024-05-12 08:00 UTC
START = END - 90 * DAY
HOSTILE = "<script>alert(1)</script>"

ANSWERS = (
    Answer(
        name="cell_deviation", title="Which cell stands apart from its siblings?", possible=True
    ),
    Answer(name="imbalance", title="How far is the pack out of balance?", possible=True),
    Answer(name="short_detection", title="Is a cell shorting inside?", possible=True),
    Answer(
        name="soc_audit", title="Is the state of charge the vehicle reports right?", possible=True
    ),
    Answer(
        name="capacity_soh",
        title="How much capacity is left?",
        possible=False,
        needs=("a slow charge over at least half the range", "current at 1 Hz or faster"),
    ),
    Answer(
        name="insulation",
        title="Is the high-voltage bus insulated?",
        possible=False,
        needs=("insulation_resistance_ohm that moves",),
    ),
)

REMARKS = (
    *(
        Remark(
            reason="sentinel",
            channel=f"T_{probe}",
            count=40_000,
            total=40_000,
            detail="255 stands for 'no value': every sample left out",
            examples=("row 1: 255", "row 2: 255"),
            mend="connect the probe, or leave the column out of the export",
        )
        for probe in range(8, 16)
    ),
    Remark(
        reason="duplicate_row",
        channel="",
        count=118,
        total=40_000,
        detail="same time and same values as the row before: dropped",
        examples=("2024-03-02T04:11:10Z",),
    ),
    Remark(
        reason="counter_fell",
        channel="mileage",
        count=11,
        total=40_000,
        detail="the odometer fell to 0 and came back: those values left out",
        examples=("row 1211: 0.0 after 48211.0",),
        mend="ask the telematics supplier what 0 means",
    ),
)


def import_report(vehicle_id: str = "car3") -> ImportReport:
    cells = tuple(
        (f"V_{k}", f"voltage_volt_cell_{k:03d}", "millivolt to volt") for k in range(1, 97)
    )
    probes = tuple(
        (f"T_{k}", f"temperature_celsius_probe_{k:03d}", "offset of +40 °C removed")
        for k in range(1, 17)
    )
    return ImportReport(
        source=f"data/{vehicle_id}.parquet",
        vehicle_id=vehicle_id,
        rows_read=40_118,
        rows_kept=40_000,
        mapping=(
            ("time", "unix_time_second", "text as UTC"),
            ("I", "current_ampere", "sign turned: charging is positive"),
            *cells,
            *probes,
            ("mileage", "odometer_kilometre", "as it is"),
        ),
        unused=("vin_hash", "remark"),
        remarks=REMARKS,
        answers=ANSWERS,
        timezone="no zone given: read as UTC",
        rate_hertz=0.1,
    )


def imbalance_plot() -> Plot:
    noise = random.Random(1)
    profile = tuple(
        round((-15.0 if k <= 35 else -15.0 + (k - 35) * 65.0 / 61.0) + noise.gauss(0.0, 2.5), 2)
        for k in range(1, 97)
    )
    return Plot(
        title="Cells 85 to 96 rest 50 mV above the string's median; the climb starts at cell 36",
        x_label="Cell in the string",
        y_label="Deviation at rest [mV]",
        x=tuple(float(k) for k in range(1, 97)),
        series=(("deviation", profile),),
        kind="bar",
        highlight=tuple(range(84, 96)),
    )


def drift_plot() -> Plot:
    noise = random.Random(2)
    days = range(91)
    own = tuple(
        None if 40 <= d <= 43 else -3.0 - max(0, d - 38) * 1.31 + noise.gauss(0.0, 1.2)
        for d in days
    )
    siblings = tuple(noise.gauss(0.0, 0.8) for _ in days)
    return Plot(
        title="Cell 41 falls away from its siblings by 1.3 mV a day since late March",
        x_label="Time [UTC]",
        y_label="Deviation at rest [mV]",
        x=tuple(START + d * DAY for d in days),
        series=(("cell 41", own), ("median of siblings", siblings)),
        x_is_time=True,
        highlight=(90,),
    )


def weak_plot() -> Plot:
    noise = random.Random(3)
    values = [round(noise.gauss(0.0, 2.0), 2) for _ in range(96)]
    values[1], values[80] = -61.2, -48.9
    return Plot(
        title="Cells 2 and 81 lie 12 standard deviations below their siblings in every state",
        x_label="Cell in the string",
        y_label="Deviation while driving [mV]",
        x=tuple(float(k) for k in range(1, 97)),
        series=(("deviation", tuple(values)),),
        kind="bar",
        highlight=(1, 80),
    )


def probe_plot() -> Plot:
    hours = range(49)
    siblings = tuple(22.0 + 6.0 * math.sin(h / 24 * 2 * math.pi) for h in hours)
    return Plot(
        title="Probe 3 reads 9 °C more than its siblings, whatever the pack does",
        x_label="Time [UTC]",
        y_label="Temperature [°C]",
        x=tuple(END - (48 - h) * 3600.0 for h in hours),
        series=(
            ("probe 3", tuple(t + 9.0 + 0.3 * math.cos(h) for h, t in enumerate(siblings))),
            ("median of siblings", siblings),
        ),
        x_is_time=True,
    )


def short_causes() -> Causes:
    return Causes(
        ranked=(
            PossibleCause(
                cause=Cause.INTERNAL_SHORT,
                probability=0.78,
                supporting=("its charge falls against the siblings day by day",),
                opposing=("insulation holds",),
            ),
            PossibleCause(cause=Cause.SWITCH, probability=0.17),
        ),
        told=True,
        unexplained=0.01,
        decide="unplug the sense harness for some days: does the loss go on?",
    )


def untold_causes() -> Causes:
    return Causes(
        ranked=(
            PossibleCause(cause=Cause.WEAK_CELL, probability=0.44),
            PossibleCause(cause=Cause.IMBALANCE, probability=0.38),
        ),
        told=False,
        unexplained=0.1,
        decide="charge and discharge fully at low current",
        missing=("data over a wider range of charge",),
    )


def short_finding() -> Finding:
    return Finding(
        vehicle_id="bus-7",
        location=Location(kind=LocationKind.CELL, index=41, cells=(41,), channel="CellVolt[40]"),
        phenomenon=Phenomenon.INTERNAL_SHORT,
        severity=Severity.SAFETY,
        raised_second=START + 47 * DAY,
        onset_second=START + 38 * DAY,
        last_seen_second=END - 7200.0,
        confidence=0.962,
        trend="growing: 1.3 mV a day, faster in the last week",
        summary="Cell 41 loses charge against its siblings day by day, as a cell with an internal "
        "short does.",
        action="Take the vehicle out of service, park it outdoors away from others, and have the "
        "module with cell 41 examined.",
        confirm="Let the pack rest for 24 h: a short takes the cell down by about 4 mV, a poor "
        "balance leaves it where it is.",
        evidence=(
            Evidence(
                name="self-discharge beyond siblings",
                value=38.4,
                unit="mA",
                low=31.2,
                high=45.9,
                basis="slope of the rest deviation over 52 days, 61 rests of an hour or more",
                plot=drift_plot(),
            ),
            Evidence(
                name="equivalent short resistance",
                value=96.0,
                unit="Ω",
                low=80.0,
                high=118.0,
                basis="3.69 V median over the self-discharge",
            ),
            Evidence(
                name="deviation at rest today",
                value=-71.3,
                unit="mV",
                low=-73.6,
                high=-69.0,
                basis="median of 9 rests in 7 days",
            ),
            Evidence(name="rests used", value=61.0, unit="1", basis="longer than an hour"),
        ),
        causes=short_causes(),
    )


def weak_finding() -> Finding:
    return Finding(
        vehicle_id="car3",
        location=Location(kind=LocationKind.CELL, index=2, cells=(2, 81), channel="V_2, V_81"),
        phenomenon=Phenomenon.WEAK_CELL,
        severity=Severity.RECOMMENDED,
        raised_second=START + 3 * 3600.0,
        onset_second=START,
        last_seen_second=END,
        confidence=0.994,
        trend="steady",
        summary="Cells 2 and 81 fall away from their siblings whenever the pack empties; they end "
        "the discharge before the others are used up.",
        action="Plan a visit: measure both cells' capacity and replace their modules.",
        confirm="A full slow charge and discharge logged at 1 Hz gives each cell's capacity within "
        "3 %.",
        evidence=(
            Evidence(
                name="deviation while driving",
                value=-61.2,
                unit="mV",
                low=-63.0,
                high=-59.5,
                basis="median of 1,204 windows of 10 minutes over 90 days",
                plot=weak_plot(),
            ),
            Evidence(
                name="distance from siblings",
                value=12.1,
                unit="σ",
                low=11.4,
                high=12.9,
                basis="robust spread of 96 cells",
            ),
        ),
        causes=untold_causes(),
    )


def imbalance_finding() -> Finding:
    return Finding(
        vehicle_id="car1",
        location=Location(kind=LocationKind.PACK, cells=tuple(range(85, 97))),
        phenomenon=Phenomenon.SOC_IMBALANCE,
        severity=Severity.OPERATING,
        raised_second=START + 20 * 3600.0,
        onset_second=START,
        last_seen_second=END - 5 * DAY,
        confidence=0.88,
        trend="steady over 90 days",
        summary="The upper end of the string holds more charge than the rest; no single cell is to "
        "blame.",
        action="Charge to full and leave the vehicle plugged in overnight, so that balancing can "
        "work.",
        confirm="After balancing the spread at rest falls below 15 mV.",
        evidence=(
            Evidence(
                name="charge difference, cells 85–96 against 1–35",
                value=4.6,
                unit="Ah",
                low=4.1,
                high=5.2,
                basis="deviation over the slope of the OCV, 212 rests",
                plot=imbalance_plot(),
            ),
            Evidence(name="range lost", value=3.1, unit="%", low=2.7, high=3.5, basis="of 150 Ah"),
        ),
    )


def probe_finding() -> Finding:
    return Finding(
        vehicle_id=HOSTILE,
        location=Location(kind=LocationKind.PROBE, index=3, channel="T_3 <b>&"),
        phenomenon=Phenomenon.TEMPERATURE_OUTLIER,
        severity=Severity.RECOMMENDED,
        raised_second=END - 30 * DAY,
        onset_second=END - 31 * DAY,
        last_seen_second=END - 3600.0,
        confidence=0.71,
        trend="steady",
        summary="Probe 3 reads 9 °C more than its siblings, resting or driving.",
        action="Compare the probe with a hand-held thermometer after a night's rest.",
        confirm="At rest all probes must agree within 2 °C.",
        evidence=(
            Evidence(
                name="offset against siblings",
                value=9.1,
                unit="°C",
                low=8.6,
                high=9.5,
                basis="312 rests",
                plot=probe_plot(),
            ),
        ),
    )


def channel_finding() -> Finding:
    return Finding(
        vehicle_id="car3",
        location=Location(kind=LocationKind.CHANNEL, channel="T_8 … T_15"),
        phenomenon=Phenomenon.CHANNEL_INVALID,
        severity=Severity.OPERATING,
        raised_second=START + 600.0,
        onset_second=START,
        last_seen_second=END,
        confidence=1.0,
        trend="steady",
        summary="Eight temperature probes report 255, the code for 'no value', in every row.",
        action="Find out whether the probes exist; until then half of the pack is unwatched for "
        "heat.",
        confirm="A live probe moves within minutes of driving.",
        evidence=(
            Evidence(name="rows without a value", value=1.0, unit="1", basis="40,000 of 40,000"),
        ),
    )


def vehicle(vehicle_id: str, *, cells: int = 96, last: float = END) -> VehicleSummary:
    return VehicleSummary(
        vehicle_id=vehicle_id,
        rows=40_000,
        first_second=START,
        last_second=last,
        cells=cells,
        answers=ANSWERS,
        imports=(import_report(vehicle_id),),
    )


def cause_count(*, by: str, cause: Cause | None, group: str = "") -> CauseCount:
    return CauseCount(
        by=by,
        group=group,
        cause=cause,
        findings=1,
        expected=0.78 if cause else 0.0,
        vehicles=1,
        vehicles_with_findings=2,
    )


def triage_report() -> TriageReport:
    """Six vehicles: three need attention, one is worth knowing, two show nothing."""
    quiet = vehicle("van-12")
    return TriageReport(
        generated_second=END + 3 * 3600.0,
        vehicles=(
            vehicle("bus-7", cells=104),
            vehicle("car1"),
            vehicle("car3"),
            vehicle(HOSTILE),
            replace(quiet, imports=(replace(quiet.imports[0], remarks=()),)),
            vehicle("van-9"),
        ),
        findings=(
            short_finding(),
            weak_finding(),
            probe_finding(),
            channel_finding(),
            imbalance_finding(),
        ),
        refused=(("data/notes.pdf", "not readable as CSV; leave it out, or convert it"),),
        truth_path="fleet/truth.json",
        root_causes=(
            cause_count(by="fleet", cause=Cause.INTERNAL_SHORT),
            cause_count(by="fleet", cause=None),
            cause_count(by="model", group="citybus 12", cause=Cause.INTERNAL_SHORT),
        ),
    )


def quiet_report() -> TriageReport:
    """Two vehicles in which nothing was found."""
    return TriageReport(
        generated_second=END + 3600.0, vehicles=(vehicle("van-12"), vehicle("van-9")), findings=()
    )


def empty_report() -> TriageReport:
    """Nothing could be read."""
    return TriageReport(
        generated_second=END, vehicles=(), findings=(), refused=(("x.csv", "the file is empty"),)
    )


def large_report() -> TriageReport:
    """Eighty vehicles, every tenth with a finding; names of every length."""
    vehicles = [vehicle(f"depot-{n:03d}") for n in range(80)]
    vehicles[10] = vehicle("WVWZZZ" + "0123456789ABCDEF" * 6)
    findings = [
        replace((weak_finding, channel_finding)[n % 20 == 0](), vehicle_id=vehicles[n].vehicle_id)
        for n in range(0, 80, 10)
    ]
    return TriageReport(
        generated_second=END + 3600.0, vehicles=tuple(vehicles), findings=tuple(findings)
    )
