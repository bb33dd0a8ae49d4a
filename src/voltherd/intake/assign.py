"""Which column plays which role: by name first, by values and physics where names are silent."""

from typing import NamedTuple

import numpy as np

from voltherd.intake import names
from voltherd.intake.evidence import Decision, Look
from voltherd.intake.families import Family, cell_scale, find_families, patterns
from voltherd.intake.grouping import number, stack
from voltherd.intake.numbers import as_text, is_numeric, to_numbers
from voltherd.intake.numbers import middle as middle_of
from voltherd.intake.physics import Context, find_roles
from voltherd.intake.profile import Profile, TimeRule
from voltherd.types.channel import SCALARS
from voltherd.types.report import Remark

_ID_ROWS_MIN = 4


class Roles(NamedTuple):
    """Who plays what; nothing of what was given.

    Attributes:
        scalar: Canonical name to source column.
        cells: Cell columns in order, or one array column.
        cell_indices: Their indices from 1.
        probes: Probe columns in order, or one array column.
        probe_indices: Their indices from 1.
        vehicle: Column that names the vehicle.
        decisions: Each choice with its ground.
        remarks: What an owner of the data should know.
    """

    scalar: dict[str, str]
    cells: tuple[str, ...]
    cell_indices: tuple[int, ...]
    probes: tuple[str, ...]
    probe_indices: tuple[int, ...]
    vehicle: str | None
    decisions: tuple[Decision, ...]
    remarks: tuple[Remark, ...]


def assign(seen: Look, given: Profile, time: TimeRule) -> Roles:
    """Give every role that is not given to at most one column.

    Args:
        seen: The columns that the given profile does not name.
        given: What is settled.
        time: The time columns.

    Returns:
        The roles.
    """
    decisions: list[Decision] = []
    remarks: list[Remark] = []
    vehicle = given.vehicle or _vehicle(seen, time)
    if vehicle is not None:
        decisions.append(
            Decision("vehicle", vehicle, 0.95, "its name or its values are identities")
        )
    taken = {*time.columns, *([vehicle] if vehicle else [])}
    free = {name: values for name, values in seen.sample.items() if name not in taken}
    families = _families(seen, free, given)
    in_family = {name for family in families for name in family.columns}
    scalar, spare, unfit = _by_name(
        {name: values for name, values in free.items() if name not in in_family}, given
    )
    decisions += [Decision(role, column, 0.95, "by name") for role, column in scalar.items()]
    remarks += unfit
    groups = {}
    for family in families:
        columns, indices, noticed = _numbered(seen, family)
        groups[family.role] = columns, indices
        remarks += noticed
        words = f"{len(indices)} columns, {columns[0]} … {columns[-1]}"
        decisions.append(Decision(family.role, words, 0.98 if family.named else 0.85, family.why))
    cells, cell_indices = groups.get(names.CELLS, ((), ()))
    probes, probe_indices = groups.get(names.PROBES, ((), ()))
    nothing = np.empty((len(seen.rows), 0))
    context = Context(
        step=seen.step,
        cells=stack(seen, cells) if cells else nothing,
        probes=stack(seen, probes) if probes else nothing,
        soc=seen.sample[scalar["soc_fraction"]] if "soc_fraction" in scalar else None,
    )
    left = {
        name: values
        for name, values in free.items()
        if name not in in_family | set(scalar.values()) | spare
        and names.role(name) is None
        and not names.speaks_of_else(name)
    }
    open_roles = frozenset(SCALARS).difference(scalar, given.scalar)
    for role, (column, why) in find_roles(left, context, open_roles).items():
        scalar[role] = column
        decisions.append(Decision(role, column, 0.85, why))
    return Roles(
        scalar,
        cells,
        cell_indices,
        probes,
        probe_indices,
        vehicle,
        tuple(decisions),
        tuple(remarks),
    )


