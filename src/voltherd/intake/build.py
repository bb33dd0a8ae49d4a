"""From a raw table and its profile to canonical batches, one per vehicle, each with its account."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

import numpy as np

from voltherd.errors import InputError
from voltherd.intake import names
from voltherd.intake.align import (
    INTERVAL_SECOND_MAX,
    SURE_SECOND,
    estimate_skew_second,
    shifted,
)  # fmt: skip
from voltherd.intake.answers import answers
from voltherd.intake.checks import check_scalars, frozen_places, irregular_counts, rates
from voltherd.intake.clock import Clock, read_clock
from voltherd.intake.convert import Example, Group, convert_group, convert_scalar
from voltherd.intake.numbers import as_text
from voltherd.intake.profile import GroupRule, Profile, TimeKind
from voltherd.intake.recognise import Recognition
from voltherd.intake.rows import Rows, plan_rows, stamp
from voltherd.types.channel import (
    CELL_VOLTAGE,
    PROBE_TEMPERATURE,
    SCALARS,
    ChannelSpec,
    cell_column,
    probe_column,
    spec,
)  # fmt: skip
from voltherd.types.quality import INVALID, Quality
from voltherd.types.report import ImportReport, Remark
from voltherd.types.sample import SampleBatch
from voltherd.types.table import RawTable

_UNIT_OFFSETS: Final = (0.0, -273.15, -32.0 / 1.8)
_CELLS_FOR_SKEW: Final = 5
_NO_RATES: Final[Mapping[str, float]] = MappingProxyType({})


class _Places(NamedTuple):
    group: Group
    flag: np.ndarray
    labels: tuple[str, ...]
    remarks: tuple[Remark, ...]


def build(
    table: RawTable,
    recognition: Recognition,
    declared_hertz: Mapping[str, float] = _NO_RATES,
) -> list[tuple[SampleBatch, ImportReport]]:
    """Convert a table, vehicle by vehicle.

    Args:
        table: The source.
        recognition: What is what in it.
        declared_hertz: Declared rate by canonical channel, where the source declares one [Hz].

    Returns:
        One batch and report per vehicle, in order of first appearance.  Rows are in order of time;
        rows that share a stamp but not their content are all kept.

    Raises:
        InputError: When no row has a usable time.
    """
    with np.errstate(all="ignore"):  # what overflows is flagged as out of range or endless
        return _build(table, recognition, declared_hertz)


def _build(
    table: RawTable, recognition: Recognition, declared_hertz: Mapping[str, float]
) -> list[tuple[SampleBatch, ImportReport]]:
    profile = recognition.profile
    assert profile.time is not None
    clock = read_clock(table, profile.time)
    found: list[tuple[SampleBatch, ImportReport]] = []
    for vehicle_id, index in _vehicles(table, profile):
        elapsed = profile.time.kind is TimeKind.ELAPSED
        rows = plan_rows(clock.second, table.columns, index, elapsed, clock.sessions > 1)
        if not len(rows.second):
            continue
        total = table.rows if index is None else len(index)
        found.append(_one(table, recognition, clock, vehicle_id, rows, total, declared_hertz))
    if not found:
        raise _timeless(table.source, profile.time.columns, clock.second)
    return found


def _timeless(source: str, columns: tuple[str, ...], second: np.ndarray) -> InputError:
    """Say what the stamps read where none is usable."""
    known = second[np.isfinite(second)]
    what = f"no row has a usable time in {' + '.join(columns)}"
    if not known.size:
        return InputError(what, where=source, mend="name the time column in a profile")
    low, high = stamp(float(known.min())), stamp(float(known.max()))
    return InputError(
        f"{what}: it reads {low} to {high}, and a date from 1990 to 2100 is expected",
        where=source,
        mend="correct the clock's offset in the export, or name another time column in a profile",
    )


def stem_of(source: str) -> str:
    """Give a file's name without folder and endings.

    >>> stem_of("data/car3.parquet"), stem_of("cell7.bdf.csv"), stem_of("fleet/bus.7/")
    ('car3', 'cell7', 'bus.7')
    """
    folder = source.endswith(("/", "\\"))
    name = source.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    if not folder and "." in name.lstrip("."):
        name = name.rsplit(".", 1)[0].removesuffix(".bdf").removesuffix(".csv")
    return name or "vehicle"


def _vehicles(table: RawTable, profile: Profile) -> list[tuple[str, np.ndarray | None]]:
    """Split rows by vehicle; None stands for all rows."""
    stem = stem_of(table.source)
    if profile.vehicle is None:
        return [(table.vehicle_id or stem, None)]
    values = table.columns[profile.vehicle]
    if not len(values):
        return [(table.vehicle_id or stem, None)]
    if values.dtype.kind == "f":
        values = np.where(np.isfinite(values), values, -1.0).astype(np.int64)
    # only where the identity changes is it read as text: files are long runs of one vehicle
    change = np.asarray(values[1:] != values[:-1]).astype(bool)
    starts = np.concatenate(([0], np.flatnonzero(change) + 1))
    words = as_text(values[starts])
    distinct, first, run = np.unique(words, return_index=True, return_inverse=True)
    if len(distinct) == 1:
        return [(_identity(str(distinct[0]), stem), None)]
    owner = np.repeat(run, np.diff(np.append(starts, len(values))))
    order = np.argsort(first, kind="stable")
    return [
        (_identity(str(distinct[which]), stem), np.flatnonzero(owner == which)) for which in order
    ]


def _identity(word: str, stem: str) -> str:
    return stem if word in ("nan", "", "-1") else word


def _one(
    table: RawTable,
    recognition: Recognition,
    clock: Clock,
    vehicle_id: str,
    rows: Rows,
    total: int,
    declared_hertz: Mapping[str, float],
) -> tuple[SampleBatch, ImportReport]:
    profile = recognition.profile
    cells = _places(table, profile.cells, rows, CELL_VOLTAGE)
    probes = _places(table, profile.probes, rows, PROBE_TEMPERATURE)
    value: dict[str, np.ndarray] = {}
    flag: dict[str, np.ndarray] = {}
    remarks: list[Remark] = []
    for role, rule in profile.scalar.items():
        value[role], flag[role], noticed = convert_scalar(
            _kept(table.columns[rule.column], rows),
            rule,
            SCALARS[role],
            _teller(rows.second),
            _stored(table, rule.column, rows),
        )
        if "temperature" in role and not _is_unit(rule.offset):
            flag[role] = _corrected(flag[role])
        remarks += noticed
    skew = _align(value, flag, cells.group.value, rows)
    checked = check_scalars(value, flag, rows.second)
    batch = SampleBatch(
        vehicle_id=vehicle_id,
        unix_time_second=rows.second,
        cell_voltage_volt=cells.group.value,
        cell_quality=cells.flag,
        probe_temperature_celsius=probes.group.value,
        probe_quality=probes.flag,
        scalar=checked.value,
        scalar_quality=checked.flag,
        cell_names=cells.labels,
        probe_names=probes.labels,
    )
    flags = {CELL_VOLTAGE.name: cells.flag, PROBE_TEMPERATURE.name: probes.flag, **checked.flag}
    report = ImportReport(
        source=table.source,
        vehicle_id=vehicle_id,
        rows_read=total,
        rows_kept=batch.rows,
        mapping=_mapping(recognition),
        unused=recognition.unused,
        remarks=(
            *table.notes,
            *recognition.remarks,
            *clock.remarks,
            *rows.remarks,
            *cells.remarks,
            *probes.remarks,
            *remarks,
            *checked.remarks,
            *skew,
            *rates(flags, rows.rate_hertz, declared_hertz),
            *irregular_counts(table),
        ),
        answers=answers(batch),
        timezone=clock.told,
        rate_hertz=rows.rate_hertz,
    )
    return batch, report


def _align(
    value: dict[str, np.ndarray], flag: dict[str, np.ndarray], cells: np.ndarray, rows: Rows
) -> tuple[Remark, ...]:
    """Put the current on the cells' clock where the record shows how far the two are apart."""
    name = "current_ampere"
    if name not in value or not cells.shape[1] or rows.rate_hertz is None:
        return ()
    few = np.unique(np.linspace(0, cells.shape[1] - 1, _CELLS_FOR_SKEW).astype(int))
    fast = 1.0 / rows.rate_hertz <= INTERVAL_SECOND_MAX
    level = cells[:, few].mean(axis=1, dtype=np.float64) if fast else value[name]
    skew = estimate_skew_second(rows.second, value[name], rows.second, level)
    moved = skew.known and abs(skew.second) > SURE_SECOND
    if moved:
        # voltage stamped later than the current by the skew: read the current that much earlier
        aligned = shifted(rows.second, value[name], rows.second, -skew.second)
        good = np.isfinite(aligned)
        value[name] = np.where(good, aligned, value[name])
        flag[name] = np.where(good, _corrected(flag[name]), flag[name])
    words = "cells are stamped later than current by " if skew.known else "cells against current: "
    detail = f"{words}{skew.why}" + ("; the current was aligned" if moved else "")
    count = len(rows.second) if moved else 0
    return (
        Remark(reason="skew", channel=name, count=count, total=len(rows.second), detail=detail),
    )


