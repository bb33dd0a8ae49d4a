"""The audit of one vehicle's gauge on one page: what was compared, what it says, what to do."""

import math
from typing import Final

from voltherd.errors import InputError
from voltherd.estimation.cell_sample import SensorError
from voltherd.estimation.pack_trace import PackTrace, thinned
from voltherd.estimation.soc_audit import (
    BLOCKS_MIN,
    CYCLES_MIN,
    TOLERANCE,
    UNKNOWN,
    Cause,
    Interval,
    SocAudit,
    blocks_of,
    display,
    followed,
    soc_audit,
)
from voltherd.estimation.soc_ekf import SocEkf
from voltherd.estimation.soh_sheet import (
    WAKING_OHM,
    Capacities,
    PackFacts,
    assumed,
    capacities,
    check,
    resistance_of,
)
from voltherd.types.estimate import NORMAL_90
from voltherd.types.health import Figure, HealthSheet

THINNED_SECOND: Final = 30.0
GAP_SECOND: Final = 120.0
CURVE_HALF: Final = 0.08
"""Half of the 90 % interval of a curve of the right chemistry, as in detection."""
GUESSED_HALF: Final = 0.12
MODEL_VOLT: Final = 0.02
CAPACITY_SIGMA: Final = 0.03
"""Of a capacity that was given: packs leave the works, and age, some percent beside it."""

HEADLINE: Final = {
    Cause.NONE: "Nothing says that the reading is wrong; what cannot be told stands below.",
    Cause.FROZEN: "The reading stands still while charge moves.",
    Cause.CURRENT_OFFSET: "The reading drifts away; most likely it counts with an offset of the "
    "current.",
    Cause.WRONG_CAPACITY: "The reading moves by another measure than the charge; most likely it "
    "takes the capacity to be another.",
    Cause.UNLEARNED_OCV: "The reading is off by what depends on the charge alone; most likely its "
    "curve of the open-circuit voltage is not this battery's.",
    Cause.MISCALIBRATED: "The reading is off by more than curves differ.",
    Cause.JUMPING: "The reading jumps; most likely it corrects at once what it let grow.",
}
ACTION: Final = {
    Cause.NONE: "Nothing now.",
    Cause.FROZEN: "Restart the display's controller, then look again; do not plan by the reading.",
    Cause.CURRENT_OFFSET: "Recalibrate now: charge to full and let it rest; zero the current "
    "sensor if it comes back.",
    Cause.WRONG_CAPACITY: "Let the vehicle learn its capacity: from nearly empty to full in one "
    "charge, with a rest at both ends.",
    Cause.UNLEARNED_OCV: "Rest it for hours at some charges between empty and full, so that it can "
    "learn; look whether the chemistry given is right.",
    Cause.MISCALIBRATED: "Recalibrate now: charge to full and let it rest.",
    Cause.JUMPING: "Recalibrate: charge to full and let it rest; watch whether it jumps again.",
}


