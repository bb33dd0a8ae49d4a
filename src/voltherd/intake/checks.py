"""What the channels of one record say against one another: frozen, reset, swapped, irregular."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from voltherd.intake import names
from voltherd.intake.rows import stamp
from voltherd.types.channel import ChannelSpec, spec
from voltherd.types.quality import INVALID, Quality
from voltherd.types.report import Remark
from voltherd.types.table import RawTable

_MAY_REST: Final = frozenset(("warning_level", "charge_state"))
_ROWS_MIN: Final = 60
_PAIRS: Final = (
    ("cell_voltage_volt_max", "cell_voltage_volt_min"),
    ("temperature_celsius_max", "temperature_celsius_min"),
)
_COUNT_WORDS: Final = (" cycle count ", " cycle index ", " step count ", " step index ",
                       " cycle number ", " step number ", " cycle ")  # fmt: skip


class Scalars(NamedTuple):
    """Scalar channels with their flags.

    Attributes:
        value: By canonical name.
        flag: ``Quality`` by canonical name.
        remarks: What was found.
    """

    value: dict[str, np.ndarray]
    flag: dict[str, np.ndarray]
    remarks: tuple[Remark, ...]


def check_scalars(
    value: Mapping[str, np.ndarray], flag: Mapping[str, np.ndarray], second: np.ndarray
) -> Scalars:
    """Find frozen channels, counters that fall, and exchanged extremes.

    Args:
        value: Canonical channels, NaN where flagged.
        flag: ``Quality`` of each; arrays are changed only in copies.
        second: Time of each row [s].

    Returns:
        The channels with flags added.
    """
    values, flags = dict(value), dict(flag)
    remarks: list[Remark] = []
    for high, low in _PAIRS:
        if high in values and low in values:
            remarks += _exchanged(values, flags, high, low)
    if "odometer_kilometre" in values:
        remarks += _counter(values, flags, "odometer_kilometre", second)
    for name, channel in values.items():
        good = channel[np.isfinite(channel)]
        still = good.size >= _ROWS_MIN and not np.any(good != good[0])
        if name in _MAY_REST or not still or not _should_move(name, values):
            continue
        flags[name] = np.where(flags[name] & int(INVALID), flags[name], np.uint8(Quality.SUSPECT))
        remarks.append(
            Remark(
                reason="frozen",
                channel=name,
                count=int(good.size),
                total=len(channel),
                detail=f"always {good[0]:.6g} while other channels vary; nothing can rest on it",
                mend="check whether the vehicle measures it at all",
            )
        )
    return Scalars(values, flags, tuple(remarks))


def _should_move(name: str, values: Mapping[str, np.ndarray]) -> bool:
    """Tell whether a channel should have moved, given what the others did."""

    def highest(channel: str) -> float:
        return float(np.nanmax(np.abs(values[channel]), initial=0.0)) if channel in values else 0.0

    drove = highest("speed_kilometre_per_hour") > 5.0
    return drove if name == "odometer_kilometre" else drove or highest("current_ampere") > 0.0


def _exchanged(
    values: dict[str, np.ndarray], flags: dict[str, np.ndarray], high: str, low: str
) -> list[Remark]:
    both = np.isfinite(values[high]) & np.isfinite(values[low])
    wrong = both & (values[high] < values[low])
    count, total = int(wrong.sum()), int(both.sum())
    if not count:
        return []
    if count > 0.5 * total:
        values[high], values[low] = values[low], values[high]
        flags[high], flags[low] = (
            np.where(flags[name] & int(INVALID), flags[name], flags[name] | int(Quality.CORRECTED))
            for name in (low, high)
        )
        detail = f"{high} lies below {low}; the two were exchanged back"
    else:
        for name in (high, low):
            flags[name] = flags[name] | np.where(wrong, np.uint8(Quality.SUSPECT), np.uint8(0))
        detail = f"{high} lies below {low}; both are marked as suspect there"
    return [
        Remark(
            reason="swapped",
            channel=high,
            count=count,
            total=total,
            detail=detail,
            mend="check which of the two columns is which",
        )
    ]


def _counter(
    values: dict[str, np.ndarray], flags: dict[str, np.ndarray], name: str, second: np.ndarray
) -> list[Remark]:
    """Reject zeros of a counter that otherwise stands high; report other falls."""
    channel = values[name]
    known = np.isfinite(channel)
    remarks = []
    zero = known & (channel <= 0.0)
    if zero.any() and np.any(channel[known] > 0.0):
        values[name] = channel = np.where(zero, np.nan, channel)
        flags[name] = np.where(zero, np.uint8(Quality.REJECTED), flags[name])
        rows = np.flatnonzero(zero)
        remarks.append(
            Remark(
                reason="counter_reset",
                channel=name,
                count=len(rows),
                total=len(channel),
                detail="falls to 0 though a counter may only grow; those values were rejected",
                examples=tuple(stamp(float(second[row])) for row in rows[:3]),
                mend="check the telematics unit's power-up",
            )
        )
    rows = np.flatnonzero(np.isfinite(channel))
    falls = np.flatnonzero(np.diff(channel[rows]) < -0.5)
    if falls.size:
        largest = float(-np.diff(channel[rows])[falls].min())
        remarks.append(
            Remark(
                reason="counter_falls",
                channel=name,
                count=int(falls.size),
                total=len(channel),
                detail=f"falls though a counter may only grow, at most by {largest:.5g}",
                examples=tuple(stamp(float(second[rows[fall + 1]])) for fall in falls[:3]),
                mend="check whether two vehicles share an identity",
            )
        )
    return remarks


def frozen_places(
    flag: np.ndarray, moves: np.ndarray, labels: Sequence[str], channel: ChannelSpec
) -> tuple[np.ndarray, tuple[Remark, ...]]:
    """Mark cells or probes that never move while most of their siblings do.

    Args:
        flag: ``Quality``, rows by places.
        moves: Whether each place moves.
        labels: Source name of each place.
        channel: What it measures.

    Returns:
        Flags, a copy where something was marked, and the remark.
    """
    rows = len(flag)
    if rows < _ROWS_MIN or moves.mean() < 0.5 or moves.all():
        return flag, ()
    good = (flag[:, ~moves] & int(INVALID)) == 0
    still = np.flatnonzero(~moves)[good.sum(axis=0) >= _ROWS_MIN]
    if not still.size:
        return flag, ()
    marked = flag.copy()
    part = marked[:, still]
    marked[:, still] = np.where(part & int(INVALID), part, part | int(Quality.SUSPECT))
    remark = Remark(
        reason="frozen",
        channel=channel.name,
        count=int(still.size),
        total=len(moves),
        detail=f"never move while their siblings do: {', '.join(labels[i] for i in still[:16])}",
        mend="check the sensor and its wiring",
    )
    return marked, (remark,)


def irregular_counts(table: RawTable) -> tuple[Remark, ...]:
    """Report cycle and step counters that are no whole numbers or run backward.

    >>> table = RawTable(source="a", columns={"cycle_count": np.full(3, 6.283)})
    >>> irregular_counts(table)[0].reason
    'not_whole'
    """
    remarks = []
    for name, values in table.columns.items():
        if values.ndim != 1 or values.dtype.kind not in "iuf":
            continue
        if names.parse(name).words not in _COUNT_WORDS or not len(values):
            continue
        known = values[np.isfinite(values)]
        ragged = int(np.sum(known != np.round(known)))
        if ragged:
            remarks.append(
                Remark(
                    reason="not_whole",
                    channel=name,
                    count=ragged,
                    total=len(values),
                    detail="counts with fractions, such as "
                    f"{known[known != np.round(known)][0]:.6g}",
                    mend="a bug of the exporting software; the column is not used",
                )
            )
        elif " index " not in names.parse(name).words and np.any(np.diff(known) < 0):
            remarks.append(
                Remark(
                    reason="counter_falls",
                    channel=name,
                    count=int(np.sum(np.diff(known) < 0)),
                    total=len(values),
                    detail="runs backward; the column is not used",
                )
            )
    return tuple(remarks)


def rates(
    flags: Mapping[str, np.ndarray],
    rate_hertz: float | None,
    declared_hertz: Mapping[str, float],
) -> tuple[Remark, ...]:
    """Compare the rate of each channel with the declared one, or with the rows' own.

    Args:
        flags: ``Quality`` per channel, rows alone or rows by places.
        rate_hertz: Usual rate of rows.
        declared_hertz: Declared rate by canonical channel, over the channel table's.

    Returns:
        One remark per channel that comes at another rate.
    """
    if rate_hertz is None:
        return ()
    remarks = []
    for name, flag in flags.items():
        if not flag.size:
            continue
        absent = (flag & int(Quality.MISSING)) != 0
        if not absent.any():
            share = 1.0
        else:
            share = 1.0 - float((absent if absent.ndim == 1 else absent.all(axis=1)).mean())
        known = spec(name) or spec(f"{name}_001")
        wanted = declared_hertz.get(name, known.rate_hertz if known else None)
        actual = rate_hertz * share
        if wanted is not None and not 0.8 * wanted <= actual <= 1.25 * wanted:
            detail = f"comes at {actual:.4g} Hz, declared {wanted:.4g} Hz"
        elif wanted is None and share < 0.9:
            detail = (
                f"present in {share:.0%} of rows: {actual:.3g} Hz among rows at {rate_hertz:.4g} Hz"
            )
        else:
            continue
        count = round((1.0 - share) * len(flag))
        remarks.append(
            Remark(reason="rate", channel=name, count=count, total=len(flag), detail=detail)
        )
    return tuple(remarks)