def _teller(second: np.ndarray) -> Example:
    """Give what tells the time of a row, for examples."""
    return lambda row: stamp(float(second[row]))


def _kept(source: np.ndarray, rows: Rows) -> np.ndarray:
    return source if rows.order is None else source[rows.order]


def _stored(table: RawTable, column: str, rows: Rows) -> np.ndarray | None:
    """Give the flags that a canonical file holds for one of its columns."""
    flags = table.columns.get(column + names.QUALITY_SUFFIX)
    if flags is None or spec(column) is None or flags.dtype.kind not in "iuf":
        return None
    return _kept(flags, rows)


def _is_unit(offset: float) -> bool:
    return any(abs(offset - known) < 1e-9 for known in _UNIT_OFFSETS)


def _corrected(flag: np.ndarray) -> np.ndarray:
    """Mark usable values as changed beyond a unit conversion."""
    return np.where(flag & int(INVALID), flag, flag | np.uint8(Quality.CORRECTED))


def _places(table: RawTable, rule: GroupRule | None, rows: Rows, channel: ChannelSpec) -> _Places:
    count = len(rows.second)
    if rule is None:
        empty = Group(
            np.empty((count, 0), np.float32), np.empty((count, 0), np.uint8), (), np.empty(0, bool)
        )
        return _Places(empty, empty.flag, (), ())
    first = table.columns[rule.columns[0]]
    if first.ndim == 2:
        sources = [first[:, place] for place in range(first.shape[1])]
        labels = [f"{rule.columns[0]}[{place}]" for place in range(first.shape[1])]
    else:
        sources = [table.columns[name] for name in rule.columns]
        labels = list(rule.columns)
    group = convert_group(
        [_kept(source, rows) for source in sources],
        labels,
        rule,
        channel,
        _teller(rows.second),
        [_stored(table, label, rows) for label in labels],
    )
    named = dict(zip(rule.indices, labels, strict=True))
    column = cell_column if channel is CELL_VOLTAGE else probe_column
    every = tuple(named.get(i, f"{column(i)} (absent)") for i in range(1, rule.indices[-1] + 1))
    flag, frozen = frozen_places(group.flag, group.moves, every, channel)
    if channel is PROBE_TEMPERATURE and not _is_unit(rule.offset):
        flag = _corrected(flag)
    return _Places(group, flag, every, (*group.remarks, *frozen))


