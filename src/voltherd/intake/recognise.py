"""Guess which column is what, in which unit and direction, and say how sure.

Order of work: time, vehicle, families of cells and probes, scalars by name, scalars by physics,
units (temperatures and speeds jointly), the current's zero, unit and sign, and last the codes that
stand for 'no value', once a physical range is known.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, final

import numpy as np

from voltherd.errors import UnrecognisedError, UsageError
from voltherd.intake import names
from voltherd.intake.assign import Roles, assign
from voltherd.intake.clock import find_time, read_clock, zone
from voltherd.intake.current import find_scale, find_sign, find_zero
from voltherd.intake.evidence import Decision, Look, look, rule_for, without_codes
from voltherd.intake.grouping import cells_scale, group_rule, stack
from voltherd.intake.numbers import middle
from voltherd.intake.profile import ChannelRule, GroupRule, Profile, TimeRule, did_you_mean
from voltherd.intake.scales import pack_scale, plain_scale, speed_scale
from voltherd.intake.temperature import Scale, decide_temperatures
from voltherd.types.channel import CELL_VOLTAGE
from voltherd.types.report import Remark
from voltherd.types.table import RawTable

_UNSURE: Final = 0.8
_CELLS_FOR_LEVEL: Final = 5
_AMBIENT: Final = "ambient_temperature_celsius"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Recognition:
    """What was recognised in a table.

    Attributes:
        profile: The mapping to use.
        decisions: Each choice with its ground and how sure it is.
        remarks: What an owner of the data should know.
        unused: Source columns that nothing is made of.
        words: Canonical name to how it is converted, for people.
    """

    profile: Profile
    decisions: tuple[Decision, ...]
    remarks: tuple[Remark, ...]
    unused: tuple[str, ...]
    words: Mapping[str, str]


def recognise(table: RawTable, given: Profile | None = None, timezone: str = "UTC") -> Recognition:
    """Guess a table's profile.

    Args:
        table: The source.
        given: What is known already; it wins, the rest is guessed.
        timezone: Zone of stamps that name none.

    Returns:
        Profile, decisions and remarks.

    Raises:
        UsageError: When the given profile names a column that the table lacks, or the zone is
            unknown.
        UnrecognisedError: When no column tells time, or nothing is measured.
    """
    zone(timezone)
    given = given or Profile()
    _check_given(table, given)
    if not table.rows or not table.columns:
        raise UnrecognisedError("it holds no rows", where=table.source, mend="export it again")
    with np.errstate(all="ignore"):  # garbage is weighed like anything else, and loses
        return _recognise(table, given, timezone)


def _recognise(table: RawTable, given: Profile, timezone: str) -> Recognition:
    whole = look(table)
    seen = whole.only(frozenset(table.columns) - given.sources()) if given.sources() else whole
    time, time_decision = _time(seen, given, timezone)
    roles = assign(seen, given, time)
    decisions = [time_decision, *roles.decisions]
    scales = _scales(whole, roles, given, time)
    profile = _profile(whole, roles, scales, given, time)
    if profile.cells is None and not {"voltage_volt", "current_ampere"} & profile.scalar.keys():
        raise UnrecognisedError(
            f"no cell voltage, pack voltage or current among its {len(table.columns)} columns "
            f"({', '.join(list(table.columns)[:6])}{', …' if len(table.columns) > 6 else ''})",
            where=table.source,
            mend="name the columns in a profile",
        )
    decisions += [
        Decision(f"{role} unit", scale.words, scale.confidence, scale.why)
        for role, scale in scales.items()
        if role in profile.scalar or role in (names.CELLS, names.PROBES)
    ]
    remarks = (*roles.remarks, *(_doubt(decision) for decision in decisions if _doubtful(decision)))
    used = profile.sources()
    return Recognition(
        profile=profile,
        decisions=tuple(decisions),
        remarks=remarks,
        unused=tuple(name for name in table.columns if name not in used),
        words={role: scale.words for role, scale in scales.items()},
    )


def _check_given(table: RawTable, given: Profile) -> None:
    for name in sorted(given.sources() - set(given.ignore)):
        if name not in table.columns:
            raise UsageError(
                f"the profile names a column {name!r} that is not there",
                where=table.source,
                mend=did_you_mean(name, tuple(table.columns)),
            )


def _doubtful(decision: Decision) -> bool:
    return decision.confidence < _UNSURE


def _doubt(decision: Decision) -> Remark:
    return Remark(
        reason="uncertain",
        channel=decision.what,
        count=0,
        total=0,
        detail=f"{decision.choice} ({decision.confidence:.0%} sure): {decision.why}",
        mend="confirm or correct it in a profile",
    )


def _time(seen: Look, given: Profile, timezone: str) -> tuple[TimeRule, Decision]:
    if given.time is not None:
        return given.time, Decision("time", given.time.columns[0], 1.0, "given")
    choices = find_time(seen.table, seen.sample, timezone)
    if not choices:
        raise UnrecognisedError(
            f"no column tells time among {', '.join(list(seen.table.columns)[:8])}",
            where=seen.table.source,
            mend="name it in a profile under [time]",
        )
    best = choices[0]
    sure = 0.98 if len(choices) == 1 or best.score - choices[1].score > 0.5 else 0.8
    if "cannot be told apart" in best.why:
        sure = 0.6
    return best.rule, Decision(
        "time", f"{'+'.join(best.rule.columns)} ({best.rule.kind})", sure, best.why
    )


def _scales(seen: Look, roles: Roles, given: Profile, time: TimeRule) -> dict[str, Scale]:
    """Decide every conversion that is not given."""
    sample = {role: without_codes(seen.sample[column]) for role, column in roles.scalar.items()}
    units = {role: seen.unit(column) for role, column in roles.scalar.items()}
    scales = {role: plain_scale(role, values, units[role]) for role, values in sample.items()}
    if roles.cells:
        scales[names.CELLS] = cells_scale(stack(seen, roles.cells), seen.unit(roles.cells[0]))
    scales |= _temperatures(seen, roles, sample, units)
    second = read_clock(seen.table, time).second
    cells, rule = roles.cells, given.cells
    if rule is not None:
        cells, scales[names.CELLS] = rule.columns, Scale(rule.scale, rule.offset, "as given")
    level_scale = scales.get(names.CELLS)
    if "voltage_volt" in sample:
        total = _cell_sum(stack(seen, cells), level_scale) if cells and level_scale else None
        scales["voltage_volt"] = pack_scale(sample["voltage_volt"], total, units["voltage_volt"])
    if "speed_kilometre_per_hour" in sample:
        column = roles.scalar.get("odometer_kilometre")
        speed, way = speed_scale(
            second,
            without_codes(seen.whole(roles.scalar["speed_kilometre_per_hour"])),
            None if column is None else _positive(seen.whole(column)),
            scales["speed_kilometre_per_hour"],
        )
        scales["speed_kilometre_per_hour"] = speed
        if way is not None:
            scales["odometer_kilometre"] = way
    if "current_ampere" in sample:
        scales["current_ampere"] = _current(seen, roles, scales, second, cells)
    return scales


def _positive(values: np.ndarray) -> np.ndarray:
    return np.where(values > 0.0, values, np.nan)


def _temperatures(
    seen: Look, roles: Roles, sample: Mapping[str, np.ndarray], units: Mapping[str, str]
) -> dict[str, Scale]:
    groups = {role: v for role, v in sample.items() if "temperature_celsius" in role}
    declared = {role: units[role] for role in groups}
    if roles.probes:
        groups[names.PROBES] = stack(seen, roles.probes)
        declared[names.PROBES] = seen.unit(roles.probes[0])
    return decide_temperatures(groups, declared) if groups else {}


def _cell_sum(cells: np.ndarray, scale: Scale) -> np.ndarray:
    volts = cells * scale.scale + scale.offset
    good = (volts > 0.5) & (volts < 5.0)
    count = good.sum(axis=1)
    total = np.where(good, volts, 0.0).sum(axis=1)
    live = int(good.any(axis=0).sum())
    return np.asarray(np.where(count > 0.5 * live, total / np.maximum(count, 1) * live, np.nan))


def _current(
    seen: Look,
    roles: Roles,
    scales: Mapping[str, Scale],
    second: np.ndarray,
    cells: tuple[str, ...],
) -> Scale:
    """Decide the current's zero, unit and sign."""
    column = roles.scalar["current_ampere"]
    zero, why_zero = find_zero(without_codes(seen.sample[column]))
    current = without_codes(seen.whole(column)) - zero
    soc, speed = (
        without_codes(seen.whole(roles.scalar[role])) if role in roles.scalar else None
        for role in ("soc_fraction", "speed_kilometre_per_hour")
    )
    level = _whole_level(seen, cells)
    pack = float("nan")
    if "voltage_volt" in roles.scalar:
        source = without_codes(seen.whole(roles.scalar["voltage_volt"]))
        pack = middle(source) * scales["voltage_volt"].scale
        level = source if level is None else level
    elif cells:
        total = _cell_sum(stack(seen, cells), scales[names.CELLS])
        pack = middle(total)
    sign = find_sign(second, current, level, soc, speed)
    full = 1.0 / scales["soc_fraction"].scale if soc is not None else float("nan")
    consumption = _consumption(second, current, speed, pack, scales)
    scale = find_scale(
        current, pack, sign.capacity_hour * full, seen.unit(column), consumption, zero
    )
    if sign.confidence <= 0.5 and column == "current_ampere":
        sign = sign._replace(confidence=0.9, why=f"{sign.why}; the name's standard counts charging")
    direction = "charging positive" if sign.sign > 0 else "discharging positive, turned"
    words = [scale.words, direction if sign.confidence > 0.5 else "direction unknown, as written"]
    if zero:
        words.append(f"{zero:g} is no current")
    why = "; ".join(part for part in (sign.why, scale.why, why_zero) if part)
    factor = sign.sign * scale.scale
    return Scale(
        factor, -zero * factor, ", ".join(words), min(sign.confidence, scale.confidence), why
    )