def audit_sheet(trace: PackTrace, facts: PackFacts) -> HealthSheet:
    """Write the page.

    Args:
        trace: The record.
        facts: What is known besides; a nameplate capacity is used where no other is known.

    Raises:
        InputError: There is no current, no reading, or no voltage to hold it against.
    """
    check(trace, facts.vehicle_id)
    for name, column, mend in (
        (
            "no state of charge of the vehicle's own",
            trace.soc_reported,
            "there is nothing to audit",
        ),
        ("no cell voltage", trace.cell_volt, "give --series N where the pack's voltage is there"),
    ):
        if not (column == column).any():
            raise InputError(name, where=facts.vehicle_id, mend=mend)
    found = resistance_of(trace, facts)
    told = capacities(trace, facts, found.resistance_ohm if found.known else WAKING_OHM)
    capacity, source = _capacity(told, facts)
    if capacity is None:
        return _nothing(trace, facts)
    even = thinned(trace, THINNED_SECOND)
    cell = facts._replace(capacity_ah=capacity).cell
    scale = found.resistance_ohm / cell.r0_ohm if found.known else 1.0
    estimator = SocEkf(
        parameters=cell,
        sensors=SensorError(),
        resistance_scale=scale,
        model_volt=MODEL_VOLT,
        curve_volt=facts.curve_volt,
        gap_second_max=GAP_SECOND,
    )
    own = followed(even, estimator, facts.records_joined)
    audit = soc_audit(
        trace,
        blocks_of(even, own, capacity),
        display(trace, capacity, facts.records_joined),
        capacity_ah=capacity,
        scale=_scale(told, facts),
        curve_half=CURVE_HALF if facts.told else GUESSED_HALF,
        records_joined=facts.records_joined,
    )
    return HealthSheet(
        vehicle_id=facts.vehicle_id,
        rows=trace.rows,
        first_second=float(trace.unix_time_second[0]),
        last_second=float(trace.unix_time_second[-1]),
        headline=HEADLINE[audit.cause],
        verdict=audit.cause.value,
        attention=audit.flagged,
        figures=_figures(audit, told, facts, float(trace.unix_time_second[-1])),
        assumed=(f"capacity {capacity:.1f} Ah, {source}", *assumed(facts)),
        action=ACTION[audit.cause] + _when(audit),
    )


def _capacity(told: Capacities, facts: PackFacts) -> tuple[float | None, str]:
    """Choose the capacity to reckon with, and say where it comes from."""
    if facts.capacity_ah and facts.present:
        return facts.capacity_ah, "as given"
    if told.own.known:
        return told.own.capacity_ah, f"identified from {told.own.charges} partial charges"
    if told.implied.known:
        return told.implied.capacity_ah, "as the reading itself implies, so its scale is not judged"
    return facts.capacity_ah, "the nameplate's, which age has made less"


def _scale(told: Capacities, facts: PackFacts) -> Interval:
    """Give reported over due change: the capacity there is, over that which the reading implies."""
    if not told.implied.known:
        return UNKNOWN
    # How far the reading's changes scatter, not how far its scale is believed to be off.
    implied, scatter = told.implied.capacity_ah, 0.01
    if facts.capacity_ah and facts.present:
        real, low, high = facts.capacity_ah, *_around(facts.capacity_ah, CAPACITY_SIGMA)
    elif told.own.known:
        real, low, high = told.own.capacity_ah, told.own.low_ah, told.own.high_ah
    else:
        return UNKNOWN
    return Interval(real / implied, low / implied - scatter, high / implied + scatter)


def _around(value: float, share: float) -> tuple[float, float]:
    return value * (1.0 - NORMAL_90 * share), value * (1.0 + NORMAL_90 * share)


def _nothing(trace: PackTrace, facts: PackFacts) -> HealthSheet:
    return HealthSheet(
        vehicle_id=facts.vehicle_id,
        rows=trace.rows,
        first_second=float(trace.unix_time_second[0]),
        last_second=float(trace.unix_time_second[-1]),
        headline="Cannot say: without a capacity no charge can be held against the reading.",
        figures=(),
        assumed=assumed(facts),
        action="Give the capacity with --capacity AH, or more of the record.",
    )