def _mapping(recognition: Recognition) -> tuple[tuple[str, str, str], ...]:
    """Say what became of each source column, how, and how sure that is."""
    profile = recognition.profile
    ground = {d.what.removesuffix(" unit"): d for d in recognition.decisions if "unit" in d.what}
    entries: list[tuple[str, str, str]] = []
    if profile.time is not None:
        entries.append((" + ".join(profile.time.columns), "unix_time_second", profile.time.kind))
    if profile.vehicle is not None:
        entries.append((profile.vehicle, "vehicle_id", "as written"))

    volts = profile.scalar.get("voltage_volt")
    single = bool(volts and profile.cells and profile.cells.columns == (volts.column,))

    def words(role: str) -> str:
        told = recognition.words.get(role, "as given in the profile")
        if role == names.CELLS and single:
            return "the only voltage, taken for the cell under test"
        decision = ground.get(role)
        if decision is None or decision.choice == "as given":
            return "as given in the profile" if decision else told
        return f"{told} ({decision.confidence:.0%} sure: {decision.why})"

    groups = (
        (names.CELLS, profile.cells, cell_column),
        (names.PROBES, profile.probes, probe_column),
    )
    for role, rule, column in groups:
        if rule is not None:
            source = rule.columns[0]
            if len(rule.columns) > 1:
                source += f" … {rule.columns[-1]} ({len(rule.columns)} columns)"
            canonical = column(rule.indices[0])
            if len(rule.indices) > 1:
                canonical += f" … {rule.indices[-1]:03d}"
            entries.append((source, canonical, words(role)))
    entries += [(rule.column, role, words(role)) for role, rule in profile.scalar.items()]
    return tuple(entries)