def _consumption(
    second: np.ndarray,
    current: np.ndarray,
    speed: np.ndarray | None,
    pack: float,
    scales: Mapping[str, Scale],
) -> float:
    """Energy per distance while driving, were the current in A [Wh/km]; NaN where unknown."""
    if speed is None or not np.isfinite(pack):
        return float("nan")
    pace = speed * scales["speed_kilometre_per_hour"].scale
    drawn = current[(pace > 5.0) & np.isfinite(current)]
    if drawn.size < 60:
        return float("nan")
    return abs(float(drawn.mean())) * pack / float(np.nanmean(pace[pace > 5.0]))


def _whole_level(seen: Look, cells: tuple[str, ...]) -> np.ndarray | None:
    """Every row's usual cell voltage, in source units, from a few cells spread over the string."""
    if not cells:
        return None
    values = seen.table.columns[cells[0]]
    if values.ndim == 2:
        width = values.shape[1]
        few = np.unique(np.linspace(0, width - 1, _CELLS_FOR_LEVEL).astype(int))
        return np.asarray(np.median(values[:, few].astype(np.float64), axis=1))
    picked = np.unique(np.linspace(0, len(cells) - 1, _CELLS_FOR_LEVEL).astype(int))
    return np.asarray(np.median([seen.whole(cells[place]) for place in picked], axis=0))