def _families(seen: Look, free: dict[str, np.ndarray], given: Profile) -> list[Family]:
    """Find cells and probes among array columns, then among numbered ones."""
    found: dict[str, Family] = {}
    for name, values in seen.table.columns.items():
        if values.ndim == 2 and is_numeric(values):
            role = names.group_role(name)
            if role is None:
                middle = middle_of(to_numbers(values[seen.rows]))
                role = names.CELLS if cell_scale(middle) is not None else names.PROBES
            found.setdefault(role, Family(role, (name,), (), "one array column", True))
    counted = patterns(list(free))
    lone = {
        members[0]
        for members in counted.values()
        if len(members) == 1 and names.role(members[0]) not in (None, names.CELLS, names.PROBES)
    }
    # a statistic never joins a family by name; unnamed ones are found out by their values
    candidates = {name: values for name, values in free.items() if name not in lone}
    for family in find_families(candidates):
        found.setdefault(family.role, family)
    settled = {names.CELLS: given.cells, names.PROBES: given.probes}
    return [family for role, family in found.items() if settled[role] is None]


def _numbered(
    seen: Look, family: Family
) -> tuple[tuple[str, ...], tuple[int, ...], tuple[Remark, ...]]:
    values = seen.table.columns[family.columns[0]]
    if values.ndim == 2:
        return family.columns, tuple(range(1, values.shape[1] + 1)), ()
    return number(family)


def _by_name(
    free: dict[str, np.ndarray], given: Profile
) -> tuple[dict[str, str], set[str], tuple[Remark, ...]]:
    """Give roles by name; of several columns for one role the most plausible gets it."""
    wanted: dict[str, list[str]] = {}
    for name in free:
        role = names.role(name)
        if role in SCALARS and role not in given.scalar:
            wanted.setdefault(str(role), []).append(name)
    scalar, spare, unfit = {}, set(), []
    for role, columns in wanted.items():
        fit = [name for name in columns if _fits(role, free[name])]
        if fit:
            scalar[role] = max(fit, key=lambda name: _merit(role, name, free[name]))
        spare |= set(columns)
        unfit += [_unfit(role, name, free[name]) for name in columns if name not in fit]
    return scalar, spare, tuple(unfit)


def _unfit(role: str, name: str, values: np.ndarray) -> Remark:
    """Say why a column is not what its name says."""
    known = values[np.isfinite(values)]
    seen = "it holds no number"
    if known.size:
        seen = f"it goes from {known.min():.4g} to {known.max():.4g}, and is often below zero"
    return Remark(
        reason="not_used",
        channel=name,
        count=0,
        total=0,
        detail=f"named like {role}, but {seen}",
        mend=f"correct the source, or name its scale and offset in a profile under [scalar.{role}]",
    )


def _fits(role: str, values: np.ndarray) -> bool:
    known = values[np.isfinite(values)]
    if not known.size:
        return False
    if role in ("soc_fraction", "voltage_volt", "insulation_resistance_ohm"):
        return bool(np.mean(known < 0.0) < 0.2)
    return True


def _merit(role: str, name: str, values: np.ndarray) -> tuple[bool, bool, bool, int]:
    known = values[np.isfinite(values)]
    words = names.parse(name).words
    pack = any(f" {word} " in words for word in ("pack", "bms", "battery", "hv", "total"))
    return name == role, bool(np.ptp(known) > 0.0), pack, -len(name)


def _vehicle(seen: Look, time: TimeRule) -> str | None:
    """Find the column that names the vehicle: by its name, or by values like a VIN."""
    for name, values in seen.table.columns.items():
        if name in time.columns or values.ndim != 1 or values.dtype.kind in "fmMb":
            continue
        picked = values[seen.rows]
        named = names.role(name) == names.VEHICLE
        if values.dtype.kind in "iu":
            if named and np.unique(picked).size <= max(1, len(picked) // _ID_ROWS_MIN):
                return name
            continue
        if name in seen.sample and not named:
            continue
        words = as_text(picked)
        few = np.unique(words)
        repeats = few.size <= max(1, len(words) // _ID_ROWS_MIN)
        if repeats and (named or _like_vin(few)):
            return name
    return None


def _like_vin(words: np.ndarray) -> bool:
    """Tell identities of 17 capitals and digits without I, O and Q (ISO 3779)."""
    legal = set("ABCDEFGHJKLMNPRSTUVWXYZ0123456789")
    return all(len(word) == 17 and set(word.upper()) <= legal for word in words.tolist()[:64])