def _figures(
    audit: SocAudit, told: Capacities, facts: PackFacts, last: float
) -> tuple[Figure, ...]:
    few = f"cannot say yet ({audit.blocks} of {BLOCKS_MIN} half hours compared)"
    compared = f"{audit.blocks} half hours, {audit.cycles:.1f} equivalent full cycles"
    half = CURVE_HALF if facts.told else GUESSED_HALF
    short = few if audit.blocks < BLOCKS_MIN else _no_drift(audit, facts)
    return (
        _points(
            "offset",
            "Offset of the reading",
            audit.offset,
            few,
            last,
            (
                f"median over {compared}, reported less estimated by soc_ekf on the pack",
                f"makers' curves and their ideas of full and empty differ by {100 * half:.0f} "
                "points within a chemistry: that is the interval; no offset within it can be told",
            ),
        ),
        _points(
            "drift",
            "Drift in 100 equivalent full cycles",
            audit.drift,
            short,
            last,
            (
                f"over {compared}, {audit.days:.0f} days; what the curve bends is taken out",
                f"as an offset of the gauge's current while it counts, {audit.counted_hour:.1f} h "
                f"a day: {_amperes(audit.current_ampere)}",
                *_since(audit),
            ),
        ),
        _scale_figure(audit, told, facts, last),
        _points(
            "bend",
            "Difference that depends on the charge alone",
            audit.bend,
            few,
            last,
            (
                "the vehicle's curve and the one used here differ by as much over the charges seen",
                f"told as a fault from {200 * half:.0f} points on; below, either may be right",
            ),
        ),
        *_display_figures(audit, last),
    )


def _scale_figure(audit: SocAudit, told: Capacities, facts: PackFacts, last: float) -> Figure:
    return Figure(
        name="scale",
        title="Scale: how far the reading moves for the charge that flowed",
        unit="1",
        value=audit.scale.value if audit.scale.known else None,
        low=audit.scale.low if audit.scale.known else None,
        high=audit.scale.high if audit.scale.known else None,
        cannot=""
        if audit.scale.known
        else "cannot say: no capacity is known but the one that the reading implies",
        method="soh_window on rests over soh_window on the reading",
        evidence=(
            f"the reading implies {told.implied.told}",
            "the interval is that of the capacity it is held against",
        )
        if audit.scale.known
        else (),
        needs=() if facts.present else ("the present capacity (--capacity AH)",),
        last_second=last,
    )


def _display_figures(audit: SocAudit, last: float) -> tuple[Figure, ...]:
    return (
        Figure(
            name="stand",
            title="Largest share of the capacity moved under a standing reading",
            unit="1",
            value=audit.display.stand,
            method="counted",
            evidence=("a coarse reading stands for a step or two; frozen from 6 % on",),
            last_second=last,
        ),
        Figure(
            name="jumps",
            title="Jumps of 3 points and more without charge",
            unit="",
            value=float(audit.display.jumps),
            method="counted",
            evidence=(f"the largest: {100 * audit.display.jump:+.1f} points",)
            if audit.display.jumps
            else ("none",),
            last_second=audit.display.jump_second if audit.display.jumps else last,
        ),
    )


def _points(
    name: str, title: str, found: Interval, cannot: str, last: float, evidence: tuple[str, ...]
) -> Figure:
    if not found.known:
        return Figure(name=name, title=title, unit="points", cannot=cannot, method="soc_audit")
    return Figure(
        name=name,
        title=title,
        unit="points",
        value=100.0 * found.value,
        low=100.0 * found.low,
        high=100.0 * found.high,
        method="soc_audit",
        evidence=evidence,
        last_second=last,
    )


def _no_drift(audit: SocAudit, facts: PackFacts) -> str:
    if facts.records_joined:
        return "cannot say: the time between the records is not known"
    return f"cannot say yet ({audit.cycles:.1f} of {CYCLES_MIN:.0f} equivalent full cycles)"


def _amperes(found: Interval) -> str:
    if not found.known:
        return "not told"
    return f"{found.value:+.3f} A ({found.low:+.3f} to {found.high:+.3f})"


def _since(audit: SocAudit) -> tuple[str, ...]:
    if not math.isfinite(audit.flagged_cycles):
        return ()
    return (f"a live run would have said so after {audit.flagged_cycles:.0f} cycles",)


def _when(audit: SocAudit) -> str:
    """Say when to recalibrate where it is not now."""
    if audit.flagged or not math.isfinite(audit.cycles_left):
        return ""
    return (
        f" At the worst drift that the record allows, {100 * TOLERANCE:.0f} points are reached in "
        f"{audit.cycles_left:.0f} cycles: recalibrate by then."
    )