def _profile(
    seen: Look, roles: Roles, scales: Mapping[str, Scale], given: Profile, time: TimeRule
) -> Profile:
    scalar: dict[str, ChannelRule] = dict(given.scalar)
    for role, column in roles.scalar.items():
        scalar[role] = rule_for(seen, role, column, scales[role])
    cells, probes = given.cells, given.probes
    if roles.cells:
        cells = group_rule(seen, roles.cells, roles.cell_indices, names.CELLS, scales[names.CELLS])
    if roles.probes:
        scale = scales.get(names.PROBES, Scale(1.0, 0.0, "taken as °C", 0.3, "no valid value"))
        probes = group_rule(seen, roles.probes, roles.probe_indices, names.PROBES, scale)
    if cells is None and "voltage_volt" in scalar and "odometer_kilometre" not in scalar:
        cells = _single_cell(seen, scalar["voltage_volt"])
    return Profile(
        time=time,
        cells=cells,
        probes=probes,
        scalar=scalar,
        vehicle=roles.vehicle,
        ignore=given.ignore,
    )


def _single_cell(seen: Look, rule: ChannelRule) -> GroupRule | None:
    """Take the only voltage for the cell under test, where it lies in a cell's band."""
    volts = (
        seen.sample[rule.column] * rule.scale + rule.offset if rule.column in seen.sample else None
    )
    known = volts[np.isfinite(volts)] if volts is not None else np.empty(0)
    if not known.size or np.mean((known > 0.9) & (known < CELL_VOLTAGE.maximum)) < 0.98:
        return None
    return GroupRule(
        columns=(rule.column,),
        indices=(1,),
        scale=rule.scale,
        offset=rule.offset,
        sentinels=rule.sentinels,
    )
