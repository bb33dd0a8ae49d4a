"""The numbers behind a state of charge that is misreported."""

from voltherd.detection.engine import Detection
from voltherd.detection.gauge import pack_of
from voltherd.detection.memory import capacity_ah
from voltherd.detection.verdict import Alarm
from voltherd.numerics.robust import median
from voltherd.types.event import Evidence


def gauge_evidence(alarm: Alarm, state: Detection) -> list[Evidence]:
    """Give what every witness says, the leading one first, and what helps to find the cause."""
    pack = pack_of(state.memory, state.asset)
    curve = f"the {pack.chemistry.value} curve" if pack.told else "the likely chemistry's curve"
    rests = f"{len(state.gauge.anchors.second)} rests read by {curve}"
    share = "% of the capacity"
    known = {
        "stand": ("charge that moved under one reading", share, "counted current"),
        "change": ("shown beyond what it used to", "points", f"{rests}; 90 % interval"),
        "per_day": ("moving away by", "points per day", "since then"),
        "offset": (
            "shown beyond the cells' resting voltage",
            "points",
            f"median of the last rests, by {curve}; makers' curves and limits differ that much",
        ),
        "jump": ("jumped, with next to nothing flowing, by", "points", "from one row to the next"),
        "pinned": ("charge that moved under a full or empty reading", share, "counted current"),
    }
    n = alarm.telling.numbers
    told = [
        _percent(*known[key], n[key], n.get(f"{key}_half")) for key in n if key in known and n[key]
    ]
    return told + _context(state)


def _percent(name: str, unit: str, basis: str, value: float, half: float | None) -> Evidence:
    low, high = (None, None) if half is None else (value - half, value + half)
    return Evidence(
        name=name,
        value=round(value * 100, 1),
        unit=unit,
        low=None if low is None else round(low * 100, 1),
        high=None if high is None else round(high * 100, 1),
        basis=basis,
    )


def _context(state: Detection) -> list[Evidence]:
    told = []
    if len(state.gauge.anchors.ampere):
        told.append(
            Evidence(
                name="current at rest",
                value=round(float(median(state.gauge.anchors.ampere, axis=0)), 2),
                unit="A",
                basis="median after an hour's rest; an offset of the current sensor shows here",
            )
        )
    counted = capacity_ah(state.memory)
    if counted is not None:
        nominal = state.asset.capacity_nominal_ah if state.asset is not None else None
        rated = "" if nominal is None else f"; rated {nominal:.0f} Ah"
        told.append(
            Evidence(
                name="capacity as current and reading tell it",
                value=round(counted, 1),
                unit="Ah",
                basis=f"charge counted over the change of the reading{rated}",
            )
        )
    return told
